"""Local days by slots: counts on the UTC grid folded to a matrix of local days, and back.

People write by the clock on their wall, so models learn on local days of 96 slots. When clocks go
back an hour happens twice and its counts are averaged; when they go forward an hour is missing
(NaN). Unfolding reads each UTC interval's local slot, so such days have 100 and 92 intervals again
and keep their totals.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wfm.timegrid import INTERVAL_S, floor_interval

SLOTS = 24 * 3600 // INTERVAL_S

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Days = NDArray[np.datetime64]


def local_slots(starts: pd.DatetimeIndex, zone: ZoneInfo) -> tuple[Days, Ints]:
    """The local day and the slot (0 to 95) in which each UTC interval starts."""
    local = starts.tz_convert(zone)
    slots = (local.hour * 3600 + local.minute * 60) // INTERVAL_S
    return local.tz_localize(None).to_numpy().astype("datetime64[D]"), slots.to_numpy("int64")


def day_range(first: np.datetime64, last: np.datetime64) -> Days:
    """The consecutive local days from `first` to `last`, both included."""
    return np.arange(first, last + np.timedelta64(1, "D"), dtype="datetime64[D]")


def weekdays(days: Days) -> Ints:
    """0 is Monday."""
    # 1970-01-01 was a Thursday.
    return (days.astype("int64") + 3) % 7


def as_date(day: np.datetime64) -> date:
    return date.fromisoformat(str(day))


def cells_between(
    start: datetime, end: datetime, days: Days, zone: ZoneInfo, slots: int = SLOTS
) -> Bools:
    """The cells (days, slots) of local days that the span [start, end) touches."""
    touched = np.zeros((len(days), slots), dtype=bool)
    starts = pd.date_range(
        floor_interval(start), end, freq=f"{INTERVAL_S}s", inclusive="left", unit="us"
    )
    if not len(starts):
        return touched
    at, quarters = local_slots(starts, zone)
    rows = (at - days[0]).astype("int64")
    inside = (rows >= 0) & (rows < len(days))
    touched[rows[inside], quarters[inside] * slots // SLOTS] = True
    return touched


def fold(starts: pd.DatetimeIndex, values: Floats, zone: ZoneInfo) -> tuple[Days, Floats]:
    """The local days and their (days, 96) matrix; NaN where there is no value.

    Values of an hour that happens twice are averaged. `starts` need not be sorted.
    """
    return fold_slots(starts, values, zone, SLOTS)


def fold_slots(
    starts: pd.DatetimeIndex, values: Floats, zone: ZoneInfo, per_day: int
) -> tuple[Days, Floats]:
    """`fold` for a day of `per_day` slots."""
    local = starts.tz_convert(zone)
    days = local.tz_localize(None).to_numpy().astype("datetime64[D]")
    minutes = (local.hour * 60 + local.minute).to_numpy("int64")
    slots = minutes * per_day // (24 * 60)
    present = np.isfinite(values)
    span = day_range(days.min(), days.max())
    cells = (days - span[0]).astype("int64") * per_day + slots
    size = len(span) * per_day
    count = np.bincount(cells[present], minlength=size)
    total = np.bincount(cells[present], weights=values[present], minlength=size)
    matrix = np.full(size, np.nan)
    np.divide(total, count, out=matrix, where=count > 0)
    return span, matrix.reshape(-1, per_day)


def unfold(days: Days, matrix: Floats, starts: pd.DatetimeIndex, zone: ZoneInfo) -> Floats:
    """The value of `matrix` (days, 96, ...) at each UTC interval; all lie within `days`."""
    at, slots = local_slots(starts, zone)
    picked: Floats = matrix[(at - days[0]).astype("int64"), slots]
    return picked
