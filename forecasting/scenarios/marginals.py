"""From a forecast's seven quantiles and its mean to the whole law of an interval's count.

The law is held as its value at a grid of standard normal scores: drawing is then a look-up, and
laws of different intervals can be tied together by correlating their scores. At the forecast's
quantiles it takes their values. Between two of them it may rise early or late, and beyond the last
it has the exponential tail that negative binomial counts have; one lean for both is chosen so that
the law's mean is the forecast's, as far as its quantiles allow. Below the first quantile it falls
towards zero as fast as its mirror image would.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from forecasting.engine.intervals import NORMAL_SCORES
from forecasting.grid import Floats, Ints
from wfm.frames import QUANTILES

STEP = 0.05
LAST = 4.8
SCORES: Floats = np.linspace(-LAST, LAST, 2 * round(LAST / STEP) + 1)
# How far beyond 1.96 a normal score lies, on average, when it does.
NORMAL_TAIL = 0.378
# Even where all quantiles are zero a contact may come.
LEAST_SPREAD = 1.0
# At the ends of its range the lean makes the tail 4 times as long or as short, and lets the law
# rise from a quantile 32 times as fast, or as slowly, as if it went straight to the next.
LEANS: Floats = np.linspace(-1.0, 1.0, 41)
TAIL_RANGE, RISE_RANGE = 4.0, 32.0
SEGMENTS = len(QUANTILES) - 1
# Terms of the series in which covariances are told from correlations of scores.
TERMS = 6
ROUNDING = 1.0


def _grid_weights() -> Floats:
    """Chance of each grid score, so that sums are means of functions linear between them."""
    density = np.exp(-0.5 * SCORES**2) / np.sqrt(2 * np.pi)
    slope = np.diff(SCORES * ndtr(SCORES) + density) / STEP
    weights: Floats = np.diff(np.concatenate(([0.0], slope, [1.0])))
    return weights


WEIGHTS = _grid_weights()
# Which stretch between quantiles each grid score lies in: -1 before the first, 6 beyond the last.
_STRETCH = np.searchsorted(NORMAL_SCORES, SCORES, side="right") - 1
_BELOW, _ABOVE = _STRETCH < 0, _STRETCH >= SEGMENTS
_INSIDE = ~(_BELOW | _ABOVE)


def _along() -> Floats:
    """How far between its two quantiles each inner grid score lies, 0 to 1."""
    at = _STRETCH[_INSIDE]
    along: Floats = (SCORES[_INSIDE] - NORMAL_SCORES[at]) / np.diff(NORMAL_SCORES)[at]
    return along


def _beyond() -> Floats:
    """-log(chance of more) of each grid score beyond the last quantile, less that quantile's."""
    edge: Floats = np.log(ndtr(-NORMAL_SCORES[-1])) - np.log(ndtr(-SCORES[_ABOVE]))
    return edge


_ALONG, _BEYOND = _along(), _beyond()


def _rise(lean: Floats) -> Floats:
    """Share of the way to the next quantile, (..., inner scores): made early by a lean above 0."""
    late = RISE_RANGE ** -lean[..., None]
    share: Floats = _ALONG / (_ALONG + (1 - _ALONG) * late)
    return share


@dataclass(frozen=True, eq=False)
class Marginals:
    """The laws of the counts of some intervals, before they are made whole numbers.

    values  (intervals, scores): the count at each of SCORES, ascending, not negative
    """

    values: Floats

    def mean(self) -> Floats:
        mean: Floats = self.values @ WEIGHTS
        return mean

    def variance(self) -> Floats:
        """Of the whole numbers that `draw` gives."""
        part = self.values % 1.0
        squares = (self.values**2 + part * (1 - part)) @ WEIGHTS
        return np.maximum(squares - self.mean() ** 2, 0.0)

    def coefficients(self) -> Floats:
        """(intervals, TERMS): scores correlated by r give covariance sum over k of c c' r^k."""
        basis = np.empty((len(SCORES), TERMS))
        before, now = np.ones_like(SCORES), SCORES
        # Hermite polynomials of length 1: the terms of Mehler's expansion.
        for k in range(TERMS):
            basis[:, k] = now
            before, now = now, (SCORES * now - np.sqrt(k + 1) * before) / np.sqrt(k + 2)
        found: Floats = self.values @ (WEIGHTS[:, None] * basis)
        return found

    def draw(self, scores: Floats, rng: np.random.Generator) -> Ints:
        """Whole counts at standard normal `scores` (paths, intervals); rounded by chance.

        Rounding up as often as the broken part says keeps the mean.
        """
        place = np.clip((scores + LAST) / STEP, 0.0, len(SCORES) - 1.000001)
        at = place.astype(np.int64)
        place -= at
        at += np.arange(self.values.shape[0]) * len(SCORES)
        flat = self.values.ravel()
        low = flat[at]
        at += 1
        drawn = low + place * (flat[at] - low)
        drawn += rng.random(scores.shape)
        return drawn.astype(np.int64)


def marginals(mean: Floats, quantiles: Floats) -> Marginals:
    """The laws that have these quantiles and, as far as those allow, these means.

    mean       (intervals,); where it is zero so is the count
    quantiles  (intervals, 7) in the order of QUANTILES
    """
    quantiles = np.where(mean[:, None] > 0, np.maximum.accumulate(quantiles, axis=1), 0.0)
    steps = np.diff(quantiles, axis=1)
    middle = QUANTILES.index(0.5)
    spread = (quantiles[:, -1] - quantiles[:, middle]) / NORMAL_SCORES[-1]
    # The last two quantiles leave 5 and 2.5 % above them: an exponential tail halves between them.
    tail = np.maximum(NORMAL_TAIL * np.maximum(spread, LEAST_SPREAD), steps[:, -1] / np.log(2))
    low = NORMAL_TAIL * (quantiles[:, middle] - quantiles[:, 0]) / NORMAL_SCORES[-1]
    values = np.empty((len(mean), len(SCORES)))
    values[:, _BELOW] = np.maximum(quantiles[:, :1] - low[:, None] * _BEYOND[::-1], 0.0)
    lean = _lean_for(mean - values[:, _BELOW] @ WEIGHTS[_BELOW], quantiles, steps, tail)
    at = _STRETCH[_INSIDE]
    values[:, _INSIDE] = quantiles[:, at] + steps[:, at] * _rise(lean)
    length = np.where(mean > 0, tail * TAIL_RANGE**lean, 0.0)
    values[:, _ABOVE] = quantiles[:, -1:] + length[:, None] * _BEYOND
    # A quantile of 0.9 contacts says no more of whole numbers than one of 0.1: less than a contact
    # is taken off where the mean would be too high still.
    excess = 1.0 - np.divide(mean, values @ WEIGHTS, out=np.ones_like(mean), where=mean > 0)
    values -= np.minimum(np.maximum(excess, 0.0)[:, None] * values, ROUNDING)
    return Marginals(values)


def _lean_for(wanted: Floats, quantiles: Floats, steps: Floats, tail: Floats) -> Floats:
    """The lean of each interval that makes what lies above its first quantile `wanted`."""
    at = _STRETCH[_INSIDE]
    inner = np.zeros((SEGMENTS, len(LEANS)))
    np.add.at(inner, at, (WEIGHTS[_INSIDE] * _rise(LEANS)).T)
    chance = np.bincount(at, weights=WEIGHTS[_INSIDE], minlength=SEGMENTS)
    fixed = quantiles[:, :-1] @ chance + quantiles[:, -1] * WEIGHTS[_ABOVE].sum()
    beyond = float(WEIGHTS[_ABOVE] @ _BEYOND)
    found = fixed[:, None] + steps @ inner + beyond * tail[:, None] * TAIL_RANGE**LEANS
    # Ascending along the leans: find the stretch that holds what is wanted, and the place in it.
    k = np.clip((found < wanted[:, None]).sum(axis=1), 1, len(LEANS) - 1)
    rows = np.arange(len(found))
    low, high = found[rows, k - 1], found[rows, k]
    share = np.divide(wanted - low, high - low, out=np.zeros_like(low), where=high > low)
    lean: Floats = LEANS[k - 1] + np.clip(share, 0.0, 1.0) * (LEANS[k] - LEANS[k - 1])
    return lean
