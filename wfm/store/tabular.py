"""Frames to rows and back: the one place of the store where pandas is loaded, and late.

Readers of the live queue import modules that import this one; they must not load pandas.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from wfm.store.bulk import BATCH, batches

if TYPE_CHECKING:
    import pandas as pd

    from wfm.frames import TableSchema


def insert_frame(
    connection: sa.Connection, table: sa.Table, frame: pd.DataFrame, **fixed: Any
) -> None:
    """Write the frame's rows, empty cells as NULL, each with the `fixed` columns beside its own.

    Others wait meanwhile, so values are made ready by the column: SQLAlchemy's own way, value by
    value, takes four times as long.
    """
    dialect = connection.dialect
    columns: dict[str, Iterable[Any]] = {name: repeat(value) for name, value in fixed.items()}
    columns |= {name: _ready(table.c[name], frame[name], dialect) for name in frame.columns}
    statement = table.insert().compile(dialect=dialect, column_keys=list(columns))
    # Where the driver takes values by place, in the statement's order; else by name.
    names = getattr(statement, "positiontup", None)
    rows = zip(*(columns[name] for name in names or columns), strict=False)
    for batch in batches(rows, BATCH):
        values = batch if names else [dict(zip(columns, row, strict=True)) for row in batch]
        connection.exec_driver_sql(str(statement), values)


def _ready(column: sa.Column[Any], values: pd.Series[Any], dialect: sa.Dialect) -> list[Any]:
    """The values as the driver takes them, in plain Python types."""
    make = column.type.dialect_impl(dialect).bind_processor(dialect)
    if str(values.dtype).startswith("datetime"):
        # Few instants stand in many rows.
        codes, known = values.factorize()
        instants = [at.to_pydatetime() for at in known]
        made = [*(instants if make is None else map(make, instants)), None]
        # The code of an empty cell is -1: the last.
        return [made[code] for code in codes.tolist()]
    if values.isna().any():
        values = values.astype(object).where(values.notna(), None)
    plain: list[Any] = values.tolist()
    return plain if make is None else [make(value) for value in plain]


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
