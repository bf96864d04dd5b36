"""Who is behind an author: customer records, and the authors they are known by.

An author belongs to a customer because somebody linked it. Two records that share an e-mail
address, a phone number or a CRM id, or that a platform says are one person's, are proposed to be
merged, and no more: see `wfm.customers.merging`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wfm.customers.merging import check_stands, propose_between
from wfm.errors import Conflict, RequestError
from wfm.store import customers
from wfm.store.authors import Author, find_author, handles_of
from wfm.store.customers import Customer, Merge
from wfm.store.engine import Store, Writing

NAME_MAX = 200
EMAIL_MAX = 254
PHONE_MAX = 40
CRM_ID_MAX = 200

SAME = {
    "email": "both have the same e-mail address",
    "phone": "both have the same phone number",
    "crm_id": "both have the same id in the CRM",
}

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_PHONE_MARKS = re.compile(r"[\s()./-]+")
_PHONE = re.compile(r"\+?\d{5,38}")


@dataclass(frozen=True)
class Kept:
    """A record as it stands now, and the merges that it gave reason to propose."""

    customer: Customer
    proposed: tuple[Merge, ...]


@dataclass(frozen=True)
class Profile:
    """All that is known of a customer: the record, those merged into it, authors and names."""

    customer: Customer
    merged: tuple[Customer, ...]
    authors: tuple[Author, ...]
    handles: tuple[tuple[str, ...], ...]


def plain_email(text: str) -> str:
    """The address for comparing; RequestError when it is none.

    >>> plain_email(" Ann@Example.COM ")
    'ann@example.com'
    """
    email = text.strip().casefold()
    if not _EMAIL.fullmatch(email) or len(email) > EMAIL_MAX:
        raise RequestError(f"{text[:60]!r} is no e-mail address; write it as name@example.com")
    return email


def plain_phone(text: str) -> str:
    """The number for comparing, digits after an optional plus; RequestError when it is none.

    >>> plain_phone("0049 (30) 1234-567")
    '+49301234567'
    """
    phone = _PHONE_MARKS.sub("", text)
    phone = f"+{phone[2:]}" if phone.startswith("00") else phone
    if not phone.isascii() or not _PHONE.fullmatch(phone):
        raise RequestError(f"{text[:60]!r} is no phone number; write it as +49 30 1234567")
    return phone


# -- records -------------------------------------------------------------------------------------


def add_customer(
    store: Store,
    *,
    actor: str,
    name: str = "",
    email: str = "",
    phone: str = "",
    crm_id: str = "",
    author_ids: Iterable[int] = (),
) -> Kept:
    """Keep a new record, of these authors; who shares its address or number is proposed to merge.

    RequestError for an address or number that is none, or a record of nothing; NotFound for an
    author there is not; Conflict for one that is another customer's.
    """
    values = _values({"name": name, "email": email, "phone": phone, "crm_id": crm_id})
    wanted = tuple(author_ids)
    if not wanted and not any(values.values()):
        raise RequestError("a customer has at least a name, an address, a number or an author")
    with store.writing(actor) as writing:
        return add_in(writing, values, wanted)


def add_in(writing: Writing, values: Mapping[str, str | None], author_ids: Iterable[int]) -> Kept:
    """`add_customer` for callers that hold the transaction, with values made plain."""
    taken = _holder_of(writing, values.get("crm_id"))
    customer = customers.insert_customer(
        writing,
        {"name": "", **values, **({} if taken is None else {"crm_id": None})},
    )
    for author_id in author_ids:
        _link(writing, author_id, customer.customer_id)
    writing.audit(
        "customer.add", str(customer.customer_id), after={"has": _named(values), "new": True}
    )
    return Kept(customer, _propose_alike(writing, customer, taken))


def change_customer(
    store: Store, customer_id: int, changes: Mapping[str, str], *, actor: str
) -> Kept:
    """Set name, email, phone or crm_id of a record; "" takes it away.

    A CRM id that is another record's stays there, and a merge of the two is proposed. NotFound for
    a customer there is not; Conflict for one that was merged; RequestError for an address or number
    that is none. The audit keeps which fields were changed, not what stands in them.
    """
    values = _values(changes)
    with store.writing(actor) as writing:
        return change_in(writing, customer_id, values)


def change_in(writing: Writing, customer_id: int, values: Mapping[str, str | None]) -> Kept:
    """`change_customer` for callers that hold the transaction, with values made plain."""
    held = customers.lock_customers(writing, [customer_id])[customer_id]
    check_stands(held)
    taken = _holder_of(writing, values.get("crm_id"), other_than=customer_id)
    changed = {
        name: value
        for name, value in values.items()
        if getattr(held, name) != value and not (name == "crm_id" and taken is not None)
    }
    if changed:
        held = customers.update_customer(writing, customer_id, changed)
        writing.audit("customer.change", str(customer_id), after={"changed": sorted(changed)})
    return Kept(held, _propose_alike(writing, held, taken))


def _values(given: Mapping[str, str]) -> dict[str, str | None]:
    """Columns of a record as they are kept: compared without blanks and case, None for nothing."""
    values: dict[str, str | None] = {}
    for field, text in given.items():
        if "\0" in text:
            raise RequestError(f"{field} holds a NUL character; send it without")
        stripped = text.strip()
        if field == "email":
            values[field] = plain_email(stripped) if stripped else None
        elif field == "phone":
            values[field] = plain_phone(stripped) if stripped else None
        elif field in ("name", "crm_id"):
            widest = NAME_MAX if field == "name" else CRM_ID_MAX
            if len(stripped) > widest:
                raise RequestError(f"{field} has {len(stripped)} characters; at most {widest}")
            values[field] = stripped or ("" if field == "name" else None)
        else:
            raise RequestError(f"a customer has no {field!r}; use name, email, phone or crm_id")
    return values


def _named(values: Mapping[str, str | None]) -> list[str]:
    return sorted(name for name, value in values.items() if value)


def _holder_of(
    writing: Writing, crm_id: str | None, *, other_than: int | None = None
) -> int | None:
    """The record that has this CRM id already."""
    if crm_id is None:
        return None
    found = customers.find_customers(writing.connection, {"crm_id": crm_id})
    return next((c.customer_id for c in found if c.customer_id != other_than), None)


# -- authors -------------------------------------------------------------------------------------


def link(store: Store, author_id: int, customer_id: int, *, actor: str) -> None:
    """Make the author known to be the customer's; nothing changes when it is.

    Conflict when it is another customer's: propose a merge of the two, or unlink it first.
    """
    with store.writing(actor) as writing:
        check_stands(customers.lock_customers(writing, [customer_id])[customer_id])
        _link(writing, author_id, customer_id)


def _link(writing: Writing, author_id: int, customer_id: int) -> None:
    held = find_author(writing.connection, author_id)
    if held.customer_id == customer_id:
        return
    if not customers.give_authors(writing, [author_id], customer_id, held_by=None):
        now = find_author(writing.connection, author_id).customer_id
        raise Conflict(
            f"author {author_id} is known to be customer {now}; propose a merge of {now} and "
            f"{customer_id}, or unlink the author first",
            author_id=author_id,
            customer_id=now,
        )
    writing.audit("author.link", str(author_id), after={"customer_id": customer_id})


def unlink(store: Store, author_id: int, *, actor: str) -> None:
    """Take the author from the customer it was linked to; nothing changes when there is none."""
    with store.writing(actor) as writing:
        held = find_author(writing.connection, author_id).customer_id
        if held is None:
            return
        if customers.give_authors(writing, [author_id], None, held_by=held):
            writing.audit("author.unlink", str(author_id), before={"customer_id": held})


def profile_of(store: Store, customer_id: int) -> Profile:
    """The customer with everything that hangs on them; NotFound when there is none."""
    with store.reading() as connection:
        customer = customers.find_customer(connection, customer_id)
        authors = customers.authors_of(connection, customer_id)
        return Profile(
            customer,
            customers.records_merged_into(connection, customer_id),
            authors,
            tuple(handles_of(connection, author.author_id) for author in authors),
        )


# -- what hints at one person --------------------------------------------------------------------


def attest(store: Store, one: int, other: int, *, platform: str, actor: str) -> Merge | None:
    """A platform says that two authors are one person's: their records are proposed to merge.

    An author without a record gets one first. None when they are one customer's already.
    """
    with store.writing(actor) as writing:
        ids = [_record_of(writing, author_id) for author_id in sorted((one, other))]
        if ids[0] == ids[1]:
            return None
        merge = propose_between(
            writing, ids[0], ids[1], f"{platform} says that both accounts are one person's"
        )
        return merge if merge.state == "proposed" else None


def _record_of(writing: Writing, author_id: int) -> int:
    author = find_author(writing.connection, author_id)
    if author.customer_id is not None:
        return author.customer_id
    return add_in(writing, {"name": author.handle}, [author_id]).customer.customer_id


def _propose_alike(writing: Writing, customer: Customer, holder: int | None) -> tuple[Merge, ...]:
    """Propose to merge the record with those that share something with it."""
    alike = customers.records_sharing(writing.connection, customer)
    if holder is not None:
        alike["crm_id"] = (holder,)
    found = {
        merge.merge_id: merge
        for field, others in alike.items()
        for other in others
        if (merge := propose_between(writing, customer.customer_id, other, SAME[field])).state
        == "proposed"
    }
    return tuple(found.values())
