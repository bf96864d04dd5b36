"""How many people a repair takes: what the trouble asks for, and half and a quarter of that."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from scheduling.whatif.offers import Floor

# Nobody tells more people than this in the time there is, or one in so many of a large desk.
MOST_PEOPLE = 12
ONE_IN = 25
# Hours beyond those missing that a repair may bring: not all of them find somebody waiting.
AMPLE = 1.5
# However little is missing, so many people are offered.
FEWEST = 4


def most_people(floor: Floor) -> int:
    """The most people that one repair moves."""
    return max(MOST_PEOPLE, len(floor.situation.agents) // ONE_IN)


def sizes(gains_h: Sequence[float], floor: Floor) -> tuple[int, ...]:
    """Numbers of people to offer of those who would gain so many hours each, the best first.

    The largest first: as many as bring the hours that are missing, and some more; then a half and
    a quarter of them.
    """
    wanted = AMPLE * floor.trouble.missing_h
    enough = 1 + sum(brought < wanted for brought in accumulate(gains_h))
    top = min(len(gains_h), max(enough, FEWEST), most_people(floor))
    return tuple(dict.fromkeys(n for n in (top, top // 2, top // 4) if n > 0))
