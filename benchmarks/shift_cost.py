"""Table shifts of benchmarks.staffing: what shifts cost over the requirement.

Shifts start every half hour and pass midnight into the same day again. Of 8 hours with half an hour
of break in the middle; or of 4, 6 and 8 hours, with a quarter, a quarter and half an hour. Breaks
are paid. The bound is a linear program that no roster on these shifts can beat which leaves no case
for later than the interval after its own (`bound_h`).

- erlang_c, lagged_mol  the fewest paid hours that cover the requirement in every interval
- ours                  those of lagged_mol, then `rostering.saving`

All are simulated on the same fresh days.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from benchmarks import reference_day as day
from scheduling.queueing.erlang import Floats, Wholes, touch_points
from scheduling.rostering.saving import SavingLimits, save_shifts
from scheduling.rostering.search import Choices, Desk
from scheduling.rostering.solver import Program, WorkLimits

# Length of a shift, hours -> break in its middle, intervals.
SHIFTS: dict[str, dict[int, int]] = {"8 h": {8: 2}, "4/6/8 h": {4: 1, 6: 1, 8: 2}}
START_EVERY = 2
# Shifts within so many starts of each other stand for one another in the search.
NEAR = 4
# Longest window of arrivals in the bound: past it, only all of the day's work adds anything.
WINDOW = 40
NODES, NODES_QUICK = 4000, 200
# What the search must attain in every interval of the days it is made on.
TRAINED_SHARE = 0.906
LIMITS = SavingLimits(rounds=40, moves=1500, step=0.012, tries=4)
LIMITS_QUICK = SavingLimits(rounds=12, moves=300, step=0.03)
BAD_BELOW = 0.895


@dataclass(frozen=True)
class Patterns:
    """Shifts of the repeating day: who is on queue, (shifts, 96), and paid hours, (shifts,)."""

    on_queue: Wholes
    paid: Floats
    length: Wholes
    start: Wholes


@cache
def patterns(kind: str) -> Patterns:
    """Every shift of SHIFTS[kind] at every start."""
    on_queue, lengths, starts = [], [], []
    for hours, pause in SHIFTS[kind].items():
        intervals = 4 * hours
        shape = np.zeros(day.INTERVALS, dtype=np.int64)
        shape[:intervals] = 1
        shape[(intervals - pause) // 2 : (intervals + pause) // 2] = 0
        for start in range(0, day.INTERVALS, START_EVERY):
            on_queue.append(np.roll(shape, start))
            lengths.append(hours)
            starts.append(start)
    return Patterns(
        np.array(on_queue), np.array(lengths, float), np.array(lengths), np.array(starts)
    )


def choices(kind: str) -> Choices:
    """The shifts as the search knows them: near are those that start or end at nearly the same."""
    known = patterns(kind)
    reach = NEAR * START_EVERY
    nears = []
    for k in range(len(known.paid)):
        begins = (known.start - known.start[k] + reach) % day.INTERVALS
        ends = (begins + 4 * (known.length - known.length[k])) % day.INTERVALS
        near = (begins <= 2 * reach) | (ends <= 2 * reach)
        near[k] = False
        nears.append(np.flatnonzero(near))
    cells = [np.flatnonzero(row) for row in known.on_queue]
    return Choices(
        cells=np.concatenate(cells),
        first=np.cumsum([0, *map(len, cells)]),
        cost=known.paid,
        near=np.concatenate(nears),
        near_first=np.cumsum([0, *map(len, nears)]),
        pool=np.zeros(len(cells), dtype=np.int64),
    )


def covering(kind: str, wanted: Wholes, *, nodes: int) -> Wholes:
    """Shifts, an entry each, that cover so many agents everywhere, at the least hours found."""
    known = patterns(kind)
    program = Program("cover")
    taken = [
        program.variable(f"x_{k}", cost=float(paid), whole=True)
        for k, paid in enumerate(known.paid)
    ]
    for i, agents in enumerate(wanted.tolist()):
        there = [(taken[k], 1.0) for k in np.flatnonzero(known.on_queue[:, i]).tolist()]
        program.row(f"need_{i}", there, at_least=float(agents))
    found = program.solve(limits=WorkLimits(nodes=nodes)).values
    return np.repeat(np.arange(len(taken)), [round(found[f"x_{k}"]) for k in range(len(taken))])


@cache
def bound_h(kind: str, scale: float) -> float:
    """Paid hours that no shifts of the kind can do without, fluid.

    The promised share of the work of every window of arrivals is done by the end of the interval
    after it, all of the day's work within the day, and somebody is there at all times.
    """
    known, share = patterns(kind), day.GOAL.share
    work = day.workload(scale)
    program = Program("bound")
    taken = [program.variable(f"x_{k}", cost=float(paid)) for k, paid in enumerate(known.paid)]

    def at_least(name: str, intervals: Wholes, hours: float) -> None:
        worked = known.on_queue[:, intervals].sum(axis=1)
        terms = [(taken[k], float(worked[k])) for k in np.flatnonzero(worked).tolist()]
        program.row(name, terms, at_least=hours)

    for first in range(day.INTERVALS):
        at_least(f"there_{first}", np.array([first]), 1.0)
        for length in range(1, WINDOW + 1):
            window = np.arange(first, first + length + 1) % day.INTERVALS
            at_least(f"window_{first}_{length}", window, share * float(work[window[:-1]].sum()))
    at_least("all", np.arange(day.INTERVALS), float(work.sum()))
    return program.solve().objective


def saved(kind: str, scale: float, taken: Wholes, *, days: int, seed: int, quick: bool) -> Wholes:
    """Cheaper shifts than `taken` that keep the promise on simulated days."""
    trial = day.one_answer_days(scale, replications=days, seed=seed)
    judge = day.judge_on(trial)
    desk = Desk(
        arrivals=day.contacts(scale) / 15.0,
        rate=np.full(day.INTERVALS, 60.0 / day.MEAN_S),
        present=1.0,
        touch_min=touch_points(day.TOUCH, 4) / 60.0,
        threshold_min=day.GOAL.threshold_s / 60.0,
        cyclic=True,
    )
    return save_shifts(
        taken,
        choices(kind),
        desk,
        lambda heads: judge(heads[:, 0]) - TRAINED_SHARE,
        touches=np.ones((1, 1), dtype=np.bool_),
        floor=np.ones((day.INTERVALS, 1)),
        given=np.zeros((day.INTERVALS, 1), dtype=np.int64),
        share=TRAINED_SHARE,
        seed=seed,
        limits=LIMITS_QUICK if quick else LIMITS,
    ).taken


def rows_of(
    kind: str,
    needs: dict[str, Wholes],
    *,
    scale: float,
    train: tuple[int, int],
    fresh: tuple[int, int],
    quick: bool,
) -> list[dict[str, Any]]:
    """A row a method; needs by method, and (replications, seed) to train on and to judge on."""
    nodes = NODES_QUICK if quick else NODES
    rosters = {method: covering(kind, agents, nodes=nodes) for method, agents in needs.items()}
    days, seed = train
    rosters["ours"] = saved(kind, scale, rosters["lagged_mol"], days=days, seed=seed, quick=quick)
    known, bound = patterns(kind), bound_h(kind, scale)
    trial = day.one_answer_days(scale, replications=fresh[0], seed=fresh[1])
    found = []
    for method, taken in rosters.items():
        attained = day.judge_on(trial)(known.on_queue[taken].sum(axis=0))
        paid = float(known.paid[taken].sum())
        found.append(
            {
                "shifts": kind,
                "method": method,
                "paid_hours": paid,
                "bound": round(bound, 1),
                "over_bound": round(paid / bound, 4),
                "worst_interval": round(float(attained.min()), 4),
                "bad_intervals": int((attained < BAD_BELOW).sum()),
                "replications": fresh[0],
            }
        )
    return found
