"""What is recorded of cases, read from the store as `scheduling.calibration` takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from scheduling.calibration import Recorded
from wfm.brands import Queue
from wfm.calendars import add_open_seconds, open_seconds
from wfm.store import results
from wfm.store.results import Extent, OwnCase

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True)
class Extents:
    """From when until when imports tell of a queue, and our own queue does; None: nothing."""

    imported: Extent | None
    own: Extent | None


def extents_of(connection: Connection) -> Mapping[str, Extents]:
    """By queue, for those of which anything is recorded."""
    imported, own = results.extents(connection), results.own_extents(connection)
    return {name: Extents(imported.get(name), own.get(name)) for name in {*imported, *own}}


def recorded_of(
    connection: Connection,
    queue: Queue,
    start: datetime,
    end: datetime,
    *,
    extents: Extents,
    now: datetime,
) -> Recorded:
    """Cases of the queue that arrived in [start, end), imported ones and those of our own queue.

    now  up to when our own queue tells; imports tell up to the last instant they name
    """
    rows: list[tuple[float, float, float, float, float]] = []
    for case in results.recorded(connection, queue.name, start, end):
        arrived, first = case.received_at.timestamp(), _seconds(case.first_response_at)
        handling_s = np.nan if case.handling_s is None else case.handling_s
        rows.append((arrived, first, _seconds(case.resolved_at), case.paused_s or 0.0, handling_s))
    if extents.own is not None:
        for own in results.own_cases(connection, queue.name, start, end):
            arrived, first = own.received_at.timestamp(), _seconds(_first_of(own, queue))
            paused_s = sum(open_seconds(queue.window, since, to) for since, to in own.pauses)
            handling_s = np.nan if own.handling_s is None else own.handling_s
            rows.append((arrived, first, _seconds(own.resolved_at), paused_s, handling_s))
    received, replied, resolved, paused, handling = np.array(rows, float).reshape(-1, 5).T
    known = [extent for extent in (extents.imported, extents.own) if extent is not None]
    until = now if extents.own is not None else max(extent.last for extent in known)
    return Recorded(
        received=received,
        first_response=replied,
        resolved=resolved,
        paused_s=paused,
        first=min(extent.first for extent in known).timestamp(),
        until=until.timestamp(),
        complete=extents.own is not None,
        handling_s=handling,
    )


def _first_of(case: OwnCase, queue: Queue) -> datetime | None:
    """When the first reply was sent; had the case rested before, so much open time earlier."""
    first = case.first_response_at
    if first is None:
        return None
    before = [(since, min(to, first)) for since, to in case.pauses if since < first]
    if not before:
        return first
    rested_s = sum(open_seconds(queue.window, since, to) for since, to in before)
    took_s = open_seconds(queue.window, case.received_at, first) - rested_s
    return add_open_seconds(queue.window, case.received_at, took_s)


def _seconds(at: datetime | None) -> float:
    return np.nan if at is None else at.timestamp()
