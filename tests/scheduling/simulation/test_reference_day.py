"""A day on which methods differ: SIPP breaks the promise, lagged MOL keeps it at the same price."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import reference_day as day
from benchmarks.staffing import formulas, sized
from scheduling.queueing.erlang import lognormal
from scheduling.trim import trim

METHODS_OF = {scale: formulas(scale) for scale in (0.1, 1.0, 10.0)}


def test_the_day_is_the_one_described():
    contacts = day.contacts()
    assert contacts.min() == pytest.approx(5, abs=0.5)
    assert contacts.max() == pytest.approx(120, abs=0.5)
    assert contacts.argmax() == (20 - 4) * 4
    assert day.workload().sum() * day.HOURS == pytest.approx(428.6, abs=0.2)
    assert contacts[34] > contacts[40]  # the midday bump


def test_the_offered_load_is_that_of_cases_sampled_one_by_one():
    rng, each = np.random.default_rng(1), 4000
    begin = np.repeat(np.arange(day.INTERVALS), each) + rng.random(day.INTERVALS * each)
    weight = np.repeat(day.contacts() / each, each)
    parts = [rng.lognormal(*lognormal(part), begin.size) for part in (day.TOUCH, day.REST)]
    end = begin + sum(parts) / 900
    busy = np.zeros(day.INTERVALS)
    for i in range(12):  # intervals that a case may last
        home = np.floor(begin) + i
        part = np.clip(np.minimum(end, home + 1) - np.maximum(begin, home), 0, None)
        busy += np.bincount(home.astype(int) % day.INTERVALS, weight * part, day.INTERVALS)
    assert day.offered() == pytest.approx(busy, rel=0.05)
    assert day.offered().sum() == pytest.approx(day.workload().sum(), rel=1e-3)


def test_no_work_is_left_over_midnight_and_all_of_it_is_done():
    trial = day.one_answer_days(0.1, replications=200, seed=5)
    busy = trial.run(day.staff_of_heads(day.around(METHODS_OF[0.1]["mol"])[:, None], day.ALONE))
    hours = busy.busy_s[:, 0, day.BEFORE : -day.AFTER].sum() / 200 / 3600
    assert hours == pytest.approx(day.workload(0.1).sum() * day.HOURS, rel=0.02)


@pytest.mark.parametrize(("scale", "days"), [(0.1, 600), (1.0, 100), (10.0, 15)])
def test_lagged_offered_load_keeps_the_promise_in_every_interval(scale, days):
    trial = day.one_answer_days(scale, replications=days, seed=7)
    (first,) = day.answered(trial, METHODS_OF[scale]["lagged_mol"])
    assert first.attainment.min() >= 0.93 - 0.5 / np.sqrt(days)
    assert (first.attainment < 0.895).sum() <= 1


def test_each_interval_alone_costs_the_same_and_breaks_it():
    lagged, alone = METHODS_OF[1.0]["lagged_mol"], METHODS_OF[1.0]["sipp_erlang_c"]
    (first,) = day.answered(day.one_answer_days(1.0, replications=150, seed=7), alone)
    assert alone.sum() == pytest.approx(lagged.sum(), rel=0.01)
    assert (first.attainment < 0.895).sum() >= 10


def test_customers_who_give_up_or_no_safety_at_all_break_it_more():
    trial = day.one_answer_days(1.0, replications=80, seed=7)
    bad = {
        method: int((day.answered(trial, agents)[0].attainment < 0.895).sum())
        for method, agents in METHODS_OF[1.0].items()
    }
    assert min(bad["fluid"], bad["sipp_erlang_a"]) > bad["sipp_erlang_c"] > bad["lagged_mol"]


def test_the_price_over_the_bound_falls_with_size():
    over = [
        METHODS_OF[scale]["lagged_mol"].sum() * day.HOURS / day.bound_h(scale)
        for scale in (0.1, 1.0, 10.0)
    ]
    assert over[0] > over[1] > over[2]
    assert over[1] < 1.08
    assert over[2] < 1.01


def test_trimming_takes_a_tenth_of_a_small_desk_and_holds_on_other_days():
    lagged = sized(day.lagged(0.1))
    judge = day.judge_on(day.one_answer_days(0.1, replications=400, seed=1))
    found = trim(lagged, judge, 0.93, changes=((-1,),))
    (fresh,) = day.answered(day.one_answer_days(0.1, replications=1000, seed=2), found.agents)
    assert found.agents.sum() < 0.9 * lagged.sum()
    assert fresh.attainment.min() >= 0.86
    assert (fresh.attainment < 0.895).sum() <= 5
