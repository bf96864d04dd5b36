"""What past days that holidays touched tell of coming ones: the nearer the kin, the more.

A Gaussian process over days. Its covariance is made of what all touched days of a series share,
what those of a kind do, what those of a name do, what neighbours do, and what each does alone; the
series itself weighs the scales of these. Where nothing like a day was ever seen, the answer is the
prior, and its spread is wide.

Source: Rasmussen and Williams, Gaussian Processes for Machine Learning, chapter 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from forecasting.events.daytypes import KINDS, Kind, Touched
from forecasting.grid import Floats, Ints

# How strongly days of each kind share in what holidays do to the series.
STRENGTH: dict[Kind, float] = {
    "great holiday": 1.3,
    "holiday": 1.0,
    "bridge": 0.8,
    "long weekend": 0.7,
    "festive eve": 0.6,
    "between": 0.4,
    "eve": 0.25,
    "after": 0.25,
}
# Standard deviations of a full holiday's log effect around the quiet day's: what all days share,
# what those of a kind do, what those of a name do, what days near one another do (by the days
# between them), and what each does alone.
SHARED_SD = 0.12
KIND_SD = 0.15
NAME_SD = 0.12
NEAR_SD = 0.12
NEAR_DAYS = 2.0
OWN_SD = 0.05
# The series' own scales of what days share and of what sets each apart, weighed by how likely they
# are; the logarithm of a scale is believed to lie around 0 with this spread.
SHARED_SCALES = (0.5, 1.0, 3.0, 9.0)
APART_SCALES = (0.5, 1.0, 2.0, 4.0)
SCALE_SD = 0.8
# Of what days of a kind share, the part that they share across markets too.
ACROSS_MARKETS = 0.3


def _kernels(
    ours: Sequence[Touched], at: Ints, others: Sequence[Touched], there: Ints
) -> tuple[Floats, Floats]:
    """Covariance (ours, others) of what all and alike days share, and of what sets days apart."""
    strength = [np.array([STRENGTH[d.kind] for d in days]) for days in (ours, others)]
    kind = [np.array([KINDS.index(d.kind) for d in days]) for days in (ours, others)]
    names = {d.name: i for i, d in enumerate((*ours, *others))}
    name = [np.array([names[d.name] for d in days]) for days in (ours, others)]
    both = strength[0][:, None] * strength[1]
    same_kind = kind[0][:, None] == kind[1]
    same_name = name[0][:, None] == name[1]
    away = np.abs(at[:, None] - there)
    markets = [[len(a.where & b.where) / len(a.where | b.where) for b in others] for a in ours]
    same_kind = same_kind * (ACROSS_MARKETS + (1 - ACROSS_MARKETS) * np.array(markets))
    shared = SHARED_SD**2 + KIND_SD**2 * same_kind
    apart = (
        NAME_SD**2 * same_name * np.where(kind[0][:, None] == kind[1], 1.0, 0.5)
        + NEAR_SD**2 * np.exp(-away / NEAR_DAYS)
        + OWN_SD**2 * (away == 0)
    )
    return both * shared, both * apart


@dataclass(frozen=True, eq=False)
class Foretold:
    """Of each coming day: mean (coming, m), sd (coming,).

    evidence  logarithm of how likely what was seen is, less a constant that all beliefs share
    """

    mean: Floats
    sd: Floats
    evidence: float


def foretold(
    past: Sequence[Touched],
    seen: Floats,
    noise: Floats,
    coming: Sequence[Touched],
    ahead: int,
) -> Foretold:
    """What is to be expected on each of the coming days, m figures each.

    seen   (past, m) what past days showed, m figures each, around 0
    noise  (past,) standard deviation of that by chance
    ahead  days from the first day that `past` counts from to the first that `coming` does
    """
    then = np.array([ahead + day.row for day in coming], dtype=np.int64)
    prior = [np.diag(kernel) for kernel in _kernels(coming, then, coming, then)]
    if not past:
        unseen = np.zeros((len(coming), seen.shape[1]))
        return Foretold(unseen, np.sqrt(prior[0] + prior[1]), evidence=0.0)
    at = np.array([day.row for day in past], dtype=np.int64)
    within, across = _kernels(past, at, past, at), _kernels(coming, then, past, at)
    likely, means, variances = [], [], []
    for scales in product(SHARED_SCALES, APART_SCALES):
        shared, apart = (scale**2 for scale in scales)
        lower = np.linalg.cholesky(shared * within[0] + apart * within[1] + np.diag(noise**2))
        # Both sides at once: a small system is mostly overhead.
        cross = (shared * across[0] + apart * across[1]).T
        solved = np.linalg.solve(lower, np.concatenate((seen, cross), axis=1))
        told, lent = solved[:, : seen.shape[1]], solved[:, seen.shape[1] :]
        means.append(lent.T @ told)
        left = shared * prior[0] + apart * prior[1] - (lent**2).sum(axis=0)
        variances.append(np.maximum(left, 0.0))
        likely.append(
            -0.5 * float((told**2).sum())
            - seen.shape[1] * float(np.log(np.diag(lower)).sum())
            - 0.5 * float((np.log(scales) ** 2).sum()) / SCALE_SD**2
        )
    # All scales by how likely they are, so that what is not known of the scale widens the spread.
    weight = np.exp(np.array(likely) - max(likely))
    evidence = max(likely) + float(np.log(weight.sum()))
    weight /= weight.sum()
    mean = np.einsum("s,scm->cm", weight, np.array(means))
    between = ((np.array(means) - mean) ** 2).mean(axis=2)
    return Foretold(mean, np.sqrt(weight @ (np.array(variances) + between)), evidence)
