"""A whole desk as one integer program, sparse: what peers are given, and its relaxation.

A binary variable says that somebody works a template on a day with a skill. Rows hold the law (see
`rosterworld`), strong ones where they cost nothing: shifts without the rest between them
exclude each other as cliques, and nights above a fair share that is no whole number are priced by
the two lines that meet at the whole numbers beside it.

The same rows describe a crew, people who may work the same, added up: `benchmarks.rostermix` asks
with them what a desk can give.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

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
    Flags,
    Floats,
    Ints,
    Worker,
    World,
)

CELLS = DAYS * len(TEMPLATES) * len(SKILLS)
STARTS = np.array([template.starts for template in TEMPLATES])
ENDS = np.array([template.ends for template in TEMPLATES])


@dataclass(frozen=True)
class Crew:
    """People who may work the same, as one: what they can give together.

    may       what at least one of them may work, shape (days, templates, skills)
    a_day     who is there on each day
    a_week    days that they can work in each week
    in_a_row  days that they can work in the days from each day to one after their longest run
    max_run   their longest run
    weekends  that they can work
    """

    may: Flags
    a_day: Ints
    a_week: Ints
    in_a_row: Ints
    max_run: int
    weekends: int


def crew_of(workers: Sequence[Worker]) -> Crew:
    """Workers with one contract added up."""
    there = np.array([worker.may.any(axis=(1, 2)) for worker in workers])
    max_run, max_days = workers[0].max_run, workers[0].max_days
    weeks = there.reshape(len(workers), -1, WEEK)
    windows = np.lib.stride_tricks.sliding_window_view(there, max_run + 1, axis=1)
    weekends = weeks[:, :, WEEKEND].any(axis=2).sum(axis=1)
    return Crew(
        may=np.logical_or.reduce([worker.may for worker in workers]),
        a_day=there.sum(axis=0),
        a_week=np.minimum(weeks.sum(axis=2), max_days).sum(axis=0),
        in_a_row=np.minimum(windows.sum(axis=2), max_run).sum(axis=0),
        max_run=max_run,
        weekends=int(np.minimum(weekends, MAX_WEEKENDS).sum()),
    )


@dataclass(frozen=True)
class Program:
    """A minimum: costs, bounds and whole numbers by column, bounds by row, and the matrix.

    x      columns that say who works what: (column, worker or crew, cell); the cell counts days,
           templates and skills in that order
    short  columns of the heads missing in each cell; empty where none may be
    """

    cost: Floats
    upper: Floats
    whole: Flags
    at_least: Floats
    at_most: Floats
    matrix: sparse.csr_matrix
    x: Ints
    short: Ints

    def save(self, path: Path) -> None:
        """Writes the program for another process."""
        matrix = self.matrix
        np.savez(
            path,
            cost=self.cost,
            upper=self.upper,
            whole=self.whole,
            at_least=self.at_least,
            at_most=self.at_most,
            starts=matrix.indptr,
            columns=matrix.indices,
            values=matrix.data,
            x=self.x,
            short=self.short,
        )


def load_program(path: Path) -> Program:
    """A program as `Program.save` wrote it."""
    with np.load(path) as held:
        shape = (len(held["at_least"]), len(held["cost"]))
        return Program(
            held["cost"],
            held["upper"],
            held["whole"],
            held["at_least"],
            held["at_most"],
            sparse.csr_matrix((held["values"], held["columns"], held["starts"]), shape=shape),
            held["x"],
            held["short"],
        )


def worked_in(program: Program, values: Floats) -> list[list[int]]:
    """Who works what in a solution: (worker, cell), one a shift."""
    taken = program.x[values[program.x[:, 0]] > 0.5, 1:]
    return [[int(worker), int(cell)] for worker, cell in taken]


class Rows:
    """A program in the making."""

    def __init__(self) -> None:
        self.cost: list[Floats] = []
        self.upper: list[Floats] = []
        self.whole: list[Flags] = []
        self.sides: list[tuple[float, float]] = []
        self.columns: list[Ints] = []
        self.values: list[Floats] = []
        self.x: list[Ints] = []
        self.width = 0

    def add(self, cost: Floats, upper: Floats | float, *, whole: bool) -> Ints:
        """New columns; their numbers."""
        first, self.width = self.width, self.width + len(cost)
        self.cost.append(cost)
        self.upper.append(np.broadcast_to(np.asarray(upper, dtype=np.float64), cost.shape))
        self.whole.append(np.full(len(cost), whole))
        return np.arange(first, self.width)

    def row(
        self,
        columns: Ints,
        values: Floats | float = 1.0,
        *,
        at_least: float = -np.inf,
        at_most: float = np.inf,
    ) -> None:
        self.columns.append(columns)
        self.values.append(np.broadcast_to(np.asarray(values, dtype=np.float64), columns.shape))
        self.sides.append((at_least, at_most))

    def program(self, short: Ints | None = None) -> Program:
        """What was put together; `short`: the columns of missing heads."""
        lengths = np.array([len(columns) for columns in self.columns])
        matrix = sparse.csr_matrix(
            (
                np.concatenate(self.values),
                np.concatenate(self.columns),
                np.concatenate(([0], lengths.cumsum())),
            ),
            shape=(len(lengths), self.width),
        )
        sides = np.array(self.sides)
        return Program(
            np.concatenate(self.cost),
            np.concatenate(self.upper),
            np.concatenate(self.whole),
            sides[:, 0],
            sides[:, 1],
            matrix,
            np.concatenate(self.x),
            np.zeros(0, dtype=np.int64) if short is None else short,
        )


def whole_program(world: World) -> Program:
    """The roster of a world at its own objective, one column for each shift anybody may work."""
    rows = Rows()
    taken = [
        add_crew(rows, crew_of([worker]), number, worker.costs)
        for number, worker in enumerate(world.workers)
    ]
    for worker, (columns, cells) in zip(world.workers, taken, strict=True):
        _add_nights(rows, worker, columns[NIGHTS[template_of(cells)]])
    columns = np.concatenate([columns for columns, _ in taken])
    cells = np.concatenate([cells for _, cells in taken])
    order = np.argsort(cells, kind="stable")
    bounds = np.searchsorted(cells[order], np.arange(CELLS + 1))
    wanted = world.wanted.reshape(-1)
    hours = np.broadcast_to(HOURS[:, None], (DAYS, len(TEMPLATES), len(SKILLS))).reshape(-1)
    short = rows.add(UNCOVERED_H * hours, wanted.astype(np.float64), whole=False)
    over = rows.add(OVER_H * hours, np.inf, whole=False)
    for cell in range(CELLS):
        workers = columns[order[bounds[cell] : bounds[cell + 1]]]
        rows.row(
            np.append(workers, (short[cell], over[cell])),
            np.append(np.ones(len(workers)), (1.0, -1.0)),
            at_least=float(wanted[cell]),
            at_most=float(wanted[cell]),
        )
    return rows.program(short)


def template_of(cells: Ints) -> Ints:
    """The template of each cell."""
    return cells // len(SKILLS) % len(TEMPLATES)


def add_crew(
    rows: Rows, crew: Crew, number: int, costs: Floats, *, load: float = 1.0, whole: bool = True
) -> tuple[Ints, Ints]:
    """The columns of a crew, their cells, and the rows of its law.

    costs  of a template on a day
    load   share of their weeks, runs and weekends that may be used
    """
    cells = np.flatnonzero(crew.may.reshape(-1))
    day, template = cells // (len(TEMPLATES) * len(SKILLS)), template_of(cells)
    columns = rows.add(costs[day, template], crew.a_day[day].astype(np.float64), whole=whole)
    rows.x.append(np.column_stack((columns, np.full(len(cells), number), cells)))
    of_day = [columns[day == d] for d in range(DAYS)]
    for d in range(DAYS):
        if len(of_day[d]) > 0:
            rows.row(of_day[d], at_most=float(crew.a_day[d]))
    _add_rests(rows, crew, columns, day, template)
    for week, most in enumerate(crew.a_week):
        rows.row(columns[day // WEEK == week], at_most=load * float(most))
    for first, most in enumerate(crew.in_a_row):
        inside = (day >= first) & (day <= first + crew.max_run)
        rows.row(columns[inside], at_most=load * float(most))
    weekends = rows.add(np.zeros(DAYS // WEEK), float(crew.a_day.max()), whole=whole)
    rows.row(weekends, at_most=load * crew.weekends)
    for week, worked in enumerate(weekends):
        for d in WEEKEND:
            on = of_day[week * WEEK + d]
            if len(on) > 0:
                rows.row(np.append(on, worked), np.append(np.ones(len(on)), -1.0), at_most=0.0)
    return columns, cells


def _add_rests(rows: Rows, crew: Crew, columns: Ints, day: Ints, template: Ints) -> None:
    """Shifts that end at an hour or later exclude those that start before it and the rest."""
    begins, ends = STARTS[template], ENDS[template]
    for end in np.unique(ends):
        until = end + REST_H - 24
        late, early = ends >= end, begins < until
        if not late.any() or not early.any():
            continue
        for d in range(DAYS - 1):
            before, after = late & (day == d), early & (day == d + 1)
            if before.any() and after.any():
                most = max(crew.a_day[d], crew.a_day[d + 1])
                rows.row(columns[before | after], at_most=float(most))


def _add_nights(rows: Rows, worker: Worker, nights: Ints) -> None:
    """Nights above the fair share: the first of them costs its part above, the others all."""
    if len(nights) == 0:
        return
    whole = np.floor(worker.fair)
    above = rows.add(
        NIGHT * np.array([1.0 - (worker.fair - whole), 1.0]), np.array([1.0, np.inf]), whole=False
    )
    rows.row(
        np.concatenate((nights, above)),
        np.concatenate((np.ones(len(nights)), [-1.0, -1.0])),
        at_most=float(whole),
    )
