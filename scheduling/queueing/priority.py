"""Two classes of messages at one desk: first replies and the follow-ups that come back.

Poisson arrivals, exponential handling, nobody gives up, steady state. The live order is earliest
deadline first. A class that is due sooner has a head start of the difference: it is served before
the other one, until messages of that are so old that they are due sooner still. So a message waits
longer than `wait`

- among its own kind, as with priority that does not interrupt: C exp(-(c - own) wait / s), or
- behind a backlog of both kinds that reaches up to it:
  C exp(-(c - load) (wait (1 - other / c) + aged other / c) / s), aged = wait + the head start,

whichever is likelier. C is Erlang's chance to wait (1 when the load exceeds the agents), s the mean
of the work in hand, own and other are erlangs. The first is exact where both kinds take equally
long; the second is the backlog of heavy traffic, in which every class has waited for its own
deadline plus one common lateness. With one class alone both are Erlang C.

A steady state takes its time when agents and load are close, and an overload has none. What given
agents attain is therefore not judged worse than what the backlog can grow to in some hours
(`backlog`).

Sources: Cobham 1954, Kella and Yechiali 1985 (priorities, M/M/c); Lehoczky 1996, Doytchinov,
Lehoczky, Shreve 2001 (earliest deadline first in heavy traffic).
"""

# ruff: noqa: PLR0917 - compiled functions take their arrays one by one

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from scheduling.compiled import compiled
from scheduling.queueing.backlog import grown
from scheduling.queueing.erlang import Floats
from scheduling.queueing.replies import Replies

# A chance to be late that counts for nothing.
NEVER = 1e-9
# Halvings of an agent: to a millionth.
HALVINGS = 20
TINY = 1e-300
# A steady state in which fewer than this are late is reached soon.
RARELY = 1e-3


@compiled
def _rates(
    agents: float, blocked: float, own: float, other: float, service_s: float
) -> tuple[float, float, float, float]:
    """Chance to wait, decay a second among its own kind and of the whole backlog, other / agents.

    agents may be fractional; blocked is their Erlang B.
    """
    load = own + other
    chance = 1.0 if load > 0.0 else 0.0
    if agents > load:
        chance *= blocked / (1.0 - load / agents * (1.0 - blocked))
    behind = min(other / agents, 1.0) if agents > 0.0 else 0.0
    alone, both = max(agents - own, 0.0) / service_s, max(agents - load, 0.0) / service_s
    return chance, alone, both, behind


@compiled
def _late(
    rates: tuple[float, float, float, float], head_start_s: float, ahead: bool, wait: float
) -> float:
    """Chance to wait longer than `wait`; ahead: served before the other class whatever its age."""
    chance, alone, both, behind = rates
    exponent = alone * wait
    if not ahead:
        backlog = both * (wait * (1.0 - behind) + max(wait + head_start_s, 0.0) * behind)
        if head_start_s <= 0.0 or backlog < exponent:
            exponent = backlog
    return chance * math.exp(-exponent)


@compiled
def _in_time(
    rates: tuple[float, float, float, float],
    head_start_s: float,
    ahead: bool,
    waits: Floats,
    weight: Floats,
    worst: float,
) -> float:
    """Share of a class met in time.

    waits  that the points of `weight` can afford, shortest first
    worst  chance to wait too long that is not exceeded
    """
    total = 0.0
    for k in range(waits.size):
        late = _late(rates, head_start_s, ahead, waits[k])
        if late < NEVER:
            # Whoever can afford to wait longer is late more rarely still.
            return total + float(weight[k:].sum())
        total += weight[k] * (1.0 - min(late, worst))
    return total


@compiled
def _affordable(
    touch_s: Floats, parts: Floats, weight: Floats, scale: float, threshold_s: float
) -> tuple[Floats, Floats]:
    """The waits with which the points are still in time, shortest first, and their weights."""
    waits = (threshold_s - touch_s * scale) / parts
    kept = np.flatnonzero(waits >= 0.0)
    order = kept[np.argsort(waits[kept])]
    return waits[order], weight[order]


@compiled
def _attained_all(
    agents: Floats,
    levels: Floats,
    own_mean: Floats,
    other_mean: Floats,
    service_s: Floats,
    head_start_s: float,
    touch_s: Floats,
    parts: Floats,
    weight: Floats,
    scale: Floats,
    threshold_s: float,
    around: int,
) -> Floats:
    """(levels, 3, intervals): with one agent fewer than the whole `agents`, as many, one more.

    around  1; or 0 to leave the first and the last of these at 0
    """
    size = own_mean.size
    out = np.zeros((levels.shape[0], 3, size))
    touch, messages = (weight * touch_s).sum(), (weight * parts).sum()
    net = np.zeros((levels.shape[0], size + 1))
    net_own = np.zeros((levels.shape[0], size + 1))
    for i in range(size):
        waits, weights = _affordable(touch_s, parts, weight, scale[i], threshold_s)
        wait = max((threshold_s - touch * scale[i]) / messages, 0.0)
        most = int(agents[i]) + 1
        for level in range(levels.shape[0]):
            own, other = own_mean[i] * levels[level, i], other_mean[i] * levels[level, i]
            load = own + other
            net[level, i + 1] = net[level, i] + load - agents[i]
            net_own[level, i + 1] = net_own[level, i] + own - agents[i]
            blocked = 1.0
            for n in range(most + around):
                if n > 0:
                    blocked = load * blocked / (n + load * blocked)
                row = n - most + 2
                if row < 1 - around:
                    continue
                rates = _rates(float(n), blocked, own, other, service_s[i])
                worst = 1.0
                if n > 0 and _late(rates, head_start_s, False, wait) > RARELY:
                    aged = wait * (1.0 - rates[3]) + max(wait + head_start_s, 0.0) * rates[3]
                    worst = max(
                        grown(net[level], i, 1.0 - row, n, aged, load, service_s[i]),
                        grown(net_own[level], i, 1.0 - row, n, wait, own, service_s[i]),
                    )
                out[level, row, i] = _in_time(rates, head_start_s, False, waits, weights, worst)
    return out


@compiled
def _fewest_all(
    own: Floats,
    other: Floats,
    service_s: Floats,
    head_start_s: float,
    ahead: bool,
    touch_s: Floats,
    parts: Floats,
    weight: Floats,
    scale: Floats,
    threshold_s: float,
    share: float,
) -> Floats:
    """Fewest agents, fractional, per entry; every entry's goal must be within reach."""
    exact = np.zeros(own.size)
    for i in range(own.size):
        if own[i] <= 0.0:
            continue
        waits, weights = _affordable(touch_s, parts, weight, scale[i], threshold_s)
        goal = (head_start_s, ahead, waits, weights, 1.0)
        load = own[i] + other[i]
        least = own[i] if ahead else load
        agents, blocked, before = 0, 1.0, 1.0
        while True:
            agents += 1
            before = blocked
            blocked = load * blocked / (agents + load * blocked)
            if agents > least:
                rates = _rates(float(agents), blocked, own[i], other[i], service_s[i])
                if _in_time(rates, *goal) >= share:
                    break
        # Between the whole numbers Erlang B is taken log-linear, which is close to its analytic
        # continuation and keeps the attainment monotone.
        low, high = max(agents - 1.0, least), float(agents)
        log_before, log_at = math.log(max(before, TINY)), math.log(max(blocked, TINY))
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            between = math.exp(log_before + (middle - (agents - 1)) * (log_at - log_before))
            rates = _rates(middle, between, own[i], other[i], service_s[i])
            if _in_time(rates, *goal) >= share:
                high = middle
            else:
                low = middle
        exact[i] = high
    return exact


@dataclass(frozen=True)
class Desk:
    """A class of messages and the other one it shares its agents with, per interval.

    own, other    erlangs of each
    service_s     mean handling of the work in hand: of both, weighted by their erlangs
    scale         factor on the class's own times
    head_start_s  how much sooner than the other class's a message of its own is due
    """

    own: Floats
    other: Floats
    service_s: Floats
    scale: Floats
    head_start_s: float = 0.0


def desk_of(
    own: ArrayLike,
    other: ArrayLike = 0.0,
    *,
    own_s: ArrayLike,
    other_s: ArrayLike = 0.0,
    scale: ArrayLike = 1.0,
    head_start_s: float = 0.0,
) -> Desk:
    """A desk from each class's erlangs and mean handling of a message, before `scale`."""
    arrays = np.broadcast_arrays(
        *(np.asarray(v, float) for v in (own, other, own_s, other_s, scale))
    )
    mine, others, mine_s, others_s, factor = (np.ascontiguousarray(a).ravel() for a in arrays)
    load = np.maximum(mine + others, TINY)
    service = np.where(mine + others > 0, (mine * mine_s + others * others_s) / load, mine_s)
    return Desk(mine, others, np.ascontiguousarray(service * factor), factor, float(head_start_s))


def agents_ahead(desk: Desk, replies: Replies, *, threshold_s: float, share: float) -> Floats:
    """Fewest agents, fractional, who keep a class's goal when it is always served first.

    The other class may go without; 0 where the class has no work. The goal must be within reach
    (`replies.best_share`).
    """
    return _fewest(desk, replies, True, threshold_s, share)


def agents_in_order(desk: Desk, replies: Replies, *, threshold_s: float, share: float) -> Floats:
    """Fewest agents, fractional, who keep a class's goal in the live order; more than the load."""
    return _fewest(desk, replies, False, threshold_s, share)


def _fewest(desk: Desk, replies: Replies, ahead: bool, threshold_s: float, share: float) -> Floats:
    return np.asarray(
        _fewest_all(
            desk.own,
            desk.other,
            desk.service_s,
            desk.head_start_s,
            ahead,
            replies.touch_s,
            replies.parts,
            replies.weight,
            desk.scale,
            float(threshold_s),
            float(share),
        )
    )


def attained_around(
    agents: ArrayLike, desk: Desk, replies: Replies, *, threshold_s: float, levels: ArrayLike = 1.0
) -> Floats:
    """Share of a class met in the live order with one agent fewer than `agents`, as many, one more.

    agents  whole numbers, in intervals that follow each other; 0 agents cannot be one fewer
    levels  factors on both classes' erlangs, (levels, intervals) or what broadcasts to it

    Gives (levels, 3, intervals). One fewer or more is so for hours, not for the interval alone.
    """
    rows = _attained(agents, desk, replies, threshold_s, levels, 1)
    rows[:, 0] = np.where(np.asarray(agents) > 0, rows[:, 0], rows[:, 1])
    return rows


def attained_with(
    agents: ArrayLike, desk: Desk, replies: Replies, *, threshold_s: float, levels: ArrayLike = 1.0
) -> Floats:
    """As `attained_around` with `agents` alone, (levels, intervals)."""
    return _attained(agents, desk, replies, threshold_s, levels, 0)[:, 1]


def _attained(
    agents: ArrayLike,
    desk: Desk,
    replies: Replies,
    threshold_s: float,
    levels: ArrayLike,
    around: int,
) -> Floats:
    size = desk.own.size
    factors = np.atleast_2d(np.asarray(levels, float))
    return np.asarray(
        _attained_all(
            np.ascontiguousarray(np.broadcast_to(np.asarray(agents, float), (size,))),
            np.ascontiguousarray(np.broadcast_to(factors, (factors.shape[0], size))),
            desk.own,
            desk.other,
            desk.service_s,
            desk.head_start_s,
            replies.touch_s,
            replies.parts,
            replies.weight,
            desk.scale,
            float(threshold_s),
            around,
        )
    )
