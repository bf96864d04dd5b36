"""Kept versions on what came, against figures worked out by hand from the same numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from api.planning.scoring import BAND_PATHS, ToScore, leads_of, pooled, score_queue
from forecasting.scenarios.paths import Noise, paths_from
from wfm.frames import FORECAST, QUANTILE_COLUMNS, QUANTILES, interval_index

UTC_ZONE = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 9


def make_one(*, start: datetime = MONDAY, days: int = DAYS, zone: str = "UTC") -> ToScore:
    """Nine days of a queue with ten contacts an interval on average, all of which came."""
    index = interval_index(start, start + timedelta(days=days))
    rng = np.random.default_rng(4)
    mean = 8.0 + 4.0 * np.sin(np.arange(len(index)) / 15)
    levels = np.array([0.4, 0.6, 0.98, 1.25, 1.4, 1.55, 1.7])
    table = pd.DataFrame({"start": index, "mean": mean, "aht_s": 240.0})
    table[list(QUANTILE_COLUMNS)] = mean[:, None] * levels
    table = table.assign(queue="x", model="blend").astype({"queue": "str", "model": "str"})
    return ToScore(
        queue="x",
        table=FORECAST.check(table),
        naive=rng.poisson(mean).astype(float),
        came=rng.poisson(mean * 1.1).astype(float),
        scales={"15min": 2.0, "hour": 4.0, "day": 40.0},
        noise=Noise(zone, 0.5, {"x": (0.1, 0.12, 0.15)}, {"x": date(2026, 3, 1)}),
        seed=3,
    )


def line(rows: list[dict], step: str, lead: int) -> dict:
    (found,) = [row for row in rows if (row["step"], row["lead"]) == (step, lead)]
    return found


@pytest.fixture(scope="module")
def one() -> ToScore:
    return make_one()


@pytest.fixture(scope="module")
def rows(one: ToScore) -> list[dict]:
    return score_queue(one, UTC_ZONE)


def test_every_step_is_scored_by_how_far_ahead_it_was(rows: list[dict]):
    assert [(row["lead"], row["step"], row["intervals"]) for row in rows] == [
        (1, "15min", 96), (1, "hour", 24), (1, "day", 1),
        (2, "15min", 576), (2, "hour", 144), (2, "day", 6),
        (8, "15min", 192), (8, "hour", 48), (8, "day", 2),
    ]  # fmt: skip
    assert {row["queue"] for row in rows} == {"x"}
    assert line(rows, "day", 8)["scored_until"] == MONDAY + timedelta(days=DAYS)


@pytest.mark.parametrize(
    ("lead", "first", "last"), [(1, 0, 96), (2, 96, 7 * 96), (8, 7 * 96, 9 * 96)]
)
def test_quarters_of_an_hour_are_scored_as_by_hand(one, rows, lead: int, first: int, last: int):
    came, naive = one.came[first:last], one.naive[first:last]
    table = one.table.iloc[first:last]
    losses = []
    for level, name in zip(QUANTILES, QUANTILE_COLUMNS, strict=True):
        gap = came - table[name].to_numpy()
        losses.append(np.where(gap > 0, level * gap, (level - 1) * gap))
    found = line(rows, "15min", lead)
    missed = np.abs(came - table["q50"].to_numpy())
    assert found["contacts"] == came.sum()
    assert found["wape"] == pytest.approx(missed.sum() / came.sum())
    assert found["bias"] == pytest.approx(table["mean"].sum() / came.sum() - 1)
    assert found["mase"] == pytest.approx(missed.mean() / 2.0)
    assert found["pinball"] == pytest.approx(np.mean(losses) / came.mean())
    for share, low, high in (("coverage80", "q10", "q90"), ("coverage95", "q025", "q975")):
        inside = (came >= table[low].to_numpy()) & (came <= table[high].to_numpy())
        assert found[share] == pytest.approx(inside.mean())
    assert found["naive_wape"] == pytest.approx(np.abs(naive - came).sum() / came.sum())
    assert found["naive_bias"] == pytest.approx(naive.sum() / came.sum() - 1)
    assert found["naive_mase"] == pytest.approx(np.abs(naive - came).mean() / 2.0)


@pytest.mark.parametrize(("step", "size", "scale"), [("hour", 4, 4.0), ("day", 96, 40.0)])
def test_hours_and_days_are_scored_on_sums_with_bands_of_sums(one, rows, step, size, scale):
    first, last = 96, 7 * 96

    def sums(values: np.ndarray) -> np.ndarray:
        return values.reshape(*values.shape[:-1], -1, size).sum(axis=-1)

    came, naive = sums(one.came[first:last]), sums(one.naive[first:last])
    mean = sums(one.table["mean"].to_numpy()[first:last])
    futures = paths_from(one.table, one.noise, count=BAND_PATHS, seed=3).contacts[:, first:last, 0]
    low, high = np.quantile(sums(futures.astype(float)), [0.1, 0.9], axis=0)
    found = line(rows, step, 2)
    assert found["wape"] == pytest.approx(np.abs(came - mean).sum() / came.sum())
    assert found["mase"] == pytest.approx(np.abs(came - mean).mean() / scale)
    assert found["coverage80"] == pytest.approx(((came >= low) & (came <= high)).mean())
    assert found["naive_wape"] == pytest.approx(np.abs(came - naive).sum() / came.sum())


def test_what_has_not_come_is_not_scored_nor_the_hour_and_day_it_lies_in(one: ToScore):
    came = one.came.copy()
    came[130:] = np.nan
    rows = score_queue(ToScore(**{**vars(one), "came": came}), UTC_ZONE)
    assert [(row["lead"], row["step"], row["intervals"]) for row in rows] == [
        (1, "15min", 96), (1, "hour", 24), (1, "day", 1), (2, "15min", 34), (2, "hour", 8),
    ]  # fmt: skip
    assert rows[-1]["scored_until"] == MONDAY + timedelta(minutes=130 * 15)
    nothing = ToScore(**{**vars(one), "came": np.full(len(came), np.nan)})
    assert score_queue(nothing, UTC_ZONE) == []


def test_bands_do_not_depend_on_how_much_has_come(one: ToScore, rows: list[dict]):
    came = one.came.copy()
    came[7 * 96 :] = np.nan
    early = score_queue(ToScore(**{**vars(one), "came": came}), UTC_ZONE)
    assert line(early, "day", 2) == line(rows, "day", 2)


def test_leads_count_from_the_last_day_that_was_seen_not_from_the_forecasts_start(one: ToScore):
    noise = Noise("UTC", 0.5, {"x": (0.1, 0.1, 0.1)}, {"x": date(2026, 2, 27)})
    late = leads_of(ToScore(**{**vars(one), "noise": noise}), UTC_ZONE)
    assert (late[0], late[-1]) == (3, 11)
    unknown = leads_of(ToScore(**{**vars(one), "noise": None}), UTC_ZONE)
    assert (unknown[0], unknown[95], unknown[96]) == (1, 1, 2)


def test_a_day_on_which_clocks_change_is_one_day(one: ToScore):
    start = datetime(2026, 3, 28, 23, tzinfo=UTC)  # midnight in Berlin before the short day
    noise = Noise("Europe/Berlin", 0.5, {"x": (0.1, 0.1, 0.1)}, {"x": date(2026, 3, 28)})
    made = make_one(start=start, days=1)
    short = ToScore(
        **{**vars(made), "noise": noise, "table": made.table.iloc[:92], "naive": made.naive[:92],
           "came": made.came[:92]}
    )  # fmt: skip
    rows = score_queue(short, BERLIN)
    assert [(row["step"], row["intervals"]) for row in rows] == [
        ("15min", 92),
        ("hour", 23),
        ("day", 1),
    ]


def test_a_version_without_noise_or_naive_is_scored_as_far_as_it_can_be(one: ToScore):
    bare = ToScore(
        **{**vars(one), "noise": None, "naive": np.full(len(one.came), np.nan), "scales": {}}
    )
    found = line(score_queue(bare, UTC_ZONE), "day", 2)
    assert found["wape"] > 0
    for name in ("mase", "pinball", "coverage80", "coverage95", "naive_wape", "naive_mase"):
        assert found[name] is None


def test_scores_of_many_versions_pool_to_those_of_one_long_forecast(one: ToScore):
    halves = []
    for k, rows in enumerate((slice(96, 300), slice(300, 7 * 96))):
        came = np.full(len(one.came), np.nan)
        came[rows] = one.came[rows]
        scored = score_queue(ToScore(**{**vars(one), "came": came}), UTC_ZONE)
        halves += [{**row, "forecast_id": k, "lead_days": "2-7"} for row in scored]
    whole = line(score_queue(one, UTC_ZONE), "15min", 2)
    table = pooled(pd.DataFrame(halves))
    assert table["step"].tolist() == ["15min", "hour", "day"]
    together = table.iloc[0]
    assert (together["versions"], together["intervals"]) == (2, 576)
    for name in ("contacts", "wape", "bias", "mase", "pinball", "coverage80", "naive_wape"):
        assert together[name] == pytest.approx(whole[name])


def test_a_figure_that_no_version_has_is_left_open_and_no_scores_pool_to_none():
    row = {
        "forecast_id": 1, "queue": "x", "step": "15min", "lead_days": "1", "intervals": 4,
        "contacts": 0.0, "wape": None, "bias": None, "pinball": None, "naive_wape": None,
        "naive_bias": None, "mase": 1.0, "coverage80": 1.0, "coverage95": 1.0, "naive_mase": None,
    }  # fmt: skip
    found = pooled(pd.DataFrame([row])).iloc[0]
    assert np.isnan(found["wape"])
    assert found["mase"] == 1.0
    assert pooled(pd.DataFrame(columns=list(row))).empty
