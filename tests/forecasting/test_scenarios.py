"""Scenario paths are as spread as the forecast says."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from forecasting.forecast import make_forecast
from forecasting.scenarios import (
    Noise,
    day_ratios,
    day_spread,
    paths_from,
    scenario_paths,
    shared_busyness,
)
from wfm.errors import RequestError

ENGINE = ("log_profile",)


@pytest.fixture(scope="module")
def result(make_volumes, make_brand, start):
    both = pd.concat(
        [
            make_volumes(days=84, level=40.0, queue="x", day_cv=0.15),
            make_volumes(days=84, level=6.0, queue="y", seed=2, day_cv=0.15),
        ],
        ignore_index=True,
    )
    end = start + timedelta(weeks=2)
    return make_forecast(
        both, make_brand("x", "y"), (), start=start, end=end, seed=1, models=ENGINE
    )


def rows(result, queue: str) -> pd.DataFrame:
    return result.table[result.table["queue"] == queue]


def test_paths_are_the_same_for_the_same_seed_only(result):
    one, two = (scenario_paths(result, count=10, seed=3) for _ in range(2))

    np.testing.assert_array_equal(one.contacts, two.contacts)
    assert (one.contacts != scenario_paths(result, count=10, seed=4).contacts).any()
    assert one.contacts.shape == (10, 2 * 672, 2)
    assert one.queues == ("x", "y")


@pytest.mark.parametrize("queue", ["x", "y"])
def test_paths_keep_the_mean_and_the_quantiles(result, queue):
    drawn, table = scenario_paths(result, count=400, seed=1).of(queue), rows(result, queue)

    assert drawn.mean() == pytest.approx(table["mean"].mean(), rel=0.02)
    busy = table["q50"].to_numpy() > 4
    for column, share in [("q50", 0.5), ("q80", 0.8), ("q90", 0.9), ("q95", 0.95)]:
        below = (drawn <= table[column].to_numpy())[:, busy].mean()
        assert below == pytest.approx(share, abs=0.06), column
    # Counts are whole: at least a tenth lies at or below q10.
    below = (drawn < table["q10"].to_numpy())[:, busy].mean()
    assert below == pytest.approx(0.10, abs=0.05)


def test_a_day_s_total_scatters_as_in_the_back_test(result):
    drawn = scenario_paths(result, count=400, seed=1).of("x")

    totals = drawn.reshape(400, 14, 96).sum(axis=2)

    spread = (totals.std(axis=0) / totals.mean(axis=0))[1:7].mean()
    assert spread == pytest.approx(result.noise.day_sd["x"][1], rel=0.15)
    assert 0.10 < spread < 0.22


def test_queues_are_busy_on_the_same_days(result):
    shared = Noise("Europe/Berlin", 0.9, result.noise.day_sd, result.noise.last_day)
    apart = Noise("Europe/Berlin", 0.0, result.noise.day_sd, result.noise.last_day)

    def correlation(noise: Noise) -> float:
        drawn = paths_from(result.table, noise, count=300, seed=1)
        totals = [drawn.of(q).reshape(300, 14, 96).sum(axis=2) for q in ("x", "y")]
        ratios = [(t / t.mean(axis=0)).ravel() for t in totals]
        return float(np.corrcoef(*ratios)[0, 1])

    assert correlation(shared) > 0.6
    assert abs(correlation(apart)) < 0.1


def test_a_part_of_the_span_has_its_own_paths(result, start):
    begin, end = start + timedelta(days=1), start + timedelta(days=2, hours=6)

    part = scenario_paths(result, count=5, seed=1, start=begin, end=end)

    assert part.start == begin
    assert part.contacts.shape == (5, 120, 2)


def test_noise_survives_being_stored(result):
    assert Noise.from_document(result.noise.to_document()) == result.noise


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

    first, week, _ = day_spread(ratios)

    assert first == pytest.approx(0.05, rel=0.3)
    assert week == pytest.approx(0.2, rel=0.15)
    assert len(set(day_spread(np.full((2, 14), np.nan)))) == 1


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
