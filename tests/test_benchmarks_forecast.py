"""The forecast benchmark scores what it says it scores, and no method sees the future."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import batch, forecast
from benchmarks.conformal import LEVELS, conformal
from benchmarks.forecast import COLUMNS, evaluate
from benchmarks.forecast_peers import METHODS, Method
from benchmarks.origins import Answer, Past, candidates, choose_origins, past_at
from benchmarks.series import Series
from wfm.errors import DataError

SLOTS = 24
MONDAY = np.datetime64("2026-01-05")
WORKING_H = slice(8, 18)


def make_series(
    name: str = "a", *, days: int = 56, shut: bool = False, seed: int = 1, group: str = "calls"
) -> Series:
    """Hourly Poisson counts with a daily shape; `shut` outside 8 to 18 h and on weekends."""
    random = np.random.default_rng(seed)
    dates = MONDAY + np.arange(days)
    shape = 20 + 15 * np.sin((np.arange(SLOTS) - 8) * 2 * np.pi / SLOTS)
    counts = random.poisson(np.tile(shape, (days, 1))).astype(float)
    doors = np.ones(counts.shape, dtype=bool)
    if shut:
        doors[:] = False
        doors[:, WORKING_H] = (np.arange(days) % 7 < 5)[:, None]
        counts[~doors] = np.nan
    return Series(name, group, ZoneInfo("UTC"), "US", dates, counts, doors, 60)


def answering(value: Callable[[Past], Any]) -> Callable[[Sequence[Past], int], list[Answer]]:
    """A method whose every quantile is `value`."""

    def run(pasts: Sequence[Past], _seed: int) -> list[Answer]:
        return [
            Answer(np.repeat(np.asarray(value(past), float)[..., None], len(LEVELS), axis=-1))
            for past in pasts
        ]

    return run


def truth(past: Past) -> Any:
    """What will come: only a test may look."""
    begin = len(past.days)
    return np.nan_to_num(past.series.counts[begin : begin + len(past.ahead)])


@pytest.fixture
def with_method(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def add(name: str, run: Callable[[Sequence[Past], int], list[Answer]]) -> None:
        monkeypatch.setitem(METHODS, name, Method(name, run))

    return add


def picked(rows: list[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    (row,) = [r for r in rows if all(r[k] == v for k, v in wanted.items())]
    return row


# -- rows ----------------------------------------------------------------------------------------


def test_each_method_and_horizon_has_a_row_a_series_and_one_for_the_group():
    series = [make_series("a"), make_series("b", seed=2)]
    rows = evaluate(series, ["ours", "snaive_week", "dhr"], (1, 7), 3)
    assert all(tuple(row) == COLUMNS for row in rows)
    assert [(r["series"], r["method"], r["horizon_days"]) for r in rows] == [
        (name, method, horizon)
        for method in ("ours", "snaive_week", "dhr")
        for horizon in (1, 7)
        for name in ("a", "b", "ALL")
    ]
    assert all(np.isfinite([row[c] for c in COLUMNS[4:]]).all() for row in rows)


def test_the_groups_row_is_the_geometric_mean_of_its_series():
    rows = evaluate([make_series("a"), make_series("b", seed=2)], ["ours"], (7,), 3)
    a, b, both = (picked(rows, series=name) for name in ("a", "b", "ALL"))
    assert both["rel_wape"] == pytest.approx((a["rel_wape"] * b["rel_wape"]) ** 0.5, abs=1e-4)
    assert both["cov80"] == pytest.approx((a["cov80"] + b["cov80"]) / 2, abs=1e-4)


def test_the_weekly_naive_beside_itself_is_one():
    row = picked(evaluate([make_series()], ["snaive_week"], (7,), 3), series="a")
    assert (row["rel_wape"], row["pinball_ratio"]) == (1.0, 1.0)


def test_who_knows_what_comes_errs_nowhere(with_method: Callable[..., None]):
    with_method("oracle", answering(truth))
    row = picked(evaluate([make_series()], ["oracle"], (7,), 3), series="a")
    assert (row["rel_wape"], row["mase"], row["pinball_ratio"]) == (0.0, 0.0, 0.0)
    assert (row["cov80"], row["cov95"]) == (1.0, 1.0)


def test_on_a_steady_series_the_engine_halves_the_naives_surplus_error():
    row = picked(evaluate([make_series(days=84)], ["ours"], (7,), 4), series="ALL")
    # Two equal noises add up to sqrt(2) of one: that is what knowing the mean would save.
    assert row["rel_wape"] < (1 + 0.5**0.5) / 2


def test_shut_hours_are_not_scored(with_method: Callable[..., None]):
    with_method("wild", answering(lambda past: np.where(past.open_ahead, truth(past), 1e6)))
    rows = evaluate([make_series(shut=True)], ["wild"], (1, 7), 3)
    assert [row["rel_wape"] for row in rows] == [0.0] * 4


def test_scores_are_those_of_a_plain_loop():
    series = make_series()
    (origins,) = choose_origins([series], 7, 3).values()
    ours = theirs = scale = 0.0
    for origin in origins:
        for day in range(origin, origin + 7):
            for slot in range(SLOTS):
                came = series.counts[day, slot]
                ours += abs(came - series.counts[origin - 1, slot])
                theirs += abs(came - series.counts[day - 7, slot])
        steps = [abs(series.counts[d] - series.counts[d - 7]).mean() for d in range(7, origin)]
        scale += float(np.mean(steps))
    row = picked(evaluate([series], ["snaive_day"], (7,), 3), series="a")
    assert row["rel_wape"] == pytest.approx(ours / theirs, abs=1e-4)
    assert row["mase"] == pytest.approx(ours / (7 * SLOTS * 3) / (scale / 3), rel=0.02)


def test_forecasts_below_zero_are_clipped(with_method: Callable[..., None]):
    with_method("zero", answering(lambda past: np.zeros(past.open_ahead.shape)))
    with_method("below", answering(lambda past: np.full(past.open_ahead.shape, -50.0)))
    rows = evaluate([make_series()], ["zero", "below"], (7,), 2)
    zero, below = (picked(rows, method=name, series="a") for name in ("zero", "below"))
    assert zero["rel_wape"] == below["rel_wape"]


def test_a_series_the_naive_never_misses_has_no_ratio():
    steady = make_series()
    steady.counts[:] = np.tile(np.arange(SLOTS), (len(steady.days), 1))
    row = picked(evaluate([steady], ["dhr"], (7,), 2), series="ALL")
    assert row["rel_wape"] is None


def test_a_method_that_gives_no_number_is_refused(with_method: Callable[..., None]):
    with_method("broken", answering(lambda past: np.full(past.open_ahead.shape, np.nan)))
    with pytest.raises(DataError, match="broken gave no number for a from 2026-"):
        evaluate([make_series()], ["broken"], (1,), 1)


def test_an_unknown_method_is_refused_with_those_there_are():
    with pytest.raises(DataError, match="no method crystal_ball; there are ours, snaive_week"):
        evaluate([make_series()], ["crystal_ball"])


# -- origins -------------------------------------------------------------------------------------


def test_origins_are_open_days_behind_half_of_the_history_with_a_whole_week_ahead():
    series = make_series(days=100, shut=True)
    chosen = choose_origins([series], 7, 6)["a"]
    assert len(chosen) == 6
    assert min(chosen) >= 50
    assert max(chosen) + 7 <= 100
    assert all(series.open[day].any() for day in chosen)
    assert len({day % 7 for day in chosen}) > 1


def test_a_group_of_few_series_has_more_origins_each():
    alone = choose_origins([make_series(days=120)], 7, None)
    among = choose_origins([make_series(str(k), days=120) for k in range(4)], 7, None)
    assert [len(days) for days in alone.values()] == [24]
    assert [len(days) for days in among.values()] == [8] * 4


def test_an_unknown_day_neither_begins_nor_ends_a_horizon():
    series = make_series()
    series.counts[-3:] = np.nan
    series.counts[40] = np.nan
    days = candidates(series, 7)
    assert max(days) + 7 == len(series.days) - 3
    assert 40 not in days


def test_a_short_series_has_no_origin_and_no_rows():
    assert candidates(make_series(days=30), 7) == []
    assert evaluate([make_series(days=30)], ["ours"]) == []


def test_origins_keep_off_a_single_weekday():
    chosen = choose_origins([make_series(days=84)], 7, 6)["a"]
    assert len({day % 7 for day in chosen}) > 1


# -- methods -------------------------------------------------------------------------------------

CHEAP = ("ours", "snaive_week", "snaive_day", "mstl", "dhr")


@pytest.mark.parametrize("name", CHEAP)
def test_no_method_sees_what_comes(name: str):
    before = make_series(shut=True)
    after = make_series(shut=True)
    after.counts[35:] *= 7
    first, second = (
        METHODS[name].run([past_at(series, 35, 7)], 1)[0].quantiles for series in (before, after)
    )
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", list(METHODS))
def test_every_method_answers_whole_ascending_quantiles(name: str):
    method = METHODS[name]
    try:
        method.load()
    except ImportError as fault:
        pytest.skip(str(fault))
    past = past_at(make_series(shut=True), 35, 7)
    quantiles = method.run([past], 1)[0].quantiles
    assert quantiles.shape == (7, SLOTS, len(LEVELS))
    opened = quantiles[past.open_ahead]
    assert np.isfinite(opened).all()
    assert (opened >= 0).all()
    assert (np.diff(opened, axis=-1) >= 0).all()
    # Nobody is wildly wrong on so plain a series.
    actual = truth(past)[past.open_ahead]
    assert np.abs(opened[:, LEVELS.index(0.5)] - actual).sum() < actual.sum()


@pytest.mark.parametrize("name", CHEAP)
@pytest.mark.parametrize("value", [0.0, 3.0])
def test_every_cheap_method_survives_a_constant(name: str, value: float):
    series = make_series()
    series.counts[:] = value
    quantiles = METHODS[name].run([past_at(series, 40, 7)], 1)[0].quantiles
    np.testing.assert_allclose(quantiles[..., LEVELS.index(0.5)], value, atol=0.01)


@pytest.mark.parametrize("name", CHEAP)
def test_every_cheap_method_survives_a_month_without_counts(name: str):
    series = make_series(days=84)
    series.counts[30:55] = np.nan
    quantiles = METHODS[name].run([past_at(series, 60, 7)], 1)[0].quantiles
    assert np.isfinite(quantiles).all()


def test_what_was_never_seen_teaches_the_naives_bands_nothing():
    series = make_series(days=35)
    series.counts[0, :12] = np.nan
    for name in ("snaive_week", "snaive_day"):
        quantiles = METHODS[name].run([past_at(series, 28, 7)], 1)[0].quantiles
        assert quantiles.max() < 3 * np.nanmax(series.counts)


def test_bands_hold_what_they_promise_on_counts_they_have_not_seen():
    random = np.random.default_rng(5)
    means = random.uniform(1, 80, 40_000)
    counts = random.negative_binomial(5, 5 / (5 + means)).astype(float)
    seen, new = slice(0, 20_000), slice(20_000, None)
    quantiles = conformal(means[seen], counts[seen], np.zeros(20_000), means[new])
    actual = counts[new][:, None]
    within = [
        ((actual >= quantiles[:, [i]]) & (actual <= quantiles[:, [j]])).mean()
        for i, j in ((1, 3), (0, 5))
    ]
    assert within[0] == pytest.approx(0.80, abs=0.03)
    assert within[1] == pytest.approx(0.95, abs=0.015)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    pairs=st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)), max_size=50),
    median=st.lists(st.floats(0, 1e6), min_size=1, max_size=10),
)
def test_bands_are_ascending_whole_and_keep_the_median(
    pairs: list[tuple[float, float]], median: list[float]
):
    past, actual = (np.array([pair[k] for pair in pairs]) for k in (0, 1))
    quantiles = conformal(past, actual, np.zeros(len(pairs)), np.array(median))
    assert (np.diff(quantiles, axis=-1) >= 0).all()
    assert (quantiles >= 0).all()
    np.testing.assert_array_equal(quantiles[:, LEVELS.index(0.5)], median)


# -- command -------------------------------------------------------------------------------------


def write(folder: Path, days: int = 42) -> Path:
    folder.mkdir()
    for name in ("a.csv", "b.csv"):
        series = make_series(days=days)
        stamps = pd.date_range("2026-01-05", periods=days * SLOTS, freq="h").astype(str)
        table = pd.DataFrame({"timestamp": stamps, "value": series.counts.ravel()})
        table.to_csv(folder / name, index=False)
    (folder / "series.json").write_text(json.dumps({"a.csv": {}, "b.csv": {"group": "chats"}}))
    return folder


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> None:
    monkeypatch.setattr(sys, "argv", ["forecast", *map(str, words)])
    forecast.main()


def test_the_command_prints_and_writes_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "rows.json"
    run(monkeypatch, "--data", write(tmp_path / "calls"), "--quick", "--json", file)
    written = json.loads(file.read_text())
    assert {row["group"] for row in written["rows"]} == {"calls", "chats"}
    assert {row["method"] for row in written["rows"]} == set(forecast.QUICK_METHODS)
    assert set(written["meta"]["origins"]) == {"calls", "chats"}
    out = capsys.readouterr().out
    assert "calls 1 series x 4 origins = 4, 2026-02-" in out
    assert "dhr 84 days, calendar" in out


def test_a_folder_of_short_series_is_refused_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(SystemExit, match="no series is long enough: an origin takes 28 days"):
        run(monkeypatch, "--data", write(tmp_path / "calls", days=20), "--methods", "ours")


def test_a_folder_that_is_not_there_is_refused_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(SystemExit, match=r"has no series\.json"):
        run(monkeypatch, "--data", tmp_path / "nothing")


def test_a_method_whose_library_is_missing_is_left_out_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def missing() -> None:
        raise ImportError("libgomp.so.1 is not here")

    monkeypatch.setitem(METHODS, "lightgbm", Method("lightgbm", answering(truth), missing))
    assert forecast.usable(["ours", "lightgbm"]) == ["ours"]
    assert "lightgbm is left out: libgomp.so.1 is not here" in capsys.readouterr().err


# -- many series ---------------------------------------------------------------------------------


def test_synthetic_series_are_counts_of_eight_weeks_and_the_same_for_the_same_seed():
    counts = batch.synthetic(12, seed=3)
    assert counts.shape == (12, 56, 96)
    known = counts[np.isfinite(counts)]
    assert (known >= 0).all()
    assert (known == known.round()).all()
    np.testing.assert_array_equal(counts, batch.synthetic(12, seed=3))


@pytest.mark.parametrize(("method", "measured"), [("ours", 4), ("dhr", 1)])
def test_rows_of_a_batch_tell_cost_and_how_many_series_were_measured(method: str, measured: int):
    row = batch.engine(measured, 1) if method == "ours" else batch.peer(method, measured, 1)
    assert tuple(row) == batch.COLUMNS
    assert (row["method"], row["measured"]) == (method, measured)
    assert row["ms_per_series"] == pytest.approx(1000 * row["cpu_s"] / row["series"], abs=1)
    assert row["peak_mb"] > 50
