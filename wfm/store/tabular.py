"""Frames to rows and back: the one place of the store where pandas is loaded, and late.

Readers of the live queue import modules that import this one; they must not load pandas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from wfm.store.bulk import BATCH, Row, batches

if TYPE_CHECKING:
    import pandas as pd

    from wfm.frames import TableSchema


def rows_of(frame: pd.DataFrame, **fixed: Any) -> list[Row]:
    """The frame's rows as plain Python values, empty cells as None, each with the `fixed` ones."""
    columns: dict[str, list[Any]] = {}
    for name in frame.columns:
        values = frame[name]
        if str(values.dtype).startswith("datetime"):
            columns[name] = list(values.dt.to_pydatetime())
        elif values.isna().any():
            columns[name] = values.astype(object).where(values.notna(), None).tolist()
        else:
            columns[name] = values.tolist()
    names = list(columns)
    return [
        {**fixed, **dict(zip(names, row, strict=True))}
        for row in zip(*columns.values(), strict=True)
    ]


def insert_frame(
    connection: sa.Connection, table: sa.Table, frame: pd.DataFrame, **fixed: Any
) -> None:
    """Write the frame's rows, each with the `fixed` columns beside its own."""
    for batch in batches(rows_of(frame, **fixed), BATCH):
        connection.execute(table.insert(), batch)


def read_frame(
    connection: sa.Connection, query: sa.Select[Any], schema: TableSchema
) -> pd.DataFrame:
    """The rows of a query that selects the schema's columns in their order, checked."""
    import pandas as pd

    rows = connection.execute(query).all()
    frame = pd.DataFrame(
        {
            column: pd.Series([row[i] for row in rows], dtype=spec.dtype)
            for i, (column, spec) in enumerate(schema.columns.items())
        }
    )
    return schema.check(frame)
