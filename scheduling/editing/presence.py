"""Who must be there: what changes do to the brand's presence rules."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from scheduling.editing.changes import Change
from scheduling.editing.coverage import intervals_of, rows_on_queue, spans_of
from scheduling.editing.ground import EditGround
from scheduling.rostering.need import Ints
from wfm.brands import Presence
from wfm.frames import INSTANT
from wfm.timegrid import INTERVAL

COLUMNS = {
    "start": INSTANT,
    "presence": "str",
    "role": "str",
    "wanted": "int64",
    "before": "int64",
    "after": "int64",
}


def presence_of(
    roster: pd.DataFrame, changes: Sequence[Change], ground: EditGround
) -> pd.DataFrame:
    """Where the changes move presence, and it lacks somebody before or after them.

    Columns start, presence, role, wanted, before, after: agents of the role on queue.
    """
    found = []
    for rule, opened in zip(ground.brand.presence, ground.open_for, strict=True):
        added = _added(rule, changes, ground)
        if not added.any():
            continue
        before = _there(rule, roster, ground)
        after = before + added
        lacks = (before < rule.at_least) | (after < rule.at_least)
        found += [
            (ground.start + n * INTERVAL, rule.name, rule.role, rule.at_least, before[n], after[n])
            for n in np.flatnonzero(opened & (added != 0) & lacks).tolist()
        ]
    columns = zip(*sorted(found), strict=True) if found else [()] * len(COLUMNS)
    return pd.DataFrame(
        {
            name: pd.Series(values, dtype=dtype)
            for (name, dtype), values in zip(COLUMNS.items(), columns, strict=True)
        }
    )


def _counts(rule: Presence, agent_id: str, ground: EditGround) -> bool:
    agent = ground.by_id.get(agent_id)
    return not rule.role or (agent is not None and rule.role in agent.roles)


def _added(rule: Presence, changes: Sequence[Change], ground: EditGround) -> Ints:
    """Agents of the role whom the changes put on queue, by interval."""
    there = np.zeros(len(ground.need.heads), dtype=np.int64)
    for change in changes:
        if _counts(rule, change.agent_id, ground):
            for segments, heads in ((change.before, -1), (change.after, 1)):
                for s in segments:
                    there[intervals_of(s, ground)] += heads * (s.activity == "on_queue")
    return there


def _there(rule: Presence, roster: pd.DataFrame, ground: EditGround) -> Ints:
    """Agents of the role on queue, by interval."""
    edges = np.zeros(len(ground.need.heads) + 1, dtype=np.int64)
    for rows in rows_on_queue(roster, ground):
        counts = [_counts(rule, agent_id, ground) for agent_id in rows["agent_id"].tolist()]
        first, last = spans_of(rows[np.array(counts, dtype=np.bool_)], ground)
        np.add.at(edges, first, 1)
        np.add.at(edges, last, -1)
    return edges.cumsum()[:-1]
