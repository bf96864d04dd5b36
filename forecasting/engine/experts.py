"""The experts: averages of recent same-weekday history in log space, of several makes.

Each expert is a memory (half-life in weeks), a smoothing over neighbouring slots, and a leaning of
weekdays on those like them. Its state before week w is a forecast of week w that has not seen it:
rolling origins cost nothing.

Source: recent same-weekday averages are hard to beat beyond two days (Taylor, Management Science
54:253, 2008); leaning is the empirical Bayes estimate of seven means whose distances are unknown
(Efron and Morris, JASA 70:311, 1975).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from forecasting.engine.blocks import WEEK, gaussian, smooth
from forecasting.grid import Bools, Floats, Ints

HALF_LIVES_WEEKS = (3.0, 20.0)
# How far a weekday leans on the others: not, cautiously, as far as their likeness bears.
LEANINGS = (0.0, 1.0)
# Smoothing's standard deviation, minutes.
SMOOTHINGS_MIN = (0.0, 30.0, 90.0)
DAY_MIN = 24 * 60
# Slots are shut where contacts were promised by the slots around, so many that chance would need
# e^-12 to keep them away.
SHUT_REACH_MIN = 60.0
SHUT_PROMISED = 12.0


@dataclass(frozen=True, eq=False)
class States:
    """Weighted sums before each week, and after the last: (series, weeks + 1, 7, slots)."""

    total: Floats
    weight: Floats


def states(values: Floats, half_life_weeks: float) -> States:
    """Exponentially forgetting sums of (series, weeks, 7, slots); NaN is skipped."""
    keep = 0.5 ** (1.0 / half_life_weeks)
    seen = np.isfinite(values)
    known = np.where(seen, values, 0.0)
    series, weeks, _, slots = values.shape
    total = np.zeros((series, weeks + 1, WEEK, slots))
    weight = np.zeros_like(total)
    for w in range(weeks):
        total[:, w + 1] = keep * total[:, w] + known[:, w]
        weight[:, w + 1] = keep * weight[:, w] + seen[:, w]
    return States(total, weight)


def weeks_seen(values: Floats) -> Ints:
    """How many weeks with any count lie before each week, and after the last: (series, weeks + 1).

    Below one an expert knows nothing, and what it says is not to be judged.
    """
    before = np.cumsum(np.isfinite(values).any(axis=(2, 3)), axis=1)
    found: Ints = np.concatenate((np.zeros((len(values), 1), dtype="int64"), before), axis=1)
    return found


def _filled(state: States) -> Floats:
    """Each weekday's own mean; slots it never showed take the other days'."""
    anyday = state.total.sum(axis=2, keepdims=True)
    anyday /= np.maximum(state.weight.sum(axis=2, keepdims=True), 1e-9)
    own = state.total / np.maximum(state.weight, 1e-9)
    return np.where(state.weight > 1e-9, own, anyday)


def _scatter(values: Floats, profile: Floats) -> Floats:
    """Variance of a single value around its profile, (series, 1, 1, 1)."""
    weeks = values.shape[1]
    miss = (values - profile[:, :weeks]) ** 2
    seen = np.isfinite(miss) & (weeks_seen(values)[:, :weeks] > 0)[:, :, None, None]
    total = np.where(seen, miss, 0.0).sum(axis=(1, 2, 3))
    count = seen.sum(axis=(1, 2, 3))
    # A profile of few weeks scatters by itself: about half of a single value's variance.
    found = np.where(count > 50, total / np.maximum(count, 1) / 1.5, 0.1) + 1e-6
    return found[:, None, None, None]


def leaning_profiles(state: States, scatter: Floats, leanings: tuple[float, ...]) -> list[Floats]:
    """Profiles in which weekdays borrow the shape of those like them; one for each of `leanings`.

    Day k, brought to day j's level, counts in day j's mean with precision 1 / (variance of its
    mean + squared distance of the two shapes), so that Friday joins Saturday where that is the
    weekend. Slots count by how busy they are: a quiet night tells little of a day's level.
    """
    own = _filled(state)
    has = state.weight > 1e-9
    mean = np.where(has, own, 0.0)
    variance = scatter / np.maximum(state.weight, 1e-9)
    busy = np.maximum(mean, 0.0)
    level = np.zeros((*own.shape[:2], WEEK, WEEK))
    apart = np.zeros_like(level)
    for j, k in combinations(range(WEEK), 2):
        both = has[:, :, j] & has[:, :, k]
        share = np.where(both, busy[:, :, j] + busy[:, :, k], 0.0)
        total = np.maximum(share.sum(axis=-1), 1e-9)
        step = mean[:, :, j] - mean[:, :, k]
        level[:, :, j, k] = (share * step).sum(axis=-1) / total
        level[:, :, k, j] = -level[:, :, j, k]
        square = (step - level[:, :, j, k, None]) ** 2 - variance[:, :, j] - variance[:, :, k]
        count = both.sum(axis=-1)
        distance = np.where(both, square, 0.0).sum(axis=-1) / np.maximum(count, 1)
        apart[:, :, j, k] = apart[:, :, k, j] = np.where(count > 0, np.maximum(distance, 0), 1e3)
    total = [np.empty_like(own) for _ in leanings]
    found = [np.empty_like(own) for _ in leanings]
    for j in range(WEEK):
        lent_weight = np.zeros_like(own[:, :, j])
        lent = np.zeros_like(lent_weight)
        for k in range(WEEK):
            if k != j:
                weight = has[:, :, k] / (variance[:, :, k] + apart[:, :, j, k, None])
                lent_weight += weight
                # A slot that is always empty stays so whatever the day's level.
                moved = np.maximum(mean[:, :, k] + level[:, :, j, k, None], 0.0)
                lent += weight * np.where(mean[:, :, k] > 0, moved, 0.0)
        alone = has[:, :, j] / variance[:, :, j]
        for i, leaning in enumerate(leanings):
            total[i][:, :, j] = alone + leaning * lent_weight
            found[i][:, :, j] = alone * mean[:, :, j] + leaning * lent
    return [
        np.where(t > 1e-12, f / np.maximum(t, 1e-12), own)
        for t, f in zip(total, found, strict=True)
    ]


def open_slots(logs: Floats) -> Bools:
    """Weekday slots in which anything may come, (series, 7, slots).

    Not those that were never seen on any day, nor runs of slots that were empty in every week
    although their neighbourhood promised contacts: doors are shut then. A queue that is merely
    quiet promises too little for that.
    """
    seen = np.isfinite(logs)
    weeks = seen.sum(axis=1)
    came = np.where(seen, np.expm1(np.where(seen, logs, 0.0)), 0.0).sum(axis=1)
    usual = came / np.maximum(weeks, 1)
    taps = gaussian(SHUT_REACH_MIN / DAY_MIN * logs.shape[-1])
    promised = (smooth(usual, taps) * weeks).reshape(len(logs), -1)
    empty = ((came == 0) & (weeks > 1)).reshape(len(logs), -1)
    # A run's promise: what had been promised at its end less what had been before its start.
    so_far = np.cumsum(np.where(empty, promised, 0.0), axis=1)
    begin = np.maximum.accumulate(np.where(empty, 0.0, so_far), axis=1)
    ends = empty & ~np.concatenate((empty[:, 1:], np.zeros((len(empty), 1), dtype=bool)), axis=1)
    final = np.where(ends | ~empty, so_far, np.inf)
    end = np.minimum.accumulate(final[:, ::-1], axis=1)[:, ::-1]
    shut = empty & (end - begin > SHUT_PROMISED)
    known = np.asarray(seen.any(axis=(1, 2)))[:, None]
    return np.asarray(known & ~shut.reshape(usual.shape))


def log_profiles(logs: Floats, is_open: Bools) -> Iterator[Floats]:
    """Each expert's forecasts of log1p counts: (series, weeks + 1, 7, slots).

    logs     log1p of the counts to learn from, (series, weeks, 7, slots); NaN where unknown
    is_open  (series, 7, slots): elsewhere nothing is forecast, and nothing is smoothed into it
    """
    slot_min = DAY_MIN / logs.shape[-1]
    doors = is_open[:, None].astype(float)
    taps = [gaussian(minutes / slot_min) for minutes in SMOOTHINGS_MIN]
    # How much of a slot's neighbourhood is open: what an average over it is divided by.
    reached = [np.maximum(smooth(doors, one), 1e-9) for one in taps]
    for half_life in HALF_LIVES_WEEKS:
        state = states(logs, half_life)
        leaning = tuple(x for x in LEANINGS if x > 0)
        own = _filled(state)
        shared = leaning_profiles(state, _scatter(logs, own), leaning)
        for profile in (own, *shared):
            inside = profile * doors
            for one, reach in zip(taps, reached, strict=True):
                yield smooth(inside, one) / reach * doors
