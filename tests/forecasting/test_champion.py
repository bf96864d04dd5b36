"""Who makes the forecast."""

from __future__ import annotations

import numpy as np
import pytest

from forecasting.backtest import backtest
from forecasting.champion import Trial, choose, origins_of
from forecasting.naive import WeeklyNaive
from forecasting.profile import LogProfile
from forecasting.protocol import History, Prediction, truth_of
from wfm.errors import NotFound, RequestError


def trial(model: str, error: float, origins: tuple[int, ...] = (20, 28, 36)) -> Trial:
    actual = np.full((len(origins), 14, 96), 10.0)
    off = Prediction(actual + error, actual + error)
    return Trial(model, np.array(origins), off, actual, 0.0)


def history(days: int, seed: int = 1) -> History:
    counts = np.random.default_rng(seed).poisson(9.0, size=(days, 96)).astype(float)
    dates = (
        np.arange("2026-01-05", days, dtype="datetime64[D]")
        if days < 0
        else (np.datetime64("2026-01-05") + np.arange(days))
    )
    return History("x", dates, counts, np.zeros(counts.shape, dtype=bool))


@pytest.mark.parametrize(
    ("error", "wins"), [(0.99, "log_profile"), (0.97, "prophet"), (1.2, "log_profile")]
)
def test_another_model_must_win_by_more_than_two_percent(error: float, wins: str) -> None:
    trials = [trial("weekly_naive", 2.0), trial("log_profile", 1.0), trial("prophet", error)]

    assert choose(trials) == wins


def test_only_shared_origins_are_compared() -> None:
    default = trial("log_profile", 1.0)
    default.prediction.median[0] += 50.0  # a bad week that the challenger was not asked about

    assert choose([default, trial("harmonic", 0.995, origins=(28, 36))]) == "log_profile"


def test_origins_leave_a_week_to_score_and_two_to_learn_from() -> None:
    assert origins_of(history(60), 8).tolist() == [21, 29, 37, 45, 53]
    assert origins_of(history(60), 2).tolist() == [45, 53]
    assert origins_of(history(14), 8).tolist() == [7]


def test_the_truth_of_an_origin_is_what_came_after_it() -> None:
    past = history(30)

    actual = truth_of(past, [20, 28], 7)

    np.testing.assert_array_equal(actual[0], past.counts[20:27])
    np.testing.assert_array_equal(actual[1, :2], past.counts[28:])
    assert np.isnan(actual[1, 2:]).all()


def test_no_model_sees_past_its_origin() -> None:
    past = history(40)
    changed = past.counts.copy()
    changed[30:] = 999.0
    future = History("x", past.days, changed, past.known)
    origins = np.array([30])

    for model in (WeeklyNaive(), LogProfile()):
        days = past.days[30:37]
        np.testing.assert_array_equal(
            model.predict(past.until(30), days).median, model.predict(future.until(30), days).median
        )
    np.testing.assert_array_equal(
        WeeklyNaive().roll(past, origins, 7).median[0], past.counts[23:30]
    )


def test_the_naive_looks_further_back_where_a_week_ago_is_missing() -> None:
    past = history(28)
    past.counts[21:, 10] = np.nan

    told = WeeklyNaive().predict(past, past.days[-7:] + np.timedelta64(7, "D")).median

    np.testing.assert_array_equal(told[:, 11], past.counts[21:, 11])
    np.testing.assert_array_equal(told[:, 10], past.counts[14:21, 10])


def test_free_origins_agree_with_honest_ones(make_volumes) -> None:
    past = history(60)
    shape = LogProfile().roll(past, np.array([50]), 7).median[0]

    again = LogProfile().predict(past.until(50), past.days[50:57]).median

    # Only the smoothing was chosen with hindsight.
    np.testing.assert_allclose(shape, again, rtol=0.25)
    assert shape.sum() == pytest.approx(again.sum(), rel=0.02)


def test_a_back_test_has_a_row_for_each_model_and_horizon(make_volumes, make_brand) -> None:
    table = backtest(
        make_volumes(), make_brand("x"), (), queue="x", models=("log_profile",), seed=1
    )

    assert table[["model", "horizon_days"]].to_numpy().tolist() == [
        ["weekly_naive", 1],
        ["weekly_naive", 7],
        ["log_profile", 1],
        ["log_profile", 7],
    ]
    week = table.set_index(["model", "horizon_days"]).loc[("log_profile", 7)]
    assert week["relative_wape"] < 0.85
    assert week["wape"] / week["naive_wape"] == pytest.approx(week["relative_wape"])
    assert week["champion"]


def test_a_back_test_of_nothing_is_refused(make_volumes, make_brand) -> None:
    with pytest.raises(NotFound, match="no queue 'y'"):
        backtest(make_volumes(), make_brand("x"), (), queue="y", seed=1)
    with pytest.raises(RequestError, match="0 origins"):
        backtest(make_volumes(), make_brand("x"), (), queue="x", origins=0, seed=1)
