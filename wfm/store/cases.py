"""Raw events, contacts, cases and their events.

The statements run alike on SQLite and PostgreSQL. `FOR UPDATE` compiles to nothing on SQLite,
where a write transaction is alone anyway. Every change of a case that depends on its lease is one
compare-and-set. Instants written are the transaction's own (`Writing.at`).

On the live queue's path: no pandas.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa

from wfm.cases import Case, CaseState
from wfm.errors import NotFound, RequestError
from wfm.store import tables
from wfm.store.engine import Writing
from wfm.store.metrics import mark_changed
from wfm.timegrid import parse_instant

cases = tables.cases
contacts = tables.contacts
raw_events = tables.raw_events
case_events = tables.case_events

EventKind = Literal[
    "opened",
    "joined",
    "edited",
    "deleted",
    "reopened",
    "assigned",
    "claimed",
    "released",
    "expired",
    "taken",
    "answered",
    "acknowledged",
    "notified",
    "paused",
    "resumed",
    "merged",
    "moved",
    "severity",
    "escalated",
    "warned",
    "breached",
    "follow_up",
    "task",
    "exception",
    "erased",
    "closed",
]

CASE = tuple(cases.c[field.name] for field in fields(Case))

# What the metrics of the day on which a case was opened are counted from.
COUNTED = frozenset(
    ("queue", "contacts", "closed_at", "merged_into", "first_response_at", "first_any_at")
)

# As literals: SQLite uses a partial index only where it sees the index's own condition.
NEW = cases.c.state == sa.literal_column("'new'")
ASSIGNED = cases.c.state == sa.literal_column("'assigned'")


@dataclass(frozen=True)
class Message:
    """One contact of a case."""

    contact_id: int
    author: str
    text: str
    published_at: datetime
    received_at: datetime


@dataclass(frozen=True)
class CaseEvent:
    """One thing that happened to a case; `text` is an answer or a reason."""

    kind: EventKind
    at: datetime
    agent_id: str | None
    text: str | None
    actor: str


def case_from(row: Sequence[Any] | None) -> Case | None:
    return None if row is None else Case(*row)


# -- what happened ------------------------------------------------------------------------------


def add_event(
    writing: Writing,
    case_ids: Sequence[int],
    kind: EventKind,
    *,
    agent_ids: Sequence[str | None] = (None,),
    text: str | None = None,
) -> None:
    """Write down what happened to each case; `agent_ids` go with `case_ids`."""
    writing.connection.execute(
        case_events.insert(),
        [
            {
                "case_id": case_id,
                "kind": kind,
                "at": writing.at,
                "agent_id": agent_id,
                "text": text,
                "actor": writing.actor,
            }
            for case_id, agent_id in zip(case_ids, agent_ids, strict=True)
        ],
    )


def add_answer(writing: Writing, case: Case, text: str) -> int:
    """Write down a human reply; the id of its event."""
    insert = case_events.insert().values(
        case_id=case.case_id,
        kind="answered",
        at=writing.at,
        agent_id=case.agent_id,
        text=text,
        actor=writing.actor,
    )
    return int(writing.connection.execute(insert.returning(case_events.c.id)).scalar_one())


def insert_handling(writing: Writing, case: Case, *, ended_at: datetime, ended_by: str) -> None:
    """A stretch in which an agent held the case, from their claim on."""
    writing.connection.execute(
        tables.handlings.insert().values(
            case_id=case.case_id,
            agent_id=case.agent_id,
            queue=case.queue,
            started_at=case.claimed_at,
            ended_at=ended_at,
            ended_by=ended_by,
        )
    )


# -- changes of a case ---------------------------------------------------------------------------


def lock_case(writing: Writing, case_id: int) -> Case:
    """The case, locked until the transaction ends; NotFound when there is none."""
    query = sa.select(*CASE).where(cases.c.case_id == case_id).with_for_update()
    return _found(writing.connection.execute(query).one_or_none(), case_id)


def update_case(writing: Writing, case_id: int, values: Mapping[str, object]) -> Case:
    """Set columns of a case that this transaction has locked."""
    row = writing.connection.execute(
        cases.update()
        .where(cases.c.case_id == case_id)
        .values({**values, **writing.stamp})
        .returning(*CASE)
    ).one()
    case = Case(*row)
    if not COUNTED.isdisjoint(values):
        mark_changed(writing, [case.opened_at])
    return case


def update_if_held(
    writing: Writing, case_id: int, lease_token: str, values: Mapping[str, object]
) -> Case | None:
    """Set columns of a case if the token's lease on it still runs; None, and no change, if not."""
    case = case_from(
        writing.connection.execute(
            cases.update()
            .where(
                cases.c.case_id == case_id,
                ASSIGNED,
                cases.c.lease_token == lease_token,
                cases.c.lease_until > writing.at,
            )
            .values({**values, **writing.stamp})
            .returning(*CASE)
        ).one_or_none()
    )
    if case is not None and not COUNTED.isdisjoint(values):
        mark_changed(writing, [case.opened_at])
    return case


# -- reading -------------------------------------------------------------------------------------


def find_case(connection: sa.Connection, case_id: int) -> Case:
    """The case; NotFound when there is none."""
    query = sa.select(*CASE).where(cases.c.case_id == case_id)
    return _found(connection.execute(query).one_or_none(), case_id)


def _found(row: Sequence[Any] | None, case_id: int) -> Case:
    if row is None:
        raise NotFound(f"there is no case {case_id}", case_id=case_id)
    return Case(*row)


def messages_of(connection: sa.Connection, case_id: int) -> tuple[Message, ...]:
    """The contacts of the case, and of those merged into it, in the order we received them."""
    held = (case_id, *merged_into(connection, case_id))
    rows = connection.execute(
        sa.select(*(contacts.c[field.name] for field in fields(Message)))
        .where(contacts.c.case_id.in_(held))
        .order_by(contacts.c.received_at, contacts.c.contact_id)
    )
    return tuple(Message(*row) for row in rows)


def merged_into(connection: sa.Connection, case_id: int) -> tuple[int, ...]:
    """The cases that were merged into this one, by id."""
    has_any = sa.exists().where(
        case_events.c.case_id == case_id, case_events.c.kind == sa.literal_column("'merged'")
    )
    # Its own events tell whether it has any: few cases have, and finding them reads all.
    if not connection.scalar(sa.select(has_any)):
        return ()
    return tuple(
        connection.scalars(
            sa.select(cases.c.case_id)
            .where(cases.c.merged_into == case_id)
            .order_by(cases.c.case_id)
        )
    )


def events_of(connection: sa.Connection, case_id: int) -> tuple[CaseEvent, ...]:
    """What has become of the case, oldest first."""
    rows = connection.execute(
        sa.select(*(case_events.c[field.name] for field in fields(CaseEvent)))
        .where(case_events.c.case_id == case_id)
        .order_by(case_events.c.id)
    )
    return tuple(CaseEvent(*row) for row in rows)


def page_of_cases(
    connection: sa.Connection,
    *,
    queue: str | None = None,
    state: CaseState | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> tuple[tuple[Case, ...], str | None]:
    """Cases by deadline, and the cursor of the next page or None after the last.

    RequestError for a cursor that no page gave.
    """
    query = sa.select(*CASE).order_by(cases.c.due_at, cases.c.case_id).limit(limit + 1)
    if queue is not None:
        query = query.where(cases.c.queue == queue)
    if state is not None:
        query = query.where(cases.c.state == state)
    if cursor is not None:
        due_at, case_id = _position(cursor)
        query = query.where(
            sa.or_(
                cases.c.due_at > due_at,
                sa.and_(cases.c.due_at == due_at, cases.c.case_id > case_id),
            )
        )
    found = [Case(*row) for row in connection.execute(query)]
    page = tuple(found[:limit])
    return page, _cursor(page[-1]) if len(found) > limit else None


def _cursor(last: Case) -> str:
    text = f"{last.due_at.astimezone(UTC).isoformat()} {last.case_id}"
    return base64.urlsafe_b64encode(text.encode()).decode()


def _position(cursor: str) -> tuple[datetime, int]:
    try:
        instant, number = base64.urlsafe_b64decode(cursor.encode()).decode().split()
        due_at, case_id = parse_instant(instant), int(number)
        if not 0 <= case_id < 2**31:
            raise ValueError("no case has such an id")
    except (ValueError, OverflowError, RequestError):
        raise RequestError(
            f"{cursor!r} is no cursor; take `next` of the page before", value=cursor
        ) from None
    return due_at, case_id
