"""What waits and who holds what: the SQL of claims, leases and the state of each queue.

Waiting cases are sorted by `wfm.order.ORDER`. On PostgreSQL those who claim at once pass over each
other's cases (SKIP LOCKED); on SQLite a write transaction is alone.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfm.cases import Case
from wfm.order import ORDER
from wfm.store import tables
from wfm.store.bulk import upsert
from wfm.store.cases import ASSIGNED, CASE, NEW
from wfm.store.engine import Writing

cases = tables.cases
queue_state = tables.queue_state


@dataclass(frozen=True)
class QueueCounts:
    """What waits in a queue and is held of it.

    late  waiting past its deadline
    """

    queue: str
    waiting: int
    oldest_received_at: datetime | None
    next_due_at: datetime | None
    late: int
    held: int

    @classmethod
    def none(cls, queue: str) -> QueueCounts:
        """The counts of a queue without a case."""
        return cls(queue, 0, None, None, 0, 0)


@dataclass(frozen=True)
class Mode:
    """How a queue's cases are ordered just now.

    claims     made so far in the present spike mode
    put_off_s  its cases come so much later than they are due
    """

    spike_mode: bool
    claims: int
    put_off_s: int


AS_USUAL = Mode(spike_mode=False, claims=0, put_off_s=0)


# The order within a queue, which its part of the index of the waiting cases has as well.
BY_INDEX: tuple[sa.ColumnElement[Any], ...] = tuple(
    cases.c[column].asc() if direction == "asc" else cases.c[column].desc()
    for column, direction in ORDER
)


def lock_agent(writing: Writing, agent_id: str) -> None:
    """Let one transaction at a time claim for the agent, so that their slots are counted right."""
    if writing.connection.dialect.name == "postgresql":
        key = sa.func.hashtextextended(f"wfm.agent:{agent_id}", 0)
        writing.connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


def count_held(connection: sa.Connection, agent_id: str, *, now: datetime) -> int:
    """Cases the agent holds on a lease that still runs."""
    return connection.scalars(
        sa.select(sa.func.count()).where(
            ASSIGNED, cases.c.agent_id == agent_id, cases.c.lease_until > now
        )
    ).one()


def has_expired(connection: sa.Connection, now: datetime) -> bool:
    """Whether a lease has run out that nobody has taken back yet."""
    expired = sa.select(cases.c.case_id).where(ASSIGNED, cases.c.lease_until <= now)
    return connection.scalar(expired.limit(1)) is not None


def lock_expired(writing: Writing) -> list[Case]:
    """The cases whose leases have run out, locked until the transaction ends."""
    rows = writing.connection.execute(
        # Always in the same order, so that two who do this at once cannot lock each other out.
        sa.select(*CASE)
        .where(ASSIGNED, cases.c.lease_until <= writing.at)
        .order_by(cases.c.case_id)
        .with_for_update()
    )
    return [Case(*row) for row in rows]


# -- the state of a queue ------------------------------------------------------------------------


UNUSUAL = (
    sa.select(
        queue_state.c.queue,
        queue_state.c.spike_mode,
        queue_state.c.claims,
        queue_state.c.put_off_s,
    )
    .where(sa.or_(queue_state.c.spike_mode, queue_state.c.put_off_s > 0))
    .order_by(queue_state.c.queue)
)


def modes(connection: sa.Connection) -> dict[str, Mode]:
    """The queues that are not ordered as usual."""
    return {queue: Mode(*mode) for queue, *mode in connection.execute(UNUSUAL)}


def set_spike_mode(writing: Writing, queue: str, on: bool) -> bool:
    """Put a queue into spike mode or out of it, counting claims anew; gives what it was before."""
    was = writing.connection.scalar(
        sa.select(queue_state.c.spike_mode).where(queue_state.c.queue == queue).with_for_update()
    )
    row = {"queue": queue, "spike_mode": on, "claims": 0, **writing.stamp}
    upsert(writing.connection, queue_state, [row])
    return bool(was)


def in_spike_mode(connection: sa.Connection) -> frozenset[str]:
    return frozenset(
        connection.scalars(sa.select(queue_state.c.queue).where(queue_state.c.spike_mode))
    )


def counts_by_queue(connection: sa.Connection, *, now: datetime) -> dict[str, QueueCounts]:
    """What waits and is held, by queue that has any; a lease that ran out holds nothing."""
    columns = cases.c.queue, cases.c.received_at, cases.c.due_at, cases.c.lease_until
    # One branch for each partial index: no closed case is read, however many there are.
    unfinished = sa.union_all(
        sa.select(*columns).where(NEW), sa.select(*columns).where(ASSIGNED)
    ).subquery()
    c = unfinished.c
    held = c.lease_until > now
    waits = sa.or_(c.lease_until.is_(None), c.lease_until <= now)
    rows = connection.execute(
        sa.select(
            c.queue,
            sa.func.count().filter(waits),
            sa.func.min(c.received_at).filter(waits),
            sa.func.min(c.due_at).filter(waits),
            sa.func.count().filter(waits, c.due_at <= now),
            sa.func.count().filter(held),
        ).group_by(c.queue)
    )
    return {row[0]: QueueCounts(*row) for row in rows}


@dataclass(frozen=True)
class Difficult:
    """Waiting cases of a queue that not everybody may take: those that need just this level."""

    needs_level: int
    waiting: int
    next_due_at: datetime


def difficult_by_queue(connection: sa.Connection) -> dict[str, list[Difficult]]:
    """The waiting cases that need more than the lowest level, by queue that has any."""
    rows = connection.execute(
        sa.select(cases.c.queue, cases.c.needs_level, sa.func.count(), sa.func.min(cases.c.due_at))
        .where(NEW, cases.c.needs_level > 1)
        .group_by(cases.c.queue, cases.c.needs_level)
    )
    found: dict[str, list[Difficult]] = {}
    for queue, needs_level, count, next_due_at in rows:
        found.setdefault(queue, []).append(Difficult(needs_level, count, next_due_at))
    return found
