"""A roster repaired after an absence: few shifts change hands, and coverage comes back.

Step by step the one change is made that is worth most: somebody takes a lost shift, or another one
that cures what it leaves open. A roster solved anew would change more than people can be told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from scheduling.editing.changes import (
    ABSENT,
    Change,
    applied,
    difference,
    in_the_way,
    lines_of,
    worked,
)
from scheduling.editing.coverage import Lacks, heads_of, lacks_of
from scheduling.editing.ground import EditGround
from scheduling.editing.judging import broken_anew, paid_hours, violations
from scheduling.editing.laying import laid_best, missed
from scheduling.editing.openings import Opening, opening_of, openings
from scheduling.editing.weighing import days_of, weighed
from wfm.timegrid import local_midnight

# Agent-days that a repair after one lost shift changes at most, the lost one among them.
MOST_CHANGES = 5

# Open shifts beside the lost ones that are weighed at each step.
TRIED = 3

# How many days to both sides of a day its rules and its week reach, for weighing.
AROUND = timedelta(days=9)


def repaired(
    roster: pd.DataFrame,
    lost: Sequence[Change],
    ground: EditGround,
    *,
    change_price: float,
    most: int | None = None,
) -> tuple[Change, ...]:
    """The changes that take the lost shifts out of the ROSTER and cover them again, those included.

    lost          shifts that fall away, as changes of the roster
    change_price  money that a change must be worth beside its hours; the hours that were lost are
                  there to be worked again, so that they count for nothing until they are used up
    most          agent-days that change beside the lost ones; None: as many as are lost, and
                  MOST_CHANGES with those where fewer are

    No rule breaks that was kept before. The same roster gives the same changes.
    """
    now = applied(roster, lost)
    if most is None:
        most = max(MOST_CHANGES - len(lost), len(lost))
    spare = sum(paid_hours(change.before, ground) for change in lost)
    for _ in range(most):
        step = _best_step(now, lost, ground, change_price, spare)
        if step is None:
            break
        now = applied(now, [step])
        spare -= paid_hours(step.after, ground) - paid_hours(step.before, ground)
    return difference(roster, now, ground.brand.tz)


@dataclass(frozen=True)
class _Step:
    """A change, the money that it is worth, and the paid hours that it adds."""

    gain: float
    paid_hours: float
    change: Change


def _best_step(
    now: pd.DataFrame,
    lost: Sequence[Change],
    ground: EditGround,
    change_price: float,
    spare: float,
) -> Change | None:
    """The change worth most among those that break no rule; None when none is worth its price.

    spare  paid hours that were lost and are not worked again yet
    """
    lacks = lacks_of(heads_of(now, ground), ground)
    steps = [
        step
        for opening in _open(now, lost, ground)
        for step in _steps(opening, now, lacks, ground)
        if step.gain + ground.prices.paid * min(max(step.paid_hours, 0.0), max(spare, 0.0))
        > change_price
    ]
    absent = {(change.agent_id, change.day) for change in lost}
    for step in sorted(steps, key=lambda s: (-round(s.gain, 6), s.change.agent_id, s.change.after)):
        change = step.change
        if (change.agent_id, change.day) not in absent and _keeps_rules(now, change, ground):
            return change
    return None


def _open(now: pd.DataFrame, lost: Sequence[Change], ground: EditGround) -> Iterator[Opening]:
    """The lost shifts that are still missed, and other shifts of their days that would help."""
    for change in lost:
        back = Change(change.agent_id, change.day, change.after, change.before)
        opening = opening_of(applied(now, [back]), change.agent_id, change.day, ground)
        if opening.covers_hours > 0 and opening.template in ground.templates:
            yield opening
    days = {change.day for change in lost}
    near = [opening for opening in openings(now, ground) if opening.day in days]
    yield from near[:TRIED]


def _steps(
    opening: Opening, now: pd.DataFrame, lacks: Lacks, ground: EditGround
) -> Iterator[_Step]:
    """What it is worth that each agent who serves the opening's queues takes it; rules apart."""
    template = ground.template(opening.template)
    noon = local_midnight(opening.day, ground.brand.tz)
    near = now[(now["start"] >= noon - AROUND) & (now["start"] < noon + AROUND)]
    lines = lines_of(near)
    shifts = {
        group: laid_best(template, opening.start, missed(lacks, group), ground)
        for group in {ground.set_number[served] for served in ground.skills.values()}
    }
    for agent in ground.agents:
        served = ground.skills[agent.agent_id]
        contract = ground.contract_of(agent.agent_id, opening.day)
        if contract is None or opening.template not in contract.templates:
            continue
        if agent.is_off(opening.day) or not served.intersection(opening.queues):
            continue
        shift = shifts[ground.set_number[served]]
        days = days_of(lines.get(agent.agent_id, ()), agent.agent_id, ground)
        present = days.get(opening.day, ())
        after = tuple(sorted((*(s for s in present if s.activity in ABSENT), *shift)))
        stands = any(s.pinned or _is_past(s.start, ground) for s in present)
        if (
            stands
            or worked(present) == shift
            or in_the_way(days | {opening.day: after}, opening.day)
        ):
            continue
        weight = weighed(agent, opening.day, days, shift, lacks=lacks, ground=ground)
        gain = ground.prices.short * weight.covers_hours - weight.cost(ground)
        change = Change(agent.agent_id, opening.day, present, after)
        yield _Step(gain, weight.paid_hours, change)


def _is_past(at: datetime, ground: EditGround) -> bool:
    return ground.frozen_until is not None and at < ground.frozen_until


def _keeps_rules(now: pd.DataFrame, change: Change, ground: EditGround) -> bool:
    part = now[now["agent_id"] == change.agent_id]
    before, after = (
        violations(table, [change.agent_id], ground) for table in (part, applied(part, [change]))
    )
    return not broken_anew(after, before, {(change.agent_id, change.day)})
