"""A Curtois & Qu instance as a problem of the rostering engine, and a roster of it back.

Every rule of the instance is one of the engine's own; a shift of a day is a block of the floor.
What is one under and one over costs becomes the price of a missing head and of every head: with
`under` and `over`, `(under + over) missing + over heads - over wanted`.
"""

from __future__ import annotations

from math import gcd

import numpy as np

from benchmarks.nrpcheck import OFF, WEEK, WEEKEND
from benchmarks.nrpfile import Employee, Instance
from scheduling.rostering.law import Past, Rules
from scheduling.rostering.problem import (
    Days,
    Floats,
    Floor,
    Ints,
    Person,
    Problem,
    Tasks,
    nothing_to_share,
    nothing_wanted,
)

DAY_MIN = 24 * 60
# Minutes below an employee's fewest cost so many times what any one shift could save.
HARD = 10.0


def problem_of(instance: Instance) -> Problem:
    """The instance as the engine reads it; its cost is the instance's, plus what breaking the
    fewest minutes of an employee costs.

    Tasks count days first, then shifts in the order of the file.
    """
    tasks, unit = _tasks(instance)
    floor, constant = _floor(instance)
    costs, granted = _wishes(instance)
    hard = HARD * (floor.short.max(initial=0.0) + np.abs(costs).max(initial=0.0) + 1.0)
    people = tuple(
        _person(instance, employee, costs[n], unit, hard)
        for n, employee in enumerate(instance.staff)
    )
    fairness = nothing_to_share(len(tasks), len(people))
    return Problem(
        _days(instance.days), tasks, floor, people, fairness, constant + granted, _names(instance)
    )


def lines_of(instance: Instance, taken: Ints) -> dict[str, list[str]]:
    """The lines of a roster: shift names by day, from task numbers (-1: off) by person and day."""
    names = [shift.name for shift in instance.shifts]
    return {
        employee.name: [OFF if task < 0 else names[task % len(names)] for task in line.tolist()]
        for employee, line in zip(instance.staff, taken, strict=True)
    }


def _days(days: int) -> Days:
    return Days(
        weekday=tuple(day % WEEK for day in range(days)),
        weekend=tuple(day % WEEK in WEEKEND for day in range(days)),
        holiday=(False,) * days,
    )


def _tasks(instance: Instance) -> tuple[Tasks, int]:
    """A task for each day and shift, and the minutes of a paid unit.

    The instance has no times of day, only which shift may follow which: all shifts begin with the
    day, and no rest is asked for.
    """
    shifts = len(instance.shifts)
    day = np.repeat(np.arange(instance.days), shifts)
    template = np.tile(np.arange(shifts), instance.days)
    minutes = np.array([shift.minutes for shift in instance.shifts])
    unit = gcd(*minutes.tolist())
    begin = day * DAY_MIN
    return Tasks(
        day=day,
        template=template,
        begin=begin,
        end=begin + DAY_MIN,
        into_day=np.zeros(len(day), dtype=np.int64),
        paid=(minutes // unit)[template],
        night=np.zeros(len(day), dtype=np.bool_),
        first=np.arange(len(day)),
        length=np.ones(len(day), dtype=np.int64),
        layout=template,
        breaks=np.zeros((shifts, 0, 3), dtype=np.int64),
    ), unit


def _floor(instance: Instance) -> tuple[Floor, float]:
    number = {shift.name: n for n, shift in enumerate(instance.shifts)}
    wanted, short, surplus = np.zeros((3, instance.days * len(number)))
    for want in instance.cover:
        block = want.day * len(number) + number[want.shift]
        wanted[block] = want.wanted
        short[block] = want.under + want.over
        surplus[block] = want.over
    floor = Floor(
        need=wanted[:, None],
        layer=np.zeros(1, dtype=np.int64),
        touches=np.ones((1, 1), dtype=np.bool_),
        short=short[:, None],
        surplus=surplus,
    )
    return floor, -float(surplus @ wanted)


def _wishes(instance: Instance) -> tuple[Floats, float]:
    """What each task costs each employee, shape (staff, tasks), and what refusing all wishes for a
    shift costs: one that is granted earns its weight back."""
    number = {shift.name: n for n, shift in enumerate(instance.shifts)}
    at = {employee.name: n for n, employee in enumerate(instance.staff)}
    costs = np.zeros((len(at), instance.days * len(number)))
    for sign, requests in ((-1.0, instance.on), (1.0, instance.off)):
        for wish in requests:
            task = wish.day * len(number) + number[wish.shift]
            costs[at[wish.employee], task] += sign * wish.weight
    return costs, float(sum(wish.weight for wish in instance.on))


def _person(
    instance: Instance, employee: Employee, costs: Floats, unit: int, hard: float
) -> Person:
    shifts = instance.shifts
    number = {shift.name: n for n, shift in enumerate(shifts)}
    most = [employee.most_of.get(shift.name, instance.days) for shift in shifts]
    rules = Rules(
        max_run=employee.max_run,
        min_run=max(1, employee.min_run),
        min_off=max(1, employee.min_days_off),
        period_paid=employee.max_minutes // unit,
        period_weekends=employee.max_weekends,
        caps=tuple((n, cap) for n, cap in enumerate(most) if 0 < cap < instance.days),
        forbids=frozenset(
            (number[shift.name], number[barred]) for shift in shifts for barred in shift.barred
        ),
    )
    options = np.array(
        [
            day * len(shifts) + n
            for day in range(instance.days)
            if day not in employee.off
            for n in range(len(shifts))
            if most[n] > 0
        ],
        dtype=np.int64,
    )
    wanted = nothing_wanted(instance.days)
    wanted[-1, 1, :2] = -(-employee.min_minutes // unit), hard
    return Person((rules,) * instance.days, Past(), 0, options, costs[options], wanted)


def _names(instance: Instance) -> tuple[str, ...]:
    return tuple(employee.name for employee in instance.staff)
