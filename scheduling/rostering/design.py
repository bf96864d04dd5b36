"""A standing week of shifts: how many agents start which shift when, and where their breaks go.

First the linear program of the week (`weekprogram`) gives the bound of every such week; its running
sums, rounded, give a first whole week. Then integer programs improve it, each free among the shifts
of one stretch of the week that the bound finds worth while, and held everywhere else (fix and
optimise). What was found is never given up for worse, so a search that is cut short gives its best.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from operator import attrgetter

import numpy as np

from scheduling.rostering.need import INTERVAL_H, Floats, Ints
from scheduling.rostering.solver import Outcome, WorkLimits
from scheduling.rostering.weekprogram import Pattern, WeekProgram, WeekShifts
from wfm.progress import Progress, silent

# How far a whole number may be off in what a solver gives.
NEARLY = 1e-6
# Shifts known, whole breaks are found at the root or nearly there.
BREAK_NODES = 200


@dataclass(frozen=True)
class DesignLimits:
    """Work limits, which decide what a seed gives, and a wall limit for safety.

    window  intervals of shift starts that one integer program frees; each next one begins there
    passes  times around the week, every other one half a window later
    reach   agents by which a shift may leave what program and plan take
    dearer  shifts by so much of their cost dearer than the program's are left out
    nodes   of each integer program
    wall_s  of the whole search; the best week so far is kept
    """

    window: int = 96
    passes: int = 1
    reach: int = 1
    dearer: float = 0.003
    nodes: int = 20
    wall_s: float = 600.0


@dataclass(frozen=True)
class Design:
    """A week of shifts and how good it is.

    objective   cost of the shifts and of what they leave missing
    bound       no week of these patterns costs less
    short_h     agent-hours missing
    price       what one more agent on queue saves, money an hour: shape (intervals,)
    stopped_by  the limit that cut the search short; empty when its work was done
    """

    shifts: WeekShifts = field(repr=False)
    objective: float
    bound: float
    short_h: float
    price: Floats = field(repr=False)
    seconds: float
    stopped_by: str


def design_week(
    need: Ints,
    patterns: tuple[Pattern, ...],
    *,
    short: float,
    seed: int,
    start_every: int = 2,
    limits: DesignLimits | None = None,
    progress: Progress = silent,
) -> Design:
    """The cheapest week found of shifts that begin every `start_every` intervals.

    need   agents wanted on queue in each interval of the week, which goes around
    short  money for an agent missing for an hour

    RequestError where a pattern does not fit into the week or its breaks overlap.
    """
    began = time.perf_counter()
    limits = limits or DesignLimits()
    week = WeekProgram(need, patterns, start_every, short)
    progress(0.0, "the bound of the week")
    bound = week.program.solve(seed=seed, method="ipm", relaxed="all")
    free = {
        (p, start): bound.reduced[name] <= limits.dearer * patterns[p].cost
        for (p, start), name in week.names.items()
    }
    now = _with_breaks(week, _rounded(bound, week), seed=seed)
    stretches = [
        (first + (turn % 2) * limits.window // 2) % len(need)
        for turn in range(limits.passes)
        for first in range(0, len(need), limits.window)
    ]
    stopped = False
    for n, first in enumerate(stretches):
        left_s = limits.wall_s - (time.perf_counter() - began)
        stopped = stopped or left_s <= 0
        if stopped:
            break
        above = now.objective / max(bound.objective, NEARLY) - 1.0
        progress((n + 1) / (len(stretches) + 1), f"shifts of the week, {above:.2%} above the bound")
        found = week.program.solve(
            seed=seed,
            relaxed=week.begins.values(),
            start=now.values,
            held=_held(week, now, bound, free=free, first=first, limits=limits),
            limits=WorkLimits(nodes=limits.nodes, wall_s=left_s),
        )
        stopped = found.stopped_by_wall
        if found.objective < now.objective - NEARLY:
            taken = {name: round(found.values[name]) for name in week.names.values()}
            now = min(now, _with_breaks(week, taken, seed=seed), key=attrgetter("objective"))
    return Design(
        shifts=week.shifts(now.values),
        objective=now.objective,
        bound=bound.objective,
        short_h=_short_h(now, week),
        price=np.array([bound.duals[f"need_{t}"] for t in range(len(need))]) / INTERVAL_H,
        seconds=time.perf_counter() - began,
        stopped_by=f"the wall limit of {limits.wall_s:g} s" if stopped else "",
    )


def place_breaks(
    need: Ints,
    patterns: tuple[Pattern, ...],
    taken: Ints,
    *,
    short: float,
    seed: int,
) -> tuple[WeekShifts, float]:
    """Given shifts with their breaks where they are missed least, and the agent-hours missing.

    taken  agents who start each pattern in each interval of the week: shape (patterns, intervals)

    Other arguments and errors as in `design_week`.
    """
    week = WeekProgram(need, patterns, 1, short)
    agents = {name: int(taken[key]) for key, name in week.names.items()}
    found = _with_breaks(week, agents, seed=seed)
    return week.shifts(found.values), _short_h(found, week)


def _with_breaks(week: WeekProgram, taken: dict[str, int], *, seed: int) -> Outcome:
    """The best whole breaks of so many agents on each shift."""
    return week.program.solve(
        seed=seed,
        held={name: (agents, agents) for name, agents in taken.items()},
        limits=WorkLimits(nodes=BREAK_NODES),
    )


def _short_h(found: Outcome, week: WeekProgram) -> float:
    return sum(found.values[f"short_{t}"] for t in range(len(week.need))) * INTERVAL_H


def _held(
    week: WeekProgram,
    now: Outcome,
    bound: Outcome,
    *,
    free: dict[tuple[int, int], bool],
    first: int,
    limits: DesignLimits,
) -> dict[str, tuple[float, float]]:
    """Bounds of all whole variables when shifts that start in the window from `first` are free."""
    held = {}
    for (p, start), name in week.names.items():
        taken, wanted = round(now.values[name]), bound.values[name]
        lowest = highest = float(taken)
        if (start - first) % len(week.need) < limits.window and (free[p, start] or taken):
            lowest = max(0.0, float(np.floor(min(taken, wanted) + NEARLY)) - limits.reach)
            highest = float(np.ceil(max(taken, wanted) - NEARLY)) + limits.reach
        held[name] = (lowest, highest)
    reached = limits.window + max(p.length for p in week.patterns)
    for (_, t), name in week.begins.items():
        if (t - first) % len(week.need) >= reached:
            held[name] = (now.values[name], now.values[name])
    return held


def _rounded(bound: Outcome, week: WeekProgram) -> dict[str, int]:
    """Each pattern's agents in whole numbers: what its running sum, rounded, grows by."""
    found: dict[str, int] = {}
    for p in range(len(week.patterns)):
        names = [name for (q, _), name in week.names.items() if q == p]
        running = np.cumsum([bound.values[name] for name in names])
        steps = np.diff(np.floor(running + 0.5), prepend=0.0)
        found |= dict(zip(names, steps.astype(int).tolist(), strict=True))
    return found
