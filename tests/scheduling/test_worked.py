"""Shifts are read off a roster whole, and told to be what they are by the clock on the wall."""

import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from rosters import make_brand

from scheduling.worked import SHIFT_KINDS, kinds_of, night_hours, shifts_worked
from wfm.brands import Market
from wfm.frames import ROSTER
from wfm.people import NightTime
from wfm.timegrid import INTERVAL

BERLIN = replace(make_brand(zone="Europe/Berlin"), markets=(Market("de", "DE", "Europe/Berlin"),))


def instants(*when: datetime) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(list(when)).as_unit("us")


def kinds(start: datetime, hours: float, brand=BERLIN) -> set[str]:
    (flags,) = kinds_of(instants(start), instants(start + timedelta(hours=hours)), brand)
    return {kind for kind, is_one in zip(SHIFT_KINDS, flags, strict=True) if is_one}


def at(text: str) -> datetime:
    """A local time in Berlin, as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN.tz).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "hours", "wanted"),
    [
        ("2026-03-03 06:45", 8, {"early"}),
        ("2026-03-03 07:00", 8, set()),
        ("2026-03-03 13:00", 8, set()),
        ("2026-03-03 13:15", 8, {"late"}),
        ("2026-03-03 17:30", 8, {"late"}),
        ("2026-03-03 22:00", 8, {"night"}),
        ("2026-03-03 18:00", 8, {"night"}),
        ("2026-03-03 03:00", 8, {"night"}),
        ("2026-03-03 03:15", 8, {"early"}),
        ("2026-03-07 08:00", 8, {"weekend"}),
        ("2026-05-01 08:00", 8, {"holiday"}),
        ("2026-05-02 05:00", 8, {"early", "weekend"}),
    ],
)
def test_a_shift_is_of_its_kinds(start, hours, wanted):
    assert kinds(at(start), hours) == wanted


def test_the_weekend_is_the_brands():
    friday = replace(BERLIN, weekend=(4, 5))

    assert kinds(at("2026-03-06 09:00"), 8, friday) == {"weekend"}
    assert kinds(at("2026-03-08 09:00"), 8, friday) == set()


@pytest.mark.parametrize("window", [NightTime(), NightTime(0, 300, 2), NightTime(1320, 420, 7)])
@pytest.mark.parametrize("day", [date(2026, 3, 28), date(2026, 10, 24), date(2026, 12, 31)])
def test_night_hours_are_the_quarters_whose_wall_time_is_in_the_night(day, window):
    brand = replace(BERLIN, night=window)
    starts = [at(f"{day} {hour:02d}:00") for hour in range(24)]
    ends = [start + timedelta(hours=9.5) for start in starts]

    def dark(instant: datetime) -> bool:
        wall = instant.astimezone(BERLIN.tz)
        minute = wall.hour * 60 + wall.minute
        if window.from_min < window.to_min:
            return window.from_min <= minute < window.to_min
        return minute >= window.from_min or minute < window.to_min

    naive = [sum(dark(start + n * INTERVAL) for n in range(38)) / 4 for start in starts]

    assert night_hours(instants(*starts), instants(*ends), brand).tolist() == naive


def test_a_shift_is_one_piece_of_work_under_one_template():
    begin = at("2026-03-03 08:00")

    def row(agent, after_h, hours, activity, template):
        start = begin + timedelta(hours=after_h)
        return (agent, start, start + timedelta(hours=hours), activity, "", template, False)

    rows = [
        row("a1", 0, 4, "on_queue", "day"),
        row("a1", 4, 0.5, "meal", "day"),
        row("a1", 5, 3, "on_queue", "day"),  # a hole of half an hour is still the shift
        row("a1", 16, 8, "on_queue", "day"),
        row("a1", 24, 4, "on_queue", "late"),
        row("a1", 40, 8, "time_off", ""),
        row("b1", 28, 4, "on_queue", "late"),
    ]
    table = pd.DataFrame(rows, columns=list(ROSTER.columns)).astype(
        {name: column.dtype for name, column in ROSTER.columns.items()}
    )

    found = shifts_worked(table, BERLIN)

    hours = ((found["start"] - begin).dt.total_seconds() / 3600).tolist()
    until = ((found["end"] - begin).dt.total_seconds() / 3600).tolist()
    assert list(zip(found["agent_id"], hours, until, found["template"], strict=True)) == [
        ("a1", 0, 8, "day"),
        ("a1", 16, 24, "day"),
        ("a1", 24, 28, "late"),
        ("b1", 28, 32, "late"),
    ]
    assert found["day"].tolist() == [date(2026, 3, 3)] + [date(2026, 3, 4)] * 3
    assert len(shifts_worked(ROSTER.empty(), BERLIN)) == 0
