"""An agent's line of work as it stands in the tables: what every rule is judged on.

A shift is what one agent works without a gap under one template; it belongs to the local day on
which it starts. Days and times of day are local to the site.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import takewhile
from typing import NamedTuple

import pandas as pd

from wfm.brands import Brand
from wfm.calendars import is_public_holiday
from wfm.people import Agent, Contract, ShiftTemplate
from wfm.rules import RULES

ABSENT = ("time_off", "standby")
QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
# A hole shorter than any rest is a hole in a shift, not the end of one.
LONGEST_HOLE = timedelta(hours=3)
# What figures of hours may differ by without being different.
SAME_H = 1e-9


@dataclass(frozen=True, order=True)
class Violation:
    """A broken rule: which (a key of `wfm.rules.RULES`), whose, on which local day, the figures."""

    agent_id: str
    day: date
    rule: str
    detail: str

    def __str__(self) -> str:
        return f"{self.agent_id} on {self.day}: {self.detail} ({RULES[self.rule].says})"

    @property
    def cure(self) -> str:
        """What a planner may do about it."""
        return RULES[self.rule].cure


class Segment(NamedTuple):
    """A row of the ROSTER."""

    start: datetime
    end: datetime
    activity: str
    queue: str
    template: str


@dataclass(frozen=True)
class Shift:
    """A shift as found in the table.

    start_min  its start by the clock on the wall, minutes after midnight
    old        it started before the horizon: it counts, and is not judged
    contract   the one in force on its day, None where there is none
    """

    segments: tuple[Segment, ...]
    start: datetime
    end: datetime
    day: date
    start_min: int
    paid_h: float
    old: bool
    contract: Contract | None

    @property
    def template(self) -> str:
        return self.segments[0].template

    @property
    def monday(self) -> date:
        return monday_of(self.day)


@dataclass(frozen=True)
class Site:
    """What is the same for every line: the brand, and the horizon [start, end)."""

    brand: Brand
    start: datetime
    end: datetime
    _walls: dict[datetime, datetime] = field(default_factory=dict, repr=False)

    @cached_property
    def contracts(self) -> dict[str, Contract]:
        return {c.name: c for c in self.brand.contracts}

    @cached_property
    def templates(self) -> dict[str, ShiftTemplate]:
        return {t.name: t for t in self.brand.templates}

    @cached_property
    def queues(self) -> frozenset[str]:
        return frozenset(q.name for q in self.brand.queues)

    @cached_property
    def paid(self) -> frozenset[str]:
        """Activities whose time is paid."""
        return frozenset(a.code for a in self.brand.activities if a.paid)

    @cached_property
    def first_day(self) -> date:
        return self.wall(self.start).date()

    @cached_property
    def last_day(self) -> date:
        return self.wall(self.end - timedelta(microseconds=1)).date()

    def wall(self, at: datetime) -> datetime:
        """What the clock on the wall shows at an instant."""
        known = self._walls.get(at)
        if known is None:
            known = self._walls[at] = at.astimezone(self.brand.tz).replace(tzinfo=None)
        return known

    def quarters(self, shift: Shift) -> Iterator[datetime]:
        """Quarter-hours of the shift by the clock on the wall."""
        at = shift.start
        while at < shift.end:
            yield self.wall(at)
            at += QUARTER

    def is_night(self, shift: Shift) -> bool:
        """Whether enough of the shift lies in the brand's night, in time that passes."""
        night = self.brand.night
        minutes = (minute_of(wall) for wall in self.quarters(shift))
        if night.from_min < night.to_min:
            dark = sum(night.from_min <= minute < night.to_min for minute in minutes)
        else:
            dark = sum(minute >= night.from_min or minute < night.to_min for minute in minutes)
        return dark / 4 >= night.hours - SAME_H

    def is_weekend(self, day: date) -> bool:
        return day.weekday() in self.brand.weekend

    def is_holiday(self, day: date) -> bool:
        country = self.brand.country
        return country is not None and is_public_holiday(day, country)


@dataclass(frozen=True)
class Line:
    """All that one agent does.

    segments  the rows of the roster that is judged, in order of start
    worked    the shifts before the horizon, then those of the roster
    """

    agent: Agent
    site: Site
    segments: tuple[Segment, ...]
    worked: tuple[Shift, ...]

    @cached_property
    def shifts(self) -> tuple[Shift, ...]:
        """The shifts that are judged."""
        return tuple(s for s in self.worked if not s.old)

    @cached_property
    def days(self) -> dict[date, list[int]]:
        """Days worked, with the positions in `worked` of the shifts that start on them."""
        found: dict[date, list[int]] = defaultdict(list)
        for number, shift in enumerate(self.worked):
            found[shift.day].append(number)
        return dict(found)

    @cached_property
    def rests(self) -> tuple[float, ...]:
        """Hours without work before each of `worked`; nothing known before: without end."""
        ends: datetime | None = None
        found = []
        for shift in self.worked:
            rest = float("inf") if ends is None else (shift.start - ends).total_seconds() / 3600
            found.append(rest)
            ends = shift.end if ends is None else max(ends, shift.end)
        return tuple(found)

    @cached_property
    def nights(self) -> tuple[bool, ...]:
        """Which of `worked` are night shifts."""
        return tuple(self.site.is_night(shift) for shift in self.worked)

    def contract_on(self, day: date) -> Contract | None:
        return self.site.contracts.get(self.agent.contract_on(day) or "")

    def judged(self) -> Iterator[tuple[int, Shift, Contract]]:
        """The shifts that are judged and have a contract, with their positions in `worked`."""
        for number, shift in enumerate(self.worked):
            if not shift.old and shift.contract is not None:
                yield number, shift, shift.contract

    def since(self, first: date, number: int) -> list[Shift]:
        """Shifts of `first` or later up to the one at `number`, newest first."""
        back = reversed(self.worked[: number + 1])
        return list(takewhile(lambda shift: shift.day >= first, back))

    def nights_before(self, number: int) -> int:
        """Length of the series of nights, on days in a row, that the shift at `number` ends."""
        length, day = 0, self.worked[number].day
        while any(self.nights[n] for n in self.days.get(day - length * DAY, ())):
            length += 1
        return length


# What a rule finds broken: on which local day, and the figures.
Finding = tuple[date, str]
Judge = Callable[[Line], Iterator[Finding]]


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def minute_of(wall: datetime) -> int:
    """Minutes after midnight."""
    return wall.hour * 60 + wall.minute


def segments_of(table: pd.DataFrame) -> dict[str, tuple[Segment, ...]]:
    """The rows of each agent of a ROSTER, in order of start."""
    rows = zip(
        table["agent_id"].tolist(),
        table["start"].dt.to_pydatetime(),
        table["end"].dt.to_pydatetime(),
        table["activity"].tolist(),
        table["queue"].tolist(),
        table["template"].tolist(),
        strict=True,
    )
    found: dict[str, list[Segment]] = defaultdict(list)
    for agent_id, *segment in rows:
        found[agent_id].append(Segment(*segment))
    return {agent_id: tuple(sorted(segments)) for agent_id, segments in found.items()}


def line_of(
    agent: Agent, site: Site, segments: tuple[Segment, ...], history: tuple[Segment, ...]
) -> Line:
    """The agent's line; of the history only shifts that start before the horizon."""
    before = [s for s in _shifts(agent, site, history, old=True) if s.start < site.start]
    return Line(agent, site, segments, (*before, *_shifts(agent, site, segments, old=False)))


def _shifts(agent: Agent, site: Site, segments: tuple[Segment, ...], *, old: bool) -> list[Shift]:
    """Work apart from absence, cut where the time or the template breaks off."""
    groups: list[list[Segment]] = []
    ends = site.start
    for segment in segments:
        if segment.activity in ABSENT:
            continue
        if (
            groups
            and groups[-1][0].template == segment.template
            and segment.start - ends < LONGEST_HOLE
        ):
            groups[-1].append(segment)
            ends = max(ends, segment.end)
        else:
            groups.append([segment])
            ends = segment.end
    return [_shift(agent, site, tuple(group), old=old) for group in groups]


def _shift(agent: Agent, site: Site, segments: tuple[Segment, ...], *, old: bool) -> Shift:
    start = segments[0].start
    wall = site.wall(start)
    day = wall.date()
    paid = sum((s.end - s.start).total_seconds() for s in segments if s.activity in site.paid)
    return Shift(
        segments=segments,
        start=start,
        end=max(s.end for s in segments),
        day=day,
        start_min=minute_of(wall),
        paid_h=paid / 3600,
        old=old,
        contract=site.contracts.get(agent.contract_on(day) or ""),
    )
