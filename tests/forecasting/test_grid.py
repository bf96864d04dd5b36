"""Folding to local days and back."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.grid import day_range, fold, local_slots, unfold, weekdays
from wfm.frames import interval_index

BERLIN = ZoneInfo("Europe/Berlin")


def local_day(day: str) -> pd.DatetimeIndex:
    """The intervals of one local day."""
    begin = pd.Timestamp(day, tz=BERLIN)
    return interval_index(
        begin.tz_convert("UTC"), (begin + pd.DateOffset(days=1)).tz_convert("UTC")
    )


@pytest.mark.parametrize(
    ("day", "intervals"), [("2026-03-29", 92), ("2026-03-30", 96), ("2026-10-25", 100)]
)
@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_day_keeps_its_total_whatever_the_clocks_do(day: str, intervals: int, seed: int) -> None:
    starts = local_day(day)
    counts = np.random.default_rng(seed).integers(0, 500, len(starts)).astype(float)

    days, matrix = fold(starts, counts, BERLIN)

    assert len(starts) == intervals
    assert matrix.shape == (1, 96)
    assert unfold(days, matrix, starts, BERLIN).sum() == pytest.approx(counts.sum())


def test_the_hour_that_happens_twice_is_averaged_and_the_one_that_does_not_is_missing() -> None:
    autumn, spring = local_day("2026-10-25"), local_day("2026-03-29")
    first = np.where(autumn < datetime(2026, 10, 25, 1, tzinfo=UTC), 10.0, 30.0)

    _, twice = fold(autumn, first, BERLIN)
    _, never = fold(spring, np.ones(92), BERLIN)

    assert twice[0, 8:12].tolist() == [20.0] * 4
    assert np.isnan(never[0]).nonzero()[0].tolist() == [8, 9, 10, 11]


def test_an_interval_without_a_row_is_missing_and_not_zero() -> None:
    starts = interval_index(datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 7, tzinfo=UTC))
    kept = starts.delete([5, 100])

    _, matrix = fold(kept, np.zeros(len(kept)), ZoneInfo("UTC"))

    assert np.isnan(matrix).sum() == 2
    assert np.isnan(matrix[0, 5])
    assert np.isnan(matrix[1, 4])


def test_the_order_of_rows_does_not_matter() -> None:
    starts = local_day("2026-10-25")
    counts = np.arange(100.0)
    shuffled = np.random.default_rng(3).permutation(100)

    _, sorted_matrix = fold(starts, counts, BERLIN)
    _, matrix = fold(starts[shuffled], counts[shuffled], BERLIN)

    np.testing.assert_array_equal(matrix, sorted_matrix)


def test_weekdays_and_slots_agree_with_the_calendar() -> None:
    starts = interval_index(datetime(2026, 3, 20, tzinfo=UTC), datetime(2026, 4, 3, tzinfo=UTC))
    days, slots = local_slots(starts, BERLIN)

    for at, day, slot in zip(starts[::7], days[::7], slots[::7], strict=True):
        local = at.to_pydatetime().astimezone(BERLIN)
        assert str(day) == str(local.date())
        assert slot == local.hour * 4 + local.minute // 15
    week = day_range(np.datetime64("2026-03-23"), np.datetime64("2026-03-29"))
    assert weekdays(week).tolist() == [0, 1, 2, 3, 4, 5, 6]
