"""The best line of work of one agent: a longest path through the graph of the rules, compiled.

Exact for one agent, given what each option is worth. Method: dynamic programming backwards over
the days; beside each node stands the class of what the last shift left, and as more rest owed only
takes early options away, the best option of a kind is a running maximum from the latest on.
"""

from __future__ import annotations

import numpy as np

from scheduling.compiled import compiled
from scheduling.rostering.graph import Net
from scheduling.rostering.problem import Floats, Ints

NOTHING = -1e18
# Worth less than this: no lawful line at all.
IMPOSSIBLE = -1e11


@compiled
def best_path(  # noqa: PLR0917 - compiled code takes its arrays one by one
    net: Net,
    node: int,
    left: int,
    rewards: Floats,
    wanted: Floats,
    burdens: Floats,
    scratch: Floats,
    line: Ints,
) -> float:
    """Writes the option taken each day (-1: off) and returns what the best line is worth.

    node, left  where the agent enters: node of the first layer, class of what was left
    rewards     of each option; NOTHING or less where the agent may not take it
    wanted      shape (days, 2, 4): at the end of a day, of the week and of the period: least paid
                units, price of a unit below; target, price of a unit beside it; 0 where not asked
    burdens     what one more burden costs, by how many came before
    scratch     room for the values, as large as `Graph.scratch` says

    Worth less than IMPOSSIBLE where no line is lawful.
    """
    days = net.kind_first.shape[0]
    # Where the values of each layer begin: nodes x classes of what was left.
    at = np.zeros(days + 2, dtype=np.int64)
    for d in range(days + 1):
        nodes = net.node_first[d + 1] - net.node_first[d]
        at[d + 1] = at[d] + nodes * (net.left_first[d + 1] - net.left_first[d])
    _fill(net, rewards, wanted, burdens, scratch, at)
    worth = scratch[at[0] + node * (net.left_first[1] - net.left_first[0]) + left]
    if worth < IMPOSSIBLE:
        line[:] = -1
        return NOTHING
    _follow(net, node, left, rewards, burdens, scratch, at, line)
    return float(worth)


@compiled
def _fill(  # noqa: PLR0912, PLR0917 - one loop over nodes and arcs, kept whole
    net: Net, rewards: Floats, wanted: Floats, burdens: Floats, scratch: Floats, at: Ints
) -> None:
    """Writes what the best line from each node and class on is worth, the last day's first."""
    days = net.kind_first.shape[0]
    kinds = net.kind_first.shape[1] - 1
    most = 1
    for d in range(days):
        for k in range(kinds):
            most = max(most, net.kind_first[d, k + 1] - net.kind_first[d, k])
    tail = np.empty(most + 1)
    for n in range(net.node_first[days], net.node_first[days + 1]):
        scratch[at[days] + n - net.node_first[days]] = -_charge(net, n, days, wanted)
    for d in range(days - 1, -1, -1):
        lefts = net.left_first[d + 1] - net.left_first[d]
        after = net.left_first[d + 2] - net.left_first[d + 1]
        l0 = net.left_first[d]
        charged = d > 0 and wanted[d - 1].max() > 0.0
        for n in range(net.node_first[d], net.node_first[d + 1]):
            here = at[d] + (n - net.node_first[d]) * lefts
            if net.off[n] >= 0:
                there = at[d + 1] + (net.off[n] - net.node_first[d + 1]) * after
                for e in range(lefts):
                    scratch[here + e] = scratch[there + net.left_off[l0 + e]]
            else:
                for e in range(lefts):
                    scratch[here + e] = NOTHING
            for a in range(net.arc_first[n], net.arc_first[n + 1]):
                k = net.arc_kind[a]
                x = net.arc_rest[a]
                o0 = net.kind_first[d, k]
                count = net.kind_first[d, k + 1] - o0
                there = at[d + 1] + (net.arc_to[a] - net.node_first[d + 1]) * after
                toll = burdens[net.borne[n]] if net.burden[k] else 0.0
                if net.ranged:
                    for j in range(count):
                        tail[j] = rewards[o0 + j] - toll + scratch[there + net.leaves[o0 + j]]
                    for e in range(lefts):
                        top = scratch[here + e]
                        for j in range(net.lo[l0 + e, k, x], net.hi[l0 + e, k]):
                            top = max(top, tail[j])
                        scratch[here + e] = top
                    continue
                best = NOTHING
                tail[count] = NOTHING
                for j in range(count - 1, -1, -1):
                    best = max(best, rewards[o0 + j] - toll + scratch[there + net.leaves[o0 + j]])
                    tail[j] = best
                for e in range(lefts):
                    value = tail[net.lo[l0 + e, k, x]]
                    scratch[here + e] = max(scratch[here + e], value)
            if charged:
                cost = _charge(net, n, d, wanted)
                for e in range(lefts):
                    scratch[here + e] -= cost


@compiled
def _follow(  # noqa: PLR0917
    net: Net,
    node: int,
    left: int,
    rewards: Floats,
    burdens: Floats,
    scratch: Floats,
    at: Ints,
    line: Ints,
) -> None:
    """Writes the options of the best line, which the values lead along."""
    n = node
    e = left
    for d in range(net.kind_first.shape[0]):
        after = net.left_first[d + 2] - net.left_first[d + 1]
        l0 = net.left_first[d]
        top = NOTHING
        line[d] = -1
        m = -1
        f = e
        if net.off[n] >= 0:
            m = net.off[n]
            f = net.left_off[l0 + e]
            top = scratch[at[d + 1] + (m - net.node_first[d + 1]) * after + f]
        for a in range(net.arc_first[n], net.arc_first[n + 1]):
            k = net.arc_kind[a]
            o0 = net.kind_first[d, k]
            to = at[d + 1] + (net.arc_to[a] - net.node_first[d + 1]) * after
            toll = burdens[net.borne[n]] if net.burden[k] else 0.0
            for j in range(net.lo[l0 + e, k, net.arc_rest[a]], net.hi[l0 + e, k]):
                value = rewards[o0 + j] - toll + scratch[to + net.leaves[o0 + j]]
                if value > top + 1e-9 or m < 0:
                    top = value
                    line[d] = o0 + j
                    m = net.arc_to[a]
                    f = net.leaves[o0 + j]
        n = m
        e = f


@compiled
def _charge(net: Net, node: int, layer: int, wanted: Floats) -> float:
    """Price of paid units short of, or beside, what is wanted by the end of the day before."""
    cost = 0.0
    if layer > 0:
        for span in range(2):
            row = wanted[layer - 1, span]
            if row[1] > 0.0 or row[3] > 0.0:
                paid = net.week[node] if span == 0 else net.period[node]
                cost += row[1] * max(0.0, row[0] - paid)
                cost += row[3] * abs(row[2] - paid)
    return cost
