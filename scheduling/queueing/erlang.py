"""Erlang's formulas, the time to a first response, and the fewest agents who keep a goal.

Poisson arrivals, exponential handling, nobody gives up (M/M/c), steady state. Loads are in
erlangs, times in seconds. The response is sent when the first touch ends, so that
FRT = wait + first touch; the first touch is a lognormal taken at `TOUCH_POINTS` quantiles.

Source: Erlang B by its recursion, stable for large desks; Erlang C from it.
"""

# ruff: noqa: PLR0917 - compiled functions take their arrays one by one

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scheduling.compiled import compiled
from wfm.errors import DemandError, GoalOutOfReach
from wfm.sla import Duration

Floats = NDArray[np.float64]
Wholes = NDArray[np.int64]

# Quantile points of the first touch. With 40 the attainment is within .001 of the integral.
TOUCH_POINTS = 40
BISECTIONS = 30
NORMAL = NormalDist()


@compiled
def _blocking(servers: int, load: float) -> float:
    blocked = 1.0
    for n in range(1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


@compiled
def _attained(
    servers: float,
    blocked: float,
    load: float,
    service_s: float,
    touch_s: Floats,
    scale: float,
    threshold_s: float,
) -> float:
    """Share answered in time by `servers` (may be fractional) whose Erlang B is `blocked`."""
    if servers <= load and load > 0.0:
        return 0.0
    waits, rate = 0.0, 1.0
    if load > 0.0:
        waits = blocked / (1.0 - load / servers * (1.0 - blocked))
        rate = (servers - load) / service_s
    total = 0.0
    for touch in touch_s:
        left = threshold_s - touch * scale
        if left >= 0.0:
            total += 1.0 - waits * math.exp(-rate * left)
    return total / touch_s.size


@compiled
def _attained_all(
    servers: Wholes,
    load: Floats,
    service_s: Floats,
    touch_s: Floats,
    scale: Floats,
    threshold_s: float,
) -> Floats:
    out = np.empty(load.size)
    for i in range(load.size):
        blocked = _blocking(servers[i], load[i])
        out[i] = _attained(
            servers[i], blocked, load[i], service_s[i], touch_s, scale[i], threshold_s
        )
    return out


@compiled
def _smallest_all(
    load: Floats,
    service_s: Floats,
    touch_s: Floats,
    scale: Floats,
    threshold_s: float,
    share: float,
) -> tuple[Wholes, Floats]:
    """Fewest servers, whole and exact, per entry; every entry's goal must be within reach."""
    whole = np.zeros(load.size, dtype=np.int64)
    exact = np.zeros(load.size)
    for i in range(load.size):
        if load[i] <= 0.0:
            continue
        servers, blocked, before = 0, 1.0, 1.0
        while True:
            servers += 1
            before = blocked
            blocked = load[i] * blocked / (servers + load[i] * blocked)
            if servers > load[i]:
                got = _attained(
                    servers, blocked, load[i], service_s[i], touch_s, scale[i], threshold_s
                )
                if got >= share:
                    break
        # Between the whole numbers Erlang B is taken log-linear, which is close to its analytic
        # continuation and keeps the attainment monotone.
        low, high = max(servers - 1.0, load[i]), float(servers)
        log_before, log_at = math.log(max(before, 1e-300)), math.log(max(blocked, 1e-300))
        for _ in range(BISECTIONS):
            middle = 0.5 * (low + high)
            above = middle - (servers - 1)
            between = math.exp(log_before + above * (log_at - log_before))
            got = _attained(middle, between, load[i], service_s[i], touch_s, scale[i], threshold_s)
            if got >= share:
                high = middle
            else:
                low = middle
        whole[i], exact[i] = servers, high
    return whole, exact


def _check(servers: int, load: float) -> None:
    if servers < 0:
        raise DemandError(f"{servers} servers: the number cannot be negative")
    if not (math.isfinite(load) and load >= 0):
        raise DemandError(f"a load of {load} erlangs; it must be finite and not negative")


def erlang_b(servers: int, load: float) -> float:
    """Chance that an arrival finds all servers busy when nobody may wait.

    >>> round(erlang_b(10, 10.0), 5)
    0.21458
    """
    _check(servers, load)
    return float(_blocking(servers, float(load)))


def erlang_c(servers: int, load: float) -> float:
    """Chance that an arrival must wait; 1 when the load is not below the servers.

    >>> round(erlang_c(14, 10.0), 5)
    0.17413
    """
    _check(servers, load)
    if load >= servers:
        return 0.0 if load == 0 else 1.0
    blocked = erlang_b(servers, load)
    return blocked / (1.0 - load / servers * (1.0 - blocked))


def wait_tail(servers: int, load: float, *, service_s: float, wait_s: float) -> float:
    """Chance of waiting longer than `wait_s`."""
    if load >= servers and load > 0:
        return 1.0
    return erlang_c(servers, load) * math.exp(-(servers - load) * wait_s / service_s)


def mean_wait_s(servers: int, load: float, *, service_s: float) -> float:
    """Mean wait before handling starts; infinite when the load is not below the servers."""
    if load >= servers and load > 0:
        return math.inf
    return 0.0 if load == 0 else erlang_c(servers, load) * service_s / (servers - load)


def lognormal(duration: Duration) -> tuple[float, float]:
    """(mu, sigma) of the lognormal with the duration's mean in seconds and its cv."""
    sigma2 = math.log1p(duration.cv**2)
    return math.log(max(duration.mean_s, 1e-12)) - sigma2 / 2.0, math.sqrt(sigma2)


def touch_points(duration: Duration, count: int = TOUCH_POINTS) -> Floats:
    """`count` equally likely values of the duration, seconds: mid-quantiles of its lognormal."""
    if duration.mean_s == 0:
        return np.zeros(1)
    mu, sigma = lognormal(duration)
    levels = [(i + 0.5) / count for i in range(count)]
    return np.array([math.exp(mu + sigma * NORMAL.inv_cdf(p)) for p in levels])


@dataclass(frozen=True)
class Sizing:
    """Fewest agents per interval: whole, exact (fractional), and what the whole ones attain."""

    agents: Wholes
    agents_exact: Floats
    attainment: Floats


def _vectors(*values: ArrayLike) -> list[Floats]:
    arrays = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in values))
    return [np.ascontiguousarray(a).ravel() for a in arrays]


def attainment_of(
    agents: ArrayLike,
    load: ArrayLike,
    *,
    service_s: ArrayLike,
    first_touch: Duration,
    threshold_s: float,
    scale: ArrayLike = 1.0,
) -> Floats:
    """Share of first responses sent within `threshold_s`, per entry.

    load       erlangs, all messages together
    service_s  mean handling of a message, seconds
    scale      factor on the first touch (the forecast's AHT over the work law's)
    """
    servers, loads, services, scales = _vectors(agents, load, service_s, scale)
    whole = servers.astype(np.int64)
    touch = touch_points(first_touch)
    out = _attained_all(whole, loads, services, touch, scales, float(threshold_s))
    return np.asarray(out)


def agents_for(
    load: ArrayLike,
    *,
    service_s: ArrayLike,
    first_touch: Duration,
    threshold_s: float,
    share: float,
    scale: ArrayLike = 1.0,
) -> Sizing:
    """Fewest agents per entry with whom `share` of first responses are sent in `threshold_s`.

    Arguments as in `attainment_of`. Zero load needs zero agents. Raises DemandError for a load or a
    handling time that is negative or not finite, GoalOutOfReach when writing the first reply alone
    takes longer than the goal too often.

    >>> within_15 = dict(service_s=360.0, first_touch=Duration(120.0, 0.5), threshold_s=900)
    >>> agents_for([0.0, 2.0, 48.0], share=0.90, **within_15).agents.tolist()
    [0, 3, 49]
    """
    loads, services, scales = _vectors(load, service_s, scale)
    if not (np.isfinite(loads).all() and (loads >= 0).all()):
        raise DemandError("a load is negative or not finite; check contacts and handling times")
    if not (np.isfinite(services).all() and (services > 0).all() and np.isfinite(scales).all()):
        raise DemandError("a handling time is not finite or not above 0 seconds")
    touch = touch_points(first_touch)
    demanding = scales[loads > 0]
    if demanding.size:
        worst = float(demanding.max())
        if np.mean(touch * worst <= threshold_s) <= share:
            raise _out_of_reach(first_touch, worst, threshold_s=threshold_s, share=share)
    whole, exact = _smallest_all(loads, services, touch, scales, float(threshold_s), float(share))
    got = _attained_all(whole, loads, services, touch, scales, float(threshold_s))
    return Sizing(whole, exact, got)


def _out_of_reach(
    first_touch: Duration, scale: float, *, threshold_s: float, share: float
) -> GoalOutOfReach:
    """The error that says how far any number of agents could get."""
    best = first_touch.share_within(threshold_s / scale)
    return GoalOutOfReach(
        f"{share:.0%} of first responses within {threshold_s:.0f} s cannot be met by any "
        f"number of agents: writing the first reply takes longer than that in {1 - best:.0%} of "
        f"cases; promise at most {math.floor(best * 100) - 1} %, a longer time, or shorten the "
        f"first touch (mean {first_touch.mean_s * scale:.0f} s)",
        best_share=round(best, 4),
    )
