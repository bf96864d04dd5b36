"""The shift mix in whole numbers: rounding a fractional mix and repairing what rounding broke."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from scheduling.rostering.lines import head_values, put_on_queue, settle_breaks, shift_rewards
from scheduling.rostering.need import (
    INTERVAL_H,
    Flags,
    Floats,
    Ints,
    Need,
    Prices,
    cuts_of,
    shortfall_hours,
    touching,
)
from scheduling.rostering.shifts import Shifts, on_queue_hours
from wfm.people import Contract


@dataclass(frozen=True)
class Pool:
    """Agents of one merged skill group: what they may take and what their contracts allow.

    takers     agents who may take each shift
    on_day     agents who may take any shift of a day
    contracts  by (first day of week, contract name): shifts, paid intervals, wanted paid intervals
    weekends   weekends all of them together may work in the horizon
    """

    takers: Ints
    on_day: Ints
    contracts: dict[tuple[int, str], tuple[float, float, float]]
    weekends: float
    agents: int


@dataclass(frozen=True)
class Floor:
    """What a shift mix is made for: pools of agents, shifts, the need, and what is there already.

    serves  queues of each pool, shape (pools, queues)
    there   heads that are on queue anyway, shape (intervals, pools)
    """

    pools: list[Pool]
    shifts: Shifts
    serves: Flags
    need: Need
    there: Floats
    prices: Prices
    contracts: dict[str, Contract]


@dataclass(frozen=True)
class Units:
    """A mix agent by agent: pool and shift of each, and where its breaks are.

    breaks  intervals after the shift's start, shape (units, breaks)
    """

    pool: Ints
    shift: Ints
    breaks: Ints


@dataclass(frozen=True)
class Mix:
    """A whole mix: dated shifts wanted (day, template, start, group, agents) and its price."""

    table: pd.DataFrame = field(repr=False)
    units: Units = field(repr=False)
    objective: float
    short_h: float


def weeks_of(shifts: Shifts) -> list[tuple[int, int]]:
    """Calendar weeks of the horizon as [first day, last day + 1)."""
    firsts = [0, *(n for n in range(1, len(shifts.days)) if shifts.weekdays[n] == 0)]
    return list(zip(firsts, [*firsts[1:], len(shifts.days)], strict=True))


class Room:
    """What is left of the pools' capacity while a mix is built."""

    def __init__(self, pools: list[Pool], shifts: Shifts) -> None:
        self._shifts = shifts
        self._takers = [pool.takers.copy() for pool in pools]
        self._day = [pool.on_day.copy() for pool in pools]
        weeks = weeks_of(shifts)
        self._week_of = np.repeat(np.arange(len(weeks)), [b - a for a, b in weeks])
        left = np.zeros((2, len(pools), len(weeks)))
        for g, pool in enumerate(pools):
            for n, (first, _) in enumerate(weeks):
                for (week, _), (count, paid, _) in pool.contracts.items():
                    if week == first:
                        left[:, g, n] += (count, paid)
        self._shifts_left, self._paid_left = left

    def free(self, g: int) -> Flags:
        """Which shifts one more agent of the pool may take."""
        shifts = self._shifts
        week = self._week_of[shifts.day]
        return np.asarray(
            (self._takers[g] > 0)
            & (self._day[g][shifts.day] > 0)
            & (self._shifts_left[g][week] >= 1)
            & (self._paid_left[g][week] >= shifts.paid),
            dtype=np.bool_,
        )

    def take(self, g: int, s: int, agents: int) -> None:
        """Uses the room of one shift, or gives it back (agents = -1)."""
        day = self._shifts.day[s]
        week = self._week_of[day]
        self._takers[g][s] -= agents
        self._day[g][day] -= agents
        self._shifts_left[g, week] -= agents
        self._paid_left[g, week] -= agents * self._shifts.paid[s]


def round_mix(taken: dict[tuple[int, int], float], floor: Floor, *, seed: int, passes: int) -> Mix:
    """A whole mix near a fractional one: running sums rounded, then every shift may move or go.

    taken   agents by (pool, shift)
    passes  times that every shift may move

    Capacity of a day, of a week's shifts and hours and of who may take a shift is kept throughout.
    """
    bench = _Bench(floor)
    running: dict[tuple[int, int], float] = {}
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
    return bench.settled()


@dataclass
class _Unit:
    """One agent of a pool on one shift; shift -1 when it was dropped."""

    pool: int
    shift: int
    breaks: Ints


class _Bench:
    """A whole mix in the making; `deficits` always fits the units."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._cuts = cuts_of(floor.serves)
        self._touches = touching(floor.serves, self._cuts)
        need = floor.need.heads @ self._cuts.T.astype(np.float64)
        self.deficits = np.ascontiguousarray(need - floor.there @ self._touches.astype(np.float64))
        self.room = Room(floor.pools, floor.shifts)
        self.units: list[_Unit] = []
        shifts = floor.shifts
        self._costs = floor.prices.of_shift(shifts.paid * INTERVAL_H, shifts.inside)
        self._every = np.arange(len(shifts), dtype=np.int64)

    def _worth(self, g: int, options: Ints) -> tuple[Floats, Ints]:
        """What each shift is worth to the floor with one more agent of the pool, and its breaks."""
        shifts, prices = self._floor.shifts, self._floor.prices
        values = np.empty(shifts.intervals)
        short, surplus = prices.short * INTERVAL_H, prices.surplus * INTERVAL_H
        head_values(self.deficits, self._touches[g], short, surplus, values)
        rewards = np.empty(len(options))
        at = np.empty((len(options), shifts.breaks.shape[1]), dtype=np.int64)
        shift_rewards(
            values,
            options,
            shifts.start,
            shifts.length,
            shifts.template,
            shifts.breaks,
            self._costs[options],
            rewards,
            at,
        )
        return rewards, at

    def best(self, g: int) -> int:
        """The shift worth most that there is room for, -1 when none is worth its cost."""
        free = self.room.free(g)
        if not free.any():
            return -1
        worth = np.where(free, self._worth(g, self._every)[0], -np.inf)
        s = int(worth.argmax())
        return s if worth[s] > 1e-9 else -1

    def add(self, g: int, s: int) -> None:
        """Puts one more agent of the pool on the shift, breaks where they cost least."""
        _, at = self._worth(g, np.array([s], dtype=np.int64))
        self.units.append(_Unit(g, s, at[0]))
        self._put(self.units[-1], 1)

    def move(self, n: int) -> None:
        """Lets unit `n` take the shift that is worth most now, or drops it."""
        unit = self.units[n]
        self._put(unit, -1)
        unit.shift = self.best(unit.pool)
        if unit.shift >= 0:
            unit.breaks = self._worth(unit.pool, np.array([unit.shift], dtype=np.int64))[1][0]
            self._put(unit, 1)

    def _put(self, unit: _Unit, agents: int) -> None:
        shifts, s = self._floor.shifts, unit.shift
        put_on_queue(
            self.deficits,
            self._touches[unit.pool],
            shifts.start[s],
            shifts.length[s],
            shifts.breaks[shifts.template[s]],
            unit.breaks,
            float(agents),
        )
        self.room.take(unit.pool, s, agents)

    def settled(self) -> Mix:
        """The mix with its breaks where they are missed least, and its price."""
        shifts, prices = self._floor.shifts, self._floor.prices
        pool = np.array([u.pool for u in self.units], dtype=np.int64)
        shift = np.array([u.shift for u in self.units], dtype=np.int64)
        breaks = np.array([u.breaks for u in self.units], dtype=np.int64)
        breaks = breaks.reshape(len(shift), shifts.breaks.shape[1])
        settle_breaks(
            self.deficits,
            self._touches,
            pool,
            shift,
            shifts.start,
            shifts.length,
            shifts.template,
            shifts.breaks,
            breaks,
            prices.short,
        )
        short_h = shortfall_hours(self.deficits)
        heads_h = on_queue_hours(shifts, shift, breaks) + self._floor.there.sum() * INTERVAL_H
        surplus_h = heads_h - self._floor.need.heads.sum() * INTERVAL_H + short_h
        objective = self._costs[shift].sum() + prices.short * short_h + prices.surplus * surplus_h
        units = Units(pool, shift, breaks)
        return Mix(_mix_table(pool, shift, shifts), units, float(objective), short_h)


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
