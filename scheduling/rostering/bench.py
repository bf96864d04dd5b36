"""A shift mix agent by agent, in the making: what it lacks, and what a shift would be worth."""

from __future__ import annotations

from collections import Counter
from copy import copy
from dataclasses import dataclass

import numpy as np

from scheduling.rostering.capacity import Floor, Room
from scheduling.rostering.heads import head_worth, put_on_queue, settle_breaks, shift_rewards
from scheduling.rostering.need import (
    INTERVAL_H,
    Flags,
    Floats,
    Ints,
    cuts_of,
    shortfall_hours,
    touching,
)
from scheduling.rostering.shifts import on_queue_hours


@dataclass(frozen=True)
class Units:
    """A mix agent by agent: pool and shift of each, and where its breaks are.

    breaks  intervals after the shift's start, shape (units, breaks)
    """

    pool: Ints
    shift: Ints
    breaks: Ints


@dataclass
class Unit:
    """One agent of a pool on one shift; shift -1 when it was dropped."""

    pool: int
    shift: int
    breaks: Ints


class Bench:
    """A whole mix in the making; `deficits` always fits the units.

    room      what one shift more of each pool is worth to its contracts, shape (pools, shifts)
    deficits  what each cut lacks, shape (intervals, cuts)
    touches   whether a pool serves any queue of a cut, shape (pools, cuts)
    costs     of each shift
    """

    def __init__(self, floor: Floor, room: Floats) -> None:
        self._floor = floor
        self._cuts = cuts_of(floor.serves)
        self.touches = touching(floor.serves, self._cuts)
        need = floor.need.heads @ self._cuts.T.astype(np.float64)
        self.deficits = np.ascontiguousarray(need - floor.there @ self.touches.astype(np.float64))
        self.room = Room(floor)
        self.units: list[Unit] = []
        shifts = floor.shifts
        self.costs = floor.prices.of_shift(shifts.paid * INTERVAL_H, shifts.inside)
        self._led = np.tile(self.costs, (len(floor.pools), 1)) - room
        self._every = np.arange(len(shifts), dtype=np.int64)
        prices = floor.prices
        # One layer: an interval lacks what its most lacking cut does.
        self._layer = np.zeros(len(self._cuts), dtype=np.int64)
        self._surplus = np.full(shifts.intervals, prices.surplus * INTERVAL_H)
        self._short = np.full((shifts.intervals, 1), (prices.short + prices.surplus) * INTERVAL_H)

    def _worth(self, g: int, options: Ints) -> tuple[Floats, Ints]:
        """What each shift is worth to the floor with one more agent of the pool, and its breaks."""
        shifts = self._floor.shifts
        values = np.empty(shifts.intervals)
        head_worth(self.deficits, self.touches[g], self._layer, self._short, self._surplus, values)
        rewards = np.empty(len(options))
        at = np.empty((len(options), shifts.breaks.shape[1]), dtype=np.int64)
        shift_rewards(
            values,
            options,
            shifts.start,
            shifts.length,
            shifts.template,
            shifts.breaks,
            self._led[g, options],
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
        self.units.append(Unit(g, s, at[0]))
        self._put(self.units[-1], 1)

    def move(self, n: int) -> None:
        """Lets unit `n` take the shift that is worth most now, or drops it."""
        unit = self.units[n]
        self._put(unit, -1)
        unit.shift = self.best(unit.pool)
        if unit.shift >= 0:
            unit.breaks = self._worth(unit.pool, np.array([unit.shift], dtype=np.int64))[1][0]
            self._put(unit, 1)

    def _put(self, unit: Unit, agents: int) -> None:
        shifts, s = self._floor.shifts, unit.shift
        put_on_queue(
            self.deficits,
            self.touches[unit.pool],
            shifts.start[s],
            shifts.length[s],
            shifts.breaks[shifts.template[s]],
            unit.breaks,
            float(agents),
        )
        self.room.take(unit.pool, s, agents)

    def copy(self) -> Bench:
        """The same mix on a bench of its own."""
        other = copy(self)
        other.become(self)
        return other

    def become(self, other: Bench) -> None:
        """Lays out what the other bench has; both stay apart."""
        self.deficits = other.deficits.copy()
        self.room = other.room.copy()
        self.units = [Unit(u.pool, u.shift, u.breaks.copy()) for u in other.units]

    def take_out(self, shifts: Flags) -> Counter[tuple[int, int]]:
        """Takes all units of some shifts off the floor; gives how many, by pool and shift."""
        gone = [unit for unit in self.units if shifts[unit.shift]]
        for unit in gone:
            self._put(unit, -1)
        self.units = [unit for unit in self.units if not shifts[unit.shift]]
        return Counter((unit.pool, unit.shift) for unit in gone)

    def settle(self) -> None:
        """Moves every break to where it is missed least."""
        shifts = self._floor.shifts
        units = self.laid_out()
        settle_breaks(
            self.deficits,
            self.touches,
            units.pool,
            units.shift,
            shifts.start,
            shifts.length,
            shifts.template,
            shifts.breaks,
            units.breaks,
            self._floor.prices.short,
        )
        for unit, at in zip(self.units, units.breaks, strict=True):
            unit.breaks = at

    def laid_out(self) -> Units:
        """The units as arrays."""
        breaks = np.array([u.breaks for u in self.units], dtype=np.int64)
        return Units(
            pool=np.array([u.pool for u in self.units], dtype=np.int64),
            shift=np.array([u.shift for u in self.units], dtype=np.int64),
            breaks=breaks.reshape(len(self.units), self._floor.shifts.breaks.shape[1]),
        )

    def cost(self) -> float:
        """Paid hours, what is missing and what is too much; contracts left out."""
        floor, prices, units = self._floor, self._floor.prices, self.laid_out()
        short_h = shortfall_hours(self.deficits)
        heads_h = on_queue_hours(floor.shifts, units.shift, units.breaks)
        surplus_h = heads_h + (floor.there.sum() - floor.need.heads.sum()) * INTERVAL_H + short_h
        paid = float(self.costs[units.shift].sum())
        return float(paid + prices.short * short_h + prices.surplus * surplus_h)
