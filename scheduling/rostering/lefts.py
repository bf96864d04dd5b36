"""What the last shift leaves to the next: rest owed, its template, its start.

It is no part of the states, which would be far too many with it: the path carries it beside them,
as a class. Classes matter only through the options they leave: those of a kind from `lo` up to
`hi`, in order of begin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from scheduling.rostering.law import Past, Rules
from scheduling.rostering.menu import Menu
from scheduling.rostering.problem import Ints, Tasks
from scheduling.rostering.states import Law

# What rest a shift follows on: the daily one, the one after a series of nights, the weekly one, the
# longer of these two.
RESTS = 4


class Left(NamedTuple):
    """What a day finds of the last shift; None where nothing of it matters.

    ended     clock time of its end
    template  if it was the day before, and some must not follow on it
    at        clock units into its day at which it began, if it was the day before
    """

    ended: int | None = None
    template: int | None = None
    at: int | None = None


@dataclass(frozen=True)
class Lefts:
    """Classes of what was left, by layer.

    off     class after a day off of each class, by layer
    leaves  class that each option leaves to the next day
    lo, hi  as in `graph.Net`, by layer
    enters  class of each start
    """

    off: list[Ints]
    leaves: Ints
    lo: list[Ints]
    hi: list[Ints]
    enters: list[int]


def lefts_of(law: Law, tasks: Tasks, menu: Menu, starts: tuple[Past, ...]) -> Lefts:
    """The classes that the starts, and then the options, leave."""
    days = len(law.days)
    begin, end = tasks.begin[menu.task], tasks.end[menu.task]
    followed = {first for first, _ in law.forbids}
    dawns = _dawns(begin, menu, days)

    def left(d: int, ended: int | None, template: int | None, at: int | None) -> Left:
        dawn = dawns[d]
        late = ended is not None and dawn is not None and ended + law.longest > dawn
        return Left(
            ended if late else None,
            template if template in followed else None,
            at if law.ranged else None,
        )

    layers: list[dict[Left, int]] = [{Left(): 0}]
    enters = []
    for past in starts:
        enters.append(_number(layers[0], left(0, past.free_from, *(past.last or (None, None)))))
    leaves = np.zeros(len(menu.task), dtype=np.int64)
    offs: list[Ints] = []
    for d in range(days):
        after = {Left(): 0}
        for o in range(*menu.of_day(d).indices(len(leaves))):
            task = int(menu.task[o])
            template, at = int(tasks.template[task]), int(tasks.into_day[task])
            leaves[o] = _number(after, left(d + 1, int(end[o]), template, at))
        off = [_number(after, left(d + 1, ended, None, None)) for ended, _, _ in layers[d]]
        offs.append(np.array(off, dtype=np.int64))
        layers.append(after)
    allowed = [_allowed(law, tasks, menu, list(layers[d]), d) for d in range(days)]
    return Lefts(offs, leaves, [lo for lo, _ in allowed], [hi for _, hi in allowed], enters)


def _number(layer: dict[Left, int], left: Left) -> int:
    return layer.setdefault(left, len(layer))


def _dawns(begin: Ints, menu: Menu, days: int) -> list[int | None]:
    """When the first option of each day, or else of a later one, begins; one day more than days."""
    dawns: list[int | None] = [None]
    for d in range(days - 1, -1, -1):
        today = begin[menu.of_day(d)]
        dawns.append(int(today.min()) if len(today) else dawns[-1])
    return dawns[::-1]


def _allowed(law: Law, tasks: Tasks, menu: Menu, lefts: list[Left], d: int) -> tuple[Ints, Ints]:
    """First option of each kind that a class allows after each rest, and the one after the last."""
    rules = law.rules[d]
    lo = np.zeros((len(lefts), len(menu.kinds), RESTS), dtype=np.int64)
    hi = np.zeros((len(lefts), len(menu.kinds)), dtype=np.int64)
    for k, kind in enumerate(menu.kinds):
        options = menu.task[menu.of_kind(d, k)]
        hi[:, k] = len(options)
        for e, (ended, template, at) in enumerate(lefts):
            if rules is None or (template, kind.after) in rules.forbids:
                lo[e, k] = len(options)
                continue
            if ended is not None:
                free = [ended + rest for rest in _rests(rules, law.weekly_rest[d])]
                lo[e, k] = np.searchsorted(tasks.begin[options], free)
            if at is not None and rules.start_change is not None:
                into = tasks.into_day[options]
                lo[e, k] = np.maximum(lo[e, k], np.searchsorted(into, at - rules.start_change))
                hi[e, k] = np.searchsorted(into, at + rules.start_change, side="right")
    return lo, hi


def _rests(rules: Rules, weekly_rest: int) -> tuple[int, int, int, int]:
    """The rests that RESTS counts, in clock units."""
    after_nights = max(rules.rest, rules.rest_after)
    return rules.rest, after_nights, max(rules.rest, weekly_rest), max(after_nights, weekly_rest)
