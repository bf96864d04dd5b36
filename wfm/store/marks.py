"""Marks on the past: proposed by the cleaning or set by a person, decided by people, audited."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from wfm.errors import Conflict, NotFound
from wfm.marks import Mark, MarkState
from wfm.store.bulk import insert_into
from wfm.store.documents import to_document
from wfm.store.engine import Writing
from wfm.store.forecasts import score_anew
from wfm.store.tables import marks as table


def _values(mark: Mark) -> dict[str, Any]:
    return {
        "queue": mark.queue,
        "starts_at": mark.start,
        "ends_at": mark.end,
        "kind": mark.kind,
        "state": mark.state,
        "contacts": mark.contacts,
        "expected": mark.expected,
        "reason": mark.reason,
    }


def keep(writing: Writing, marks: Iterable[Mark]) -> tuple[int, ...]:
    """Keep the marks whose queue, span and kind no mark has yet; gives the ids of these."""
    statement = (
        insert_into(writing.connection, table).on_conflict_do_nothing().returning(table.c.mark_id)
    )
    kept = []
    for mark in marks:
        mark_id = writing.connection.scalar(statement.values(**_values(mark), **writing.stamp))
        if mark_id is not None:
            kept.append(int(mark_id))
            writing.audit("mark.propose", str(mark_id), after=to_document(mark))
    return tuple(kept)


def insert(writing: Writing, mark: Mark) -> int:
    """Keep a mark that a person sets; Conflict when one of its queue, span and kind is there."""
    mark_id = writing.connection.scalar(
        insert_into(writing.connection, table)
        .on_conflict_do_nothing()
        .values(**_values(mark), **writing.stamp)
        .returning(table.c.mark_id)
    )
    if mark_id is None:
        raise Conflict(
            f"queue {mark.queue!r} has a mark of this kind and span already; `wfm marks` shows it"
        )
    writing.audit("mark.add", str(mark_id), after=to_document(mark))
    if _is_lost(mark.kind, mark.state):
        score_anew(writing, mark.start, mark.end)
    return int(mark_id)


def load(
    connection: sa.Connection,
    *,
    queue: str | None = None,
    limit: int | None = None,
    before: int | None = None,
) -> tuple[Mark, ...]:
    """Marks of all states by start and queue, or the newest `limit` of them, newest first.

    before  continues a page after the mark of this id
    """
    c = table.c
    order = (c.starts_at, c.queue, c.mark_id) if limit is None else (c.mark_id.desc(),)
    query = sa.select(table).order_by(*order).limit(limit)
    if queue is not None:
        query = query.where(c.queue == queue)
    if before is not None:
        query = query.where(c.mark_id < before)
    return tuple(_mark(row) for row in connection.execute(query))


def find(connection: sa.Connection, mark_id: int) -> Mark:
    """The mark; NotFound when there is none."""
    row = connection.execute(sa.select(table).where(table.c.mark_id == mark_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no mark {mark_id}; `wfm marks` lists them", mark_id=mark_id)
    return _mark(row)


def decide(writing: Writing, mark_id: int, state: MarkState) -> Mark:
    """Put the mark in the state, from whichever it is in; NotFound when there is none."""
    held = writing.connection.execute(
        sa.select(table).where(table.c.mark_id == mark_id).with_for_update()
    ).one_or_none()
    if held is None:
        return find(writing.connection, mark_id)
    if held.state != state:
        writing.connection.execute(
            table.update().where(table.c.mark_id == mark_id).values(state=state, **writing.stamp)
        )
        writing.audit(
            "mark.decide", str(mark_id), before={"state": held.state}, after={"state": state}
        )
        if _is_lost(held.kind, held.state) or _is_lost(held.kind, state):
            score_anew(writing, held.starts_at, held.ends_at)
    return find(writing.connection, mark_id)


def _is_lost(kind: str, state: str) -> bool:
    """Whether what came in a mark's span is left out of scores."""
    return kind == "outage" and state == "accepted"


def _mark(row: sa.Row[Any]) -> Mark:
    return Mark(
        queue=row.queue,
        start=row.starts_at,
        end=row.ends_at,
        kind=row.kind,
        state=row.state,
        contacts=row.contacts,
        expected=row.expected,
        reason=row.reason,
        mark_id=row.mark_id,
    )
