"""A roster that is kept, a plan's or a draft's, is explained by its name."""

import sys
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from draftdesk import AGENTS, MONDAY, TUESDAY, WEDNESDAY, at, keep_desk, keep_plan, roster_of

sys.path.insert(0, str(Path(__file__).parents[2] / "scheduling"))
from rosters import make_agent

from api.planning import drafts
from api.planning.rosterreasons import (
    carried_until,
    explain_conflicts,
    explain_cure,
    explain_doubts,
    explain_minimum,
    explain_not,
    explain_shift,
    explain_shortfall,
    fairness_of,
)
from scheduling.editing.edits import Assign, Drop
from wfm.errors import NotFound, RequestError
from wfm.store.engine import Store
from wfm.store.people import save_agents


@pytest.fixture
def plan(store: Store) -> int:
    keep_desk(store)
    return keep_plan(store)


def test_a_plan_is_explained_by_any_of_its_names(store: Store, plan: int):
    for which in (plan, str(plan), "current", "latest"):
        reason = explain_shift(store, which, "a1", MONDAY)
        assert (reason.template, reason.start_min) == ("day4", 480)
        assert reason.cost.covers_h == pytest.approx(3.75, abs=0.01)
    gap = explain_shortfall(store, plan, "x", at(WEDNESDAY, 13))
    best = gap.repair
    assert gap.short == pytest.approx(gap.need) == pytest.approx(1, abs=0.2)
    assert best.broken == ()
    found = explain_not(
        store, plan, best.agent_id, best.day, template=best.template, start_min=best.start_min
    )
    assert found.broken == ()
    assert found.cost.total == pytest.approx(best.cost.total)
    assert explain_cure(store, plan, "x").short_h > 3
    assert explain_minimum(store, plan, "a1") is None
    assert explain_doubts(store, plan) == ()


def test_a_draft_is_explained_as_it_stands_at_its_revision(store: Store, plan: int):
    draft = drafts.open_draft(store, plan, actor="ann")
    name = f"draft-{draft}"
    assert explain_shift(store, name, "a1", MONDAY).template == "day4"

    drafts.edit(store, draft, Drop("a1", MONDAY), actor="ann")

    assert explain_shift(store, name, "a1", MONDAY).template == ""
    assert explain_shift(store, plan, "a1", MONDAY).template == "day4"
    assert explain_shortfall(store, name, "x", at(MONDAY, 9)).short == pytest.approx(1, abs=0.2)

    drafts.edit(store, draft, Assign("a1", MONDAY, "day4", 1200), actor="ann")
    drafts.edit(store, draft, Assign("a1", TUESDAY, "day4", 360), actor="ann")

    (found,) = explain_conflicts(store, name, "a1")
    assert (found.rule, found.days) == ("rest", (MONDAY, TUESDAY))
    assert explain_conflicts(store, plan, "a1") == ()


def test_agents_as_they_are_now_are_reckoned_with(store: Store, plan: int):
    before = explain_shift(store, plan, "a1", MONDAY)

    with store.writing("ann") as writing:
        save_agents(writing, [make_agent("a9", contract="part")])

    assert explain_shift(store, plan, "a1", MONDAY).others == before.others + 1


def test_the_ledger_of_a_roster_and_the_balances_before_it(store: Store, plan: int):
    before = MONDAY - timedelta(days=7)
    keep_plan(
        store, roster_of(("a1", before, 4), ("a1", before + timedelta(days=1), 6)), first=before
    )
    # The last to be published is current; the first is asked for by its id.
    own = fairness_of(store, plan).table
    carried = carried_until(store, plan)

    assert set(own["agent_id"]) == set(AGENTS)
    assert own["had"].sum() == 0
    assert carried.debts["a1"]["early"] == pytest.approx(2 / 4 - 2)
    assert carried.debts["a2"]["early"] == pytest.approx(2 / 4)


def test_what_is_not_there_is_refused(store: Store, plan: int):
    with pytest.raises(NotFound):
        explain_shift(store, 99, "a1", MONDAY)
    with pytest.raises(NotFound):
        explain_shift(store, "draft-7", "a1", MONDAY)
    with pytest.raises(RequestError):
        explain_shift(store, "next", "a1", MONDAY)
    with pytest.raises(NotFound):
        explain_shift(store, plan, "zed", MONDAY)
    with pytest.raises(RequestError):
        explain_shift(store, plan, "a1", MONDAY + timedelta(days=9))
