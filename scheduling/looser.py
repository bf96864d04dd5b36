"""A queue's rules made looser, one at a time, and the requirement that each leads to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import pandas as pd

from scheduling.promise import only, planned_for, with_goal
from scheduling.requirement import make_requirement
from wfm.brands import Brand, Planning, Queue
from wfm.paths import Paths
from wfm.progress import Progress, silent
from wfm.sla import FOLLOW_UP_S, Metric, ServiceGoal

# The next times that people would promise, minutes.
USUAL_MIN = (1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 480, 720, 1440, 2880)
STEP = 0.05
LOWEST_SHARE = 0.50
MEDIAN_DAY = 0.5

CLASSES: Mapping[Metric, str] = {
    "first_response": "first",
    "next_reply": "follow_up",
    "resolution": "follow_up",
}
METRICS: Mapping[Metric, str] = {
    "first_response": "first replies",
    "next_reply": "follow-ups",
    "resolution": "resolution",
}


@dataclass(frozen=True)
class Looser:
    """One rule of a queue made looser, all else equal.

    what    "share" or "time" of a goal, "occupancy cap", "minimum staff", "days planned for"
    change  from what to what, in words
    eases   the need it makes smaller: first, follow_up, occupancy, minimum; "" for all
    brand   with the looser rule, and the one queue
    """

    what: str
    change: str
    eases: str
    brand: Brand = field(repr=False)


@dataclass(frozen=True)
class Alternatives:
    """A queue's requirement by its own rules and by looser ones: what explanations are read off.

    brand   with the one queue
    own     REQUIREMENT of the queue, before any rehearsal
    looser  each with the REQUIREMENT it leads to
    """

    brand: Brand = field(repr=False)
    own: pd.DataFrame = field(repr=False)
    looser: tuple[tuple[Looser, pd.DataFrame], ...] = field(repr=False)

    @property
    def queue(self) -> Queue:
        return self.brand.queues[0]


def alternatives(
    forecast: pd.DataFrame,
    paths: Paths,
    brand: Brand,
    *,
    start: datetime,
    end: datetime,
    queue: str,
    progress: Progress = silent,
) -> Alternatives:
    """The requirement of one queue in [start, end), and with each of its rules made looser in turn.

    Arguments and errors as of `make_requirement`; NotFound for an unknown queue.
    """
    alone = only(brand, queue)
    looser = tuple(rules_of(alone))
    tables = []
    for done, (name, by) in enumerate(
        [("as it is", alone), *((rule.change, rule.brand) for rule in looser)]
    ):
        progress(done / (len(looser) + 1), name)
        tables.append(make_requirement(forecast, paths, by, start=start, end=end).table)
    progress(1.0, f"requirement of {queue}")
    return Alternatives(alone, tables[0], tuple(zip(looser, tables[1:], strict=True)))


def rules_of(brand: Brand) -> Iterator[Looser]:
    """Each rule of the brand's one queue that can be a step looser, made so."""
    (queue,), planning = brand.queues, brand.planning
    for goal in queue.goals:
        what, eases = METRICS[goal.metric], CLASSES[goal.metric]
        within, share = length(goal.threshold_s), _lower(goal.share)
        if share >= LOWEST_SHARE:
            easier = replace(goal, share=share)
            change = f"{what} within {within}: {percent(goal.share)} -> {percent(share)}"
            yield Looser("share", change, eases, _with(brand, with_goal(queue, goal, easier)))
        longer = _longer(goal.threshold_s)
        if longer is not None:
            easier = replace(goal, threshold_s=longer)
            change = f"{what}: {within} -> {length(longer)}"
            yield Looser("time", change, eases, _with(brand, with_goal(queue, goal, easier)))
    later = _longer(FOLLOW_UP_S)
    has_own = any(goal.metric == "next_reply" for goal in queue.goals)
    if later and queue.work.continue_p > 0 and not has_own:
        # Without a goal of their own, follow-ups are due in the time that is usual.
        goal = ServiceGoal("next_reply", later, queue.promise.share, queue.promise.scope)
        change = f"follow-ups: {length(FOLLOW_UP_S)} -> {length(later)}"
        eased = replace(queue, goals=(*queue.goals, goal))
        yield Looser("time", change, "follow_up", _with(brand, eased))
    opening = _longer(queue.opening_goal.threshold_s)
    if opening and not queue.window.is_always:
        change = f"after opening: {length(queue.opening_goal.threshold_s)} -> {length(opening)}"
        goal_after = replace(queue.opening_goal, threshold_s=opening)
        yield Looser("time", change, "", _with(brand, replace(queue, opening_goal=goal_after)))
    if queue.minimum_staff > 0:
        fewer = queue.minimum_staff - 1
        change = f"minimum staff {queue.minimum_staff} -> {fewer}"
        eased = replace(queue, minimum_staff=fewer)
        yield Looser("minimum staff", change, "minimum", _with(brand, eased))
    cap = _higher(planning.occupancy_cap)
    if cap > planning.occupancy_cap:
        change = f"occupancy cap {percent(planning.occupancy_cap)} -> {percent(cap)}"
        eased_planning = replace(planning, occupancy_cap=cap)
        yield Looser("occupancy cap", change, "occupancy", replace(brand, planning=eased_planning))
    if planning.risk == "expected" or planning.risk_quantile > MEDIAN_DAY:
        change = f"{days_of(planning)} -> {days_of(planned_for(planning, MEDIAN_DAY))}"
        median = planned_for(planning, MEDIAN_DAY)
        yield Looser("days planned for", change, "", replace(brand, planning=median))


def _with(brand: Brand, queue: Queue) -> Brand:
    return replace(brand, queues=(queue,))


def _lower(share: float) -> float:
    """The next multiple of 5 points below."""
    return (math.ceil(round(share / STEP, 6)) - 1) * STEP


def _higher(cap: float) -> float:
    """The next multiple of 5 points above, at most 1."""
    return min(1.0, (math.floor(round(cap / STEP, 6)) + 1) * STEP)


def _longer(seconds: int) -> int | None:
    """The next time that is usually promised."""
    return next((minutes * 60 for minutes in USUAL_MIN if minutes * 60 > seconds), None)


def length(seconds: int) -> str:
    """A time to promise: whole hours above one as hours, anything else as minutes.

    >>> length(900), length(3600), length(7200)
    ('15 min', '60 min', '2 h')
    """
    hours = seconds > 3600 and seconds % 3600 == 0
    return f"{seconds // 3600} h" if hours else f"{seconds / 60:g} min"


def percent(share: float) -> str:
    """
    >>> percent(0.9), percent(0.925)
    ('90%', '92.5%')
    """
    return f"{share * 100:g}%"


def days_of(planning: Planning) -> str:
    """Which days are staffed for, in words.

    >>> days_of(Planning(risk_quantile=0.8))
    'the q80 day'
    """
    if planning.risk == "day" and planning.risk_quantile == MEDIAN_DAY:
        return "the median day"
    if planning.risk == "expected":
        return "the average of all days"
    return f"the q{planning.risk_quantile * 100:g} day"
