"""Waiting cases that are to climb the ladder of escalation.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from wfm.store import tables
from wfm.store.cases import NEW
from wfm.store.engine import Writing

c = tables.cases.c


def to_climb(
    connection: sa.Connection, queue: str, until: Sequence[datetime], *, limit: int
) -> tuple[int, ...]:
    """Waiting cases of the queue by id: the first due first, at most `limit`.

    until  for each rung: a case that is to climb it next is due by then
    """
    climbs = [sa.and_(c.escalation == rung, c.due_at <= due) for rung, due in enumerate(until)]
    return tuple(
        connection.scalars(
            sa.select(c.case_id)
            .where(NEW, c.queue == queue, sa.or_(*climbs))
            .order_by(c.due_at, c.case_id)
            .limit(limit)
        )
    )


def note_rungs(writing: Writing, heights: Mapping[int, int]) -> None:
    """Note how many rungs each case, by id, has climbed; this transaction has locked them."""
    for height in sorted(set(heights.values())):
        climbed = [case_id for case_id, rung in heights.items() if rung == height]
        writing.connection.execute(
            tables.cases.update()
            .where(c.case_id.in_(climbed))
            .values(escalation=height, **writing.stamp)
        )
