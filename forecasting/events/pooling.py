"""What past campaigns tell of a coming one: partial pooling of their uplifts.

The log of 1 + uplift is what all campaigns share, plus what those of a category do, plus what they
do on a channel and on a queue, plus a little for how many people were reached, plus what each
campaign does alone. Each level is believed to lie near the one above it, so that a queue's own
campaigns count most and other queues' lend where they are few. How far campaigns scatter around all
this is not known: every scatter is weighed by how well it explains the past, which gives the
predictive interval its honest, heavy tails.

Source: partial pooling by normal levels (Gelman and Hill, Data Analysis Using Regression and
Multilevel Models, chapter 12), with the scatter integrated out on a grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from forecasting.grid import Bools, Floats
from wfm.campaigns import Category

# The uplift expected of a campaign of which nothing is known.
PRIOR_UPLIFT = 0.7
# Standard deviations of the levels, in log(1 + uplift): all campaigns around the prior, a category
# around all, a channel around its category, a queue around that.
ALL_SD = 0.25
CATEGORY_SD = 0.45
CHANNEL_SD = 0.12
QUEUE_SD = 0.15
# By how much the log changes when e times as many people are reached.
REACH_SD = 0.10
# How far one campaign lies from all that: the scatters weighed, and the belief about them before
# any campaign was seen, as the median and the spread of their logarithm.
SCATTERS = np.array([0.03, 0.06, 0.1, 0.15, 0.22, 0.32, 0.45, 0.65, 1.0])
USUAL_SCATTER = 0.14
SCATTER_SD = 0.6
# The share of its scatter that a campaign shows on every queue it reaches.
SHARED_SCATTER = 0.5
# Ends of the interval that is told.
TOLD = (0.10, 0.90)


@dataclass(frozen=True)
class Analogue:
    """A past campaign as measured on a queue; or, without a measurement, one to come.

    channel  of the queue; empty where unknown
    reach    people addressed; 0 where unknown
    log      of 1 + uplift at its peak
    sd       standard deviation of that by chance
    """

    name: str
    category: Category
    queue: str
    channel: str = ""
    reach: int = 0
    log: float = 0.0
    sd: float = 0.0


@dataclass(frozen=True)
class Pooled:
    """What is expected of a coming campaign, in log(1 + uplift).

    mean, sd   of the predictive distribution
    low, high  ends of its 80 % interval
    """

    mean: float
    sd: float
    low: float
    high: float


def pooled(coming: Analogue, past: Sequence[Analogue]) -> Pooled:
    """The predictive distribution of `coming`, given what `past` campaigns did.

    >>> before = [Analogue(f"sale {i}", "campaign", "x", log=0.8, sd=0.05) for i in range(6)]
    >>> told = pooled(Analogue("sale 7", "campaign", "x"), before)
    >>> round(told.mean, 1), told.low < 0.8 < told.high
    (0.8, True)
    """
    everyone = [coming, *past]
    levels = _levels(everyone)
    alone, shared = _scattered(everyone)
    measured = np.array([one.log for one in past]) - np.log1p(PRIOR_UPLIFT)
    noise = np.diag([one.sd**2 for one in past]) if past else np.zeros((0, 0))
    likely, means, sds = [], [], []
    for scatter in SCATTERS:
        covariance = levels + scatter**2 * (SHARED_SCATTER * shared + (1 - SHARED_SCATTER) * alone)
        lower = np.linalg.cholesky(covariance[1:, 1:] + noise)
        solved = np.linalg.solve(lower, measured)
        cross = np.linalg.solve(lower, covariance[1:, 0])
        means.append(np.log1p(PRIOR_UPLIFT) + float(cross @ solved))
        sds.append(np.sqrt(max(1e-12, float(covariance[0, 0] - cross @ cross))))
        likely.append(
            -0.5 * float(solved @ solved)
            - float(np.log(np.diag(lower)).sum())
            - 0.5 * (np.log(scatter / USUAL_SCATTER) / SCATTER_SD) ** 2
        )
    weight = np.exp(np.array(likely) - max(likely))
    weight /= weight.sum()
    mean = float(weight @ means)
    variance = weight @ (np.array(sds) ** 2 + (np.array(means) - mean) ** 2)
    low, high = (_quantile(q, weight, np.array(means), np.array(sds)) for q in TOLD)
    return Pooled(mean, float(np.sqrt(variance)), low, high)


def _levels(campaigns: Sequence[Analogue]) -> Floats:
    """Covariance of what campaigns share by their levels and reach."""
    category = _same([one.category for one in campaigns])
    channel = category & _same([one.channel or one.queue for one in campaigns])
    queue = category & _same([one.queue for one in campaigns])
    known = [np.log(one.reach) for one in campaigns if one.reach > 0]
    middle = np.mean(known) if known else 0.0
    reach = np.array([np.log(one.reach) - middle if one.reach > 0 else 0.0 for one in campaigns])
    found: Floats = (
        ALL_SD**2
        + CATEGORY_SD**2 * category
        + CHANNEL_SD**2 * channel
        + QUEUE_SD**2 * queue
        + REACH_SD**2 * reach[:, None] * reach
    )
    return found


def _scattered(campaigns: Sequence[Analogue]) -> tuple[Bools, Bools]:
    """Which pairs are one campaign on one queue, and which one campaign on any queues."""
    shared = _same([one.name for one in campaigns])
    return shared & _same([one.queue for one in campaigns]), shared


def _same(values: Sequence[str]) -> Bools:
    found = np.array(values, dtype=object)
    return np.asarray(found[:, None] == found, dtype=bool)


def _quantile(q: float, weight: Floats, means: Floats, sds: Floats) -> float:
    """The q-quantile of a mixture of normal distributions, by bisection."""
    low, high = float((means - 8 * sds).min()), float((means + 8 * sds).max())
    for _ in range(50):
        middle = 0.5 * (low + high)
        below = sum(
            w * NormalDist(m, s).cdf(middle) for w, m, s in zip(weight, means, sds, strict=True)
        )
        low, high = (middle, high) if below < q else (low, middle)
    return 0.5 * (low + high)
