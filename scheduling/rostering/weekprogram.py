"""The linear program of a standing week of shifts, which goes around.

Agents on the floor are an inventory that shifts fill and empty, breaks one that windows release and
deadlines close (`breakflow`). The last interval is followed by the first, so a shift that runs past
midnight or past the week's end is like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from scheduling.rostering.breakflow import BreakWindow, Kind, add_break_flow, away_terms
from scheduling.rostering.need import INTERVAL_H, Ints
from scheduling.rostering.solver import Program
from wfm.errors import InternalFault, RequestError


@dataclass(frozen=True)
class Pattern:
    """A kind of shift, in intervals.

    cost    money for each agent on it
    breaks  earliest and latest start after the shift's start, and length; in order, windows apart
    """

    length: int
    cost: float
    breaks: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True)
class WeekShifts:
    """Shifts of a week, an entry an agent.

    breaks  interval of the week in which each break begins, -1 for none: shape (agents, breaks)
    """

    pattern: Ints = field(repr=False)
    start: Ints = field(repr=False)
    breaks: Ints = field(repr=False)


class WeekProgram:
    """The program of a week of shifts that begin every `start_every` intervals.

    need     agents wanted on queue in each interval
    short    money for an agent missing for an hour
    program  the least cost of the shifts and of what they leave missing
    names    its variables of agents who start a shift, by pattern and start
    begins   its variables of breaks that begin, by kind of break and interval

    RequestError where a pattern does not fit into the week or its breaks overlap.
    """

    def __init__(
        self, need: Ints, patterns: tuple[Pattern, ...], start_every: int, short: float
    ) -> None:
        _check(need, patterns)
        self.need = need
        self.patterns = patterns
        self.program = Program("week")
        self.names = {
            (p, start): f"x_{p}_{start}"
            for p in range(len(patterns))
            for start in range(0, len(need), start_every)
        }
        self._x = {
            (p, start): self.program.variable(name, cost=patterns[p].cost, whole=True)
            for (p, start), name in self.names.items()
        }
        self._begun = add_break_flow(
            self.program, self._windows(), range(len(need)), around=True, whole=True
        )
        self.begins = {key: str(begin.name) for key, begin in self._begun.items()}
        self._add_rows(short * INTERVAL_H)

    def _add_rows(self, short: float) -> None:
        cells = range(len(self.need))
        changes: dict[int, list[tuple[Any, float]]] = {t: [] for t in cells}
        at_first: list[tuple[Any, float]] = []
        for (p, start), agents in self._x.items():
            length = self.patterns[p].length
            if length == len(cells):
                at_first.append((agents, -1.0))
                continue
            end = (start + length) % len(cells)
            changes[start].append((agents, -1.0))
            changes[end].append((agents, 1.0))
            if start == 0 or 0 < end < start:
                at_first.append((agents, -1.0))
        there = [self.program.variable(f"there_{t}") for t in cells]
        for t in cells:
            terms = [(there[t], 1.0), (there[t - 1], -1.0), *changes[t]]
            if t == 0:
                terms = [(there[0], 1.0), *at_first]
            self.program.row(f"presence_{t}", terms, equals=0.0)
            lacking = self.program.variable(f"short_{t}", cost=short)
            away = [(v, -w) for v, w in away_terms(self._begun, cells, t, around=True)]
            terms = [(there[t], 1.0), (lacking, 1.0), *away]
            self.program.row(f"need_{t}", terms, at_least=float(self.need[t]))

    def _windows(self) -> list[BreakWindow]:
        return [
            BreakWindow(agents, start + earliest, start + latest, length)
            for (p, start), agents in self._x.items()
            for earliest, latest, length in self.patterns[p].breaks
        ]

    def shifts(self, values: Mapping[str, float]) -> WeekShifts:
        """A solution agent by agent: the break whose window opened first is taken first."""
        size = len(self.need)
        agents = [key for key, name in self.names.items() for _ in range(round(values[name]))]
        most = max(len(p.breaks) for p in self.patterns)
        places = np.full((len(agents), most), -1, dtype=np.int64)
        owed: dict[Kind, list[tuple[int, int, int]]] = {}
        for n, (p, start) in enumerate(agents):
            for b, (earliest, latest, length) in enumerate(self.patterns[p].breaks):
                window = ((start + earliest) % size, n, b)
                owed.setdefault((length, latest - earliest), []).append(window)
        for kind, windows in owed.items():
            opens, agent, number = np.array(sorted(windows), dtype=np.int64).T
            taken = [round(values[self.begins[kind, t]]) for t in range(size)]
            begins = np.repeat(np.arange(size), taken)
            turn = _turn(opens, begins, kind[1], size)
            places[np.roll(agent, turn), np.roll(number, turn)] = begins
        known = np.array(agents, dtype=np.int64).reshape(-1, 2)
        return WeekShifts(known[:, 0], known[:, 1], places)


def _check(need: Ints, patterns: tuple[Pattern, ...]) -> None:
    if not len(need) or not patterns:
        raise RequestError("a week needs at least one interval and one pattern of shifts")
    for n, pattern in enumerate(patterns):
        if not 0 < pattern.length <= len(need):
            raise RequestError(f"pattern {n} lasts {pattern.length} of {len(need)} intervals")
        free_from = 0
        for earliest, latest, length in pattern.breaks:
            if not free_from <= earliest <= latest <= pattern.length - length or length < 1:
                raise RequestError(
                    f"pattern {n}: the break of {length} from {earliest} to {latest} does not fit; "
                    "let each window begin where the one before it has ended"
                )
            free_from = latest + length


def _turn(opens: Ints, begins: Ints, width: int, size: int) -> int:
    """How many of the windows, the last to open, are served first: they opened in the week before.

    With that known, the window that opens first is served first, and none too late.
    """
    for turn in range(len(opens)):
        if ((begins - np.roll(opens, turn)) % size <= width).all():
            return turn
    raise InternalFault(f"{len(opens)} breaks of the week do not fit into their windows")
