"""Who is on shift and how many agents each queue has, from the published rosters.

The roster in force at an instant is the newest published version that covers it: publishing next
month's roster takes nobody off today's queue.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfm.store import tables

plans = tables.plans
on_shift = tables.plan_on_shift
staffing = tables.plan_staffing


@dataclass(frozen=True)
class OnShift:
    """A stretch [start, end) in which an agent takes cases of `queues`, `slots` at once."""

    agent_id: str
    start: datetime
    end: datetime
    queues: tuple[str, ...]
    slots: int


@dataclass(frozen=True)
class StaffingRow:
    """Agents of one queue in one interval: as scheduled, as expected to be there, as required."""

    plan_id: int
    start: datetime
    queue: str
    scheduled: float
    effective: float
    slots: float
    required: float


def current_plan_id(connection: sa.Connection) -> int | None:
    """The plan that was published last, or None when none ever was."""
    return connection.scalar(sa.select(plans.c.plan_id).where(plans.c.state == "published"))


def _in_force(table: sa.Table) -> sa.ColumnElement[bool]:
    """Whether the row's plan is published and no later version covers the row's start.

    For a query that joins `table` with `plans`.
    """
    later = plans.alias("later")
    return sa.and_(
        plans.c.version.is_not(None),
        ~sa.exists().where(
            later.c.version > plans.c.version,
            later.c.starts_at <= table.c.start,
            later.c.ends_at > table.c.start,
        ),
    )


def _versions(*conditions: sa.ColumnElement[bool]) -> sa.Select[int]:
    """Ids of the published plans that fulfil the conditions.

    Rows are looked for in them by `plan_id`, so that no index scan goes through years of rosters.
    """
    return sa.select(plans.c.plan_id).where(plans.c.version.is_not(None), *conditions)


def _shifts(versions: sa.Select[int]) -> sa.Select[Any]:
    t = on_shift.c
    return (
        sa.select(t.agent_id, t.start, t.end, t.queues, t.slots)
        .join(plans, plans.c.plan_id == t.plan_id)
        .where(t.plan_id.in_(versions), _in_force(on_shift))
    )


def _shift(row: sa.Row[Any]) -> OnShift:
    return OnShift(row.agent_id, row.start, row.end, tuple(row.queues.split()), row.slots)


def shift_of(agent_id: Any, at: Any) -> sa.Select[Any]:
    """The query for the stretch the agent is in at `at`; both may be values or parameters."""
    t = on_shift.c
    return (
        _shifts(_versions(plans.c.starts_at <= at))
        .where(t.agent_id == agent_id, t.start <= at, t.end > at)
        .order_by(plans.c.version.desc())
        .limit(1)
    )


def on_shift_at(connection: sa.Connection, agent_id: str, at: datetime) -> OnShift | None:
    """The stretch the agent is in at `at`, or None when they are off shift or on a break."""
    row = connection.execute(shift_of(agent_id, at)).one_or_none()
    return None if row is None else _shift(row)


def next_on_shift(connection: sa.Connection, agent_id: str, after: datetime) -> OnShift | None:
    """The agent's first stretch that starts after `after`, or None."""
    t = on_shift.c
    row = connection.execute(
        _shifts(_versions(plans.c.ends_at > after))
        .where(t.agent_id == agent_id, t.start > after)
        .order_by(t.start)
        .limit(1)
    ).one_or_none()
    return None if row is None else _shift(row)


def all_on_shift_at(connection: sa.Connection, at: datetime) -> tuple[OnShift, ...]:
    """Everybody's stretch at `at`, one an agent, by agent."""
    t = on_shift.c
    rows = connection.execute(
        _shifts(_versions(plans.c.starts_at <= at))
        .where(t.start <= at, t.end > at)
        .order_by(t.agent_id, plans.c.version)
    )
    # Where an older roster's stretch runs into a newer roster, the newer one speaks.
    latest = {row.agent_id: _shift(row) for row in rows}
    return tuple(latest.values())


def shifts_between(
    connection: sa.Connection, start: datetime, end: datetime
) -> tuple[OnShift, ...]:
    """The stretches in force that overlap [start, end), by agent and start."""
    t = on_shift.c
    covering = _versions(plans.c.starts_at < end, plans.c.ends_at > start)
    rows = connection.execute(
        _shifts(covering)
        .where(t.start < end, t.end > start)
        .order_by(t.agent_id, t.start, plans.c.version)
    )
    return tuple(_shift(row) for row in rows)


def version_at(connection: sa.Connection, start: datetime) -> int | None:
    """The version of the roster in force in the interval that begins at `start`, or None."""
    found: int | None = connection.scalar(
        sa.select(sa.func.max(plans.c.version)).where(
            plans.c.version.is_not(None), plans.c.starts_at <= start, plans.c.ends_at > start
        )
    )
    return found


def staffing_rows(
    connection: sa.Connection, start: datetime, end: datetime
) -> tuple[StaffingRow, ...]:
    """Staffing in force of the intervals that start in [start, end), by start and queue."""
    t = staffing.c
    covering = _versions(plans.c.starts_at < end, plans.c.ends_at > start)
    rows = connection.execute(
        sa.select(t.plan_id, t.start, t.queue, t.scheduled, t.effective, t.slots, t.required)
        .join(plans, plans.c.plan_id == t.plan_id)
        .where(t.plan_id.in_(covering), _in_force(staffing), t.start >= start, t.start < end)
        .order_by(t.start, t.queue)
    )
    return tuple(StaffingRow(*row) for row in rows)


@dataclass(frozen=True)
class PlanVersion:
    """A published roster's name and age."""

    plan_id: int
    version: int
    start: datetime
    end: datetime
    published_at: datetime


def versions_of(connection: sa.Connection, plan_ids: Iterable[int]) -> dict[int, PlanVersion]:
    """The published versions among the plans, by plan id."""
    p = plans.c
    rows = connection.execute(
        sa.select(p.plan_id, p.version, p.starts_at, p.ends_at, p.published_at).where(
            p.plan_id.in_(set(plan_ids)), p.version.is_not(None)
        )
    )
    return {row.plan_id: PlanVersion(*row) for row in rows}
