"""What planners change in a forecast is changed exactly there, and can be explained."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.adjust import adjusted
from wfm.adjustments import Adjustment
from wfm.errors import FrameError, RequestError
from wfm.frames import FORECAST, PARTS, QUANTILE_COLUMNS, QUANTILES, interval_index

law = settings(max_examples=30, deadline=None, derandomize=True)
QUARTER = timedelta(minutes=15)
# Standard normal scores of QUANTILES, from a printed table.
SCORES = np.array([-1.96, -1.2816, 0.0, 0.8416, 1.2816, 1.6449, 1.96])


@pytest.fixture(scope="module")
def make_table(start) -> Callable[..., pd.DataFrame]:
    """FORECAST of some queues with the means given and a spread of `spread` x the mean."""

    def make(mean, *, queues: tuple[str, ...] = ("x",), spread: float = 0.3) -> pd.DataFrame:
        mean = np.asarray(mean, dtype=float)
        sd = np.sqrt(mean + (spread * mean) ** 2)
        quantiles = np.maximum(mean[:, None] + SCORES * sd[:, None], 0.0)
        one = pd.DataFrame(
            {
                "start": interval_index(start, start + len(mean) * QUARTER),
                "mean": mean,
                **{name: quantiles[:, i] for i, name in enumerate(QUANTILE_COLUMNS)},
                "aht_s": 300.0,
                "model": pd.Series(["log_profile"] * len(mean), dtype="str"),
            }
        )
        tables = [one.assign(queue=pd.Series([q] * len(mean), dtype="str")) for q in queues]
        return FORECAST.check(pd.concat(tables, ignore_index=True))

    return make


def parts_of(table: pd.DataFrame) -> pd.DataFrame:
    return PARTS.check(
        table[["start", "queue"]].assign(
            baseline=table["mean"] * 0.9, holiday=0.0, campaign=table["mean"] * 0.1, correction=0.0
        )
    )


@pytest.fixture(scope="module")
def make_adjustment(start) -> Callable[..., Adjustment]:
    """An adjustment of queue x over the intervals [first, last)."""

    def make(kind, first: int = 0, last: int = 8, *, queue: str = "x", **values) -> Adjustment:
        return Adjustment(
            queue, start + first * QUARTER, start + last * QUARTER, kind, "because", **values
        )

    return make


def total(table: pd.DataFrame, first: int, last: int) -> float:
    return float(table["mean"].iloc[first:last].sum())


def bands(table: pd.DataFrame) -> np.ndarray:
    return table[list(QUANTILE_COLUMNS)].to_numpy()


means = st.lists(st.floats(0, 500), min_size=8, max_size=12)


@law
@given(mean=means, percent=st.floats(-90, 400))
def test_a_percentage_and_its_exact_inverse_restore_the_forecast(
    make_table, make_adjustment, mean, percent
):
    table = make_table(mean)
    inverse = 100 * (1 / (1 + percent / 100) - 1)

    there = make_adjustment("percent", value=percent)
    back = make_adjustment("percent", value=inverse)
    again, parts = adjusted(table, parts_of(table), [there, back])

    np.testing.assert_allclose(again["mean"], table["mean"], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(bands(again), bands(table), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(parts["correction"], 0.0, atol=1e-9 * (1 + max(mean)))


@law
@given(mean=means, value=st.floats(0, 1e6), spread=st.sampled_from([0.0, 0.3, 3.0]))
def test_a_set_total_is_exact_and_the_rest_untouched(
    make_table, make_adjustment, mean, value, spread
):
    table = make_table(mean, spread=spread)

    after, _ = adjusted(table, parts_of(table), [make_adjustment("set", 2, 7, value=value)])

    assert total(after, 2, 7) == pytest.approx(value)
    outside = [0, 1, *range(7, len(mean))]
    pd.testing.assert_frame_equal(after.iloc[outside], table.iloc[outside])


kinds = st.one_of(
    st.fixed_dictionaries({"kind": st.just("set"), "value": st.floats(0, 1e5)}),
    st.fixed_dictionaries({"kind": st.just("percent"), "value": st.floats(-100, 1000)}),
    st.tuples(st.floats(0, 1e4), st.floats(0, 1e4)).map(
        lambda ends: {"kind": "range", "low": min(ends), "high": max(ends)}
    ),
)


@law
@given(
    mean=means,
    spread=st.sampled_from([0.0, 0.3, 3.0]),
    chosen=st.lists(st.tuples(kinds, st.integers(-3, 9), st.integers(1, 9)), max_size=4),
)
def test_any_adjustments_leave_a_sound_forecast_whose_parts_add_up(
    make_table, make_adjustment, mean, spread, chosen
):
    table = make_table(mean, queues=("x", "y"), spread=spread)
    before = table.copy(deep=True)
    parts = parts_of(table).sample(frac=1.0, random_state=1)

    adjustments = [make_adjustment(**one, first=at, last=at + n) for one, at, n in chosen]
    after, explained = adjusted(table, parts, adjustments)

    assert (np.diff(bands(after), axis=1) >= 0).all()
    assert np.isfinite(bands(after)).all()
    told = explained.set_index(["start", "queue"])[
        ["baseline", "holiday", "campaign", "correction"]
    ]
    rows = told.sum(axis=1).loc[pd.MultiIndex.from_frame(after[["start", "queue"]])]
    np.testing.assert_allclose(rows, after["mean"], rtol=1e-9, atol=1e-6)
    pd.testing.assert_frame_equal(table, before)
    pd.testing.assert_frame_equal(after[after["queue"] == "y"], table[table["queue"] == "y"])


def test_a_set_keeps_the_model_s_proportions_and_is_even_where_it_expects_none(
    make_table, make_adjustment
):
    table = make_table([0, 10, 30, 0, 0, 0, 0, 0])
    busy = make_adjustment("set", 0, 3, value=80)
    silent = make_adjustment("set", 4, 8, value=20)

    after, _ = adjusted(table, parts_of(table), [busy, silent])

    np.testing.assert_allclose(after["mean"], [0, 20, 60, 0, 5, 5, 5, 5])
    # Quantiles of a Poisson count of mean 5, from a printed table.
    assert bands(after)[4].tolist() == [1, 2, 5, 7, 8, 9, 10]


def test_a_set_to_what_is_expected_anyway_changes_nothing(make_table, make_adjustment):
    table = make_table([0.2, 1, 5, 40, 300, 7, 8, 9])

    after, _ = adjusted(table, parts_of(table), [make_adjustment("set", value=total(table, 0, 8))])

    pd.testing.assert_frame_equal(after, table)


def test_a_quiet_queue_set_busy_has_the_bands_of_a_busy_one(make_table, make_adjustment):
    quiet, busy = make_table([0.5] * 8, spread=0.2), make_table([50] * 8, spread=0.2)

    after, _ = adjusted(quiet, parts_of(quiet), [make_adjustment("set", value=400)])

    # What a quiet queue's low quantiles would be is hidden behind zero.
    np.testing.assert_allclose(bands(after)[:, 2:], bands(busy)[:, 2:], rtol=0.03)


def test_adjustments_apply_in_the_order_of_their_ids(make_table, make_adjustment):
    table = make_table([10.0] * 8)

    def after(*ids: int | None) -> pd.DataFrame:
        day = make_adjustment("set", 0, 8, value=160, adjustment_id=ids[0])
        hour = make_adjustment("set", 0, 4, value=40, adjustment_id=ids[1])
        more = make_adjustment("percent", 0, 4, value=50, adjustment_id=ids[2])
        return adjusted(table, parts_of(table), [more, hour, day])[0]

    # The later `set` wins inside its span, the percentage comes on top.
    assert after(1, 2, 3)["mean"].tolist() == [15.0] * 4 + [20.0] * 4
    assert after(1, 3, 2)["mean"].tolist() == [10.0] * 4 + [20.0] * 4
    # 40 in the first hour, half as much again, then the day's total in those proportions.
    assert after(9, 1, 2)["mean"].tolist() == pytest.approx([24.0] * 4 + [16.0] * 4)
    assert after(None, 1, 2)["mean"].tolist() == after(9, 1, 2)["mean"].tolist()


@pytest.mark.parametrize(("low", "high"), [(300, 500), (800, 1200), (350, 450)])
def test_a_range_holds_the_total_in_four_days_of_five(make_table, make_adjustment, low, high):
    """Witness: days drawn with one uncertain level and Poisson counts around it."""
    table = make_table([20, 40, 60, 80, 80, 60, 40, 20])

    after, _ = adjusted(table, parts_of(table), [make_adjustment("range", low=low, high=high)])

    assert total(after, 0, 8) == pytest.approx((low + high) / 2)
    mean = after["mean"].to_numpy()
    middle = (low + high) / 2
    rng = np.random.default_rng(1)
    level = np.sqrt(((high - low) / 2 / 1.2816) ** 2 - middle) / middle
    drawn = rng.poisson(mean * np.maximum(1 + level * rng.standard_normal((40_000, 1)), 0))
    inside = (drawn.sum(axis=1) >= low) & (drawn.sum(axis=1) <= high)
    assert inside.mean() == pytest.approx(0.80, abs=0.01)
    for i, share in enumerate(QUANTILES):
        counted = np.quantile(drawn, share, axis=0)
        np.testing.assert_allclose(bands(after)[:, i], counted, atol=1.5, rtol=0.02)


def test_a_range_narrower_than_chance_leaves_poisson_bands(make_table, make_adjustment):
    table = make_table([50.0] * 8, spread=0.5)

    after, _ = adjusted(table, parts_of(table), [make_adjustment("range", low=400, high=400)])

    np.testing.assert_allclose(bands(after)[0], 50 + SCORES * np.sqrt(50), rtol=0.001)


def test_the_part_of_a_span_inside_the_table_gets_its_share_by_time(make_table, make_adjustment):
    table = make_table([10.0] * 8)

    after, _ = adjusted(table, parts_of(table), [make_adjustment("set", 4, 12, value=160)])

    assert after["mean"].tolist() == [10.0] * 4 + [20.0] * 4


def test_spans_and_queues_outside_the_table_change_nothing(make_table, make_adjustment):
    table = make_table([10.0] * 8)
    parts = parts_of(table)
    others = [
        make_adjustment("set", 8, 12, value=5),
        make_adjustment("set", value=5, queue="another"),
    ]

    after, explained = adjusted(table, parts, others)

    pd.testing.assert_frame_equal(after, table)
    pd.testing.assert_frame_equal(explained, parts)


def test_a_forecast_of_unknown_parts_can_be_adjusted(make_table, make_adjustment):
    table = make_table([10.0] * 8)

    after, parts = adjusted(table, PARTS.empty(), [make_adjustment("percent", value=10)])

    assert after["mean"].tolist() == pytest.approx([11.0] * 8)
    assert parts.empty


@pytest.mark.parametrize("off", [timedelta(minutes=7), None])
def test_an_adjustment_off_the_grid_is_refused_with_the_way_out(make_table, start, off):
    begins: datetime = start + off if off else start.replace(tzinfo=None)
    ends = begins + timedelta(hours=1)
    table = make_table([1.0] * 8)

    with pytest.raises(RequestError, match="quarter of an hour and names its zone"):
        adjusted(table, parts_of(table), [Adjustment("x", begins, ends, "percent", "why", value=5)])


def test_a_broken_table_is_refused(make_table):
    table = make_table([1.0] * 8)

    with pytest.raises(FrameError, match="no column 'mean'"):
        adjusted(table.drop(columns="mean"), parts_of(table), [])
