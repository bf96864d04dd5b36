"""Lists of waiting messages, each in the order of answering, and of agents who have nothing to do.

A list is where it begins (and ends), and for each of its members the one behind it: entering and
leaving take the same short time however long it is, and no memory.
"""

# Compiled code takes arrays one by one.
# ruff: noqa: PLR0917

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduling.compiled import inner
from scheduling.simulation.draws import Floats

Places = NDArray[np.int32]

NOBODY = -1


@inner
def before(a: int, b: int, rank: Floats, severity: NDArray[np.int8], received: Floats) -> bool:
    """Whether case `a` is answered before `b`: the key of `wfm.order` without the late flag."""
    if rank[a] != rank[b]:
        return bool(rank[a] < rank[b])
    if severity[a] != severity[b]:
        return bool(severity[a] > severity[b])
    if received[a] != received[b]:
        return bool(received[a] < received[b])
    return a < b


@inner
def line_up(
    head: Places,
    tail: Places,
    behind: Places,
    line: int,
    case: int,
    rank: Floats,
    severity: NDArray[np.int8],
    received: Floats,
) -> None:
    """Puts a case in its place of a sorted list: nearly always the end."""
    behind[case] = NOBODY
    last = tail[line]
    if last == NOBODY:
        head[line] = tail[line] = case
    elif before(last, case, rank, severity, received):
        behind[last] = tail[line] = case
    elif before(case, head[line], rank, severity, received):
        behind[case], head[line] = head[line], case
    else:
        place = head[line]
        while before(behind[place], case, rank, severity, received):
            place = behind[place]
        behind[case], behind[place] = behind[place], case


@inner
def leave(head: Places, tail: Places, behind: Places, line: int) -> None:
    """Takes the first of a list out."""
    head[line] = behind[head[line]]
    if head[line] == NOBODY:
        tail[line] = NOBODY


@inner
def first_to_come(head: Places, behind: Places, line: int, received: Floats, by_age: bool) -> float:
    """When the longest waiting of a list came; infinite for an empty list.

    by_age  it stands first: nothing was put off behind younger messages
    """
    came, case = np.inf, head[line]
    while case != NOBODY:
        came = min(came, received[case])
        case = NOBODY if by_age else behind[case]
    return came


@inner
def rise(idle: Places, following: Places, previous: Places, place: int, agent: int) -> None:
    """Takes an agent out of a list of idle ones."""
    if idle[place] == agent:
        idle[place] = following[agent]
    else:
        following[previous[agent]] = following[agent]
    if following[agent] != NOBODY:
        previous[following[agent]] = previous[agent]


@inner
def sink(idle: Places, following: Places, previous: Places, place: int, agent: int) -> None:
    """Puts an agent first in a list of idle ones."""
    following[agent], previous[agent] = idle[place], NOBODY
    if idle[place] != NOBODY:
        previous[idle[place]] = agent
    idle[place] = agent
