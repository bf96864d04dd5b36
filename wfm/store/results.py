"""What came of cases: recorded elsewhere and imported, or our own queue's.

Rows in and out, no pandas.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from wfm.store.bulk import BATCH, IN_LIST, Row, batches, upsert
from wfm.store.engine import Writing
from wfm.store.tables import case_events, case_results, cases

_r, _c, _e = case_results.c, cases.c, case_events.c
# As the fields of `CaseResult`.
_RESULT = (
    _r.queue, _r.received_at, _r.first_response_at, _r.resolved_at, _r.paused_s, _r.handling_s
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What came of a case.

    first_response_at  the first human reply, sent; None: none yet
    resolved_at        None: still open
    paused_s           open seconds in which it waited for its customer; None: not recorded
    handling_s         active seconds until the first reply was sent; None: not recorded
    """

    queue: str
    received_at: datetime
    first_response_at: datetime | None
    resolved_at: datetime | None
    paused_s: float | None
    handling_s: float | None = None


@dataclass(frozen=True)
class Extent:
    """From when until when a queue's results tell.

    first  the first arrival
    last   the last instant they name
    """

    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class OwnCase:
    """What came of a case of our own queue.

    resolved_at  the last reply, as long as its customer has not written again; of a case that was
                 closed without one, its closing
    pauses       from a reply, a pause or a closing until the case waited again
    handling_s   from the claim until the first reply was sent; None: none was
    """

    queue: str
    received_at: datetime
    first_response_at: datetime | None
    resolved_at: datetime | None
    pauses: tuple[tuple[datetime, datetime], ...]
    handling_s: float | None


# -- recorded elsewhere --------------------------------------------------------------------------


def stored_results(connection: sa.Connection, keys: Iterable[str]) -> dict[str, CaseResult]:
    """Those of the cases that are stored."""
    found: dict[str, CaseResult] = {}
    for batch in batches(keys, IN_LIST):
        query = sa.select(_r.case_key, *_RESULT).where(_r.case_key.in_(batch))
        for key, *result in connection.execute(query):
            found[key] = CaseResult(*result)
    return found


def write_results(
    writing: Writing, results: Sequence[tuple[str, CaseResult]], import_id: int
) -> None:
    """Add cases, or overwrite those of the same key."""
    rows: list[Row] = [
        {
            "case_key": key,
            "queue": result.queue,
            "received_at": result.received_at,
            "first_response_at": result.first_response_at,
            "resolved_at": result.resolved_at,
            "paused_s": result.paused_s,
            "handling_s": result.handling_s,
            "import_id": import_id,
        }
        for key, result in results
    ]
    upsert(writing.connection, case_results, rows)


def recorded(
    connection: sa.Connection, queue: str, start: datetime, end: datetime
) -> Iterator[CaseResult]:
    """Imported cases of a queue that arrived in [start, end)."""
    query = sa.select(*_RESULT).where(
        _r.queue == queue, _r.received_at >= start, _r.received_at < end
    )
    for row in connection.execute(query.execution_options(yield_per=BATCH)):
        yield CaseResult(*row)


def extents(connection: sa.Connection) -> dict[str, Extent]:
    """By queue, from when until when the imported cases tell."""
    query = sa.select(
        _r.queue,
        sa.func.min(_r.received_at),
        sa.func.max(_r.received_at),
        sa.func.max(_r.first_response_at),
        sa.func.max(_r.resolved_at),
    ).group_by(_r.queue)
    return {
        queue: Extent(first, max(at for at in named if at is not None))
        for queue, first, *named in connection.execute(query)
    }


def newest_import(connection: sa.Connection, start: datetime, end: datetime) -> int:
    """The newest import that brought or changed a case that arrived in [start, end); 0: none."""
    query = sa.select(sa.func.max(_r.import_id)).where(
        _r.received_at >= start, _r.received_at < end
    )
    return int(connection.scalar(query) or 0)


# -- our own queue -------------------------------------------------------------------------------


def own_extents(connection: sa.Connection) -> dict[str, Extent]:
    """By queue, the first arrival and the last change of our own cases."""
    query = sa.select(_c.queue, sa.func.min(_c.opened_at), sa.func.max(_c.written_at))
    return {
        queue: Extent(first, last)
        for queue, first, last in connection.execute(query.group_by(_c.queue))
    }


def own_changed(connection: sa.Connection, start: datetime, end: datetime) -> datetime | None:
    """When a case of our own queue that was opened in [start, end) changed last; None: no case."""
    changed: datetime | None = connection.scalar(
        sa.select(sa.func.max(_c.written_at)).where(_c.opened_at >= start, _c.opened_at < end)
    )
    return changed


def own_cases(
    connection: sa.Connection, queue: str, start: datetime, end: datetime
) -> Iterator[OwnCase]:
    """Cases of our own queue that were opened in [start, end).

    Without those merged into others, whose promises are the other's, and those that are paused:
    what comes of them is told when they go on.
    """
    chosen = (_c.queue == queue, _c.opened_at >= start, _c.opened_at < end)
    turns = (
        sa.select(_e.case_id, _e.kind, _e.at)
        .join(cases, _c.case_id == _e.case_id)
        .where(*chosen, _e.kind.in_((*_TAKEN, *_RESTS, *_WAITS)))
        .order_by(_e.case_id, _e.id)
    )
    rests: dict[int, datetime] = {}
    claimed: dict[int, datetime] = {}
    handled: dict[int, float] = {}
    pauses: dict[int, list[tuple[datetime, datetime]]] = {}
    for case_id, kind, at in connection.execute(turns):
        if kind in _TAKEN:
            claimed[case_id] = at
        elif kind in _RESTS:
            if kind == "answered" and case_id not in handled and case_id in claimed:
                handled[case_id] = (at - claimed[case_id]).total_seconds()
            rests.setdefault(case_id, at)
        elif case_id in rests:
            pauses.setdefault(case_id, []).append((rests.pop(case_id), at))
    query = sa.select(
        _c.case_id, _c.state, _c.opened_at, _c.first_response_at, _c.answered_at, _c.closed_at
    ).where(*chosen, _c.merged_into.is_(None), _c.state != "paused")
    for case_id, state, opened, first, answered, closed in connection.execute(query):
        ended = (answered or closed) if state in ("answered", "closed") else None
        waited = tuple(pauses.get(case_id, ()))
        yield OwnCase(queue, opened, first, ended, waited, handled.get(case_id))


# Events after which an agent has a case, it rests, and it waits again.
_TAKEN = ("claimed", "assigned")
_RESTS = ("answered", "paused", "closed")
_WAITS = ("reopened", "resumed", "follow_up")
