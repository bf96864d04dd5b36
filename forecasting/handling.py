"""Handling time by weekday and hour, shrunk to the hour of any day and that to the queue's mean."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from forecasting.grid import Floats, Ints, local_slots, weekdays

# What an hour is shrunk to is worth this many contacts of its own.
PRIOR_CONTACTS = 100.0
HALF_LIFE_DAYS = 42.0
HOURS = 24
SLOTS_OF_HOUR = 4


def _cells(starts: pd.DatetimeIndex, zone: ZoneInfo) -> Ints:
    """Weekday x 24 + hour of each interval, local."""
    days, slots = local_slots(starts, zone)
    return weekdays(days) * HOURS + slots // SLOTS_OF_HOUR


def forecast_aht(
    past: pd.DataFrame, starts: pd.DatetimeIndex, zone: ZoneInfo, *, default_s: float
) -> Floats:
    """Mean handling time, seconds, of contacts that arrive in each interval.

    past       one queue's VOLUMES rows; those without contacts or handling time teach nothing
    default_s  what is told where nothing is known
    """
    known = past[(past["contacts"] > 0) & (past["aht_s"] > 0)]
    if known.empty:
        return np.full(len(starts), default_s)
    began = pd.DatetimeIndex(known["start"])
    age = ((began.max() - began) / pd.Timedelta(days=1)).to_numpy(dtype=float)
    contacts = known["contacts"].to_numpy(dtype=float) * 0.5 ** (age / HALF_LIFE_DAYS)
    seconds = contacts * known["aht_s"].to_numpy(dtype=float)
    level = float(seconds.sum() / contacts.sum())
    cells = _cells(began, zone)
    shape = (7, HOURS)
    weight = np.bincount(cells, weights=contacts, minlength=7 * HOURS).reshape(shape).astype(float)
    total = np.bincount(cells, weights=seconds, minlength=7 * HOURS).reshape(shape).astype(float)
    anyday = _shrunk(total.sum(axis=0), weight.sum(axis=0), level)
    table = _shrunk(total, weight, anyday).ravel()
    return table[_cells(starts, zone)]


def _shrunk(total: Floats, weight: Floats, prior: Floats | float) -> Floats:
    mean: Floats = (total + PRIOR_CONTACTS * prior) / (weight + PRIOR_CONTACTS)
    return mean
