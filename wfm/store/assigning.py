"""The first waiting cases of each queue, locked for those who give them to agents.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from wfm.cases import Case
from wfm.order import LOST
from wfm.store import tables
from wfm.store.cases import CASE, NEW
from wfm.store.claiming import Wanted
from wfm.store.engine import Writing
from wfm.store.waiting import BY_INDEX

cases = tables.cases
c = cases.c


def any_waiting(connection: sa.Connection, wanted: Sequence[Wanted]) -> bool:
    """Whether a case waits that one of the queues and levels takes."""
    if not wanted:
        return False
    return connection.scalar(sa.select(c.case_id).where(_any_of(wanted)).limit(1)) is not None


def lock_heads(writing: Writing, wanted: Sequence[Wanted], *, limit: int) -> list[Case]:
    """The first `limit` waiting cases of each queue in the order, locked; others' are passed over.

    Of a queue in spike mode the first of both its parts: those that are lost, and those not.
    """
    found = []
    for one in wanted:
        lost = c.due_at <= writing.at + LOST - timedelta(seconds=one.put_off_s)
        for part in (~lost, lost) if one.counted else (sa.true(),):
            query = (
                sa.select(*CASE)
                .where(_of(one), part)
                .order_by(*BY_INDEX)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
            found += [Case(*row) for row in writing.connection.execute(query)]
    return found


def lock_one(writing: Writing, wanted: Sequence[Wanted]) -> list[Case]:
    """A waiting case, if there is any: where others hold it, it is waited until they are done.

    For a transaction that holds no case yet: one that does could wait for somebody who waits for
    it.
    """
    query = sa.select(*CASE).where(_any_of(wanted)).order_by(*BY_INDEX).limit(1).with_for_update()
    return [Case(*row) for row in writing.connection.execute(query)]


def _any_of(wanted: Sequence[Wanted]) -> sa.ColumnElement[bool]:
    return sa.or_(*(_of(one) for one in wanted))


def _of(one: Wanted) -> sa.ColumnElement[bool]:
    return sa.and_(NEW, c.queue == one.queue, c.needs_level <= one.level)
