"""Changes are carried out, taken back exactly, and found again between two rosters."""

import json
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from editdesk import day, instant, make_ground, make_table

from scheduling.editing.changes import (
    Change,
    Segment,
    applied,
    by_day,
    day_of,
    difference,
    segments_of,
    table_of,
    told,
    undone,
    worked,
)
from scheduling.editing.laying import laid
from wfm.errors import Conflict, FrameError
from wfm.store.documents import from_document, to_document

GROUND = make_ground()
ROSTER = make_table(GROUND)
UTC = GROUND.brand.tz


def on(agent_id: str, number: int) -> tuple[Segment, ...]:
    return day_of(ROSTER, agent_id, day(number), UTC)


def free_to(agent_id: str, number: int, minute: int = 600) -> Change:
    return Change(
        agent_id,
        day(number),
        on(agent_id, number),
        laid(GROUND.templates["mid"], instant(number, minute), [10]),
    )


changes_of_days = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "cem", "dan", "new"]),
        st.integers(0, 6),
        st.sampled_from([None, 480, 600, 840]),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda c: c[:2],
)


@given(changes_of_days)
@settings(max_examples=8, deadline=None, derandomize=True)
def test_what_is_undone_was_never_done(picked: list[tuple]):
    changes = [
        Change(a, day(n), on(a, n), () if m is None else free_to(a, n, m).after)
        for a, n, m in picked
    ]

    after = applied(ROSTER, changes)

    pd.testing.assert_frame_equal(undone(after, changes), ROSTER)


@given(changes_of_days, changes_of_days)
@settings(max_examples=8, deadline=None, derandomize=True)
def test_the_difference_of_two_rosters_makes_one_of_the_other(one: list[tuple], two: list[tuple]):
    rosters = [
        applied(
            ROSTER,
            [
                Change(a, day(n), on(a, n), () if m is None else free_to(a, n, m).after)
                for a, n, m in picked
            ],
        )
        for picked in (one, two)
    ]

    changes = difference(*rosters, UTC)

    pd.testing.assert_frame_equal(applied(rosters[0], changes), rosters[1])
    assert all(c.before != c.after for c in changes)


def test_a_roster_does_not_differ_from_itself():
    assert difference(ROSTER, ROSTER, UTC) == ()


def test_the_roster_handed_in_is_left_as_it_is():
    before = ROSTER.copy()

    applied(ROSTER, [free_to("ann", 0)])

    pd.testing.assert_frame_equal(ROSTER, before)


def test_a_roster_that_has_moved_on_is_noticed():
    change = free_to("ann", 0)
    moved_on = applied(ROSTER, [change])

    with pytest.raises(Conflict, match=r"ann on 2026-03-02 has been changed since.*read it again"):
        applied(moved_on, [change])


def test_two_segments_of_an_agent_at_one_start_are_refused():
    twice = Change("ann", day(0), (), (replace(on("ann", 0)[0], activity="meeting"),))

    with pytest.raises(FrameError, match="appears twice"):
        applied(ROSTER, [twice])


def test_changes_follow_one_another():
    first = free_to("cem", 0)
    second = Change("cem", day(0), first.after, ())

    pd.testing.assert_frame_equal(applied(ROSTER, [first, second]), ROSTER)


def test_a_shift_past_midnight_belongs_to_the_day_it_starts_on():
    night = on("bob", 4)

    assert night[0].start == instant(4, 1320)
    assert night[-1].end == instant(5, 360)
    assert day_of(ROSTER, "bob", day(5), UTC) == ()


def test_an_absence_stands_beside_the_shift_of_its_day():
    off = Segment(instant(0, 0), instant(0, 1440), "time_off")
    days = by_day([*on("ann", 0), off], UTC)

    assert off in days[day(0)]
    assert worked(days[day(0)]) == on("ann", 0)


def test_a_night_before_the_clock_goes_forward_stays_on_its_day():
    berlin = make_ground(zone="Europe/Berlin", first=day(26), days=3)
    roster = make_table(berlin, {"ann": ((0, "long", 1320),)})

    segments = day_of(roster, "ann", day(26), berlin.brand.tz)

    assert segments[-1].end - segments[0].start == timedelta(hours=8)
    assert f"{segments[-1].end.astimezone(berlin.brand.tz):%H:%M}" == "07:00"


def test_a_change_is_kept_as_json():
    change = free_to("ann", 0)

    assert from_document(Change, json.loads(json.dumps(to_document(change)))) == change


def test_segments_make_the_table_they_came_from():
    assert segments_of(table_of({"ann": on("ann", 0)})) == list(on("ann", 0))
    assert table_of({}).empty


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (free_to("ann", 0), "ann, Mon 02 Mar: long 08:00-16:00 → mid 10:00-16:00"),
        (Change("ann", day(0), on("ann", 0), ()), "ann, Mon 02 Mar: long 08:00-16:00 → off"),
        (
            Change(
                "ann",
                day(0),
                on("ann", 0),
                tuple(replace(s, pinned=True) for s in on("ann", 0)),
            ),
            "ann, Mon 02 Mar: long 08:00-16:00 → long 08:00-16:00, pinned",
        ),
        (
            Change(
                "ann",
                day(0),
                on("ann", 0),
                laid(GROUND.templates["long"], instant(0, 480), [8, 14]),
            ),
            "ann, Mon 02 Mar: long 08:00-16:00 → long 08:00-16:00, break at 10:00",
        ),
        (
            Change("dan", day(3), (), (Segment(instant(3, 0), instant(3, 1440), "time_off"),)),
            "dan, Thu 05 Mar: off → time off",
        ),
    ],
)
def test_a_change_is_told_in_words(change: Change, words: str):
    assert told(change, UTC) == words
