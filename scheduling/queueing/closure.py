"""A desk in a millionth of a second: mean and variance of the cases in it, by the minute.

The number in the system of an M(t)/M/c(t) desk is taken as normal at every minute (Gaussian
closure), which turns its infinitely many equations into two. A backlog that builds up is carried
on, which no formula of the steady state does. It is a model to search with: what it finds is
judged by simulation, and corrected by it.

Source: the moment equations of the birth-and-death process; the covariance of N and min(N, c) by
Stein's lemma.
"""

# ruff: noqa: PLR0917 - compiled functions take their arrays one by one

from __future__ import annotations

import math

from scheduling.compiled import compiled
from scheduling.queueing.erlang import Floats

MINUTES = 15
HALF = MINUTES // 2
LEAST_VARIANCE = 0.05
ROOT_HALF = math.sqrt(0.5)
PEAK = 1.0 / math.sqrt(2.0 * math.pi)


@compiled
def normal_cdf(z: float) -> float:
    return 0.5 * math.erfc(-z * ROOT_HALF)


@compiled
def advance(
    mean: float, variance: float, arrivals: float, heads: float, rate: float, minutes: int
) -> tuple[float, float]:
    """Mean and variance of the cases in the system some minutes later.

    arrivals  a minute
    heads     who answer, may be fractional
    rate      answers a minute and head
    """
    for _ in range(minutes):
        deviation = math.sqrt(variance)
        z = (heads - mean) / deviation
        below = normal_cdf(z)
        waiting = deviation * (PEAK * math.exp(-0.5 * z * z) - z * (1.0 - below))
        served = rate * max(mean - waiting, 0.0)
        mean = max(mean + arrivals - served, 0.0)
        variance += arrivals + served - 2.0 * rate * variance * below
        variance = max(variance, LEAST_VARIANCE)
    return mean, variance


@compiled
def in_time(
    mean: float,
    variance: float,
    i: int,
    minute: int,
    heads: Floats,
    rate: Floats,
    touch_min: Floats,
    threshold_min: float,
    cyclic: bool,
) -> float:
    """Share of those who come in a minute of interval `i` that are answered within the threshold.

    Served in the order of coming: whoever comes is begun when as many answers have been given as
    cases were there beyond the heads. The heads of the next intervals count.

    touch_min  equally likely values of the first touch, minutes
    """
    total = 0.0
    for touch in touch_min:
        left = threshold_min - touch
        if left <= 0.0:
            continue
        at, room, answers = i, float(MINUTES - minute), 0.0
        while left > 0.0:
            used = min(left, room)
            answers += heads[at] * rate[at] * used
            left -= used
            room = float(MINUTES)
            if at + 1 < heads.size:
                at += 1
            elif cyclic:
                at = 0
        # Half a case lower: counts are whole numbers.
        z = (heads[i] - 0.5 - mean + answers) / math.sqrt(variance + answers)
        total += normal_cdf(z)
    return total / touch_min.size
