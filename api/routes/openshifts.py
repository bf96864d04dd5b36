"""What a planner looks at: shifts that nobody has, who may take them, rosters compared."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from api.deps import StoreDep
from api.routes.paging import Limit
from api.routes.rosterwire import (
    ChangeOut,
    DraftId,
    Reader,
    ViolationOut,
    changes_out,
    violations_out,
)

router = APIRouter(tags=["rosters"])


class OpeningOut(BaseModel):
    """A shift that nobody has yet, and what it would cure."""

    model_config = ConfigDict(from_attributes=True)

    day: date
    template: str
    start: datetime
    start_min: int
    queues: list[str]
    covers_hours: float
    worth: float
    paid_hours: float


class OpeningList(BaseModel):
    """Open shifts, most worth first."""

    items: list[OpeningOut]


class TakerOut(BaseModel):
    """An agent who could take a shift, at what cost, and the rules that stand against it."""

    agent_id: str
    may: bool
    cost: float
    paid_hours: float
    overtime_hours: float
    covers_hours: float
    replaces: str
    broken: list[ViolationOut]
    reasons: list[str]


class TakerList(BaseModel):
    """Who may take a shift first, cheapest first; then who would break rules."""

    items: list[TakerOut]


class DifferenceOut(BaseModel):
    """What to change in the one roster to get the other, by agent and local day."""

    one: str
    other: str
    changes: list[ChangeOut]


@router.get("/drafts/{draft_id}/open-shifts")
def list_open_shifts(
    draft_id: DraftId, store: StoreDep, _caller: Reader, limit: Limit = 50
) -> OpeningList:
    """The shifts that would cure most of the draft's shortfall."""
    from api.planning import drafts  # late: loads the planning libraries
    from scheduling.editing.openings import openings

    draft = drafts.load_draft(store, draft_id)
    found = openings(draft.roster, draft.ground, limit=limit)
    return OpeningList(items=[OpeningOut.model_validate(one) for one in found])


@router.get("/drafts/{draft_id}/open-shifts/takers")
def list_takers(
    draft_id: DraftId,
    store: StoreDep,
    _caller: Reader,
    day: date,
    template: Annotated[str | None, Query(max_length=80)] = None,
    start_min: Annotated[int | None, Query(ge=0, lt=1440)] = None,
    queue: Annotated[list[str] | None, Query(description="repeat; none: all queues")] = None,
    agent_id: Annotated[str | None, Query(description="whose shift somebody else takes")] = None,
) -> TakerList:
    """Who may take a shift: an open one by `template` and `start_min`, or that of `agent_id`."""
    from api.planning import drafts, openshifts

    draft_takers = openshifts.takers_in(
        drafts.rostered(store, f"draft-{draft_id}"),
        day,
        template=template,
        start_min=start_min,
        queues=queue,
        agent_id=agent_id,
    )
    return TakerList(
        items=[
            TakerOut(
                agent_id=one.agent_id,
                may=one.may,
                cost=one.cost,
                paid_hours=one.paid_hours,
                overtime_hours=one.overtime_hours,
                covers_hours=one.covers_hours,
                replaces=one.replaces,
                broken=violations_out(one.broken),
                reasons=list(one.reasons),
            )
            for one in draft_takers
        ]
    )


@router.get("/plans/{one}/difference/{other}")
def get_difference(one: str, other: str, store: StoreDep, _caller: Reader) -> DifferenceOut:
    """Two rosters compared: plans by id, `latest` or `current`, drafts as `draft-5`."""
    from api.planning import drafts

    changes = drafts.difference(store, one, other)
    return DifferenceOut(one=one, other=other, changes=changes_out(changes))
