"""The weekly seasonal naive: what every forecast is measured against."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from forecasting.grid import Days, Floats, Ints, day_range, fold, local_slots, unfold, weekdays
from forecasting.protocol import Cost, History, Prediction, refit_at_each
from wfm.errors import DataError


def _latest(counts: Floats, weekday: Ints) -> Floats:
    """The last count seen in each weekday's slot, shape (7, slots)."""
    latest = np.full((7, counts.shape[1]), np.nan)
    for k in np.unique(weekday):
        rows = counts[weekday == k]
        order = np.arange(len(rows))[:, None]
        last = np.where(np.isfinite(rows), order, -1).max(axis=0)
        # Where nothing was seen, -1 picks the last row, which is NaN there.
        latest[k] = np.take_along_axis(rows, last[None, :], axis=0)[0]
    return latest


@dataclass(frozen=True)
class WeeklyNaive:
    """The same slot a week ago; further back where that is missing.

    A slot its weekday never showed takes the average of the other days' latest, or zero.
    """

    name: str = "weekly_naive"
    cost: Cost = "cheap"

    def refusal(self, history: History) -> str | None:
        return None

    def predict(self, history: History, days: Days) -> Prediction:
        latest = _latest(history.counts, history.weekday)
        seen = np.isfinite(latest)
        others = np.nan_to_num(latest).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
        week = np.where(seen, latest, others)[weekdays(days)]
        return Prediction(week, week)

    def roll(self, history: History, origins: Ints, horizon: int) -> Prediction:
        return refit_at_each(self, history, origins, horizon)


def last_week(rows: pd.DataFrame, starts: pd.DatetimeIndex, zone: ZoneInfo) -> Floats:
    """The weekly naive's contacts at each of `starts`, never NaN, from the volumes before them.

    rows    VOLUMES of one queue; what starts at or after the first of `starts` is not looked at
    starts  ascending UTC starts of intervals
    zone    in which last week's hour is the same hour

    Raises DataError when there are no volumes before `starts`.
    """
    rows = rows[rows["start"] < starts[0]]
    if rows.empty:
        raise DataError(
            f"no volumes before {starts[0]:%Y-%m-%d %H:%M} UTC, so there is no last week to "
            "compare with; import older volumes"
        )
    counts = rows["contacts"].to_numpy(dtype=float)
    days, matrix = fold(pd.DatetimeIndex(rows["start"]), counts, zone)
    history = History("", days, matrix, np.zeros(matrix.shape, dtype=bool))
    local, _ = local_slots(starts, zone)
    ahead = day_range(local.min(), local.max())
    return unfold(ahead, WeeklyNaive().predict(history, ahead).mean, starts, zone)
