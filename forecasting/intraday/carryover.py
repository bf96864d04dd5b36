"""How much of what a day has shown carries over into the hours that follow.

Ridge regressions of what came on what had been seen, one for each part of the day and group of
leads, over past days and hours and over all queues together, with each queue's own leaning on the
common ones. A back-test with expanding windows then says how much of the update to apply.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.grid import Floats
from forecasting.intraday.lessons import MAX_LOG, PARTS, Lesson, parts_of
from forecasting.intraday.ratios import LEADS, WINDOWS, lead_edges

# The back-test learns anew each week, and first from so many days.
STEP_DAYS = 7
FIRST_DAYS = 7
# How strongly the common betas lean on none, as a share of their own evidence, and for how many
# days of evidence a part of the day and a queue lean on the common ones.
RIDGE = 0.05
LEANING_DAYS = 10.0
SWEEPS = 40
# Shares of an update that the back-test chooses from, and how sure of a gain it wants to be, in
# standard deviations. Never the whole: what carried over in the past carries over less in future.
SHARES = np.array([0.0, 0.2, 0.4, 0.6, 0.8])
CAUTION = 2.0


@dataclass(frozen=True, eq=False)
class Carried:
    """What one queue's past days taught.

    betas    (parts of the day, leads, windows) how much of what was seen carries over, 0 to 1
    shares   (leads,) how much of the update is applied
    updates  (days, hours, leads) log-factors of the back-test with the shares in; NaN for the days
             that it does not reach
    """

    betas: Floats
    shares: Floats
    updates: Floats


def carry_over(lessons: Sequence[Lesson], slots: int) -> list[Carried]:
    """What each queue's lesson teaches beside the others', in their order."""
    products, moments = zip(*(_evidence(lesson) for lesson in lessons), strict=True)
    first = min(int(lesson.day[0]) for lesson in lessons)
    last = max(int(lesson.day[-1]) for lesson in lessons)
    updates = [np.full(lesson.came.shape, np.nan) for lesson in lessons]
    for begin in range(first + FIRST_DAYS, last + 1, STEP_DAYS):
        # What a day was followed by is known a day later.
        known = [int((lesson.day < begin - 1).sum()) for lesson in lessons]
        betas = _betas(products, moments, known)
        for lesson, update, beta in zip(lessons, updates, betas, strict=True):
            rows = (lesson.day >= begin) & (lesson.day < begin + STEP_DAYS)
            at_hour = beta[parts_of(lesson)]
            update[rows] = np.einsum("dhw,hlw->dhl", lesson.seen[rows], at_hour)
    shares = _shares([_gains(*pair, slots) for pair in zip(lessons, updates, strict=True)])
    betas = _betas(products, moments, [len(lesson.day) for lesson in lessons])
    return [
        Carried(beta, share, update * share)
        for beta, share, update in zip(betas, shares, updates, strict=True)
    ]


def _evidence(lesson: Lesson) -> tuple[Floats, Floats]:
    """Sums over the first 0, 1, 2 ... days of what the regressions are solved from.

    Products (days + 1, parts, leads, windows, windows) and moments (days + 1, parts, leads,
    windows), in units of the queue's own weight, so that busy queues do not own what is common.
    """
    weight = lesson.weight / max(1e-9, float(lesson.weight.sum(axis=(1, 2)).mean()))
    hourly = (
        np.einsum("dhl,dhi,dhj->dhlij", weight, lesson.seen, lesson.seen, optimize=True),
        np.einsum("dhl,dhi->dhli", weight * lesson.came, lesson.seen, optimize=True),
    )
    begins = np.searchsorted(parts_of(lesson), np.arange(PARTS))

    def summed(values: Floats) -> Floats:
        parts = np.add.reduceat(values, begins, axis=1)
        return np.concatenate((np.zeros((1, *parts.shape[1:])), np.cumsum(parts, axis=0)))

    return summed(hourly[0]), summed(hourly[1])


def _betas(products: Sequence[Floats], moments: Sequence[Floats], known: Sequence[int]) -> Floats:
    """Betas of each queue from its first `known` days, (queues, parts, leads, windows).

    What is common to all queues and hours is leant on by what is common to a part of the day, and
    that by what a queue's own days say.
    """
    product = np.array([values[n] for values, n in zip(products, known, strict=True)])
    moment = np.array([values[n] for values, n in zip(moments, known, strict=True)])
    days = max(sum(known), 1)
    common, came = product.sum(axis=(0, 1)), moment.sum(axis=(0, 1))
    usual = np.trace(common, axis1=-2, axis2=-1)[:, None] / WINDOWS
    pooled = _ridge(common, came, RIDGE * usual, np.zeros_like(came))
    lean = LEANING_DAYS * usual / days / PARTS
    by_part = moment.sum(axis=0)
    pooled = _ridge(product.sum(axis=0), by_part, lean, np.broadcast_to(pooled, by_part.shape))
    return _ridge(product, moment, lean, np.broadcast_to(pooled, moment.shape))


def _ridge(product: Floats, moment: Floats, lean: Floats, towards: Floats) -> Floats:
    """Least squares of betas within 0 and 1 that lean on others, by coordinate descent.

    product (..., k, k), moment and towards (..., k), lean (..., 1) or what broadcasts to it
    """
    betas = np.clip(towards, 0.0, 1.0)
    diagonal = np.diagonal(product, axis1=-2, axis2=-1) + lean
    for _ in range(SWEEPS):
        for j in range(betas.shape[-1]):
            rest = np.einsum("...k,...k->...", product[..., j, :], betas)
            rest = rest - product[..., j, j] * betas[..., j]
            wanted = moment[..., j] - rest + lean[..., 0] * towards[..., j]
            # Nothing seen and nothing to lean on: nothing carries over.
            found = wanted / np.maximum(diagonal[..., j], 1e-12)
            betas[..., j] = np.clip(found, 0.0, 1.0)
    return betas


def _gains(lesson: Lesson, updates: Floats, slots: int) -> Floats:
    """Error of each share of the updates less that of none, over the latter; (days, leads, shares).

    NaN for the days that the back-test does not reach.
    """
    tried = np.isfinite(updates).all(axis=(1, 2))
    counts, median = lesson.counts[tried], lesson.median[tried]
    factors = np.exp(np.clip(updates[tried, :, :, None] * SHARES, -MAX_LOG, MAX_LOG))
    found = np.full((len(updates), LEADS, len(SHARES)), np.nan)
    edges = lead_edges(slots)
    for lead in range(LEADS):
        block = slice(edges[lead], edges[lead + 1])
        if edges[lead] == edges[lead + 1]:
            # Slots too long to tell this lead from the next.
            found[tried, lead] = 0.0
            continue
        error = np.stack(
            [
                np.nansum(
                    np.abs(counts[..., block] - median[..., block] * factors[:, :, lead, i, None]),
                    axis=(1, 2),
                )
                for i in range(len(SHARES))
            ],
            axis=-1,
        )
        # Bounded by what is usual: a viral day is one day.
        usual = error[:, 0] + (np.median(error[:, 0]) if len(error) else 0.0)
        gain = np.zeros_like(error)
        np.divide(2 * (error - error[:, :1]), usual[:, None], out=gain, where=usual[:, None] > 0)
        found[tried, lead] = gain
    return found


def _shares(gains: Sequence[Floats]) -> Floats:
    """How much of the updates each queue is given, (queues, leads).

    Each queue's mean gain leans on that of all queues, as far as they are alike and its own is
    uncertain; a share is taken when the gain is beyond doubt by `CAUTION` deviations.
    """
    days = np.array([int(np.isfinite(g[:, 0, 0]).sum()) for g in gains])
    mean, variance = np.zeros((2, len(gains), LEADS, len(SHARES)))
    for i, gain in enumerate(gains):
        known = gain[np.isfinite(gain).all(axis=(1, 2))]
        if len(known) >= FIRST_DAYS:
            mean[i], variance[i] = known.mean(axis=0), known.var(axis=0, ddof=1) / len(known)
    tested = days >= FIRST_DAYS
    shares = np.zeros((len(gains), LEADS))
    if not tested.any():
        return shares
    noise = variance[tested] + 1e-12
    together = (mean[tested] / noise).sum(axis=0) / (1 / noise).sum(axis=0)
    between = np.maximum(mean[tested].var(axis=0) - noise.mean(axis=0), 0.25 * noise.mean(axis=0))
    own, common = 1 / noise, (1 / between if tested.sum() > 1 else np.zeros_like(between))
    likely = (own * mean[tested] + common * together) / (own + common)
    doubt = np.sqrt(1 / (own + common))
    doubt[..., 0] = 0.0
    shares[tested] = SHARES[(likely + CAUTION * doubt).argmin(axis=-1)]
    return shares
