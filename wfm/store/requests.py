"""What agents ask for: time off and trades of shifts; decided once, never deleted.

asked -> granted | declined | withdrawn
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import sqlalchemy as sa

from wfm.errors import IllegalMove, NotFound
from wfm.store.documents import to_document
from wfm.store.engine import Writing
from wfm.store.tables import requests as table

RequestKind = Literal["time_off", "trade"]
RequestState = Literal["asked", "granted", "declined", "withdrawn"]
REQUEST_STATES: tuple[RequestState, ...] = ("asked", "granted", "declined", "withdrawn")

# How the audit calls a kind, and where a user finds its requests.
_SUBJECT: dict[str, str] = {"time_off": "time off", "trade": "trade"}


@dataclass(frozen=True)
class RequestRow:
    """One request.

    other        of a trade: whom with
    first, last  local days of the absence, both included; of a trade the agent's day and the
                 other's
    reason       of who asked; `answer` of who decided
    draft_id     the draft that the grant has changed, where it changed one
    """

    request_id: int
    kind: RequestKind
    agent_id: str
    other: str | None
    first: date
    last: date
    state: RequestState
    reason: str
    answer: str
    draft_id: int | None
    asked_by: str
    asked_at: datetime
    actor: str
    written_at: datetime


_c = table.c
_ROW = (
    _c.request_id, _c.kind, _c.agent_id, _c.other, _c.first, _c.last, _c.state, _c.reason,
    _c.answer, _c.draft_id, _c.asked_by, _c.asked_at, _c.actor, _c.written_at,
)  # fmt: skip


def insert(
    writing: Writing,
    kind: RequestKind,
    agent_id: str,
    *,
    first: date,
    last: date,
    other: str | None = None,
    reason: str = "",
) -> int:
    """Keep a request that is asked for now; gives its id."""
    request_id: int = writing.connection.scalars(
        table.insert()
        .values(
            kind=kind,
            agent_id=agent_id,
            other=other,
            first=first,
            last=last,
            state="asked",
            reason=reason,
            answer="",
            asked_by=writing.actor,
            asked_at=writing.at,
            **writing.stamp,
        )
        .returning(_c.request_id)
    ).one()
    asked = find(writing.connection, kind, request_id)
    writing.audit(f"{kind}.ask", str(request_id), after=to_document(asked))
    return request_id


def find(connection: sa.Connection, kind: RequestKind, request_id: int) -> RequestRow:
    """The request with the id; NotFound when there is none of the kind."""
    row = connection.execute(
        sa.select(*_ROW).where(_c.request_id == request_id, _c.kind == kind)
    ).one_or_none()
    if row is None:
        raise NotFound(
            f"there is no request {request_id} for {_SUBJECT[kind]}", request_id=request_id
        )
    return RequestRow(*tuple(row))


def listing(
    connection: sa.Connection,
    kind: RequestKind,
    *,
    state: RequestState | None = None,
    agent_id: str | None = None,
    limit: int = 50,
    before: int | None = None,
) -> list[RequestRow]:
    """Requests of a kind, newest first; `before` continues a listing."""
    query = sa.select(*_ROW).where(_c.kind == kind)
    if state is not None:
        query = query.where(_c.state == state)
    if agent_id is not None:
        query = query.where(_c.agent_id == agent_id)
    if before is not None:
        query = query.where(_c.request_id < before)
    rows = connection.execute(query.order_by(_c.request_id.desc()).limit(limit))
    return [RequestRow(*tuple(row)) for row in rows]


def decide(
    writing: Writing,
    kind: RequestKind,
    request_id: int,
    state: RequestState,
    *,
    answer: str = "",
    draft_id: int | None = None,
) -> None:
    """Answer a request that is open. NotFound without it, IllegalMove when it was answered."""
    held = find(writing.connection, kind, request_id)
    moved = writing.connection.execute(
        table.update()
        .where(_c.request_id == request_id, _c.state == "asked")
        .values(state=state, answer=answer, draft_id=draft_id, **writing.stamp)
    )
    if not moved.rowcount:
        now = find(writing.connection, kind, request_id)
        raise IllegalMove(
            f"request {request_id} was {now.state} by {now.actor}; ask anew",
            request_id=request_id,
            state=now.state,
        )
    decided = find(writing.connection, kind, request_id)
    writing.audit(
        f"{kind}.{_VERB[state]}",
        str(request_id),
        before=to_document(held),
        after=to_document(decided),
    )


_VERB: dict[RequestState, str] = {
    "asked": "ask",
    "granted": "grant",
    "declined": "decline",
    "withdrawn": "withdraw",
}
