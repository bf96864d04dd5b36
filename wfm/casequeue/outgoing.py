"""What goes out: replies by the way their case came in, events to those who asked for them.

Everything is written into the outbox first, in the transaction that decides it, and delivered
afterwards: at least once, signed as what comes in is, in the order of its case, and again after a
while when its receiver does not take it.

On the live queue's path: standard library and SQLAlchemy only.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from zlib import crc32

from wfm.casequeue.sending import Sent, http_send
from wfm.cases import Case
from wfm.errors import WfmError
from wfm.store import outbox, queueevents, sources
from wfm.store.engine import Store, Writing
from wfm.store.outbox import Letter
from wfm.store.sources import Source

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger("wfm.outbox")

# After how many deliveries in vain a letter is given up and shown: some two and a half hours.
TRIES = 12
FIRST_WAIT_S = 5
LONGEST_WAIT_S = 3600

# How long a letter that is being delivered is nobody else's. One target's letters go one after the
# other for at most half of it, so that a slow receiver is not served twice at once.
HOLD = timedelta(seconds=120)
AT_ONCE = 8

ACTOR = "service:outbox"
CRM = "crm"

Send = Callable[[Source, Letter], Sent]
# Writes an activity down in the CRM, once a key; raises what it cannot do.
Record = Callable[[Mapping[str, Any], str], None]


def reply_out(
    writing: Writing,
    case: Case,
    text: str,
    *,
    kind: Literal["reply", "acknowledgement", "notice"],
    key: str,
) -> int | None:
    """Send the text to the case's customer by the source and account that the case came in by.

    None where that source takes no replies from us (unknown, disabled or without a callback): then
    whoever asked delivers it; and where a letter of the same key was written before.

    key  names the letter for good, e.g. "case:7:event:31"
    """
    source = _takers(writing.connection).get(case.source)
    if source is None:
        return None
    to = outbox.addressee_of(writing.connection, case.case_id)
    body = {
        "account": case.account,
        "queue": case.queue,
        "platform": to.platform,
        "author": to.author,
        "handle": to.handle,
        "in_reply_to": to.in_reply_to,
        "agent_id": case.agent_id if kind == "reply" else None,
        "text": text,
    }
    return outbox.put(
        writing, kind=kind, target=source.source, key=key, body=body, case_id=case.case_id
    )


def _takers(connection: Connection) -> dict[str, Source]:
    """The sources that take what goes out, by name."""
    return {
        source.source: source
        for source in sources.list_sources(connection)
        if source.callback_url and source.disabled_at is None
    }


# -- delivering ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Delivered:
    """What one round of deliveries has done, in letters.

    failed  will be tried again; dead: given up, and shown
    """

    sent: int = 0
    failed: int = 0
    dead: int = 0

    @property
    def tried(self) -> int:
        return self.sent + self.failed + self.dead


def deliver(
    store: Store,
    *,
    now: datetime | None = None,
    limit: int = 50,
    send: Send = http_send,
    record: Record | None = None,
) -> Delivered:
    """Deliver up to `limit` letters whose time has come; call again while any were tried.

    now     the store's clock by default
    send    hands a letter to a source
    record  hands an activity to the CRM; None: those letters wait

    A letter that is not taken is tried again after 5 s, doubling to an hour, and given up after
    `TRIES` times: an event "outbox.dead" says so. When a receiver cannot be reached at all, its
    other letters wait with the one that was tried. Any number may do this at once.
    """
    at = now or store.clock.now()
    with store.reading() as connection:
        targets = _takers(connection)
        names = [*targets, *([CRM] if record is not None else [])]
        if not outbox.has_due(connection, at, targets=names):
            return Delivered()
    with store.writing(ACTOR) as writing:
        letters = outbox.take_due(replace(writing, at=at), targets=names, limit=limit, hold=HOLD)
    if not letters:
        return Delivered()

    def hand_over(letter: Letter) -> Sent:
        if letter.target == CRM:
            return _recorded(record, letter)
        return send(targets[letter.target], letter)

    by_target: dict[str, list[Letter]] = {}
    for letter in letters:
        by_target.setdefault(letter.target, []).append(letter)
    with ThreadPoolExecutor(min(AT_ONCE, len(by_target))) as pool:
        rounds = list(pool.map(lambda group: _one_by_one(group, hand_over), by_target.values()))
    with store.writing(ACTOR) as writing:
        done = now or store.clock.now()
        return _note(replace(writing, at=done), [pair for told in rounds for pair in told])


def _one_by_one(
    letters: Sequence[Letter], hand_over: Callable[[Letter], Sent]
) -> list[tuple[Letter, Sent]]:
    """What became of one target's letters; None is tried after one that reached nobody."""
    told: list[tuple[Letter, Sent]] = []
    begun = time.monotonic()
    for letter in letters:
        if told and not told[-1][1].reached:
            sent = replace(told[-1][1], tried=False)
        elif time.monotonic() - begun > HOLD.total_seconds() / 2:
            sent = Sent(error="its receiver is slow; it waits for the next round", tried=False)
        else:
            try:
                sent = hand_over(letter)
            except Exception:
                # One letter that we cannot even write must not hold up or repeat the others.
                log.exception("letter %s to %s", letter.outbox_id, letter.target)
                sent = Sent(error="it could not be written; the service's log says why")
        told.append((letter, sent))
    return told


def _note(writing: Writing, told: Sequence[tuple[Letter, Sent]]) -> Delivered:
    counts = {"sent": 0, "failed": 0, "dead": 0}
    for letter, sent in sorted(told, key=lambda pair: pair[0].outbox_id):
        if sent.error is None:
            outbox.mark_sent(writing, letter, sent.native_id)
            counts["sent"] += 1
            continue
        given_up = sent.tried and letter.attempts >= TRIES
        wait = timedelta(seconds=max(backoff_s(letter.attempts, letter.key), sent.retry_after_s))
        still_ours = outbox.mark_failed(
            writing,
            letter,
            sent.error,
            next_at=None if given_up else writing.at + wait,
            counts=sent.tried,
        )
        counts["dead" if given_up else "failed"] += 1
        # A dead event is not told by another event, which would go the same way.
        if given_up and still_ours and letter.kind != "event":
            queueevents.add(
                writing,
                "outbox.dead",
                body={
                    "outbox_id": letter.outbox_id,
                    "kind": letter.kind,
                    "target": letter.target,
                    "case_id": letter.case_id,
                    "error": sent.error,
                },
            )
    return Delivered(**counts)


def backoff_s(attempts: int, key: str) -> float:
    """Seconds until the next try after `attempts` in vain, a quarter more or less by its key.

    The spread keeps letters that failed together from coming back together; it is the same each
    time, so that nothing here is left to chance.

    >>> [round(backoff_s(n, "case:7:event:31")) for n in (1, 2, 3, 12)]
    [5, 12, 21, 4111]
    """
    wait = min(FIRST_WAIT_S << (attempts - 1), LONGEST_WAIT_S)
    return wait * (0.75 + 0.5 * crc32(f"{key} {attempts}".encode()) / 2**32)


def _recorded(record: Record | None, letter: Letter) -> Sent:
    assert record is not None, "activities are taken only where there is a CRM"
    try:
        record(letter.body, letter.key)
    except OSError as error:
        return Sent(error=f"the CRM could not be reached: {error}"[:500], reached=False)
    except WfmError as error:
        return Sent(error=error.message[:500])
    return Sent()
