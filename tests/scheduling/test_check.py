"""The checker as a whole: what counts, what is judged, whose; each rule: checking/."""

import sys
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from checked import AGENT, BRAND, END, START, broken, changed, shift, table, under
from rosters import MONDAY, make_agent

from scheduling.check import Violation, check_roster
from wfm.errors import FrameError
from wfm.frames import ROSTER
from wfm.rules import RULES


def test_a_lawful_roster_breaks_nothing():
    weeks = [shift(7 * w + d) for w in range(4) for d in range(5)]

    assert check_roster(table(*weeks), BRAND, (AGENT,), start=START, end=END) == ()


def test_an_empty_roster_breaks_nothing():
    assert broken(ROSTER.empty()) == set()


def test_a_break_out_of_its_window_or_of_another_length_is_found():
    late = shift(0)
    moved = [
        *changed(late[:2], 0, end=late[0][2] + timedelta(minutes=75)),
        *changed(
            late,
            1,
            start=late[1][1] + timedelta(minutes=75),
            end=late[1][2] + timedelta(minutes=75),
        )[1:2],
    ]
    segments = [moved[0], moved[2], (*late[2][:1], moved[2][2], *late[2][2:]), *late[3:]]

    assert broken(table(segments)) == {"breaks"}


def test_a_template_not_in_the_contract_is_found():
    at = START + timedelta(hours=8)
    cuts = [(0, 60, "on_queue"), (60, 75, "break"), (75, 240, "on_queue")]
    short = [
        ("a1", at + timedelta(minutes=a), at + timedelta(minutes=b), activity, "", "short", False)
        for a, b, activity in cuts
    ]

    assert broken(table(short)) == {"template"}


def test_a_shift_at_the_wrong_length_is_found():
    longer = changed(shift(0), 4, end=shift(0)[4][2] + timedelta(minutes=30))

    assert broken(table(longer)) >= {"template"}


def test_what_was_worked_before_counts_but_is_not_judged():
    before = [shift(d) for d in (-5, -4, -3, -2)]
    lawful = table(*before)

    assert broken(table(shift(0)), history=lawful) == set()
    assert broken(table(shift(0), shift(1)), history=table(*[shift(d) for d in range(-4, 0)])) == {
        "consecutive_days"
    }


def test_rest_is_owed_after_the_last_night_before():
    assert broken(table(shift(0, 14)), history=table(shift(-1, 22))) == {"rest"}


def test_weekends_before_the_horizon_count():
    worked = table(shift(-16), shift(-9))

    assert broken(table(shift(5)), history=worked) == {"weekends"}


def test_the_week_that_began_before_the_horizon_is_counted_as_one():
    start, end = START + timedelta(days=3), END
    history = table(*[shift(d) for d in (0, 1, 2)])
    found = check_roster(
        table(*[shift(d) for d in (4, 5, 6)]),
        BRAND,
        (AGENT,),
        start=start,
        end=end,
        history=history,
    )

    assert [(v.rule, v.day) for v in found] == [
        ("week_days", MONDAY + timedelta(days=6)),
        ("week_hours", MONDAY + timedelta(days=6)),
    ]


def test_a_violation_reads_as_a_sentence():
    violation = Violation("a1", MONDAY, "rest", "8 h of rest, contract 11")

    assert str(violation) == (
        "a1 on 2026-03-02: 8 h of rest, contract 11 "
        "(hours between two shifts no fewer than the contract's)"
    )


@pytest.mark.parametrize("rule", list(RULES))
def test_a_violation_says_what_may_be_done_about_it(rule: str):
    assert Violation("a1", MONDAY, rule, "figures").cure == RULES[rule].cure


def test_the_agents_asked_for_are_judged_as_if_all_were():
    agents = (*(make_agent(f"a{n}", contract="law") for n in range(4)), AGENT)
    roster = table(
        *(shift(d, agent=f"a{n}") for n in range(4) for d in range(4 + n)), shift(1, agent="ghost")
    )
    history = table(*(shift(-2, 22, agent=f"a{n}") for n in range(4)))
    judged = {"start": START, "end": END, "history": history}
    everybody = check_roster(roster, BRAND, agents, **judged)

    for wanted in (["a3"], {"a2", "a3"}, ["ghost"], ["a0", "nobody"], []):
        some = check_roster(roster, BRAND, agents, only=wanted, **judged)
        assert some == tuple(v for v in everybody if v.agent_id in wanted)
    assert {v.agent_id for v in everybody} == {"a2", "a3", "ghost"}


def test_who_works_nothing_more_is_still_judged_by_the_days_before():
    before = table(shift(-1))
    brand = under(min_consecutive_shifts=2)

    assert broken(ROSTER.empty(), brand=brand, history=before) == {"consecutive_shifts"}
    assert broken(table(shift(0)), brand=brand, history=before) == set()


def test_a_table_of_another_shape_is_refused():
    with pytest.raises(FrameError, match="no column 'queue'"):
        check_roster(ROSTER.empty().drop(columns="queue"), BRAND, (AGENT,), start=START, end=END)
    with pytest.raises(FrameError, match="no column 'agent_id'"):
        check_roster(
            ROSTER.empty().drop(columns="agent_id"),
            BRAND,
            (AGENT,),
            start=START,
            end=END,
            only=["a1"],
        )


def test_an_absence_within_a_roster_is_no_work():
    off = [("a1", START, START + timedelta(days=1), "time_off", "", "", False)]

    assert broken(table(off, shift(1))) == set()
    assert broken(table(off, shift(0))) == {"overlap"}


def test_a_long_segment_overlaps_every_one_inside_it():
    long = changed(shift(0), 0, end=shift(0)[4][1])
    found = check_roster(table(long), BRAND, (AGENT,), start=START, end=END)

    assert [v.detail for v in found if v.rule == "overlap"] == [
        "on_queue and break overlap",
        "on_queue and meal overlap",
        "on_queue and on_queue overlap",
    ]
