"""What a baseline may learn from."""

from __future__ import annotations

import numpy as np
import pytest

from forecasting.clean import clean, median
from forecasting.grid import SLOTS


def ordinary_weeks(
    weeks: int, *, level: float = 20.0, seed: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Poisson counts (days, 96) with a daily shape, and their weekdays."""
    rng = np.random.default_rng(seed)
    shape = level * (0.3 + np.sin(np.pi * np.arange(SLOTS) / SLOTS))
    return rng.poisson(np.tile(shape, (weeks * 7, 1))).astype(float), np.arange(weeks * 7) % 7


def nothing_known(counts: np.ndarray) -> np.ndarray:
    return np.zeros(counts.shape, dtype=bool)


def test_the_median_passes_over_what_is_missing() -> None:
    values = np.random.default_rng(1).normal(size=(9, 40))
    values[np.random.default_rng(2).random(values.shape) < 0.3] = np.nan

    np.testing.assert_allclose(median(values), np.nanmedian(values, axis=0))
    assert np.isnan(median(np.full((3, 1), np.nan))[0])


def test_ordinary_counts_pass_unchanged() -> None:
    counts, weekday = ordinary_weeks(8)

    cleaned = clean(counts, weekday, nothing_known(counts))

    assert cleaned.excess.sum() / counts.sum() < 0.001
    assert not cleaned.outage.any()


def test_a_spike_is_capped_and_its_excess_is_kept() -> None:
    counts, weekday = ordinary_weeks(8)
    counts[20, 50] = 3000

    cleaned = clean(counts, weekday, nothing_known(counts))

    assert cleaned.capped[20, 50] < 90
    assert cleaned.excess[20, 50] == pytest.approx(3000 - cleaned.capped[20, 50])


def test_a_day_far_below_the_usual_does_not_drag_the_rest_down() -> None:
    counts, weekday = ordinary_weeks(8, level=400.0)
    counts[30] //= 4

    cleaned = clean(counts, weekday, nothing_known(counts))

    assert cleaned.capped[30].sum() > 1.8 * counts[30].sum()
    assert cleaned.excess.sum() < 0.001 * counts.sum()


def test_a_lasting_rise_is_a_level_and_no_spike() -> None:
    counts, weekday = ordinary_weeks(8)
    counts[28:] *= 3

    cleaned = clean(counts, weekday, nothing_known(counts))

    assert cleaned.excess[36:].sum() / counts[36:].sum() < 0.02


def test_an_hour_and_a_half_of_zeros_at_noon_is_an_outage() -> None:
    counts, weekday = ordinary_weeks(8)
    counts[30, 45:51] = 0

    cleaned = clean(counts, weekday, nothing_known(counts))

    assert cleaned.outage.sum() == 6
    assert np.isnan(cleaned.capped[30, 45:51]).all()


def test_quiet_nights_are_no_outage() -> None:
    counts, weekday = ordinary_weeks(8)
    counts[:, :24] = 0
    sparse, _ = ordinary_weeks(8, level=0.3)

    assert not clean(counts, weekday, nothing_known(counts)).outage.any()
    assert not clean(sparse, weekday, nothing_known(sparse)).outage.any()


def test_what_is_known_to_be_moved_is_not_learned() -> None:
    counts, weekday = ordinary_weeks(4)
    known = nothing_known(counts)
    known[10] = True

    assert np.isnan(clean(counts, weekday, known).capped[10]).all()
