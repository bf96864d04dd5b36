"""Contacts on their way in: each is taken in exactly once, and opens or joins a case.

On the live queue's path: no pandas.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from wfm.brands import Brand
from wfm.cases import Contact
from wfm.errors import DataError, StoreBusy, WfmError
from wfm.ingest.arriving import Arrival, Outcome, Platforms, Taken
from wfm.ingest.rounds import take_in_round
from wfm.store.engine import Store, Writing
from wfm.triage.classifier import Classifier
from wfm.triage.rules import rules_of

__all__ = ["Outcome", "Taken", "check", "take_in", "take_in_each", "take_in_many", "take_in_within"]

# Widths of the columns; PostgreSQL refuses longer text, SQLite would keep it.
WIDTHS = {"source": 40, "account": 200, "native_id": 200, "author": 200}
PLATFORM_MAX = 20
# Of one message, in characters; far past what any platform takes.
TEXT_MAX = 2**20
SEVERITY_MAX = 100
REVISION_MAX = 2**31 - 1

Item = tuple[Contact, str]
T = TypeVar("T")


def take_in(
    store: Store,
    contact: Contact,
    *,
    brand: Brand,
    actor: str,
    raw_body: str,
    received_at: datetime | None = None,
    classifier: Classifier | None = None,
) -> Taken:
    """Take one contact in; as `take_in_many`."""
    (taken,) = take_in_many(
        store,
        [(contact, raw_body)],
        brand=brand,
        actor=actor,
        received_at=received_at,
        classifier=classifier,
    )
    return taken


def take_in_many(
    store: Store,
    items: Sequence[Item],
    *,
    brand: Brand,
    actor: str,
    received_at: datetime | Sequence[datetime] | None = None,
    delivery_id: int | Sequence[int] | None = None,
    classifier: Classifier | None = None,
) -> tuple[Taken, ...]:
    """Take contacts in exactly once, however often and by how many they are delivered.

    A contact's name is (source, account, native_id, revision). Raw events, authors, cases, clocks
    and messages are written in one transaction: all of it, or nothing.

    - What triage says is our own, spam or a repost is kept raw and counted apart; it opens no case.
      So is the echo of what we have posted.
    - A message opens its author's case or joins it: see `wfm.ingest.conversations.place`.
    - A message heard of before, under a higher revision, is an edit: its text becomes the new one.
      An older revision that comes late is kept raw and changes nothing.
    - A deletion marks the message; a waiting case that has no other left is closed.
    - The clock starts when we receive a contact; `published_at`, which the platform set, is kept
      beside it, and may lie in the future.

    items        each contact with the body it was read from, as it was delivered
    received_at  when we received them: one instant, or one for each; None: now
    delivery_id  the stored delivery they came in, or one for each
    classifier   what says what they are; None: the brand's rules

    Gives what became of each, in the order given. Raises the error of the first that cannot be
    taken in: NotFound for an account or queue that the brand does not have, DataError for a name
    that is empty or too long; StoreBusy when the store is.
    """
    for contact, _ in items:
        check(contact)

    def work(writing: Writing) -> tuple[Taken, ...]:
        done = take_in_within(
            writing,
            items,
            brand=brand,
            received_at=received_at,
            delivery_id=delivery_id,
            classifier=classifier,
        )
        return tuple(_or_raise(one) for one in done)

    return _patiently(store, actor, work) if items else ()


def take_in_each(
    store: Store,
    items: Sequence[Item],
    *,
    brand: Brand,
    actor: str,
    received_at: datetime | Sequence[datetime] | None = None,
    delivery_id: int | Sequence[int] | None = None,
    classifier: Classifier | None = None,
) -> tuple[Taken | WfmError, ...]:
    """As `take_in_many`, but one that cannot be taken in does not stop the others.

    Gives what became of each, in the order given: the error of those not taken in. Raises only
    StoreBusy.
    """
    if not items:
        return ()
    return _patiently(
        store,
        actor,
        lambda writing: take_in_within(
            writing,
            items,
            brand=brand,
            received_at=received_at,
            delivery_id=delivery_id,
            classifier=classifier,
        ),
    )


def take_in_within(
    writing: Writing,
    items: Sequence[Item],
    *,
    brand: Brand,
    received_at: datetime | Sequence[datetime] | None = None,
    delivery_id: int | Sequence[int] | None = None,
    classifier: Classifier | None = None,
) -> tuple[Taken | WfmError, ...]:
    """As `take_in_each`, in a transaction of the caller's."""
    arriving, refused = _arriving(items, received_at, delivery_id)
    done = _take_in_all(writing, brand, classifier or rules_of(brand), arriving)
    return tuple(one for _, one in sorted((done | refused).items()))


def _or_raise(done: Taken | WfmError) -> Taken:
    if isinstance(done, WfmError):
        raise done
    return done


def check(contact: Contact) -> None:
    """DataError, with all faults at once, for a contact that the store cannot hold."""
    # A deletion need not say whose message it was.
    optional = {"author"} if contact.kind == "deletion" else set()
    faults = [
        f"{name} must have 1 to {width} characters, none of them NUL; it is {value[:40]!r}"
        for name, width in WIDTHS.items()
        if not _can_be_kept(value := getattr(contact, name), width)
        and not (name in optional and not value)
    ]
    if contact.platform and not _can_be_kept(contact.platform, PLATFORM_MAX):
        faults.append(f"platform is {contact.platform[:40]!r}; it names a channel, e.g. x")
    if len(contact.text) > TEXT_MAX:
        faults.append(f"text has {len(contact.text):,} characters; {TEXT_MAX:,} are the most")
    if "\0" in contact.text:
        faults.append("text holds a NUL character; send it without")
    if not all(map(_is_plain, (contact.in_reply_to, contact.handle, contact.queue))):
        faults.append(
            "in_reply_to, handle or queue holds a NUL character or half of one; send it without"
        )
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


def _can_be_kept(name: str, width: int) -> bool:
    return 0 < len(name) <= width and _is_plain(name)


def _is_plain(text: str) -> bool:
    """Whether both databases can keep it: no NUL, and no half of a surrogate pair."""
    if text.isascii():
        return "\0" not in text
    return "\0" not in text and not any("\ud800" <= one <= "\udfff" for one in text)


def _arriving(
    items: Sequence[Item],
    received_at: datetime | Sequence[datetime] | None,
    delivery_id: int | Sequence[int] | None,
) -> tuple[list[Arrival], dict[int, Taken | WfmError]]:
    """What can be taken in, and the errors of the others, by their place."""
    instants: Sequence[datetime | None] = (
        [received_at] * len(items)
        if received_at is None or isinstance(received_at, datetime)
        else received_at
    )
    deliveries: Sequence[int | None] = (
        [delivery_id] * len(items)
        if delivery_id is None or isinstance(delivery_id, int)
        else delivery_id
    )
    arriving: list[Arrival] = []
    refused: dict[int, Taken | WfmError] = {}
    rows = zip(items, instants, deliveries, strict=True)
    for index, ((contact, body), at, delivery) in enumerate(rows):
        try:
            check(contact)
        except DataError as error:
            refused[index] = error
        else:
            arriving.append(Arrival.of(index, contact, body, at, delivery))
    return arriving, refused


def _patiently(store: Store, actor: str, work: Callable[[Writing], T]) -> T:
    """Do the work in a transaction, again where others stood in its way, for `store.busy_s`."""
    until = time.monotonic() + store.busy_s
    while True:
        try:
            with store.writing(actor) as writing:
                return work(writing)
        except StoreBusy:
            if time.monotonic() >= until:
                raise


def _take_in_all(
    writing: Writing, brand: Brand, classifier: Classifier, arriving: Sequence[Arrival]
) -> dict[int, Taken | WfmError]:
    platforms = Platforms(brand)
    done: dict[int, Taken | WfmError] = {}
    for batch in _rounds(arriving):
        done |= take_in_round(writing, brand, classifier, platforms, batch)
    return done


def _rounds(arriving: Iterable[Arrival]) -> list[list[Arrival]]:
    """The contacts in rounds, so that all are worked as if they had come one by one.

    In a round no two are about the same message; and no message follows a deletion of its author,
    which may have closed the case that it would join. In a round messages come first.
    """
    rounds: list[list[Arrival]] = []
    of_name: dict[object, int] = {}
    of_author: dict[tuple[str, str], int] = {}
    of_all = 0
    for one in arriving:
        contact = one.contact
        author = (contact.source, contact.author)
        number = max(of_all, of_name.get(one.name, 0), of_author.get(author, 0))
        if contact.kind == "author_deleted" and rounds:
            # It is about all that came before.
            number = max(number, len(rounds) - 1)
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(one)
        of_name[one.name] = number + 1
        if contact.kind in ("message", "edit"):
            of_author[author] = number
        elif contact.author:
            of_author[author] = number + 1
        else:
            of_all = number + 1
    return rounds
