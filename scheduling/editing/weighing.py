"""What a shift costs and covers when a certain agent has it, at the ground's prices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from scheduling.editing.changes import Segment, by_day, worked
from scheduling.editing.coverage import Lacks, head_changes
from scheduling.editing.ground import EditGround
from scheduling.editing.judging import paid_hours
from scheduling.rostering.need import INTERVAL_H, Floats
from wfm.people import Agent

# What an hour above the contract's target costs over an ordinary paid one, as a share of it.
OVERTIME_SHARE = 0.5
Days = dict[date, tuple[Segment, ...]]


@dataclass(frozen=True)
class Weighed:
    """A day of an agent weighed against another.

    paid_hours      more than before
    overtime_hours  of them, above the contract's target of the week (its maximum, without one)
    minimum_hours   of them, within the contract's minimum of the week
    wishes          weights of wishes not granted, more than before
    covers_hours    agent-hours of shortfall cured, less those opened
    """

    paid_hours: float
    overtime_hours: float
    minimum_hours: float
    wishes: float
    covers_hours: float

    def cost(self, ground: EditGround) -> float:
        """Money, coverage apart."""
        prices = ground.prices
        return (
            prices.paid * (self.paid_hours + OVERTIME_SHARE * self.overtime_hours)
            - prices.below_minimum * self.minimum_hours
            + prices.wish * self.wishes
        )


def weighed(
    agent: Agent,
    day: date,
    days: Days,
    shift: Sequence[Segment],
    *,
    lacks: Lacks,
    ground: EditGround,
) -> Weighed:
    """The shift (none: the day off) in the place of what the agent has on the day.

    days   the agent's, at least those of the week
    lacks  what the floor lacks with everything as it is
    """
    present = worked(days.get(day, ()))
    extra = paid_hours(shift, ground) - paid_hours(present, ground)
    monday = day - timedelta(days=day.weekday())
    week = sum(paid_hours(days.get(monday + timedelta(days=n), ()), ground) for n in range(7))
    contract = ground.contract_of(agent.agent_id, day)
    overtime = filled = 0.0
    if contract:
        target = contract.target_hours_per_week or contract.max_hours_per_week
        overtime = max(0.0, week + extra - target) - max(0.0, week - target)
        minimum = contract.min_hours_per_week
        filled = max(0.0, minimum - week) - max(0.0, minimum - week - extra)
    return Weighed(
        paid_hours=extra,
        overtime_hours=overtime,
        minimum_hours=filled,
        wishes=_wishes(agent, day, shift) - _wishes(agent, day, present),
        covers_hours=_covered(
            head_changes(agent.agent_id, shift, ground)
            - head_changes(agent.agent_id, present, ground),
            lacks,
        ),
    )


def _wishes(agent: Agent, day: date, shift: Sequence[Segment]) -> float:
    """Weights of the agent's wishes of the day that the shift does not grant."""
    if not shift:
        return 0.0
    template = shift[0].template
    wishes = [p for p in agent.preferences if p.holds_on(day)]
    liked = {p.value: p.weight for p in wishes if p.kind == "prefer_template"}
    missed = sum(
        p.weight
        for p in wishes
        if p.kind == "day_off" or (p.kind == "avoid_template" and p.value == template)
    )
    return missed + (max(liked.values()) if liked and template not in liked else 0.0)


def _covered(added: Floats, lacks: Lacks) -> float:
    at = np.flatnonzero(added.any(axis=1))
    here = lacks.during(at)
    return float((here.short - here.after(added[at]).short).sum()) * INTERVAL_H


def days_of(segments: Sequence[Segment], agent_id: str, ground: EditGround) -> Days:
    """The agent's days by segments of the roster, and the last ones of the history before."""
    return ground.last_days.get(agent_id, {}) | by_day(segments, ground.brand.tz)
