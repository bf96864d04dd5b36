"""The board of the queue: what waits in the order, each with its slack and why it stands there.

`today` is the line that everybody sees all day: what waits, how the promise stands so far, who is
there, and what must not be forgotten.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from wfm.brands import Brand
from wfm.calendars import is_open, next_opening
from wfm.casequeue import policy
from wfm.casequeue.capacity import QueueNow, overview_at
from wfm.casequeue.nexthour import NextHour, next_hour
from wfm.casequeue.policy import Taken
from wfm.casequeue.presence import here
from wfm.casequeue.why import Place, why_here
from wfm.cases import Case
from wfm.order import Waiting, order_key
from wfm.sla import ServiceGoal
from wfm.store import board as rows
from wfm.store import staffing, waiting
from wfm.timegrid import INTERVAL, floor_interval, local_day, local_midnight

if TYPE_CHECKING:
    from sqlalchemy import Connection

PAGE = 50
PAGE_MAX = 500

# A case due within this is told apart from those that have time.
SOON = timedelta(minutes=15)


@dataclass(frozen=True)
class BoardCase:
    """A waiting case as the board shows it.

    place    1 for the case that is answered next
    channel  of its queue; handle: its author's name there now
    words    how its newest message begins; raw text, to be escaped where it is shown
    slack_s  seconds until it is due; below 0 it is late
    opens_at when its queue opens, if that is shut now
    """

    place: int
    case: Case
    channel: str
    handle: str
    author_kind: str
    reach: int | None
    words: str
    slack_s: float
    put_off_s: int
    opens_at: datetime | None
    why: str


@dataclass(frozen=True)
class Board:
    """The first waiting cases of the queues in the order, and how many wait in all."""

    as_of: datetime
    waiting: int
    cases: tuple[BoardCase, ...]


def board(
    connection: Connection,
    brand: Brand,
    now: datetime,
    queues: Collection[str] | None = None,
    limit: int = PAGE,
) -> Board:
    """The first `limit` waiting cases of the queues (None: all), in the order of the next claim.

    In spike mode every fifth claim of a queue takes the plain order instead, so that none starves;
    the board shows the order of the other four. NotFound for a queue the brand does not have.
    """
    chosen = [brand.queue(name).name for name in queues] if queues is not None else None
    names = chosen if chosen is not None else [queue.name for queue in brand.queues]
    states = rows.queue_states(connection)
    spiking = frozenset(name for name, state in states.items() if state.spike_mode)
    found = rows.heads(connection, names, now=now, late_last=spiking, limit=limit + 1)
    places = [
        _place(head, states.get(head.queue), late_last=head.queue in spiking) for head in found
    ]
    places.sort(key=lambda place: _key(place, now))
    counts = waiting.counts_by_queue(connection, now=now)
    return Board(
        as_of=now,
        waiting=sum(counts[name].waiting for name in names if name in counts),
        cases=_told(connection, brand, places, now, limit),
    )


def _place(head: rows.Head, state: rows.QueueState | None, *, late_last: bool) -> Place:
    return Place(
        head.case_id,
        head.queue,
        head.due_at,
        head.severity,
        head.received_at,
        late_last=late_last,
        put_off_s=0 if state is None else state.put_off_s,
    )


def _key(place: Place, now: datetime) -> tuple[bool, datetime, int, datetime, int]:
    seen = Waiting(place.case_id, place.due_at, place.severity, place.received_at, place.put_off_s)
    return order_key(seen, now=now, late_last=place.late_last)


def _told(
    connection: Connection, brand: Brand, places: Sequence[Place], now: datetime, limit: int
) -> tuple[BoardCase, ...]:
    shown = places[:limit]
    following = [*places[1 : len(shown) + 1], None][: len(shown)]
    ids = [place.case_id for place in shown]
    cases = rows.cases_named(connection, ids)
    words = rows.newest_words(connection, ids)
    known = {c.author_id for c in cases.values() if c.author_id is not None}
    writers = rows.writers(connection, known)
    queues = {queue.name: queue for queue in brand.queues}
    told = []
    for number, (place, after) in enumerate(zip(shown, following, strict=True), start=1):
        case, queue = cases[place.case_id], queues[place.queue]
        writer = writers.get(case.author_id or 0)
        told.append(
            BoardCase(
                place=number,
                case=case,
                channel=queue.channel,
                handle=(writer.handle if writer else "") or case.author,
                author_kind=writer.kind if writer else "",
                reach=writer.reach if writer else None,
                words=words.get(place.case_id, ""),
                slack_s=(case.due_at - now).total_seconds(),
                put_off_s=place.put_off_s,
                opens_at=None if is_open(queue.window, now) else next_opening(queue.window, now),
                why=why_here(place, after, now=now, zone=brand.tz),
            )
        )
    return tuple(told)


@dataclass(frozen=True)
class QueueToday:
    """A queue's line of today.

    due_soon  waiting and due within 15 minutes; late of them are past their deadline
    kept      first replies owed today that came in time; missed: late, or waiting past the deadline
    effective, required  agents of the present quarter-hour by the roster in force; None without one
    put_off_s its cases come so much later in the order than they are due
    steps     of its policy that are taken; next_hour: what is predicted, None where nobody looked
    """

    now: QueueNow
    due_soon: int
    kept: int
    missed: int
    goal: ServiceGoal
    effective: float | None
    required: float | None
    put_off_s: int
    steps: tuple[Taken, ...]
    next_hour: NextHour | None

    @property
    def attainment(self) -> float | None:
        """Share of today's first replies that kept the promise so far; None while none was owed."""
        owed = self.kept + self.missed
        return self.kept / owed if owed else None


@dataclass(frozen=True)
class Today:
    """The queues today so far, and what must not be forgotten.

    on_shift  agents whose present stretch serves any queue
    present   those of them who have signed on, or are at work on a case
    """

    as_of: datetime
    queues: tuple[QueueToday, ...]
    on_shift: int
    present: int
    ends: rows.LooseEnds

    @property
    def waiting(self) -> int:
        return sum(queue.now.waiting for queue in self.queues)

    @property
    def due_soon(self) -> int:
        return sum(queue.due_soon for queue in self.queues)

    @property
    def late(self) -> int:
        return sum(queue.now.late for queue in self.queues)

    @property
    def owed(self) -> int:
        """First replies that today owed so far."""
        return sum(queue.kept + queue.missed for queue in self.queues)

    @property
    def attainment(self) -> float | None:
        """Share of them that came in time; None while none was owed."""
        return sum(queue.kept for queue in self.queues) / self.owed if self.owed else None

    @property
    def promised(self) -> float | None:
        """The share that the queues promise together, each weighted by what it owed."""
        if not self.owed:
            return None
        return sum((q.kept + q.missed) * q.goal.share for q in self.queues) / self.owed

    @property
    def effective(self) -> float | None:
        """Agents that the roster in force counts on now; None without a roster."""
        counted = [q.effective for q in self.queues if q.effective is not None]
        return sum(counted) if counted else None


def today(connection: Connection, brand: Brand, now: datetime) -> Today:
    """How the queues stand at `now`, and what has become of the local day so far."""
    midnight = local_midnight(local_day(now, brand.tz), brand.tz)
    soon = rows.due_between(connection, now, now + SOON)
    kept = rows.kept_since(connection, midnight, now)
    states = rows.queue_states(connection)
    start = floor_interval(now)
    levels = {row.queue: row for row in staffing.staffing_rows(connection, start, start + INTERVAL)}
    lines = []
    for line in overview_at(connection, brand, now):
        counted = kept.get(line.queue, rows.Kept(0, 0))
        level = levels.get(line.queue)
        state = states.get(line.queue, rows.AS_USUAL)
        lines.append(
            QueueToday(
                now=line,
                due_soon=soon.get(line.queue, 0),
                kept=counted.kept,
                missed=counted.missed,
                goal=brand.queue(line.queue).promise,
                effective=None if level is None else level.effective,
                required=None if level is None else level.required,
                put_off_s=state.put_off_s,
                steps=policy.from_document(state.policy).taken,
                next_hour=next_hour(state.policy, now),
            )
        )
    return Today(
        as_of=now,
        queues=tuple(lines),
        on_shift=len(staffing.all_on_shift_at(connection, now)),
        present=len(here(connection, brand, now)),
        ends=rows.loose_ends(connection, now),
    )
