"""What our own queue's cases tell of arrivals and work, for the history that forecasts learn from.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from wfm.store import tables
from wfm.store.bulk import BATCH
from wfm.store.metricrows import Span

cases = tables.cases
handlings = tables.handlings
volumes = tables.volumes


class Arrival(NamedTuple):
    """A case that was opened, and whether the work on it has ended."""

    case_id: int
    queue: str
    opened_at: datetime
    has_ended: bool


def arrivals(connection: sa.Connection, start: datetime, end: datetime) -> Iterator[Arrival]:
    """Cases opened in [start, end), without those merged into others."""
    c = cases.c
    rows = connection.execute(
        sa.select(c.case_id, c.queue, c.opened_at, c.state.in_(("answered", "closed")))
        .where(c.opened_at >= start, c.opened_at < end, c.merged_into.is_(None))
        .execution_options(yield_per=BATCH)
    )
    return map(Arrival._make, rows)


def work_on(
    connection: sa.Connection, start: datetime, end: datetime
) -> Iterator[tuple[int, Span]]:
    """Stretches in which agents held cases opened in [start, end), by the case.

    A hold that ran out is no work: its agent was gone.
    """
    h, c = handlings.c, cases.c
    rows = connection.execute(
        sa.select(h.case_id, h.agent_id, h.started_at, h.ended_at)
        .join(cases, c.case_id == h.case_id)
        .where(c.opened_at >= start, c.opened_at < end, h.ended_by != "expired")
        .execution_options(yield_per=BATCH)
    )
    for case_id, agent_id, since, until in rows:
        yield case_id, Span(agent_id, since.timestamp(), until.timestamp())


def first_case(connection: sa.Connection, queue: str) -> datetime | None:
    """When the queue's first case was opened."""
    c = cases.c
    query = sa.select(c.opened_at).where(c.queue == queue).order_by(c.opened_at).limit(1)
    return connection.scalar(query)


def first_fed(connection: sa.Connection, queue: str) -> datetime | None:
    """Start of the first interval of the queue that its own cases were counted in."""
    return connection.scalar(_fed(queue, volumes.c.start))


def last_fed(connection: sa.Connection, queue: str) -> datetime | None:
    """Start of the last interval of the queue that its own cases were counted in."""
    return connection.scalar(_fed(queue, volumes.c.start.desc()))


def _fed(queue: str, order: sa.ColumnElement[datetime]) -> sa.Select[datetime]:
    v = volumes.c
    return sa.select(v.start).where(v.queue == queue, v.source == "queue").order_by(order).limit(1)
