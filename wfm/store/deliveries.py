"""Deliveries as they came, before anything was parsed: the inbox and its quarantine.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from wfm.errors import Conflict, NotFound, RequestError
from wfm.store import tables
from wfm.store.bulk import IN_LIST, among, batches, insert_into
from wfm.store.engine import Writing

deliveries = tables.deliveries

DeliveryState = Literal["new", "done", "quarantined"]

KEY_MAX = 200
SIGNATURE_MAX = 200
REASON_MAX = 2000

NEW = deliveries.c.state == sa.literal_column("'new'")
QUARANTINED = deliveries.c.state == sa.literal_column("'quarantined'")
# As the condition of the index of those that are not done.
OPEN = deliveries.c.state != sa.literal_column("'done'")


@dataclass(frozen=True)
class Incoming:
    """A delivery whose signature was found good.

    key        the sender's own id of it
    signature  with its timestamp: the same twice is the same request sent again
    """

    source: str
    key: str
    body: bytes = field(repr=False)
    signature: str
    received_at: datetime


@dataclass(frozen=True)
class Delivery:
    """A delivery that was stored.

    attempts  how often it was worked without an end
    reason    why it is in quarantine, or why it was dropped
    """

    delivery_id: int
    source: str
    key: str
    received_at: datetime
    state: DeliveryState
    attempts: int
    reason: str | None
    ended_at: datetime | None
    body: bytes = field(repr=False)


_DELIVERY = tuple(deliveries.c[one.name] for one in fields(Delivery))

# What became of a delivery that was handed over.
Outcome = Literal["stored", "known", "replayed", "differs"]


def insert_deliveries(writing: Writing, incoming: Sequence[Incoming]) -> tuple[Outcome, ...]:
    """Store deliveries, each (source, key) once; gives what became of each.

    known     the same body is here under the same key: the sender tried again
    replayed  the very same signed request is here
    differs   another body is here under the same key
    """
    first: dict[tuple[str, str], Incoming] = {}
    for one in incoming:
        first.setdefault((one.source, one.key), one)
    stored = _insert(writing, [first[key] for key in sorted(first)])
    held = _held(writing.connection, {(one.source, one.key) for one in incoming} - stored)
    outcomes: list[Outcome] = []
    for one in incoming:
        key = (one.source, one.key)
        if key in stored and first[key] is one:
            outcomes.append("stored")
            continue
        signature, body = held.get(key) or (first[key].signature, first[key].body)
        if signature == one.signature:
            outcomes.append("replayed")
        else:
            outcomes.append("known" if body == one.body else "differs")
    return tuple(outcomes)


def _insert(writing: Writing, incoming: Sequence[Incoming]) -> set[tuple[str, str]]:
    rows = [
        {
            "source": one.source,
            "key": one.key,
            "body": one.body,
            "signature": one.signature,
            "received_at": one.received_at,
            "state": "new",
            "attempts": 0,
            "actor": writing.actor,
        }
        for one in incoming
    ]
    if not rows:
        return set()
    insert = insert_into(writing.connection, deliveries).on_conflict_do_nothing()
    returned = writing.connection.execute(
        insert.returning(deliveries.c.source, deliveries.c.key), rows
    )
    return {(row.source, row.key) for row in returned}


def _held(
    connection: sa.Connection, keys: Collection[tuple[str, str]]
) -> dict[tuple[str, str], tuple[str, bytes]]:
    """Signature and body of what is here under these keys."""
    d = deliveries.c
    of_source: dict[str, list[str]] = {}
    for source, key in sorted(keys):
        of_source.setdefault(source, []).append(key)
    found: dict[tuple[str, str], tuple[str, bytes]] = {}
    for source, names in of_source.items():
        for batch in batches(names, IN_LIST):
            query = sa.select(d.key, d.signature, d.body).where(
                d.source == source, among(connection, d.key, batch)
            )
            for key, signature, body in connection.execute(query):
                found[source, key] = (signature, body)
    return found


# -- working them --------------------------------------------------------------------------------


def has_new(connection: sa.Connection) -> bool:
    """Whether a delivery waits to be worked."""
    return (
        connection.scalar(sa.select(deliveries.c.delivery_id).where(NEW, OPEN).limit(1)) is not None
    )


def lock_new(
    writing: Writing, *, limit: int, only: int | None = None, max_bytes: int
) -> list[Delivery]:
    """The oldest deliveries that wait to be worked, locked; others who work pass over them.

    only       the one delivery that is wanted, if it still waits
    max_bytes  how large their bodies are together at most; one is always given
    """
    query = sa.select(*_DELIVERY).where(NEW, OPEN).order_by(deliveries.c.delivery_id)
    if only is not None:
        query = query.where(deliveries.c.delivery_id == only)
    found: list[Delivery] = []
    size = 0
    rows = writing.connection.execute(query.limit(limit).with_for_update(skip_locked=True))
    for row in rows:
        one = Delivery(*row)
        size += len(one.body)
        if found and size > max_bytes:
            break
        found.append(one)
    rows.close()
    return found


def end(writing: Writing, delivery_ids: Collection[int]) -> None:
    """These deliveries are done."""
    for batch in batches(sorted(delivery_ids), IN_LIST):
        writing.connection.execute(
            deliveries.update()
            .where(among(writing.connection, deliveries.c.delivery_id, batch))
            .values(state="done", ended_at=writing.at, reason=None)
        )


def quarantine(writing: Writing, delivery_id: int, reason: str) -> None:
    """The delivery cannot be worked as it is; it waits until somebody has seen to it."""
    writing.connection.execute(
        deliveries.update()
        .where(deliveries.c.delivery_id == delivery_id)
        .values(
            state="quarantined",
            reason=reason.replace("\0", "\\0")[:REASON_MAX],
            attempts=deliveries.c.attempts + 1,
        )
    )


# -- quarantine ----------------------------------------------------------------------------------


def page_of_quarantine(
    connection: sa.Connection, *, after: int = 0, limit: int = 50
) -> tuple[Delivery, ...]:
    """Deliveries in quarantine, the oldest first, from the one after `after` on."""
    rows = connection.execute(
        sa.select(*_DELIVERY)
        .where(QUARANTINED, OPEN, deliveries.c.delivery_id > after)
        .order_by(deliveries.c.delivery_id)
        .limit(limit)
    )
    return tuple(Delivery(*row) for row in rows)


def count_open(connection: sa.Connection) -> dict[str, int]:
    """How many deliveries wait to be worked (`new`), and how many are in quarantine."""
    state = deliveries.c.state
    rows = connection.execute(sa.select(state, sa.func.count()).where(OPEN).group_by(state))
    return {"new": 0, "quarantined": 0, **{row[0]: row[1] for row in rows}}


def find_delivery(connection: sa.Connection, delivery_id: int) -> Delivery:
    """The delivery; NotFound when there is none."""
    row = connection.execute(
        sa.select(*_DELIVERY).where(deliveries.c.delivery_id == delivery_id)
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no delivery {delivery_id}", delivery_id=delivery_id)
    return Delivery(*row)


def retry(writing: Writing, delivery_id: int) -> Delivery:
    """Let a delivery of the quarantine be worked again; Conflict for one that is not in it."""
    held = _lock_quarantined(writing, delivery_id)
    writing.connection.execute(
        deliveries.update()
        .where(deliveries.c.delivery_id == delivery_id)
        .values(state="new", reason=None)
    )
    writing.audit("delivery.retry", str(delivery_id), before={"reason": held.reason})
    return find_delivery(writing.connection, delivery_id)


def drop(writing: Writing, delivery_id: int, reason: str) -> Delivery:
    """Leave a delivery of the quarantine unworked for good; its body stays.

    RequestError for an empty reason, Conflict for one that is not in quarantine.
    """
    if not reason.strip() or len(reason) > REASON_MAX or "\0" in reason:
        raise RequestError(f"a reason has 1 to {REASON_MAX} characters; this one has {len(reason)}")
    held = _lock_quarantined(writing, delivery_id)
    writing.connection.execute(
        deliveries.update()
        .where(deliveries.c.delivery_id == delivery_id)
        .values(state="done", ended_at=writing.at, reason=reason)
    )
    writing.audit(
        "delivery.drop",
        str(delivery_id),
        before={"reason": held.reason},
        after={"reason": reason},
    )
    return find_delivery(writing.connection, delivery_id)


def _lock_quarantined(writing: Writing, delivery_id: int) -> Delivery:
    row = writing.connection.execute(
        sa.select(*_DELIVERY).where(deliveries.c.delivery_id == delivery_id).with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no delivery {delivery_id}", delivery_id=delivery_id)
    held = Delivery(*row)
    if held.state != "quarantined":
        raise Conflict(
            f"delivery {delivery_id} is {held.state}; only those in quarantine are retried or "
            "dropped",
            delivery_id=delivery_id,
            state=held.state,
        )
    return held
