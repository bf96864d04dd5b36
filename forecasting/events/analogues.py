"""What past campaigns did on a queue: their uplifts and how fast they faded.

They are measured against the ordinary weeks around them, those that overlap together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import numpy as np

from forecasting.engine.clean import CAP_SD
from forecasting.events.curves import felt_until, minutes_after, shape_after
from forecasting.events.pooling import Analogue
from forecasting.events.profile import profile_around, tuned_shape
from forecasting.grid import SLOTS, Bools, Floats, Ints, local_slots
from forecasting.protocol import History
from wfm.campaigns import Campaign
from wfm.frames import interval_index
from wfm.timegrid import floor_interval

# Where the uplift is measured, and the ordinary contacts it takes to measure one.
MEASURED_SHAPE = 0.10
MEASURED_CONTACTS = 20.0
# Campaigns whose uplifts cannot be told apart, as their variances grow this much by one another,
# teach nothing.
TOLD_APART = 5.0
# Rounds of fitting, capping and weighing the counts.
ROUNDS = 4
# Robust standard deviations from which a count's say on the fading falls.
HUBER = 2.5
# An uplift takes no more than this share of the ordinary contacts away, and is no surer than this.
LEAST_UPLIFT = -0.9
LEAST_SD = 0.02
# A day's level scatters at least so much, in logs; ordinary days within a week tell it.
LEAST_DAY_SD = 0.03
USUAL_DAY_SD = 0.10
BESIDE_DAYS = 7
# About as many days like it tell what is ordinary on a weekday.
LIKE_DAYS = 3.0
# Stated half-lives are tried at these multiples. One campaign's own multiple scatters by OWN_FADE
# around its category's, which is believed to lie within CATEGORY_FADE of what was stated, in logs.
FADES = np.exp(np.linspace(-1.2, 1.2, 13))
OWN_FADE = 0.4
CATEGORY_FADE = 0.4


@dataclass(frozen=True, eq=False)
class Lessons:
    """What past campaigns did on one queue.

    analogues  those whose uplift can be told
    fades      by category, how many times their stated half-life they took to fade, and how many
               campaigns say so
    """

    analogues: tuple[Analogue, ...] = ()
    fades: tuple[tuple[str, float, int], ...] = ()


@dataclass(frozen=True, eq=False)
class _Trace:
    """A past campaign on the queue's cells.

    cells  (n,) flat index of each cell it is felt in
    shape  (n,) share of the peak felt
    """

    campaign: Campaign
    cells: Ints
    shape: Floats


def _trace(campaign: Campaign, history: History, zone: ZoneInfo) -> _Trace:
    """Where a campaign was felt; nowhere outside the history."""
    cells, (shape,) = _traced([campaign], history, zone)
    return _Trace(campaign, cells, shape)


def _traced(
    campaigns: Sequence[Campaign], history: History, zone: ZoneInfo
) -> tuple[Ints, list[Floats]]:
    """Cells in which any of some campaigns of one start is felt, and how strongly each is."""
    slots = history.counts.shape[1]
    begin = campaigns[0].start
    felt = interval_index(floor_interval(begin), max(felt_until(one) for one in campaigns))
    at, quarters = local_slots(felt, zone)
    rows = (at - history.days[0]).astype("int64")
    inside = (rows >= 0) & (rows < len(history))
    flat = rows[inside] * slots + quarters[inside] * slots // SLOTS
    minutes = minutes_after(begin, felt[inside])
    cells, where, size = np.unique(flat, return_inverse=True, return_counts=True)
    shapes = [
        np.bincount(where, weights=shape_after(one, minutes), minlength=len(cells)) / size
        for one in campaigns
    ]
    return cells, shapes


def lessons_of(
    history: History, campaigns: Sequence[Campaign], zone: ZoneInfo, channel: str = ""
) -> Lessons:
    """What the campaigns on the queue did before the history's end.

    Uplifts are fitted together by weighted least squares on the counts over the ordinary weeks
    around, wild counts capped as in those. A campaign is left out where fewer than 20 ordinary
    contacts were to be expected under it, or where it cannot be told from one it overlaps.
    One that still runs teaches what it has shown so far.
    """
    traces = [_trace(c, history, zone) for c in campaigns if history.queue in c.queues]
    traces = [trace for trace in traces if len(trace.cells)]
    if not traces:
        return Lessons()
    base, day_sd = _ordinary(history, traces)
    counts = history.counts.ravel()
    usable = np.isfinite(counts) & ~history.cleaned.outage.ravel()
    traces = [trace for trace in traces if _expected(trace, base, usable) >= MEASURED_CONTACTS]
    fits = _fitted(traces, base, counts, usable)
    brought = np.zeros_like(base)
    for trace, uplift in zip(traces, fits.uplift, strict=True):
        brought[trace.cells] += uplift * base[trace.cells] * trace.shape
    analogues, fades = [], []
    for i, trace in enumerate(traces):
        if not fits.told[i]:
            continue
        # The days it ran on had a level of their own, and the ordinary one is only known so well.
        ran = np.bincount(trace.cells // history.counts.shape[1], base[trace.cells] * trace.shape)
        days = float(ran.sum()) ** 2 / float((ran**2).sum())
        level = day_sd * float(np.sqrt(1 / days + 1 / LIKE_DAYS))
        analogues.append(
            _analogue(
                trace.campaign,
                history.queue,
                channel,
                uplift=fits.uplift[i],
                sd=fits.sd[i],
                level=level,
            )
        )
        over = counts - base - brought
        over[trace.cells] += fits.uplift[i] * base[trace.cells] * trace.shape
        tries = [_fading(trace.campaign, times) for times in FADES]
        cells, shapes = _traced(tries, history, zone)
        kept = usable[cells] & (base[cells] > 0)
        cells, shapes = cells[kept], [shape[kept] for shape in shapes]
        faded = _fade(over[cells], base[cells], shapes, fits.noise)
        if faded is not None:
            fades.append((trace.campaign.category, *faded))
    return Lessons(tuple(analogues), _pooled_fades(fades))


def _expected(trace: _Trace, base: Floats, usable: Bools) -> float:
    """Ordinary contacts under a campaign, by how strongly it was felt."""
    return float((base[trace.cells] * trace.shape)[usable[trace.cells]].sum())


def _fading(campaign: Campaign, times: float) -> Campaign:
    return replace(campaign, half_life_min=campaign.half_life_min * float(times))


def _analogue(
    campaign: Campaign, queue: str, channel: str, *, uplift: float, sd: float, level: float
) -> Analogue:
    """A measured campaign; `sd` is that of its uplift, `level` that of the days' log level."""
    kept = max(LEAST_UPLIFT, float(uplift))
    return Analogue(
        campaign.name,
        campaign.category,
        queue,
        channel,
        campaign.reach,
        log=float(np.log1p(kept)),
        sd=max(LEAST_SD, float(np.hypot(sd / (1 + kept), level))),
    )


def _ordinary(history: History, traces: Sequence[_Trace]) -> tuple[Floats, float]:
    """Mean contacts of each cell had there been no campaign, and how far a day's level scatters.

    The cells' (days * slots,) are only filled on the days of the traces.
    """
    slots = history.counts.shape[1]
    shape = tuned_shape(history)
    base = np.zeros(history.counts.size)
    capped = history.cleaned.capped
    rows = [np.unique(trace.cells // slots) for trace in traces]
    weeks = profile_around(history, np.array([of[0] for of in rows]), shape).mean
    scatter = []
    for of, week in zip(rows, weeks, strict=True):
        near = slice(max(0, int(of[0]) - BESIDE_DAYS), int(of[-1]) + BESIDE_DAYS + 1)
        seen = np.isfinite(capped[near])
        told = np.where(seen, week[history.weekday[near]], 0.0).sum(axis=1)
        made = np.where(seen, capped[near], 0.0).sum(axis=1)
        expected = float(told.sum())
        level = float(made.sum()) / expected if expected >= MEASURED_CONTACTS else 1.0
        whole = told >= MEASURED_CONTACTS
        scatter.append(np.log1p(made[whole]) - np.log1p(level * told[whole]))
        cells = (of[:, None] * slots + np.arange(slots)).ravel()
        base[cells] = level * week[history.weekday[of]].ravel()
    apart = np.concatenate(scatter)
    if not len(apart):
        return base, USUAL_DAY_SD
    # A viral day is no ordinary one.
    far = 3 * 1.4826 * float(np.median(np.abs(apart)))
    return base, max(LEAST_DAY_SD, float(np.sqrt((np.clip(apart, -far, far) ** 2).mean())))


@dataclass(frozen=True, eq=False)
class _Fits:
    """Uplifts (n,) of n campaigns, their sds, whether they can be told; sd of a standard miss."""

    uplift: Floats
    sd: Floats
    told: Bools
    noise: float


def _fitted(traces: Sequence[_Trace], base: Floats, counts: Floats, usable: Bools) -> _Fits:
    """The uplifts that explain the counts under all campaigns together."""
    n = len(traces)
    if n == 0:
        return _Fits(np.zeros(0), np.zeros(0), np.zeros(0, dtype=bool), 1.0)
    cells = np.unique(np.concatenate([trace.cells for trace in traces]))
    columns = np.zeros((len(cells), n))
    for j, trace in enumerate(traces):
        strong = np.where(trace.shape >= MEASURED_SHAPE, trace.shape, 0.0)
        columns[np.searchsorted(cells, trace.cells), j] = base[trace.cells] * strong
    chosen = usable[cells] & (columns > 0).any(axis=1)
    columns, expected, seen = columns[chosen], base[cells[chosen]], counts[cells[chosen]]
    uplift, noise, normal = np.zeros(n), 1.0, np.eye(n)
    weight, tame = 1.0 / (expected + 1.0), seen
    for _ in range(ROUNDS):
        # A trace of a ridge, so that twins do not break the solution.
        normal = columns.T @ (weight[:, None] * columns) + 1e-9 * np.eye(n)
        uplift = np.linalg.solve(normal, columns.T @ (weight * (tame - expected)))
        fitted = np.maximum(expected + columns @ uplift, 0.0)
        scale = np.sqrt(fitted + 1.0)
        noise = max(1.0, 1.4826 * float(np.median(np.abs(seen - fitted) / scale)))
        # Capped as the counts are that the ordinary weeks were learned from.
        tame = np.clip(seen, fitted - CAP_SD * noise * scale, fitted + CAP_SD * noise * scale)
        weight = 1.0 / (fitted + 1.0)
    inverse = np.linalg.inv(normal)
    inflated = np.diag(normal) * np.diag(inverse)
    sd = noise * np.sqrt(np.maximum(np.diag(inverse), 0.0))
    return _Fits(uplift, sd, np.asarray(inflated <= TOLD_APART), noise)


def _fade(
    over: Floats, base: Floats, shapes: Sequence[Floats], noise: float
) -> tuple[float, float] | None:
    """Log of how many times its stated half-life a campaign took to fade, and its variance.

    over    (n,) what came in each cell beyond the ordinary and the other campaigns
    base    (n,) the ordinary
    shapes  (n,) shares of the peak felt, for each of the `FADES`
    noise   sd of a standard miss

    None where the counts do not tell: it did not fade within the history, or brought too little.
    """
    if not len(over):
        return None
    # Busy cells scatter more, also by what the campaign itself brings.
    weight = 1.0 / (base + np.maximum(over, 0.0) + 1.0)
    left = np.zeros(len(shapes))
    for i, shape in enumerate(shapes):
        column = base * shape
        made = float((weight * column) @ column)
        uplift = max(0.0, float((weight * column) @ over)) / max(made, 1e-12)
        size = np.abs(over - uplift * column) * np.sqrt(weight) / noise
        left[i] = np.where(size <= HUBER, size**2, HUBER * (2 * size - HUBER)).sum()
    likely = np.exp(-0.5 * (left - left.min()))
    likely /= likely.sum()
    logs = np.log(FADES)
    mean = float(likely @ logs)
    variance = float(likely @ (logs - mean) ** 2)
    # As spread as the tries themselves: nothing was learned.
    return None if variance > 0.5 * float(logs.var()) else (mean, variance)


def _pooled_fades(
    fades: Sequence[tuple[str, float, float]],
) -> tuple[tuple[str, float, int], ...]:
    """By category, the multiple of the stated half-life, shrunk to 1."""
    found = []
    for category in sorted({category for category, _, _ in fades}):
        own = [(log, variance) for name, log, variance in fades if name == category]
        weight = [1 / (variance + OWN_FADE**2) for _, variance in own]
        made = sum(w * log for w, (log, _) in zip(weight, own, strict=True))
        found.append((category, float(np.exp(made / (sum(weight) + CATEGORY_FADE**-2))), len(own)))
    return tuple(found)
