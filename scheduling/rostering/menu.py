"""What can be worked: the options of a graph, in kinds that its rules tell apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduling.rostering.problem import Ints, Tasks
from scheduling.rostering.states import Law


@dataclass(frozen=True, order=True)
class Kind:
    """Shifts that no rule tells apart but by their times.

    paid   paid units, where they are counted
    cap    number of the template's cap, -1 without one
    after  template, where it must not follow on another; else -1
    """

    paid: int
    night: bool
    cap: int
    after: int
    burden: bool


def kind_of(law: Law, tasks: Tasks, task: int) -> Kind:
    """The kind of a task."""
    template = int(tasks.template[task])
    return Kind(
        paid=int(tasks.paid[task]) if law.week_paid or law.period_paid else 0,
        night=bool(tasks.night[task]) if law.nights else False,
        cap=law.caps.index(template) if template in law.caps else -1,
        after=template if any(b == template for _, b in law.forbids) else -1,
        burden=bool(law.burden[task]),
    )


@dataclass(frozen=True)
class Menu:
    """Options by day, kind and begin.

    kinds       in order
    task        of each option
    kind_first  first option of each (day, kind), shape (days, kinds + 1)
    """

    kinds: list[Kind]
    task: Ints
    kind_first: Ints

    @property
    def least_paid(self) -> int:
        """Paid units of the shortest shift, where they are counted; else 0."""
        return min((kind.paid for kind in self.kinds if kind.paid), default=0)

    def of_day(self, d: int) -> slice:
        """The options of a day."""
        return slice(int(self.kind_first[d, 0]), int(self.kind_first[d, -1]))

    def of_kind(self, d: int, k: int) -> slice:
        """The options of a kind on a day."""
        return slice(int(self.kind_first[d, k]), int(self.kind_first[d, k + 1]))


def menu_of(law: Law, tasks: Tasks, options: Ints) -> Menu:
    """The options, tasks that anybody under the rules may take, in order."""
    keys = [kind_of(law, tasks, task) for task in options.tolist()]
    kinds = sorted(set(keys))
    number = {k: n for n, k in enumerate(kinds)}
    kind = np.array([number[k] for k in keys], dtype=np.int64)
    order = np.lexsort((tasks.begin[options], kind, tasks.day[options]))
    ordered = options[order]
    days, width = len(law.days), len(kinds)
    flat = tasks.day[ordered] * width + kind[order]
    firsts = np.searchsorted(flat, np.arange(days * width + 1))
    rows = [firsts[d * width : (d + 1) * width + 1] for d in range(days)]
    return Menu(kinds, ordered, np.array(rows, dtype=np.int64).reshape(days, width + 1))
