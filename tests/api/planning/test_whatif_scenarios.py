"""Scenarios that people keep: saved, changed, evaluated, compared and taken to a new plan."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).parents[1]))
from draftdesk import (
    MONDAY,
    ROSTERED,
    TUESDAY,
    WEDNESDAY,
    at,
    keep_plan,
    own_store,
    roster_of,
    shift,
)

from api.planning import publishing
from api.planning.drafts import rostered
from api.planning.whatif import scenarios
from api.planning.whatif.fitting import with_edits
from api.planning.whatif.situations import situation_for
from scheduling.editing.changes import Change, applied
from scheduling.editing.edits import Assign, Drop, Lengthen, MoveBreak, Pin
from scheduling.whatif.evaluate import evaluate
from scheduling.whatif.results import Repair
from scheduling.whatif.scenario import Absence, Extra, Policy, Scenario, Surge
from wfm.errors import Conflict, IllegalMove, LostEdit, NotFound, RequestError, RuleConflict
from wfm.settings import Settings
from wfm.store.engine import Store
from wfm.store.tables import audit

NINE, FOUR_DAYS_LATER = at(MONDAY, 9), at(MONDAY + timedelta(days=4), 9)
SURGE = Surge(NINE, 60, ("x",), factor=6.0, half_life_min=30)
SPIKE = Scenario("spike", surges=(SURGE,), known_from=NINE)
# One more person on Wednesday afternoon, when nobody is there.
HELP = Change("a1", WEDNESDAY, (), shift(WEDNESDAY, 12))
# Hardly eight hours after the shift of the evening before.
TIRED = Change("a2", TUESDAY, (), shift(TUESDAY, 0))
STAYS = Lengthen("a1", MONDAY, 30, "end")


@pytest.fixture
def store(desk_home: Path, settings: Settings) -> Iterator[Store]:
    yield from own_store(desk_home, settings)


def written(store: Store) -> list[str]:
    """What the audit holds of scenarios."""
    with store.reading() as connection:
        query = sa.select(audit.c.action).where(audit.c.action.startswith("scenario."))
        return list(connection.execute(query.order_by(audit.c.id)).scalars())


def repair(name: str, *changes: Change) -> Repair:
    return Repair(name, "call_in", name, "", Scenario(changes=changes), 4.0, 1)


# -- keeping -------------------------------------------------------------------------------------


def test_a_saved_scenario_is_read_back_as_it_was_about_the_plan_in_force(store: Store):
    full = replace(
        SPIKE,
        absences=(Absence(NINE, at(MONDAY, 12), 0.2, ("a2",)),),
        policies=(Policy(NINE, at(MONDAY, 12), ("x",), spike_mode=True),),
        changes=(HELP,),
    )
    saved = scenarios.save(store, full, actor="ann")
    assert saved == scenarios.load(store, saved.scenario_id)
    assert saved.scenario == full
    assert (saved.plan_id, saved.revision, saved.state, saved.actor) == (1, 0, "open", "ann")
    assert scenarios.listing(store) == (saved,)
    assert scenarios.listing(store, "archived") == ()
    with pytest.raises(NotFound, match="no scenario 9"):
        scenarios.load(store, 9)


WRONG = (
    (replace(SPIKE, name="  "), "give the scenario a name"),
    (replace(SPIKE, name="n" * 201), "201 characters"),
    (replace(SPIKE, name="a\0b"), "control characters"),
    (replace(SPIKE, surges=(replace(SURGE, cause="rumour"),)), "cause is 'rumour'"),
    (
        replace(SPIKE, absences=(Absence(NINE, at(MONDAY, 12), agents=("gone",)),)),
        "no agent 'gone'",
    ),
    (replace(SPIKE, changes=(HELP,) * 2001), "2001 changes; a scenario holds at most 2000"),
    (replace(SPIKE, surges=(replace(SURGE, start=FOUR_DAYS_LATER),)), "outside of the roster"),
    (replace(SPIKE, surges=(replace(SURGE, factor=-1),)), "factor is -1; it lies between 0"),
    (replace(SPIKE, surges=(replace(SURGE, factor=1e6),)), "factor is 1e\\+06"),
    (replace(SPIKE, surges=(replace(SURGE, factor=float("nan")),)), "factor is nan"),
    (replace(SPIKE, surges=(replace(SURGE, queues=("y",)),)), "'y'"),
    (replace(SPIKE, changes=(replace(HELP, agent_id="nobody"),)), "no agent 'nobody'"),
    (replace(SPIKE, changes=(replace(HELP, before=shift(WEDNESDAY, 8)),)), "does not fit"),
    (replace(SPIKE, changes=(replace(HELP, after=shift(TUESDAY, 13)),)), "that day alone"),
    (replace(SPIKE, changes=(HELP, replace(HELP, before=HELP.after))), "does not fit"),
    (replace(SPIKE, changes=(TIRED,)), "a2 on 2026-03-10: .*rest"),
)


def test_a_scenario_that_cannot_be_is_refused_and_nothing_is_kept(store: Store):
    good = scenarios.save(store, SPIKE, actor="ann")
    for wrong, told in WRONG:
        with pytest.raises((RequestError, RuleConflict), match=told):
            scenarios.save(store, wrong, actor="ann")
        with pytest.raises((RequestError, RuleConflict), match=told):
            scenarios.change(store, good.scenario_id, wrong, actor="ann")
    assert scenarios.listing(store) == (good,)
    assert written(store) == ["scenario.save"]


def test_what_is_not_saved_is_held_to_the_same_when_it_is_asked(store: Store):
    for changes, told in (((TIRED,), "rest"), ((replace(HELP, agent_id="nobody"),), "nobody")):
        wrong = replace(SPIKE, changes=changes)
        for ask in (scenarios.evaluated, scenarios.repairs):
            with pytest.raises((RequestError, RuleConflict), match=told):
                ask(store, wrong, replications=2)


def test_surges_that_are_too_much_together_are_refused_before_they_are_drawn(store: Store):
    week = replace(SURGE, factor=100.0, added=1e6, length_min=3 * 24 * 60)
    asked = replace(SPIKE, surges=(week,) * 3)
    with pytest.raises(RequestError, match="with 50 sampled days at most 1,000,000"):
        scenarios.evaluated(store, asked)


def test_of_two_who_change_a_scenario_the_second_is_told(store: Store):
    saved = scenarios.save(store, SPIKE, actor="ann")
    calm = replace(SPIKE, name="calm", surges=())
    changed = scenarios.change(store, 1, calm, actor="bob", revision=saved.revision)
    assert (changed.name, changed.revision, changed.actor) == ("calm", 1, "bob")
    with pytest.raises(LostEdit, match="at revision 1 by bob, not at 0"):
        scenarios.change(store, 1, SPIKE, actor="ann", revision=saved.revision)
    archived = scenarios.archive(store, 1, actor="ann", revision=1)
    assert (archived.state, archived.scenario) == ("archived", calm)
    with pytest.raises(IllegalMove, match="archived by ann"):
        scenarios.change(store, 1, SPIKE, actor="bob")
    assert written(store) == ["scenario.save", "scenario.change", "scenario.archive"]


def test_edits_become_the_changes_that_they_come_to_one_after_the_other(store: Store):
    home = rostered(store, "current")
    edits = [STAYS, Drop("a2", WEDNESDAY), Assign("a2", WEDNESDAY, "day4", 600)]
    edited = with_edits(replace(SPIKE, changes=(HELP,)), edits, home)
    after = applied(ROSTERED, edited.changes)
    assert [(c.agent_id, c.day) for c in edited.changes] == [
        ("a1", MONDAY), ("a1", WEDNESDAY), ("a2", WEDNESDAY),
    ]  # fmt: skip
    assert after["end"].max() == at(WEDNESDAY, 16)
    mine = after[(after["agent_id"] == "a1") & (after["start"] < at(TUESDAY, 0))]
    assert mine["end"].max() == at(MONDAY, 12.5)
    assert with_edits(SPIKE, [], home) is SPIKE
    with pytest.raises(RequestError, match="a4 has no shift"):
        with_edits(SPIKE, [Drop("a4", MONDAY)], home)


def test_a_shift_that_is_pinned_stays(store: Store):
    home = rostered(store, "current")
    pinned = applied(ROSTERED, with_edits(SPIKE, [Pin("a1", MONDAY)], home).changes)
    keep_plan(store, pinned)
    (before,) = [
        change.before
        for change in with_edits(SPIKE, [MoveBreak("a1", MONDAY, 0, 75)], home).changes
    ]
    stands = tuple(replace(segment, pinned=True) for segment in before)
    dropped = replace(SPIKE, changes=(Change("a1", MONDAY, stands, ()),))
    with pytest.raises(RequestError, match="is pinned; unpin it first"):
        scenarios.save(store, dropped, actor="ann")


# -- repairs -------------------------------------------------------------------------------------


def test_repairs_are_added_to_a_scenario_together_or_not_at_all(store: Store):
    scenarios.save(store, SPIKE, actor="ann")
    stays = with_edits(SPIKE, [STAYS], rostered(store, "current")).changes
    extra = Repair(
        "extra", "loan", "two more", "", Scenario(extra=(Extra(NINE, at(MONDAY, 11), 2),)), 4.0, 2
    )
    both = [repair("stay", *stays), extra]
    applied_to = scenarios.apply(store, 1, both, actor="bob", revision=0)
    assert applied_to.scenario == replace(SPIKE, changes=stays, extra=extra.does.extra)
    with pytest.raises(RequestError, match="both change what a1 does on 2026-03-09"):
        scenarios.apply(store, 1, [repair("help", HELP), *both], actor="bob")
    assert scenarios.load(store, 1) == applied_to
    assert written(store) == ["scenario.save", "scenario.apply"]


def test_a_repair_that_a_rule_forbids_is_refused_with_the_rule(store: Store):
    scenarios.save(store, SPIKE, actor="ann")
    with pytest.raises(RuleConflict, match=r"a2 on 2026-03-10: .*rest"):
        scenarios.apply(store, 1, [repair("tired", TIRED)], actor="ann")
    assert scenarios.load(store, 1).revision == 0


# -- asking --------------------------------------------------------------------------------------


def test_a_saved_scenario_is_answered_as_the_same_one_that_is_not_saved(store: Store):
    saved = scenarios.save(store, SPIKE, actor="ann")
    kept = scenarios.evaluated(store, saved, replications=8)
    asked = scenarios.evaluated(store, SPIKE, replications=8)
    assert kept.effects == asked.effects
    assert kept.overall.attainment_after < kept.overall.attainment_before
    nothing = scenarios.evaluated(store, Scenario("calm"), replications=8).overall
    assert nothing.attainment_before == nothing.attainment_after
    late = replace(SPIKE, surges=(replace(SURGE, start=FOUR_DAYS_LATER),))
    with pytest.raises(RequestError, match="outside of the roster"):
        scenarios.evaluated(store, late)


def test_scenarios_are_compared_over_the_same_hours(store: Store):
    calm = Scenario("calm", surges=(replace(SURGE, factor=1.1, length_min=15),))
    for one in (SPIKE, calm):
        scenarios.save(store, one, actor="ann")
    found = scenarios.compared(store, [2, 1], replications=8)
    assert [one.name for one in found.saved] == ["calm", "spike"]
    (first, second) = found.evaluations
    # From the calm one alone the desk has recovered long before.
    assert scenarios.evaluated(store, calm, replications=8).end < first.end
    longer = evaluate(situation_for(store), calm, replications=8, until=at(TUESDAY, 18))
    assert longer.end == at(TUESDAY, 18)
    assert (first.start, first.end) == (second.start, second.end)
    assert first.overall.attainment_before == second.overall.attainment_before
    assert first.scenario.surges != second.scenario.surges
    for wrong in ([1], [1, 1], [1, 2, 3, 4, 5]):
        with pytest.raises(RequestError, match="2 to 4 different scenarios"):
            scenarios.compared(store, wrong)
    with pytest.raises(NotFound):
        scenarios.compared(store, [1, 7])


def test_scenarios_of_different_plans_are_compared_when_they_are_taken_to_one(store: Store):
    scenarios.save(store, SPIKE, actor="ann")
    other = keep_plan(store, publish=False)
    scenarios.save(store, SPIKE, actor="ann", plan_id=other)
    with pytest.raises(RequestError, match="1 of plan 1; 2 of plan 2"):
        scenarios.compared(store, [1, 2])
    assert scenarios.rebase(store, 2, actor="ann").plan_id == 1


# -- the roster moves on -------------------------------------------------------------------------


def test_a_scenario_whose_roster_was_superseded_says_so_and_is_taken_over(store: Store):
    saved = scenarios.save(store, replace(SPIKE, changes=(HELP,)), actor="ann")
    assert scenarios.rebase(store, 1, actor="bob") == saved
    newer = keep_plan(store)
    for ask in (
        lambda: scenarios.evaluated(store, saved),
        lambda: scenarios.repairs(store, saved),
        lambda: scenarios.apply(store, 1, [repair("none")], actor="ann"),
        lambda: scenarios.compared(store, [1, scenarios.save(store, SPIKE, actor="ann",
                                                             plan_id=1).scenario_id]),
    ):  # fmt: skip
        with pytest.raises(Conflict, match=f"plan {newer} is in force.*`wfm whatif rebase 1`"):
            ask()
    moved = scenarios.rebase(store, 1, actor="bob", revision=0)
    assert (moved.plan_id, moved.revision, moved.scenario) == (newer, 1, saved.scenario)
    assert scenarios.evaluated(store, moved, replications=4).paid_hours == 4.0


def test_a_plan_of_other_days_supersedes_nothing(store: Store):
    saved = scenarios.save(store, SPIKE, actor="ann")
    keep_plan(store, roster_of(), first=MONDAY + timedelta(days=7))
    assert scenarios.evaluated(store, saved, replications=4).overall.attainment_after < 1


def test_what_does_not_fit_the_new_roster_is_named_and_the_scenario_stays(store: Store):
    dropped = with_edits(SPIKE, [Drop("a1", TUESDAY), STAYS], rostered(store, "current"))
    saved = scenarios.save(store, dropped, actor="ann")
    keep_plan(store, roster_of(("a1", MONDAY, 8), ("a1", TUESDAY, 10)))
    with pytest.raises(Conflict, match="scenario 1 does not fit plan 2: a change") as told:
        scenarios.rebase(store, 1, actor="ann")
    assert "a1, Tue 10 Mar: day4 08:00-12:00 → off" in told.value.message
    keep_plan(store, roster_of(), first=TUESDAY)
    with pytest.raises(Conflict, match="does not fit plan 3: the surge starts"):
        scenarios.rebase(store, 1, actor="ann")
    assert scenarios.load(store, 1) == saved


def test_a_published_draft_supersedes_the_plan_it_was_made_on(store: Store):
    from api.planning import drafts

    saved = scenarios.save(store, SPIKE, actor="ann")
    draft_id = drafts.open_draft(store, 1, actor="ann")
    assert scenarios.evaluated(store, SPIKE, replications=4, which=f"draft-{draft_id}").replications
    drafts.edit(store, draft_id, Drop("a2", WEDNESDAY), actor="ann")
    published = publishing.publish(
        store, draft_id, publishing.PublishRequest(replications=2), actor="ann"
    )
    with pytest.raises(Conflict, match=f"plan {published.plan_id} is in force as version 2"):
        scenarios.evaluated(store, saved)
