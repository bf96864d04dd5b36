"""Dense grids: what models that know neither gaps nor shut doors are given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.conformal import Floats
from benchmarks.origins import Bools, Past
from forecasting.grid import Days, Ints, weekdays


@dataclass(frozen=True, eq=False)
class Dense:
    """A past without the days and hours that are always shut; gaps filled.

    rows, slots  indices of the kept days of the past and slots of the day
    week         days of the week that are ever open
    counts       (kept days, kept slots), gaps filled with what the weekday usually has there
    seen         the same shape: counts that are real
    ahead        indices of the coming days that are open
    """

    rows: Ints
    slots: Ints
    week: int
    counts: Floats
    seen: Bools
    ahead: Ints


def dense(past: Past) -> Dense:
    """The past as a full grid of open days and hours."""
    rows = np.flatnonzero(past.open.any(axis=1))
    slots = np.flatnonzero(past.open.any(axis=0))
    counts = past.counts[np.ix_(rows, slots)]
    seen = np.isfinite(counts)
    weekday = weekdays(past.days)[rows]
    anyday = _means(counts, seen)
    filled = counts.copy()
    for k in np.unique(weekday):
        same = weekday == k
        usual = _means(counts[same], seen[same])
        usual = np.where(seen[same].any(axis=0), usual, anyday)
        filled[same] = np.where(seen[same], counts[same], usual)
    ahead = np.flatnonzero(past.open_ahead.any(axis=1))
    return Dense(rows, slots, len(np.unique(weekday)), filled, seen, ahead)


def _means(counts: Floats, seen: Bools) -> Floats:
    total: Floats = np.where(seen, counts, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    return total


def spread_out(past: Past, grid: Dense, values: Floats) -> Floats:
    """Values (open days ahead, kept slots, ...) on all days and slots ahead; zero where shut."""
    full = np.zeros((len(past.ahead), past.slots, *values.shape[2:]))
    full[np.ix_(grid.ahead, grid.slots)] = values
    return full


def rest_days(days: Days, country: str | None) -> Bools:
    """The country's weekend; Saturday and Sunday where none is known."""
    import holidays

    weekend = {5, 6} if country is None else holidays.country_holidays(country).weekend
    return np.isin(weekdays(days), sorted(weekend))
