"""Instants, local days and the 15-minute grid."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wfm.errors import RequestError
from wfm.timegrid import (
    INTERVAL,
    FixedClock,
    SystemClock,
    floor_interval,
    format_instant,
    in_local_time,
    interval_count,
    intervals,
    local_day,
    local_midnight,
    parse_instant,
    zone_named,
)

BERLIN = ZoneInfo("Europe/Berlin")

laws = settings(max_examples=50, deadline=None, derandomize=True)
instants = st.datetimes(
    min_value=datetime(2015, 1, 1),  # noqa: DTZ001 (hypothesis wants its bounds naive)
    max_value=datetime(2035, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))


@laws
@given(instant=instants, offset=offsets)
def test_an_instant_written_with_any_offset_is_read_as_the_same_instant(instant, offset):
    read = parse_instant(instant.astimezone(offset).isoformat())
    assert read == instant
    assert read.utcoffset() == timedelta(0)


@laws
@given(instant=instants)
def test_what_is_written_is_read_back_to_the_second(instant):
    assert parse_instant(format_instant(instant)) == instant.replace(microsecond=0)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-03-02T09:00:00", "has no zone; add Z"),
        ("yesterday", "is not an instant; write it as"),
        ("2026-02-30T09:00:00Z", "is not an instant"),
        ("", "is not an instant"),
    ],
)
def test_an_instant_that_cannot_be_read_is_told_with_its_text(text, told):
    with pytest.raises(RequestError, match=told) as caught:
        parse_instant(text)
    assert caught.value.details["value"] == text


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "Europe"])
def test_a_zone_that_does_not_exist_is_told(name):
    with pytest.raises(RequestError, match="is no IANA time zone"):
        zone_named(name)


@laws
@given(instant=instants)
def test_an_instant_lies_in_the_interval_it_is_floored_to(instant):
    start = floor_interval(instant)
    assert start <= instant < start + INTERVAL
    assert start.minute % 15 == 0
    assert (start.second, start.microsecond) == (0, 0)
    assert floor_interval(start) == start


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 3, 28), 96),
        (date(2026, 3, 29), 92),
        (date(2026, 10, 24), 96),
        (date(2026, 10, 25), 100),
    ],
)
def test_a_local_day_has_92_96_or_100_intervals_all_of_that_day(day, expected):
    start, end = local_midnight(day, BERLIN), local_midnight(day + timedelta(days=1), BERLIN)
    starts = list(intervals(start, end))
    assert len(starts) == interval_count(start, end) == expected
    assert {local_day(at, BERLIN) for at in starts} == {day}
    assert local_day(start - timedelta(microseconds=1), BERLIN) == day - timedelta(days=1)


def test_an_empty_range_has_no_interval():
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert list(intervals(noon, noon)) == []
    assert interval_count(noon, noon) == 0


def test_a_clock_that_was_set_runs_on_from_there_at_its_rate():
    shows = datetime(2026, 5, 4, 6, tzinfo=UTC)
    since = datetime.now(UTC) - timedelta(seconds=10)
    shown = SystemClock(shows, since, rate=60.0).now() - shows
    assert timedelta(minutes=10) <= shown < timedelta(minutes=20)


def test_a_clock_knows_whether_it_was_set():
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert SystemClock.starting_at(noon).is_set
    assert not SystemClock().is_set
    assert abs(SystemClock().now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert FixedClock(noon).now() == noon


def test_instants_in_a_sentence_are_told_by_the_sites_clock_also_over_its_change():
    told = in_local_time("from 2026-03-29T00:59:59Z to 2026-03-29T01:00:00Z", BERLIN)
    assert told == "from Sun 29 Mar 01:59 to Sun 29 Mar 03:00"


def test_what_only_looks_like_an_instant_stays_as_it_is():
    text = "order 2026-13-45T99:00:00Z, build 12026-03-02T09:00:00Z, day 2026-03-02"
    assert in_local_time(text, BERLIN) == text
