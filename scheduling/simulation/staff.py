"""Who is on queue when, in the event loop's terms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scheduling.queueing.erlang import Floats, Wholes
from scheduling.simulation.draws import combine
from scheduling.simulation.setting import key_of
from wfm.brands import Brand
from wfm.errors import DataError
from wfm.timegrid import INTERVAL_S

# A longer gap between two spans of an agent begins another shift; absence takes whole shifts.
SHIFT_GAP = timedelta(hours=4)


@dataclass(frozen=True)
class Staff:
    """Agents on queue in the loop's terms; see `draws.draw_presence`.

    away  by span: chance that the agent is absent beside the brand's unplanned shrinkage
    """

    spans: Floats
    agent: Wholes
    group: Wholes
    shift_keys: NDArray[np.uint64]
    masks: NDArray[np.uint64]
    agents: int
    away: Floats


def staff_of(on_shift: pd.DataFrame, brand: Brand, *, start: datetime, end: datetime) -> Staff:
    """The spans of `on_shift` that touch [start, end), clipped to it.

    on_shift  ON_SHIFT; a further column `away` holds the chance that an agent is absent for a cause
              of its own, none without it

    DataError when an agent is on two spans at once, NotFound for an unknown queue.
    """
    table = on_shift.sort_values(["agent_id", "start"], ignore_index=True)
    if "away" not in table:
        table["away"] = 0.0
    same = table["agent_id"].eq(table["agent_id"].shift())
    gap = table["start"] - table["end"].shift()
    overlap = same & (gap < pd.Timedelta(0))
    if overlap.any():
        row = table[overlap].iloc[0]
        raise DataError(f"agent {row['agent_id']!r} is on two shifts at once at {row['start']}")
    begins = ~same | (gap > SHIFT_GAP)
    shift_start = table["start"].where(begins).ffill()

    masks: dict[str, int] = {}
    bits = {queue.name: 1 << i for i, queue in enumerate(brand.queues)}
    for text in table["queues"].unique():
        masks[text] = sum(bits[brand.queue(name).name] for name in set(text.split()))
    groups = sorted(set(masks.values()), key=lambda mask: (mask.bit_count(), mask))
    place = {text: groups.index(mask) for text, mask in masks.items()}

    inside = (table["end"] > start) & (table["start"] < end)
    table, shift_start = table[inside], shift_start[inside]
    origin = pd.Timestamp(start)
    spans = np.column_stack(
        [(table[column] - origin).dt.total_seconds() for column in ("start", "end")]
    ).reshape(-1, 2)
    horizon = (end - start).total_seconds()
    ids, agent = np.unique(table["agent_id"].to_numpy(dtype=object), return_inverse=True)
    names = np.array([key_of(str(i)) for i in ids], dtype=np.uint64)
    epochs = shift_start.astype("int64").to_numpy().astype(np.uint64)
    keys = [combine(names[a], e) for a, e in zip(agent, epochs, strict=True)]
    return Staff(
        spans=np.ascontiguousarray(np.clip(spans, 0.0, horizon), dtype=np.float64),
        agent=agent.astype(np.int64).ravel(),
        group=np.array([place[text] for text in table["queues"]], dtype=np.int64),
        shift_keys=np.array(keys, dtype=np.uint64),
        masks=np.array(groups, dtype=np.uint64),
        agents=max(len(ids), 1),
        away=table["away"].to_numpy(dtype=np.float64),
    )


def staff_of_heads(heads: Wholes, masks: NDArray[np.uint64]) -> Staff:
    """Staff with so many heads of each group on queue in every interval.

    heads  (intervals, groups)
    masks  queues of each group, a bit a queue; groups with few queues first

    Head number n of a group is there wherever the group has more than n, so that one head more or
    fewer leaves all others as they are.
    """
    spans, agent, group, keys = [], [], [], []
    base = 0
    for g in range(heads.shape[1]):
        most = int(heads[:, g].max(initial=0))
        for n in range(most):
            there = np.concatenate([[0], (heads[:, g] > n).astype(np.int8), [0]])
            edges = np.flatnonzero(np.diff(there))
            for first, last in zip(edges[::2], edges[1::2], strict=True):
                spans.append((first * float(INTERVAL_S), last * float(INTERVAL_S)))
                agent.append(base + n)
                group.append(g)
                keys.append(combine(key_of(f"head {g} {n}"), np.uint64(first)))
        base += most
    return Staff(
        spans=np.array(spans, dtype=np.float64).reshape(-1, 2),
        agent=np.array(agent, dtype=np.int64),
        group=np.array(group, dtype=np.int64),
        shift_keys=np.array(keys, dtype=np.uint64),
        masks=masks,
        agents=max(base, 1),
        away=np.zeros(len(spans)),
    )
