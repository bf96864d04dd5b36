"""What every edit of a roster stands on: who works under which rules, and what the floor needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scheduling.editing.changes import Segment, by_day, lines_of
from scheduling.rostering.need import Flags, Need, Prices, need_of
from scheduling.rostering.shifts import Shifts, expand_shifts
from wfm.brands import Brand
from wfm.calendars import open_share
from wfm.errors import NotFound, RequestError
from wfm.frames import ROSTER
from wfm.people import ActivityCode, Agent, Contract, ShiftTemplate
from wfm.timegrid import local_day


@dataclass(frozen=True)
class EditGround:
    """The desk that a roster is edited for, over [start, end); make it once and keep it.

    requirement   REQUIREMENT of the plan
    start, end    local midnights of the site's zone
    history       ROSTER of shifts that start before `start`: rules count them, and the last of them
                  still cover the first morning
    prices        what openings and takers are weighed by
    frozen_until  nothing that starts before may be edited; None: everything may
    """

    brand: Brand
    agents: tuple[Agent, ...] = field(repr=False)
    requirement: pd.DataFrame = field(repr=False)
    start: datetime
    end: datetime
    history: pd.DataFrame | None = field(default=None, repr=False)
    prices: Prices = field(default_factory=Prices)
    frozen_until: datetime | None = None

    @cached_property
    def by_id(self) -> dict[str, Agent]:
        return {a.agent_id: a for a in self.agents}

    @cached_property
    def templates(self) -> dict[str, ShiftTemplate]:
        return {t.name: t for t in self.brand.templates}

    @cached_property
    def contracts(self) -> dict[str, Contract]:
        return {c.name: c for c in self.brand.contracts}

    @cached_property
    def activities(self) -> dict[str, ActivityCode]:
        return {a.code: a for a in self.brand.activities}

    @cached_property
    def need(self) -> Need:
        """Heads needed in every interval of the horizon."""
        return need_of(self.requirement, self.brand, start=self.start, end=self.end)

    @cached_property
    def past(self) -> pd.DataFrame:
        """The history, checked; empty where there is none."""
        return ROSTER.empty() if self.history is None else ROSTER.check(self.history)

    @cached_property
    def reaching(self) -> pd.DataFrame:
        """Rows on queue of the history that reach into the horizon."""
        return self.past[(self.past["end"] > self.start) & (self.past["activity"] == "on_queue")]

    @cached_property
    def _past_rows(self) -> dict[str, NDArray[np.intp]]:
        groups = self.past.groupby("agent_id").indices.items()
        return {str(a): np.asarray(rows) for a, rows in groups}

    def past_of(self, agent_ids: Iterable[str]) -> pd.DataFrame:
        """The history of these agents."""
        found = [self._past_rows[a] for a in agent_ids if a in self._past_rows]
        return self.past.iloc[np.concatenate(found)] if found else self.past.iloc[:0]

    @cached_property
    def last_days(self) -> dict[str, dict[date, tuple[Segment, ...]]]:
        """What each agent had on the last days before the horizon, its running week at least."""
        recent = self.past[self.past["start"] >= self.start - timedelta(days=9)]
        return {a: by_day(line, self.brand.tz) for a, line in lines_of(recent).items()}

    @cached_property
    def skills(self) -> dict[str, frozenset[str]]:
        """Queues of the brand that each agent serves."""
        queues = frozenset(q.name for q in self.brand.queues)
        return {a.agent_id: queues & {s.queue for s in a.skills} for a in self.agents}

    @cached_property
    def sets(self) -> tuple[frozenset[str], ...]:
        """What a head can serve: the agents' sets of queues, each queue alone, and none."""
        alone = [frozenset([q]) for q in self.need.queues]
        return tuple(dict.fromkeys([*self.skills.values(), *alone, frozenset()]))

    @cached_property
    def set_number(self) -> dict[frozenset[str], int]:
        """Position of each set in `sets`."""
        return {s: n for n, s in enumerate(self.sets)}

    def set_of(self, agent_id: str, queue: str = "") -> int:
        """Position in `sets` of what the agent serves, or of the one queue where it is named."""
        served = frozenset([queue]) if queue else self.skills.get(agent_id, frozenset())
        return self.set_number.get(served, self.set_number[frozenset()])

    @cached_property
    def serves(self) -> Flags:
        """Whether each set holds each queue, shape (sets, queues)."""
        return np.array([[q in s for q in self.need.queues] for s in self.sets], dtype=np.bool_)

    @cached_property
    def shifts(self) -> Shifts:
        """Every shift that can start in the horizon."""
        return expand_shifts(self.brand, start=self.start, end=self.end)

    @cached_property
    def open_for(self) -> Flags:
        """Whether the window of each of the brand's presences is open, by interval."""
        opened = [open_share(p.window, self.start, self.end) for p in self.brand.presence]
        return np.array(opened, dtype=np.float64).reshape(len(opened), len(self.need.heads)) > 0

    @cached_property
    def days(self) -> tuple[date, ...]:
        """The local days of the horizon."""
        first, after = (local_day(at, self.brand.tz) for at in (self.start, self.end))
        return tuple(first + timedelta(days=n) for n in range((after - first).days))

    def agent(self, agent_id: str) -> Agent:
        """The agent; NotFound for one who is not known."""
        if agent_id not in self.by_id:
            raise NotFound(f"no agent {agent_id!r} in {self.brand.name}", agent=agent_id)
        return self.by_id[agent_id]

    def template(self, name: str) -> ShiftTemplate:
        """The shift template; NotFound with those there are."""
        if name not in self.templates:
            known = ", ".join(self.templates)
            raise NotFound(f"no shift template {name!r}; there are {known}", template=name)
        return self.templates[name]

    def contract_of(self, agent_id: str, day: date) -> Contract | None:
        """The contract in force, None without one or for an agent who is not known."""
        agent = self.by_id.get(agent_id)
        return None if agent is None else self.contracts.get(agent.contract_on(day) or "")

    def instant(self, day: date, minute: int) -> datetime:
        """The instant of a local time; RequestError for one outside the horizon or never shown."""
        if day not in self.days:
            raise RequestError(
                f"{day} is not in the roster, which goes from {self.days[0]} to {self.days[-1]}",
                day=day.isoformat(),
            )
        wall = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=self.brand.tz)
        at = wall.astimezone(UTC)
        if at.astimezone(self.brand.tz).replace(tzinfo=None) != wall.replace(tzinfo=None):
            raise RequestError(
                f"there is no {wall:%H:%M} on {day}: the clock goes forward over it",
                day=day.isoformat(),
            )
        return at
