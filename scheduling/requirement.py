"""Agents needed per interval and queue, before shrinkage, and what binds.

The load falls due on a one-minute grid (`workload`), is raised to the day that is planned for
(`dayfactor`), and turned into the fewest agents with whom the goals of first replies hold and, in
the live order, those of follow-ups and resolution (`methods`, `priority`); never above the
occupancy cap nor below the minimum staff. The requirement is per queue; `agents_exact` is what a
plan that shares agents between queues should add up.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import pandas as pd

from scheduling.queueing.carryover import expected_over_days
from scheduling.queueing.dayfactor import LEVELS, day_ratios, expected_factor
from scheduling.queueing.doubts import doubts_of
from scheduling.queueing.erlang import Floats, Wholes
from scheduling.queueing.methods import (
    METHODS,
    Method,
    desk_for,
    first_goals,
    follow_goals,
    load_of,
    longest_scale,
)
from scheduling.queueing.priority import Desk, attained_around, attained_with
from scheduling.queueing.replies import replies_of
from scheduling.queueing.workload import Load, contacts_of, grid_of, work_scale
from wfm.brands import Brand, Planning, Queue
from wfm.errors import DemandError, RequestError
from wfm.frames import ATTAINMENTS, FORECAST, INSTANT, NEEDS, REQUIREMENT, interval_index
from wfm.paths import Paths
from wfm.progress import Progress, silent
from wfm.sla import ServiceGoal
from wfm.timegrid import intervals, local_day

FEW_PATHS = 30
# Agents below which a difference is the arithmetic's.
ROUNDING = 1e-6


@dataclass(frozen=True)
class QueueDays:
    """A queue's expected work and how its days may turn out.

    scale     factor on the work law, per interval; contacts expected new cases, per interval
    ratios    (paths, days): load of each day over the expected one
    days      number of the day of each interval
    """

    queue: Queue
    method: Method
    load: Load
    scale: Floats
    contacts: Floats
    ratios: Floats
    days: np.ndarray
    planning: Planning


@dataclass(frozen=True)
class Requirement:
    """Table REQUIREMENT and what a planner should know about it.

    workload in the table is the expected offered load; agents hold on the planned-for day.
    attainment is the expectation over the paths' days, each by itself, by steady-state formulas;
    low and high are the days at P10 and P90. The certificate judges the roster itself.

    factors  start of local day, queue, factor: load of the planned-for day over the expected one
    queues   what each queue's figures were worked out from
    """

    table: pd.DataFrame
    factors: pd.DataFrame
    warnings: tuple[str, ...]
    queues: tuple[QueueDays, ...] = field(repr=False)

    def asking(self, table: pd.DataFrame) -> Requirement:
        """The requirement with other agents asked for, and the attainment they have.

        table  the own one with other `agents`, `agents_exact` and `binding`
        """
        attained = []
        for desk in self.queues:
            own = self.table[self.table["queue"] == desk.queue.name]
            rows = table.loc[own.index]
            if rows["agents"].equals(own["agents"]):
                attained.append(own[list(ATTAINMENTS)])
                continue
            columns = _attainments(desk, rows["agents"].to_numpy())
            attained.append(pd.DataFrame(columns, index=rows.index))
        fresh = table.assign(**pd.concat(attained).sort_index())
        return replace(self, table=REQUIREMENT.check(fresh))


def make_requirement(
    forecast: pd.DataFrame,
    paths: Paths,
    brand: Brand,
    *,
    start: datetime,
    end: datetime,
    method: str = "lagged_mol",
    progress: Progress = silent,
) -> Requirement:
    """Agents before shrinkage for every interval of [start, end) and every queue of the brand.

    method  one of METHODS; the others than the default are for reference

    Zero demand needs the minimum staff; outside its window a queue needs nobody. Raises
    GoalOutOfReach naming the queue and the best share that can be promised, DataError when forecast
    or paths do not cover the time, RequestError for an unknown method.
    """
    if method not in METHODS:
        raise RequestError(f"no method {method!r}; there are {', '.join(METHODS)}", method=method)
    forecast = FORECAST.check(forecast)
    mean = grid_of(forecast, "mean", brand, start=start, end=end)
    if not np.isfinite(mean).all():
        raise DemandError("mean of the forecast must be finite everywhere")
    aht = grid_of(forecast, "aht_s", brand, start=start, end=end)
    scale = work_scale(forecast, brand, start=start, end=end)
    sampled = contacts_of(paths, brand, start=start, end=end)
    dates = np.array([local_day(at, brand.tz) for at in intervals(start, end)], "datetime64[D]")
    _, midnights, days = np.unique(dates, return_index=True, return_inverse=True)

    warnings: list[str] = []
    if sampled.shape[0] < FEW_PATHS:
        warnings.append(f"only {sampled.shape[0]} paths: the risk level is a rough guess")
    tables, factors, desks = [], [], []
    index = interval_index(start, end)
    for q, queue in enumerate(brand.queues):
        progress(q / len(brand.queues), f"requirement of {queue.name}")
        warnings += doubts_of(queue, mean[:, q], aht[:, q])
        way = METHODS[method]
        desk = QueueDays(
            queue=queue,
            method=way,
            load=load_of(way, mean[:, q], scale[:, q], queue, start=start, end=end),
            scale=scale[:, q],
            contacts=mean[:, q],
            ratios=day_ratios(
                sampled[:, :, q].astype(np.float64), np.column_stack([mean[:, q], aht[:, q]]), days
            ),
            days=days,
            planning=brand.planning,
        )
        desks.append(desk)
        factor = _planned_for(desk)
        table = _of_queue(desk, factor[days])
        tables.append(table.assign(start=index, queue=queue.name))
        factors.append(
            pd.DataFrame({"start": index[midnights], "queue": queue.name, "factor": factor})
        )
    progress(1.0, "requirement")
    table = pd.concat(tables, ignore_index=True).astype({"queue": "str", "start": INSTANT})
    table = table.sort_values(["start", "queue"], ignore_index=True)
    return Requirement(
        REQUIREMENT.check(table),
        pd.concat(factors, ignore_index=True),
        tuple(warnings),
        tuple(desks),
    )


def _needs(desk: QueueDays, factor: Floats) -> Floats:
    """Agents, fractional, by what asks for them (rows as NEEDS), per interval; 0 while shut."""
    goals = desk.method.needs(desk.queue, desk.load, factor, desk.scale)
    by_cap = desk.load.erlangs * factor / desk.planning.occupancy_cap
    floor = np.full(by_cap.shape, float(desk.queue.minimum_staff))
    return np.where(desk.load.is_open, np.vstack([goals.first, goals.follow, by_cap, floor]), 0.0)


def whole(exact: Floats) -> Floats:
    """Agents as they come: rounded up, but for what is only the arithmetic's."""
    return np.ceil(exact - ROUNDING)


def _days(desk: QueueDays) -> Floats:
    """Load over the expected one at each of LEVELS, (levels, intervals)."""
    return np.asarray(np.quantile(desk.ratios, LEVELS, axis=0)[:, desk.days])


def _expected_desk(desk: QueueDays, goal: ServiceGoal) -> Desk:
    return desk_for(desk.queue, desk.load, np.ones_like(desk.scale), desk.scale, goal.metric)


def _planned_for(desk: QueueDays) -> Floats:
    """Load of the day that is planned for over the expected one, per day."""
    planning = desk.planning
    if planning.risk == "day":
        return np.asarray(np.quantile(desk.ratios, planning.risk_quantile, axis=0))
    starts = np.flatnonzero(np.diff(desk.days, prepend=-1))
    follow = np.maximum(desk.load.erlangs - desk.load.first, 0.0)
    levels = _days(desk)
    worst = longest_scale(desk.load, desk.scale)
    goals = [*first_goals(desk.queue), *follow_goals(desk.queue, worst)] if worst > 0 else []

    def margin(factor: Floats) -> Floats:
        agents = whole(_needs(desk, factor[desk.days]).max(axis=0))
        least = np.full(starts.size, np.inf)
        for goal in goals:
            weight = follow if goal.metric == "next_reply" else desk.contacts
            weight = np.where(desk.load.is_open, weight, 0.0)
            expected, replies = _expected_desk(desk, goal), replies_of(goal.metric, desk.queue.work)
            asked = {"threshold_s": float(goal.threshold_s)}
            attained = expected_over_days(
                attained_with(agents, expected, replies, levels=levels, **asked),
                agents,
                expected,
                replies,
                ratios=desk.ratios,
                days=desk.days,
                **asked,
            )
            cases = np.add.reduceat(weight, starts)
            share = np.add.reduceat(weight * attained, starts) / np.maximum(cases, ROUNDING)
            least = np.minimum(least, np.where(cases > ROUNDING, share - goal.share, np.inf))
        return least

    return expected_factor(desk.ratios, margin)


def _of_queue(desk: QueueDays, factor: Floats) -> pd.DataFrame:
    """One queue's columns; factor per interval."""
    needs = _needs(desk, factor)
    exact = needs.max(axis=0)
    agents = whole(exact).astype(np.int64)
    # On a tie the rule that nobody can relax is told first.
    order = np.array([3, 0, 1, 2])
    binding = np.array(["minimum", "first", "follow_up", "occupancy"], dtype=object)
    return pd.DataFrame(
        {
            "workload": desk.load.erlangs,
            "first_workload": desk.load.first,
            "factor": factor,
            **dict(zip(NEEDS, needs, strict=True)),
            "agents": agents,
            "agents_exact": exact,
            **_attainments(desk, agents),
            "binding": pd.Series(binding[needs[order].argmax(axis=0)], dtype="str"),
        }
    )


def _attainments(desk: QueueDays, agents: Wholes) -> dict[str, Floats]:
    """What so many agents attain, by the names of ATTAINMENTS; not a number while shut."""
    goal = desk.queue.promise
    attained = attained_around(
        agents,
        _expected_desk(desk, goal),
        replies_of(goal.metric, desk.queue.work),
        threshold_s=goal.threshold_s,
        levels=_days(desk),
    )
    less, even, more = attained.mean(axis=0)
    low, high = np.quantile(attained[:, 1], [0.10, 0.90], axis=0)
    return {
        name: np.where(desk.load.is_open, np.clip(share, 0.0, 1.0), np.nan)
        for name, share in zip(ATTAINMENTS, (even, low, high, less, more), strict=True)
    }


def repair(
    requirement: Requirement,
    hours: pd.DataFrame,
    *,
    reserve: float = 0.2,
    min_cases: float = 1.0,
) -> Requirement:
    """The requirement with one more agent where a rehearsal came too close to missing a goal.

    hours      start, queue, share, attainment, cases, a row a goal and hour: what
               `Certificate.judged_hours` gives, of first replies, follow-ups and resolutions
    reserve    part of what a goal allows to be late that must be left over: .2 of the 10 % of a
               90 % goal asks the rehearsal for 92 %, which lands at 90 % and above on fresh seeds
    min_cases  expected cases below which an hour is left as it is

    Raised are the open intervals of the hour and the one before it, each once; their `binding` is
    "rehearsal".
    """
    target = hours["share"] + reserve * (1.0 - hours["share"])
    low = hours[(hours["attainment"] < target) & (hours["cases"] >= min_cases)]
    quarter = pd.Timedelta(minutes=15)
    wanted = pd.concat(
        [
            pd.DataFrame({"start": low["start"] + i * quarter, "queue": low["queue"]})
            for i in range(-1, 4)
        ]
    )
    keys = pd.MultiIndex.from_frame(wanted)
    table = requirement.table
    raised = pd.MultiIndex.from_frame(table[["start", "queue"]]).isin(keys)
    raised &= (table["agents"] > 0).to_numpy()
    if not raised.any():
        return requirement
    return requirement.asking(
        table.assign(
            agents=table["agents"] + raised.astype(np.int64),
            agents_exact=table["agents_exact"] + raised.astype(np.float64),
            binding=table["binding"].mask(raised, "rehearsal"),
        )
    )
