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

from wfm.cases import Case, CaseState, Contact
from wfm.errors import NotFound, RequestError
from wfm.store import tables
from wfm.store.bulk import insert_into
from wfm.store.engine import Writing
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
    "exception",
    "erased",
    "closed",
]

CASE = tuple(cases.c[field.name] for field in fields(Case))

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


def _insert_unless_there(writing: Writing, table: sa.Table, values: dict[str, Any]) -> int | None:
    """Insert a row and give its id; None when a unique index holds the like already.

    On PostgreSQL this waits for a transaction that is just inserting the like.
    """
    key = next(iter(table.primary_key.columns))
    insert = insert_into(writing.connection, table).values(**values)
    statement = insert.on_conflict_do_nothing().returning(key)
    found: int | None = writing.connection.scalar(statement)
    return found


# -- intake --------------------------------------------------------------------------------------


def insert_event(writing: Writing, contact: Contact, body: str) -> int | None:
    """Keep the raw event; its id, or None when it was taken in before."""
    return _insert_unless_there(
        writing,
        raw_events,
        {
            "source": contact.source,
            "account": contact.account,
            "native_id": contact.native_id,
            "revision": contact.revision,
            "received_at": writing.at,
            "body": body,
            "actor": writing.actor,
        },
    )


def event_and_case_of(connection: sa.Connection, contact: Contact) -> tuple[int, int]:
    """Event id and case id of a contact that was taken in before."""
    row = connection.execute(
        sa.select(raw_events.c.event_id, contacts.c.case_id)
        .join(contacts, contacts.c.event_id == raw_events.c.event_id)
        .where(
            raw_events.c.source == contact.source,
            raw_events.c.account == contact.account,
            raw_events.c.native_id == contact.native_id,
            raw_events.c.revision == contact.revision,
        )
    ).one()
    return row.event_id, row.case_id


def lock_open_case(writing: Writing, author_id: int) -> Case | None:
    """The author's case that is not closed, locked until the transaction ends."""
    return case_from(
        writing.connection.execute(
            sa.select(*CASE)
            .where(
                cases.c.author_id == author_id,
                cases.c.state != sa.literal_column("'closed'"),
            )
            .with_for_update()
        ).one_or_none()
    )


def insert_case(
    writing: Writing,
    contact: Contact,
    *,
    queue: str,
    author_id: int,
    due_at: datetime,
    due_goal: str,
) -> int | None:
    """Open a case with one contact, received now; None when the author has an open one already."""
    return _insert_unless_there(
        writing,
        cases,
        {
            "queue": queue,
            "author": contact.author,
            "author_id": author_id,
            "source": contact.source,
            "account": contact.account,
            "state": "new",
            "severity": contact.severity,
            "received_at": writing.at,
            "due_at": due_at,
            "due_goal": due_goal,
            "contacts": 1,
            "opened_at": writing.at,
            **writing.stamp,
        },
    )


def author_of(writing: Writing, contact: Contact, platform: str) -> int:
    """The id of the contact's author, kept when first seen."""
    a = tables.authors.c
    known = sa.select(a.author_id).where(a.platform == platform, a.native_id == contact.author)
    found: int | None = writing.connection.scalar(known)
    if found is None:
        found = _insert_unless_there(
            writing,
            tables.authors,
            {
                "platform": platform,
                "native_id": contact.author,
                "handle": contact.handle,
                "reach": contact.reach,
                "verified": contact.verified,
                "kind": "",
                "first_seen_at": writing.at,
                **writing.stamp,
            },
        )
    return found or int(writing.connection.scalars(known).one())


def insert_contact(writing: Writing, case_id: int, event_id: int, contact: Contact) -> None:
    writing.connection.execute(
        contacts.insert().values(
            event_id=event_id,
            case_id=case_id,
            author=contact.author,
            text=contact.text,
            published_at=contact.published_at,
            received_at=writing.at,
        )
    )


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
    return Case(*row)


def first_response_or(at: datetime) -> sa.ColumnElement[datetime]:
    """The case's first response where there is one, else `at`; a value for an update."""
    return sa.func.coalesce(cases.c.first_response_at, sa.literal(at, tables.Instant()))


def update_if_held(
    writing: Writing, case_id: int, lease_token: str, values: Mapping[str, object]
) -> Case | None:
    """Set columns of a case if the token's lease on it still runs; None, and no change, if not."""
    return case_from(
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
    """The case's contacts in the order we received them."""
    rows = connection.execute(
        sa.select(*(contacts.c[field.name] for field in fields(Message)))
        .where(contacts.c.case_id == case_id)
        .order_by(contacts.c.received_at, contacts.c.contact_id)
    )
    return tuple(Message(*row) for row in rows)


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
