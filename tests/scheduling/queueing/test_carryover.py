"""What a day that is too busy leaves to the next one."""

from __future__ import annotations

import numpy as np
import pytest

from scheduling.certificate import certify
from scheduling.queueing.carryover import expected_over_days
from scheduling.queueing.priority import desk_of
from scheduling.queueing.replies import replies_of
from scheduling.requirement import make_requirement
from wfm.brands import Planning
from wfm.sla import Duration, WorkLaw

# Nothing but waiting takes time, so that it can be reckoned by hand.
INSTANT = WorkLaw(first_touch=Duration(1e-6, 0.0), continue_p=0.0)
DAYS = np.repeat(np.arange(2), 4)


def over_days(ratios, load=8.0, agents=10.0, levels=1, **desk) -> np.ndarray:
    desk = {"own": np.full(8, load), "own_s": 360.0} | desk
    return expected_over_days(
        np.ones((levels, 8)),
        np.full(8, agents),
        desk_of(**desk),
        replies_of("first_response", INSTANT),
        threshold_s=900.0,
        ratios=np.asarray(ratios, float),
        days=DAYS,
    )


def test_days_that_agents_can_bear_leave_nothing():
    assert (over_days([[1.0, 1.2], [1.25, 0.5]]) == 1).all()


def test_a_day_that_is_too_busy_makes_the_next_one_late():
    """18 erlangs for 10 agents for four quarters leave 32 in the queue; 6 take off 4 a quarter."""
    found = over_days([[2.25, 0.75]])
    # What is late is a backlog of 10 or more: it lasts for the quarter of an hour promised.
    assert found.tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    assert over_days([[1.5, 0.5]]).tolist() == [1, 1, 1, 1, 1, 1, 1, 1]
    assert over_days([[2.0, 0.25]]).tolist() == [1, 0, 0, 0, 0, 1, 1, 1]


def test_it_is_the_mean_over_the_paths_and_never_more_than_each_day_alone():
    both = over_days([[2.25, 0.75], [1.0, 1.0]])
    assert both.tolist() == [1.0, *[0.5] * 7]


def test_messages_that_are_due_later_let_the_first_replies_pass():
    """Half of the work can wait an hour longer: it carries the backlog."""
    ahead = {"own": np.full(8, 4.0), "other": np.full(8, 4.0), "other_s": 360.0}
    assert (
        over_days([[1.75, 1.0]]).sum()
        < over_days([[1.75, 1.0]], **ahead, head_start_s=3600.0).sum()
    )


def test_more_agents_never_attain_less():
    rng = np.random.default_rng(3)
    ratios = rng.gamma(9.0, 1 / 9.0, size=(40, 2))
    attained = [over_days(ratios, agents=agents, levels=20).sum() for agents in range(6, 16)]
    assert attained == sorted(attained)
    assert attained[0] < attained[-1]


def test_staffed_for_the_expected_day_a_large_bare_desk_nearly_keeps_its_share(
    make_desk, make_queue, staff
):
    """By simulation; reckoning with each day alone came to .86 on the same desk."""
    curve = np.tile(60.0 * (1.05 - np.cos(np.arange(96) / 48 * np.pi)), 3)
    planning = Planning(0.0, 0.0, occupancy_cap=1.0, risk="expected")
    desk = make_desk(curve, make_queue(), days=3, paths=100, day_cv=0.1, planning=planning)
    span = {"start": desk.start, "end": desk.end}
    given = desk.forecast, desk.paths, desk.brand
    found = certify(staff(make_requirement(*given, **span).table), *given, **span, seed=7)
    days = found.series[0]["day"].attainment
    assert min(days) > 0.90
    assert days[2] == pytest.approx(days[0], abs=0.05)
