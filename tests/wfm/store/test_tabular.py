"""Frames written to a table are read back as they were, empty cells too; on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
import sqlalchemy as sa

from wfm.store.bulk import BATCH
from wfm.store.engine import Store
from wfm.store.tables import Instant
from wfm.store.tabular import insert_frame

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
COLUMNS = ("place", "start", "left", "name", "share", "paid", "more")
THINGS = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("owner", sa.Integer),
    # A column's place in the table is not its place in the frame.
    sa.Column("share", sa.Float),
    sa.Column("place", sa.Integer),
    sa.Column("start", Instant),
    sa.Column("left", Instant),
    sa.Column("name", sa.String(20)),
    sa.Column("paid", sa.Boolean),
    sa.Column("more", sa.JSON),
)


@pytest.mark.parametrize("count", [0, 3, BATCH + 1])
def test_a_frame_is_read_back_as_it_was_written(store: Store, count: int):
    rows = [
        (
            k,
            MONDAY + k % 7 * timedelta(minutes=15),
            None if k % 3 else MONDAY + timedelta(days=k),
            None if k % 2 else f"näme {k}: %s",
            None if k % 5 == 1 else k / 7,
            k % 2 == 0,
            {"k": [k]},
        )
        for k in range(count)
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype(
        {"start": "datetime64[us, UTC]", "left": "datetime64[us, UTC]", "name": "str"}
    )
    with store.writing("ann") as writing:
        THINGS.create(writing.connection)
        insert_frame(writing.connection, THINGS, frame, owner=4)
    with store.reading() as connection:
        query = sa.select(*(THINGS.c[name] for name in COLUMNS)).order_by(THINGS.c.place)
        read = [tuple(row) for row in connection.execute(query)]
        owners = set(connection.scalars(sa.select(THINGS.c.owner)))
    assert read == rows
    assert owners == ({4} if count else set())
