"""Learning from what is normal: spikes and lulls capped, outages and known events left out.

What is cut off is kept: `Cleaned.excess` is the ledger of spikes, `Cleaned.outage` marks the runs
of zeros that no quiet hour explains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.engine.blocks import to_days, to_weeks
from forecasting.grid import Bools, Floats, Ints

# A count is capped this many robust standard deviations above or below what is typical.
CAP_SD = 5.0
# For the median it is capped much closer: what lies beyond tells the side, not the distance. More
# so above than below, for crowds come at once and stay away one by one.
CALM_SD = (2.5, 1.75)
# Days on either side whose median tells the level of a day.
LEVEL_DAYS = 7
# A day's level is only judged where it is expected to see this many contacts.
LEVEL_CONTACTS = 20.0
# A run of zeros is an outage from an hour on, when chance would need e^-12 to make it.
OUTAGE_DAY_SHARE = 1 / 24
OUTAGE_EXPECTED = 12.0


@dataclass(frozen=True)
class Cleaned:
    """What a baseline may learn from, shape (..., days, slots).

    capped    counts with spikes and lulls capped; NaN where missing, moved by a known event, or an
              outage
    calm      the same, capped close to what is typical: fit to learn a median from
    excess    what was cut off spikes, 0 elsewhere
    outage    runs of zeros taken for an outage
    expected  what was typical there, given how busy the days around were
    """

    capped: Floats
    calm: Floats
    excess: Floats
    outage: Bools
    expected: Floats

    def one(self, i: int) -> Cleaned:
        """That of the i-th series."""
        return Cleaned(
            self.capped[i], self.calm[i], self.excess[i], self.outage[i], self.expected[i]
        )


def median(values: Floats, axis: int = 0) -> Floats:
    """Median along `axis` without the missing; NaN where all are missing."""
    ordered: Floats = np.sort(values, axis=axis)
    count: Ints = np.isfinite(values).sum(axis=axis, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis=axis)
    high = np.take_along_axis(ordered, np.minimum(count // 2, values.shape[axis] - 1), axis=axis)
    middle: Floats = np.squeeze(0.5 * (low + high), axis=axis)
    return middle


def _beside(counts: Floats, step: int) -> Floats:
    """Each count's neighbour, one slot earlier or later; (series, days, slots)."""
    flat = counts.reshape(len(counts), -1)
    moved = np.full_like(flat, np.nan)
    if step < 0:
        moved[:, 1:] = flat[:, :-1]
    else:
        moved[:, :-1] = flat[:, 1:]
    return moved.reshape(counts.shape)


def _typical(counts: Floats) -> Floats:
    """Median of each weekday and slot with the slots beside it, on every day."""
    weeks = [to_weeks(one, np.nan) for one in (_beside(counts, -1), counts, _beside(counts, 1))]
    week = median(np.concatenate(weeks, axis=1), axis=1)
    anyday = median(counts, axis=1)[:, None]
    week = np.nan_to_num(np.where(np.isfinite(week), week, anyday))
    everywhere = np.broadcast_to(week[:, None], weeks[0].shape)
    return to_days(everywhere, counts.shape[1])


def _level(counts: Floats, typical: Floats) -> Floats:
    """How busy the fortnight around each day was, 1 for normal, shape (series, days, 1)."""
    seen = np.isfinite(counts)
    expected = np.where(seen, typical, 0.0).sum(axis=2)
    # Bounded, so that one viral hour does not make a busy day.
    total = np.where(seen, np.fmin(counts, 3 * typical + 10), 0.0).sum(axis=2)
    ratio = np.full(expected.shape, np.nan)
    np.divide(total, expected, out=ratio, where=expected >= LEVEL_CONTACTS)
    edge = np.full((len(counts), LEVEL_DAYS), np.nan)
    padded = np.concatenate((edge, ratio, edge), axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * LEVEL_DAYS + 1, axis=1)
    level = median(windows, axis=2)
    return np.where(np.isfinite(level), level, 1.0)[:, :, None]


def _outages(counts: Floats, expected: Floats, spread: Floats) -> Bools:
    """Runs of zeros of an hour or more that are too long for the expected contacts."""
    series = len(counts)
    # One column more, so that no run passes from one series into the next.
    zero = np.zeros((series, counts[0].size + 1), dtype=bool)
    zero[:, :-1] = (counts == 0).reshape(series, -1)
    weight = np.zeros(zero.shape)
    weight[:, :-1] = expected.reshape(series, -1)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], zero.ravel().astype(np.int8)))))
    begins, ends = edges[::2], edges[1::2]
    sums = np.concatenate(([0.0], np.cumsum(weight)))
    # Overdispersed counts fall silent more often: ask for as much more as they scatter.
    wanted = OUTAGE_EXPECTED * spread[begins // zero.shape[1]] ** 2
    long = ends - begins >= max(1, round(counts.shape[2] * OUTAGE_DAY_SHARE))
    mask = np.zeros(zero.size, dtype=bool)
    for i in np.flatnonzero(long & (sums[ends] - sums[begins] > wanted)):
        mask[begins[i] : ends[i]] = True
    return mask.reshape(zero.shape)[:, :-1].reshape(counts.shape)


def clean(counts: Floats, known: Bools, trusted: Bools | None = None) -> Cleaned:
    """Counts fit to learn a baseline from.

    counts   (series, days, slots), NaN where missing; days are consecutive
    known    where a campaign, a holiday or a marked outage moved the count
    trusted  counts that are normal whatever they look like: never capped or left out

    The caps are e +- k s sqrt(e + 1): e the weekday's median at the slot times the level of the
    days around, s a robust spread (1 for Poisson counts).
    """
    ordinary = np.where(known, np.nan, counts)
    typical = _typical(ordinary)
    expected = typical * _level(ordinary, typical)
    scale = np.sqrt(expected + 1.0)
    scatter = median(np.abs((ordinary - expected) / scale).reshape(len(counts), -1), axis=1)
    spread = np.where(np.isfinite(scatter), np.maximum(1.0, 1.4826 * scatter), 1.0)
    outage = _outages(ordinary, expected, spread)
    trusted = np.zeros_like(outage) if trusted is None else trusted
    outage &= ~trusted
    ordinary = np.where(outage, np.nan, ordinary)
    room = spread[:, None, None] * scale
    capped, calm = (
        np.where(
            trusted,
            ordinary,
            np.clip(ordinary, np.maximum(expected - below * room, 0.0), expected + above * room),
        )
        for below, above in ((CAP_SD, CAP_SD), CALM_SD)
    )
    excess = np.nan_to_num(np.maximum(ordinary - capped, 0.0))
    return Cleaned(capped, calm, excess, outage, expected)
