"""The independent checker: every rule of a roster, from the tables and the brand alone.

It shares no code with what makes rosters, so that a mistake there is found here. A shift is what
one agent works without a gap under one template; it belongs to the local day on which it starts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

import pandas as pd

from wfm.brands import Brand
from wfm.frames import ROSTER
from wfm.people import Agent, BreakRule, Contract, ShiftTemplate

RULES: dict[str, str] = {
    "unknown_agent": "every agent of the roster is known",
    "activity": "every activity is one of the brand's",
    "grid": "segments start and end on the 15-minute grid, the end after the start",
    "horizon": "shifts start inside the horizon",
    "overlap": "an agent does one thing at a time",
    "gap": "a shift has no hole between its start and its end",
    "contract": "a contract is in force on the day of every shift",
    "template": "the template is one of the contract's, with its length and one of its starts",
    "breaks": "every break of the template is taken once, in order, in its window, at its length",
    "skill": "an agent serves only queues of their skills, and has one to serve",
    "one_shift_a_day": "at most one shift starts on a local day",
    "day_hours": "paid hours of a day within the contract",
    "week_hours": "paid hours of a week, Monday to Sunday, within the contract",
    "week_days": "days worked in a week within the contract",
    "consecutive_days": "days worked in a row within the contract",
    "rest": "hours between two shifts no fewer than the contract's",
    "weekends": "weekends worked in any four consecutive weeks within the contract",
    "availability": "shifts lie within the agent's hours of availability",
    "time_off": "nobody works on granted time off",
}
ABSENT = ("time_off", "standby")
QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Violation:
    """A broken rule: which (a key of RULES), whose, on which local day, and the figures."""

    agent_id: str
    day: date
    rule: str
    detail: str

    def __str__(self) -> str:
        return f"{self.agent_id} on {self.day}: {self.detail} ({RULES[self.rule]})"


@dataclass(frozen=True)
class _Segment:
    start: datetime
    end: datetime
    activity: str
    queue: str
    template: str


@dataclass(frozen=True)
class _Worked:
    """A shift as found in the table; `old` when it started before the horizon."""

    day: date
    segments: tuple[_Segment, ...]
    old: bool

    @property
    def start(self) -> datetime:
        return self.segments[0].start

    @property
    def end(self) -> datetime:
        return max(s.end for s in self.segments)


Broken = Callable[[str, datetime | date, str], Violation]


def check_roster(
    roster: pd.DataFrame,
    brand: Brand,
    agents: tuple[Agent, ...],
    *,
    start: datetime,
    end: datetime,
    history: pd.DataFrame | None = None,
) -> tuple[Violation, ...]:
    """Every broken rule of the ROSTER over [start, end), in order of agent and day.

    history  a ROSTER of shifts that start before `start`: they count for rest, runs of days, the
             week's hours and days, and weekends, but are not judged themselves

    FrameError when a table breaks its schema.
    """
    table = ROSTER.check(roster)
    known = {a.agent_id: a for a in agents}
    found: list[Violation] = []
    past = ROSTER.empty() if history is None else ROSTER.check(history)
    for agent_id, rows in table.groupby("agent_id", sort=True):
        name = str(agent_id)
        segments = _segments(rows)
        if name not in known:
            day = segments[0].start.astimezone(brand.tz).date()
            found.append(Violation(name, day, "unknown_agent", f"no agent {name!r}"))
            continue
        before = [
            shift
            for shift in _shifts(_segments(past[past["agent_id"] == name]), brand, old=True)
            if shift.start < start
        ]
        found.extend(_of_agent(known[name], brand, segments, before, start=start, end=end))
    return tuple(sorted(found))


def _segments(rows: pd.DataFrame) -> list[_Segment]:
    ordered = rows.sort_values("start")
    return [
        _Segment(*row)
        for row in zip(
            ordered["start"].dt.to_pydatetime(),
            ordered["end"].dt.to_pydatetime(),
            ordered["activity"].tolist(),
            ordered["queue"].tolist(),
            ordered["template"].tolist(),
            strict=True,
        )
    ]


def _shifts(segments: list[_Segment], brand: Brand, *, old: bool) -> list[_Worked]:
    """Work apart from absence, cut where the time or the template breaks off."""
    groups: list[list[_Segment]] = []
    for segment in segments:
        if segment.activity in ABSENT:
            continue
        last = groups[-1][-1] if groups else None
        same = last is not None and last.template == segment.template
        # A hole shorter than any rest is a hole in a shift, not the end of one.
        if same and last is not None and segment.start - last.end < timedelta(hours=3):
            groups[-1].append(segment)
        else:
            groups.append([segment])
    return [_Worked(g[0].start.astimezone(brand.tz).date(), tuple(g), old) for g in groups]


def _of_agent(
    agent: Agent,
    brand: Brand,
    segments: list[_Segment],
    before: list[_Worked],
    *,
    start: datetime,
    end: datetime,
) -> Iterator[Violation]:
    def broken(rule: str, at: datetime | date, detail: str) -> Violation:
        day = at.astimezone(brand.tz).date() if isinstance(at, datetime) else at
        return Violation(agent.agent_id, day, rule, detail)

    codes = {a.code for a in brand.activities}
    for segment in segments:
        if segment.activity not in codes:
            yield broken("activity", segment.start, f"activity {segment.activity!r}")
        length = segment.end - segment.start
        if length <= timedelta(0) or length % QUARTER or segment.start.minute % 15:
            yield broken("grid", segment.start, f"{segment.start:%H:%M} to {segment.end:%H:%M} UTC")
    earlier = before[-1].segments[-1:] if before else ()
    for one, two in pairwise([*earlier, *segments]):
        if two.start < one.end:
            yield broken("overlap", two.start, f"{one.activity} and {two.activity} overlap")
    shifts = _shifts(segments, brand, old=False)
    for shift in shifts:
        if not start <= shift.start < end:
            yield broken("horizon", shift.day, f"starts at {shift.start:%Y-%m-%d %H:%M} UTC")
        yield from _of_shift(agent, brand, shift, broken)
    yield from _over_days(agent, brand, before + shifts, broken)


def _of_shift(agent: Agent, brand: Brand, shift: _Worked, broken: Broken) -> Iterator[Violation]:
    for one, two in pairwise(shift.segments):
        if two.start > one.end:
            yield broken("gap", shift.day, f"nothing from {one.end:%H:%M} to {two.start:%H:%M} UTC")
    skills = {s.queue for s in agent.skills} & {q.name for q in brand.queues}
    for segment in shift.segments:
        if segment.activity == "on_queue" and (
            not skills or (segment.queue and segment.queue not in skills)
        ):
            yield broken("skill", shift.day, f"serves {segment.queue or 'any queue'!r}")
    yield from _absences(agent, brand, shift, broken)
    contract = _contract(agent, brand, shift.day)
    if contract is None:
        yield broken("contract", shift.day, "works without a contract in force")
        return
    hours = _paid_hours(shift, brand)
    if hours > contract.max_hours_per_day + 1e-9:
        yield broken(
            "day_hours", shift.day, f"{hours:g} h, contract {contract.max_hours_per_day:g}"
        )
    template = next((t for t in brand.templates if t.name == shift.segments[0].template), None)
    if template is None:
        yield broken("template", shift.day, f"no template {shift.segments[0].template!r}")
        return
    if template.name not in contract.templates:
        yield broken("template", shift.day, f"{contract.name} does not allow {template.name}")
    minutes = int((shift.end - shift.start).total_seconds()) // 60
    if minutes != template.minutes:
        yield broken("template", shift.day, f"{template.name} lasts {minutes} min")
    wall = shift.start.astimezone(brand.tz)
    if wall.hour * 60 + wall.minute not in template.starts:
        yield broken("template", shift.day, f"{template.name} starts at {wall:%H:%M}")
    yield from _breaks(template, brand, shift, broken)


def _breaks(
    template: ShiftTemplate, brand: Brand, shift: _Worked, broken: Broken
) -> Iterator[Violation]:
    kinds = {b.activity for b in template.breaks} | {
        a.code for a in brand.activities if a.code in ("break", "meal")
    }
    taken = [s for s in shift.segments if s.activity in kinds]
    if len(taken) != len(template.breaks):
        yield broken(
            "breaks", shift.day, f"{len(taken)} breaks, {template.name} has {len(template.breaks)}"
        )
        return
    for segment, rule in zip(taken, template.breaks, strict=True):
        after = int((segment.start - shift.start).total_seconds()) // 60
        minutes = int((segment.end - segment.start).total_seconds()) // 60
        if not _fits(segment.activity, minutes, after, rule):
            yield broken(
                "breaks",
                shift.day,
                f"{segment.activity} of {minutes} min after {after} min, want {rule.activity} of "
                f"{rule.minutes} after {rule.earliest} to {rule.latest}",
            )


def _fits(activity: str, minutes: int, after: int, rule: BreakRule) -> bool:
    return (
        activity == rule.activity
        and minutes == rule.minutes
        and rule.earliest <= after <= rule.latest
    )


def _absences(agent: Agent, brand: Brand, shift: _Worked, broken: Broken) -> Iterator[Violation]:
    outside = 0
    off: set[date] = set()
    at = shift.start
    while at < shift.end:
        wall = at.astimezone(brand.tz)
        if agent.is_off(wall.date()):
            off.add(wall.date())
        minute = wall.hour * 60 + wall.minute
        if agent.availability and not any(
            h.weekday == wall.weekday() and h.from_min <= minute and minute + 15 <= h.to_min
            for h in agent.availability
        ):
            outside += 15
        at += QUARTER
    if off:
        yield broken("time_off", min(off), f"works on {len(off)} day of time off")
    if outside:
        yield broken("availability", shift.day, f"{outside} min outside")


def _contract(agent: Agent, brand: Brand, day: date) -> Contract | None:
    name = agent.contract_on(day)
    return next((c for c in brand.contracts if c.name == name), None)


def _paid_hours(shift: _Worked, brand: Brand) -> float:
    paid = {a.code for a in brand.activities if a.paid}
    seconds = sum((s.end - s.start).total_seconds() for s in shift.segments if s.activity in paid)
    return float(seconds) / 3600


def _over_days(
    agent: Agent, brand: Brand, shifts: list[_Worked], broken: Broken
) -> Iterator[Violation]:
    """Rules over several shifts, each reported at the first shift of the horizon that breaks it."""
    worked: set[date] = set()
    hours: dict[date, float] = defaultdict(float)
    days: dict[date, int] = defaultdict(int)
    weekends: set[date] = set()
    for before, shift in zip([None, *shifts], shifts, strict=False):
        monday = shift.day - timedelta(days=shift.day.weekday())
        again = shift.day in worked
        worked.add(shift.day)
        hours[monday] += _paid_hours(shift, brand)
        days[monday] += not again
        new_weekend = shift.day.weekday() >= 5 and monday not in weekends
        if new_weekend:
            weekends.add(monday)
        contract = _contract(agent, brand, shift.day)
        if shift.old or contract is None:
            continue
        if again:
            yield broken("one_shift_a_day", shift.day, "starts a second shift")
        if hours[monday] > contract.max_hours_per_week + 1e-9:
            yield broken(
                "week_hours",
                shift.day,
                f"{hours[monday]:g} h, contract {contract.max_hours_per_week:g}",
            )
        if days[monday] > contract.max_days_per_week:
            yield broken(
                "week_days",
                shift.day,
                f"{days[monday]} days, contract {contract.max_days_per_week}",
            )
        run = 1
        while shift.day - run * DAY in worked:
            run += 1
        if run > contract.max_consecutive_days:
            yield broken(
                "consecutive_days",
                shift.day,
                f"day {run} in a row, contract {contract.max_consecutive_days}",
            )
        if before is not None:
            rest = (shift.start - before.end).total_seconds() / 3600
            if rest < contract.min_rest_h - 1e-9:
                yield broken(
                    "rest", shift.day, f"{rest:g} h of rest, contract {contract.min_rest_h:g}"
                )
        if new_weekend:
            count = sum(monday - 7 * k * DAY in weekends for k in range(4))
            if count > contract.max_weekends_in_4:
                yield broken(
                    "weekends",
                    shift.day,
                    f"weekend {count} of four weeks, contract {contract.max_weekends_in_4}",
                )
