"""The law of an interval's count has the forecast's quantiles and its mean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom, poisson

from forecasting.scenarios.marginals import LAST, SCORES, marginals
from wfm.frames import QUANTILES

law = settings(max_examples=30, deadline=None, derandomize=True)
DRAWS = 40_000


def drawn_from(mean, quantiles) -> np.ndarray:
    rng = np.random.default_rng(1)
    found = marginals(np.asarray(mean, dtype=float), np.asarray(quantiles, dtype=float))
    return found.draw(rng.standard_normal((DRAWS, len(found.values))), rng)


steps = st.lists(st.floats(0, 50), min_size=7, max_size=7)


@law
@given(steps=steps, level=st.floats(0, 300), share=st.floats(0, 3))
def test_the_law_is_ascending_and_holds_its_quantiles(steps, level, share):
    quantiles = np.cumsum(np.array([level, *steps[1:]]))[None]
    mean = np.array([share * (quantiles[0, 2] + 0.1)])

    values = marginals(mean, quantiles).values

    assert (np.diff(values) >= 0).all()
    assert values.min() >= 0
    assert np.isfinite(values).all()
    if mean[0] == 0:
        assert values.max() == 0
        return
    scores = [-1.96, -1.2816, 0.0, 0.8416, 1.2816, 1.6449, 1.96]
    for q, score in enumerate(scores):
        around = values[
            0, [np.searchsorted(SCORES, score - 0.06), np.searchsorted(SCORES, score + 0.06)]
        ]
        # Where the mean is low for its quantiles, less than a contact is taken off.
        assert around[0] - 1e-9 <= quantiles[0, q] <= around[1] + 1.0 + 1e-9


@law
@given(
    mean=st.floats(0.02, 500),
    dispersion=st.sampled_from([0.0, 0.05, 0.5, 2.0]),
    lean=st.floats(0.97, 1.03),
)
def test_the_quantiles_and_mean_of_counts_give_that_mean_back(mean, dispersion, lean):
    """Witness: quantiles of Poisson and negative binomial counts."""
    counts = (
        poisson(mean) if dispersion == 0 else nbinom(1 / dispersion, 1 / (1 + dispersion * mean))
    )
    quantiles = counts.ppf(QUANTILES)[None]

    found = marginals(np.array([lean * mean]), quantiles)

    assert found.mean()[0] == pytest.approx(lean * mean, rel=0.02)


@pytest.mark.parametrize(("mean", "near"), [(0.2, 0.20), (3.0, 0.12), (40.0, 0.05)])
def test_draws_are_whole_and_scatter_as_counts_of_that_kind(mean, near):
    counts = nbinom(4, 4 / (4 + mean))

    drawn = drawn_from([mean], [counts.ppf(QUANTILES)])[:, 0]

    assert drawn.dtype == np.int64
    assert drawn.mean() == pytest.approx(mean, rel=0.05)
    assert drawn.std() == pytest.approx(counts.std(), rel=near)
    # Beyond the last quantile: as far as one draw in a thousand goes.
    assert np.quantile(drawn, 0.999) == pytest.approx(counts.ppf(0.999), rel=0.25, abs=1)
    for share, quantile in zip(QUANTILES, counts.ppf(QUANTILES), strict=True):
        assert (drawn <= quantile).mean() > share - 0.01
        assert (drawn < quantile - 1).mean() < share + 0.01


def test_the_variance_and_covariance_told_are_those_of_the_draws():
    quantiles = np.array([poisson(30).ppf(QUANTILES), [0, 0, 0, 1, 2, 3, 9]])
    found = marginals(np.array([30.0, 0.8]), quantiles)
    rng = np.random.default_rng(1)
    first = rng.standard_normal(400_000)
    second = 0.6 * first + 0.8 * rng.standard_normal(400_000)

    drawn = found.draw(np.column_stack((first, second)), rng)

    told = found.coefficients()
    np.testing.assert_allclose(found.variance(), drawn.var(axis=0), rtol=0.02)
    covariance = (told[0] * told[1] * 0.6 ** np.arange(1, told.shape[1] + 1)).sum()
    assert covariance == pytest.approx(np.cov(drawn.T)[0, 1], rel=0.02)


def test_a_constant_count_stays_and_a_billion_is_no_trouble():
    assert (drawn_from([7.0], [[7.0] * 7]) <= 7).mean() > 0.97
    huge = 1e9 * np.array([0.8, 0.9, 1.0, 1.06, 1.1, 1.15, 1.2])

    assert drawn_from([1e9], [huge]).mean() == pytest.approx(1e9, rel=0.01)


def test_scores_far_out_stay_on_the_law():
    found = marginals(np.array([5.0]), np.array([[1.0, 2, 5, 7, 8, 9, 10]]))
    rng = np.random.default_rng(1)

    far = found.draw(np.array([[-40.0], [40.0]]), rng)[:, 0]

    assert far[0] <= found.values[0, 0] + 1
    assert far[1] == pytest.approx(found.values[0, -1], abs=1.1)
    assert SCORES[-1] == LAST
