"""People of queues that have room, lent to those that have none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from scheduling.editing.changes import worked
from scheduling.editing.coverage import Lacks, heads_of, lacks_of
from scheduling.whatif.offers import Floor
from scheduling.whatif.results import Repair
from scheduling.whatif.scenario import Loan, Scenario
from scheduling.whatif.sizes import sizes
from scheduling.whatif.words import lasting, listed, named, people

# Hours on queue, weighed by their worth, for which nobody is lent.
LEAST_H = 0.5
# Heads that a queue has to spare beyond its need, at least, for one of its people to be lent.
LEAST_SPARE = 0.25


@dataclass(frozen=True)
class Lendable:
    """An agent who could be lent.

    queues   they could serve beside their own: in trouble, and of a language they answer in
    gain_h   hours on queue that they would be there, weighed by their worth
    spare    heads that their own queues have beyond their need, meanwhile
    """

    agent_id: str
    queues: tuple[str, ...]
    gain_h: float
    spare: float


def loans(floor: Floor) -> Iterator[Repair]:
    """People of other queues of the same language, who serve those in trouble too; those whose own
    queues have most to spare first.
    """
    trouble, situation = floor.trouble, floor.situation
    start, end = max(trouble.earliest("loan"), trouble.focus[0]), trouble.focus[1]
    lent = lendable(floor, start, end)
    names = {a.agent_id: a.name for a in situation.agents}
    for count in sizes([one.gain_h for one in lent], floor):
        chosen = lent[:count]
        own = {q for one in chosen for q in situation.ground.skills[one.agent_id]}
        lasts = lasting(start, end, situation.brand.tz)
        helped = [q for q in trouble.queues if any(q in one.queues for one in chosen)]
        yield Repair(
            repair_id=f"loan-{count}",
            kind="loan",
            title=f"{people(count, 'helps', 'help')} out on {listed(helped)}, {lasts}",
            reason=f"{named([names[one.agent_id] for one in chosen])}: on shift then for "
            f"{listed(sorted(own))}, which has {chosen[-1].spare:.1f} people or more to spare",
            does=Scenario(
                loans=tuple(
                    Loan(
                        start, end, tuple(o.agent_id for o in chosen if o.queues == queues), queues
                    )
                    for queues in dict.fromkeys(one.queues for one in chosen)
                )
            ),
            staff_hours=0.0,
            people=count,
        )


def lendable(floor: Floor, start: datetime, end: datetime) -> list[Lendable]:
    """Who could be lent over [start, end), the least hurt first."""
    ground, trouble = floor.situation.ground, floor.trouble
    if end <= start:
        return []
    language = {q.name: q.language for q in ground.brand.queues}
    lent = {agent for loan in floor.scenario.loans for agent in loan.agents} | floor.away
    spare: dict[int, float] = {}
    lacks: Lacks | None = None
    found = []
    for agent_id, days in floor.days.items():
        own = ground.skills[agent_id]
        spoken = {language[q] for q in own}
        queues = tuple(q for q in trouble.queues if language[q] in spoken)
        if agent_id in lent or not queues or own.intersection(trouble.queues):
            continue
        there = (s for day in floor.near for s in worked(days.get(day, ())))
        target = ground.set_of("", queues[0])
        gain_h = sum(
            trouble.hours(target, max(s.start, start), min(s.end, end))
            for s in there
            if s.activity == "on_queue" and s.start < end and s.end > start
        )
        if gain_h <= LEAST_H:
            continue
        group = ground.set_of(agent_id)
        if group not in spare:
            lacks = lacks or _lacks(floor, start, end)
            spare[group] = float(lacks.spare(group).mean())
        if spare[group] >= LEAST_SPARE:
            found.append(Lendable(agent_id, queues, gain_h, spare[group]))
    return sorted(
        found, key=lambda one: (-round(one.spare, 2), -round(one.gain_h, 2), one.agent_id)
    )


def _lacks(floor: Floor, start: datetime, end: datetime) -> Lacks:
    """What the floor lacks, and has to spare, over [start, end) as it was planned."""
    roster, ground = floor.roster, floor.situation.ground
    during = roster[(roster["start"] < end) & (roster["end"] > start)]
    at = np.arange(floor.trouble.place(start), floor.trouble.place(end))
    return lacks_of(heads_of(during, ground), ground).during(at)
