"""The forecast as a whole: its laws, its truth on seeded data, its refusals."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.forecast import ForecastResult, make_forecast
from forecasting.scenarios.paths import scenario_paths
from forecasting.scenarios.sums import sum_forecast
from wfm.errors import DataError, RequestError
from wfm.frames import FORECAST, QUANTILE_COLUMNS

ENGINE = ("blend",)
WEEK = timedelta(weeks=1)


def forecast(volumes, brand, *, start, weeks=1, campaigns=(), models=ENGINE, seed=1, **options):
    return make_forecast(
        volumes,
        brand,
        campaigns,
        start=start,
        end=start + weeks * WEEK,
        models=models,
        seed=seed,
        **options,
    )


def total(result: ForecastResult) -> float:
    return float(result.table["mean"].sum())


# -- laws ----------------------------------------------------------------------------------------


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    level=st.sampled_from([0.2, 2.0, 30.0, 20_000.0]),
    days=st.integers(14, 60),
    hidden=st.floats(0.0, 0.3),
)
def test_quantiles_ascend_and_nothing_is_negative(
    make_volumes, make_brand, start, seed, level, days, hidden
):
    volumes = make_volumes(days=days, seed=seed, level=level)
    kept = np.random.default_rng(seed).random(len(volumes)) >= hidden

    table = forecast(volumes[kept], make_brand("x"), start=start, weeks=2).table

    FORECAST.check(table)
    quantiles = table[list(QUANTILE_COLUMNS)].to_numpy()
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert len(table) == 2 * 672


@settings(max_examples=8, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), factor=st.sampled_from([2, 10, 1000]))
def test_scaling_counts_scales_the_forecast(make_volumes, make_brand, start, seed, factor):
    volumes = make_volumes(seed=seed, level=40.0)
    busier = volumes.assign(contacts=volumes["contacts"] * factor)

    once = forecast(volumes, make_brand("x"), start=start)
    times = forecast(busier, make_brand("x"), start=start)

    assert total(times) == pytest.approx(factor * total(once), rel=0.05)
    spread = [(r.table["q90"] - r.table["q10"]).sum() for r in (once, times)]
    assert spread[1] == pytest.approx(factor * spread[0], rel=0.10)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), at=st.integers(0, 27 * 96))
def test_one_spike_of_a_hundred_times_hardly_moves_next_week(
    make_volumes, make_brand, start, seed, at
):
    volumes = make_volumes(days=28, seed=seed, level=40.0)
    spiked = volumes.copy()
    spiked.loc[at, "contacts"] = spiked.loc[at, "contacts"] * 100 + 100

    calm = total(forecast(volumes, make_brand("x"), start=start))

    assert total(forecast(spiked, make_brand("x"), start=start)) == pytest.approx(calm, rel=0.03)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), value=st.integers(0, 10**6))
def test_what_a_marked_outage_holds_is_irrelevant(
    make_volumes, make_brand, make_campaign, start, seed, value
):
    volumes = make_volumes(days=35, seed=seed)
    outage = make_campaign(
        start - timedelta(days=9), hours=6, category="outage", half_life_min=30.0
    )
    inside = volumes["start"].between(outage.start, outage.end, inclusive="left")
    other = volumes.assign(contacts=volumes["contacts"].where(~inside, value))

    # The effect of coming events is not asked for: none of the outage's category is planned.
    one = forecast(volumes, make_brand("x"), start=start, campaigns=(outage,))
    two = forecast(other, make_brand("x"), start=start, campaigns=(outage,))

    pd.testing.assert_frame_equal(one.table, two.table)


def test_the_same_seed_gives_the_same_forecast_and_the_order_of_rows_does_not_matter(
    make_volumes, make_brand, start
):
    volumes = make_volumes()
    before = volumes.copy()

    one = forecast(volumes, make_brand("x"), start=start)
    two = forecast(volumes.sample(frac=1, random_state=1), make_brand("x"), start=start)

    pd.testing.assert_frame_equal(one.table, two.table)
    assert one.accuracy == two.accuracy
    assert one.noise == two.noise
    pd.testing.assert_frame_equal(volumes, before)


@pytest.mark.parametrize(
    ("midnight", "intervals"),
    [(datetime(2026, 3, 22, 23, tzinfo=UTC), 668), (datetime(2026, 10, 18, 22, tzinfo=UTC), 676)],
)
def test_both_weeks_in_which_clocks_change_keep_the_days_totals(
    make_volumes, make_brand, rate, midnight, intervals
):
    volumes = make_volumes(before=midnight, level=40.0, day_cv=0.02, noise=0.01)
    local = pd.Timestamp(midnight).tz_convert("Europe/Berlin")
    end = (local + pd.DateOffset(days=7)).tz_convert("UTC").to_pydatetime()

    table = make_forecast(
        volumes, make_brand("x"), (), start=midnight, end=end, seed=1, models=ENGINE
    ).table

    assert len(table) == intervals
    true = rate(pd.DatetimeIndex(table["start"]), level=40.0)
    day = table["start"].dt.tz_convert("Europe/Berlin").dt.date
    told, came = table["mean"].groupby(day).sum(), pd.Series(true).groupby(day).sum()
    np.testing.assert_allclose(told, came, rtol=0.05)


# -- truth ---------------------------------------------------------------------------------------


def test_the_engine_beats_the_weekly_naive_by_a_fifth_and_its_bands_hold(
    make_volumes, make_brand, start
):
    inside, beside = [], []
    for seed in range(8):
        volumes = make_volumes(days=70, seed=seed)
        past, future = volumes[:-672], volumes[-672:].reset_index(drop=True)
        result = forecast(past, make_brand("x"), start=start - WEEK)
        came = future["contacts"]
        naive = past["contacts"].to_numpy()[-672:]
        beside.append((came - result.table["q50"]).abs().sum() / np.abs(came - naive).sum())
        inside.append(came.between(result.table["q10"], result.table["q90"]).mean())

    assert np.mean(beside) < 0.80
    assert 0.72 <= np.mean(inside) <= 0.88


def test_the_back_test_says_what_a_fresh_week_shows(make_volumes, make_brand, start):
    volumes = make_volumes(days=84, seed=5)

    result = forecast(volumes, make_brand("x"), start=start)

    engine = next(a for a in result.accuracy if (a.model, a.step) == ("blend", "15min"))
    by_day = next(a for a in result.accuracy if (a.model, a.step) == ("blend", "day"))
    assert engine.champion
    assert engine.origins == 8
    assert engine.relative_wape is not None
    assert engine.relative_wape < 0.8
    assert engine.naive.wape is not None
    assert engine.wape is not None
    assert by_day.wape is not None
    assert by_day.wape < engine.wape
    assert engine.coverage80 is not None
    assert 0.72 <= engine.coverage80 <= 0.88
    assert engine.coverage95 is not None
    assert 0.91 <= engine.coverage95 <= 0.985
    assert abs(engine.bias or 0.0) < 0.1


def test_the_mean_is_a_mean_and_q50_a_median_on_sparse_queues(
    make_volumes, make_brand, rate, start
):
    volumes = make_volumes(days=84, level=1.0, day_cv=0.05, noise=0.05)

    table = forecast(volumes, make_brand("x"), start=start).table

    true = rate(pd.DatetimeIndex(table["start"]), level=1.0)
    assert table["mean"].sum() == pytest.approx(true.sum(), rel=0.06)
    assert (table["q50"] <= table["q80"]).all()


def test_a_night_that_is_always_empty_is_forecast_empty(make_volumes, make_brand, start):
    volumes = make_volumes()
    hour = volumes["start"].dt.tz_convert("Europe/Berlin").dt.hour
    closed = volumes.assign(contacts=volumes["contacts"].where(hour.between(9, 16), 0))

    table = forecast(closed, make_brand("x"), start=start).table

    hour = table["start"].dt.tz_convert("Europe/Berlin").dt.hour
    night = table[~hour.between(7, 18)]
    assert night["mean"].sum() < 0.02 * table["mean"].sum()
    assert night["q90"].max() < 1.0


def test_a_gap_after_the_data_and_eight_weeks_are_bridged(make_volumes, make_brand, start):
    late = start + timedelta(days=10)

    table = forecast(make_volumes(), make_brand("x"), start=late, weeks=8).table

    assert len(table) == 8 * 672
    near, far = table.iloc[: 3 * 672], table.iloc[-3 * 672 :]
    assert far["mean"].sum() == pytest.approx(near["mean"].sum(), rel=0.02)


def test_volumes_from_the_start_on_are_not_looked_at(make_volumes, make_brand, start):
    volumes = make_volumes()
    cut = start - timedelta(days=3)

    with_future = forecast(volumes, make_brand("x"), start=cut)
    without = forecast(volumes[volumes["start"] < cut], make_brand("x"), start=cut)

    pd.testing.assert_frame_equal(with_future.table, without.table)


def test_a_month_that_is_missing_is_passed_over(make_volumes, make_brand, rate, start):
    volumes = make_volumes(days=84, level=40.0)
    away = volumes["start"].between(start - timedelta(days=50), start - timedelta(days=20))

    table = forecast(volumes[~away], make_brand("x"), start=start).table

    true = rate(pd.DatetimeIndex(table["start"]), level=40.0)
    assert table["mean"].sum() == pytest.approx(true.sum(), rel=0.08)


@pytest.mark.parametrize("late", ["hours first", "quarters first"])
def test_where_the_step_of_the_data_changes_midway_the_level_stays(
    make_volumes, make_brand, rate, start, late
):
    """One quarter of each hour on one side of the change, all four on the other."""
    volumes = make_volumes(days=70, level=40.0)
    before = volumes["start"] < start - timedelta(days=28)
    thinned = before if late == "hours first" else ~before
    kept = ~thinned | (volumes["start"].dt.minute == 0)

    table = forecast(volumes[kept], make_brand("x"), start=start).table

    true = rate(pd.DatetimeIndex(table["start"]), level=40.0)
    assert table["mean"].sum() == pytest.approx(true.sum(), rel=0.08)


def test_a_level_that_changes_midway_is_the_new_one(make_volumes, make_brand, rate, start):
    volumes = make_volumes(days=84, level=20.0)
    risen = volumes["start"] >= start - timedelta(days=28)
    volumes["contacts"] *= np.where(risen, 5, 1)

    table = forecast(volumes, make_brand("x"), start=start).table

    true = rate(pd.DatetimeIndex(table["start"]), level=100.0)
    assert table["mean"].sum() == pytest.approx(true.sum(), rel=0.15)


@pytest.mark.parametrize(
    "spoilt",
    ["short", "silent", "ended early", "one contact", "a billion once", "three hours a day"],
)
def test_a_queue_with_a_poor_past_harms_neither_itself_nor_the_others(
    make_volumes, make_brand, start, spoilt
):
    """Everything that is made of a forecast stays finite, and the other queue's is its own."""
    fine = make_volumes(days=56)
    poor = make_volumes(days=20 if spoilt == "short" else 56, seed=2, queue="y")
    if spoilt in ("silent", "one contact"):
        poor["contacts"] = 0
    if spoilt == "one contact":
        poor.loc[40, "contacts"] = 1
    if spoilt == "a billion once":
        poor.loc[4000, "contacts"] = 10**9
    if spoilt == "ended early":
        poor = poor[poor["start"] < start - timedelta(days=20)]
    if spoilt == "three hours a day":
        poor = poor[poor["start"].dt.hour.isin([9, 10, 11])]
    both = pd.concat([fine, poor], ignore_index=True)

    result = forecast(both, make_brand("x", "y"), start=start)

    alone = forecast(fine, make_brand("x"), start=start).table
    own = result.table[result.table["queue"] == "x"].reset_index(drop=True)
    pd.testing.assert_frame_equal(own, alone)
    assert np.isfinite(result.table[["mean", *QUANTILE_COLUMNS]].to_numpy()).all()
    paths = scenario_paths(result, count=200, seed=1).contacts.sum(axis=1).mean(axis=0)
    means = result.table.groupby("queue")["mean"].sum()
    np.testing.assert_allclose(paths, means, rtol=0.1, atol=5.0)
    total = sum_forecast(
        result.table,
        result.noise,
        ["x", "y"],
        step="day",
        seed=1,
        calibration=result.calibrations.get(""),
    )
    assert np.isfinite(total[["mean", *QUANTILE_COLUMNS]].to_numpy()).all()
    assert total["mean"].sum() == pytest.approx(means.sum())


@pytest.mark.parametrize("count", [0, 7, 10**9])
def test_a_constant_queue_is_forecast_as_it_is(make_volumes, make_brand, start, count):
    volumes = make_volumes(days=28).assign(contacts=count)

    result = forecast(volumes, make_brand("x"), start=start)

    # Everyone is right about it: nobody takes the engine's place.
    assert result.champions == {"x": "blend"}
    np.testing.assert_allclose(result.table["mean"], count, rtol=1e-6)
    np.testing.assert_allclose(result.table["q50"], count, rtol=1e-6)


def test_handling_time_follows_the_hour_and_falls_back_to_the_queue_s_own(
    make_volumes, make_brand, start
):
    volumes = make_volumes(days=56, level=40.0)
    hour = volumes["start"].dt.tz_convert("Europe/Berlin").dt.hour
    timed = volumes.assign(
        aht_s=np.where(volumes["contacts"] > 0, np.where(hour >= 12, 400.0, 200.0), np.nan)
    )

    told = forecast(timed, make_brand("x"), start=start).table
    untold = forecast(volumes, make_brand("x", default_aht_s=275.0), start=start).table

    hour = told["start"].dt.tz_convert("Europe/Berlin").dt.hour
    assert told.loc[hour == 14, "aht_s"].mean() == pytest.approx(400, rel=0.08)
    assert told.loc[hour == 10, "aht_s"].mean() == pytest.approx(200, rel=0.20)
    assert (untold["aht_s"] == 275.0).all()


def test_days_and_hours_never_seen_are_told(make_volumes, make_brand, start):
    volumes = make_volumes()
    local = volumes["start"].dt.tz_convert("Europe/Berlin")
    seen = (local.dt.dayofweek != 6) & local.dt.hour.between(6, 21)

    result = forecast(volumes[seen], make_brand("x"), start=start)

    assert any("no volumes at all on sun," in note for note in result.notes)
    assert any("32 of 96 quarter-hours" in note for note in result.notes)
    local = result.table["start"].dt.tz_convert("Europe/Berlin")
    assert result.table.loc[local.dt.dayofweek == 6, "mean"].sum() > 100
    assert result.table.loc[local.dt.hour == 2, "mean"].sum() == pytest.approx(0, abs=1e-6)


# -- choosing ------------------------------------------------------------------------------------


def test_an_incumbent_that_is_clearly_beaten_or_unknown_gives_way(make_volumes, make_brand, start):
    volumes = make_volumes(days=84)

    for incumbent in ("weekly_naive", "a model of old"):
        result = forecast(volumes, make_brand("x"), start=start, incumbents={"x": incumbent})

        assert result.champions == {"x": "blend"}
        assert set(result.table["model"]) == {"blend"}


@pytest.mark.parametrize("model", ["blend", "weekly_naive"])
def test_the_parts_of_a_mean_add_up_to_it(make_volumes, make_brand, make_campaign, model):
    """Over Easter and the week in which clocks change, under a campaign, whoever forecasts."""
    midnight = datetime(2026, 3, 22, 23, tzinfo=UTC)
    coming = make_campaign(midnight + timedelta(days=2))

    result = forecast(
        make_volumes(before=midnight),
        make_brand("x"),
        campaigns=(coming,),
        start=midnight,
        weeks=3,
        models=(model,),
    )

    assert result.champions == {"x": model}
    parts = result.parts[["baseline", "holiday", "campaign", "correction"]]
    np.testing.assert_allclose(parts.sum(axis=1), result.table["mean"], rtol=1e-9, atol=1e-9)
    assert parts["campaign"].sum() > 0
    assert parts["holiday"].sum() < 0


def test_totals_of_the_brand_and_of_its_channels_are_calibrated(make_volumes, make_brand, start):
    volumes = [make_volumes(days=56, seed=i, queue=q) for i, q in enumerate("xyz")]
    brand = make_brand("x", "y", "z")
    queues = tuple(replace(q, channel="mail" if q.name == "z" else "x") for q in brand.queues)

    result = forecast(pd.concat(volumes), replace(brand, queues=queues), start=start)

    # The only queue of its channel is its own total.
    assert set(result.calibrations) == {"", "x"}
    for calibration in result.calibrations.values():
        assert set(calibration.factors) == {"15min", "hour", "day"}
        assert np.isfinite(list(calibration.factors.values())).all()
    assert result.calibrations[""] != result.calibrations["x"]


def test_progress_moves_forward_to_the_end(make_volumes, make_brand, start):
    seen: list[float] = []
    both = pd.concat([make_volumes(queue="x"), make_volumes(queue="y", seed=2)], ignore_index=True)

    forecast(both, make_brand("x", "y"), start=start, progress=lambda done, _: seen.append(done))

    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    # The start, the end, and several steps for each of the two queues.
    assert len(seen) >= 8


# -- refusals ------------------------------------------------------------------------------------


def test_two_weeks_are_enough_and_the_notes_say_that_it_is_little(make_volumes, make_brand, start):
    result = forecast(make_volumes(days=14), make_brand("x"), start=start)

    assert any("14 days only" in note for note in result.notes)


def test_less_than_two_weeks_is_told_with_the_days_there_are(make_volumes, make_brand, start):
    with pytest.raises(DataError, match=r"'x' has 13 days .* needs 14.*wfm import volumes"):
        forecast(make_volumes(days=13), make_brand("x"), start=start)


def test_a_queue_without_volumes_is_named(make_volumes, make_brand, start):
    with pytest.raises(DataError, match="queue 'quiet' has no volumes"):
        forecast(make_volumes(), make_brand("x", "quiet"), start=start)


@pytest.mark.parametrize(
    ("begin", "days", "said"),
    [
        (timedelta(minutes=7), 7, "15-minute grid"),
        (timedelta(0), 0, "not after its start"),
        (timedelta(0), 70, "up to 8 weeks"),
        (timedelta(days=90), 7, "days before the forecast begins"),
    ],
)
def test_a_span_that_cannot_be_forecast_is_refused(
    make_volumes, make_brand, start, begin, days, said
):
    at = start + begin
    with pytest.raises(RequestError, match=said):
        make_forecast(
            make_volumes(days=20),
            make_brand("x"),
            (),
            start=at,
            end=at + timedelta(days=days),
            seed=1,
            models=ENGINE,
        )


def test_an_unknown_model_is_refused_with_those_there_are(make_volumes, make_brand, start):
    with pytest.raises(RequestError, match=r"'arima'.*blend"):
        forecast(make_volumes(), make_brand("x"), start=start, models=("arima",))
