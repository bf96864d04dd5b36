"""Trimming finds what the judge allows, and never more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.queueing.erlang import Floats, Wholes
from scheduling.trim import Judge, takes, trim
from wfm.errors import GoalOutOfReach, RequestError

needs = st.lists(st.integers(0, 9), min_size=9, max_size=24)


def each_for_itself(needed: Wholes) -> Judge:
    """An interval attains the share of its need that is there."""
    return lambda agents: np.where(agents < needed, agents / np.maximum(needed, 1), 1.0)


def with_backlog(work: Floats) -> Judge:
    """Work that is left over waits for the next interval; late is what must wait longer."""

    def judge(agents: Wholes) -> Floats:
        left, attained = 0.0, np.ones(work.size)
        for i in [*range(work.size), *range(work.size)]:
            late = max(left - agents[i], 0.0)
            attained[i - 1] = 1.0 - min(late / max(work[i - 1], 1e-9), 1.0)
            left = max(left + work[i] - agents[i], 0.0)
        return attained

    return judge


@given(needs, st.integers(0, 3), st.integers(0, 12))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_intervals_that_do_not_touch_end_at_what_each_needs(needed, floor, begin):
    wanted = np.maximum(np.array(needed), floor)
    found = trim(np.full(wanted.size, begin), each_for_itself(np.array(needed)), 1.0, floor=floor)
    assert found.agents.tolist() == wanted.tolist()


@given(st.lists(st.floats(0.2, 6.0), min_size=9, max_size=24), st.floats(0.8, 0.99))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_what_is_left_attains_the_target_with_no_more_agents_than_before(work, target):
    begin = np.ceil(np.array(work)).astype(np.int64)
    judge = with_backlog(np.array(work))
    found = trim(begin, judge, target)
    assert judge(found.agents).min() >= target
    assert found.attainment.tolist() == judge(found.agents).tolist()
    assert found.agents.sum() <= begin.sum()
    assert found.agents.min() >= 1


def test_half_an_agent_to_spare_pays_for_half_an_agent_later():
    work = np.full(24, 1.5)
    found = trim(np.full(24, 2), with_backlog(work), 0.99)
    assert found.agents.sum() == work.sum()


def test_agents_are_moved_where_taking_one_alone_would_break_the_promise():
    work = np.tile([2.0, 1.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0], 2)
    begin = np.tile([2, 1, 0, 2, 2, 0, 0, 0, 0], 2)

    def attained(agents: Wholes) -> Floats:
        return with_backlog(work)(agents)

    alone = trim(begin, attained, 0.99, floor=0, changes=((-1,),))
    traded = trim(begin, attained, 0.99, floor=0)
    assert traded.agents.sum() <= alone.agents.sum()
    assert traded.agents.sum() == work.sum()


def test_too_few_agents_are_raised_first_and_backlog_may_want_them_earlier():
    work = np.array([4.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    found = trim(np.ones(10, np.int64), with_backlog(work), 0.95)
    assert found.attainment.min() >= 0.95
    assert found.agents.sum() == work.sum()


def test_nothing_the_caller_holds_is_changed_and_the_answer_is_always_the_same():
    begin, work = np.full(20, 4), np.linspace(0.5, 3.5, 20)
    first = trim(begin, with_backlog(work), 0.9)
    second = trim(begin, with_backlog(work), 0.9)
    assert begin.tolist() == [4] * 20
    assert first.agents.tolist() == second.agents.tolist()
    assert first.runs == second.runs


def test_many_intervals_are_tried_in_one_run():
    needed = np.full(96, 3)
    found = trim(np.full(96, 4), each_for_itself(needed), 1.0, changes=((-1,),))
    assert found.agents.tolist() == needed.tolist()
    assert found.runs < 40


def test_large_desks_are_trimmed_in_large_steps_first():
    assert takes(np.array([3, 40])) == ((-1,),)
    assert takes(np.array([40, 500])) == ((-4,), (-2,), (-1,))


def test_a_target_that_more_agents_do_not_reach_is_refused_with_the_best_there_is():
    with pytest.raises(GoalOutOfReach, match=r"attains 80.0% .* 90.0% cannot be met") as error:
        trim(np.ones(12, np.int64), lambda agents: np.full(agents.size, 0.8), 0.9)
    assert error.value.details["best_share"] == 0.8


def test_a_judge_that_does_not_answer_for_every_interval_is_refused():
    with pytest.raises(RequestError, match=r"12 intervals gave .* 1 not finite"):
        trim(np.ones(12, np.int64), lambda _: np.array([np.nan, *[1.0] * 11]), 0.9)
