"""Agents, contracts, shift templates and activity codes: what a roster is made of and bound by."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal


@dataclass(frozen=True)
class ActivityCode:
    """What an agent can be rostered for.

    paid                 the time counts towards the contract's hours
    counts_as_shrinkage  paid time in which no case is worked
    """

    code: str
    paid: bool
    counts_as_shrinkage: bool


DEFAULT_ACTIVITIES: tuple[ActivityCode, ...] = (
    ActivityCode("on_queue", paid=True, counts_as_shrinkage=False),
    ActivityCode("break", paid=True, counts_as_shrinkage=True),
    ActivityCode("meal", paid=False, counts_as_shrinkage=False),
    ActivityCode("meeting", paid=True, counts_as_shrinkage=True),
    ActivityCode("training", paid=True, counts_as_shrinkage=True),
    ActivityCode("time_off", paid=False, counts_as_shrinkage=False),
    ActivityCode("standby", paid=False, counts_as_shrinkage=False),
)


@dataclass(frozen=True)
class BreakRule:
    """One break of a template.

    activity          break (paid) or meal (unpaid), an activity code
    minutes           its length, a multiple of 15
    earliest, latest  minutes after the shift's start between which it may start, both included
    """

    activity: str
    minutes: int
    earliest: int
    latest: int


@dataclass(frozen=True)
class ShiftTemplate:
    """A kind of shift: how long, when it may start, which breaks it holds.

    minutes  elapsed length from start to end, breaks and meals included
    starts   local starting times, minutes after midnight; a shift may pass midnight
    breaks   in the order they are taken; their windows do not overlap
    """

    name: str
    minutes: int
    starts: tuple[int, ...]
    breaks: tuple[BreakRule, ...] = ()

    def paid_minutes(self, activities: dict[str, ActivityCode]) -> int:
        unpaid = sum(b.minutes for b in self.breaks if not activities[b.activity].paid)
        return self.minutes - unpaid


@dataclass(frozen=True)
class Contract:
    """The law of an agent's working time. Hours are paid hours; weeks run Monday to Sunday, local.

    templates             names of the shift templates it allows; none longer than max_hours_per_day
    max_weekends_in_4     weekends (Saturday or Sunday worked) in any 4 consecutive weeks
    min_hours_per_week    a wish, priced; the maxima are rules
    """

    name: str
    templates: tuple[str, ...]
    max_hours_per_day: float
    max_hours_per_week: float
    min_hours_per_week: float = 0.0
    max_days_per_week: int = 5
    max_consecutive_days: int = 5
    min_rest_h: float = 11.0
    max_weekends_in_4: int = 2


@dataclass(frozen=True)
class ContractTerm:
    """A contract held from one local date to another, both included; open-ended without `until`."""

    contract: str
    since: date
    until: date | None = None

    def holds_on(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day <= self.until)


@dataclass(frozen=True)
class Skill:
    """A queue the agent can serve, and how well: level 1 (learning) to 5."""

    queue: str
    level: int = 3


@dataclass(frozen=True)
class Availability:
    """Local hours of a weekday (0 is Monday) in which the agent may be rostered.

    A shift that passes midnight needs the evening of one day and the morning of the next; `to_min`
    is at most 1440.
    """

    weekday: int
    from_min: int
    to_min: int


@dataclass(frozen=True)
class TimeOff:
    """Granted absence, whole local days, both included."""

    first: date
    last: date


@dataclass(frozen=True)
class Preference:
    """A wish: a weekday off, or a template liked or disliked; `weight` above 0."""

    kind: Literal["day_off", "prefer_template", "avoid_template"]
    value: str
    weight: float = 1.0


@dataclass(frozen=True)
class Agent:
    """Someone who can be rostered.

    availability  empty means at any time
    """

    agent_id: str
    name: str
    terms: tuple[ContractTerm, ...]
    skills: tuple[Skill, ...]
    availability: tuple[Availability, ...] = ()
    time_off: tuple[TimeOff, ...] = field(default=())
    preferences: tuple[Preference, ...] = field(default=())

    def contract_on(self, day: date) -> str | None:
        """Name of the contract in force on the local date, or None."""
        return next((t.contract for t in self.terms if t.holds_on(day)), None)

    def is_off(self, day: date) -> bool:
        return any(t.first <= day <= t.last for t in self.time_off)
