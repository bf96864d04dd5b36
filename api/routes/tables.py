"""Tables as JSON rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def plain_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The frame's rows as JSON values: instants as text, empty cells as null."""
    plain = frame.astype(object).where(frame.notna(), None)
    for name in frame.select_dtypes("datetimetz").columns:
        plain[name] = frame[name].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    rows: list[dict[str, Any]] = plain.to_dict("records")  # type: ignore[assignment]
    return rows
