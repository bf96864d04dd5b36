"""Tasks of cases: what is still to be done, by whom and until when.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from wfm.errors import NotFound
from wfm.store import tables
from wfm.store.engine import Writing

tasks = tables.tasks
cases = tables.cases

TaskKind = Literal["follow_up", "callback", "email", "team"]
TASK_KINDS: tuple[TaskKind, ...] = ("follow_up", "callback", "email", "team")
TaskState = Literal["open", "done", "cancelled"]

# As a literal: SQLite uses a partial index only where it sees the index's own condition.
OPEN = tasks.c.state == sa.literal_column("'open'")


@dataclass(frozen=True)
class Task:
    """Something to be done for a case by `due_at`, by an agent, another team, or anybody.

    told_at  when its being due was told
    result   what came of it, or why it was cancelled
    """

    task_id: int
    case_id: int
    kind: TaskKind
    title: str
    agent_id: str | None
    team: str | None
    opened_at: datetime
    due_at: datetime
    state: TaskState
    told_at: datetime | None
    ended_at: datetime | None
    result: str | None

    def is_overdue(self, now: datetime) -> bool:
        return self.state == "open" and self.due_at <= now


_TASK = tuple(tasks.c[field.name] for field in fields(Task))


def insert_task(
    writing: Writing,
    case_id: int,
    kind: TaskKind,
    title: str,
    *,
    due_at: datetime,
    agent_id: str | None,
    team: str | None,
) -> Task:
    """Keep a new task of a case that this transaction has locked."""
    row = writing.connection.execute(
        tasks.insert()
        .values(
            case_id=case_id,
            kind=kind,
            title=title,
            agent_id=agent_id,
            team=team,
            due_at=due_at,
            state="open",
            opened_at=writing.at,
            **writing.stamp,
        )
        .returning(*_TASK)
    ).one()
    return Task(*row)


def find_task(connection: sa.Connection, task_id: int) -> Task:
    """The task; NotFound when there is none."""
    row = connection.execute(sa.select(*_TASK).where(tasks.c.task_id == task_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no task {task_id}", task_id=task_id)
    return Task(*row)


def end_task(writing: Writing, task_id: int, state: TaskState, result: str) -> Task | None:
    """End a task that is open; None, and no change, when it has ended before."""
    row = writing.connection.execute(
        tasks.update()
        .where(tasks.c.task_id == task_id, OPEN)
        .values(state=state, result=result, ended_at=writing.at, **writing.stamp)
        .returning(*_TASK)
    ).one_or_none()
    return None if row is None else Task(*row)


def page_of_tasks(
    connection: sa.Connection,
    *,
    state: TaskState | None = None,
    case_id: int | None = None,
    agent_id: str | None = None,
    team: str | None = None,
    due_by: datetime | None = None,
    after: int | None = None,
    limit: int = 50,
) -> tuple[Task, ...]:
    """Tasks by the time they are due, at most `limit`.

    due_by  only those due by then
    after   the task that a page ended with: those that follow it; NotFound when there is none
    """
    query = sa.select(*_TASK).order_by(tasks.c.due_at, tasks.c.task_id).limit(limit)
    if state is not None:
        query = query.where(OPEN if state == "open" else tasks.c.state == state)
    wished = {"case_id": case_id, "agent_id": agent_id, "team": team}
    query = query.where(*(tasks.c[k] == v for k, v in wished.items() if v is not None))
    if due_by is not None:
        query = query.where(tasks.c.due_at <= due_by)
    if after is not None:
        last = find_task(connection, after)
        query = query.where(
            sa.or_(
                tasks.c.due_at > last.due_at,
                sa.and_(tasks.c.due_at == last.due_at, tasks.c.task_id > after),
            )
        )
    return tuple(Task(*row) for row in connection.execute(query))


def to_tell(connection: sa.Connection, at: datetime, *, limit: int) -> dict[int, int]:
    """Open tasks that are due and of which nobody was told, each with the case it is about now.

    The task of a case that was merged is about the case that it was merged into.
    """
    rows = connection.execute(
        sa.select(tasks.c.task_id, sa.func.coalesce(cases.c.merged_into, cases.c.case_id))
        .join(cases, cases.c.case_id == tasks.c.case_id)
        .where(OPEN, tasks.c.due_at <= at, tasks.c.told_at.is_(None))
        .order_by(tasks.c.due_at, tasks.c.task_id)
        .limit(limit)
    )
    return {row[0]: row[1] for row in rows}


def note_told(writing: Writing, task_ids: Collection[int]) -> tuple[Task, ...]:
    """Note that the tasks' being due is told now; gives those of which it had not been."""
    rows = writing.connection.execute(
        tasks.update()
        .where(tasks.c.task_id.in_(sorted(task_ids)), OPEN, tasks.c.told_at.is_(None))
        .values(told_at=writing.at)
        .returning(*_TASK)
    )
    return tuple(sorted((Task(*row) for row in rows), key=lambda task: task.task_id))


def answered_follow_ups(connection: sa.Connection, *, limit: int) -> tuple[int, ...]:
    """Open follow-ups, told to be due, whose case was answered or closed since."""
    rows = connection.scalars(
        sa.select(tasks.c.task_id)
        .join(
            owner := cases.alias("owner"),
            owner.c.case_id == tasks.c.case_id,
        )
        .outerjoin(kept := cases.alias("kept"), kept.c.case_id == owner.c.merged_into)
        .where(
            OPEN,
            tasks.c.kind == "follow_up",
            sa.or_(
                *(
                    sa.func.coalesce(kept.c[column], owner.c[column]) >= tasks.c.told_at
                    for column in ("answered_at", "closed_at")
                )
            ),
        )
        .order_by(tasks.c.task_id)
        .limit(limit)
    )
    return tuple(rows)
