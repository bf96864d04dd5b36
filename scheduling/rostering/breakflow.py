"""Breaks as an inventory: windows release them, deadlines close them, in a linear program.

For every kind of break (its length and its window's width) what waits is what was released and not
yet taken, and what is ahead is what was taken before its deadline; neither is ever below 0. Windows
of one kind close in the order in which they open, so first come, first served puts every break
into its window: the program need not know whose break it is.

Source: Bechtold and Jacobs' implicit breaks, as flows; exact where windows of one kind in one shift
lie apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from scheduling.rostering.solver import Program

Terms = list[tuple[Any, float]]
Kind = tuple[int, int]


@dataclass(frozen=True)
class BreakWindow:
    """A break that each agent of `agents`, a variable, takes: first and last start, and length."""

    agents: Any
    opens: int
    closes: int
    length: int

    @property
    def kind(self) -> Kind:
        return self.length, self.closes - self.opens


def add_break_flow(
    program: Program,
    windows: Iterable[BreakWindow],
    cells: range,
    *,
    name: str = "",
    around: bool = False,
    whole: bool = False,
) -> dict[tuple[Kind, int], Any]:
    """Variables of how many breaks of a kind begin in each interval of `cells`.

    windows  wholly inside `cells`, or, when the intervals go around, anywhere
    name     told apart from other flows of the same program by it
    around   the last interval is followed by the first
    whole    breaks begin in whole numbers
    """
    released: dict[tuple[Kind, int], Terms] = {}
    due: dict[tuple[Kind, int], Terms] = {}
    open_at_first: dict[Kind, Terms] = {}
    size = len(cells)
    for window in windows:
        kind = window.kind
        opens, closes = window.opens, window.closes
        if around:
            opens, closes = (cells.start + (t - cells.start) % size for t in (opens, closes))
        released.setdefault((kind, opens), []).append((window.agents, 1.0))
        due.setdefault((kind, closes), []).append((window.agents, 1.0))
        open_at_first.setdefault(kind, [])
        if around and (opens == cells.start or closes < opens) and closes != cells.start:
            open_at_first[kind].append((window.agents, -1.0))
    begun: dict[tuple[Kind, int], Any] = {}
    for k, kind in enumerate(sorted(open_at_first)):
        made = [
            (
                program.variable(f"begin{name}_{k}_{t}", whole=whole),
                program.variable(f"waiting{name}_{k}_{t}"),
                program.variable(f"ahead{name}_{k}_{t}"),
            )
            for t in cells
        ]
        for n, t in enumerate(cells):
            begin, waiting, ahead = made[n]
            begun[kind, t] = begin
            before: Terms = []
            after: Terms = []
            if n or around:
                before, after = [(made[n - 1][1], -1.0)], [(made[n - 1][2], -1.0)]
            new = [(v, -w) for v, w in released.get((kind, t), [])]
            program.row(
                f"released{name}_{k}_{t}", [(waiting, 1.0), (begin, 1.0), *new, *before], equals=0.0
            )
            closed = due.get((kind, t), [])
            program.row(
                f"due{name}_{k}_{t}", [(ahead, 1.0), (begin, -1.0), *closed, *after], equals=0.0
            )
        if around:
            _, waiting, ahead = made[0]
            terms = [(waiting, 1.0), (ahead, 1.0), *open_at_first[kind]]
            program.row(f"open{name}_{k}", terms, equals=0.0)
    return begun


def away_terms(begun: dict[tuple[Kind, int], Any], cells: range, t: int, *, around: bool) -> Terms:
    """The breaks that run in interval `t`, one term each that begins in time."""
    kinds = sorted({kind for kind, _ in begun})
    terms: Terms = []
    for kind in kinds:
        for back in range(kind[0]):
            q = t - back
            if q < cells.start:
                if not around:
                    continue
                q += len(cells)
            terms.append((begun[kind, q], 1.0))
    return terms
