"""Customers, the authors they are known by, and merges of two records that are one person.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, get_args

import sqlalchemy as sa

from wfm.cases import Case
from wfm.errors import Conflict, NotFound, RequestError
from wfm.store import tables
from wfm.store.authors import AUTHOR, Author
from wfm.store.bulk import insert_into
from wfm.store.cases import CASE
from wfm.store.engine import Writing
from wfm.store.metrics import mark_people

customers = tables.customers
merges = tables.merges

MergeState = Literal["proposed", "confirmed", "rejected", "undone"]
MERGE_STATES: tuple[MergeState, ...] = get_args(MergeState)


@dataclass(frozen=True)
class Customer:
    """A person behind one or more authors.

    crm_id       their id in the CRM
    merged_into  the customer that this record was merged into; None while it stands for itself
    """

    customer_id: int
    name: str
    email: str | None
    phone: str | None
    crm_id: str | None
    merged_into: int | None


@dataclass(frozen=True)
class Merge:
    """Two records that may be one person.

    evidence  why, in words that name no address and no number
    moved     authors that the confirmation moved from one to the other
    """

    merge_id: int
    kept_id: int
    merged_id: int
    state: MergeState
    evidence: str
    moved: tuple[int, ...] | list[int]
    actor: str
    written_at: datetime


_CUSTOMER = tuple(customers.c[field.name] for field in fields(Customer))
_MERGE = tuple(merges.c[field.name] for field in fields(Merge))


# -- customers -----------------------------------------------------------------------------------


def insert_customer(writing: Writing, values: Mapping[str, object]) -> Customer:
    """Keep a new customer's record; Conflict when another has just taken its CRM id."""
    return _written(writing, customers.insert().values(**values, **writing.stamp))


def _written(writing: Writing, statement: sa.Insert | sa.Update) -> Customer:
    try:
        with writing.connection.begin_nested():
            row = writing.connection.execute(statement.returning(*_CUSTOMER)).one()
    except sa.exc.IntegrityError:
        raise Conflict("another customer was just given this id of the CRM; try again") from None
    return Customer(*row)


def find_customer(connection: sa.Connection, customer_id: int) -> Customer:
    """The customer; NotFound when there is none."""
    found = _customers(connection, customers.c.customer_id == customer_id)
    return found[0] if found else _no_customer(customer_id)


def lock_customers(writing: Writing, customer_ids: Collection[int]) -> dict[int, Customer]:
    """The customers by id, locked until the transaction ends; NotFound when one is missing."""
    wanted = sorted(set(customer_ids))
    query = sa.select(*_CUSTOMER).where(customers.c.customer_id.in_(wanted))
    rows = writing.connection.execute(query.order_by(customers.c.customer_id).with_for_update())
    found = {row.customer_id: Customer(*row) for row in rows}
    for customer_id in wanted:
        if customer_id not in found:
            _no_customer(customer_id)
    return found


def _no_customer(customer_id: int) -> Customer:
    raise NotFound(f"there is no customer {customer_id}", customer_id=customer_id)


def update_customer(writing: Writing, customer_id: int, values: Mapping[str, object]) -> Customer:
    """Set columns of a customer that is locked; Conflict when another has just taken its CRM id."""
    statement = customers.update().where(customers.c.customer_id == customer_id)
    return _written(writing, statement.values({**values, **writing.stamp}))


def find_customers(
    connection: sa.Connection,
    values: Mapping[str, str] = MappingProxyType({}),
    *,
    after: int = 0,
    limit: int = 50,
) -> tuple[Customer, ...]:
    """Customers by id, from the one after `after` on, whose columns have these values."""
    conditions = [customers.c[name] == value for name, value in values.items()]
    return _customers(connection, customers.c.customer_id > after, *conditions, limit=limit)


def records_sharing(connection: sa.Connection, customer: Customer) -> dict[str, tuple[int, ...]]:
    """Other records that stand for themselves and share an address or a number, by its column."""
    shared: dict[str, tuple[int, ...]] = {}
    for name in ("email", "phone"):
        value = getattr(customer, name)
        if value is not None:
            others = _customers(
                connection,
                customers.c[name] == value,
                customers.c.customer_id != customer.customer_id,
                customers.c.merged_into.is_(None),
            )
            shared[name] = tuple(other.customer_id for other in others)
    return shared


def records_merged_into(connection: sa.Connection, customer_id: int) -> tuple[Customer, ...]:
    """The records that were merged into this one, and into those again, by id."""
    found: list[Customer] = []
    level = [customer_id]
    while level:
        below = _customers(connection, customers.c.merged_into.in_(level))
        found += below
        level = [customer.customer_id for customer in below]
    return tuple(sorted(found, key=lambda customer: customer.customer_id))


def _customers(
    connection: sa.Connection, *conditions: sa.ColumnElement[bool], limit: int | None = None
) -> tuple[Customer, ...]:
    query = sa.select(*_CUSTOMER).where(*conditions).order_by(customers.c.customer_id).limit(limit)
    return tuple(Customer(*row) for row in connection.execute(query))


# -- their authors and cases ---------------------------------------------------------------------


def authors_of(connection: sa.Connection, customer_id: int) -> tuple[Author, ...]:
    """The customer's authors, by id."""
    a = tables.authors.c
    query = sa.select(*AUTHOR).where(a.customer_id == customer_id).order_by(a.author_id)
    return tuple(Author(*row) for row in connection.execute(query))


def give_authors(
    writing: Writing, author_ids: Collection[int], customer_id: int | None, *, held_by: int | None
) -> tuple[int, ...]:
    """Make those of the authors that are `held_by`'s the customer's; gives the ids of those."""
    a = tables.authors.c
    of_holder = a.customer_id.is_(None) if held_by is None else a.customer_id == held_by
    theirs = (
        sa.select(a.author_id)
        .where(a.author_id.in_(sorted(author_ids)), of_holder)
        .order_by(a.author_id)
        .with_for_update()
    )
    moved = tuple(writing.connection.scalars(theirs))
    if moved:
        writing.connection.execute(
            tables.authors.update()
            .where(a.author_id.in_(moved))
            .values(customer_id=customer_id, **writing.stamp)
        )
        known = a.customer_id.in_([one for one in (held_by, customer_id) if one is not None])
        alike = writing.connection.scalars(sa.select(a.author_id).where(known))
        mark_people(writing, {*moved, *alike})
    return moved


def cases_of(
    connection: sa.Connection, customer_id: int, *, before: int | None = None, limit: int = 50
) -> tuple[Case, ...]:
    """The customer's cases over all their authors, newest first; `before` continues a listing."""
    mine = sa.select(tables.authors.c.author_id).where(tables.authors.c.customer_id == customer_id)
    query = sa.select(*CASE).where(tables.cases.c.author_id.in_(mine))
    if before is not None:
        query = query.where(tables.cases.c.case_id < before)
    rows = connection.execute(query.order_by(tables.cases.c.case_id.desc()).limit(limit))
    return tuple(Case(*row) for row in rows)


# -- merges --------------------------------------------------------------------------------------


def merge_state(text: str) -> MergeState:
    """The state of this name; RequestError when there is none."""
    for state in MERGE_STATES:
        if state == text:
            return state
    raise RequestError(f"{text!r} is no state of a merge; use one of {', '.join(MERGE_STATES)}")


def insert_merge(writing: Writing, kept_id: int, merged_id: int, evidence: str) -> Merge | None:
    """Propose that two records are one person; None when that pair is there already."""
    insert = insert_into(writing.connection, merges).values(
        kept_id=kept_id,
        merged_id=merged_id,
        state="proposed",
        evidence=evidence,
        moved=[],
        **writing.stamp,
    )
    row = writing.connection.execute(
        insert.on_conflict_do_nothing().returning(*_MERGE)
    ).one_or_none()
    return None if row is None else Merge(*row)


def find_merge(connection: sa.Connection, merge_id: int) -> Merge:
    """The merge; NotFound when there is none."""
    return _merge(connection, sa.select(*_MERGE).where(merges.c.merge_id == merge_id), merge_id)


def lock_merge(writing: Writing, merge_id: int) -> Merge:
    """The merge, locked until the transaction ends; NotFound when there is none."""
    query = sa.select(*_MERGE).where(merges.c.merge_id == merge_id)
    return _merge(writing.connection, query.with_for_update(), merge_id)


def _merge(connection: sa.Connection, query: sa.Select[Any], merge_id: int) -> Merge:
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"there is no merge {merge_id}", merge_id=merge_id)
    return Merge(*row)


def merge_of(writing: Writing, kept_id: int, merged_id: int) -> Merge:
    """The merge of this pair, which is there, locked until the transaction ends."""
    row = writing.connection.execute(
        sa.select(*_MERGE)
        .where(merges.c.kept_id == kept_id, merges.c.merged_id == merged_id)
        .with_for_update()
    ).one()
    return Merge(*row)


def update_merge(writing: Writing, merge_id: int, values: Mapping[str, Any]) -> Merge:
    """Set columns of a merge that this transaction has locked."""
    row = writing.connection.execute(
        merges.update()
        .where(merges.c.merge_id == merge_id)
        .values({**values, **writing.stamp})
        .returning(*_MERGE)
    ).one()
    return Merge(*row)


def find_merges(
    connection: sa.Connection,
    *,
    state: MergeState | None = None,
    customer_id: int | None = None,
    after: int = 0,
    limit: int = 50,
) -> tuple[Merge, ...]:
    """Merges by id, from the one after `after` on; in a state, or of a customer, where given."""
    query = sa.select(*_MERGE).where(merges.c.merge_id > after)
    if state is not None:
        query = query.where(merges.c.state == state)
    if customer_id is not None:
        query = query.where(
            sa.or_(merges.c.kept_id == customer_id, merges.c.merged_id == customer_id)
        )
    rows = connection.execute(query.order_by(merges.c.merge_id).limit(limit))
    return tuple(Merge(*row) for row in rows)
