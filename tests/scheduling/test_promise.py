"""What a promise costs: the requirement made again with it, its hours added up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scheduling.promise import Promise, PromiseCost, promise_costs, promised, promises
from scheduling.requirement import make_requirement
from wfm.brands import Planning
from wfm.errors import DataError, NotFound, RequestError
from wfm.sla import ServiceGoal

SMALL = Planning(0.0, 0.0, occupancy_cap=1.0)


@pytest.fixture
def desk(make_desk, make_queue):
    level = 8.0 - 6.0 * np.cos(np.arange(96) / 96 * 2 * np.pi)
    day = np.column_stack([level, 0.4 * level])
    return make_desk(day, make_queue("x"), make_queue("y"), day_cv=0.15, paths=60, planning=SMALL)


def costs_of(desk, *asked: Promise, **options: object) -> list[PromiseCost]:
    given = desk.forecast, desk.paths, desk.brand
    return promise_costs(*given, start=desk.start, end=desk.end, asked=asked, **options)


def test_the_own_promise_costs_what_the_plan_needs(desk):
    own = make_requirement(
        desk.forecast, desk.paths, desk.brand, start=desk.start, end=desk.end
    ).table
    exact = own["agents_exact"]
    (cost,) = costs_of(desk, Promise())
    (said,) = costs_of(desk, Promise(0.90, 900, 0.80))
    assert (
        cost
        == said
        == PromiseCost(
            share=0.90,
            threshold_s=900,
            risk_quantile=0.80,
            hours=pytest.approx(exact.sum() / 4),
            peak=pytest.approx(exact.groupby(own["start"]).sum().max()),
            extra_hours=0.0,
        )
    )


def test_another_promise_costs_what_a_brand_with_it_needs(desk):
    """An independent witness: the goals changed by hand."""
    goal = ServiceGoal(share=0.95, threshold_s=600)
    queues = tuple(replace(queue, goals=(goal,)) for queue in desk.brand.queues)
    stricter = replace(desk.brand, queues=queues, planning=replace(SMALL, risk_quantile=0.9))
    span = {"start": desk.start, "end": desk.end}
    before, after = (
        make_requirement(desk.forecast, desk.paths, brand, **span).table["agents_exact"].sum() / 4
        for brand in (desk.brand, stricter)
    )
    (cost,) = costs_of(desk, Promise(0.95, 600, 0.9))
    assert cost.hours == pytest.approx(after)
    assert cost.extra_hours == pytest.approx(after - before)


def test_of_one_queue_only_its_own_hours_count_and_the_others_stay(desk):
    own = make_requirement(
        desk.forecast, desk.paths, desk.brand, start=desk.start, end=desk.end
    ).table
    asked = Promise(share=0.95)
    (x,), (y,), (both,) = (costs_of(desk, asked, queue=q, own=own) for q in ("x", "y", None))
    assert x.hours + y.hours == pytest.approx(both.hours)
    assert x.extra_hours + y.extra_hours == pytest.approx(both.extra_hours)
    assert x.extra_hours > 0


LAW = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    # The desk is not changed by what is asked of it.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@LAW
@given(
    shares=st.lists(st.floats(0.5, 0.95), min_size=2, max_size=2),
    threshold_s=st.sampled_from([600, 900, 1800]),
)
def test_a_higher_share_never_costs_less(desk, shares, threshold_s):
    asked = promises(sorted(shares), [threshold_s])
    hours = [cost.hours for cost in costs_of(desk, *asked, queue="x")]
    assert hours == sorted(hours)


@LAW
@given(risks=st.lists(st.floats(0.5, 0.975), min_size=2, max_size=2))
def test_a_higher_risk_level_never_costs_less(desk, risks):
    asked = promises(risks=sorted(risks))
    hours = [cost.hours for cost in costs_of(desk, *asked, queue="x")]
    assert hours == sorted(hours)


def test_a_longer_time_never_costs_more_at_a_constant_load(make_desk):
    desk = make_desk(6.0, day_cv=0.1, paths=60, planning=SMALL)
    hours = [c.hours for c in costs_of(desk, *promises(thresholds_s=[600, 900, 1800, 3600]))]
    assert hours == sorted(hours, reverse=True)
    assert hours[0] > hours[-1]


def test_a_promise_that_nobody_can_keep_is_a_result_with_its_reason(desk):
    kept, not_kept = costs_of(desk, Promise(), Promise(threshold_s=120))
    assert kept.reachable
    assert (not_kept.reachable, not_kept.hours, not_kept.peak, not_kept.extra_hours) == (
        False,
        None,
        None,
        None,
    )
    assert "cannot be met by any number of agents" in not_kept.reason
    assert not_kept.threshold_s == 120


def test_where_queues_promise_different_things_no_one_figure_is_told(make_desk, make_queue):
    queues = make_queue("x"), make_queue("y", goals=(ServiceGoal(threshold_s=1800),))
    desk = make_desk(2.0, *queues, paths=30)
    (cost,) = costs_of(desk, Promise(share=0.85))
    assert (cost.share, cost.threshold_s) == (0.85, None)


def test_the_expected_attainment_can_be_planned_for(desk):
    (cost,) = costs_of(desk, Promise(risk="expected"))
    assert cost.risk_quantile is None
    assert cost.reachable


def test_only_the_promise_of_first_replies_changes(make_queue, make_desk):
    goals = (ServiceGoal("next_reply", 1800, 0.8), ServiceGoal(), ServiceGoal(threshold_s=3600))
    desk = make_desk(1.0, make_queue("x", goals=goals), paths=2)
    (queue,) = promised(desk.brand, Promise(0.7, 1200)).queues
    assert queue.goals == (goals[0], replace(goals[1], share=0.7, threshold_s=1200), goals[2])


def test_all_combinations_are_asked_for():
    assert promises() == (Promise(),)
    assert promises([0.8, 0.9], [600], ["expected", 0.9]) == (
        Promise(0.8, 600, "expected"),
        Promise(0.8, 600, 0.9),
        Promise(0.9, 600, "expected"),
        Promise(0.9, 600, 0.9),
    )


@pytest.mark.parametrize("risk", [0.0, 0.4, 0.99, 2.0, float("nan")])
def test_a_risk_that_paths_cannot_tell_is_refused(risk):
    with pytest.raises(RequestError, match=r"a quantile of days from 0\.5 to 0\.975, or expected"):
        Promise(risk=risk)


@pytest.mark.parametrize("asked", [Promise(share=1.0), Promise(share=0.0), Promise(threshold_s=0)])
def test_a_promise_that_is_no_goal_is_refused(desk, asked):
    with pytest.raises(DataError, match="a goal's"):
        costs_of(desk, asked)


def test_a_queue_that_is_not_there_is_told_with_those_that_are(desk):
    with pytest.raises(NotFound, match="no queue 'z'; test has x, y"):
        costs_of(desk, Promise(), queue="z")
