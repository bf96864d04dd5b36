"""Messages find their conversation: each opens a case, joins its author's, or reopens one.

One open case an author, whatever the queue. Many messages at once, with a few statements for all.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from wfm.brands import Brand
from wfm.casequeue import timing
from wfm.cases import Case, Contact
from wfm.clocks import Clock, start_reply
from wfm.errors import StoreBusy
from wfm.ingest.handling import Handling, handle_with, handling_of
from wfm.store import arrivals, cases
from wfm.store.cases import EventKind
from wfm.store.clocks import insert_clocks
from wfm.store.engine import Writing
from wfm.triage.classifier import Triaged

# How often a case can be closed or opened by others between our looking and our writing.
ATTEMPTS = 10

Placed = tuple[int, Literal["opened", "joined"]]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a customer on its way into a case.

    replied_to  the case of the post that it answers, whosever that is
    """

    event_id: int
    contact: Contact
    author_id: int
    triaged: Triaged
    received_at: datetime
    replied_to: int | None = None


ByAuthor = Mapping[int, Sequence[Message]]


def place(writing: Writing, brand: Brand, messages: Sequence[Message]) -> dict[int, Placed]:
    """Put every message into a case; gives the case of each and how it came there, by event id.

    - on a case that waits or is held, the earliest deadline stays;
    - on an answered or paused case, the case waits again with a clock of its own;
    - an answer to what was said in a case of the same author that was closed not longer than
      `care.reopen_s` ago reopens that one, unless the author has another open;
    - what was merged goes on in the case it was merged into, while that is open.

    StoreBusy where a case is opened and closed by others all the time.
    """
    left: dict[int, list[Message]] = {}
    for message in messages:
        left.setdefault(message.author_id, []).append(message)
    placed: dict[int, Placed] = {}
    for _ in range(ATTEMPTS):
        # Others may open an author's case, or close it, at any moment between these statements;
        # the locks and the unique index decide, and we look again.
        targets = _lock_targets(writing, brand, left)
        _join(writing, brand, targets, left)
        opened = _open(writing, brand, {a: left[a] for a in left if a not in targets})
        for author, case in targets.items():
            placed |= {m.event_id: (case.case_id, "joined") for m in left.pop(author)}
        for author, case_id in opened.items():
            first, *others = left.pop(author)
            placed[first.event_id] = (case_id, "opened")
            placed |= {m.event_id: (case_id, "joined") for m in others}
        if not left:
            _keep(writing, messages, placed)
            return placed
    raise StoreBusy(
        f"the cases of {len(left)} authors are being opened and closed all the time; "
        "try again in a moment"
    )


def _keep(writing: Writing, messages: Sequence[Message], placed: Mapping[int, Placed]) -> None:
    arrivals.insert_contacts(
        writing,
        [
            {
                "event_id": message.event_id,
                "case_id": placed[message.event_id][0],
                "author": message.contact.author,
                "text": message.contact.text,
                "published_at": message.contact.published_at,
                "received_at": message.received_at,
            }
            for message in messages
        ],
    )


# -- a case that is there ------------------------------------------------------------------------


def _lock_targets(writing: Writing, brand: Brand, of_author: ByAuthor) -> dict[int, Case]:
    """The case that each author's messages go to, locked; none for who needs a new one."""
    open_ids = arrivals.open_cases_of(writing.connection, of_author.keys())
    replied_ids = {
        author: message.replied_to
        for author, messages in of_author.items()
        if author not in open_ids
        for message in messages
        if message.replied_to is not None
    }
    locked = arrivals.lock_cases(writing, [*open_ids.values(), *replied_ids.values()])
    targets: dict[int, Case] = {}
    for author, messages in of_author.items():
        if author in open_ids:
            case = locked[open_ids[author]]
            if case.state != "closed":
                targets[author] = case
        elif author in replied_ids:
            closed = locked.get(replied_ids[author])
            if closed is not None and _may_reopen(brand, closed, messages[0]):
                targets[author] = closed
    return targets


def _may_reopen(brand: Brand, case: Case, message: Message) -> bool:
    """Whether the message goes on with the closed case: it is the author's own and not long ago."""
    return (
        case.author_id == message.author_id
        and case.merged_into is None
        and case.closed_at is not None
        and message.received_at <= case.closed_at + timedelta(seconds=brand.care.reopen_s)
    )


def _join(writing: Writing, brand: Brand, targets: Mapping[int, Case], of_author: ByAuthor) -> None:
    """Add messages to cases that are locked."""
    joining: dict[int, list[Message]] = {}
    for author, case in targets.items():
        joining.setdefault(case.case_id, []).extend(of_author[author])
    changes: dict[int, Row] = {}
    events: list[tuple[int, EventKind, str | None]] = []
    locked = {case.case_id: case for case in targets.values()}
    for case_id, messages in joining.items():
        case = locked[case_id]
        first: EventKind = "joined"
        change: Row = {}
        if case.state not in ("new", "assigned"):
            first = "reopened"
            change = _waiting_again(writing, brand, case, messages[0].received_at)
        elif (at := _hurry(brand, case.queue, case.due_at, messages)) is not None:
            change = _brought_forward(writing, brand, case, at)
        asked = handling_of(brand, [message.triaged for message in messages])
        change |= handle_with(writing, brand, case, asked)
        changes[case_id] = {"contacts": case.contacts + len(messages), **change}
        events += _told(case_id, first, messages)
    arrivals.update_cases(writing, changes)
    arrivals.add_events(writing, events)


def _told(
    case_id: int, first: EventKind, messages: Sequence[Message]
) -> list[tuple[int, EventKind, str | None]]:
    """The event of each message, with the reason of its handling where there is one."""
    return [
        (case_id, "joined" if number else first, message.triaged.reason or None)
        for number, message in enumerate(messages)
    ]


def _waiting_again(writing: Writing, brand: Brand, case: Case, received_at: datetime) -> Row:
    """The customer of an answered, paused or closed case has written: what becomes of it."""
    # A message that came just before the answer, and is only worked now, waits from that on.
    ended = [at for at in (case.answered_at, case.closed_at) if at is not None]
    reply = timing.customer_wrote(writing, brand, case, max([received_at, *ended]))
    return {"state": "new", **timing.WAITS_AFRESH, **timing.mirrored(reply)}


def _hurry(
    brand: Brand, queue_name: str, due_at: datetime, messages: Sequence[Message]
) -> datetime | None:
    """When the message came that is due before `due_at`, if one is.

    That is so only where the first came while the queue was shut, and another after it opened.
    """
    queue = brand.queue(queue_name)
    for at in dict.fromkeys(message.received_at for message in messages):
        fresh = start_reply(queue.window, queue.promise.threshold_s, queue.opening_goal, at)
        if fresh.due_at is not None and fresh.due_at < due_at:
            return at
    return None


def _brought_forward(writing: Writing, brand: Brand, case: Case, at: datetime) -> Row:
    sooner = timing.joined(writing, brand, case, at)
    return {} if sooner is None else {"due_at": sooner.due_at, "due_goal": sooner.goal}


# -- a new case ----------------------------------------------------------------------------------


def _open(writing: Writing, brand: Brand, of_author: ByAuthor) -> dict[int, int]:
    """Open a case for each author, by author; none where others were faster."""
    ways = {
        author: handling_of(brand, [message.triaged for message in messages])
        for author, messages in of_author.items()
    }
    clocks = _opening_clocks(brand, of_author, ways)
    rows = {
        author: _new_case(messages, ways[author], clocks[author][0])
        for author, messages in of_author.items()
    }
    opened = arrivals.insert_cases(writing, list(rows.values()))
    insert_clocks(
        writing,
        [
            (case_id, ways[author].queue, of_author[author][0].contact.account, clock)
            for author, case_id in opened.items()
            for clock in clocks[author]
        ],
    )
    arrivals.add_events(
        writing,
        [
            event
            for author, case_id in opened.items()
            for event in _told(case_id, "opened", of_author[author])
        ],
    )
    for author, case_id in opened.items():
        row, others = rows[author], of_author[author][1:]
        if others and (at := _hurry(brand, row["queue"], row["due_at"], others)) is not None:
            case = cases.lock_case(writing, case_id)
            change = _brought_forward(writing, brand, case, at)
            arrivals.update_cases(writing, {case_id: change})
    return opened


def _opening_clocks(
    brand: Brand, of_author: ByAuthor, ways: Mapping[int, Handling]
) -> dict[int, tuple[Clock, Clock]]:
    """The first two clocks of each author's case; those that start alike are reckoned once."""
    alike: dict[tuple[str, str, datetime], tuple[Clock, Clock]] = {}
    clocks: dict[int, tuple[Clock, Clock]] = {}
    for author, messages in of_author.items():
        way, at = ways[author], messages[0].received_at
        key = (way.queue, way.complexity, at)
        if key not in alike:
            alike[key] = timing.opening_clocks(brand, brand.queue(way.queue), way.complexity, at)
        clocks[author] = alike[key]
    return clocks


def _new_case(messages: Sequence[Message], way: Handling, reply: Clock) -> Row:
    first = messages[0]
    return {
        "queue": way.queue,
        "author": first.contact.author,
        "author_id": first.author_id,
        "source": first.contact.source,
        "account": first.contact.account,
        "severity": way.severity,
        "received_at": first.received_at,
        "due_at": reply.due_at or first.received_at,
        "due_goal": reply.goal,
        "contacts": len(messages),
        "opened_at": first.received_at,
        "complexity": way.complexity,
        "needs_level": way.needs_level,
        "flags": list(way.flags),
    }
