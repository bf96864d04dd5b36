"""The weekly seasonal naive: what every forecast is measured against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.grid import SLOTS, Days, Floats, Ints, weekdays
from forecasting.protocol import Cost, History, Prediction, refit_at_each


def _latest(counts: Floats, weekday: Ints) -> Floats:
    """The last count seen in each weekday's slot, shape (7, 96)."""
    latest = np.full((7, SLOTS), np.nan)
    for k in range(7):
        for row in counts[weekday == k]:
            latest[k] = np.where(np.isfinite(row), row, latest[k])
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
