"""Contacts on their way in: each is taken in exactly once and opens or joins a case.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wfm.brands import Brand, Queue
from wfm.casequeue.timing import customer_wrote, joined, opening_clocks
from wfm.cases import Case, Contact
from wfm.errors import DataError, StoreBusy
from wfm.store import cases
from wfm.store.clocks import insert_clocks
from wfm.store.engine import Store, Writing

# Widths of the columns; PostgreSQL refuses longer text, SQLite would keep it.
WIDTHS = {"source": 40, "account": 200, "native_id": 200, "author": 200}
SEVERITY_MAX = 100
REVISION_MAX = 2**31 - 1

# How often a case can be closed or opened by others between our looking and our writing.
ATTEMPTS = 10


@dataclass(frozen=True)
class Taken:
    """What became of a contact.

    opened    it is the first of a new case
    joined    it was added to its author's open case
    repeated  it was taken in before: nothing was changed
    """

    case_id: int
    event_id: int
    outcome: Literal["opened", "joined", "repeated"]


def take_in(store: Store, contact: Contact, *, brand: Brand, actor: str, raw_body: str) -> Taken:
    """Take the contact in exactly once, however often and by how many it is delivered.

    Its name is (source, account, native_id, revision); an edited message has a higher revision and
    is a message of its own. Messages of one author in one queue share one open case:

    - on a case that waits or is held, the earliest deadline stays;
    - on an answered case, the case waits again with a fresh clock.

    A case's severity is the highest of its messages'. The clock starts when we receive the
    message; `published_at`, which the platform set, is kept beside it. The raw event is written
    first, and with everything else in one transaction.

    raw_body  the message as it was delivered, before anything was parsed

    Raises NotFound for a queue that the brand does not have, DataError for a name that is empty
    or too long.
    """
    queue = brand.queue(contact.queue)
    _check(contact)
    with store.writing(actor) as writing:
        event_id = cases.insert_event(writing, contact, raw_body.replace("\0", "\\u0000"))
        if event_id is None:
            event_id, case_id = cases.event_and_case_of(writing.connection, contact)
            return Taken(case_id, event_id, "repeated")
        case_id, outcome = _into_case(writing, brand, queue, contact)
        cases.insert_contact(writing, case_id, event_id, contact)
        return Taken(case_id, event_id, outcome)


def _check(contact: Contact) -> None:
    faults = [
        f"{name} must have 1 to {width} characters, none of them NUL; it is {value[:40]!r}"
        for name, width in WIDTHS.items()
        if not (value := getattr(contact, name)) or len(value) > width or "\0" in value
    ]
    if "\0" in contact.text:
        faults.append("text holds a NUL character; send it without")
    if not 0 <= contact.revision <= REVISION_MAX:
        faults.append(f"revision is {contact.revision}; it counts from 0")
    if not 0 <= contact.severity <= SEVERITY_MAX:
        faults.append(f"severity is {contact.severity}; it lies between 0 and {SEVERITY_MAX}")
    if contact.published_at.tzinfo is None:
        faults.append(f"published_at is {contact.published_at}, without a zone; add Z or an offset")
    if not 2000 <= contact.published_at.year < 2100:
        faults.append(f"published_at is {contact.published_at}; no message is of that year")
    if faults:
        raise DataError("contact: " + "; ".join(faults), faults=faults)


def _into_case(
    writing: Writing, brand: Brand, queue: Queue, contact: Contact
) -> tuple[int, Literal["opened", "joined"]]:
    author_id = cases.author_of(writing, contact, contact.platform or queue.channel)
    reply, resolution = opening_clocks(brand, queue, "basic", writing.at)
    due_at = reply.due_at or writing.at
    for _ in range(ATTEMPTS):
        # Another delivery may open the author's case, or an agent close it, at any moment
        # between these two statements; the unique index decides, and we look again.
        found = cases.lock_open_case(writing, author_id)
        if found is not None:
            _join(writing, brand, found, contact)
            return found.case_id, "joined"
        case_id = cases.insert_case(
            writing,
            contact,
            queue=queue.name,
            author_id=author_id,
            due_at=due_at,
            due_goal=reply.goal,
        )
        if case_id is not None:
            insert_clocks(
                writing,
                [(case_id, queue.name, contact.account, clock) for clock in (reply, resolution)],
            )
            cases.add_event(writing, [case_id], "opened")
            return case_id, "opened"
    raise StoreBusy(
        f"the case of {contact.author!r} in {queue.name} is being opened and closed all the time; "
        "try again in a moment"
    )


def _join(writing: Writing, brand: Brand, case: Case, contact: Contact) -> None:
    changes: dict[str, object] = {
        "contacts": case.contacts + 1,
        "severity": max(case.severity, contact.severity),
    }
    waits_again = case.state in ("answered", "paused")
    if waits_again:
        reply = customer_wrote(writing, brand, case, writing.at)
        changes |= {
            "state": "new",
            "agent_id": None,
            "paused_until": None,
            "received_at": reply.started_at,
            "due_at": reply.due_at,
            "due_goal": reply.goal,
        }
    elif (sooner := joined(writing, brand, case, writing.at)) is not None:
        changes |= {"due_at": sooner.due_at, "due_goal": sooner.goal}
    cases.update_case(writing, case.case_id, changes)
    cases.add_event(writing, [case.case_id], "reopened" if waits_again else "joined")
