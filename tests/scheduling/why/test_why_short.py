"""A shortfall is explained by those who are away: who could come, what keeps the others."""

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from whydesk import make_desk

sys.path.insert(0, str(Path(__file__).parents[1] / "editing"))
from editdesk import AGENTS, LAW, SMALL, day, instant

from scheduling.editing.edits import Assign
from scheduling.editing.judging import judged
from scheduling.editing.making import changes_of
from scheduling.why.conflict import rules_in_the_way, smallest_conflict
from scheduling.why.costs import desk_of
from scheduling.why.gap import why_short
from wfm.errors import NotFound, RequestError
from wfm.people import Limit, TimeOff
from wfm.rules import RULES
from wfm.store.documents import from_document, to_document

FULL_WEEK = {"ann": tuple((n, "long", 480) for n in range(5))}


def only(name: str, **changes: object):
    """The desk's agents with one of them changed."""
    return tuple(replace(a, **changes) if a.agent_id == name else a for a in AGENTS)


def test_who_could_come_is_named_with_the_shift_and_its_price():
    desk = make_desk({}, needs={"email": 1})

    gap = why_short(desk, "email", instant(1, 600))

    assert (gap.need, gap.heads, gap.short, gap.more) == (1, 0, 1, 1)
    assert (gap.skilled, gap.on_queue, gap.elsewhere, gap.away) == (2, 0, 0, 2)
    assert [one.agent_id for one in gap.people] == ["bob", "cem"]
    assert (gap.rules, gap.conflict) == ((), ())
    best = gap.repair
    assert (best.agent_id, best.broken, best.cost.total < 0) == ("bob", (), True)
    # The shift reaches the hour, as its edit shows.
    edit = Assign(best.agent_id, best.day, best.template, best.start_min)
    coverage = judged(desk.roster, changes_of(desk.roster, edit, desk.ground), desk.ground).coverage
    at = coverage[(coverage["start"] == gap.start) & (coverage["queue"] == "email")]
    assert at["after"].tolist() == [0]
    assert "email is short of 1.00 heads on Tue 03 Mar 10:00: it needs 1.00" in gap.sentence
    assert "2 could come without breaking a rule, best bob with" in gap.sentence


def test_rules_that_keep_everybody_away_are_counted_and_the_cheapest_break_is_told():
    desk = make_desk(FULL_WEEK, agents=AGENTS[:1], needs={"x": 1})

    gap = why_short(desk, "x", instant(5, 600))

    assert gap.repair.agent_id == "ann"
    assert {b.rule for b in gap.repair.broken} >= {"week_days"}
    assert len(gap.conflict) == 1
    assert "alone keeps everybody away" in gap.sentence
    assert "Least would be broken by ann with" in gap.sentence


def test_a_rule_a_step_looser_that_brings_somebody_is_told():
    one = replace(LAW, max_consecutive_days=2)
    desk = make_desk(
        {"ann": ((0, "mid", 480), (1, "mid", 480))},
        agents=AGENTS[:1],
        needs={"x": 1},
        contracts=(one, SMALL),
    )

    gap = why_short(desk, "x", instant(2, 600))

    assert gap.conflict == ("consecutive_days",)
    assert [(s.rule, s.agents) for s in gap.looser] == [("consecutive_days", 1)]
    assert "with a rule a step looser: a day more in a row 1" in gap.sentence


@pytest.mark.parametrize(
    ("changes", "rule", "change"),
    [
        ({"time_off": (TimeOff(day(2), day(2)),)}, "time_off", "time off withdrawn"),
        ({"limits": (Limit("max_hours_per_day", hours=2),)}, "limits", "the limits lifted"),
    ],
)
def test_what_agents_bring_themselves_stands_in_the_way(changes, rule, change):
    desk = make_desk({}, agents=(replace(AGENTS[0], **changes),), needs={"x": 1})

    gap = why_short(desk, "x", instant(2, 600))

    assert gap.conflict == (rule,)
    assert [(s.rule, s.change) for s in gap.looser] == [(rule, change)]


def test_those_at_work_are_told_apart():
    desk = make_desk({"ann": ((0, "long", 480),), "bob": ((0, "mid", 480),)}, needs={"x": 3})

    gap = why_short(desk, "x", instant(0, 480))
    # An hour and a half into the shift ann takes a break.
    pause = why_short(desk, "x", instant(0, 480 + 90))

    assert (gap.on_queue, gap.elsewhere, gap.away, gap.more) == (2, 0, 1, 1)
    assert (pause.on_queue, pause.elsewhere, pause.away, pause.more) == (1, 1, 1, 2)


def test_hours_that_no_template_reaches_are_told():
    desk = make_desk({}, needs={"x": 1}, agents=AGENTS[3:])

    gap = why_short(desk, "x", instant(1, 180))

    assert (gap.unreached, gap.people, gap.repair) == (1, (), None)
    assert "For 1 of them no shift template reaches the hour." in gap.sentence


def test_without_anybody_skilled_the_skill_is_the_way_out():
    desk = make_desk({}, agents=AGENTS[3:])

    gap = why_short(desk, "email", instant(1, 600))

    assert gap.sentence.endswith("Nobody serves it; give the skill email to some agents.")


def test_a_queue_that_is_not_short_is_said_not_to_be():
    gap = why_short(make_desk(FULL_WEEK, needs={"x": 1}), "x", instant(0, 480))

    assert gap.short == 0
    assert gap.sentence == (
        "x is not short on Mon 02 Mar 08:00: it needs 1.00 heads on queue and has 1.00."
    )


def test_who_is_pinned_is_not_asked_to_change():
    desk = make_desk({"ann": ((0, "mid", 840),)}, agents=AGENTS[:1], needs={"x": 1})
    pinned = desk_of(desk.roster.assign(pinned=True), desk.ground)

    assert [p.day for p in why_short(desk, "x", instant(0, 600)).people] == [day(0)]
    assert why_short(pinned, "x", instant(0, 600)).people == ()


def test_what_is_not_there_is_refused():
    desk = make_desk({})

    with pytest.raises(NotFound, match="no queue 'fax'"):
        why_short(desk, "fax", instant(0, 600))
    with pytest.raises(RequestError, match="is not in the roster, which goes from"):
        why_short(desk, "x", instant(0, 0) - timedelta(minutes=15))


def test_a_gap_is_a_document():
    gap = why_short(make_desk(FULL_WEEK, agents=AGENTS[:1]), "x", instant(5, 600))

    assert from_document(type(gap), to_document(gap)) == gap


def test_the_rules_in_the_way_are_fewest_and_each_is_needed():
    ways = [{"rest", "week_hours"}, {"week_hours"}, {"time_off", "rest"}]

    found = rules_in_the_way(ways)

    assert all(way & set(found) for way in ways)
    for rule in found:
        assert not all(way & (set(found) - {rule}) for way in ways)
    assert rules_in_the_way([set(), {"rest"}]) == ()
    assert rules_in_the_way([]) == ()
    assert set(found) <= set(RULES)


def test_nothing_conflicts_where_all_together_do_not():
    assert smallest_conflict([1, 2], lambda some: sum(some) > 5) == ()
