"""What waits and who holds what: the SQL of claims, leases and the state of each queue.

Waiting cases are sorted by `wfm.order.ORDER`. On PostgreSQL those who claim at once pass over each
other's cases (SKIP LOCKED); on SQLite a write transaction is alone.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfm.cases import Case
from wfm.order import LOST, ORDER
from wfm.store import tables
from wfm.store.bulk import upsert
from wfm.store.cases import ASSIGNED, CASE, NEW, case_from
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


# How many of the first cases of a queue a claim looks at: on PostgreSQL so many may be in the hands
# of others who claim just now, before one must look at all.
HEADS = 32


def order_by(*, now: datetime, late_last: Collection[str]) -> list[sa.ColumnElement[Any]]:
    """The ORDER BY of `wfm.order`; lost cases of the queues `late_last` come last."""
    key: list[sa.ColumnElement[Any]] = [
        cases.c[column].asc() if direction == "asc" else cases.c[column].desc()
        for column, direction in ORDER
    ]
    if not late_last:
        return key
    lost = sa.and_(cases.c.queue.in_(sorted(late_last)), _lost(now))
    return [sa.case((lost, 1), else_=0), *key]


def _lost(now: datetime) -> sa.ColumnElement[bool]:
    return cases.c.due_at <= now + LOST


def lock_first_waiting(
    writing: Writing, queues: Collection[str], *, late_last: Collection[str]
) -> Case | None:
    """The first waiting case of the queues in the order, locked until the transaction ends.

    None when none waits, and only then: cases that another transaction has locked are passed over;
    where all are, it is waited until that is decided.
    """
    order = order_by(now=writing.at, late_last=late_last)
    first = sa.select(*CASE).where(NEW).order_by(*order).limit(1)
    heads = _heads(queues, now=writing.at, late_last=late_last)
    tries = [first.where(cases.c.case_id.in_(heads)).with_for_update(skip_locked=True)]
    if writing.connection.dialect.name == "postgresql":
        of_all = first.where(cases.c.queue.in_(sorted(queues)))
        tries += [of_all.with_for_update(skip_locked=True), of_all.with_for_update()]
    for query in tries:
        found = case_from(writing.connection.execute(query).one_or_none())
        if found is not None:
            return found
    return None


def _heads(
    queues: Collection[str], *, now: datetime, late_last: Collection[str]
) -> sa.CompoundSelect[int]:
    """Ids of the first waiting cases of each queue, read off the index one queue at a time.

    The first of all is among them. Where lost cases come last, they and the others are two runs
    of the index. Only cases of the same deadline are sorted.
    """
    plain = order_by(now=now, late_last=())
    runs = []
    for queue in sorted(queues):
        own = sa.select(cases.c.case_id).where(cases.c.queue == queue, NEW)
        parts = (~_lost(now), _lost(now)) if queue in late_last else (sa.true(),)
        for part in parts:
            run = own.where(part).order_by(*plain).limit(HEADS).subquery()
            runs.append(sa.select(run.c.case_id))
    return sa.union_all(*runs)


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
    return connection.scalar(_expired(now).limit(1)) is not None


def lock_expired(writing: Writing) -> list[tuple[int, str]]:
    """Case id and agent of all leases that have run out, locked until the transaction ends."""
    rows = writing.connection.execute(
        # Always in the same order, so that two who do this at once cannot lock each other out.
        _expired(writing.at).order_by(cases.c.lease_until, cases.c.case_id).with_for_update()
    )
    return [(row.case_id, row.agent_id) for row in rows]


def _expired(now: datetime) -> sa.Select[Any]:
    return sa.select(cases.c.case_id, cases.c.agent_id).where(ASSIGNED, cases.c.lease_until <= now)


# -- the state of a queue ------------------------------------------------------------------------


def lock_spike_counters(writing: Writing, queues: Collection[str]) -> dict[str, int]:
    """Claims made so far in the present spike mode, of those `queues` that are in it, locked."""
    rows = writing.connection.execute(
        sa.select(queue_state.c.queue, queue_state.c.claims)
        .where(queue_state.c.queue.in_(sorted(queues)), queue_state.c.spike_mode)
        .order_by(queue_state.c.queue)
        .with_for_update()
    )
    return {row.queue: row.claims for row in rows}


def count_spike_claim(writing: Writing, queue: str) -> None:
    writing.connection.execute(
        queue_state.update()
        .where(queue_state.c.queue == queue)
        .values(claims=queue_state.c.claims + 1, **writing.stamp)
    )


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
