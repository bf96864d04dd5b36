"""Practice: every handle has its service window: around the clock, twelve hours, or the business
hours of the markets; deadlines and demand read the same one, on the days of the clock change too.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.wfm.conftest import a_queue
from wfm.calendars import Hours, ServiceWindow, open_share

BERLIN = ZoneInfo("Europe/Berlin")
WORKDAYS, ALL_DAYS = frozenset(range(5)), frozenset(range(7))
WINDOWS = {
    "always": ServiceWindow.always(),
    "twelve hours": ServiceWindow((Hours("Europe/Berlin", ALL_DAYS, 480, 1200),)),
    "business hours": ServiceWindow(
        (
            Hours("Europe/Berlin", WORKDAYS, 540, 1020, "DE"),
            Hours("Europe/London", WORKDAYS, 540, 1020, "GB"),
        )
    ),
}

# Posted at 23:50 in Berlin; when each window's answer is due, in Berlin.
NIGHTS = {
    "an ordinary Monday": ("2026-03-02", ("03-03 00:05", "03-03 09:00", "03-03 10:00")),
    "before the clocks go forward": ("2026-03-28", ("03-29 00:05", "03-29 09:00", "03-30 10:00")),
    "before the clocks go back": ("2026-10-24", ("10-25 00:05", "10-25 09:00", "10-26 10:00")),
    # Not all of Great Britain has Easter Monday off, so that its hours stand on that day.
    "before Easter": ("2026-04-02", ("04-03 00:05", "04-03 09:00", "04-06 11:00")),
}


@pytest.fixture
def windows(desk):
    queues = tuple(a_queue(name, window) for name, window in WINDOWS.items())
    desk.brand = replace(desk.brand, queues=queues)
    return desk


@pytest.mark.parametrize("night", NIGHTS)
def test_a_post_at_ten_to_midnight_has_the_deadline_of_its_window(windows, night):
    day, expected = NIGHTS[night]
    windows.clock.at = datetime.fromisoformat(f"{day}T23:50").replace(tzinfo=BERLIN).astimezone(UTC)
    due = [
        windows.case(windows.message(f"author of {name}", queue=name).case_id).due_at
        for name in WINDOWS
    ]
    assert tuple(f"{at.astimezone(BERLIN):%m-%d %H:%M}" for at in due) == expected


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_there_is_demand_in_the_hours_of_the_window_only(day, hours):
    start = datetime.fromisoformat(day).replace(tzinfo=BERLIN).astimezone(UTC)
    end = start + timedelta(hours=hours)
    quarters = [start + timedelta(minutes=15 * n) for n in range(hours * 4)]
    for name, window in WINDOWS.items():
        local = [at.astimezone(BERLIN) for at in quarters]
        expected = [
            float(name == "always" or (name == "twelve hours" and 8 <= at.hour < 20))
            for at in local
        ]
        assert open_share(window, start, end) == expected, name
