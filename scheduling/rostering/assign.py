"""Named agents on dated shifts, stated as a problem for the engine and read back.

Coverage is counted per interval and queue, breaks left out, so that any mix of shifts that covers
will do. What stands already (pinned shifts, days gone by) becomes tasks of its own that nobody else
can take.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from scheduling.fairness import fair_shares, shift_kinds
from scheduling.rostering.engine import EngineLimits, Solution, solve
from scheduling.rostering.heads import settle_breaks
from scheduling.rostering.law import Past
from scheduling.rostering.need import (
    INTERVAL_H,
    Flags,
    Floats,
    Ints,
    Need,
    Prices,
    SkillGroups,
)
from scheduling.rostering.problem import Days, Fairness, Floor, Person, Problem, Tasks
from scheduling.rostering.shifts import Shifts
from scheduling.rostering.standing import Standing
from scheduling.rostering.workers import PER_H, Worker
from scheduling.worked import SHIFT_KINDS
from wfm.brands import Brand
from wfm.calendars import is_public_holiday
from wfm.errors import RuleConflict
from wfm.progress import Progress, silent

# Price of a burden above the fair share, in parts of `Prices.unfair`, by kind of SHIFT_KINDS.
WEIGHTS = {"night": 1.0, "weekend": 1.0, "holiday": 1.0, "early": 0.25, "late": 0.25}
# What a shift that stands is worth more than anything else could be.
STANDS = 1e6


@dataclass(frozen=True)
class Kept:
    """A roster to stay near: the shift of each agent-day (-1: off), and what a change costs."""

    shift: Ints
    price: float


@dataclass
class Assignment:
    """A roster by agent and day.

    shift     the shift each agent takes, -1 for a day off or a shift that stands; (agents, days)
    breaks    where its breaks are, intervals after its start; shape (agents, days, breaks)
    dropped   agents whose shifts that stand break rules together: nothing was added to them
    barred    agents whom what they worked before leaves no lawful line: they have no shift
    """

    shift: Ints
    breaks: Ints
    dropped: tuple[int, ...] = ()
    barred: tuple[int, ...] = ()


@dataclass(frozen=True)
class AssignOutcome:
    """Named lines, and what they cost.

    objective, bound  paid hours + shortfall + surplus + wishes + unfair burdens, priced; no roster
                      costs less than `bound`
    short_h           agent-hours missing
    stopped_by_wall   the wall limit cut the search short: not reproducible
    """

    assignment: Assignment
    objective: float
    bound: float
    short_h: float
    seconds: float
    stopped_by_wall: bool


@dataclass(frozen=True)
class Desk:
    """What a roster is made from, all in intervals of the horizon.

    given     heads that are on queue anyway, shape (intervals, groups)
    presence  agents asked for by each presence rule, shape (intervals, rules), and who counts,
              shape (agents, rules)
    owed      burdens of each kind that an agent owes (above 0) or has had too many of, by agent id
    standing  shifts that stand
    free_from first day on which anything is free
    """

    workers: list[Worker]
    shifts: Shifts
    groups: SkillGroups
    need: Need
    given: Floats
    brand: Brand
    prices: Prices
    presence: Floats
    counts: Flags
    owed: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    standing: tuple[Standing, ...] = ()
    free_from: int = 0


def tasks_of(shifts: Shifts, brand: Brand) -> Tasks:
    """The dated shifts as tasks; clock and blocks are intervals of the horizon."""
    return Tasks(
        day=shifts.day,
        template=shifts.template,
        begin=shifts.start,
        end=shifts.start + shifts.length,
        into_day=shifts.wall_from // (60 // PER_H),
        paid=shifts.paid,
        night=shift_kinds(shifts, brand)[:, 0],
        first=shifts.start,
        length=shifts.length,
        layout=shifts.template,
        breaks=shifts.breaks,
    )


def days_of(shifts: Shifts, brand: Brand) -> Days:
    country = brand.country
    return Days(
        weekday=tuple(day.weekday() for day in shifts.days),
        weekend=tuple(day.weekday() in brand.weekend for day in shifts.days),
        holiday=tuple(
            country is not None and is_public_holiday(day, country) for day in shifts.days
        ),
    )


def stated(desk: Desk, burdens: Floats, kept: Kept | None = None) -> Problem:
    """The desk as a problem of the engine.

    burdens  shifts of each of SHIFT_KINDS that the horizon will hold for each skill group, as far
             as known beforehand, shape (groups, kinds)
    """
    of, touches = _engine_groups(desk)
    tasks = _with_standing(tasks_of(desk.shifts, desk.brand), desk.standing)
    stands: dict[int, list[int]] = {}
    for n, standing in enumerate(desk.standing):
        stands.setdefault(standing.agent, []).append(len(desk.shifts) + n)
    people = []
    for i, worker in enumerate(desk.workers):
        options, costs = worker.options, worker.costs
        day = desk.shifts.day[options]
        if kept is not None:
            was = kept.shift[i][day]
            costs = costs + kept.price * np.where(was == options, -1.0, was < 0)
        mine = np.array(stands.get(i, []), dtype=np.int64)
        free = (day >= desk.free_from) & ~np.isin(day, tasks.day[mine])
        people.append(
            Person(
                worker.rules,
                worker.past,
                int(of[i]),
                np.concatenate([options[free], mine]),
                np.concatenate([costs[free], np.full(len(mine), -STANDS)]),
                worker.prices,
            )
        )
    constant = _constant(desk) + STANDS * len(desk.standing)
    if kept is not None:
        constant += kept.price * float((kept.shift >= 0).sum())
    return Problem(
        days=days_of(desk.shifts, desk.brand),
        tasks=tasks,
        floor=_floor(desk, touches),
        people=tuple(people),
        fairness=_fairness(desk, burdens),
        constant=constant,
        names=tuple(w.agent.agent_id for w in desk.workers),
    )


def _with_standing(tasks: Tasks, standing: tuple[Standing, ...]) -> Tasks:
    """The tasks and, after them, one for each shift that stands, with its breaks where they are."""
    if not standing:
        return tasks
    depth = max(tasks.breaks.shape[1], *(len(s.breaks) for s in standing))
    breaks = np.zeros((len(tasks.breaks) + len(standing), depth, 3), dtype=np.int64)
    breaks[: len(tasks.breaks), : tasks.breaks.shape[1]] = tasks.breaks
    for n, stood in enumerate(standing, start=len(tasks.breaks)):
        for b, (at, length) in enumerate(stood.breaks):
            breaks[n, b] = at, at, length

    def joined(own: Ints, values: list[int]) -> Ints:
        return np.concatenate([own, np.array(values, dtype=np.int64)])

    start = [s.start for s in standing]
    end = [s.start + s.length for s in standing]
    return Tasks(
        day=joined(tasks.day, [s.day for s in standing]),
        template=joined(tasks.template, [s.template for s in standing]),
        begin=joined(tasks.begin, start),
        end=joined(tasks.end, end),
        into_day=joined(tasks.into_day, [s.into_day for s in standing]),
        paid=joined(tasks.paid, [s.paid for s in standing]),
        night=np.concatenate([tasks.night, np.array([s.burdens[0] for s in standing])]),
        first=joined(tasks.first, start),
        length=joined(tasks.length, [s.length for s in standing]),
        layout=joined(tasks.layout, [len(tasks.breaks) + n for n in range(len(standing))]),
        breaks=breaks,
    )


def _engine_groups(desk: Desk) -> tuple[Ints, Flags]:
    """Group of each worker by skills and by who counts for presence; what each group touches."""
    kinds = np.column_stack(
        [np.array([w.group for w in desk.workers], dtype=np.int64), desk.counts.astype(np.int64)]
    )
    rows, of = np.unique(kinds, axis=0, return_inverse=True)
    touches = np.column_stack([desk.groups.touches[rows[:, 0]], rows[:, 1:].astype(np.bool_)])
    return of.ravel(), touches


def _floor(desk: Desk, touches: Flags) -> Floor:
    """Layer 0: what the queues need, by cut; then a layer for each presence rule."""
    queues = desk.groups.deficits(desk.need) - desk.given @ desk.groups.touches.astype(np.float64)
    rules = desk.presence.shape[1]
    cuts = queues.shape[1]
    prices = desk.prices
    short = np.full((len(queues), 1 + rules), prices.short * INTERVAL_H)
    short[:, 0] += prices.surplus * INTERVAL_H
    return Floor(
        need=np.ascontiguousarray(np.column_stack([queues, desk.presence])),
        layer=np.concatenate([np.zeros(cuts), 1 + np.arange(rules)]).astype(np.int64),
        touches=np.ascontiguousarray(touches),
        short=short,
        surplus=np.full(len(queues), prices.surplus * INTERVAL_H),
    )


def _constant(desk: Desk) -> float:
    """Surplus counts what is on queue above the need; the engine counts every head."""
    beyond = desk.given.sum() - desk.need.heads.sum()
    return float(desk.prices.surplus * INTERVAL_H * beyond)


def _fairness(desk: Desk, burdens: Floats) -> Fairness:
    kinds = shift_kinds(desk.shifts, desk.brand)
    every = np.array([s.burdens for s in desk.standing], dtype=np.bool_).reshape(
        -1, len(SHIFT_KINDS)
    )
    price = np.array([WEIGHTS[kind] for kind in SHIFT_KINDS]) * desk.prices.unfair
    eligible = np.zeros((len(desk.workers), len(SHIFT_KINDS)))
    for i, worker in enumerate(desk.workers):
        for k in range(len(SHIFT_KINDS)):
            able = worker.options[kinds[worker.options, k]]
            eligible[i, k] = len(np.unique(desk.shifts.day[able]))
    share = np.zeros_like(eligible)
    of = np.array([w.group for w in desk.workers], dtype=np.int64)
    for group, total in enumerate(burdens):
        share[of == group] = fair_shares(total, eligible[of == group])
    for i, worker in enumerate(desk.workers):
        owed = desk.owed.get(worker.agent.agent_id, {})
        share[i] += [owed.get(kind, 0.0) for kind in SHIFT_KINDS]
    counts = np.concatenate([kinds, every]).T.copy()
    return Fairness(counts, np.maximum(share, 0.0), price)


def assign(
    desk: Desk,
    *,
    seed: int,
    burdens: Floats,
    guide: Floats | None = None,
    kept: Kept | None = None,
    limits: EngineLimits,
    progress: Progress = silent,
) -> AssignOutcome:
    """The best roster found for the desk within the limits; the same for the same seed.

    burdens  as in `stated`
    guide    what the shift mix would pay for one more head, money an interval, (intervals, groups)
    """
    began = time.perf_counter()
    problem = stated(desk, burdens, kept)
    if guide is not None:  # of skill groups; the engine's groups part them by presence
        people = zip(problem.people, desk.workers, strict=True)
        skilled = {person.group: worker.group for person, worker in people}
        guide = guide[:, [skilled[g] for g in range(len(skilled))]]
    barred: list[int] = []
    while True:
        near = None if kept is None else _with_stood(kept.shift, problem, len(desk.shifts))
        try:
            solution = solve(
                problem, seed=seed, guide=guide, near=near, limits=limits, progress=progress
            )
            break
        except RuleConflict as conflict:  # one agent's past must not stop everybody's roster
            barred.append(int(conflict.details["person"]))
            problem = _barring(problem, barred[-1])
    now, lacks = _settled(desk, problem, solution)
    now = replace(now, barred=tuple(barred))
    return AssignOutcome(
        assignment=now,
        objective=solution.objective,
        bound=solution.bound,
        short_h=float(np.maximum(lacks[:, _of_queues(desk)].max(axis=1, initial=0.0), 0.0).sum())
        * INTERVAL_H,
        seconds=time.perf_counter() - began,
        stopped_by_wall=solution.stopped_by_wall,
    )


def _barring(problem: Problem, person: int) -> Problem:
    """The problem with one person who works nothing and whom no rule asks anything of."""
    free = replace(
        problem.people[person],
        rules=(None,) * len(problem.days),
        past=Past(),
        options=np.zeros(0, dtype=np.int64),
        costs=np.zeros(0),
    )
    people = (*problem.people[:person], free, *problem.people[person + 1 :])
    return replace(problem, people=people)


def _with_stood(shift: Ints, problem: Problem, shifts: int) -> Ints:
    """The tasks of a roster to stay near, shifts that stand in it."""
    near = shift.copy()
    for i, person in enumerate(problem.people):
        for task in person.options[person.options >= shifts].tolist():
            near[i, problem.tasks.day[task]] = task
    return near


def _of_queues(desk: Desk) -> slice:
    return slice(0, desk.groups.touches.shape[1])


def _settled(desk: Desk, problem: Problem, solution: Solution) -> tuple[Assignment, Floats]:
    """The roster with its breaks where they are missed least, and what it lacks."""
    roster, tasks = solution.roster, problem.tasks
    agent, day = np.nonzero(roster.task >= 0)
    at = np.ascontiguousarray(roster.breaks[agent, day])
    group = np.array([p.group for p in problem.people], dtype=np.int64)[agent]
    lacks = roster.lacks.copy()
    for _ in range(2):
        settle_breaks(
            lacks,
            problem.floor.touches,
            group,
            roster.task[agent, day],
            tasks.first,
            tasks.length,
            tasks.layout,
            tasks.breaks,
            at,
            desk.prices.short,
        )
    breaks = roster.breaks.copy()
    breaks[agent, day] = at
    shift = np.where(roster.task < len(desk.shifts), roster.task, -1)
    stood = (roster.task >= len(desk.shifts)).sum(axis=1)
    asked = np.bincount([s.agent for s in desk.standing], minlength=len(desk.workers))
    dropped = np.flatnonzero(stood < asked)
    shift[dropped] = -1
    return Assignment(
        shift, breaks[:, :, : desk.shifts.breaks.shape[1]], tuple(dropped.tolist())
    ), lacks
