"""Bands from past misses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.engine.intervals import Bands, lead_group, learn_bands, widened
from wfm.frames import QUANTILE_COLUMNS


def learned(seed: int, *, level: float, dispersion: float) -> tuple[Bands, np.random.Generator]:
    rng = np.random.default_rng(seed)
    median = rng.uniform(0.1, 1.0, size=(30, 14, 96)) * level
    actual = draw(rng, median, dispersion)
    ages = np.zeros((30, 14))
    bands = learn_bands(median, actual, ages)
    assert bands is not None
    return bands, rng


def draw(rng: np.random.Generator, mean: np.ndarray, dispersion: float) -> np.ndarray:
    return rng.poisson(mean * rng.gamma(1 / dispersion, dispersion, size=mean.shape)).astype(float)


@pytest.mark.parametrize(("level", "dispersion"), [(20.0, 0.1), (200.0, 0.5), (5000.0, 0.3)])
def test_bands_cover_new_counts_as_often_as_they_say(level: float, dispersion: float) -> None:
    bands, rng = learned(1, level=level, dispersion=dispersion)
    median = rng.uniform(0.1, 1.0, size=(60, 96)) * level
    actual = draw(rng, median, dispersion)

    quantiles = bands.around(median, np.arange(60) % 14 + 1)

    column = {name: quantiles[..., i] for i, name in enumerate(QUANTILE_COLUMNS)}
    inside80 = ((actual >= column["q10"]) & (actual <= column["q90"])).mean()
    inside95 = ((actual >= column["q025"]) & (actual <= column["q975"])).mean()
    assert 0.77 <= inside80 <= 0.84
    assert 0.93 <= inside95 <= 0.97


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    level=st.sampled_from([0.3, 3.0, 300.0, 1e6]),
    dispersion=st.floats(0.05, 2.0),
)
def test_quantiles_ascend_and_are_never_negative(
    seed: int, level: float, dispersion: float
) -> None:
    bands, rng = learned(seed, level=level, dispersion=dispersion)
    median = rng.uniform(0.0, 2.0, size=(10, 96)) * level

    quantiles = bands.around(median, np.arange(10) * 5)
    wider = widened(quantiles, median, rng.uniform(0, 1, size=median.shape))

    for table in (quantiles, wider):
        assert (table >= 0).all()
        assert (np.diff(table, axis=-1) >= 0).all()


def test_a_further_uncertainty_widens_and_leaves_the_median() -> None:
    bands, rng = learned(1, level=100.0, dispersion=0.2)
    median = rng.uniform(50.0, 100.0, size=(5, 96))
    quantiles = bands.around(median, np.arange(1, 6))

    wider = widened(quantiles, median, np.full(median.shape, 0.3))

    np.testing.assert_allclose(wider[..., 2], quantiles[..., 2])
    assert (wider[..., -1] > quantiles[..., -1]).all()
    assert (wider[..., 0] <= quantiles[..., 0]).all()
    np.testing.assert_allclose(widened(quantiles, median, np.zeros(median.shape)), quantiles)


def test_leads_are_grouped_by_day_week_and_beyond() -> None:
    assert lead_group(np.array([0, 1, 2, 7, 8, 60])).tolist() == [0, 0, 1, 1, 2, 3]


def test_nothing_known_teaches_no_bands() -> None:
    assert learn_bands(np.ones((2, 3, 96)), np.full((2, 3, 96), np.nan), np.zeros((2, 3))) is None
