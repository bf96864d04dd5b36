"""What the floor needs: agents on queue per interval and queue, and the skills that can serve them.

The shortfall of an interval is what a maximum flow from agents to queues leaves over. By the
max-flow min-cut theorem it is the largest, over sets of queues, of what the set needs less the
agents who can serve any of it. Few sets matter, so the shortfall, and what one more agent would
cure of it, is read off a short table with no flow to solve.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from wfm.brands import Brand
from wfm.errors import RequestError
from wfm.frames import REQUIREMENT
from wfm.people import Agent
from wfm.timegrid import INTERVAL_S, interval_count

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

INTERVAL_H = INTERVAL_S / 3600
MAX_CUTS = 4096


@dataclass(frozen=True)
class Prices:
    """What a roster is judged by; all per hour but the wish.

    paid           a paid hour (see `of_shift` for those after the horizon)
    short          an hour in which one agent is missing on queue
    surplus        an hour on queue above the need: small, it only breaks ties
    below_minimum  an hour below a contract's minimum of the week
    wish           a wish of weight 1 that is not granted
    off_target     an hour above or below a contract's target
    unfair         a night, a shift on a weekend day or on a holiday above the fair share; an early
                   or late one costs a quarter of it
    """

    paid: float = 1.0
    short: float = 10.0
    surplus: float = 0.1
    below_minimum: float = 0.5
    wish: float = 0.5
    off_target: float = 0.1
    unfair: float = 1.0

    def of_shift(self, paid_h: ArrayLike, inside: ArrayLike) -> Floats:
        """What a shift costs of which only the share `inside` lies before the horizon's end.

        The hours after it cover nothing that is planned here, yet they count for the contract's
        minimum: they cost what that saves. Were they free, everybody would start a shift in the
        last minutes.
        """
        outside = min(self.paid, self.below_minimum)
        share = np.asarray(inside, dtype=np.float64)
        return np.asarray(
            np.asarray(paid_h) * (self.paid * share + outside * (1.0 - share)), dtype=np.float64
        )


@dataclass(frozen=True)
class Need:
    """Heads needed on queue, shrinkage added: shape (intervals, queues), parts of a head included.

    What queues share is added up before it is made whole: people come whole, the need of a queue
    does not. Where nobody shares, the price of a shortage rounds it up to whole people, but for
    the last tenth of a head, which is cheaper left out than a person is paid.
    """

    queues: tuple[str, ...]
    heads: Floats


def need_of(requirement: pd.DataFrame, brand: Brand, *, start: datetime, end: datetime) -> Need:
    """The need of a REQUIREMENT over [start, end): agents_exact / availability; no row, no need."""
    table = REQUIREMENT.check(requirement)
    queues = tuple(q.name for q in brand.queues)
    unknown = sorted(set(table["queue"]) - set(queues))
    if unknown:
        raise RequestError(
            f"the requirement names queue {unknown[0]!r}; {brand.name} has none such"
        )
    intervals = interval_count(start, end)
    at = interval_of(table["start"], start)
    inside = (at >= 0) & (at < intervals)
    heads = np.zeros((intervals, len(queues)))
    column = pd.Index(queues).get_indexer(pd.Index(table["queue"]))
    heads[at[inside], column[inside]] = table["agents_exact"].to_numpy()[inside]
    return Need(queues, heads / brand.planning.availability)


def interval_of(instants: pd.Series[pd.Timestamp], start: datetime) -> Ints:
    """Number of the interval each instant lies in, 0 for the one from `start`."""
    seconds = (instants - pd.Timestamp(start)).dt.total_seconds().to_numpy()
    return np.floor_divide(seconds, INTERVAL_S).astype(np.int64)


@dataclass(frozen=True)
class SkillGroups:
    """Agents grouped by the queues they serve, and the cuts that decide a shortfall.

    serves   shape (groups, queues)
    of       group of each agent
    cuts     sets of queues, shape (cuts, queues); the empty set, whose need is 0, is left out
    touches  whether a group serves any queue of a cut, shape (groups, cuts)
    """

    serves: Flags
    of: Ints
    cuts: Flags
    touches: Flags

    def deficits(self, need: Need) -> Floats:
        """Need of each cut in each interval, contiguous, shape (intervals, cuts)."""
        return np.ascontiguousarray(need.heads @ self.cuts.T.astype(np.float64))


def skill_groups(agents: tuple[Agent, ...], queues: tuple[str, ...]) -> SkillGroups:
    """Groups of equal skills, in order of first appearance; agents keep their order.

    RequestError when the skills are so mixed that more than 4,096 cuts would be needed.
    """
    wanted = [tuple(q in {s.queue for s in a.skills} for q in queues) for a in agents]
    sets = list(dict.fromkeys(wanted))
    number = {have: n for n, have in enumerate(sets)}
    serves = np.array(sets, dtype=np.bool_).reshape(len(sets), len(queues))
    cuts = cuts_of(serves)
    of = np.array([number[w] for w in wanted], dtype=np.int64)
    return SkillGroups(serves, of, cuts, touching(serves, cuts))


def cuts_of(serves: Flags) -> Flags:
    """The sets of queues that decide a shortfall, of groups with these skills: (cuts, queues).

    A cut that matters leaves out exactly the queues of some groups: any other set of queues has a
    superset that needs more and is touched by the same groups.
    """
    queues = serves.shape[1]
    unions = {(False,) * queues}
    for have in serves.tolist():
        unions |= {tuple(a or b for a, b in zip(have, u, strict=True)) for u in unions}
        if len(unions) > MAX_CUTS:
            raise RequestError(
                f"{len(serves)} different sets of skills are too mixed to plan exactly; "
                "give agents fewer different combinations of queues"
            )
    cuts = ~np.array(sorted(unions), dtype=np.bool_).reshape(-1, queues)
    return np.asarray(cuts[cuts.any(axis=1)], dtype=np.bool_)


def touching(serves: Flags, cuts: Flags) -> Flags:
    """Whether each group serves any queue of each cut, shape (groups, cuts)."""
    return np.asarray((serves.astype(np.int64) @ cuts.T.astype(np.int64)) > 0, dtype=np.bool_)


def shortfall_hours(deficits: Floats) -> float:
    """Agent-hours missing, given what each cut still lacks."""
    return float(np.maximum(deficits.max(axis=1, initial=0.0), 0.0).sum() * INTERVAL_H)
