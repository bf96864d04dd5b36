"""Prophet behind our protocol, as it comes and set up for contact counts. The only importer of it.

Both learn the last twelve weeks on local days; what a holiday, a campaign or an outage moved is
left out, and nothing turns negative. Only the most likely curve is fitted: the bands come from the
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

from forecasting.challengers.fitness import (
    HOURS,
    recent,
    smear,
    smoothed_level,
    too_patchy,
    too_short,
)
from forecasting.grid import Days, Floats, Ints
from forecasting.protocol import Cost, History, Prediction, refit_at_each

DAILY_WAVES = 10
# Up to nearly five waves a day that differ from weekday to weekday; the library has three a week.
WEEKLY_WAVES = 34
# Contacts by which the quarters of an hour lean on being alike.
EVEN_CONTACTS = 40.0
CHATTY = ("cmdstanpy", "prophet", "prophet.models", "prophet.plot")


def _stamps(days: Days, per_day: int) -> Any:
    """Naive local stamps in nanoseconds, as Prophet wants them, (days * per_day,)."""
    step = np.timedelta64(24 * 60 // per_day, "m")
    within = np.arange(per_day) * step
    return np.add.outer(days.astype("datetime64[ns]"), within.astype("timedelta64[ns]")).ravel()


@contextmanager
def _quietly() -> Iterator[None]:
    """No chatter of the sampler, and no warnings about calls that the next pandas will drop."""
    chatty = [logging.getLogger(name) for name in CHATTY]
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


@dataclass(frozen=True)
class ProphetDefault:
    """Prophet with its own settings on the counts of every interval, cut off at zero."""

    seed: int = 0
    name: str = "prophet"
    cost: Cost = "challenger"

    def refusal(self, history: History) -> str | None:
        return too_short(history)

    def predict(self, history: History, days: Days) -> Prediction:
        learned = recent(history)
        slots = learned.counts.shape[1]
        table = pd.DataFrame({"ds": _stamps(learned.days, slots), "y": learned.ordinary.ravel()})
        with _quietly():
            from prophet import Prophet  # late: 2 s and 110 MB

            model = Prophet(uncertainty_samples=0)
            model.fit(table.dropna(), seed=self.seed)
            told = model.predict(pd.DataFrame({"ds": _stamps(days, slots)}))["yhat"].to_numpy()
        curve = np.maximum(told, 0.0).reshape(len(days), slots)
        return Prediction(curve, curve)

    def roll(self, history: History, origins: Ints, horizon: int) -> Prediction:
        return refit_at_each(self, history, origins, horizon)


@dataclass(frozen=True)
class ProphetTuned:
    """Prophet by the hour on a log scale: finer shapes of day and week, and no trend.

    So nothing turns negative, a busy day does not own the fit, and each weekday has a daily shape
    of its own. The level follows the last weeks; hours are spread over their quarters as the
    quarters were.
    """

    seed: int = 0
    name: str = "prophet_tuned"
    cost: Cost = "challenger"

    def refusal(self, history: History) -> str | None:
        return too_short(history) or too_patchy(history)

    def predict(self, history: History, days: Days) -> Prediction:
        learned = recent(history)
        capped = learned.cleaned.capped.reshape(len(learned), HOURS, -1)
        seen = np.isfinite(capped)
        hourly = np.divide(
            np.where(seen, capped, 0.0).sum(axis=2),
            seen.sum(axis=2),
            out=np.full(capped.shape[:2], np.nan),
            where=seen.any(axis=2),
        )
        logs = np.log1p(hourly)
        with _quietly():
            from prophet import Prophet  # late: 2 s and 110 MB

            # No trend: the library's runs away with a last spike.
            model = Prophet(
                growth="flat",
                daily_seasonality=DAILY_WAVES,
                weekly_seasonality=WEEKLY_WAVES,
                yearly_seasonality=False,
                uncertainty_samples=0,
            )
            table = pd.DataFrame({"ds": _stamps(learned.days, HOURS), "y": logs.ravel()})
            model.fit(table.dropna(), seed=self.seed)
            ahead, behind = (
                model.predict(pd.DataFrame({"ds": _stamps(at, HOURS)}))["yhat"]
                .to_numpy()
                .reshape(-1, HOURS)
                for at in (days, learned.days)
            )
        level = smoothed_level(logs - behind)
        fitted = np.maximum(np.expm1(behind + level[:, None]), 0.0)
        hours = np.maximum(np.expm1(ahead + level[-1]), 0.0)
        curve = (hours[:, :, None] * _quarter_shares(capped)).reshape(len(days), -1)
        return Prediction(curve, curve * smear(hourly, fitted))

    def roll(self, history: History, origins: Ints, horizon: int) -> Prediction:
        return refit_at_each(self, history, origins, horizon)


def _quarter_shares(capped: Floats) -> Floats:
    """Each quarter over its hour's average, (hours, quarters); `capped` (days, hours, quarters)."""
    seen = np.isfinite(capped)
    days = np.maximum(seen.sum(axis=0), 1)
    rate = np.where(seen, capped, 0.0).sum(axis=0) / days + EVEN_CONTACTS / capped.shape[2] / days
    shares: Floats = rate / rate.mean(axis=1, keepdims=True)
    return shares
