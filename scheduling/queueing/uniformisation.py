"""The desk hour by hour, exactly: how many are in the system as arrivals and agents change.

Poisson arrivals with a rate that changes by interval, exponential handling, first come, first
served, nobody gives up (M(t)/M/c(t)). The chances of every number in the system are carried from
instant to instant; no steady state is assumed. Slow for large desks, so it is a reference: for
requirements and for the event loop. Where agents go, those in excess hand over what they have.

Source: uniformisation (randomisation); Ingolfsson et al. 2007 compare it with other methods.
"""

# ruff: noqa: PLR0917 - compiled functions take their arrays one by one

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from scheduling.compiled import compiled
from scheduling.queueing.erlang import Floats, Wholes, touch_points
from wfm.errors import DemandError
from wfm.sla import Duration
from wfm.timegrid import INTERVAL_S

# Arrivals of an interval are judged in the middle of so many parts of it.
PARTS = 6
PART_S = INTERVAL_S / PARTS
# Chance that is left out of a step.
LEFT_OUT = 1e-10
TOUCHES = 12
AT_ONCE = Duration(0.0, 0.0)


@compiled
def _carried(chances: Floats, arrivals: float, servers: int, mu: float, seconds: float) -> Floats:
    """Chances of each number in the system, `seconds` later."""
    size = chances.size
    rate = arrivals + min(servers, size - 1) * mu
    if rate == 0.0:
        return chances.copy()
    mean = rate * seconds
    now, out = chances.copy(), np.zeros(size)
    after = np.empty(size)
    # Weights by logarithms: exp(-mean) is nothing for a large desk.
    log_weight, left, k = -mean, 1.0, 0
    while True:
        weight = math.exp(log_weight)
        for n in range(size):
            out[n] += weight * now[n]
        left -= weight
        if left < LEFT_OUT and k > mean:
            break
        for n in range(size):
            busy = min(n, servers) * mu
            up = arrivals if n < size - 1 else 0.0
            stay = now[n] * (1.0 - (up + busy) / rate)
            come = now[n - 1] * arrivals / rate if n > 0 else 0.0
            gone = now[n + 1] * min(n + 1, servers) * mu / rate if n < size - 1 else 0.0
            after[n] = stay + come + gone
        now, after = after, now
        k += 1
        log_weight += math.log(mean / k)
        if k > 10.0 * mean + 1000.0:
            break
    return np.asarray(out / out.sum())


@compiled
def _starts_in_time(
    size: int, servers: int, mu: float, touch_s: Floats, threshold_s: float
) -> Floats:
    """By the number found in the system: chance that the response is sent within the threshold."""
    out = np.zeros(size)
    if servers < 1:
        return out
    for touch in touch_s:
        left = threshold_s - touch
        if left < 0.0:
            continue
        mean = servers * mu * left
        # Chance of at least n - c + 1 departures.
        log_weight, below = -mean, 0.0
        for n in range(size):
            if n < servers:
                out[n] += 1.0
                continue
            gone = n - servers
            if gone > 0:
                log_weight += math.log(mean / gone) if mean > 0.0 else -math.inf
            below += math.exp(log_weight)
            out[n] += max(1.0 - below, 0.0)
    return np.asarray(out / touch_s.size)


@compiled
def _through(
    chances: Floats,
    arrivals: float,
    servers: int,
    mu: float,
    touch_s: Floats,
    threshold_s: float,
) -> tuple[float, Floats]:
    """Attainment of an interval's arrivals, and the chances at its end."""
    in_time = _starts_in_time(chances.size, servers, mu, touch_s, threshold_s)
    total = 0.0
    for part in range(PARTS):
        chances = _carried(chances, arrivals, servers, mu, PART_S * (0.5 if part == 0 else 1.0))
        total += (chances * in_time).sum()
    return total / PARTS, _carried(chances, arrivals, servers, mu, PART_S * 0.5)


@compiled
def _attained_all(
    chances: Floats,
    arrivals: Floats,
    servers: Wholes,
    mu: Floats,
    touch_s: Floats,
    scale: Floats,
    threshold_s: float,
) -> Floats:
    out = np.zeros(arrivals.size)
    for i in range(arrivals.size):
        out[i], chances = _through(
            chances, arrivals[i], servers[i], mu[i], touch_s * scale[i], threshold_s
        )
    return out


@compiled
def _fewest_all(
    chances: Floats,
    arrivals: Floats,
    mu: Floats,
    touch_s: Floats,
    scale: Floats,
    threshold_s: float,
    share: float,
) -> Wholes:
    """Interval by interval the fewest who keep the goal, with what the earlier ones left."""
    out = np.zeros(arrivals.size, np.int64)
    servers = 1
    for i in range(arrivals.size):
        touches = touch_s * scale[i]
        if arrivals[i] <= 0.0:
            servers = 0
            got, after = _through(chances, 0.0, 0, mu[i], touches, threshold_s)
        else:
            servers = max(servers, 1)
            got, after = _through(chances, arrivals[i], servers, mu[i], touches, threshold_s)
            while got < share:
                servers += 1
                got, after = _through(chances, arrivals[i], servers, mu[i], touches, threshold_s)
            while servers > 1:
                fewer, rest = _through(
                    chances, arrivals[i], servers - 1, mu[i], touches, threshold_s
                )
                if fewer < share:
                    break
                servers -= 1
                after = rest
        out[i], chances = servers, after
    return out


def _states(arrivals: Floats, mu: Floats, threshold_s: float, agents: Wholes | None) -> int:
    """A number in the system that is hardly ever reached."""
    load = arrivals / mu
    waiting = arrivals * threshold_s
    if agents is not None:
        backlog, most = 0.0, 0.0
        for more, served in zip(arrivals * INTERVAL_S, agents * mu * INTERVAL_S, strict=True):
            backlog = max(backlog + more - served, 0.0)
            most = max(most, backlog)
        waiting = np.maximum(waiting, most)
    centre = float((load + waiting).max(initial=0.0))
    return math.ceil(centre + 10.0 * math.sqrt(centre + 1.0)) + 20


def _checked(contacts: ArrayLike, service_s: ArrayLike, scale: ArrayLike) -> tuple[Floats, ...]:
    arrays = np.broadcast_arrays(*(np.asarray(v, float) for v in (contacts, service_s, scale)))
    counts, services, scales = (np.ascontiguousarray(a).ravel() for a in arrays)
    if not (np.isfinite(counts).all() and (counts >= 0).all()):
        raise DemandError("contacts are negative or not finite; check the forecast")
    if not (np.isfinite(services).all() and (services > 0).all() and np.isfinite(scales).all()):
        raise DemandError("a handling time is not finite or not above 0 seconds")
    return counts / INTERVAL_S, 1.0 / services, scales


def _settled(states: int, load: float) -> Floats:
    """The chances to start with: a desk that had agents enough."""
    counts = np.arange(states)
    logs = counts * math.log(max(load, 1e-12)) - np.array([math.lgamma(n + 1) for n in counts])
    chances = np.exp(logs - logs.max())
    return np.asarray(chances / chances.sum())


def attainment_in_time(
    contacts: ArrayLike,
    agents: ArrayLike,
    *,
    service_s: ArrayLike,
    threshold_s: float,
    first_touch: Duration = AT_ONCE,
    scale: ArrayLike = 1.0,
    empty: bool = True,
) -> Floats:
    """Share of each interval's arrivals whose first response is sent within `threshold_s`.

    contacts   expected arrivals per 15-minute interval, of every message there is
    agents     on duty in each interval, whole numbers; whoever waits into the next interval is
               taken to be served by as many as there were when they came
    service_s  mean handling, seconds
    empty      nobody is there at the start; else the desk is as it would be with agents enough
    """
    arrivals, mu, scales = _checked(contacts, service_s, scale)
    there = np.ascontiguousarray(np.broadcast_to(np.asarray(agents, np.int64), arrivals.shape))
    if (there < 0).any():
        raise DemandError(f"{there.min()} agents: the number cannot be negative")
    states = _states(arrivals, mu, threshold_s, there)
    start = np.zeros(states)
    start[0] = 1.0
    if not empty and arrivals.size:
        start = _settled(states, float(arrivals[0] / mu[0]))
    touch = touch_points(first_touch, TOUCHES)
    return np.asarray(_attained_all(start, arrivals, there, mu, touch, scales, float(threshold_s)))


def agents_in_time(
    contacts: ArrayLike,
    *,
    service_s: ArrayLike,
    first_touch: Duration,
    threshold_s: float,
    share: float,
    scale: ArrayLike = 1.0,
) -> Wholes:
    """Fewest agents interval by interval, each with what the ones before it left in the queue.

    Arguments as in `attainment_in_time`. The goal must be within reach (`replies.check_reach`).
    """
    arrivals, mu, scales = _checked(contacts, service_s, scale)
    if arrivals.size == 0:
        return np.zeros(0, np.int64)
    states = _states(arrivals, mu, threshold_s, None)
    start = _settled(states, float(arrivals[0] / mu[0]))
    touch = touch_points(first_touch, TOUCHES)
    return np.asarray(
        _fewest_all(start, arrivals, mu, touch, scales, float(threshold_s), float(share))
    )
