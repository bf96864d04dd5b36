"""Service windows and open time, against a minute-by-minute witness in local wall-clock time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wfm.calendars import (
    Hours,
    ServiceWindow,
    add_open_seconds,
    is_open,
    is_public_holiday,
    next_opening,
    open_seconds,
    open_share,
    open_spans,
    public_holidays,
    weekend_of,
)
from wfm.errors import DataError

laws = settings(max_examples=40, deadline=None, derandomize=True)

WEEK = frozenset(range(7))
WORKDAYS = frozenset(range(5))
BERLIN = "Europe/Berlin"

DAYTIME = ServiceWindow((Hours(BERLIN, WEEK, 8 * 60, 20 * 60),))
TWO_MARKETS = ServiceWindow(
    (
        Hours(BERLIN, WORKDAYS, 9 * 60, 17 * 60 + 30, "DE"),
        Hours("America/New_York", WORKDAYS, 9 * 60, 17 * 60, "US"),
    )
)
# Open over the hour that is skipped in March and lived twice in October; shut for lunch.
NIGHTLY = ServiceWindow(
    (Hours(BERLIN, WEEK, 60, 3 * 60 + 30), Hours(BERLIN, WEEK, 13 * 60, 24 * 60))
)
WINDOWS = {
    "always": ServiceWindow.always(),
    "daytime": DAYTIME,
    "two markets": TWO_MARKETS,
    "nightly": NIGHTLY,
}

# Around both clock changes, a holiday week and an ordinary one.
STARTS = [
    datetime(2026, 3, 28, 20, tzinfo=UTC),
    datetime(2026, 10, 24, 20, tzinfo=UTC),
    datetime(2026, 4, 2, 12, tzinfo=UTC),
    datetime(2026, 6, 10, 0, tzinfo=UTC),
]
windows = st.sampled_from(sorted(WINDOWS)).map(WINDOWS.__getitem__)
minutes = st.integers(0, 3 * 24 * 60)
instants = st.builds(
    lambda start, m: start + timedelta(minutes=m), st.sampled_from(STARTS), minutes
)


def is_open_by_the_wall_clock(window: ServiceWindow, instant: datetime) -> bool:
    """The witness: look at a clock on the wall of each zone."""
    for part in window.parts:
        local = instant.astimezone(ZoneInfo(part.zone))
        minute = local.hour * 60 + local.minute
        closed = part.holidays_of is not None and is_public_holiday(local.date(), part.holidays_of)
        if local.weekday() in part.weekdays and part.opens <= minute < part.closes and not closed:
            return True
    return False


@laws
@given(window=windows, instant=instants)
def test_a_window_is_open_when_a_clock_on_the_wall_says_so(window, instant):
    assert is_open(window, instant) == is_open_by_the_wall_clock(window, instant)


@laws
@given(window=windows, start=instants, length=st.integers(0, 30 * 60))
def test_open_seconds_count_the_open_minutes(window, start, length):
    end = start + timedelta(minutes=length)
    witness = sum(
        is_open_by_the_wall_clock(window, start + timedelta(minutes=m)) for m in range(length)
    )
    assert open_seconds(window, start, end) == 60 * witness


@laws
@given(window=windows, start=instants, first=minutes, second=minutes)
def test_open_seconds_add_up(window, start, first, second):
    middle = start + timedelta(minutes=first)
    end = middle + timedelta(minutes=second)
    assert open_seconds(window, start, end) == open_seconds(window, start, middle) + open_seconds(
        window, middle, end
    )


@laws
@given(window=windows, start=instants, seconds=st.integers(1, 40 * 3600))
def test_adding_open_seconds_is_the_inverse_of_counting_them(window, start, seconds):
    end = add_open_seconds(window, start, seconds)
    assert open_seconds(window, start, end) == seconds
    assert open_seconds(window, start, end - timedelta(seconds=1)) == seconds - 1


@laws
@given(window=windows, start=instants, earlier=st.integers(1, 600), seconds=st.integers(1, 20_000))
def test_starting_earlier_never_ends_later(window, start, earlier, seconds):
    before = add_open_seconds(window, start - timedelta(minutes=earlier), seconds)
    assert before <= add_open_seconds(window, start, seconds)


@laws
@given(window=windows, instant=instants)
def test_the_next_opening_is_the_first_open_instant_from_there(window, instant):
    opens = next_opening(window, instant)
    assert is_open(window, opens)
    assert opens >= instant
    assert open_seconds(window, instant, opens) == 0
    assert (opens == instant) == is_open(window, instant)


@laws
@given(window=windows, start=instants, length=minutes)
def test_open_spans_are_in_order_apart_and_inside(window, start, length):
    end = start + timedelta(minutes=length)
    spans = open_spans(window, start, end)
    edges = [edge for span in spans for edge in span]
    assert all(opens < closes for opens, closes in spans)
    assert all(a[1] < b[0] for a, b in pairwise(spans))
    assert edges == sorted(edges)
    assert all(start <= edge <= end for edge in edges)


@laws
@given(window=windows, day=st.sampled_from(STARTS))
def test_open_shares_of_intervals_sum_to_the_open_seconds(window, day):
    end = day + timedelta(hours=30)
    shares = open_share(window, day, end)
    assert len(shares) == 120
    assert all(0.0 <= share <= 1.0 for share in shares)
    assert 900 * sum(shares) == pytest.approx(open_seconds(window, day, end))


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 29), 2.5 - 1), (date(2026, 10, 25), 2.5 + 1), (date(2026, 6, 10), 2.5)],
)
def test_an_hour_skipped_or_lived_twice_is_skipped_or_counted_twice(day, hours):
    night = ServiceWindow((Hours(BERLIN, WEEK, 60, 3 * 60 + 30),))
    midnight = datetime.combine(day, time(), ZoneInfo(BERLIN)).astimezone(UTC)
    assert open_seconds(night, midnight, midnight + timedelta(hours=12)) == hours * 3600


def test_hours_that_a_clock_change_swallows_are_not_open():
    swallowed = ServiceWindow((Hours(BERLIN, WEEK, 2 * 60 + 15, 3 * 60),))
    midnight = datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert open_spans(swallowed, midnight, midnight + timedelta(hours=12)) == []


def test_opening_hours_keep_their_wall_clock_time_over_a_clock_change():
    saturday = datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert next_opening(DAYTIME, saturday - timedelta(days=1)).hour == 7
    assert next_opening(DAYTIME, saturday).hour == 6


def test_a_window_that_ends_at_midnight_joins_the_next_day():
    early_and_late = ServiceWindow(
        (Hours(BERLIN, WEEK, 20 * 60, 24 * 60), Hours(BERLIN, WEEK, 0, 4 * 60))
    )
    evening = datetime(2026, 6, 10, 18, tzinfo=UTC)
    assert open_spans(early_and_late, evening, evening + timedelta(hours=12)) == [
        (evening, evening + timedelta(hours=8))
    ]


def test_one_market_is_closed_on_its_own_holiday_only():
    thanksgiving = datetime(2026, 11, 26, tzinfo=UTC)
    spans = open_spans(TWO_MARKETS, thanksgiving, thanksgiving + timedelta(days=1))
    assert [(opens.hour, closes.hour, closes.minute) for opens, closes in spans] == [(8, 16, 30)]


def test_every_day_all_day_is_always_whatever_its_zone():
    assert ServiceWindow((Hours(BERLIN, WEEK, 0, 24 * 60),)).is_always
    assert not ServiceWindow((Hours(BERLIN, WORKDAYS, 0, 24 * 60),)).is_always
    assert not ServiceWindow((Hours(BERLIN, WEEK, 0, 24 * 60, "DE"),)).is_always


def test_a_window_that_never_opens_is_told_instead_of_searched_for_ever():
    never = ServiceWindow((Hours(BERLIN, frozenset(), 0, 60),))
    with pytest.raises(DataError, match="does not open within 31 days"):
        next_opening(never, STARTS[0])


@pytest.mark.parametrize(("opens", "closes"), [(600, 600), (1200, 480), (-1, 60), (0, 1441)])
def test_hours_that_are_not_within_one_day_are_refused(opens, closes):
    with pytest.raises(DataError, match="split hours that pass midnight"):
        Hours(BERLIN, WEEK, opens, closes)


def test_holidays_are_those_of_the_country():
    assert public_holidays("DE", 2026)[date(2026, 10, 3)] != ""
    assert is_public_holiday(date(2026, 7, 4), "US")
    assert not is_public_holiday(date(2026, 7, 4), "DE")
    with pytest.raises(DataError, match="use an ISO code"):
        public_holidays("ZZ", 2026)


def test_the_days_of_rest_are_those_of_the_country_s_calendar():
    assert weekend_of("DE") == weekend_of("US") == frozenset({5, 6})
    assert weekend_of("IL") == frozenset({4, 5})
    with pytest.raises(DataError, match="'XX'"):
        weekend_of("XX")
