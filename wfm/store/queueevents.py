"""What happened to a queue, an agent or a case, told to those who listen.

`add` keeps an event of a queue and puts it into the outbox of every source that asked for its
kind. What happens to a case stands in the case events; `since` gives both, so that a listener that
says how far it has read misses nothing.

On the live queue's path: standard library and SQLAlchemy only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from heapq import merge
from typing import Any

import sqlalchemy as sa

from wfm.errors import RequestError
from wfm.store import outbox, tables
from wfm.store.engine import Writing
from wfm.store.sources import subscribers
from wfm.timegrid import format_instant

queue_events = tables.queue_events
case_events = tables.case_events


@dataclass(frozen=True)
class QueueEvent:
    """One thing that happened to a queue or an agent."""

    event_id: int
    at: datetime
    kind: str
    queue: str | None
    body: dict[str, Any]
    actor: str


_EVENT = (
    queue_events.c.id,
    queue_events.c.at,
    queue_events.c.kind,
    queue_events.c.queue,
    queue_events.c.body,
    queue_events.c.actor,
)


def add(
    writing: Writing,
    kind: str,
    *,
    queue: str | None = None,
    body: Mapping[str, Any],
    case_id: int | None = None,
) -> int:
    """Keep the event, and tell it to the sources that subscribed to its kind; gives its id.

    kind     e.g. "sla.breach_predicted", "policy.step", "presence.changed", "case.assigned"
    body     JSON-able, without secrets and without what customers wrote
    case_id  the case it is about, so that it leaves after what was told of the case before
    """
    event_id: int = writing.connection.scalars(
        queue_events.insert()
        .values(at=writing.at, kind=kind, queue=queue, body=dict(body), actor=writing.actor)
        .returning(queue_events.c.id)
    ).one()
    told = {
        "event_id": event_id,
        "event": kind,
        "at": format_instant(writing.at),
        "queue": queue,
        **body,
    }
    for source in subscribers(writing.connection, kind):
        outbox.put(
            writing,
            kind="event",
            target=source.source,
            key=f"event:{event_id}:{source.source}",
            body=told,
            case_id=case_id,
        )
    return event_id


def latest(connection: sa.Connection, kind: str) -> QueueEvent | None:
    """The last event of the kind, or None."""
    row = connection.execute(
        sa.select(*_EVENT)
        .where(queue_events.c.kind == kind)
        .order_by(queue_events.c.at.desc(), queue_events.c.id.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else QueueEvent(*row)


# -- listening -----------------------------------------------------------------------------------

# What happens to a case that is also told as an event of its queue, which says more.
_TOLD_BY_QUEUE = ("assigned", "escalated")

# Notes of our own progress, of no use to anybody else.
PRIVATE = ("crm.collected", "retention.done")


@dataclass(frozen=True, order=True)
class Position:
    """How far somebody has read: the last case event and the last queue event."""

    case_event: int = 0
    queue_event: int = 0

    def __str__(self) -> str:
        return f"c{self.case_event}-q{self.queue_event}"


def position_of(text: str) -> Position:
    """The position that is written so; RequestError for any other text.

    >>> position_of("c12-q3")
    Position(case_event=12, queue_event=3)
    """
    found = re.fullmatch(r"c(\d{1,10})-q(\d{1,10})", text, re.ASCII)
    if found is None or max(map(int, found.groups())) >= 2**31:
        raise RequestError(
            f"{text[:60]!r} is no position in the stream of events; take the id of an event",
            value=text[:60],
        )
    return Position(*map(int, found.groups()))


@dataclass(frozen=True)
class Told:
    """An event of a case or of a queue, as listeners get it.

    position  how far who has read it has read
    kind      of a case "case." and its `EventKind`, as "case.opened"; else as it was added
    body      of a case its state and deadline as they are now; never what people wrote
    """

    position: Position
    at: datetime
    kind: str
    queue: str | None
    case_id: int | None
    agent_id: str | None
    body: Mapping[str, Any]
    actor: str


def since(
    connection: sa.Connection,
    after: Position,
    upto: Position | None = None,
    *,
    limit: int = 500,
) -> tuple[Told, ...]:
    """The next events after the position, up to `limit`, each kind in its order, by time.

    upto  the position that `Follower` gave: what lies behind it may still change on PostgreSQL
    """
    cases = tables.cases
    of_cases = (
        sa.select(
            case_events.c.id,
            case_events.c.at,
            case_events.c.kind,
            cases.c.queue,
            case_events.c.case_id,
            case_events.c.agent_id,
            cases.c.state,
            cases.c.due_at,
            cases.c.severity,
            case_events.c.actor,
        )
        .join(cases, cases.c.case_id == case_events.c.case_id)
        .where(case_events.c.id > after.case_event, case_events.c.kind.not_in(_TOLD_BY_QUEUE))
        .order_by(case_events.c.id)
        .limit(limit)
    )
    of_queues = (
        sa.select(*_EVENT)
        .where(queue_events.c.id > after.queue_event)
        .order_by(queue_events.c.id)
        .limit(limit)
    )
    if upto is not None:
        of_cases = of_cases.where(case_events.c.id <= upto.case_event)
        of_queues = of_queues.where(queue_events.c.id <= upto.queue_event)
    from_cases = [
        Told(
            Position(case_event=row.id),
            row.at,
            f"case.{row.kind}",
            row.queue,
            row.case_id,
            row.agent_id,
            {"state": row.state, "due_at": format_instant(row.due_at), "severity": row.severity},
            row.actor,
        )
        for row in connection.execute(of_cases)
    ]
    from_queues = [
        Told(
            Position(queue_event=row.id),
            row.at,
            row.kind,
            row.queue,
            row.body.get("case_id"),
            row.body.get("agent_id"),
            row.body,
            row.actor,
        )
        for row in connection.execute(of_queues)
    ]
    told, at = [], after
    for one in merge(from_cases, from_queues, key=lambda one: one.at):
        at = Position(
            one.position.case_event or at.case_event, one.position.queue_event or at.queue_event
        )
        told.append(replace(one, position=at))
    return tuple(told[:limit])


def newest(connection: sa.Connection) -> Position:
    """The position after the last event that can be seen."""
    return Position(
        connection.scalar(sa.select(sa.func.max(case_events.c.id))) or 0,
        connection.scalar(sa.select(sa.func.max(queue_events.c.id))) or 0,
    )


@dataclass
class Follower:
    """Finds out how far the events are settled, so that nobody passes over one that is late.

    On PostgreSQL ids are given out before they are committed: event 6 may be seen before event 5.
    A missing id holds the position back until every transaction has ended that was under way when
    it was first missed; what is missing then was never committed. On SQLite writers take turns.
    """

    position: Position
    _begins: int | None = None
    _doubts: dict[str, _Doubt] = field(default_factory=dict)

    @classmethod
    def from_now_on(cls, connection: sa.Connection) -> Follower:
        """Follows what comes after all that can be seen now; see `is_settled`."""
        # Read after the ids: whoever holds an earlier one was under way before.
        position = newest(connection)
        return cls(position, _snapshot(connection, "xmax"))

    @property
    def is_settled(self) -> bool:
        """Whether everything before the position has been decided."""
        return self._begins is None

    def advance(self, connection: sa.Connection, *, limit: int = 2_000) -> Position:
        """Look how far the events are settled now; gives the position, and keeps it."""
        after = self.position
        oldest = _snapshot(connection, "xmin")
        if self._begins is not None and oldest is not None and oldest < self._begins:
            return after
        self._begins = None
        self.position = Position(
            self._settled(connection, case_events, after.case_event, oldest, limit),
            self._settled(connection, queue_events, after.queue_event, oldest, limit),
        )
        return self.position

    def _settled(
        self, connection: sa.Connection, table: sa.Table, after: int, oldest: int | None, limit: int
    ) -> int:
        ids = list(
            connection.scalars(
                sa.select(table.c.id).where(table.c.id > after).order_by(table.c.id).limit(limit)
            )
        )
        if oldest is None or not ids:
            return ids[-1] if ids else after
        doubt = self._doubts.get(table.name)
        is_over = doubt is not None and oldest >= doubt.ends
        found = settled(ids, after, doubt.upto if doubt is not None and is_over else after)
        if found == ids[-1]:
            self._doubts.pop(table.name, None)
        elif doubt is None or is_over:
            # Read after the ids: whoever holds a missing one was under way before.
            self._doubts[table.name] = _Doubt(ids[-1], _snapshot(connection, "xmax") or 0)
        return found


@dataclass(frozen=True)
class _Doubt:
    """Ids up to `upto` are in doubt while transactions older than `ends` are under way."""

    upto: int
    ends: int


def settled(ids: Sequence[int], after: int, known: int) -> int:
    """The last of the ids before the first gap; gaps up to `known` are none.

    >>> settled([4, 5, 7, 8], after=3, known=3), settled([4, 5, 7, 8], after=3, known=6)
    (5, 8)
    """
    last = after
    for one in ids:
        if one != last + 1 and one - 1 > known:
            break
        last = one
    return last


def _snapshot(connection: sa.Connection, end: str) -> int | None:
    """PostgreSQL's oldest running transaction ("xmin") or the next to begin ("xmax")."""
    if connection.dialect.name != "postgresql":
        return None
    snapshot = sa.func.pg_current_snapshot()
    found = (
        sa.func.pg_snapshot_xmin(snapshot) if end == "xmin" else sa.func.pg_snapshot_xmax(snapshot)
    )
    return int(connection.scalar(sa.select(sa.cast(found, sa.Text))) or 0)
