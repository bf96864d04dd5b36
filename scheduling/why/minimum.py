"""Why an agent cannot reach the contract's minimum of hours, whatever the roster: which rules and
which of their own hours conflict with it, and what would mend most.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from scheduling.rostering.assign import days_of, tasks_of
from scheduling.rostering.crew import Crew, lawful
from scheduling.rostering.need import INTERVAL_H, skill_groups
from scheduling.rostering.problem import Floor, Person, Problem, nothing_to_share
from scheduling.rostering.shifts import Shifts, expand_shifts
from scheduling.rostering.workers import Worker, begun_before, workers_of
from scheduling.why.conflict import smallest_conflict
from scheduling.why.costs import Desk
from scheduling.why.looser import STEPS, WAIVERS, eased
from wfm.brands import Brand
from wfm.people import Agent
from wfm.rules import RULES

# Hours below the minimum that are the arithmetic's.
NOTHING_H = 0.05
DIGITS = 6
# Spans of `Person.wanted`: least paid units and the price of one below, then targets.
LEAST, BELOW, TARGETS = 0, 1, slice(2, 4)


@dataclass(frozen=True)
class Mend:
    """A rule a step looser, or something of the agent's set aside, and the hours still missing."""

    rule: str
    change: str
    missing_h: float


@dataclass(frozen=True)
class Below:
    """An agent who cannot reach the contract's minimum over the roster's days.

    possible   whether any line of work keeps all rules, days off alone among them
    missing_h  hours below the minima of weeks and periods, in the best line there is; all of them
               where none is possible
    conflict   rules, and what of the agent's own, that conflict with the minimum: none of them can
               be left out while the conflict stays; empty where templates alone are too short
    mends      what of it made a step looser mends how much, most first
    """

    agent_id: str
    possible: bool
    missing_h: float
    conflict: tuple[str, ...]
    mends: tuple[Mend, ...]
    sentence: str


def why_below(desk: Desk, agent_id: str) -> Below | None:
    """Why the agent cannot reach the minimum; None where a line of work does.

    Whoever else works what is left out of account. NotFound for an agent who is not known.
    """
    trial = _Trial(desk, desk.ground.agent(agent_id))
    everything = trial.parts
    missing = trial.missing(everything)
    if missing <= NOTHING_H:
        return None
    conflict = smallest_conflict(everything, lambda parts: trial.missing(parts) > NOTHING_H)
    mends = sorted(
        (trial.mended(rule) for rule in conflict), key=lambda mend: (mend.missing_h, mend.rule)
    )
    possible, missing_h = math.isfinite(missing), min(missing, trial.wanted_h)
    found = Below(agent_id, possible, missing_h, conflict, tuple(mends), "")
    return replace(found, sentence=_in_words(found))


class _Trial:
    """The agent's best line towards the minimum, with some rules in force and others not."""

    def __init__(self, desk: Desk, agent: Agent) -> None:
        ground = desk.ground
        self._desk, self._agent = desk, agent
        self._shifts = expand_shifts(ground.brand, start=ground.start, end=ground.end)
        own = ground.past[ground.past["agent_id"] == agent.agent_id]
        self._begun = begun_before(own, ground.start)
        worker = self._worker(agent, ground.brand, self._shifts, ())
        self._wanted = worker.prices.copy()
        self._wanted[:, :, TARGETS] = 0.0
        self._wanted[:, :, BELOW] = self._wanted[:, :, BELOW] > 0

    @property
    def parts(self) -> tuple[str, ...]:
        """Rules of the contract, then what is the agent's own, which is kept longest."""
        own = [name for name in WAIVERS if getattr(self._agent, name)]
        return (*STEPS, *own)

    def missing(self, parts: Collection[str]) -> float:
        """Hours below the minimum where only these rules hold."""
        agent, brand = self._agent, self._desk.ground.brand
        for name, waiver in WAIVERS.items():
            if name not in parts:
                agent = waiver.waived(agent)
        if "day_hours" not in parts:
            brand = _without_day_hours(brand)
        return self._missing(agent, brand, [rule for rule in RULES if rule not in parts])

    def mended(self, rule: str) -> Mend:
        """All rules in force, but this one a step looser."""
        agent, brand = self._agent, self._desk.ground.brand
        if rule in WAIVERS:
            waiver = WAIVERS[rule]
            change, missing = waiver.change, self._missing(waiver.waived(agent), brand, ())
        else:
            step = STEPS[rule]
            change, missing = step.change, self._missing(agent, eased(brand, step), ())
        return Mend(rule, change, min(missing, self.wanted_h))

    @property
    def wanted_h(self) -> float:
        """Hours of all the minima together."""
        return float((self._wanted[:, :, LEAST] * self._wanted[:, :, BELOW]).sum()) * INTERVAL_H

    def _missing(self, agent: Agent, brand: Brand, without: Sequence[str]) -> float:
        worker = self._worker(agent, brand, self._shifts, without)
        idle = np.zeros((self._shifts.intervals, 1))
        floor = Floor(
            need=idle,
            layer=np.zeros(1, dtype=np.int64),
            touches=np.zeros((1, 1), dtype=np.bool_),
            short=idle,
            surplus=idle[:, 0],
        )
        free = np.zeros(len(worker.options))
        person = Person(worker.rules, worker.past, 0, worker.options, free, self._wanted)
        tasks, days = tasks_of(self._shifts, brand), days_of(self._shifts, brand)
        crew = Crew(Problem(days, tasks, floor, (person,), nothing_to_share(len(tasks), 1)))
        _, worth = crew.answer(0, idle[:, 0])
        return max(0.0, round(-worth * INTERVAL_H, DIGITS)) if lawful(worth) else math.inf

    def _worker(
        self, agent: Agent, brand: Brand, shifts: Shifts, without: Collection[str]
    ) -> Worker:
        ground = self._desk.ground
        (worker,) = workers_of(
            (agent,),
            skill_groups((agent,), ground.need.queues),
            shifts=shifts,
            brand=brand,
            prices=ground.prices,
            begun=self._begun,
            start=ground.start,
            without=without,
        )
        return worker


def _without_day_hours(brand: Brand) -> Brand:
    return replace(
        brand, contracts=tuple(replace(c, max_hours_per_day=24.0) for c in brand.contracts)
    )


def _in_words(found: Below) -> str:
    told = (
        f"{found.agent_id} cannot reach the contract's minimum: in the best line of work "
        f"{found.missing_h:.1f} h are missing."
        if found.possible
        else f"No line of work of {found.agent_id} keeps all rules, nor do days off alone."
    )
    if not found.conflict:
        return f"{told} The contract's templates and days are too few; lower the minimum."
    told += f" In conflict with it: {', '.join(found.conflict)}."
    best = found.mends[0]
    if best.missing_h < found.missing_h - NOTHING_H:
        told += f" Most is mended by {best.change}: {best.missing_h:.1f} h would be missing."
    else:
        told += " No one of them a step looser mends any of it; lower the minimum."
    return told
