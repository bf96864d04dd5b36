"""The fast model of a desk: against the exact transient, and the limits it must have."""

from __future__ import annotations

import numpy as np
import pytest

from scheduling.queueing.closure import advance, in_time
from scheduling.queueing.erlang import erlang_c
from scheduling.queueing.uniformisation import attainment_in_time
from scheduling.rostering.search import attained_by
from wfm.sla import Duration

RATE = 1.0 / 6.0
AT_ONCE = np.zeros(1)


def modelled(contacts: np.ndarray, agents: np.ndarray, *, cyclic: bool = False) -> np.ndarray:
    means, variances, attained = (np.empty(contacts.size) for _ in range(3))
    attained_by(
        contacts / 15.0,
        agents.astype(float),
        np.full(contacts.size, RATE),
        AT_ONCE,
        15.0,
        cyclic,
        means,
        variances,
        attained,
    )
    return attained


def test_an_idle_desk_fills_to_its_offered_load():
    mean, variance = 0.0, 1.0
    mean, variance = advance(mean, variance, 2.0, 60.0, RATE, 120)
    assert mean == pytest.approx(12.0, rel=0.01)
    # With unlimited agents the number in the system is Poisson.
    assert variance == pytest.approx(12.0, rel=0.02)


def test_what_comes_above_the_desk_waits_and_none_is_lost():
    mean, _ = advance(20.0, 5.0, 5.0, 20.0, RATE, 60)
    assert mean == pytest.approx(20.0 + 60 * (5.0 - 20 * RATE), rel=0.02)


def test_a_swinging_day_comes_close_to_the_exact_transient():
    at = np.arange(96)
    contacts = 300.0 + 180.0 * np.sin(2 * np.pi * at / 48)
    agents = np.ceil(contacts * 6 / 15 * 0.97 + 6).astype(np.int64)
    exact = attainment_in_time(
        contacts,
        agents,
        service_s=360.0,
        threshold_s=900.0,
        first_touch=Duration(1e-6, 0.0),
        scale=1.0,
    )
    assert exact.min() < 0.9
    off = np.abs(modelled(contacts, agents) - exact)
    assert off.mean() < 0.04
    assert off.max() < 0.15


def test_in_the_steady_state_it_keeps_near_to_erlang_c():
    load, agents = 48.0, 50
    contacts = np.full(400, load / 6.0 * 15.0)
    waits = erlang_c(agents, load) * np.exp(-(agents - load) * RATE * 15.0)
    assert modelled(contacts, np.full(400, agents))[-1] == pytest.approx(1.0 - waits, abs=0.03)


def test_more_heads_never_attain_less():
    contacts = np.full(40, 120.0)
    fewer, more = (modelled(contacts, np.full(40, n)) for n in (48, 50))
    assert (more >= fewer).all()
    assert more[-1] > fewer[-1]


def test_heads_that_come_soon_help_those_who_wait_now():
    rate = np.full(2, RATE)
    now = np.array([10.0, 10.0])
    later = np.array([10.0, 30.0])
    told = (30.0, 8.0, 0, 7, now, rate, AT_ONCE, 15.0, False)
    assert in_time(*told[:4], later, *told[5:]) > in_time(*told)
