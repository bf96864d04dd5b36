"""Rosters that are kept, with what they are judged by: those of plans, and drafts on top of them.

What never changes (a plan's tables) is kept at hand; the brand and the agents are read each time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from api.planning.records import StoredPlan, rules_since
from api.planning.shelf import Shelf
from scheduling.editing.changes import Change, applied, difference
from scheduling.editing.ground import EditGround
from scheduling.fairness import Ledger, carried_ledger, ledger_start
from wfm.store import plans
from wfm.store.brands import load_brand
from wfm.store.engine import Store
from wfm.store.people import load_agents
from wfm.timegrid import floor_interval


@dataclass(frozen=True)
class Rostered:
    """A roster that people can name.

    name      as people write it: "3", or "draft-5"
    plan      the plan it belongs to; of a draft the one it was opened on
    roster    ROSTER
    draft_id  of a draft, with its revision; None: the plan's own roster
    """

    name: str
    plan: StoredPlan
    roster: pd.DataFrame = field(repr=False)
    draft_id: int | None = None
    revision: int | None = None

    @cached_property
    def ground(self) -> EditGround:
        """What its rules and its coverage are judged by, as it is known now."""
        return ground_for(self.plan)


_ROSTERS: Shelf[pd.DataFrame] = Shelf(8)
_GROUNDS: Shelf[EditGround] = Shelf(4)


def roster_of(plan: StoredPlan) -> pd.DataFrame:
    """ROSTER of the plan, kept at hand; not to be changed."""
    return _ROSTERS.get(shelved(plan), plan.roster)


def shelved(plan: StoredPlan) -> tuple[object, ...]:
    """The plan's name on a shelf: a store may be made anew at its address."""
    return (plan.store.engine.url, plan.plan_id, plan.written_at)


def ground_for(plan: StoredPlan) -> EditGround:
    """What edits of the plan's roster stand on: brand, agents and clock as they are now.

    What lies before now is frozen where a roster was in force then. Raises NotFound without a
    brand.
    """
    now = floor_interval(plan.store.clock.now())
    with plan.store.reading() as connection:
        brand = load_brand(connection)
        agents = load_agents(connection)
        newest = plans.newest_version(connection)
        worked = plans.was_in_force(connection, start=plan.start, end=min(now, plan.end))

    def make() -> EditGround:
        with plan.store.reading() as connection:
            history = plans.published_roster(
                connection, start=rules_since(brand, plan.start), end=plan.start
            )
        return EditGround(
            brand=brand,
            agents=agents,
            requirement=plan.requirement(),
            start=plan.start,
            end=plan.end,
            history=history,
            frozen_until=now if worked else None,
        )

    name = (*shelved(plan), newest, now if worked else None)
    held = _GROUNDS.get(name, make)
    if (held.brand, held.agents) != (brand, agents):
        held = make()
        _GROUNDS.put(name, held)
    return held


def carried_into(store: Store, ground: EditGround) -> Ledger:
    """What the agents carried before the roster begins."""
    since = ledger_start(ground.brand, until=ground.start)
    with store.reading() as connection:
        worked = plans.published_roster(connection, start=since, end=ground.start)
    return carried_ledger(worked, ground.brand, ground.agents, until=ground.start)


def as_worked(
    plan: StoredPlan, roster: pd.DataFrame, ground: EditGround
) -> tuple[pd.DataFrame, tuple[Change, ...]]:
    """The ROSTER with what was worked before now as it was in force; and the changes made for it.

    roster  the plan's, edited

    An agent-day of which the two tell one thing up to now is left as it is, also when it goes on.
    """
    if ground.frozen_until is None:
        return roster, ()
    with plan.store.reading() as connection:
        in_force = plans.published_roster(connection, start=plan.start, end=plan.end)
    now, zone = pd.Timestamp(plan.store.clock.now()), ground.brand.tz
    told, worked = (_until(table, now) for table in (roster, in_force))
    apart = {(c.agent_id, c.day) for c in difference(told, worked, zone)}
    changes = tuple(c for c in difference(roster, in_force, zone) if (c.agent_id, c.day) in apart)
    return applied(roster, changes), changes


def _until(table: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
    begun = table[table["start"] < now]
    return begun.assign(end=begun["end"].where(begun["end"] < now, now))
