"""The exact desk in time: a published day, its steady state, and the agents it asks for."""

from __future__ import annotations

import numpy as np
import pytest

from scheduling.queueing.erlang import agents_for, attainment_of
from scheduling.queueing.uniformisation import agents_in_time, attainment_in_time
from wfm.errors import DemandError
from wfm.sla import Duration

SIX_MIN = {"service_s": 360.0, "threshold_s": 900.0}
TOUCH = Duration(120.0, 0.5)


def test_a_wave_of_arrivals_on_ten_agents_as_computed_elsewhere():
    middle = np.arange(96) + 0.5
    attained = attainment_in_time(20 + 12 * np.sin(2 * np.pi * middle / 32), 10, **SIX_MIN)
    assert attained[[8, 12, 16, 20, 24]] == pytest.approx(
        [0.2707, 0.0750, 0.1665, 0.7054, 0.9935], abs=2e-4
    )


@pytest.mark.parametrize("agents", [13, 15])
def test_a_constant_load_settles_to_erlang_c(agents):
    attained = attainment_in_time(np.full(60, 30.0), agents, first_touch=TOUCH, **SIX_MIN)
    steady = attainment_of(agents, 12.0, first_touch=TOUCH, **SIX_MIN)
    assert attained[0] > attained[-1]
    assert attained[-1] == pytest.approx(steady[0], abs=3e-3)


def test_a_desk_that_had_agents_enough_is_not_empty_at_the_start():
    calm, full = (
        attainment_in_time(np.full(4, 30.0), 12, empty=empty, **SIX_MIN) for empty in (True, False)
    )
    assert (full < calm).all()


def test_it_asks_for_erlang_c_under_constant_load():
    agents = agents_in_time(np.full(40, 30.0), share=0.9, first_touch=TOUCH, **SIX_MIN)
    steady = agents_for(12.0, share=0.9, first_touch=TOUCH, **SIX_MIN).agents[0]
    assert agents[-1] == steady
    assert (agents <= steady).all()


def test_every_interval_keeps_the_goal_with_the_agents_it_asks_for():
    contacts = 20 + 15 * np.sin(np.arange(48) / 48 * 2 * np.pi)
    agents = agents_in_time(contacts, share=0.9, first_touch=TOUCH, **SIX_MIN)
    attained = attainment_in_time(contacts, agents, first_touch=TOUCH, empty=False, **SIX_MIN)
    assert attained.min() >= 0.9 - 1e-3
    assert agents.sum() > (contacts * 360 / 900).sum()


def test_nobody_is_asked_for_while_nobody_comes():
    agents = agents_in_time([0.0, 0.0, 5.0, 0.0], share=0.9, first_touch=TOUCH, **SIX_MIN)
    assert agents[:2].tolist() == [0, 0]
    assert agents[2] > 0


def test_bad_demand_is_refused():
    for contacts, service_s in ((-1.0, 360.0), (np.nan, 360.0), (1.0, 0.0), (1.0, np.inf)):
        with pytest.raises(DemandError):
            attainment_in_time([contacts], 1, service_s=service_s, threshold_s=900.0)
    with pytest.raises(DemandError, match="cannot be negative"):
        attainment_in_time([1.0], -1, **SIX_MIN)
