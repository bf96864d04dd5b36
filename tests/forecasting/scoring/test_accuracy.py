"""The figures beside a forecast, against their definitions."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.naive import last_week
from forecasting.scoring.accuracy import (
    STEPS,
    Accuracy,
    Step,
    block_sums,
    score,
    score_table,
    to_step,
    weekly_scale,
    weekly_scales,
)
from wfm.errors import DataError, RequestError
from wfm.frames import QUANTILE_COLUMNS, QUANTILES, interval_index

BERLIN = ZoneInfo("Europe/Berlin")


def local(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def forecast_of(starts: pd.DatetimeIndex, mean: np.ndarray) -> pd.DataFrame:
    """FORECAST rows whose quantiles lie 40 % apart around a median a tenth below the mean."""
    spread = dict(zip(QUANTILE_COLUMNS, np.linspace(-1, 1, len(QUANTILES)), strict=True))
    columns = {name: 0.9 * mean * (1 + 0.4 * at) for name, at in spread.items()}
    return pd.DataFrame({"start": starts, "queue": "x", "mean": mean, **columns, "aht_s": 1.0})


def test_scores_agree_with_a_plain_loop() -> None:
    rng = np.random.default_rng(1)
    actual = rng.poisson(9.0, size=(3, 96)).astype(float)
    median, mean = rng.uniform(5, 12, size=(2, 3, 96))
    quantiles = np.sort(rng.uniform(0, 20, size=(3, 96, len(QUANTILES))), axis=-1)
    scale = 4.0

    found = score(actual, median, mean, quantiles, scale)

    errors = pinball = inside80 = inside95 = 0.0
    for y, m, row in zip(actual.ravel(), median.ravel(), quantiles.reshape(-1, 7), strict=True):
        errors += abs(y - m)
        inside80 += row[1] <= y <= row[4]
        inside95 += row[0] <= y <= row[6]
        for q, at in zip(QUANTILES, row, strict=True):
            pinball += (q * (y - at) if y >= at else (1 - q) * (at - y)) / len(QUANTILES)
    total, n = actual.sum(), actual.size
    assert found.wape == pytest.approx(errors / total)
    assert found.mase == pytest.approx(errors / n / scale)
    assert found.pinball == pytest.approx(pinball / total)
    assert found.coverage80 == pytest.approx(inside80 / n)
    assert found.coverage95 == pytest.approx(inside95 / n)
    assert found.bias == pytest.approx(mean.sum() / total - 1)


@pytest.mark.parametrize("slots", [96, 48])
def test_days_are_summed_to_hours_and_to_one_and_a_missing_slot_leaves_its_block_out(slots) -> None:
    values = np.arange(2.0 * slots).reshape(2, slots)
    values[1, 0] = np.nan

    hours, days = to_step(values, "hour"), to_step(values, "day")

    assert to_step(values, "15min") is values
    assert hours.shape == (2, 24)
    assert hours[0, 1] == values[0, slots // 24 : slots // 12].sum()
    assert np.isnan(hours[1, 0])
    assert np.isfinite(hours[1, 1:]).all()
    assert days[0, 0] == values[0].sum()
    assert np.isnan(days[1, 0])


def test_what_is_not_known_is_not_scored() -> None:
    actual = np.full((1, 96), 10.0)
    median = np.full((1, 96), 11.0)
    median[0, :4] = 1000.0
    actual[0, :4] = np.nan

    found = score(actual, median, median, None, None)

    assert found.wape == pytest.approx(0.1)
    assert found.mase is None
    assert found.coverage80 is None


def test_no_contacts_leave_shares_undefined_and_never_nan() -> None:
    silent = np.zeros((2, 96))
    scale = weekly_scale(np.zeros((14, 96)), "15min")

    found = score(silent, silent, silent, np.zeros((2, 96, 7)), scale)

    assert (found.wape, found.bias, found.mase, found.pinball) == (None, None, None, None)
    assert found.coverage80 == 1.0
    nothing = score(np.full((2, 96), np.nan), silent, silent, np.zeros((2, 96, 7)), 1.0)
    assert set(vars(nothing).values()) == {None}


def test_the_weekly_scale_is_the_naives_error_in_the_past() -> None:
    counts = np.repeat(np.arange(21.0)[:, None], 96, axis=1)

    assert weekly_scales(counts) == {"15min": 7.0, "hour": 28.0, "day": 672.0}
    assert weekly_scale(counts[:7], "day") is None


def test_accuracy_is_told_relative_to_the_naive() -> None:
    actual = np.full((1, 96), 10.0)
    own = score(actual, actual * 1.1, actual, None, None)
    naive = score(actual, actual * 1.5, actual, None, None)

    line = Accuracy(
        **vars(own), queue="x", model="m", step="15min", origins=1, horizon_days=7, naive=naive
    )

    assert line.relative_wape == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("day", "intervals"), [("2026-03-29", 92), ("2026-03-30", 96), ("2026-10-25", 100)]
)
def test_a_day_is_whole_with_the_intervals_its_clock_gives_it(day, intervals) -> None:
    begin = local(f"{day}T00:00")
    end = begin + pd.Timedelta(minutes=15 * intervals)
    starts = interval_index(begin, end)

    assert block_sums(starts, np.ones(len(starts)), BERLIN, "day").tolist() == [intervals]
    assert np.isnan(block_sums(starts[1:], np.ones(intervals - 1), BERLIN, "day")).all()
    hours = block_sums(starts, np.ones(len(starts)), BERLIN, "hour")
    assert hours.tolist() == [4.0] * (intervals // 4)


@given(
    first=st.integers(0, 96 * 3),
    length=st.integers(1, 400),
    zone=st.sampled_from(["Europe/Berlin", "Asia/Kolkata", "America/Sao_Paulo", "Africa/Cairo"]),
    step=st.sampled_from(STEPS),
)
@settings(max_examples=30, deadline=None, derandomize=True)
def test_blocks_hold_what_a_plain_loop_over_local_labels_finds(first, length, zone, step: Step):
    tz = ZoneInfo(zone)
    begin = datetime(2026, 4, 22, tzinfo=UTC) + first * pd.Timedelta(minutes=15)
    starts = interval_index(begin, begin + length * pd.Timedelta(minutes=15))
    values = np.arange(float(length))

    found = block_sums(starts, values, tz, step)

    labels: dict[object, list[float]] = {}
    for at, value in zip(starts.tz_convert(tz), values, strict=True):
        parts = {"15min": at, "hour": (at.date(), at.hour, at.utcoffset()), "day": at.date()}
        labels.setdefault(parts[step], []).append(value)
    assert len(found) == len(labels)
    # Those that the ends do not cut are whole.
    for got, block in list(zip(found, labels.values(), strict=True))[1:-1]:
        assert got == sum(block)


def test_a_kept_forecast_is_scored_at_every_step_beside_the_naive() -> None:
    starts = interval_index(local("2026-03-02T00:00"), local("2026-03-04T12:00"))
    rng = np.random.default_rng(2)
    actual = rng.poisson(8.0, size=len(starts)).astype(float)
    table = forecast_of(starts, np.full(len(starts), 8.0))
    naive = rng.poisson(8.0, size=len(starts)).astype(float)

    quarter, hour, day = score_table(
        table, actual, BERLIN, naive=naive, scales={"15min": 2.0, "day": 50.0}
    )

    assert [one.blocks for one in (quarter, hour, day)] == [240, 60, 2]
    assert quarter.own == score(actual, table["q50"], table["mean"], _bands(table), 2.0)
    hourly = actual.reshape(-1, 4).sum(axis=1)
    assert hour.own.wape == pytest.approx(np.abs(hourly - 32.0).sum() / hourly.sum())
    assert (hour.own.coverage80, hour.own.pinball, hour.own.mase) == (None, None, None)
    daily = actual[:192].reshape(-1, 96).sum(axis=1)
    assert day.own.mase == pytest.approx(np.abs(daily - 768.0).mean() / 50.0)
    assert day.naive is not None
    assert quarter.naive is not None
    assert quarter.naive.wape == pytest.approx(np.abs(actual - naive).sum() / actual.sum())


def _bands(table: pd.DataFrame) -> np.ndarray:
    return table[list(QUANTILE_COLUMNS)].to_numpy()


def test_bands_of_hours_come_from_paths_and_cover_them() -> None:
    starts = interval_index(local("2026-03-02T00:00"), local("2026-03-09T00:00"))
    rng = np.random.default_rng(3)
    # Days are busy or slack as a whole: sums of quarter-hour quantiles would miss it.
    factor = np.repeat(rng.gamma(20, 0.05, size=(401, 7)), 96, axis=1)
    paths = rng.poisson(8.0 * factor).astype(float)
    actual, paths = paths[0], paths[1:]
    quantiles: dict[Step, np.ndarray] = {
        step: np.quantile(block_sums(starts, paths, BERLIN, step), QUANTILES, axis=0).T
        for step in ("hour", "day")
    }

    found = score_table(
        forecast_of(starts, np.full(len(starts), 8.0)), actual, BERLIN, quantiles=quantiles
    )

    hour = next(one for one in found if one.step == "hour").own
    assert hour.coverage80 is not None
    assert 0.65 <= hour.coverage80 <= 0.95
    assert hour.pinball is not None


def test_rows_may_come_in_any_order_and_some_may_be_unknown() -> None:
    starts = interval_index(local("2026-03-02T00:00"), local("2026-03-04T00:00"))
    rng = np.random.default_rng(4)
    actual = rng.poisson(8.0, size=len(starts)).astype(float)
    actual[5] = np.nan
    table = forecast_of(starts, rng.uniform(6, 10, size=len(starts)))
    order = rng.permutation(len(starts))

    straight = score_table(table, actual, BERLIN)
    shuffled = score_table(table.iloc[order], actual[order], BERLIN)

    assert straight == shuffled
    assert [one.blocks for one in straight] == [191, 47, 1]


def test_figures_that_do_not_fit_the_table_are_refused() -> None:
    starts = interval_index(local("2026-03-02T00:00"), local("2026-03-03T00:00"))
    table = forecast_of(starts, np.full(96, 8.0))

    with pytest.raises(RequestError, match=r"actual has shape \(95,\).*96 rows"):
        score_table(table, np.ones(95), BERLIN)
    with pytest.raises(RequestError, match="24 such blocks"):
        score_table(table, np.ones(96), BERLIN, quantiles={"hour": np.ones((23, 7))})
    assert [one.blocks for one in score_table(table.iloc[:0], np.ones(0), BERLIN)] == [0, 0, 0]


def test_last_week_is_the_same_hour_on_the_wall(make_volumes, start) -> None:
    rows = make_volumes(days=21)
    starts = interval_index(start, start + pd.Timedelta(weeks=2))

    told = last_week(rows, starts, BERLIN)

    last = rows["contacts"].to_numpy(dtype=float)[-672:]
    np.testing.assert_array_equal(told, np.tile(last, 2))
    with pytest.raises(DataError, match="no volumes before"):
        last_week(rows, starts - pd.Timedelta(days=60), BERLIN)
