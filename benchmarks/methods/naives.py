"""What happened last: the methods to beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.conformal import LEVELS, Floats, conformal
from benchmarks.origins import WEEK, Answer, Past

# How many past days teach the bands.
BAND_DAYS = 56


def latest(counts: Floats, season: int) -> Floats:
    """The last count seen at each slot of a season of `season` days, (season, slots).

    Row 0 is the day after the last. A slot never seen takes the other days' average, and is NaN
    where there is none.
    """
    found = np.full((season, counts.shape[1]), np.nan)
    for row in range(season):
        for back in range(len(counts) - season + row, -1, -season):
            found[row] = np.where(np.isfinite(found[row]), found[row], counts[back])
            if np.isfinite(found[row]).all():
                break
    seen = np.isfinite(found)
    others = np.full(found.shape[1], np.nan)
    total = np.where(seen, found, 0.0).sum(axis=0)
    np.divide(total, seen.sum(axis=0), out=others, where=seen.any(axis=0))
    return np.where(seen, found, others)


def _naive(past: Past, season: int) -> Answer:
    horizon = len(past.ahead)
    # What was never seen is forecast as nothing, and teaches nothing.
    median = np.nan_to_num(latest(past.counts, season))[np.arange(horizon) % season]
    first = max(season, len(past.days) - BAND_DAYS)
    quantiles = np.empty((*median.shape, len(LEVELS)))
    # Each lead's bands from what that lead missed: a day's naive gets worse with every day.
    for lead in range(horizon):
        before, came, ages = [], [], []
        for day in range(first + lead, len(past.days)):
            before.append(latest(past.counts[: day - lead], season)[lead % season])
            came.append(past.counts[day])
            ages.append(np.full(past.slots, len(past.days) - day - 1.0))
        quantiles[lead] = conformal(_joined(before), _joined(came), _joined(ages), median[lead])
    return Answer(quantiles)


def _joined(rows: list[Floats]) -> Floats:
    return np.concatenate([np.empty(0), *rows])


def snaive_week(pasts: Sequence[Past], _seed: int) -> list[Answer]:
    """The same slot a week ago."""
    return [_naive(past, WEEK) for past in pasts]


def snaive_day(pasts: Sequence[Past], _seed: int) -> list[Answer]:
    """The same slot on the last day."""
    return [_naive(past, 1) for past in pasts]
