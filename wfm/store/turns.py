"""Work that one process at a time does, of all that share a store.

On the live queue's path: standard library and SQLAlchemy only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from wfm.store.engine import Store


@contextmanager
def turn(store: Store, name: str) -> Iterator[bool]:
    """Whether it is this process's turn at the work `name`, and nobody else's until the end.

    On PostgreSQL an advisory lock, let go of however the process ends; waits for nobody. A SQLite
    store is served by one process, which always has its turn.
    """
    if store.is_sqlite:
        yield True
        return
    with store.reading() as connection:
        key = sa.func.hashtextextended(f"wfm.turn:{name}", 0)
        yield bool(connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(key))))
