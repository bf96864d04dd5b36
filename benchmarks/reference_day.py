"""A day on which methods of staffing differ: 5 to 120 cases a quarter of an hour, six minutes each.

From 04:00: a quiet night, a bump at midday, a peak after 20:00 that is gone by 23:00. The day
repeats: a simulation warms up on the end of the day before and goes on into the next one, so that
no method gains by leaving work for the morning after.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scheduling.queueing.erlang import Floats, Wholes, lognormal
from scheduling.queueing.workload import (
    STEPS,
    convolve,
    delay_kernel,
    lag_s,
    offered_load,
    survival_kernel,
)
from scheduling.simulation import state
from scheduling.simulation.staff import staff_of_heads
from scheduling.simulation.trial import Order, Trial, make_trial
from scheduling.trim import Judge
from wfm.brands import Brand, Planning, Queue
from wfm.calendars import ServiceWindow
from wfm.frames import FORECAST, INSTANT, QUANTILE_COLUMNS, interval_index
from wfm.paths import Paths
from wfm.sla import Duration, OpeningGoal, ServiceGoal, WorkLaw
from wfm.timegrid import INTERVAL, INTERVAL_S

INTERVALS = 96
HOURS = INTERVAL_S / 3600.0
START = datetime(2026, 3, 2, 4, tzinfo=UTC)
END = START + timedelta(days=1)
# Intervals of the day before and of the next one that are simulated, and not counted.
BEFORE, AFTER = 12, 8

# Read and write the first reply; then the rest of the work on the case, after it was sent.
TOUCH, REST = Duration(120.0, 0.5), Duration(240.0, 1.2)
MEAN_S = TOUCH.mean_s + REST.mean_s
GOAL = ServiceGoal.first_response(share=0.90, within_s=900, scope="interval")
ONE_ANSWER = WorkLaw(first_touch=TOUCH, continue_p=0.0)

Number = TypeVar("Number", np.float64, np.int64)
QUEUE = "desk"
ALONE = np.array([1], dtype=np.uint64)


@dataclass(frozen=True)
class Judged:
    """What a simulation counted, per replication and interval of arrival, (replications, 96)."""

    on_time: Wholes
    judged: Wholes

    @property
    def attainment(self) -> Floats:
        """Per interval: ratio of sums over replications; 1 where nobody came."""
        on_time, judged = self.on_time.sum(axis=0), self.judged.sum(axis=0)
        return np.where(judged > 0, on_time / np.maximum(judged, 1), 1.0)


def contacts(scale: float = 1.0) -> Floats:
    """Expected cases of each interval, (96,); 4,286 of them at scale 1."""
    hour = 4 + (np.arange(INTERVALS) + 0.5) / 4
    past_peak = (hour - 20.3 + 12) % 24 - 12
    evening = np.exp(-0.5 * (past_peak / np.where(past_peak < 0, 4.0, 1.4)) ** 2)
    midday = 0.402 * np.exp(-0.5 * ((hour - 12.5) / 1.5) ** 2)
    shape = evening + midday
    low, high = shape.min(), shape.max()
    return np.asarray(scale * (5 + 115 * (shape - low) / (high - low)))


def workload(scale: float = 1.0) -> Floats:
    """Erlangs of each interval's own cases, (96,)."""
    return contacts(scale) * (MEAN_S / INTERVAL_S)


def bound_h(scale: float = 1.0) -> float:
    """Agent hours of the workload with at least one agent: sum of max(1, .9 x workload) / 4.

    An interval's promised share is worked on near to when it came, by at least one agent; what is
    late may fill the time of agents who would be idle. Never less than the workload itself.
    """
    work = workload(scale)
    floored = np.maximum(GOAL.share * work, 1.0)
    return float(max(work.sum(), floored.sum()) * HOURS)


def offered(scale: float = 1.0, *, lag: float = 0.0) -> Floats:
    """Modified offered load of the repeating day, erlangs, mean of each interval; `lag` s later."""
    minutes = INTERVALS * STEPS
    arrivals = np.tile(np.repeat(contacts(scale) / STEPS, STEPS), 3)
    load = offered_load(arrivals, survival_kernel(TOUCH))
    load += offered_load(convolve(arrivals, delay_kernel(TOUCH, 0.0)), survival_kernel(REST))
    late = np.roll(load, round(lag / 60.0))
    return np.asarray(late[minutes : 2 * minutes].reshape(INTERVALS, STEPS).mean(axis=1))


def lagged(scale: float = 1.0) -> Floats:
    """The load as the product lags it for the goal."""
    return offered(scale, lag=lag_s(GOAL.threshold_s))


def desk(work: WorkLaw = ONE_ANSWER, goals: tuple[ServiceGoal, ...] = (GOAL,)) -> Brand:
    """A brand of one queue that never shuts; nobody is ever away, no cap on occupancy."""
    queue = Queue(QUEUE, "x", "@desk", "en", ServiceWindow.always(), goals, OpeningGoal(), work)
    planning = Planning(planned_shrinkage=0.0, unplanned_shrinkage=0.0, occupancy_cap=1.0)
    return Brand("reference day", "UTC", (), (queue,), (), (), planning=planning)


def known(brand: Brand, mean: Floats, start: datetime) -> pd.DataFrame:
    """Table FORECAST of a mean that is known, from `start`."""
    starts = interval_index(start, start + mean.size * INTERVAL)
    return FORECAST.check(
        pd.DataFrame(
            {
                "start": starts.astype(INSTANT),
                "queue": QUEUE,
                "mean": mean,
                **dict.fromkeys(QUANTILE_COLUMNS, mean),
                "aht_s": brand.queues[0].work.aht_s,
                "model": "known",
            }
        ).astype({"queue": "str", "model": "str"})
    )


def around(per_interval: NDArray[Number]) -> NDArray[Number]:
    """A day's values with those of the simulated intervals before and after it."""
    return np.concatenate([per_interval[-BEFORE:], per_interval, per_interval[:AFTER]])


def sampled_days(
    brand: Brand, mean: Floats, *, replications: int, seed: int, order: Order = "live"
) -> Trial:
    """Poisson days of the brand's queue with so many cases expected in each interval, (96,).

    Ready to be answered again and again; deterministic in `seed`.
    """
    expected = around(mean)
    start = START - BEFORE * INTERVAL
    counts = np.random.default_rng(seed).poisson(expected, (replications, expected.size))
    return make_trial(
        known(brand, expected, start),
        Paths(start, (QUEUE,), counts[:, :, None]),
        brand,
        start=start,
        end=END + AFTER * INTERVAL,
        seed=seed,
        order=order,
        keep=True,
    )


def one_answer_days(scale: float, *, replications: int, seed: int) -> Trial:
    """Days on which a case is one reply, and four minutes of work after it."""
    trial = sampled_days(desk(), contacts(scale), replications=replications, seed=seed)
    return with_rest(trial)


def with_rest(trial: Trial) -> Trial:
    """The days with the work that is left on a case after its one reply."""
    law = trial.law.copy()
    law[0, [state.AFTER_MU, state.AFTER_SIGMA]] = lognormal(REST)
    return replace(trial, law=law)


def answered(trial: Trial, agents: Wholes) -> list[Judged]:
    """What so many agents, day after day, make of each line of the trial."""
    outcomes = trial.run(staff_of_heads(around(agents)[:, None], ALONE)).outcomes
    of_day = outcomes[:, BEFORE:-AFTER].astype(np.int64)
    return [
        Judged(of_day[:, :, line, state.ON_TIME], of_day[:, :, line].sum(axis=2))
        for line in range(of_day.shape[2])
    ]


def judge_on(trial: Trial) -> Judge:
    """The least attainment of any line in every interval, as `trim` asks for it."""
    return lambda agents: np.min([line.attainment for line in answered(trial, agents)], axis=0)
