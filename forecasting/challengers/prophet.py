"""Prophet behind our protocol, set up for contact counts. The only importer of prophet.

It learns the last weeks by the hour on a log scale, so that nothing turns negative and a busy day
does not own the fit, with one daily shape for working days and one for weekends; our own profile
spreads each hour over its quarters. Only the most likely curve is fitted: the bands come from the
back-test, as for every model.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecasting.grid import SLOTS, Days, Floats, Ints, weekdays
from forecasting.profile import LogProfile
from forecasting.protocol import Cost, History, Prediction, refit_at_each

MIN_DAYS = 28
MAX_DAYS = 84
HOUR = 4
HOURS = SLOTS // HOUR
DAILY_WAVES = 10
# Calmer than the library's 0.05: a fortnight's spike is no new trend.
TREND_FLEXIBILITY = 0.01


def _hours(days: Days) -> pd.DataFrame:
    """One row an hour of the local days, naive stamps in nanoseconds as Prophet wants them."""
    stamps = np.repeat(days.astype("datetime64[ns]"), HOURS) + np.tile(
        np.arange(HOURS).astype("timedelta64[h]"), len(days)
    )
    weekend = np.repeat(weekdays(days) >= 5, HOURS)
    return pd.DataFrame(
        {"ds": stamps.astype("datetime64[ns]"), "weekend": weekend, "working": ~weekend}
    )


@contextmanager
def _quietly() -> Iterator[None]:
    """No chatter of the sampler, and no warnings about calls that the next pandas will drop."""
    chatty = [logging.getLogger(name) for name in ("cmdstanpy", "prophet", "prophet.plot")]
    before = [logger.disabled for logger in chatty]
    for logger in chatty:
        logger.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, was in zip(chatty, before, strict=True):
            logger.disabled = was


def _model() -> Any:
    from prophet import Prophet  # late: 2 s and 110 MB

    model = Prophet(
        daily_seasonality=False,
        weekly_seasonality=True,
        yearly_seasonality=False,
        changepoint_prior_scale=TREND_FLEXIBILITY,
        uncertainty_samples=0,
    )
    for part in ("working", "weekend"):
        model.add_seasonality(
            name=f"day_{part}", period=1, fourier_order=DAILY_WAVES, condition_name=part
        )
    return model


def _quarters(hourly: Floats, shape: Floats) -> Floats:
    """Hourly levels (days, 24) over their quarters as `shape` (days, 96) has them."""
    split = shape.reshape(len(shape), HOURS, HOUR)
    level = split.mean(axis=2, keepdims=True)
    share = np.divide(split, level, out=np.ones_like(split), where=level > 0)
    quarters: Floats = (hourly[:, :, None] * share).reshape(len(shape), SLOTS)
    return quarters


@dataclass(frozen=True)
class ProphetHourly:
    """Prophet on hourly log1p counts of the last twelve weeks."""

    seed: int = 0
    name: str = "prophet"
    cost: Cost = "challenger"

    def refusal(self, history: History) -> str | None:
        if len(history) < MIN_DAYS:
            return f"needs {MIN_DAYS} days of history, has {len(history)}"
        return None

    def predict(self, history: History, days: Days) -> Prediction:
        recent = history.since(len(history) - MAX_DAYS)
        capped = recent.cleaned.capped.reshape(-1, HOUR)
        seen = np.isfinite(capped)
        counts = np.where(seen, capped, 0.0).sum(axis=1)
        told = np.divide(
            counts, seen.sum(axis=1), out=np.full(len(counts), np.nan), where=seen.any(axis=1)
        )
        with _quietly():
            model = _model()
            table = _hours(recent.days).assign(y=np.log1p(told))
            model.fit(table.dropna(subset=["y"]), seed=self.seed)
            ahead = model.predict(_hours(days))["yhat"].to_numpy()
            behind = model.predict(table[["ds", "weekend", "working"]])["yhat"].to_numpy()
        hourly = np.maximum(np.expm1(ahead), 0.0).reshape(len(days), HOURS)
        fitted = np.maximum(np.expm1(behind), 0.0)[np.isfinite(told)].sum()
        smear = float(np.nansum(told) / fitted) if fitted > 0 else 1.0
        ours = LogProfile().predict(recent, days)
        return Prediction(_quarters(hourly, ours.median), _quarters(hourly * smear, ours.mean))

    def roll(self, history: History, origins: Ints, horizon: int) -> Prediction:
        return refit_at_each(self, history, origins, horizon)
