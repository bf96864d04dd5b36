"""Who may take a shift, and at what cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from scheduling.check import Violation
from scheduling.editing.changes import (
    ABSENT,
    Change,
    Segment,
    applied,
    day_of,
    in_the_way,
    lines_of,
    shift_told,
    worked,
)
from scheduling.editing.coverage import heads_of, lacks_of
from scheduling.editing.ground import EditGround
from scheduling.editing.judging import NEGLIGIBLE_H, broken_anew, violations
from scheduling.editing.laying import laid_best, missed
from scheduling.editing.openings import Opening, opening_of
from scheduling.editing.weighing import Weighed, days_of, weighed
from wfm.rules import RULES
from wfm.timegrid import local_midnight

# What giving up a shift for another costs in paid hours: a plan that somebody relied on.
GIVEN_UP_H = 2.0


@dataclass(frozen=True)
class Taker:
    """An agent who could take a shift.

    cost            money, at the ground's prices: paid and overtime hours, wishes not granted, a
                    shift given up, what stays uncovered of what the shift is wanted for, less hours
                    of the contract's minimum that it fills
    paid_hours      more than without it
    overtime_hours  of them, above the contract's target of the week
    covers_hours    agent-hours of shortfall cured, net of what a shift given up leaves
    replaces        the shift of that day that the agent would give up for it; "" on a day off
    broken          rules it breaks for them; who breaks none may take it
    reasons         what speaks for or against, in words
    """

    agent_id: str
    cost: float
    paid_hours: float
    overtime_hours: float
    covers_hours: float
    replaces: str
    broken: tuple[Violation, ...]
    reasons: tuple[str, ...]

    @property
    def may(self) -> bool:
        """Whether no rule stands against it."""
        return not self.broken


def takers(opening: Opening, roster: pd.DataFrame, ground: EditGround) -> list[Taker]:
    """Agents who serve one of the opening's queues: those who may take it first, cheapest first,
    then the others by the number of rules they would break, and cost.

    Left out: who has a pinned shift that day, works within 3 hours of it on the day beside, or
    would give up a shift that leaves as large a hole.
    """
    template = ground.template(opening.template)
    zone = ground.brand.tz
    lacks = lacks_of(heads_of(roster, ground), ground)
    around = [local_midnight(opening.day + timedelta(days=n), zone) for n in (-8, 9)]
    near = roster[(roster["start"] >= around[0]) & (roster["start"] < around[1])]
    lines = lines_of(near)
    shifts: dict[int, tuple[Segment, ...]] = {}
    found: dict[str, tuple[Change, Weighed]] = {}
    for agent in ground.agents:
        if not ground.skills[agent.agent_id].intersection(opening.queues):
            continue
        group = ground.set_of(agent.agent_id)
        if group not in shifts:
            shifts[group] = laid_best(template, opening.start, missed(lacks, group), ground)
        days = days_of(lines.get(agent.agent_id, ()), agent.agent_id, ground)
        present = days.get(opening.day, ())
        absent = tuple(s for s in present if s.activity in ABSENT)
        after = tuple(sorted(absent + shifts[group]))
        pinned = any(s.pinned for s in present)
        if pinned or in_the_way(days | {opening.day: after}, opening.day) or present == after:
            continue
        weight = weighed(agent, opening.day, days, shifts[group], lacks=lacks, ground=ground)
        in_vain = opening.covers_hours > NEGLIGIBLE_H >= weight.covers_hours
        if in_vain and worked(present):
            continue
        found[agent.agent_id] = Change(agent.agent_id, opening.day, present, after), weight
    broken = _broken_by(roster, [change for change, _ in found.values()], ground)
    return sorted(
        (
            _taker(opening, change, weight, broken[agent_id], ground)
            for agent_id, (change, weight) in found.items()
        ),
        key=lambda taker: (len(taker.broken), taker.cost, taker.agent_id),
    )


def takers_of(roster: pd.DataFrame, agent_id: str, day: date, ground: EditGround) -> list[Taker]:
    """Who could have an agent's shift instead of them, as `takers`; RequestError for no shift."""
    opening = opening_of(roster, agent_id, day, ground)
    segments = day_of(roster, agent_id, day, ground.brand.tz)
    left = tuple(s for s in segments if s.activity in ABSENT)
    without = applied(roster, [Change(agent_id, day, segments, left)])
    return [t for t in takers(opening, without, ground) if t.agent_id != agent_id]


def _broken_by(
    roster: pd.DataFrame, changes: list[Change], ground: EditGround
) -> dict[str, tuple[Violation, ...]]:
    """Rules that each agent's change breaks; the agents differ."""
    agents = [c.agent_id for c in changes]
    after = violations(applied(roster, changes), agents, ground)
    breaking = {v.agent_id for v in after}
    before = violations(roster, breaking, ground) if breaking else ()
    broken: dict[str, list[Violation]] = {agent_id: [] for agent_id in agents}
    for violation in broken_anew(after, before, {(c.agent_id, c.day) for c in changes}):
        broken[violation.agent_id].append(violation)
    return {agent_id: tuple(found) for agent_id, found in broken.items()}


def _taker(
    opening: Opening,
    change: Change,
    weight: Weighed,
    broken: tuple[Violation, ...],
    ground: EditGround,
) -> Taker:
    uncovered = opening.covers_hours - weight.covers_hours
    given_up = worked(change.before)
    replaces = shift_told(given_up, ground.brand.tz) if given_up else ""
    return Taker(
        agent_id=change.agent_id,
        cost=weight.cost(ground)
        + ground.prices.short * max(0.0, uncovered)
        + ground.prices.paid * GIVEN_UP_H * bool(given_up),
        paid_hours=weight.paid_hours,
        overtime_hours=weight.overtime_hours,
        covers_hours=weight.covers_hours,
        replaces=replaces,
        broken=broken,
        reasons=tuple(_reasons(opening, weight, broken, replaces)),
    )


def _reasons(
    opening: Opening, weight: Weighed, broken: tuple[Violation, ...], replaces: str
) -> Iterator[str]:
    for rule, violation in {v.rule: v for v in reversed(broken)}.items():
        when = "" if violation.day == opening.day else f" on {violation.day:%a %d %b}"
        yield f"{violation.detail}{when} ({RULES[rule].says})"
    if replaces:
        yield f"gives up {replaces}"
    if opening.covers_hours - weight.covers_hours > NEGLIGIBLE_H:
        yield f"covers {weight.covers_hours:.1f} of {opening.covers_hours:.1f} missing hours"
    if weight.overtime_hours > NEGLIGIBLE_H:
        yield f"{weight.overtime_hours:g} h above the contract's target of the week"
    if weight.minimum_hours > NEGLIGIBLE_H:
        yield f"fills {weight.minimum_hours:g} h of the contract's minimum of the week"
    if weight.wishes > 0:
        yield f"against wishes of weight {weight.wishes:g}"
    if weight.wishes < 0:
        yield f"grants wishes of weight {-weight.wishes:g}"
