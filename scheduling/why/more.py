"""How many more agents, of which skills, would cure a queue's shortfall: tried one by one.

Each is given the best line of work there is under the contract, as the roster stands with those
before them; exact for one agent, by the same engine that makes rosters.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from scheduling.rostering.assign import days_of, tasks_of
from scheduling.rostering.crew import Crew, Line, Roster
from scheduling.rostering.need import INTERVAL_H, Floats, skill_groups
from scheduling.rostering.problem import Floor, Person, Problem, nothing_to_share
from scheduling.rostering.shifts import expand_shifts
from scheduling.rostering.workers import begun_before, workers_of
from scheduling.why.costs import Desk
from wfm.frames import ROSTER
from wfm.people import Agent, ContractTerm, Skill

# Sets of skills that are tried, the most usual first, and agents at most.
SETS, AGENTS = 6, 12
# Agents told one by one.
TOLD = 5
# Agent-hours of shortfall that are the arithmetic's.
NOTHING_H = 0.05


@dataclass(frozen=True)
class Added:
    """One agent more.

    cures_h, left_h  agent-hours of shortfall that they cure, and that are left after them
    paid_h           hours that they are paid
    saves            money: what that saves, their own hours taken off
    """

    cures_h: float
    left_h: float
    paid_h: float
    saves: float


@dataclass(frozen=True)
class Cure:
    """What more agents would do for a queue.

    short_h   agent-hours short wherever one more head with the queue's skill would be of use
    skills, contract  of the agents added: the set of skills with which the first saves most, under
              the contract that most of those who serve the queue hold; empty where nobody may
    added     one after the other, as long as each saves more than they cost, at most 12
    sentence  in words
    """

    queue: str
    short_h: float
    skills: tuple[str, ...]
    contract: str
    added: tuple[Added, ...]
    sentence: str


def more_agents(desk: Desk, queue: str) -> Cure:
    """What the first, the second ... agent more would cure; NotFound for an unknown queue."""
    ground = desk.ground
    ground.brand.queue(queue)
    alone = desk.lacks.cured(ground.set_number[frozenset([queue])])
    short_h = float(desk.lacks.short[alone > 0].sum()) * INTERVAL_H
    found = Cure(queue, short_h, (), "", (), "")
    contract = _contract(desk, queue)
    if short_h > NOTHING_H and contract:
        sets = _sets(desk, queue)
        crew = _crew(desk, contract, sets)
        roster = crew.nobody()
        answers = [_answer(crew, roster, i) for i in range(len(sets))]
        best = max(range(len(sets)), key=lambda i: (answers[i][1].saves, -len(sets[i])))
        added: list[Added] = []
        line, one = answers[best]
        while one.saves > 0 and len(added) < AGENTS:
            added.append(one)
            crew.take_on(roster, best, line)
            roster.task[best] = -1  # they stay on the floor, and the next one is asked
            line, one = _answer(crew, roster, best)
        found = replace(
            found, skills=tuple(sorted(sets[best])), contract=contract, added=tuple(added)
        )
    return replace(found, sentence=_in_words(found))


def _contract(desk: Desk, queue: str) -> str:
    """The contract that most of those who serve the queue hold on the first day, else any agent."""
    ground = desk.ground
    first = ground.days[0]
    known = {c.name for c in ground.brand.contracts}
    for some in ([a for a in ground.agents if queue in ground.skills[a.agent_id]], ground.agents):
        held = Counter(name for a in some if (name := a.contract_on(first)) in known)
        if held:
            return min(held, key=lambda name: (-held[name], str(name))) or ""
    return next(iter(sorted(known)), "")


def _sets(desk: Desk, queue: str) -> list[frozenset[str]]:
    """Sets of skills with the queue: it alone, and those that agents have, the most usual first."""
    usual = Counter(skills for skills in desk.ground.skills.values() if queue in skills)
    alone = frozenset([queue])
    in_order = sorted(usual, key=lambda s: (-usual[s], sorted(s)))
    return [alone, *[s for s in in_order if s != alone][: SETS - 1]]


def _crew(desk: Desk, contract: str, sets: list[frozenset[str]]) -> Crew:
    """One who might be added for each set of skills, around the floor as it stands."""
    ground, prices = desk.ground, desk.ground.prices
    shifts = expand_shifts(ground.brand, start=ground.start, end=ground.end)
    agents = tuple(
        Agent(
            f"more with {' '.join(sorted(skills))}",
            "",
            (ContractTerm(contract, ground.days[0]),),
            tuple(Skill(q) for q in sorted(skills)),
        )
        for skills in sets
    )
    workers = workers_of(
        agents,
        skill_groups(agents, ground.need.queues),
        shifts=shifts,
        brand=ground.brand,
        prices=prices,
        begun=begun_before(ROSTER.empty(), ground.start),
        start=ground.start,
    )
    lacks = desk.lacks
    intervals, cuts = lacks.deficits.shape
    floor = Floor(
        need=np.ascontiguousarray(lacks.deficits),
        layer=np.zeros(cuts, dtype=np.int64),
        touches=np.ascontiguousarray(lacks.touches[[ground.set_number[s] for s in sets]]),
        short=np.full((intervals, 1), (prices.short + prices.surplus) * INTERVAL_H),
        surplus=np.full(intervals, prices.surplus * INTERVAL_H),
    )
    people = tuple(
        Person(w.rules, w.past, n, w.options, w.costs, w.prices) for n, w in enumerate(workers)
    )
    tasks = tasks_of(shifts, ground.brand)
    fairness = nothing_to_share(len(tasks), len(people))
    return Crew(Problem(days_of(shifts, ground.brand), tasks, floor, people, fairness))


def _answer(crew: Crew, roster: Roster, i: int) -> tuple[Line, Added]:
    """The best line of the i-th, as the floor is, and what it does."""
    idle = crew.cost_of(i, roster.task[i], roster.breaks[i])
    line, _ = crew.answer(i, crew.worth(roster, i))
    worked = line.task >= 0
    before = _short(roster.lacks)
    crew.take_on(roster, i, line)
    after = _short(roster.lacks)
    crew.take_off(roster, i)
    price = float(crew.problem.floor.short[0, 0]) / INTERVAL_H
    paid_h = float(crew.problem.tasks.paid[line.task[worked]].sum()) * INTERVAL_H
    saves = price * (before - after) - (line.cost - idle)
    return line, Added(before - after, after, paid_h, saves)


def _short(lacks: Floats) -> float:
    """Agent-hours missing."""
    return float(np.maximum(lacks.max(axis=1, initial=0.0), 0.0).sum()) * INTERVAL_H


def _in_words(found: Cure) -> str:
    if found.short_h <= NOTHING_H:
        return f"One more agent with skill {found.queue} would cure nothing: it is not short."
    told = (
        f"{found.queue} is short of {found.short_h:,.1f} agent-hours where one more head would be "
        "of use."
    )
    if not found.contract:
        return f"{told} There is no contract that anybody could hold."
    who = f"with skills {', '.join(found.skills)} under contract {found.contract}"
    if not found.added:
        return f"{told} One more agent {who} would cost more than they cure."
    steps = [f"{n} leave {one.left_h:,.1f} h" for n, one in enumerate(found.added, 1)]
    if len(steps) > TOLD:
        steps = [*steps[: TOLD - 1], f"... {steps[-1]}"]
    more = "" if len(found.added) == AGENTS else "; one more would cost more than they cure"
    return f"{told} More agents {who}: of all the shortfall, {', '.join(steps)}{more}."
