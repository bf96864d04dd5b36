"""The people of a problem around one floor: who works what, what it leaves lacking, and the best
answer of one person to what everybody else does.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scheduling.rostering.graph import Graph, build_graph
from scheduling.rostering.heads import (
    covered,
    head_worth,
    missing_cost,
    put_on_queue,
    shift_rewards,
)
from scheduling.rostering.law import Rules, new_periods
from scheduling.rostering.path import IMPOSSIBLE, NOTHING, best_path
from scheduling.rostering.problem import Floats, Ints, Person, Problem

FORBIDDEN = -NOTHING
# What it is worth to have a task, or a day off, of the line that another shall be near to.
NEAR = 1e4


@dataclass
class Roster:
    """Who works what; `lacks` and `costs` always fit it.

    task    the task of each person on each day, -1 for a day off; shape (people, days)
    breaks  where its breaks are, blocks after its start; shape (people, days, breaks)
    lacks   what each cut lacks, shape (blocks, cuts)
    costs   of each person's line: tasks, heads, paid units beside what is wanted, burdens
    """

    task: Ints
    breaks: Ints
    lacks: Floats = field(repr=False)
    costs: Floats = field(repr=False)

    def copy(self) -> Roster:
        return Roster(self.task.copy(), self.breaks.copy(), self.lacks.copy(), self.costs.copy())


@dataclass(frozen=True)
class Line:
    """A line of work of one person.

    task, breaks  by day
    cost          as in Roster.costs
    """

    task: Ints
    breaks: Ints
    cost: float


class Crew:
    """A problem made ready: the graph of everybody's rules, and what each option costs them."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        people = problem.people
        alike: dict[tuple[tuple[Rules | None, ...], tuple[bool, bool]], list[int]] = {}
        for i, person in enumerate(people):
            wants = (bool(person.wanted[:, 0].any()), bool(person.wanted[:, 1].any()))
            alike.setdefault((person.rules, wants), []).append(i)
        fair = problem.fairness
        # The first kind of burden is counted along the path, so that it is shared exactly.
        most = int(np.ceil(fair.share[:, 0].max(initial=0.0))) + 1 if len(fair.price) else 0
        self._tolls = np.zeros((len(people), 1))
        if most:
            before = np.maximum(np.arange(most + 2) - fair.share[:, :1], 0.0)
            self._tolls = np.diff(before, axis=1) * fair.price[0]
        self.graphs: list[Graph] = [None] * len(people)  # type: ignore[list-item]
        self.costs: list[Floats] = [np.zeros(0)] * len(people)
        for (rules, wants), members in alike.items():
            options = np.unique(np.concatenate([people[i].options for i in members]))
            starts = tuple(dict.fromkeys(people[i].past for i in members))
            graph = build_graph(
                rules,
                problem.tasks,
                options,
                problem.days,
                starts,
                count_week=wants[0],
                count_period=wants[1],
                burden=fair.counts[0] if len(fair.price) else None,
                most_borne=most,
            )
            for i in members:
                self.graphs[i] = graph
                self.costs[i] = _costs_on(graph, people[i], len(problem.tasks))
        self.scratch = np.empty(max([1, *(g.scratch for g in self.graphs)]))
        self.burdens = fair.counts[1:].astype(np.float64)
        self._worth = np.empty(len(problem.floor.need))

    def __len__(self) -> int:
        return len(self.problem.people)

    @property
    def days(self) -> int:
        return len(self.problem.days)

    def nobody(self) -> Roster:
        """The roster in which nobody works."""
        people, depth = len(self), self.problem.tasks.breaks.shape[1]
        task = np.full((people, self.days), -1, dtype=np.int64)
        breaks = np.full((people, self.days, depth), -1, dtype=np.int64)
        costs = np.array([self.cost_of(i, task[i], breaks[i]) for i in range(people)])
        return Roster(task, breaks, self.problem.floor.need.copy(), costs.astype(np.float64))

    def answer(
        self, i: int, worth: Floats, tariff: Floats | None = None, near: Ints | None = None
    ) -> tuple[Line, float]:
        """The line of person i that is worth most, and its worth.

        worth   of one more head of the person in each block
        tariff  price of each further kind of burden than the first, in place of what those above
                the share cost
        near    tasks by day (-1: off) of a line to be as near to as is lawful
        """
        problem, graph = self.problem, self.graphs[i]
        tasks = problem.tasks
        costs = self.costs[i]
        if tariff is not None and len(tariff):
            costs = costs + (tariff @ self.burdens)[graph.task]
        if near is not None:
            was = near[tasks.day[graph.task]]
            costs = costs + NEAR * np.where(was == graph.task, -1.0, was < 0)
        rewards = np.empty(len(graph.task))
        at = np.empty((len(graph.task), tasks.breaks.shape[1]), dtype=np.int64)
        shift_rewards(
            worth,
            graph.task,
            tasks.first,
            tasks.length,
            tasks.layout,
            tasks.breaks,
            costs,
            rewards,
            at,
        )
        path = np.empty(self.days, dtype=np.int64)
        node, left = graph.enters[problem.people[i].past]
        if node < 0:  # nothing lawful can follow on what was
            nothing = np.full((self.days, at.shape[1]), -1, dtype=np.int64)
            return Line(np.full(self.days, -1, dtype=np.int64), nothing, 0.0), NOTHING
        value = best_path(
            graph.net,
            node,
            left,
            rewards,
            problem.people[i].wanted,
            self._tolls[i],
            self.scratch,
            path,
        )
        worked = path >= 0
        task = np.full(self.days, -1, dtype=np.int64)
        breaks = np.full((self.days, at.shape[1]), -1, dtype=np.int64)
        task[worked] = graph.task[path[worked]]
        breaks[worked] = at[path[worked]]
        return Line(task, breaks, self.cost_of(i, task, breaks)), float(value)

    def cost_of(self, i: int, task: Ints, breaks: Ints) -> float:
        """What a line of person i costs, whatever it covers."""
        problem, person = self.problem, self.problem.people[i]
        worked = np.flatnonzero(task >= 0)
        taken = task[worked]
        cost = 0.0
        if len(taken):
            at = np.searchsorted(person.options, taken)
            cost += float(person.costs[at].sum())
            cost += float(problem.floor.surplus[self.blocks_of(task, breaks)].sum())
        cost += self._beside_wanted(person, worked, taken)
        fair = problem.fairness
        if len(fair.price):
            above = fair.counts[:, taken].sum(axis=1) - fair.share[i]
            cost += float((fair.price * np.maximum(above, 0.0)).sum())
        return cost

    def burdens_of(self, task: Ints) -> Ints:
        """Tasks of each further kind of burden than the first in a line."""
        return np.asarray(self.problem.fairness.counts[1:, task[task >= 0]].sum(axis=1))

    def earned(self, line: Line, worth: Floats) -> float:
        """What the line's heads are worth, given what one is worth in each block."""
        return float(worth[self.blocks_of(line.task, line.breaks)].sum())

    def could_be_at(self, i: int, block: int, cut: int) -> bool:
        """Whether the person has a task over the block, and counts for the cut."""
        person, tasks = self.problem.people[i], self.problem.tasks
        if not self.problem.floor.touches[person.group, cut]:
            return False
        first = tasks.first[person.options]
        return bool(((first <= block) & (block < first + tasks.length[person.options])).any())

    def blocks_of(self, task: Ints, breaks: Ints) -> Ints:
        """The blocks that a line covers, breaks left out."""
        tasks = self.problem.tasks
        found = np.empty(len(self.problem.floor.need), dtype=np.int64)
        count = covered(task, breaks, tasks.first, tasks.length, tasks.layout, tasks.breaks, found)
        return found[:count].copy()

    def _beside_wanted(self, person: Person, worked: Ints, taken: Ints) -> float:
        if not person.wanted.any():
            return 0.0
        paid = np.zeros(self.days)
        paid[worked] = self.problem.tasks.paid[taken]
        week, period = float(person.past.week[1]), float(person.past.period)
        days, begins, cost = self.problem.days, new_periods(person.rules), 0.0
        for d in range(self.days):
            if d and days.weekday[d] == 0:
                week = 0.0
            if begins[d]:
                period = 0.0
            week += paid[d]
            period += paid[d]
            for so_far, (least, below, target, beside) in zip(
                (week, period), person.wanted[d].tolist(), strict=True
            ):
                cost += below * max(0.0, least - so_far) + beside * abs(target - so_far)
        return cost

    def put(self, roster: Roster, i: int, heads: float) -> None:
        """Puts the person's line on the floor (heads 1) or takes it off (-1)."""
        tasks, touches = self.problem.tasks, self.problem.floor.touches
        mine = touches[self.problem.people[i].group]
        for d in np.flatnonzero(roster.task[i] >= 0):
            s = roster.task[i, d]
            put_on_queue(
                roster.lacks,
                mine,
                tasks.first[s],
                tasks.length[s],
                tasks.breaks[tasks.layout[s]],
                roster.breaks[i, d],
                heads,
            )

    def take_off(self, roster: Roster, i: int) -> None:
        """Takes the person's whole line off the floor."""
        self.put(roster, i, -1.0)
        roster.task[i] = -1

    def take_on(self, roster: Roster, i: int, line: Line) -> None:
        """Gives the person, who has no line, this one."""
        roster.task[i], roster.breaks[i], roster.costs[i] = line.task, line.breaks, line.cost
        self.put(roster, i, 1.0)

    def worth(self, roster: Roster, i: int) -> Floats:
        """What one more head of the person's group is worth in each block, until called again."""
        floor = self.problem.floor
        head_worth(
            roster.lacks,
            floor.touches[self.problem.people[i].group],
            floor.layer,
            floor.short,
            floor.surplus,
            self._worth,
        )
        return self._worth

    def objective(self, roster: Roster) -> float:
        """What the roster costs."""
        floor = self.problem.floor
        missing = missing_cost(roster.lacks, floor.layer, floor.short)
        return float(self.problem.constant + roster.costs.sum() + missing)


def lawful(worth: float) -> bool:
    """Whether an answer's worth is that of a lawful line."""
    return worth > IMPOSSIBLE


def _costs_on(graph: Graph, person: Person, tasks: int) -> NDArray[np.float64]:
    """What each option of the graph costs the person; FORBIDDEN where it is not theirs."""
    every = np.full(tasks, FORBIDDEN)
    every[person.options] = person.costs
    return every[graph.task]
