"""Each edit changes what it says and nothing else, and what cannot be is refused with a way out."""

import itertools
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from editdesk import AGENTS, LONG, day, instant, make_ground, make_table, worked_from

from scheduling.check import check_roster
from scheduling.editing.changes import applied, day_of, undone
from scheduling.editing.edits import (
    Activity,
    Assign,
    Drop,
    Edit,
    Give,
    Lengthen,
    Move,
    MoveBreak,
    Pin,
    Swap,
    Unpin,
)
from scheduling.editing.laying import places_of
from scheduling.editing.making import changes_of
from scheduling.rostering.shifts import break_windows
from wfm.errors import NotFound, RequestError
from wfm.frames import ROSTER as SCHEMA

GROUND = make_ground()
ROSTER = make_table(GROUND)


def edited(*edits: Edit, roster: pd.DataFrame = ROSTER, ground=GROUND) -> pd.DataFrame:
    for edit in edits:
        roster = applied(roster, changes_of(roster, edit, ground))
    return roster


def breaks_of(roster: pd.DataFrame, agent_id: str, number: int) -> list[tuple[str, str]]:
    return [
        (s.activity, f"{s.start:%H:%M}")
        for s in day_of(roster, agent_id, day(number), GROUND.brand.tz)
        if s.activity != "on_queue"
    ]


def test_the_roster_to_be_edited_keeps_every_rule():
    assert check_roster(ROSTER, GROUND.brand, AGENTS, start=GROUND.start, end=GROUND.end) == ()


def test_a_shift_is_assigned_on_a_day_off():
    after = edited(Assign("ann", day(3), "mid", 600))

    assert worked_from(after, "ann", 3) == ("mid", "10:00-16:00")


def test_a_shift_is_assigned_in_the_place_of_another():
    after = edited(Assign("ann", day(0), "long", 600))

    assert worked_from(after, "ann", 0) == ("long", "10:00-18:00")


def test_a_shift_is_dropped():
    assert worked_from(edited(Drop("ann", day(0))), "ann", 0) is None


def test_a_shift_is_moved_in_time_to_another_day_and_both():
    assert worked_from(edited(Move("ann", day(0), 600)), "ann", 0) == ("long", "10:00-18:00")
    to_thursday = edited(Move("ann", day(0), to_day=day(3)))
    assert worked_from(to_thursday, "ann", 0) is None
    assert worked_from(to_thursday, "ann", 3) == ("long", "08:00-16:00")
    both = edited(Move("ann", day(0), 840, day(3)))
    assert worked_from(both, "ann", 3) == ("long", "14:00-22:00")


def test_a_shift_grows_into_the_contracts_next_template():
    shorter = edited(Lengthen("ann", day(0), -120))
    assert worked_from(shorter, "ann", 0) == ("mid", "08:00-14:00")
    assert worked_from(edited(Lengthen("ann", day(0), 120), roster=shorter), "ann", 0) == (
        "long",
        "08:00-16:00",
    )


def test_a_shift_goes_over_its_end_or_is_cut_before_it():
    assert worked_from(edited(Lengthen("ann", day(0), 45, by="end")), "ann", 0) == (
        "long",
        "08:00-16:45",
    )
    cut = edited(Lengthen("ann", day(0), -360, by="end"))
    assert worked_from(cut, "ann", 0) == ("long", "08:00-10:00")
    assert breaks_of(cut, "ann", 0) == [("break", "09:30")]


def test_two_agents_take_each_others_shift():
    after = edited(Swap("ann", day(0), "bob", day(0)))

    assert worked_from(after, "ann", 0) == ("mid", "14:00-20:00")
    assert worked_from(after, "bob", 0) == ("long", "08:00-16:00")


def test_two_agents_take_each_others_shift_on_two_days():
    after = edited(Swap("ann", day(1), "bob", day(4)))

    assert worked_from(after, "ann", 1) is None
    assert worked_from(after, "ann", 4) == ("long", "22:00-06:00")
    assert worked_from(after, "bob", 1) == ("long", "08:00-16:00")
    assert worked_from(after, "bob", 4) is None


def test_a_shift_is_swapped_with_a_day_off():
    after = edited(Swap("cem", day(0), "bob", day(0)))

    assert worked_from(after, "cem", 0) == ("mid", "14:00-20:00")
    assert worked_from(after, "bob", 0) is None


def test_a_shift_is_given_as_it_stands():
    shifted = edited(MoveBreak("ann", day(0), 0, 135))
    after = edited(Give("ann", day(0), "cem"), roster=shifted)

    assert worked_from(after, "ann", 0) is None
    assert breaks_of(after, "cem", 0) == [("break", "10:15"), ("meal", "11:30")]


def test_a_break_is_moved_and_its_place_is_back_on_queue():
    after = edited(MoveBreak("ann", day(0), 1, 270))

    assert breaks_of(after, "ann", 0) == [("break", "09:30"), ("meal", "12:30")]
    on_queue = day_of(after, "ann", day(0), GROUND.brand.tz)[2]
    assert (on_queue.start, on_queue.end) == (instant(0, 585), instant(0, 750))


def test_a_meeting_takes_its_time_of_the_shift_and_gives_it_back():
    meeting = Activity("ann", instant(0, 600), instant(0, 660), "meeting")
    after = edited(meeting)

    assert ("meeting", "10:00") in breaks_of(after, "ann", 0)
    back = edited(replace(meeting, activity="on_queue"), roster=after)
    pd.testing.assert_frame_equal(back, ROSTER)


def test_an_hour_is_spent_on_one_queue():
    after = edited(Activity("bob", instant(4, 1320), instant(4, 1380), "on_queue", "email"))

    first, *_ = day_of(after, "bob", day(4), GROUND.brand.tz)
    assert (first.queue, first.end) == ("email", instant(4, 1380))


def test_an_hour_after_midnight_belongs_to_the_night_before():
    after = edited(Activity("bob", instant(5, 240), instant(5, 300), "training"))

    assert ("training", "04:00") in breaks_of(after, "bob", 4)


def test_a_pinned_shift_stands_until_it_is_unpinned():
    pinned = edited(Pin("ann", day(0)))

    assert pinned.loc[pinned["agent_id"] == "ann", "pinned"].sum() == 5
    with pytest.raises(RequestError, match="the shift of ann on 2026-03-02 is pinned; unpin"):
        changes_of(pinned, Drop("ann", day(0)), GROUND)
    pd.testing.assert_frame_equal(edited(Unpin("ann", day(0)), roster=pinned), ROSTER)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (Assign("eve", day(3), "long", 480), "no agent 'eve'"),
        (Assign("ann", day(3), "huge", 480), "no shift template 'huge'; there are long, mid"),
        (Assign("ann", day(3), "long", 495), "long does not start at 08:15; the nearest.*08:00"),
        (Assign("ann", day(9), "long", 480), "2026-03-11 is not in the roster, which goes from"),
        (Assign("bob", day(5), "mid", 480), "within 3 hours of long 22:00-06:00"),
        (Drop("ann", day(3)), "ann has no shift on 2026-03-05"),
        (Drop("eve", day(3)), "eve has no shift"),
        (Move("ann", day(0), to_day=day(1)), "ann already works long 08:00-16:00 on 2026-03-03"),
        (Move("ann", day(0), to_start_min=480), "changes nothing"),
        (Move("ann", day(0)), "changes nothing"),
        (Lengthen("ann", day(0), 60), r"law is \+60 min at 08:00; there are: -120 min \(mid\)"),
        (Lengthen("ann", day(0), 20), "20 minutes are no multiple"),
        (Lengthen("ann", day(0), 0), "changes nothing"),
        (Lengthen("ann", day(0), -480, by="end"), "nothing of the shift is left"),
        (Swap("ann", day(0), "ann", day(1)), "cannot swap with themselves"),
        (Swap("ann", day(3), "bob", day(3)), "ann has no shift"),
        (Swap("ann", day(0), "bob", day(3)), "bob has no shift"),
        (Swap("ann", day(1), "bob", day(2)), "ann already works"),
        (Swap("ann", day(0), "cem", day(1)), "ann already works"),
        (Give("ann", day(0), "eve"), "no agent 'eve'"),
        (Give("ann", day(0), "bob"), "bob already works mid 14:00-20:00"),
        (MoveBreak("ann", day(0), 2, 60), "has 2 breaks, counted from 0; there is no break 2"),
        (MoveBreak("ann", day(0), 0, 100), "not on the 15-minute grid"),
        (MoveBreak("ann", day(0), 0, 480), "16:00 to 16:15 is not within the shift long 08:00"),
        (MoveBreak("ann", day(0), 0, 210), "overlaps meal 11:30-12:00; move it first"),
        (MoveBreak("ann", day(0), 0, 90), "changes nothing"),
        (Activity("ann", instant(0, 480), instant(0, 540), "party"), "no activity 'party' inside"),
        (Activity("ann", instant(0, 480), instant(0, 540), "time_off"), "no activity 'time_off'"),
        (Activity("ann", instant(0, 480), instant(0, 540), "meeting", "x"), "leave the queue out"),
        (Activity("ann", instant(0, 480), instant(0, 540), "on_queue", "fax"), "no queue 'fax'"),
        (Activity("ann", instant(0, 540), instant(0, 540), "meeting"), "ends before it starts"),
        (Activity("ann", instant(0, 540), instant(0, 580), "meeting"), "15-minute grid"),
        (Activity("ann", instant(0, 420), instant(0, 500), "meeting"), "not on the 15-min"),
        (Activity("ann", instant(0, 420), instant(0, 540), "meeting"), "is not within the shift"),
        (Activity("ann", instant(3, 420), instant(3, 540), "meeting"), "ann has no shift"),
        (Activity("ann", instant(0, 555), instant(0, 600), "meeting"), "overlaps break 09:30"),
        (Lengthen("ann", day(0), 15 * 10**12, by="end"), "no multiple of 15 within a day"),
        (MoveBreak("ann", day(0), 0, 15 * 10**12), "minutes after its start is no part of it"),
        (Drop("ann", date.max), "ann has no shift"),
        (Assign("ann", date.min, "long", 480), "0001-01-01 is not in the roster"),
        (Move("ann", day(0), to_day=date.max), "9999-12-31 is not in the roster"),
        (
            Activity("ann", datetime.min.replace(tzinfo=UTC), instant(0, 0), "meeting"),
            "no shift at 0001-01-01 00:00 UTC|no shift at 1-01-01",
        ),
        (Pin("ann", day(3)), "ann has no shift"),
        (Unpin("ann", day(0)), "changes nothing"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(edit: Edit, told: str):
    with pytest.raises(RequestError, match=told):
        changes_of(ROSTER, edit, GROUND)


def test_a_name_that_is_not_known_is_not_found():
    with pytest.raises(NotFound):
        changes_of(ROSTER, Assign("eve", day(3), "long", 480), GROUND)


def test_a_meeting_does_not_move_with_the_shift():
    after = edited(Activity("ann", instant(0, 600), instant(0, 660), "meeting"))

    with pytest.raises(RequestError, match="holds meeting 10:00-11:00, which does not move"):
        changes_of(after, Move("ann", day(0), to_start_min=600), GROUND)


def test_the_queue_of_the_hour_does_not_move_with_the_shift():
    after = edited(Activity("bob", instant(0, 840), instant(0, 900), "on_queue", "email"))

    with pytest.raises(RequestError, match="serves all queues and email at its hours"):
        changes_of(after, Move("bob", day(0), to_start_min=600), GROUND)


def test_what_somebody_who_left_still_works_can_be_dropped():
    gone = make_ground(agents=AGENTS[1:])

    assert worked_from(edited(Drop("ann", day(0)), ground=gone), "ann", 0) is None


def test_the_past_is_not_edited_but_what_is_left_of_the_shift_is():
    noon = replace(GROUND, frozen_until=instant(0, 720))

    with pytest.raises(RequestError, match="what ann works before Mon 02 Mar 12:00 is past"):
        changes_of(ROSTER, Drop("ann", day(0)), noon)
    with pytest.raises(RequestError, match="is past"):
        changes_of(ROSTER, MoveBreak("ann", day(0), 0, 285), noon)
    changes_of(ROSTER, Lengthen("ann", day(0), 15, by="end"), noon)
    changes_of(ROSTER, Activity("ann", instant(0, 840), instant(0, 900), "meeting"), noon)
    changes_of(ROSTER, Assign("cem", day(0), "mid", 840), noon)


def test_a_start_that_the_clock_jumps_over_is_refused():
    early = replace(LONG, starts=(150, 480))
    ground = make_ground(
        zone="Europe/Berlin", first=day(27), days=2, templates=(early,), needs={"x": 1}
    )

    with pytest.raises(RequestError, match="no 02:30 on 2026-03-29: the clock goes forward"):
        changes_of(SCHEMA.empty(), Assign("ann", day(27), "long", 150), ground)


def test_a_shift_keeps_its_local_start_over_a_clock_change():
    october = make_ground(zone="Europe/Berlin", first=date(2026, 10, 24), days=3)
    roster = make_table(october, {"ann": ((0, "long", 480),)})

    edit = Move("ann", date(2026, 10, 24), to_day=date(2026, 10, 26))
    change = changes_of(roster, edit, october)[1]

    assert change.after[0].start == datetime(2026, 10, 26, 7, tzinfo=UTC)


def test_breaks_of_an_assigned_shift_are_taken_where_nobody_is_missed():
    # Short of one agent all day, but for the last places of both windows.
    need = np.ones(96 * 7)
    for minute, minutes in ((630, 15), (780, 30)):
        at = 3 * 96 + minute // 15
        need[at : at + minutes // 15] = 0
    ground = make_ground(needs={"x": need, "email": 0})

    after = edited(Assign("ann", day(3), "long", 480), ground=ground)

    assert breaks_of(after, "ann", 3) == [("break", "10:30"), ("meal", "13:00")]


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_no_other_places_of_the_breaks_are_missed_less(seed: int):
    rng = np.random.default_rng(seed)
    worth = rng.integers(0, 4, len(GROUND.need.heads)).astype(float)

    places, cost = places_of(LONG, instant(2, 480), worth, GROUND)

    first = 2 * 96 + 32
    windows = break_windows(LONG)
    least = min(
        sum(
            worth[first + p + n] for p, (_, _, k) in zip(at, windows, strict=True) for n in range(k)
        )
        for at in itertools.product(*(range(a, b + 1) for a, b, _ in windows))
        if at[0] + windows[0][2] <= at[1]
    )
    assert cost == pytest.approx(least)
    assert all(a <= p <= b for p, (a, b, _) in zip(places, windows, strict=True))


@st.composite
def any_edit(draw: st.DrawFn) -> Edit:
    agent = draw(st.sampled_from(["ann", "bob", "cem", "dan"]))
    other = draw(st.sampled_from(["ann", "bob", "cem", "dan"]))
    on, to = day(draw(st.integers(0, 6))), day(draw(st.integers(0, 6)))
    minute = draw(st.sampled_from([480, 600, 840, 1320]))
    at = instant(draw(st.integers(0, 6)), minute + 120)
    return draw(
        st.sampled_from(
            [
                Assign(agent, on, draw(st.sampled_from(["long", "mid", "short"])), minute),
                Drop(agent, on),
                Move(agent, on, minute, to),
                Lengthen(agent, on, draw(st.sampled_from([-120, -60, 60, 120])), "end"),
                Swap(agent, on, other, to),
                Give(agent, on, other),
                MoveBreak(agent, on, 0, draw(st.sampled_from([75, 120, 150]))),
                Activity(agent, at, at + timedelta(hours=1), "meeting"),
                Pin(agent, on),
                Unpin(agent, on),
            ]
        )
    )


@given(st.lists(any_edit(), min_size=3, max_size=8))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_any_run_of_edits_can_be_undone_and_makes_a_roster(edits: list[Edit]):
    roster, done = ROSTER, []
    for edit in edits:
        try:
            changes = changes_of(roster, edit, GROUND)
        except RequestError:
            continue
        roster = applied(roster, changes)
        done.append(changes)
        assert all(day_of(roster, c.agent_id, c.day, GROUND.brand.tz) == c.after for c in changes)
    broken = check_roster(roster, GROUND.brand, AGENTS, start=GROUND.start, end=GROUND.end)
    assert not {v.rule for v in broken} & {"overlap", "gap", "grid", "one_shift_a_day", "horizon"}

    for changes in reversed(done):
        roster = undone(roster, changes)

    pd.testing.assert_frame_equal(roster, ROSTER)
