"""The clocks of cases: every promise that ran, runs or waits.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa

from wfm.clocks import Clock
from wfm.store import tables
from wfm.store.engine import Writing

clocks = tables.clocks

_FIELDS = tuple(field.name for field in fields(Clock))
_CLOCK = tuple(clocks.c[name] for name in _FIELDS)


@dataclass(frozen=True)
class CaseClock:
    """A clock with the case it runs on."""

    clock_id: int
    case_id: int
    queue: str
    clock: Clock


def insert_clocks(writing: Writing, rows: Iterable[tuple[int, str, str, Clock]]) -> None:
    """Keep new clocks; each with its case id, queue and account."""
    values = [
        {
            "case_id": case_id,
            "queue": queue,
            "account": account,
            **{name: getattr(clock, name) for name in _FIELDS},
        }
        for case_id, queue, account, clock in rows
    ]
    if values:
        writing.connection.execute(clocks.insert(), values)


def clocks_of(connection: sa.Connection, case_id: int) -> tuple[CaseClock, ...]:
    """All clocks that ever ran on the case, oldest first."""
    return _read(connection, clocks.c.case_id == case_id)


def open_clocks_of(
    connection: sa.Connection, case_ids: Collection[int]
) -> dict[int, tuple[CaseClock, ...]]:
    """The clocks of the cases that have not stopped, by case."""
    found: dict[int, tuple[CaseClock, ...]] = {}
    for one in _read(
        connection, clocks.c.case_id.in_(sorted(case_ids)), clocks.c.stopped_at.is_(None)
    ):
        found[one.case_id] = (*found.get(one.case_id, ()), one)
    return found


def _read(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> tuple[CaseClock, ...]:
    rows = connection.execute(
        sa.select(clocks.c.clock_id, clocks.c.case_id, clocks.c.queue, *_CLOCK)
        .where(*conditions)
        .order_by(clocks.c.clock_id)
    )
    return tuple(CaseClock(row[0], row[1], row[2], Clock(*row[3:])) for row in rows)


def write_clock(writing: Writing, held: CaseClock, clock: Clock) -> None:
    """Overwrite the clock, if it differs from the one held."""
    changed: dict[str, Any] = {
        name: value
        for name in _FIELDS
        if (value := getattr(clock, name)) != getattr(held.clock, name)
    }
    if changed:
        writing.connection.execute(
            clocks.update().where(clocks.c.clock_id == held.clock_id).values(changed)
        )
