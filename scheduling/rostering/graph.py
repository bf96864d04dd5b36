"""The rules of a contract laid out as a graph: every lawful line of work is a path through it.

A node is all that the days before leave behind: runs, hours of the week and of the period, nights,
weekends. An arc is a day off or a kind of shift, so that every rule that counts becomes a matter of
which arcs there are, and the best line of an agent a longest path. Nodes with the same future are
one node (the minimal automaton). How long ago the last shift ended is not in the nodes: the path
carries it beside them, as a class of what was left (`lo`), which keeps the graph small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.rostering.law import WINDOW_OF_WEEKENDS, Past, Rules, new_periods
from scheduling.rostering.problem import Days, Tasks

Ints = NDArray[np.int64]
Small = NDArray[np.int32]

SUNDAY = 6
# What rest a shift follows on: the daily one, the one after a series of nights, the weekly one, the
# longer of these two.
RESTS = 4


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


RUN, OFF, EDGE, NIGHTS, DAYS, WEEK, PERIOD, HOLIDAYS, WEEKENDS, RESTED, BORNE = range(11)
# Twice the weekends worked in the period, and whether the running one is among them.
PERIOD_WEEKENDS = 11
CAPS = 12


def build_graph(
    rules: tuple[Rules | None, ...],
    tasks: Tasks,
    options: Ints,
    days: Days,
    starts: tuple[Past, ...],
    *,
    count_week: bool,
    count_period: bool,
    burden: NDArray[np.bool_] | None = None,
    most_borne: int = 0,
) -> Graph:
    """The graph of an agent's lines.

    rules    by day; None: nobody works
    options  tasks that anybody under these rules may take
    starts   what agents come in with
    count_week, count_period  whether paid units are wanted, and so told apart, even without a limit
    burden, most_borne  tasks that are counted over the horizon, and up to what number
    """
    law = _Law(rules, tasks, days, count_week=count_week, count_period=count_period)
    if burden is not None:
        law.burden, law.most_borne = burden, most_borne
    kinds, ordered, kind_first = _kinds_of(law, tasks, options, len(days))
    layers, enters = _layers(law, kinds, kind_first, starts)
    lefts = _lefts(law, tasks, ordered, kind_first, kinds, starts)
    return _minimal(law, kinds, layers, lefts, kind_first, ordered, enters, starts)


class _Law:
    """What of the rules matters at all."""

    def __init__(
        self,
        rules: tuple[Rules | None, ...],
        tasks: Tasks,
        days: Days,
        *,
        count_week: bool,
        count_period: bool,
    ) -> None:
        held = [r for r in rules if r is not None]
        self.rules = rules
        self.days = days
        self.new_period = new_periods(rules)
        self.burden = np.zeros(len(tasks), dtype=np.bool_)
        self.most_borne = 0
        self.min_run = max((r.min_run for r in held), default=1)
        self.min_off = max((r.min_off for r in held), default=1)
        self.nights = any(r.max_nights is not None or r.series for r in held)
        self.week_days = any(r.week_days is not None and r.week_days < 7 for r in held)
        self.week_paid = count_week or any(r.week_paid is not None for r in held)
        self.period_paid = count_period or any(r.period_paid is not None for r in held)
        self.holidays = any(r.max_holidays is not None for r in held) and any(days.holiday)
        self.weekends = any(
            r.max_weekends is not None and r.max_weekends < WINDOW_OF_WEEKENDS for r in held
        ) and any(days.weekend)
        self.period_weekends = any(r.period_weekends is not None for r in held) and any(
            days.weekend
        )
        self.weekly_rest = any(r.weekly_rest for r in held)
        self.caps = tuple(sorted({t for r in held for t, _ in r.caps}))
        self.forbids = frozenset(pair for r in held for pair in r.forbids)
        self.ranged = any(r.start_change is not None for r in held)
        self.longest = max((max(r.rest, r.rest_after, r.weekly_rest) for r in held), default=0)

    def row_of(self, template: int) -> tuple[int, ...]:
        """Templates that must not follow."""
        return tuple(sorted(b for a, b in self.forbids if a == template))

    def state_of(self, past: Past) -> list[int]:
        caps = dict(past.caps)
        bits = past.weekends * 2 + past.weekend
        off = 0 if past.run else (self.min_off if past.off < 0 else min(past.off, self.min_off))
        return [
            past.run,
            off,
            # A run that begins with the horizon may be the end of a longer one nobody knows of.
            int(past.off < 0 and not past.run and self.min_run > 1),
            past.nights if self.nights else 0,
            past.week[0] if self.week_days else 0,
            past.week[1] if self.week_paid else 0,
            past.period if self.period_paid else 0,
            past.holidays if self.holidays else 0,
            bits if self.weekends else 0,
            past.rested if self.weekly_rest else 0,
            0,
            past.period_weekends * 2 + past.weekend if self.period_weekends else 0,
            *(caps.get(t, 0) for t in self.caps),
        ]


@dataclass(frozen=True)
class _Kind:
    paid: int
    night: bool
    cap: int
    template: int
    burden: bool


def _kinds_of(law: _Law, tasks: Tasks, options: Ints, days: int) -> tuple[list[_Kind], Ints, Ints]:
    """Kinds of shift that the rules tell apart; options by day, kind and begin."""
    told = [b for _, b in law.forbids]

    def key(task: int) -> _Kind:
        template = int(tasks.template[task])
        return _Kind(
            int(tasks.paid[task]) if law.week_paid or law.period_paid else 0,
            bool(tasks.night[task]) if law.nights else False,
            law.caps.index(template) if template in law.caps else -1,
            template if template in told else -1,
            bool(law.burden[task]),
        )

    keys = [key(task) for task in options.tolist()]
    kinds = sorted(set(keys), key=lambda k: (k.paid, k.night, k.cap, k.template, k.burden))
    number = {k: n for n, k in enumerate(kinds)}
    kind = np.array([number[k] for k in keys], dtype=np.int64)
    order = np.lexsort((tasks.begin[options], kind, tasks.day[options]))
    ordered = options[order]
    flat = tasks.day[ordered] * len(kinds) + kind[order]
    firsts = np.searchsorted(flat, np.arange(days * len(kinds) + 1))
    rows = [firsts[d * len(kinds) : (d + 1) * len(kinds) + 1] for d in range(days)]
    return kinds, ordered, np.array(rows, dtype=np.int64).reshape(days, len(kinds) + 1)


@dataclass
class _Layer:
    """States before a day and what leads on: `off` and arcs as positions in the next layer."""

    states: Ints
    off: Ints
    arcs: list[tuple[Ints, Ints, int, Ints]]


def _layers(
    law: _Law, kinds: list[_Kind], kind_first: Ints, starts: tuple[Past, ...]
) -> tuple[list[_Layer], Ints]:
    first = np.array([law.state_of(p) for p in starts], dtype=np.int64)
    least = min((kind.paid for kind in kinds if kind.paid), default=0)
    states, enters = _distinct(_forgotten(law, first, 0, least))
    layers = []
    for d in range(len(law.days)):
        now = _at_dawn(law, states, d)
        parts: list[Ints] = []
        off_ok = _may_rest(law, now, d)
        parts.append(_after_off(law, now[off_ok], d))
        steps: list[tuple[Ints, Ints, int]] = []
        rules = law.rules[d]
        if rules is not None:
            for k, kind in enumerate(kinds):
                if kind_first[d, k] == kind_first[d, k + 1]:
                    continue
                for nodes, after, rests in _after_shift(law, rules, now, kind, d):
                    steps.append((nodes, rests, k))
                    parts.append(after)
        together, where = _distinct(_forgotten(law, np.concatenate(parts), d + 1, least))
        off = np.full(len(states), -1, dtype=np.int64)
        off[off_ok] = where[: int(off_ok.sum())]
        at = int(off_ok.sum())
        arcs = []
        for nodes, rests, k in steps:
            arcs.append((nodes, where[at : at + len(nodes)], k, rests))
            at += len(nodes)
        layers.append(_Layer(states, off, arcs))
        states = together
    layers.append(_Layer(states, np.full(len(states), -1, dtype=np.int64), []))
    return layers, enters


def _at_dawn(law: _Law, states: Ints, d: int) -> Ints:
    """The states with what a new week or period forgets."""
    now = states.copy()
    if d and law.days.weekday[d] == 0:
        now[:, [DAYS, WEEK, RESTED]] = 0
        now[:, WEEKENDS] = (now[:, WEEKENDS] & 7) << 1
        now[:, PERIOD_WEEKENDS] &= ~1
    if law.new_period[d]:
        now[:, [PERIOD, HOLIDAYS, PERIOD_WEEKENDS]] = 0
        now[:, CAPS:] = 0
    return now


def _forgotten(law: _Law, states: Ints, d: int, least: int) -> Ints:
    """The states before day d with capped shifts counted only where the cap can still bind.

    A state keeps how many more of a template it allows, but never more than the shifts that can
    come at all: by the days left of the period and by the paid units left.

    least  paid units of the shortest shift
    """
    days = law.days
    left = next(n for n, begins in enumerate(law.new_period[d:]) if begins or d + n == len(days))
    for n, template in enumerate(law.caps):
        most = max((dict(r.caps).get(template, len(days)) for r in law.rules if r), default=0)
        allowed = most - states[:, CAPS + n]
        can = np.full(len(states), left, dtype=np.int64)
        limits = [r.period_paid for r in law.rules if r is not None]
        if law.period_paid and least and None not in limits:
            top = max(p for p in limits if p is not None)
            can = np.minimum(can, np.maximum(top - states[:, PERIOD], 0) // least)
        states[:, CAPS + n] = most - np.minimum(allowed, can)
    return states


def _may_rest(law: _Law, now: Ints, d: int) -> NDArray[np.bool_]:
    rules = law.rules[d]
    # A week ends with its Sunday: who worked in it and has not rested must do so by a last shift.
    unrested = (law.days.weekday[d] == SUNDAY) & (now[:, RESTED] == 1)
    if rules is None:
        return np.asarray(~unrested)
    short = (now[:, RUN] > 0) & (now[:, RUN] < rules.min_run) & (now[:, EDGE] == 0)
    return np.asarray(~(short | unrested))


def _after_off(law: _Law, now: Ints, d: int) -> Ints:
    after = now.copy()
    after[:, OFF] = np.minimum(now[:, OFF] + 1, law.min_off)
    after[:, [RUN, EDGE]] = 0
    held = [r for r in law.rules[: d + 1] if r is not None] or [
        r for r in law.rules if r is not None
    ]
    series = held[-1].series if held else 0
    owing = (now[:, NIGHTS] < 0) | ((now[:, NIGHTS] >= series) & (series > 0))
    after[:, NIGHTS] = np.where(owing, -1, 0)
    return _at_dusk(law, after, d)


def _at_dusk(law: _Law, after: Ints, d: int) -> Ints:
    """What nobody asks about any more at the week's end is forgotten."""
    if law.days.weekday[d] == SUNDAY and law.weekly_rest:
        after[after[:, RESTED] != 1, RESTED] = 0
    return after


def _after_shift(
    law: _Law, rules: Rules, now: Ints, kind: _Kind, d: int
) -> list[tuple[Ints, Ints, Ints]]:
    """Nodes from which a shift of the kind is lawful, the states after it and the rest it needs."""
    run, off, nights = now[:, RUN], now[:, OFF], now[:, NIGHTS]
    may = (run < rules.max_run) & ((off == 0) | (off >= rules.min_off))
    after = now.copy()
    after[:, RUN] = run + 1
    after[:, OFF] = 0
    if kind.burden:
        after[:, BORNE] = np.minimum(after[:, BORNE] + 1, law.most_borne)
    long = np.zeros(len(now), dtype=np.bool_)
    if law.nights:
        if rules.series:
            long = (nights < 0) | ((nights >= rules.series) & (not kind.night))
        after[:, NIGHTS] = np.where(kind.night, np.maximum(nights, 0) + 1, 0)
        # A night after a day off begins a new series.
        after[(off > 0) & kind.night, NIGHTS] = 1
        if rules.max_nights is not None:
            may &= after[:, NIGHTS] <= rules.max_nights
        most = max(rules.max_nights or 0, rules.series)
        after[:, NIGHTS] = np.minimum(after[:, NIGHTS], most)
    if law.week_days:
        after[:, DAYS] += 1
        if rules.week_days is not None:
            may &= after[:, DAYS] <= rules.week_days
    if law.week_paid:
        after[:, WEEK] += kind.paid
        if rules.week_paid is not None:
            may &= after[:, WEEK] <= rules.week_paid
    if law.period_paid:
        after[:, PERIOD] += kind.paid
        if rules.period_paid is not None:
            may &= after[:, PERIOD] <= rules.period_paid
    if law.holidays and law.days.holiday[d]:
        after[:, HOLIDAYS] += 1
        if rules.max_holidays is not None:
            may &= after[:, HOLIDAYS] <= rules.max_holidays
    if kind.cap >= 0:
        column = CAPS + kind.cap
        after[:, column] += 1
        most = dict(rules.caps).get(law.caps[kind.cap])
        if most is not None:
            may &= after[:, column] <= most
    if law.weekends and law.days.weekend[d]:
        bits = now[:, WEEKENDS]
        worked = (bits >> 1 & 1) + (bits >> 2 & 1) + (bits >> 3 & 1)
        if rules.max_weekends is not None:
            may &= ((bits & 1) == 1) | (worked < rules.max_weekends)
        after[:, WEEKENDS] = bits | 1
    if law.period_weekends and law.days.weekend[d]:
        twice = now[:, PERIOD_WEEKENDS]
        after[:, PERIOD_WEEKENDS] = np.where(twice & 1, twice, twice + 3)
        if rules.period_weekends is not None:
            may &= after[:, PERIOD_WEEKENDS] < 2 * rules.period_weekends + 2
    nodes = np.flatnonzero(may)
    after, long = after[nodes], long[nodes]
    if not (law.weekly_rest and rules.weekly_rest):
        return [(nodes, _at_dusk(law, after, d), long.astype(np.int64))]
    rested = after[:, RESTED] == 2
    plain = after.copy()
    plain[~rested, RESTED] = 1
    fresh = after[~rested].copy()
    fresh[:, RESTED] = 2
    if law.days.weekday[d] == SUNDAY:  # the last chance of the week
        kept = rested
        plain, plain_nodes, plain_long = plain[kept], nodes[kept], long[kept]
    else:
        plain_nodes, plain_long = nodes, long
    return [
        (plain_nodes, _at_dusk(law, plain, d), plain_long.astype(np.int64)),
        (nodes[~rested], _at_dusk(law, fresh, d), 2 + long[~rested].astype(np.int64)),
    ]


@dataclass(frozen=True)
class _Lefts:
    """Classes of what was left, by layer: after a day off, of each option, allowed options."""

    count: list[int]
    off: list[Ints]
    leaves: Ints
    lo: list[Ints]
    hi: list[Ints]
    starts: list[int]


_RESTED = (None, (), None)


def _lefts(
    law: _Law,
    tasks: Tasks,
    ordered: Ints,
    kind_first: Ints,
    kinds: list[_Kind],
    starts: tuple[Past, ...],
) -> _Lefts:
    days = len(law.days)
    begin, end = tasks.begin[ordered], tasks.end[ordered]
    rows = {t: law.row_of(t) for t in set(tasks.template[ordered].tolist())}
    dawn = [
        int(begin[kind_first[d, 0] : kind_first[d, -1]].min())
        if kind_first[d, 0] < kind_first[d, -1]
        else None
        for d in range(days)
    ]

    def earliest(d: int) -> int | None:
        return next((t for t in dawn[d:] if t is not None), None)

    def key(d: int, ended: int | None, row: tuple[int, ...], at: int | None) -> Any:
        """What matters on day d of a shift that ended then; _RESTED when nothing does."""
        first = earliest(d)
        late = ended is not None and first is not None and ended + law.longest > first
        return (ended if late else None, row, at)

    layers: list[dict[Any, int]] = [{_RESTED: 0}]
    entered = []
    for past in starts:
        row, at = (), None
        if past.last is not None:
            row = law.row_of(past.last[0])
            at = past.last[1] if law.ranged else None
        found = key(0, past.free_from, row, at)
        entered.append(layers[0].setdefault(found, len(layers[0])))
    leaves = np.zeros(len(ordered), dtype=np.int64)
    offs: list[Ints] = []
    for d in range(days):
        after: dict[Any, int] = {_RESTED: 0}
        for o in range(int(kind_first[d, 0]), int(kind_first[d, -1])):
            task = int(ordered[o])
            at = int(tasks.into_day[task]) if law.ranged else None
            found = key(d + 1, int(end[o]), rows[int(tasks.template[task])], at)
            leaves[o] = after.setdefault(found, len(after))
        off = [
            after.setdefault(key(d + 1, ended, (), None), len(after)) for ended, _, _ in layers[d]
        ]
        offs.append(np.array(off, dtype=np.int64))
        layers.append(after)

    los, his = [], []
    for d in range(days):
        rules = law.rules[d]
        lo = np.zeros((len(layers[d]), len(kinds), RESTS), dtype=np.int64)
        hi = np.zeros((len(layers[d]), len(kinds)), dtype=np.int64)
        for k, kind in enumerate(kinds):
            a, b = int(kind_first[d, k]), int(kind_first[d, k + 1])
            hi[:, k] = b - a
            for e, (ended, row, at) in enumerate(layers[d]):
                if rules is None or (kind.template >= 0 and kind.template in row):
                    lo[e, k] = b - a
                    continue
                if ended is not None:
                    rests = (
                        rules.rest,
                        max(rules.rest, rules.rest_after),
                        max(rules.rest, rules.weekly_rest),
                        max(rules.rest, rules.rest_after, rules.weekly_rest),
                    )
                    lo[e, k] = np.searchsorted(begin[a:b], [ended + r for r in rests])
                if at is not None and rules.start_change is not None:
                    into = tasks.into_day[ordered[a:b]]
                    lo[e, k] = np.maximum(lo[e, k], np.searchsorted(into, at - rules.start_change))
                    hi[e, k] = np.searchsorted(into, at + rules.start_change, side="right")
        los.append(lo)
        his.append(hi)
    return _Lefts([len(layer) for layer in layers], offs, leaves, los, his, entered)


def _minimal(
    law: _Law,
    told_kinds: list[_Kind],
    layers: list[_Layer],
    lefts: _Lefts,
    kind_first: Ints,
    ordered: Ints,
    enters: Ints,
    starts: tuple[Past, ...],
) -> Graph:
    """The graph with nodes of the same future, and classes of the same future, made one."""
    days = len(law.days)
    kinds = kind_first.shape[1] - 1
    left_of = [np.zeros(0, dtype=np.int64)] * (days + 1)
    left_of[days] = np.zeros(lefts.count[days], dtype=np.int64)
    left_rows: list[Any] = [None] * days
    counts = [0] * days + [1]
    for d in range(days - 1, -1, -1):
        off = left_of[d + 1][lefts.off[d]]
        width = len(off)
        table = np.column_stack([off, lefts.lo[d].reshape(width, -1), lefts.hi[d]])
        rows, left_of[d] = _distinct(table)
        left_rows[d] = rows
        counts[d] = len(rows)
    leaves = np.zeros(len(ordered), dtype=np.int32)
    for d in range(days):
        a, b = int(kind_first[d, 0]), int(kind_first[d, -1])
        leaves[a:b] = left_of[d + 1][lefts.leaves[a:b]]

    node_of: list[Ints] = [np.zeros(0, dtype=np.int64)] * (days + 1)
    kept: list[Any] = [None] * (days + 1)
    for d in range(days, -1, -1):
        layer = layers[d]
        n = len(layer.states)
        table = np.full((n, 1 + kinds * RESTS), -1, dtype=np.int64)
        if d < days:
            has = layer.off >= 0
            table[has, 0] = node_of[d + 1][layer.off[has]]
            for nodes, to, k, rests in layer.arcs:
                table[nodes, 1 + k * RESTS + rests] = node_of[d + 1][to]
        dead = (table < 0).all(axis=1) if d < days else np.zeros(n, dtype=np.bool_)
        told = np.zeros((n, 3), dtype=np.int64)
        # What a burden costs depends on how many came before, while one can still come.
        if d < days and kind_first[d, 0] < kind_first[-1, -1]:
            told[:, 2] = layer.states[:, BORNE]
        if d and (d == days or law.days.weekday[d] == 0):
            told[:, 0] = layer.states[:, WEEK]
        if d and law.new_period[d]:
            told[:, 1] = layer.states[:, PERIOD]
        rows, found = _distinct(np.column_stack([table, told])[~dead])
        node_of[d] = np.full(n, -1, dtype=np.int64)
        node_of[d][~dead] = found
        kept[d] = rows

    sizes = [len(rows) for rows in kept]
    node_first = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    off_parts, arc_counts, arc_parts = [], [], []
    for d in range(days + 1):
        table = kept[d][:, : 1 + kinds * RESTS]
        base = int(node_first[d + 1])
        off_parts.append(np.where(table[:, 0] >= 0, table[:, 0] + base, -1))
        nodes, columns = np.nonzero(table[:, 1:] >= 0)
        arc_counts.append(np.bincount(nodes, minlength=len(table)))
        to = table[nodes, columns + 1] + base
        arc_parts.append(np.column_stack([columns // RESTS, to, columns % RESTS]))
    arcs = np.concatenate(arc_parts)
    wide = kind_first.shape[1] - 1
    net = Net(
        node_first=node_first,
        off=np.concatenate(off_parts).astype(np.int64),
        arc_first=np.concatenate([[0], np.cumsum(np.concatenate(arc_counts))]).astype(np.int64),
        arc_kind=arcs[:, 0].astype(np.int32),
        arc_to=np.ascontiguousarray(arcs[:, 1]).astype(np.int64),
        arc_rest=arcs[:, 2].astype(np.int32),
        kind_first=kind_first,
        left_first=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        left_off=np.concatenate([rows[:, 0] for rows in left_rows] or [[]]).astype(np.int32),
        leaves=leaves,
        lo=np.concatenate(
            [rows[:, 1 : 1 + wide * RESTS].reshape(len(rows), wide, RESTS) for rows in left_rows]
        ).astype(np.int32),
        hi=np.ascontiguousarray(
            np.concatenate([rows[:, 1 + wide * RESTS :] for rows in left_rows])
        ).astype(np.int32),
        week=np.concatenate([rows[:, -3] for rows in kept]).astype(np.int64),
        period=np.concatenate([rows[:, -2] for rows in kept]).astype(np.int64),
        borne=np.concatenate([rows[:, -1] for rows in kept]).astype(np.int64),
        burden=np.array([k.burden for k in told_kinds], dtype=np.int32),
        ranged=law.ranged,
    )
    where = {
        past: (int(node_of[0][enters[n]]), int(left_of[0][lefts.starts[n]]))
        for n, past in enumerate(starts)
    }
    return Graph(net, ordered, where)


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
