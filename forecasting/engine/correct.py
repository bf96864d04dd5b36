"""What the last days say beyond the weekly profile: level, shape of yesterday, last hours.

Three corrections, each a factor on the coming days. How far each is followed is learned from the
past by regression through the origin, shrunk to a prior worth some days of evidence, and never
below nothing or above the whole: followed unshrunk, the level of a spiky queue does harm.

    level  a running mean of the days' log ratios, fading with every open day ahead
    shape  yesterday's smoothed log ratios around that level, for a day or two
    hours  the log ratio of yesterday's last two hours, fading over the first day

All three are left out for a queue whose past they would not have served.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.engine.blocks import gaussian
from forecasting.grid import Bools, Floats

# Half-life of a day in the level, days: the first, unless a longer one tells tomorrow this much
# better; how far tomorrow follows the level, and each further day less.
LEVEL_HALF_LIVES = (0.7, 2.0, 5.0)
LONGER_MUST_GAIN = 0.05
LEVEL_PRIOR, LEVEL_EVIDENCE = 0.5, 40.0
LEVEL_FADE = 0.7
# Half a day of a level of nothing: one day is not followed whole.
LEVEL_CALM = 0.5
SHAPE_PRIOR, SHAPE_EVIDENCE, SHAPE_MOST = 0.1, 7.0, 0.8
SHAPE_SMOOTHING_H = 0.5
HOURS_PRIOR, HOURS_EVIDENCE = 0.8, 20.0
HOURS_SEEN = 2.0
HOURS_FADE_H = 12.0
# Contacts as told that a log ratio leans on: a quiet day or hour proves little.
DAY_CALM, HOURS_CALM = 3.0, 2.0
# No ratio counts for more than a factor of e; in a single slot e^1.5.
MOST, SLOT_MOST = 1.0, 1.5
# The lead at which leads of two to seven days are judged.
MIDDLE_LEAD = 4
# The corrections are applied where they made the past's error smaller by this share, and where
# fewer days than these could tell.
GATE, GATE_DAYS = 0.002, 10


@dataclass(frozen=True, eq=False)
class Corrections:
    """Factors, and the free forecasts of the past with them in.

    ahead     (series, days ahead, slots) factors of the coming days
    tomorrow  (series, days, slots) each past day as it was forecast the night before
    later     the same as it was forecast some days before
    """

    ahead: Floats
    tomorrow: Floats
    later: Floats


def _slope(
    product: Floats, square: Floats, evidence: Floats, prior: float, most: float = 1.0
) -> Floats:
    """Regression through the origin, shrunk to `prior`; all sums over the same days."""
    return np.clip((product + evidence * prior) / (square + evidence + 1e-12), 0.0, most)


def _smoothed(values: Floats, sd: float) -> Floats:
    """Averaged over neighbouring slots of the same day, (..., slots)."""
    taps = gaussian(sd)
    reach = len(taps) // 2
    edges = [(0, 0)] * (values.ndim - 1) + [(reach, reach)]
    padded = np.pad(values, edges, mode="edge")
    slots = values.shape[-1]
    found = np.zeros_like(values)
    for i, tap in enumerate(taps):
        found += tap * padded[..., i : i + slots]
    return found


def _before(values: Floats, shown: Bools) -> Floats:
    """The last value shown before each day and after the last: (series, days + 1, ...).

    Days that showed nothing (shut, missing, a holiday) are passed over; zero before the first.
    """
    series, days = shown.shape
    found = np.zeros((series, days + 1, *values.shape[2:]))
    for t in range(days):
        keep = shown[:, t].reshape(-1, *([1] * (values.ndim - 2)))
        found[:, t + 1] = np.where(keep, values[:, t], found[:, t])
    return found


def _levels(ratio: Floats, shown: Bools, half_life: float) -> Floats:
    """Running mean of the days' log ratios before each day and after the last."""
    keep = 0.5 ** (1.0 / half_life)
    series, days = ratio.shape
    found = np.zeros((series, days + 1))
    total, weight = np.zeros(series), np.zeros(series)
    for t in range(days):
        on = shown[:, t]
        total = np.where(on, keep * total + ratio[:, t], total)
        weight = np.where(on, keep * weight + 1.0, weight)
        found[:, t + 1] = total / (weight + LEVEL_CALM)
    return found


def _level(ratio: Floats, shown: Bools) -> tuple[Floats, Floats]:
    """The level before each day and after the last, and how far the next day follows it.

    Its memory is each series' own: long where single days are noise around a slow level.
    """
    days_shown = np.maximum(shown.sum(axis=1), 1)
    evidence = LEVEL_EVIDENCE * ((ratio**2).sum(axis=1) / days_shown + 1e-4)
    level, trust = np.zeros((len(ratio), ratio.shape[1] + 1)), np.zeros(len(ratio))
    least = np.full(len(ratio), np.inf)
    for half_life in LEVEL_HALF_LIVES:
        tried = _levels(ratio, shown, half_life)
        slope = _slope(*_moments(tried[:, :-1], ratio, shown.astype(float)), evidence, LEVEL_PRIOR)
        miss = np.where(shown, (ratio - slope[:, None] * tried[:, :-1]) ** 2, 0.0).sum(axis=1)
        better = miss < least
        level = np.where(better[:, None], tried, level)
        trust = np.where(better, slope, trust)
        # A longer memory than the first must gain clearly.
        least = np.where(better, miss, least)
        if half_life == LEVEL_HALF_LIVES[0]:
            least = least * (1.0 - LONGER_MUST_GAIN)
    return level, trust


def _moments(x: Floats, y: Floats, weight: Floats) -> tuple[Floats, Floats]:
    axes = tuple(range(1, x.ndim))
    return (weight * x * y).sum(axis=axes), (weight * x * x).sum(axis=axes)


def corrections(profile: Floats, counts: Floats, ahead: Floats) -> Corrections:
    """Learn and apply the three corrections.

    profile  (series, days, slots) what the weekly profile said of each past day without seeing it
    counts   the same shape, calm counts; NaN where unknown or the profile had nothing to go by
    ahead    (series, days ahead, slots) what the profile says of the coming days
    """
    seen = np.isfinite(counts)
    weight = np.where(seen, profile, 0.0)
    came = np.where(seen, counts, 0.0)
    told, whole = weight.sum(axis=2), profile.sum(axis=2)
    shown = (told > 0.5 * whole) & (told > 0)
    days_shown = np.maximum(shown.sum(axis=1), 1)

    # In logs slot by slot, as the profile is learned: a ratio of totals, means over medians, would
    # lie above one on every day and be taken for a level.
    miss = np.where(seen, np.log1p(came) - np.log1p(profile), 0.0)
    ratio = np.clip((weight * miss).sum(axis=2) / (told + DAY_CALM), -MOST, MOST)
    ratio = np.where(shown, ratio, 0.0)
    level, trust = _level(ratio, shown)
    # A day further ahead counts when the doors are open on it.
    lead = np.cumsum(ahead.sum(axis=2) > 0, axis=1)
    follow = trust[:, None] * LEVEL_FADE ** np.maximum(lead - 1, 0)
    factor = np.repeat(np.exp(follow * level[:, -1:])[:, :, None], counts.shape[2], axis=2)
    tomorrow = profile * np.exp(trust[:, None] * level[:, :-1])[:, :, None]
    past = np.concatenate((np.zeros((len(level), MIDDLE_LEAD)), level), axis=1)
    fading = trust[:, None] * LEVEL_FADE ** (MIDDLE_LEAD - 1)
    later = profile * np.exp(fading * past[:, 1 : counts.shape[1] + 1])[:, :, None]

    per_hour = counts.shape[2] / 24
    miss = np.where(seen, np.log1p(came) - np.log1p(tomorrow), 0.0)
    miss = np.clip(miss, -SLOT_MOST, SLOT_MOST)
    turn = np.where(seen, _smoothed(miss, SHAPE_SMOOTHING_H * per_hour), 0.0)
    middle = (weight * turn).sum(axis=2) / np.maximum(told, 1e-9)
    shape = _before(turn - middle[:, :, None], shown)
    product, square = _moments(shape[:, :-1], turn - middle[:, :, None], weight)
    evidence = SHAPE_EVIDENCE * square / days_shown
    bend = _slope(product, square, evidence, SHAPE_PRIOR, SHAPE_MOST)[:, None]
    for i, power in enumerate((1, 2)[: ahead.shape[1]]):
        factor[:, i] *= np.exp(bend**power * shape[:, -1])

    last = max(1, round(HOURS_SEEN * per_hour))
    late = weight[:, :, -last:]
    end = (late * miss[:, :, -last:]).sum(axis=2) / (late.sum(axis=2) + HOURS_CALM)
    hours = _before(np.clip(end, -MOST, MOST), shown)
    fade = np.exp(-(np.arange(counts.shape[2]) + 0.5) / (HOURS_FADE_H * per_hour))
    rest = miss - bend[:, :, None] * shape[:, :-1]
    product, square = _moments(hours[:, :-1, None] * fade, rest, weight)
    carry = _slope(product, square, HOURS_EVIDENCE * square / days_shown, HOURS_PRIOR)[:, None]
    factor[:, 0] *= np.exp(carry * hours[:, -1:] * fade)
    tomorrow = tomorrow * np.exp(
        bend[:, :, None] * shape[:, :-1] + (carry * hours[:, :-1])[:, :, None] * fade
    )
    plain, corrected = (
        np.where(seen, np.abs(came - f), 0.0).sum(axis=(1, 2)) for f in (profile, tomorrow)
    )
    gate = (corrected < (1 - GATE) * plain) | (shown.sum(axis=1) < GATE_DAYS)
    on = gate[:, None, None]
    return Corrections(
        np.where(on, factor, 1.0), np.where(on, tomorrow, profile), np.where(on, later, profile)
    )
