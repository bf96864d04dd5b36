"""Lists that are read page by page, the newest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from fastapi import Query

from api.deps import MAX_ID

Row = TypeVar("Row")

# How long a page is, and what it continues after; a route asks its rows for one more.
Limit = Annotated[int, Query(ge=1, le=200)]
Before = Annotated[
    int | None, Query(ge=1, le=MAX_ID, description="`next` of the page before: continues after it")
]


def page_of(
    found: Sequence[Row], limit: int, id_of: Callable[[Row], int | None]
) -> tuple[Sequence[Row], int | None]:
    """The rows of a page out of `limit` and one more, and the id to continue after, if any.

    >>> page_of([9, 8, 7], 2, int), page_of([9, 8], 2, int)
    (([9, 8], 8), ([9, 8], None))
    """
    rows = found[:limit]
    return rows, id_of(rows[-1]) if len(found) > limit else None
