"""What the agents can give to a shift mix: skill groups merged into pools, and their room."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np

from scheduling.rostering.need import Flags, Floats, Ints, Need, Prices, SkillGroups
from scheduling.rostering.shifts import Shifts
from scheduling.rostering.workers import Worker
from wfm.people import Contract

# Groups that share a queue are merged down to the first number, groups that share none to the
# second: on a pooled desk three give the bound that all give, in half the time.
FEW_GROUPS = 3
MAX_GROUPS = 5
WINDOW_OF_WEEKENDS = 4


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

    serves   queues of each pool, shape (pools, queues)
    there    heads that are on queue anyway, shape (intervals, pools)
    weekend  whether each day is one of a weekend
    """

    pools: list[Pool]
    shifts: Shifts
    serves: Flags
    need: Need
    there: Floats
    prices: Prices
    contracts: dict[str, Contract]
    weekend: Flags


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


def pools_of(workers: list[Worker], shifts: Shifts, merged: Ints, weekend: Flags) -> list[Pool]:
    """One pool for each merged group."""
    pools = []
    weekends = sum(1 for a, b in weeks_of(shifts) if weekend[a:b].any())
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


def weeks_of(shifts: Shifts) -> list[tuple[int, int]]:
    """Calendar weeks of the horizon as [first day, last day + 1)."""
    firsts = [0, *(n for n in range(1, len(shifts.days)) if shifts.weekdays[n] == 0)]
    return list(zip(firsts, [*firsts[1:], len(shifts.days)], strict=True))


class Room:
    """What is left of the pools' capacity while a mix is built.

    Whose shift it is nobody knows yet: of every set of templates that matters, the shifts and hours
    of all contracts that may take any of it are an upper limit.
    """

    def __init__(self, floor: Floor) -> None:
        shifts, pools = floor.shifts, floor.pools
        self._shifts = shifts
        self._takers = [pool.takers.copy() for pool in pools]
        self._day = [pool.on_day.copy() for pool in pools]
        weeks = weeks_of(shifts)
        self._week_of = np.repeat(np.arange(len(weeks)), [b - a for a, b in weeks])
        names = [t.name for t in shifts.templates]

        def templates_of(held: str) -> Flags:
            own = {t for c in held.split("+") if c for t in floor.contracts[c].templates}
            return np.array([name in own for name in names], dtype=np.bool_)

        taken_by = {held: templates_of(held) for pool in pools for _, held in pool.contracts}
        sets = [np.ones(len(names), dtype=np.bool_), *np.eye(len(names), dtype=np.bool_)]
        sets += [chosen for own in taken_by.values() for chosen in (own, ~own)]
        self._sets = np.unique(np.array(sets, dtype=np.bool_), axis=0)
        left = np.zeros((2, len(pools), len(weeks), len(self._sets)))
        week_from = {first: n for n, (first, _) in enumerate(weeks)}
        for g, pool in enumerate(pools):
            for (first, held), (count, paid, _) in pool.contracts.items():
                meets = (self._sets & taken_by[held]).any(axis=1)
                left[0, g, week_from[first], meets] += count
                left[1, g, week_from[first], meets] += paid
        self._shifts_left, self._paid_left = left

    def free(self, g: int) -> Flags:
        """Which shifts one more agent of the pool may take."""
        shifts = self._shifts
        at = (self._week_of[shifts.day], shifts.template)

        def least(left: Floats) -> Floats:
            kept = np.where(self._sets, left[:, :, None], np.inf)
            return np.asarray(kept.min(axis=1)[at])

        return np.asarray(
            (self._takers[g] > 0)
            & (self._day[g][shifts.day] > 0)
            & (least(self._shifts_left[g]) >= 1)
            & (least(self._paid_left[g]) >= shifts.paid),
            dtype=np.bool_,
        )

    def most(self, g: int) -> Ints:
        """How many more agents of the pool may take each shift, other shifts of its day none."""
        return np.maximum(0, np.minimum(self._takers[g], self._day[g][self._shifts.day]))

    def on_day(self, g: int) -> Ints:
        """How many more agents of the pool may work on each day."""
        return np.maximum(0, self._day[g])

    def copy(self) -> Room:
        """Room that is used up on its own."""
        other = copy(self)
        other._takers = [takers.copy() for takers in self._takers]
        other._day = [day.copy() for day in self._day]
        other._shifts_left, other._paid_left = self._shifts_left.copy(), self._paid_left.copy()
        return other

    def take(self, g: int, s: int, agents: int) -> None:
        """Uses the room of one shift, or gives it back (agents = -1)."""
        day = self._shifts.day[s]
        week = self._week_of[day]
        self._takers[g][s] -= agents
        self._day[g][day] -= agents
        hit = self._sets[:, self._shifts.template[s]]
        self._shifts_left[g, week, hit] -= agents
        self._paid_left[g, week, hit] -= agents * self._shifts.paid[s]
