"""A shift, or a day off, is explained by trying every alternative of the day, and all others."""

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from whydesk import make_desk

sys.path.insert(0, str(Path(__file__).parents[1] / "editing"))
from editdesk import AGENTS, LAW, SMALL, WORK, day

from scheduling.editing.changes import applied
from scheduling.editing.edits import Assign, Drop
from scheduling.editing.judging import judged
from scheduling.editing.making import changes_of
from scheduling.why.shift import why_not, why_shift
from wfm.errors import NotFound, RequestError
from wfm.people import TimeOff
from wfm.rules import RULES
from wfm.store.documents import from_document, to_document

DESK = make_desk()


def test_what_a_shift_earns_is_what_the_day_off_would_lose():
    reason = why_shift(DESK, "ann", day(0))

    off = judged(
        DESK.roster, changes_of(DESK.roster, Drop("ann", day(0)), DESK.ground), DESK.ground
    )
    assert (reason.template, reason.start_min) == ("long", 480)
    assert reason.cost.covers_h == pytest.approx(
        off.short_hours_after - off.short_hours_before, abs=0.01
    )
    assert reason.cost.paid_h == pytest.approx(7.5)
    assert reason.sentence.startswith("ann has long 08:00-16:00 on Mon 02 Mar. It is ")
    assert "of shortfall cured" in reason.sentence


def test_every_alternative_is_the_edit_that_would_make_it():
    reason = why_shift(DESK, "ann", day(1))

    for option in reason.lawful:
        if option.template:
            edit = Assign("ann", day(1), option.template, option.start_min)
        else:
            edit = Drop("ann", day(1))
        judgement = judged(DESK.roster, changes_of(DESK.roster, edit, DESK.ground), DESK.ground)
        assert judgement.keeps_rules
        assert option.cost.covers_h == pytest.approx(
            judgement.short_hours_before - judgement.short_hours_after, abs=0.01
        )
    costs = [option.cost.total for option in reason.lawful]
    assert costs == sorted(costs)
    assert reason.next_best == reason.lawful[0]
    # Five starts of one template and three of the other, and the day off; one of them stands.
    assert reason.tried == 8
    assert reason.kept + sum(f.shifts for f in reason.forbidden) >= reason.tried


def test_the_next_best_for_the_shift_may_have_it():
    reason = why_shift(DESK, "ann", day(1))

    assert reason.others == 2
    # Bob is off on Tuesday; Dan's contract has no such shift.
    assert reason.next_agent.agent_id == "bob"
    assert reason.next_agent.swaps == ""
    assert "Next best for the shift is bob: " in reason.sentence


def test_who_works_that_day_would_swap():
    work = {"ann": ((0, "long", 480),), "bob": ((0, "mid", 840),)}
    desk = make_desk(work, agents=AGENTS[:2])

    reason = why_shift(desk, "ann", day(0))

    assert (reason.next_agent.agent_id, reason.next_agent.swaps) == ("bob", "mid 14:00-20:00")
    assert reason.next_agent.cost.paid_h == 0


def test_rules_stand_against_alternatives_with_their_figures():
    # Until 22:00 the evening before: eleven hours of rest end at 09:00.
    desk = make_desk({"ann": ((0, "long", 840),)})

    reason = why_shift(desk, "ann", day(1))

    assert (reason.template, reason.start_min, reason.cost.total) == ("", None, 0)
    rest = next(f for f in reason.forbidden if f.rule == "rest")
    assert (rest.shifts, rest.cure) == (3, RULES["rest"].cure)
    assert rest.detail == "8 h of rest, contract 11"
    assert reason.sentence.startswith("ann is off on Tue 03 Mar. Next best for ann is ")
    assert "3 of 8 alternatives break a rule: rest 3 (8 h of rest, contract 11)" in reason.sentence


def test_a_shift_right_after_another_breaks_the_rest_and_not_the_breaks():
    desk = make_desk({"ann": ((0, "long", 1320),)})

    reason = why_shift(desk, "ann", day(1))

    assert {f.rule for f in reason.forbidden} == {"rest"}
    detail = why_not(desk, "ann", day(1), "long", 480).broken[0].detail
    assert detail == "2 h of rest, contract 11"
    before = make_desk({"ann": ((1, "long", 360),)})
    assert why_not(before, "ann", day(0), "long", 1320).broken[0].rule == "rest"


def test_a_day_on_which_nothing_may_be_worked_names_the_fewest_rules_in_the_way():
    off = (TimeOff(day(2), day(2)),)
    agents = tuple(replace(a, time_off=off) if a.agent_id == "ann" else a for a in AGENTS)
    desk = make_desk({"ann": ((0, "long", 480),)}, agents=agents)

    reason = why_shift(desk, "ann", day(2))

    assert reason.absent == "time_off"
    assert reason.conflict == ("time_off",)
    assert reason.next_best is None
    assert "Each of the 8 alternatives breaks a rule: time_off 8" in reason.sentence
    # The night before runs into the day.
    assert why_not(desk, "ann", day(1), "long", 1320).broken[0].rule == "time_off"


def test_a_full_week_stands_against_every_day_that_is_left():
    desk = make_desk({"ann": tuple((n, "long", 480) for n in range(5))})

    reason = why_shift(desk, "ann", day(6))

    assert set(reason.conflict) <= {"week_hours", "week_days"}
    assert len(reason.conflict) == 1


def test_why_not_says_the_rules_and_what_may_be_done():
    found = why_not(DESK, "dan", day(1), "long", 480)

    assert {b.rule for b in found.broken} == {"template", "day_hours"}
    assert "dan does not have long at 08:00 on Tue 03 Mar: it would break" in found.sentence
    assert RULES["template"].cure in found.sentence


def test_why_not_says_the_price_where_no_rule_is_in_the_way():
    found = why_not(DESK, "ann", day(4), "mid", 480)

    assert found.broken == ()
    assert "although it keeps every rule: it is" in found.sentence
    assert "5.5 h paid more" in found.sentence


def test_a_pinned_shift_says_so_and_is_explained_all_the_same():
    roster = DESK.roster.assign(pinned=DESK.roster["agent_id"] == "ann")
    desk = replace(DESK, roster=roster, _days={})

    reason = why_shift(desk, "ann", day(0))

    assert reason.pinned
    assert ", pinned." in reason.sentence
    assert reason.lawful
    # Who is pinned that day takes nobody's shift.
    assert why_shift(desk, "bob", day(0)).others == 2


def test_a_start_that_the_clock_skips_is_not_tried():
    spring = day(27)
    early = replace(LAW, templates=("early",))
    template = replace(make_desk().ground.templates["mid"], name="early", starts=(120, 180))
    desk = make_desk(
        {},
        first=spring - timedelta(days=3),
        zone="Europe/Berlin",
        templates=(template,),
        contracts=(early, SMALL),
    )

    assert why_shift(desk, "ann", spring).tried == 1
    with pytest.raises(RequestError, match="clock goes forward"):
        why_not(desk, "ann", spring, "early", 120)


def test_on_the_edges_of_the_roster_the_past_counts():
    history = make_desk({"ann": ((0, "long", 1320),)}).roster
    desk = make_desk({}, first=day(1), days=3, history=history)

    assert why_not(desk, "ann", day(1), "long", 480).broken[0].rule == "rest"


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        (("zed", day(0)), NotFound, "no agent 'zed'"),
        (("ann", day(9)), RequestError, "is not in the roster, which goes from 2026-03-02"),
    ],
)
def test_what_is_not_there_is_refused(asked, error, words):
    with pytest.raises(error, match=words):
        why_shift(DESK, *asked)
    with pytest.raises(error, match=words):
        why_not(DESK, *asked, "long", 480)


@pytest.mark.parametrize(
    ("template", "start", "words"),
    [
        ("night", 480, "no shift template 'night'"),
        ("long", 500, "long does not start at 08:20; it starts at 06:00, 08:00"),
        ("long", 480, "ann has long at 08:00 on 2026-03-02; ask why instead"),
    ],
)
def test_shifts_that_cannot_be_asked_about_are_refused(template, start, words):
    with pytest.raises(RequestError, match=words):
        why_not(DESK, "ann", day(0), template, start)


def test_a_reason_is_a_document():
    reason = why_shift(DESK, "ann", day(0))

    assert from_document(type(reason), to_document(reason)) == reason


def test_trying_changes_nothing():
    before = DESK.roster.copy()
    why_shift(DESK, "bob", day(0))

    assert DESK.roster.equals(before)
    assert applied(DESK.roster, []).equals(before)
    assert set(WORK) == set(DESK.ground.by_id)
