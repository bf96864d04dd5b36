"""A seeded desk of any size that wants a roster of four weeks: people, their law, what is wanted.

Fifteen shifts of 8, 6 and 4 hours around the clock, two skills, 28 days from a Monday, no history.

People     contracts of 8 / 6 / 4 hours (65 / 20 / 15 %), each with the shifts of its length; at
           most 5 days a week and 5 in a row (70 %), or 4 and 4; skill A, B or both (50 / 30 /
           20 %); 20 % are there only for a part of the day; 60 % of the others work nights; half of
           all have 2 to 6 days of time off
Law        one shift a day, 11 hours of rest, at most 2 of the 4 weekends, nobody at work on any
           hour of a day off
Wishes     40 % dislike early, late or night shifts (1 or 2 a shift); half wish one or two days
           off (3 each)
Wanted     so many on each shift, day and skill: `benchmarks.rostermix`
Nights     each may work their fair share: the night shifts wanted, in proportion to the days on
           which they could work one, as even as the skills allow

A roster costs 2.5 an hour of a wanted shift that nobody works, 0.25 an hour of one that nobody
wants, the wishes not granted, and 4 for each night above somebody's fair share, parts of it too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

DAYS = 28
WEEK = 7
WEEKEND = (5, 6)
SKILLS = ("A", "B")
SKILL_SETS: tuple[tuple[str, ...], ...] = (("A",), ("B",), SKILLS)
REST_H = 11
MAX_WEEKENDS = 2
UNCOVERED_H = 2.5
OVER_H = 0.25
WISH_OFF = 3.0
NIGHT = 4.0

# The part of a day that those with part-day availability give, hours.
PARTS = ((6, 16), (8, 20), (12, 24))


@dataclass(frozen=True)
class Template:
    """A shift; `starts` is its hour on the day it belongs to, and it may pass midnight."""

    name: str
    starts: int
    hours: int

    @property
    def ends(self) -> int:
        return self.starts + self.hours

    @property
    def kind(self) -> str:
        """What somebody may dislike of it: early, late or night, else day."""
        if self.ends > 24:
            return "night"
        if self.starts < 8:
            return "early"
        return "late" if self.ends > 21 else "day"


STARTS = {8: (6, 8, 10, 12, 14, 16, 22), 6: (7, 10, 14, 18), 4: (8, 12, 16, 20)}
TEMPLATES = tuple(
    Template(f"{start:02d}-{hours}h", start, hours)
    for hours, starts in STARTS.items()
    for start in starts
)
KINDS = ("early", "late", "night")


@dataclass(frozen=True)
class Worker:
    """One agent.

    part      hours of the day between which they are there; None: all day
    off       days of time off
    dislikes  what a shift of a kind costs them
    wishes    what working on a day costs them
    fair      nights that are their fair share
    """

    name: str
    hours: int
    max_days: int
    max_run: int
    skills: tuple[str, ...]
    nights: bool
    part: tuple[int, int] | None = None
    off: frozenset[int] = frozenset()
    dislikes: tuple[tuple[str, float], ...] = ()
    wishes: tuple[tuple[int, float], ...] = ()
    fair: float = 0.0

    @cached_property
    def may(self) -> Flags:
        """Whether they may work a template on a day and with a skill, each for itself."""
        allowed = np.array([self.allows(template) for template in TEMPLATES])
        past_midnight = np.array([template.ends > 24 for template in TEMPLATES])
        there = np.array([day not in self.off for day in range(DAYS)])
        next_too = np.append(there[1:], True)
        days = there[:, None] & (next_too[:, None] | ~past_midnight)
        serves = np.array([skill in self.skills for skill in SKILLS])
        return np.asarray((days & allowed)[:, :, None] & serves)

    def allows(self, template: Template) -> bool:
        """Whether contract, night work and part of the day allow a template."""
        if template.hours != self.hours:
            return False
        if template.kind == "night":
            return self.nights
        return self.part is None or self.part[0] <= template.starts < template.ends <= self.part[1]

    @cached_property
    def costs(self) -> Floats:
        """What a template on a day costs them in wishes, shape (days, templates)."""
        dislikes, wishes = dict(self.dislikes), dict(self.wishes)
        of_kind = np.array([dislikes.get(template.kind, 0.0) for template in TEMPLATES])
        of_day = np.array([wishes.get(day, 0.0) for day in range(DAYS)])
        return np.asarray(of_day[:, None] + of_kind, dtype=np.float64)

    @property
    def night_days(self) -> int:
        """Days on which they could work a night."""
        return int(self.may[:, NIGHTS].any(axis=(1, 2)).sum())


NIGHTS = np.array([template.kind == "night" for template in TEMPLATES])
HOURS = np.array([template.hours for template in TEMPLATES])


@dataclass(frozen=True)
class World:
    """A desk and what it wants.

    wanted  heads on each day, template and skill: shape (28, templates, skills)
    """

    seed: int
    workers: tuple[Worker, ...]
    wanted: Ints

    @property
    def shifts(self) -> int:
        return int(self.wanted.sum())


def make_workers(agents: int, rng: np.random.Generator) -> tuple[Worker, ...]:
    """The agents of a desk, their fair share of nights still open."""
    return tuple(_worker(f"agent {n:04d}", rng) for n in range(1, agents + 1))


def _worker(name: str, rng: np.random.Generator) -> Worker:
    hours = int(rng.choice((8, 6, 4), p=(0.65, 0.20, 0.15)))
    max_days = 5 if rng.random() < 0.7 else 4
    skills = SKILL_SETS[rng.choice(3, p=(0.5, 0.3, 0.2))]
    part = PARTS[rng.integers(len(PARTS))] if rng.random() < 0.2 else None
    nights = bool(rng.random() < 0.6) and part is None
    off: frozenset[int] = frozenset()
    if rng.random() < 0.5:
        length = int(rng.integers(2, 7))
        first = int(rng.integers(0, DAYS - length + 1))
        off = frozenset(range(first, first + length))
    dislikes: tuple[tuple[str, float], ...] = ()
    if rng.random() < 0.4:
        dislikes = ((KINDS[rng.integers(len(KINDS))], float(rng.integers(1, 3))),)
    wishes: tuple[tuple[int, float], ...] = ()
    if rng.random() < 0.5:
        days = rng.choice(DAYS, size=int(rng.integers(1, 3)), replace=False)
        wishes = tuple((int(day), WISH_OFF) for day in np.sort(days))
    return Worker(name, hours, max_days, max_days, skills, nights, part, off, dislikes, wishes)


def with_fair_nights(workers: Sequence[Worker], wanted: Ints) -> tuple[Worker, ...]:
    """The agents with their fair share of the nights wanted, to a hundredth of a night."""
    rates = night_rates(workers, wanted[:, NIGHTS].sum(axis=(0, 1)))
    return tuple(
        replace(worker, fair=round(rates[worker.skills] * worker.night_days, 2))
        for worker in workers
    )


def night_rates(workers: Sequence[Worker], wanted: Ints) -> dict[tuple[str, ...], float]:
    """Nights for each day on which one could be worked, by skills: as even as they allow.

    wanted  nights by skill. One rate for all, unless one skill wants more than that of everybody
            who has it: then its people have one rate and the others another.
    """
    could = {
        skills: sum(worker.night_days for worker in workers if worker.skills == skills)
        for skills in SKILL_SETS
    }
    nights, days = int(wanted.sum()), sum(could.values())
    rates = dict.fromkeys(SKILL_SETS, nights / max(1, days))
    for skill, own in enumerate(wanted.tolist()):
        able = [skills for skills in SKILL_SETS if SKILLS[skill] in skills]
        days_of_able = sum(could[skills] for skills in able)
        if own * days > nights * days_of_able:
            others = (nights - own) / max(1, days - days_of_able)
            rates = dict.fromkeys(SKILL_SETS, others)
            rates |= dict.fromkeys(able, own / max(1, days_of_able))
    return rates
