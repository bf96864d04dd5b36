"""The days that the metrics are added up from, and which of them have changed since.

A day that is over is added up once; `mark_changed`, in the transaction of a change, says that it
is to be added up anew. Between `begin_day` and `keep_day` it is read, beside everybody's work: what
changes it meanwhile marks it, and then it is not kept. On PostgreSQL both lock `metric_changes` for
the moment they take, so that whoever marked a day before has ended, and is seen.

On the live queue's path: no pandas.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from wfm.store import tables
from wfm.store.bulk import BATCH, IN_LIST, among, batches, insert_into, upsert
from wfm.store.engine import Writing
from wfm.timegrid import floor_interval

days = tables.metric_days
changes = tables.metric_changes
cases = tables.cases

Document = dict[str, Any]

# A day is added up when it has been over for this long. What is half as old needs no mark: no
# transaction lasts for the other half.
SETTLED = timedelta(minutes=10)
_YOUNG = SETTLED / 2

# Conditions of one statement.
_AT_ONCE = 40

_DAY = timedelta(days=1)

# The row of the day itself, beside those of its queues and accounts.
_WHOLE = sa.and_(days.c.queue == "", days.c.account == "")


@dataclass(frozen=True)
class Kept:
    """What was kept of a day for one queue and account; both empty: of the day itself."""

    day: date
    queue: str
    account: str
    document: Document


def mark_changed(writing: Writing, instants: Iterable[datetime]) -> None:
    """Days that hold one of the instants and were added up already are to be added up anew.

    Costs nothing for instants so young that their day cannot have been added up.
    """
    # Days begin on the grid in every zone.
    old = sorted({floor_interval(at) for at in instants if writing.at - at >= _YOUNG})
    for batch in batches(old, _AT_ONCE):
        holding = sa.or_(*(_holds(at) for at in batch))
        marked = insert_into(writing.connection, changes).from_select(
            ["day"], sa.select(days.c.day).where(_WHOLE, holding)
        )
        writing.connection.execute(marked.on_conflict_do_nothing())


def mark_all(writing: Writing) -> None:
    """All days are to be added up anew: what they are judged by has changed."""
    marked = insert_into(writing.connection, changes).from_select(
        ["day"], sa.select(days.c.day).where(_WHOLE)
    )
    writing.connection.execute(marked.on_conflict_do_nothing())


def _holds(at: datetime) -> sa.ColumnElement[bool]:
    """Whether the day holds the instant: a local day lies around the UTC date of its instants."""
    utc, seconds = at.astimezone(UTC).date(), at.timestamp()
    return sa.and_(
        days.c.day.in_((utc - _DAY, utc, utc + _DAY)),
        days.c.document["start"].as_float() <= seconds,
        days.c.document["end"].as_float() > seconds,
    )


def mark_cases(writing: Writing, case_ids: Collection[int]) -> None:
    """These cases have changed: so have the days on which they were opened."""
    for batch in batches(sorted(case_ids), IN_LIST):
        opened = writing.connection.scalars(
            sa.select(cases.c.opened_at).where(
                among(writing.connection, cases.c.case_id, batch),
                cases.c.opened_at <= writing.at - _YOUNG,
            )
        )
        mark_changed(writing, opened.all())


def mark_people(writing: Writing, author_ids: Collection[int]) -> None:
    """Who stands behind these authors has changed: so have the days on which they wrote."""
    for batch in batches(sorted(author_ids), IN_LIST):
        opened = writing.connection.scalars(
            sa.select(cases.c.opened_at).where(
                among(writing.connection, cases.c.author_id, batch),
                cases.c.opened_at <= writing.at - _YOUNG,
            )
        )
        mark_changed(writing, opened.all())


def begin_day(writing: Writing, day: date, start: datetime, end: datetime) -> str:
    """A local day is about to be added up: until then it is not kept, but may be marked.

    Gives the token to keep it with.
    """
    _alone(writing)
    writing.connection.execute(changes.delete().where(changes.c.day == day))
    token = secrets.token_urlsafe(12)
    bounds = {"law": "", "token": token, "start": start.timestamp(), "end": end.timestamp()}
    _replace(writing, day, [("", "", bounds)])
    return token


def keep_day(
    writing: Writing, day: date, token: str, law: str, parts: Mapping[tuple[str, str], Document]
) -> bool:
    """Keep what a day adds up to, by queue and account, both empty for the day itself.

    False, and nothing is kept, when it has changed, or was begun again, since it was begun.
    """
    _alone(writing)
    connection = writing.connection
    marked = connection.scalar(sa.select(changes.c.day).where(changes.c.day == day))
    begun = connection.scalar(sa.select(days.c.document).where(_WHOLE, days.c.day == day))
    if marked is not None or begun is None or begun["token"] != token:
        return False
    whole = {**begun, **parts.get(("", ""), {}), "law": law}
    rows = [(*place, document) for place, document in parts.items() if place != ("", "")]
    _replace(writing, day, [("", "", whole), *rows])
    return True


def _alone(writing: Writing) -> None:
    """Let nobody mark a day until this transaction ends, after those who are just marking one."""
    if writing.connection.dialect.name == "postgresql":
        writing.connection.exec_driver_sql("LOCK TABLE metric_changes IN SHARE ROW EXCLUSIVE MODE")


def _replace(writing: Writing, day: date, rows: Iterable[tuple[str, str, Document]]) -> None:
    writing.connection.execute(days.delete().where(days.c.day == day))
    upsert(
        writing.connection,
        days,
        [
            {
                "day": day,
                "queue": queue,
                "account": account,
                "document": document,
                "made_at": writing.at,
            }
            for queue, account, document in rows
        ],
    )


def unchanged_days(connection: sa.Connection, first: date, last: date, law: str) -> set[date]:
    """Days from `first` to `last` that are kept, by this law, and have not changed since."""
    rows = connection.scalars(
        sa.select(days.c.day)
        .outerjoin(changes, changes.c.day == days.c.day)
        .where(
            _WHOLE,
            days.c.day.between(first, last),
            days.c.document["law"].as_string() == law,
            changes.c.day.is_(None),
        )
    )
    return set(rows)


def kept_days(
    connection: sa.Connection,
    first: date,
    last: date,
    *,
    queue: str | None = None,
    account: str | None = None,
) -> Iterator[Kept]:
    """What is kept of the days from `first` to `last`."""
    query = sa.select(days.c.day, days.c.queue, days.c.account, days.c.document).where(
        days.c.day.between(first, last)
    )
    if queue is not None:
        query = query.where(days.c.queue == queue)
    if account is not None:
        query = query.where(days.c.account == account)
    for row in connection.execute(query.execution_options(yield_per=BATCH)):
        yield Kept(*row)


def first_and_last_case(connection: sa.Connection) -> tuple[datetime, datetime] | None:
    """When the first and the last case were opened; None without any."""
    # Two look-ups in the index; both in one SELECT would be read from end to end.
    first = connection.scalar(sa.select(sa.func.min(cases.c.opened_at)))
    last = connection.scalar(sa.select(sa.func.max(cases.c.opened_at)))
    return None if first is None or last is None else (first, last)
