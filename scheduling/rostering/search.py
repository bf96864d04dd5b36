"""Search over placed shifts: moved, dropped, added, judged by the model of `queueing.closure`.

A shift is a choice: an entry of a table that says which intervals it is on queue and what it costs.
Annealing over the choices taken within a budget; only the intervals that a move can reach are
computed again. The number of moves decides what a seed gives.
"""

# ruff: noqa: PLR0912, PLR0915, PLR0917 - compiled code takes arrays one by one and calls little

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.compiled import compiled
from scheduling.queueing.closure import HALF, MINUTES, advance, in_time
from scheduling.queueing.erlang import Floats, Wholes
from scheduling.simulation.draws import uniform

# The model's state is as it was when it differs by less than this, cases and their square.
SAME = 1e-3
# Shares of the moves; the rest adds a shift.
NEAR, ANYWHERE, DROP = 0.70, 0.15, 0.05
# Share that one interval may lack for a move to be taken with ease in the beginning.
HEAT = 0.05
NOTHING = 1e-9


@dataclass(frozen=True)
class Desk:
    """What the search believes of the floor, per interval.

    arrivals     messages a minute
    rate         messages a minute that one head answers
    present      heads that a head on the roster is worth, shrinkage taken off
    touch_min    equally likely values of the first touch, minutes
    threshold_min  of the promise
    cyclic       the horizon follows on itself
    """

    arrivals: Floats
    rate: Floats
    present: float
    touch_min: Floats
    threshold_min: float
    cyclic: bool = False


@dataclass(frozen=True)
class Choices:
    """The shifts that can be taken.

    cells, first  intervals on queue of choice k: cells[first[k]:first[k + 1]]
    cost          of each
    near, near_first  choices that k can be moved to: near[near_first[k]:near_first[k + 1]]
    pool          of each: shifts of a pool cover what the pool can serve
    anywhere      whether any choice may stand for any other; otherwise only near ones may
    """

    cells: Wholes
    first: Wholes
    cost: Floats
    near: Wholes
    near_first: Wholes
    pool: Wholes
    anywhere: bool = True

    def heads(self, taken: Wholes, intervals: int, pools: int) -> Wholes:
        """Heads on queue of the choices taken, shape (intervals, pools)."""
        heads = np.zeros((intervals, pools), dtype=np.int64)
        for k in taken.tolist():
            np.add.at(heads[:, self.pool[k]], self.cells[self.first[k] : self.first[k + 1]], 1)
        return heads


@compiled
def _run(
    begin: int,
    least: int,
    arrivals: Floats,
    heads: Floats,
    rate: Floats,
    touch_min: Floats,
    threshold_min: float,
    cyclic: bool,
    means: Floats,
    variances: Floats,
    new_means: Floats,
    new_variances: Floats,
    new_attained: Floats,
) -> int:
    """Computes intervals from `begin` on, `least` of them and until nothing differs any more.

    Gives how many were computed; the new values stand at the same places as the old ones.
    """
    horizon = heads.size
    mean, variance = means[begin], variances[begin]
    done = 0
    while done < horizon:
        i = begin + done
        if i >= horizon:
            if not cyclic:
                break
            i -= horizon
        if done >= least and abs(mean - means[i]) < SAME and abs(variance - variances[i]) < SAME:
            break
        new_means[i], new_variances[i] = mean, variance
        mean, variance = advance(mean, variance, arrivals[i], heads[i], rate[i], HALF)
        new_attained[i] = in_time(
            mean, variance, i, HALF, heads, rate, touch_min, threshold_min, cyclic
        )
        mean, variance = advance(mean, variance, arrivals[i], heads[i], rate[i], MINUTES - HALF)
        done += 1
    return done


@compiled
def attained_by(
    arrivals: Floats,
    heads: Floats,
    rate: Floats,
    touch_min: Floats,
    threshold_min: float,
    cyclic: bool,
    means: Floats,
    variances: Floats,
    attained: Floats,
) -> None:
    """Fills the state at each interval's start, and what is attained of its arrivals."""
    means[0], variances[0] = 0.0, 1.0
    old = np.full(heads.size, -1.0)
    for _ in range(2 if cyclic else 1):
        _run(
            0, heads.size, arrivals, heads, rate, touch_min, threshold_min, cyclic,
            means, variances, old, variances, attained,
        )  # fmt: skip
        means[:] = old
        if cyclic:
            last = heads.size - 1
            means[0], variances[0] = advance(
                means[last], variances[last], arrivals[last], heads[last], rate[last], MINUTES
            )


@compiled
def _put(
    choice: int,
    sign: float,
    cells: Wholes,
    first: Wholes,
    pool: Wholes,
    touches: NDArray[np.bool_],
    present: float,
    heads: Floats,
    spare: Floats,
) -> None:
    """Puts a choice on the heads (sign 1.0), or takes it off (-1.0)."""
    for c in range(first[choice], first[choice + 1]):
        heads[cells[c]] += sign * present
        for cut in range(spare.shape[1]):
            if touches[pool[choice], cut]:
                spare[cells[c], cut] += sign


@compiled
def _undercuts(
    choice: int,
    cells: Wholes,
    first: Wholes,
    pool: Wholes,
    touches: NDArray[np.bool_],
    spare: Floats,
    before: Floats,
) -> bool:
    """Whether a floor that the choice helped to hold is lower than it was, and is broken."""
    for c in range(first[choice], first[choice + 1]):
        for cut in range(spare.shape[1]):
            now = spare[cells[c], cut]
            lower = now < before[cells[c], cut] - NOTHING
            if touches[pool[choice], cut] and lower and now < -NOTHING:
                return True
    return False


@compiled
def _reach(
    old: int, new: int, back: int, cells: Wholes, first: Wholes, horizon: int, cyclic: bool
) -> tuple[int, int]:
    """First interval that the move can change, and how many there are at least."""
    begin, end = horizon, -1
    for choice in (old, new):
        if choice >= 0:
            for c in range(first[choice], first[choice + 1]):
                begin, end = min(begin, cells[c]), max(end, cells[c])
    start, least = begin - back, end - begin + back + 1
    if start < 0:
        if cyclic:
            return start + horizon, least
        return 0, end + 1
    return start, least


@compiled
def anneal(
    taken: Wholes,
    count: int,
    cells: Wholes,
    first: Wholes,
    cost: Floats,
    near: Wholes,
    near_first: Wholes,
    pool: Wholes,
    touches: NDArray[np.bool_],
    spare: Floats,
    heads: Floats,
    arrivals: Floats,
    rate: Floats,
    present: float,
    touch_min: Floats,
    threshold_min: float,
    cyclic: bool,
    anywhere: bool,
    target: Floats,
    budget: float,
    moves: int,
    key: np.uint64,
    best: Wholes,
) -> tuple[int, float]:
    """Looks for choices within the budget that lack nothing; fills `best` with those lacking least.

    taken, best  choices, the first `count` of them; room for more behind
    touches      whether a pool can serve any of a cut, (pools, cuts)
    spare        heads that each cut has above its floor, (intervals, cuts): no move breaks a floor,
                 or breaks it further
    heads        who answer, (intervals); with `spare` they follow `taken`
    anywhere     whether shifts may be added, and moved to where no near choice is
    target       share that the model must attain in each interval

    Gives how many choices `best` holds, and the shares its intervals lack, added up. Where the
    choices taken cost more than the budget, those whose absence is felt least go first.
    """
    horizon, most = heads.size, taken.size
    back = math.ceil(threshold_min / MINUTES) + 1
    means, variances, attained = np.empty(horizon), np.empty(horizon), np.empty(horizon)
    attained_by(arrivals, heads, rate, touch_min, threshold_min, cyclic, means, variances, attained)
    new_means, new_variances, new_attained = means.copy(), variances.copy(), attained.copy()
    before = spare.copy()
    spent, lacking = 0.0, 0.0
    for k in range(count):
        spent += cost[taken[k]]
    for i in range(horizon):
        lacking += max(0.0, target[i] - attained[i])
    best_count, best_lacking = -1, np.inf

    move, place = 0, 0
    least_felt, goes = np.inf, -1
    while True:
        pruning = spent > budget + NOTHING
        if not pruning:
            if lacking < best_lacking - NOTHING:
                best_count, best_lacking = count, lacking
                best[:count] = taken[:count]
            if move == moves or best_lacking <= NOTHING:
                break
        old, new = -1, -1
        if pruning:
            # Every choice is tried once, then the one that is missed least for its cost goes.
            if place == count:
                if goes < 0:
                    break
                place, forced = goes, True
            else:
                forced = False
            old = taken[place]
        else:
            n, forced = 4 * move, False
            kind = uniform(key, n) * (1.0 if anywhere else NEAR)
            move += 1
            if kind < NEAR + ANYWHERE + DROP:
                if count == 0:
                    continue
                place = int(uniform(key, n + 1) * count)
                old = taken[place]
                if kind < NEAR:
                    a, b = near_first[old], near_first[old + 1]
                    if a == b:
                        continue
                    new = near[a + int(uniform(key, n + 2) * (b - a))]
                elif kind < NEAR + ANYWHERE:
                    new = int(uniform(key, n + 2) * cost.size)
            elif count < most:
                new = int(uniform(key, n + 2) * cost.size)
            if new == old:
                continue
        dearer = (cost[new] if new >= 0 else 0.0) - (cost[old] if old >= 0 else 0.0)
        if not pruning and dearer > 0.0 and spent + dearer > budget + NOTHING:
            continue

        if new >= 0:
            _put(new, 1.0, cells, first, pool, touches, present, heads, spare)
        if old >= 0:
            _put(old, -1.0, cells, first, pool, touches, present, heads, spare)
        accepted, change, done, start = False, 0.0, 0, 0
        if old < 0 or not _undercuts(old, cells, first, pool, touches, spare, before):
            start, least = _reach(old, new, back, cells, first, horizon, cyclic)
            done = _run(
                start, least, arrivals, heads, rate, touch_min, threshold_min, cyclic,
                means, variances, new_means, new_variances, new_attained,
            )  # fmt: skip
            for step in range(done):
                i = (start + step) % horizon
                change += max(0.0, target[i] - new_attained[i])
                change -= max(0.0, target[i] - attained[i])
            if pruning:
                felt = change / cost[old]
                if not forced and felt < least_felt:
                    least_felt, goes = felt, place
                accepted = forced
            else:
                cooled = 1.0 - move / (moves + 1)
                temperature = HEAT * cooled * cooled
                accepted = change <= 0.0 or uniform(key, n + 3) < math.exp(-change / temperature)
        if not accepted:
            if new >= 0:
                _put(new, -1.0, cells, first, pool, touches, present, heads, spare)
            if old >= 0:
                _put(old, 1.0, cells, first, pool, touches, present, heads, spare)
            place += pruning
            continue
        for step in range(done):
            i = (start + step) % horizon
            means[i], variances[i] = new_means[i], new_variances[i]
            attained[i] = new_attained[i]
        for choice in (old, new):
            if choice >= 0:
                for c in range(first[choice], first[choice + 1]):
                    before[cells[c]] = spare[cells[c]]
        lacking += change
        spent += dearer
        if old < 0:
            taken[count] = new
            count += 1
        elif new < 0:
            count -= 1
            taken[place] = taken[count]
        else:
            taken[place] = new
        if pruning:
            place, least_felt, goes = 0, np.inf, -1
    return best_count, best_lacking
