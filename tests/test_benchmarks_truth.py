"""The truth benchmark draws days as its histories are drawn, and finds out a false band."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from benchmarks import truth, worlds
from wfm.frames import interval_index
from wfm.timegrid import local_midnight

ORIGIN = worlds.ORIGINS[1]


def made_verdict(seed: int, *, late: float) -> truth.Verdict:
    """Days of 400 replies, a tenth late or so; on the true ones `late` times as many."""
    rng = np.random.default_rng(seed)
    shape = (200, 30, 2)

    def outcome(more: float) -> truth.Outcome:
        missed = rng.binomial(400, np.clip(0.1 * more * rng.gamma(4.0, 0.25, shape), 0.0, 1.0))
        return truth.Outcome(400 - missed, np.full(shape, 400))

    return truth.Verdict(100.0, outcome(1.0), outcome(late), np.array([0.9, 0.9]))


def test_true_days_have_the_mean_and_the_scatter_that_the_truth_states():
    world = worlds.only(next(worlds.worlds()), "x", "email")
    start = local_midnight(ORIGIN, world.brand.tz)
    end = local_midnight(ORIGIN + timedelta(days=2), world.brand.tz)

    days = worlds.true_days(world, start, end, count=1000, seed=1)

    assert days.queues == tuple(queue.name for queue in world.brand.queues)
    starts = interval_index(local_midnight(worlds.sample.FIRST_DAY, world.brand.tz), end)
    for queue in world.truth.queues:
        expected = worlds.sample.expected_contacts(queue, world.truth, starts)[-192:].sum()
        assert days.of(queue.name).sum(axis=1).mean() == pytest.approx(expected, rel=0.01)
    first = days.contacts[:, :96].sum(axis=1)
    ratios = first / first.mean(axis=0)
    # A busy day is busy everywhere: what two queues share is the day's own spread.
    together = np.cov(ratios[:, 0], ratios[:, 1])[0, 1]
    assert together == pytest.approx(world.truth.noise.day_cv**2, rel=0.15)


def test_a_band_that_is_right_holds_at_its_stated_rate():
    row = truth.row_of([made_verdict(seed, late=1.0) for seed in range(4)])

    assert row["inside"] == pytest.approx(0.8, abs=0.02)
    assert row["inside_stated"] == pytest.approx(0.8, abs=0.02)
    assert row["below"] == pytest.approx(0.1, abs=0.02)
    assert row["kept_true"] == pytest.approx(row["kept_stated"], abs=0.02)
    assert row["true"] == pytest.approx(row["certified"], abs=0.003)
    assert row["p10"] < row["certified"] < row["p90"]
    assert (row["hours"], row["days"]) == (100.0, 4 * 30 * 2)


def test_a_band_that_promises_too_much_is_found_out():
    row = truth.row_of([made_verdict(seed, late=1.5) for seed in range(4)])

    assert row["inside"] < 0.7
    assert row["below"] > 0.25
    assert row["kept_true"] < row["kept_stated"] - 0.2


def test_the_staff_of_a_higher_risk_level_is_larger_and_keeps_more_days():
    world = worlds.only(next(worlds.worlds()), "linkedin")

    rows = truth.measure(world, truth.Scale(histories=1, weeks=1, runs=4, true_runs=3), seed=1)

    keys = [(row["risk"], row["promise"]) for row in rows]
    assert keys == [(risk, promise) for risk in truth.RISKS for promise in truth.PROMISES]
    assert list(rows[0]) == [
        *("case", "risk", "promise", "hours", "level", "certified", "p10", "p90", "true"),
        *("inside", "inside_stated", "below", "kept_stated", "kept_true", "days"),
    ]
    hours = {row["risk"]: row["hours"] for row in rows}
    assert hours["q80"] < hours["q90"]
    assert all(0.8 < row["true"] <= 1.0 for row in rows)
    # Five weekdays have replies due.
    assert {row["days"] for row in rows} == {5}
