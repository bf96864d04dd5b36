"""Dated shifts: every template at every start on every local day, on the UTC grid.

A shift belongs to the local day on which it starts: its hours count for that day and that week.
It starts at a wall-clock time and has a fixed elapsed length, so on a clock-change day it ends at
another wall-clock time than usual. A start that the spring change skips does not exist that day;
one that the autumn change repeats is taken the first time.

Edges of the horizon: no shift here starts before the first day, so the first hours belong to shifts
that start at midnight and to the roster before; a shift may run past the end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scheduling.worked import night_hours
from wfm.brands import Brand
from wfm.errors import DataError, RequestError
from wfm.people import Agent, Contract, Limit, ShiftTemplate
from wfm.timegrid import INTERVAL, local_day, local_midnight

STEP_MIN = 15
DAY_MIN = 24 * 60

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Shifts:
    """All dated shifts of a horizon, in order of day, template and start.

    days       the local days
    midnights  interval in which each day starts, and the end of the last: len(days) + 1
    templates  those of the brand

    One entry a shift:
    template, day   positions in `templates` and `days`
    start, length   intervals from the horizon's start; intervals of elapsed time
    paid            paid intervals
    wall_from, wall_to  local minutes of the day of start and of the day of its end
    days_on         local days from start to end; an end at midnight is the day after, minute 0

    breaks  intervals, shape (templates, breaks, 3): earliest and latest start after the shift's
            start, and length; a length of 0 is no break. Latest starts are tightened so that a
            later break always still fits.
    """

    days: tuple[date, ...]
    midnights: Ints
    templates: tuple[ShiftTemplate, ...]
    template: Ints
    day: Ints
    start: Ints
    length: Ints
    paid: Ints
    wall_from: Ints
    wall_to: Ints
    days_on: Ints
    breaks: Ints

    def __len__(self) -> int:
        return len(self.start)

    @property
    def intervals(self) -> int:
        """Intervals of the horizon."""
        return int(self.midnights[-1])

    @cached_property
    def weekdays(self) -> Ints:
        """Weekday of each day, 0 is Monday."""
        return np.array([d.weekday() for d in self.days], dtype=np.int64)

    @cached_property
    def inside(self) -> NDArray[np.float64]:
        """Share of each shift that lies within the horizon."""
        kept = np.minimum(self.start + self.length, self.intervals) - self.start
        return np.asarray(kept / self.length, dtype=np.float64)


def local_days(start: datetime, end: datetime, brand: Brand) -> tuple[date, ...]:
    """The local days of [start, end); RequestError unless both are local midnights in order."""
    zone = brand.tz
    for name, instant in (("start", start), ("end", end)):
        if local_midnight(local_day(instant, zone), zone) != instant:
            raise RequestError(
                f"the roster's {name} {instant.isoformat()} is not midnight in {brand.zone}",
                value=instant.isoformat(),
            )
    if end <= start:
        raise RequestError(f"the roster ends at {end.isoformat()}, not after its start")
    first = local_day(start, zone)
    return tuple(first + timedelta(days=n) for n in range((local_day(end, zone) - first).days))


def break_windows(template: ShiftTemplate) -> list[tuple[int, int, int]]:
    """Earliest start, latest start and length of each break, in intervals after the shift's start.

    DataError where minutes are off the grid or the breaks cannot all be taken in order.
    """
    if template.minutes % STEP_MIN or not 0 < template.minutes < DAY_MIN:
        raise DataError(
            f"template {template.name!r} lasts {template.minutes} min; "
            "write a multiple of 15 below 24 hours"
        )
    windows: list[tuple[int, int, int]] = []
    latest_end = template.minutes
    for rule in reversed(template.breaks):
        if rule.minutes % STEP_MIN or rule.minutes <= 0:
            raise DataError(
                f"template {template.name!r} has a {rule.activity} of {rule.minutes} min; "
                "write a multiple of 15"
            )
        earliest = -(-rule.earliest // STEP_MIN)
        latest = min(rule.latest, latest_end - rule.minutes) // STEP_MIN
        if earliest > latest or earliest < 0:
            raise DataError(
                f"template {template.name!r}: its {rule.activity} from minute {rule.earliest} to "
                f"{rule.latest} does not fit before what follows it; widen its window"
            )
        windows.append((earliest, latest, rule.minutes // STEP_MIN))
        latest_end = latest * STEP_MIN
    windows.reverse()
    free_from = 0
    for earliest, latest, length in windows:
        if max(earliest, free_from) > latest:
            raise DataError(
                f"template {template.name!r}: its breaks cannot be taken one after the other"
            )
        free_from = max(earliest, free_from) + length
    return windows


def expand_shifts(brand: Brand, *, start: datetime, end: datetime) -> Shifts:
    """Every shift that can start in [start, end), both local midnights of the site's zone."""
    days = local_days(start, end, brand)
    zone = brand.tz
    activities = {a.code: a for a in brand.activities}
    for template in brand.templates:
        for rule in template.breaks:
            if rule.activity not in activities:
                raise DataError(
                    f"template {template.name!r} has a break of activity {rule.activity!r}; "
                    f"the brand knows {', '.join(activities)}"
                )
        if any(s % STEP_MIN or not 0 <= s < DAY_MIN for s in template.starts):
            raise DataError(
                f"template {template.name!r} starts off the 15-minute grid or outside the day"
            )
    windows = [break_windows(t) for t in brand.templates]
    breaks = np.zeros((len(windows), max([1, *map(len, windows)]), 3), dtype=np.int64)
    for row, of_template in zip(breaks, windows, strict=True):
        if of_template:
            row[: len(of_template)] = of_template

    rows: list[tuple[int, ...]] = []
    for number, day in enumerate(days):
        for kind, template in enumerate(brand.templates):
            paid = template.paid_minutes(activities) // STEP_MIN
            for minute in sorted(set(template.starts)):
                wall = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=zone)
                at = wall.astimezone(UTC)
                if at.astimezone(zone).replace(tzinfo=None) != wall.replace(tzinfo=None):
                    continue  # skipped by the spring change
                ends = (at + timedelta(minutes=template.minutes)).astimezone(zone)
                rows.append(
                    (
                        kind,
                        number,
                        int((at - start) / INTERVAL),
                        template.minutes // STEP_MIN,
                        paid,
                        minute,
                        ends.hour * 60 + ends.minute,
                        (ends.date() - day).days,
                    )
                )
    columns = np.array(rows, dtype=np.int64).reshape(-1, 8).T
    midnights = [int((local_midnight(d, zone) - start) / INTERVAL) for d in days]
    midnights.append(int((end - start) / INTERVAL))
    template_of, day_of, starts, length, paid_of, wall_from, wall_to, days_on = columns
    return Shifts(
        days=days,
        midnights=np.array(midnights, dtype=np.int64),
        templates=brand.templates,
        template=template_of,
        day=day_of,
        start=starts,
        length=length,
        paid=paid_of,
        wall_from=wall_from,
        wall_to=wall_to,
        days_on=days_on,
        breaks=breaks,
    )


def takeable(agent: Agent, shifts: Shifts, brand: Brand) -> Flags:
    """Which shifts the agent may take, each on its own.

    By contract, template, hours a day, availability, time off, limits of health or age, and a skill
    that the brand has a queue for. DataError when the agent holds a contract the brand does not
    know.
    """
    may = np.zeros(len(shifts), dtype=np.bool_)
    queues = {q.name for q in brand.queues}
    if not any(s.queue in queues for s in agent.skills):
        return may
    contracts = {c.name: c for c in brand.contracts}
    allowed = np.zeros((len(shifts.days), len(shifts.templates)), dtype=np.bool_)
    longest = np.zeros(len(shifts.days))
    for number, day in enumerate(shifts.days):
        name = agent.contract_on(day)
        if name is None or agent.is_off(day):
            continue
        contract = _contract_named(contracts, name, agent)
        allowed[number] = [t.name in contract.templates for t in shifts.templates]
        longest[number] = contract.max_hours_per_day
    hours = shifts.paid * STEP_MIN / 60
    may = allowed[shifts.day, shifts.template] & (hours <= longest[shifts.day] + 1e-9)

    after = [d + timedelta(days=1) for d in shifts.days]
    off_after = np.array([agent.is_off(d) for d in after])
    runs_on = (shifts.days_on > 0) & (shifts.wall_to > 0)
    may &= ~(runs_on & off_after[shifts.day])
    if agent.availability:
        may &= _within_availability(agent, shifts, runs_on)
    for limit in agent.limits:
        may &= _within_limit(limit, shifts, brand, runs_on)
    return np.asarray(may, dtype=np.bool_)


def takeable_by_each(agents: tuple[Agent, ...], shifts: Shifts, brand: Brand) -> list[Flags]:
    """`takeable` of every agent, worked out once for those who are alike."""
    queues = {q.name for q in brand.queues}
    known: dict[Agent, Flags] = {}
    found = []
    for agent in agents:
        skills = tuple(s for s in agent.skills if s.queue in queues)[:1]
        like = replace(agent, agent_id="", name="", skills=skills, preferences=(), roles=())
        if like not in known:
            known[like] = takeable(agent, shifts, brand)
        found.append(known[like])
    return found


def night_shifts(shifts: Shifts, brand: Brand) -> Flags:
    """Which shifts are night shifts of the brand."""
    start, end = instants_of(shifts, brand)
    return np.asarray(night_hours(start, end, brand) >= brand.night.hours - 1e-9)


def instants_of(shifts: Shifts, brand: Brand) -> tuple[pd.DatetimeIndex, pd.DatetimeIndex]:
    """Start and end of each shift, UTC."""
    origin = pd.Timestamp(local_midnight(shifts.days[0], brand.tz)).as_unit("us")
    edges = (shifts.start, shifts.start + shifts.length)
    opens, closes = (pd.DatetimeIndex(origin + at * pd.Timedelta(INTERVAL)) for at in edges)
    return opens, closes


def _within_limit(limit: Limit, shifts: Shifts, brand: Brand, runs_on: Flags) -> Flags:
    """Shifts that keep the limit, where it is about a shift on its own."""
    holds = np.array([limit.holds_on(day) for day in shifts.days])[shifts.day]
    if limit.kind == "no_nights":
        return ~(holds & night_shifts(shifts, brand))
    if limit.kind == "max_hours_per_day":
        return np.asarray(~holds | (shifts.paid * STEP_MIN / 60 <= limit.hours + 1e-9))
    if limit.kind == "hours":
        until = np.where(shifts.days_on > 0, DAY_MIN, shifts.wall_to)
        within = (shifts.wall_from >= limit.from_min) & (until <= limit.to_min)
        after = np.array([limit.holds_on(day + timedelta(days=1)) for day in shifts.days])
        morning = (limit.from_min <= 0) & (shifts.wall_to <= limit.to_min)
        return np.asarray((within | ~holds) & (morning | ~(runs_on & after[shifts.day])))
    return np.ones(len(shifts), dtype=np.bool_)


def _contract_named(contracts: dict[str, Contract], name: str, agent: Agent) -> Contract:
    if name not in contracts:
        raise DataError(
            f"agent {agent.agent_id} holds contract {name!r}; the brand has {', '.join(contracts)}",
            agent=agent.agent_id,
        )
    return contracts[name]


def _within_availability(agent: Agent, shifts: Shifts, runs_on: Flags) -> Flags:
    free = np.zeros((7, DAY_MIN + 1), dtype=np.int64)
    for hours in agent.availability:
        free[hours.weekday, hours.from_min + 1 : hours.to_min + 1] = 1
    minutes_free = free.cumsum(axis=1)  # free minutes of a weekday before each minute
    weekday = shifts.weekdays[shifts.day]
    first_to = np.where(shifts.days_on > 0, DAY_MIN, shifts.wall_to)
    first = minutes_free[weekday, first_to] - minutes_free[weekday, shifts.wall_from]
    second = minutes_free[(weekday + 1) % 7, shifts.wall_to]
    return np.asarray(
        (first == first_to - shifts.wall_from) & (~runs_on | (second == shifts.wall_to)),
        dtype=np.bool_,
    )


def on_queue_hours(shifts: Shifts, taken: Ints, breaks: Ints) -> float:
    """Hours on queue inside the horizon of assigned shifts with their breaks' places."""
    end = np.minimum(shifts.start[taken] + shifts.length[taken], shifts.intervals)
    at = shifts.start[taken][:, None] + breaks
    away = np.clip(shifts.intervals - at, 0, shifts.breaks[shifts.template[taken], :, 2])
    return float((end - shifts.start[taken]).sum() - away.sum()) * STEP_MIN / 60
