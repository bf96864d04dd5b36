"""How the next hour of each queue looks, as the store and the plan have it, in a sentence each.

On the live queue's path: standard library and SQLAlchemy only.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from wfm.brands import Brand, Queue
from wfm.calendars import open_spans
from wfm.casequeue.ahead import QUARTER_S, Ahead, Group, Outlook, Owed
from wfm.casequeue.levels import Levels
from wfm.casequeue.prediction import predict
from wfm.casequeue.presence import here
from wfm.store import levels, presence, waiting
from wfm.timegrid import INTERVAL, floor_interval

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Where waiting cases are cut by their deadlines: every 3 minutes of the next hour, then coarser.
CUTS_S = (0, *range(180, 3601, 180), 5400, 7200)

# What came in the last half hour corrects what is expected, as if this many contacts of the
# forecast had been seen beside it: a few contacts more or less are chance.
RECENT = timedelta(minutes=30)
BACK = RECENT // INTERVAL
TRUST = 10.0
MOST = 5.0

# Signs of presence older than this say nothing of how this site works today.
IN_USE = timedelta(hours=24)


@dataclass(frozen=True)
class QueueOutlook:
    """The next hour of a queue.

    outlook   what is predicted
    waiting   cases that wait now, `late` of them past their deadline
    agents    who serve it in the coming quarter-hour, other queues too; `planned`: as many as the
              plan has there; `here`: how many are there now, None where nobody signs on
    coming    contacts expected in the hour; `forecast`: as many as the plan expects, if it says
    reason    what to know of it, in one sentence
    """

    outlook: Outlook
    waiting: int
    late: int
    agents: float
    planned: float
    here: int | None
    coming: float
    forecast: float | None
    reason: str

    @property
    def breaks(self) -> bool:
        """Whether the promise is predicted to break."""
        return self.outlook.breaks_in_s is not None


def look_ahead(
    connection: Connection, brand: Brand, plan: Levels | None, now: datetime
) -> dict[str, QueueOutlook]:
    """The next hour of every queue of the brand.

    plan  the levels of `BACK` intervals, the present one and those of the policy's horizon; None:
          nobody ever planned
    """
    quarters = max(1, brand.care.policy.horizon_s // QUARTER_S)
    starts = [floor_interval(now) + i * INTERVAL for i in range(-BACK, quarters + 1)]
    passed = (now - starts[BACK]) / INTERVAL
    forecast = _forecast(connection, brand, plan, starts)
    recent = levels.opened_since(connection, now - RECENT, now)
    known = _Known(
        owed=_owed(connection, now),
        in_hand=levels.in_hand(connection, now),
        answers=levels.answers_since(connection, now - timedelta(hours=2)),
        modes=waiting.modes(connection),
    )
    planned = _groups_of(plan, starts[BACK:], passed)
    there = _there(connection, brand, now)
    groups = planned if there is None else _groups_now(planned, there, passed)
    coming, usual = {}, {}
    for queue in brand.queues:
        rows = [forecast[queue.name].get(at) for at in starts]
        usual[queue.name] = _blend(rows[BACK:], passed)
        coming[queue.name] = _coming(rows, recent.get(queue.name, 0), passed, quarters)
    aheads = {q.name: known.ahead(q, coming[q.name], now) for q in brand.queues}
    found = predict(list(aheads.values()), groups, quarters=quarters)
    return {
        name: _told(
            QueueOutlook(
                outlook=found[name],
                waiting=round(sum(o.first + o.again for o in ahead.owed)),
                late=round(sum(o.first + o.again for o in ahead.owed if o.due_in_s <= 0)),
                agents=sum(group.agents[0] for group in groups if name in group.queues),
                planned=sum(group.agents[0] for group in planned if name in group.queues),
                here=None if there is None else sum(n for on, n in there.items() if name in on),
                coming=sum(ahead.arrivals),
                forecast=sum(usual[name]) if forecast[name] else None,
                reason="",
            ),
            brand,
            now,
        )
        for name, ahead in aheads.items()
    }


@dataclass(frozen=True)
class _Known:
    """What is under way in all queues."""

    owed: Mapping[str, Sequence[Owed]]
    in_hand: Mapping[str, int]
    answers: Sequence[tuple[str, datetime]]
    modes: Mapping[str, waiting.Mode]

    def ahead(self, queue: Queue, arrivals: Sequence[float], now: datetime) -> Ahead:
        mode = self.modes.get(queue.name, waiting.AS_USUAL)
        return Ahead(
            queue=queue.name,
            threshold_s=queue.promise.threshold_s,
            share=queue.promise.share,
            work=queue.work,
            arrivals=arrivals,
            owed=self.owed.get(queue.name, ()),
            held=self.in_hand.get(queue.name, 0),
            thinking=_thinking(queue, [at for name, at in self.answers if name == queue.name], now),
            opens=_opens(queue, now),
            follow_up_s=queue.follow_up_due_s,
            opening_s=queue.opening_goal.threshold_s,
            put_off_s=mode.put_off_s,
            spike_mode=mode.spike_mode,
        )


def _coming(
    rows: Sequence[float | None], seen: int, passed: float, quarters: int
) -> Sequence[float]:
    """Contacts expected in each quarter-hour from now on.

    rows  expected on the grid, from `BACK` intervals before the present one
    seen  what has come within `RECENT`; without any expectation, it goes on like this
    """
    if all(row is None for row in rows):
        return [seen * (INTERVAL / RECENT)] * quarters
    past = _blend(rows[: BACK + 1], passed)
    factor = min(MOST, (seen + TRUST) / (sum(past) + TRUST))
    return [factor * contacts for contacts in _blend(rows[BACK:], passed)]


def _blend(values: Sequence[float | None], passed: float) -> list[float]:
    """Values of the grid's quarter-hours as they hold in those that begin `passed` of one later."""
    known = [value or 0.0 for value in values]
    return [(1 - passed) * here + passed * after for here, after in pairwise(known)]


def _groups_of(plan: Levels | None, starts: Sequence[datetime], passed: float) -> list[Group]:
    """The plan's agents in each quarter-hour from now on, by the queues they serve."""
    pools = [plan.pools.get(at, {}) if plan is not None else {} for at in starts]
    return [
        Group(queues, _blend([pool.get(queues, 0.0) for pool in pools], passed))
        for queues in sorted({queues for pool in pools for queues in pool}, key=sorted)
    ]


def _there(connection: Connection, brand: Brand, now: datetime) -> Counter[frozenset[str]] | None:
    """How many agents are there now, by the queues they serve.

    None where nobody signs on: the plan is all there is to know.
    """
    signs = presence.all_presence(connection).values()
    if not any(sign.heartbeat_at > now - IN_USE for sign in signs):
        return None
    return Counter(frozenset(one.shift.queues) for one in here(connection, brand, now).values())


def _groups_now(
    planned: Sequence[Group], there: Mapping[frozenset[str], int], passed: float
) -> list[Group]:
    """As planned; for the rest of the present quarter-hour, those who really are there."""
    later = {group.queues: group.agents for group in planned}
    rest = [0.0] * max((len(group.agents) for group in planned), default=1)
    groups = []
    for queues in sorted({*later, *there}, key=sorted):
        agents = list(later.get(queues, rest))
        follows = agents[1] if len(agents) > 1 else 0.0
        agents[0] = (1 - passed) * there.get(queues, 0) + passed * follows
        groups.append(Group(queues, agents))
    return groups


def _owed(connection: Connection, now: datetime) -> dict[str, list[Owed]]:
    """What waits by queue, each cut's cases due in its middle."""
    rows = levels.owed(connection, [now + timedelta(seconds=cut) for cut in CUTS_S])
    found: dict[str, list[Owed]] = {}
    for row in rows:
        before = CUTS_S[row.place - 1] if row.place else 0
        after = CUTS_S[row.place] if row.place < len(CUTS_S) else math.inf
        due = -1.0 if row.place == 0 else (before + min(after, before + 3600)) / 2
        counts = {"again": float(row.cases)} if row.again else {"first": float(row.cases)}
        found.setdefault(row.queue, []).append(Owed(due, **counts))
    return found


def _thinking(queue: Queue, ended: Sequence[datetime], now: datetime) -> float:
    """Customers who were answered lately and will write again, by the queue's work law."""
    mean = max(queue.work.think.mean_s, 1.0)
    ages = ((now - at).total_seconds() for at in ended)
    return queue.work.continue_p * sum(math.exp(-max(0.0, age) / mean) for age in ages)


def _opens(queue: Queue, now: datetime) -> Sequence[tuple[float, float]]:
    """When the queue is open in the next days, seconds from now."""
    if queue.window.is_always:
        return ((0.0, math.inf),)
    spans = open_spans(queue.window, now, now + timedelta(days=4))
    return [((a - now).total_seconds(), (b - now).total_seconds()) for a, b in spans]


def _forecast(
    connection: Connection, brand: Brand, plan: Levels | None, starts: Sequence[datetime]
) -> dict[str, dict[datetime, float]]:
    """Contacts by queue and interval: as planned, else as counted in the same hour last week."""
    week = timedelta(weeks=1)
    counted: Mapping[tuple[str, datetime], float] | None = None
    found: dict[str, dict[datetime, float]] = {queue.name: {} for queue in brand.queues}
    for name, rows in found.items():
        for at in starts:
            level = plan.level(name, at) if plan is not None else None
            if level is not None and level.expected is not None:
                rows[at] = level.expected
                continue
            if counted is None:
                end = starts[-1] - week + INTERVAL
                counted = levels.counted_arrivals(connection, starts[0] - week, end)
            if (name, at - week) in counted:
                rows[at] = counted[name, at - week]
    return found


def _told(seen: QueueOutlook, brand: Brand, now: datetime) -> QueueOutlook:
    """With its reason."""
    if seen.outlook.breaks_in_s is None:
        share = f"{seen.outlook.share:.0%}" if seen.outlook.due >= 1 else "all"
        return replace(seen, reason=f"the promise of the next hour is kept: {share} in time")
    begins = (now + timedelta(seconds=seen.outlook.breaks_in_s)).astimezone(brand.tz)
    when = "now" if seen.outlook.breaks_in_s == 0 else f"{begins:%H:%M}"
    late, due = round(seen.outlook.late), round(seen.outlook.due)
    return replace(
        seen,
        reason=f"from {when} on the promise breaks, {max(late, 1)} of {max(due, late, 1)} first "
        f"replies due in the next hour late: {_cause(seen)}",
    )


def _cause(seen: QueueOutlook) -> str:
    """What is most unlike the plan."""
    waits = f"{seen.waiting} {'waits' if seen.waiting == 1 else 'wait'}"
    if seen.agents < 0.05:
        return f"nobody is there for it, {waits}"
    if seen.here is not None and seen.here < seen.planned and seen.agents < 0.8 * seen.planned:
        agents = "1 agent is" if seen.here == 1 else f"{seen.here or 'no'} agents are"
        return f"{agents} there, where the plan has {seen.planned:.0f}, {waits}"
    comes = f"about {seen.coming:.0f} more come"
    if seen.forecast is not None and seen.coming > 1.25 * seen.forecast:
        return f"{comes}, where {seen.forecast:.0f} were forecast, {waits}"
    return f"{waits} and {comes}, for {seen.agents:.1f} agents"
