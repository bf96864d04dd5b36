"""Why a roster is as it is: a plan's or a draft's, read from the store and tried out.

Rosters are named as people write them: a plan by its id, `latest` or `current`, a draft as
`draft-5`.
"""

from __future__ import annotations

from datetime import date, datetime

from api.planning.drafts import rostered
from api.planning.rostered import carried_into
from api.planning.shelf import Shelf
from scheduling.doubts import Doubt, roster_doubts
from scheduling.fairness import Ledger, ledger_of
from scheduling.why.clash import Conflict, conflicts_of
from scheduling.why.costs import Desk, desk_of
from scheduling.why.gap import Gap, why_short
from scheduling.why.minimum import Below, why_below
from scheduling.why.more import Cure, more_agents
from scheduling.why.shift import NotReason, Reason, why_not, why_shift
from wfm.store.engine import Store

_DESKS: Shelf[Desk] = Shelf(4)


def explain_shift(store: Store, which: str | int, agent_id: str, day: date) -> Reason:
    """Why the agent has what they have on the local day, and the next best for both.

    NotFound for an unknown roster or agent, RequestError for a day outside the roster.
    """
    return why_shift(_desk(store, which), agent_id, day)


def explain_not(
    store: Store, which: str | int, agent_id: str, day: date, *, template: str, start_min: int
) -> NotReason:
    """Why the agent does not have the shift, start in local minutes.

    NotFound for an unknown roster, agent or template; RequestError for a day outside the roster or
    a start that the template has not.
    """
    return why_not(_desk(store, which), agent_id, day, template, start_min)


def explain_shortfall(store: Store, which: str | int, queue: str, at: datetime) -> Gap:
    """Why the queue is short in the interval of `at`, and what would cure it.

    NotFound for an unknown roster or queue, RequestError for an instant outside the roster.
    """
    return why_short(_desk(store, which), queue, at)


def explain_conflicts(store: Store, which: str | int, agent_id: str) -> tuple[Conflict, ...]:
    """What of the agent's line cannot stand together, with the repair; empty where all can.

    NotFound for an unknown roster or agent.
    """
    return conflicts_of(_desk(store, which), agent_id)


def explain_doubts(store: Store, which: str | int) -> tuple[Doubt, ...]:
    """What stands in the way of any roster of this plan, whoever makes it."""
    found = rostered(store, which)
    ground = found.ground
    return roster_doubts(
        ground.requirement,
        ground.brand,
        ground.agents,
        start=ground.start,
        end=ground.end,
        pinned=found.roster[found.roster["pinned"]],
        history=ground.history,
    )


def fairness_of(store: Store, which: str | int) -> Ledger:
    """Who carries what of nights, weekends and the like in this roster."""
    found = rostered(store, which)
    ground = found.ground
    return ledger_of(found.roster, ground.brand, ground.agents, start=ground.start, end=ground.end)


def carried_until(store: Store, which: str | int) -> Ledger:
    """The balances that this roster began with, of the rosters in force before it."""
    return carried_into(store, rostered(store, which).ground)


def explain_cure(store: Store, which: str | int, queue: str) -> Cure:
    """What more agents, of which skills, would cure of the queue's shortfall.

    NotFound for an unknown roster or queue.
    """
    return more_agents(_desk(store, which), queue)


def explain_minimum(store: Store, which: str | int, agent_id: str) -> Below | None:
    """Why the agent cannot reach the contract's minimum in these days; None where they can.

    NotFound for an unknown roster or agent.
    """
    return why_below(_desk(store, which), agent_id)


def _desk(store: Store, which: str | int) -> Desk:
    found = rostered(store, which)
    ground = found.ground

    def make() -> Desk:
        return desk_of(found.roster, ground, owed=carried_into(store, ground).debts)

    name = (store.engine.url, found.plan.plan_id, found.draft_id, found.revision)
    desk = _DESKS.get(name, make)
    if desk.ground is not ground:  # brand, agents or history have changed since
        desk = make()
        _DESKS.put(name, desk)
    return desk
