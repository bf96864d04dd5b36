"""What a prediction is made of, and what it says: numbers of seconds, cases and agents from now on.

Pure; on the live queue's path: standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from wfm.sla import WorkLaw

QUARTER_S = 900

# Fewer cases than this are none: what is left of sums that should be 0.
NO_CASES = 1e-6


@dataclass(frozen=True)
class Owed:
    """Cases that wait with about the same deadline.

    due_in_s   seconds until then; below 0 when it has passed
    first, again   cases that wait for their first reply, and for a later one
    """

    due_in_s: float
    first: float = 0.0
    again: float = 0.0


@dataclass(frozen=True)
class Ahead:
    """One queue as it stands now, and what is to come.

    threshold_s   seconds in which the first reply is due; follow_up_s: a later one
    share         of first replies in time that is promised
    work          how long replies take, and how often the customer writes again
    arrivals      contacts expected in each quarter-hour from now on
    owed          what waits; held: cases that agents are working on
    thinking      answered cases whose customers will write again
    opens         spans [from, to) in which the queue is open, seconds from now
    opening_s     within what time after the opening replies to what came before are due
    put_off_s     by how much its cases come later in the order than they are due
    spike_mode    whether cases that can be saved come before those that are late
    """

    queue: str
    threshold_s: float
    share: float
    work: WorkLaw
    arrivals: Sequence[float]
    owed: Sequence[Owed] = ()
    held: float = 0.0
    thinking: float = 0.0
    opens: Sequence[tuple[float, float]] = ((0.0, math.inf),)
    follow_up_s: float = 3600.0
    opening_s: float = 3600.0
    put_off_s: float = 0.0
    spike_mode: bool = False


@dataclass(frozen=True)
class Group:
    """Agents who serve the same queues: how many are there in each quarter-hour from now on."""

    queues: frozenset[str]
    agents: Sequence[float]


@dataclass(frozen=True)
class Quarter:
    """A quarter-hour of the outlook; `in_s` is when it begins, seconds from now.

    due      first replies that fall due in it, and `late` of them not sent by then; what waits and
             was due before counts as late in the first quarter
    waiting  cases that wait at its end
    agents   who serve the queue in it, others' queues too
    wait_s   how long all that waits at its end takes to answer; None: nobody does
    """

    in_s: int
    due: float
    late: float
    waiting: float
    agents: float
    wait_s: float | None

    @property
    def share(self) -> float:
        """Share in time of what falls due; 1 where nothing does."""
        return 1.0 - self.late / self.due if self.due > NO_CASES else 1.0


@dataclass(frozen=True)
class Outlook:
    """What is predicted of one queue.

    late        first replies of the next hour that will not be in time, and of how many
    breaks_in_s when the promise breaks first; None: it is kept
    """

    queue: str
    quarters: tuple[Quarter, ...]
    late: float
    due: float
    breaks_in_s: int | None

    @property
    def share(self) -> float:
        """Share in time of all that falls due; 1 where nothing does."""
        return 1.0 - self.late / self.due if self.due > NO_CASES else 1.0

    @property
    def worst_wait_s(self) -> float | None:
        """The longest wait at a quarter's end; None: somewhere nobody answers."""
        waits = [quarter.wait_s for quarter in self.quarters]
        return None if None in waits else max(wait for wait in waits if wait is not None)
