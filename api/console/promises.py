"""What the console asks of a plan's promises: why they need their agents, what others would cost,
what was certified of them and how that held.

A plan is immutable, so what was worked out for it is kept in the process, for the brand as it is.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from api.planning import certificates, requirements
from api.planning.certificates import CertifyRequest, StoredCertificate
from api.planning.requirements import RequirementBase
from scheduling.calibration import Calibration
from scheduling.certificate import Certificate
from scheduling.explain import Explanation
from scheduling.looser import Alternatives
from scheduling.promise import Promise, PromiseCost
from wfm.errors import StoreBusy, TryLater
from wfm.store.brands import load_brand
from wfm.store.engine import Store

if TYPE_CHECKING:
    from api.jobs import Jobs

T = TypeVar("T")

KEPT_BASES = 2
KEPT_ALTERNATIVES = 12
KEPT_COSTS = 500
KEPT_CERTIFICATES = 6
CERTIFY_JOB = "certify"


class Promises:
    """Reads for one console, from any of its threads; `queue` "" is all queues together."""

    def __init__(self, store: Store, jobs: Jobs | None = None) -> None:
        self._store = store
        self._jobs = jobs
        self._lock = threading.RLock()
        self._bases: OrderedDict[Any, RequirementBase] = OrderedDict()
        self._alternatives: OrderedDict[Any, Alternatives] = OrderedDict()
        self._costs: OrderedDict[Any, PromiseCost] = OrderedDict()
        self._certificates: OrderedDict[int, Certificate] = OrderedDict()

    def explain(self, plan_id: int, queue: str, at: datetime) -> Explanation:
        """Why the interval needs its agents; WfmError where that cannot be told.

        The first of a queue takes a second or more, those after it no time.
        """
        with self._lock:
            base = self._base(plan_id)
            known = self._kept(
                self._alternatives,
                (plan_id, base.brand, queue),
                KEPT_ALTERNATIVES,
                partial(requirements.alternatives, base, queue),
            )
        return requirements.explain_at(base, known, at)

    def cost(self, plan_id: int, queue: str, promise: Promise) -> PromiseCost:
        """What the promise costs over the plan; WfmError where no goal can be such."""
        with self._lock:
            base = self._base(plan_id)

            def work() -> PromiseCost:
                (cost,) = requirements.promise_costs_of(
                    base,
                    queue=queue or None,
                    shares=() if promise.share is None else (promise.share,),
                    thresholds_s=() if promise.threshold_s is None else (promise.threshold_s,),
                    risks=() if promise.risk is None else (promise.risk,),
                )
                return cost

            return self._kept(self._costs, (plan_id, base.brand, queue, promise), KEPT_COSTS, work)

    def certificates(self, plan_id: int) -> tuple[StoredCertificate, ...]:
        """Certificates of the plan, the newest first."""
        return certificates.listing(self._store, plan_id)

    def certificate(self, certificate_id: int) -> Certificate:
        """The certificate with the id; NotFound without it."""

        def read() -> Certificate:
            return certificates.load(self._store, certificate_id).certificate

        with self._lock:
            return self._kept(self._certificates, certificate_id, KEPT_CERTIFICATES, read)

    def certify(self, plan_id: int, actor: str) -> str:
        """Submit the job that certifies the plan on fresh days; gives its id."""
        if self._jobs is None:
            raise TryLater("no jobs are carried out here; start the service with `wfm serve`")
        request = CertifyRequest(plan_id)
        return self._jobs.submit(CERTIFY_JOB, request.to_document(), actor)

    def calibration(self) -> Calibration:
        """How the certificates of published plans held, as far as cases are recorded."""
        with suppress(StoreBusy):  # then without the newest cases
            certificates.score_due(self._store)
        return certificates.calibration(self._store)

    # -- inside -----------------------------------------------------------------------------------

    def _base(self, plan_id: int) -> RequirementBase:
        with self._store.reading() as connection:
            brand = load_brand(connection)
        read = partial(requirements.load_base, self._store, plan_id)
        return self._kept(self._bases, (plan_id, brand), KEPT_BASES, read)

    @staticmethod
    def _kept(held: OrderedDict[Any, T], key: Any, most: int, read: Callable[[], T]) -> T:
        if key not in held:
            held[key] = read()
            while len(held) > most:
                held.popitem(last=False)
        held.move_to_end(key)
        return held[key]
