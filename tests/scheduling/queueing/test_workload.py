"""Offered load on the minute grid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.queueing.workload import (
    at_arrival,
    convolve,
    lag_s,
    lagged_mol,
    offered_load,
    released,
    survival_kernel,
)
from wfm.brands import Queue
from wfm.calendars import Hours, ServiceWindow
from wfm.sla import Duration, OpeningGoal, ServiceGoal, WorkLaw

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DAY = 96


def queue(window: ServiceWindow | None = None, **law: object) -> Queue:
    return Queue(
        name="x",
        channel="x",
        handle="@us",
        language="en",
        window=window or ServiceWindow.always(),
        goals=(ServiceGoal(),),
        opening_goal=OpeningGoal(),
        work=WorkLaw(**law),
    )


def load_of(method, contacts, of: Queue, lag: float = 450.0):
    end = MONDAY + timedelta(minutes=15 * len(contacts))
    return method(
        np.asarray(contacts, float),
        np.ones(len(contacts)),
        of,
        start=MONDAY,
        end=end,
        lag=lag,
        follow_lag=lag,
    )


def test_a_sinusoid_through_exponential_handling_has_its_closed_form():
    """Eick, Massey, Whitt: 100 + 20 sin t, mean handling 1."""
    step = 0.002
    t = np.arange(0, 60, step)
    arrivals = (100 + 20 * np.sin(t)) * step
    edges = np.arange(0, 40, step)
    survival = (np.exp(-edges) - np.exp(-edges - step)) / step
    got = offered_load(arrivals, survival)

    exact = 100 + 20 * (np.sin(t) - np.cos(t)) / 2
    settled = t > 40
    assert np.abs(got - exact)[settled].max() < 0.03
    for at, published in ((50, 87.7266), (51, 99.2807), (52.5, 114.0376)):
        assert exact[round(at / step)] == pytest.approx(published, abs=1e-3)


def test_the_kernel_adds_up_to_the_mean_handling_time():
    for duration in (Duration(180, 0.5), Duration(20, 2.0), Duration(4000, 1.2), Duration(90, 0)):
        assert survival_kernel(duration).sum() == pytest.approx(duration.mean_s / 60)


def test_the_transform_agrees_with_the_sum():
    rng = np.random.default_rng(1)
    flow, kernel = rng.random(200), rng.random(30)
    assert convolve(flow, kernel) == pytest.approx(np.convolve(flow, kernel)[:200])


def test_a_constant_load_is_that_of_the_interval_alone():
    contacts = np.full(3 * DAY, 12.0)
    lagged, alone = (load_of(m, contacts, queue()) for m in (lagged_mol, at_arrival))
    assert lagged.erlangs[20:] == pytest.approx(alone.erlangs[20:], rel=5e-3)
    assert alone.erlangs == pytest.approx(12 * WorkLaw().aht_s / 900)


def test_all_work_of_a_day_is_done_once():
    contacts = np.zeros(3 * DAY)
    contacts[DAY + 40 : DAY + 60] = 8.0
    load = load_of(lagged_mol, contacts, queue())
    assert load.erlangs.sum() * 900 == pytest.approx(20 * 8 * WorkLaw().aht_s, rel=2e-3)


def test_follow_ups_come_after_the_thinking():
    contacts = np.zeros(2 * DAY)
    contacts[DAY] = 10.0
    once = load_of(lagged_mol, contacts, queue(continue_p=0.0), lag=0)
    often = load_of(lagged_mol, contacts, queue(think=Duration(7200, 0.1)), lag=0)
    extra = often.erlangs - once.erlangs
    assert np.abs(extra[DAY : DAY + 6]).max() < 1e-4
    assert extra[DAY + 7 : DAY + 11].sum() * 900 == pytest.approx(10 * 0.6 * 120, rel=0.05)


def test_the_lag_is_half_the_promise_and_never_long():
    assert lag_s(900) == 450
    assert lag_s(14_400) == 1800


BUSINESS = ServiceWindow((Hours("UTC", frozenset(range(5)), 9 * 60, 17 * 60),))


def test_work_of_the_night_is_done_in_the_first_hour_of_the_day():
    contacts = np.zeros(2 * DAY)
    contacts[DAY : DAY + 20] = 6.0
    load = load_of(lagged_mol, contacts, queue(BUSINESS, continue_p=0.0))
    opening = DAY + 36
    assert load.erlangs[:opening].sum() == pytest.approx(0, abs=1e-9)
    work = load.erlangs[opening : opening + 4].sum() * 900
    assert work == pytest.approx(20 * 6 * 180, rel=0.02)


def test_nobody_is_needed_while_a_queue_is_shut():
    load = load_of(lagged_mol, np.full(7 * DAY, 3.0), queue(BUSINESS))
    assert (load.erlangs[~load.is_open] == 0).all()
    assert load.is_open.sum() == 5 * 8 * 4


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.booleans(), min_size=5, max_size=60), st.integers(1, 30))
def test_what_is_held_appears_when_it_opens_and_nothing_is_lost(flags, spread):
    inside = np.array(flags)
    flow = np.arange(1.0, len(flags) + 1)
    live, held = released(flow, inside, spread)

    assert (held[~inside] == 0).all()
    assert (live[~inside] == 0).all()
    last_open = np.flatnonzero(inside).max(initial=-1)
    assert (live + held).sum() == pytest.approx(flow[: last_open + 1].sum())
