"""Agents' time: joined so that none counts twice, and split between the cases held at once. Pure.

On the live queue's path: standard library only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from wfm.store.metricrows import Span
from wfm.timegrid import INTERVAL_S


def union(stretches: Iterable[Span]) -> list[Span]:
    """Each agent's time as disjoint stretches, by agent and start."""
    joined: list[Span] = []
    for one in sorted(stretches):
        last = joined[-1] if joined else None
        if last is not None and last.agent_id == one.agent_id and one.start <= last.end:
            joined[-1] = last._replace(end=max(last.end, one.end))
        else:
            joined.append(one)
    return joined


def shares(holds: Iterable[tuple[int, Span]]) -> dict[int, float]:
    """Seconds of work on each case: of time in which an agent held n cases, a nth is each one's.

    holds  stretches with the case that was held

    >>> shares([(1, Span("amy", 0.0, 180.0)), (2, Span("amy", 60.0, 180.0))])
    {1: 120.0, 2: 60.0}
    """
    turns: list[tuple[str, float, bool, int]] = []
    for case_id, span in holds:
        if span.start < span.end:
            turns.append((span.agent_id, span.start, True, case_id))
            turns.append((span.agent_id, span.end, False, case_id))
    spent: dict[int, float] = {}
    held: list[int] = []
    turns.sort()
    for (agent_id, at, begins, case_id), (next_agent, until, _, _) in pairwise(turns):
        if begins:
            held.append(case_id)
        else:
            held.remove(case_id)
        if agent_id == next_agent:
            for one in held:
                spent[one] = spent.get(one, 0.0) + (until - at) / len(held)
        else:
            held.clear()
    return spent


def by_quarter(start: float, end: float) -> Iterator[tuple[float, float]]:
    """[start, end) cut at the quarters of an hour; local hours begin on them in every zone."""
    at = start
    while at < end:
        cut = min(end, (at // INTERVAL_S + 1) * INTERVAL_S)
        yield at, cut
        at = cut
