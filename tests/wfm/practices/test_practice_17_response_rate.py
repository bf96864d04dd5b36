"""Practice: response rate and response time are known for every handle, with median and P90.

The figures people read, those of the API and those of the export are one and the same, equal a
recount from the plain rows, and tell the times of the service window and of the wall clock apart.
"""

from __future__ import annotations

import csv
import io
import math
import statistics
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from api.exports.metricscsv import figures_csv
from wfm.metrics.ranges import measure
from wfm.metrics.rollups import refresh
from wfm.store import tables

DAY = datetime(2026, 3, 2, 7, tzinfo=UTC)  # 08:00 in Berlin, when mail opens
HOUR_S = 3600

# Handle -> how many of its messages are answered, out of how many, and after how long on average.
HANDLES = {"@slow": (14, 100, 17 * HOUR_S), "@rare": (7, 100, 5400), "@good": (85, 100, 10_080)}


@pytest.fixture
def week(desk: Any) -> Any:
    """Messages of one hour to each handle; answers spread evenly around their mean."""
    cases, clocks = [], []
    for account, (answered, asked, mean_s) in HANDLES.items():
        for n in range(asked):
            received = DAY + timedelta(seconds=36 * n)
            took_s = mean_s // 2 + mean_s * n // (answered - 1) if n < answered else None
            case = {"case_id": len(cases) + 1, "queue": "mail", "account": account}
            cases.append(
                {
                    **case,
                    "author": "a",
                    "author_id": len(cases) + 1,
                    "state": "new" if took_s is None else "answered",
                    "severity": 0,
                    "received_at": received,
                    "due_at": received,
                    "due_goal": "first_response",
                    "contacts": 1,
                    "opened_at": received,
                    "actor": "test",
                    "written_at": received,
                }
            )
            clocks.append(
                {
                    **case,
                    "metric": "first_response",
                    "goal": "first_response",
                    "started_at": received,
                    "threshold_s": 900,
                    # Half of the time the window was shut.
                    "elapsed_s": 0.0 if took_s is None else took_s / 2,
                    "due_at": received + timedelta(seconds=900),
                    "stopped_at": None if took_s is None else received + timedelta(seconds=took_s),
                    "outcome": None if took_s is None else "late",
                }
            )
    with desk.store.writing("test") as w:
        w.connection.execute(tables.cases.insert(), cases)
        w.connection.execute(tables.clocks.insert(), clocks)
    desk.clock.at = DAY + timedelta(days=3)
    return desk


def by_handle(desk: Any) -> dict[str, Any]:
    with desk.store.reading() as connection:
        groups = measure(
            connection, desk.brand, DAY, desk.clock.at, now=desk.clock.at, split="account"
        )
    return {group.account: group for group in groups}


@pytest.mark.parametrize("kept", [False, True])
def test_rate_and_mean_time_of_each_handle_are_told(week, kept):
    if kept:
        refresh(week.store, brand=week.brand)
    found = by_handle(week)
    for account, (answered, asked, mean_s) in HANDLES.items():
        figures = found[account].figures
        assert figures["response_rate"] == pytest.approx(answered / asked)
        assert figures["first_response_clock_mean_s"] == pytest.approx(mean_s, abs=1)
        assert figures["first_response_mean_s"] == pytest.approx(mean_s / 2, abs=1)


def test_median_and_p90_equal_a_recount_from_the_rows(week):
    found = by_handle(week)
    clocks = tables.clocks.c
    for account in HANDLES:
        with week.store.reading() as connection:
            rows = connection.execute(
                sa.select(clocks.started_at, clocks.stopped_at, clocks.elapsed_s).where(
                    clocks.account == account, clocks.stopped_at.is_not(None)
                )
            ).all()
        for name, times in (
            ("first_response", [row.elapsed_s for row in rows]),
            ("first_response_clock", [(b - a).total_seconds() for a, b, _ in rows]),
        ):
            ordered = sorted(map(math.ceil, times))
            figures = found[account].figures
            assert figures[f"{name}_median_s"] == statistics.median_low(ordered)
            assert figures[f"{name}_p90_s"] == ordered[math.ceil(0.9 * len(ordered)) - 1]


def test_the_export_tells_the_same_and_holds_no_formula(week):
    found = by_handle(week)
    with week.store.writing("test") as w:
        for table in (tables.clocks, tables.cases):
            w.connection.execute(
                table.update().where(table.c.account == "@rare").values(account="=1+1")
            )
    text = figures_csv(by_handle(week).values(), week.brand.tz).decode()
    lines = {line["account"]: line for line in csv.DictReader(io.StringIO(text))}
    # A handle begins with a sign that spreadsheets compute with.
    assert set(lines) == {"'@slow", "'=1+1", "'@good"}
    for name, value in found["@slow"].figures.items():
        told = lines["'@slow"][name]
        assert told == "" if value is None else float(told) == pytest.approx(value)
