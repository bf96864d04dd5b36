"""The cases behind a figure, page by page: what it counts, asked of the cases themselves.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from wfm.store import tables
from wfm.store.metricrows import Part, is_repeat, reopened

cases = tables.cases
clocks = tables.clocks
tasks = tables.tasks

Condition = sa.ColumnElement[bool]

_c, _k = cases.c, clocks.c
_GIVEN = _k.outcome.in_(("met", "late"))
_FIRST = _k.metric == "first_response"
_CLOSED_UNANSWERED = sa.and_(_k.outcome == "cancelled", _k.any_at.is_(None))
_AUTOMATIC = sa.and_(_k.outcome == "cancelled", _k.any_at.is_not(None))

# Promise of a figure -> its clocks.
_PROMISES: dict[str, Condition] = {
    "first_response": sa.and_(_FIRST, _k.goal == "first_response"),
    "opening": sa.and_(_FIRST, _k.goal == "opening"),
    "next_reply": _k.metric == "next_reply",
    "resolution": _k.metric == "resolution",
}


def _late(now: datetime) -> Condition:
    """Still owed, and past its time at `now`."""
    return sa.and_(
        _k.stopped_at.is_(None),
        sa.or_(_k.due_at < now, sa.and_(_k.due_at.is_(None), _k.elapsed_s > _k.threshold_s)),
    )


def _of_clocks(figure: str, now: datetime) -> Condition | None:
    """What the clocks of a figure fulfil; None for a figure that is not told of clocks."""
    late = _late(now)
    owed = sa.and_(_k.stopped_at.is_(None), sa.not_(sa.func.coalesce(late, sa.false())))
    asked = sa.or_(_GIVEN, _k.stopped_at.is_(None), _CLOSED_UNANSWERED)
    never = sa.or_(_CLOSED_UNANSWERED, late)
    of_first = {
        "answered": _GIVEN,
        "waiting": owed,
        "waiting_late": late,
        "closed_unanswered": _CLOSED_UNANSWERED,
        "resolved_automatically": _AUTOMATIC,
        "never_answered": never,
        "never_answered_share": never,
        "response_rate": asked,
    }
    if figure in of_first:
        return sa.and_(_FIRST, of_first[figure])
    if figure.startswith("first_any"):
        return sa.and_(
            _FIRST,
            _k.any_at.is_not(None),
            sa.or_(_k.outcome.is_(None), _k.outcome != "merged"),
        )
    for name, promise in _PROMISES.items():
        if figure in (f"{name}_judged", f"{name}_attainment"):
            return sa.and_(promise, sa.or_(_GIVEN, late))
        if figure == f"{name}_late":
            return sa.and_(promise, sa.or_(_k.outcome == "late", late))
    timed = figure.removesuffix("_s").rpartition("_")[0].removesuffix("_clock")
    if timed in ("first_response", "next_reply", "resolution"):
        return sa.and_(_k.metric == timed, _GIVEN)
    return None


_OWN = _c.merged_into.is_(None)
_RESOLVED = sa.and_(
    _c.state == "closed",
    sa.or_(_c.first_response_at.is_not(None), _c.first_any_at.is_not(None)),
)


def _of_cases(connection: sa.Connection, figure: str, repeat_s: int) -> Condition:
    """What the cases of a figure fulfil."""
    if figure == "merged":
        return sa.not_(_OWN)
    told = {
        "wrote_again_share": lambda: _c.contacts > 1,
        "resolved": lambda: _RESOLVED,
        "contacts_per_resolution": lambda: _RESOLVED,
        "reopened": reopened,
        "reopened_share": reopened,
        "repeat_contacts": lambda: is_repeat(connection, repeat_s),
        "repeat_share": lambda: is_repeat(connection, repeat_s),
        "cases": sa.true,
        "contacts": sa.true,
    }
    return sa.and_(_OWN, told[figure]())


def case_ids(
    connection: sa.Connection,
    figure: str,
    start: datetime,
    end: datetime,
    *,
    now: datetime,
    part: Part,
    repeat_s: int,
    after: int,
    limit: int,
) -> list[int]:
    """Up to `limit` ids above `after` of the cases that the figure of [start, end) tells of."""
    if figure.startswith("follow_ups_"):
        return _of_tasks(connection, figure, start, end, now=now, part=part, after=after)[:limit]
    told = _of_clocks(figure, now)
    if told is not None:
        query = (
            sa.select(_k.case_id)
            .distinct()
            .where(_k.started_at >= start, _k.started_at < end, told, *part.of(clocks))
            .where(_k.case_id > after)
            .order_by(_k.case_id)
        )
    else:
        told = _of_cases(connection, figure, repeat_s)
        query = (
            sa.select(_c.case_id)
            .where(_c.opened_at >= start, _c.opened_at < end, *part.of(cases))
            .where(told, _c.case_id > after)
            .order_by(_c.case_id)
        )
    return list(connection.scalars(query.limit(limit)))


def _of_tasks(
    connection: sa.Connection,
    figure: str,
    start: datetime,
    end: datetime,
    *,
    now: datetime,
    part: Part,
    after: int,
) -> list[int]:
    t = tasks.c
    done = t.state == "done"
    which = {
        "follow_ups_due": sa.or_(t.due_at <= now, done),
        "follow_ups_done": done,
        "follow_ups_late": sa.func.coalesce(t.ended_at, now) > t.due_at,
    }
    query = (
        sa.select(t.case_id)
        .distinct()
        .join(cases, _c.case_id == t.case_id)
        .where(t.due_at >= start, t.due_at < end, t.state != "cancelled", *part.of(cases))
        .where(which[figure], t.case_id > after)
        .order_by(t.case_id)
    )
    return list(connection.scalars(query))


def orphan_ids(
    connection: sa.Connection,
    start: datetime,
    end: datetime,
    *,
    now: datetime,
    part: Part,
    after: int,
    limit: int,
) -> list[int]:
    """Ids of cases opened in [start, end) that nobody answers, schedules or gives a reason for.

    Those that wait past their time, are paused without an end, or were closed without an answer
    and without a reason; unless an open task of theirs says what comes next.
    """
    scheduled = (
        sa.exists().where(tasks.c.case_id == _c.case_id, tasks.c.state == "open").correlate(cases)
    )
    forgotten = sa.or_(
        sa.and_(_c.state.in_(("new", "assigned")), _c.due_at < now),
        sa.and_(_c.state == "paused", _c.paused_until.is_(None)),
        sa.and_(
            _c.state == "closed",
            _c.first_any_at.is_(None),
            _c.first_response_at.is_(None),
            sa.func.coalesce(_c.closed_reason, "") == "",
        ),
    )
    # A sum, so that no planner reads every case there ever was in the order of their ids: there are
    # few of these, and those opened in the range are found by their time.
    by_id = _c.case_id + 0
    query = (
        sa.select(_c.case_id)
        .where(_c.opened_at >= start, _c.opened_at < end, _OWN, *part.of(cases))
        .where(forgotten, ~scheduled, by_id > after)
        .order_by(by_id)
        .limit(limit)
    )
    return list(connection.scalars(query))
