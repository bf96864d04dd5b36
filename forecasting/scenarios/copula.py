"""Counts of many intervals and queues drawn together, by a Gaussian copula.

The score of an interval is in part that of its day, the rest its own. How large the day's part is
follows from how much a day's total is to scatter: the covariance of two counts is a power series in
the correlation of their scores (Mehler), so it is solved for, not simulated. What is an interval's
own lingers for a while, as bursts do. Scores of days follow each other within a queue, and go
together across queues.

Source: busyness factors of a day, Avramidis, Deslauriers, L'Ecuyer, Management Science 50:896
(2004); normal scores for given marginals, Cario & Nelson, "NORTA" (1997).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from forecasting.grid import Floats, Ints
from forecasting.scenarios.marginals import Marginals, marginals

# Scores of a day are never wholly alike: some chance is left to each interval.
MAX_DAY_PART = 0.995
BISECTIONS = 30
MAX_CARRIED = 0.95
# Correlations below this, and beyond twelve hours, are left out of a day's variance.
NEGLIGIBLE = 0.01
MOST_LAGS = 48
# Numbers drawn at a time: bounds the memory beside the counts themselves.
BLOCK = 4_000_000


@dataclass(frozen=True, eq=False)
class DayPart:
    """What of a queue's scatter is its days', one figure a day.

    of_score  share of an interval's score that is its day's
    of_total  share of the variance of the day's total that is explained by the day's score
    """

    of_score: Floats
    of_total: Floats


@dataclass(frozen=True, eq=False)
class Drawing:
    """All that counts of several queues over the same intervals are drawn from.

    means, quantiles  one a queue, (intervals,) and (intervals, quantiles)
    parts        one a queue, from `day_part`
    lingering    one a queue: correlation of the rest of an interval's score with the next one's
    day          index of each interval's day, ascending from 0
    shared       correlation of the queues' day totals
    carried      correlation of a queue's day totals with the next day's
    """

    means: tuple[Floats, ...]
    quantiles: tuple[Floats, ...]
    parts: tuple[DayPart, ...]
    lingering: tuple[float, ...]
    day: Ints
    shared: float
    carried: float


def day_part(law: Marginals, day: Ints, day_sd: Floats, lingering: float) -> DayPart:
    """The share of the day in its intervals' scores that gives the day's total its spread.

    day     index of each interval's day, ascending from 0
    day_sd  relative spread wanted, one a day
    """
    first = np.searchsorted(day, np.arange(len(day_sd)))
    terms = law.coefficients()
    powers = np.arange(1, terms.shape[1] + 1)
    own = np.add.reduceat(law.variance(), first)
    together = np.add.reduceat(terms, first) ** 2
    apart = together - np.add.reduceat(terms**2, first)
    near = _near(terms, day, first, lingering)
    fading = lingering ** np.arange(1, len(near) + 1)[:, None, None]

    def variance(part: Floats) -> Floats:
        """Of the day totals, the days' share in the scores given."""
        share = part[:, None]
        alike = share + (1 - share) * fading
        further = 2 * (near * (alike**powers - share**powers)).sum(axis=(0, 2))
        found: Floats = own + (apart * share**powers).sum(axis=1) + further
        return found

    wanted = (day_sd * np.add.reduceat(law.mean(), first)) ** 2
    low, high = np.zeros(len(first)), np.full(len(first), MAX_DAY_PART)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        short = variance(middle) < wanted
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    # Where a day without a part of its own scatters more than it should, `low` has stayed zero.
    reached = variance(low)
    explained = np.divide(
        (together * low[:, None] ** powers).sum(axis=1),
        reached,
        out=np.zeros_like(own),
        where=reached > 0,
    )
    return DayPart(low, np.clip(explained, 0.0, 1.0))


def _near(terms: Floats, day: Ints, first: Ints, lingering: float) -> Floats:
    """Products of the terms of intervals some lags apart, summed over days: (lags, days, terms)."""
    felt = np.log(NEGLIGIBLE) / np.log(lingering) if lingering > NEGLIGIBLE else 0.0
    lags = int(min(felt, MOST_LAGS, len(day) - 1))
    found = np.empty((lags, len(first), terms.shape[1]))
    for lag in range(1, lags + 1):
        products = np.zeros_like(terms)
        same = (day[lag:] == day[:-lag])[:, None]
        products[:-lag] = np.where(same, terms[lag:] * terms[:-lag], 0.0)
        found[lag - 1] = np.add.reduceat(products, first)
    return found


def draw(drawing: Drawing, *, count: int, seed: int) -> Iterator[Ints]:
    """Counts of one queue after the other, (paths, intervals) each."""
    rng = np.random.default_rng(seed)
    scores = _day_scores(rng, count, drawing)
    block = max(1, BLOCK // len(drawing.day))
    for i, part in enumerate(drawing.parts):
        # Laws are large: one at a time.
        law = marginals(drawing.means[i], drawing.quantiles[i])
        common = np.sqrt(part.of_score) * scores[:, i]
        left = np.sqrt(1 - part.of_score)[drawing.day]
        contacts = np.empty((count, len(drawing.day)), dtype="int64")
        for begin in range(0, count, block):
            days = common[begin : begin + block]
            drawn = rng.standard_normal((len(days), len(drawing.day)))
            drawn = _lingered(drawn, drawing.lingering[i])
            drawn *= left
            drawn += days[:, drawing.day]
            contacts[begin : begin + block] = law.draw(drawn, rng)
        yield contacts


def _lingered(fresh: Floats, lingering: float) -> Floats:
    """Normal scores (paths, intervals) of which each keeps something of the one before it."""
    if lingering == 0:
        return fresh
    from scipy.signal import lfilter  # late: it loads for a second, and few commands draw paths

    share = np.sqrt(1 - lingering**2)
    fresh[:, 0] /= share
    scores: Floats = lfilter([share], [1.0, -lingering], fresh, axis=1)
    return scores


def _day_scores(rng: np.random.Generator, count: int, drawing: Drawing) -> Floats:
    """Standard normal scores of each path's days, (paths, queues, days).

    Totals are to be correlated as `drawing` says. They hold their intervals' chance too, so the
    scores are correlated more: by the share of a total's variance that its score explains.
    """
    share = np.array([part.of_total.mean() for part in drawing.parts])
    days = len(drawing.parts[0].of_total)
    shared = drawing.shared
    loading = np.sqrt(np.minimum(1.0, shared / np.maximum(share, max(shared, 1e-9))))
    carried = min(MAX_CARRIED, drawing.carried / max(float(share.mean()), 1e-9))
    scores = rng.standard_normal((count, len(share) + 1, days))
    for day in range(1, days):
        scores[:, :, day] *= np.sqrt(1 - carried**2)
        scores[:, :, day] += carried * scores[:, :, day - 1]
    common, own = scores[:, :1], scores[:, 1:]
    together: Floats = loading[:, None] * common + np.sqrt(1 - loading**2)[:, None] * own
    return together
