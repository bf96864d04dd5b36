"""The SQL of intake: raw events, messages, and the cases that they open or join, many at once.

The statements run alike on SQLite and PostgreSQL. What can be locked is locked in the order of its
key, so that two batches never wait for each other.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfm.cases import Case
from wfm.store import tables
from wfm.store.bulk import IN_LIST, among, batches, insert_new, insert_rows
from wfm.store.cases import CASE, EventKind
from wfm.store.engine import Writing
from wfm.store.metrics import mark_cases

authors = tables.authors
cases = tables.cases
case_events = tables.case_events
contacts = tables.contacts
outbox = tables.outbox
raw_events = tables.raw_events

Row = dict[str, Any]

# A message at its platform: source, account, native id.
Name = tuple[str, str, str]

OPEN = cases.c.state != sa.literal_column("'closed'")

# A text may have been empty from the first: then its raw body stands, and no erasure came after it.
_ERASED = sa.and_(
    contacts.c.text == "",
    sa.or_(
        raw_events.c.body == "",
        sa.exists().where(
            case_events.c.case_id == contacts.c.case_id,
            case_events.c.kind == "erased",
            case_events.c.at >= contacts.c.received_at,
        ),
    ),
)


@dataclass
class History:
    """What was taken in of a message before.

    revisions   the raw event of each revision
    latest      the highest revision of its text
    case_id     where it is shown now; None for what opened no case
    is_erased   whether what it said in its case has been overwritten, on request or for its age
    """

    revisions: dict[int, int] = field(default_factory=dict)
    latest: int = -1
    author_id: int | None = None
    contact_id: int | None = None
    case_id: int | None = None
    is_deleted: bool = False
    is_erased: bool = False


def histories(connection: sa.Connection, names: Iterable[Name]) -> dict[Name, History]:
    """What was taken in before of each of these messages; nothing for those never heard of."""
    of_account: dict[tuple[str, str], list[str]] = {}
    for source, account, native_id in names:
        of_account.setdefault((source, account), []).append(native_id)
    found: dict[Name, History] = {}
    r = raw_events.c
    query = sa.select(
        r.native_id,
        r.revision,
        r.event_id,
        r.kind,
        r.author_id,
        contacts.c.contact_id,
        contacts.c.case_id,
        cases.c.merged_into,
        contacts.c.deleted_at,
        _ERASED.label("is_erased"),
    ).select_from(
        raw_events.outerjoin(contacts, contacts.c.event_id == r.event_id).outerjoin(
            cases, cases.c.case_id == contacts.c.case_id
        )
    )
    for (source, account), natives in of_account.items():
        for batch in batches(dict.fromkeys(natives), IN_LIST):
            for row in connection.execute(
                query.where(
                    r.source == source, r.account == account, among(connection, r.native_id, batch)
                )
            ):
                history = found.setdefault((source, account, row.native_id), History())
                history.revisions[row.revision] = row.event_id
                history.author_id = history.author_id or row.author_id
                if row.kind == "deletion" or row.deleted_at is not None:
                    history.is_deleted = True
                if row.kind != "deletion":
                    history.latest = max(history.latest, row.revision)
                if row.contact_id is not None:
                    history.contact_id = row.contact_id
                    history.case_id = row.merged_into or row.case_id
                    history.is_erased = bool(row.is_erased)
    return found


def posts_of_ours(
    connection: sa.Connection, names: Iterable[Name]
) -> dict[tuple[str, str], int | None]:
    """Which of these we have posted ourselves, by source and native id, and for which case."""
    of_source: dict[str, list[str]] = {}
    for source, _, native_id in names:
        of_source.setdefault(source, []).append(native_id)
    found: dict[tuple[str, str], int | None] = {}
    for source, natives in of_source.items():
        for batch in batches(dict.fromkeys(natives), IN_LIST):
            for native_id, case_id in connection.execute(
                sa.select(outbox.c.native_id, outbox.c.case_id).where(
                    outbox.c.target == source, among(connection, outbox.c.native_id, batch)
                )
            ):
                found[source, native_id] = case_id
    return found


def lock_authors(writing: Writing, author_ids: Collection[int]) -> None:
    """Let one transaction at a time take in what these authors wrote.

    On SQLite a write transaction is alone anyway.
    """
    if writing.connection.dialect.name != "postgresql":
        return
    for batch in batches(sorted(author_ids), IN_LIST):
        writing.connection.execute(
            sa.select(authors.c.author_id)
            .where(among(writing.connection, authors.c.author_id, batch))
            .order_by(authors.c.author_id)
            .with_for_update(key_share=True)
        )


def insert_events(writing: Writing, rows: Sequence[Row]) -> dict[tuple[str, str, str, int], int]:
    """Keep raw events; the ids of those that were not there, by their four names."""
    r = raw_events.c
    ordered = sorted(
        ({**row, "actor": writing.actor} for row in rows),
        key=lambda row: (row["source"], row["account"], row["native_id"], row["revision"]),
    )
    inserted = insert_new(
        writing.connection,
        raw_events,
        ordered,
        r.event_id,
        r.source,
        r.account,
        r.native_id,
        r.revision,
    )
    return {(row[1], row[2], row[3], row[4]): row[0] for row in inserted}


# -- cases ---------------------------------------------------------------------------------------


def open_cases_of(connection: sa.Connection, author_ids: Collection[int]) -> dict[int, int]:
    """Where these authors' messages go, by author: their open case, or the one it was merged into.

    No entry for an author without either.
    """
    found: dict[int, int] = {}
    for batch in batches(sorted(author_ids), IN_LIST):
        own = sa.select(cases.c.author_id, cases.c.case_id).where(
            among(connection, cases.c.author_id, batch), OPEN
        )
        found |= {row.author_id: row.case_id for row in connection.execute(own)}
        left = [author_id for author_id in batch if author_id not in found]
        child = cases.alias("child")
        kept = (
            sa.select(child.c.author_id, cases.c.case_id)
            .join(cases, cases.c.case_id == child.c.merged_into)
            .where(
                among(connection, child.c.author_id, left), child.c.merged_into.is_not(None), OPEN
            )
            .order_by(child.c.case_id)
        )
        if left:
            found |= {row.author_id: row.case_id for row in connection.execute(kept)}
    return found


def lock_cases(writing: Writing, case_ids: Iterable[int]) -> dict[int, Case]:
    """The cases, locked until the transaction ends, in the order of their ids."""
    found: dict[int, Case] = {}
    for batch in batches(sorted(set(case_ids)), IN_LIST):
        rows = writing.connection.execute(
            sa.select(*CASE)
            .where(among(writing.connection, cases.c.case_id, batch))
            .order_by(cases.c.case_id)
            .with_for_update()
        )
        found |= {case.case_id: case for case in (Case(*row) for row in rows)}
    return found


def insert_cases(writing: Writing, rows: Sequence[Row]) -> dict[int, int]:
    """Open a case for each of these authors, by author; none where one is open already."""
    ordered = sorted(
        ({"state": "new", **row, **writing.stamp} for row in rows),
        key=lambda row: int(row["author_id"]),
    )
    inserted = insert_new(writing.connection, cases, ordered, cases.c.author_id, cases.c.case_id)
    return {row[0]: row[1] for row in inserted}


def update_cases(writing: Writing, changes: Mapping[int, Row]) -> None:
    """Set columns of cases that this transaction has locked, by case."""
    alike: dict[tuple[str, ...], list[Row]] = {}
    for case_id, values in sorted(changes.items()):
        stamped = {**values, **writing.stamp}
        alike.setdefault(tuple(stamped), []).append({"this_case": case_id, **stamped})
    for rows in alike.values():
        statement = cases.update().where(cases.c.case_id == sa.bindparam("this_case"))
        writing.connection.execute(statement, rows)
    mark_cases(writing, changes)


def add_events(writing: Writing, rows: Sequence[tuple[int, EventKind, str | None]]) -> None:
    """Write down what happened to cases: the case, what, and a text where there is one."""
    stamp = {"at": writing.at, "actor": writing.actor}
    insert_rows(
        writing.connection,
        case_events,
        [{"case_id": case_id, "kind": kind, "text": text, **stamp} for case_id, kind, text in rows],
    )


# -- messages ------------------------------------------------------------------------------------


def insert_contacts(writing: Writing, rows: Sequence[Row]) -> None:
    """Keep messages of cases."""
    insert_rows(writing.connection, contacts, rows)


def edit_contacts(writing: Writing, rows: Sequence[tuple[int, str, datetime]]) -> None:
    """Give messages the text they have now: contact id, text, since when."""
    if rows:
        writing.connection.execute(
            contacts.update()
            .where(contacts.c.contact_id == sa.bindparam("this_contact"))
            .values(text=sa.bindparam("new_text"), edited_at=sa.bindparam("since")),
            [
                {"this_contact": contact_id, "new_text": text, "since": at}
                for contact_id, text, at in rows
            ],
        )


def delete_contacts(writing: Writing, rows: Sequence[tuple[int, datetime]]) -> None:
    """Note that messages are gone at their platform: contact id, since when."""
    if rows:
        writing.connection.execute(
            contacts.update()
            .where(contacts.c.contact_id == sa.bindparam("this_contact"))
            .values(deleted_at=sa.bindparam("since")),
            [{"this_contact": contact_id, "since": at} for contact_id, at in rows],
        )


def messages_by(connection: sa.Connection, author_id: int) -> list[tuple[int, int]]:
    """Contact and case id of everything the author wrote that is not gone, as it is shown now."""
    rows = connection.execute(
        sa.select(contacts.c.contact_id, sa.func.coalesce(cases.c.merged_into, contacts.c.case_id))
        .join(raw_events, raw_events.c.event_id == contacts.c.event_id)
        .join(cases, cases.c.case_id == contacts.c.case_id)
        .where(raw_events.c.author_id == author_id, contacts.c.deleted_at.is_(None))
        .order_by(contacts.c.contact_id)
    )
    return [(contact_id, case_id) for contact_id, case_id in rows]


def has_messages(connection: sa.Connection, case_ids: Collection[int]) -> frozenset[int]:
    """Those of the cases that still show a message which is not gone.

    One that another was merged into is taken for such: its messages are not looked through.
    """
    found: set[int] = set()
    for batch in batches(sorted(case_ids), IN_LIST):
        own = sa.select(contacts.c.case_id).where(
            among(connection, contacts.c.case_id, batch), contacts.c.deleted_at.is_(None)
        )
        merged = sa.select(case_events.c.case_id).where(
            among(connection, case_events.c.case_id, batch), case_events.c.kind == "merged"
        )
        found.update(connection.scalars(own.union(merged)))
    return frozenset(found)
