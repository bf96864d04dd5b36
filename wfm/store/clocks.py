"""The clocks of cases: every promise that ran, runs or waits.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfm.care import Complexity
from wfm.clocks import Clock, ClockGoal
from wfm.store import tables
from wfm.store.bulk import IN_LIST, batches, insert_rows
from wfm.store.engine import Writing
from wfm.store.metrics import mark_all, mark_changed

clocks = tables.clocks

_FIELDS = tuple(field.name for field in fields(Clock))
_CASE_CLOCK = (
    clocks.c.clock_id,
    clocks.c.case_id,
    clocks.c.queue,
    *(clocks.c[name] for name in _FIELDS),
)


@dataclass(frozen=True)
class CaseClock:
    """A clock with the case it runs on."""

    clock_id: int
    case_id: int
    queue: str
    clock: Clock


def insert_clocks(writing: Writing, rows: Iterable[tuple[int, str, str, Clock]]) -> None:
    """Keep new clocks; each with its case id, queue and account."""
    values = [
        {
            "case_id": case_id,
            "queue": queue,
            "account": account,
            **{name: getattr(clock, name) for name in _FIELDS},
        }
        for case_id, queue, account, clock in rows
    ]
    insert_rows(writing.connection, clocks, values)
    mark_changed(writing, [row["started_at"] for row in values])


def clocks_of(connection: sa.Connection, case_id: int) -> tuple[CaseClock, ...]:
    """All clocks that ever ran on the case, oldest first."""
    return _read(connection, clocks.c.case_id == case_id)


def open_clocks_of(
    connection: sa.Connection, case_ids: Collection[int]
) -> dict[int, tuple[CaseClock, ...]]:
    """The clocks of the cases that have not stopped, by case."""
    found: dict[int, tuple[CaseClock, ...]] = {}
    for one in _read(
        connection, clocks.c.case_id.in_(sorted(case_ids)), clocks.c.stopped_at.is_(None)
    ):
        found[one.case_id] = (*found.get(one.case_id, ()), one)
    return found


def _read(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> tuple[CaseClock, ...]:
    rows = connection.execute(
        sa.select(*_CASE_CLOCK).where(*conditions).order_by(clocks.c.clock_id)
    )
    return tuple(_case_clock(row) for row in rows)


def _case_clock(row: Sequence[Any]) -> CaseClock:
    clock_id, case_id, queue, *clock = row
    return CaseClock(clock_id, case_id, queue, Clock(*clock))


def write_clock(writing: Writing, held: CaseClock, clock: Clock) -> None:
    """Overwrite the clock, if it differs from the one held."""
    changed: dict[str, Any] = {
        name: value
        for name in _FIELDS
        if (value := getattr(clock, name)) != getattr(held.clock, name)
    }
    if changed:
        writing.connection.execute(
            clocks.update().where(clocks.c.clock_id == held.clock_id).values(changed)
        )


def write_clocks(writing: Writing, changes: Iterable[tuple[CaseClock, Clock]]) -> None:
    """Overwrite many clocks at once."""
    rows = [
        {"the_clock": held.clock_id, **{name: getattr(clock, name) for name in _FIELDS}}
        for held, clock in changes
        if clock != held.clock
    ]
    if rows:
        writing.connection.execute(
            clocks.update().where(clocks.c.clock_id == sa.bindparam("the_clock")), rows
        )


def cases_that_run(connection: sa.Connection, queues: Collection[str]) -> tuple[int, ...]:
    """Ids of the cases of the queues on which a clock runs."""
    return tuple(
        connection.scalars(
            sa.select(clocks.c.case_id)
            .where(
                clocks.c.stopped_at.is_(None),
                clocks.c.running_since.is_not(None),
                clocks.c.queue.in_(sorted(queues)),
            )
            .distinct()
            .order_by(clocks.c.case_id)
        )
    )


def limit_paused(
    writing: Writing,
    *,
    queue: str,
    goal: ClockGoal,
    complexity: Complexity | None,
    before_s: int,
    threshold_s: int,
    warn_s: int | None,
) -> None:
    """Give the queue's paused clocks of a goal its new threshold and warning.

    As `wfm.clocks.change` does, but in one statement: most cases that were ever answered have one.
    One that was made shorter for a reason of its own is never made longer.

    complexity  only those on cases of it; None: all
    before_s    the goal's threshold so far
    """
    c = clocks.c
    own = sa.case(
        (c.threshold_s == before_s, threshold_s),
        (c.threshold_s > threshold_s, threshold_s),
        else_=c.threshold_s,
    )
    limit = own if threshold_s != before_s else c.threshold_s
    still_warned = sa.and_(sa.literal(warn_s is not None), c.elapsed_s >= (warn_s or 0))
    stands = [
        c.stopped_at.is_(None),
        c.running_since.is_(None),
        c.queue == queue,
        c.goal == goal,
    ]
    if complexity is not None:
        alike = sa.select(tables.cases.c.case_id).where(tables.cases.c.complexity == complexity)
        stands.append(c.case_id.in_(alike))
    writing.connection.execute(
        clocks.update()
        .where(*stands)
        .values(
            threshold_s=limit,
            warn_s=warn_s,
            breached_at=sa.case((c.elapsed_s > limit, c.breached_at)),
            warned_at=sa.case((still_warned, c.warned_at)),
        )
    )
    mark_all(writing)


def move_clocks(writing: Writing, case_id: int, to_queue: str) -> None:
    """The clocks of the case that have not stopped count for another queue from now on."""
    started = writing.connection.scalars(
        clocks.update()
        .where(clocks.c.case_id == case_id, clocks.c.stopped_at.is_(None))
        .values(queue=to_queue)
        .returning(clocks.c.started_at)
    )
    mark_changed(writing, started.all())


# -- what has run out ----------------------------------------------------------------------------

# By queue: what was due before then has run out.
DueBefore = Mapping[str, datetime]
# By queue, threshold and warning: what is due by then has come to its warning.
DueUntil = Mapping[tuple[str, int, int], datetime]

# What runs and has not run out as far as is noted, by when it is due: read off its index.
_RUNNING = sa.and_(
    clocks.c.stopped_at.is_(None),
    clocks.c.running_since.is_not(None),
    clocks.c.breached_at.is_(None),
)


def run_out(
    connection: sa.Connection, due_before: DueBefore, *, limit: int
) -> tuple[CaseClock, ...]:
    """Running clocks that have run out and are not noted so; the first due, up to `limit`."""
    return _first_due(connection, _has_run_out(due_before), limit)


def to_warn(connection: sa.Connection, due_until: DueUntil, *, limit: int) -> tuple[CaseClock, ...]:
    """Running clocks to be warned of, and not warned of yet; the first due, up to `limit`."""
    return _first_due(connection, _warns(due_until), limit)


def note_breaches(
    writing: Writing, clock_ids: Collection[int], due_before: DueBefore
) -> tuple[CaseClock, ...]:
    """Note of those that have still run out that they have; a warning comes too late for them."""
    warned = sa.case(
        (clocks.c.warn_s.is_not(None), sa.func.coalesce(clocks.c.warned_at, _at(writing)))
    )
    values = {"breached_at": clocks.c.due_at, "warned_at": warned}
    return _note(writing, clock_ids, _has_run_out(due_before), values)


def note_warnings(
    writing: Writing, clock_ids: Collection[int], due_until: DueUntil
) -> tuple[CaseClock, ...]:
    """Note of those that are still to be warned of that they were."""
    return _note(writing, clock_ids, _warns(due_until), {"warned_at": _at(writing)})


def _has_run_out(due_before: DueBefore) -> sa.ColumnElement[bool]:
    of_queues = (
        sa.and_(clocks.c.queue == queue, clocks.c.due_at < before)
        for queue, before in due_before.items()
    )
    return sa.and_(
        _RUNNING, clocks.c.due_at < max(due_before.values()), sa.or_(sa.false(), *of_queues)
    )


def _warns(due_until: DueUntil) -> sa.ColumnElement[bool]:
    of_targets = (
        sa.and_(
            clocks.c.queue == queue,
            clocks.c.threshold_s == threshold_s,
            clocks.c.warn_s == warn_s,
            clocks.c.due_at <= until,
        )
        for (queue, threshold_s, warn_s), until in due_until.items()
    )
    return sa.and_(
        _RUNNING,
        clocks.c.warned_at.is_(None),
        clocks.c.due_at <= max(due_until.values()),
        sa.or_(sa.false(), *of_targets),
    )


def _at(writing: Writing) -> sa.ColumnElement[datetime]:
    return sa.literal(writing.at, tables.Instant())


def _first_due(
    connection: sa.Connection, condition: sa.ColumnElement[bool], limit: int
) -> tuple[CaseClock, ...]:
    rows = connection.execute(
        sa.select(*_CASE_CLOCK)
        .where(condition)
        .order_by(clocks.c.due_at, clocks.c.clock_id)
        .limit(limit)
    )
    return tuple(_case_clock(row) for row in rows)


def _note(
    writing: Writing,
    clock_ids: Collection[int],
    still: sa.ColumnElement[bool],
    values: Mapping[str, sa.ColumnElement[Any]],
) -> tuple[CaseClock, ...]:
    noted: list[CaseClock] = []
    for some in batches(sorted(clock_ids), IN_LIST):
        rows = writing.connection.execute(
            clocks.update()
            .where(clocks.c.clock_id.in_(some), still)
            .values(values)
            .returning(*_CASE_CLOCK)
        )
        noted += (_case_clock(row) for row in rows)
    return tuple(sorted(noted, key=lambda held: held.clock_id))
