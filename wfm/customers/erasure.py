"""Forgetting: an author's data on request, and everybody's once it is old.

What was written, said and called is overwritten; cases, clocks and metrics stay, and messages stay
known by their names, so that one that is delivered again is neither a new case nor kept again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from wfm.errors import StoreBusy
from wfm.store import cases, customers, erasing
from wfm.store.authors import find_author, lock_author
from wfm.store.bulk import IN_LIST, batches
from wfm.store.engine import Store, Writing


@dataclass(frozen=True)
class Erased:
    """How much was overwritten.

    cases       in which something was; each bears an event "erased"
    messages    texts of what the author wrote
    raw_events  messages as they were delivered; deliveries: what they came in
    replies     answers, notices and reasons; notes: tasks, exceptions, reasons of closing
    letters     of the outbox, those not yet sent among them
    names       that the author has borne
    records     of the customer
    """

    cases: int = 0
    messages: int = 0
    raw_events: int = 0
    deliveries: int = 0
    replies: int = 0
    notes: int = 0
    letters: int = 0
    names: int = 0
    records: int = 0

    @property
    def is_nothing(self) -> bool:
        return not any(asdict(self).values())

    def __add__(self, other: Erased) -> Erased:
        theirs = asdict(other)
        return Erased(**{name: n + theirs[name] for name, n in asdict(self).items()})


def erase_author(
    store: Store, author_id: int, *, actor: str, now: datetime | None = None
) -> Erased:
    """Overwrite all that the author wrote, was told and is called; what it was, in numbers.

    The customer's record is emptied with it once none of the customer's authors is left. Doing it
    again overwrites only what came since. Audited without the data. NotFound for an author there
    is not; StoreBusy when the author is being moved to another customer.
    """
    with store.reading() as connection:
        held = find_author(connection, author_id)
        naming = erasing.deliveries_naming(connection, held.native_id)
    with store.writing(actor) as plain:
        writing = plain.on(now)
        if held.customer_id is not None:
            customers.lock_customers(writing, [held.customer_id])
        raw_events, deliveries = erasing.erase_raw_of_author(writing, author_id)
        author = lock_author(writing, author_id)
        if author.customer_id != held.customer_id:
            raise StoreBusy(f"author {author_id} was just linked to another customer; try again")
        of_cases = Erased()
        for batch in batches(erasing.lock_cases_of(writing, author_id), IN_LIST):
            found, more = erasing.erase_raw_of_cases(writing, batch)
            raw_events, deliveries = raw_events + found, deliveries | more
            of_cases += erase_in_cases(writing, batch)
        of_author = Erased(
            raw_events=raw_events,
            deliveries=_deliveries(writing, deliveries.union(naming)),
            names=erasing.erase_names(writing, author_id),
            records=_record(writing, author.customer_id),
        )
        erased = of_cases + of_author
        writing.audit("author.erase", str(author_id), after=asdict(erased))
        return erased


def erase_customer(
    store: Store, customer_id: int, *, actor: str, now: datetime | None = None
) -> Erased:
    """Overwrite the data of all the customer's authors, and the record; what it was, in numbers.

    NotFound for a customer there is not.
    """
    with store.reading() as connection:
        customers.find_customer(connection, customer_id)
        authors = customers.authors_of(connection, customer_id)
    erased = Erased()
    for author in authors:
        erased += erase_author(store, author.author_id, actor=actor, now=now)
    with store.writing(actor) as plain:
        writing = plain.on(now)
        customers.lock_customers(writing, [customer_id])
        erased += Erased(records=_record(writing, customer_id))
        writing.audit("customer.erase", str(customer_id), after={"authors": len(authors)})
    return erased


def erase_in_cases(writing: Writing, case_ids: list[int]) -> Erased:
    """Overwrite what was written and said in cases that are locked; not the raw events."""
    messages = erasing.erase_messages(writing, case_ids)
    replies = erasing.erase_replies(writing, case_ids)
    touched = sorted({*messages, *replies})
    notes = erasing.erase_notes(writing, case_ids)
    letters = erasing.erase_letters(writing, case_ids)
    if touched:
        cases.add_event(writing, touched, "erased", agent_ids=[None] * len(touched))
    return Erased(
        cases=len(touched),
        messages=len(messages),
        replies=len(replies),
        notes=notes,
        letters=letters,
    )


def _deliveries(writing: Writing, delivery_ids: set[int]) -> int:
    return sum(
        erasing.erase_deliveries(writing, batch) for batch in batches(sorted(delivery_ids), IN_LIST)
    )


def _record(writing: Writing, customer_id: int | None) -> int:
    """Empty the customer's record, and those merged into it, unless an author of theirs is left."""
    if customer_id is None:
        return 0
    authors = customers.authors_of(writing.connection, customer_id)
    if any(author.erased_at is None for author in authors):
        return 0
    merged = customers.records_merged_into(writing.connection, customer_id)
    return erasing.erase_records(writing, [customer_id, *(one.customer_id for one in merged)])
