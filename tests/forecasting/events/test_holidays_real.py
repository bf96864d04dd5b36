"""The promise on a real series through its holiday weeks: the calendar pays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.series import read_folders
from forecasting.engine.blend import Blend
from forecasting.events.holidays import holiday_effect, moved_by_holidays
from forecasting.grid import Floats
from forecasting.protocol import History

pytestmark = pytest.mark.real_data
WEEK = 7


def relative(actual: Floats, told: Floats, naive: Floats, days: int) -> float:
    known = np.isfinite(actual) & np.isfinite(naive)
    miss, last_week = np.abs(actual - told), np.abs(actual - naive)
    return float(miss[:, :days][known[:, :days]].sum() / last_week[:, :days][known[:, :days]].sum())


def test_with_the_calendar_taxi_rides_are_foretold_far_better(real_data: Path):
    (series,) = read_folders([real_data / "nyc_taxi"])
    origins = np.arange(len(series.days) // 2, len(series.days) - WEEK, 4)
    countries = ("US",)
    apart = moved_by_holidays(series.days, series.counts, countries)
    known = np.repeat(apart[:, None], series.slots, axis=1)
    nothing = np.zeros_like(known)
    told = History("taxi", series.days, series.counts, known)
    untold = History("taxi", series.days, series.counts, nothing)

    factor = np.array(
        [
            holiday_effect(told.until(o), series.days[o : o + WEEK], countries, nothing[:o]).factor
            for o in origins
        ]
    )
    with_it = Blend().roll(told, origins, WEEK).median * factor
    without = Blend().roll(untold, origins, WEEK).median

    rows = origins[:, None] + np.arange(WEEK)
    actual, naive = series.counts[rows], series.counts[rows - WEEK]
    assert len(origins) >= 24
    assert relative(actual, with_it, naive, 1) <= 0.69
    assert relative(actual, with_it, naive, WEEK) <= 0.74
    for days in (1, WEEK):
        gain = relative(actual, with_it, naive, days) / relative(actual, without, naive, days)
        assert gain < 0.95
