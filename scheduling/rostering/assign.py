"""Named agents on dated shifts: who works when, under every rule, at the least cost.

Each agent in turn takes the line of work that is worth most, given everybody else's (exact, by
`lines`); then rounds of repair free two agents and let both choose again, which finds what neither
could gain alone: hours handed from one to the other, two shifts that move together.
Coverage is counted per interval and queue, breaks left out, so that any mix of shifts that covers
will do. A roster never breaks a rule on its way, and the repairs never make it worse.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd

from scheduling.rostering.lines import (
    REST_CLASSES,
    REST_STEP,
    best_line,
    head_values,
    put_on_queue,
    settle_breaks,
    shift_rewards,
    week_states,
)
from scheduling.rostering.need import (
    INTERVAL_H,
    Floats,
    Ints,
    Need,
    Prices,
    SkillGroups,
    interval_of,
    shortfall_hours,
)
from scheduling.rostering.shifts import STEP_MIN, Shifts, on_queue_hours, takeable
from wfm.brands import Brand
from wfm.errors import DataError
from wfm.people import Agent, Contract
from wfm.progress import Progress, silent
from wfm.timegrid import local_day

ABSENT = frozenset({"time_off", "standby"})
INTERVALS_PER_H = 4
# Share of what the program pays for a head by which the first of a pair may be led elsewhere.
LED_BY = 0.5


@dataclass(frozen=True)
class AssignLimits:
    """Work limits, which decide what a seed gives, and a wall limit for safety.

    sweeps   times that every agent chooses again
    repairs  rounds of repair; None: 20 for each agent, at most 4,000
    """

    sweeps: int = 12
    repairs: int | None = None
    wall_s: float = 300.0

    def repairs_for(self, agents: int) -> int:
        return min(20 * agents, 4000) if self.repairs is None else self.repairs


@dataclass(frozen=True)
class Past:
    """What an agent's days before the horizon leave to it.

    run          days worked in a row up to the day before
    week         days and paid intervals worked this week
    free_from    interval, from the horizon's start, at which the last shift ended
    weekends     whether each of the last three weekends was worked (bits, last one lowest)
    weekend      whether the running weekend was
    """

    run: int = 0
    week: tuple[int, int] = (0, 0)
    free_from: int | None = None
    weekends: int = 0
    weekend: int = 0


@dataclass(frozen=True)
class Worker:
    """One agent as arrays: the shifts they may take, what each costs, the rules in force."""

    agent: Agent
    group: int
    options: Ints
    first: Ints
    opens: Ints
    owes: Ints
    kind: Ints
    kinds: int
    costs: Floats
    max_run: Ints
    max_days: Ints
    max_paid: Ints
    max_weekends: Ints
    week_days: Ints
    week_paid: Ints
    week_after: Ints
    wanted: Floats
    initial: Ints
    past: Past


@dataclass
class Assignment:
    """A roster in the making; `deficits` always fits the lines.

    shift   the shift each agent takes each day, -1 for a day off; shape (agents, days)
    breaks  where its breaks are, intervals after its start; shape (agents, days, breaks)
    costs   paid hours, wishes and hours below the minimum of each agent's line, money
    """

    shift: Ints
    breaks: Ints
    costs: Floats
    deficits: Floats = field(repr=False)

    def copy(self) -> Assignment:
        return Assignment(
            self.shift.copy(), self.breaks.copy(), self.costs.copy(), self.deficits.copy()
        )


@dataclass(frozen=True)
class AssignOutcome:
    """Named lines, and what they cost.

    objective        paid hours + shortfall + surplus + wishes, priced
    short_h          agent-hours missing
    stopped_by_wall  the wall limit cut the repairs short: not reproducible
    """

    assignment: Assignment
    objective: float
    short_h: float
    seconds: float
    stopped_by_wall: bool


def begun_before(history: pd.DataFrame, start: datetime) -> pd.DataFrame:
    """Segments of the shifts in `history` that start before `start`, whole, with `shift_start`."""
    rows = history[~history["activity"].isin(ABSENT)].sort_values(["agent_id", "start"])
    earlier = rows.shift()
    fresh = (
        (rows["agent_id"] != earlier["agent_id"])
        | (rows["start"] != earlier["end"])
        | (rows["template"] != earlier["template"])
    )
    rows = rows.assign(shift_start=rows["start"].groupby(fresh.cumsum()).transform("first"))
    return rows[rows["shift_start"] < start]


def past_of(agent: Agent, begun: pd.DataFrame, brand: Brand, start: datetime) -> Past:
    """What the agent's shifts among those `begun_before` the horizon leave to it."""
    mine = begun[begun["agent_id"] == agent.agent_id]
    if mine.empty:
        return Past()
    first = local_day(start, brand.tz)
    monday = first - timedelta(days=first.weekday())
    day_of = mine["shift_start"].dt.tz_convert(brand.tz).dt.date
    days = set(day_of)
    paid = mine["activity"].isin({a.code for a in brand.activities if a.paid})
    this_week = mine[paid & (day_of >= monday)]
    paid_min = (this_week["end"] - this_week["start"]).dt.total_seconds().sum() / 60
    run = 0
    while first - timedelta(days=run + 1) in days:
        run += 1

    def weekend(weeks_ago: int) -> int:
        saturday = monday + timedelta(days=5 - 7 * weeks_ago)
        return int(saturday in days or saturday + timedelta(days=1) in days)

    return Past(
        run=run,
        week=(sum(d >= monday for d in days), int(paid_min // STEP_MIN)),
        free_from=int(interval_of(mine["end"], start).max()),
        weekends=sum(weekend(ago) << (ago - 1) for ago in (1, 2, 3)),
        weekend=weekend(0),
    )


def worker_of(
    agent: Agent, group: int, *, shifts: Shifts, brand: Brand, prices: Prices, past: Past
) -> Worker:
    """The agent's options and rules; days without a contract have no options."""
    contracts = {c.name: c for c in brand.contracts}
    options = np.flatnonzero(takeable(agent, shifts, brand))
    held = [contracts.get(agent.contract_on(d) or "") for d in shifts.days]
    rest = max((_intervals_up(c.min_rest_h) for c in held if c), default=0)
    day = shifts.day[options]
    end = shifts.start[options] + shifts.length[options]
    owes = np.maximum(0, -(-(end + rest - shifts.midnights[day + 1]) // REST_STEP))
    rest_before = 0
    if past.free_from is not None:
        rest_before = max(0, -(-(past.free_from + rest) // REST_STEP))
    if max(owes.max(initial=0), rest_before) >= REST_CLASSES:
        raise DataError(
            f"agent {agent.agent_id}: a rest of {rest / INTERVALS_PER_H:g} h after a shift reaches "
            "beyond the next two days; shorten min_rest_h or the shift",
            agent=agent.agent_id,
        )
    lengths, kind = np.unique(shifts.paid[options], return_inverse=True)

    def limit(value: str, scale: int = 1) -> Ints:
        return np.array(
            [math.floor(getattr(c, value) * scale + 1e-9) if c else 0 for c in held],
            dtype=np.int64,
        )

    max_days, max_paid = limit("max_days_per_week"), limit("max_hours_per_week", INTERVALS_PER_H)
    week_days, week_paid, week_after = week_states(
        lengths, int(max_days.max()), int(max_paid.max()), past.week
    )
    base = 1 if past.week != (0, 0) else 0
    return Worker(
        agent=agent,
        group=group,
        options=options.astype(np.int64),
        first=np.searchsorted(day, np.arange(len(shifts.days) + 1)).astype(np.int64),
        opens=np.minimum(
            (shifts.start[options] - shifts.midnights[day]) // REST_STEP, REST_CLASSES - 1
        ),
        owes=owes,
        kind=kind.astype(np.int64),
        kinds=len(lengths),
        costs=_option_costs(agent, shifts, options, prices),
        max_run=limit("max_consecutive_days"),
        max_days=max_days,
        max_paid=max_paid,
        max_weekends=limit("max_weekends_in_4"),
        week_days=week_days,
        week_paid=week_paid,
        week_after=week_after,
        wanted=_wanted(agent, held, shifts.days),
        initial=np.array(
            [past.run, base, rest_before, past.weekends, past.weekend], dtype=np.int64
        ),
        past=past,
    )


def _intervals_up(hours: float) -> int:
    return math.ceil(hours * INTERVALS_PER_H - 1e-9)


def _option_costs(agent: Agent, shifts: Shifts, options: Ints, prices: Prices) -> Floats:
    costs = prices.of_shift(shifts.paid[options] * INTERVAL_H, shifts.inside[options])
    names = np.array([t.name for t in shifts.templates])[shifts.template[options]]
    weekday = np.array(["mon", "tue", "wed", "thu", "fri", "sat", "sun"])[
        shifts.weekdays[shifts.day[options]]
    ]
    preferred = {p.value: p.weight for p in agent.preferences if p.kind == "prefer_template"}
    if preferred:
        costs = costs + prices.wish * max(preferred.values()) * ~np.isin(names, list(preferred))
    for wish in agent.preferences:
        if wish.kind == "day_off":
            costs = costs + prices.wish * wish.weight * (weekday == wish.value)
        elif wish.kind == "avoid_template":
            costs = costs + prices.wish * wish.weight * (names == wish.value)
    return np.asarray(costs, dtype=np.float64)


def _wanted(agent: Agent, held: list[Contract | None], days: tuple[date, ...]) -> Floats:
    """Paid intervals the contract wants by the last day of each week, less for days not open."""
    wanted = np.zeros(len(days))
    so_far = 0.0
    for n, (day, contract) in enumerate(zip(days, held, strict=True)):
        if contract and not agent.is_off(day):
            so_far += contract.min_hours_per_week * INTERVALS_PER_H / 7
        if day.weekday() == 6 or n == len(days) - 1:
            wanted[n] = so_far
            so_far = 0.0
    return wanted


class Desk:
    """All workers around one floor: lets an agent leave it and choose a line again."""

    def __init__(
        self, workers: list[Worker], shifts: Shifts, groups: SkillGroups, need: Need, prices: Prices
    ) -> None:
        self.workers = workers
        self.shifts = shifts
        self.groups = groups
        self.prices = prices
        self.needed_h = float(need.heads.sum() * INTERVAL_H)
        self._values = np.empty(shifts.intervals)

    def empty(self, deficits: Floats) -> Assignment:
        agents, days = len(self.workers), len(self.shifts.days)
        depth = self.shifts.breaks.shape[1]
        idle = np.array([self._below_minimum(w, np.empty(0, np.int64)) for w in self.workers])
        return Assignment(
            np.full((agents, days), -1, dtype=np.int64),
            np.full((agents, days, depth), -1, dtype=np.int64),
            idle.astype(np.float64),
            deficits.copy(),
        )

    def _put(self, now: Assignment, i: int, heads: float) -> None:
        shifts, touches = self.shifts, self.groups.touches[self.workers[i].group]
        for d in np.flatnonzero(now.shift[i] >= 0):
            s = now.shift[i, d]
            put_on_queue(
                now.deficits,
                touches,
                shifts.start[s],
                shifts.length[s],
                shifts.breaks[shifts.template[s]],
                now.breaks[i, d],
                heads,
            )

    def leave(self, now: Assignment, i: int) -> None:
        """Takes the agent's whole line off the floor."""
        self._put(now, i, -1.0)
        now.shift[i] = -1

    def choose(self, now: Assignment, i: int, *, bias: Floats | None = None) -> None:
        """Gives the agent, who has no line now, the one that is worth most.

        bias  added to what a head is worth in each interval, money
        """
        worker, shifts, prices = self.workers[i], self.shifts, self.prices
        values = self._values
        head_values(
            now.deficits,
            self.groups.touches[worker.group],
            prices.short * INTERVAL_H,
            prices.surplus * INTERVAL_H,
            values,
        )
        if bias is not None:
            values = values + bias
        rewards = np.empty(len(worker.options))
        at = np.empty((len(worker.options), shifts.breaks.shape[1]), dtype=np.int64)
        shift_rewards(
            values,
            worker.options,
            shifts.start,
            shifts.length,
            shifts.template,
            shifts.breaks,
            worker.costs,
            rewards,
            at,
        )
        line = np.empty(len(shifts.days), dtype=np.int64)
        best_line(
            worker.first,
            worker.opens,
            worker.owes,
            worker.kind,
            worker.kinds,
            rewards,
            shifts.weekdays,
            worker.max_run,
            worker.max_days,
            worker.max_paid,
            worker.max_weekends,
            worker.week_days,
            worker.week_paid,
            worker.week_after,
            worker.wanted,
            prices.below_minimum * INTERVAL_H,
            worker.initial,
            line,
        )
        worked = line >= 0
        chosen = line[worked]
        now.shift[i] = -1
        now.shift[i, worked] = worker.options[chosen]
        now.breaks[i, worked] = at[chosen]
        now.costs[i] = worker.costs[chosen].sum() + self._below_minimum(
            worker, worker.options[chosen]
        )
        self._put(now, i, 1.0)

    def _below_minimum(self, worker: Worker, taken: Ints) -> float:
        shifts = self.shifts
        paid = np.zeros(len(shifts.days))
        paid[shifts.day[taken]] = shifts.paid[taken]
        paid[0] += worker.past.week[1]
        missing, so_far = 0.0, 0.0
        for n, wanted in enumerate(worker.wanted):
            so_far += paid[n]
            missing += max(0.0, wanted - so_far) if wanted else 0.0
            if shifts.weekdays[n] == 6:
                so_far = 0.0
        return missing * self.prices.below_minimum * INTERVAL_H

    def on_queue_h(self, now: Assignment) -> float:
        """Hours on queue inside the horizon, by the shifts assigned here."""
        agent, day = np.nonzero(now.shift >= 0)
        return on_queue_hours(self.shifts, now.shift[agent, day], now.breaks[agent, day])

    def objective(self, now: Assignment, *, given_h: float = 0.0) -> float:
        """Paid hours + shortfall + surplus + wishes, priced.

        given_h  hours on queue that shifts from before the horizon give to it
        """
        short_h = shortfall_hours(now.deficits)
        surplus_h = self.on_queue_h(now) + given_h - self.needed_h + short_h
        prices = self.prices
        return float(now.costs.sum() + prices.short * short_h + prices.surplus * surplus_h)


def given_heads(
    begun: pd.DataFrame,
    agents: tuple[Agent, ...],
    groups: SkillGroups,
    *,
    start: datetime,
    intervals: int,
) -> Floats:
    """Heads per interval and skill group that shifts begun before `start` still give to it."""
    heads = np.zeros((intervals, len(groups.serves)))
    group = {a.agent_id: int(g) for a, g in zip(agents, groups.of, strict=True)}
    rows = begun[
        (begun["end"] > start)
        & (begun["activity"] == "on_queue")
        & begun["agent_id"].isin(group.keys())
    ]
    firsts = np.maximum(interval_of(rows["start"], start), 0)
    for agent_id, first, last in zip(
        rows["agent_id"], firsts, interval_of(rows["end"], start), strict=True
    ):
        heads[first:last, group[agent_id]] += 1.0
    return heads


def assign(
    desk: Desk,
    deficits: Floats,
    *,
    seed: int,
    guide: Floats | None = None,
    given_h: float = 0.0,
    limits: AssignLimits,
    progress: Progress = silent,
) -> AssignOutcome:
    """The best roster found for the desk within the limits; the same for the same seed.

    deficits  what each cut needs before anybody is assigned, shape (intervals, cuts)
    guide     what the linear program would pay for one more head, money, shape (intervals, groups)
    """
    began = time.perf_counter()
    rng = np.random.default_rng(seed)
    now = desk.empty(deficits)
    agents = len(desk.workers)
    repairs = limits.repairs_for(agents) if agents > 1 else 0
    steps = agents * (limits.sweeps + 1) + repairs * 2
    done = 0

    def bias_of(i: int, weight: float) -> Floats | None:
        return None if guide is None else weight * guide[:, desk.workers[i].group]

    for sweep in range(limits.sweeps + 1):
        # The first lines are chosen by the program's prices, later ones more and more by the floor.
        weight = 0.5 * (1 - sweep / max(1, limits.sweeps))
        for i in rng.permutation(agents):
            desk.leave(now, i)
            desk.choose(now, i, bias=bias_of(i, weight) if weight else None)
            done += 1
            if done % 20 == 0:
                progress(done / steps, f"assigning agents, sweep {sweep + 1}")
    stopped = False
    score = desk.objective(now, given_h=given_h)
    for n in range(repairs):
        if time.perf_counter() - began > limits.wall_s:
            stopped = True
            break
        pair = _pair(desk, now, rng)
        trial = now.copy()
        for i in pair:
            desk.leave(trial, i)
        desk.choose(trial, pair[0], bias=bias_of(pair[0], rng.uniform(0.0, LED_BY)))
        desk.choose(trial, pair[1])
        trial_score = desk.objective(trial, given_h=given_h)
        if trial_score <= score + 1e-9:
            now, score = trial, trial_score
        done += 2
        progress(done / steps, f"repairing, round {n + 1} of {repairs}")
    _settle(desk, now)
    return AssignOutcome(
        assignment=now,
        objective=desk.objective(now, given_h=given_h),
        short_h=shortfall_hours(now.deficits),
        seconds=time.perf_counter() - began,
        stopped_by_wall=stopped,
    )


def _pair(desk: Desk, now: Assignment, rng: np.random.Generator) -> tuple[int, int]:
    """Two agents; where the floor is short, every other time the first can serve what lacks."""
    agents = len(desk.workers)
    one, two = (int(i) for i in rng.choice(agents, 2, replace=False))
    lacks = np.maximum(now.deficits.max(axis=1, initial=0.0), 0.0)
    total = float(lacks.sum())
    if total > 0 and rng.random() < 0.5:
        t = int(rng.choice(len(lacks), p=lacks / total))
        cut = int(now.deficits[t].argmax())
        able = [n for n, w in enumerate(desk.workers) if desk.groups.touches[w.group, cut]]
        if able:
            one = int(rng.choice(able))
            two = two if two != one else (one + 1) % agents
    return one, two


def _settle(desk: Desk, now: Assignment) -> None:
    shifts = desk.shifts
    agent, day = np.nonzero(now.shift >= 0)
    at = np.ascontiguousarray(now.breaks[agent, day])
    group = np.array([w.group for w in desk.workers], dtype=np.int64)[agent]
    for _ in range(2):
        settle_breaks(
            now.deficits,
            desk.groups.touches,
            group,
            now.shift[agent, day],
            shifts.start,
            shifts.length,
            shifts.template,
            shifts.breaks,
            at,
            desk.prices.short,
        )
    now.breaks[agent, day] = at
