"""Rosters small enough to be read: shifts of two agents in Berlin, in a week of summer time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pandas as pd
import pytest

from api.exports.contents import Contents
from wfm.brands import Brand
from wfm.frames import ROSTER
from wfm.people import Agent, ContractTerm, TimeOff
from wfm.timegrid import local_midnight, zone_named

BERLIN = zone_named("Europe/Berlin")
MONDAY = date(2026, 6, 1)

Row = tuple[str, datetime, datetime, str, str, str, bool]


def shift_rows(
    agent_id: str, day: date, at: int, *, template: str = "early8", breaks: tuple[int, ...] = (2,)
) -> list[Row]:
    """Segments of a shift of four hours that starts at the local hour, an hour's meal at each."""
    start = local_midnight(day, BERLIN) + timedelta(hours=at)
    rows: list[Row] = []
    for hour in range(4):
        begin = start + timedelta(hours=hour)
        activity = "meal" if hour in breaks else "on_queue"
        rows.append((agent_id, begin, begin + timedelta(hours=1), activity, "", template, False))
    return rows


def roster_of(*shifts: list[Row]) -> pd.DataFrame:
    rows = [row for shift in shifts for row in shift]
    table = pd.DataFrame(rows, columns=list(ROSTER.columns))
    return ROSTER.check(table.astype({n: c.dtype for n, c in ROSTER.columns.items()}))


def agent(agent_id: str, name: str, **changes: object) -> Agent:
    terms = (ContractTerm("full", date(2020, 1, 1)),)
    return Agent(agent_id, name, terms, (), **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def brand() -> Brand:
    return Brand("Nord & Süd", "Europe/Berlin", (), (), (), ())


@pytest.fixture(scope="session")
def contents_of(brand: Brand) -> Callable[..., Contents]:
    """Contents of shifts over some days from a Monday on; of Ann and Bo, who is off on Tuesday."""
    off = (TimeOff(date(2026, 6, 2), date(2026, 6, 2)),)
    agents = (agent("a1", "Ann Ünal"), agent("b2", "Bo", time_off=off))

    def make(
        *shifts: list[Row], first: date = MONDAY, days: int = 3, **changes: object
    ) -> Contents:
        values: dict[str, object] = {
            "title": "plan 3, version 2",
            "brand": brand,
            "agents": agents,
            "roster": roster_of(*shifts),
            "start": local_midnight(first, BERLIN),
            "end": local_midnight(first + timedelta(days=days), BERLIN),
        }
        return Contents(**(values | changes))  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def rows() -> Callable[..., list[Row]]:
    return shift_rows


@pytest.fixture(scope="session")
def roster() -> Callable[..., pd.DataFrame]:
    return roster_of
