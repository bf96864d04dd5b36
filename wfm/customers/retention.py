"""Keeping what customers wrote no longer than the brand says.

Days count from the end of the case: what is still being talked about is not taken away. What opened
no case counts from the day it came.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from wfm.brands import Brand
from wfm.customers.erasure import Erased, erase_in_cases
from wfm.store import erasing, queueevents
from wfm.store.bulk import batches
from wfm.store.engine import Store, Writing

ACTOR = "service:retention"
RETIRED = "retention.done"

# A transaction's worth: others can write in between.
BATCH = 500

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)

# When and which, oldest first; and overwriting those.
Find = Callable[..., tuple[tuple[datetime, int], ...]]
Erase = Callable[[Writing, Sequence[int]], Erased]


@dataclass(frozen=True)
class Retired:
    """What has been overwritten for its age.

    is_more  whether there is more, beyond the limit; call again
    """

    erased: Erased
    is_more: bool


def retire(
    store: Store, *, brand: Brand, now: datetime | None = None, limit: int = 5_000
) -> Retired:
    """Overwrite what is older than the brand's retention allows; at most `limit` of each kind.

    messages_days  texts, replies and notes of cases that ended so long ago
    raw_days       messages as they were delivered: those of such cases, and those of that age that
                   opened none

    It goes on where it ended last time, so that what was done is not looked at again.
    """
    at = now or store.clock.now()
    kept = brand.care.retention
    progress = _Progress(store, at, limit)
    erased = Erased()
    if kept.messages_days is not None:
        erased += progress.messages(at - timedelta(days=kept.messages_days))
    if kept.raw_days is not None:
        erased += progress.raw(at - timedelta(days=kept.raw_days))
    return Retired(erased, progress.is_more)


class _Progress:
    """Goes through one kind after the other, and keeps how far it has come."""

    def __init__(self, store: Store, at: datetime, limit: int) -> None:
        self._store, self._at, self._limit = store, at, limit
        self.is_more = False
        with store.reading() as connection:
            latest = queueevents.latest(connection, RETIRED)
        self._marks: dict[str, Any] = dict(latest.body) if latest is not None else {}

    def messages(self, before: datetime) -> Erased:
        return self._each("messages", before, erasing.closed_before, _messages)

    def raw(self, before: datetime) -> Erased:
        return (
            self._each("raw", before, erasing.closed_before, _raw)
            + self._each("left_out", before, erasing.left_out_before, _left_out)
            + self._each("deliveries", before, erasing.worked_before, _deliveries)
        )

    def _each(self, kind: str, before: datetime, find: Find, erase: Erase) -> Erased:
        """Erase what `find` gives, in batches, from where it ended last time."""
        at, number = self._marks.get(kind, (_FIRST.isoformat(), 0))
        after = (datetime.fromisoformat(at), number)
        with self._store.reading() as connection:
            due = find(connection, before, after=after, limit=self._limit)
        erased = Erased()
        for batch in batches(due, BATCH):
            with self._store.writing(ACTOR) as plain:
                writing = plain.on(self._at)
                erased += erase(writing, [number for _, number in batch])
                last_at, last = batch[-1]
                self._marks[kind] = [last_at.isoformat(), last]
                queueevents.add(writing, RETIRED, body=self._marks)
        self.is_more |= len(due) == self._limit
        return erased


def _messages(writing: Writing, case_ids: Sequence[int]) -> Erased:
    # Reopened since, a case is talked about again, and counts from its next end.
    return erase_in_cases(writing, list(erasing.lock_closed(writing, case_ids)))


def _raw(writing: Writing, case_ids: Sequence[int]) -> Erased:
    bodies, brought_by = erasing.erase_raw_of_cases(writing, erasing.lock_closed(writing, case_ids))
    return Erased(raw_events=bodies, deliveries=erasing.erase_deliveries(writing, brought_by))


def _left_out(writing: Writing, event_ids: Sequence[int]) -> Erased:
    return Erased(raw_events=erasing.erase_raw_events(writing, event_ids))


def _deliveries(writing: Writing, delivery_ids: Sequence[int]) -> Erased:
    return Erased(deliveries=erasing.erase_deliveries(writing, delivery_ids))
