"""A world of `rosterworld` as a problem of the rostering engine, and a roster of it back.

A task is a template on a day with a skill, and a block of the floor of its own: so many heads are
wanted there. With 2.5 an hour uncovered and 0.25 one too many, a missing head costs both and every
head the second, less that for those wanted.
"""

from __future__ import annotations

import numpy as np

from benchmarks.rosterworld import (
    DAYS,
    HOURS,
    MAX_WEEKENDS,
    NIGHT,
    NIGHTS,
    OVER_H,
    REST_H,
    SKILLS,
    TEMPLATES,
    UNCOVERED_H,
    WEEK,
    WEEKEND,
    Ints,
    Worker,
    World,
)
from scheduling.rostering.law import Past, Rules
from scheduling.rostering.problem import (
    Days,
    Fairness,
    Floor,
    Person,
    Problem,
    Tasks,
    nothing_wanted,
)

CELLS = len(TEMPLATES) * len(SKILLS)
DAY_H = 24


def problem_of(world: World) -> Problem:
    """The world as the engine reads it; costs are the world's own."""
    tasks = _tasks()
    hours = tasks.paid.astype(np.float64)
    wanted = world.wanted.reshape(-1, 1).astype(np.float64)
    floor = Floor(
        need=wanted,
        layer=np.zeros(1, dtype=np.int64),
        touches=np.ones((1, 1), dtype=np.bool_),
        short=((UNCOVERED_H + OVER_H) * hours)[:, None],
        surplus=OVER_H * hours,
    )
    fairness = Fairness(
        counts=tasks.night[None, :],
        share=np.array([[worker.fair] for worker in world.workers]),
        price=np.array([NIGHT]),
    )
    days = Days(
        weekday=tuple(day % WEEK for day in range(DAYS)),
        weekend=tuple(day % WEEK in WEEKEND for day in range(DAYS)),
        holiday=(False,) * DAYS,
    )
    return Problem(
        days,
        tasks,
        floor,
        tuple(_person(worker) for worker in world.workers),
        fairness,
        constant=-OVER_H * float(hours @ wanted[:, 0]),
        names=tuple(worker.name for worker in world.workers),
    )


def roster_of(taken: Ints) -> Ints:
    """Cells by agent and day, from task numbers (-1: off) by person and day."""
    return np.where(taken < 0, -1, taken % CELLS)


def _tasks() -> Tasks:
    day = np.repeat(np.arange(DAYS), CELLS)
    template = np.tile(np.repeat(np.arange(len(TEMPLATES)), len(SKILLS)), DAYS)
    starts = np.array([one.starts for one in TEMPLATES])[template]
    return Tasks(
        day=day,
        template=template,
        begin=day * DAY_H + starts,
        end=day * DAY_H + starts + HOURS[template],
        into_day=starts,
        paid=HOURS[template],
        night=NIGHTS[template],
        first=np.arange(len(day)),
        length=np.ones(len(day), dtype=np.int64),
        layout=template,
        breaks=np.zeros((len(TEMPLATES), 0, 3), dtype=np.int64),
    )


def _person(worker: Worker) -> Person:
    rules = Rules(
        max_run=worker.max_run,
        week_days=worker.max_days,
        max_weekends=MAX_WEEKENDS,
        rest=REST_H,
    )
    options = np.flatnonzero(worker.may.reshape(-1))
    costs = np.repeat(worker.costs.reshape(-1), len(SKILLS))[options]
    return Person((rules,) * DAYS, Past(), 0, options, costs, nothing_wanted(DAYS))
