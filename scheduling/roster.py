"""The roster: requirement and agents in, named dated shifts out, with what they cost and lack.

Two stages: the shift mix as a linear program (`cover`), then named lines of work (`assign`).
A shortfall is a result with its reasons, not an error.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from scheduling.fairness import Ledger, shift_kinds
from scheduling.rostering.assign import Assignment, Desk, Kept, assign
from scheduling.rostering.cover import Cover, CoverLimits, make_cover
from scheduling.rostering.engine import EngineLimits
from scheduling.rostering.need import (
    INTERVAL_H,
    Flags,
    Floats,
    Need,
    Prices,
    SkillGroups,
    need_of,
    skill_groups,
)
from scheduling.rostering.shifts import Shifts, expand_shifts
from scheduling.rostering.shortfall import reasons
from scheduling.rostering.standing import days_before, shifts_of, standing_of
from scheduling.rostering.workers import Worker, begun_before, given_heads, workers_of
from scheduling.staffing import split_heads
from scheduling.worked import SHIFT_KINDS
from wfm.brands import Brand
from wfm.calendars import open_share
from wfm.errors import DataError
from wfm.frames import INSTANT, ROSTER, interval_index
from wfm.people import Agent
from wfm.progress import Progress, part, silent
from wfm.timegrid import INTERVAL, interval_count


@dataclass(frozen=True)
class Limits:
    """Work limits of both stages, and the prices a roster is judged by."""

    cover: CoverLimits = field(default_factory=CoverLimits)
    engine: EngineLimits = field(default_factory=EngineLimits)
    prices: Prices = field(default_factory=Prices)


@dataclass(frozen=True)
class RosterOutcome:
    """A roster and how good it is.

    table      ROSTER
    objective  paid hours in the horizon + shortfall + surplus + hours beside what contracts want +
               wishes + burdens above fair shares, at the prices of the limits
    bound      no roster costs less at the same prices: the better of two, the linear program of the
               shift mix and that over whole lines of work
    gap        (objective - bound) / objective
    shortfall  agents short by start and queue, where any are: columns start, queue, agents
    messages   what a planner should know: reasons of the shortfall, a wall limit that was hit
    cover      stage one, with the price of a head in every interval
    """

    table: pd.DataFrame = field(repr=False)
    objective: float
    bound: float
    gap: float
    seconds: float
    shortfall: pd.DataFrame = field(repr=False)
    messages: tuple[str, ...]
    cover: Cover = field(repr=False)
    paid_hours: float
    shortfall_hours: float


@dataclass(frozen=True)
class Ground:
    """What both stages stand on.

    given  heads that are on queue anyway, from shifts begun before the horizon, by skill group
    """

    need: Need
    shifts: Shifts
    groups: SkillGroups
    workers: list[Worker]
    given: Floats

    def cover(self, brand: Brand, *, seed: int, limits: Limits, progress: Progress) -> Cover:
        """Stage one: the shift mix."""
        return make_cover(
            self.workers,
            self.shifts,
            self.groups,
            need=self.need,
            given=self.given,
            contracts={c.name: c for c in brand.contracts},
            prices=limits.prices,
            weekend=brand.weekend,
            seed=seed,
            limits=limits.cover,
            progress=progress,
        )


def ground_of(
    requirement: pd.DataFrame,
    brand: Brand,
    agents: tuple[Agent, ...],
    *,
    start: datetime,
    end: datetime,
    history: pd.DataFrame | None,
    prices: Prices,
    owed: Mapping[str, Mapping[str, float]] | None = None,
) -> Ground:
    """The need, the shifts and the workers of a roster; arguments and errors of `make_roster`."""
    for agent_id, times in Counter(a.agent_id for a in agents).items():
        if times > 1:
            raise DataError(f"agent {agent_id!r} is listed {times} times", agent=agent_id)
    need = need_of(requirement, brand, start=start, end=end)
    shifts = expand_shifts(brand, start=start, end=end)
    groups = skill_groups(agents, need.queues)
    begun = begun_before(ROSTER.empty() if history is None else ROSTER.check(history), start)
    workers = workers_of(
        agents,
        groups,
        shifts=shifts,
        brand=brand,
        prices=prices,
        begun=begun,
        start=start,
        owed=owed,
    )
    given = given_heads(begun, agents, groups, start=start, intervals=shifts.intervals)
    return Ground(need, shifts, groups, workers, given)


def make_roster(
    requirement: pd.DataFrame,
    brand: Brand,
    agents: tuple[Agent, ...],
    *,
    start: datetime,
    end: datetime,
    seed: int,
    history: pd.DataFrame | None = None,
    keep: pd.DataFrame | None = None,
    change_price: float = 0.0,
    frozen: pd.DataFrame | None = None,
    frozen_until: datetime | None = None,
    fairness: Ledger | None = None,
    progress: Progress = silent,
    limits: Limits | None = None,
) -> RosterOutcome:
    """Named shifts over [start, end) that keep every rule, at the least cost found.

    start, end  local midnights of the site's zone
    history     a ROSTER of what was worked before: rest, runs of days, the week's hours and
                weekends follow from it, and its last night covers the first morning
    keep        a ROSTER to stay near: each agent-day that is another costs `change_price`
    frozen      a ROSTER of shifts that stand as they are: pinned ones, those gone by
    frozen_until  nothing is added on the days that begin before it
    fairness    what the agents carried so far; who carried less gets more of it

    The same inputs and seed give the same roster unless a wall limit was hit, which a message says.

    Raises RequestError for an instant that is no local midnight or a queue the brand has not,
    DataError for templates, contracts or agents that contradict each other, RuleConflict for an
    agent whose shifts before the horizon leave no lawful line.
    """
    began = time.perf_counter()
    limits = limits or Limits()
    ground = ground_of(
        requirement,
        brand,
        agents,
        start=start,
        end=end,
        history=history,
        prices=limits.prices,
        owed=fairness.debts if fairness else None,
    )
    cover = ground.cover(brand, seed=seed, limits=limits, progress=part(progress, 0.0, 0.35))
    need, shifts, groups = ground.need, ground.shifts, ground.groups
    standing = standing_of(frozen, brand, agents, shifts, start)
    desk = Desk(
        workers=ground.workers,
        shifts=shifts,
        groups=groups,
        need=need,
        given=ground.given,
        brand=brand,
        prices=limits.prices,
        presence=presence_of(brand, start, end),
        counts=counting(brand, agents),
        owed=fairness.debts if fairness else {},
        standing=standing,
        free_from=0 if frozen_until is None else days_before(shifts, frozen_until, start),
    )
    outcome = assign(
        desk,
        seed=seed,
        burdens=_burdens(cover, groups, shifts, brand),
        guide=cover.head_price * INTERVAL_H,
        kept=None if keep is None else Kept(shifts_of(keep, agents, shifts, start), change_price),
        limits=limits.engine,
        progress=part(progress, 0.35, 1.0),
    )
    now = outcome.assignment
    table = roster_table(now, agents, shifts, start)
    if frozen is not None and not frozen.empty:
        table = pd.concat([table, ROSTER.check(frozen)], ignore_index=True)
        table = ROSTER.check(table.sort_values(["agent_id", "start"], ignore_index=True))
    heads = (
        given_heads(table, agents, groups, start=start, intervals=shifts.intervals) + ground.given
    )
    short = _short(heads, groups.serves, need)
    messages = list(
        reasons(
            short, need.queues, table, brand, agents, shifts=shifts, start=start, history=history
        )
    )
    messages += [
        f"the shifts of {agents[i].name} that stand break rules together; nothing was added to them"
        for i in now.dropped
    ]
    messages += [
        f"{agents[i].name} has no shift: what they worked before leaves no lawful line of work; "
        f"`wfm roster explain minimum current {agents[i].agent_id}` names the rules"
        for i in now.barred
    ]
    if outcome.stopped_by_wall or cover.stopped_by_wall:
        messages.append("a wall limit cut the search short: the same seed may give another roster")
    bound = max(cover.bound, outcome.bound)
    stood = sum(s.paid for s in standing)
    return RosterOutcome(
        table=table,
        objective=outcome.objective,
        bound=min(bound, outcome.objective),
        gap=max(0.0, outcome.objective - bound) / max(1.0, abs(outcome.objective)),
        seconds=time.perf_counter() - began,
        shortfall=_shortfall_table(short, need, start, end),
        messages=tuple(messages),
        cover=cover,
        paid_hours=float((shifts.paid[now.shift[now.shift >= 0]].sum() + stood) * INTERVAL_H),
        shortfall_hours=outcome.short_h,
    )


def presence_of(brand: Brand, start: datetime, end: datetime) -> Floats:
    """Agents that each presence rule asks for, shape (intervals, rules)."""
    asked = [
        rule.at_least * (np.asarray(open_share(rule.window, start, end)) > 0)
        for rule in brand.presence
    ]
    return np.array(asked).reshape(len(asked), interval_count(start, end)).T


def counting(brand: Brand, agents: tuple[Agent, ...]) -> Flags:
    """Whether an agent counts for each presence rule, shape (agents, rules)."""
    rows = [[not r.role or r.role in a.roles for r in brand.presence] for a in agents]
    return np.array(rows, dtype=np.bool_).reshape(len(agents), len(brand.presence))


def _burdens(cover: Cover, groups: SkillGroups, shifts: Shifts, brand: Brand) -> Floats:
    """Shifts of each of SHIFT_KINDS in the mix, shared out to the skill groups by who was asked."""
    kinds = shift_kinds(shifts, brand)
    total = np.zeros((len(cover.serves), len(SHIFT_KINDS)))
    np.add.at(total, cover.units.pool, kinds[cover.units.shift])
    members = np.bincount(groups.of, minlength=len(groups.serves)).astype(np.float64)
    of_pool = np.zeros(len(cover.serves))
    np.add.at(of_pool, cover.pool_of, members)
    part_of = members / np.maximum(of_pool[cover.pool_of], 1.0)
    return np.asarray(total[cover.pool_of] * part_of[:, None])


def roster_table(
    now: Assignment, agents: tuple[Agent, ...], shifts: Shifts, start: datetime
) -> pd.DataFrame:
    """The assignment as ROSTER: consecutive segments, on queue between the breaks."""
    rows: list[tuple[str, datetime, datetime, str, str, str, bool]] = []
    for i, day in np.argwhere(now.shift >= 0):
        s = int(now.shift[i, day])
        template = shifts.templates[int(shifts.template[s])]
        at = start + int(shifts.start[s]) * INTERVAL
        ends = at + int(shifts.length[s]) * INTERVAL
        agent_id = agents[i].agent_id
        for rule, offset in zip(template.breaks, now.breaks[i, day], strict=False):
            pause = start + (int(shifts.start[s]) + int(offset)) * INTERVAL
            if pause > at:
                rows.append((agent_id, at, pause, "on_queue", "", template.name, False))
            at = pause + timedelta(minutes=rule.minutes)
            rows.append((agent_id, pause, at, rule.activity, "", template.name, False))
        if ends > at:
            rows.append((agent_id, at, ends, "on_queue", "", template.name, False))
    table = pd.DataFrame(rows, columns=list(ROSTER.columns))
    table = table.astype({name: column.dtype for name, column in ROSTER.columns.items()})
    return ROSTER.check(table.sort_values(["agent_id", "start"], ignore_index=True))


def _short(heads: Floats, serves: Flags, need: Need) -> Floats:
    split = split_heads(heads, serves, need.heads)
    # The split meets the need to rounding where it can be met.
    missing = need.heads - split
    return np.where(missing > 1e-3, missing, 0.0)


def _shortfall_table(short: Floats, need: Need, start: datetime, end: datetime) -> pd.DataFrame:
    at, queue = np.nonzero(short)
    index = interval_index(start, end)
    return pd.DataFrame(
        {
            "start": index[at].astype(INSTANT),
            "queue": pd.Series([need.queues[q] for q in queue], dtype="str"),
            "agents": short[at, queue],
        }
    )
