"""A day on which methods differ: 5 to 120 cases a quarter of an hour, six minutes each.

Someone reads and writes for two minutes (lognormal, cv .5), sends, and is busy for four more (cv
1.2). First responses within 15 minutes for 90 %; occupancy cap and shrinkage off.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from scheduling.queueing.erlang import agents_for, lognormal
from scheduling.queueing.workload import convolve, offered_load
from scheduling.simulation import eventloop as loop
from scheduling.simulation.setting import key_of
from wfm.sla import Duration

READ, REST = Duration(120.0, 0.5), Duration(240.0, 1.2)
MEAN_S, DAY = 360.0, 96
GOAL = {"service_s": MEAN_S, "first_touch": READ, "threshold_s": 900.0, "share": 0.9}


def contacts(scale: float = 1.0) -> np.ndarray:
    """From 04:00: night valley, midday bump, peak after 20:00; 4,370 cases at scale 1."""
    hour = 4 + (np.arange(DAY) + 0.5) / 4
    evening = np.exp(2.0 * (np.cos((hour - 20.3) / 24 * 2 * np.pi) - 1))
    midday = 0.5 * np.exp(-(((hour - 12.5) / 1.5) ** 2))
    shape = evening + midday
    low = shape.min()
    return scale * (5 + 115 * (shape - low) / (shape.max() - low))


def survival() -> np.ndarray:
    """Minutes of work in each minute after the start, by sampling both parts."""
    rng = np.random.default_rng(1)
    total = np.zeros(400_000)
    for part in (READ, REST):
        mu, sigma = lognormal(part)
        total += rng.lognormal(mu, sigma, total.size)
    edges = np.arange(121) * 60.0
    capped = np.array([np.minimum(total, e).mean() for e in edges])
    steps = np.diff(capped) / 60.0
    return steps * MEAN_S / 60.0 / steps.sum()


def lagged_agents(scale: float, lag_min: int = 8) -> np.ndarray:
    per_minute = np.repeat(contacts(scale) / 15, 15)
    load = offered_load(per_minute, survival())
    late = np.concatenate([np.full(lag_min, load[:1].mean()), load[:-lag_min]])
    return agents_for(late.reshape(DAY, 15).mean(axis=1), **GOAL).agents


def alone_agents(scale: float) -> np.ndarray:
    return agents_for(contacts(scale) * MEAN_S / 900, **GOAL).agents


def simulated(agents: np.ndarray, scale: float, days: int) -> np.ndarray:
    """Attainment of each interval of arrival, over `days` sampled days."""
    law = np.zeros((1, loop.LAW_COLUMNS))
    law[0, :2], law[0, [loop.AFTER_MU, loop.AFTER_SIGMA]] = lognormal(READ), lognormal(REST)
    law[0, [loop.FIRST_DUE_S, loop.FOLLOW_DUE_S]] = 900.0, 3600.0
    most, intervals = int(agents.max()), DAY + 8
    agents = np.concatenate([agents, np.full(8, agents[-1])])
    coming = []
    for a in range(most):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], (agents > a).astype(int), [0]])))
        coming += [(e * 900.0, a, 0 if k % 2 == 0 else -1) for k, e in enumerate(edges)]
    coming.sort(key=lambda c: c[0])
    at, who, what = (np.array(column) for column in zip(*coming, strict=True))
    rng = np.random.default_rng(7)
    sums = np.zeros((DAY, 3))
    for day in range(days):
        counts = np.zeros((intervals, 1), np.int64)
        counts[:DAY, 0] = rng.poisson(contacts(scale))
        path = np.uint64(loop.combine(key_of("reference"), np.uint64(day)))
        arrival, queue, keys = loop.draw_cases(path, counts, np.array([1], np.uint64), 0)
        outcomes = np.zeros((intervals, 1, 3), np.int32)
        loop.serve(
            arrival,
            queue,
            np.zeros(arrival.size, np.int8),
            keys,
            np.ones((intervals, 1)),
            law,
            np.array([[0.0], [1e9], [0.0]]),
            np.array([0, 1]),
            np.array([[0.0, 0.0, 1.0]]),
            np.array([[float(loop.FIRST), 900.0]]),
            np.array([0, 1]),
            at.astype(float),
            who.astype(np.int64),
            what.astype(np.int64),
            np.array([1], np.uint64),
            most,
            np.zeros(1, np.int64),
            0.0,
            outcomes,
            np.zeros((intervals, 1), np.int32),
            np.zeros((1, intervals)),
            np.zeros(intervals),
            np.full(arrival.size, -1.0),
        )
        sums += outcomes[:DAY, 0, :]
    return sums[:, loop.ON_TIME] / sums.sum(axis=1)


def test_the_day_is_the_one_described():
    assert contacts().min() == pytest.approx(5, abs=0.5)
    assert contacts().max() == pytest.approx(120, abs=0.5)
    assert contacts().sum() * MEAN_S / 3600 == pytest.approx(436.7, abs=1)
    assert survival().sum() == pytest.approx(6.0)
    assert convolve(np.ones(300), survival())[-1] == pytest.approx(6.0)


@pytest.mark.parametrize(("scale", "days"), [(0.1, 1500), (1.0, 300)])
def test_lagged_offered_load_keeps_the_promise_in_every_interval(scale, days):
    attained = simulated(lagged_agents(scale), scale, days)
    assert attained.min() >= 0.93


def test_each_interval_alone_costs_the_same_and_breaks_it():
    lagged, alone = lagged_agents(1.0), alone_agents(1.0)
    attained = simulated(alone, 1.0, 150)
    assert alone.sum() == pytest.approx(lagged.sum(), rel=0.01)
    assert (attained < 0.895).sum() >= 15


def test_the_price_over_the_workload_falls_with_size():
    over = [
        lagged_agents(scale).sum() / 4 / (contacts(scale).sum() * MEAN_S / 3600)
        for scale in (0.1, 1.0, 10.0)
    ]
    assert over[0] > over[1] > over[2]
    assert over[1] < 1.10
    assert over[2] < 1.02
    assert math.isfinite(over[0])
