"""Overwriting what customers wrote, what they were told, and what they are called.

Cases, clocks and everything metrics are reckoned from stay. Names of messages stay too, so that a
message that is delivered again is known, and is not kept a second time. Each function gives what it
overwrote; what was overwritten before is not counted again.

On the live queue's path: no pandas.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa

from wfm.store import tables
from wfm.store.engine import Writing

ERASED = "erased"

_c, _m, _r = tables.cases.c, tables.contacts.c, tables.raw_events.c
_e, _o, _d = tables.case_events.c, tables.outbox.c, tables.deliveries.c

# What the machinery itself writes beside these says nothing of the customer.
_OUR_OWN = ("opened", "joined", "expired", "claimed", "merged", "warned", "breached")

# Letters that say who somebody is or what was said to them; events bear ids only.
_PERSONAL = ("reply", "acknowledgement", "notice", "activity")


# -- of cases ------------------------------------------------------------------------------------


def lock_cases_of(writing: Writing, author_id: int) -> tuple[int, ...]:
    """The author's cases, locked until the transaction ends, ascending."""
    query = sa.select(_c.case_id).where(_c.author_id == author_id).order_by(_c.case_id)
    return tuple(writing.connection.scalars(query.with_for_update()))


def lock_closed(writing: Writing, case_ids: Collection[int]) -> tuple[int, ...]:
    """Those of the cases that are closed, locked until the transaction ends, ascending."""
    query = sa.select(_c.case_id).where(_c.case_id.in_(sorted(case_ids)), _c.state == "closed")
    return tuple(writing.connection.scalars(query.order_by(_c.case_id).with_for_update()))


def closed_before(
    connection: sa.Connection, before: datetime, *, after: tuple[datetime, int], limit: int
) -> tuple[tuple[datetime, int], ...]:
    """When and which cases were closed before an instant, oldest first, from the one `after` on."""
    query = (
        sa.select(_c.closed_at, _c.case_id)
        .where(
            _c.state == "closed",
            _c.closed_at < before,
            sa.tuple_(_c.closed_at, _c.case_id)
            > sa.tuple_(sa.literal(after[0], tables.Instant()), after[1]),
        )
        .order_by(_c.closed_at, _c.case_id)
        .limit(limit)
    )
    return tuple((row.closed_at, row.case_id) for row in connection.execute(query))


def erase_messages(writing: Writing, case_ids: Sequence[int]) -> list[int]:
    """Empty the texts of the cases' messages; the case of each."""
    return list(
        writing.connection.scalars(
            tables.contacts.update()
            .where(_m.case_id.in_(case_ids), _m.text != "")
            .values(text="")
            .returning(_m.case_id)
        )
    )


def erase_replies(writing: Writing, case_ids: Sequence[int]) -> list[int]:
    """Overwrite what people wrote in the cases: answers, notices, reasons; the case of each."""
    return list(
        writing.connection.scalars(
            tables.case_events.update()
            .where(
                _e.case_id.in_(case_ids),
                _e.text.is_not(None),
                _e.text != ERASED,
                _e.kind.not_in(_OUR_OWN),
            )
            .values(text=ERASED)
            .returning(_e.case_id)
        )
    )


def erase_notes(writing: Writing, case_ids: Sequence[int]) -> int:
    """Overwrite reasons of closing, tasks and reasons of exceptions; how many there were."""
    t, x = tables.tasks.c, tables.exceptions.c
    statements = (
        tables.cases.update()
        .where(_c.case_id.in_(case_ids), _c.merged_into.is_(None), _c.closed_reason != ERASED)
        .values(closed_reason=ERASED),
        tables.tasks.update()
        .where(t.case_id.in_(case_ids), t.title != ERASED)
        .values(title=ERASED, result=sa.case((t.result.is_not(None), ERASED))),
        tables.exceptions.update()
        .where(x.case_id.in_(case_ids), x.reason != ERASED)
        .values(reason=ERASED),
    )
    return sum(writing.connection.execute(statement).rowcount for statement in statements)


def erase_letters(writing: Writing, case_ids: Sequence[int]) -> int:
    """Empty what was to be delivered of the cases; what was not yet sent is not sent any more."""
    is_new = _o.state == "new"
    return writing.connection.execute(
        tables.outbox.update()
        .where(
            _o.case_id.in_(case_ids),
            _o.kind.in_(_PERSONAL),
            sa.cast(_o.body, sa.Text) != "{}",
        )
        .values(
            body={},
            state=sa.case((is_new, "dead"), else_=_o.state),
            error=sa.case((is_new, ERASED), else_=_o.error),
        )
    ).rowcount


def erase_raw_of_cases(writing: Writing, case_ids: Sequence[int]) -> tuple[int, set[int]]:
    """Empty the raw events of the cases' messages and of their edits; see `_erase_raw`."""
    seen = tables.raw_events.alias("seen")
    named = (
        sa.select(_r.event_id)
        .join_from(tables.contacts, seen, seen.c.event_id == _m.event_id)
        .join(
            tables.raw_events,
            sa.and_(
                _r.source == seen.c.source,
                _r.account == seen.c.account,
                _r.native_id == seen.c.native_id,
            ),
        )
        .where(_m.case_id.in_(case_ids))
    )
    return _erase_raw(writing, _r.event_id.in_(named))


# -- of an author --------------------------------------------------------------------------------


def erase_raw_of_author(writing: Writing, author_id: int) -> tuple[int, set[int]]:
    """Empty all raw events of the author, those that opened no case too; see `_erase_raw`."""
    return _erase_raw(writing, _r.author_id == author_id)


def _erase_raw(writing: Writing, which: sa.ColumnElement[bool]) -> tuple[int, set[int]]:
    """How many bodies were emptied, and the deliveries that brought them."""
    found = list(
        writing.connection.scalars(
            tables.raw_events.update()
            .where(which, _r.body != "")
            .values(body="")
            .returning(_r.delivery_id)
        )
    )
    return len(found), {delivery_id for delivery_id in found if delivery_id is not None}


def erase_names(writing: Writing, author_id: int) -> int:
    """Take away every name the author has borne, and its reach; how many names there were.

    The platform's own id stays: by it a later edit or deletion is known to be theirs.
    """
    h = tables.author_handles.c
    names = writing.connection.execute(
        tables.author_handles.delete().where(h.author_id == author_id)
    ).rowcount
    writing.connection.execute(
        tables.authors.update()
        .where(tables.authors.c.author_id == author_id)
        .values(handle="", reach=None, verified=False, erased_at=writing.at, **writing.stamp)
    )
    return names


def erase_records(writing: Writing, customer_ids: Sequence[int]) -> int:
    """Empty customers' records and the reasons of their merges; how many records there were."""
    c, m = tables.customers.c, tables.merges.c
    given = (c.email, c.phone, c.crm_id)
    writing.connection.execute(
        tables.merges.update()
        .where(sa.or_(m.kept_id.in_(customer_ids), m.merged_id.in_(customer_ids)))
        .values(evidence=ERASED, **writing.stamp)
    )
    return writing.connection.execute(
        tables.customers.update()
        .where(
            c.customer_id.in_(customer_ids),
            sa.or_(c.name != "", *(column.is_not(None) for column in given)),
        )
        .values(name="", email=None, phone=None, crm_id=None, **writing.stamp)
    ).rowcount


# -- deliveries ----------------------------------------------------------------------------------


def deliveries_naming(connection: sa.Connection, native_id: str) -> tuple[int, ...]:
    """Deliveries, worked or in quarantine, whose bytes hold the platform's id of an author.

    Reads every delivery that has not been emptied: what came twice, or could not be read, is
    linked to no message.
    """
    # In quotation marks: a short id must not be found in every number.
    needles = {json.dumps(native_id, ensure_ascii=plain).encode() for plain in (True, False)}
    if connection.dialect.name == "sqlite":
        holds = [sa.func.instr(_d.body, sa.literal(n, sa.LargeBinary)) for n in needles]
    else:
        holds = [
            sa.func.pg_catalog.position(_d.body, sa.literal(n, sa.LargeBinary)) for n in needles
        ]
    query = sa.select(_d.delivery_id).where(
        _d.state != "new", _d.body != b"", sa.or_(*(found > 0 for found in holds))
    )
    return tuple(connection.scalars(query.order_by(_d.delivery_id)))


def worked_before(
    connection: sa.Connection, before: datetime, *, after: tuple[datetime, int], limit: int
) -> tuple[tuple[datetime, int], ...]:
    """When and which deliveries came before an instant and are worked, from the one `after` on.

    In the order of their ids, which is that of their coming.
    """
    query = sa.select(_d.received_at, _d.delivery_id).where(
        _d.delivery_id > after[1], _d.received_at < before, _d.state == "done"
    )
    rows = connection.execute(query.order_by(_d.delivery_id).limit(limit))
    return tuple((row.received_at, row.delivery_id) for row in rows)


def erase_deliveries(writing: Writing, delivery_ids: Collection[int]) -> int:
    """Empty the deliveries; those in quarantine leave it. How many there were."""
    in_quarantine = _d.state == "quarantined"
    return writing.connection.execute(
        tables.deliveries.update()
        .where(
            _d.delivery_id.in_(sorted(delivery_ids)),
            _d.state != "new",
            _d.body != b"",
        )
        .values(
            body=b"",
            reason=sa.case((in_quarantine, ERASED), else_=_d.reason),
            ended_at=sa.case(
                (in_quarantine, sa.literal(writing.at, tables.Instant())), else_=_d.ended_at
            ),
            state=sa.case((in_quarantine, "done"), else_=_d.state),
        )
    ).rowcount


def left_out_before(
    connection: sa.Connection, before: datetime, *, after: tuple[datetime, int], limit: int
) -> tuple[tuple[datetime, int], ...]:
    """When and which raw events came before an instant that opened no case, oldest first."""
    query = sa.select(_r.received_at, _r.event_id).where(
        # As the partial index has it.
        sa.text("kind IN ('own', 'spam', 'repost')"),
        _r.received_at < before,
        sa.tuple_(_r.received_at, _r.event_id)
        > sa.tuple_(sa.literal(after[0], tables.Instant()), after[1]),
    )
    rows = connection.execute(query.order_by(_r.received_at, _r.event_id).limit(limit))
    return tuple((row.received_at, row.event_id) for row in rows)


def erase_raw_events(writing: Writing, event_ids: Sequence[int]) -> int:
    """Empty the bodies of these raw events; how many there were."""
    return _erase_raw(writing, _r.event_id.in_(event_ids))[0]
