"""Erlang's formulas against published figures, their limits and their laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.queueing.erlang import (
    agents_for,
    attainment_of,
    erlang_b,
    erlang_c,
    mean_wait_s,
    touch_points,
    wait_tail,
)
from wfm.errors import DemandError, GoalOutOfReach
from wfm.sla import Duration

LAW = settings(max_examples=50, deadline=None, derandomize=True)
AT_ONCE = Duration(0.0, 0.0)
TOUCH = Duration(120.0, 0.5)


def needed(load: float, *, touch: Duration = TOUCH, within_s: float = 900, share: float = 0.9):
    sizing = agents_for(load, service_s=360.0, first_touch=touch, threshold_s=within_s, share=share)
    return int(sizing.agents[0]), float(sizing.agents_exact[0])


@pytest.mark.parametrize(
    ("servers", "load", "blocked"),
    [
        (1, 0.0101, 0.0100),
        (10, 4.46, 0.0100),
        (20, 12.0, 0.0098),
        (50, 37.9, 0.0100),
        (100, 84.1, 0.0101),
    ],
)
def test_erlang_b_agrees_with_the_one_percent_table(servers, load, blocked):
    assert erlang_b(servers, load) == pytest.approx(blocked, abs=1e-4)


def test_erlang_b_of_ten_erlangs_on_ten_lines():
    assert erlang_b(10, 10.0) == pytest.approx(0.21458, abs=1e-5)


def test_a_hundred_calls_in_half_an_hour_on_fourteen_agents():
    load = 100 * 180 / 1800

    assert erlang_c(14, load) == pytest.approx(0.1741319, abs=1e-6)
    assert 1 - wait_tail(14, load, service_s=180, wait_s=20) == pytest.approx(0.8883500, abs=1e-6)
    assert mean_wait_s(14, load, service_s=180) == pytest.approx(7.84, abs=5e-3)
    within = attainment_of(14, load, service_s=180, first_touch=AT_ONCE, threshold_s=20)
    assert within[0] == pytest.approx(0.8883500, abs=1e-6)


def test_360_calls_in_half_an_hour_on_fifty_five_agents():
    load = 360 * 240 / 1800

    assert erlang_c(55, load) == pytest.approx(0.23870, abs=1e-4)
    assert mean_wait_s(55, load, service_s=240) == pytest.approx(8.184, abs=1e-3)
    assert 1 - wait_tail(55, load, service_s=240, wait_s=15) == pytest.approx(0.84588, abs=1e-4)


def test_fifty_agents_at_forty_eight_calls_a_minute():
    assert mean_wait_s(50, 48.0, service_s=60) == pytest.approx(20.83, abs=5e-3)
    p90 = math.log(erlang_c(50, 48.0) / 0.10) * 60 / (50 - 48)
    assert p90 == pytest.approx(58.14, abs=1e-2)


def test_three_servers_of_the_ciw_manual():
    assert mean_wait_s(3, 2.0, service_s=10) == pytest.approx(4.444, abs=1e-3)


def test_fourteen_agents_for_twelve_erlangs_within_a_quarter_of_an_hour():
    assert 1 - wait_tail(14, 12.0, service_s=360, wait_s=900) == pytest.approx(0.99675, abs=1e-5)


def test_without_a_first_touch_the_response_time_is_the_wait():
    convolved = attainment_of(14, 12.0, service_s=360, first_touch=AT_ONCE, threshold_s=300)
    assert convolved[0] == pytest.approx(1 - wait_tail(14, 12.0, service_s=360, wait_s=300))


def test_the_touch_points_integrate_the_response_time():
    """Against the integral over the lognormal on a fine grid."""
    fine = touch_points(TOUCH, 20_000)
    waits, rate = erlang_c(13, 12.0), (13 - 12.0) / 360
    exact = np.mean(np.where(fine <= 900, 1 - waits * np.exp(-rate * (900 - fine)), 0.0))

    ours = attainment_of(13, 12.0, service_s=360, first_touch=TOUCH, threshold_s=900)
    assert ours[0] == pytest.approx(exact, abs=1e-3)


def test_a_long_promise_needs_one_agent_more_than_the_load():
    for load in (0.5, 3.2, 47.9):
        assert needed(load, within_s=1e9)[0] == math.floor(load) + 1


def test_no_load_needs_nobody():
    assert needed(0.0) == (0, 0.0)


@LAW
@given(st.floats(0.01, 60), st.floats(0, 5))
def test_more_load_never_needs_fewer_agents(load, more):
    few, many = needed(load), needed(load + more)
    assert many[0] >= few[0]
    assert many[1] >= few[1] - 1e-6


@LAW
@given(st.floats(0.01, 60), st.floats(0.5, 0.97), st.floats(0, 0.02))
def test_a_higher_share_never_needs_fewer_agents(load, share, more):
    assert needed(load, share=share + more)[0] >= needed(load, share=share)[0]


@LAW
@given(st.floats(0.01, 60), st.floats(300, 7200), st.floats(0, 3600))
def test_more_time_never_needs_more_agents(load, within_s, more):
    assert needed(load, within_s=within_s + more)[0] <= needed(load, within_s=within_s)[0]


@LAW
@given(st.floats(0.001, 200))
def test_the_whole_number_is_the_exact_one_rounded_up(load):
    whole, exact = needed(load)
    assert load < exact <= whole < exact + 1 + 1e-6


@LAW
@given(st.floats(0.01, 60))
def test_one_agent_fewer_misses_the_goal(load):
    whole, _ = needed(load)
    goal = {"service_s": 360.0, "first_touch": TOUCH, "threshold_s": 900.0}
    assert attainment_of(whole, load, **goal)[0] >= 0.9
    assert attainment_of(whole - 1, load, **goal)[0] < 0.9


@pytest.mark.parametrize("load", [-1.0, math.nan, math.inf])
def test_a_load_that_cannot_be_is_refused(load):
    with pytest.raises(DemandError, match="load"):
        needed(load)


def test_a_reply_that_takes_too_long_to_write_is_told_with_the_best_share():
    with pytest.raises(GoalOutOfReach, match="cannot be met by any number of agents") as told:
        needed(3.0, within_s=120, share=0.9)
    assert told.value.details["best_share"] == pytest.approx(TOUCH.share_within(120), abs=1e-4)
