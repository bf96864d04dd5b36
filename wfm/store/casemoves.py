"""Cases on the move: many locked at once, reopened, paused until a time, merged into others.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa

from wfm.cases import Case
from wfm.errors import NotFound
from wfm.store import tables
from wfm.store.bulk import IN_LIST, batches
from wfm.store.cases import CASE, EventKind, merged_into
from wfm.store.engine import Writing
from wfm.store.metrics import mark_changed

cases = tables.cases
case_events = tables.case_events

# As literals: SQLite uses a partial index only where it sees the index's own condition.
PAUSED = cases.c.state == sa.literal_column("'paused'")
ANSWERED = cases.c.state == sa.literal_column("'answered'")
OPEN = cases.c.state != sa.literal_column("'closed'")


def lock_cases(writing: Writing, case_ids: Collection[int]) -> dict[int, Case]:
    """The cases by id, locked until the transaction ends, in the order in which all lock them.

    NotFound when one is missing.
    """
    found: dict[int, Case] = {}
    for some in batches(sorted(set(case_ids)), IN_LIST):
        rows = writing.connection.execute(
            sa.select(*CASE)
            .where(cases.c.case_id.in_(some))
            .order_by(cases.c.case_id)
            .with_for_update()
        )
        found |= {row.case_id: Case(*row) for row in rows}
    missing = sorted(set(case_ids) - set(found))
    if missing:
        raise NotFound(f"there is no case {missing[0]}", case_id=missing[0])
    return found


def update_cases(writing: Writing, values: Mapping[int, Mapping[str, object]]) -> None:
    """Set columns of many cases that this transaction has locked, by id; the same for each."""
    rows = [{"the_case": case_id, **own, **writing.stamp} for case_id, own in values.items()]
    if rows:
        writing.connection.execute(
            cases.update().where(cases.c.case_id == sa.bindparam("the_case")), rows
        )


def count_open(connection: sa.Connection, queues: Collection[str]) -> dict[str, int]:
    """How many cases of each queue are not closed; queues without any are left out."""
    rows = connection.execute(
        sa.select(cases.c.queue, sa.func.count().label("open"))
        .where(cases.c.queue.in_(sorted(queues)), OPEN)
        .group_by(cases.c.queue)
    )
    return {row.queue: row.open for row in rows}


def add_events(writing: Writing, kind: EventKind, texts: Iterable[tuple[int, str]]) -> None:
    """Write down what happened to each case, by id, in words of its own."""
    rows = [
        {"case_id": case_id, "kind": kind, "at": writing.at, "text": text, "actor": writing.actor}
        for case_id, text in texts
    ]
    if rows:
        writing.connection.execute(case_events.insert(), rows)


def quiet_since(connection: sa.Connection, before: datetime, *, limit: int) -> list[int]:
    """Ids of answered cases, the longest first, whose last reply is that old and that have no open
    task."""
    c, t = cases.c, tables.tasks.c
    undone = sa.exists().where(t.case_id == c.case_id, t.state == sa.literal_column("'open'"))
    query = (
        sa.select(c.case_id)
        .where(ANSWERED, c.answered_at <= before, ~undone)
        .order_by(c.answered_at)
        .limit(limit)
    )
    return list(connection.scalars(query))


def due_to_wake(connection: sa.Connection, at: datetime, *, limit: int) -> tuple[int, ...]:
    """Paused cases whose time has come, by id; the longest due first, at most `limit`."""
    return tuple(
        connection.scalars(
            sa.select(cases.c.case_id)
            .where(PAUSED, cases.c.paused_until <= at)
            .order_by(cases.c.paused_until, cases.c.case_id)
            .limit(limit)
        )
    )


def reopen_case(writing: Writing, case_id: int, values: Mapping[str, object]) -> Case | None:
    """Open a closed case that this transaction has locked; None when its author has another one."""
    try:
        with writing.connection.begin_nested():
            row = writing.connection.execute(
                cases.update()
                .where(cases.c.case_id == case_id)
                .values({**values, **writing.stamp})
                .returning(*CASE)
            ).one()
    except sa.exc.IntegrityError:
        # The unique index of open cases: it decides, whoever opened the other one, and when.
        return None
    case = Case(*row)
    mark_changed(writing, [case.opened_at])
    return case


def open_case_of(connection: sa.Connection, author_id: int) -> int | None:
    """The author's case that is not closed."""
    return connection.scalar(sa.select(cases.c.case_id).where(cases.c.author_id == author_id, OPEN))


def hand_on_merged(writing: Writing, from_case: int, to_case: int) -> None:
    """What was merged into one case is merged into another: no chain is ever longer than one."""
    held = merged_into(writing.connection, from_case)
    if held:
        writing.connection.execute(
            cases.update().where(cases.c.case_id.in_(held)).values(merged_into=to_case)
        )
