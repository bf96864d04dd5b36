"""Totals over queues add up in the mean, and their bands hold what comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import nbinom

from benchmarks.series import read_folders
from forecasting.engine.blend import Blend
from forecasting.protocol import History, truth_of
from forecasting.scenarios.paths import (
    Noise,
    day_ratios,
    day_spread,
    lingering_scatter,
    shared_busyness,
)
from forecasting.scenarios.sums import (
    STEPS,
    Calibration,
    Rolled,
    learn_calibrations,
    sum_forecast,
)
from wfm.errors import NotFound, RequestError
from wfm.frames import FORECAST, QUANTILE_COLUMNS, QUANTILES, interval_index

SPREAD = 0.1


def quantiles_of(mean: np.ndarray) -> np.ndarray:
    """Of negative binomial counts, (..., quantiles)."""
    mean = np.asarray(mean)[..., None]
    return nbinom.ppf(QUANTILES, 1 / SPREAD, 1 / (1 + SPREAD * mean))


def table_of(start: datetime, means: dict[str, np.ndarray]) -> pd.DataFrame:
    tables = []
    for queue, mean in means.items():
        quantiles = quantiles_of(mean)
        columns = {name: quantiles[:, i] for i, name in enumerate(QUANTILE_COLUMNS)}
        starts = interval_index(start, start + len(mean) * timedelta(minutes=15))
        table = pd.DataFrame({"start": starts, "mean": mean, **columns, "aht_s": 300.0})
        tables.append(table.assign(queue=queue, model="m").astype({"queue": "str", "model": "str"}))
    return FORECAST.check(pd.concat(tables, ignore_index=True))


def noise_of(start: datetime, *queues: str, zone: str = "Europe/Berlin", **options) -> Noise:
    kept = {"shared": 0.0, "carried": 0.0, "day_sd": dict.fromkeys(queues, (1e-6,)), **options}
    last = start.date() - timedelta(days=1)
    return Noise(zone=zone, last_day=dict.fromkeys(queues, last), **kept)


def bands(table: pd.DataFrame) -> np.ndarray:
    return table[list(QUANTILE_COLUMNS)].to_numpy()


@pytest.fixture(scope="module")
def two(start, rate) -> pd.DataFrame:
    starts = interval_index(start, start + timedelta(days=4))
    return table_of(start, {"x": rate(starts, level=40.0), "y": rate(starts, level=8.0)})


# -- totals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", STEPS)
def test_the_mean_of_a_total_is_the_sum_of_its_queues_means(two, start, step):
    noise = noise_of(start, "x", "y", day_sd={"x": (0.2,), "y": (0.3,)}, shared=0.5)

    both, x, y = (
        sum_forecast(two, noise, queues, step=step, seed=1) for queues in (["x", "y"], ["x"], ["y"])
    )

    np.testing.assert_allclose(both["mean"], x["mean"] + y["mean"], rtol=1e-12)
    assert both["mean"].sum() == pytest.approx(two["mean"].sum())
    assert len(both) == {"15min": 384, "hour": 96, "day": 4}[step]
    assert (np.diff(bands(both), axis=1) >= 0).all()
    # Busy intervals do not all come at once.
    assert (bands(both)[:, 3:] <= 1.1 * (bands(x) + bands(y))[:, 3:] + 2).all()


def test_totals_are_the_same_for_the_same_seed_only(two, start):
    noise = noise_of(start, "x", "y")

    one, again, other = (
        sum_forecast(two, noise, ["x", "y"], step="hour", seed=s) for s in (1, 1, 2)
    )

    pd.testing.assert_frame_equal(one, again)
    assert (bands(one) != bands(other)).any()


def test_the_bands_of_independent_queues_are_those_of_their_convolution(start):
    """Witness: the law of the sum of eight negative binomial counts, by convolution."""
    table = table_of(start, {"x": np.full(4, 30.0), "y": np.full(4, 12.0)})

    total = sum_forecast(table, noise_of(start, "x", "y"), ["x", "y"], step="hour", seed=1)

    law = np.ones(1)
    for mean in [30.0] * 4 + [12.0] * 4:
        law = np.convolve(law, nbinom.pmf(np.arange(300), 1 / SPREAD, 1 / (1 + SPREAD * mean)))
    exact = np.searchsorted(np.cumsum(law), QUANTILES)
    np.testing.assert_allclose(bands(total)[0], exact, rtol=0.06)


def test_busy_days_in_common_widen_the_total(two, start):
    spread = {"x": (0.3,), "y": (0.3,)}
    apart, together = (
        sum_forecast(
            two, noise_of(start, "x", "y", day_sd=spread, shared=s), ["x", "y"], step="day", seed=1
        )
        for s in (0.0, 0.9)
    )

    def width(total: pd.DataFrame) -> float:
        return float((total["q90"] - total["q10"]).sum())

    # The sum of 5 and 1 parts of equal relative spread: sqrt(26) / 6 apart, nearly 1 together.
    assert width(together) / width(apart) == pytest.approx(6 / np.sqrt(26), rel=0.12)


def test_hours_and_days_are_the_zone_s_own():
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    table = table_of(begin, {"x": np.ones(192)})

    hours, days = (
        sum_forecast(table, noise_of(begin, "x", zone="Asia/Kolkata"), ["x"], step=s, seed=1)
        for s in ("hour", "day")
    )

    # 00:00 UTC is half past five there: the table begins and ends within an hour and a day.
    assert hours["mean"].tolist() == [2.0] + [4.0] * 47 + [2.0]
    assert days["mean"].tolist() == [74.0, 96.0, 22.0]
    assert days["start"].iloc[1] == datetime(2026, 3, 1, 18, 30, tzinfo=UTC)


def test_the_hour_that_happens_twice_is_two_hours():
    begin = datetime(2026, 10, 24, 22, tzinfo=UTC)
    table = table_of(begin, {"x": np.ones(100)})

    hours = sum_forecast(table, noise_of(begin, "x"), ["x"], step="hour", seed=1)
    days = sum_forecast(table, noise_of(begin, "x"), ["x"], step="day", seed=1)

    assert hours["mean"].tolist() == [4.0] * 25
    assert days["mean"].tolist() == [100.0]


def test_requests_that_cannot_be_met_say_what_can(two, start):
    noise = noise_of(start, "x", "y")

    with pytest.raises(NotFound, match="no queue 'z'; it has x, y"):
        sum_forecast(two, noise, ["x", "z"], step="hour", seed=1)
    with pytest.raises(RequestError, match="one queue or more"):
        sum_forecast(two, noise, [], step="hour", seed=1)
    with pytest.raises(RequestError, match="ask for one of 15min, hour, day"):
        sum_forecast(two, noise, ["x"], step="week", seed=1)


def learn(rolled: list[Rolled]) -> Calibration:
    """What is learned for the total of these queues; nothing where that is not possible."""
    named = {str(i): one for i, one in enumerate(rolled)}
    return learn_calibrations(named, {"all": tuple(named)}, seed=1).get("all", Calibration({}))


def covered(past: list[Rolled], ahead: list[Rolled], learned: Calibration, step: str) -> np.ndarray:
    """Whether each total lay within the 80 % and the 95 % band, (totals, 2)."""
    begin = pd.Timestamp(ahead[0].days[0], tz="UTC").to_pydatetime()
    names = [f"queue {i}" for i in range(len(ahead))]
    tables = [
        table_of(begin, {name: one.mean.ravel()}).assign(
            **dict(zip(QUANTILE_COLUMNS, one.quantiles.reshape(-1, 7).T, strict=True))
        )
        for name, one in zip(names, ahead, strict=True)
    ]
    ratios = [day_ratios(one.mean[:, None], one.actual[:, None]) for one in past]
    noise = noise_of(
        begin,
        *names,
        zone="UTC",
        day_sd={n: day_spread(r)[:1] for n, r in zip(names, ratios, strict=True)},
        shared=shared_busyness([r[:, 0] for r in ratios]),
        lingering={
            n: lingering_scatter(one.mean, one.actual) for n, one in zip(names, past, strict=True)
        },
    )
    told = sum_forecast(pd.concat(tables), noise, names, step=step, seed=1, calibration=learned)
    came = sum(one.actual for one in ahead).reshape(len(told), -1).sum(axis=1)
    limits = bands(told)
    within = [(came >= limits[:, a]) & (came <= limits[:, b]) for a, b in ((1, 4), (0, 6))]
    return np.column_stack(within)[np.isfinite(came)]


# -- calibration ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def make_rolled(rate) -> Callable[..., list[Rolled]]:
    """Back-tests of two queues whose counts are drawn from what was told, made to burst or not.

    bursts  relative spread of a factor that both queues share for an hour
    """

    def make(*, days: int = 40, bursts: float = 0.0, seed: int = 1) -> list[Rolled]:
        rng = np.random.default_rng(seed)
        dates = np.datetime64("2026-01-05") + np.arange(days)
        hourly = np.ones((days, 24))
        if bursts:
            hourly = rng.gamma(1 / bursts**2, bursts**2, size=(days, 24))
        found = []
        for level in (40.0, 15.0):
            starts = interval_index(
                datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC)
            )
            mean = np.tile(rate(starts, level=level, zone="UTC"), (days, 1))
            chance = rng.gamma(1 / SPREAD, SPREAD, size=mean.shape)
            actual = rng.poisson(mean * chance * np.repeat(hourly, 4, axis=1)).astype(float)
            found.append(Rolled(dates, mean, quantiles_of(mean), actual))
        return found

    return make


def test_where_the_paths_are_right_nothing_is_stretched_much(make_rolled):
    learned = learn(make_rolled(days=60))

    assert set(learned.factors) == set(STEPS)
    np.testing.assert_allclose(learned.factors["15min"], 1.0, atol=0.08)
    np.testing.assert_allclose(learned.factors["hour"], 1.0, atol=0.12)


def test_what_the_paths_do_not_know_is_learned_and_then_holds(make_rolled):
    """Bursts of an hour that both queues share: hourly totals scatter far more than paths say."""
    past = make_rolled(days=40, bursts=0.4, seed=1)
    later = make_rolled(days=40, bursts=0.4, seed=2)

    without = covered(past, later, Calibration({}), "hour").mean(axis=0)
    learned = covered(past, later, learn(past), "hour").mean(axis=0)

    assert without[0] < 0.70
    assert learned[0] == pytest.approx(0.80, abs=0.05)
    assert learned[1] == pytest.approx(0.95, abs=0.03)


def test_a_calibration_leaves_means_and_medians_and_survives_being_stored(two, start):
    noise = noise_of(start, "x", "y")
    wide = Calibration({"hour": (2.0, 2.0, 1.0, 2.0, 2.0, 2.0, 2.0)})
    assert Calibration.from_document(wide.to_document()) == wide

    plain, stretched = (
        sum_forecast(two, noise, ["x", "y"], step="hour", seed=1, calibration=c)
        for c in (None, wide)
    )

    pd.testing.assert_frame_equal(
        plain[["start", "mean", "q50"]], stretched[["start", "mean", "q50"]]
    )
    np.testing.assert_allclose(
        stretched["q90"] - stretched["q50"], 2 * (plain["q90"] - plain["q50"])
    )
    assert (np.diff(bands(stretched), axis=1) >= 0).all()
    assert (bands(stretched) >= 0).all()


def test_crooked_factors_still_give_ascending_quantiles(two, start):
    crooked = Calibration({"day": (0.1, 3.0, 1.0, 4.0, 0.0, 0.5, 0.1)})

    told = sum_forecast(
        two, noise_of(start, "x", "y"), ["x", "y"], step="day", seed=1, calibration=crooked
    )

    assert (np.diff(bands(told), axis=1) >= 0).all()


def test_a_week_of_common_days_is_too_little_to_learn_from(make_rolled):
    one, other = make_rolled(days=14)

    assert learn(make_rolled(days=7)) == Calibration({})
    shifted = replace(other, days=other.days + 7)
    assert learn([one, shifted]) == Calibration({})
    assert learn([]) == Calibration({})


def test_totals_are_learned_on_the_days_that_their_own_queues_share(make_rolled):
    """A queue that ended early costs the brand's total its calibration, not the channel's."""
    x, y = make_rolled(days=30, bursts=0.4)
    early = replace(make_rolled(days=30, seed=3)[0], days=x.days - 25)

    learned = learn_calibrations(
        {"x": x, "y": y, "early": early}, {"": ("x", "y", "early"), "web": ("x", "y")}, seed=1
    )

    assert list(learned) == ["web"]
    alone = learn_calibrations({"x": x, "y": y}, {"web": ("x", "y")}, seed=1)
    assert learned["web"] == alone["web"]


# -- real totals ---------------------------------------------------------------------------------


def told_daily(history: History, *, days: int) -> Rolled:
    """The last days as the engine told them each evening before."""
    origins = np.arange(len(history) - days, len(history))
    told = Blend().roll(history, origins, 1)
    actual = truth_of(history, origins, 1)
    return Rolled(history.days[origins], told.mean[:, 0], told.quantiles[:, 0], actual[:, 0])


@pytest.mark.real_data
def test_a_brand_of_five_real_streams_keeps_its_bands(real_data: Path):
    """Hourly and daily totals, told a day ahead by what was known; learned anew every nine days."""
    histories = [
        History(one.name, one.days, one.counts, np.zeros(one.counts.shape, dtype=bool))
        for one in read_folders([real_data / "nab_tweets"])
    ]
    tested = [told_daily(history, days=40) for history in histories]
    inside: dict[str, list[np.ndarray]] = {"hour": [], "day": []}
    width = min(len(one.days) for one in tested)
    for begin in range(14, width, 9):
        past, ahead = (
            [
                Rolled(one.days[at], one.mean[at], one.quantiles[at], one.actual[at])
                for one in tested
            ]
            for at in (slice(0, begin), slice(begin, min(begin + 9, width)))
        )
        learned = learn(past)
        for step, shares in inside.items():
            shares.append(covered(past, ahead, learned, step))

    for step, shares in inside.items():
        share80, share95 = np.concatenate(shares).mean(axis=0)
        assert 0.75 <= share80 <= 0.86, step
        assert 0.91 <= share95 <= 0.97, step
