"""Who is still to be told by itself: that nobody is there, or where complaints are heard.

What is read here is the state of the queue itself, so that nothing is told twice or forgotten
whenever it is looked.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from wfm.store import tables

_c, _k, _s, _o = tables.cases.c, tables.clocks.c, tables.sources.c, tables.outbox.c

# Only who can be reached: the source of the case takes replies from us.
_REACHED = sa.and_(_s.source == _c.source, _s.callback_url != "", _s.disabled_at.is_(None))


def untold(
    connection: sa.Connection, accounts: Sequence[str], platform: str, since: datetime, limit: int
) -> tuple[int, ...]:
    """Cases that wait since `since` or later, by those accounts, and were told nothing as yet."""
    query = (
        sa.select(_c.case_id)
        .join_from(tables.clocks, tables.cases, _c.case_id == _k.case_id)
        .join(tables.authors, tables.authors.c.author_id == _c.author_id)
        .join(tables.sources, _REACHED)
        .where(
            # As the index of running clocks has it.
            sa.text("clocks.stopped_at IS NULL"),
            _k.metric.in_(("first_response", "next_reply")),
            _k.any_at.is_(None),
            _k.started_at >= since,
            _k.account.in_(accounts),
            tables.authors.c.platform == platform,
            _c.state.in_(("new", "assigned")),
        )
        .order_by(_c.case_id)
        .limit(limit)
    )
    return tuple(connection.scalars(query))


def misplaced(
    connection: sa.Connection, accounts: Sequence[str], platform: str, limit: int
) -> tuple[int, ...]:
    """Complaints that wait, by those accounts, and were not yet sent on to where they are heard."""
    key = sa.literal(REDIRECT_KEY) + sa.cast(_c.case_id, sa.String)
    query = (
        sa.select(_c.case_id)
        .join_from(tables.cases, tables.authors, tables.authors.c.author_id == _c.author_id)
        .join(tables.sources, _REACHED)
        .where(
            # As the index of waiting cases has it.
            sa.text("cases.state = 'new'"),
            _c.complexity == "complaint",
            _c.account.in_(accounts),
            tables.authors.c.platform == platform,
            ~sa.exists().where(_o.key == key),
        )
        .order_by(_c.case_id)
        .limit(limit)
    )
    return tuple(connection.scalars(query))


# With the case's id: the key of the letter that sends its customer on, of which there is one.
REDIRECT_KEY = "redirect-"


def accounts_in_use(connection: sa.Connection) -> tuple[str, ...]:
    """Every account that open cases came in by, as their sources write it."""
    query = sa.select(_c.account).where(_c.state != sa.literal_column("'closed'")).distinct()
    return tuple(connection.scalars(query))
