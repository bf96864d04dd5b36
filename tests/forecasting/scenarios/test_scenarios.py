"""Scenario paths are as spread as the forecast says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.stats import nbinom

from forecasting.scenarios.paths import (
    Noise,
    carried_busyness,
    day_ratios,
    day_spread,
    lingering_scatter,
    paths_from,
    scenario_paths,
    shared_busyness,
)
from forecasting.scenarios.sums import sum_forecast
from wfm.errors import RequestError
from wfm.frames import FORECAST, QUANTILE_COLUMNS, QUANTILES, interval_index

# Overdispersion of the intervals' counts: variance = mean + SPREAD mean^2.
SPREAD = 0.1


@dataclass(frozen=True)
class Told:
    """A forecast as paths are drawn from it."""

    table: pd.DataFrame
    noise: Noise


@pytest.fixture(scope="module")
def result(start, rate) -> Told:
    """Two weeks of a busy, a middling and a quiet queue: quantiles of negative binomial counts."""
    starts = interval_index(start, start + timedelta(weeks=2))
    tables = []
    for queue, level in (("x", 40.0), ("y", 6.0), ("z", 0.45)):
        mean = rate(starts, level=level)
        counts = nbinom(1 / SPREAD, 1 / (1 + SPREAD * mean))
        columns = {name: counts.ppf(q) for name, q in zip(QUANTILE_COLUMNS, QUANTILES, strict=True)}
        table = pd.DataFrame({"start": starts, "mean": mean, **columns, "aht_s": 300.0})
        tables.append(table.assign(queue=queue, model="m").astype({"queue": "str", "model": "str"}))
    noise = Noise(
        zone="Europe/Berlin",
        shared=0.3,
        day_sd={"x": (0.1, 0.12, 0.15, 0.15), "y": (0.15, 0.2, 0.25, 0.25), "z": (0.5,) * 4},
        last_day=dict.fromkeys("xyz", (start + timedelta(hours=1) - timedelta(days=1)).date()),
        carried=0.4,
    )
    return Told(FORECAST.check(pd.concat(tables, ignore_index=True)), noise)


def rows(result, queue: str) -> pd.DataFrame:
    return result.table[result.table["queue"] == queue]


def test_paths_are_the_same_for_the_same_seed_only(result):
    one, two = (scenario_paths(result, count=10, seed=3) for _ in range(2))

    np.testing.assert_array_equal(one.contacts, two.contacts)
    assert (one.contacts != scenario_paths(result, count=10, seed=4).contacts).any()
    assert one.contacts.shape == (10, 2 * 672, 3)
    assert one.queues == ("x", "y", "z")


@pytest.mark.parametrize("queue", ["x", "y", "z"])
def test_paths_keep_the_mean_and_all_quantiles(result, queue):
    drawn, table = scenario_paths(result, count=400, seed=1).of(queue), rows(result, queue)

    assert drawn.mean() == pytest.approx(table["mean"].mean(), rel=0.02)
    for column, share in zip(QUANTILE_COLUMNS, QUANTILES, strict=True):
        quantile = table[column].to_numpy()
        # Counts are whole: they reach a quantile when they lie within a contact of it.
        assert (drawn <= quantile + 0.5).mean() > share - 0.015, column
        assert (drawn < quantile - 1).mean() < share + 0.015, column
    busy = table["q025"].to_numpy() > 10
    for column, share in zip(QUANTILE_COLUMNS, QUANTILES, strict=True):
        level = table[column].to_numpy()[busy]
        below = ((drawn[:, busy] < level) + 0.5 * (drawn[:, busy] == level)).mean(axis=0)
        assert len(below) == 0 or below.mean() == pytest.approx(share, abs=0.015), column


def test_each_interval_s_mean_is_kept_not_the_total_s_alone(result):
    drawn, table = scenario_paths(result, count=2000, seed=1), rows(result, "x")

    mean = drawn.of("x").mean(axis=0)

    error = drawn.of("x").std(axis=0) / np.sqrt(2000)
    away = np.abs(mean - table["mean"].to_numpy()) / np.maximum(error, 1e-9)
    assert away.max() < 6
    assert np.quantile(away, 0.9) < 2.5


@pytest.mark.parametrize("queue", ["x", "y", "z"])
def test_a_day_s_total_scatters_as_in_the_back_test(result, queue):
    drawn = scenario_paths(result, count=1000, seed=1).of(queue)

    totals = drawn.reshape(1000, 14, 96).sum(axis=2)

    spread = totals.std(axis=0) / totals.mean(axis=0)
    for group, days in [(0, slice(0, 1)), (1, slice(1, 7)), (2, slice(7, 14))]:
        told = result.noise.day_sd[queue][group]
        assert spread[days].mean() == pytest.approx(told, rel=0.10), group


@pytest.mark.parametrize("lingering", [0.4, 0.8])
def test_bursts_linger_without_moving_quantiles_or_day_totals(result, lingering):
    bursty = replace(result.noise, lingering={"x": lingering}, carried=0.0)
    drawn = paths_from(result.table, bursty, count=1000, seed=1).of("x")

    day_sd = result.noise.day_sd["x"]
    told = np.repeat(day_sd[:3], [1, 6, 7])
    totals = drawn.reshape(1000, 14, 96).sum(axis=2)
    # Where the bursts alone scatter a day more than it should, they have it so.
    spread = totals.std(axis=0) / totals.mean(axis=0)
    assert spread.mean() == pytest.approx(told.mean(), rel=0.10) or lingering == 0.8
    table = rows(result, "x")
    busy = table["q025"].to_numpy() > 10
    for column, share in zip(QUANTILE_COLUMNS, QUANTILES, strict=True):
        level = table[column].to_numpy()[busy]
        below = ((drawn[:, busy] < level) + 0.5 * (drawn[:, busy] == level)).mean(axis=0)
        assert below.mean() == pytest.approx(share, abs=0.015), column
    mean = np.tile(table["mean"].to_numpy(), (1, 1))
    learned = [
        lingering_scatter(mean.reshape(14, 96), path.reshape(14, 96).astype(float))
        for path in drawn[:30]
    ]
    # Learned back from single paths, with the shrinkage that two weeks ask for.
    assert lingering - 0.2 < np.mean(learned) < lingering + 0.02


def test_nothing_lingers_where_nothing_is_seen_or_scatter_is_chance() -> None:
    rng = np.random.default_rng(1)
    mean = np.full((40, 96), 5.0)

    assert lingering_scatter(mean, rng.poisson(mean).astype(float)) < 0.03
    assert lingering_scatter(mean, np.full(mean.shape, np.nan)) == 0.0
    assert lingering_scatter(mean, mean) == 0.0
    assert lingering_scatter(np.zeros((3, 96)), np.zeros((3, 96))) == 0.0


def test_a_day_cannot_scatter_less_than_its_intervals_chance(result):
    calm = replace(result.noise, day_sd=dict.fromkeys("xyz", (1e-6, 1e-6, 1e-6)))

    totals = paths_from(result.table, calm, count=400, seed=1).of("x")
    totals = totals.reshape(400, 14, 96).sum(axis=2)

    assert 0.005 < (totals.std(axis=0) / totals.mean(axis=0)).mean() < 0.07


@pytest.mark.parametrize(("shared", "carried"), [(0.0, 0.0), (0.3, 0.4), (0.6, 0.5)])
def test_totals_are_as_correlated_as_is_said(result, shared, carried):
    noise = replace(result.noise, shared=shared, carried=carried)

    drawn = paths_from(result.table, noise, count=1500, seed=1)

    ratios = {}
    for queue in drawn.queues:
        totals = drawn.of(queue).reshape(1500, 14, 96).sum(axis=2)
        ratios[queue] = (totals - totals.mean(axis=0)) / totals.std(axis=0)
    between = {a + b: float((ratios[a] * ratios[b]).mean()) for a, b in ("xy", "xz", "yz")}
    assert between["xy"] == pytest.approx(shared, abs=0.05)
    # Chance makes so much of a quiet queue's day that it cannot follow the others much more.
    assert shared - 0.2 < between["xz"] < shared + 0.05
    assert shared - 0.2 < between["yz"] < shared + 0.05
    following = [(one[:, 1:] * one[:, :-1]).mean() for one in ratios.values()]
    assert np.mean(following) == pytest.approx(carried, abs=0.08)


def test_a_part_of_the_span_has_its_own_paths(result, start):
    begin, end = start + timedelta(days=1), start + timedelta(days=2, hours=6)

    part = scenario_paths(result, count=5, seed=1, start=begin, end=end)

    assert part.start == begin
    assert part.contacts.shape == (5, 120, 3)


def test_noise_survives_being_stored(result):
    noise = replace(result.noise, lingering={"x": 0.4})

    assert Noise.from_document(noise.to_document()) == noise


def test_noise_stored_before_days_were_carried_on_still_loads(result):
    document = result.noise.to_document()
    del document["carried"], document["lingering"]

    assert Noise.from_document(document) == replace(result.noise, carried=0.3, lingering={})


def test_no_contacts_expected_means_none_drawn(result):
    silent = result.table.assign(mean=0.0, q10=0.0, q90=0.0)

    assert paths_from(silent, result.noise, count=20, seed=1).contacts.sum() == 0


def test_paths_that_cannot_be_drawn_are_refused(result, start):
    with pytest.raises(RequestError, match="0 paths"):
        scenario_paths(result, count=0, seed=1)
    with pytest.raises(RequestError, match="no interval"):
        scenario_paths(result, count=1, seed=1, start=start + timedelta(weeks=9))
    with pytest.raises(RequestError, match="same span"):
        paths_from(result.table.iloc[1:], result.noise, count=1, seed=1)


def test_the_spread_of_days_is_learned_by_lead() -> None:
    rng = np.random.default_rng(1)
    ratios = rng.normal(1.0, 0.2, size=(60, 14))
    ratios[:, 0] = rng.normal(1.0, 0.05, size=60)

    first, week, *_ = day_spread(ratios)

    assert first == pytest.approx(0.05, rel=0.3)
    assert week == pytest.approx(0.2, rel=0.15)
    assert len(set(day_spread(np.full((2, 14), np.nan)))) == 1


def test_noise_kept_by_an_earlier_version_still_serves(result):
    """It tells three groups of leads apart, and nothing of carrying on or lingering."""
    table = result.table.assign(start=result.table["start"] + timedelta(days=12))
    document = {
        "zone": result.noise.zone,
        "shared": 0.4,
        "day_sd": {queue: [0.1, 0.2, 0.3] for queue in result.noise.day_sd},
        "last_day": {q: day.isoformat() for q, day in result.noise.last_day.items()},
    }

    noise = Noise.from_document(document)

    paths = paths_from(table, noise, count=300, seed=1)
    total = sum_forecast(table, noise, list(noise.day_sd), step="day", seed=1)
    drawn = paths.contacts.sum(axis=(1, 2)).mean()
    assert drawn == pytest.approx(table["mean"].sum(), rel=0.03)
    assert total["mean"].sum() == pytest.approx(table["mean"].sum())
    assert (total["q90"] > total["q10"]).all()


def test_day_ratios_leave_out_days_that_are_mostly_missing() -> None:
    mean = np.ones((1, 2, 96))
    actual = np.full((1, 2, 96), 2.0)
    actual[0, 1, :40] = np.nan

    assert day_ratios(mean, actual)[0, 0] == 2.0
    assert np.isnan(day_ratios(mean, actual)[0, 1])


def test_shared_busyness_is_learned_and_shrunk() -> None:
    rng = np.random.default_rng(1)
    common = rng.gamma(25, 1 / 25, size=200)

    assert shared_busyness([common, common]) > 0.8
    assert shared_busyness([common, rng.gamma(25, 1 / 25, size=200)]) < 0.2
    assert shared_busyness([common[:5], common[:5]]) == 0.5


def test_what_a_day_carries_on_is_learned_and_shrunk() -> None:
    rng = np.random.default_rng(1)
    logs = rng.normal(0, 0.2, size=(80, 15))
    for day in range(1, 15):
        logs[:, day] = 0.9 * logs[:, day - 1] + np.sqrt(1 - 0.81) * logs[:, day]

    learned = carried_busyness([np.exp(logs)] * 3)
    independent = carried_busyness([np.exp(rng.normal(0, 0.2, size=(80, 15)))] * 3)

    # Shrunk to 0.3, worth 28 days of the 95.
    assert learned == pytest.approx((0.9 * 95 + 0.3 * 28) / 123, abs=0.05)
    assert independent == pytest.approx(0.3 * 28 / 123, abs=0.05)
    assert carried_busyness([np.full((5, 14), np.nan)]) == 0.3
    assert carried_busyness([np.ones((40, 14))]) == 0.3
