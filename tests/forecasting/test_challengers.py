"""Other people's models behind our protocol."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from forecasting.challengers import statsmodels as models
from forecasting.challengers.fitness import smear, smoothed_level
from forecasting.challengers.prophet import ProphetDefault, ProphetTuned
from forecasting.challengers.statsmodels import Harmonic, HarmonicGlm, Mstl
from forecasting.forecast import make_forecast
from forecasting.histories import history_of
from forecasting.models import COMPETING, MODELS, forecasters
from forecasting.protocol import History, Prediction

CHALLENGERS = [Harmonic(), HarmonicGlm(), Mstl(), ProphetDefault(seed=1), ProphetTuned(seed=1)]
ON_WAVES = [Harmonic(), HarmonicGlm()]
# As it comes, Prophet has one smooth daily shape for all days; MSTL keeps much of the noise.
ALLOWED = {"prophet": 0.2, "mstl": 0.2}
each = pytest.mark.parametrize("model", CHALLENGERS, ids=lambda m: m.name)


@pytest.fixture(scope="module")
def history(make_volumes, make_brand) -> History:
    return history_of(make_volumes(days=42, level=40.0, day_cv=0.05), make_brand("x"), (), "x")[0]


def of(counts: np.ndarray) -> History:
    days = np.datetime64("2026-01-05") + np.arange(len(counts))
    return History("x", days, counts, np.zeros(counts.shape, dtype=bool))


def told_by(model, history: History, *, ahead: int = 1, days: int = 7) -> Prediction:
    return model.predict(history, history.days[-1] + np.arange(ahead, ahead + days))


@each
def test_a_challenger_finds_the_known_rate(model, history, rate, start, caplog):
    with caplog.at_level(logging.INFO):
        told = told_by(model, history)

    starts = pd.date_range(start, periods=672, freq="15min")
    true = rate(starts, level=40.0).reshape(7, 96)
    assert told.median.shape == (7, 96)
    assert (told.median >= 0).all()
    assert np.abs(told.mean - true).sum() / true.sum() < ALLOWED.get(model.name, 0.12)
    assert not [r for r in caplog.records if r.name.startswith(("cmdstanpy", "prophet"))]


@each
def test_a_challenger_gives_the_same_twice_and_bridges_a_gap(model, history):
    one, two = (told_by(model, history, ahead=10, days=3) for _ in range(2))

    np.testing.assert_array_equal(one.median, two.median)
    assert np.isfinite(one.mean).all()


@each
def test_a_challenger_refuses_a_short_history(model, history):
    assert "needs 28 days" in (model.refusal(history.until(20)) or "")
    assert model.refusal(history) is None


@each
def test_a_challenger_refuses_a_history_that_is_mostly_missing(model):
    counts = np.full((42, 96), 9.0)
    counts[5:27] = np.nan

    refusal = model.refusal(of(counts))

    assert refusal is not None
    assert "needs 21 ordinary days among the last 42, has 20" in refusal


def _odd(name: str) -> np.ndarray:
    rng = np.random.default_rng(1)
    wave = rng.poisson(10 + 6 * np.sin(np.arange(96) / 96 * 2 * np.pi), size=(70, 96)).astype(float)
    odd: dict[str, Callable[[], np.ndarray]] = {
        "constant": lambda: np.full((42, 96), 7.0),
        "nothing ever": lambda: np.zeros((42, 96)),
        "a thousand million": lambda: wave[:42] * 1e8,
        "a month missing": lambda: np.where((np.arange(70) // 30 == 1)[:, None], np.nan, wave),
        "the last days missing": lambda: np.where((np.arange(70) > 60)[:, None], np.nan, wave),
        "a step": lambda: wave[:42] * np.where(np.arange(42) < 25, 1.0, 20.0)[:, None],
        "one spike": lambda: np.where(np.arange(42 * 96).reshape(42, 96) == 3000, 1e9, 0.0),
        "rare": lambda: rng.poisson(0.03, size=(42, 96)).astype(float),
        "half-hours": lambda: wave.reshape(70, 48, 2).sum(axis=2)[:42],
    }
    return odd[name]()


@pytest.mark.parametrize(
    "name",
    [
        "constant",
        "nothing ever",
        "a thousand million",
        "a month missing",
        "the last days missing",
        "a step",
        "one spike",
        "rare",
        "half-hours",
    ],
)
@each
def test_odd_series_are_refused_in_words_or_forecast_without_nan_or_warning(model, name):
    past = of(_odd(name))

    refusal = model.refusal(past)
    if refusal is not None:
        assert " of the week" in refusal
        return
    told = told_by(model, past, ahead=50)

    for curve in (told.median, told.mean):
        assert curve.shape == (7, past.counts.shape[1])
        assert np.isfinite(curve).all()
        assert (curve >= 0).all()
        assert curve.max() <= 2 * np.nanmax(past.counts)
    if name == "constant":
        np.testing.assert_allclose(told.mean, 7.0, rtol=0.01)


@pytest.mark.parametrize("model", ON_WAVES, ids=lambda m: m.name)
def test_smooth_curves_are_not_put_on_a_queue_that_shuts(model, history):
    shut = history.counts.copy()
    shut[:, :36] = 0
    shut[:, 72:] = 0

    refusal = model.refusal(History("x", history.days, shut, history.known))

    assert refusal is not None
    assert "silent in 62% of the week" in refusal


@pytest.mark.parametrize("model", [*ON_WAVES, ProphetTuned()], ids=lambda m: m.name)
def test_free_curves_are_not_put_on_what_was_never_seen(model, make_volumes, make_brand):
    past, _ = history_of(make_volumes(days=56), make_brand("x"), (), "x")
    counts = past.counts.copy()
    counts[past.weekday == 2] = np.nan

    refusal = model.refusal(History("x", past.days, counts, past.known))

    assert refusal is not None
    assert "nothing is known of 14% of the week" in refusal


def test_means_of_the_week_give_the_fit_of_every_interval(history):
    from statsmodels.api import GLM, WLS, families

    capped = history.cleaned.capped
    capped[3, 10:20] = np.nan
    waves = models.waves_of_week(96)
    rows = waves.reshape(7, 96, -1)[history.weekday].reshape(capped.size, -1)
    weight = np.repeat(0.5 ** (np.arange(42)[::-1] / models.HALF_LIFE_DAYS), 96)
    seen = np.isfinite(capped.ravel())

    mean, mass = models.week_means(np.log1p(capped), history)
    short = WLS(mean, waves, weights=mass).fit().params
    long = WLS(np.log1p(capped).ravel()[seen], rows[seen], weights=weight[seen]).fit().params

    np.testing.assert_allclose(short, long, atol=1e-9)
    mean, mass = models.week_means(capped, history)
    family = families.NegativeBinomial(alpha=0.2)
    short = GLM(mean, waves, family=family, var_weights=mass).fit().params
    long = GLM(capped.ravel()[seen], rows[seen], family=family, var_weights=weight[seen])
    np.testing.assert_allclose(short, long.fit().params, atol=1e-6)


def test_the_smear_turns_a_median_into_a_mean_by_what_came_lately():
    counts = np.full((60, 24), 12.0)
    counts[:20] = 100.0
    counts[50, 3] = np.nan

    assert smear(counts, np.full((60, 24), 10.0)) == pytest.approx(2.1, abs=0.2)
    assert smear(counts, np.zeros((60, 24))) == 1.0


def test_the_level_follows_the_last_days_and_keeps_through_a_gap():
    rest = np.zeros((40, 96))
    rest[20:] = 1.0
    rest[35:] = np.nan

    level = smoothed_level(rest)

    assert level[19] == 0.0
    # A fortnight weighs as much as all that lies before it; here that is twenty days.
    assert level[33] == pytest.approx(0.5 / (1 - 0.5 ** (34 / 14)))
    assert level[39] == pytest.approx(level[34])
    assert (smoothed_level(np.full((3, 96), np.nan)) == 0).all()


def test_every_model_can_be_asked_for_and_few_compete_unasked():
    assert [model.name for model in forecasters(MODELS, seed=1)] == list(MODELS)
    assert [model.name for model in forecasters(None, seed=1)] == list(COMPETING)
    assert {model.name for model in CHALLENGERS} <= set(MODELS)


def test_the_models_compete_and_their_cost_is_told(make_volumes, make_brand, start):
    result = make_forecast(
        make_volumes(days=56),
        make_brand("x"),
        (),
        start=start,
        end=start + timedelta(weeks=1),
        seed=1,
    )

    tried = {line.model: line for line in result.accuracy if line.step == "hour"}
    assert set(tried) == set(COMPETING)
    assert tried["prophet_tuned"].seconds > tried["blend"].seconds > 0
    assert tried["prophet_tuned"].origins < tried["blend"].origins
    assert sum(line.champion for line in tried.values()) == 1


def test_a_challenger_can_be_the_champion(make_volumes, make_brand, start):
    result = make_forecast(
        make_volumes(days=49),
        make_brand("x"),
        (),
        start=start,
        end=start + timedelta(weeks=1),
        seed=1,
        models=("harmonic",),
    )

    assert set(result.table["model"]) == {"harmonic"}
    assert result.table["q10"].sum() < result.table["q50"].sum() < result.table["q90"].sum()


def test_a_model_that_refuses_is_left_out_and_says_why(make_volumes, make_brand, start):
    result = make_forecast(
        make_volumes(days=20),
        make_brand("x"),
        (),
        start=start,
        end=start + timedelta(weeks=1),
        seed=1,
        models=("blend", "prophet"),
    )

    assert result.champions == {"x": "blend"}
    assert any("prophet" in note and "28 days" in note for note in result.notes)


def test_the_engine_loads_no_model_library():
    code = (
        "import sys, forecasting.forecast, forecasting.scoring.backtest;"
        "sys.exit(any(m in sys.modules for m in ('prophet', 'statsmodels', 'cmdstanpy')))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
