"""What an export is made of: a roster, whose it is, and what it was sold with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property

import pandas as pd

from api.console.shiftgrid import Shift, shifts_of
from scheduling.certificate import GoalResult
from scheduling.check import Lack, Violation
from wfm.brands import Brand
from wfm.people import Agent
from wfm.timegrid import local_day


@dataclass(frozen=True)
class Contents:
    """A roster over [start, end) with what a reader of it should know.

    title       names the plan or the draft and its state, in words
    agents      whose shifts are told, in the order they are told in
    violations  the rules it breaks
    lacks       the intervals in which too few of a role are there
    goals       of the certificate it was made with; none when it has no certificate
    """

    title: str
    brand: Brand
    agents: tuple[Agent, ...]
    roster: pd.DataFrame = field(repr=False)
    start: datetime
    end: datetime
    violations: tuple[Violation, ...] = ()
    lacks: tuple[Lack, ...] = ()
    goals: tuple[GoalResult, ...] = ()

    @cached_property
    def days(self) -> tuple[date, ...]:
        """The local days of [start, end)."""
        first = local_day(self.start, self.brand.tz)
        last = local_day(self.end - timedelta(microseconds=1), self.brand.tz)
        return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))

    @cached_property
    def shifts(self) -> tuple[Shift, ...]:
        """The shifts of the agents, by agent and start."""
        return shifts_of_agents(self.roster, self.agents)

    @cached_property
    def names(self) -> dict[str, str]:
        """Names by agent_id; who has left the brand since is called by the id."""
        known = {agent.agent_id: agent.name for agent in self.agents}
        return known | {s.agent_id: s.agent_id for s in self.shifts if s.agent_id not in known}

    def day_of(self, shift: Shift) -> date:
        """The local day that the shift belongs to."""
        return local_day(shift.start, self.brand.tz)


def shifts_of_agents(roster: pd.DataFrame, agents: Sequence[Agent]) -> tuple[Shift, ...]:
    """The shifts of the roster, those of the agents first and in their order."""
    place = {agent.agent_id: n for n, agent in enumerate(agents)}
    shifts = shifts_of(roster)
    return tuple(sorted(shifts, key=lambda s: (place.get(s.agent_id, len(place)), s.agent_id)))
