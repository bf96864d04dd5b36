"""What waits in each queue beside who is there to take it; an empty pool is said aloud.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from wfm.brands import Brand
from wfm.calendars import is_open
from wfm.store import staffing, waiting
from wfm.store.engine import Store
from wfm.store.people import level_of, skill_levels
from wfm.timegrid import format_instant

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True)
class Alert:
    """A state in which cases wait and nobody can take them.

    no_specialist  somebody serves their queue, but nobody who has the skill that they need
    """

    code: Literal["no_roster", "empty_pool", "no_specialist"]
    text: str


@dataclass(frozen=True)
class QueueNow:
    """One queue at an instant.

    waiting   cases that nobody holds; late of them are past their deadline
    on_shift  agents whose present stretch serves this queue (they may serve others too)
    slots     cases these agents may hold at once, over all their queues
    held      cases of this queue that agents hold
    alert     set when cases wait in an open queue and nobody is on shift who may take them
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
    with store.reading() as connection:
        return overview_at(connection, brand, now or store.clock.now())


def overview_at(connection: Connection, brand: Brand, at: datetime) -> tuple[QueueNow, ...]:
    """Every queue of the brand at an instant, in the brand's order."""
    counts = waiting.counts_by_queue(connection, now=at)
    present = staffing.all_on_shift_at(connection, at)
    spiking = waiting.in_spike_mode(connection)
    has_roster = staffing.current_plan_id(connection) is not None
    difficult = waiting.difficult_by_queue(connection)
    skills = skill_levels(connection, [s.agent_id for s in present]) if difficult else {}
    overview = []
    for queue in brand.queues:
        count = counts.get(queue.name) or waiting.QueueCounts.none(queue.name)
        pool = [shift for shift in present if queue.name in shift.queues]
        open_now = is_open(queue.window, at)
        alert = None
        if open_now and count.waiting and not pool:
            alert = _empty(queue.name, count, has_roster, at)
        elif open_now and queue.name in difficult:
            best = max(level_of(skills.get(s.agent_id, {}), queue.name) for s in pool)
            alert = _beyond(queue.name, difficult[queue.name], best, at)
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
                alert=alert,
            )
        )
    return tuple(overview)


def _empty(queue: str, count: waiting.QueueCounts, has_roster: bool, at: datetime) -> Alert:
    cases = _waiting(count.waiting, queue, count.next_due_at)
    if not has_roster:
        return Alert("no_roster", f"{cases}; no roster is published, so nobody is on shift")
    return Alert("empty_pool", f"{cases}; nobody on shift at {format_instant(at)} serves it")


def _beyond(
    queue: str, difficult: Sequence[waiting.Difficult], best: int, at: datetime
) -> Alert | None:
    """The alert of cases that need more skill than anybody on shift for the queue has."""
    beyond = [one for one in difficult if one.needs_level > best]
    if not beyond:
        return None
    cases = _waiting(
        sum(one.waiting for one in beyond), queue, min(one.next_due_at for one in beyond)
    )
    level = min(one.needs_level for one in beyond)
    return Alert(
        "no_specialist",
        f"{cases}, for skill of level {level}; nobody on shift at {format_instant(at)} has it",
    )


def _waiting(count: int, queue: str, next_due_at: datetime | None) -> str:
    many = f"1 case of {queue} waits" if count == 1 else f"{count} cases of {queue} wait"
    return many + (f", the first due at {format_instant(next_due_at)}" if next_due_at else "")
