"""Stage one: which shifts the floor needs, before anybody is named.

A linear program a calendar week, in flow form: agents of a skill group are an inventory that
shifts fill and empty, breaks are an inventory that windows release and deadlines close, and what
is on queue flows to the queues it can serve, so nobody is counted twice. The rows of capacity come
from the agents: how many may take a shift, work a day, the contract's days and hours of the week,
and weekends. A shift that passes the week's end covers in both weeks, and its pay is split.

Heads come whole, which the program is told by rows of its own (`whole_heads`).

The sum over the weeks bounds every roster from below: each row is one that every roster keeps, and
of what a roster pays only its wishes are left out. Breaks of all groups share one inventory for
each length and width of window (Bechtold and Jacobs), split freely over the groups' heads.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from scheduling.rostering.assign import Worker
from scheduling.rostering.mix import Floor, Pool, Units, round_mix, weeks_of
from scheduling.rostering.need import (
    INTERVAL_H,
    Flags,
    Floats,
    Ints,
    Need,
    Prices,
    SkillGroups,
    cuts_of,
    touching,
)
from scheduling.rostering.shifts import Shifts
from scheduling.rostering.solver import Method, Outcome, Program, WorkLimits
from wfm.people import Contract
from wfm.progress import Progress, silent

# A need this close to a whole number of heads is one.
NEARLY_WHOLE = 0.01
# Groups that share a queue are merged down to the first number, groups that share none to the
# second: on a pooled desk three give the bound that all give, in half the time.
FEW_GROUPS = 3
MAX_GROUPS = 5
SATURDAY = 5
WINDOW_OF_WEEKENDS = 4


@dataclass(frozen=True)
class CoverLimits:
    """Work limits of stage one.

    method  of the linear programs
    passes  of the repair that follows the rounding
    wall_s  safety, for each week's program
    """

    method: Method = "ipm"
    passes: int = 2
    wall_s: float = 120.0


@dataclass(frozen=True)
class Cover:
    """The shift mix and what the linear program knows.

    mix        dated shifts wanted: day, template, start (interval), group, agents
    units      the same agent by agent, with their breaks
    serves     queues that each group of the mix serves, shape (groups, queues)
    there      heads of each group that are on queue anyway, shape (intervals, groups)
    objective  of the whole mix, priced; contracts' minimums, which nobody has been given yet, and
               wishes are left out
    bound      of every roster: the linear program, minimums included
    short_h    agent-hours that the mix leaves missing
    head_price what one more head of each skill group is worth, money an hour, (intervals, groups)
    """

    mix: pd.DataFrame = field(repr=False)
    units: Units = field(repr=False)
    serves: Flags = field(repr=False)
    there: Floats = field(repr=False)
    objective: float
    bound: float
    short_h: float
    head_price: Floats = field(repr=False)
    seconds: float
    stopped_by_wall: bool


def merge_groups(groups: SkillGroups, few: int = FEW_GROUPS, most: int = MAX_GROUPS) -> Ints:
    """Merged group of each skill group: the most alike are joined until there are `few` or less.

    Groups without a common queue are joined only while there are more than `most`.

    A merged group serves what any of its members serves, which only loosens the program.
    """
    merged = {
        n: (frozenset(np.flatnonzero(row).tolist()), [n]) for n, row in enumerate(groups.serves)
    }
    while len(merged) > few:
        pairs = [(a, b) for a in merged for b in merged if a < b]

        def unlike(pair: tuple[int, int]) -> tuple[float, int, int]:
            one, two = merged[pair[0]][0], merged[pair[1]][0]
            return (1 - len(one & two) / max(1, len(one | two)), *pair)

        a, b = min(pairs, key=unlike)
        if len(merged) <= most and not merged[a][0] & merged[b][0]:
            break
        merged[a] = (merged[a][0] | merged[b][0], merged[a][1] + merged[b][1])
        del merged[b]
    of = np.zeros(len(groups.serves), dtype=np.int64)
    for number, (_, members) in enumerate(merged.values()):
        of[members] = number
    return of


def pools_of(workers: list[Worker], shifts: Shifts, merged: Ints) -> list[Pool]:
    """One pool for each merged group."""
    pools = []
    weekends = sum(1 for a, b in weeks_of(shifts) if (shifts.weekdays[a:b] >= SATURDAY).any())
    for number in range(int(merged.max(initial=-1)) + 1):
        mine = [w for w in workers if merged[w.group] == number]
        takers = np.zeros(len(shifts), dtype=np.int64)
        on_day = np.zeros(len(shifts.days), dtype=np.int64)
        contracts: dict[tuple[int, str], tuple[float, float, float]] = {}
        allowed = 0.0
        for worker in mine:
            takers[worker.options] += 1
            able = np.diff(worker.first) > 0
            on_day += able
            windows = -(-weekends // WINDOW_OF_WEEKENDS)
            allowed += min(weekends, windows * int(worker.max_weekends.max(initial=0)))
            for a, b in weeks_of(shifts):
                held = [worker.agent.contract_on(d) for d in shifts.days[a:b]]
                name = "+".join(dict.fromkeys(h for h in held if h))
                paid = int(worker.max_paid[a:b].max(initial=0))
                least = shifts.paid[worker.options[worker.first[a] : worker.first[b]]].min(
                    initial=10**6
                )
                count = min(int(worker.max_days[a:b].max(initial=0)), int(able[a:b].sum()))
                count = min(count, paid // int(least))
                before = worker.past.week[1] if a == 0 else 0
                wanted = max(0.0, worker.wanted[a:b].sum() - before)
                old = contracts.get((a, name), (0.0, 0.0, 0.0))
                contracts[a, name] = (old[0] + count, old[1] + paid, old[2] + wanted)
        pools.append(Pool(takers, on_day, contracts, allowed, len(mine)))
    return pools


@dataclass(frozen=True)
class _Week:
    """What one week's program gave: values by (group, shift), prices, its cost and slope."""

    taken: dict[tuple[int, int], float]
    head_price: Floats
    outcome: Outcome
    weekend_price: Floats


def make_cover(
    workers: list[Worker],
    shifts: Shifts,
    groups: SkillGroups,
    *,
    need: Need,
    given: Floats,
    contracts: dict[str, Contract],
    prices: Prices,
    seed: int,
    limits: CoverLimits,
    progress: Progress = silent,
) -> Cover:
    """The shift mix that costs least, its bound, and the price of a head in every interval.

    given  heads per interval and skill group that are there already
    """
    began = time.perf_counter()
    merged = merge_groups(groups)
    pools = pools_of(workers, shifts, merged)
    serves = np.zeros((len(pools), len(need.queues)), dtype=np.bool_)
    there = np.zeros((shifts.intervals, len(pools)))
    for group, number in enumerate(merged):
        serves[number] |= groups.serves[group]
        there[:, number] += given[:, group]

    weeks = weeks_of(shifts)
    weekend_weeks = [
        n for n, (a, b) in enumerate(weeks) if (shifts.weekdays[a:b] >= SATURDAY).any()
    ]
    floor = Floor(pools, shifts, serves, need, there, prices, contracts)
    solved: list[_Week] = []
    for n, (a, b) in enumerate(weeks):
        progress(n / (len(weeks) + 1), f"shift mix, week {n + 1} of {len(weeks)}")
        span = _Span(floor, a, b, len(weekend_weeks))
        solved.append(_solve_week(span, seed=seed, limits=limits))
    progress(len(weeks) / (len(weeks) + 1), "rounding the shift mix")
    constant = prices.surplus * INTERVAL_H * (given.sum() - need.heads.sum())
    bound = constant + sum(w.outcome.objective for w in solved)
    bound += _weekend_slack(
        pools, [solved[n].weekend_price for n in weekend_weeks], len(weekend_weeks)
    )
    prices_by_pool = np.concatenate([w.head_price for w in solved])
    taken = {key: value for w in solved for key, value in w.taken.items()}
    mixed = round_mix(taken, floor, seed=seed, passes=limits.passes)
    return Cover(
        mix=mixed.table,
        units=mixed.units,
        serves=serves,
        there=there,
        objective=mixed.objective,
        bound=bound,
        short_h=mixed.short_h,
        head_price=prices_by_pool[:, merged],
        seconds=time.perf_counter() - began,
        stopped_by_wall=any(w.outcome.stopped_by_wall for w in solved),
    )


def _weekend_slack(pools: list[Pool], slopes: list[Floats], weekends: int) -> float:
    """The least that moving weekend work between the weeks can change the sum of their costs.

    Each week was priced with an equal part of the weekends allowed. A week's cost is convex in its
    part, so its price (0 or below) bounds what any other part gives.
    """
    change = 0.0
    for number, pool in enumerate(pools):
        if not weekends:
            break
        part = pool.weekends / weekends
        left = pool.weekends
        for slope in sorted(float(s[number]) for s in slopes):
            moved_to = min(left, float(pool.agents))
            left -= moved_to
            change += min(slope, 0.0) * (moved_to - part)
    return min(0.0, change)


@dataclass(frozen=True)
class _Span:
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


def _solve_week(span: _Span, *, seed: int, limits: CoverLimits) -> _Week:
    shifts, t0 = span.floor.shifts, span.t0
    program = Program(f"shift_mix_{span.a}")
    x = _shift_variables(program, span)
    on_floor = _add_presence(program, x, span)
    away = _add_breaks(program, x, span)
    _add_cover(program, on_floor, away, span)
    _add_capacity(program, x, span)
    _add_weekend(program, x, span)
    outcome = program.solve(
        seed=seed,
        method=limits.method,
        crossover=False,
        limits=WorkLimits(wall_s=limits.wall_s),
    )
    values = outcome.values  # noqa: PD011 - a dictionary, not a frame
    own = {(g, s): values[f"x_{g}_{s}"] for (g, s) in x if t0 <= shifts.start[s]}
    price = _head_price(outcome, span)
    pools = range(len(span.floor.pools))
    slopes = np.array([outcome.duals.get(f"weekend_{g}", 0.0) for g in pools])
    return _Week(own, price, outcome, slopes)


def _head_price(outcome: Outcome, span: _Span) -> Floats:
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


def _shift_variables(program: Program, span: _Span) -> Columns:
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
            w[2] for w in _windows_inside(span, s)
        )
        cost = pay - prices.surplus * float(left_out) * INTERVAL_H
        for g, pool in enumerate(span.floor.pools):
            if pool.takers[s] > 0:
                x[g, s] = program.variable(f"x_{g}_{s}", cost=cost, upper=float(pool.takers[s]))
    return x


def _windows_inside(span: _Span, s: int) -> list[tuple[int, int, int]]:
    """First start, last start (intervals) and length of a shift's breaks wholly in the week."""
    shifts = span.floor.shifts
    start = int(shifts.start[s])
    return [
        (start + earliest, start + latest, length)
        for earliest, latest, length in shifts.breaks[shifts.template[s]].tolist()
        if length and start + earliest >= span.t0 and start + latest + length <= span.t1
    ]


def _add_presence(program: Program, x: Columns, span: _Span) -> Columns:
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


def _add_breaks(program: Program, x: Columns, span: _Span) -> Columns:
    """Heads of each group on a break.

    For each length and width of window: waiting = released - taken, ahead = taken - due, both at
    least 0. With windows of one width, first come first served places every break in its window.
    A break whose window is not wholly inside the week is left to the other week's share.
    """
    t0, t1 = span.t0, span.t1
    pools = range(len(span.floor.pools))
    surplus = span.floor.prices.surplus * INTERVAL_H
    released: dict[tuple[tuple[int, int], int], list[tuple[Any, float]]] = {}
    due: dict[tuple[tuple[int, int], int], list[tuple[Any, float]]] = {}
    owed: dict[int, list[tuple[Any, float]]] = {g: [] for g in pools}
    for (g, s), variable in x.items():
        total = 0
        for opens, closes, length in _windows_inside(span, s):
            kind = (length, closes - opens)
            released.setdefault((kind, opens), []).append((variable, 1.0))
            due.setdefault((kind, closes), []).append((variable, 1.0))
            total += length
        if total:
            owed[g].append((variable, -float(total)))
    kinds = sorted({kind for kind, _ in released})
    begun: dict[tuple[tuple[int, int], int], Any] = {}
    for k, kind in enumerate(kinds):
        waiting = ahead = None
        for t in range(t0, t1):
            begin = program.variable(f"begin_{k}_{t}")
            begun[kind, t] = begin
            still = program.variable(f"waiting_{k}_{t}")
            terms = [(still, 1.0), (begin, 1.0)]
            terms += [(v, -w) for v, w in released.get((kind, t), [])]
            terms += [(waiting, -1.0)] if waiting is not None else []
            program.row(f"released_{k}_{t}", terms, equals=0.0)
            early = program.variable(f"ahead_{k}_{t}")
            terms = [(early, 1.0), (begin, -1.0), *due.get((kind, t), [])]
            terms += [(ahead, -1.0)] if ahead is not None else []
            program.row(f"due_{k}_{t}", terms, equals=0.0)
            waiting, ahead = still, early
    away: Columns = {}
    for t in range(t0, t1):
        terms = [
            (begun[kind, q], -1.0) for kind in kinds for q in range(max(t0, t - kind[0] + 1), t + 1)
        ]
        if not terms:
            continue
        for g in pools:
            away[g, t] = program.variable(f"away_{g}_{t}", cost=-surplus)
            terms.append((away[g, t], 1.0))
        program.row(f"away_{t}", terms, equals=0.0)
    if kinds:
        for g in pools:
            mine = [(away[g, t], 1.0) for t in range(t0, t1)]
            program.row(f"breaks_of_{g}", mine + owed[g], equals=0.0)
    return away


def _add_cover(program: Program, on_floor: Columns, away: Columns, span: _Span) -> None:
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


def _by(x: Columns, span: _Span, number: Ints) -> dict[tuple[int, int], list[tuple[Any, float]]]:
    """The week's own shifts, those that start in it, by group and by `number` of the shift."""
    found: dict[tuple[int, int], list[tuple[Any, float]]] = {}
    for (g, s), variable in x.items():
        if span.a <= span.floor.shifts.day[s] < span.b:
            found.setdefault((g, int(number[s])), []).append((variable, 1.0))
    return found


def _add_capacity(program: Program, x: Columns, span: _Span) -> None:
    """What the agents can work in the week, by day and by contract."""
    shifts = span.floor.shifts
    by_day = _by(x, span, shifts.day)
    by_template = _by(x, span, shifts.template)
    for g, pool in enumerate(span.floor.pools):
        for day in range(span.a, span.b):
            if (g, day) in by_day:
                program.row(f"day_{g}_{day}", by_day[g, day], at_most=float(pool.on_day[day]))
        offered = [k for k in range(len(shifts.templates)) if (g, k) in by_template]
        parts = _add_contracts(program, span, g, offered)
        for k in offered:
            terms = [(part, -1.0) for part in parts[k]]
            program.row(f"of_{g}_{k}", by_template[g, k] + terms, equals=0.0)


def _add_contracts(
    program: Program, span: _Span, g: int, offered: list[int]
) -> dict[int, list[Any]]:
    """Each contract's part of a group's shifts by template, within its week's days and hours."""
    floor, shifts = span.floor, span.floor.shifts
    paid = {int(k): float(p) for k, p in zip(shifts.template, shifts.paid, strict=True)}
    price = floor.prices.below_minimum * INTERVAL_H
    parts: dict[int, list[Any]] = {k: [] for k in offered}
    for n, ((week, held), (count, hours, wanted)) in enumerate(floor.pools[g].contracts.items()):
        if week != span.a:
            continue
        allowed = {t for c in held.split("+") if c for t in floor.contracts[c].templates}
        mine = [
            (k, program.variable(f"part_{g}_{n}_{k}"))
            for k in offered
            if shifts.templates[k].name in allowed
        ]
        for k, part in mine:
            parts[k].append(part)
        worked = [(part, paid[k]) for k, part in mine]
        program.row(f"shifts_{g}_{n}", [(part, 1.0) for _, part in mine], at_most=count)
        program.row(f"paid_{g}_{n}", worked, at_most=hours)
        if wanted > 0:
            below = program.variable(f"below_{g}_{n}", cost=price)
            program.row(f"minimum_{g}_{n}", [(below, 1.0), *worked], at_least=wanted)
    return parts


def _add_weekend(program: Program, x: Columns, span: _Span) -> None:
    """This week's equal part of the weekends that a group may work in the horizon."""
    weekdays = span.floor.shifts.weekdays
    days = [d for d in range(span.a, span.b) if weekdays[d] >= SATURDAY]
    if not days:
        return
    by_day = _by(x, span, span.floor.shifts.day)
    for g, pool in enumerate(span.floor.pools):
        working = program.variable(f"weekend_of_{g}")
        for day in days:
            terms = [*by_day.get((g, day), []), (working, -1.0)]
            program.row(f"weekend_{g}_{day}", terms, at_most=0.0)
        program.row(f"weekend_{g}", [(working, 1.0)], at_most=pool.weekends / span.weekends)
