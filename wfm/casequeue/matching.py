"""Which agent takes which waiting case, so that as many as can be are taken, the first ones first.

Cases are placed one after the other. A case that finds no free slot may move another of the same
round to an agent who can take that one: so the few who can take difficult cases are not spent on
those that anybody could have taken. The cases that find a place are the first in the order for
which there is any way at all.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Hand:
    """An agent with the slots that are theirs.

    levels      their level in each queue whose cases they may take now
    breadth     how much they can do: the lower, the sooner they are given what many can do
    idle_since  when they last had to do with a case, or came
    """

    agent_id: str
    slots: int
    held: int
    levels: Mapping[str, int]
    breadth: int
    idle_since: datetime

    def can_take(self, queue: str, needs_level: int) -> bool:
        return self.levels.get(queue, 0) >= needs_level


Kind = tuple[str, int]


class Matching:
    """A round of giving cases to agents; `pairs` is what it came to."""

    def __init__(self, hands: tuple[Hand, ...]) -> None:
        self._hands = {hand.agent_id: hand for hand in hands}
        self._load = {hand.agent_id: hand.held for hand in hands}
        self._given: dict[str, list[int]] = {hand.agent_id: [] for hand in hands}
        self._kind: dict[int, Kind] = {}
        self._agent: dict[int, str] = {}
        # Kinds of cases that nobody has room for: placing others never makes any.
        self._spent: set[Kind] = set()

    @property
    def free(self) -> int:
        """Slots that nothing has been placed in."""
        return sum(max(0, h.slots - self._load[a]) for a, h in self._hands.items())

    @property
    def pairs(self) -> dict[int, str]:
        """The agent of each case that found a place."""
        return dict(self._agent)

    def place(self, case_id: int, queue: str, needs_level: int) -> bool:
        """Find the case a place: the agent with the smallest share of their slots taken, then
        the one who can do least else, then the one idle longest. False when there is none."""
        kind = (queue, needs_level)
        if kind in self._spent:
            return False
        self._kind[case_id] = kind
        if self._seat(case_id, set()):
            return True
        del self._kind[case_id]
        self._spent.add(kind)
        return False

    def _seat(self, case_id: int, tried: set[str]) -> bool:
        able = sorted(
            (h for h in self._hands.values() if h.can_take(*self._kind[case_id])),
            key=self._turn,
        )
        for hand in able:
            if self._load[hand.agent_id] < hand.slots:
                self._give(case_id, hand.agent_id)
                return True
        for hand in able:
            if hand.agent_id in tried:
                continue
            tried.add(hand.agent_id)
            for other in list(self._given[hand.agent_id]):
                if self._seat(other, tried):
                    self._give(case_id, hand.agent_id)
                    return True
        return False

    def _turn(self, hand: Hand) -> tuple[float, int, datetime, str]:
        share = self._load[hand.agent_id] / hand.slots if hand.slots else 1.0
        return share, hand.breadth, hand.idle_since, hand.agent_id

    def _give(self, case_id: int, agent_id: str) -> None:
        before = self._agent.get(case_id)
        if before is not None:
            self._given[before].remove(case_id)
            self._load[before] -= 1
        self._agent[case_id] = agent_id
        self._given[agent_id].append(case_id)
        self._load[agent_id] += 1
