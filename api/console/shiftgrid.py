"""The roster as people read it: shifts out of segments, a grid of agents by days, a day in words.

Pure: a ROSTER and the agents in; plain rows out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pandas as pd

from api.console import words
from wfm.frames import ROSTER
from wfm.people import ActivityCode, Agent
from wfm.timegrid import local_day

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
    hour = shift.start.astimezone(zone).hour
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
    and for each day its label under the ISO date and its kind under the ISO date with `_kind`.

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
    wanted = set(days)
    for shift in shifts_of(roster):
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
        day = local_day(shift.start, zone)
        if day not in wanted:
            continue
        row[day.isoformat()] = label_of(shift, zone)
        row[f"{day.isoformat()}_kind"] = kind_of(shift, zone)
        row["hours"] += shift.paid_minutes(activities) / 60
    for row in rows.values():
        row["hours"] = round(row["hours"], 2)
    return list(rows.values())


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
    pinned = " It is pinned by a published roster." if first.pinned else ""
    template = f" Template {first.template}." if first.template else ""
    return DayInWords(
        title,
        f"Shift {label_of(first, zone)}{over}; {paid:g} h paid.{template}{pinned}",
        tuple(lines),
    )
