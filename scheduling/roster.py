"""The roster: requirement and agents in, named dated shifts out, with what they cost and lack.

Two stages: the shift mix as a linear program (`cover`), then named lines of work (`assign`).
A shortfall is a result with its reasons, not an error.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from scheduling.rostering.assign import (
    AssignLimits,
    Assignment,
    Desk,
    Worker,
    assign,
    begun_before,
    given_heads,
    past_of,
    worker_of,
)
from scheduling.rostering.cover import Cover, CoverLimits, make_cover
from scheduling.rostering.need import (
    INTERVAL_H,
    Flags,
    Floats,
    Need,
    Prices,
    SkillGroups,
    interval_of,
    need_of,
    skill_groups,
)
from scheduling.rostering.shifts import Shifts, expand_shifts
from scheduling.rostering.shortfall import reasons
from wfm.brands import Brand
from wfm.errors import DataError
from wfm.frames import INSTANT, ON_SHIFT, REQUIREMENT, ROSTER, STAFFING, interval_index
from wfm.people import Agent
from wfm.progress import Progress, part, silent
from wfm.timegrid import INTERVAL

SPLIT_ROUNDS = 300
SHUT = 1e-9  # weight of a queue that needs nobody: heads go there only where nothing else is


@dataclass(frozen=True)
class Limits:
    """Work limits of both stages, and the prices a roster is judged by."""

    cover: CoverLimits = field(default_factory=CoverLimits)
    assign: AssignLimits = field(default_factory=AssignLimits)
    prices: Prices = field(default_factory=Prices)


@dataclass(frozen=True)
class RosterOutcome:
    """A roster and how good it is.

    table      ROSTER
    objective  paid hours in the horizon + shortfall + surplus + hours below the minimum + wishes,
               at the prices of the limits
    bound      no roster costs less: the linear program of the shift mix at the same prices
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
) -> Ground:
    """The need, the shifts and the workers of a roster; arguments and errors of `make_roster`."""
    for agent_id, times in Counter(a.agent_id for a in agents).items():
        if times > 1:
            raise DataError(f"agent {agent_id!r} is listed {times} times", agent=agent_id)
    need = need_of(requirement, brand, start=start, end=end)
    shifts = expand_shifts(brand, start=start, end=end)
    groups = skill_groups(agents, need.queues)
    begun = begun_before(ROSTER.empty() if history is None else ROSTER.check(history), start)
    workers = [
        worker_of(
            agent,
            int(group),
            shifts=shifts,
            brand=brand,
            prices=prices,
            past=past_of(agent, begun, brand, start),
        )
        for agent, group in zip(agents, groups.of, strict=True)
    ]
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
    progress: Progress = silent,
    limits: Limits | None = None,
) -> RosterOutcome:
    """Named shifts over [start, end) that keep every rule, at the least cost found.

    start, end  local midnights of the site's zone
    history     a ROSTER of what was worked before: rest, runs of days, the week's hours and
                weekends follow from it, and its last night covers the first morning

    The same inputs and seed give the same roster unless a wall limit was hit, which a message says.

    Raises RequestError for an instant that is no local midnight or a queue the brand has not,
    DataError for templates, contracts or agents that contradict each other.
    """
    began = time.perf_counter()
    limits = limits or Limits()
    ground = ground_of(
        requirement, brand, agents, start=start, end=end, history=history, prices=limits.prices
    )
    cover = ground.cover(brand, seed=seed, limits=limits, progress=part(progress, 0.0, 0.6))
    need, shifts, groups = ground.need, ground.shifts, ground.groups
    workers, given = ground.workers, ground.given
    desk = Desk(workers, shifts, groups, need, limits.prices)
    deficits = groups.deficits(need) - given @ groups.touches.astype(np.float64)
    outcome = assign(
        desk,
        np.ascontiguousarray(deficits),
        seed=seed,
        guide=cover.head_price * INTERVAL_H,
        given_h=float(given.sum() * INTERVAL_H),
        limits=limits.assign,
        progress=part(progress, 0.6, 1.0),
    )
    now = outcome.assignment
    table = roster_table(now, agents, shifts, start)
    heads = _heads(desk, now) + given
    short = _short(heads, groups.serves, need)
    messages = list(
        reasons(short, need.queues, workers, now, shifts=shifts, zone=brand.tz, start=start)
    )
    if outcome.stopped_by_wall or cover.stopped_by_wall:
        messages.append("a wall limit cut the search short: the same seed may give another roster")
    taken = now.shift[now.shift >= 0]
    return RosterOutcome(
        table=table,
        objective=outcome.objective,
        bound=cover.bound,
        gap=max(0.0, outcome.objective - cover.bound) / max(1.0, abs(outcome.objective)),
        seconds=time.perf_counter() - began,
        shortfall=_shortfall_table(short, need, start, end),
        messages=tuple(messages),
        cover=cover,
        paid_hours=float(shifts.paid[taken].sum() * INTERVAL_H),
        shortfall_hours=outcome.short_h,
    )


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


def _heads(desk: Desk, now: Assignment) -> Floats:
    """Heads on queue per interval and skill group."""
    shifts = desk.shifts
    edges = np.zeros((shifts.intervals + 1, len(desk.groups.serves)))
    for i, day in np.argwhere(now.shift >= 0):
        s, group = int(now.shift[i, day]), desk.workers[i].group
        first = int(shifts.start[s])
        spans = [(first, first + int(shifts.length[s]), 1.0)]
        for window, at in zip(shifts.breaks[shifts.template[s]], now.breaks[i, day], strict=True):
            if window[2]:
                spans.append((first + int(at), first + int(at + window[2]), -1.0))
        for a, b, heads in spans:
            edges[min(a, shifts.intervals), group] += heads
            edges[min(b, shifts.intervals), group] -= heads
    return np.asarray(edges.cumsum(axis=0)[:-1])


def _short(heads: Floats, serves: Flags, need: Need) -> Floats:
    split = split_heads(heads, serves, need.heads)
    # The split meets the need to rounding where it can be met.
    missing = need.heads - split
    return np.where(missing > 1e-3, missing, 0.0)


def split_heads(heads: Floats, serves: Flags, need: Floats) -> Floats:
    """Heads on each queue, shape (intervals, queues): the worst-served queue is served best.

    heads   per interval and skill group
    serves  queues of each group
    need    per interval and queue

    Every head is on a queue it serves, and all are on one. Each group's heads go where the ratio of
    heads to need is lowest, which meets every need that can be met at once; method:
    proportional response (the equilibrium of a market in which queues spend their need).
    """
    weight = np.maximum(need, SHUT)
    flow = serves[None] * weight[:, None, :]
    flow *= (heads / np.maximum(flow.sum(axis=2), SHUT / 2))[:, :, None]
    for _ in range(SPLIT_ROUNDS):
        on_queue = flow.sum(axis=1)
        ratio = weight / np.maximum(on_queue, 1e-300)
        flow *= ratio[:, None, :]
        total = flow.sum(axis=2)
        scale = np.divide(heads, total, out=np.zeros_like(heads), where=total > 0)
        flow *= scale[:, :, None]
    return np.asarray(flow.sum(axis=1))


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


def staffing_of(
    roster: pd.DataFrame, requirement: pd.DataFrame, brand: Brand, agents: tuple[Agent, ...]
) -> pd.DataFrame:
    """STAFFING over the requirement's intervals: each agent on queue split over their queues.

    scheduled  heads; over the queues they add up to the agents on queue
    effective  scheduled after unplanned shrinkage; slots = effective x concurrency of the queue
    required   `agents_exact` of the requirement, before shrinkage: parts of agents, like the split
    """
    table = ROSTER.check(roster)
    wanted = REQUIREMENT.check(requirement)
    if wanted.empty:
        return STAFFING.empty()
    start = wanted["start"].min().to_pydatetime()
    end = wanted["start"].max().to_pydatetime() + INTERVAL
    need = need_of(wanted, brand, start=start, end=end)
    intervals = len(need.heads)
    serves, heads = _heads_of_table(table, brand, agents, start, intervals)
    scheduled = split_heads(heads, serves, need.heads)
    concurrency = np.array([q.work.concurrency_max for q in brand.queues])
    effective = scheduled * (1 - brand.planning.unplanned_shrinkage)
    index = interval_index(start, end)
    queues = len(need.queues)
    return STAFFING.check(
        pd.DataFrame(
            {
                "start": index.repeat(queues),
                "queue": pd.Series(list(need.queues) * intervals, dtype="str"),
                "scheduled": scheduled.ravel(),
                "effective": effective.ravel(),
                "slots": (effective * concurrency).ravel(),
                "required": (need.heads * brand.planning.availability).round(6).ravel(),
            }
        )
    )


def _heads_of_table(
    table: pd.DataFrame, brand: Brand, agents: tuple[Agent, ...], start: datetime, intervals: int
) -> tuple[Flags, Floats]:
    """Sets of queues that occur in the roster, and heads on queue per interval and set."""
    queues = [q.name for q in brand.queues]
    skills = {a.agent_id: frozenset(s.queue for s in a.skills) for a in agents}
    rows = table[table["activity"] == "on_queue"]
    unknown = sorted(set(rows["agent_id"]) - set(skills))
    if unknown:
        raise DataError(f"the roster names agent {unknown[0]!r}, who is not known")
    served = [
        frozenset([queue]) if queue else skills[agent_id]
        for agent_id, queue in zip(rows["agent_id"], rows["queue"], strict=True)
    ]
    sets = sorted(set(served), key=sorted)
    number = {s: n for n, s in enumerate(sets)}
    edges = np.zeros((intervals + 1, len(sets)))
    group = np.array([number[s] for s in served], dtype=np.int64)
    first = np.clip(interval_of(rows["start"], start), 0, intervals)
    last = np.clip(interval_of(rows["end"], start), 0, intervals)
    np.add.at(edges, (first, group), 1.0)
    np.add.at(edges, (last, group), -1.0)
    serves = np.array([[q in s for q in queues] for s in sets], dtype=np.bool_)
    return serves.reshape(len(sets), len(queues)), edges.cumsum(axis=0)[:-1]


def on_shift_of(roster: pd.DataFrame, brand: Brand, agents: tuple[Agent, ...]) -> pd.DataFrame:
    """ON_SHIFT: spans on queue, each with its queues (sorted, joined by a space) and slots.

    slots  the largest concurrency of the queues
    """
    table = ROSTER.check(roster)
    rows = table[table["activity"] == "on_queue"]
    concurrency = {q.name: q.work.concurrency_max for q in brand.queues}
    skills = {
        a.agent_id: sorted(s.queue for s in a.skills if s.queue in concurrency) for a in agents
    }
    unknown = sorted(set(rows["agent_id"]) - set(skills))
    if unknown:
        raise DataError(f"the roster names agent {unknown[0]!r}, who is not known")
    served = [
        [queue] if queue else skills[agent_id]
        for agent_id, queue in zip(rows["agent_id"], rows["queue"], strict=True)
    ]
    return ON_SHIFT.check(
        pd.DataFrame(
            {
                "agent_id": rows["agent_id"].astype("str"),
                "start": rows["start"],
                "end": rows["end"],
                "queues": pd.Series([" ".join(s) for s in served], index=rows.index, dtype="str"),
                "slots": pd.Series(
                    [max(concurrency[q] for q in s) for s in served],
                    index=rows.index,
                    dtype="int64",
                ),
            }
        ).reset_index(drop=True)
    )
