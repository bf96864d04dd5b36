"""A plan's requirement asked about: why an interval needs its agents, what a promise would cost.

Both are worked out with the forecast the plan was made on and the very paths its risk level was
read off, so that the plan's own promise costs what the plan needs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property

import pandas as pd

from api.planning.plan import RISK_PATHS, seed_of
from api.planning.records import StoredPlan, Which, load_plan
from forecasting.scenarios.paths import Noise, paths_from
from scheduling import explain, looser, promise
from scheduling.explain import Explanation
from scheduling.looser import Alternatives
from scheduling.promise import Days, PromiseCost, promises
from scheduling.requirement import make_requirement
from wfm.brands import Brand
from wfm.errors import GoalOutOfReach, NotFound, RequestError
from wfm.paths import Paths
from wfm.progress import Progress, silent
from wfm.store.brands import load_brand
from wfm.store.engine import Store
from wfm.timegrid import floor_interval, format_instant

# Each is a requirement of the whole plan, a second or less.
MAX_PROMISES = 30


@dataclass(frozen=True, eq=False)
class RequirementBase:
    """A plan, ready to be asked about; a plan never changes, so it may be kept as long as `brand`.

    brand     as it is now, with the queues that the plan knows
    forecast  FORECAST that the plan was made on
    table     REQUIREMENT of the plan, rehearsals in
    """

    plan_id: int
    start: datetime
    end: datetime
    seed: int
    brand: Brand = field(repr=False)
    noise: Noise = field(repr=False)
    forecast: pd.DataFrame = field(repr=False)
    table: pd.DataFrame = field(repr=False)

    @cached_property
    def paths(self) -> Paths:
        """The sampled days that the plan's risk level was read off."""
        seed = seed_of(self.seed, "risk")
        return paths_from(self.forecast, self.noise, count=RISK_PATHS, seed=seed)

    @cached_property
    def own(self) -> pd.DataFrame:
        """REQUIREMENT of the brand's own promise, before any rehearsal."""
        made = make_requirement(
            self.forecast, self.paths, self.brand, start=self.start, end=self.end
        )
        return made.table

    def hours(self, queue: str | None = None) -> float:
        """Agent-hours of the plan's requirement, rehearsals in, of one queue or of all."""
        table = self.table if queue is None else self.table[self.table["queue"] == queue]
        return promise.hours_of(table)


def risk_named(text: str) -> Days:
    """Which days to staff for, as people write it: a quantile of days, or expected.

    >>> risk_named("0.8"), risk_named("expected")
    (0.8, 'expected')
    """
    if text == "expected":
        return "expected"
    try:
        return float(text)
    except ValueError:
        raise RequestError(
            f"{text[:40]!r} is no risk; write a quantile of days such as 0.8, or expected"
        ) from None


def load_base(store: Store, which: Which) -> RequirementBase:
    """The plan with its requirement and all that this was made from."""
    return base_of(load_plan(store, which))


def base_of(plan: StoredPlan) -> RequirementBase:
    """`load_base` of a plan that is at hand."""
    with plan.store.reading() as connection:
        brand = load_brand(connection)
    forecast = plan.forecast()
    known = set(forecast["queue"])
    queues = tuple(queue for queue in brand.queues if queue.name in known)
    if not queues:
        raise NotFound(
            f"plan {plan.plan_id} was made for {', '.join(sorted(known))}; {brand.name} has none "
            "of these queues any more",
            plan_id=plan.plan_id,
        )
    return RequirementBase(
        plan_id=plan.plan_id,
        start=plan.start,
        end=plan.end,
        seed=plan.seed,
        brand=replace(brand, queues=queues),
        noise=Noise.from_document(plan.lineage["noise"]),
        forecast=forecast,
        table=plan.requirement(),
    )


def alternatives(base: RequirementBase, queue: str, progress: Progress = silent) -> Alternatives:
    """The queue's requirement with each of its rules made looser: for all its explanations."""
    return looser.alternatives(
        base.forecast,
        base.paths,
        base.brand,
        start=base.start,
        end=base.end,
        queue=queue,
        progress=progress,
    )


def explain_at(base: RequirementBase, known: Alternatives, instant: datetime) -> Explanation:
    """Why the interval that `instant` lies in needs its agents; NotFound outside of the plan."""
    at = floor_interval(instant)
    rows = base.table[
        (base.table["start"] == pd.Timestamp(at)) & (base.table["queue"] == known.queue.name)
    ]
    if rows.empty:
        raise _uncovered(base, known.queue.name, at)
    return explain.explain(rows.iloc[0], known)


def explain_interval(
    store: Store, which: Which, queue: str, instant: datetime, progress: Progress = silent
) -> Explanation:
    """Why the plan needs its agents on a queue, in the interval that `instant` lies in.

    NotFound for an unknown plan or queue, or when the plan does not cover the instant.
    """
    base = load_base(store, which)
    base.brand.queue(queue)
    if not base.start <= instant < base.end:
        raise _uncovered(base, queue, instant)
    return explain_at(base, alternatives(base, queue, progress), instant)


def _uncovered(base: RequirementBase, queue: str, at: datetime) -> NotFound:
    zone = base.brand.tz
    last = base.end.astimezone(zone).date() - timedelta(days=1)
    return NotFound(
        f"plan {base.plan_id} says nothing of queue {queue!r} at {format_instant(at)}; it covers "
        f"{base.start.astimezone(zone).date()} to {last}",
        queue=queue,
    )


def promise_costs_of(
    base: RequirementBase,
    *,
    queue: str | None = None,
    shares: Sequence[float] = (),
    thresholds_s: Sequence[int] = (),
    risks: Sequence[Days] = (),
    progress: Progress = silent,
) -> list[PromiseCost]:
    """What every combination of these would cost over the plan, on one queue or on all.

    What is not given stays as it is; with nothing given it is the plan's own promise. RequestError
    for more than 30 combinations.
    """
    count = math.prod(max(len(given), 1) for given in (shares, thresholds_s, risks))
    if count > MAX_PROMISES:  # before any is made: some thousand of each are beyond all memory
        raise RequestError(
            f"{count:,} combinations of share, time and risk; ask for {MAX_PROMISES} at most"
        )
    asked = promises(shares, thresholds_s, risks)
    try:
        own = base.own
    except GoalOutOfReach:
        # A goal of the brand as it is now; the costs tell of it.
        own = None
    return promise.promise_costs(
        base.forecast,
        base.paths,
        base.brand,
        start=base.start,
        end=base.end,
        asked=asked,
        queue=queue,
        own=own,
        progress=progress,
    )


def promise_costs(
    store: Store,
    which: Which,
    *,
    queue: str | None = None,
    shares: Sequence[float] = (),
    thresholds_s: Sequence[int] = (),
    risks: Sequence[Days] = (),
    progress: Progress = silent,
) -> list[PromiseCost]:
    """`promise_costs_of` a plan of the store; NotFound for an unknown plan or queue."""
    base = load_base(store, which)
    return promise_costs_of(
        base,
        queue=queue,
        shares=shares,
        thresholds_s=thresholds_s,
        risks=risks,
        progress=progress,
    )
