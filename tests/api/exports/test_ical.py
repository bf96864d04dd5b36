"""Calendars: read back with a calendar library, and followed over published versions."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from api.exports.ical import Version, calendar_of, entries_of
from wfm.timegrid import local_midnight, zone_named

MONDAY = date(2026, 6, 1)
TUESDAY = date(2026, 6, 2)
BERLIN = zone_named("Europe/Berlin")
NOON = datetime(2026, 5, 20, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def version(roster):
    """A version of the first week of June, published some hours after noon of the 20th of May."""

    def make(*shifts, hours=0, days=7, first=MONDAY, **changes) -> Version:
        start = local_midnight(first, BERLIN)
        end = local_midnight(first + timedelta(days=days), BERLIN)
        return Version(roster(*shifts), start, end, NOON + timedelta(hours=hours), **changes)

    return make


@pytest.fixture(scope="session")
def events(brand, contents_of):
    """The events of the versions' calendar, by UID, as a calendar program reads them."""

    def read(*versions: Version) -> dict:
        agents = contents_of().agents
        entries = entries_of(versions, brand)
        calendar = Calendar.from_ical(calendar_of(entries, brand, agents, title="Shifts"))
        found = calendar.walk("VEVENT")
        by_uid = {str(event["uid"]): event for event in found}
        assert len(by_uid) == len(found)
        return by_uid

    return read


def test_an_event_tells_the_shift_in_utc_and_its_breaks_in_local_time(version, events, rows):
    found = events(version(rows("a1", MONDAY, 22)))
    event = found["a1-2026-06-01@nord-sud"]

    assert event.decoded("dtstart") == datetime(2026, 6, 1, 20, tzinfo=UTC)
    assert event.decoded("dtend") == datetime(2026, 6, 2, 0, tzinfo=UTC)
    assert event["dtstart"].to_ical() == b"20260601T200000Z"
    assert (str(event["summary"]), int(event["sequence"])) == ("22:00-02:00 early8", 0)
    assert (str(event["status"]), event.decoded("dtstamp")) == ("CONFIRMED", NOON)
    assert str(event["description"]).splitlines() == [
        "Monday 1 June 2026, ends the next day; 3 h paid",
        "22:00-23:00 on queue",
        "23:00-00:00 on queue",
        "00:00-01:00 meal",
        "01:00-02:00 on queue",
        "Times of Europe/Berlin",
    ]


def test_the_sequence_goes_up_when_a_version_changes_the_shift_and_only_then(version, events, rows):
    same = rows("a1", MONDAY, 9)
    found = events(
        version(same, rows("a1", TUESDAY, 9)),
        version(same, rows("a1", TUESDAY, 10), hours=1),
        version(same, rows("a1", TUESDAY, 10, breaks=(1,)), hours=2),
    )
    monday, tuesday = (found[f"a1-2026-06-0{n}@nord-sud"] for n in (1, 2))
    assert (int(monday["sequence"]), monday.decoded("dtstamp")) == (0, NOON)
    assert (int(tuesday["sequence"]), tuesday.decoded("dtstamp")) == (2, NOON + timedelta(hours=2))


def test_a_shift_that_went_away_is_cancelled_and_one_that_came_back_is_not(version, events, rows):
    first = version(rows("a1", MONDAY, 9), rows("b2", MONDAY, 9))
    gone = version(rows("b2", MONDAY, 9), hours=1)
    uid = "a1-2026-06-01@nord-sud"

    event = events(first, gone)[uid]
    assert (str(event["status"]), int(event["sequence"])) == ("CANCELLED", 1)
    assert event.decoded("dtstart") == datetime(2026, 6, 1, 7, tzinfo=UTC)
    assert str(event["transp"]) == "TRANSPARENT"
    # Dropped once, it is not dropped again.
    assert int(events(first, gone, gone)[uid]["sequence"]) == 1

    back = events(first, gone, version(rows("a1", MONDAY, 9), rows("b2", MONDAY, 9), hours=2))[uid]
    assert (str(back["status"]), int(back["sequence"])) == ("CONFIRMED", 2)


def test_a_version_says_nothing_of_days_outside_its_span(version, events, rows):
    found = events(
        version(rows("a1", MONDAY, 9)),
        version(rows("a1", date(2026, 6, 8), 9), first=date(2026, 6, 8), hours=1),
    )
    assert {str(event["status"]) for event in found.values()} == {"CONFIRMED"}
    assert len(found) == 2


def test_what_only_a_draft_changes_is_tentative(version, events, rows):
    found = events(
        version(rows("a1", MONDAY, 9), rows("a1", TUESDAY, 9)),
        version(rows("a1", MONDAY, 9), rows("a1", TUESDAY, 10), hours=1, draft=True),
    )
    assert [str(event["status"]) for event in found.values()] == ["CONFIRMED", "TENTATIVE"]


def test_pinning_a_shift_changes_nothing_for_the_agent(version, events, rows):
    shift = rows("a1", MONDAY, 9)
    pinned = [(*row[:-1], True) for row in shift]
    (event,) = events(version(shift), version(pinned, hours=1)).values()
    assert (int(event["sequence"]), event.decoded("dtstamp")) == (0, NOON)


def test_an_event_names_whose_it_is_where_there_are_several(version, events, rows):
    found = events(version(rows("a1", MONDAY, 9), rows("zed", MONDAY, 9)))
    assert [str(event["summary"]) for event in found.values()] == [
        "Ann Ünal: 09:00-13:00 early8",
        "zed: 09:00-13:00 early8",
    ]


def test_a_calendar_asked_again_is_the_same_bytes(version, brand, rows):
    def written() -> bytes:
        return calendar_of(entries_of([version(rows("a1", MONDAY, 9))], brand), brand, (), title="")

    assert written() == written()


HOURS = st.lists(st.one_of(st.none(), st.integers(6, 8)), min_size=1, max_size=6)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(hours=HOURS)
def test_the_sequence_counts_the_changes_since_the_shift_first_was(hours, version, brand, rows):
    found = entries_of(
        [version(*([] if at is None else [rows("a1", MONDAY, at)])) for at in hours], brand
    )

    first = next((n for n, at in enumerate(hours) if at is not None), None)
    if first is None:
        assert found == ()
        return
    since = hours[first:]
    changes = sum(a != b for a, b in pairwise(since))
    assert [(e.sequence, e.cancelled) for e in found] == [(changes, hours[-1] is None)]
