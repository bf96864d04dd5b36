"""What waits in each queue beside who is there to take it; an empty pool is said aloud.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from wfm.brands import Brand
from wfm.calendars import is_open
from wfm.store import staffing, waiting
from wfm.store.engine import Store
from wfm.timegrid import format_instant


@dataclass(frozen=True)
class Alert:
    """A state in which cases wait and nobody can take them."""

    code: Literal["no_roster", "empty_pool"]
    text: str


@dataclass(frozen=True)
class QueueNow:
    """One queue at an instant.

    waiting   cases that nobody holds; late of them are past their deadline
    on_shift  agents whose present stretch serves this queue (they may serve others too)
    slots     cases these agents may hold at once, over all their queues
    held      cases of this queue that agents hold
    alert     set when cases wait in an open queue and nobody is on shift for it
    """

    queue: str
    is_open: bool
    spike_mode: bool
    waiting: int
    oldest_received_at: datetime | None
    next_due_at: datetime | None
    late: int
    on_shift: int
    slots: int
    held: int
    alert: Alert | None


def queue_overview(
    store: Store, *, brand: Brand, now: datetime | None = None
) -> tuple[QueueNow, ...]:
    """Every queue of the brand at `now` (the store's clock), in the brand's order."""
    at = now or store.clock.now()
    with store.reading() as connection:
        counts = waiting.counts_by_queue(connection, now=at)
        present = staffing.all_on_shift_at(connection, at)
        spiking = waiting.in_spike_mode(connection)
        has_roster = staffing.current_plan_id(connection) is not None
    overview = []
    for queue in brand.queues:
        count = counts.get(queue.name) or waiting.QueueCounts.none(queue.name)
        pool = [shift for shift in present if queue.name in shift.queues]
        open_now = is_open(queue.window, at)
        overview.append(
            QueueNow(
                queue=queue.name,
                is_open=open_now,
                spike_mode=queue.name in spiking,
                waiting=count.waiting,
                oldest_received_at=count.oldest_received_at,
                next_due_at=count.next_due_at,
                late=count.late,
                on_shift=len(pool),
                slots=sum(shift.slots for shift in pool),
                held=count.held,
                alert=_alert(queue.name, count, has_roster, at)
                if open_now and count.waiting and not pool
                else None,
            )
        )
    return tuple(overview)


def _alert(queue: str, count: waiting.QueueCounts, has_roster: bool, at: datetime) -> Alert:
    due = f", the first due at {format_instant(count.next_due_at)}" if count.next_due_at else ""
    many = "1 case" if count.waiting == 1 else f"{count.waiting} cases"
    wait = "waits" if count.waiting == 1 else "wait"
    cases = f"{many} of {queue} {wait}{due}"
    if not has_roster:
        return Alert("no_roster", f"{cases}; no roster is published, so nobody is on shift")
    return Alert("empty_pool", f"{cases}; nobody on shift at {format_instant(at)} serves it")
