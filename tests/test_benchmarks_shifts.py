"""The shifts of the reference day: what they are; ours are cheaper and keep the promise."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import reference_day as day
from benchmarks import shift_cost
from benchmarks.staffing import formulas
from scheduling.rostering.saving import SavingLimits


@pytest.mark.parametrize(("kind", "breaks"), [("8 h", {8: 2}), ("4/6/8 h", {4: 1, 6: 1, 8: 2})])
def test_a_shift_is_on_queue_for_its_hours_but_its_break(kind, breaks):
    known = shift_cost.patterns(kind)
    away = [
        4 * hours - int(on.sum()) for hours, on in zip(known.length, known.on_queue, strict=True)
    ]
    assert away == [breaks[int(hours)] for hours in known.length]
    assert (known.paid == known.length).all()


def test_whatever_can_be_moved_somewhere_can_be_moved_back():
    choices = shift_cost.choices("4/6/8 h")
    nears = [
        set(choices.near[a:b].tolist())
        for a, b in zip(choices.near_first[:-1], choices.near_first[1:], strict=True)
    ]
    assert all(k not in near for k, near in enumerate(nears))
    assert all(k in nears[other] for k, near in enumerate(nears) for other in near)


def test_shifts_that_simulation_saves_keep_the_promise_on_other_days(monkeypatch):
    monkeypatch.setattr(shift_cost, "LIMITS_QUICK", SavingLimits(rounds=8, moves=60, step=0.02))
    needed = formulas(1.0)["lagged_mol"]
    known = shift_cost.patterns("8 h")
    covering = shift_cost.covering("8 h", needed, nodes=1)
    assert (known.on_queue[covering].sum(axis=0) >= needed).all()

    saved = shift_cost.saved("8 h", 1.0, covering, days=60, seed=3, quick=True)
    assert known.paid[saved].sum() <= 0.97 * known.paid[covering].sum()
    fresh = day.judge_on(day.one_answer_days(1.0, replications=60, seed=4))
    assert np.mean(fresh(known.on_queue[saved].sum(axis=0)) >= 0.87) == 1.0
