"""Two classes at one desk: their limits, their laws, and what a backlog can grow to."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.queueing.erlang import agents_for, attainment_of, erlang_c, wait_tail
from scheduling.queueing.priority import (
    agents_ahead,
    agents_in_order,
    attained_around,
    attained_with,
    desk_of,
)
from scheduling.queueing.replies import Replies, replies_of
from scheduling.queueing.uniformisation import attainment_in_time
from wfm.sla import Duration, WorkLaw

LAW = settings(max_examples=30, deadline=None, derandomize=True)
TOUCH = Duration(120.0, 0.5)
FIRST = replies_of("first_response", WorkLaw(first_touch=TOUCH))
AT_ONCE = Replies(np.zeros(1), np.ones(1), np.ones(1))
HOUR_S, QUARTER_S = 3600.0, 900.0
HEAD_START = HOUR_S - QUARTER_S


def desk(first: float, follow: float, service_s: float = 360.0):
    return desk_of(first, follow, own_s=service_s, other_s=service_s, head_start_s=HEAD_START)


def later(first: float, follow: float, service_s: float = 360.0):
    return desk_of(follow, first, own_s=service_s, other_s=service_s, head_start_s=-HEAD_START)


def ahead(first: float, follow: float, *, within_s: float = QUARTER_S, share: float = 0.9) -> float:
    return float(agents_ahead(desk(first, follow), FIRST, threshold_s=within_s, share=share)[0])


def in_order(first: float, follow: float, *, within_s: float = HOUR_S, share: float = 0.9, **law):
    found = agents_in_order(later(first, follow, **law), FIRST, threshold_s=within_s, share=share)
    return float(found[0])


@pytest.mark.parametrize("load", [0.2, 3.0, 47.9])
def test_one_class_alone_is_erlang_c(load):
    goal = {"threshold_s": QUARTER_S, "share": 0.9}
    erlang = agents_for(load, service_s=360.0, first_touch=TOUCH, **goal).agents_exact[0]
    for way in (agents_ahead, agents_in_order):
        assert way(desk(load, 0.0), FIRST, **goal)[0] == pytest.approx(erlang, abs=1e-5)


def test_with_agents_to_spare_one_class_attains_what_erlang_c_says():
    got = attained_with(14, desk(12.0, 0.0), FIRST, threshold_s=QUARTER_S)
    exact = attainment_of(14, 12.0, service_s=360.0, first_touch=TOUCH, threshold_s=QUARTER_S)
    assert got[0] == pytest.approx(exact, abs=2e-3)


@pytest.mark.parametrize(("first", "follow"), [(6.0, 4.0), (20.0, 25.0), (1.0, 0.5)])
def test_the_class_that_is_served_first_follows_the_priority_formula(first, follow):
    needed = agents_ahead(desk(first, follow), AT_ONCE, threshold_s=60.0, share=0.9)[0]
    for agents, keeps in ((math.ceil(needed), True), (math.ceil(needed) - 1, False)):
        chance = erlang_c(agents, first + follow)
        late = chance * math.exp(-(agents - first) / 360.0 * 60.0)
        assert (1 - late >= 0.9) == keeps


def test_served_first_a_class_needs_fewer_than_all_work_there_is():
    assert ahead(10.0, 30.0) < 15.0
    assert in_order(10.0, 30.0) > 40.0


def test_a_class_without_work_needs_nobody():
    assert ahead(0.0, 5.0) == 0.0
    assert in_order(5.0, 0.0) == 0.0


def test_few_follow_ups_need_what_first_replies_alone_need():
    """The order is continuous in the mix: the last follow-up is due when first replies are."""
    alone = agents_ahead(desk(20.0, 0.0), FIRST, threshold_s=QUARTER_S, share=0.9)[0]
    goal = {"threshold_s": QUARTER_S, "share": 0.9}
    mixed = agents_in_order(desk(20.0, 1e-6), FIRST, **goal)[0]
    assert mixed == pytest.approx(alone, abs=0.01)


LOADS = st.floats(0.05, 40.0)


@LAW
@given(LOADS, LOADS, st.floats(0, 5), st.floats(0, 5))
def test_more_load_of_either_class_never_needs_fewer_agents(first, follow, more, back):
    assert ahead(first + more, follow + back) >= ahead(first, follow) - 1e-5
    assert in_order(first + more, follow + back) >= in_order(first, follow) - 1e-5


@LAW
@given(LOADS, LOADS, st.floats(0.6, 0.97), st.floats(0, 0.02), st.floats(0, HOUR_S))
def test_a_harder_goal_never_needs_fewer_agents(first, follow, share, more, longer):
    for way, within in ((ahead, QUARTER_S), (in_order, HOUR_S)):
        here = way(first, follow, share=share, within_s=within)
        assert way(first, follow, share=share + more, within_s=within) >= here - 1e-5
        assert way(first, follow, share=share, within_s=within + longer) <= here + 1e-5


@LAW
@given(LOADS, LOADS, st.floats(120, 600), st.floats(1.0, 2.0))
def test_longer_handling_never_needs_fewer_agents(first, follow, service_s, longer):
    short = in_order(first, follow, service_s=service_s)
    assert in_order(first * longer, follow * longer, service_s=service_s * longer) >= short - 1e-5


@LAW
@given(LOADS, LOADS)
def test_one_agent_more_never_attains_less(first, follow):
    agents = math.ceil(first + follow) + np.arange(4.0)
    for one in agents:
        rows = attained_around(one, desk(first, follow), FIRST, threshold_s=QUARTER_S)[0, :, 0]
        assert (np.diff(rows) >= -1e-3).all()
        assert (rows >= 0).all()
        assert (rows <= 1 + 1e-9).all()


def test_the_middle_row_is_what_the_agents_attain():
    some, levels = desk(10.0, 5.0), np.array([[0.9], [1.1]])
    around = attained_around(16.0, some, FIRST, threshold_s=QUARTER_S, levels=levels)
    alone = attained_with(16.0, some, FIRST, threshold_s=QUARTER_S, levels=levels)
    assert around[:, 1] == pytest.approx(alone)
    assert around.shape == (2, 3, 1)


def test_nobody_answers_nobody_and_no_load_is_always_in_time():
    none = attained_around(0.0, desk(2.0, 1.0), FIRST, threshold_s=QUARTER_S)[0, :, 0]
    assert none[0] == none[1] == 0.0
    idle = attained_around(0.0, desk(0.0, 0.0), FIRST, threshold_s=QUARTER_S)[0, :, 0]
    assert idle == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(("load", "off"), [(9.0, 0.01), (10.2, 0.10), (11.0, 0.12), (13.0, 0.20)])
def test_an_overload_is_felt_as_it_lasts(load, off):
    """Against the exact transient, from an empty desk."""
    erlangs = np.r_[0.0, np.full(16, load)]
    exact = attainment_in_time(erlangs * 900 / 360, 10, service_s=360.0, threshold_s=QUARTER_S)
    ours = attained_with(10.0, desk_of(erlangs, own_s=360.0), AT_ONCE, threshold_s=QUARTER_S)[0]
    assert (np.diff(ours) <= 1e-9).all()
    assert np.abs(ours - exact).max() < off


def test_a_waiting_room_of_one_class_has_its_exponential_tail():
    late = wait_tail(13, 12.0, service_s=360.0, wait_s=QUARTER_S)
    needed = agents_in_order(desk(12.0, 0.0), AT_ONCE, threshold_s=QUARTER_S, share=1 - late)
    assert needed[0] == pytest.approx(13.0, abs=1e-4)
