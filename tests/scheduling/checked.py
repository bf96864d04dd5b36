"""One agent's lawful shifts, and the rules that a roster of them breaks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
from rosters import horizon, make_agent, make_brand

from scheduling.check import check_roster
from wfm.brands import Brand
from wfm.frames import ROSTER
from wfm.people import Agent, BreakRule, Contract, ShiftTemplate

START, END = horizon(28)
DAY = ShiftTemplate(
    "day",
    480,
    (0, 480, 840, 1320),
    (BreakRule("break", 15, 90, 150), BreakRule("meal", 30, 210, 300)),
)
SHORT = ShiftTemplate("short", 240, (480,), (BreakRule("break", 15, 60, 120),))
LAW = Contract("law", ("day",), 8, 40, max_days_per_week=5, max_consecutive_days=5)
BRAND = make_brand(templates=(DAY, SHORT), contracts=(LAW,))
AGENT = make_agent("a1", contract="law")

Rows = list[tuple]


def shift(day: int, hour: float = 8, *, agent: str = "a1", start: datetime = START) -> Rows:
    """Segments of a day shift that begins so many hours after midnight of a day."""
    at = start + timedelta(days=day, hours=hour)

    def after(minutes: int) -> datetime:
        return at + timedelta(minutes=minutes)

    cuts = [(0, "on_queue"), (90, "break"), (105, "on_queue"), (240, "meal"), (270, "on_queue")]
    ends = [90, 105, 240, 270, 480]
    return [
        (agent, after(a), after(b), activity, "", "day", False)
        for (a, activity), b in zip(cuts, ends, strict=True)
    ]


def shift_at(wall: str, brand: Brand) -> Rows:
    """Segments of a day shift that begins when the clock on the brand's wall shows so."""
    at = datetime.fromisoformat(wall).replace(tzinfo=brand.tz).astimezone(UTC)
    return shift(0, 0, start=at)


def shifts(*days: int, hour: float = 8) -> list[Rows]:
    return [shift(day, hour) for day in days]


def changed(segments: Rows, number: int, **changes: object) -> Rows:
    """The segments with some cells of one of them changed."""
    rows = list(segments)
    names = list(ROSTER.columns)
    rows[number] = tuple(changes.get(n, v) for n, v in zip(names, rows[number], strict=True))
    return rows


def table(*shifts: Rows) -> pd.DataFrame:
    rows = [row for s in shifts for row in s]
    frame = pd.DataFrame(rows, columns=list(ROSTER.columns))
    return frame.astype({name: column.dtype for name, column in ROSTER.columns.items()})


def under(brand: Brand = BRAND, **law: object) -> Brand:
    """The brand with another law."""
    return replace(brand, contracts=(replace(LAW, **law),))  # type: ignore[arg-type]


def broken(
    roster: pd.DataFrame,
    *,
    agent: Agent = AGENT,
    brand: Brand = BRAND,
    history: pd.DataFrame | None = None,
    start: datetime = START,
    end: datetime = END,
) -> set[str]:
    """Names of the rules that the roster breaks."""
    found = check_roster(roster, brand, (agent,), start=start, end=end, history=history)
    return {v.rule for v in found}
