"""Our own queue's arrivals and handling times flow back into the history of volumes.

On the live queue's path: standard library and SQLAlchemy only.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from wfm.brands import Brand
from wfm.metrics.agenttime import shares
from wfm.store import ownarrivals
from wfm.store.engine import Store
from wfm.store.volumes import Count, Key, stored_counts, write_counts
from wfm.timegrid import INTERVAL, floor_interval, intervals

if TYPE_CHECKING:
    from sqlalchemy import Connection

ACTOR = "history"

# Work on a case comes in for a while after it has arrived: counts are made good for so long.
_MADE_GOOD = timedelta(days=2)

# History of one call: what lies further back follows with the next ones.
_AT_ONCE = timedelta(days=7)


def feed_history(
    store: Store, *, brand: Brand, now: datetime | None = None, actor: str = ACTOR
) -> int:
    """Count the cases of every finished interval into VOLUMES; gives how many counts changed.

    From a queue's first case on every interval is counted, those without any as 0. The handling
    time is the mean over the interval's cases whose work has ended; it is made good for two days.
    Time in which an agent held several cases is split evenly among them. Spam, our own posts,
    follow-ups and merged cases are no contacts. Where counts were imported, those are told.

    Done again it changes nothing.
    """
    end = floor_interval(now or store.clock.now())
    with store.reading() as connection:
        wanted: dict[Key, Count] = {}
        for queue in brand.queues:
            first = ownarrivals.first_fed(connection, queue.name)
            begin = first or ownarrivals.first_case(connection, queue.name)
            if begin is None:
                continue
            if first is not None:
                last = ownarrivals.last_fed(connection, queue.name) or first
                begin = max(first, min(last + INTERVAL, end - _MADE_GOOD))
            begin = floor_interval(begin)
            span = intervals(begin, min(end, begin + _AT_ONCE))
            wanted |= dict.fromkeys(((queue.name, start) for start in span), Count(0, None))
        if not wanted:
            return 0
        first, last = min(start for _, start in wanted), max(start for _, start in wanted)
        _count(connection, wanted, first, last + INTERVAL)
        names = {queue.name for queue in brand.queues}
        held = stored_counts(connection, "queue", names, first, last)
    changed = [(key, count) for key, count in wanted.items() if held.get(key) != count]
    if changed:
        with store.writing(actor) as writing:
            write_counts(writing, "queue", changed, None)
    return len(changed)


def _count(
    connection: Connection, wanted: dict[Key, Count], start: datetime, end: datetime
) -> None:
    """Put what came in [start, end) into the counts wanted."""
    contacts: dict[Key, int] = defaultdict(int)
    worked: dict[Key, list[float]] = defaultdict(list)
    spent_s = shares(ownarrivals.work_on(connection, start, end))
    for case in ownarrivals.arrivals(connection, start, end):
        key = (case.queue, floor_interval(case.opened_at))
        contacts[key] += 1
        if case.has_ended and case.case_id in spent_s:
            worked[key].append(spent_s[case.case_id])
    for key in wanted.keys() & contacts.keys():
        times = worked[key]
        wanted[key] = Count(contacts[key], round(sum(times) / len(times), 3) if times else None)
