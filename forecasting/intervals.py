"""Quantiles of counts from what a model missed before, by size of the forecast and by lead.

A miss is measured in sd(m) = sqrt(m + 0.2 + phi m^2), m the forecast median: what a count that is
more spread than Poisson scatters by. The quantiles of these misses, with the finite-sample
correction of conformal prediction, are taken apart for quiet, middling and busy forecasts and for
leads of a day, of two to seven days and longer, and recent misses weigh more. Nothing is assumed of
their law, so the bands hold for spiky brands, where Poisson bands would be far too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from forecasting.grid import Floats, Ints
from wfm.frames import QUANTILES

# First day of each group of leads; the last group is open-ended.
LEAD_GROUPS = (1, 2, 8)
BINS = 3
# Misses a bin must have; with fewer, a group of leads uses the one before it, widened.
ENOUGH = 96
WIDENED = 1.2
# Half-life of a miss's weight, days.
MEMORY_DAYS = 42.0
# The dispersion is judged without the wildest share of misses.
TRIMMED = 0.02
MAX_DISPERSION = 4.0
# How far the median follows the median miss: followed wholly it chases the last weeks' level.
MEDIAN_TRUST = 0.5

NORMAL_SCORES = np.array([NormalDist().inv_cdf(q) for q in QUANTILES])


def lead_group(leads: Ints) -> Ints:
    """Index of the group of each lead, in days; a lead below one counts as one."""
    groups: Ints = np.searchsorted(LEAD_GROUPS, np.maximum(leads, 1), side="right") - 1
    return groups


@dataclass(frozen=True, eq=False)
class Bands:
    """Quantiles of standardised misses.

    dispersion  phi of sd(m)
    centres     (groups, bins) typical size of the forecast in a bin, ascending
    misses      (groups, bins, quantiles), ascending along the last axis
    """

    dispersion: float
    centres: Floats
    misses: Floats

    def around(self, median: Floats, leads: Ints) -> Floats:
        """Quantiles (days, slots, quantiles) around the medians (days, slots); >= 0, ascending."""
        scale = spread(median, self.dispersion)
        group = lead_group(leads)
        quantiles = np.empty((*median.shape, len(QUANTILES)))
        for g in np.unique(group):
            rows = group == g
            size = np.log1p(median[rows])
            for q in range(len(QUANTILES)):
                miss = np.interp(size, np.log1p(self.centres[g]), self.misses[g, :, q])
                quantiles[rows, :, q] = median[rows] + miss * scale[rows]
        return np.maximum.accumulate(np.maximum(quantiles, 0.0), axis=-1)


def spread(median: Floats, dispersion: float) -> Floats:
    """sd(m): the unit in which misses are measured."""
    scale: Floats = np.sqrt(median + 0.2 + dispersion * median**2)
    return scale


def widened(quantiles: Floats, mean: Floats, sd: Floats) -> Floats:
    """Quantiles (..., quantiles) with a further, independent uncertainty of `sd` x `mean` added.

    The distances from the median add up as independent spreads do; the median stays.
    """
    centre = quantiles[..., QUANTILES.index(0.5)][..., None]
    further = NORMAL_SCORES * (sd * mean)[..., None]
    distance = np.sign(NORMAL_SCORES) * np.hypot(quantiles - centre, further)
    return np.maximum.accumulate(np.maximum(centre + distance, 0.0), axis=-1)


def _dispersion(median: Floats, actual: Floats) -> float:
    """phi by moments, without the wildest misses."""
    miss = (actual - median) ** 2 - median - 0.2
    keep = miss <= np.quantile(miss, 1 - TRIMMED)
    squares = float((median[keep] ** 2).sum())
    return float(np.clip(miss[keep].sum() / squares, 0.0, MAX_DISPERSION)) if squares > 0 else 0.0


def _quantiles(values: Floats, weights: Floats) -> Floats:
    """Conformal quantiles: ranks rounded outwards with the (n + 1) / n correction."""
    order = np.argsort(values)
    ordered, mass = values[order], np.cumsum(weights[order])
    mass = mass / mass[-1]
    n = weights.sum() ** 2 / (weights**2).sum()
    found = np.empty(len(QUANTILES))
    for i, q in enumerate(QUANTILES):
        if q == 0.5:
            at = np.searchsorted(mass, 0.5)
        elif q > 0.5:
            at = np.searchsorted(mass, min(1.0, q * (n + 1) / n))
        else:
            at = np.searchsorted(mass, 1.0 - min(1.0, (1 - q) * (n + 1) / n), side="right")
        found[i] = ordered[min(int(at), len(ordered) - 1)]
    middle = QUANTILES.index(0.5)
    found[middle] = np.clip(MEDIAN_TRUST * found[middle], found[middle - 1], found[middle + 1])
    return found


def _bins(size: Floats) -> Ints:
    """Bin of each forecast by its size, about equally full; equal sizes share a bin."""
    edges = np.unique(np.quantile(size, np.arange(1, BINS) / BINS))
    bins: Ints = np.searchsorted(edges, size, side="right")
    return bins


def _bin_table(
    median: Floats, actual: Floats, weights: Floats, dispersion: float
) -> list[tuple[float, Floats]]:
    """Typical size and quantiles of the misses of each bin."""
    standard = (actual - median) / spread(median, dispersion)
    bins = _bins(median)
    table = []
    for b in np.unique(bins):
        inside = bins == b
        found = _quantiles(standard[inside], weights[inside])
        table.append((float(median[inside].mean()), found))
    # Fewer distinct sizes than bins: the busiest stands for those above it.
    return table + [table[-1]] * (BINS - len(table))


def learn_bands(median: Floats, actual: Floats, ages: Floats) -> Bands | None:
    """Bands from rolling origins; None when there is nothing to learn from.

    median  (origins, days, 96) predicted
    actual  the same shape; NaN where not known
    ages    (origins, days) days since the predicted day
    """
    usable = np.isfinite(actual)
    if not usable.any():
        return None
    leads = np.arange(1, median.shape[1] + 1)
    weights = np.broadcast_to(0.5 ** (ages / MEMORY_DAYS)[:, :, None], median.shape)
    dispersion = _dispersion(median[usable], actual[usable])
    groups = lead_group(leads)
    centres = np.zeros((len(LEAD_GROUPS), BINS))
    misses = np.zeros((len(LEAD_GROUPS), BINS, len(QUANTILES)))
    for g in range(len(LEAD_GROUPS)):
        chosen = usable & (groups == g)[None, :, None]
        if chosen.sum() < ENOUGH * BINS:
            if g > 0:
                centres[g], misses[g] = centres[g - 1], misses[g - 1] * WIDENED
                continue
            # The first day has too few of its own: all leads together stand in for it.
            chosen = usable
        table = _bin_table(median[chosen], actual[chosen], weights[chosen], dispersion)
        for b, (centre, found) in enumerate(table):
            # Strictly ascending centres, as interpolation asks for.
            centres[g, b], misses[g, b] = centre + 1e-9 * b, found
    return Bands(dispersion, centres, misses)
