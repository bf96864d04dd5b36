"""A kept plan asked about its requirement, with the paths it was made from: the figures agree."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.planning import requirements
from api.planning.requirements import RequirementBase
from scheduling.promise import PromiseCost
from wfm.errors import NotFound, RequestError
from wfm.frames import NEEDS
from wfm.settings import Settings
from wfm.sla import ServiceGoal
from wfm.store.brands import load_brand, save_brand
from wfm.store.engine import Store, open_store

NOON = datetime(2026, 3, 2, 12, 7, tzinfo=UTC)


def change_brand(store: Store, **changes: object) -> None:
    with store.writing("ann") as writing:
        save_brand(writing, replace(load_brand(writing.connection), **changes))


@pytest.fixture(scope="module")
def base(required_home: Path) -> RequirementBase:
    store = open_store(Settings(home=required_home).store_url)
    loaded = requirements.load_base(store, "current")
    store.close()
    return loaded


def test_the_plans_own_promise_needs_the_plans_own_hours_but_for_rehearsals(base):
    (own,) = requirements.promise_costs_of(base)
    raised = base.table["binding"] == "rehearsal"
    assert int(raised.sum()) == 4
    assert own.hours == pytest.approx(base.hours() - 4 * 0.25)
    assert base.hours("x") + base.hours("mail") == pytest.approx(base.hours())
    same = ["start", "queue", "workload", "factor", *NEEDS]
    assert base.own[same].equals(base.table[same])


def test_an_interval_is_explained_by_the_row_the_plan_keeps(base):
    known = requirements.alternatives(base, "x")
    rows = base.table[base.table["queue"] == "x"].set_index("start")
    for at in (NOON, base.start, base.start + timedelta(hours=9)):
        found = requirements.explain_at(base, known, at)
        row = rows.loc[found.start]
        assert found.start == at - timedelta(minutes=at.minute % 15)
        assert (found.agents, found.binding) == (row["agents"], row["binding"])
        assert found.notes == ()


def test_costs_of_all_combinations_are_told(base):
    found = requirements.promise_costs_of(
        base, queue="x", shares=[0.8, 0.95], thresholds_s=[900, 60]
    )
    assert [(c.share, c.threshold_s, c.reachable) for c in found] == [
        (0.8, 900, True),
        (0.8, 60, False),
        (0.95, 900, True),
        (0.95, 60, False),
    ]
    less, _, more, _ = found
    assert less.extra_hours <= 0 <= more.extra_hours


def test_too_many_combinations_are_refused(base):
    with pytest.raises(RequestError, match="36 combinations of share, time and risk; ask for 30"):
        requirements.promise_costs_of(
            base, shares=[0.7, 0.8, 0.9], thresholds_s=range(600, 1800, 100)
        )


def test_queues_that_came_after_the_plan_are_left_out(store, required_plan):
    with store.reading() as connection:
        brand = load_brand(connection)
    late = replace(brand.queues[0], name="late")
    change_brand(store, queues=(*brand.queues, late))
    assert len(requirements.promise_costs(store, "current")) == 1
    with pytest.raises(NotFound, match="no queue 'late'; Small has x, mail"):
        requirements.explain_interval(store, "current", "late", NOON)
    change_brand(store, queues=(late,))
    with pytest.raises(NotFound, match="was made for mail, x; Small has none of these"):
        requirements.load_base(store, "current")


def test_a_queue_without_any_promise_kept_by_agents_is_told_as_such(store, required_plan):
    """The brand's own goal has become one that nobody can keep: no figures, and why."""
    with store.reading() as connection:
        brand = load_brand(connection)
    hopeless = (ServiceGoal(threshold_s=60),)
    change_brand(store, queues=tuple(replace(q, goals=hopeless) for q in brand.queues))
    own, kept = requirements.promise_costs(store, "current", thresholds_s=[60, 900])
    assert isinstance(own, PromiseCost)
    assert not own.reachable
    assert kept.reachable
    assert kept.hours is not None
    assert kept.extra_hours is None


def test_what_the_plan_does_not_cover_is_told_with_what_it_does(store, required_plan):
    with pytest.raises(NotFound, match="it covers 2026-03-02 to 2026-03-02"):
        requirements.explain_interval(store, "current", "x", NOON + timedelta(days=1))
    with pytest.raises(NotFound, match="no queue 'z'"):
        requirements.explain_interval(store, "current", "z", NOON)


@pytest.mark.parametrize("text", ["", "q80", "most"])
def test_a_risk_that_is_none_is_refused(text):
    with pytest.raises(RequestError, match="write a quantile of days such as"):
        requirements.risk_named(text)
