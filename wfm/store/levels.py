"""What the queue reads of the plan, what is under way in it, and the state of its policy.

On the live queue's path: standard library and SQLAlchemy only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfm.store import tables
from wfm.store.bulk import insert_into
from wfm.store.cases import ASSIGNED, NEW
from wfm.store.engine import Writing

cases = tables.cases
forecasts = tables.forecasts
forecast_rows = tables.forecast_rows
handlings = tables.handlings
queue_state = tables.queue_state
volumes = tables.volumes

# The row of `queue_state` that holds what concerns all queues; no queue can bear this name.
ALL = "*"

Expected = dict[tuple[str, datetime], float]


# -- of the plan ---------------------------------------------------------------------------------


def planned_arrivals(
    connection: sa.Connection, plan_ids: Collection[int], start: datetime, end: datetime
) -> Expected:
    """Contacts that the plans' forecasts expect in each interval of [start, end), by queue."""
    f, r = forecasts.c, forecast_rows.c
    rows = connection.execute(
        sa.select(r.queue, r.start, r.mean)
        .join(forecasts, f.forecast_id == r.forecast_id)
        .where(f.plan_id.in_(sorted(plan_ids)), r.start >= start, r.start < end)
        .order_by(f.plan_id)
    )
    return {(row.queue, row.start): row.mean for row in rows}


def updated_arrivals(connection: sa.Connection, start: datetime, end: datetime) -> Expected:
    """The same by the newest intraday update that covers `start`; empty where none is stored."""
    f, r = forecasts.c, forecast_rows.c
    newest = connection.scalar(
        sa.select(f.forecast_id)
        .where(f.kind == "intraday", f.starts_at <= start, f.ends_at > start)
        .order_by(f.forecast_id.desc())
        .limit(1)
    )
    if newest is None:
        return {}
    rows = connection.execute(
        sa.select(r.queue, r.start, r.mean).where(
            r.forecast_id == newest, r.start >= start, r.start < end
        )
    )
    return {(row.queue, row.start): row.mean for row in rows}


def counted_arrivals(connection: sa.Connection, start: datetime, end: datetime) -> Expected:
    """Contacts that were counted in each interval of [start, end), whichever source is larger."""
    rows = connection.execute(
        sa.select(volumes.c.queue, volumes.c.start, sa.func.max(volumes.c.contacts))
        .where(volumes.c.start >= start, volumes.c.start < end)
        .group_by(volumes.c.queue, volumes.c.start)
    )
    return {(row[0], row[1]): float(row[2]) for row in rows}


# -- under way -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class OwedRow:
    """Waiting cases of one queue whose deadline lies before `cuts[place]` and after the cut before.

    place  `len(cuts)` for those that are due later than the last cut
    again  whether they wait for a later reply than the first
    """

    queue: str
    place: int
    again: bool
    cases: int


def owed(connection: sa.Connection, cuts: Sequence[datetime]) -> tuple[OwedRow, ...]:
    """What waits, by queue and deadline. The cuts rise."""
    place = sa.case(
        *((cases.c.due_at <= cut, number) for number, cut in enumerate(cuts)), else_=len(cuts)
    )
    again = sa.case((cases.c.first_response_at.is_(None), 0), else_=1)
    rows = connection.execute(
        sa.select(cases.c.queue, place, again, sa.func.count())
        .where(NEW)
        .group_by(cases.c.queue, place, again)
    )
    return tuple(OwedRow(row[0], row[1], bool(row[2]), row[3]) for row in rows)


def in_hand(connection: sa.Connection, now: datetime) -> dict[str, int]:
    """Cases that agents hold on a lease that runs, by queue."""
    rows = connection.execute(
        sa.select(cases.c.queue, sa.func.count())
        .where(ASSIGNED, cases.c.lease_until > now)
        .group_by(cases.c.queue)
    )
    return {row[0]: row[1] for row in rows}


def holders(connection: sa.Connection, now: datetime) -> frozenset[str]:
    """Agents who hold a case on a lease that runs."""
    held = sa.select(cases.c.agent_id).where(ASSIGNED, cases.c.lease_until > now).distinct()
    return frozenset(connection.scalars(held))


def opened_since(connection: sa.Connection, since: datetime, until: datetime) -> dict[str, int]:
    """Cases opened after `since` and until `until`, by queue."""
    rows = connection.execute(
        sa.select(cases.c.queue, sa.func.count())
        .where(cases.c.opened_at > since, cases.c.opened_at <= until)
        .group_by(cases.c.queue)
    )
    return {row[0]: row[1] for row in rows}


def answers_since(connection: sa.Connection, since: datetime) -> tuple[tuple[str, datetime], ...]:
    """Queue and instant of each reply that agents sent to a case taken in hand since `since`."""
    rows = connection.execute(
        sa.select(handlings.c.queue, handlings.c.ended_at).where(
            handlings.c.started_at >= since, handlings.c.ended_by == "answered"
        )
    )
    return tuple((row[0], row[1]) for row in rows)


def to_acknowledge(connection: sa.Connection, queue: str, *, limit: int) -> tuple[int, ...]:
    """Ids of waiting cases of the queue that nobody has replied to in any way, the oldest first.

    Flagged cases are left out: they are for people alone.
    """
    return tuple(
        connection.scalars(
            sa.select(cases.c.case_id)
            .where(
                NEW,
                cases.c.queue == queue,
                cases.c.first_response_at.is_(None),
                cases.c.first_any_at.is_(None),
                sa.cast(cases.c.flags, sa.Text) == "[]",
            )
            .order_by(cases.c.due_at, cases.c.case_id)
            .limit(limit)
        )
    )


# -- whom to call --------------------------------------------------------------------------------


@dataclass(frozen=True)
class OnCall:
    """A stretch in which an agent is on standby."""

    agent_id: str
    start: datetime
    end: datetime


def on_standby(connection: sa.Connection, start: datetime, end: datetime) -> tuple[OnCall, ...]:
    """Who is on standby within [start, end) in the roster published last, by start."""
    t, p = tables.plan_roster.c, tables.plans.c
    rows = connection.execute(
        sa.select(t.agent_id, t.start, t.end)
        .join(tables.plans, p.plan_id == t.plan_id)
        .where(p.state == "published", t.activity == "standby", t.start < end, t.end > start)
        .order_by(t.start, t.agent_id)
    )
    return tuple(OnCall(*row) for row in rows)


# -- the state of the policy ---------------------------------------------------------------------


def policy_documents(connection: sa.Connection) -> dict[str, dict[str, Any]]:
    """What is kept of each queue's policy, by queue, and under `ALL`; documents of the queue's."""
    rows = connection.execute(sa.select(queue_state.c.queue, queue_state.c.policy))
    return {row.queue: row.policy for row in rows}


def lock_policy(writing: Writing, queue: str) -> dict[str, Any]:
    """The queue's document, for this transaction alone until it ends; made when it is not there."""
    held = sa.select(queue_state.c.policy).where(queue_state.c.queue == queue).with_for_update()
    found = writing.connection.execute(held).one_or_none()
    if found is None:
        row = {"queue": queue, "spike_mode": False, "claims": 0, "policy": {}, **writing.stamp}
        insert = insert_into(writing.connection, queue_state).values(row)
        writing.connection.execute(insert.on_conflict_do_nothing())
        # Where another made it at this moment, what that one wrote stands.
        found = writing.connection.execute(held).one()
    document: dict[str, Any] = found.policy
    return document


def write_policy(writing: Writing, queue: str, document: Mapping[str, Any]) -> None:
    """Keep the document of a queue that this transaction has locked."""
    writing.connection.execute(
        queue_state.update()
        .where(queue_state.c.queue == queue)
        .values(policy=dict(document), **writing.stamp)
    )


def put_off(writing: Writing, seconds: Mapping[str, int]) -> None:
    """Let the queues' cases come later in the order by so much; each is locked already."""
    for queue in sorted(seconds):
        writing.connection.execute(
            queue_state.update()
            .where(queue_state.c.queue == queue, queue_state.c.put_off_s != seconds[queue])
            .values(put_off_s=seconds[queue], **writing.stamp)
        )
