"""Weeks as blocks: many queues' pasts, cut into weeks that end with the last day known.

In an array (series, weeks, 7, slots) column j of every week is the same weekday, and it is the
weekday that lies j + 1 days ahead. Averages over the weeks axis need no calendar, whichever days
make a weekend, and the block after the last is the forecast.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from forecasting.grid import Floats

WEEK = 7

T = TypeVar("T", np.float64, np.bool_)


def to_weeks(values: NDArray[T], fill: T | float | bool) -> NDArray[T]:
    """(series, days, slots) as (series, weeks, 7, slots); `fill` stands before the first day."""
    series, days, slots = values.shape
    weeks = -(-days // WEEK)
    padded = np.full((series, weeks * WEEK, slots), fill, dtype=values.dtype)
    padded[:, weeks * WEEK - days :] = values
    return padded.reshape(series, weeks, WEEK, slots)


def to_days(blocks: NDArray[T], days: int) -> NDArray[T]:
    """The last `days` of (series, weeks, 7, slots) as (series, days, slots)."""
    series, weeks, _, slots = blocks.shape
    return blocks.reshape(series, weeks * WEEK, slots)[:, weeks * WEEK - days :]


def smooth(week: Floats, taps: Floats) -> Floats:
    """Neighbouring slots averaged with odd, symmetric `taps`; the week's end runs into its start.

    week  (..., 7, slots)
    """
    reach = len(taps) // 2
    if reach == 0:
        return week
    flat = week.reshape(*week.shape[:-2], -1)
    length = flat.shape[-1]
    wrapped = np.concatenate((flat[..., -reach:], flat, flat[..., :reach]), axis=-1)
    out: Floats = taps[reach] * flat
    for k in range(1, reach + 1):
        near = wrapped[..., reach - k : reach - k + length]
        near = near + wrapped[..., reach + k : reach + k + length]
        out += taps[reach + k] * near
    smoothed: Floats = out.reshape(week.shape)
    return smoothed


def gaussian(sd: float) -> Floats:
    """Taps of a Gaussian of that deviation in slots, cut off at three of them; summing to one."""
    if sd <= 0:
        return np.ones(1)
    reach = max(1, int(np.ceil(3 * sd)))
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sd) ** 2)
    found: Floats = taps / taps.sum()
    return found
