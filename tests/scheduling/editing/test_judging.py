"""A judgement is what the checker and the floor say of the whole roster before and after."""

import sys
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from editdesk import AGENTS, day, instant, make_ground, make_table

from scheduling.check import check_presence, check_roster
from scheduling.editing.changes import Change, applied, day_of
from scheduling.editing.coverage import heads_changed, heads_of, lacks_of, short_of
from scheduling.editing.edits import Activity, Assign, Drop, Edit, Give, Lengthen, Move, Pin, Swap
from scheduling.editing.ground import EditGround
from scheduling.editing.judging import Judgement, judged
from scheduling.editing.making import changes_of
from scheduling.staffing import staffing_of
from wfm.brands import Presence
from wfm.calendars import ServiceWindow

GROUND = make_ground(needs={"x": 2, "email": 1})
ROSTER = make_table(GROUND)
EDITS: tuple[Edit, ...] = (
    Assign("ann", day(3), "long", 480),
    Drop("bob", day(4)),
    Move("cem", day(1), to_day=day(2)),
    Lengthen("ann", day(1), 60, by="end"),
    Swap("ann", day(1), "bob", day(4)),
    Give("bob", day(4), "cem"),
    Activity("bob", instant(0, 840), instant(0, 900), "on_queue", "email"),
    Activity("ann", instant(0, 480), instant(0, 540), "meeting"),
)


def judge(edit: Edit, ground: EditGround = GROUND, roster: pd.DataFrame = ROSTER) -> Judgement:
    return judged(roster, changes_of(roster, edit, ground), ground)


def rules(roster: pd.DataFrame, ground: EditGround = GROUND) -> Counter:
    found = check_roster(
        roster,
        ground.brand,
        ground.agents,
        start=ground.start,
        end=ground.end,
        history=ground.history,
    )
    return Counter(found)


def short(roster: pd.DataFrame, ground: EditGround) -> pd.Series:
    """Agents short by start, all queues together, as the staffing says."""
    table = staffing_of(roster, ground.requirement, ground.brand, ground.agents)
    return (table["required"] - table["scheduled"]).clip(lower=0).groupby(table["start"]).sum()


@pytest.mark.parametrize("edit", EDITS, ids=lambda e: type(e).__name__)
def test_a_judgement_is_what_the_whole_roster_shows(edit: Edit):
    changes = changes_of(ROSTER, edit, GROUND)
    after = applied(ROSTER, changes)

    found = judged(ROSTER, changes, GROUND)

    assert Counter(found.broken) == rules(after) - rules(ROSTER)
    one, two = short(ROSTER, GROUND), short(after, GROUND)
    at = pd.DatetimeIndex(found.coverage["start"].unique())
    assert found.short_hours_before == pytest.approx(one[at].sum() / 4, abs=0.02)
    assert found.short_hours_after == pytest.approx(two[at].sum() / 4, abs=0.02)
    elsewhere = one.index.difference(at)
    np.testing.assert_allclose(one[elsewhere], two[elsewhere], atol=1e-6)


def test_a_rule_that_was_broken_is_mended():
    tired = applied(ROSTER, changes_of(ROSTER, Assign("bob", day(3), "mid", 840), GROUND))
    late = applied(tired, changes_of(tired, Assign("bob", day(5), "long", 600), GROUND))

    found = judge(Drop("bob", day(5)), roster=late)

    assert {v.rule for v in judge(Assign("bob", day(5), "long", 600), roster=tired).broken} == {
        "rest"
    }
    assert [v.rule for v in found.mended] == ["rest"]
    assert (found.broken, found.standing) == ((), ())


def test_what_stays_broken_with_better_figures_is_not_broken_anew():
    seven = ROSTER
    for number in range(3, 7):
        edit = Assign("ann", day(number), "mid", 480)
        seven = applied(seven, changes_of(seven, edit, GROUND))

    found = judge(Drop("ann", day(0)), roster=seven)

    assert found.broken == ()
    assert ("consecutive_days", day(6)) in {(v.rule, v.day) for v in found.standing}
    assert {v.rule for v in found.mended} >= {"week_hours", "consecutive_days"}


def test_a_worse_figure_on_the_day_that_is_edited_is_broken_anew():
    late = applied(ROSTER, changes_of(ROSTER, Lengthen("ann", day(0), 60, by="end"), GROUND))

    found = judge(Lengthen("ann", day(0), 60, by="end"), roster=late)

    assert {(v.rule, v.detail) for v in found.broken} >= {("day_hours", "9.5 h, contract 8")}


def test_paid_hours_are_those_of_the_days_that_change():
    found = judge(Assign("ann", day(0), "mid", 840))

    assert (found.paid_hours_before, found.paid_hours_after) == (7.5, 5.5)


def test_pinning_moves_nothing():
    found = judge(Pin("ann", day(0)))

    assert found.coverage.empty
    assert found.presence.empty
    assert (found.short_hours_before, found.short_hours_after) == (0.0, 0.0)
    assert found.keeps_rules


def test_history_counts_for_rules_and_covers_the_first_morning():
    past = make_table(make_ground(first=day(-7)), {"bob": ((6, "long", 1320),)})
    ground = make_ground(needs={"x": 2, "email": 1}, history=past)

    found = judge(Assign("bob", day(0), "long", 480), ground)

    assert "rest" in {v.rule for v in found.broken}
    assert heads_of(ROSTER, ground)[:24].sum() > 0
    assert heads_of(ROSTER, GROUND)[:24].sum() == 0


def test_presence_is_judged_where_it_changes():
    boss = (replace(AGENTS[0], roles=("lead",)), *AGENTS[1:])
    ground = make_ground(
        agents=boss, presence=(Presence("a lead is there", 1, ServiceWindow.always(), "lead"),)
    )

    found = judge(Give("ann", day(0), "cem"), ground)

    after = applied(ROSTER, changes_of(ROSTER, Give("ann", day(0), "cem"), ground))
    lacks = [
        {x.start for x in check_presence(r, ground.brand, boss, start=ground.start, end=ground.end)}
        for r in (ROSTER, after)
    ]
    new = found.presence[found.presence["after"] < found.presence["before"]]
    assert set(new["start"].dt.to_pydatetime()) == lacks[1] - lacks[0]
    assert set(new["presence"]) == {"a lead is there"}


def test_heads_are_those_who_are_on_queue():
    heads = heads_of(ROSTER, GROUND)

    for n in range(0, len(heads), 7):
        at = pd.Timestamp(GROUND.start) + n * timedelta(minutes=15)
        there = ROSTER[
            (ROSTER["start"] <= at) & (ROSTER["end"] > at) & (ROSTER["activity"] == "on_queue")
        ]
        for number, served in enumerate(GROUND.sets):
            count = sum(GROUND.skills[a] == served for a in there["agent_id"])
            assert heads[n, number] == count


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_the_cuts_and_the_split_find_the_same_shortfall(seed: int):
    rng = np.random.default_rng(seed)
    heads = np.zeros((len(GROUND.need.heads), len(GROUND.sets)))
    heads[:40] = rng.integers(0, 3, (40, len(GROUND.sets)))
    at = np.arange(40)

    _, short_by_queue = short_of(heads[at], GROUND, at)

    lacks = lacks_of(heads, GROUND)
    np.testing.assert_allclose(lacks.short[:40], short_by_queue.sum(axis=1), atol=0.01)
    added = np.zeros_like(heads)
    added[:, 0] = 1.0
    np.testing.assert_allclose(
        lacks.cured(0), lacks.short - lacks_of(heads + added, GROUND).short, atol=1e-9
    )


def test_changed_heads_are_the_difference_of_the_heads():
    changes = changes_of(ROSTER, Swap("ann", day(1), "bob", day(4)), GROUND)

    np.testing.assert_array_equal(
        heads_of(ROSTER, GROUND) + heads_changed(changes, GROUND),
        heads_of(applied(ROSTER, changes), GROUND),
    )


def test_what_an_unknown_agent_works_covers_nothing_and_can_go():
    gone = make_ground(agents=AGENTS[1:])
    segments = day_of(ROSTER, "ann", day(0), gone.brand.tz)

    found = judged(ROSTER, [Change("ann", day(0), segments, ())], gone)

    assert found.short_hours_after == found.short_hours_before
    assert found.broken == ()
