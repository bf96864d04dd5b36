"""What a baseline may learn from."""

from __future__ import annotations

import numpy as np
import pytest

from forecasting.engine.clean import Cleaned, clean, median
from forecasting.grid import SLOTS


def ordinary_weeks(weeks: int, *, level: float = 20.0, seed: int = 1) -> np.ndarray:
    """Poisson counts (days, 96) with a daily shape."""
    rng = np.random.default_rng(seed)
    shape = level * (0.3 + np.sin(np.pi * np.arange(SLOTS) / SLOTS))
    return rng.poisson(np.tile(shape, (weeks * 7, 1))).astype(float)


def cleaned_of(
    counts: np.ndarray, known: np.ndarray | None = None, trusted: np.ndarray | None = None
) -> Cleaned:
    """One series cleaned, beside a busier one that must make no difference."""
    pair = np.stack((counts, counts * 10))
    masks = [
        np.stack((mask, mask)) if mask is not None else np.zeros(pair.shape, dtype=bool)
        for mask in (known, trusted)
    ]
    return clean(pair, *masks).one(0)


def test_the_median_passes_over_what_is_missing() -> None:
    values = np.random.default_rng(1).normal(size=(9, 40))
    values[np.random.default_rng(2).random(values.shape) < 0.3] = np.nan

    np.testing.assert_allclose(median(values), np.nanmedian(values, axis=0))
    assert np.isnan(median(np.full((3, 1), np.nan))[0])


def test_ordinary_counts_pass_unchanged() -> None:
    counts = ordinary_weeks(8)

    cleaned = cleaned_of(counts)

    assert cleaned.excess.sum() / counts.sum() < 0.001
    assert not cleaned.outage.any()


def test_a_spike_is_capped_and_its_excess_is_kept() -> None:
    counts = ordinary_weeks(8)
    counts[20, 50] = 3000

    cleaned = cleaned_of(counts)

    assert cleaned.capped[20, 50] < 90
    assert cleaned.excess[20, 50] == pytest.approx(3000 - cleaned.capped[20, 50])


def test_a_day_far_below_the_usual_does_not_drag_the_rest_down() -> None:
    counts = ordinary_weeks(8, level=400.0)
    counts[30] //= 4

    cleaned = cleaned_of(counts)

    assert cleaned.capped[30].sum() > 1.8 * counts[30].sum()
    assert cleaned.excess.sum() < 0.001 * counts.sum()


def test_a_lasting_rise_is_a_level_and_no_spike() -> None:
    counts = ordinary_weeks(8)
    counts[28:] *= 3

    cleaned = cleaned_of(counts)

    assert cleaned.excess[36:].sum() / counts[36:].sum() < 0.02


def test_an_hour_and_a_half_of_zeros_at_noon_is_an_outage() -> None:
    counts = ordinary_weeks(8)
    counts[30, 45:51] = 0

    cleaned = cleaned_of(counts)

    assert cleaned.outage.sum() == 6
    assert np.isnan(cleaned.capped[30, 45:51]).all()


def test_quiet_nights_are_no_outage() -> None:
    counts = ordinary_weeks(8)
    counts[:, :24] = 0
    sparse = ordinary_weeks(8, level=0.3)

    assert not cleaned_of(counts).outage.any()
    assert not cleaned_of(sparse).outage.any()


def test_what_is_known_to_be_moved_is_not_learned() -> None:
    counts = ordinary_weeks(4)
    known = np.zeros(counts.shape, dtype=bool)
    known[10] = True

    assert np.isnan(cleaned_of(counts, known).capped[10]).all()


def test_calm_counts_stay_closer_to_what_is_typical() -> None:
    counts = ordinary_weeks(8)
    counts[20, 50] = 3000

    cleaned = cleaned_of(counts)

    assert cleaned.expected[20, 50] < cleaned.calm[20, 50] < cleaned.capped[20, 50]


def test_counts_that_a_person_trusts_are_learned_as_they_are() -> None:
    counts = ordinary_weeks(8)
    counts[20, 50] = 3000
    counts[30, 45:51] = 0
    trusted = np.zeros(counts.shape, dtype=bool)
    trusted[20, 50] = trusted[30, 45:51] = True

    cleaned = cleaned_of(counts, trusted=trusted)

    assert cleaned.capped[20, 50] == cleaned.calm[20, 50] == 3000
    assert not cleaned.outage.any()
    assert (cleaned.capped[30, 45:51] == 0).all()
