"""Cases with all that belongs to them, made by the database itself and not by Python."""

# ruff: noqa: S608 (statements are put together of this file's own text and numbers)

from __future__ import annotations

from datetime import UTC, datetime

from wfm.store.engine import Writing

# Where the clock stands still: a claim looks at a desk that nothing but claims changes.
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

DAY_S = 86_400
ANSWER_S = 300
CLOSE_S = 3_600

# Of the waiting cases a third is late; the others are due within the hour.
LATE_S, DUE_S = 1_800, 5_400
# One waiting case in so many asks for more than a beginner, where levels count.
HARD_EVERY = 10
HARD_LEVEL = 3


def _numbers(first: int, count: int) -> str:
    return (
        f"WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL "
        f"SELECT i + 1 FROM n WHERE i < {first + count - 1})"
    )


def _at(writing: Writing, seconds: str) -> str:
    """The instant that lies so many seconds, an SQL expression, after now."""
    if writing.connection.dialect.name == "sqlite":
        base = NOW.strftime("%Y-%m-%d %H:%M:%S")
        return f"strftime('%Y-%m-%d %H:%M:%f', '{base}', ({seconds}) || ' seconds') || '000'"
    return f"timestamptz '{NOW.isoformat()}' + make_interval(secs => {seconds})"


def _insert(writing: Writing, table: str, columns: dict[str, str], first: int, count: int) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(columns.values())
    statement = f"{_numbers(first, count)} INSERT INTO {table} ({names}) SELECT {values} FROM n"
    if writing.connection.dialect.name == "postgresql":
        statement = statement.replace("%", "%%")  # its driver takes a lone one for a place holder
    writing.connection.exec_driver_sql(statement)


def add_closed(writing: Writing, count: int, *, queues: int, agents: int, days: int) -> None:
    """Cases 1 to `count`: opened one after the other, answered, closed an hour after.

    days  before now over which they are spread, evenly
    """
    first = 1
    span_s = days * DAY_S
    opened = f"-{span_s}.0 + i * {(span_s - CLOSE_S) / count}"
    # One in ten is answered late, one in fifty twice as late.
    took = f"({ANSWER_S} + (i % 500) + CASE WHEN i % 10 = 0 THEN 900 ELSE 0 END)"
    at_open = _at(writing, opened)
    at_answer = _at(writing, f"{opened} + {took}")
    at_close = _at(writing, f"{opened} + {CLOSE_S}")
    made = {"actor": "'benchmark'", "written_at": at_close}
    queue = f"'q' || (i % {queues})"
    account = "'@care'"
    agent = f"'a' || (i % {max(agents, 50)})"
    _insert(
        writing,
        "cases",
        {
            "case_id": "i",
            "queue": queue,
            "author": "'c' || i",
            "author_id": "i",
            "source": "'webhook'",
            "account": account,
            "state": "'closed'",
            "severity": "i % 3",
            "received_at": at_open,
            "due_at": _at(writing, f"{opened} + 900"),
            "due_goal": "'first_response'",
            "contacts": "1",
            "opened_at": at_open,
            "agent_id": agent,
            "first_response_at": at_answer,
            "first_any_at": at_answer,
            "answered_at": at_answer,
            "closed_at": at_close,
            "closed_reason": "'resolved'",
            **made,
        },
        first,
        count,
    )
    _messages(writing, first, count, at_open)
    for metric, goal, threshold_s, elapsed, stopped in (
        ("first_response", "first_response", 900, took, at_answer),
        ("resolution", "resolution", 3600, took, at_close),
    ):
        _insert(
            writing,
            "clocks",
            {
                "case_id": "i",
                "queue": queue,
                "account": account,
                "metric": f"'{metric}'",
                "goal": f"'{goal}'",
                "started_at": at_open,
                "threshold_s": str(threshold_s),
                "elapsed_s": elapsed,
                "due_at": _at(writing, f"{opened} + {threshold_s}"),
                "stopped_at": stopped,
                "outcome": f"CASE WHEN {elapsed} <= {threshold_s} THEN 'met' ELSE 'late' END",
                "any_at": at_answer if metric == "first_response" else "NULL",
                "any_elapsed_s": elapsed if metric == "first_response" else "NULL",
            },
            first,
            count,
        )
    for kind, at, whose in (
        ("opened", at_open, "NULL"),
        ("claimed", at_answer, agent),
        ("answered", at_answer, agent),
        ("closed", at_close, agent),
    ):
        _event(writing, kind, at, whose, first=first, count=count)
    _insert(
        writing,
        "handlings",
        {
            "case_id": "i",
            "agent_id": agent,
            "queue": queue,
            "started_at": _at(writing, f"{opened} + {took} - 180"),
            "ended_at": at_answer,
            "ended_by": "'answered'",
        },
        first,
        count,
    )


def add_waiting(writing: Writing, count: int, *, first: int, queues: int, levels: bool) -> None:
    """Cases from `first` on: opened within the last hour and a half, none answered.

    Their deadlines come in no order of their ids.
    """
    # A number without a factor in common with any round count: deadlines are shuffled.
    due = f"-{LATE_S} + (CAST(i AS BIGINT) * 7919 % {count}) * {DUE_S / count}"
    at_open = _at(writing, f"{due} - {DUE_S}")
    level = f"CASE WHEN i % {HARD_EVERY} = 0 THEN {HARD_LEVEL} ELSE 1 END"
    queue = f"'q' || (i % {queues})"
    made = {"actor": "'benchmark'", "written_at": at_open}
    _insert(
        writing,
        "cases",
        {
            "case_id": "i",
            "queue": queue,
            "author": "'c' || i",
            "author_id": "i",
            "source": "'webhook'",
            "account": "'@care'",
            "state": "'new'",
            "severity": "i % 3",
            "received_at": at_open,
            "due_at": _at(writing, due),
            "due_goal": "'first_response'",
            "contacts": "1",
            "opened_at": at_open,
            "needs_level": level if levels else "1",
            **made,
        },
        first,
        count,
    )
    _messages(writing, first, count, at_open)
    for metric, goal, threshold_s in (
        ("first_response", "first_response", 900),
        ("resolution", "resolution", 3600),
    ):
        _insert(
            writing,
            "clocks",
            {
                "case_id": "i",
                "queue": queue,
                "account": "'@care'",
                "metric": f"'{metric}'",
                "goal": f"'{goal}'",
                "started_at": at_open,
                "threshold_s": str(threshold_s),
                "elapsed_s": "0",
                "running_since": at_open,
                "due_at": _at(writing, f"{due} + {threshold_s - 900}"),
            },
            first,
            count,
        )
    _event(writing, "opened", at_open, "NULL", first=first, count=count)


def _messages(writing: Writing, first: int, count: int, at: str) -> None:
    """The author and the one message of each case."""
    made = {"actor": "'benchmark'", "written_at": at}
    _insert(
        writing,
        "authors",
        {
            "author_id": "i",
            "platform": "'x'",
            "native_id": "'c' || i",
            "handle": "'@c' || i",
            "verified": "0 = 1",
            "kind": "''",
            "first_seen_at": at,
            **made,
        },
        first,
        count,
    )
    _insert(
        writing,
        "raw_events",
        {
            "event_id": "i",
            "source": "'webhook'",
            "account": "'@care'",
            "native_id": "'m' || i",
            "revision": "0",
            "received_at": at,
            "body": '\'{"text": "it does not work"}\'',
            "actor": "'benchmark'",
            "author_id": "i",
        },
        first,
        count,
    )
    _insert(
        writing,
        "contacts",
        {
            "event_id": "i",
            "case_id": "i",
            "author": "'c' || i",
            "text": "'it does not work'",
            "published_at": at,
            "received_at": at,
        },
        first,
        count,
    )


def _event(writing: Writing, kind: str, at: str, agent: str, *, first: int, count: int) -> None:
    columns = {"case_id": "i", "kind": f"'{kind}'", "at": at, "agent_id": agent}
    _insert(writing, "case_events", {**columns, "actor": "'benchmark'"}, first, count)
