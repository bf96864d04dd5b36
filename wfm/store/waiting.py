"""What waits and who holds what: the SQL of claims, leases and the state of each queue.

Waiting cases are sorted by `wfm.order.ORDER`. On PostgreSQL those who claim at once pass over each
other's cases (SKIP LOCKED); on SQLite a write transaction is alone.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from wfm.cases import Case
from wfm.order import LOST, ORDER
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


@dataclass(frozen=True)
class Place:
    """How a queue's cases stand among those of others; queue and lost may be parameters.

    late_last  its lost cases, due at `lost` or before, come after all others
    put_off_s  its cases come so much later than they are due
    """

    queue: str | sa.ColumnElement[str]
    late_last: bool
    put_off_s: int
    lost: datetime | sa.ColumnElement[datetime]


def place_of(queue: str, mode: Mode, *, late_last: bool, now: datetime) -> Place:
    """The place of a queue's cases at `now`."""
    lost = now + LOST - timedelta(seconds=mode.put_off_s)
    return Place(queue, late_last, mode.put_off_s, lost)


def order_by(dialect: str, places: Sequence[Place]) -> list[sa.ColumnElement[Any]]:
    """The ORDER BY of `wfm.order` over the cases of several queues."""
    lost = [
        sa.and_(cases.c.queue == place.queue, cases.c.due_at <= place.lost)
        for place in places
        if place.late_last
    ]
    later = [
        (cases.c.queue == place.queue, _due_later(dialect, place.put_off_s))
        for place in places
        if place.put_off_s
    ]
    due_at = sa.case(*later, else_=cases.c.due_at) if later else cases.c.due_at
    key = [due_at, *BY_INDEX[1:]]
    return [sa.case((sa.or_(*lost), 1), else_=0), *key] if lost else key


def _due_later(dialect: str, seconds: int) -> sa.ColumnElement[Any]:
    """`due_at` and so many seconds, as the database sorts instants."""
    due_at = cases.c.due_at
    if dialect == "postgresql":
        return due_at + sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    moved = sa.func.strftime("%Y-%m-%d %H:%M:%S", due_at, f"{seconds:+d} seconds")
    # SQLite's own instants end at milliseconds; the fraction moves along as it stands.
    return moved.op("||")(sa.func.substr(due_at, 20))


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


def modes(connection: sa.Connection) -> dict[str, Mode]:
    """The queues that are not ordered as usual."""
    return _modes(connection, _UNUSUAL)


def lock_modes(writing: Writing, queues: Collection[str]) -> dict[str, Mode]:
    """Those of `queues` that are not ordered as usual; in spike mode their claims are counted, so
    these rows are locked."""
    query = _UNUSUAL.where(queue_state.c.queue.in_(sorted(queues)))
    return _modes(writing.connection, query.with_for_update())


_UNUSUAL = (
    sa.select(
        queue_state.c.queue,
        queue_state.c.spike_mode,
        queue_state.c.claims,
        queue_state.c.put_off_s,
    )
    .where(sa.or_(queue_state.c.spike_mode, queue_state.c.put_off_s > 0))
    .order_by(queue_state.c.queue)
)


def _modes(connection: sa.Connection, query: sa.Select[Any]) -> dict[str, Mode]:
    return {queue: Mode(*mode) for queue, *mode in connection.execute(query)}


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
