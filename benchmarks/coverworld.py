"""The week that `benchmarks.cover` covers: a demand curve of any size, shifts with breaks, a count.

Agents on queue are wanted in each of the 672 quarter hours of a week that goes around:

    wanted(t) = round(low + (peak - low) * shape(t) ** c),   low = 20/211 of the peak

    shape(t)  0 in the quietest quarter hour and 1 in the busiest, of
              day(t) * noise(t)
              * (0.08 + hump(t, 11 h + a, 3 h) + 0.85 * hump(t, 19.5 h + b, 2.6 h))
    hump(t, h, w)  exp(-d^2 / 2w^2), d the hours between t's time of day and h, around midnight
    day(t)    at noon from Monday to Sunday 1, .97, .95, .96, .98, .82, .76, each times
              exp(N(0, .03)); straight between noons
    a, b      N(0, .5) hours; noise(t) is exp(N(0, .03)) of its own in every quarter hour
    c         such that the week asks for 16,170 agent-hours at a peak of 211, others in proportion

The random parts follow from the seed. A shift costs its paid hours and a quarter of an hour, an
agent-hour not covered 3. Rests are paid, meals are not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.rostering.weekprogram import Pattern, WeekShifts

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAYS = 7
PER_DAY = 96
PER_HOUR = 4
INTERVALS = DAYS * PER_DAY
START_EVERY = 2
SHORT = 3.0
PER_SHIFT = 0.25

# At a peak of so many, so many agents in the quietest quarter hour and agent-hours in the week.
PEAK, LOW, HOURS = 211, 20, 16_170.0
DAY_FACTORS = (1.0, 0.97, 0.95, 0.96, 0.98, 0.82, 0.76)
HUMPS = ((11.0, 3.0, 1.0), (19.5, 2.6, 0.85))
NIGHT = 0.08
SPREAD, SHIFTED_H = 0.03, 0.5

# Length of a shift, hours -> rest, meal and rest: earliest start, latest start, length, intervals.
MEAL = 2
BREAKS = {
    4: ((6, 9, 1),),
    6: ((4, 7, 1), (10, 14, MEAL), (17, 20, 1)),
    8: ((5, 8, 1), (13, 17, MEAL), (22, 25, 1)),
    9: ((6, 9, 1), (15, 19, MEAL), (26, 29, 1)),
}
HOURS_OF = tuple(BREAKS)


def paid_hours(hours: int) -> float:
    """Paid hours of a shift: meals are not."""
    meals = sum(length for _, _, length in BREAKS[hours] if length == MEAL)
    return hours - meals / PER_HOUR


PATTERNS = tuple(
    Pattern(PER_HOUR * hours, paid_hours(hours) + PER_SHIFT, breaks)
    for hours, breaks in BREAKS.items()
)


def demand(peak: int, seed: int) -> Ints:
    """Agents wanted on queue in each quarter hour of the week, shape (672,)."""
    rng = np.random.default_rng(seed)
    shifted = rng.normal(0.0, SHIFTED_H, len(HUMPS))
    days = np.array(DAY_FACTORS) * np.exp(rng.normal(0.0, SPREAD, DAYS))
    noise = np.exp(rng.normal(0.0, SPREAD, INTERVALS))

    hours = np.arange(INTERVALS) / PER_HOUR
    level = np.full(INTERVALS, NIGHT)
    for (at, width, height), by in zip(HUMPS, shifted, strict=True):
        apart = (hours - at - by + 12.0) % 24.0 - 12.0
        level += height * np.exp(-0.5 * (apart / width) ** 2)
    level *= np.interp(hours, 24.0 * np.arange(-1, DAYS + 1) + 12.0, [days[-1], *days, days[0]])
    level *= noise
    shape = (level - level.min()) / (level.max() - level.min())

    low = peak * LOW / PEAK
    wanted = HOURS * PER_HOUR / INTERVALS * peak / PEAK
    flattest, steepest = 0.1, 10.0
    while steepest - flattest > 1e-9:
        c = (flattest + steepest) / 2
        if (low + (peak - low) * shape**c).mean() > wanted:
            flattest = c
        else:
            steepest = c
    return np.rint(low + (peak - low) * shape**steepest).astype(np.int64)


@dataclass(frozen=True)
class Counted:
    """A week of shifts, counted on the real clock: cost and agent-hours not covered."""

    cost: float
    uncovered_h: float


def count(week: WeekShifts, wanted: Ints) -> Counted:
    """What a week of shifts costs and leaves uncovered, agent by agent.

    Raises ValueError for a break outside its window.
    """
    heads = np.zeros(INTERVALS, dtype=np.int64)
    cost = 0.0
    for pattern, start, begins in zip(week.pattern, week.start, week.breaks, strict=True):
        hours = HOURS_OF[pattern]
        heads[(start + np.arange(PER_HOUR * hours)) % INTERVALS] += 1
        cost += paid_hours(hours) + PER_SHIFT
        for (earliest, latest, length), begin in zip(BREAKS[hours], begins, strict=False):
            after = (begin - start) % INTERVALS
            if begin < 0 or not earliest <= after <= latest:
                raise ValueError(f"a break of a {hours} h shift begins {after} intervals into it")
            heads[(begin + np.arange(length)) % INTERVALS] -= 1
    uncovered_h = float(np.maximum(wanted - heads, 0).sum()) / PER_HOUR
    return Counted(cost + SHORT * uncovered_h, uncovered_h)
