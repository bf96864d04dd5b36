"""Writing many rows at once, with the same statement on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
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


def insert_rows(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert rows, which all give the same columns."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        statement = _insert_from_document(table, tuple(rows[0]))
        connection.execute(statement, {"document": _document_of(rows)})
    else:
        connection.execute(table.insert(), rows)


def insert_new(
    connection: sa.Connection,
    table: sa.Table,
    rows: Sequence[Row],
    *returning: sa.Column[Any],
) -> list[tuple[Any, ...]]:
    """Insert the rows that no unique index holds yet, and give these columns of those inserted.

    All rows give the same columns. They are written in the order given; on PostgreSQL this waits
    for a transaction that is just inserting the like.
    """
    if not rows:
        return []
    if connection.dialect.name == "postgresql":
        insert = _insert_from_document(table, tuple(rows[0]))
        statement = insert.on_conflict_do_nothing().returning(*returning)
        return [
            tuple(row) for row in connection.execute(statement, {"document": _document_of(rows)})
        ]
    insert_each = insert_into(connection, table).on_conflict_do_nothing().returning(*returning)
    return [tuple(row) for row in connection.execute(insert_each, rows)]


@lru_cache(maxsize=64)
def _insert_from_document(table: sa.Table, names: tuple[str, ...]) -> postgresql.Insert:
    """An INSERT of all rows of one JSON document, which takes PostgreSQL and its driver a quarter
    of what a bound value for each cell takes."""
    columns = [table.c[name] for name in names]
    document = sa.cast(sa.bindparam("document", type_=sa.Text()), sa.JSON)
    cells = (
        sa.func.json_to_recordset(document)
        .table_valued(*(sa.column(column.name, _in_document(column)) for column in columns))
        .render_derived(with_types=True)
    )
    chosen = sa.select(*(cells.c[name] for name in names))
    return postgresql.insert(table).from_select(list(names), chosen)


def _in_document(column: sa.Column[Any]) -> sa.types.TypeEngine[Any]:
    # As TEXT: what is read as VARCHAR(n) would lose silently what is too long.
    return sa.Text() if isinstance(column.type, sa.String) else column.type


def _document_of(rows: Sequence[Row]) -> str:
    return json.dumps(rows, ensure_ascii=False, default=_instant_text)


@lru_cache(maxsize=4096)
def _instant_text(instant: datetime) -> str:
    return instant.isoformat()


def among(
    connection: sa.Connection, column: sa.ColumnElement[Any], values: Sequence[Any]
) -> sa.ColumnElement[bool]:
    """Whether the column is one of the values, of which there are IN_LIST at most.

    On PostgreSQL they are one bound array: a list of a thousand would be parsed each time.
    """
    if connection.dialect.name == "postgresql":
        return column == sa.any_(sa.literal(list(values), postgresql.ARRAY(column.type)))
    return column.in_(values)


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
