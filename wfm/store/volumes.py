"""Interval counts, the contacts of the past, and the record of what was imported.

Rows in and out, no pandas: the frame is made in `wfm.ingest.history`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from wfm.store.bulk import BATCH, IN_LIST, Row, batches, upsert
from wfm.store.engine import Writing
from wfm.store.tables import history_contacts, imports, volumes

Source = Literal["volumes", "contacts", "queue"]
Key = tuple[str, datetime]  # queue, start


@dataclass(frozen=True, slots=True)
class Count:
    """What an interval of a queue holds.

    spread  whether it is a part of a count over a longer step
    """

    contacts: int
    aht_s: float | None
    spread: bool = False


@dataclass(frozen=True, slots=True)
class PastContact:
    """One contact of the past that opened a case."""

    contact_id: str
    queue: str
    arrived_at: datetime
    author: str
    handling_s: float | None


def record_import(
    writing: Writing, kind: str, file: str, *, sha256: str, options: dict[str, Any]
) -> int:
    """Note that a file is being imported; its number, for the rows that come from it."""
    statement = imports.insert().values(
        kind=kind,
        file=file,
        sha256=sha256,
        options=options,
        rows_read=0,
        rows_written=0,
        rows_skipped=0,
        **writing.stamp,
    )
    number = writing.connection.execute(statement.returning(imports.c.import_id)).scalar_one()
    return int(number)


def close_import(
    writing: Writing, import_id: int, *, rows_read: int, rows_written: int, rows_skipped: int
) -> None:
    """Complete the record of an import with its counts."""
    writing.connection.execute(
        imports.update()
        .where(imports.c.import_id == import_id)
        .values(rows_read=rows_read, rows_written=rows_written, rows_skipped=rows_skipped)
    )


def withdraw_import(writing: Writing, import_id: int) -> None:
    """Forget an import that turned out to change nothing."""
    writing.connection.execute(imports.delete().where(imports.c.import_id == import_id))


def stored_counts(
    connection: sa.Connection,
    source: Source,
    queues: Collection[str],
    first: datetime,
    last: datetime,
) -> dict[Key, Count]:
    """Counts of one source in the intervals from `first` to `last`, both included."""
    c = volumes.c
    rows = connection.execute(
        sa.select(c.queue, c.start, c.contacts, c.aht_s, c.spread).where(
            c.queue.in_(queues), c.source == source, c.start >= first, c.start <= last
        )
    )
    return {
        (queue, start): Count(contacts, aht_s, spread)
        for queue, start, contacts, aht_s, spread in rows
    }


def write_counts(
    writing: Writing,
    source: Source,
    counts: Iterable[tuple[Key, Count]],
    import_id: int | None,
) -> None:
    """Add counts, or overwrite those of the same queue, interval and source.

    import_id  None for counts that no file has brought
    """
    for batch in batches(counts, BATCH):
        upsert(
            writing.connection,
            volumes,
            [
                {
                    "queue": queue,
                    "start": start,
                    "source": source,
                    "contacts": count.contacts,
                    "aht_s": count.aht_s,
                    "spread": count.spread,
                    "import_id": import_id,
                }
                for (queue, start), count in batch
            ],
        )


def volume_rows(
    connection: sa.Connection,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    queues: Collection[str] | None = None,
) -> Sequence[sa.Row[datetime, str, int, float | None]]:
    """(start, queue, contacts, aht_s) of [start, end), by start and queue.

    Of the same queue and interval, counts made from contacts win over imported counts, and both
    over those of our own queue.
    """
    c = volumes.c
    better = volumes.alias()
    query = (
        sa.select(c.start, c.queue, c.contacts, c.aht_s)
        .outerjoin(
            better,
            (better.c.queue == c.queue)
            & (better.c.start == c.start)
            & _wins(better.c.source, c.source),
        )
        .where(better.c.queue.is_(None))
        .order_by(c.start, c.queue)
    )
    if start is not None:
        query = query.where(c.start >= start)
    if end is not None:
        query = query.where(c.start < end)
    if queues is not None:
        query = query.where(c.queue.in_(queues))
    return connection.execute(query).all()


def _wins(one: sa.ColumnElement[str], other: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether the counts of one source are told and those of the other are not."""
    return sa.or_(
        sa.and_(one == "contacts", other != "contacts"),
        sa.and_(one == "volumes", other == "queue"),
    )


def stored_contacts(
    connection: sa.Connection, contact_ids: Iterable[str]
) -> dict[str, PastContact]:
    """Those of the ids that are stored."""
    c = history_contacts.c
    found: dict[str, PastContact] = {}
    for batch in batches(contact_ids, IN_LIST):
        query = sa.select(c.contact_id, c.queue, c.arrived_at, c.author, c.handling_s).where(
            c.contact_id.in_(batch)
        )
        for row in connection.execute(query):
            found[row.contact_id] = PastContact(*row)
    return found


def write_contacts(writing: Writing, contacts: Sequence[PastContact], import_id: int) -> None:
    """Add contacts, or overwrite those of the same id."""
    rows: list[Row] = [
        {
            "contact_id": contact.contact_id,
            "queue": contact.queue,
            "arrived_at": contact.arrived_at,
            "author": contact.author,
            "handling_s": contact.handling_s,
            "import_id": import_id,
        }
        for contact in contacts
    ]
    upsert(writing.connection, history_contacts, rows)


def arrivals(
    connection: sa.Connection, queue: str, start: datetime, end: datetime
) -> Iterator[tuple[datetime, float | None]]:
    """(arrived_at, handling_s) of a queue's contacts in [start, end), in order."""
    c = history_contacts.c
    query = (
        sa.select(c.arrived_at, c.handling_s)
        .where(c.queue == queue, c.arrived_at >= start, c.arrived_at < end)
        .order_by(c.arrived_at, c.contact_id)
    )
    for row in connection.execute(query):
        yield row.arrived_at, row.handling_s


def last_interval(connection: sa.Connection) -> datetime | None:
    """Start of the newest interval that any queue has a count of, or None without counts."""
    newest: datetime | None = connection.scalar(sa.select(sa.func.max(volumes.c.start)))
    return newest
