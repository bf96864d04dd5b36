"""What scenarios and repairs come to, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import pandas as pd

from scheduling.whatif.scenario import Scenario

RepairKind = Literal[
    "breaks", "activity", "overtime", "standby", "call_in", "tomorrow", "loan", "policy",
    "automatic", "put_off",
]  # fmt: skip

# Work that a repair takes beside the hours it adds: each person is told, and somebody decides.
TELLING_H = 0.1
DECIDING_H = 0.25


@dataclass(frozen=True)
class Peak:
    """The largest mean of a figure over the replications, and when it stood."""

    value: float
    at: datetime


@dataclass(frozen=True)
class QueueEffect:
    """What a scenario does to a queue, or to all together (queue "").

    attainment_*    share of the window's cases whose first reply is in time
    worst_hour_*    the lowest expected attainment of an hour with a case or more; None without one
    backlog_*       messages waiting; age_s_*: open seconds that the oldest of them has waited
    breach_min_*    minutes of broken promise: of each hour of each queue as large a part as its
                    expected attainment lies below the share promised (none in time: 60)
    late_*          mean cases whose first reply is late or overdue
    recovered_at    from when it is on time again as without the scenario; when the scenario begins
                    where it never suffers; None: not within the window
    """

    queue: str
    attainment_before: float
    attainment_after: float
    worst_hour_before: float | None
    worst_hour_after: float | None
    backlog_before: Peak
    backlog_after: Peak
    age_s_before: Peak
    age_s_after: Peak
    breach_min_before: float
    breach_min_after: float
    late_before: float
    late_after: float
    recovered_at: datetime | None


@dataclass(frozen=True)
class Evaluation:
    """The roster without and with a scenario, on the same sampled days.

    start, end     the window that was simulated: the scenario's effect lies within it
    reached        the queues that it can reach; the others are as without it
    table          start, queue ("" is all), cases_before, cases_after, and with _before and _after:
                   attainment, attainment_*_low, attainment_*_high (P10 and P90 across days),
                   backlog, backlog_*_low, backlog_*_high, age_s (mean of the oldest's wait),
                   occupancy (of all agents, in the rows of "" only)
                   e.g. attainment_before, attainment_before_low, attainment_after_high
    effects        all together first, then each queue
    added_contacts, automatic  mean contacts more; mean cases answered automatically
    paid_hours     that the scenario's people and changes of the roster add
    """

    scenario: Scenario
    start: datetime
    end: datetime
    reached: tuple[str, ...]
    table: pd.DataFrame = field(repr=False)
    effects: tuple[QueueEffect, ...]
    added_contacts: float
    automatic: float
    paid_hours: float
    replications: int
    seed: int
    seconds: float

    @property
    def overall(self) -> QueueEffect:
        return self.effects[0]


@dataclass(frozen=True)
class Repair:
    """Something that could be done about a scenario.

    repair_id    a name of its own among the candidates, such as "overtime-60-4"
    title        in a few words, such as "4 people stay 1 h longer"
    reason       why these people, this time
    does         the parts that it adds to the scenario
    staff_hours  paid hours that it adds
    people       who have to be told
    """

    repair_id: str
    kind: RepairKind
    title: str
    reason: str
    does: Scenario = field(repr=False)
    staff_hours: float
    people: int

    @property
    def effort_h(self) -> float:
        """Hours that it costs: those paid, telling each person, and deciding."""
        return self.staff_hours + TELLING_H * self.people + DECIDING_H


@dataclass(frozen=True)
class Refusal:
    """A repair that was thought of and cannot be."""

    kind: RepairKind
    title: str
    reason: str


@dataclass(frozen=True)
class Ranked:
    """A repair as the simulation judges it, beside the scenario without it.

    avoided_min     breach-minutes avoided, see `QueueEffect.breach_min_*`, all queues together;
                    avoided_se: its standard error over the replications
    per_hour        avoided_min over the repair's effort_h: what repairs are ranked by; one that was
                    played on fewer days than all is ranked as if it avoided avoided_se less
    attainment      over the hours that the repairs reach: more of them than an evaluation covers
                    where one is felt the next day, so that it is compared among repairs only
    restores        whether no more breach-minutes are left than without the scenario, but for a
                    tenth of what it costs
    days            sampled days that it was played on: all of them for the ranking's first, fewer
                    for those that fell behind
    """

    repair: Repair
    avoided_min: float
    avoided_se: float
    per_hour: float
    attainment: float
    late_avoided: float
    recovered_at: datetime | None
    restores: bool
    days: int


@dataclass(frozen=True)
class Together:
    """A few repairs together, simulated together.

    The same figures as of `Ranked`, and what the scenario's breach-minutes would be avoided by if
    each repair had its whole effect: `summed_min`.
    """

    repairs: tuple[Repair, ...]
    avoided_min: float
    avoided_se: float
    summed_min: float
    effort_h: float
    attainment: float
    recovered_at: datetime | None
    restores: bool


@dataclass(frozen=True)
class Repairs:
    """Repairs of a scenario, the best first.

    breach_min, breach_min_before  with the scenario and no repair; without the scenario
    together   the small set that restores the promise, or what comes nearest; None where nothing
               helps, or nothing is broken
    """

    scenario: Scenario
    breach_min: float
    breach_min_before: float
    ranked: tuple[Ranked, ...]
    refused: tuple[Refusal, ...]
    together: Together | None
    replications: int
    seconds: float
