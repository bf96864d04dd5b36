"""What another promise would cost: the requirement made again with it, in agent-hours and peak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from typing import Literal, TypeVar

import pandas as pd

from scheduling.requirement import make_requirement
from wfm.brands import Brand, Planning, Queue
from wfm.errors import GoalOutOfReach, RequestError
from wfm.paths import Paths
from wfm.progress import Progress, silent
from wfm.sla import ServiceGoal
from wfm.timegrid import INTERVAL_S

T = TypeVar("T")
Days = float | Literal["expected"]

# Quantiles of days that paths tell well enough, as in the brand file.
LONGEST_S = 7 * 24 * 3600
RISKS = (0.5, 0.975)
HOURS = INTERVAL_S / 3600


@dataclass(frozen=True)
class Promise:
    """What is promised of first replies, and for which days; None leaves it as the brand has it.

    share        of the cases that are answered in time
    threshold_s  in which they are answered, seconds of open time
    risk         quantile of days that are staffed for (0.8: the q80 day), or "expected": the share
                 holds on average over the days
    """

    share: float | None = None
    threshold_s: int | None = None
    risk: Days | None = None

    def __post_init__(self) -> None:
        low, high = RISKS
        if self.risk not in (None, "expected") and not low <= float(self.risk) <= high:
            raise RequestError(
                f"risk is {self.risk}; it is a quantile of days from {low} to {high}, or expected"
            )
        if self.threshold_s is not None and self.threshold_s > LONGEST_S:
            raise RequestError(
                f"threshold_s is {self.threshold_s:.3g}; a first reply is promised within "
                f"{LONGEST_S} s (a week) at most"
            )


@dataclass(frozen=True)
class PromiseCost:
    """What a promise costs over the plan, before shrinkage and before rehearsals.

    share, threshold_s  of first replies; None where the queues differ
    risk_quantile       None where the expected attainment is planned for
    hours               agent-hours needed
    peak                agents needed at the busiest interval
    extra_hours         hours more than the brand's own promise needs; None where that one is not
                        reachable
    reachable           whether agents can keep it; where not, the figures are None, and `reason`
                        says why and what could be promised
    """

    share: float | None
    threshold_s: int | None
    risk_quantile: float | None
    hours: float | None
    peak: float | None
    extra_hours: float | None
    reachable: bool = True
    reason: str = ""


def promises(
    shares: Sequence[float] = (), thresholds_s: Sequence[int] = (), risks: Sequence[Days] = ()
) -> tuple[Promise, ...]:
    """Every combination of what is given; an empty list leaves that part as it is.

    >>> [(p.share, p.threshold_s) for p in promises([0.9, 0.95], [600])]
    [(0.9, 600), (0.95, 600)]
    """
    return tuple(
        Promise(share, threshold_s, risk)
        for share, threshold_s, risk in product(
            shares or (None,), thresholds_s or (None,), risks or (None,)
        )
    )


def promised(brand: Brand, promise: Promise) -> Brand:
    """The brand with this promise on all its queues; their other goals stay.

    DataError for a share or a threshold that no goal can have.
    """
    return replace(
        brand,
        queues=tuple(_with_goal(queue, promise) for queue in brand.queues),
        planning=planned_for(brand.planning, promise.risk),
    )


def planned_for(planning: Planning, risk: Days | None) -> Planning:
    """The planning that staffs for these days; None leaves it as it is."""
    if risk is None:
        return planning
    if risk == "expected":
        return replace(planning, risk="expected")
    return replace(planning, risk="day", risk_quantile=float(risk))


def with_goal(queue: Queue, goal: ServiceGoal, changed: ServiceGoal) -> Queue:
    """The queue with one of its goals changed."""
    goals = tuple(changed if one is goal else one for one in queue.goals)
    return replace(queue, goals=goals)


def _with_goal(queue: Queue, promise: Promise) -> Queue:
    goal = queue.promise
    changed = replace(
        goal,
        share=goal.share if promise.share is None else promise.share,
        threshold_s=goal.threshold_s if promise.threshold_s is None else promise.threshold_s,
    )
    return with_goal(queue, goal, changed)


def only(brand: Brand, queue: str | None) -> Brand:
    """The brand with just this queue; all of them for None. NotFound for an unknown one."""
    return brand if queue is None else replace(brand, queues=(brand.queue(queue),))


def hours_of(requirement: pd.DataFrame) -> float:
    """Agent-hours of a REQUIREMENT table, before shrinkage."""
    return float(requirement["agents_exact"].sum()) * HOURS


def peak_of(requirement: pd.DataFrame) -> float:
    """Agents of all queues of a REQUIREMENT table together, at its busiest interval."""
    return float(requirement.groupby("start")["agents_exact"].sum().max())


def promise_costs(
    forecast: pd.DataFrame,
    paths: Paths,
    brand: Brand,
    *,
    start: datetime,
    end: datetime,
    asked: Sequence[Promise],
    queue: str | None = None,
    own: pd.DataFrame | None = None,
    progress: Progress = silent,
) -> list[PromiseCost]:
    """What each promise asked for costs in [start, end), on one queue or on all.

    forecast, paths  as `make_requirement` takes them
    own              REQUIREMENT of the brand's own promise where the caller has it, all queues

    Of the same paths, so that differences are the promise's doing. A promise that no number of
    agents keeps is a result, not an error.
    """
    chosen = only(brand, queue)

    def needed(by: Brand) -> tuple[pd.DataFrame | None, str]:
        try:
            made = make_requirement(forecast, paths, by, start=start, end=end)
        except GoalOutOfReach as error:
            return None, error.message
        return made.table, ""

    if own is None:
        kept, reason = needed(chosen)
    else:
        kept, reason = own[own["queue"].isin([one.name for one in chosen.queues])], ""
    costs = []
    for done, promise in enumerate(asked):
        changed = promised(chosen, promise)
        progress(done / len(asked), f"promise {done + 1} of {len(asked)}")
        found = (kept, reason) if changed == chosen else needed(changed)
        costs.append(_cost(changed, *found, before=kept))
    return costs


def _cost(
    brand: Brand, table: pd.DataFrame | None, reason: str, *, before: pd.DataFrame | None
) -> PromiseCost:
    """What the brand promises, and the figures of the REQUIREMENT that it takes, if any does."""
    goals = [queue.promise for queue in brand.queues]
    planning = brand.planning
    hours = None if table is None else hours_of(table)
    return PromiseCost(
        share=_common([goal.share for goal in goals]),
        threshold_s=_common([goal.threshold_s for goal in goals]),
        risk_quantile=planning.risk_quantile if planning.risk == "day" else None,
        hours=hours,
        peak=None if table is None else peak_of(table),
        extra_hours=None if hours is None or before is None else hours - hours_of(before),
        reachable=table is not None,
        reason=reason,
    )


def _common(values: Sequence[T]) -> T | None:
    """The value that all share, else None."""
    return values[0] if len(set(values)) == 1 else None
