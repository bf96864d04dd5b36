"""What hours below a contract's minimum, or beside its target, cost: as the engine reckons them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scheduling.editing.ground import EditGround
from scheduling.rostering.law import new_periods
from scheduling.rostering.need import INTERVAL_H, Floats, skill_groups
from scheduling.rostering.shifts import Shifts
from scheduling.rostering.workers import begun_before, workers_of

MONDAY = 0


@dataclass(frozen=True)
class Wants:
    """What an agent's contract wants over the days of a roster.

    table         shape (days, 2, 4), see `problem.Person`, for the week and for the period
    week, period  paid intervals worked before in the ones that run when the roster begins
    new_week, new_period  whether one begins with each day but the first
    """

    table: Floats = field(repr=False)
    week: float
    period: float
    new_week: tuple[bool, ...]
    new_period: tuple[bool, ...]

    def cost(self, paid_h: Mapping[int, float]) -> tuple[float, float]:
        """Money for hours below the minima, and for hours beside the targets.

        paid_h  paid hours by the number of the day
        """
        below = beside = 0.0
        if not self.table.any():
            return below, beside
        so_far = [self.week, self.period]
        for day, spans in enumerate(self.table.tolist()):
            for span, (begins, (least, short, target, off)) in enumerate(
                zip((self.new_week[day], self.new_period[day]), spans, strict=True)
            ):
                so_far[span] = (0.0 if day and begins else so_far[span]) + (
                    paid_h.get(day, 0.0) / INTERVAL_H
                )
                below += short * max(0.0, least - so_far[span])
                beside += off * abs(target - so_far[span]) if off else 0.0
        return below, beside


def wants_of(ground: EditGround, shifts: Shifts) -> dict[str, Wants]:
    """What the contracts of all agents want, by agent."""
    agents = ground.agents
    workers = workers_of(
        agents,
        skill_groups(agents, ground.need.queues),
        shifts=shifts,
        brand=ground.brand,
        prices=ground.prices,
        begun=begun_before(ground.past, ground.start),
        start=ground.start,
    )
    new_week = tuple(day.weekday() == MONDAY for day in shifts.days)
    return {
        w.agent.agent_id: Wants(
            w.prices, float(w.past.week[1]), float(w.past.period), new_week, new_periods(w.rules)
        )
        for w in workers
    }
