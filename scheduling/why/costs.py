"""What changes of a roster cost, part by part: hours, coverage, wishes, contract minimum, fairness.

Money at the ground's prices, in which a paid hour is 1 unless they say otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property

import numpy as np
import pandas as pd

from scheduling.editing.changes import Change, Segment, by_day, segments_of, worked
from scheduling.editing.coverage import Lacks, head_changes, heads_of, lacks_of
from scheduling.editing.ground import EditGround
from scheduling.editing.judging import paid_hours
from scheduling.fairness import declines, ledger_of, shift_kinds
from scheduling.rostering.assign import WEIGHTS
from scheduling.rostering.need import INTERVAL_H, Floats, Ints
from scheduling.rostering.shifts import Shifts, expand_shifts, instants_of
from scheduling.why.wants import Wants, wants_of
from scheduling.worked import SHIFT_KINDS, kinds_of
from wfm.people import Agent

Days = dict[date, tuple[Segment, ...]]
# Digits of a cost that are not the arithmetic's dust.
DIGITS = 9


@dataclass(frozen=True)
class Cost:
    """What changes cost, by part; below 0 is saved.

    covers_h  agent-hours of shortfall that they cure
    paid_h    paid hours that they add
    paid      those hours, as far as they lie in the horizon in full
    coverage  hours that stay uncovered, and hours on queue above the need
    wishes    wishes that are not granted
    minimum   hours below the contracts' minimum
    target    hours beside the contracts' target
    unfair    nights, weekends and the like above the fair share
    total     all of it
    """

    covers_h: float
    paid_h: float
    paid: float
    coverage: float
    wishes: float
    minimum: float
    target: float
    unfair: float
    total: float


@dataclass(frozen=True)
class Desk:
    """A roster laid out for trying changes: its heads, what they leave lacking, days of agents.

    owed  by agent and kind, how many nights and the like they still owe: `Ledger.debts`
    """

    ground: EditGround
    roster: pd.DataFrame = field(repr=False)
    heads: Floats = field(repr=False)
    lacks: Lacks = field(repr=False)
    owed: Mapping[str, Mapping[str, float]] = field(default_factory=dict, repr=False)
    _days: dict[str, Days] = field(default_factory=dict, repr=False)

    def days(self, agent_id: str) -> Days:
        """The agent's segments by local day."""
        if agent_id not in self._days:
            rows = self._rows.get(agent_id)
            mine = [] if rows is None else segments_of(self.roster.iloc[rows])
            self._days[agent_id] = by_day(mine, self.ground.brand.tz)
        return self._days[agent_id]

    @cached_property
    def _rows(self) -> Mapping[str, Ints]:
        """Positions of each agent's rows."""
        found = self.roster.groupby("agent_id", sort=False).indices
        return {str(agent_id): np.asarray(rows, dtype=np.int64) for agent_id, rows in found.items()}

    def on(self, agent_id: str, day: date) -> tuple[Segment, ...]:
        """What the agent has on the day, absences too."""
        return self.days(agent_id).get(day, ())

    def to(self, agent_id: str, day: date, shift: Sequence[Segment]) -> Change:
        """The agent's day given to another shift, or to none; absences stay."""
        before = self.on(agent_id, day)
        absent = [s for s in before if s not in worked(before)]
        return Change(agent_id, day, before, tuple(sorted([*absent, *shift])))

    def line(self, change: Change) -> list[Segment]:
        """All the agent's segments after the change."""
        days = self.days(change.agent_id) | {change.day: change.after}
        return [segment for _, day in sorted(days.items()) for segment in day]

    def lacks_after(self, changes: Iterable[Change]) -> Lacks:
        """What the floor lacks after the changes."""
        return self.lacks.after(self._added(changes))

    def cost(self, changes: Sequence[Change]) -> Cost:
        """What the changes, each of another agent or day, cost together."""
        added = self._added(changes)
        at = np.flatnonzero(added.any(axis=1))
        before = replace(self.lacks, deficits=self.lacks.deficits[at])
        cured = float((before.short - before.after(added[at]).short).sum()) * INTERVAL_H
        on_queue = float(added.sum()) * INTERVAL_H
        prices, ground = self.ground.prices, self.ground
        paid, paid_h, wishes = 0.0, 0.0, 0.0
        for change in changes:
            agent = ground.by_id[change.agent_id]
            for sign, segments in ((1.0, change.after), (-1.0, change.before)):
                shift = worked(segments)
                if shift:
                    hours = paid_hours(shift, ground)
                    paid_h += sign * hours
                    paid += sign * float(prices.of_shift(hours, _inside(shift, ground.end)))
                    wishes += sign * _wished_otherwise(agent, change.day, shift[0].template)
        coverage = prices.surplus * (on_queue - cured) - prices.short * cured
        wishes *= prices.wish
        minimum, target = self._beside_wanted(changes)
        unfair = self._unfair(changes) if prices.unfair else 0.0
        total = paid + coverage + wishes + minimum + target + unfair
        parts = (cured, paid_h, paid, coverage, wishes, minimum, target, unfair, total)
        return Cost(*(round(part, DIGITS) + 0.0 for part in parts))

    def _added(self, changes: Iterable[Change]) -> Floats:
        total = np.zeros_like(self.heads)
        for change in changes:
            total += head_changes(change.agent_id, change.after, self.ground)
            total -= head_changes(change.agent_id, change.before, self.ground)
        return total

    def _beside_wanted(self, changes: Sequence[Change]) -> tuple[float, float]:
        """Price of hours below the contracts' minima and beside their targets, more than before."""
        below = beside = 0.0
        for agent_id in dict.fromkeys(c.agent_id for c in changes):
            wants = self._wants[agent_id]
            before = {d: paid_hours(s, self.ground) for d, s in self.days(agent_id).items()}
            after = before | {
                c.day: paid_hours(c.after, self.ground) for c in changes if c.agent_id == agent_id
            }
            for sign, days in ((1.0, after), (-1.0, before)):
                paid_h = {self._number[d]: h for d, h in days.items() if d in self._number}
                missing, off = wants.cost(paid_h)
                below += sign * missing
                beside += sign * off
        return below, beside

    @cached_property
    def _shifts(self) -> Shifts:
        ground = self.ground
        return expand_shifts(ground.brand, start=ground.start, end=ground.end)

    @cached_property
    def _wants(self) -> Mapping[str, Wants]:
        return wants_of(self.ground, self._shifts)

    @cached_property
    def _number(self) -> Mapping[date, int]:
        return {day: n for n, day in enumerate(self.ground.days)}

    def _unfair(self, changes: Sequence[Change]) -> float:
        """Price of burdens above the fair share, more than before."""
        had, share = self._burdens
        weights = self.ground.prices.unfair * np.array([WEIGHTS[kind] for kind in SHIFT_KINDS])
        more: dict[str, Floats] = {}
        for change in changes:
            added = self._kinds(change.after) - self._kinds(change.before)
            more[change.agent_id] = more.get(change.agent_id, 0.0) + added
        cost = 0.0
        for agent_id, added in more.items():
            above = had[agent_id] - share[agent_id]
            rise = np.maximum(above + added, 0.0) - np.maximum(above, 0.0)
            cost += float((weights * rise).sum())
        return cost

    @cached_property
    def _burdens(self) -> tuple[Mapping[str, Floats], Mapping[str, Floats]]:
        """Shifts of each of SHIFT_KINDS that every agent has, and their fair share, debts in."""
        ground = self.ground
        table = ledger_of(
            self.roster, ground.brand, ground.agents, start=ground.start, end=ground.end
        ).table
        had: dict[str, Floats] = {}
        share: dict[str, Floats] = {}
        for agent_id, rows in table.set_index("kind").groupby("agent_id", sort=False):
            name, mine = str(agent_id), rows.loc[list(SHIFT_KINDS)]
            owed = self.owed.get(name, {})
            debts = np.array([owed.get(kind, 0.0) for kind in SHIFT_KINDS])
            had[name] = mine["had"].to_numpy()
            share[name] = np.maximum(mine["fair"].to_numpy() + debts, 0.0)
        return had, share

    def _kinds(self, segments: Sequence[Segment]) -> Floats:
        """Of which SHIFT_KINDS the day's shift is, as 0 and 1; all 0 on a day off."""
        shift = worked(segments)
        if not shift:
            return np.zeros(len(SHIFT_KINDS))
        span = (shift[0].start, max(s.end for s in shift))
        if span not in self._known:
            start, end = (pd.DatetimeIndex([at]).as_unit("us") for at in span)
            self._known[span] = kinds_of(start, end, self.ground.brand)[0].astype(np.float64)
        return self._known[span]

    @cached_property
    def _known(self) -> dict[tuple[datetime, datetime], Floats]:
        """Kinds of all shifts of the templates, by start and end."""
        ground = self.ground
        shifts = self._shifts
        spans = zip(*(at.to_pydatetime() for at in instants_of(shifts, ground.brand)), strict=True)
        kinds = shift_kinds(shifts, ground.brand).astype(np.float64)
        return dict(zip(spans, kinds, strict=True))


def desk_of(
    roster: pd.DataFrame,
    ground: EditGround,
    *,
    owed: Mapping[str, Mapping[str, float]] | None = None,
) -> Desk:
    """The ROSTER on its ground, ready for trying; `owed` as in `Desk`, None: nobody owes."""
    heads = heads_of(roster, ground)
    return Desk(ground, roster, heads, lacks_of(heads, ground), owed or {})


def _inside(shift: Sequence[Segment], end: datetime) -> float:
    """Share of the shift that lies in the horizon."""
    start, until = shift[0].start, max(s.end for s in shift)
    return (min(until, end) - start) / (until - start)


def _wished_otherwise(agent: Agent, day: date, template: str) -> float:
    """Weight of the agent's wishes that the shift goes against."""
    if not declines(agent, day, template):
        return 0.0
    wishes = [w for w in agent.preferences if w.holds_on(day)]
    preferred = {w.value: w.weight for w in wishes if w.kind == "prefer_template"}
    weight = 0.0 if not preferred or template in preferred else max(preferred.values())
    return weight + sum(
        w.weight
        for w in wishes
        if w.kind == "day_off" or (w.kind == "avoid_template" and w.value == template)
    )
