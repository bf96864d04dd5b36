"""What single agents could do about a trouble, and the days on which they could."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property

import pandas as pd

from scheduling.editing.changes import Change, Segment, applied, by_day, lines_of, worked
from scheduling.editing.judging import paid_hours
from scheduling.whatif.results import TELLING_H
from scheduling.whatif.scenario import Scenario
from scheduling.whatif.situation import Situation
from scheduling.whatif.trouble import Trouble
from wfm.people import ActivityCode, Contract, ShiftTemplate
from wfm.timegrid import local_day, local_midnight

Days = dict[date, tuple[Segment, ...]]
AgentDays = tuple[tuple[str, date], ...]
SAME_H = 1e-9


@dataclass(frozen=True)
class Offer:
    """What an agent could do: changes of one day of theirs, or of two.

    gain_h  hours on queue that it adds where they are worth something, weighed by it
    paid_h  paid hours that it adds
    likely  whether rest and hours of the contract seem to be kept; the rules decide
    """

    agent_id: str
    changes: tuple[Change, ...]
    gain_h: float
    paid_h: float
    likely: bool = True

    @property
    def days(self) -> AgentDays:
        """The agent-days that it changes."""
        return tuple((change.agent_id, change.day) for change in self.changes)

    @property
    def order(self) -> tuple[bool, float, float, str]:
        """Sorts those first who cover most of the trouble per hour that it takes."""
        per_hour = self.gain_h / (max(self.paid_h, 0.0) + TELLING_H)
        return not self.likely, -round(per_hour, 3), -round(self.gain_h, 3), self.agent_id


@dataclass(frozen=True)
class Floor:
    """Who works what around a trouble, the scenario's own changes carried out.

    roster  ROSTER after the scenario's changes
    days    segments of each agent by local day, for the weeks that the trouble lies in
    fixed   agent-days that the scenario changes, which stay as it says
    """

    situation: Situation = field(repr=False)
    scenario: Scenario = field(repr=False)
    trouble: Trouble
    roster: pd.DataFrame = field(repr=False)
    days: dict[str, Days] = field(repr=False)
    fixed: frozenset[tuple[str, date]] = field(repr=False)
    _weeks_h: dict[tuple[str, date], float] = field(default_factory=dict, repr=False)

    @cached_property
    def near(self) -> tuple[date, ...]:
        """Local days whose shifts may lie in the trouble's focus."""
        zone, (begins, ends) = self.situation.brand.tz, self.trouble.focus
        first, last = local_day(begins, zone) - timedelta(days=1), local_day(ends, zone)
        return tuple(d for d in self.situation.ground.days if first <= d <= last)

    @cached_property
    def after(self) -> tuple[date, ...]:
        """The local day after those, where the roster has it."""
        zone, ends = self.situation.brand.tz, self.trouble.focus[1]
        day = local_day(ends, zone) + timedelta(days=1)
        return (day,) if day in self.situation.ground.days else ()

    @cached_property
    def shifts(self) -> tuple[tuple[str, date, tuple[Segment, ...]], ...]:
        """Every shift of the days near and the one after, of an agent who is known and helps, that
        may be changed.
        """
        return tuple(
            (agent_id, day, shift)
            for agent_id, days in self.days.items()
            if self.helps(agent_id)
            for day in (*self.near, *self.after)
            if (shift := worked(days.get(day, ()))) and self.is_free(agent_id, day)
        )

    @cached_property
    def at_work(self) -> tuple[tuple[str, date, tuple[Segment, ...]], ...]:
        """Those of `shifts` that somebody works in the trouble's focus."""
        begins, ends = self.trouble.focus
        return tuple(
            one for one in self.shifts if one[2][0].start < ends and one[2][-1].end > begins
        )

    def is_free(self, agent_id: str, day: date) -> bool:
        """Whether the agent's day may be changed: neither pinned nor fixed by the scenario."""
        pinned = any(s.pinned for s in self.days[agent_id].get(day, ()))
        return not pinned and (agent_id, day) not in self.fixed

    def helps(self, agent_id: str, queue: str = "") -> bool:
        """Whether the agent is there, and serves a queue in trouble."""
        group = self.group(agent_id, queue)
        return agent_id not in self.away and float(self.trouble.sums_of(group)[-1]) > 0

    def group(self, agent_id: str, queue: str = "") -> int:
        return self.situation.ground.set_of(agent_id, queue)

    @cached_property
    def away(self) -> frozenset[str]:
        """Agents who are absent for certain while the trouble lasts."""
        begins, ends = self.trouble.focus
        return frozenset(
            agent
            for absence in self.scenario.absences
            if absence.start < ends and absence.end > begins
            for agent in absence.agents
        )

    def hours(self, agent_id: str, segments: Iterable[Segment]) -> float:
        """Hours on queue of the segments, weighed by what they are worth."""
        return sum(
            self.trouble.hours(self.group(agent_id, s.queue), s.start, s.end)
            for s in segments
            if s.activity == "on_queue"
        )

    def contract(self, agent_id: str, day: date) -> Contract | None:
        return self.situation.ground.contract_of(agent_id, day)

    def template(self, shift: Sequence[Segment]) -> ShiftTemplate | None:
        return self.situation.ground.templates.get(shift[0].template)

    @property
    def activities(self) -> dict[str, ActivityCode]:
        return self.situation.ground.activities

    def room_h(self, agent_id: str, day: date) -> float:
        """Paid hours left in the contract's week of the day; none without a contract."""
        contract = self.contract(agent_id, day)
        if contract is None:
            return 0.0
        week = agent_id, day - timedelta(days=day.weekday())
        if week not in self._weeks_h:
            days = (self.days[agent_id].get(week[1] + timedelta(days=n), ()) for n in range(7))
            self._weeks_h[week] = sum(paid_hours(d, self.situation.ground) for d in days)
        return contract.max_hours_per_week - self._weeks_h[week]

    def rests(self, agent_id: str, day: date, start: datetime, end: datetime) -> bool:
        """Whether the contract's rest is kept before and after work from start to end."""
        contract, days = self.contract(agent_id, day), self.days[agent_id]
        rest = timedelta(hours=contract.min_rest_h if contract else 0.0)
        before = worked(days.get(day - timedelta(days=1), ()))
        after = worked(days.get(day + timedelta(days=1), ()))
        kept = not before or start - max(s.end for s in before) >= rest
        return kept and (not after or after[0].start - end >= rest)

    def offer(self, agent_id: str, day: date, after: Sequence[Segment], gain_h: float) -> Offer:
        """The agent's whole day replaced."""
        before, ground = self.days[agent_id].get(day, ()), self.situation.ground
        change = Change(agent_id, day, before, tuple(sorted(after)))
        paid_h = paid_hours(change.after, ground) - paid_hours(before, ground)
        return Offer(agent_id, (change,), gain_h, paid_h, self._likely(change, paid_h))

    def _likely(self, change: Change, paid_h: float) -> bool:
        shift, present = worked(change.after), worked(change.before)
        if not shift or _ends_of(shift) == _ends_of(present):
            return True
        contract = self.contract(change.agent_id, change.day)
        if contract is None or paid_h > self.room_h(change.agent_id, change.day) + SAME_H:
            return False
        kept = paid_hours(shift, self.situation.ground) <= contract.max_hours_per_day + SAME_H
        return kept and self.rests(change.agent_id, change.day, *_ends_of(shift))


def _ends_of(shift: Sequence[Segment]) -> tuple[datetime, datetime] | tuple[()]:
    return (shift[0].start, shift[-1].end) if shift else ()


def floor_of(situation: Situation, scenario: Scenario, trouble: Trouble) -> Floor:
    """The floor around the trouble."""
    ground, zone = situation.ground, situation.brand.tz
    roster = situation.roster[situation.roster["start"] >= situation.start]
    if scenario.changes:
        roster = applied(roster, scenario.changes)
    # Hours are counted by the week, and rest to the shifts beside.
    begins, ends = (local_day(at, zone) for at in trouble.focus)
    since = begins - timedelta(days=begins.weekday() + 2)
    until = ends + timedelta(days=9 - ends.weekday())
    inside = (roster["end"] > _midnight(since, situation)) & (
        roster["start"] < _midnight(until, situation)
    )
    lines = lines_of(roster[inside])
    known = ((a.agent_id, lines.get(a.agent_id, [])) for a in situation.agents)
    return Floor(
        situation=situation,
        scenario=scenario,
        trouble=trouble,
        roster=roster,
        days={a: ground.last_days.get(a, {}) | by_day(line, zone) for a, line in known},
        fixed=frozenset((c.agent_id, c.day) for c in scenario.changes),
    )


def _midnight(day: date, situation: Situation) -> pd.Timestamp:
    return pd.Timestamp(local_midnight(day, situation.brand.tz))
