"""Every figure names the cases behind it.

On the live queue's path: standard library and SQLAlchemy only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from wfm.brands import Brand
from wfm.errors import NotFound, RequestError
from wfm.metrics.definitions import BY_NAME
from wfm.store import metriccases
from wfm.store.metricrows import ALL, Part

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True)
class CasePage:
    """Ids of cases in ascending order, and the last of them if more follow."""

    case_ids: tuple[int, ...]
    next: int | None


def cases_behind(
    connection: Connection,
    brand: Brand,
    figure: str,
    start: datetime,
    end: datetime,
    *,
    now: datetime,
    part: Part = ALL,
    after: int = 0,
    limit: int = 50,
) -> CasePage:
    """The cases that a figure of [start, end) is told of, `limit` of them above the id `after`.

    Of a share, the cases it is a share of; of an attainment, `<promise>_late` names those missed.
    A case with several later replies stands in the list once, though each of them counts.

    NotFound for an unknown figure or queue; RequestError for one that is not told of cases.
    """
    told = BY_NAME.get(figure)
    if told is None:
        raise NotFound(
            f"no figure {figure!r}; GET /api/v1/metrics/definitions lists them all", figure=figure
        )
    if not told.cases:
        raise RequestError(f"{figure} is not told of cases: {told.text}", figure=figure)
    if part.queue is not None:
        brand.queue(part.queue)
    return _page(
        metriccases.case_ids(
            connection,
            figure,
            start,
            end,
            now=now,
            part=part,
            repeat_s=brand.care.repeat_s,
            after=after,
            limit=limit + 1,
        ),
        limit,
    )


def orphans(
    connection: Connection,
    brand: Brand,
    start: datetime,
    end: datetime,
    *,
    now: datetime,
    part: Part = ALL,
    after: int = 0,
    limit: int = 50,
) -> CasePage:
    """Cases opened in [start, end) with neither an answer, nor a plan, nor a reason.

    They wait past their time, are paused without an end, or were closed without a word; and no open
    task says what comes next. Nothing stands here when the work is done as it should be.
    """
    if part.queue is not None:
        brand.queue(part.queue)
    found = metriccases.orphan_ids(
        connection, start, end, now=now, part=part, after=after, limit=limit + 1
    )
    return _page(found, limit)


def _page(found: list[int], limit: int) -> CasePage:
    shown = tuple(found[:limit])
    return CasePage(shown, shown[-1] if len(found) > limit else None)
