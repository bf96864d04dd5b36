"""Why a promise ran out, in plain words: what stood in the way of the case when it was looked at.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wfm.brands import Brand
from wfm.calendars import is_open
from wfm.cases import Case
from wfm.clocks import Clock, ClockMetric
from wfm.store import staffing, standing
from wfm.store.people import level_of, skill_levels
from wfm.timegrid import format_instant, span_words

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

METRIC_WORDS: Mapping[ClockMetric, str] = {
    "first_response": "first response",
    "next_reply": "next reply",
    "resolution": "resolution",
}


def clock_text(clock: Clock, cause: str) -> str:
    """The clock, what it allowed, when it is due, and the cause; the text of its event.

    >>> from datetime import UTC, datetime
    >>> clock = Clock("resolution", "resolution", datetime(2026, 3, 2, 9, tzinfo=UTC), 3600)
    >>> clock_text(clock, "amy holds it")
    'resolution within 1 h: amy holds it'
    """
    due = clock.breached_at or clock.due_at
    when = f", due {format_instant(due)}" if due else ""
    return f"{METRIC_WORDS[clock.metric]} within {span_words(clock.threshold_s)}{when}: {cause}"


@dataclass(frozen=True)
class _Pool:
    """The agents who could take a case, the cases they may hold at once, and those they hold."""

    on_shift: int
    here: int
    slots: int
    held: int


def causes_of(
    connection: Connection, brand: Brand, cases: Collection[Case], at: datetime
) -> dict[int, str]:
    """By case id, what stands in its way at `at`; the cases as they were before they moved on.

    One that waits: its queue is shut, no roster is published, nobody on shift serves it or has its
    level, they are away, all their slots are taken, or so many cases come before it.
    """
    told = {case.case_id: _own_doing(case) for case in cases if case.state != "new"}
    waiting = [case for case in cases if case.state == "new"]
    if not waiting:
        return told
    shifts = staffing.all_on_shift_at(connection, at)
    absent = standing.absent(connection)
    held = standing.held_by_agent(connection, at)
    ahead = standing.ahead_of(connection, waiting)
    levels = skill_levels(connection, [shift.agent_id for shift in shifts])
    has_roster = staffing.current_plan_id(connection) is not None
    pools: dict[tuple[str, int], _Pool] = {}
    for case in waiting:
        key = case.queue, case.needs_level
        if key not in pools:
            able = [
                shift
                for shift in shifts
                if case.queue in shift.queues
                and level_of(levels.get(shift.agent_id), case.queue) >= case.needs_level
            ]
            here = [shift for shift in able if shift.agent_id not in absent]
            pools[key] = _Pool(
                on_shift=len(able),
                here=len(here),
                slots=sum(shift.slots for shift in here),
                held=sum(min(held.get(s.agent_id, 0), s.slots) for s in here),
            )
        if not is_open(brand.queue(case.queue).window, at):
            told[case.case_id] = f"{case.queue} is shut"
        elif not has_roster:
            told[case.case_id] = "no roster is published, so nobody is on shift"
        else:
            told[case.case_id] = _of_pool(case, pools[key], ahead.get(case.case_id, 0))
    return told


def _own_doing(case: Case) -> str:
    """Of a case that does not wait: who had it."""
    if case.state in ("assigned", "answered") and case.agent_id is not None:
        since = f" since {format_instant(case.claimed_at)}" if case.claimed_at else ""
        return f"{case.agent_id} had it{since}"
    if case.state == "closed":
        return "it was closed after that"
    return f"it was {case.state}"


def _of_pool(case: Case, pool: _Pool, ahead: int) -> str:
    whom = f" at level {case.needs_level}" if case.needs_level > 1 else ""
    agents = "agent" if pool.on_shift == 1 else "agents"
    if not pool.on_shift:
        return f"nobody on shift serves {case.queue}{whom}"
    if not pool.here:
        return f"the {pool.on_shift} {agents} on shift for {case.queue}{whom} signed off or away"
    free = pool.slots - pool.held
    if free <= 0:
        slots = "the only slot" if pool.slots == 1 else f"all {pool.slots} slots"
        return f"{slots} of the {pool.here} on shift for {case.queue}{whom} taken"
    if ahead:
        before = "1 case" if ahead == 1 else f"{ahead} cases"
        return f"{before} of {case.queue} came before it"
    return f"it was the first of {case.queue}, with {free} slots free{whom}: nobody took it"
