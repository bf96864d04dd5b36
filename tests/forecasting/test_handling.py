"""Handling times follow the hours and weekdays as far as the contacts carry it, and no further."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from forecasting.handling import aht_accuracy, forecast_aht
from wfm.frames import interval_index

BERLIN = ZoneInfo("Europe/Berlin")
MEAN_S = 360.0


def true_s(starts: pd.DatetimeIndex, *, night: float = 0.0, weekend: float = 0.0) -> np.ndarray:
    """Longer by `night` at 03:00 local and shorter at 15:00; longer by `weekend` on its days."""
    local = starts.tz_convert(BERLIN)
    hour = np.asarray(local.hour + local.minute / 60)
    swing = 1 + night * np.cos((hour - 3) / 24 * 2 * np.pi)
    return MEAN_S * swing * np.where(local.day_of_week >= 5, 1 + weekend, 1.0)


@pytest.fixture(scope="module")
def make_handled(make_volumes) -> Callable[..., pd.DataFrame]:
    """VOLUMES whose handling times are gamma with a coefficient of variation of 0.7 a contact."""

    def make(*, seed: int = 1, drift: float = 0.0, stuck: float = 0.0, **options) -> pd.DataFrame:
        shape = {name: options.pop(name) for name in ("night", "weekend") if name in options}
        volumes = make_volumes(seed=seed, **options)
        rng = np.random.default_rng(seed)
        contacts = volumes["contacts"].to_numpy()
        pieces = np.maximum(contacts, 1) / 0.7**2
        aht_s = true_s(pd.DatetimeIndex(volumes["start"]), **shape) * rng.gamma(pieces) / pieces
        aht_s = aht_s * np.exp(drift * np.arange(len(volumes)) / len(volumes))
        aht_s = np.where(rng.random(len(volumes)) < stuck, 60 * aht_s, aht_s)
        return volumes.assign(aht_s=np.where(contacts > 0, aht_s, np.nan))

    return make


def accuracy_of(volumes: pd.DataFrame):
    found = aht_accuracy(volumes, BERLIN, queue="x", default_s=300.0)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("shape", "level", "most"),
    [
        ({"night": 0.2}, 20.0, 0.80),
        ({"night": 0.2}, 200.0, 0.40),
        ({"weekend": 0.3}, 20.0, 0.92),
        ({"night": 0.2, "weekend": 0.3}, 3.0, 0.97),
        ({"drift": 0.3}, 20.0, 0.97),
    ],
)
def test_where_there_is_a_pattern_it_beats_the_mean(make_handled, shape, level, most):
    for seed in (1, 2):
        found = accuracy_of(make_handled(seed=seed, level=level, **shape))

        assert found.wape_s < most * found.naive_wape_s
        assert found.wape_s < found.last_week_wape_s


@pytest.mark.parametrize("level", [0.3, 3.0, 20.0, 200.0])
def test_where_there_is_none_it_loses_no_more_than_a_whisker(make_handled, level):
    for seed in (1, 2, 3):
        found = accuracy_of(make_handled(seed=seed, level=level))

        assert found.wape_s < 1.02 * found.naive_wape_s


def test_the_forecast_comes_close_to_the_truth(make_handled, start):
    volumes = make_handled(level=60.0, night=0.25, weekend=0.2)
    starts = interval_index(start, start + timedelta(weeks=1))

    told = forecast_aht(volumes, starts, BERLIN, default_s=300.0)

    assert np.abs(told / true_s(starts, night=0.25, weekend=0.2) - 1).mean() < 0.05


def test_cases_left_open_do_not_move_the_forecast(make_handled, start):
    starts = interval_index(start, start + timedelta(weeks=1))
    clean, stuck = (
        forecast_aht(make_handled(level=20.0, stuck=s), starts, BERLIN, default_s=300.0)
        for s in (0.0, 0.003)
    )

    # The plain mean would lie 18 % higher: 0.003 x 59.
    assert stuck.mean() == pytest.approx(clean.mean(), rel=0.03)


def test_a_queue_whose_handling_never_varies_is_told_so(make_volumes, start):
    volumes = make_volumes(aht_s=240.0)
    starts = interval_index(start, start + timedelta(days=2))

    np.testing.assert_allclose(forecast_aht(volumes, starts, BERLIN, default_s=300.0), 240.0)
    found = accuracy_of(volumes)
    assert found.wape_s == pytest.approx(0.0, abs=1e-12)
    assert found.bias == pytest.approx(0.0, abs=1e-12)


def test_the_back_test_knows_nothing_of_what_came_after(make_handled):
    """Witness: what the last origin tells is `forecast_aht` of the days before it."""
    volumes = make_handled(level=20.0, night=0.3, days=56)
    cut = volumes["start"].iloc[-1] + timedelta(minutes=15) - timedelta(days=7)
    past, after = volumes[volumes["start"] < cut], volumes[volumes["start"] >= cut]
    told = forecast_aht(past, pd.DatetimeIndex(after["start"]), BERLIN, default_s=300.0)

    found = accuracy_of(volumes)
    shorter = accuracy_of(past)

    contacts = after["contacts"].to_numpy()
    came = np.nan_to_num(after["aht_s"].to_numpy()) * contacts
    hours = after["start"].dt.floor("h")
    table = pd.DataFrame({"told": told * contacts, "came": came}).groupby(hours.to_numpy()).sum()
    error, total = (table["told"] - table["came"]).abs().sum(), table["came"].sum()
    # The last origin's error is what the longer back-test has beside the shorter one's.
    sums = (
        volumes.assign(s=volumes["contacts"] * volumes["aht_s"])
        .groupby((volumes["start"] - volumes["start"].iloc[0]).dt.days // 7)["s"]
        .sum()
    )
    whole, before = sums.iloc[1:].sum(), sums.iloc[1:-1].sum()
    assert found.wape_s * whole - shorter.wape_s * before == pytest.approx(error, rel=0.01)
    assert total == pytest.approx(sums.iloc[-1])
    assert (found.origins, shorter.origins) == (7, 6)


def test_missing_handling_times_teach_nothing(make_handled, start):
    volumes = make_handled(level=20.0, night=0.3)
    starts = interval_index(start, start + timedelta(weeks=1))
    gone = np.random.default_rng(1).random(len(volumes)) < 0.5

    told = forecast_aht(
        volumes.assign(aht_s=volumes["aht_s"].mask(gone)), starts, BERLIN, default_s=300.0
    )

    assert np.abs(told / true_s(starts, night=0.3) - 1).mean() < 0.07


def test_nothing_known_is_told_as_the_default_and_not_scored(make_volumes, start):
    volumes = make_volumes()
    starts = interval_index(start, start + timedelta(days=1))

    assert (forecast_aht(volumes, starts, BERLIN, default_s=275.0) == 275.0).all()
    assert aht_accuracy(volumes, BERLIN, queue="x", default_s=275.0) is None
    assert aht_accuracy(volumes.head(0), BERLIN, queue="x", default_s=275.0) is None


def test_a_week_or_less_is_used_but_not_scored(make_handled, start):
    week = make_handled(days=6, level=20.0)
    starts = interval_index(start, start + timedelta(days=1))

    told = forecast_aht(week, starts, BERLIN, default_s=300.0)

    assert told.mean() == pytest.approx(MEAN_S, rel=0.05)
    assert aht_accuracy(week, BERLIN, queue="x", default_s=300.0) is None


def test_ten_days_are_scored_on_what_there_is(make_handled):
    assert accuracy_of(make_handled(days=10, level=20.0)).origins == 1
