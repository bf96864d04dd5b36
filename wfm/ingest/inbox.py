"""The inbox: deliveries are stored as they came, and worked afterwards, each exactly once.

What cannot be read, or names what the brand does not have, goes into quarantine with its reason;
nothing else waits for it.

On the live queue's path: no pandas.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wfm.brands import Brand
from wfm.cases import Contact
from wfm.errors import Conflict, DataError, Replayed, TryLater, WfmError
from wfm.ingest.arriving import ERASED
from wfm.ingest.connectors.connector import Connector
from wfm.ingest.connectors.webhook import Webhook
from wfm.ingest.intake import Taken, take_in_within
from wfm.store import deliveries, erasing, sources
from wfm.store.deliveries import Delivery, Incoming
from wfm.store.engine import Store, Writing

log = logging.getLogger("wfm.inbox")

ACTOR = "service:inbox"

# The connectors that read what sources deliver, by the kind of a source.
CONNECTORS: Mapping[str, Connector] = {Webhook.kind: Webhook()}

# A transaction works so many deliveries, and so many bytes of them, unless one alone is larger.
BATCH = 300
BATCH_BYTES = 8 * 2**20


@dataclass(frozen=True)
class Accepted:
    """A delivery that is stored: now, or (`known`) when it came the first time."""

    known: bool


@dataclass(frozen=True)
class Worked:
    """What a turn at the inbox did.

    taken        contacts by what became of them: opened, joined, repeated ...
    quarantined  deliveries set aside, each with its reason
    """

    deliveries: int = 0
    taken: Mapping[str, int] = field(default_factory=dict)
    quarantined: tuple[int, ...] = ()


def accept(store: Store, incoming: Sequence[Incoming]) -> tuple[Accepted | WfmError, ...]:
    """Store deliveries in one transaction; gives what became of each, in the order given.

    They are safe once this returns. The error of one that is not stored: Replayed for the very
    same signed request, Conflict for another body under a known id. StoreBusy is raised, and then
    none is stored.
    """
    with store.writing(ACTOR) as writing:
        outcomes = deliveries.insert_deliveries(writing, incoming)
    return tuple(_answer(one, outcome) for one, outcome in zip(incoming, outcomes, strict=True))


def _answer(one: Incoming, outcome: deliveries.Outcome) -> Accepted | WfmError:
    if outcome == "replayed":
        return Replayed(
            f"the delivery {one.key!r} came before with this very signature; sign a repetition "
            "with the time at which it is sent",
            key=one.key,
        )
    if outcome == "differs":
        return Conflict(
            f"the delivery {one.key!r} came before with another body; give each its own id",
            key=one.key,
        )
    return Accepted(known=outcome == "known")


def work(store: Store, *, brand: Brand, limit: int = BATCH) -> Worked:
    """Work deliveries that wait, the oldest first, up to `limit` of them.

    A delivery is done in the transaction that takes its contacts in. One of which a contact cannot
    be taken in goes into quarantine, its other contacts are taken in. StoreBusy leaves all for
    later.
    """
    with store.reading() as connection:
        if not deliveries.has_new(connection):
            return Worked()
    try:
        with store.writing(ACTOR) as writing:
            batch = deliveries.lock_new(writing, limit=limit, max_bytes=BATCH_BYTES)
            return _work(writing, brand, batch)
    except TryLater:
        raise
    except Exception:
        log.exception("a batch of deliveries could not be worked; each is tried alone")
        return _one_by_one(store, brand, limit)


def _one_by_one(store: Store, brand: Brand, limit: int) -> Worked:
    """Work deliveries each alone; what stops one sets that one aside."""
    with store.writing(ACTOR) as writing:
        waiting = deliveries.lock_new(writing, limit=limit, max_bytes=BATCH_BYTES)
    done = Worked()
    for one in waiting:
        try:
            with store.writing(ACTOR) as writing:
                alone = deliveries.lock_new(
                    writing, limit=1, only=one.delivery_id, max_bytes=BATCH_BYTES
                )
                done = _sum(done, _work(writing, brand, alone))
        except TryLater:
            raise
        except Exception as error:
            log.exception("delivery %s could not be worked", one.delivery_id)
            with store.writing(ACTOR) as writing:
                why = f"it could not be worked: {type(error).__name__}; the service's log says more"
                deliveries.quarantine(writing, one.delivery_id, why)
            done = _sum(done, Worked(quarantined=(one.delivery_id,)))
    return done


def _sum(one: Worked, other: Worked) -> Worked:
    return Worked(
        one.deliveries + other.deliveries,
        Counter(one.taken) + Counter(other.taken),
        (*one.quarantined, *other.quarantined),
    )


def _work(writing: Writing, brand: Brand, batch: Sequence[Delivery]) -> Worked:
    kinds = {one.source: one.kind for one in sources.list_sources(writing.connection)}
    items: list[tuple[Contact, str]] = []
    of_item: list[Delivery] = []
    wrong: dict[int, list[str]] = {}
    for delivery in batch:
        try:
            read = list(_connector_of(kinds, delivery).read(delivery.body, source=delivery.source))
        except WfmError as error:
            wrong[delivery.delivery_id] = [error.message]
            continue
        items += read
        of_item += [delivery] * len(read)
    results = take_in_within(
        writing,
        items,
        brand=brand,
        received_at=[delivery.received_at for delivery in of_item],
        delivery_id=[delivery.delivery_id for delivery in of_item],
    )
    taken: Counter[str] = Counter()
    erased: set[int] = set()
    for (contact, _), delivery, result in zip(items, of_item, results, strict=True):
        if isinstance(result, Taken):
            taken[result.outcome] += 1
            if result.reason == ERASED:
                erased.add(delivery.delivery_id)
        else:
            told = f"message {contact.native_id[:80]!r}: {result.message}"
            wrong.setdefault(delivery.delivery_id, []).append(told)
    for delivery_id, reasons in wrong.items():
        deliveries.quarantine(writing, delivery_id, "; ".join(reasons))
    deliveries.end(writing, {one.delivery_id for one in batch} - wrong.keys())
    # What somebody asked us to forget must not stay here because it was sent once more.
    erasing.erase_deliveries(writing, erased - wrong.keys())
    return Worked(len(batch) - len(wrong), taken, tuple(sorted(wrong)))


def _connector_of(kinds: Mapping[str, str], delivery: Delivery) -> Connector:
    kind = kinds.get(delivery.source, "")
    connector = CONNECTORS.get(kind)
    if connector is None:
        known = ", ".join(sorted(CONNECTORS))
        raise DataError(
            f"source {delivery.source!r} is of kind {kind!r}, which nothing here reads; "
            f"there is {known}",
            source=delivery.source,
            kind=kind,
        )
    return connector
