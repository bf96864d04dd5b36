"""The linear program of one calendar week of a shift mix, in flow form.

Agents of a pool are an inventory that shifts fill and empty, breaks are one that windows release
and deadlines close, and what is on queue flows to the queues it can serve, so nobody is counted
twice. The rows of capacity come from the agents: how many may take a shift, work a day, the
contract's days and hours of the week, and weekends. A shift that passes the week's end covers in
both weeks, and its pay is split.

Heads come whole, which the program is told by rows of its own (`whole_heads`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from scheduling.rostering.breakflow import BreakWindow, add_break_flow, away_terms
from scheduling.rostering.capacity import Floor
from scheduling.rostering.contractrows import add_contracts
from scheduling.rostering.need import INTERVAL_H, Flags, Floats, Ints, cuts_of, touching
from scheduling.rostering.solver import CutShort, Method, Outcome, Program, WorkLimits

# A need this close to a whole number of heads is one.
NEARLY_WHOLE = 0.01


@dataclass(frozen=True)
class WeekMix:
    """What one week's program gave.

    taken          agents by (group, shift)
    room           by (group, template): what one shift more is worth to the contracts, below 0
                   where it takes the room of a better one
    head_price     money an hour, shape (intervals, groups)
    cost           nothing costs less in this week
    weekend_price  what one weekend more would change of the cost, by group: 0 or below
    stopped_by     the limit that ended the program without an answer: all is 0 then; or empty
    """

    taken: dict[tuple[int, int], float]
    room: dict[tuple[int, int], float]
    head_price: Floats
    cost: float
    weekend_price: Floats
    stopped_by: str = ""


@dataclass(frozen=True)
class Span:
    """One calendar week of a floor: days [a, b) and intervals [t0, t1); weekends of the horizon."""

    floor: Floor
    a: int
    b: int
    weekends: int

    @property
    def t0(self) -> int:
        return int(self.floor.shifts.midnights[self.a])

    @property
    def t1(self) -> int:
        return int(self.floor.shifts.midnights[self.b])


def solve_week(span: Span, *, seed: int, method: Method, wall_s: float) -> WeekMix:
    """The cheapest mix of a week in parts of agents, and its prices."""
    shifts, t0 = span.floor.shifts, span.t0
    program = Program(f"shift_mix_{span.a}")
    x = _shift_variables(program, span)
    on_floor = _add_presence(program, x, span)
    away = _add_breaks(program, x, span)
    _add_cover(program, on_floor, away, span)
    _add_capacity(program, x, span)
    _add_weekend(program, x, span)
    pools = len(span.floor.pools)
    try:
        outcome = program.solve(
            seed=seed, method=method, crossover=False, limits=WorkLimits(wall_s=wall_s)
        )
    except CutShort:
        reason = f"the wall limit of {wall_s:g} s for a week's shift mix"
        unknown = np.zeros((span.t1 - t0, pools))
        return WeekMix({}, {}, unknown, 0.0, np.zeros(pools), reason)
    mine = [(g, s) for g, s in x if t0 <= shifts.start[s]]
    return WeekMix(
        taken={(g, s): outcome.values[f"x_{g}_{s}"] for g, s in mine},
        room={
            (g, k): outcome.duals[f"of_{g}_{k}"]
            for g, k in {(g, int(shifts.template[s])) for g, s in mine}
        },
        head_price=_head_price(outcome, span),
        cost=outcome.objective,
        weekend_price=np.array([outcome.duals.get(f"weekend_{g}", 0.0) for g in range(pools)]),
    )


def _head_price(outcome: Outcome, span: Span) -> Floats:
    """What one more head is worth, money an hour, shape (intervals, groups).

    What it earns by flowing to a queue and by making a set's heads whole. The first is never more
    than the queue it helps most would pay: where nobody is needed and nobody is, the row of heads
    alone has no single price.
    """
    serves, need = span.floor.serves, span.floor.need
    cuts = cuts_of(serves)
    touches = touching(serves, cuts)
    price = np.zeros((span.t1 - span.t0, len(serves)))
    for n, t in enumerate(range(span.t0, span.t1)):
        pays = np.array(
            [
                outcome.duals[f"need_{q}_{t}"] if wanted > 0 else 0.0
                for q, wanted in enumerate(need.heads[t])
            ]
        )
        whole = np.zeros(len(serves))
        for c, _, part in whole_heads(need.heads[t], cuts):
            whole += touches[:, c] * part * outcome.duals[f"whole_{c}_{t}"]
        for g, row in enumerate(serves):
            head = -outcome.duals[f"heads_{g}_{t}"]
            price[n, g] = min(head, float(pays[row].max(initial=0.0))) + whole[g]
    return np.maximum(price, 0.0) / INTERVAL_H


Columns = dict[tuple[int, int], Any]


def _shift_variables(program: Program, span: Span) -> Columns:
    """Agents of each group on each shift that reaches into the week, paid for their part in it.

    The week in which a shift starts counts all of it for the contract's minimum, so it bears for
    the hours after its end what that saves, and the next week the rest.
    """
    shifts, prices = span.floor.shifts, span.floor.prices
    begins_or_runs_on = (shifts.start < span.t1) & (shifts.start + shifts.length > span.t0)
    x: Columns = {}
    for s in np.flatnonzero(begins_or_runs_on).tolist():
        start, length = int(shifts.start[s]), int(shifts.length[s])
        inside = (min(start + length, span.t1) - max(start, span.t0)) / length
        paid_h = float(shifts.paid[s]) * INTERVAL_H
        pay = float(prices.of_shift(paid_h, inside))
        if start < span.t0:
            pay = float(prices.of_shift(paid_h, 1.0) - prices.of_shift(paid_h, 1.0 - inside))
        # A break that is left out here must not make the shift dearer than it really is.
        left_out = shifts.breaks[shifts.template[s], :, 2].sum() - sum(
            w.length for w in _windows_inside(span, s)
        )
        cost = pay - prices.surplus * float(left_out) * INTERVAL_H
        for g, pool in enumerate(span.floor.pools):
            if pool.takers[s] > 0:
                x[g, s] = program.variable(f"x_{g}_{s}", cost=cost, upper=float(pool.takers[s]))
    return x


def _windows_inside(span: Span, s: int, agents: Any = None) -> list[BreakWindow]:
    """A shift's breaks whose windows lie wholly in the week."""
    shifts = span.floor.shifts
    start = int(shifts.start[s])
    return [
        BreakWindow(agents, start + earliest, start + latest, length)
        for earliest, latest, length in shifts.breaks[shifts.template[s]].tolist()
        if length and start + earliest >= span.t0 and start + latest + length <= span.t1
    ]


def _add_presence(program: Program, x: Columns, span: Span) -> Columns:
    """Heads of each group on the floor: an inventory that shifts fill and empty."""
    shifts, t0, t1 = span.floor.shifts, span.t0, span.t1
    surplus = span.floor.prices.surplus * INTERVAL_H
    changes: dict[tuple[int, int], list[tuple[Any, float]]] = {}
    for (g, s), variable in x.items():
        begin = max(int(shifts.start[s]), t0)
        end = int(shifts.start[s] + shifts.length[s])
        changes.setdefault((g, begin), []).append((variable, -1.0))
        if end < t1:
            changes.setdefault((g, end), []).append((variable, 1.0))
    on_floor: Columns = {}
    for g in range(len(span.floor.pools)):
        for t in range(t0, t1):
            on_floor[g, t] = program.variable(f"on_{g}_{t}", cost=surplus)
            terms = [(on_floor[g, t], 1.0), *changes.get((g, t), [])]
            if t > t0:
                terms.append((on_floor[g, t - 1], -1.0))
            program.row(f"presence_{g}_{t}", terms, equals=0.0)
    return on_floor


def _add_breaks(program: Program, x: Columns, span: Span) -> Columns:
    """Heads of each group on a break: all groups share the flow of breaks, split over their heads.

    A break whose window is not wholly inside the week is left to the other week's share.
    """
    cells = range(span.t0, span.t1)
    pools = range(len(span.floor.pools))
    surplus = span.floor.prices.surplus * INTERVAL_H
    windows = {(g, s): _windows_inside(span, s, agents) for (g, s), agents in x.items()}
    begun = add_break_flow(program, [w for found in windows.values() for w in found], cells)
    if not begun:
        return {}
    away: Columns = {}
    for t in cells:
        terms = [(begin, -w) for begin, w in away_terms(begun, cells, t, around=False)]
        for g in pools:
            away[g, t] = program.variable(f"away_{g}_{t}", cost=-surplus)
            terms.append((away[g, t], 1.0))
        program.row(f"away_{t}", terms, equals=0.0)
    for g in pools:
        owed = [
            (x[key], -float(sum(w.length for w in found)))
            for key, found in windows.items()
            if key[0] == g and found
        ]
        program.row(f"breaks_of_{g}", [(away[g, t], 1.0) for t in cells] + owed, equals=0.0)
    return away


def _add_cover(program: Program, on_floor: Columns, away: Columns, span: Span) -> None:
    """What is on queue flows to the queues it serves; what a queue lacks is bought dearly."""
    serves, need, there = span.floor.serves, span.floor.need, span.floor.there
    prices = span.floor.prices
    cuts = cuts_of(serves)
    touches = touching(serves, cuts)
    for t in range(span.t0, span.t1):
        flows: dict[int, list[tuple[Any, float]]] = {}
        shorts: dict[int, Any] = {}
        for g in range(len(serves)):
            terms = [(on_floor[g, t], -1.0)]
            if (g, t) in away:
                terms.append((away[g, t], 1.0))
            for q in np.flatnonzero(serves[g] & (need.heads[t] > 0)).tolist():
                flow = program.variable(f"flow_{g}_{q}_{t}")
                terms.append((flow, 1.0))
                flows.setdefault(q, []).append((flow, 1.0))
            program.row(f"heads_{g}_{t}", terms, at_most=float(there[t, g]))
        for q in np.flatnonzero(need.heads[t] > 0).tolist():
            short = program.variable(
                f"short_{q}_{t}", cost=(prices.short + prices.surplus) * INTERVAL_H
            )
            shorts[q] = short
            program.row(
                f"need_{q}_{t}",
                [(short, 1.0), *flows.get(q, [])],
                at_least=float(need.heads[t, q]),
            )
        for c, whole, part in whole_heads(need.heads[t], cuts):
            groups = np.flatnonzero(touches[:, c]).tolist()
            on_queue = [(on_floor[g, t], part) for g in groups]
            on_queue += [(away[g, t], -part) for g in groups if (g, t) in away]
            lacking = [(shorts[q], 1.0) for q in np.flatnonzero(cuts[c]).tolist() if q in shorts]
            program.row(
                f"whole_{c}_{t}",
                lacking + on_queue,
                at_least=part * (whole - float(there[t, groups].sum())),
            )


def whole_heads(heads: Floats, cuts: Flags) -> list[tuple[int, float, float]]:
    """Sets of queues that need a part of a head: number of the cut, whole heads above it, part.

    Heads come whole. With h of them a need of n is short by max(0, n - h), which is at least
    part x (whole - h) for whole h, though not for fractions of h: rows that every roster keeps and
    the program without them does not (mixed-integer rounding). The same need is asked once, of the
    largest set that has it.
    """
    needs = cuts @ heads
    found: dict[float, int] = {}
    for c in np.argsort(cuts.sum(axis=1), kind="stable").tolist():
        found[round(float(needs[c]), 9)] = c
    rows = []
    for need, c in found.items():
        whole = float(np.ceil(need - NEARLY_WHOLE))
        part = 1.0 - (whole - need)
        if NEARLY_WHOLE < part < 1.0 - NEARLY_WHOLE:
            rows.append((c, whole, part))
    return rows


def _by(x: Columns, span: Span, number: Ints) -> dict[tuple[int, int], list[tuple[Any, float]]]:
    """The week's own shifts, those that start in it, by group and by `number` of the shift."""
    found: dict[tuple[int, int], list[tuple[Any, float]]] = {}
    for (g, s), variable in x.items():
        if span.a <= span.floor.shifts.day[s] < span.b:
            found.setdefault((g, int(number[s])), []).append((variable, 1.0))
    return found


def _add_capacity(program: Program, x: Columns, span: Span) -> None:
    """What the agents can work in the week, by day and by contract."""
    shifts = span.floor.shifts
    by_day = _by(x, span, shifts.day)
    by_template = _by(x, span, shifts.template)
    for g, pool in enumerate(span.floor.pools):
        for day in range(span.a, span.b):
            if (g, day) in by_day:
                program.row(f"day_{g}_{day}", by_day[g, day], at_most=float(pool.on_day[day]))
        offered = [k for k in range(len(shifts.templates)) if (g, k) in by_template]
        parts = add_contracts(program, span.floor, week=span.a, group=g, offered=offered)
        for k in offered:
            terms = [(part, -1.0) for part in parts[k]]
            program.row(f"of_{g}_{k}", by_template[g, k] + terms, equals=0.0)


def _add_weekend(program: Program, x: Columns, span: Span) -> None:
    """This week's equal part of the weekends that a group may work in the horizon."""
    days = [d for d in range(span.a, span.b) if span.floor.weekend[d]]
    if not days:
        return
    by_day = _by(x, span, span.floor.shifts.day)
    for g, pool in enumerate(span.floor.pools):
        working = program.variable(f"weekend_of_{g}")
        for day in days:
            terms = [*by_day.get((g, day), []), (working, -1.0)]
            program.row(f"weekend_{g}_{day}", terms, at_most=0.0)
        program.row(f"weekend_{g}", [(working, 1.0)], at_most=pool.weekends / span.weekends)
