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


# Periods are counted in whole weeks from this Monday, so that every roster counts the same ones.
PERIODS_FROM = date(2024, 1, 1)


@dataclass(frozen=True)
class Contract:
    """The law of an agent's working time; which rule reads which field: `wfm.rules`.

    Hours are paid hours. Weeks run Monday to Sunday, local; a period is `period_weeks` of them,
    counted from PERIODS_FROM. None: no such rule.

    templates               names of the shift templates it allows; none longer than
                            max_hours_per_day
    max_weekends_in_4       weekends (a weekend day worked) in any 4 consecutive weeks
    min_*, target_*         wishes, priced; the maxima are rules
    max_shifts              (template, most shifts of it in a period)
    min_consecutive_shifts  a run of days worked is no shorter
    min_consecutive_days_off  a run of days off between two shifts is no shorter
    weekly_rest_h           every week holds one rest of this length, counted where it ends
    rest_after_nights_h     rest after `nights_in_series` or more night shifts in a row
    forbidden_sequences     (template, template that must not follow on the next day)
    max_start_change_h      how far the start may move from one day worked to the next
    max_holidays_per_period public holidays worked in a period
    ruleset                 name of the rule set that its rules come from; "" when it gives its own
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
    target_hours_per_week: float | None = None
    period_weeks: int = 4
    min_hours_per_period: float = 0.0
    target_hours_per_period: float | None = None
    max_hours_per_period: float | None = None
    max_shifts: tuple[tuple[str, int], ...] = ()
    max_consecutive_nights: int | None = None
    min_consecutive_shifts: int = 1
    min_consecutive_days_off: int = 1
    weekly_rest_h: float = 0.0
    nights_in_series: int = 3
    rest_after_nights_h: float = 0.0
    forbidden_sequences: tuple[tuple[str, str], ...] = ()
    max_start_change_h: float | None = None
    max_holidays_per_period: int | None = None
    ruleset: str = ""

    def period_of(self, day: date) -> int:
        """Number of the period that the local date lies in."""
        return (day - PERIODS_FROM).days // (7 * self.period_weeks)


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
    """A wish: a day off, or a template liked (a bid) or disliked; `weight` above 0.

    value  of day_off a weekday ("sat") or an ISO date; of the others a template's name
    when   the weekday or ISO date that a template is wished or disliked on; "" means any day
    """

    kind: Literal["day_off", "prefer_template", "avoid_template"]
    value: str
    weight: float = 1.0
    when: str = ""

    def holds_on(self, day: date) -> bool:
        """Whether the wish is about the local date."""
        when = self.value if self.kind == "day_off" else self.when
        return when in ("", day.isoformat(), f"{day:%a}".lower())


@dataclass(frozen=True)
class Limit:
    """A personal limit, for health or age, from one local date to another, both included.

    kind   no_nights: no night shift; max_hours_per_day, max_hours_per_week: `hours` at most;
           hours: work only from `from_min` to `to_min`, local minutes of the day
    """

    kind: Literal["no_nights", "max_hours_per_day", "max_hours_per_week", "hours"]
    hours: float = 0.0
    from_min: int = 0
    to_min: int = 1440
    since: date | None = None
    until: date | None = None

    def holds_on(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (
            self.until is None or day <= self.until
        )


@dataclass(frozen=True)
class NightTime:
    """When a shift is a night shift: at least `hours` of it lie between the two local times."""

    from_min: int = 23 * 60
    to_min: int = 6 * 60
    hours: float = 3.0


@dataclass(frozen=True)
class Agent:
    """Someone who can be rostered.

    availability  empty means at any time
    limits        for health or age
    roles         what others need them for, e.g. "supervisor"; see Presence in `wfm.brands`
    """

    agent_id: str
    name: str
    terms: tuple[ContractTerm, ...]
    skills: tuple[Skill, ...]
    availability: tuple[Availability, ...] = ()
    time_off: tuple[TimeOff, ...] = field(default=())
    preferences: tuple[Preference, ...] = field(default=())
    limits: tuple[Limit, ...] = field(default=())
    roles: tuple[str, ...] = field(default=())

    def contract_on(self, day: date) -> str | None:
        """Name of the contract in force on the local date, or None."""
        return next((t.contract for t in self.terms if t.holds_on(day)), None)

    def is_off(self, day: date) -> bool:
        return any(t.first <= day <= t.last for t in self.time_off)
