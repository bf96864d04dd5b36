"""The outbox: what is to be delivered to others, written in the transaction that decides it.

A letter is delivered at least once, and its `key` names it for good: a receiver that knows the key
drops the repetition. Letters about one case leave for one target in the order they were written,
what goes to the customer and what is merely told apart from each other.

On the live queue's path: standard library and SQLAlchemy only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from wfm.errors import Conflict, NotFound
from wfm.store import tables
from wfm.store.bulk import insert_into
from wfm.store.engine import Writing

outbox = tables.outbox

Kind = Literal["reply", "acknowledgement", "notice", "event", "activity"]
State = Literal["new", "sent", "dead"]

# As a literal: SQLite uses a partial index only where it sees the index's own condition.
_NEW = outbox.c.state == sa.literal_column("'new'")


@dataclass(frozen=True)
class Letter:
    """What is to be delivered, and what has become of it.

    key        by which its receiver knows it again
    target     a source, or "crm"
    attempts   deliveries tried, the present one included
    next_at    when it is tried (again); while it is being delivered, when it counts as failed
    native_id  the platform's id of what was posted
    """

    outbox_id: int
    key: str
    kind: Kind
    target: str
    case_id: int | None
    body: dict[str, Any]
    state: State
    attempts: int
    next_at: datetime
    written_at: datetime
    sent_at: datetime | None
    error: str | None
    native_id: str | None


_LETTER = tuple(outbox.c[field.name] for field in fields(Letter))


def put(
    writing: Writing,
    *,
    kind: Kind,
    target: str,
    key: str,
    body: Mapping[str, Any],
    case_id: int | None = None,
) -> int | None:
    """Write a letter; its id, or None when one of the same key was written before.

    body  JSON-able; must hold no secret, since people read it
    """
    found = put_many(writing, [(kind, target, key, body, case_id)])
    return found[0] if found else None


def put_many(
    writing: Writing, letters: Sequence[tuple[Kind, str, str, Mapping[str, Any], int | None]]
) -> tuple[int, ...]:
    """Write letters, each (kind, target, key, body, case id); the ids of those that are new."""
    if not letters:
        return ()
    rows = [
        {
            "kind": kind,
            "target": target,
            "key": key,
            "case_id": case_id,
            "body": dict(body),
            "state": "new",
            "attempts": 0,
            "next_at": writing.at,
            **writing.stamp,
        }
        for kind, target, key, body, case_id in letters
    ]
    insert = insert_into(writing.connection, outbox).on_conflict_do_nothing()
    return tuple(writing.connection.scalars(insert.returning(outbox.c.outbox_id), rows))


# -- delivering ----------------------------------------------------------------------------------


def has_due(connection: sa.Connection, now: datetime, *, targets: Sequence[str]) -> bool:
    """Whether the time of a letter to one of the targets has come."""
    due = sa.select(outbox.c.outbox_id).where(
        _NEW, outbox.c.next_at <= now, outbox.c.target.in_(sorted(targets))
    )
    return connection.scalar(due.limit(1)) is not None


def take_due(
    writing: Writing, *, targets: Sequence[str], limit: int, hold: timedelta
) -> tuple[Letter, ...]:
    """Letters to the targets whose time has come, oldest first, for this caller alone.

    They count as tried, and as failed once `hold` has passed without a word of them: whoever
    takes them and dies loses none. Of letters that go in order, only the first is given.
    """
    earlier = outbox.alias("earlier")
    waits_for_another = sa.exists().where(
        earlier.c.case_id == outbox.c.case_id,
        earlier.c.state == sa.literal_column("'new'"),
        earlier.c.target == outbox.c.target,
        earlier.c.outbox_id < outbox.c.outbox_id,
        _to_customer(earlier) == _to_customer(outbox),
    )
    due = (
        sa.select(outbox.c.outbox_id)
        .where(
            _NEW,
            outbox.c.next_at <= writing.at,
            outbox.c.target.in_(sorted(targets)),
            ~waits_for_another,
        )
        .order_by(outbox.c.next_at, outbox.c.outbox_id)
        .limit(limit)
        # Of the letter itself: "earlier" is only looked at.
        .with_for_update(skip_locked=True, of=outbox)
    )
    ids = list(writing.connection.scalars(due))
    if not ids:
        return ()
    rows = writing.connection.execute(
        outbox.update()
        .where(outbox.c.outbox_id.in_(ids))
        .values(attempts=outbox.c.attempts + 1, next_at=writing.at + hold)
        .returning(*_LETTER)
    )
    return tuple(sorted((Letter(*row) for row in rows), key=lambda letter: letter.outbox_id))


def _to_customer(letters: Any) -> sa.ColumnElement[int]:
    told = ("event", "activity")
    return sa.case((letters.c.kind.in_(told), letters.c.kind), else_="customer")


def mark_sent(writing: Writing, letter: Letter, native_id: str | None) -> None:
    """The letter was delivered; what it was posted as, if its receiver said."""
    writing.connection.execute(
        outbox.update()
        .where(outbox.c.outbox_id == letter.outbox_id, _NEW)
        .values(state="sent", sent_at=writing.at, native_id=native_id, error=None)
    )


def mark_failed(
    writing: Writing, letter: Letter, error: str, *, next_at: datetime | None, counts: bool = True
) -> bool:
    """The delivery failed; next tried at `next_at`, or never again. Whether that was still so.

    counts  False where the letter itself was not tried, because its target could not be reached
    """
    done = writing.connection.execute(
        outbox.update()
        # Whoever took it since, after our hold had run out, speaks for it now.
        .where(outbox.c.outbox_id == letter.outbox_id, outbox.c.attempts == letter.attempts, _NEW)
        .values(
            error=error,
            attempts=letter.attempts if counts else letter.attempts - 1,
            **({"state": "dead"} if next_at is None else {"next_at": next_at}),
        )
    )
    return done.rowcount == 1


# -- what people see and do ----------------------------------------------------------------------


@dataclass(frozen=True)
class Counts:
    """Letters that have not arrived: waiting for their time, tried in vain so far, given up."""

    waiting: int
    failing: int
    dead: int


def counts(connection: sa.Connection) -> Counts:
    """What is in the outbox now; what has arrived is not read."""
    tried = sa.func.count().filter(outbox.c.error.is_not(None))
    waiting, failing = connection.execute(
        sa.select(sa.func.count(), tried).select_from(outbox).where(_NEW)
    ).one()
    dead = connection.scalar(
        sa.select(sa.func.count()).select_from(outbox).where(outbox.c.state == "dead")
    )
    return Counts(waiting, failing, dead or 0)


def page(
    connection: sa.Connection,
    *,
    state: State | None = None,
    case_id: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> tuple[Letter, ...]:
    """Letters, newest first; `before` (an outbox_id) continues a listing."""
    query = sa.select(*_LETTER)
    if state is not None:
        query = query.where(outbox.c.state == state)
    if case_id is not None:
        query = query.where(outbox.c.case_id == case_id)
    if before is not None:
        query = query.where(outbox.c.outbox_id < before)
    rows = connection.execute(query.order_by(outbox.c.outbox_id.desc()).limit(limit))
    return tuple(Letter(*row) for row in rows)


def find(connection: sa.Connection, outbox_id: int) -> Letter:
    """The letter; NotFound when there is none."""
    row = connection.execute(
        sa.select(*_LETTER).where(outbox.c.outbox_id == outbox_id)
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no letter {outbox_id} in the outbox", outbox_id=outbox_id)
    return Letter(*row)


def try_again(writing: Writing, outbox_id: int) -> Letter:
    """Let a letter that has not arrived be tried now, and as often as a new one.

    NotFound when there is none; Conflict when it has arrived.
    """
    held = find(writing.connection, outbox_id)
    row = writing.connection.execute(
        outbox.update()
        .where(outbox.c.outbox_id == outbox_id, outbox.c.state != "sent")
        .values(state="new", attempts=0, next_at=writing.at, **writing.stamp)
        .returning(*_LETTER)
    ).one_or_none()
    if row is None:
        raise Conflict(f"letter {outbox_id} has arrived already", outbox_id=outbox_id)
    writing.audit(
        "outbox.retry",
        str(outbox_id),
        before={"state": held.state, "attempts": held.attempts},
        after={"state": "new", "attempts": 0},
    )
    return Letter(*row)


# -- to whom -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Addressee:
    """Whom a reply in a case goes to.

    author       the platform's id of the customer; handle: the name they bear now
    in_reply_to  native id of their last message, "" when it is gone
    """

    platform: str
    author: str
    handle: str
    in_reply_to: str


def addressee_of(connection: sa.Connection, case_id: int) -> Addressee:
    """The author of the case and their last message that still stands.

    Of a case whose author is unknown, as in old stores, the platform is "".
    """
    cases, authors = tables.cases, tables.authors
    contacts, raw_events = tables.contacts, tables.raw_events
    row = connection.execute(
        sa.select(authors.c.platform, cases.c.author, authors.c.handle)
        .outerjoin(authors, authors.c.author_id == cases.c.author_id)
        .where(cases.c.case_id == case_id)
    ).one()
    last = connection.scalar(
        sa.select(raw_events.c.native_id)
        .join(contacts, contacts.c.event_id == raw_events.c.event_id)
        .where(contacts.c.case_id == case_id, contacts.c.deleted_at.is_(None))
        .order_by(contacts.c.contact_id.desc())
        .limit(1)
    )
    return Addressee(row.platform or "", row.author, row.handle or "", last or "")
