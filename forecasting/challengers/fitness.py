"""What challengers ask of a history before they are put on it, and what their curves share."""

from __future__ import annotations

import numpy as np

from forecasting.grid import Floats
from forecasting.protocol import History

# Days a history must span, and how many of them must be ordinary: holidays and outages are not.
MIN_DAYS = 28
MIN_ORDINARY_DAYS = 21
# The last weeks are enough for daily and weekly shapes and keep a fit affordable.
MAX_DAYS = 84
# An hour of the week counts as shut below this share of the average.
SHUT_LEVEL = 0.02
# So much of the week may be shut, or never seen, before smooth curves are not put on it.
SPARED_SHARE = 0.10
# Half-life of a queue's level, and of what tells the mean from the median.
LEVEL_DAYS = 14.0
HOURS = 24


def recent(history: History) -> History:
    """The weeks a challenger learns from."""
    return history.since(len(history) - MAX_DAYS)


def too_short(history: History) -> str | None:
    """Why there is too little to learn from, or None."""
    if len(history) < MIN_DAYS:
        return f"needs {MIN_DAYS} days of history, has {len(history)}"
    learned = recent(history)
    days = int(np.isfinite(learned.cleaned.capped).any(axis=1).sum())
    if days < MIN_ORDINARY_DAYS:
        return (
            f"needs {MIN_ORDINARY_DAYS} ordinary days among the last {len(learned)}, has {days}; "
            "the others are missing, holidays, campaigns or outages"
        )
    return None


def _hours_of_week(history: History) -> Floats:
    """Mean count of each hour of the week, (7, 24); NaN where it was never seen."""
    learned = recent(history)
    hours = learned.cleaned.capped.reshape(len(learned), HOURS, -1)
    seen = np.isfinite(hours)
    volume = np.where(seen, hours, 0.0)
    level = np.full((7, HOURS), np.nan)
    for k in range(7):
        rows = learned.weekday == k
        count = seen[rows].sum(axis=(0, 2))
        np.divide(volume[rows].sum(axis=(0, 2)), count, out=level[k], where=count > 0)
    return level


def too_patchy(history: History) -> str | None:
    """Why free curves would invent what was never seen of the week, or None."""
    unseen = float(np.isnan(_hours_of_week(history)).mean())
    if unseen > SPARED_SHARE:
        return f"nothing is known of {unseen:.0%} of the week, where smooth curves run wild"
    return None


def too_silent(history: History) -> str | None:
    """Why smooth curves do not suit the queue, or None: they ring where doors close."""
    level = np.nan_to_num(_hours_of_week(history))
    shut = float((level <= SHUT_LEVEL * level.mean()).mean())
    if shut > SPARED_SHARE:
        return f"the queue is silent in {shut:.0%} of the week, where smooth curves ring"
    return None


def smear(counts: Floats, curve: Floats) -> float:
    """Ratio from a curve fitted on a log scale, (days, ...), to the counts: from median to mean.

    Recent days weigh more; 1 where the curve is nothing. Source: the smearing estimate (Duan, JASA
    78:605, 1983), as one ratio for all.
    """
    seen = np.isfinite(counts)
    weight = 0.5 ** (np.arange(len(counts))[::-1] / LEVEL_DAYS)
    came = float(weight @ np.where(seen, counts, 0.0).sum(axis=1))
    told = float(weight @ np.where(seen, curve, 0.0).sum(axis=1))
    return came / told if told > 0 else 1.0


def smoothed_level(rest: Floats) -> Floats:
    """Exponential average of `rest` (days, slots) up to each day, (days,); 0 before any is seen."""
    seen = np.isfinite(rest)
    totals, counts = np.where(seen, rest, 0.0).sum(axis=1), seen.sum(axis=1)
    age = np.subtract.outer(np.arange(len(rest)), np.arange(len(rest)))
    weight = np.where(age >= 0, 0.5 ** (np.maximum(age, 0) / LEVEL_DAYS), 0.0)
    mass = weight @ counts
    level = np.zeros(len(rest))
    np.divide(weight @ totals, mass, out=level, where=mass > 0)
    return level
