"""What a board of the queue shows beside the counts: the first that wait, and today's loose ends.

Every query reads one partial index or a day's worth of another, however many cases are closed.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfm.cases import Case
from wfm.order import LOST
from wfm.store import tables
from wfm.store.cases import ASSIGNED, CASE, NEW
from wfm.store.waiting import BY_INDEX

cases = tables.cases
contacts = tables.contacts
authors = tables.authors
tasks = tables.tasks

# Characters of a message that a line of the board may need.
WORDS = 280


@dataclass(frozen=True)
class Head:
    """What the order looks at, of a case that waits."""

    case_id: int
    queue: str
    due_at: datetime
    severity: int
    received_at: datetime


@dataclass(frozen=True)
class Writer:
    """The author of a case as the platform shows them now; `kind` is one of `AuthorKind`."""

    handle: str
    kind: str
    reach: int | None


@dataclass(frozen=True)
class LooseEnds:
    """What nobody may forget: tasks that are due, what could not be read, what did not go out."""

    tasks_due: int
    quarantined: int
    undelivered: int


def heads(
    connection: sa.Connection,
    queues: Collection[str],
    *,
    now: datetime,
    late_last: Collection[str],
    limit: int,
) -> tuple[Head, ...]:
    """The first `limit` waiting cases of each queue, and the lost ones of `late_last` apart.

    The first `limit` of all the queues are among them, in whichever way the queues are merged.
    """
    runs = []
    lost = cases.c.due_at <= now + LOST
    for queue in sorted(queues):
        own = sa.select(
            cases.c.case_id,
            cases.c.queue,
            cases.c.due_at,
            cases.c.severity,
            cases.c.received_at,
        ).where(cases.c.queue == queue, NEW)
        parts = (~lost, lost) if queue in late_last else (sa.true(),)
        for part in parts:
            run = own.where(part).order_by(*BY_INDEX).limit(limit)
            runs.append(sa.select(run.subquery()))
    if not runs:
        return ()
    return tuple(Head(*row) for row in connection.execute(sa.union_all(*runs)))


def held_by(connection: sa.Connection, agent_id: str, now: datetime) -> tuple[Case, ...]:
    """What the agent holds on leases that still run, the first due first."""
    rows = connection.execute(
        sa.select(*CASE)
        .where(ASSIGNED, cases.c.agent_id == agent_id, cases.c.lease_until > now)
        .order_by(cases.c.due_at, cases.c.case_id)
    )
    return tuple(Case(*row) for row in rows)


def cases_named(connection: sa.Connection, case_ids: Collection[int]) -> dict[int, Case]:
    """The cases by their ids."""
    rows = connection.execute(sa.select(*CASE).where(cases.c.case_id.in_(sorted(case_ids))))
    return {row.case_id: Case(*row) for row in rows}


def newest_words(connection: sa.Connection, case_ids: Collection[int]) -> dict[int, str]:
    """By case, how its newest message begins; raw, as its author wrote it."""
    newest = (
        sa.select(sa.func.max(contacts.c.contact_id))
        .where(contacts.c.case_id.in_(sorted(case_ids)), contacts.c.deleted_at.is_(None))
        .group_by(contacts.c.case_id)
    )
    rows = connection.execute(
        sa.select(contacts.c.case_id, sa.func.substr(contacts.c.text, 1, WORDS)).where(
            contacts.c.contact_id.in_(newest)
        )
    )
    return {row[0]: row[1] for row in rows}


def writers(connection: sa.Connection, author_ids: Collection[int]) -> dict[int, Writer]:
    """Who the authors are, by id."""
    a = authors.c
    rows = connection.execute(
        sa.select(a.author_id, a.handle, a.kind, a.reach).where(a.author_id.in_(sorted(author_ids)))
    )
    return {row[0]: Writer(*row[1:]) for row in rows}


def due_between(connection: sa.Connection, after: datetime, until: datetime) -> dict[str, int]:
    """Waiting cases that fall due in (after, until], by queue that has any."""
    rows: Any = connection.execute(
        sa.select(cases.c.queue, sa.func.count())
        .where(NEW, cases.c.due_at > after, cases.c.due_at <= until)
        .group_by(cases.c.queue)
    )
    return dict(tuple(row) for row in rows)


def loose_ends(connection: sa.Connection, now: datetime) -> LooseEnds:
    """How many there are at `now`."""
    open_task = tasks.c.state == sa.literal_column("'open'")
    d, o = tables.deliveries.c, tables.outbox.c
    # `state <> 'done'` is the condition of the index.
    quarantined = sa.and_(d.state != sa.literal_column("'done'"), d.state == "quarantined")
    row = connection.execute(
        sa.select(
            _count(tasks, sa.and_(open_task, tasks.c.due_at <= now)),
            _count(tables.deliveries, quarantined),
            _count(tables.outbox, o.state == "dead"),
        )
    ).one()
    return LooseEnds(*row)


def _count(table: sa.Table, condition: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).select_from(table).where(condition).scalar_subquery()


@dataclass(frozen=True)
class QueueState:
    """How a queue is worked now; `policy` is what the policy keeps of its steps and forecast."""

    spike_mode: bool
    put_off_s: int
    policy: dict[str, Any]


AS_USUAL = QueueState(spike_mode=False, put_off_s=0, policy={})


def queue_states(connection: sa.Connection) -> dict[str, QueueState]:
    """By queue that has a state."""
    q = tables.queue_state.c
    rows = connection.execute(sa.select(q.queue, q.spike_mode, q.put_off_s, q.policy))
    return {row[0]: QueueState(*row[1:]) for row in rows}


@dataclass(frozen=True)
class Kept:
    """First replies that a day owed: kept in time, and missed; those still waiting are missed once
    they are past their deadline."""

    kept: int
    missed: int


def kept_since(connection: sa.Connection, since: datetime, now: datetime) -> dict[str, Kept]:
    """Promises of a first reply to what came in [since, now] while its queue was open, by queue.

    Counted as the metrics count their attainment, in one statement for a line that all screens ask
    for all day.
    """
    c = tables.clocks.c
    ran_out = sa.and_(c.stopped_at.is_(None), sa.or_(c.due_at <= now, c.elapsed_s > c.threshold_s))
    rows = connection.execute(
        sa.select(
            c.queue,
            sa.func.count().filter(c.outcome == "met"),
            sa.func.count().filter(sa.or_(c.outcome == "late", ran_out)),
        )
        .where(
            c.metric == "first_response",
            c.goal == "first_response",
            c.started_at >= since,
            c.started_at <= now,
        )
        .group_by(c.queue)
    )
    return {row[0]: Kept(row[1], row[2]) for row in rows}
