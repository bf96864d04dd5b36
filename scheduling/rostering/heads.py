"""Heads on the floor, compiled: what one more is worth, and where a shift's breaks cost least.

What a shift is worth follows from what a head is worth in each block that it covers, its breaks at
their cheapest.
"""

from __future__ import annotations

import numpy as np

from scheduling.compiled import compiled
from scheduling.rostering.problem import Flags, Floats, Ints


@compiled
def head_worth(  # noqa: PLR0917 - compiled code takes its arrays one by one
    lacks: Floats, touches: Flags, layer: Ints, short: Floats, surplus: Floats, worth: Floats
) -> None:
    """Writes what one more head of a group is worth in each block.

    lacks    what each cut lacks, shape (blocks, cuts)
    touches  whether the head counts for each cut
    """
    layers = short.shape[1]
    for t in range(lacks.shape[0]):
        value = -surplus[t]
        for n in range(layers):
            before = 0.0
            after = 0.0
            for c in range(lacks.shape[1]):
                if layer[c] == n:
                    before = max(before, lacks[t, c])
                    after = max(after, lacks[t, c] - 1.0 if touches[c] else lacks[t, c])
            value += short[t, n] * (before - after)
        worth[t] = value


@compiled
def missing_cost(lacks: Floats, layer: Ints, short: Floats) -> float:
    """What the missing heads cost."""
    cost = 0.0
    for t in range(lacks.shape[0]):
        for n in range(short.shape[1]):
            most = 0.0
            for c in range(lacks.shape[1]):
                if layer[c] == n:
                    most = max(most, lacks[t, c])
            cost += short[t, n] * most
    return cost


@compiled
def covered(  # noqa: PLR0917
    task: Ints,
    breaks: Ints,
    first: Ints,
    length: Ints,
    layout: Ints,
    windows: Ints,
    found: Ints,
) -> int:
    """Writes the blocks that a line covers, and returns how many."""
    count = 0
    for d in range(task.shape[0]):
        s = task[d]
        if s < 0:
            continue
        for t in range(first[s], min(first[s] + length[s], found.shape[0])):
            on = True
            for b in range(windows.shape[1]):
                size = windows[layout[s], b, 2]
                if size > 0 and breaks[d, b] <= t - first[s] < breaks[d, b] + size:
                    on = False
            if on:
                found[count] = t
                count += 1
    return count


@compiled
def put_on_queue(  # noqa: PLR0917
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
