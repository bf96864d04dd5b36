"""Writing many rows at once, with the same statement on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from wfm.store.documents import to_document
from wfm.store.engine import Writing

Row = dict[str, Any]
T = TypeVar("T")

# Rows handed to the driver at once; bounds memory, and is far past where speed levels off.
BATCH = 5_000

# Keys asked for in one statement: below SQLite's limit on bound values in old builds.
IN_LIST = 900


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """`items` in lists of `size`, the last one shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def insert_into(connection: sa.Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that can say what to do on a conflict, in the database's own dialect."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def upsert(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert rows; where the primary key is there, overwrite the other columns given.

    All rows give the same columns.
    """
    if not rows:
        return
    insert = insert_into(connection, table)
    keys = [column.name for column in table.primary_key]
    others = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    statement = insert.on_conflict_do_update(index_elements=keys, set_=others)
    for batch in batches(rows, BATCH):
        connection.execute(statement, batch)


def save_changed(
    writing: Writing,
    table: sa.Table,
    *,
    action: str,
    held: Mapping[str, T],
    wanted: Mapping[str, T],
    columns: Callable[[T], Row],
) -> None:
    """Write the things, by name, that differ from those held, each as one audited document.

    columns  what stands beside the document in the thing's row
    """
    changed = {name: thing for name, thing in wanted.items() if held.get(name) != thing}
    rows = [
        {**columns(thing), "document": to_document(thing), **writing.stamp}
        for thing in changed.values()
    ]
    upsert(writing.connection, table, rows)
    for name, thing in changed.items():
        before = held.get(name)
        writing.audit(
            action,
            name,
            before=None if before is None else to_document(before),
            after=to_document(thing),
        )
