"""The shift mix in whole numbers: a fractional mix rounded, repaired and refined."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from scheduling.rostering.bench import Bench, Units
from scheduling.rostering.capacity import Floor, weeks_of
from scheduling.rostering.mixprogram import WeekMix
from scheduling.rostering.need import Floats, Ints, shortfall_hours
from scheduling.rostering.refine import RefineLimits, cost_of, refine
from scheduling.rostering.shifts import Shifts
from wfm.progress import Progress, silent


@dataclass(frozen=True)
class Mix:
    """A whole mix: dated shifts wanted (day, template, start, group, agents) and its price."""

    table: pd.DataFrame = field(repr=False)
    units: Units = field(repr=False)
    objective: float
    short_h: float
    stopped_by: str


def round_mix(
    weeks: list[WeekMix],
    floor: Floor,
    *,
    seed: int,
    passes: int,
    refining: RefineLimits,
    progress: Progress = silent,
) -> Mix:
    """A whole mix near a fractional one: running sums rounded, every shift moved, days refined.

    weeks   what the program of each week gave
    passes  times that every shift may move, or go, before the days are refined

    Capacity of a day, of a week's shifts and hours and of who may take a shift is kept throughout.
    """
    bench = Bench(floor, _room(weeks, floor))
    running: dict[tuple[int, int], float] = {}
    taken = {key: value for week in weeks for key, value in week.taken.items()}
    for (g, s), value in sorted(taken.items(), key=lambda item: item[0]):
        key = (g, int(floor.shifts.template[s]))
        before = running.get(key, 0.0)
        running[key] = before + value
        for _ in range(int(np.floor(running[key] + 0.5) - np.floor(before + 0.5))):
            if bench.room.free(g)[s]:
                bench.add(g, s)
    rng = np.random.default_rng(seed)
    for _ in range(passes):
        for n in rng.permutation(len(bench.units)).tolist():
            bench.move(n)
        bench.units = [unit for unit in bench.units if unit.shift >= 0]
        for g in range(len(floor.pools)):
            while (s := bench.best(g)) >= 0:
                bench.add(g, s)
    bench.settle()
    stopped_by = refine(bench, floor, weeks, seed=seed, limits=refining, progress=progress)
    units = bench.laid_out()
    return Mix(
        table=_mix_table(units.pool, units.shift, floor.shifts),
        units=units,
        objective=cost_of(bench, floor),
        short_h=shortfall_hours(bench.deficits),
        stopped_by=stopped_by,
    )


def _room(weeks: list[WeekMix], floor: Floor) -> Floats:
    shifts = floor.shifts
    room = np.zeros((len(floor.pools), len(shifts)))
    for (a, b), week in zip(weeks_of(shifts), weeks, strict=True):
        inside = (shifts.day >= a) & (shifts.day < b)
        for (g, k), worth in week.room.items():
            room[g, inside & (shifts.template == k)] = worth
    return room


def _mix_table(group: Ints, shift: Ints, shifts: Shifts) -> pd.DataFrame:
    wanted = pd.DataFrame({"group": group, "shift": shift})
    counted = wanted.value_counts(sort=False).sort_index().rename("agents").reset_index()
    s = counted["shift"].to_numpy()
    return pd.DataFrame(
        {
            "day": [shifts.days[n] for n in shifts.day[s]],
            "template": pd.Series(
                [shifts.templates[n].name for n in shifts.template[s]], dtype="str"
            ),
            "start": shifts.start[s],
            "group": counted["group"].to_numpy(),
            "agents": counted["agents"].to_numpy(),
        }
    )
