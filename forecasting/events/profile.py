"""The ordinary week around a past day: what its weekdays' slots were before and after it.

Averaged in log space, near weeks weighing more (half-life 21 days). Two settings suit the profile
to how much there is to see, and are chosen by the history itself from origins that cost nothing:
how far neighbouring slots are smoothed, and how strongly a weekday leans on its like (Monday to
Friday, Saturday and Sunday). Quiet queues and short histories get more of both.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from forecasting.grid import Floats, Ints
from forecasting.protocol import History, Prediction

HALF_LIFE_DAYS = 21.0
# Smoothing's standard deviation in slots, and weeks of evidence that its like lend a weekday.
SMOOTHING = (0.0, 1.0, 2.0, 4.0)
LEANING = (0.25, 1.0, 4.0)
# The mean's ratio to the median is smoothed over about two hours: it scatters more than either.
RATIO_SMOOTHING = 4.0
# Origins from which the settings are chosen, and how many days lie between them.
TUNING_ORIGINS = 12
TUNING_STEP = 2
TUNING_HORIZON = 7
FIRST_ORIGIN = 7
LIKE = (range(5), range(5, 7))


@dataclass(frozen=True)
class Shape:
    """How a profile is smoothed."""

    smoothing: float = 1.5
    leaning: float = 1.0


@dataclass(frozen=True, eq=False)
class Sums:
    """Weighted sums per weekday and slot, shape (origins, 7, 96)."""

    weight: Floats
    log: Floats
    count: Floats


def trailing_weights(days: int, origins: Ints) -> Floats:
    """Weight of each day as seen from each origin (origins, days); nothing from the origin on."""
    age = origins[:, None] - 1 - np.arange(days)
    return np.where(age >= 0, 0.5 ** (np.maximum(age, 0) / HALF_LIFE_DAYS), 0.0)


def both_sided_weights(days: int, centres: Ints) -> Floats:
    """Weight of each day as seen from the days `centres`, past and future alike."""
    distance = np.abs(centres[:, None] - np.arange(days))
    weights: Floats = 0.5 ** (distance / HALF_LIFE_DAYS)
    return weights


def weekday_sums(history: History, weights: Floats) -> Sums:
    """Weighted sums of what may be learned from, under each row of `weights` (rows, days)."""
    capped = history.cleaned.capped
    seen = np.isfinite(capped)
    counts = np.where(seen, capped, 0.0)
    layers = np.concatenate((seen.astype(float), np.log1p(counts), counts), axis=1)
    slots = capped.shape[1]
    sums = np.zeros((3, len(weights), 7, slots))
    for k in range(7):
        rows = history.weekday == k
        found = weights[:, rows] @ layers[rows]
        sums[:, :, k] = found.reshape(len(weights), 3, slots).transpose(1, 0, 2)
    return Sums(*sums)


def _smooth(week: Floats, sd: float) -> Floats:
    """A Gaussian over neighbouring slots, Sunday night running into Monday; (..., 7, 96)."""
    if sd == 0:
        return week
    flat = week.reshape(*week.shape[:-2], -1)
    around = flat.shape[-1]
    away = np.minimum(np.arange(around), around - np.arange(around))
    # Cut off at three deviations: a shut hour is not told of an open one far away.
    kernel = np.where(away <= 3 * sd, np.exp(-0.5 * (away / sd) ** 2), 0.0)
    transfer = np.fft.rfft(kernel / kernel.sum())
    smooth = np.fft.irfft(np.fft.rfft(flat, axis=-1) * transfer, n=around, axis=-1)
    return smooth.reshape(week.shape)


def _divide(numerator: Floats, denominator: Floats, missing: Floats | float) -> Floats:
    out = np.broadcast_to(np.asarray(missing, dtype=float), numerator.shape).copy()
    np.divide(numerator, denominator, out=out, where=denominator > 0)
    return out


def _log_profile(sums: Sums, leaning: float) -> Floats:
    """Mean of log1p per weekday and slot, each leaning on the days like it; (origins, 7, 96)."""
    anyday = _divide(sums.log.sum(axis=1), sums.weight.sum(axis=1), 0.0)[:, None]
    profile = np.empty_like(sums.log)
    for members in LIKE:
        log, weight = sums.log[:, members], sums.weight[:, members]
        like = _divide(log.sum(axis=1), weight.sum(axis=1), anyday[:, 0])[:, None]
        # The weekday's own level: how far it lies from its like over the slots it showed.
        offset = _divide(
            (log - weight * like).sum(axis=2), weight.sum(axis=2) + leaning * log.shape[2] / 4, 0.0
        )[:, :, None]
        # A slot that is always empty stays so whatever the day's level.
        lent = np.where(like > 0, np.maximum(like + offset, 0.0), 0.0)
        profile[:, members] = (log + leaning * lent) / (weight + leaning)
    return profile


def weekly_profile(sums: Sums, shape: Shape) -> Prediction:
    """Median and mean of each weekday and slot, shape (origins, 7, 96)."""
    logs = _smooth(_log_profile(sums, shape.leaning), shape.smoothing)
    median = np.maximum(np.expm1(logs), 0.0)
    # What the counts summed to over what the medians would have: from the median to the mean.
    made = _smooth(sums.count, RATIO_SMOOTHING)
    told = _smooth(sums.weight * median, RATIO_SMOOTHING)
    overall = _divide(sums.count.sum(axis=(1, 2)), (sums.weight * median).sum(axis=(1, 2)), 1.0)
    tiny = 1e-9 * (1.0 + told.max(initial=0.0))
    ratio = np.where(told > tiny, made, overall[:, None, None]) / np.where(told > tiny, told, 1.0)
    return Prediction(median, np.maximum(median * ratio, 0.0))


def tuned_shape(history: History) -> Shape:
    """The smoothing that would have served best over the last weeks."""
    last = len(history) - 1
    origins = np.arange(last, FIRST_ORIGIN - 1, -TUNING_STEP)[:TUNING_ORIGINS]
    if not len(origins):
        return Shape(smoothing=1.5, leaning=4.0)
    rows = origins[:, None] + np.arange(TUNING_HORIZON)
    inside = rows < len(history)
    rows = np.minimum(rows, last)
    actual = np.where(inside[:, :, None], history.cleaned.capped[rows], np.nan)
    sums = weekday_sums(history, trailing_weights(len(history), origins))
    at = np.arange(len(origins))[:, None]
    best, chosen = np.inf, Shape()
    for smoothing, leaning in product(SMOOTHING, LEANING):
        profile = np.expm1(_smooth(_log_profile(sums, leaning), smoothing))
        error = np.abs(actual - profile[at, history.weekday[rows]])
        total = float(np.nansum(error))
        if total < best:
            best, chosen = total, Shape(smoothing, leaning)
    return chosen


def profile_around(history: History, centres: Ints, shape: Shape) -> Prediction:
    """The ordinary week around each of the days `centres`, looking both ways; (days, 7, 96)."""
    return weekly_profile(weekday_sums(history, both_sided_weights(len(history), centres)), shape)
