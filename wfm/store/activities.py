"""What is told to the CRM: answers and ends of cases, read from the case events.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa

from wfm.store import tables

_e, _c, _a = tables.case_events.c, tables.cases.c, tables.authors.c


@dataclass(frozen=True)
class Done:
    """An answer that was sent in a case, or the case's end, with whose case it is."""

    id: int
    kind: str
    at: datetime
    agent_id: str | None
    text: str | None
    case_id: int
    queue: str
    account: str
    platform: str
    native_id: str
    handle: str
    crm_id: str | None


_SOURCES = (_e, _c, _a, tables.customers.c)
_DONE = tuple(
    next(columns[field.name] for columns in _SOURCES if field.name in columns)
    for field in fields(Done)
)


def newest_event(connection: sa.Connection) -> int:
    """Id of the newest case event; 0 while there is none."""
    return connection.scalar(sa.select(sa.func.max(_e.id))) or 0


def settled_until(connection: sa.Connection, after: int, before: datetime) -> int:
    """Up to which id every case event stands, none of them younger than `before`.

    On PostgreSQL an event with a smaller id may be committed after one with a larger: what is older
    than any transaction lasts has come.
    """
    young: int | None = connection.scalar(
        sa.select(sa.func.min(_e.id)).where(_e.id > after, _e.at > before)
    )
    if young is not None:
        return young - 1
    newest: int | None = connection.scalar(sa.select(sa.func.max(_e.id)).where(_e.id > after))
    return newest or after


def done_between(connection: sa.Connection, after: int, until: int, limit: int) -> tuple[Done, ...]:
    """Answers and ends of cases whose events have ids in (after, until], oldest first."""
    query = (
        sa.select(*_DONE)
        .join_from(tables.case_events, tables.cases, _c.case_id == _e.case_id)
        .join(tables.authors, _a.author_id == _c.author_id)
        .outerjoin(tables.customers, tables.customers.c.customer_id == _a.customer_id)
        .where(_e.id > after, _e.id <= until, _e.kind.in_(("answered", "closed")))
        .order_by(_e.id)
        .limit(limit)
    )
    return tuple(Done(*row) for row in connection.execute(query))
