"""Certificates of plans: made anew on fresh days, listed, and held against what came.

A plan is published with a certificate of its own. `certify_plan` makes another one of the same
forecast and roster, on days that no earlier one has seen. `score_due` scores the own certificates
of published plans on recorded cases, `calibration` tells how far they could be believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Literal

from api.planning.asked import check_seed
from api.planning.outcomes import Extents, extents_of, recorded_of
from api.planning.records import MAX_REPLICATIONS, Which, load_plan
from api.planning.restaging import check_queues, fresh_seed, made_on, on_floor
from forecasting.scenarios.paths import Noise, paths_from
from scheduling.calibration import Calibration, calibrate, score
from scheduling.certificate import Certificate, GoalResult, certify
from wfm.brands import Brand
from wfm.errors import RequestError
from wfm.progress import Progress, part, silent
from wfm.store import certificates, plans, results
from wfm.store.brands import load_brand
from wfm.store.certificates import CertificateRow, Promised
from wfm.store.documents import from_document, to_document
from wfm.store.engine import Store
from wfm.timegrid import local_day, local_midnight

REPLICATIONS = 200
MAX_DAYS_BACK = 3_660
DAY = timedelta(days=1)
# Cases recorded this long after a plan's end still tell up to when its last cases waited.
AFTER = timedelta(weeks=1)

# Whose name stands at scores: nobody's in particular.
SCORER = "scoring"

Scope = Literal["hour", "day"]


@dataclass(frozen=True)
class CertifyRequest:
    """What is to be certified.

    plan          an id, "latest" or "current"
    replications  sampled days that are simulated, 2 to 2,000
    seed          None: a fresh one, never used for this plan before
    """

    plan: Which
    replications: int = REPLICATIONS
    seed: int | None = None

    def __post_init__(self) -> None:
        if not 2 <= self.replications <= MAX_REPLICATIONS:
            raise RequestError(
                f"replications is {self.replications}; it lies between 2 and {MAX_REPLICATIONS:,}"
            )
        if self.seed is not None:
            check_seed(self.seed)

    def to_document(self) -> dict[str, Any]:
        document: dict[str, Any] = to_document(self)
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> CertifyRequest:
        return cls(
            plan=document["plan"],
            replications=int(document.get("replications", REPLICATIONS)),
            seed=document.get("seed"),
        )


# -- making one ----------------------------------------------------------------------------------


def certify_plan(
    store: Store,
    request: CertifyRequest,
    actor: str,
    progress: Progress = silent,
    *,
    job_id: str | None = None,
) -> int:
    """Simulate the plan's roster on freshly sampled days and keep the certificate; gives its id.

    Forecast, noise and roster are those kept with the plan, with the shifts of the roster before
    that reach into it; the promises and service windows are the brand's of today. Queues are empty
    at the plan's start.

    job_id  the job that makes it: carried out again, it finds the certificate it kept

    Raises NotFound without the plan, RequestError for a seed that the plan was made on, DataError
    where the brand has changed its queues since.
    """
    if job_id is not None:
        with store.reading() as connection:
            kept = certificates.made_by(connection, job_id)
        if kept is not None:
            return kept
    progress(0.0, "loading")
    plan = load_plan(store, request.plan)
    with store.reading() as connection:
        brand = load_brand(connection)
        used = certificates.seeds(connection, plan.plan_id)
    seed = fresh_seed(plan, used) if request.seed is None else request.seed
    if seed in made_on(plan):
        raise RequestError(
            f"seed {seed} is one that plan {plan.plan_id} was made on, and would flatter it; "
            "name another, or none for a fresh one",
            seed=seed,
        )
    forecast = plan.forecast()
    check_queues(plan, forecast, brand)
    noise = Noise.from_document(plan.lineage["noise"])
    progress(0.02, "sampling days")
    made = certify(
        on_floor(plan, brand),
        forecast,
        paths_from(forecast, noise, count=request.replications, seed=seed),
        brand,
        start=plan.start,
        end=plan.end,
        seed=seed,
        progress=part(progress, 0.1, 0.98),
    )
    progress(0.98, "keeping the certificate")
    with store.writing(actor) as writing:
        certificate_id = certificates.insert(
            writing, plan.plan_id, made.to_document(), seed=seed, job_id=job_id
        )
        after = {"plan": plan.plan_id, "seed": seed, "replications": request.replications}
        writing.audit("certificate.keep", str(certificate_id), after=after)
    return certificate_id


# -- reading -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StoredCertificate:
    """A certificate as it is kept; all but its goals is read when asked for.

    own    whether the plan was made, and maybe published, with it
    goals  one result a promise; the last is the line of all queues
    """

    certificate_id: int
    plan_id: int
    seed: int
    replications: int
    made_at: datetime
    actor: str
    own: bool
    messages: int
    goals: tuple[GoalResult, ...] = field(repr=False)
    store: Store = field(repr=False)

    @property
    def kept(self) -> bool:
        """Whether every promise of every queue is kept in each of its units."""
        return all(goal.kept for goal in self.goals if goal.queue)

    @property
    def overall(self) -> GoalResult | None:
        """First responses of all queues."""
        return self.goals[-1] if self.goals else None

    @cached_property
    def document(self) -> dict[str, Any]:
        with self.store.reading() as connection:
            return certificates.document(connection, self.certificate_id)

    @cached_property
    def certificate(self) -> Certificate:
        return Certificate.from_document(self.document)


def load(store: Store, certificate_id: int) -> StoredCertificate:
    """The certificate with the id; NotFound when there is none."""
    with store.reading() as connection:
        return _stored(store, certificates.find(connection, certificate_id))


def listing(
    store: Store, plan: Which | None = None, *, limit: int = 50, before: int | None = None
) -> tuple[StoredCertificate, ...]:
    """Certificates of a plan, or of all, the newest first; the plan's own is its oldest.

    before  continues after the certificate of this id

    NotFound without the plan.
    """
    with store.reading() as connection:
        plan_id = None if plan is None else plans.find(connection, plan).plan_id
        rows = certificates.listing(connection, plan_id=plan_id, limit=limit, before=before)
    return tuple(_stored(store, row) for row in rows)


def _stored(store: Store, row: CertificateRow) -> StoredCertificate:
    return StoredCertificate(
        certificate_id=row.certificate_id,
        plan_id=row.plan_id,
        seed=row.seed,
        replications=row.replications,
        made_at=row.made_at,
        actor=row.actor,
        own=row.own,
        messages=row.summary.get("messages", 0),
        goals=tuple(from_document(GoalResult, goal) for goal in row.summary.get("goals", ())),
        store=store,
    )


# -- what came -----------------------------------------------------------------------------------


def score_due(store: Store, progress: Progress = silent) -> int:
    """Score the certificates of published plans of whose days more is known than they know.

    By the hour and the day, on imported cases and on those of our own queue. Done again it changes
    nothing. Gives how many certificates were scored.
    """
    with store.reading() as connection:
        promised = certificates.promised(connection)
        if not promised:
            return 0
        brand = load_brand(connection)
        due = []
        for one in promised:
            newest = results.newest_import(connection, one.start, one.end + AFTER)
            changed = results.own_changed(connection, one.start, one.end)
            if newest > one.scored_import or _is_behind(one, changed, store.clock.now(), brand):
                due.append((one, newest))
        extents = extents_of(connection)
    scored = 0
    for i, (one, newest) in enumerate(due):
        progress(i / len(due), f"scoring the certificate of plan {one.plan_id}")
        rows = _score(store, one, brand, extents)
        with store.writing(SCORER) as writing:
            kept = certificates.write_scores(
                writing, one.certificate_id, rows, import_id=max(newest, one.scored_import)
            )
        scored += kept and bool(rows)
    progress(1.0, "certificates scored")
    return scored


def _is_behind(one: Promised, changed: datetime | None, now: datetime, brand: Brand) -> bool:
    """Whether our own queue has more to tell of the plan's days than when it was scored.

    changed  when one of its cases changed last, None without any
    """
    if changed is None or one.scored_at is None:
        return changed is not None
    # A day that has ended since may be scored now, though no case of it has changed.
    ended = local_day(min(now, one.end + DAY), brand.tz) > local_day(one.scored_at, brand.tz)
    return changed > one.scored_at or ended


def _score(
    store: Store, one: Promised, brand: Brand, extents: Mapping[str, Extents]
) -> list[dict[str, Any]]:
    """Scores of the certificate on what is recorded of its days."""
    now = store.clock.now()
    with store.reading() as connection:
        certificate = Certificate.from_document(
            certificates.document(connection, one.certificate_id)
        )
        recorded = {
            queue.name: recorded_of(
                connection, queue, one.start, one.end, extents=extents[queue.name], now=now
            )
            for queue in brand.queues
            if queue.name in extents
        }
    return score(certificate, brand, recorded)


def calibration(
    store: Store,
    days: int | None = None,
    *,
    scope: Scope = "day",
    queue: str | None = None,
) -> Calibration:
    """How certificates of published plans compare with what came, as far as they are scored.

    days   only the last so many local days before now; None: all
    queue  only this queue's lines; None: all

    Of each day the plan counts that was in force. NotFound for an unknown queue.
    """
    if days is not None and not 1 <= days <= MAX_DAYS_BACK:
        raise RequestError(f"days is {days}; look back over 1 to {MAX_DAYS_BACK:,} days")
    with store.reading() as connection:
        promised = certificates.promised(connection)
        if not promised:
            return calibrate(())
        brand = load_brand(connection)
        if queue is not None:
            brand.queue(queue)
        since = None
        if days is not None:
            first = local_day(store.clock.now(), brand.tz) - timedelta(days=days)
            since = local_midnight(first, brand.tz)
        rows = certificates.score_rows(connection, scope=scope, queue=queue, since=since)
    return calibrate(_in_force(rows, promised, brand))


def _in_force(
    rows: Iterable[Mapping[str, Any]], promised: Sequence[Promised], brand: Brand
) -> Iterable[Mapping[str, Any]]:
    """The rows of the plan that was in force on their day.

    That is the last that was published before the day was over; where none was, the last of all:
    then it was published afterwards.
    """
    chosen: dict[Any, tuple[int, bool]] = {}
    for row in rows:
        day = local_day(row["start"], brand.tz)
        if day not in chosen:
            ends = local_midnight(day + DAY, brand.tz)
            covering = [p for p in promised if p.start <= row["start"] < p.end]
            in_time = [p for p in covering if p.published_at < ends]
            last = (in_time or covering)[-1]
            chosen[day] = last.certificate_id, not in_time
        certificate_id, afterwards = chosen[day]
        if row["certificate_id"] == certificate_id:
            yield {**row, "afterwards": afterwards}
