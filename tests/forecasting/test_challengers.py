"""Other people's models behind our protocol."""

from __future__ import annotations

import logging
import subprocess
import sys
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from forecasting.challengers.prophet import ProphetHourly
from forecasting.challengers.statsmodels import Harmonic
from forecasting.forecast import make_forecast
from forecasting.histories import history_of
from forecasting.protocol import History

CHALLENGERS = [Harmonic(), ProphetHourly(seed=1)]


@pytest.fixture(scope="module")
def history(make_volumes, make_brand) -> History:
    return history_of(make_volumes(days=42, level=40.0, day_cv=0.05), make_brand("x"), (), "x")[0]


@pytest.mark.parametrize("model", CHALLENGERS, ids=lambda m: m.name)
def test_a_challenger_finds_the_known_rate(model, history, rate, start, caplog):
    days = history.days[-7:] + np.timedelta64(7, "D")

    with caplog.at_level(logging.INFO):
        told = model.predict(history, days)

    starts = pd.date_range(start, periods=672, freq="15min")
    true = rate(starts, level=40.0).reshape(7, 96)
    assert told.median.shape == (7, 96)
    assert (told.median >= 0).all()
    assert np.abs(told.mean - true).sum() / true.sum() < 0.12
    assert not [r for r in caplog.records if r.name.startswith("cmdstanpy")]


@pytest.mark.parametrize("model", CHALLENGERS, ids=lambda m: m.name)
def test_a_challenger_gives_the_same_twice_and_bridges_a_gap(model, history):
    days = history.days[-3:] + np.timedelta64(10, "D")

    one, two = (model.predict(history, days) for _ in range(2))

    np.testing.assert_array_equal(one.median, two.median)
    assert np.isfinite(one.mean).all()


@pytest.mark.parametrize("model", CHALLENGERS, ids=lambda m: m.name)
def test_a_challenger_refuses_a_short_history(model, history):
    assert "needs 28 days" in (model.refusal(history.until(20)) or "")
    assert model.refusal(history) is None


def test_smooth_curves_are_not_put_on_a_queue_that_shuts(history):
    shut = history.counts.copy()
    shut[:, :36] = 0
    shut[:, 72:] = 0

    refusal = Harmonic().refusal(History("x", history.days, shut, history.known))

    assert refusal is not None
    assert "silent" in refusal


def test_all_models_compete_and_their_cost_is_told(make_volumes, make_brand, start):
    result = make_forecast(
        make_volumes(days=49),
        make_brand("x"),
        (),
        start=start,
        end=start + timedelta(weeks=1),
        seed=1,
    )

    tried = {line.model: line for line in result.accuracy}
    assert set(tried) == {"weekly_naive", "log_profile", "harmonic", "prophet"}
    assert tried["prophet"].seconds > tried["log_profile"].seconds > 0
    assert tried["prophet"].origins < tried["log_profile"].origins
    assert sum(line.champion for line in result.accuracy) == 1


def test_a_challenger_can_be_the_champion(make_volumes, make_brand, start):
    result = make_forecast(
        make_volumes(days=49),
        make_brand("x"),
        (),
        start=start,
        end=start + timedelta(weeks=1),
        seed=1,
        champions={"x": "harmonic"},
    )

    assert set(result.table["model"]) == {"harmonic"}
    assert result.table["q10"].sum() < result.table["q50"].sum() < result.table["q90"].sum()


def test_a_champion_that_refuses_gives_way_and_says_so(make_volumes, make_brand, start):
    result = make_forecast(
        make_volumes(days=20),
        make_brand("x"),
        (),
        start=start,
        end=start + timedelta(weeks=1),
        seed=1,
        champions={"x": "prophet"},
    )

    assert result.champions == {"x": "log_profile"}
    assert any("prophet" in note and "28 days" in note for note in result.notes)


def test_the_engine_loads_no_model_library():
    code = (
        "import sys, forecasting.forecast, forecasting.backtest, forecasting.scenarios;"
        "sys.exit(any(m in sys.modules for m in ('prophet', 'statsmodels', 'cmdstanpy')))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
