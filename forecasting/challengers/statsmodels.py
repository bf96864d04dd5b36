"""Dynamic harmonic regression: smooth daily and weekly waves, and what the last hours say.

Least squares on log1p counts with recency weights; the residuals follow an autoregression on the
last hour and on yesterday. Strong on smooth queues that never shut; where doors close, waves ring.
The only importer of statsmodels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.grid import SLOTS, Days, Floats, Ints, weekdays
from forecasting.protocol import Cost, History, Prediction, refit_at_each

MIN_DAYS = 28
# The last weeks are enough for the waves and keep a fit within a second.
MAX_DAYS = 84
HALF_LIFE_DAYS = 28.0
DAILY_WAVES = 12
WEEKEND_WAVES = 6
WEEKLY_WAVES = 6
LAGS = [1, 2, 3, 4, SLOTS]
# An hour of the week counts as shut below this share of the average; so many may be.
SHUT_LEVEL = 0.02
SHUT_SHARE = 0.10
HOURS = 24


def _waves(day: Floats, slot: Floats, weekend: Floats) -> Floats:
    """Regressors of each interval, one row each."""
    of_day = 2 * np.pi * slot / SLOTS
    of_week = 2 * np.pi * (day * SLOTS + slot) / (7 * SLOTS)
    columns = [np.ones_like(of_day), weekend]
    for k in range(1, DAILY_WAVES + 1):
        columns += [np.sin(k * of_day), np.cos(k * of_day)]
    for k in range(1, WEEKEND_WAVES + 1):
        columns += [weekend * np.sin(k * of_day), weekend * np.cos(k * of_day)]
    # Whole multiples of seven are the daily waves again.
    for k in range(1, WEEKLY_WAVES + 1):
        columns += [np.sin(k * of_week), np.cos(k * of_week)]
    return np.column_stack(columns)


def _design(days: Days) -> Floats:
    day = np.repeat(weekdays(days), SLOTS)
    slot = np.tile(np.arange(SLOTS), len(days)).astype(float)
    return _waves(day.astype(float), slot, (day >= 5).astype(float))


@dataclass(frozen=True)
class Harmonic:
    """Dynamic harmonic regression on log1p counts with autoregressive errors."""

    name: str = "harmonic"
    cost: Cost = "challenger"

    def refusal(self, history: History) -> str | None:
        if len(history) < MIN_DAYS:
            return f"needs {MIN_DAYS} days of history, has {len(history)}"
        hours = history.cleaned.capped.reshape(len(history), HOURS, -1)
        seen = np.isfinite(hours)
        volume = np.where(seen, hours, 0.0)
        level = np.stack(
            [
                volume[rows].sum(axis=(0, 2)) / np.maximum(seen[rows].sum(axis=(0, 2)), 1)
                for rows in (history.weekday == k for k in range(7))
            ]
        )
        shut = float((level <= SHUT_LEVEL * level.mean()).mean())
        if shut > SHUT_SHARE:
            return f"the queue is silent in {shut:.0%} of the week, where smooth curves ring"
        return None

    def predict(self, history: History, days: Days) -> Prediction:
        import statsmodels.api as sm  # late: 1 s and 90 MB
        from statsmodels.tsa.ar_model import AutoReg

        recent = history.since(len(history) - MAX_DAYS)
        capped = recent.cleaned.capped.ravel()
        seen = np.isfinite(capped)
        design = _design(recent.days)
        age = np.repeat(np.arange(len(recent))[::-1], SLOTS)
        target = np.log1p(capped[seen])
        fit = sm.WLS(target, design[seen], weights=0.5 ** (age[seen] / HALF_LIFE_DAYS)).fit()
        residual = np.zeros(len(capped))
        residual[seen] = fit.resid
        # Predicted from the last day seen to the last asked for: a gap is bridged, then cut off.
        ahead = int((days[-1] - history.days[-1]).astype("int64")) * SLOTS
        carried = AutoReg(residual, LAGS, trend="n").fit().forecast(ahead)
        wave = _design(days) @ fit.params
        logs = wave + carried[-len(wave) :]
        curve = np.maximum(np.expm1(logs), 0.0)
        told = np.maximum(np.expm1(fit.fittedvalues), 0.0).sum()
        smear = float(capped[seen].sum() / told) if told > 0 else 1.0
        shape = (len(days), SLOTS)
        return Prediction(curve.reshape(shape), (curve * smear).reshape(shape))

    def roll(self, history: History, origins: Ints, horizon: int) -> Prediction:
        return refit_at_each(self, history, origins, horizon)
