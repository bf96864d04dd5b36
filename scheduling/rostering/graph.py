"""The rules of a contract laid out as a graph: every lawful line of work is a path through it.

A node is a state, all that the days before leave behind: runs, hours of the week and of the period,
nights, weekends (`states`). An arc is a day off or a kind of shift (`steps`), so that every rule
that counts becomes a matter of which arcs there are, and the best line of an agent a longest path.
Nodes with the same future are one node (the minimal automaton). How long ago the last shift ended
is not in the nodes: the path carries it beside them (`lefts`), which keeps the graph small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.rostering.law import Past, Rules
from scheduling.rostering.lefts import RESTS, Lefts, lefts_of
from scheduling.rostering.menu import Menu, menu_of
from scheduling.rostering.problem import Days, Flags, Ints, Tasks
from scheduling.rostering.states import BORNE, PERIOD, WEEK, Law, at_dawn, forgotten
from scheduling.rostering.steps import after_off, after_shift, may_rest

Small = NDArray[np.int32]


class Net(NamedTuple):
    """A graph for `path.best_path`: nodes in layers of days, one layer more than days.

    node_first    first node of each layer; `off` the node after a day off, -1 where not allowed
    arc_first     first arc of each node; arcs: kind, node after it, which rest it follows on
    kind_first    first option of each (day, kind), shape (days, kinds + 1); options of a kind are
                  in order of begin, numbers count over the whole horizon
    left_first    first class of what was left, by layer; `left_off` its class after a day off
    leaves        class each option leaves to the next day, from that layer's first
    lo, hi        options of a kind that a class allows: [lo, hi) from the kind's first on that day,
                  shape (classes, kinds, RESTS) and (classes, kinds)
    week, period  paid units so far at each node
    borne         burdens so far at each node; `burden` whether a kind is one
    """

    node_first: Ints
    off: Ints
    arc_first: Ints
    arc_kind: Small
    arc_to: Ints
    arc_rest: Small
    kind_first: Ints
    left_first: Ints
    left_off: Small
    leaves: Small
    lo: Small
    hi: Small
    week: Ints
    period: Ints
    borne: Ints
    burden: Small
    ranged: bool


@dataclass(frozen=True)
class Graph:
    """A net, the task of each of its options, and where each start enters it."""

    net: Net
    task: Ints
    enters: dict[Past, tuple[int, int]]

    @property
    def scratch(self) -> int:
        """Values a search writes: nodes x classes, summed over the layers."""
        nodes = np.diff(self.net.node_first)
        return int((nodes * np.diff(self.net.left_first)).sum())


def build_graph(
    rules: tuple[Rules | None, ...],
    tasks: Tasks,
    options: Ints,
    days: Days,
    starts: tuple[Past, ...],
    *,
    count_week: bool,
    count_period: bool,
    burden: Flags | None = None,
    most_borne: int = 0,
) -> Graph:
    """The graph of an agent's lines.

    rules    by day; None: nobody works
    options  tasks that anybody under these rules may take
    starts   what agents come in with
    count_week, count_period  whether paid units are wanted, and so told apart, even without a limit
    burden, most_borne  tasks that are counted over the horizon, and up to what number
    """
    law = Law(
        rules,
        days,
        count_week=count_week,
        count_period=count_period,
        burden=np.zeros(len(tasks), dtype=np.bool_) if burden is None else burden,
        most_borne=most_borne,
    )
    menu = menu_of(law, tasks, options)
    layers, entered = _layers(law, menu, starts)
    classes = _alike_classes(menu, lefts_of(law, tasks, menu, starts))
    nodes, enters = _alike_nodes(law, menu, layers, entered)
    where = {
        past: (int(node), left)
        for past, node, left in zip(starts, enters, classes.enters, strict=True)
    }
    return Graph(_net(law, menu, nodes, classes), menu.task, where)


@dataclass
class _Layer:
    """States before a day and what leads on.

    off   state after a day off, its position in the next layer; -1 where not allowed
    arcs  state after a shift, by kind and rest: (column of `_Nodes.next`, from, to)
    """

    states: Ints
    off: Ints
    arcs: list[tuple[Ints, Ints, Ints]]


def _layers(law: Law, menu: Menu, starts: tuple[Past, ...]) -> tuple[list[_Layer], Ints]:
    """The states of each day that can be reached, and that of each start."""
    first = np.array([law.state_of(p) for p in starts], dtype=np.int64)
    states, entered = _distinct(forgotten(law, first, 0, menu.least_paid))
    layers = []
    for d in range(len(law.days)):
        now = at_dawn(law, states, d)
        resting = np.flatnonzero(may_rest(law, now, d))
        parts = [after_off(law, now[resting], d)]
        arcs = []
        rules = law.rules[d]
        for k, kind in enumerate(menu.kinds):
            if rules is None or not len(menu.task[menu.of_kind(d, k)]):
                continue
            for step in after_shift(law, rules, now, kind, d):
                arcs.append((k * RESTS + 2 * step.weekly + step.nights, step.nodes))
                parts.append(step.after)
        states_after, where = _distinct(
            forgotten(law, np.concatenate(parts), d + 1, menu.least_paid)
        )
        to = np.split(where, np.cumsum([len(part) for part in parts])[:-1])
        off = np.full(len(states), -1, dtype=np.int64)
        off[resting] = to[0]
        layers.append(
            _Layer(states, off, [(*arc, after) for arc, after in zip(arcs, to[1:], strict=True)])
        )
        states = states_after
    layers.append(_Layer(states, np.full(len(states), -1, dtype=np.int64), []))
    return layers, entered


@dataclass(frozen=True)
class _Classes:
    """Classes of what was left, by layer, those that leave the same made one.

    count   of each layer; by layer and class: what a day off makes of it, options it allows
    leaves  class that each option leaves
    enters  class of each start
    """

    count: list[int]
    off: list[Ints]
    lo: list[Ints]
    hi: list[Ints]
    leaves: Ints
    enters: list[int]


def _alike_classes(menu: Menu, lefts: Lefts) -> _Classes:
    days, kinds = len(lefts.off), len(menu.kinds)
    # After the last day nothing is left that matters.
    after = np.zeros(1 + max([0, *lefts.leaves.tolist(), *lefts.off[-1].tolist()]), dtype=np.int64)
    counts, rows_of = [1], []
    leaves = np.zeros(len(menu.task), dtype=np.int64)
    for d in range(days - 1, -1, -1):
        leaves[menu.of_day(d)] = after[lefts.leaves[menu.of_day(d)]]
        width = len(lefts.off[d])
        table = [after[lefts.off[d]], lefts.lo[d].reshape(width, -1), lefts.hi[d]]
        rows, after = _distinct(np.column_stack(table))
        rows_of.append(rows)
        counts.append(len(rows))
    rows_of.reverse()
    end = 1 + kinds * RESTS
    return _Classes(
        count=counts[::-1],
        off=[rows[:, 0] for rows in rows_of],
        lo=[rows[:, 1:end].reshape(len(rows), kinds, RESTS) for rows in rows_of],
        hi=[rows[:, end:] for rows in rows_of],
        leaves=leaves,
        enters=after[lefts.enters].tolist(),
    )


@dataclass(frozen=True)
class _Nodes:
    """States by layer, those of the same future made one.

    next  node after a day off and then after each kind of shift and rest, -1 where there is none
    told  by node: what the path asks of it, paid units of the week and of the period, burdens
    """

    next: list[Ints]
    told: list[Ints]


def _alike_nodes(law: Law, menu: Menu, layers: list[_Layer], entered: Ints) -> tuple[_Nodes, Ints]:
    """The nodes, and that of each start: -1 where nothing lawful can follow on it."""
    days, width = len(law.days), 1 + len(menu.kinds) * RESTS
    following: list[Ints] = []
    told_of: list[Ints] = []
    after = np.zeros(0, dtype=np.int64)
    for d in range(days, -1, -1):
        layer = layers[d]
        table = np.full((len(layer.states), width), -1, dtype=np.int64)
        has = layer.off >= 0
        table[has, 0] = after[layer.off[has]]
        for column, nodes, to in layer.arcs:
            table[nodes, 1 + column] = after[to]
        told = np.zeros((len(table), 3), dtype=np.int64)
        if d and (d == days or law.days.weekday[d] == 0):
            told[:, 0] = layer.states[:, WEEK]
        if d and law.new_period[d]:
            told[:, 1] = layer.states[:, PERIOD]
        # What a burden costs depends on how many came before, while one can still come.
        if d < days and menu.of_day(d).start < len(menu.task):
            told[:, 2] = layer.states[:, BORNE]
        alive = (table >= 0).any(axis=1) | (d == days)
        rows, found = _distinct(np.column_stack([table, told])[alive])
        after = np.full(len(table), -1, dtype=np.int64)
        after[alive] = found
        following.append(rows[:, :width])
        told_of.append(rows[:, width:])
    return _Nodes(following[::-1], told_of[::-1]), after[entered]


def _net(law: Law, menu: Menu, nodes: _Nodes, classes: _Classes) -> Net:
    """The nodes of all layers in a row, and the arcs of all nodes."""
    node_first = np.concatenate([[0], np.cumsum([len(table) for table in nodes.next])])
    off, counts, arcs = [], [], []
    for table, base in zip(nodes.next, node_first[1:].tolist(), strict=True):
        off.append(np.where(table[:, 0] >= 0, table[:, 0] + base, -1))
        at, column = np.nonzero(table[:, 1:] >= 0)
        counts.append(np.bincount(at, minlength=len(table)))
        arcs.append(
            np.column_stack([column // RESTS, table[at, column + 1] + base, column % RESTS])
        )
    kind, to, rest = np.concatenate(arcs).T
    week, period, borne = np.concatenate(nodes.told).T
    return Net(
        node_first=node_first.astype(np.int64),
        off=np.concatenate(off).astype(np.int64),
        arc_first=np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int64),
        arc_kind=kind.astype(np.int32),
        arc_to=to.astype(np.int64),
        arc_rest=rest.astype(np.int32),
        kind_first=menu.kind_first,
        left_first=np.concatenate([[0], np.cumsum(classes.count)]).astype(np.int64),
        left_off=np.concatenate(classes.off).astype(np.int32),
        leaves=classes.leaves.astype(np.int32),
        lo=np.concatenate(classes.lo).astype(np.int32),
        hi=np.concatenate(classes.hi).astype(np.int32),
        week=week.astype(np.int64),
        period=period.astype(np.int64),
        borne=borne.astype(np.int64),
        burden=np.array([k.burden for k in menu.kinds], dtype=np.int32),
        ranged=law.ranged,
    )


def _distinct(table: Ints) -> tuple[Ints, Ints]:
    """Distinct rows, and the row of each."""
    found = np.zeros(len(table), dtype=np.int64)
    for column in table.T:
        # Column by column: much faster than sorting rows, and the numbers stay small.
        _, value = np.unique(column, return_inverse=True)
        if value.max(initial=0):
            _, found = np.unique(found * (int(value.max()) + 1) + value, return_inverse=True)
    _, first = np.unique(found, return_index=True)
    return table[first], found
