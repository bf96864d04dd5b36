"""Prophet, as it comes and set up for counts of a quarter of an hour."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pandas as pd

from benchmarks.conformal import LEVELS, MIDDLE, Floats, conformal
from benchmarks.origins import WEEK, Answer, Bools, Past
from forecasting.grid import Days, weekdays
from wfm.calendars import WEEKDAYS as WEEKDAY_COLUMNS

DAY_MIN = 24 * 60
SAMPLES = 1000
# A log no forecast shall pass beyond what was ever seen: ten times as much.
HEADROOM = float(np.log(10.0))


def load() -> None:
    """Import the library."""
    with _quietly():
        import prophet  # noqa: F401


@contextmanager
def _quietly() -> Iterator[None]:
    """No chatter, and no warnings about calls that the next pandas will drop."""
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


def _stamped(days: Days, kept: Bools) -> pd.DataFrame:
    """One row for each kept slot: its stamp on the wall clock, and which weekday it is."""
    slots = kept.shape[1]
    minutes = (np.arange(slots) * DAY_MIN // slots).astype("timedelta64[m]")
    stamps = (days.astype("datetime64[m]")[:, None] + minutes)[kept].astype("datetime64[ns]")
    weekday = np.broadcast_to(weekdays(days)[:, None], kept.shape)[kept]
    return pd.DataFrame(
        {"ds": stamps, **{name: weekday == k for k, name in enumerate(WEEKDAY_COLUMNS)}}
    )


def _holidays(past: Past) -> pd.DataFrame | None:
    """All public holidays under one name, so that those of the past teach those to come."""
    days = np.concatenate((past.days[past.holidays], past.ahead[past.holidays_ahead]))
    if not len(days):
        return None
    return pd.DataFrame({"ds": days.astype("datetime64[ns]"), "holiday": "public"})


def _on_grid(past: Past, values: Floats) -> Floats:
    """Values of the open slots ahead, (horizon, slots, ...); zero where shut."""
    grid = np.zeros((*past.open_ahead.shape, *values.shape[1:]))
    grid[past.open_ahead] = values
    return grid


def prophet(pasts: Sequence[Past], seed: int) -> list[Answer]:
    """Prophet at its defaults, with the calendar; bands from its own predictive samples."""
    with _quietly():
        return [_default(past, seed) for past in pasts]


def _default(past: Past, seed: int) -> Answer:
    from prophet import Prophet

    known = np.isfinite(past.counts)
    model = Prophet(holidays=_holidays(past), uncertainty_samples=SAMPLES)
    model.fit(_stamped(past.days, known)[["ds"]].assign(y=past.counts[known]), seed=seed)
    ahead = _stamped(past.ahead, past.open_ahead)[["ds"]]
    # Prophet draws its samples from numpy's global generator.
    np.random.seed(seed)  # noqa: NPY002
    samples = model.predictive_samples(ahead)["yhat"]
    quantiles = np.quantile(samples, LEVELS, axis=1).T
    # The point is Prophet's own, for which it need not draw once more.
    model.uncertainty_samples = 0
    quantiles[:, MIDDLE] = model.predict(ahead)["yhat"].to_numpy()
    return Answer(_on_grid(past, np.maximum.accumulate(np.maximum(quantiles, 0.0), axis=-1)))


# -- tuned ----------------------------------------------------------------------------------------

# What served best on brands and taxis among flexible, calm and flat trends, four to twelve weeks, a
# shape for each weekday or for work and rest, and 8 to 14 waves: one shape a weekday, sharper than
# the default's four waves, around the level of the last six weeks.
DAILY_WAVES = 12
TUNED_DAYS = 42


def prophet_tuned(pasts: Sequence[Past], seed: int) -> list[Answer]:
    """Prophet on log1p counts, a shape for each weekday around a flat level; conformal bands."""
    with _quietly():
        return [_tuned(past, seed) for past in pasts]


def _tuned(past: Past, seed: int) -> Answer:
    median = _curve(past, past.days, past.counts, past.ahead, past.open_ahead, seed=seed)
    # So many waves fit the past better than what comes: the last week, forecast from before it,
    # tells by how much they miss.
    held = slice(len(past.days) - WEEK, None)
    before = slice(0, len(past.days) - WEEK)
    doors = past.open[held]
    told = _curve(past, past.days[before], past.counts[before], past.days[held], doors, seed=seed)
    actual = past.counts[held][doors]
    return Answer(_on_grid(past, conformal(told, actual, np.zeros(len(actual)), median)))


def _curve(
    past: Past, days: Days, counts: Floats, ahead: Days, doors: Bools, *, seed: int
) -> Floats:
    """The curve learned from `counts` at the open slots of the days `ahead`, flat."""
    from prophet import Prophet

    model = Prophet(
        growth="flat",
        holidays=_holidays(past),
        daily_seasonality=False,
        weekly_seasonality=True,
        yearly_seasonality=False,
        uncertainty_samples=0,
    )
    known = np.isfinite(counts)
    learned = _stamped(days, known)
    for name in WEEKDAY_COLUMNS:
        if learned[name].any():
            model.add_seasonality(
                name=f"day_{name}", period=1, fourier_order=DAILY_WAVES, condition_name=name
            )
    model.fit(learned.assign(y=np.log1p(counts[known])), seed=seed)
    logs = model.predict(_stamped(ahead, doors))["yhat"].to_numpy()
    curve: Floats = np.expm1(np.clip(logs, 0.0, np.log1p(counts[known].max()) + HEADROOM))
    return curve
