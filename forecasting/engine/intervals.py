"""Quantiles of counts from what a model missed before, by size of the forecast and by lead.

A miss is measured in sd(m) = sqrt(m + 0.2 + phi m^2), m the forecast median: what a count that is
more spread than Poisson scatters by. The quantiles of these misses, with the finite-sample
correction of conformal prediction, are taken apart for quiet, middling and busy forecasts and for
leads of a day, of two to seven days, of a second week and longer, and recent misses weigh more.
Nothing is assumed of their law, so the bands hold for spiky brands, where Poisson bands would be
far too narrow.

Where few contacts are expected the quantiles are whole numbers, as counts are; there the median is
that of the counts that came, often 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from forecasting.grid import Bools, Floats, Ints
from wfm.frames import QUANTILES

# First day of each group of leads; the last group is open-ended.
LEAD_GROUPS = (1, 2, 8, 15)
BINS = 3
# Misses a bin must have; with fewer, a group of leads uses the one before it, widened.
ENOUGH = 96
WIDENED = 1.1
# Half-life of a miss's weight, days.
MEMORY_DAYS = 42.0
# The dispersion is judged without the wildest share of misses.
TRIMMED = 0.02
MAX_DISPERSION = 4.0
# Below so many contacts a forecast's quantiles are whole numbers; below so few they are zero.
FEW = 3.0
SILENT = 0.02
MEDIAN = QUANTILES.index(0.5)

NORMAL_SCORES = np.array([NormalDist().inv_cdf(q) for q in QUANTILES])


def lead_group(leads: Ints) -> Ints:
    """Index of the group of each lead, in days; a lead below one counts as one."""
    groups: Ints = np.searchsorted(LEAD_GROUPS, np.maximum(leads, 1), side="right") - 1
    return groups


def spread(median: Floats, dispersion: Floats | float) -> Floats:
    """sd(m): the unit in which misses are measured."""
    scale: Floats = np.sqrt(median + 0.2 + dispersion * median**2)
    return scale


@dataclass(frozen=True, eq=False)
class Bands:
    """Quantiles of standardised misses of one or many series.

    dispersion  (series,) phi of sd(m)
    centres     (series, groups, bins) typical size of the forecast in a bin, ascending
    misses      (series, groups, bins, quantiles), ascending along the last axis
    """

    dispersion: Floats
    centres: Floats
    misses: Floats

    def around(self, median: Floats, leads: Ints) -> Floats:
        """Quantiles (..., days, slots, quantiles) around medians; >= 0, ascending.

        median  (series, days, slots), or (days, slots) for the bands of one series
        leads   (days,) how many days ahead each day lies
        """
        if median.ndim == 2:
            one: Floats = self.around(median[None], leads)[0]
            return one
        scale = spread(median, self.dispersion[:, None, None])
        group = lead_group(leads)
        quantiles = np.empty((*median.shape, len(QUANTILES)))
        few = median < FEW
        for g in np.unique(group):
            rows = np.flatnonzero(group == g)
            told = median[:, rows]
            lower, share = self._place(told, int(g))
            around = np.empty((*told.shape, len(QUANTILES)))
            for q in range(len(QUANTILES)):
                table = self.misses[:, g, :, q]
                low = np.take_along_axis(table, lower.reshape(len(table), -1), axis=1)
                high = np.take_along_axis(table, lower.reshape(len(table), -1) + 1, axis=1)
                low, high = low.reshape(lower.shape), high.reshape(lower.shape)
                miss = low + share * (high - low)
                if q == MEDIAN:
                    # Followed where it is busy, the median miss chases the last weeks' level.
                    miss = np.where(few[:, rows], miss, 0.0)
                around[..., q] = told + miss * scale[:, rows]
            quantiles[:, rows] = around
        quantiles = np.where(few[..., None], np.floor(quantiles + 0.5), quantiles)
        quantiles = np.maximum.accumulate(np.maximum(quantiles, 0.0), axis=-1)
        # A busy forecast's median is itself, whatever its neighbours say.
        quantiles[..., :MEDIAN] = np.minimum(quantiles[..., :MEDIAN], quantiles[..., MEDIAN, None])
        return np.where((median < SILENT)[..., None], 0.0, quantiles)

    def of(self, index: int) -> Bands:
        """Those of one of the series."""
        one = slice(index, index + 1)
        return Bands(self.dispersion[one], self.centres[one], self.misses[one])

    def _place(self, median: Floats, group: int) -> tuple[Ints, Floats]:
        """The bin below each forecast, and how far it lies towards the next."""
        size = np.log1p(median)
        # Strictly ascending, so that equal centres divide nothing by nothing.
        centre = np.log1p(self.centres[:, group]) + 1e-9 * np.arange(BINS)
        at = np.zeros_like(size)
        for b in range(BINS - 1):
            low, high = centre[:, b, None, None], centre[:, b + 1, None, None]
            at += np.clip((size - low) / (high - low), 0.0, 1.0)
        lower: Ints = np.minimum(at.astype("int64"), BINS - 2)
        return lower, at - lower


def widened(quantiles: Floats, mean: Floats, sd: Floats) -> Floats:
    """Quantiles (..., quantiles) with a further, independent uncertainty of `sd` x `mean` added.

    The distances from the median add up as independent spreads do; the median stays.
    """
    centre = quantiles[..., MEDIAN][..., None]
    further = NORMAL_SCORES * (sd * mean)[..., None]
    distance = np.sign(NORMAL_SCORES) * np.hypot(quantiles - centre, further)
    return np.maximum.accumulate(np.maximum(centre + distance, 0.0), axis=-1)


def poisson_bands() -> Bands:
    """Bands for a series of which nothing is known: as spread as a Poisson count."""
    shape = (1, len(LEAD_GROUPS), BINS)
    misses = np.broadcast_to(NORMAL_SCORES, (*shape, len(QUANTILES)))
    return Bands(np.zeros(1), np.zeros(shape), misses)


@dataclass(frozen=True, eq=False)
class Misses:
    """What a group of leads showed: (series, cells) medians, counts (NaN unknown), weights."""

    median: Floats
    actual: Floats
    weight: Floats


def _dispersion(told: Misses) -> Floats:
    """phi by moments, without the wildest misses, (series,)."""
    seen = np.isfinite(told.actual)
    miss = np.where(seen, (told.actual - told.median) ** 2 - told.median - 0.2, np.inf)
    kept = np.maximum(((1 - TRIMMED) * seen.sum(axis=1)).astype("int64"), 1)
    cut = np.take_along_axis(np.sort(miss, axis=1), kept[:, None] - 1, axis=1)
    keep = seen & (miss <= cut)
    square = np.where(keep, told.median**2, 0.0).sum(axis=1)
    total = np.where(keep, miss, 0.0).sum(axis=1)
    found = np.divide(total, square, out=np.zeros(len(square)), where=square > 0)
    dispersion: Floats = np.clip(found, 0.0, MAX_DISPERSION)
    return dispersion


def _quantiles(ordered: Floats, weight: Floats) -> Floats:
    """Conformal quantiles of ordered values: ranks rounded outwards, (n + 1) / n corrected.

    ordered, weight  (series, cells); cells that do not count weigh nothing
    """
    mass = np.cumsum(weight, axis=1)
    total = mass[:, -1]
    n = total**2 / np.maximum((weight**2).sum(axis=1), 1e-300)
    last = weight.shape[1] - 1 - (weight[:, ::-1] > 0).argmax(axis=1)
    found = np.zeros((len(ordered), len(QUANTILES)))
    for i, q in enumerate(QUANTILES):
        if q > 0.5:
            share = np.minimum(1.0, q * (n + 1) / np.maximum(n, 1e-9))
        elif q < 0.5:
            share = 1.0 - np.minimum(1.0, (1 - q) * (n + 1) / np.maximum(n, 1e-9))
        else:
            share = np.full(len(n), q)
        at = (mass < (share * total * (1 - 1e-12))[:, None]).sum(axis=1)
        at = np.minimum(at, last)
        # Cells without weight at the front never count.
        at = np.maximum(at, (weight > 0).argmax(axis=1))
        found[:, i] = ordered[np.arange(len(ordered)), at]
    return found


def _group(told: Misses, dispersion: Floats, bins: int) -> tuple[Floats, Floats, Bools]:
    """Centres (series, BINS), quantiles (series, BINS, quantiles), and which series had enough.

    With fewer `bins` than `BINS` the busiest stands for those above it.
    """
    miss = (told.actual - told.median) / spread(told.median, dispersion[:, None])
    # What is always silent is told from nothing, and would crowd the quiet bin.
    counts = np.isfinite(miss) & (told.median >= SILENT)
    number = counts.sum(axis=1)
    size = np.where(counts, told.median, np.inf)
    ascending = np.sort(size, axis=1)
    bin_of = np.zeros(size.shape, dtype="int64")
    for b in range(1, bins):
        # Equal sizes share a bin.
        edge = np.take_along_axis(ascending, (b * number // bins)[:, None], axis=1)
        bin_of += size >= edge
    by_miss = np.argsort(np.where(counts, miss, np.inf), axis=1)
    ordered = np.take_along_axis(miss, by_miss, axis=1)
    centres = np.zeros((len(miss), BINS))
    quantiles = np.zeros((len(miss), BINS, len(QUANTILES)))
    # From the busiest down: a bin that nothing fell into takes the one above it.
    for b in reversed(range(BINS)):
        inside = counts & (bin_of == min(b, bins - 1))
        held = inside.sum(axis=1)
        weight = np.take_along_axis(np.where(inside, told.weight, 0.0), by_miss, axis=1)
        centre = np.where(inside, told.median, 0.0).sum(axis=1) / np.maximum(held, 1)
        above = min(b + 1, BINS - 1)
        centres[:, b] = np.where(held > 0, centre, centres[:, above])
        found = _quantiles(ordered, weight)
        quantiles[:, b] = np.where((held > 0)[:, None], found, quantiles[:, above])
    return centres, quantiles, number >= ENOUGH * bins


def learn(groups: Sequence[Misses], bins: int = BINS) -> Bands:
    """Bands of many series from the misses of each group of leads, in order.

    A group with too little to learn from takes the one before, widened; the first then takes what
    a Poisson count would scatter by, or what little there is.
    """
    first = groups[0]
    dispersion = _dispersion(first)
    centres = np.zeros((len(first.median), len(LEAD_GROUPS), BINS))
    misses = np.zeros((*centres.shape, len(QUANTILES)))
    for g, told in enumerate(groups):
        centre, quantiles, enough = _group(told, dispersion, bins)
        if g == 0:
            nothing = ~(np.isfinite(told.actual) & (told.median >= SILENT)).any(axis=1)
            quantiles[nothing] = NORMAL_SCORES
            enough = np.ones_like(enough)
        kept = enough[:, None]
        centres[:, g] = np.where(kept, centre, centres[:, g - 1])
        misses[:, g] = np.where(kept[..., None], quantiles, misses[:, g - 1] * WIDENED)
    for g in range(len(groups), len(LEAD_GROUPS)):
        centres[:, g], misses[:, g] = centres[:, g - 1], misses[:, g - 1] * WIDENED
    return Bands(dispersion, centres, np.maximum.accumulate(misses, axis=-1))


def learn_bands(median: Floats, actual: Floats, ages: Floats, *, bins: int = BINS) -> Bands | None:
    """One series' bands from rolling origins; None when there is nothing to learn from.

    median  (origins, days, slots) predicted
    actual  the same shape; NaN where not known
    ages    (origins, days) days since the predicted day
    bins    sizes of the forecast told apart, up to `BINS`
    """
    if not np.isfinite(actual).any():
        return None
    group = lead_group(np.arange(1, median.shape[1] + 1))
    weight = np.broadcast_to(0.5 ** (ages / MEMORY_DAYS)[:, :, None], median.shape)
    groups = []
    for g in np.unique(group):
        days = group == g
        if g == 0 and np.isfinite(actual[:, days]).sum() < ENOUGH * bins:
            # The first day has too few of its own: all leads together stand in for it.
            days = np.ones_like(days)
        groups.append(Misses(*(x[:, days].reshape(1, -1) for x in (median, actual, weight))))
    return learn(groups, bins)
