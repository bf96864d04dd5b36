"""What is to be delivered to others: what waits, what has failed, what was given up."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict

from api.auth import Caller, require
from api.deps import MAX_ID, StoreDep
from api.routes.paging import Before, Limit, page_of
from wfm.store import outbox

router = APIRouter(prefix="/outbox", tags=["queue"])

Lead = Annotated[Caller, Depends(require("team-lead", "manager"))]
Overseer = Annotated[Caller, Depends(require("queue-engine", "manager", "team-lead", "auditor"))]


class LetterOut(BaseModel):
    """A letter: `new` waits until `next_at`, `sent` has arrived, `dead` was given up."""

    model_config = ConfigDict(from_attributes=True)

    outbox_id: int
    key: str
    kind: outbox.Kind
    target: str
    case_id: int | None
    body: dict[str, Any]
    state: outbox.State
    attempts: int
    next_at: datetime
    written_at: datetime
    sent_at: datetime | None
    error: str | None
    native_id: str | None


class OutboxOut(BaseModel):
    """Letters, newest first; `next` continues the list. The counts are of the whole outbox."""

    items: list[LetterOut]
    next: int | None
    waiting: int
    failing: int
    dead: int


@router.get("")
def list_outbox(
    store: StoreDep,
    _caller: Overseer,
    state: outbox.State | None = None,
    case_id: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
    before: Before = None,
    limit: Limit = 50,
) -> OutboxOut:
    """Letters of the outbox, newest first."""
    with store.reading() as connection:
        found = outbox.page(
            connection, state=state, case_id=case_id, before=before, limit=limit + 1
        )
        counts = outbox.counts(connection)
    rows, following = page_of(found, limit, lambda letter: letter.outbox_id)
    return OutboxOut(
        items=[LetterOut.model_validate(letter) for letter in rows],
        next=following,
        waiting=counts.waiting,
        failing=counts.failing,
        dead=counts.dead,
    )


@router.post("/{outbox_id}/retry")
def retry_letter(
    outbox_id: Annotated[int, Path(ge=1, le=MAX_ID)], store: StoreDep, caller: Lead
) -> LetterOut:
    """Try a letter that has not arrived now, and as often as a new one; 409 when it has."""
    with store.writing(caller.actor) as writing:
        letter = outbox.try_again(writing, outbox_id)
    return LetterOut.model_validate(letter)
