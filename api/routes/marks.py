"""Marks on the past: spans the baseline should not take as they are; proposed, added, decided."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Caller, require
from api.deps import MAX_ID, Moment, StoreDep
from api.routes.paging import Before, Limit, page_of
from wfm.errors import LostEdit
from wfm.marks import Mark, MarkKind, MarkState
from wfm.store import marks as rows

router = APIRouter(prefix="/marks", tags=["forecasts"])

Reader = Annotated[Caller, Depends(require("planner", "manager", "team-lead", "auditor"))]
Planner = Annotated[Caller, Depends(require("planner", "manager"))]

MarkId = Annotated[int, Path(ge=1, le=MAX_ID)]


class MarkIn(BaseModel):
    """A span [start, end) in which a queue's counts were not what its customers do."""

    model_config = ConfigDict(extra="forbid")

    queue: str = Field(max_length=80)
    start: Moment
    end: Moment
    kind: MarkKind
    reason: str = Field(min_length=1, max_length=2000)


class MarkOut(BaseModel):
    """A mark; all but rejected ones are in force.

    `contacts`: what was counted; `expected`: what a normal span would have had.
    """

    model_config = ConfigDict(from_attributes=True)

    mark_id: int
    queue: str
    start: datetime
    end: datetime
    kind: str
    state: str
    contacts: float
    expected: float
    reason: str


class MarkList(BaseModel):
    """Marks of all states, the newest first; `next` continues the list as `before`."""

    items: list[MarkOut]
    next: int | None


class Decision(BaseModel):
    """What a mark becomes: accepted, rejected (its counts are normal), or proposed again."""

    model_config = ConfigDict(extra="forbid")

    state: MarkState


def _etag(mark: Mark) -> str:
    return f'"mark-{mark.mark_id}-{mark.state}"'


def _answer(mark: Mark, response: Response) -> MarkOut:
    response.headers["ETag"] = _etag(mark)
    return MarkOut.model_validate(mark)


@router.get("")
def list_marks(
    store: StoreDep,
    _caller: Reader,
    queue: str | None = None,
    limit: Limit = 50,
    before: Before = None,
) -> MarkList:
    """Marks of all queues or one."""
    with store.reading() as connection:
        found = rows.load(connection, queue=queue, limit=limit + 1, before=before)
    page, following = page_of(found, limit, lambda one: one.mark_id)
    return MarkList(items=[MarkOut.model_validate(mark) for mark in page], next=following)


@router.post("", status_code=201)
def add_mark(wanted: MarkIn, response: Response, store: StoreDep, caller: Planner) -> MarkOut:
    """Mark a span yourself: it is accepted at once. 409 when it is marked so already."""
    from api.planning import forecasts  # late: loads the planning libraries

    mark_id = forecasts.add_mark(store, Mark(**wanted.model_dump(), state="accepted"), caller.actor)
    response.headers["Location"] = f"/api/v1/marks/{mark_id}"
    return _answer(_one(store, mark_id), response)


@router.get("/{mark_id}")
def get_mark(mark_id: MarkId, response: Response, store: StoreDep, _caller: Reader) -> MarkOut:
    """One mark."""
    return _answer(_one(store, mark_id), response)


@router.patch("/{mark_id}")
def decide_mark(
    mark_id: MarkId,
    decision: Decision,
    response: Response,
    store: StoreDep,
    caller: Planner,
    if_match: Annotated[str | None, Header(description="the mark's ETag as it was read")] = None,
) -> MarkOut:
    """Accept, reject or reopen a mark; 412 when `If-Match` names another state than it is in."""
    with store.writing(caller.actor) as writing:
        held = rows.find(writing.connection, mark_id)
        if if_match is not None and if_match not in ("*", _etag(held)):
            raise LostEdit(
                f"mark {mark_id} is {held.state} now; read it again before you decide",
                mark_id=mark_id,
                state=held.state,
            )
        return _answer(rows.decide(writing, mark_id, decision.state), response)


def _one(store: StoreDep, mark_id: int) -> Mark:
    with store.reading() as connection:
        return rows.find(connection, mark_id)
