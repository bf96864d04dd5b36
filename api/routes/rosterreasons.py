"""Why a roster is as it is: shifts there and not there, shortfalls, conflicts; who carries what.

A roster is named by a plan's id, `latest`, `current`, or as `draft-5`. Costs are money at the
planning prices, in which a paid hour is 1; below 0 is saved.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import Moment, StoreDep
from api.routes.reasonwire import (
    BelowOut,
    ConflictList,
    ConflictOut,
    CureOut,
    DoubtList,
    DoubtOut,
    GapOut,
    LedgerOut,
    LedgerRow,
    NotReasonOut,
    ReasonOut,
)
from api.routes.rosterwire import Reader

router = APIRouter(prefix="/roster", tags=["rosters"])

RosterName = Annotated[str, Query(max_length=40, description="an id, latest, current or draft-5")]
AgentId = Annotated[str, Query(max_length=80)]
StartMin = Annotated[int, Query(ge=0, lt=1440, description="local minutes after midnight")]


@router.get("/why")
def get_why(
    agent: AgentId, day: date, store: StoreDep, _caller: Reader, roster: RosterName = "current"
) -> ReasonOut:
    """Why the agent has what they have on the local day, and what would be next best."""
    from api.planning import rosterreasons  # late: loads the planning libraries

    return ReasonOut.model_validate(rosterreasons.explain_shift(store, roster, agent, day))


@router.get("/why-not")
def get_why_not(
    agent: AgentId,
    day: date,
    template: Annotated[str, Query(max_length=80)],
    start_min: StartMin,
    store: StoreDep,
    _caller: Reader,
    roster: RosterName = "current",
) -> NotReasonOut:
    """Why the agent does not have this shift on the local day."""
    from api.planning import rosterreasons

    return NotReasonOut.model_validate(
        rosterreasons.explain_not(store, roster, agent, day, template=template, start_min=start_min)
    )


@router.get("/why-short")
def get_why_short(
    queue: Annotated[str, Query(max_length=80)],
    at: Annotated[Moment, Query(description="an instant in the interval")],
    store: StoreDep,
    _caller: Reader,
    roster: RosterName = "current",
) -> GapOut:
    """Why the queue is short in the interval, and what would cure it."""
    from api.planning import rosterreasons

    return GapOut.model_validate(rosterreasons.explain_shortfall(store, roster, queue, at))


@router.get("/more-agents")
def get_more_agents(
    queue: Annotated[str, Query(max_length=80)],
    store: StoreDep,
    _caller: Reader,
    roster: RosterName = "current",
) -> CureOut:
    """How many more agents, of which skills, would cure the queue's shortfall."""
    from api.planning import rosterreasons

    return CureOut.model_validate(rosterreasons.explain_cure(store, roster, queue))


@router.get("/conflicts")
def get_conflicts(
    agent: AgentId, store: StoreDep, _caller: Reader, roster: RosterName = "current"
) -> ConflictList:
    """Rules that the agent's line breaks: the fewest shifts that conflict, and the repair."""
    from api.planning import rosterreasons

    found = rosterreasons.explain_conflicts(store, roster, agent)
    below = rosterreasons.explain_minimum(store, roster, agent)
    return ConflictList(
        items=[ConflictOut.model_validate(one) for one in found],
        minimum=None if below is None else BelowOut.model_validate(below),
    )


@router.get("/doubts")
def get_doubts(store: StoreDep, _caller: Reader, roster: RosterName = "current") -> DoubtList:
    """What stands in the way of any roster of these days: skills, contracts, hours, pins."""
    from api.planning import rosterreasons

    found = rosterreasons.explain_doubts(store, roster)
    return DoubtList(items=[DoubtOut.model_validate(one) for one in found])


@router.get("/fairness")
def get_fairness(
    store: StoreDep,
    _caller: Reader,
    roster: RosterName = "current",
    before: Annotated[
        bool, Query(description="balances of the twelve weeks before, in place of the roster's own")
    ] = False,
) -> LedgerOut:
    """Who carries nights, weekends, early, late, holiday and unwished shifts, and what was fair."""
    from api.planning import rosterreasons
    from scheduling.fairness import spread

    reckon = rosterreasons.carried_until if before else rosterreasons.fairness_of
    table = reckon(store, roster).table
    return LedgerOut(
        spread=spread(table),
        rows=[LedgerRow.model_validate(row) for row in table.to_dict("records")],
    )
