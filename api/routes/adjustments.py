"""Adjustments: what planners know and no model can; made, listed, withdrawn, never deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Caller, require
from api.deps import MAX_ID, Moment, StoreDep
from api.routes.paging import Before, Limit, page_of
from wfm.adjustments import Adjustment, AdjustmentKind
from wfm.errors import LostEdit
from wfm.store import adjustments as rows
from wfm.store.adjustments import StoredAdjustment

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
    limit: Limit = 50,
    before: Before = None,
) -> AdjustmentList:
    """Adjustments of all queues or one."""
    with store.reading() as connection:
        found = rows.load(connection, queue=queue, active=active, limit=limit + 1, before=before)
    page, following = page_of(found, limit, lambda one: one.adjustment_id)
    return AdjustmentList(items=[AdjustmentOut.model_validate(one) for one in page], next=following)


@router.post("", status_code=201)
def make_adjustment(
    wanted: AdjustmentIn, response: Response, store: StoreDep, caller: Planner
) -> AdjustmentOut:
    """Put an adjustment in force: forecasts read and plans made from now on have it."""
    from api.planning import forecasts  # late: loads the planning libraries

    adjustment_id = forecasts.adjust(store, Adjustment(**wanted.model_dump()), caller.actor)
    response.headers["Location"] = f"/api/v1/adjustments/{adjustment_id}"
    return _answer(_one(store, adjustment_id), response)


@router.get("/{adjustment_id}")
def get_adjustment(
    adjustment_id: AdjustmentId, response: Response, store: StoreDep, _caller: Reader
) -> AdjustmentOut:
    """One adjustment, in force or withdrawn."""
    return _answer(_one(store, adjustment_id), response)


@router.delete("/{adjustment_id}")
def withdraw_adjustment(
    adjustment_id: AdjustmentId,
    response: Response,
    store: StoreDep,
    caller: Planner,
    if_match: Annotated[
        str | None, Header(description="the adjustment's ETag as it was read")
    ] = None,
) -> AdjustmentOut:
    """Take an adjustment out of force; it stays on record.

    409 when it was withdrawn before; 412 when `If-Match` names it as it no longer is.
    """
    from api.planning import forecasts

    if if_match is not None and if_match not in ("*", _etag(_one(store, adjustment_id))):
        raise LostEdit(
            f"adjustment {adjustment_id} was changed meanwhile; read it again",
            adjustment_id=adjustment_id,
        )
    forecasts.withdraw(store, adjustment_id, caller.actor)
    return _answer(_one(store, adjustment_id), response)


def _etag(one: StoredAdjustment) -> str:
    return f'"adjustment-{one.adjustment_id}-{"in-force" if one.in_force else "withdrawn"}"'


def _answer(one: StoredAdjustment, response: Response) -> AdjustmentOut:
    response.headers["ETag"] = _etag(one)
    return AdjustmentOut.model_validate(one)


def _one(store: StoreDep, adjustment_id: int) -> StoredAdjustment:
    with store.reading() as connection:
        return rows.find(connection, adjustment_id)
