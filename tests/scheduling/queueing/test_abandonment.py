"""Erlang A against published figures, its limits, and why it is no way to staff."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scheduling.queueing.abandonment import (
    agents_for_impatient,
    given_up,
    mean_wait_impatient_s,
    wait_tail_impatient,
)
from scheduling.queueing.erlang import agents_for, wait_tail
from wfm.errors import DemandError
from wfm.sla import Duration

GOAL = {
    "service_s": 360.0,
    "first_touch": Duration(120.0, 0.5),
    "threshold_s": 900.0,
    "share": 0.9,
}
DESK = {"service_s": 60.0, "patience_s": 120.0}


def test_fifty_agents_at_forty_eight_calls_a_minute_with_patience_of_two_minutes():
    assert given_up(50, 48.0, **DESK) == pytest.approx(0.03091, abs=1e-5)
    assert mean_wait_impatient_s(50, 48.0, **DESK) == pytest.approx(3.709, abs=1e-3)
    assert wait_tail_impatient(50, 48.0, wait_s=12.45, **DESK) == pytest.approx(0.10, abs=2e-4)
    answered = 48.0 * (1 - given_up(50, 48.0, **DESK))
    assert answered / 50 == pytest.approx(0.9303, abs=1e-4)


def test_endless_patience_is_erlang_c():
    for wait_s in (0.0, 60.0, 600.0):
        patient = wait_tail_impatient(14, 12.0, service_s=360, patience_s=1e10, wait_s=wait_s)
        assert patient == pytest.approx(wait_tail(14, 12.0, service_s=360, wait_s=wait_s), abs=1e-6)


def test_an_overloaded_desk_loses_what_it_cannot_answer():
    assert given_up(10, 20.0, service_s=60, patience_s=600) == pytest.approx(0.5, abs=0.01)


def test_it_never_asks_for_more_agents_and_for_fewer_at_a_busy_desk():
    loads = np.array([0.0, 0.4, 3.0, 48.0, 200.0])
    patient, impatient = agents_for(loads, **GOAL), agents_for_impatient(loads, **GOAL)
    assert (impatient.agents <= patient.agents).all()
    assert (impatient.agents_exact <= patient.agents_exact).all()
    assert impatient.agents[-1] < 200
    assert (np.diff(impatient.agents_exact) > 0).all()
    assert (impatient.attainment[1:] >= 0.9).all()


@pytest.mark.parametrize("patience_s", [0.0, -1.0, math.nan, math.inf])
def test_a_patience_that_cannot_be_is_refused(patience_s):
    with pytest.raises(DemandError, match="patience"):
        agents_for_impatient(3.0, patience_s=patience_s, **GOAL)


def test_a_desk_that_cannot_be_is_refused():
    with pytest.raises(DemandError, match="at least one server"):
        given_up(0, 3.0, **DESK)
