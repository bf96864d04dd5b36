"""A small desk whose roster is edited: two queues, three kinds of shift, every rule kept."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))
from rosters import MONDAY, horizon, make_agent, make_brand, make_requirement

from scheduling.editing.changes import day_of, table_of
from scheduling.editing.ground import EditGround
from scheduling.editing.laying import laid
from scheduling.rostering.shifts import break_windows
from wfm.brands import Planning
from wfm.people import Agent, BreakRule, Contract, ShiftTemplate

LONG = ShiftTemplate(
    "long",
    480,
    (360, 480, 600, 840, 1320),
    (BreakRule("break", 15, 90, 150), BreakRule("meal", 30, 210, 300)),
)
MID = ShiftTemplate("mid", 360, (480, 600, 840), (BreakRule("meal", 30, 150, 210),))
SHORT = ShiftTemplate("short", 240, (480, 960), (BreakRule("break", 15, 60, 120),))
LAW = Contract("law", ("long", "mid"), 8, 40, min_hours_per_week=20, target_hours_per_week=30)
SMALL = Contract("small", ("short",), 4, 20)
EXACT = Planning(planned_shrinkage=0.0, unplanned_shrinkage=0.0)

AGENTS = (
    make_agent("ann", contract="law", skills=("x",)),
    make_agent("bob", contract="law", skills=("x", "email")),
    make_agent("cem", contract="law", skills=("email",)),
    make_agent("dan", contract="small", skills=("x",)),
)

# Who works what: day of the week, template, local start.
WORK: dict[str, tuple[tuple[int, str, int], ...]] = {
    "ann": ((0, "long", 480), (1, "long", 480), (2, "long", 480)),
    "bob": ((0, "mid", 840), (2, "mid", 840), (4, "long", 1320)),
    "cem": ((1, "mid", 480), (3, "mid", 600)),
    "dan": ((0, "short", 960), (5, "short", 480)),
}


def day(number: int) -> date:
    return MONDAY + timedelta(days=number)


def instant(number: int, minute: int) -> datetime:
    """The local (UTC) minute of the numbered day."""
    return horizon(7)[0] + timedelta(days=number, minutes=minute)


def make_ground(
    *,
    needs: dict[str, object] | None = None,
    agents: tuple[Agent, ...] = AGENTS,
    days: int = 7,
    zone: str = "UTC",
    first: date = MONDAY,
    history: pd.DataFrame | None = None,
    **brand: object,
) -> EditGround:
    start, end = horizon(days, first=first, zone=zone)
    desk = make_brand(
        queues=("x", "email"),
        templates=(LONG, MID, SHORT),
        contracts=(LAW, SMALL),
        planning=EXACT,
        zone=zone,
    )
    return EditGround(
        replace(desk, **brand),
        agents,
        make_requirement({"x": 1, "email": 1} if needs is None else needs, start, end),
        start,
        end,
        history=history,
    )


def make_table(
    ground: EditGround, work: dict[str, tuple[tuple[int, str, int], ...]] = WORK
) -> pd.DataFrame:
    """ROSTER of the shifts, each break at the first moment it may start."""
    first = ground.days[0]
    lines = {}
    for agent_id, shifts in work.items():
        lines[agent_id] = [
            segment
            for number, name, minute in shifts
            for segment in laid(
                ground.templates[name],
                ground.instant(first + timedelta(days=number), minute),
                [w[0] for w in break_windows(ground.templates[name])],
            )
        ]
    return table_of(lines)


def worked_from(roster: pd.DataFrame, agent_id: str, number: int) -> tuple[str, str] | None:
    """Template and local (UTC) hours of the agent's shift of the numbered day."""
    segments = day_of(roster, agent_id, day(number), make_ground().brand.tz)
    if not segments:
        return None
    return segments[0].template, f"{segments[0].start:%H:%M}-{segments[-1].end:%H:%M}"
