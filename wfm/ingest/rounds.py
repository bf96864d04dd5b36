"""A round of intake: many contacts, no two about the same message, in one transaction.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from wfm.brands import Brand
from wfm.care import AuthorFacts
from wfm.cases import Contact
from wfm.errors import NotFound, WfmError
from wfm.ingest import revisions
from wfm.ingest.arriving import ERASED, Arrival, Outcome, Platforms, Taken
from wfm.ingest.conversations import Message, place
from wfm.ingest.revisions import Edit
from wfm.store import arrivals
from wfm.store.arrivals import History, Name
from wfm.store.authors import keep_authors, known_authors
from wfm.store.engine import Writing
from wfm.triage.classifier import Classifier, Triaged

REASON_MAX = 200

Way = Literal["message", "left_out", "edit", "deletion", "goodbye", "late"]

_LATE = "a later revision of it is here already"
_GONE = "it was deleted before it reached us"
_ECHO = "it is the echo of what we posted ourselves"


@dataclass(frozen=True, slots=True)
class _Sorted:
    """A contact that was not taken in before: what it is, and what is done with it.

    triaged     None where it does not matter: for what is deleted or too late
    replied_to  the case of the post that it answers
    """

    arrival: Arrival
    way: Way
    author_id: int | None
    history: History
    triaged: Triaged | None = None
    reason: str = ""
    replied_to: int | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known already of messages and of what they answer.

    posted  the case of what we posted ourselves, by source and native id
    """

    histories: Mapping[Name, History]
    posted: Mapping[tuple[str, str], int | None]


def take_in_round(
    writing: Writing,
    brand: Brand,
    classifier: Classifier,
    platforms: Platforms,
    arriving: Sequence[Arrival],
) -> dict[int, Taken | WfmError]:
    """Take in contacts of which no two are about the same message; what became of each, by index.

    One that triage cannot place gives its error, and nothing of it is written.
    """
    done: dict[int, Taken | WfmError] = {}
    new, histories = _unheard(writing, arriving, done)
    authors = _authors(writing, platforms, new, histories, done)
    if writing.connection.dialect.name == "postgresql" and authors:
        arrivals.lock_authors(writing, {author_id for author_id, _ in authors.values()})
        # Others may have been taking in what the same authors wrote until now.
        new, histories = _unheard(writing, new, done)
    posted = arrivals.posts_of_ours(writing.connection, _names(new))
    is_sorted = _sort(classifier, new, Heard(histories, posted), authors, done)
    ids = arrivals.insert_events(writing, [_raw_event(writing, one) for one in is_sorted])
    lost: list[Arrival] = []
    by_way: dict[Way, list[tuple[int, _Sorted]]] = {}
    for one in is_sorted:
        event_id = ids.get((*one.arrival.name, one.arrival.revision))
        if event_id is None:
            lost.append(one.arrival)
        else:
            by_way.setdefault(one.way, []).append((event_id, one))
    # Where others were faster after all, what they wrote is there by now.
    _unheard(writing, lost, done)
    _lock_cases(writing, by_way)
    done |= _placed(writing, brand, by_way.get("message", ()))
    done |= _edited(writing, brand, by_way.get("edit", ()))
    done |= _deleted(writing, brand, by_way.get("deletion", ()))
    done |= _gone(writing, brand, by_way.get("goodbye", ()))
    for event_id, one in (*by_way.get("left_out", ()), *by_way.get("late", ())):
        outcome: Outcome = "left_out" if one.history.case_id is None else "repeated"
        case_id = one.history.case_id
        done[one.arrival.index] = Taken(event_id, case_id, outcome, one.reason)
    return done


def _lock_cases(writing: Writing, by_way: Mapping[Way, Sequence[tuple[int, _Sorted]]]) -> None:
    """Lock the cases of all that is written and changed at once, so that none are out of order.

    On SQLite a write transaction is alone anyway.
    """
    changed = {
        one.history.case_id
        for _, one in (*by_way.get("edit", ()), *by_way.get("deletion", ()))
        if one.history.case_id is not None
    }
    if writing.connection.dialect.name != "postgresql" or not changed:
        return
    writers = {one.author_id for _, one in by_way.get("message", ()) if one.author_id is not None}
    joined = arrivals.open_cases_of(writing.connection, writers)
    arrivals.lock_cases(writing, changed.union(joined.values()))


def _unheard(
    writing: Writing, arriving: Sequence[Arrival], done: dict[int, Taken | WfmError]
) -> tuple[list[Arrival], dict[Name, History]]:
    """What was not taken in before, and what is known of it and of what it answers."""
    wanted = [one for one in arriving if one.index not in done]
    histories = arrivals.histories(writing.connection, _names(wanted))
    new: list[Arrival] = []
    for one in wanted:
        history = histories.get(one.name)
        if history is not None and one.revision in history.revisions:
            event_id = history.revisions[one.revision]
            reason = ERASED if history.is_erased else ""
            done[one.index] = Taken(event_id, history.case_id, "repeated", reason)
        else:
            new.append(one)
    return new, histories


def _names(arriving: Iterable[Arrival]) -> Iterator[Name]:
    for one in arriving:
        yield one.name
        if one.contact.in_reply_to:
            yield (one.contact.source, one.contact.account, one.contact.in_reply_to)


def _authors(
    writing: Writing,
    platforms: Platforms,
    new: Sequence[Arrival],
    histories: Mapping[Name, History],
    done: dict[int, Taken | WfmError],
) -> dict[int, tuple[int, AuthorFacts]]:
    """Who wrote each of these, by index; authors of messages are kept when first seen."""
    keys: dict[int, tuple[str, str]] = {}
    writers: list[tuple[Contact, str]] = []
    for one in new:
        if one.contact.kind == "deletion":
            continue  # it may not even say whose message it was
        try:
            platform = platforms.of(one.contact)
        except NotFound as error:
            done[one.index] = error
            continue
        keys[one.index] = (platform, one.contact.author)
        erased = (history := histories.get(one.name)) is not None and history.is_erased
        if one.contact.kind != "author_deleted" and not erased:
            writers.append((one.contact, platform))
    found = keep_authors(writing, writers)
    found |= known_authors(writing.connection, keys.values() - found.keys())
    return {index: found[key] for index, key in keys.items() if key in found}


def _sort(
    classifier: Classifier,
    new: Sequence[Arrival],
    heard: Heard,
    authors: Mapping[int, tuple[int, AuthorFacts]],
    done: dict[int, Taken | WfmError],
) -> list[_Sorted]:
    """What each is and what is done with it; those that triage cannot place go to `done`."""
    found: list[_Sorted] = []
    for one in new:
        if one.index in done:
            continue
        history = heard.histories.get(one.name, History())
        author_id, facts = authors.get(one.index, (history.author_id, AuthorFacts()))
        contact = one.contact
        plain = _Sorted(one, "late", author_id, history)
        if contact.kind == "deletion":
            found.append(replace(plain, way="deletion", reason=ERASED if history.is_erased else ""))
        elif contact.kind == "author_deleted":
            found.append(replace(plain, way="goodbye"))
        elif history.is_erased:
            found.append(replace(plain, reason=ERASED))
        elif history.is_deleted:
            found.append(replace(plain, reason=_GONE))
        elif one.revision < history.latest:
            found.append(replace(plain, reason=_LATE))
        elif (contact.source, contact.native_id) in heard.posted:
            triaged = Triaged("own", contact.queue, reason=_ECHO)
            found.append(replace(plain, way="left_out", triaged=triaged, reason=_ECHO))
        else:
            try:
                triaged = classifier.classify(contact, facts)
            except NotFound as error:
                done[one.index] = error
                continue
            found.append(_way_of(plain, triaged, _replied_to(contact, heard)))
    return found


def _way_of(plain: _Sorted, triaged: Triaged, replied_to: int | None) -> _Sorted:
    if plain.history.contact_id is not None:
        return replace(plain, way="edit", triaged=triaged)
    if triaged.sort == "case":
        return replace(plain, way="message", triaged=triaged, replied_to=replied_to)
    return replace(plain, way="left_out", triaged=triaged, reason=triaged.reason)


def _replied_to(contact: Contact, heard: Heard) -> int | None:
    """The case in which the post was said that the contact answers."""
    if not contact.in_reply_to:
        return None
    ours = heard.posted.get((contact.source, contact.in_reply_to))
    theirs = heard.histories.get((contact.source, contact.account, contact.in_reply_to))
    return ours if ours is not None or theirs is None else theirs.case_id


def _raw_event(writing: Writing, one: _Sorted) -> dict[str, Any]:
    contact, triaged = one.arrival.contact, one.triaged
    kind = "deletion" if contact.kind == "author_deleted" else contact.kind
    return {
        "source": contact.source,
        "account": contact.account,
        "native_id": contact.native_id,
        "revision": one.arrival.revision,
        "received_at": one.arrival.received_at or writing.at,
        "body": "" if one.history.is_erased else one.arrival.body,
        "kind": triaged.sort if triaged is not None and one.way == "left_out" else kind,
        "queue": None if triaged is None else triaged.queue or None,
        "author_id": one.author_id,
        "delivery_id": one.arrival.delivery_id,
        "reason": one.reason[:REASON_MAX] or None,
    }


# -- what is done with each ----------------------------------------------------------------------

Rows = Sequence[tuple[int, _Sorted]]
Done = dict[int, Taken | WfmError]


def _placed(writing: Writing, brand: Brand, rows: Rows) -> Done:
    if not rows:
        return {}
    messages = [
        Message(
            event_id,
            one.arrival.contact,
            one.author_id,
            one.triaged,
            one.arrival.received_at or writing.at,
            one.replied_to,
        )
        for event_id, one in rows
        if one.author_id is not None and one.triaged is not None
    ]
    placed = place(writing, brand, messages)
    return {one.arrival.index: Taken(event_id, *placed[event_id]) for event_id, one in rows}


def _edited(writing: Writing, brand: Brand, rows: Rows) -> Done:
    revisions.edit(
        writing,
        brand,
        [
            Edit(
                one.history.contact_id,
                one.history.case_id,
                one.arrival.contact.text,
                one.triaged,
                one.arrival.received_at or writing.at,
            )
            for _, one in rows
            if one.history.contact_id is not None
            and one.history.case_id is not None
            and one.triaged is not None
        ],
    )
    return {
        one.arrival.index: Taken(event_id, one.history.case_id, "edited") for event_id, one in rows
    }


def _deleted(writing: Writing, brand: Brand, rows: Rows) -> Done:
    revisions.delete(
        writing,
        brand,
        {
            one.history.contact_id: (one.history.case_id, one.arrival.received_at or writing.at)
            for _, one in rows
            if one.history.contact_id is not None and one.history.case_id is not None
        },
    )
    return {
        one.arrival.index: Taken(event_id, one.history.case_id, "deleted", one.reason)
        for event_id, one in rows
    }


def _gone(writing: Writing, brand: Brand, rows: Rows) -> Done:
    leaving = {
        one.author_id: one.arrival.received_at or writing.at
        for _, one in rows
        if one.author_id is not None
    }
    revisions.delete_authors(writing, brand, leaving)
    return {one.arrival.index: Taken(event_id, None, "deleted") for event_id, one in rows}
