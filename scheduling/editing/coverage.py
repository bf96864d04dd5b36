"""Heads on queue and what they leave uncovered, kept so that an edit's effect is read off quickly.

A head is counted by the set of queues it serves (`EditGround.sets`): an agent's skills, or the one
queue that a segment names. Agents who are not known serve nothing; what they work is for the rules
to tell.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scheduling.editing.changes import Change, Segment
from scheduling.editing.ground import EditGround
from scheduling.rostering.need import Flags, Floats, Ints, cuts_of, interval_of, touching
from scheduling.staffing import split_heads
from wfm.frames import INSTANT, interval_index
from wfm.timegrid import INTERVAL

# Part of a head below which a shortfall is the split's rounding.
ROUNDING = 1e-3


def heads_of(roster: pd.DataFrame, ground: EditGround) -> Floats:
    """Heads on queue by interval of the horizon and set, shape (intervals, sets).

    The history's last shifts, where they reach into the horizon, are counted too.
    """
    edges = np.zeros((len(ground.need.heads) + 1, len(ground.sets)))
    for rows in rows_on_queue(roster, ground):
        first, last = spans_of(rows, ground)
        group = _sets_of(rows, ground)
        np.add.at(edges, (first, group), 1.0)
        np.add.at(edges, (last, group), -1.0)
    return np.asarray(edges.cumsum(axis=0)[:-1])


def rows_on_queue(roster: pd.DataFrame, ground: EditGround) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows on queue of the roster, and of the history those that reach into the horizon."""
    return roster[roster["activity"] == "on_queue"], ground.reaching


def spans_of(rows: pd.DataFrame, ground: EditGround) -> tuple[Ints, Ints]:
    """First interval of the horizon that each row is in, and the first after it."""
    count = len(ground.need.heads)
    first, last = (interval_of(rows[c], ground.start) for c in ("start", "end"))
    return first.clip(0, count), last.clip(0, count)


def _sets_of(rows: pd.DataFrame, ground: EditGround) -> Ints:
    """Set that each row on queue serves."""
    if rows.empty:
        return np.empty(0, dtype=np.int64)
    agents, names = pd.factorize(rows["agent_id"])
    by_agent = np.array([ground.set_of(str(n)) for n in names], dtype=np.int64)
    queues, named = pd.factorize(rows["queue"])
    by_queue = np.array([ground.set_of("", str(n)) if n else -1 for n in named], dtype=np.int64)
    return np.where(by_queue[queues] >= 0, by_queue[queues], by_agent[agents])


def intervals_of(segment: Segment, ground: EditGround) -> slice:
    """The segment's intervals, counted from the horizon's start."""
    first, last = (int((at - ground.start) // INTERVAL) for at in (segment.start, segment.end))
    return slice(max(0, first), max(0, last))


def head_changes(agent_id: str, segments: Iterable[Segment], ground: EditGround) -> Floats:
    """Heads that the agent's segments add, shape (intervals, sets)."""
    heads = np.zeros((len(ground.need.heads), len(ground.sets)))
    for s in segments:
        if s.activity == "on_queue":
            heads[intervals_of(s, ground), ground.set_of(agent_id, s.queue)] += 1.0
    return heads


def heads_changed(changes: Iterable[Change], ground: EditGround) -> Floats:
    """What the changes add to the heads of each interval and set, shape (intervals, sets)."""
    total = np.zeros((len(ground.need.heads), len(ground.sets)))
    for change in changes:
        total += head_changes(change.agent_id, change.after, ground)
        total -= head_changes(change.agent_id, change.before, ground)
    return total


def short_of(heads: Floats, ground: EditGround, at: Ints) -> tuple[Floats, Floats]:
    """Heads on each queue, and heads short of its need, in the intervals `at`.

    heads  by interval of `at` and set; both results have shape (len(at), queues)
    """
    used = heads.any(axis=0)
    need = ground.need.heads[at]
    split = split_heads(heads[:, used], ground.serves[used], need)
    missing = need - split
    return split, np.where(missing > ROUNDING, missing, 0.0)


def coverage_of(before: Floats, added: Floats, ground: EditGround) -> pd.DataFrame:
    """Coverage where heads change; columns start, queue, need, heads_before, heads_after, before
    and after: heads on the queue, and agents short of its need, parts of an agent included.

    before  heads of the roster before, by interval of the horizon and set; added: the changes'
    """
    at = np.flatnonzero(added.any(axis=1))
    both = np.concatenate([before[at], before[at] + added[at]])
    split, short = short_of(both, ground, np.concatenate([at, at]))
    queues = ground.need.queues
    index = interval_index(ground.start, ground.end)[at]
    return pd.DataFrame(
        {
            "start": index.repeat(len(queues)).astype(INSTANT),
            "queue": pd.Series(list(queues) * len(at), dtype="str"),
            "need": ground.need.heads[at].ravel(),
            "heads_before": split[: len(at)].ravel(),
            "heads_after": split[len(at) :].ravel(),
            "before": short[: len(at)].ravel(),
            "after": short[len(at) :].ravel(),
        }
    )


@dataclass(frozen=True)
class Lacks:
    """What each cut of the floor lacks, from which the worth of one more head is read.

    cuts      sets of queues, fewest queues first, shape (cuts, queues)
    deficits  need of each less the heads who serve any of it, shape (intervals, cuts); the
              shortfall of an interval is the largest of them, see `scheduling.rostering.need`
    touches   whether a set of `EditGround.sets` serves any queue of a cut, shape (sets, cuts)
    """

    cuts: Flags
    deficits: Floats
    touches: Flags

    @property
    def short(self) -> Floats:
        """Heads missing in each interval."""
        return _positive(self.deficits.max(axis=1, initial=0.0))

    def during(self, at: Ints) -> Lacks:
        """The same in the intervals `at` alone."""
        return Lacks(self.cuts, self.deficits[at], self.touches)

    def after(self, added: Floats) -> Lacks:
        """The same with heads added, by interval and set."""
        left = self.deficits - added @ self.touches.astype(np.float64)
        return Lacks(self.cuts, left, self.touches)

    def cured(self, group: int) -> Floats:
        """Heads missing that one more head of the set cures in each interval, 0 to 1."""
        left = self.deficits - self.touches[group]
        return self.short - _positive(left.max(axis=1, initial=0.0))

    def wanted(self, group: int, during: Ints) -> Flags:
        """Queues that a head of the set is wanted for in the intervals: for each, the fewest queues
        that lack most. Those for which it cures less than a tenth of the most are left out.
        """
        cured = self.cured(group)[during]
        binding = self.cuts[self.deficits[during].argmax(axis=1)]
        hours = cured @ binding
        return np.asarray((hours > 0) & (hours >= 0.1 * hours.max()), dtype=np.bool_)

    def spare(self, group: int) -> Floats:
        """Heads to spare in each interval where the set's queues are concerned."""
        mine = self.deficits[:, self.touches[group]]
        return _positive(-mine.max(axis=1)) if mine.shape[1] else np.zeros(len(mine))


def _positive(values: Floats) -> Floats:
    return np.asarray(np.maximum(values, 0.0), dtype=np.float64)


def lacks_of(heads: Floats, ground: EditGround) -> Lacks:
    """What the heads, by interval of the horizon and set, leave lacking."""
    skills = [ground.set_number[s] for s in set(ground.skills.values())]
    occurring = np.union1d(np.flatnonzero(heads.any(axis=0)), skills).astype(np.int64)
    cuts = cuts_of(ground.serves[occurring])
    cuts = cuts[np.argsort(cuts.sum(axis=1), kind="stable")]
    touches = touching(ground.serves, cuts)
    deficits = ground.need.heads @ cuts.T.astype(np.float64)
    return Lacks(cuts, deficits - heads @ touches.astype(np.float64), touches)
