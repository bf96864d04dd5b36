"""Stage one: which shifts the floor needs, before anybody is named.

A linear program a calendar week (`mixprogram`); then whole agents near it (`mix`).

The sum over the weeks bounds every roster from below: each row is one that every roster keeps, and
of what a roster pays only its wishes are left out. Breaks of all groups share one inventory for
each length and width of window (Bechtold and Jacobs), split freely over the groups' heads.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from scheduling.rostering.bench import Units
from scheduling.rostering.capacity import Floor, Pool, merge_groups, pools_of, weeks_of
from scheduling.rostering.mix import round_mix
from scheduling.rostering.mixprogram import Span, WeekMix, solve_week
from scheduling.rostering.need import INTERVAL_H, Flags, Floats, Ints, Need, Prices, SkillGroups
from scheduling.rostering.refine import RefineLimits
from scheduling.rostering.shifts import Shifts
from scheduling.rostering.solver import Method
from scheduling.rostering.workers import Worker
from wfm.people import Contract
from wfm.progress import Progress, part, silent

# A roster is led by the program's prices, not by the mix: that is refined where it is wanted.
NO_REFINEMENT = RefineLimits(passes=0)


@dataclass(frozen=True)
class CoverLimits:
    """Work limits of stage one.

    method  of the linear programs
    passes  of the repair that follows the rounding
    refine  of the integer programs that follow the repair
    wall_s  safety, for each week's program
    """

    method: Method = "ipm"
    passes: int = 2
    refine: RefineLimits = NO_REFINEMENT
    wall_s: float = 120.0


@dataclass(frozen=True)
class Cover:
    """The shift mix and what the linear program knows.

    mix        dated shifts wanted: day, template, start (interval), group, agents
    units      the same agent by agent, with their breaks
    serves     queues that each group of the mix serves, shape (groups, queues)
    there      heads of each group that are on queue anyway, shape (intervals, groups)
    pool_of    group of the mix that each skill group belongs to
    objective  of the whole mix, priced; wishes, which nobody has been given yet, are left out
    bound      of every roster and of every mix: the linear program
    short_h    agent-hours that the mix leaves missing
    head_price what one more head of each skill group is worth, money an hour, (intervals, groups)
    stopped_by the limit that cut the work short; empty when it was done
    """

    mix: pd.DataFrame = field(repr=False)
    units: Units = field(repr=False)
    serves: Flags = field(repr=False)
    there: Floats = field(repr=False)
    pool_of: Ints = field(repr=False)
    objective: float
    bound: float
    short_h: float
    head_price: Floats = field(repr=False)
    seconds: float
    stopped_by: str

    @property
    def stopped_by_wall(self) -> bool:
        """Whether a wall limit cut the work short: the same seed may give another mix."""
        return bool(self.stopped_by)


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
    weekend: tuple[int, ...] = (5, 6),
    progress: Progress = silent,
) -> Cover:
    """The shift mix that costs least, its bound, and the price of a head in every interval.

    given    heads per interval and skill group that are there already
    weekend  weekdays of a weekend, 0 is Monday
    """
    began = time.perf_counter()
    merged = merge_groups(groups)
    weekend_days = np.isin(shifts.weekdays, weekend)
    pools = pools_of(workers, shifts, merged, weekend_days)
    serves = np.zeros((len(pools), len(need.queues)), dtype=np.bool_)
    there = np.zeros((shifts.intervals, len(pools)))
    for group, number in enumerate(merged):
        serves[number] |= groups.serves[group]
        there[:, number] += given[:, group]

    weeks = weeks_of(shifts)
    weekend_weeks = [n for n, (a, b) in enumerate(weeks) if weekend_days[a:b].any()]
    floor = Floor(pools, shifts, serves, need, there, prices, contracts, weekend_days)
    solved: list[WeekMix] = []
    for n, (a, b) in enumerate(weeks):
        progress(n / (len(weeks) + 1), f"shift mix, week {n + 1} of {len(weeks)}")
        span = Span(floor, a, b, len(weekend_weeks))
        solved.append(solve_week(span, seed=seed, method=limits.method, wall_s=limits.wall_s))
    progress(len(weeks) / (len(weeks) + 1), "rounding the shift mix")
    constant = prices.surplus * INTERVAL_H * (given.sum() - need.heads.sum())
    bound = constant + sum(w.cost for w in solved)
    bound += _weekend_slack(
        pools, [solved[n].weekend_price for n in weekend_weeks], len(weekend_weeks)
    )
    prices_by_pool = np.concatenate([w.head_price for w in solved])
    mixed = round_mix(
        solved,
        floor,
        seed=seed,
        passes=limits.passes,
        refining=limits.refine,
        progress=part(progress, len(weeks) / (len(weeks) + 1), 1.0),
    )
    limits_hit = [*(week.stopped_by for week in solved), mixed.stopped_by]
    return Cover(
        mix=mixed.table,
        units=mixed.units,
        serves=serves,
        there=there,
        pool_of=merged,
        objective=mixed.objective,
        bound=bound,
        short_h=mixed.short_h,
        head_price=prices_by_pool[:, merged],
        seconds=time.perf_counter() - began,
        stopped_by="; ".join(dict.fromkeys(limit for limit in limits_hit if limit)),
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
