"""What an agent could work on a day, each choice with the rules it breaks and what it covers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import pandas as pd

from scheduling.check import Violation
from scheduling.editing.changes import ABSENT, in_the_way, segments_of, worked
from scheduling.editing.coverage import head_changes, heads_of, lacks_of
from scheduling.editing.ground import EditGround
from scheduling.editing.judging import Trials, broken_anew, broken_by_each, violations
from scheduling.editing.laying import laid_best, missed
from scheduling.editing.weighing import Weighed, days_of, weighed
from wfm.people import Contract, ShiftTemplate
from wfm.timegrid import INTERVAL


@dataclass(frozen=True)
class Choice:
    """A shift that the agent could have on the day, for `Assign`.

    paid_hours    more than with the present shift
    covers_hours  agent-hours of shortfall cured, net of what the present shift cures
    cost          money, at the ground's prices: hours, wishes and coverage, over the present shift
    broken        rules that would break and do not now
    """

    template: str
    start_min: int
    paid_hours: float
    covers_hours: float
    cost: float
    broken: tuple[Violation, ...]


def choices(roster: pd.DataFrame, agent_id: str, day: date, ground: EditGround) -> list[Choice]:
    """Every template of the contract at every start: those that break fewest rules first, cheapest
    first. The present shift is left out, and so is what comes within 3 hours of a shift of the day
    beside; none without a contract on the day, on a pinned shift, or a day outside the horizon.

    NotFound for an agent who is not known.
    """
    agent = ground.agent(agent_id)
    contract = ground.contract_of(agent_id, day)
    line = segments_of(roster[roster["agent_id"] == agent_id])
    days = days_of(line, agent_id, ground)
    present = worked(days.get(day, ()))
    if contract is None or day not in ground.days or any(s.pinned for s in present):
        return []
    stays = [s for s in line if s not in present]
    absent = tuple(s for s in days.get(day, ()) if s.activity in ABSENT)
    now = lacks_of(heads_of(roster, ground), ground)
    alone = now.after(-head_changes(agent_id, present, ground))
    worth = missed(alone, ground.set_of(agent_id))
    trials: Trials = {}
    found: dict[str, tuple[ShiftTemplate, int, Weighed]] = {}
    for template, minute, at in _starts(contract, day, ground):
        shift = laid_best(template, at, worth, ground)
        same = present and (present[0].start, present[0].template) == (at, template.name)
        if same or in_the_way(days | {day: absent + shift}, day):
            continue
        name = f"{template.name} {minute}"
        trials[name] = agent, [*stays, *shift]
        weight = weighed(agent, day, days, shift, lacks=now, ground=ground)
        found[name] = template, minute, weight
    standing = violations(roster, [agent_id], ground)
    broken = broken_by_each(trials, ground)
    return sorted(
        (
            Choice(
                template=template.name,
                start_min=minute,
                paid_hours=weight.paid_hours,
                covers_hours=weight.covers_hours,
                cost=weight.cost(ground) - ground.prices.short * weight.covers_hours,
                broken=broken_anew(broken[name], standing, {(agent_id, day)}),
            )
            for name, (template, minute, weight) in found.items()
        ),
        key=lambda choice: (len(choice.broken), choice.cost, choice.template, choice.start_min),
    )


def _starts(
    contract: Contract, day: date, ground: EditGround
) -> Iterator[tuple[ShiftTemplate, int, datetime]]:
    """Templates of the contract at their starts on the day, in local minutes and as instants."""
    shifts = ground.shifts
    for n in np.flatnonzero(shifts.day == ground.days.index(day)).tolist():
        template = shifts.templates[int(shifts.template[n])]
        at = ground.start + int(shifts.start[n]) * INTERVAL
        past = ground.frozen_until is not None and at < ground.frozen_until
        if template.name in contract.templates and not past:
            yield template, int(shifts.wall_from[n]), at
