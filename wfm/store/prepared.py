"""Statements whose text is made once, for the few that run a thousand times a second.

SQLAlchemy walks through a statement each time it is run to find the text it made of it before; for
a claim that costs more than the database's own work. Here the text, and what turns values into the
driver's and back, is kept.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from wfm.store.engine import told_as

_Process = Callable[[Any], Any]


@dataclass(frozen=True)
class Prepared:
    """A statement's text for one database. Make one a statement with `prepare`.

    in_order  the values in the order of the text, where the driver counts them; None: by name
    """

    text: str
    in_order: Callable[[dict[str, Any]], Any] | None
    fixed: dict[str, Any]
    into: dict[str, _Process]
    out: tuple[tuple[int, _Process], ...]

    def run(self, connection: sa.Connection, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """The rows; `values` gives every value that the statement left open."""
        given = {**self.fixed, **values}
        for name, process in self.into.items():
            given[name] = process(given[name])
        bound = self.in_order(given) if self.in_order else given
        # The driver's own cursor, within SQLAlchemy's transaction: a result of its kind, of which
        # nothing but the rows is wanted, costs as much as the statement.
        cursor = connection.connection.cursor()
        try:
            cursor.execute(self.text, bound)
            rows = cursor.fetchall() if cursor.description else []
        except connection.dialect.loaded_dbapi.Error as error:
            told = told_as(error, connection.engine)
            if told is None:
                raise
            raise told from error
        finally:
            cursor.close()
        return [self._read(row) for row in rows]

    def _read(self, row: Sequence[Any]) -> tuple[Any, ...]:
        values = list(row)
        for i, process in self.out:
            values[i] = process(values[i])
        return tuple(values)


@cache
def _dialect(name: str) -> sa.Dialect:
    return sa.make_url(f"{name}://").get_dialect()()


def prepare(
    statement: sa.Executable, columns: Sequence[sa.ColumnElement[Any]], database: str
) -> Prepared:
    """The statement as text for "sqlite" or "postgresql"; `columns` are those it gives, for their
    types."""
    dialect = _dialect(database)
    compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
    into = {}
    for name, bind in compiled.binds.items():
        process = bind.type.dialect_impl(dialect).bind_processor(dialect)
        if process is not None:
            into[name] = process
    out = []
    for i, column in enumerate(columns):
        process = column.type.dialect_impl(dialect).result_processor(dialect, None)
        if process is not None:
            out.append((i, process))
    fixed = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
    places = tuple(compiled.positiontup or ())
    return Prepared(str(compiled), _picker(places), fixed, into, tuple(out))


def _picker(places: tuple[str, ...]) -> Callable[[dict[str, Any]], Any] | None:
    if not places:
        return None
    if len(places) == 1:
        return lambda given: (given[places[0]],)
    return itemgetter(*places)
