"""What the desk of `rosterworld` wants: a mix of shifts that covers a curve and that it can give.

The curve wants heads in each hour of the 28 days: two humps a day, at 11 and 19 o'clock, over a
level of .22, `.22 + .60 exp(-((h - 11) / 3)^2) + .80 exp(-((h - 19) / 2.8)^2)`, less at weekends,
each day and hour a few per cent beside it by chance; three fifths want skill A. Its sum is 95 % of
the hours that all contracts allow.

A linear program over crews (people who may work the same) finds the mix that covers it best and
keeps within 95 % of what each crew can give in a week, in a row and at weekends, and to a night on
a quarter of the days on which its people could work one. The mix is rounded, and what the crews
could not work of it is taken off: what is left can be worked by crews that are free of each one's
own days off.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from benchmarks.rosterlp import minimum
from benchmarks.rosterprogram import CELLS, Rows, add_crew, crew_of, template_of
from benchmarks.rosterworld import (
    DAYS,
    HOURS,
    NIGHTS,
    SKILLS,
    TEMPLATES,
    WEEK,
    Floats,
    Ints,
    Worker,
    World,
    make_workers,
    with_fair_nights,
)

LOAD = 0.95
# What one shift may be dearer than another, by chance: enough to tell apart those that cover alike.
HABIT = 0.1
NIGHT_LOAD = 0.25
SHARES = (0.6, 0.4)
WEEKDAYS = (1.08, 1.03, 1.00, 0.99, 1.00, 0.66, 0.62)
HOURS_ALL = DAYS * 24


def make_world(agents: int, seed: int) -> World:
    """The desk of a seed with so many agents, what it wants, and everybody's fair nights."""
    rng = np.random.default_rng([seed, agents])
    workers = make_workers(agents, rng)
    wanted = mix(workers, curve(workers, rng), habits=HABIT * rng.random(CELLS))
    return World(seed, with_fair_nights(workers, wanted), wanted)


def curve(workers: Sequence[Worker], rng: np.random.Generator) -> Floats:
    """Heads wanted in each hour with each skill, shape (hours, skills)."""
    hour = np.arange(24)
    shape = (
        0.22 + 0.60 * np.exp(-(((hour - 11) / 3) ** 2)) + 0.80 * np.exp(-(((hour - 19) / 2.8) ** 2))
    )
    days = np.tile(WEEKDAYS, DAYS // WEEK) * rng.normal(1.0, 0.03, DAYS)
    heads = (days[:, None] * shape).reshape(-1, 1) * np.array(SHARES)
    heads *= rng.normal(1.0, 0.04, heads.shape).clip(0.8, 1.2)
    can = sum(int(crew_of([worker]).a_week.sum()) * worker.hours for worker in workers)
    return np.asarray(heads * (LOAD * can / heads.sum()))


def mix(workers: Sequence[Worker], heads: Floats, *, habits: Floats) -> Ints:
    """Shifts wanted on each day, template and skill; `habits`: what each costs beside the curve."""
    crews: dict[object, list[Worker]] = defaultdict(list)
    for worker in workers:
        allowed = tuple(worker.allows(template) for template in TEMPLATES)
        if any(allowed):
            crews[worker.max_days, worker.skills, allowed].append(worker)
    groups = list(crews.values())
    covering = Rows()
    at = _add_crews(covering, groups)
    wanted = covering.add(habits, np.inf, whole=False)
    for cell in range(CELLS):
        on = np.flatnonzero(at[1] == cell)
        covering.row(
            np.append(at[0][on], wanted[cell]), np.append(np.ones(len(on)), -1.0), at_least=0.0
        )
    _add_curve(covering, wanted, heads)
    counts = np.rint(minimum(covering.program())[wanted])

    giving = Rows()
    columns, cells = _add_crews(giving, groups, cost=-1.0)
    for cell in range(CELLS):
        on = columns[cells == cell]
        if len(on) > 0:
            giving.row(on, at_most=float(counts[cell]))
    given = minimum(giving.program())[columns]
    worked = np.bincount(cells, weights=given, minlength=CELLS)
    whole = np.floor(worked + 1e-6).astype(np.int64)
    return np.asarray(whole.reshape(DAYS, len(TEMPLATES), len(SKILLS)))


def _add_crews(
    rows: Rows, groups: Sequence[Sequence[Worker]], *, cost: float = 0.0
) -> tuple[Ints, Ints]:
    costs = np.broadcast_to(cost * HOURS, (DAYS, len(TEMPLATES)))
    added = []
    for number, group in enumerate(groups):
        columns, cells = add_crew(rows, crew_of(group), number, costs, load=LOAD, whole=False)
        nights = columns[NIGHTS[template_of(cells)]]
        if len(nights) > 0:
            could = sum(worker.night_days for worker in group)
            rows.row(nights, at_most=NIGHT_LOAD * could)
        added.append((columns, cells))
    return np.concatenate([c for c, _ in added]), np.concatenate([c for _, c in added])


def _add_curve(rows: Rows, wanted: Ints, heads: Floats) -> None:
    """A head missing in an hour costs 1, one too many as much; nights wrap into the first day."""
    of = wanted.reshape(DAYS, len(TEMPLATES), len(SKILLS))
    for skill in range(len(SKILLS)):
        on: list[list[int]] = [[] for _ in range(HOURS_ALL)]
        for day in range(DAYS):
            for number, template in enumerate(TEMPLATES):
                for hour in range(template.starts, template.ends):
                    on[(day * 24 + hour) % HOURS_ALL].append(of[day, number, skill])
        beside = rows.add(np.ones(2 * HOURS_ALL), np.inf, whole=False).reshape(2, -1)
        for hour, columns in enumerate(on):
            rows.row(
                np.append(np.array(columns, dtype=np.int64), beside[:, hour]),
                np.append(np.ones(len(columns)), (1.0, -1.0)),
                at_least=float(heads[hour, skill]),
                at_most=float(heads[hour, skill]),
            )
