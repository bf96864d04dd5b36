"""Every random number of a simulation: cases, handling, and who is away.

Each is a hash of what it belongs to (case, message; agent, shift), not the next of a stream. So
other staff, or more contacts in an interval, leave all other draws as they were.
"""

# Compiled code takes arrays one by one.
# ruff: noqa: PLR0917

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from scheduling.compiled import compiled

Floats = NDArray[np.float64]
Wholes = NDArray[np.int64]
Keys = NDArray[np.uint64]

INTERVAL = 900.0
ABSENCE_BLOCK = 3600.0

# A sigma that stands for the exponential law of Erlang's formulas, with mean exp(mu).
EXPONENTIAL = -1.0

# Where the draws of a message lie within its case's numbers.
DRAWS = 8
HANDLING, AFTER, AGAIN, THINK = 0, 2, 4, 5
MOMENT, BY_ITSELF = 1 << 40, 1 << 41  # beyond those of any message

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_A = np.uint64(0xBF58476D1CE4E5B9)
MIX_B = np.uint64(0x94D049BB133111EB)
S11, S27, S30, S31 = np.uint64(11), np.uint64(27), np.uint64(30), np.uint64(31)


@compiled
def combine(key: np.uint64, number: np.uint64) -> np.uint64:
    """A new key from a key and a number (SplitMix64's finaliser)."""
    x = (key ^ (number * GOLDEN)) + GOLDEN
    x = (x ^ (x >> S30)) * MIX_A
    x = (x ^ (x >> S27)) * MIX_B
    return x ^ (x >> S31)


@compiled
def uniform(key: np.uint64, number: int) -> float:
    """The `number`-th uniform of `key`, in [0, 1)."""
    return float(combine(key, np.uint64(number)) >> S11) * (1.0 / 9007199254740992.0)


@compiled
def normal_quantile(p: float) -> float:
    """The standard normal's quantile, to seven digits; p in (0, 1).

    Source: Wichura 1988, algorithm AS 241 (PPND7).
    """
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        top = ((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179
        return q * top / (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1.0)
    r = math.sqrt(-math.log(min(p, 1.0 - p)))
    if r <= 5.0:
        r -= 1.6
        top = ((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777
        far = top / ((0.12021132975 * r + 0.73700164250) * r + 1.0)
    else:
        r -= 5.0
        top = ((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150
        far = top / ((0.012258202635 * r + 0.24197894225) * r + 1.0)
    return far if q > 0.0 else -far


@compiled
def duration_draw(key: np.uint64, number: int, mu: float, sigma: float) -> float:
    """A lognormal by the `number`-th uniform of `key`: longer the larger that is.

    A sigma of EXPONENTIAL gives an exponential with mean exp(mu), one of 0 always exp(mu).
    """
    if sigma == 0.0:
        return math.exp(mu)
    share = uniform(key, number)
    if sigma < 0.0:
        return -math.exp(mu) * math.log(1.0 - share)
    # Half a step of the uniform away from 0, where the quantile has no value.
    return math.exp(mu + sigma * normal_quantile(share + 2.0**-54))


@compiled
def draw_cases(
    path: np.uint64, contacts: Wholes, queue_keys: Keys, first_interval: int
) -> tuple[Floats, NDArray[np.int32], Keys]:
    """Arrival, queue and key of every case of a path, in the order of arrival.

    contacts  (intervals, queues); first_interval counts intervals since 1970, so that a window of
    the horizon draws the cases that the horizon draws there
    """
    total = contacts.sum()
    arrival, queue = np.empty(total), np.empty(total, dtype=np.int32)
    keys = np.empty(total, dtype=np.uint64)
    at = 0
    for i in range(contacts.shape[0]):
        begin = at
        for q in range(contacts.shape[1]):
            home = combine(combine(path, queue_keys[q]), np.uint64(first_interval + i))
            for n in range(contacts[i, q]):
                key = combine(home, np.uint64(n))
                arrival[at] = (i + uniform(key, MOMENT)) * INTERVAL
                queue[at], keys[at] = q, key
                at += 1
        if at > begin + 1:
            order = np.argsort(arrival[begin:at])
            arrival[begin:at] = arrival[begin:at][order]
            queue[begin:at] = queue[begin:at][order]
            keys[begin:at] = keys[begin:at][order]
    return arrival, queue, keys


@compiled
def numbered_keys(path: np.uint64, count: int) -> Keys:
    """Keys of a path's cases that are known by their number alone."""
    keys = np.empty(count, np.uint64)
    for n in range(count):
        keys[n] = combine(path, np.uint64(n))
    return keys


@compiled
def draw_handling(
    arrival: Floats,
    queue: NDArray[np.int32],
    keys: Keys,
    scale: Floats,
    mu: Floats,
    sigma: Floats,
    number: int,
) -> Floats:
    """Seconds of work on each case's first message, by its `number`-th uniform.

    scale  (intervals, queues): factor by arrival; mu and sigma are per queue; 0 where mu is -inf
    """
    work = np.empty(arrival.size)
    for c in range(arrival.size):
        q = queue[c]
        work[c] = scale[int(arrival[c] / INTERVAL), q] * duration_draw(
            keys[c], number, mu[q], sigma[q]
        )
    return work


@compiled
def for_people(
    arrival: Floats, queue: NDArray[np.int32], keys: Keys, answered: Floats
) -> NDArray[np.bool_]:
    """Which cases are left when shares of them are answered automatically.

    answered  (intervals, queues): share by arrival; a larger one answers those of a smaller one too
    """
    left = np.empty(arrival.size, np.bool_)
    for c in range(arrival.size):
        share = answered[int(arrival[c] / INTERVAL), queue[c]]
        left[c] = share <= 0.0 or uniform(keys[c], BY_ITSELF) >= share
    return left


@compiled
def _there(
    at: Floats, who: Wholes, what: Wholes, n: int, begin: float, end: float, agent: int, group: int
) -> int:
    """Enters that an agent comes and goes, as events `n` and the next, and gives the number of
    events; who would go and come at once stays.
    """
    if end <= begin:
        return n
    if n > 0 and who[n - 1] == agent and at[n - 1] == begin and what[n - 2] == group:
        at[n - 1] = end
        return n
    at[n], who[n], what[n] = begin, agent, group
    at[n + 1], who[n + 1], what[n + 1] = end, agent, -1
    return n + 2


@compiled
def draw_presence(
    path: np.uint64,
    spans: Floats,
    agent: Wholes,
    group: Wholes,
    shift_keys: Keys,
    planned: float,
    absent: Floats,
    origin: float,
) -> tuple[Floats, Wholes, Wholes]:
    """When agents come (group >= 0) and go (-1): instants, agents and groups in order of time.

    spans      (n, 2) start and end on queue, by agent and time; where one ends as the next of its
               agent begins, the draws are those of one span
    shift_keys of the shift a span belongs to
    planned    share of every hour that is away from the queue at a random moment
    absent     (n,) chance that the agent does not come at all; of one shift's spans those with the
               larger chance go first
    origin     seconds that times are counted from later than those of the horizon whose draws these
               are
    """
    room = 2 * spans.shape[0]
    for s in range(spans.shape[0]):
        room += 2 * (int((spans[s, 1] - spans[s, 0]) / ABSENCE_BLOCK) + 2)
    at, who, what = np.empty(room), np.empty(room, np.int64), np.empty(room, np.int64)
    n, first, over = 0, 0.0, 0.0
    for s in range(spans.shape[0]):
        if s == 0 or agent[s] != agent[s - 1] or spans[s, 0] != spans[s - 1, 1]:
            last = s
            while (
                last + 1 < spans.shape[0]
                and agent[last + 1] == agent[s]
                and spans[last + 1, 0] == spans[last, 1]
            ):
                last += 1
            first, over = spans[s, 0], spans[last, 1]
        key = combine(path, shift_keys[s])
        if absent[s] > 0.0 and uniform(key, 0) < absent[s]:
            continue
        begin, end = spans[s, 0], spans[s, 1]
        block = first + math.floor((begin - first) / ABSENCE_BLOCK) * ABSENCE_BLOCK
        while block < end:
            until = min(block + ABSENCE_BLOCK, over)
            away = planned * (until - block)
            if away > 0.0:
                draw = uniform(key, 1 + int(block + origin))
                leaves = block + draw * (until - block - away)
                n = _there(at, who, what, n, begin, min(leaves, end), agent[s], group[s])
                begin = max(begin, leaves + away)
            block = until
        n = _there(at, who, what, n, begin, end, agent[s], group[s])
    order = np.argsort(at[:n], kind="mergesort")
    return at[:n][order], who[:n][order], what[:n][order]
