"""Learning from what is normal: spikes and lulls capped, outages and known events left out.

What is cut off is kept: `Cleaned.excess` is the ledger of spikes, `Cleaned.outage` marks the runs
of zeros that no quiet hour explains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.grid import SLOTS, Bools, Floats, Ints

# A count is capped this many robust standard deviations above or below what is typical.
CAP_SD = 5.0
# Days on either side whose median tells the level of a day.
LEVEL_DAYS = 7
# A day's level is only judged where it is expected to see this many contacts.
LEVEL_CONTACTS = 20.0
# A run of zeros is an outage from an hour on, when chance would need e^-12 to make it.
OUTAGE_SLOTS = 4
OUTAGE_EXPECTED = 12.0


@dataclass(frozen=True)
class Cleaned:
    """What a baseline may learn from, shape (days, 96).

    capped  counts with spikes and lulls capped; NaN where missing, moved by a known event, or an
            outage
    excess  what was cut off spikes, 0 elsewhere
    outage  runs of zeros taken for an outage
    """

    capped: Floats
    excess: Floats
    outage: Bools


def median(values: Floats, axis: int = 0) -> Floats:
    """Median along `axis` without the missing; NaN where all are missing."""
    ordered: Floats = np.sort(values, axis=axis)
    count: Ints = np.isfinite(values).sum(axis=axis, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis=axis)
    high = np.take_along_axis(ordered, np.minimum(count // 2, values.shape[axis] - 1), axis=axis)
    middle: Floats = np.squeeze(0.5 * (low + high), axis=axis)
    return middle


def _typical(counts: Floats, weekday: Ints) -> Floats:
    """Median of each weekday and slot, with the slots beside it, shape (7, 96)."""
    flat = counts.ravel()
    before = np.concatenate(([np.nan], flat[:-1])).reshape(counts.shape)
    after = np.concatenate((flat[1:], [np.nan])).reshape(counts.shape)
    typical = np.full((7, SLOTS), np.nan)
    for k in range(7):
        rows = weekday == k
        if rows.any():
            typical[k] = median(np.concatenate((before[rows], counts[rows], after[rows])))
    anyday = median(counts)
    typical = np.where(np.isfinite(typical), typical, anyday)
    filled: Floats = np.nan_to_num(typical)
    return filled


def _level(counts: Floats, typical: Floats) -> Floats:
    """How busy the fortnight around each day was, 1 for normal, shape (days, 1)."""
    seen = np.isfinite(counts)
    expected = np.where(seen, typical, 0.0).sum(axis=1)
    # Bounded, so that one viral hour does not make a busy day.
    total = np.where(seen, np.fmin(counts, 3 * typical + 10), 0.0).sum(axis=1)
    ratio = np.full(len(counts), np.nan)
    np.divide(total, expected, out=ratio, where=expected >= LEVEL_CONTACTS)
    padded = np.concatenate((np.full(LEVEL_DAYS, np.nan), ratio, np.full(LEVEL_DAYS, np.nan)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * LEVEL_DAYS + 1)
    level = median(windows, axis=1)
    return np.where(np.isfinite(level), level, 1.0)[:, None]


def _outages(counts: Floats, expected: Floats, spread: float) -> Bools:
    """Runs of zeros of an hour or more that are too long for the expected contacts."""
    zero = (counts == 0).ravel()
    edges = np.flatnonzero(np.diff(np.concatenate(([0], zero.astype(np.int8), [0]))))
    begins, ends = edges[::2], edges[1::2]
    sums = np.concatenate(([0.0], np.cumsum(expected.ravel())))
    weight = sums[ends] - sums[begins]
    # Overdispersed counts fall silent more often: ask for as much more as they scatter.
    found = (ends - begins >= OUTAGE_SLOTS) & (weight > OUTAGE_EXPECTED * spread**2)
    mask = np.zeros(counts.size, dtype=bool)
    for begin, end in zip(begins[found], ends[found], strict=True):
        mask[begin:end] = True
    return mask.reshape(counts.shape)


def clean(counts: Floats, weekday: Ints, known: Bools) -> Cleaned:
    """Counts fit to learn a baseline from.

    counts   (days, 96), NaN where missing
    weekday  (days,), 0 is Monday
    known    (days, 96), where a campaign, a holiday or a marked outage moved the count

    The caps are e +- 5 s sqrt(e + 1): e the weekday's median at the slot times the level of the
    days around, s a robust spread (1 for Poisson counts).
    """
    ordinary = np.where(known, np.nan, counts)
    typical = _typical(ordinary, weekday)[weekday]
    expected = typical * _level(ordinary, typical)
    scale = np.sqrt(expected + 1.0)
    scatter = median(np.abs((ordinary - expected) / scale).ravel())
    spread = max(1.0, 1.4826 * float(scatter)) if np.isfinite(scatter) else 1.0
    outage = _outages(ordinary, expected, spread)
    ordinary[outage] = np.nan
    room = CAP_SD * spread * scale
    capped = np.clip(ordinary, np.maximum(expected - room, 0.0), expected + room)
    excess = np.nan_to_num(np.maximum(ordinary - capped, 0.0))
    return Cleaned(capped, excess, outage)
