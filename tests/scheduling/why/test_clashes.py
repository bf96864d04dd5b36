"""What of a line cannot stand together: the fewest shifts, and the cheapest day to change."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from whydesk import make_desk

sys.path.insert(0, str(Path(__file__).parents[1] / "editing"))
from editdesk import AGENTS, LAW, SMALL, day

from scheduling.check import check_roster
from scheduling.editing.changes import applied
from scheduling.why.clash import conflicts_of
from scheduling.why.costs import desk_of
from scheduling.why.trying import off_trial
from wfm.errors import NotFound
from wfm.people import TimeOff


def ann(*work: tuple[int, str, int], **changes: object):
    return make_desk({"ann": work}, **changes)


def test_a_lawful_line_has_no_conflict():
    assert conflicts_of(make_desk(), "ann") == ()


def test_two_shifts_too_near_conflict_and_one_of_them_is_the_repair():
    desk = ann((0, "long", 480), (1, "long", 840), (2, "long", 480), (4, "mid", 480))

    (found,) = conflicts_of(desk, "ann")

    assert (found.rule, found.day, found.days) == ("rest", day(2), (day(1), day(2)))
    assert found.repair.broken == ()
    assert "These conflict: Tue 03 Mar long 14:00-22:00, Wed 04 Mar long 08:00-16:00." in (
        found.sentence
    )
    assert "Cheapest repair: " in found.sentence


def test_the_repair_mends_what_it_says():
    desk = ann(*((n, "long", 480) for n in range(7)))

    found = conflicts_of(desk, "ann")

    assert [(c.rule, c.day) for c in found] == [
        ("consecutive_days", day(5)),
        ("week_days", day(5)),
        ("week_hours", day(5)),
    ]
    for conflict in found:
        assert conflict.days == tuple(day(n) for n in range(6))
        # Without any one of them the rest keeps the rule.
        for one in conflict.days:
            change = off_trial(desk, "ann", one).change
            left = applied(desk.roster, [change])
            ground = desk.ground
            broken = check_roster(
                left, ground.brand, ground.agents, start=ground.start, end=ground.end
            )
            assert (conflict.rule, conflict.day) not in {(b.rule, b.day) for b in broken}


def test_shifts_before_the_roster_have_part_in_a_conflict():
    history = ann((0, "long", 840)).roster
    desk = ann((1, "long", 480), first=day(0), history=history)
    later = make_desk({"ann": ((0, "long", 480),)}, first=day(1), days=3, history=history)

    assert conflicts_of(later, "ann")[0].history
    assert "and the shifts before the roster" in conflicts_of(later, "ann")[0].sentence
    assert conflicts_of(desk, "ann") == ()


def test_pinned_shifts_are_unpinned_only_where_nothing_else_helps():
    desk = ann((1, "long", 840), (2, "long", 480))
    on_tuesday = desk.roster["start"].dt.date == day(1)
    one = desk_of(desk.roster.assign(pinned=on_tuesday), desk.ground)
    both = desk_of(desk.roster.assign(pinned=True), desk.ground)

    (found,) = conflicts_of(one, "ann")
    assert (found.repair.day, found.repair.pinned) == (day(2), False)
    (found,) = conflicts_of(both, "ann")
    assert found.repair.pinned
    assert ", unpinned first" in found.sentence


def test_time_off_over_a_shift_is_a_conflict_of_that_shift_alone():
    away = replace(AGENTS[0], time_off=(TimeOff(day(1), day(2)),))
    desk = ann((1, "long", 1320), agents=(away,))

    (found,) = conflicts_of(desk, "ann")

    assert (found.rule, found.days) == ("time_off", (day(1),))
    assert found.repair.template == ""


def test_a_rule_that_asks_for_more_work_names_the_run_that_is_too_short():
    law = replace(LAW, min_consecutive_shifts=3)
    desk = ann((1, "mid", 480), (2, "mid", 480), contracts=(law, SMALL))

    found = conflicts_of(desk, "ann")

    assert {c.rule for c in found} == {"consecutive_shifts"}
    assert all(len(c.days) == 1 for c in found)


def test_an_agent_who_is_not_known_is_refused():
    with pytest.raises(NotFound, match="no agent 'zed'"):
        conflicts_of(make_desk(), "zed")
