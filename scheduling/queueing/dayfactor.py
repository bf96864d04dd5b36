"""How much busier than expected the day is that is planned for.

A day's factor is common to its intervals: a queue that is busy in the morning is busy at night. It
is read from the scenario paths, day by day, and either taken at a quantile or made just large
enough that the goals hold on average over the paths' days.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from scheduling.queueing.erlang import Floats

Wholes = NDArray[np.int64]

# Levels at which the days' factors are evaluated for an expectation over them.
LEVELS = np.linspace(0.025, 0.975, 20)
# Halvings of the span between the mean and the busiest day.
HALVINGS = 8
ROUNDING = 1e-9


def day_ratios(contacts: Floats, weight: Floats, days: Wholes) -> Floats:
    """Each path's load of a day over the expected one, (paths, days), Poisson noise taken out.

    contacts  (paths, intervals) of one queue
    weight    expected contacts and handling, (intervals, 2)
    days      number of the day of each interval

    The counts also scatter as Poisson counts do; the queueing formulas hold that scatter already,
    so the ratios are drawn in by its variance.
    """
    mean, aht = weight[:, 0], weight[:, 1]
    starts = np.flatnonzero(np.diff(days, prepend=-1))
    expected = np.add.reduceat(mean * aht, starts)
    sampled = np.add.reduceat(contacts * aht, starts, axis=1)
    noise = np.add.reduceat(mean * aht**2, starts) / np.maximum(expected, ROUNDING) ** 2
    ratio = np.where(expected > 0, sampled / np.maximum(expected, ROUNDING), 1.0)
    centre, spread = ratio.mean(axis=0), ratio.var(axis=0)
    kept = np.sqrt(np.maximum(spread - noise, 0.0) / np.maximum(spread, ROUNDING))
    return np.asarray(centre + (ratio - centre) * kept)


def expected_factor(ratios: Floats, margin: Callable[[Floats], Floats]) -> Floats:
    """The smallest factor of each day with which the goals hold on average over its paths.

    ratios  (paths, days)
    margin  from a factor a day to what each day attains beyond its goals, below 0 where it misses

    Never below the mean day, whose load the occupancy cap must hold for, nor above the busiest.
    """
    low, high = ratios.mean(axis=0), ratios.max(axis=0)
    holds = margin(low) >= 0
    high = np.where(holds, low, high)
    for _ in range(0 if holds.all() else HALVINGS):
        middle = 0.5 * (low + high)
        holds = margin(middle) >= 0
        low, high = np.where(holds, low, middle), np.where(holds, middle, high)
    return np.asarray(high)
