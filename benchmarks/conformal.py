"""Quantiles from past misses, the same step for every peer that has no good ones of its own.

Split conformal prediction: misses in units of sd(m) = sqrt(m + 0.2 + phi m^2), ranked apart for
quiet, middling and busy forecasts (thirds by size), recent ones weighing more. Written apart from
the product's own bands, so that a change there moves no peer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# What the benchmarks score: the median, both bands, and the levels of the pinball loss.
LEVELS = (0.025, 0.10, 0.50, 0.90, 0.95, 0.975)
MIDDLE = LEVELS.index(0.5)
THIRDS = 3
MEMORY_DAYS = 42.0
# The dispersion is judged without the wildest share of misses.
TRIMMED = 0.02


def conformal(past: Floats, actual: Floats, ages: Floats, median: Floats) -> Floats:
    """Quantiles (..., levels) around the forecasts `median`; never negative, ascending.

    past    (misses,) what was forecast before, actual what came; NaN where not known
    ages    (misses,) days since then

    The middle quantile is the forecast itself. With nothing to learn from, Poisson's scatter.
    """
    seen = np.isfinite(past) & np.isfinite(actual)
    past, actual, weights = past[seen], actual[seen], 0.5 ** (ages[seen] / MEMORY_DAYS)
    found = np.repeat(median[..., None], len(LEVELS), axis=-1)
    if not len(past):
        scores = np.array([-1.96, -1.2816, 0.0, 1.2816, 1.6449, 1.96])
        return np.maximum(found + scores * np.sqrt(median + 0.2)[..., None], 0.0)
    phi = _dispersion(past, actual)
    standard = (actual - past) / _sd(past, phi)
    edges = np.unique(np.quantile(past, np.arange(1, THIRDS) / THIRDS))
    bins = np.searchsorted(edges, past, side="right")
    centres, misses = [], []
    for b in np.unique(bins):
        centres.append(np.log1p(past[bins == b]).mean())
        misses.append(_ranks(standard[bins == b], weights[bins == b]))
    table, size, scale = np.array(misses), np.log1p(median), _sd(median, phi)
    for i in range(len(LEVELS)):
        if i != MIDDLE:
            found[..., i] += np.interp(size, centres, table[:, i]) * scale
    # A forecast that was always too low has even its lower quantiles above it: the middle stays.
    found[..., :MIDDLE] = np.minimum(found[..., :MIDDLE], median[..., None])
    return np.maximum.accumulate(np.maximum(found, 0.0), axis=-1)


def _sd(median: Floats, phi: float) -> Floats:
    scale: Floats = np.sqrt(median + 0.2 + phi * median**2)
    return scale


def _dispersion(past: Floats, actual: Floats) -> float:
    miss = (actual - past) ** 2 - past - 0.2
    keep = miss <= np.quantile(miss, 1 - TRIMMED)
    squares = float((past[keep] ** 2).sum())
    return float(np.clip(miss[keep].sum() / squares, 0.0, 4.0)) if squares > 0 else 0.0


def _ranks(values: Floats, weights: Floats) -> Floats:
    """Weighted quantiles, ranks rounded outwards with the (n + 1) / n correction."""
    order = np.argsort(values)
    ordered, mass = values[order], np.cumsum(weights[order])
    mass = mass / mass[-1]
    n = weights.sum() ** 2 / (weights**2).sum()
    found = np.zeros(len(LEVELS))
    for i, level in enumerate(LEVELS):
        far = min(1.0, max(level, 1 - level) * (n + 1) / n)
        at = np.searchsorted(mass, far) if level > 0.5 else np.searchsorted(mass, 1 - far, "right")
        found[i] = ordered[min(int(at), len(ordered) - 1)]
    return found
