"""Adjustments: what planners know and no model can; made, listed, withdrawn, never deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Caller, require
from api.deps import MAX_ID, Moment, StoreDep
from wfm.adjustments import Adjustment, AdjustmentKind
from wfm.store import adjustments as rows

router = APIRouter(prefix="/adjustments", tags=["forecasts"])

Reader = Annotated[Caller, Depends(require("planner", "manager", "team-lead", "auditor"))]
Planner = Annotated[Caller, Depends(require("planner", "manager"))]

AdjustmentId = Annotated[int, Path(ge=1, le=MAX_ID)]


class AdjustmentIn(BaseModel):
    """A change of a queue's forecast over [start, end).

    `set`: `value` contacts in all; `percent`: `value` % more than the model says; `range`: between
    `low` and `high` contacts in all in four days of five.
    """

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    queue: str = Field(max_length=80)
    start: Moment
    end: Moment
    kind: AdjustmentKind
    reason: str = Field(max_length=2000)
    value: float | None = None
    low: float | None = None
    high: float | None = None


class AdjustmentOut(AdjustmentIn):
    """An adjustment as it is kept; in force until `withdrawn_at`."""

    model_config = ConfigDict(from_attributes=True)

    adjustment_id: int
    actor: str
    written_at: datetime
    withdrawn_at: datetime | None
    withdrawn_by: str | None


class AdjustmentList(BaseModel):
    """Adjustments, the newest first; `next` continues the list as `before`."""

    items: list[AdjustmentOut]
    next: int | None


@router.get("")
def list_adjustments(
    store: StoreDep,
    _caller: Reader,
    queue: str | None = None,
    active: Annotated[bool, Query(description="only those in force")] = True,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[
        int | None, Query(ge=1, le=MAX_ID, description="adjustment_id to continue after")
    ] = None,
) -> AdjustmentList:
    """Adjustments of all queues or one."""
    with store.reading() as connection:
        found = rows.load(connection, queue=queue, active=active, limit=limit + 1, before=before)
    items = [AdjustmentOut.model_validate(one) for one in found[:limit]]
    return AdjustmentList(items=items, next=items[-1].adjustment_id if len(found) > limit else None)


@router.post("", status_code=201)
def make_adjustment(
    wanted: AdjustmentIn, response: Response, store: StoreDep, caller: Planner
) -> AdjustmentOut:
    """Put an adjustment in force: forecasts read and plans made from now on have it."""
    from api.planning import forecasts  # late: loads the planning libraries

    adjustment_id = forecasts.adjust(store, Adjustment(**wanted.model_dump()), caller.actor)
    response.headers["Location"] = f"/api/v1/adjustments/{adjustment_id}"
    return _one(store, adjustment_id)


@router.get("/{adjustment_id}")
def get_adjustment(adjustment_id: AdjustmentId, store: StoreDep, _caller: Reader) -> AdjustmentOut:
    """One adjustment, in force or withdrawn."""
    return _one(store, adjustment_id)


@router.delete("/{adjustment_id}")
def withdraw_adjustment(
    adjustment_id: AdjustmentId, store: StoreDep, caller: Planner
) -> AdjustmentOut:
    """Take an adjustment out of force; it stays on record. 409 when it was withdrawn before."""
    from api.planning import forecasts

    forecasts.withdraw(store, adjustment_id, caller.actor)
    return _one(store, adjustment_id)


def _one(store: StoreDep, adjustment_id: int) -> AdjustmentOut:
    with store.reading() as connection:
        return AdjustmentOut.model_validate(rows.find(connection, adjustment_id))
