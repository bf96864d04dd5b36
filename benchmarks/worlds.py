"""Brands whose truth is known: their histories, the forecasts of them, and the days that come.

The sample brand is generated; what its history is drawn from goes on into the planned weeks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.sample import make_sample as sample
from forecasting.forecast import ForecastResult, make_forecast
from forecasting.scenarios.paths import scenario_paths
from scheduling.simulation.trial import Trial, make_trial
from wfm.brands import Brand, Queue
from wfm.frames import interval_index
from wfm.ingest.brandfile import read_brand
from wfm.paths import Paths
from wfm.sla import ServiceGoal
from wfm.timegrid import local_midnight

Floats = NDArray[np.float64]

BRAND = Path(sample.__file__).with_name("brand.toml")
# The weeks from these origins know no outage and no viral post, which no forecast foresees.
ORIGINS = tuple(sample.NEXT_DAY - timedelta(weeks=back) for back in (0, 4, 2))
BUSY = 5.0
# A cap of all the time there is.
NO_CAP = 1.0
STREAMS = ("risk", "foreseen", "true")


@dataclass(frozen=True)
class World:
    """A brand and the truth that its days are drawn from."""

    name: str
    brand: Brand
    truth: sample.Truth


def worlds() -> Iterator[World]:
    """The sample brand as it is set, and bare of all that leaves room."""
    brand = judged_brand(read_brand(BRAND))
    yield World("as set", brand, sample.TRUTH)
    busier = tuple(
        replace(queue, contacts_per_week=BUSY * queue.contacts_per_week)
        for queue in sample.TRUTH.queues
    )
    capless = replace(brand, planning=replace(brand.planning, occupancy_cap=NO_CAP))
    yield World("bare", capless, replace(sample.TRUTH, queues=busier))


def only(world: World, *names: str) -> World:
    """The world with some of its queues, in the order of the brand."""
    return replace(
        world,
        brand=replace(world.brand, queues=tuple(q for q in world.brand.queues if q.name in names)),
        truth=replace(world.truth, queues=tuple(q for q in world.truth.queues if q.name in names)),
    )


def judged_brand(brand: Brand) -> Brand:
    """The brand with nobody absent, and a goal where the requirement assumes one for follow-ups."""
    present = replace(brand.planning, planned_shrinkage=0.0, unplanned_shrinkage=0.0)
    return replace(brand, planning=present, queues=tuple(map(_with_follow_up_goal, brand.queues)))


def _with_follow_up_goal(queue: Queue) -> Queue:
    if any(goal.metric == "next_reply" for goal in queue.goals):
        return queue
    goal = ServiceGoal("next_reply", queue.follow_up_due_s, queue.promise.share, "hour")
    return replace(queue, goals=(*queue.goals, goal))


# -- the truth -------------------------------------------------------------------------------------


def history(world: World, seed: int, until: datetime) -> pd.DataFrame:
    """VOLUMES drawn from the truth, up to `until`."""
    drawn = sample.make_volumes(world.truth, seed)
    table = pd.DataFrame(
        {
            "start": drawn["timestamp"].astype("datetime64[us, UTC]"),
            "queue": drawn["queue"].astype("str"),
            "contacts": drawn["value"].astype("int64"),
            "aht_s": drawn["aht_s"],
        }
    )
    return table[table["start"] < until].reset_index(drop=True)


def _since_the_first_day(world: World, end: datetime) -> pd.DatetimeIndex:
    """The truth grows from its first day on, so it is asked for all of its days."""
    return interval_index(local_midnight(sample.FIRST_DAY, world.brand.tz), end)


def true_days(world: World, start: datetime, end: datetime, *, count: int, seed: int) -> Paths:
    """Counts of [start, end) drawn from the truth, with the noise that the history has."""
    starts = _since_the_first_day(world, end)
    inside = np.asarray(starts >= start)
    rng = np.random.default_rng(seed)
    noise = world.truth.noise
    day, _ = pd.factorize(starts[inside].tz_convert(world.brand.tz).date)
    busy = _factors(rng, noise.day_cv, (count, day.max() + 1))[:, day]
    contacts = [
        rng.poisson(
            sample.expected_contacts(queue, world.truth, starts)[inside]
            * busy
            * _factors(rng, noise.interval_cv, busy.shape)
        )
        for queue in world.truth.queues
    ]
    names = tuple(queue.name for queue in world.truth.queues)
    return Paths(start, names, np.stack(contacts, axis=2))


def _factors(rng: np.random.Generator, cv: float, size: tuple[int, ...]) -> Floats:
    """Gamma factors of mean 1."""
    return rng.gamma(1.0 / cv**2, cv**2, size)


def true_handling(world: World, start: datetime, end: datetime) -> pd.DataFrame:
    """start, queue, aht_s of [start, end) by the truth."""
    starts = _since_the_first_day(world, end)
    tables = []
    for queue in world.truth.queues:
        aht_s = sample.expected_aht(queue, world.truth, starts)
        tables.append(pd.DataFrame({"start": starts, "queue": queue.name, "aht_s": aht_s}))
    table = pd.concat(tables, ignore_index=True)
    return table[table["start"] >= start]


# -- a forecast and the days it is held against ----------------------------------------------------


@dataclass(frozen=True, eq=False)
class Told:
    """A world as it was forecast at an origin, and the span that is planned."""

    world: World
    forecast: ForecastResult
    start: datetime
    end: datetime
    seed: int

    def stream(self, name: str) -> int:
        """The seed of a use of randomness: a plan never sees the days that judge it."""
        return 10 * self.seed + STREAMS.index(name)


def told_at(world: World, origin: date, *, weeks: int, seed: int) -> Told:
    """The forecast of the weeks from `origin`, from a history of the world's own."""
    start = local_midnight(origin, world.brand.tz)
    end = local_midnight(origin + timedelta(weeks=weeks), world.brand.tz)
    forecast = make_forecast(
        history(world, seed, start),
        world.brand,
        [event.campaign for event in world.truth.campaigns],
        start=start,
        end=end,
        seed=seed,
        models=("blend",),
    )
    return Told(world, forecast, start, end, seed)


def days_foreseen(told: Told, runs: int) -> Trial:
    """Days drawn from the forecast, as certificates draw them."""
    seed = told.stream("foreseen")
    return make_trial(
        told.forecast.table,
        scenario_paths(told.forecast, count=runs, seed=seed),
        told.world.brand,
        start=told.start,
        end=told.end,
        seed=seed,
    )


def days_that_come(told: Told, runs: int) -> Trial:
    """Days drawn from the truth."""
    seed = told.stream("true")
    return make_trial(
        true_handling(told.world, told.start, told.end),
        true_days(told.world, told.start, told.end, count=runs, seed=seed),
        told.world.brand,
        start=told.start,
        end=told.end,
        seed=seed,
    )
