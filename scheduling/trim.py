"""Agents taken away where a simulation shows that the goal holds without them.

Formulas size each interval for itself and in whole agents. A simulation also sees that half an
agent to spare now pays for half an agent missing a quarter of an hour later, and that what waits at
the end of an interval may still be answered in time in the next one.

The result is fitted to the days it was judged on. Judge it on other days before it is believed, and
ask for a little more than the goal here, so that it holds there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scheduling.queueing.erlang import Floats, Wholes
from wfm.errors import GoalOutOfReach, RequestError
from wfm.progress import Progress, silent

# Share answered in time, per interval, that so many agents attain; 1 where nobody has to be
# answered. The same days at every call, or the search follows noise.
Judge = Callable[[Wholes], Floats]
# Agents more or fewer in some neighbouring intervals.
Change = tuple[int, ...]

# An agent saved by moving others: two quarters give one each, one of their neighbours gets one.
TRADES: tuple[Change, ...] = ((-1, 1, -1), (1, -1, -1), (-1, -1, 1), (1, -2), (-2, 1))
# A change is felt in the interval before it, whose cases still wait, and in these many after it.
FELT_BEFORE, FELT_AFTER = 1, 6
# What goes wrong later than that, by this many intervals at most, is put down to the last change.
LINGERS = 24
# First step of a large desk: a 64th of its agents at a time.
FINEST = 64
# Rounds of more agents before a target is given up; 255 agents in an interval and the one before.
RAISES = 16


@dataclass(frozen=True)
class Trimmed:
    """Agents per interval, what they attain in the judge's eyes, and how often it was asked."""

    agents: Wholes
    attainment: Floats
    runs: int


def trim(
    agents: Wholes,
    judge: Judge,
    target: float,
    *,
    floor: int = 1,
    changes: Sequence[Change] | None = None,
    progress: Progress = silent,
) -> Trimmed:
    """Fewer agents with whom every interval attains `target` in the eyes of `judge`.

    agents   per interval, whole; where they miss the target they are raised first
    judge    agents -> attainment; asked some dozens of times
    target   between 0 and 1; train above the goal, since what is fitted to one set of days attains
             a little less on others
    floor    agents that are never undercut
    changes  what is tried, in this order and until nothing more is found: `takes` and `TRADES`

    Far-apart intervals are tried in one run, and each change is kept where the intervals that feel
    it attain the target. Made for promises of an interval or two: where messages may wait for hours
    little is saved. The last interval counts as the neighbour of the first. Deterministic.
    Raises GoalOutOfReach when more agents do not bring an interval to the target.
    """
    ask = _Asked(judge, agents.size)
    agents, attained = _raised(np.maximum(agents, floor), ask, target, apart=1)
    begun, held = int(agents.sum()), Trimmed(agents, attained.copy(), ask.runs)
    changes = (*takes(agents), *TRADES) if changes is None else changes
    refused = {change: np.zeros(agents.size, np.bool_) for change in changes}
    before = begun + 1
    while int(agents.sum()) < before:
        before = int(agents.sum())
        for change in changes:
            reach = _reach(len(change))
            while places := _far_apart(
                _possible(agents, change, floor) & ~refused[change], attained, reach
            ):
                kept = _kept(agents, change, places, ask, target)
                refused[change][[place for place in places if place not in kept]] = True
                agents = _changed(agents, change, kept)
                for place in kept:
                    felt = _felt(place, len(change), agents.size)
                    attained[felt] = ask.last[felt]
                    if max(change) > 0:
                        # Where somebody was added, others may go who could not before.
                        for marks in refused.values():
                            marks[felt] = False
                settled = float(np.mean([marks.mean() for marks in refused.values()]))
                progress(settled, f"trimming: {begun - int(agents.sum())} of {begun} agents less")
    # Each change was judged beside others; all of them together may lack a little.
    agents, attained = _raised(agents, ask, target, apart=_reach(1))
    saved = begun - int(agents.sum())
    progress(1.0, f"trimmed by {max(saved, 0)} of {begun} agents")
    # Where backlog lasts for hours, putting right what was taken may cost more than it saved.
    return Trimmed(agents, attained, ask.runs) if saved > 0 else replace(held, runs=ask.runs)


def takes(agents: Wholes) -> tuple[Change, ...]:
    """Steps in which agents are taken from one interval, large desks in large steps first.

    >>> takes(np.array([40, 500]))
    ((-4,), (-2,), (-1,))
    """
    halvings = int(agents.max(initial=1) // FINEST).bit_length()
    return tuple((-(2**i),) for i in range(max(halvings - 1, 0), -1, -1))


class _Asked:
    """The judge, with the number of times it was asked and what it said last."""

    def __init__(self, judge: Judge, intervals: int) -> None:
        self._judge = judge
        self.runs = 0
        self.last = np.zeros(intervals)

    def __call__(self, agents: Wholes) -> Floats:
        self.last = np.array(self._judge(agents), dtype=np.float64)
        self.runs += 1
        if self.last.shape != agents.shape or not np.isfinite(self.last).all():
            raise RequestError(
                f"the judge of {agents.size} intervals gave {self.last.shape} values, "
                f"{int((~np.isfinite(self.last)).sum())} not finite; want one share per interval, "
                "1 where nobody has to be answered"
            )
        return self.last.copy()


def _raised(agents: Wholes, ask: _Asked, target: float, *, apart: int) -> tuple[Wholes, Floats]:
    """More agents where the target is missed, and what is attained then.

    One in the interval, then one in the interval before it, whose backlog it may be; then two, and
    so on. `apart` are the intervals between two that are raised in the same round.
    """
    attained = ask(agents)
    for step in range(RAISES):
        if not (low := attained < target).any():
            return agents, attained
        places = _far_apart(low, -attained, apart)
        lead, more = step % 2, 2 ** (step // 2)
        agents = _changed(agents, (more,), [(p - lead) % agents.size for p in places])
        attained = ask(agents)
    worst = int(attained.argmin())
    if attained[worst] >= target:
        return agents, attained
    raise GoalOutOfReach(
        f"interval {worst} attains {attained[worst]:.1%} with {agents[worst]} agents; {target:.1%} "
        "cannot be met by more agents: promise less or a longer time",
        best_share=float(round(attained[worst], 4)),
    )


def _possible(agents: Wholes, change: Change, floor: int) -> NDArray[np.bool_]:
    """Where the change leaves at least `floor` agents everywhere."""
    fits = [np.roll(agents, -k) + delta >= floor for k, delta in enumerate(change)]
    return np.asarray(np.logical_and.reduce(fits))


def _felt(place: int, width: int, intervals: int) -> Wholes:
    """Intervals whose attainment a change of so many intervals at `place` moves."""
    return np.unique(np.arange(place - FELT_BEFORE, place + width + FELT_AFTER) % intervals)


def _reach(width: int) -> int:
    """Distance at which two changes of so many intervals are felt in different ones."""
    return FELT_BEFORE + width + FELT_AFTER


def _far_apart(possible: NDArray[np.bool_], spare: Floats, apart: int) -> list[int]:
    """Possible places, `apart` from each other, those with most to spare first."""
    count = possible.size
    chosen: list[int] = []
    for place in sorted(np.flatnonzero(possible).tolist(), key=lambda p: (-spare[p], p)):
        if all(min((place - c) % count, (c - place) % count) >= apart for c in chosen):
            chosen.append(place)
    return chosen


def _changed(agents: Wholes, change: Change, places: Sequence[int]) -> Wholes:
    changed = agents.copy()
    for place in places:
        for k, delta in enumerate(change):
            changed[(place + k) % changed.size] += delta
    return changed


def _kept(
    agents: Wholes, change: Change, places: Sequence[int], ask: _Asked, target: float
) -> list[int]:
    """The places at which the change leaves every interval that feels it at the target."""
    tried = list(places)
    while tried:
        low = np.flatnonzero(ask(_changed(agents, change, tried)) < target)
        blamed = {place for i in low for place in _to_blame(int(i), tried, change, agents.size)}
        kept = [place for place in tried if place not in blamed]
        # Fewer agents elsewhere never help, so what holds beside refused takes holds without them;
        # beside refused trades, which also added agents, it must be seen.
        if len(kept) == len(tried) or max(change) <= 0:
            return kept
        tried = kept
    return tried


def _to_blame(low: int, tried: Sequence[int], change: Change, intervals: int) -> list[int]:
    """The places whose change is why interval `low` misses the target."""
    near = [place for place in tried if low in _felt(place, len(change), intervals)]
    if near:
        return near
    last = min(tried, key=lambda place: (low - place) % intervals)
    return [last] if (low - last) % intervals <= LINGERS else []
