"""A whole shift mix made better: integer programs, each free on a few days, held elsewhere.

The units that start on those days leave the floor; a program finds the shifts, in whole agents,
that cure best what is lacking then, within what days, weeks and contracts have left. Breaks are
spread over their windows in it; the units that come back place theirs anew, where they are missed
least. What turns out no cheaper is undone, so a search that is cut short keeps its best.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from scheduling.rostering.bench import Bench
from scheduling.rostering.capacity import Floor, weeks_of
from scheduling.rostering.contractrows import add_taken, contracts_cost
from scheduling.rostering.mixprogram import WeekMix
from scheduling.rostering.need import INTERVAL_H, Floats
from scheduling.rostering.shifts import Shifts
from scheduling.rostering.solver import Program, WorkLimits
from wfm.progress import Progress, silent

# What a cheaper mix is cheaper by, at least.
CHEAPER = 1e-6

Key = tuple[int, int]
Terms = list[tuple[Any, float]]


@dataclass(frozen=True)
class RefineLimits:
    """Work limits of the refinement, which decide what a seed gives, and a wall limit for safety.

    days    days that one program frees; the next one begins there
    passes  times through the horizon, every other one half as many days later; 0: no refinement
    least   agents that the week's program gives a shift which a program may take
    gap     of each program, relative: closer to its bound it need not come
    nodes   of each program
    wall_s  of all of them
    """

    days: int = 1
    passes: int = 1
    least: float = 0.2
    gap: float = 0.02
    nodes: int = 1
    wall_s: float = 120.0


def refine(
    bench: Bench,
    floor: Floor,
    weeks: list[WeekMix],
    *,
    seed: int,
    limits: RefineLimits,
    progress: Progress = silent,
) -> str:
    """Makes the mix on the bench cheaper; gives the limit that cut it short, or an empty text."""
    began = time.perf_counter()
    days, shifts = len(floor.shifts.days), floor.shifts
    worth = {key for week in weeks for key, agents in week.taken.items() if agents >= limits.least}
    firsts = [
        first
        for turn in range(limits.passes)
        for first in range(-(turn % 2) * (limits.days // 2), days, limits.days)
    ]
    for n, first in enumerate(firsts):
        left_s = limits.wall_s - (time.perf_counter() - began)
        if left_s <= 0:
            return f"the wall limit of {limits.wall_s:g} s for refining the shift mix"
        progress(n / len(firsts), "refining the shift mix")
        on_days = (shifts.day >= first) & (shifts.day < first + limits.days)
        before = bench.copy()
        now = bench.take_out(on_days)
        free = sorted(key for key in worth | set(now) if on_days[key[1]])
        wanted = _cheapest(bench, floor, free, now, seed=seed, limits=limits, wall_s=left_s)
        for (g, s), agents in wanted.items():
            for _ in range(agents):
                bench.add(g, s)
        bench.settle()
        if cost_of(bench, floor) > cost_of(before, floor) - CHEAPER:
            bench.become(before)
    return ""


def cost_of(bench: Bench, floor: Floor) -> float:
    """Of a mix as it lies on the bench, its contracts' part with it."""
    return bench.cost() + contracts_cost(bench.laid_out(), floor)


def _cheapest(
    bench: Bench,
    floor: Floor,
    free: list[Key],
    now: Counter[Key],
    *,
    seed: int,
    limits: RefineLimits,
    wall_s: float,
) -> dict[Key, int]:
    """Agents by (pool, shift) among the `free` ones that cost least, beginning with `now`."""
    if not free:
        return {}
    shifts = floor.shifts
    program = Program("days")
    surplus = floor.prices.surplus * INTERVAL_H
    x = {
        (g, s): program.variable(
            f"x_{g}_{s}",
            cost=float(bench.costs[s]) + surplus * float(presence(shifts, s).sum()),
            upper=float(bench.room.most(g)[s]),
            whole=True,
        )
        for g, s in free
    }
    _add_need(program, bench, floor, x)
    _add_room(program, bench, floor, x)
    found = program.solve(
        seed=seed,
        gap=limits.gap,
        start={f"x_{g}_{s}": float(now[g, s]) for g, s in free},
        limits=WorkLimits(nodes=limits.nodes, wall_s=wall_s),
    )
    agents = {(g, s): round(found.values[f"x_{g}_{s}"]) for g, s in free}
    return {key: n for key, n in agents.items() if n}


def _add_need(program: Program, bench: Bench, floor: Floor, x: dict[Key, Any]) -> None:
    """What is lacking is bought dearly; of cuts that the same pools touch, the neediest decides."""
    price = (floor.prices.short + floor.prices.surplus) * INTERVAL_H
    alike: dict[tuple[bool, ...], list[int]] = {}
    for cut, touched in enumerate(bench.touches.T.tolist()):
        alike.setdefault(tuple(touched), []).append(cut)
    helping: dict[int, list[tuple[int, Any, float]]] = {}
    for (g, s), agents in x.items():
        start = int(floor.shifts.start[s])
        for t, there in enumerate(presence(floor.shifts, s).tolist(), start):
            helping.setdefault(t, []).append((g, agents, there))
    for t, heads in helping.items():
        lacks = {pools: float(bench.deficits[t, cuts].max()) for pools, cuts in alike.items()}
        lacks = {pools: most for pools, most in lacks.items() if most > 0.0}
        if not lacks:
            continue
        lacking = program.variable(f"short_{t}", cost=price)
        for row, (pools, most) in enumerate(lacks.items()):
            of_pools: Terms = [(agents, there) for g, agents, there in heads if pools[g]]
            program.row(f"need_{t}_{row}", [(lacking, 1.0), *of_pools], at_least=most)


def presence(shifts: Shifts, s: int) -> Floats:
    """Chance that an agent on the shift is on queue, by interval: breaks anywhere in their windows.

    Ends with the horizon.
    """
    there = np.ones(int(shifts.length[s]))
    for earliest, latest, length in shifts.breaks[shifts.template[s]].tolist():
        places = latest - earliest + 1
        for place in range(earliest, latest + 1):
            there[place : place + length] -= 1.0 / places
    return there[: shifts.intervals - int(shifts.start[s])]


def _add_room(program: Program, bench: Bench, floor: Floor, x: dict[Key, Any]) -> None:
    """What the days have left, and what the contracts of their weeks have."""
    shifts, units = floor.shifts, bench.laid_out()
    by_day: dict[Key, Terms] = {}
    for (g, s), agents in x.items():
        by_day.setdefault((g, int(shifts.day[s])), []).append((agents, 1.0))
    for (g, day), terms in by_day.items():
        left = float(bench.room.on_day(g)[day])
        program.row(f"day_{g}_{day}", terms, at_most=left)
    day_of, template_of = shifts.day[units.shift], shifts.template[units.shift]
    for a, b in weeks_of(shifts):
        for g in sorted({g for g, _ in x}):
            free: dict[int, Terms] = {}
            for (h, s), agents in x.items():
                if h == g and a <= shifts.day[s] < b:
                    free.setdefault(int(shifts.template[s]), []).append((agents, 1.0))
            if free:
                others = template_of[(units.pool == g) & (day_of >= a) & (day_of < b)]
                taken = Counter(others.tolist())
                add_taken(program, floor, week=a, group=g, taken=taken, free=free)
