"""A rostering problem as the engine reads it: days, tasks, what is needed, people and their rules.

Everything is a number here: which customer, which contract and which calendar gave it, is the
business of whoever states the problem.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scheduling.rostering.law import Past, Rules

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Days:
    """The days of a horizon.

    weekday  0 is Monday
    weekend, holiday  whether a shift that starts on the day counts as such
    """

    weekday: tuple[int, ...]
    weekend: tuple[bool, ...]
    holiday: tuple[bool, ...]

    def __len__(self) -> int:
        return len(self.weekday)


@dataclass(frozen=True)
class Tasks:
    """What can be worked, one entry a task, in order of day.

    day, template    the day it starts on; its template
    begin, end       clock time, in units of the caller's choice
    into_day         clock units from the day's start to its own
    paid             paid units
    night            whether it is a night shift
    first, length    the blocks of the floor that it covers
    layout           row of `breaks` that holds the task's
    breaks           blocks, shape (layouts, breaks, 3): earliest and latest start after the task's
                     own, and length; a length of 0 is no break
    """

    day: Ints
    template: Ints
    begin: Ints
    end: Ints
    into_day: Ints
    paid: Ints
    night: Flags
    first: Ints
    length: Ints
    layout: Ints
    breaks: Ints

    def __len__(self) -> int:
        return len(self.day)


@dataclass(frozen=True)
class Floor:
    """What is needed, in blocks of time or of anything else that heads can cover.

    need     heads that each cut of a block asks for, shape (blocks, cuts)
    layer    layer of each cut: a block lacks in each layer what its most lacking cut does
    touches  whether a head of a group counts for a cut, shape (groups, cuts)
    short    price of a missing head, shape (blocks, layers)
    surplus  price of a head, whether needed or not, shape (blocks,)
    """

    need: Floats
    layer: Ints
    touches: Flags
    short: Floats
    surplus: Floats


@dataclass(frozen=True)
class Person:
    """Somebody who can be rostered.

    options, costs  the tasks they may take, and what each costs
    wanted          price of paid units, shape (days, 2, 4): see `path.best_path`
    """

    rules: tuple[Rules | None, ...]
    past: Past
    group: int
    options: Ints
    costs: Floats
    wanted: Floats


@dataclass(frozen=True)
class Fairness:
    """What should be borne alike.

    counts  whether a task is a burden of each kind, shape (kinds, tasks)
    share   what each person should bear of it at most, shape (people, kinds)
    price   of one above the share, shape (kinds,)
    """

    counts: Flags
    share: Floats
    price: Floats


@dataclass(frozen=True)
class Problem:
    """Who works what, at the least cost.

    The cost of a roster is `constant`, what the tasks cost those who take them, paid units that are
    not as wanted, heads and missing heads on the floor, and burdens above the fair share.
    """

    days: Days
    tasks: Tasks
    floor: Floor
    people: tuple[Person, ...]
    fairness: Fairness
    constant: float = 0.0
    names: tuple[str, ...] = field(default=())


def nothing_to_share(tasks: int, people: int) -> Fairness:
    """Fairness of a problem that asks for none."""
    return Fairness(np.zeros((0, tasks), dtype=np.bool_), np.zeros((people, 0)), np.zeros(0))


def nothing_wanted(days: int) -> Floats:
    """Paid units that cost nothing, however many."""
    return np.zeros((days, 2, 4))
