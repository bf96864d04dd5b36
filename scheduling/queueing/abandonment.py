"""Erlang A: the desk when customers give up waiting. A reference, not the way we staff.

Poisson arrivals, exponential handling, exponential patience (M/M/c+M), steady state. Whoever gives
up leaves the queue and is not answered late, so a requirement made with it counts on customers to
go away: it asks for fewer agents than are needed where nobody does. A message to a brand stays
until it is answered.

Source: Zeltyn and Mandelbaum 2005, by the offered wait V: with
J(t) = int_t^inf exp(lambda (1 - exp(-theta x)) / theta - c mu x) dx,
P(V > t) = lambda J(t) / (1 / B(c - 1) + lambda J(0)) and P(W > t) = P(V > t) exp(-theta t).
"""

# ruff: noqa: PLR0917 - compiled functions take their arrays one by one

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from scheduling.compiled import compiled
from scheduling.queueing.erlang import Floats, Sizing, Wholes, agents_for, erlang_b, touch_points
from wfm.errors import DemandError
from wfm.sla import Duration

# How long customers wait before they give up, on average, where nobody measured it.
PATIENCE_S = 14_400.0
# Steps of the integral, and how far below its largest value the integrand is followed.
STEPS = 800
LEFT = 40.0


@compiled
def _log_integrand(x: float, arrivals: float, leaving: float, theta: float) -> float:
    return -arrivals * math.expm1(-theta * x) / theta - leaving * x


@compiled
def _offered_wait(
    servers: int, blocked_before: float, load: float, service_s: float, patience_s: float
) -> tuple[float, Floats]:
    """Step in seconds and P(V > t) at its multiples. blocked_before is Erlang's B(servers - 1)."""
    arrivals, leaving, theta = load / service_s, servers / service_s, 1.0 / patience_s
    # The integrand is taken relative to its maximum, which may be far beyond what a float holds.
    top = math.log(arrivals / leaving) / theta if arrivals > leaving else 0.0
    peak = _log_integrand(top, arrivals, leaving, theta)
    reach = service_s
    while _log_integrand(top + reach, arrivals, leaving, theta) > peak - LEFT:
        reach *= 1.5
    step = (top + reach) / STEPS
    tail = np.zeros(STEPS + 1)
    right = math.exp(_log_integrand(top + reach, arrivals, leaving, theta) - peak)
    for i in range(STEPS - 1, -1, -1):
        middle = math.exp(_log_integrand((i + 0.5) * step, arrivals, leaving, theta) - peak)
        left = math.exp(_log_integrand(i * step, arrivals, leaving, theta) - peak)
        tail[i] = tail[i + 1] + step / 6.0 * (left + 4.0 * middle + right)
        right = left
    whole = math.exp(-peak) / blocked_before + arrivals * tail[0]
    return step, arrivals * tail / whole


@compiled
def _waits_longer(step: float, tail: Floats, wait_s: float, patience_s: float) -> float:
    place = wait_s / step
    i = int(place)
    if i >= tail.size - 1 or tail[i + 1] <= 0.0:
        return 0.0
    between = math.log(tail[i]) + (place - i) * (math.log(tail[i + 1]) - math.log(tail[i]))
    return math.exp(between - wait_s / patience_s)


@compiled
def _attained(
    servers: int,
    load: float,
    service_s: float,
    patience_s: float,
    touch_s: Floats,
    scale: float,
    threshold_s: float,
) -> float:
    if servers < 1:
        return 0.0
    blocked = 1.0
    for n in range(1, servers):
        blocked = load * blocked / (n + load * blocked)
    step, tail = _offered_wait(servers, blocked, load, service_s, patience_s)
    total = 0.0
    for touch in touch_s:
        left = threshold_s - touch * scale
        if left >= 0.0:
            total += 1.0 - _waits_longer(step, tail, left, patience_s)
    return total / touch_s.size


@compiled
def _smallest_all(
    most: Wholes,
    load: Floats,
    service_s: Floats,
    patience_s: float,
    touch_s: Floats,
    scale: Floats,
    threshold_s: float,
    share: float,
) -> tuple[Wholes, Floats, Floats]:
    """Fewest servers up to `most`, whole and exact, and what the whole ones attain."""
    whole, exact = np.zeros(load.size, np.int64), np.zeros(load.size)
    attained = np.ones(load.size)
    for i in range(load.size):
        if load[i] <= 0.0:
            continue
        args = (load[i], service_s[i], patience_s, touch_s, scale[i], threshold_s)
        low, high = 0, most[i]
        below, above = 0.0, _attained(high, *args)
        while high - low > 1:
            middle = (low + high) // 2
            got = _attained(middle, *args)
            if got >= share:
                high, above = middle, got
            else:
                low, below = middle, got
        whole[i], attained[i] = high, above
        exact[i] = low + (share - below) / (above - below) if above > share else float(high)
    return whole, exact, attained


def _rates(servers: int, load: float, service_s: float, patience_s: float) -> tuple[float, Floats]:
    if servers < 1 or not (0 < load < math.inf and 0 < service_s < math.inf and patience_s > 0):
        raise DemandError(
            f"{servers} servers, {load} erlangs, {service_s} s of handling and {patience_s} s of "
            "patience: want at least one server, and the others above 0 and finite"
        )
    blocked = erlang_b(servers - 1, load)
    step, tail = _offered_wait(servers, blocked, float(load), float(service_s), float(patience_s))
    return float(step), np.asarray(tail)


def wait_tail_impatient(
    servers: int, load: float, *, service_s: float, patience_s: float, wait_s: float
) -> float:
    """Chance of still being in the queue after `wait_s`."""
    step, tail = _rates(servers, load, service_s, patience_s)
    return float(_waits_longer(step, tail, float(wait_s), float(patience_s)))


def mean_wait_impatient_s(
    servers: int, load: float, *, service_s: float, patience_s: float
) -> float:
    """Mean time in the queue, of those who are answered and those who give up."""
    step, tail = _rates(servers, load, service_s, patience_s)
    still = tail * np.exp(-np.arange(tail.size) * step / patience_s)
    # Simpson's rule; the number of steps is even and the last value negligible.
    inner = 4 * still[1:-1:2].sum() + 2 * still[2:-1:2].sum()
    return float(step / 3.0 * (still[0] + inner + still[-1]))


def given_up(servers: int, load: float, *, service_s: float, patience_s: float) -> float:
    """Share of customers who give up: their mean wait over their patience."""
    wait = mean_wait_impatient_s(servers, load, service_s=service_s, patience_s=patience_s)
    return wait / patience_s


def agents_for_impatient(
    load: ArrayLike,
    *,
    service_s: ArrayLike,
    first_touch: Duration,
    threshold_s: float,
    share: float,
    scale: ArrayLike = 1.0,
    patience_s: float = PATIENCE_S,
) -> Sizing:
    """As `erlang.agents_for`, when customers give up after `patience_s` on average.

    Never more agents than that. The exact number is linear in the attainment between whole ones.
    """
    if not 0 < patience_s < math.inf:
        raise DemandError(f"a patience of {patience_s} s; it must be above 0 and finite")
    patient = agents_for(
        load,
        service_s=service_s,
        first_touch=first_touch,
        threshold_s=threshold_s,
        share=share,
        scale=scale,
    )
    arrays = np.broadcast_arrays(*(np.asarray(v, float) for v in (load, service_s, scale)))
    loads, services, scales = (np.ascontiguousarray(a).ravel() for a in arrays)
    touch = touch_points(first_touch)
    whole, exact, attained = _smallest_all(
        patient.agents,
        loads,
        services,
        float(patience_s),
        touch,
        scales,
        float(threshold_s),
        float(share),
    )
    return Sizing(whole, np.minimum(exact, patient.agents_exact), attained)
