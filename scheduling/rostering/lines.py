"""The best line of work of one agent, compiled: dynamic programming over the days of a horizon.

A line is a sequence of shifts and days off. What one more head on queue is worth in each interval
is given; from it follow what each shift is worth with its breaks at their cheapest, and the line
that is worth most under the contract's rules. Exact for one agent, given everybody else.

State after a day: run of days worked, days and hours worked this week, rest still owed to the next
day's start, weekends worked of the last four. Method: resource-constrained shortest path.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scheduling.compiled import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

REST_STEP = 4  # intervals in one class of rest owed: rest is rounded up to the hour
REST_CLASSES = 48
WEEKENDS = 16  # three past weekends as bits, and whether this one is worked
SHORTEST_DAY = 92
NOTHING = -1e18


@compiled
def head_values(
    deficits: Floats, touches: Flags, short: float, surplus: float, values: Floats
) -> None:
    """Writes what one more head of a group is worth in each interval: money an interval.

    deficits  what each cut lacks, shape (intervals, cuts)
    touches   whether the group serves any queue of each cut
    short, surplus  prices of one head for one interval
    """
    for t in range(deficits.shape[0]):
        before = 0.0
        after = 0.0
        for c in range(deficits.shape[1]):
            lacks = deficits[t, c]
            before = max(before, lacks)
            after = max(after, lacks - 1.0 if touches[c] else lacks)
        values[t] = (short + surplus) * (before - after) - surplus


@compiled
def put_on_queue(  # noqa: PLR0917 - compiled code takes its arrays one by one
    deficits: Floats,
    touches: Flags,
    start: int,
    length: int,
    windows: Ints,
    at: Ints,
    heads: float,
) -> None:
    """Adds `heads` (or takes them off, below 0) during a shift, its breaks left out."""
    intervals = deficits.shape[0]
    for t in range(start, min(start + length, intervals)):
        on = True
        for b in range(windows.shape[0]):
            if windows[b, 2] > 0 and at[b] <= t - start < at[b] + windows[b, 2]:
                on = False
        if on:
            for c in range(deficits.shape[1]):
                if touches[c]:
                    deficits[t, c] -= heads


@compiled
def place_breaks(prefix: Floats, start: int, windows: Ints, at: Ints) -> float:
    """Writes where each break costs least, in order, and returns what they cost together.

    prefix  sums of the values before each interval; flat after its end
    """
    last = prefix.shape[0] - 1
    free_from = 0
    cost = 0.0
    for b in range(windows.shape[0]):
        length = windows[b, 2]
        at[b] = -1
        if length == 0:
            continue
        least = 1e18
        for p in range(max(windows[b, 0], free_from), windows[b, 1] + 1):
            a = min(start + p, last)
            z = min(start + p + length, last)
            lost = prefix[z] - prefix[a]
            if lost < least - 1e-9:
                least = lost
                at[b] = p
        free_from = at[b] + length
        cost += least
    return cost


@compiled
def shift_rewards(  # noqa: PLR0917
    values: Floats,
    options: Ints,
    start: Ints,
    length: Ints,
    template: Ints,
    breaks: Ints,
    costs: Floats,
    rewards: Floats,
    at: Ints,
) -> None:
    """Writes what each option is worth, its cost taken off, and where its breaks go.

    options  positions of the agent's shifts; costs, rewards and `at` have one entry an option
    """
    intervals = values.shape[0]
    prefix = np.zeros(intervals + 1)
    for t in range(intervals):
        prefix[t + 1] = prefix[t] + values[t]
    for o in range(options.shape[0]):
        s = options[o]
        end = min(start[s] + length[s], intervals)
        gain = prefix[end] - prefix[start[s]]
        lost = place_breaks(prefix, start[s], breaks[template[s]], at[o])
        rewards[o] = gain - lost - costs[o]


@compiled
def _weekends_worked(bits: int) -> int:
    return (bits & 1) + ((bits >> 1) & 1) + ((bits >> 2) & 1)


@compiled
def best_line(  # noqa: PLR0912, PLR0915, PLR0917 - one loop over states, kept whole
    first: Ints,
    opens: Ints,
    owes: Ints,
    kind: Ints,
    kinds: int,
    rewards: Floats,
    weekdays: Ints,
    max_run: Ints,
    max_days: Ints,
    max_paid: Ints,
    max_weekends: Ints,
    week_days: Ints,
    week_paid: Ints,
    week_after: Ints,
    wanted: Floats,
    below_minimum: float,
    initial: Ints,
    line: Ints,
) -> float:
    """Writes the option taken each day (-1: off) and returns what the best line is worth.

    first     options of day d are first[d] to first[d + 1]
    opens     latest class of rest owed under which an option may start
    owes      class of rest an option leaves to the next day
    kind      class of paid length, of `kinds`
    max_run, max_days, max_paid, max_weekends  limits of the contract on each day
    week_days, week_paid, week_after  the states of a week: days and paid intervals so far, and the
              state after a shift of each kind (-1: never allowed)
    wanted    paid intervals wanted in the week that ends on this day, else 0
    initial   run, state of the week, rest owed, weekend bits, this weekend's flag
    """
    days = weekdays.shape[0]
    states = week_days.shape[0]
    runs = max(max_run.max(), initial[0]) + 1
    size = runs * states * REST_CLASSES * WEEKENDS
    now = np.full(size, NOTHING)
    then = np.full(size, NOTHING)
    active = np.empty(size, dtype=np.int64)
    next_active = np.empty(size, dtype=np.int64)
    before = np.empty((days, size), dtype=np.int32)
    taken = np.empty((days, size), dtype=np.int32)
    best = np.empty((kinds, REST_CLASSES, REST_CLASSES))
    best_option = np.empty((kinds, REST_CLASSES, REST_CLASSES), dtype=np.int64)
    highest = np.zeros(kinds, dtype=np.int64)
    earlier_day = SHORTEST_DAY // REST_STEP

    weekend = initial[3] * 2 + initial[4]
    origin = ((initial[0] * states + initial[1]) * REST_CLASSES + initial[2]) * WEEKENDS + weekend
    now[origin] = 0.0
    active[0] = origin
    count = 1
    for d in range(days):
        # Best option by kind, rest owed before it and rest owed after it.
        for k in range(kinds):
            highest[k] = -1
        best[:] = NOTHING
        for o in range(first[d], first[d + 1]):
            k = kind[o]
            highest[k] = max(highest[k], owes[o])
            if rewards[o] > best[k, opens[o], owes[o]]:
                best[k, opens[o], owes[o]] = rewards[o]
                best_option[k, opens[o], owes[o]] = o
        for k in range(kinds):
            for a in range(REST_CLASSES - 2, -1, -1):
                for e in range(highest[k] + 1):
                    if best[k, a + 1, e] > best[k, a, e]:
                        best[k, a, e] = best[k, a + 1, e]
                        best_option[k, a, e] = best_option[k, a + 1, e]
            # Owing more rest must be worth something.
            for a in range(REST_CLASSES):
                top = NOTHING
                for e in range(highest[k] + 1):
                    if best[k, a, e] <= top:
                        best[k, a, e] = NOTHING
                    else:
                        top = best[k, a, e]
        is_weekend = weekdays[d] >= 5
        new_week = d > 0 and weekdays[d] == 0
        next_count = 0
        for i in range(count):
            state = active[i]
            value = now[state]
            now[state] = NOTHING
            bits = state % WEEKENDS
            rest = state // WEEKENDS % REST_CLASSES
            week = state // (WEEKENDS * REST_CLASSES) % states
            run = state // (WEEKENDS * REST_CLASSES * states)
            if new_week:
                week = 0
                bits = (bits & 7) << 1
            for k in range(-1, kinds):
                if k < 0:
                    week2, run2, bits2, top_rest = week, 0, bits, 0
                else:
                    week2 = week_after[week, k]
                    if (
                        week2 < 0
                        or run >= max_run[d]
                        or week_days[week2] > max_days[d]
                        or week_paid[week2] > max_paid[d]
                    ):
                        continue
                    run2 = run + 1
                    bits2 = bits
                    if is_weekend:
                        if bits & 1 == 0 and _weekends_worked(bits >> 1) >= max_weekends[d]:
                            continue
                        bits2 = bits | 1
                    top_rest = highest[k]
                for e in range(top_rest + 1):
                    if k < 0:
                        rest2 = max(0, rest - earlier_day)
                        worth = value
                        option = -1
                    else:
                        if best[k, rest, e] == NOTHING:
                            continue
                        rest2 = e
                        worth = value + best[k, rest, e]
                        option = best_option[k, rest, e]
                    if wanted[d] > 0.0:
                        worth -= below_minimum * max(0.0, wanted[d] - week_paid[week2])
                    target = ((run2 * states + week2) * REST_CLASSES + rest2) * WEEKENDS + bits2
                    if then[target] == NOTHING:
                        next_active[next_count] = target
                        next_count += 1
                    if worth > then[target]:
                        then[target] = worth
                        before[d, target] = state
                        taken[d, target] = option
        now, then = then, now
        active, next_active = next_active, active
        count = next_count
    state = active[0]
    for i in range(1, count):
        if now[active[i]] > now[state]:
            state = active[i]
    worth = now[state]
    for d in range(days - 1, -1, -1):
        line[d] = taken[d, state]
        state = before[d, state]
    return float(worth)


def week_states(kinds: Ints, max_days: int, max_paid: int, base: tuple[int, int]) -> Any:
    """All (days, paid intervals) a week can hold, from nothing and from `base`, and what follows.

    kinds  paid length of each kind, intervals
    base   days and paid intervals of the week already worked before the horizon
    """
    states = list(dict.fromkeys([(0, 0), base]))
    position = {state: n for n, state in enumerate(states)}
    after: list[list[int]] = []
    for days, paid in states:  # grows while it is walked
        row = []
        for length in kinds.tolist():
            successor = (days + 1, paid + length)
            if successor[0] > max_days or successor[1] > max_paid:
                row.append(-1)
                continue
            if successor not in position:
                position[successor] = len(states)
                states.append(successor)
            row.append(position[successor])
        after.append(row)
    table = np.array(states, dtype=np.int64)
    shape = (len(states), len(kinds))
    return table[:, 0].copy(), table[:, 1].copy(), np.array(after, dtype=np.int64).reshape(shape)


@compiled
def settle_breaks(  # noqa: PLR0917
    deficits: Floats,
    touches: Flags,
    group: Ints,
    shift: Ints,
    start: Ints,
    length: Ints,
    template: Ints,
    breaks: Ints,
    at: Ints,
    short: float,
) -> None:
    """Moves the breaks of each assigned shift, one after the other, to where they are missed least.

    Among places that leave the same shortfall, the one with most heads to spare is taken.

    group, shift, at  one entry an assigned shift; `touches` has a row for each group
    """
    spare_weight = 0.01 * short
    for i in range(shift.shape[0]):
        s = shift[i]
        mine = touches[group[i]]
        windows = breaks[template[s]]
        put_on_queue(deficits, mine, start[s], length[s], windows, at[i], -1.0)
        inside = max(0, min(length[s], deficits.shape[0] - start[s]))
        prefix = np.zeros(inside + 1)
        for n in range(inside):
            before = 0.0
            after = 0.0
            spare = 1e9
            for c in range(deficits.shape[1]):
                lacks = deficits[start[s] + n, c]
                before = max(before, lacks)
                after = max(after, lacks - 1.0 if mine[c] else lacks)
                if mine[c]:
                    spare = min(spare, max(0.0, -lacks))
            worth = short * (before - after) + spare_weight / (1.0 + spare)
            prefix[n + 1] = prefix[n] + worth
        place_breaks(prefix, 0, windows, at[i])
        put_on_queue(deficits, mine, start[s], length[s], windows, at[i], 1.0)
