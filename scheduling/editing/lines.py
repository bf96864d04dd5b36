"""The days of the agents that an edit is about, as it makes them, and what may not come of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pandas as pd

from scheduling.editing.changes import (
    ABSENT,
    Change,
    Segment,
    by_day,
    in_the_way,
    segments_of,
    shift_told,
    worked,
)
from scheduling.editing.coverage import heads_changed, heads_of, lacks_of
from scheduling.editing.ground import EditGround
from scheduling.editing.laying import laid_best, missed
from wfm.errors import RequestError
from wfm.people import ShiftTemplate

Days = dict[date, tuple[Segment, ...]]
Shift = tuple[Segment, ...]


class Lines:
    """The days of the agents an edit is about, before it and as it makes them."""

    def __init__(self, roster: pd.DataFrame, ground: EditGround) -> None:
        self.roster = roster
        self.ground = ground
        self.before: dict[str, Days] = {}
        self.after: dict[str, Days] = {}

    def _days(self, agent_id: str) -> Days:
        if agent_id not in self.before:
            mine = self.roster[self.roster["agent_id"] == agent_id]
            self.before[agent_id] = by_day(segments_of(mine), self.ground.brand.tz)
            self.after[agent_id] = dict(self.before[agent_id])
        return self.after[agent_id]

    def shift(self, agent_id: str, day: date) -> Shift:
        """The agent's shift of the day; empty when off."""
        return worked(self._days(agent_id).get(day, ()))

    def shift_there(self, agent_id: str, day: date) -> Shift:
        """The agent's shift of the day; RequestError when off."""
        shift = self.shift(agent_id, day)
        if not shift:
            raise RequestError(
                f"{agent_id} has no shift on {day}", agent=agent_id, day=day.isoformat()
            )
        return shift

    def free(self, agent_id: str, day: date) -> None:
        """RequestError unless the agent has no shift on the day."""
        shift = self.shift(agent_id, day)
        if shift:
            raise RequestError(
                f"{agent_id} already works {self.told(shift)} on {day}; swap the two, or drop it "
                "first",
                agent=agent_id,
                day=day.isoformat(),
            )

    def put(self, agent_id: str, day: date, shift: Shift) -> None:
        days = self._days(agent_id)
        absent = tuple(s for s in days.get(day, ()) if s.activity in ABSENT)
        days[day] = tuple(sorted(absent + shift))

    def told(self, shift: Shift) -> str:
        return shift_told(shift, self.ground.brand.tz)

    def laid(
        self, agent_id: str, template: ShiftTemplate, at: datetime, queue: str = ""
    ) -> tuple[Segment, ...]:
        """A shift of the agent, its breaks where a head is missed least as the roster is now."""
        heads = heads_of(self.roster, self.ground) + heads_changed(self.changes(), self.ground)
        group = self.ground.set_of(agent_id, queue)
        worth = missed(lacks_of(heads, self.ground), group)
        return laid_best(template, at, worth, self.ground, queue=queue)

    def changes(self) -> tuple[Change, ...]:
        return tuple(
            Change(agent_id, day, self.before[agent_id].get(day, ()), after)
            for agent_id, days in sorted(self.after.items())
            for day, after in sorted(days.items())
            if after != self.before[agent_id].get(day, ())
        )


def refuse_pinned(change: Change) -> None:
    if any(s.pinned for s in change.before):
        raise RequestError(
            f"the shift of {change.agent_id} on {change.day} is pinned; unpin it first",
            agent=change.agent_id,
            day=change.day.isoformat(),
        )


def refuse_past(change: Change, ground: EditGround) -> None:
    if ground.frozen_until is None:
        return
    if _differs_from(change) < ground.frozen_until:
        zone = ground.brand.tz
        raise RequestError(
            f"what {change.agent_id} works before "
            f"{ground.frozen_until.astimezone(zone):%a %d %b %H:%M} is past; change what comes "
            "after",
            agent=change.agent_id,
            day=change.day.isoformat(),
        )


def _differs_from(change: Change) -> datetime:
    """The first instant at which the day before and after the change differ."""
    ends: dict[Segment, list[datetime]] = {}
    for s in set(change.before) ^ set(change.after):
        ends.setdefault(replace(s, end=s.start), []).append(s.end)
    return min(min(at) if len(at) > 1 else s.start for s, at in ends.items())


def refuse_run_in(change: Change, lines: Lines) -> None:
    days = lines.after[change.agent_id]
    other = in_the_way(days, change.day)
    if other:
        shift = lines.shift(change.agent_id, change.day)
        raise RequestError(
            f"{change.agent_id} would have {lines.told(shift)} on {change.day} within 3 hours of "
            f"{lines.told(other)}; move one of the two",
            agent=change.agent_id,
            day=change.day.isoformat(),
        )
