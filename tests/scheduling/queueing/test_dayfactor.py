"""The day that is planned for."""

from __future__ import annotations

import numpy as np
import pytest

from scheduling.queueing.dayfactor import day_ratios, expected_factor

DAYS = np.repeat([0, 1], 96)


def ratios(cv: float, paths: int = 2000) -> np.ndarray:
    rng = np.random.default_rng(3)
    factor = rng.gamma(1 / cv**2, cv**2, (paths, 2)) if cv else np.ones((paths, 2))
    mean = np.full(192, 5.0)
    counts = rng.poisson(factor[:, DAYS] * mean).astype(float)
    return day_ratios(counts, np.column_stack([mean, np.full(192, 300.0)]), DAYS)


@pytest.mark.parametrize("cv", [0.0, 0.1, 0.3])
def test_the_scatter_of_counts_is_taken_out_and_that_of_days_kept(cv):
    found = ratios(cv)
    assert found.mean(axis=0) == pytest.approx(1.0, abs=0.02)
    assert found.std(axis=0) == pytest.approx(cv, abs=0.02)


def test_the_smallest_factor_that_holds_is_found():
    spread = np.linspace(0.5, 1.5, 201)[:, None] * [1.0, 1.0]
    found = expected_factor(spread, lambda factor: factor - np.array([1.2, 0.8]))
    assert found[0] == pytest.approx(1.2, abs=3e-3)
    assert found[0] >= 1.2
    # Never below the mean day.
    assert found[1] == pytest.approx(1.0)


def test_what_never_holds_is_planned_for_the_busiest_day():
    spread = np.linspace(0.5, 1.5, 11)[:, None]
    found = expected_factor(spread, lambda factor: factor - 9.0)
    assert found == pytest.approx(1.5)
