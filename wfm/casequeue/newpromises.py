"""Other promises for what is open already: after other hours, goals or targets of the brand.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from wfm import clocks as law
from wfm.brands import Brand, Queue
from wfm.calendars import ServiceWindow
from wfm.care import Complexity
from wfm.casequeue.timing import REPLIES, mirrored
from wfm.casequeue.watching import tell
from wfm.cases import Case
from wfm.clocks import Clock, ClockGoal
from wfm.errors import Conflict
from wfm.metrics import rollups
from wfm.store import casemoves, clocks
from wfm.store.bulk import IN_LIST, batches
from wfm.store.clocks import CaseClock
from wfm.store.engine import Writing

COMPLEXITIES: tuple[Complexity, ...] = ("basic", "complaint")


@dataclass(frozen=True)
class _Limits:
    """What a goal of a queue allows; of a resolution for cases of one complexity."""

    queue: str
    goal: ClockGoal
    threshold_s: int
    warn_s: int | None = None
    complexity: Complexity | None = None


# What a goal of a queue allowed before, and what it allows now.
_Changes = Mapping[tuple[str, ClockGoal, Complexity | None], tuple[_Limits, _Limits]]


def policy_changed(writing: Writing, before: Brand, after: Brand) -> int:
    """Reckon every open clock anew whose queue has other hours, goals or targets now.

    What has passed stays; the rest is counted in the new hours, from now on. A clock has the new
    threshold of its goal; one that was made shorter for a reason of its own is never made longer.
    The cases' deadlines follow in the same transaction. Gives how many clocks that run were
    reckoned.

    Conflict when a queue that is no longer there has open cases.
    """
    _check_gone(writing, before, after)
    changed = {
        queue.name
        for queue in before.queues
        if queue.name in {q.name for q in after.queues}
        and _promises(before, queue) != _promises(after, after.queue(queue.name))
    }
    if not changed:
        return 0
    pairs = [
        pair
        for name in sorted(changed)
        for pair in zip(
            _limits(before, before.queue(name)), _limits(after, after.queue(name)), strict=True
        )
    ]
    for old, new in pairs:
        if old != new:
            clocks.limit_paused(
                writing,
                queue=old.queue,
                goal=old.goal,
                complexity=old.complexity,
                before_s=old.threshold_s,
                threshold_s=new.threshold_s,
                warn_s=new.warn_s,
            )
    limits = {(old.queue, old.goal, old.complexity): (old, new) for old, new in pairs}
    reckoned = 0
    for case_ids in batches(clocks.cases_that_run(writing.connection, changed), IN_LIST):
        reckoned += _reckon(writing, before, after, limits, case_ids)
    return reckoned


def _promises(brand: Brand, queue: Queue) -> tuple[object, ...]:
    return queue.window, _limits(brand, queue)


def _limits(brand: Brand, queue: Queue) -> tuple[_Limits, ...]:
    targets = ((complexity, brand.care.target(complexity)) for complexity in COMPLEXITIES)
    return (
        _Limits(queue.name, "first_response", queue.promise.threshold_s),
        _Limits(queue.name, "opening", queue.opening_goal.threshold_s),
        _Limits(queue.name, "follow_up", queue.follow_up_due_s),
        *(
            _Limits(queue.name, "resolution", target.threshold_s, target.warn_s, complexity)
            for complexity, target in targets
        ),
    )


def _check_gone(writing: Writing, before: Brand, after: Brand) -> None:
    gone = {queue.name for queue in before.queues} - {queue.name for queue in after.queues}
    if not gone:
        return
    left = casemoves.count_open(writing.connection, gone)
    if left:
        told = ", ".join(f"{queue} has {count}" for queue, count in sorted(left.items()))
        raise Conflict(
            f"queues that are no longer in the brand file have open cases: {told}; move or close "
            "them first, or keep the queues",
            queues=sorted(left),
        )


def _reckon(
    writing: Writing, before: Brand, after: Brand, limits: _Changes, case_ids: Collection[int]
) -> int:
    found = casemoves.lock_cases(writing, case_ids)
    changed = {queue for queue, _, _ in limits}
    held = [
        one
        for of_case in clocks.open_clocks_of(writing.connection, found).values()
        for one in of_case
        # A case may have been moved elsewhere until it was locked.
        if one.clock.running_since is not None and one.queue in changed
    ]
    windows = {name: (before.queue(name).window, after.queue(name).window) for name in changed}
    anew = [
        (one, _anew(one, found[one.case_id], limits, windows[one.queue], writing.at))
        for one in held
    ]
    clocks.write_clocks(writing, anew)
    rollups.changed(writing, after, *(one.clock.started_at for one in held))
    casemoves.update_cases(
        writing,
        {one.case_id: mirrored(clock) for one, clock in anew if clock.metric in REPLIES},
    )
    tell(
        writing,
        after,
        "breached",
        found,
        [
            CaseClock(one.clock_id, one.case_id, one.queue, clock)
            for one, clock in anew
            if clock.breached_at is not None and one.clock.breached_at is None
        ],
    )
    return len(anew)


def _anew(
    held: CaseClock,
    case: Case,
    limits: _Changes,
    windows: tuple[ServiceWindow, ServiceWindow],
    at: datetime,
) -> Clock:
    complexity = case.complexity if held.clock.goal == "resolution" else None
    was, now = limits[held.queue, held.clock.goal, complexity]
    return law.change(
        held.clock,
        *windows,
        at,
        threshold_s=relimited(held.clock.threshold_s, was.threshold_s, now.threshold_s),
        warn_s=now.warn_s,
    )


def relimited(own_s: int, before_s: int, after_s: int) -> int:
    """The threshold of a clock when that of its goal changes.

    >>> relimited(900, 900, 1800), relimited(600, 900, 1800), relimited(600, 900, 300)
    (1800, 600, 300)
    """
    if before_s == after_s:
        return own_s
    return after_s if own_s == before_s else min(own_s, after_s)
