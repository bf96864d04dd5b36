"""Planners' adjustments: in force until they are withdrawn, never deleted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfm.adjustments import Adjustment
from wfm.errors import IllegalMove, NotFound
from wfm.store.documents import to_document
from wfm.store.engine import Writing
from wfm.store.tables import adjustments as table


@dataclass(frozen=True)
class StoredAdjustment(Adjustment):
    """An adjustment with who made it and, when it is no longer in force, who withdrew it."""

    actor: str = ""
    written_at: datetime | None = None
    withdrawn_at: datetime | None = None
    withdrawn_by: str | None = None

    @property
    def in_force(self) -> bool:
        return self.withdrawn_at is None


def insert(writing: Writing, adjustment: Adjustment) -> int:
    """Put the adjustment in force; gives its id."""
    adjustment_id: int = writing.connection.scalars(
        table.insert()
        .values(
            queue=adjustment.queue,
            starts_at=adjustment.start,
            ends_at=adjustment.end,
            kind=adjustment.kind,
            value=adjustment.value,
            low=adjustment.low,
            high=adjustment.high,
            reason=adjustment.reason,
            **writing.stamp,
        )
        .returning(table.c.adjustment_id)
    ).one()
    writing.audit("forecast.adjust", str(adjustment_id), after=to_document(adjustment))
    return adjustment_id


def load(
    connection: sa.Connection,
    *,
    queue: str | None = None,
    active: bool = True,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int | None = None,
    before: int | None = None,
) -> tuple[StoredAdjustment, ...]:
    """Adjustments in the order they were made, or the newest `limit`, newest first.

    active      only those in force
    start, end  only those that touch [start, end)
    before      continues a page after the adjustment of this id
    """
    c = table.c
    query = sa.select(table)
    if queue is not None:
        query = query.where(c.queue == queue)
    if active:
        query = query.where(c.withdrawn_at.is_(None))
    if start is not None:
        query = query.where(c.ends_at > start)
    if end is not None:
        query = query.where(c.starts_at < end)
    if before is not None:
        query = query.where(c.adjustment_id < before)
    newest_first = limit is not None
    query = query.order_by(c.adjustment_id.desc() if newest_first else c.adjustment_id)
    return tuple(_adjustment(row) for row in connection.execute(query.limit(limit)))


def find(connection: sa.Connection, adjustment_id: int) -> StoredAdjustment:
    """The adjustment; NotFound when there is none."""
    row = connection.execute(
        sa.select(table).where(table.c.adjustment_id == adjustment_id)
    ).one_or_none()
    if row is None:
        raise NotFound(
            f"there is no adjustment {adjustment_id}; `wfm adjustments` lists them",
            adjustment_id=adjustment_id,
        )
    return _adjustment(row)


def withdraw(writing: Writing, adjustment_id: int) -> None:
    """Take the adjustment out of force; it stays on record.

    NotFound when there is none, IllegalMove when it was withdrawn before.
    """
    held = find(writing.connection, adjustment_id)
    changed = writing.connection.execute(
        table.update()
        .where(table.c.adjustment_id == adjustment_id, table.c.withdrawn_at.is_(None))
        .values(withdrawn_at=writing.at, withdrawn_by=writing.actor)
    )
    if changed.rowcount:
        writing.audit("forecast.withdraw", str(adjustment_id), before=to_document(held))
        return
    raise IllegalMove(
        f"adjustment {adjustment_id} was withdrawn already by "
        f"{find(writing.connection, adjustment_id).withdrawn_by}; make a new one to adjust again",
        adjustment_id=adjustment_id,
    )


def _adjustment(row: sa.Row[Any]) -> StoredAdjustment:
    return StoredAdjustment(
        queue=row.queue,
        start=row.starts_at,
        end=row.ends_at,
        kind=row.kind,
        reason=row.reason,
        value=row.value,
        low=row.low,
        high=row.high,
        adjustment_id=row.adjustment_id,
        actor=row.actor,
        written_at=row.written_at,
        withdrawn_at=row.withdrawn_at,
        withdrawn_by=row.withdrawn_by,
    )
