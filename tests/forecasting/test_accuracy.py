"""The figures beside a forecast, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from forecasting.accuracy import Accuracy, score, weekly_step
from wfm.frames import QUANTILES


def test_scores_agree_with_a_plain_loop() -> None:
    rng = np.random.default_rng(1)
    actual = rng.poisson(9.0, size=(3, 96)).astype(float)
    median, mean = rng.uniform(5, 12, size=(2, 3, 96))
    quantiles = np.sort(rng.uniform(0, 20, size=(3, 96, len(QUANTILES))), axis=-1)
    step = 4.0

    found = score(actual, median, mean, quantiles, step)

    errors = pinball = inside80 = inside95 = 0.0
    for y, m, row in zip(actual.ravel(), median.ravel(), quantiles.reshape(-1, 7), strict=True):
        errors += abs(y - m)
        inside80 += row[1] <= y <= row[4]
        inside95 += row[0] <= y <= row[6]
        for q, at in zip(QUANTILES, row, strict=True):
            pinball += (q * (y - at) if y >= at else (1 - q) * (at - y)) / len(QUANTILES)
    total, n = actual.sum(), actual.size
    assert found.wape == pytest.approx(errors / total)
    assert found.mase == pytest.approx(errors / n / step)
    assert found.pinball == pytest.approx(pinball / total)
    assert found.coverage80 == pytest.approx(inside80 / n)
    assert found.coverage95 == pytest.approx(inside95 / n)
    assert found.bias == pytest.approx(mean.sum() / total - 1)
    days = np.abs(mean.sum(axis=1) - actual.sum(axis=1)).sum() / total
    assert found.wape_day == pytest.approx(days)


def test_what_is_not_known_is_not_scored() -> None:
    actual = np.full((1, 96), 10.0)
    median = np.full((1, 96), 11.0)
    median[0, :4] = 1000.0
    actual[0, :4] = np.nan

    found = score(actual, median, median, None, None)

    assert found.wape == pytest.approx(0.1)
    assert found.wape_hour == pytest.approx(0.1)
    assert found.wape_day is None
    assert found.mase is None
    assert found.coverage80 is None


def test_no_contacts_leave_shares_undefined_and_never_nan() -> None:
    silent = np.zeros((2, 96))

    found = score(silent, silent, silent, np.zeros((2, 96, 7)), weekly_step(np.zeros((14, 96))))

    assert (found.wape, found.bias, found.mase, found.pinball) == (None, None, None, None)
    assert found.coverage80 == 1.0


def test_the_weekly_step_is_the_naive_s_error_in_the_past() -> None:
    counts = np.repeat(np.arange(21.0)[:, None], 96, axis=1)

    assert weekly_step(counts) == 7.0
    assert weekly_step(counts[:7]) is None


def test_accuracy_is_told_relative_to_the_naive() -> None:
    actual = np.full((1, 96), 10.0)
    own = score(actual, actual * 1.1, actual, None, None)
    naive = score(actual, actual * 1.5, actual, None, None)

    line = Accuracy(**vars(own), queue="x", model="m", origins=1, horizon_days=7, naive=naive)

    assert line.relative_wape == pytest.approx(0.2)
