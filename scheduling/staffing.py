"""Who is on queue: staffing levels of each queue, and each agent's spans, read off a roster."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from scheduling.rostering.need import Flags, Floats, interval_of, need_of
from wfm.brands import Brand
from wfm.errors import DataError
from wfm.frames import ON_SHIFT, REQUIREMENT, ROSTER, STAFFING, interval_index
from wfm.people import Agent
from wfm.timegrid import INTERVAL

SPLIT_ROUNDS = 300
SHUT = 1e-9  # weight of a queue that needs nobody: heads go there only where nothing else is


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
    return ON_SHIFT.check(spans_of(ROSTER.check(roster), brand, agents))


def spans_of(roster: pd.DataFrame, brand: Brand, agents: tuple[Agent, ...]) -> pd.DataFrame:
    """`on_shift_of` of what is known to be a ROSTER, for many small ones."""
    rows = roster[roster["activity"] == "on_queue"]
    concurrency = {q.name: q.work.concurrency_max for q in brand.queues}
    present = set(rows["agent_id"])
    skills = {
        a.agent_id: sorted(s.queue for s in a.skills if s.queue in concurrency)
        for a in agents
        if a.agent_id in present
    }
    unknown = sorted(present - set(skills))
    if unknown:
        raise DataError(f"the roster names agent {unknown[0]!r}, who is not known")
    served = [
        [queue] if queue else skills[agent_id]
        for agent_id, queue in zip(rows["agent_id"], rows["queue"], strict=True)
    ]
    return pd.DataFrame(
        {
            "agent_id": rows["agent_id"].astype("str"),
            "start": rows["start"],
            "end": rows["end"],
            "queues": pd.Series([" ".join(s) for s in served], index=rows.index, dtype="str"),
            "slots": pd.Series(
                [max(concurrency[q] for q in s) for s in served], index=rows.index, dtype="int64"
            ),
        }
    ).reset_index(drop=True)
