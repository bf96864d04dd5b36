"""Column generation: which lines of work, each lawful as a whole, cost least together.

The master program chooses lines from a pool and pays for missing heads; its prices tell every
person what a head is worth, and the best line at those prices joins the pool. Prices are smoothed
towards those of the best bound so far (Wentges; in-out separation), which is what makes it converge
in tens of rounds. Every pass over all people gives a bound by Lagrangian duality.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import highspy
import numpy as np

from scheduling.rostering.crew import Crew, Line
from scheduling.rostering.problem import Floats

SMOOTHING = 0.6
NEEDED = 1e-9


@dataclass(frozen=True)
class Prices:
    """What the master program pays.

    heads    of one more head that counts for a cut, shape (blocks, cuts)
    burdens  of one burden of each kind but the first, shape (people, kinds - 1)
    """

    heads: Floats
    burdens: Floats

    def towards(self, other: Prices, part: float) -> Prices:
        """A part of the way from these to the others."""
        return Prices(
            (1 - part) * self.heads + part * other.heads,
            (1 - part) * self.burdens + part * other.burdens,
        )


class Master:
    """The program over a pool of lines of some people, all others' lines taken as given.

    left   people whose line is still open
    lacks  what the cuts ask of those, shape (blocks, cuts)
    """

    def __init__(self, crew: Crew, people: Iterable[int], lacks: Floats) -> None:
        self.crew = crew
        self.people = list(people)
        self.left = list(self.people)
        self._open = set(self.people)
        self.lacks = lacks.copy()
        self._at = {i: n for n, i in enumerate(self.people)}
        self._blocks, self._cuts = np.nonzero(lacks > NEEDED)
        self._rows = len(self._blocks)
        self._row_of = np.full(lacks.shape, -1, dtype=np.int64)
        self._row_of[self._blocks, self._cuts] = np.arange(self._rows)
        fair = crew.problem.fairness
        # The first kind of burden is in the lines' own costs; the others have rows.
        self._price, self._share = fair.price[1:], fair.share[:, 1:]
        self.lines: list[tuple[int, Line]] = []
        self._numbers: dict[int, list[int]] = {i: [] for i in self.people}
        self._seen: set[tuple[int, bytes]] = set()
        self._model = self._bare()
        self._first = int(self._model.getNumCol())

    def _bare(self) -> Any:
        """The program without a line."""
        floor = self.crew.problem.floor
        model: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        model.setOptionValue("output_flag", False)
        model.setOptionValue("threads", 1)
        model.setOptionValue("presolve", "off")
        # Lines join a program whose solution stays feasible: the primal simplex goes on from it.
        model.setOptionValue("simplex_strategy", 4)
        most = highspy.kHighsInf
        none, nothing = np.zeros(0, dtype=np.int32), np.zeros(0)
        for t, c in zip(self._blocks.tolist(), self._cuts.tolist(), strict=True):
            model.addRow(float(self.lacks[t, c]), most, 0, none, nothing)
        for _ in self.people:
            model.addRow(1.0, 1.0, 0, none, nothing)
        kinds = len(self._price)
        for i in self.people:
            for k in range(kinds):
                model.addRow(-float(self._share[i, k]), most, 0, none, nothing)
        # Missing heads: one variable a block and layer, in the rows of all its cuts.
        rows_of: dict[tuple[int, int], list[int]] = {}
        asked = zip(self._blocks.tolist(), self._cuts.tolist(), strict=True)
        for row, (t, c) in enumerate(asked):
            rows_of.setdefault((t, int(floor.layer[c])), []).append(row)
        for (t, layer), rows in rows_of.items():
            index = np.array(rows, dtype=np.int32)
            model.addCol(
                float(floor.short[t, layer]), 0.0, most, len(rows), index, np.ones(len(rows))
            )
        for n in range(len(self.people)):
            for k in range(kinds):
                above = np.array([self._rows + len(self.people) + n * kinds + k], dtype=np.int32)
                model.addCol(float(self._price[k]), 0.0, most, 1, above, np.ones(1))
        return model

    def add(self, i: int, line: Line) -> bool:
        """Puts a line of person i into the pool; whether it was new."""
        key = (i, line.task.tobytes() + line.breaks.tobytes())
        if key in self._seen:
            return False
        self._seen.add(key)
        crew, n, kinds = self.crew, self._at[i], len(self._price)
        touched = np.flatnonzero(crew.problem.floor.touches[crew.problem.people[i].group])
        rows = self._row_of[np.ix_(crew.blocks_of(line.task, line.breaks), touched)].ravel()
        rows = rows[rows >= 0]
        burdens = crew.burdens_of(line.task).astype(np.float64)
        bears = np.flatnonzero(burdens)
        # Burdens above the share are paid for by variables of their own.
        above = float(self._price @ np.maximum(burdens - self._share[i], 0.0))
        base = self._rows + len(self.people) + n * kinds
        index = np.concatenate([rows, [self._rows + n], base + bears]).astype(np.int32)
        value = np.concatenate([np.ones(len(rows) + 1), -burdens[bears]])
        self._model.addCol(line.cost - above, 0.0, highspy.kHighsInf, len(index), index, value)
        self._numbers[i].append(len(self.lines))
        self.lines.append((i, line))
        return True

    def fix(self, i: int, number: int) -> None:
        """Person i takes the line with this number in the pool."""
        for n in self._numbers[i]:
            low, high = (1.0, 1.0) if n == number else (0.0, 0.0)
            self._model.changeColBounds(self._first + n, low, high)
        line = self.lines[number][1]
        touched = self.crew.problem.floor.touches[self.crew.problem.people[i].group]
        blocks = self.crew.blocks_of(line.task, line.breaks)
        self.lacks[np.ix_(blocks, np.flatnonzero(touched))] -= 1.0
        self.left.remove(i)
        self._open.remove(i)

    def open(self, i: int) -> bool:
        """Whether no line of person i is fixed yet."""
        return i in self._open

    def solve(self) -> tuple[float, Prices, Floats]:
        """The linear program: its cost, its prices, and how much of each line it takes."""
        self._model.run()
        solution = self._model.getSolution()
        duals = np.maximum(np.asarray(solution.row_dual), 0.0)
        heads = np.zeros(self.lacks.shape)
        heads[self._blocks, self._cuts] = duals[: self._rows]
        burdens = np.zeros((len(self.crew), len(self._price)))
        told = duals[self._rows + len(self.people) :]
        burdens[self.people] = told.reshape(len(self.people), len(self._price))
        taken = np.asarray(solution.col_value)[self._first :]
        value = float(self._model.getInfo().objective_function_value)
        return value, Prices(heads, burdens), taken

    def ask(self, prices: Prices) -> tuple[int, float]:
        """Everybody's best line at the prices joins the pool; how many were new, and a bound.

        The bound is on what those whose line is open add to the cost, by Lagrangian duality: the
        prices' worth of what is asked of them less what all of them could earn.
        """
        crew, floor = self.crew, self.crew.problem.floor
        worth_of: dict[int, Floats] = {}
        new, earned = 0, 0.0
        for i in self.left:
            group = crew.problem.people[i].group
            if group not in worth_of:
                worth_of[group] = prices.heads @ floor.touches[group] - floor.surplus
            line, value = crew.answer(i, worth_of[group], prices.burdens[i])
            new += self.add(i, line)
            earned += value
        shared = float((prices.burdens[self.left] * self._share[self.left]).sum())
        return new, float((prices.heads * np.maximum(self.lacks, 0.0)).sum()) - shared - earned


@dataclass(frozen=True)
class Found:
    """What column generation found.

    value   of the program over the pool; no choice of lines costs less than `bound`
    prices  those of the best bound
    taken   how much of each line of the pool the program takes
    """

    value: float
    bound: float
    prices: Prices
    taken: Floats = field(repr=False)


def generate(
    master: Master,
    *,
    start: Prices | None = None,
    rounds: int,
    close: float,
    enough: Callable[[float, float], bool] | None = None,
) -> Found:
    """Lines into the pool until the best bound is `close` to the program's cost, relative.

    start   prices to begin with: the better they are, the fewer rounds
    enough  asked after each round, with the program's cost and the best bound; True ends it
    """
    value, prices, taken = master.solve()
    best, centre = -np.inf, start
    for _ in range(rounds):
        asked = prices if centre is None else centre.towards(prices, 1 - SMOOTHING)
        new, bound = master.ask(asked)
        if bound > best:
            best, centre = bound, asked
        elif not new:
            # The smoothed prices teach nothing: ask at the program's own.
            new, bound = master.ask(prices)
            if bound > best:
                best, centre = bound, prices
            if not new:
                break
        value, prices, taken = master.solve()
        if value - best <= close * max(1.0, abs(value)) or (enough and enough(value, best)):
            break
    return Found(value, best, centre or prices, taken)
