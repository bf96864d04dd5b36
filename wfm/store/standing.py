"""Where waiting cases stand in their queue, and how busy those are who could take them.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa

from wfm.cases import Case
from wfm.order import ORDER
from wfm.store import tables
from wfm.store.bulk import IN_LIST, batches
from wfm.store.cases import ASSIGNED, NEW

cases = tables.cases


def absent(connection: sa.Connection) -> frozenset[str]:
    """Agents who said that they are away, or signed off."""
    p = tables.presence.c
    return frozenset(connection.scalars(sa.select(p.agent_id).where(p.state != "available")))


def held_by_agent(connection: sa.Connection, at: datetime) -> Mapping[str, int]:
    """How many cases each agent holds on a lease that still runs; those who hold any."""
    rows = connection.execute(
        sa.select(cases.c.agent_id, sa.func.count().label("held"))
        .where(ASSIGNED, cases.c.lease_until > at)
        .group_by(cases.c.agent_id)
    )
    return {row.agent_id: row.held for row in rows}


def ahead_of(connection: sa.Connection, waiting: Collection[Case]) -> Mapping[int, int]:
    """By case id, how many cases of its queue wait before it in the plain order."""
    order = [
        cases.c[column].asc() if way == "asc" else cases.c[column].desc() for column, way in ORDER
    ]
    place = sa.func.row_number().over(partition_by=cases.c.queue, order_by=order)
    line = (
        sa.select(cases.c.case_id, (place - 1).label("ahead"))
        .where(
            NEW,
            cases.c.queue.in_(sorted({case.queue for case in waiting})),
            cases.c.due_at <= max(case.due_at for case in waiting),
        )
        .subquery()
    )
    found: dict[int, int] = {}
    for some in batches((case.case_id for case in waiting), IN_LIST):
        rows = connection.execute(sa.select(line).where(line.c.case_id.in_(some)))
        found |= {row.case_id: row.ahead for row in rows}
    return found
