"""Promises that come to their warning or run out while a case waits: each told once, with why.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from wfm.brands import Brand
from wfm.calendars import add_open_seconds, last_open
from wfm.casequeue.causes import causes_of, clock_text
from wfm.cases import Case
from wfm.metrics import rollups
from wfm.store import casemoves, clocks
from wfm.store.cases import EventKind
from wfm.store.clocks import CaseClock, DueUntil
from wfm.store.engine import Store, Writing

ACTOR = "service:queue"


@dataclass(frozen=True)
class Watched:
    """The cases that were warned of, and those of which a promise had run out, by id."""

    warned: tuple[int, ...] = ()
    breached: tuple[int, ...] = ()


def watch(store: Store, *, brand: Brand, now: datetime | None = None, limit: int = 1000) -> Watched:
    """Write down which running clocks have come to their warning or have run out since.

    Each is an event of its case, once, and names the clock, its threshold and the cause. At most
    `limit` of each kind a call, the first due first; call again while that many are given.
    """
    at = now or store.clock.now()
    # What is due when the queue shuts has not run out until it is open again and time passes.
    due_before = {queue.name: last_open(queue.window, at) for queue in brand.queues}
    due_until = _warnings_until(brand, at)
    with store.reading() as connection:
        late = clocks.run_out(connection, due_before, limit=limit)
        warned = clocks.to_warn(connection, due_until, limit=limit)
        if not late and not warned:
            return Watched()
    with store.writing(ACTOR) as plain:
        writing = replace(plain, at=at)
        found = casemoves.lock_cases(writing, {held.case_id for held in (*late, *warned)})
        # Under the locks once more: what was answered meanwhile was told by the answer.
        late = clocks.note_breaches(writing, [held.clock_id for held in late], due_before)
        warned = clocks.note_warnings(writing, [held.clock_id for held in warned], due_until)
        tell(writing, brand, "breached", found, late)
        tell(writing, brand, "warned", found, warned)
        rollups.changed(writing, brand, *(held.clock.started_at for held in late))
    return Watched(
        warned=tuple(sorted({held.case_id for held in warned})),
        breached=tuple(sorted({held.case_id for held in late})),
    )


def _warnings_until(brand: Brand, at: datetime) -> DueUntil:
    """Until when a clock must be due to have come to its warning.

    It has when no more than the rest of its threshold is left open until it is due.
    """
    return {
        (queue.name, target.threshold_s, target.warn_s): add_open_seconds(
            queue.window, at, target.threshold_s - target.warn_s
        )
        for queue in brand.queues
        for target in (brand.care.basic, brand.care.complaint)
    }


def tell(
    writing: Writing,
    brand: Brand,
    kind: EventKind,
    found: Mapping[int, Case],
    told: Collection[CaseClock],
) -> None:
    """Write an event for each of the clocks, with its cause; `found` holds their cases by id."""
    if not told:
        return
    causes = causes_of(
        writing.connection, brand, [found[held.case_id] for held in told], writing.at
    )
    casemoves.add_events(
        writing,
        kind,
        [(held.case_id, clock_text(held.clock, causes[held.case_id])) for held in told],
    )
