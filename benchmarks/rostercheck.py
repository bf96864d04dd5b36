"""Judges a roster of `rosterworld` by the world's own words: a plain walk over every line.

It shares nothing with what makes rosters but the world itself. A roster is an array (agents, days)
of cells, -1 for a day off: a cell counts templates and skills in that order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.rosterworld import (
    DAYS,
    MAX_WEEKENDS,
    NIGHT,
    OVER_H,
    REST_H,
    SKILLS,
    TEMPLATES,
    UNCOVERED_H,
    WEEK,
    WEEKEND,
    Ints,
    Template,
    Worker,
    World,
)

DAY_H = 24


@dataclass(frozen=True)
class Broken:
    """A rule that somebody's line breaks, and the day where it shows."""

    rule: str
    worker: str
    day: int
    says: str


@dataclass(frozen=True)
class Cost:
    """What a roster costs and how it stands; hours and shifts are agents'.

    wishes    wishes not granted, priced
    unfair    nights above fair shares, priced
    nights_sd standard deviation of nights worked less the fair share of those worked: the nights of
              all who have the same skills, in proportion to the days on which each could work one;
              over those who could
    """

    uncovered_h: float
    over_h: float
    wishes: float
    unfair: float
    open_shifts: int
    paid_h: float
    nights_sd: float

    @property
    def total(self) -> float:
        return UNCOVERED_H * self.uncovered_h + OVER_H * self.over_h + self.wishes + self.unfair


def broken(world: World, roster: Ints) -> tuple[Broken, ...]:
    """Every rule that a roster breaks; empty when it keeps them all."""
    return tuple(
        Broken(rule, worker.name, day, says)
        for worker, line in zip(world.workers, roster, strict=True)
        for rule, day, says in _broken(worker, _shifts(line))
    )


def _shifts(line: Ints) -> dict[int, tuple[Template, str]]:
    return {
        day: (TEMPLATES[cell // len(SKILLS)], SKILLS[cell % len(SKILLS)])
        for day, cell in enumerate(line.tolist())
        if cell >= 0
    }


def _broken(
    worker: Worker, shifts: dict[int, tuple[Template, str]]
) -> Iterator[tuple[str, int, str]]:
    for day, (template, skill) in shifts.items():
        yield from ((rule, day, says) for rule, says in _of_shift(worker, day, template, skill))
        if day + 1 in shifts:
            rest = DAY_H + shifts[day + 1][0].starts - template.ends
            if rest < REST_H:
                yield "rest", day + 1, f"{rest} h after {template.name}, at least {REST_H}"
    run = 0
    for day in range(DAYS):
        run = run + 1 if day in shifts else 0
        if run == worker.max_run + 1:
            yield "max_run", day, f"day {run} in a row, at most {worker.max_run}"
    for week, days in Counter(day // WEEK for day in shifts).items():
        if days > worker.max_days:
            yield "max_days", week * WEEK, f"{days} days in a week, at most {worker.max_days}"
    weekends = sorted({day // WEEK for day in shifts if day % WEEK in WEEKEND})
    for week in weekends[MAX_WEEKENDS:]:
        yield "weekends", week * WEEK, f"one of {len(weekends)}, at most {MAX_WEEKENDS}"


def _of_shift(
    worker: Worker, day: int, template: Template, skill: str
) -> Iterator[tuple[str, str]]:
    if template.hours != worker.hours:
        yield "contract", f"{template.hours} h in a contract of {worker.hours} h"
    if skill not in worker.skills:
        yield "skill", f"serves no {skill}"
    if template.ends > DAY_H and not worker.nights:
        yield "nights", "works no nights"
    if worker.part and not worker.part[0] <= template.starts < template.ends <= worker.part[1]:
        yield "part", f"{template.name} is outside {worker.part[0]} to {worker.part[1]} o'clock"
    last = day + (template.ends - 1) // DAY_H
    if day in worker.off or last in worker.off:
        yield "time_off", f"{template.name} on time off"


def cost(world: World, roster: Ints) -> Cost:
    """What a roster costs; it may break rules."""
    there = Counter(
        (day, cell) for line in roster.tolist() for day, cell in enumerate(line) if cell >= 0
    )
    uncovered_h = over_h = 0.0
    open_shifts = 0
    for (day, template, skill), wanted in np.ndenumerate(world.wanted):
        heads = there[day, template * len(SKILLS) + skill]
        hours = TEMPLATES[template].hours
        open_shifts += max(0, int(wanted) - heads)
        uncovered_h += hours * max(0, int(wanted) - heads)
        over_h += hours * max(0, heads - int(wanted))
    wishes = unfair = paid = 0.0
    for worker, line in zip(world.workers, roster, strict=True):
        shifts, dislikes = _shifts(line), dict(worker.dislikes)
        wishes += sum(dislikes.get(template.kind, 0.0) for template, _ in shifts.values())
        wishes += sum(weight for day, weight in worker.wishes if day in shifts)
        unfair += NIGHT * max(0.0, _nights(shifts) - worker.fair)
        paid += sum(template.hours for template, _ in shifts.values())
    return Cost(uncovered_h, over_h, wishes, unfair, open_shifts, paid, nights_sd(world, roster))


def _nights(shifts: dict[int, tuple[Template, str]]) -> int:
    return sum(template.kind == "night" for template, _ in shifts.values())


def nights_sd(world: World, roster: Ints) -> float:
    """How far nights are from fair shares: see `Cost`. 0 when nobody could work one."""
    worked, could = Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
    nights = [_nights(_shifts(line)) for line in roster]
    for worker, had in zip(world.workers, nights, strict=True):
        worked[worker.skills] += had
        could[worker.skills] += worker.night_days
    beside = [
        had - worked[worker.skills] * worker.night_days / could[worker.skills]
        for worker, had in zip(world.workers, nights, strict=True)
        if worker.night_days
    ]
    return float(np.std(beside)) if beside else 0.0
