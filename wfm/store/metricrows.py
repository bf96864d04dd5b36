"""What the metrics are counted from: clocks, cases, tasks, holds, presence, and what was left out.

Every function gives the rows of [start, end), of all queues and accounts or of those asked for.
Their instants are seconds since 1970, to the millisecond: reckoned by the database, which is three
times as quick as making a datetime of each.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from wfm.cases import CaseState
from wfm.clocks import ClockGoal, ClockMetric, Outcome
from wfm.store import tables
from wfm.store.bulk import BATCH
from wfm.store.cases import ASSIGNED, NEW

cases = tables.cases
clocks = tables.clocks
raw_events = tables.raw_events
tasks = tables.tasks
authors = tables.authors
case_events = tables.case_events
handlings = tables.handlings
presence = tables.presence
spans = tables.presence_spans

METRICS: tuple[ClockMetric, ...] = ("first_response", "next_reply", "resolution")

# No hold is longer: leases are minutes, and whoever renews them goes home.
_HOLD_MAX = timedelta(hours=12)


@dataclass(frozen=True)
class Part:
    """Which queue and account; None: all."""

    queue: str | None = None
    account: str | None = None

    def of(self, table: sa.Table) -> list[sa.ColumnElement[bool]]:
        """The conditions on a table that has both columns."""
        wanted = (("queue", self.queue), ("account", self.account))
        return [table.c[name] == value for name, value in wanted if value is not None]


ALL = Part()


class ClockRow(NamedTuple):
    """A clock, by the instant it was started; see `wfm.clocks.Clock`."""

    queue: str
    account: str
    metric: ClockMetric
    goal: ClockGoal
    started_at: float
    threshold_s: int
    elapsed_s: float
    due_at: float | None
    stopped_at: float | None
    outcome: Outcome | None
    any_at: float | None
    any_elapsed_s: float | None


class CaseRow(NamedTuple):
    """A case, by the instant it was opened.

    was_answered          by anybody, automatically too
    before_at, linked_at  when its author, and when anybody known to be the same customer, opened
                          the last case before it
    reopened              it was closed, and its customer wrote again
    """

    case_id: int
    queue: str
    account: str
    opened_at: float
    state: CaseState
    contacts: int
    was_answered: bool
    merged_into: int | None
    before_at: float | None
    linked_at: float | None
    reopened: bool

    def is_repeat(self, repeat_s: int) -> bool:
        """Whether the same customer had opened another case not more than `repeat_s` before."""
        earlier = [at for at in (self.before_at, self.linked_at) if at is not None]
        return bool(earlier) and self.opened_at - max(earlier) <= repeat_s


class LeftOut(NamedTuple):
    """A message that opened no case: own, spam or repost."""

    queue: str | None
    account: str
    kind: str
    received_at: float


class TaskRow(NamedTuple):
    """A task, by the instant it is due."""

    queue: str
    account: str
    due_at: float
    state: str
    ended_at: float | None


class Span(NamedTuple):
    """A stretch of an agent's time."""

    agent_id: str
    start: float
    end: float


@dataclass(frozen=True)
class Backlog:
    """Cases of a queue and account that wait now, how many of them for longer than that."""

    queue: str
    account: str
    waiting: int
    late: int
    oldest_at: datetime
    over_15_min: int
    over_1_h: int
    over_4_h: int
    over_24_h: int


def _stream(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[Any]:
    # In lists: half as dear as row by row.
    for rows in connection.execute(query.execution_options(yield_per=BATCH)).partitions():
        yield from rows


def _seconds(connection: sa.Connection, instant: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """The instant as seconds since 1970, to the millisecond."""
    if connection.dialect.name == "sqlite":
        # Days since noon of 4714 BC; a float of them is good to some 40 microseconds. Rounded by
        # hand: `round` goes by way of a text, which takes as long as all the rest.
        days = sa.func.julianday(sa.type_coerce(instant, sa.String)) - 2440587.5
        return sa.cast(days * 86_400_000.0 + 0.5, sa.Integer) / 1000.0
    return sa.cast(sa.func.round(sa.extract("epoch", instant), 3), sa.Double)


def _named(
    connection: sa.Connection, table: sa.Table, names: Sequence[str]
) -> list[sa.ColumnElement[Any]]:
    """Columns of the table, the instants among them as seconds."""
    return [_seconds(connection, table.c[n]) if n.endswith("_at") else table.c[n] for n in names]


def clock_rows(
    connection: sa.Connection, start: datetime, end: datetime, part: Part
) -> Iterator[ClockRow]:
    """Clocks that were started in [start, end); their deadline only while they have not stopped."""
    columns = dict(zip(ClockRow._fields, _named(connection, clocks, ClockRow._fields), strict=True))
    columns["due_at"] = sa.case((clocks.c.stopped_at.is_(None), columns["due_at"]))
    query = sa.select(*columns.values()).where(
        clocks.c.metric.in_(METRICS),
        clocks.c.started_at >= start,
        clocks.c.started_at < end,
        *part.of(clocks),
    )
    return map(ClockRow._make, _stream(connection, query))


def case_rows(
    connection: sa.Connection, start: datetime, end: datetime, part: Part
) -> Iterator[CaseRow]:
    """Cases that were opened in [start, end)."""
    by_author, by_customer = _earlier()
    query = sa.select(
        *_named(connection, cases, ("case_id", "queue", "account", "opened_at")),
        cases.c.state,
        cases.c.contacts,
        sa.or_(cases.c.first_response_at.is_not(None), cases.c.first_any_at.is_not(None)),
        cases.c.merged_into,
        _seconds(connection, by_author),
        _seconds(connection, by_customer),
        # Not EXISTS: for that PostgreSQL reads the events of all cases there ever were.
        _reopenings().limit(1).scalar_subquery().is_not(None),
    ).where(cases.c.opened_at >= start, cases.c.opened_at < end, *part.of(cases))
    return map(CaseRow._make, _stream(connection, query))


def _earlier() -> tuple[sa.ScalarSelect[Any], sa.ScalarSelect[Any]]:
    """When the author of a case, and anybody known to be the same customer, wrote before it."""
    before, one, other = cases.alias("before"), authors.alias("one"), authors.alias("other")
    earlier = (before.c.opened_at < cases.c.opened_at, before.c.merged_into.is_(None))
    by_author = (
        sa.select(sa.func.max(before.c.opened_at))
        .where(before.c.author_id == cases.c.author_id, *earlier)
        .scalar_subquery()
    )
    by_customer = (
        sa.select(sa.func.max(before.c.opened_at))
        .select_from(one)
        .join(other, other.c.customer_id == one.c.customer_id)
        .join(before, before.c.author_id == other.c.author_id)
        .where(one.c.author_id == cases.c.author_id, *earlier)
        .scalar_subquery()
    )
    return by_author, by_customer


def is_repeat(connection: sa.Connection, repeat_s: int) -> sa.ColumnElement[bool]:
    """Whether the case of a query on `cases` is a repeat contact, as `CaseRow.is_repeat` says."""
    since = _seconds(connection, cases.c.opened_at) - repeat_s
    return sa.or_(*(_seconds(connection, earlier) >= since for earlier in _earlier()))


def reopened() -> sa.ColumnElement[bool]:
    """Whether the case of a query on `cases` was closed, and opened again after that."""
    return _reopenings().exists()


def _reopenings() -> sa.Select[int]:
    """Events by which the case of a query on `cases` was opened again."""
    shut, again = case_events.alias("shut"), case_events.alias("again")
    return (
        sa.select(again.c.id)
        .where(
            again.c.case_id == cases.c.case_id,
            again.c.kind == "reopened",
            shut.c.case_id == cases.c.case_id,
            shut.c.kind == "closed",
            shut.c.id < again.c.id,
        )
        .correlate(cases)
    )


# As literals: SQLite uses a partial index only where it sees the index's own condition.
_LEFT_OUT = raw_events.c.kind.in_(
    [sa.literal_column(f"'{kind}'") for kind in ("own", "spam", "repost")]
)


def left_out_rows(
    connection: sa.Connection, start: datetime, end: datetime, part: Part
) -> Iterator[LeftOut]:
    """Messages received in [start, end) that opened no case."""
    query = sa.select(*_named(connection, raw_events, LeftOut._fields)).where(
        _LEFT_OUT,
        raw_events.c.received_at >= start,
        raw_events.c.received_at < end,
        *part.of(raw_events),
    )
    return map(LeftOut._make, _stream(connection, query))


def task_rows(
    connection: sa.Connection, start: datetime, end: datetime, part: Part
) -> Iterator[TaskRow]:
    """Tasks due in [start, end), without those cancelled."""
    query = (
        sa.select(
            cases.c.queue,
            cases.c.account,
            *_named(connection, tasks, ("due_at", "state", "ended_at")),
        )
        .join(cases, cases.c.case_id == tasks.c.case_id)
        .where(
            tasks.c.due_at >= start,
            tasks.c.due_at < end,
            tasks.c.state != "cancelled",
            *part.of(cases),
        )
    )
    return map(TaskRow._make, _stream(connection, query))


def holds(
    connection: sa.Connection, start: datetime, end: datetime, *, now: datetime
) -> Iterator[Span]:
    """Stretches within which an agent held a case, those that last until now with them."""
    h, c = handlings.c, cases.c
    ended = sa.select(
        h.agent_id, _seconds(connection, h.started_at), _seconds(connection, h.ended_at)
    ).where(h.started_at >= start - _HOLD_MAX, h.started_at < end, h.ended_at > start)
    yield from map(Span._make, _stream(connection, ended))
    lasting = sa.select(
        c.agent_id, _seconds(connection, c.claimed_at), _seconds(connection, c.lease_until)
    ).where(ASSIGNED, c.claimed_at < end)
    at = now.timestamp()
    for agent_id, since, until in connection.execute(lasting):
        yield Span(agent_id, since, at if until is None else min(until, at))


def availability(
    connection: sa.Connection, start: datetime, end: datetime, *, now: datetime
) -> Iterator[Span]:
    """Stretches within which an agent was signed on and available, until now for who still is."""
    s, p = spans.c, presence.c
    past = sa.select(
        s.agent_id, _seconds(connection, s.started_at), _seconds(connection, s.ended_at)
    ).where(s.ended_at > start, s.started_at < end, s.state == "available")
    yield from map(Span._make, _stream(connection, past))
    present = sa.select(p.agent_id, _seconds(connection, p.since)).where(
        p.state == "available", p.since < end
    )
    for agent_id, since in connection.execute(present):
        yield Span(agent_id, since, now.timestamp())


_AGES = {"over_15_min": 900, "over_1_h": 3600, "over_4_h": 14_400, "over_24_h": 86_400}


def backlog(connection: sa.Connection, now: datetime, part: Part) -> tuple[Backlog, ...]:
    """What waits now, by queue and account."""

    def many(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)

    c = cases.c
    rows = connection.execute(
        sa.select(
            c.queue,
            c.account,
            sa.func.count(),
            many(c.due_at < now),
            sa.func.min(c.received_at),
            *(many(c.received_at < now - timedelta(seconds=age)) for age in _AGES.values()),
        )
        .where(NEW, *part.of(cases))
        .group_by(c.queue, c.account)
        .order_by(c.queue, c.account)
    )
    assert [field.name for field in fields(Backlog)][5:] == list(_AGES)
    return tuple(Backlog(*row) for row in rows)
