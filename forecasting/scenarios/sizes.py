"""How large a push of a cause usually is, and how it goes: learned from past ones, on a prior.

Few past pushes say little of the next one, so a prior stands beside them and weighs as much as
`PRIOR_PUSHES` of them; with none it is the answer. Sizes and times are averaged as logarithms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import NormalDist

import numpy as np

from forecasting.grid import Floats
from forecasting.scenarios.pushes import Push
from wfm.campaigns import CATEGORIES, Category

# So many past pushes weigh as much as the prior.
PRIOR_PUSHES = 3.0
# What pushed another queue counts for so much of what pushed the one asked about.
LENT = 0.5
# Pushes of several queues that begin so close together are one.
TOGETHER = timedelta(hours=2)
# How far the sizes of a cause's pushes scatter, in logs, before any was seen; one push in ten is
# larger than the "high" size.
USUAL_SD = 0.5
HIGH = NormalDist().inv_cdf(0.9)
# No push is believed to be larger, smaller or longer than this, however it was measured.
SMALLEST, LARGEST = 0.05, 50.0
LONGEST_MIN = 7 * 24 * 60.0


@dataclass(frozen=True)
class Wave:
    """A stretch of more contacts, or of fewer, within a push.

    factor, high  volume over the usual at its peak: half of such pushes go further than `factor`,
                  one in ten further than `high`
    after_min     minutes from the push's start until it begins
    """

    factor: float
    high: float
    length_min: float
    rise_min: float
    half_life_min: float
    after_min: float = 0.0


@dataclass(frozen=True)
class Size:
    """What a push of a cause does.

    waves         in order of time; an outage may have two: contacts stop, then they come
    handling      handling time over the usual while it lasts
    learned_from  past pushes that it was learned from; 0: it is the prior
    own           those of them on the queue asked about
    """

    cause: Category
    waves: tuple[Wave, ...]
    handling: float
    learned_from: int
    own: int

    @property
    def stops(self) -> bool:
        """Whether contacts stop coming at first."""
        return self.waves[0].factor < 1


@dataclass(frozen=True)
class Prior:
    """What is believed of a wave before any was seen."""

    factor: float
    length_min: float
    rise_min: float
    half_life_min: float
    handling: float = 1.0


# Beliefs, not measurements: they stand until a brand's own past speaks. Campaigns are planned and
# last; markets move within minutes; a new rule is read and asked about for days.
PRIORS: Mapping[Category, Prior] = {
    "viral": Prior(4.0, 120, 15, 60),
    "campaign": Prior(1.7, 720, 60, 240),
    "regulatory": Prior(1.8, 1440, 120, 720, handling=1.3),
    "market": Prior(2.5, 180, 15, 90, handling=1.1),
    "launch": Prior(2.2, 480, 30, 240, handling=1.1),
    "outage": Prior(2.5, 90, 15, 60),
}
# An outage that stops the queue: the share of contacts left; and what comes when it is over.
STOPPED = Prior(0.1, 60, 0, 1)
AFTERWARDS = Prior(2.0, 30, 1, 60)


def size_of(cause: Category, past: Sequence[Push], *, queue: str | None = None) -> Size:
    """What a push of the cause does, on the queue or on any.

    past  pushes of all queues and causes; those of other causes are passed over

    Pushes of several queues that begin within two hours count as one. An outage stops contacts
    first and brings more when it is over, unless the past knows more outages of the product, told
    as campaigns of the category, that brought more at once.
    """
    if cause == "outage":
        return _outage(past, queue)
    return _one_wave(cause, [one for one in past if one.cause == cause], queue)


def sizes_of(past: Sequence[Push], *, queue: str | None = None) -> tuple[Size, ...]:
    """`size_of` of all six causes, in the order of `wfm.campaigns.CATEGORIES`."""
    return tuple(size_of(cause, past, queue=queue) for cause in CATEGORIES)


def _outage(past: Sequence[Push], queue: str | None) -> Size:
    told = [one for one in past if one.cause == "outage" and one.kind == "campaign"]
    stopped = [one for one in past if one.kind == "outage"]
    if _count(told) > _count(stopped):
        return _one_wave("outage", told, queue)
    after = [one for one in past if one.kind == "aftermath"]
    weights = _weights(stopped, queue)
    counted = [np.isfinite(one.factor) for one in stopped]
    shares = [one.factor for one in stopped if np.isfinite(one.factor)]
    left, _ = _leaned(STOPPED.factor, shares, weights[counted])
    lasts = _minutes(STOPPED.length_min, [one.length_min for one in stopped], weights)
    stop = Wave(min(left, 1.0), 0.0, lasts, STOPPED.rise_min, STOPPED.half_life_min)
    wave = _wave(AFTERWARDS, after, queue, after_min=lasts)
    return Size(
        cause="outage",
        waves=(stop, wave),
        handling=_handling(AFTERWARDS.handling, after, queue),
        learned_from=_count(stopped),
        own=_count([one for one in stopped if one.queue == queue]),
    )


def _one_wave(cause: Category, past: Sequence[Push], queue: str | None) -> Size:
    prior = PRIORS[cause]
    return Size(
        cause=cause,
        waves=(_wave(prior, past, queue),),
        handling=_handling(prior.handling, past, queue),
        learned_from=_count(past),
        own=_count([one for one in past if one.queue == queue]),
    )


def _wave(prior: Prior, past: Sequence[Push], queue: str | None, *, after_min: float = 0.0) -> Wave:
    weights = _weights(past, queue)
    sure = _sureness([one.sd for one in past])
    factors = [min(LARGEST, one.factor) for one in past]
    factor, sd = _leaned(prior.factor, factors, weights * sure)
    rise, length, half_life = (
        _minutes(of_prior, found, weights)
        for of_prior, found in (
            (prior.rise_min, [one.rise_min for one in past]),
            (prior.length_min, [one.length_min for one in past]),
            (prior.half_life_min, [one.half_life_min for one in past]),
        )
    )
    return Wave(
        factor=factor,
        high=min(LARGEST, factor * float(np.exp(HIGH * sd))),
        length_min=length,
        rise_min=min(rise, length),
        half_life_min=half_life,
        after_min=after_min,
    )


def _handling(prior: float, past: Sequence[Push], queue: str | None) -> float:
    weights = _weights(past, queue)
    told = [one.handling is not None for one in past]
    found = [one.handling for one in past if one.handling is not None]
    sure = _sureness([sd for _, sd in found])
    return _leaned(prior, [ratio for ratio, _ in found], weights[told] * sure)[0]


def _sureness(sds: Sequence[float]) -> Floats:
    """What a measurement counts for beside how much pushes differ."""
    return np.asarray(USUAL_SD**2 / (USUAL_SD**2 + np.square(np.array(sds, dtype=float))))


def _minutes(prior: float, values: Sequence[float | None], weights: Floats) -> float:
    """A time, from those pushes of which it could be told."""
    told = [value is not None for value in values]
    # No time at all has no logarithm: a minute stands for it.
    known = [min(max(1.0, value), LONGEST_MIN) for value in values if value is not None]
    return _leaned(max(1.0, prior), known, weights[told])[0]


def _leaned(prior: float, values: Sequence[float], weights: Floats) -> tuple[float, float]:
    """Mean of the values and the prior, as logarithms are averaged, and the sd of the next one."""
    logs = np.log(np.maximum(SMALLEST, np.array(values, dtype=float)))
    mass = PRIOR_PUSHES + float(weights.sum())
    mean = (PRIOR_PUSHES * float(np.log(prior)) + float(weights @ logs)) / mass
    spread = PRIOR_PUSHES * USUAL_SD**2 + float(weights @ (logs - mean) ** 2)
    # What is not known of the mean adds to how far the next one lies from it.
    return float(np.exp(mean)), float(np.sqrt(spread / mass * (1 + 1 / mass)))


def _weights(past: Sequence[Push], queue: str | None) -> Floats:
    """How much each push counts: an event once, however many queues it hit.

    Of an event that hit the queue itself only that counts; one that did not counts for less.
    """
    weights = np.zeros(len(past))
    for event in _events(past):
        own = [i for i in event if past[i].queue == queue]
        chosen = own or event
        weights[chosen] = (1.0 if own or queue is None else LENT) / len(chosen)
    return weights


def _count(past: Sequence[Push]) -> int:
    return len(_events(past))


def _events(past: Sequence[Push]) -> list[list[int]]:
    """Indices of the pushes, those together that began together."""
    events: list[list[int]] = []
    for i in sorted(range(len(past)), key=lambda i: past[i].start):
        if events and past[i].start - past[events[-1][0]].start <= TOGETHER:
            events[-1].append(i)
        else:
            events.append([i])
    return events
