"""The roster as people read it: shifts out of segments, a grid of agents by days, a day in words.

Pure: a ROSTER and the agents in; plain rows out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import pandas as pd

from api.console import words
from scheduling.editing.changes import ABSENT, Change, worked
from wfm.brands import Brand
from wfm.frames import ROSTER
from wfm.people import ActivityCode, Agent
from wfm.timegrid import local_day, local_midnight

Kind = Literal["early", "day", "late", "night", "away", "standby"]
KINDS: dict[Kind, str] = {
    "early": "Early, starts 05:00–08:59",
    "day": "Day, 09:00–12:59",
    "late": "Late, 13:00–18:59",
    "night": "Night, 19:00–04:59",
    "away": "Away",
    "standby": "Standby",
}


@dataclass(frozen=True)
class Segment:
    """A stretch of one activity."""

    start: datetime
    end: datetime
    activity: str
    queue: str

    @property
    def minutes(self) -> float:
        return (self.end - self.start).total_seconds() / 60


@dataclass(frozen=True)
class Shift:
    """Segments of one agent without a gap between them; it belongs to the day it starts on."""

    agent_id: str
    template: str
    pinned: bool
    segments: tuple[Segment, ...]

    @property
    def start(self) -> datetime:
        return self.segments[0].start

    @property
    def end(self) -> datetime:
        return self.segments[-1].end

    def paid_minutes(self, activities: Sequence[ActivityCode]) -> float:
        paid = {a.code for a in activities if a.paid}
        return sum(s.minutes for s in self.segments if s.activity in paid)


def shifts_of(roster: pd.DataFrame) -> list[Shift]:
    """The roster's shifts, by agent and start."""
    shifts: list[Shift] = []
    held: list[Segment] = []
    key: tuple[str, str, bool] | None = None

    def close() -> None:
        if key is not None and held:
            shifts.append(Shift(*key, tuple(held)))
        held.clear()

    ordered = roster.sort_values(["agent_id", "start"])
    columns = [ordered[name].tolist() for name in ROSTER.columns]
    for agent_id, start, end, activity, queue, template, pinned in zip(*columns, strict=True):
        segment = Segment(start.to_pydatetime(), end.to_pydatetime(), activity, queue)
        own = (agent_id, template, pinned)
        if own != key or (held and held[-1].end != segment.start):
            close()
            key = own
        held.append(segment)
    close()
    return shifts


def kind_of(shift: Shift, zone: ZoneInfo) -> Kind:
    """What kind of shift it is: by its activity where no work is in it, else by its start."""
    activities = {s.activity for s in shift.segments}
    if activities <= {"time_off"}:
        return "away"
    if activities <= {"standby"}:
        return "standby"
    return kind_at(shift.start.astimezone(zone).hour)


def kind_at(hour: int) -> Kind:
    """What kind of shift starts at the local hour."""
    if 5 <= hour < 9:
        return "early"
    if 9 <= hour < 13:
        return "day"
    return "late" if 13 <= hour < 19 else "night"


def label_of(shift: Shift, zone: ZoneInfo) -> str:
    """What stands in the grid's cell, e.g. 08:00-16:30."""
    if {s.activity for s in shift.segments} <= {"time_off"}:
        return "off"
    return f"{words.clock_time(shift.start, zone)}-{words.clock_time(shift.end, zone)}"


def grid_rows(
    roster: pd.DataFrame,
    agents: Sequence[Agent],
    activities: Sequence[ActivityCode],
    *,
    days: Sequence[date],
    zone: ZoneInfo,
) -> list[dict[str, Any]]:
    """One row an agent: `agent_id`, `agent`, `contract`, `skills`, `hours` (paid, over `days`),
    and for each day its label under the ISO date, its kind under the ISO date with `_kind` and,
    where the shift is pinned, true under the ISO date with `_pinned`.

    Granted time off is shown where no shift stands. Agents who left the brand since keep their row.
    """
    rows: dict[str, dict[str, Any]] = {}
    for agent in agents:
        rows[agent.agent_id] = {
            "agent_id": agent.agent_id,
            "agent": agent.name,
            "contract": agent.contract_on(days[0]) or agent.contract_on(days[-1]) or "",
            "skills": [s.queue for s in agent.skills],
            "hours": 0.0,
            **{
                key: value
                for day in days
                if agent.is_off(day)
                for key, value in ((day.isoformat(), "off"), (f"{day.isoformat()}_kind", "away"))
            },
        }
    for shift in _told_shifts(roster, activities, zone):
        row = rows.setdefault(
            shift.agent_id,
            {
                "agent_id": shift.agent_id,
                "agent": shift.agent_id,
                "contract": "",
                "skills": [],
                "hours": 0.0,
            },
        )
        if not days[0] <= shift.day <= days[-1]:
            continue
        row[shift.day.isoformat()] = shift.label
        row[f"{shift.day.isoformat()}_kind"] = shift.kind
        if shift.pinned:
            row[f"{shift.day.isoformat()}_pinned"] = True
        row["hours"] += shift.paid_h
    for row in rows.values():
        row["hours"] = round(row["hours"], 2)
    return list(rows.values())


class _Told(NamedTuple):
    """A shift as the grid tells it."""

    agent_id: str
    day: date
    label: str
    kind: Kind
    pinned: bool
    paid_h: float


def _told_shifts(
    roster: pd.DataFrame, activities: Sequence[ActivityCode], zone: ZoneInfo
) -> Iterator[_Told]:
    """What `label_of`, `kind_of` and `paid_minutes` say of all shifts, in one pass over columns."""
    if roster.empty:
        return
    table = roster.sort_values(["agent_id", "start"])
    follows = table["start"] == table["end"].shift()
    for name in ("agent_id", "template", "pinned"):
        follows &= table[name] == table[name].shift()
    number = (~follows).cumsum()
    paid = table["activity"].isin([a.code for a in activities if a.paid])
    ends_here = ~follows.shift(-1, fill_value=False)
    first, last = (table[mask].reset_index(drop=True) for mask in (~follows, ends_here))
    hours = ((table["end"] - table["start"]).dt.total_seconds() * paid).groupby(number).sum() / 3600
    away, standby = (
        (table["activity"] == code).groupby(number).all() for code in ("time_off", "standby")
    )
    starts, ends = (c.dt.tz_convert(zone) for c in (first["start"], last["end"]))
    labels = starts.dt.strftime("%H:%M") + "-" + ends.dt.strftime("%H:%M")
    columns = (
        first["agent_id"], starts.dt.date, labels, starts.dt.hour, first["pinned"], hours, away,
        standby,
    )  # fmt: skip
    told = zip(*(column.tolist() for column in columns), strict=True)
    for agent_id, day, label, hour, pinned, paid_h, is_away, is_standby in told:
        kind: Kind = "away" if is_away else "standby" if is_standby else kind_at(hour)
        yield _Told(agent_id, day, "off" if is_away else label, kind, pinned, paid_h)


def starts_on(shift: Shift, day: date, zone: ZoneInfo) -> bool:
    """Whether the shift is work and belongs to the local day."""
    away = {s.activity for s in shift.segments} <= ABSENT
    return not away and local_day(shift.start, zone) == day


def shift_on(shifts: Sequence[Shift], agent_id: str, day: date, zone: ZoneInfo) -> Shift | None:
    """The agent's shift that starts on the local day, or None."""
    return next((s for s in shifts if s.agent_id == agent_id and starts_on(s, day, zone)), None)


def shifts_on(roster: pd.DataFrame, day: date, zone: ZoneInfo) -> list[Shift]:
    """The shifts of which any part lies on the local day, by start and agent."""
    start, end = local_midnight(day, zone), local_midnight(day + timedelta(days=1), zone)
    # A shift is shorter than a day, so the days beside this one hold the rest of all that touch it.
    day_long = timedelta(days=1)
    near = roster[(roster["start"] >= start - day_long) & (roster["start"] < end + day_long)]
    found = [s for s in shifts_of(near) if s.end > start and s.start < end]
    return sorted(found, key=lambda s: (s.start, s.end, s.agent_id))


def shift_after(change: Change) -> Shift | None:
    """The shift that a change puts on its day, None where it leaves the day free."""
    segments = tuple(Segment(s.start, s.end, s.activity, s.queue) for s in worked(change.after))
    if not segments:
        return None
    first = worked(change.after)[0]
    return Shift(change.agent_id, first.template, first.pinned, segments)


def breaks_of(shift: Shift, brand: Brand) -> list[Segment]:
    """The shift's breaks in their order: segments of the activities its template has breaks of."""
    template = next((t for t in brand.templates if t.name == shift.template), None)
    kinds = {b.activity for b in template.breaks} if template else set()
    return [s for s in shift.segments if s.activity in kinds]


@dataclass(frozen=True)
class DayInWords:
    """One agent's day as sentences: a title, a summary, and a line a segment."""

    title: str
    summary: str
    lines: tuple[str, ...] = ()


def day_in_words(
    shifts: Sequence[Shift],
    activities: Sequence[ActivityCode],
    *,
    agent: Agent | None,
    agent_id: str,
    day: date,
    zone: ZoneInfo,
) -> DayInWords:
    """The agent's shift that starts on `day`, told with its breaks, or why there is none."""
    title = f"{agent.name if agent else agent_id}, {words.long_day(day)}"
    own = [s for s in shifts if s.agent_id == agent_id and local_day(s.start, zone) == day]
    if not own:
        if agent is not None and agent.is_off(day):
            return DayInWords(title, "Granted time off.")
        return DayInWords(title, "Free day: no shift starts on this day.")
    lines = []
    for shift in own:
        for segment in shift.segments:
            where = f" ({segment.queue})" if segment.queue else ""
            lines.append(
                f"{words.clock_time(segment.start, zone)}–{words.clock_time(segment.end, zone)}  "
                f"{words.activity(segment.activity)}{where}, "
                f"{words.span_length(segment.end - segment.start)}"
            )
    first = own[0]
    paid = sum(s.paid_minutes(activities) for s in own) / 60
    over = ", ends the next day" if local_day(first.end, zone) > day else ""
    pinned = " It is pinned: re-solving leaves it as it is." if first.pinned else ""
    template = f" Template {first.template}." if first.template else ""
    return DayInWords(
        title,
        f"Shift {label_of(first, zone)}{over}; {paid:g} h paid.{template}{pinned}",
        tuple(lines),
    )
