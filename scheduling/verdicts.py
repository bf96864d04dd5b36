"""Whether replies to cases came in time, as the simulator judges its own: vectorised, by queue.

A first reply is on time within its threshold of open time; what arrives outside the service window
is due under the opening goal. What still waits past due is late; what waits and is not yet due is
not judged.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from scheduling.queueing.erlang import Floats
from scheduling.simulation.setting import windows_of
from wfm.brands import Queue

Bools = NDArray[np.bool_]

# Sums of seconds compared with a threshold: below any clock's tick.
TICK = 1e-6


class OpenTime:
    """A queue's open time, seconds from `start`."""

    def __init__(self, queue: Queue, start: datetime, end: datetime) -> None:
        windows, _, _ = windows_of([queue], start, end)
        self._opens, self._shuts, self._passed = windows

    def before(self, at: Floats) -> Floats:
        """Open seconds before each instant; those of NaN are NaN."""
        if not self._opens.size:
            return np.zeros_like(at)
        place = np.clip(np.searchsorted(self._opens, at, side="right") - 1, 0, None)
        spent = np.clip(at - self._opens[place], 0.0, (self._shuts - self._opens)[place])
        return np.asarray(self._passed[place] + spent)

    def is_open(self, at: Floats) -> Bools:
        place = np.searchsorted(self._opens, at, side="right") - 1
        inside = place >= 0
        inside[inside] = at[inside] < self._shuts[place[inside]]
        return np.asarray(inside)

    def next_opening(self, at: Floats) -> Floats:
        """When it opens next after each instant at which it is shut; infinite: not to be seen."""
        opens = np.append(self._opens, np.inf)
        return np.asarray(opens[np.searchsorted(self._opens, at, side="right")])


class FirstReplies:
    """The promises of first replies to these cases of a queue, ready to be held against replies.

    received               arrivals, seconds from the clock's start
    threshold_s, opening_s promised to what arrives while the queue is open; to the rest, from the
                           next opening on
    """

    def __init__(
        self, clock: OpenTime, received: Floats, *, threshold_s: float, opening_s: float
    ) -> None:
        self.is_open = clock.is_open(received)
        self._clock = clock
        self._passed = clock.before(received)
        self._allowed = threshold_s
        self._due_at = np.where(self.is_open, np.inf, clock.next_opening(received) + opening_s)

    def judge(self, replied: Floats, until: float) -> tuple[Bools, Bools, Floats]:
        """Which cases are judged, which of them are late, and the open seconds each reply took.

        replied  when each first reply was sent; NaN: not by `until`, and its seconds are infinite
        """
        answered = np.isfinite(replied)
        at = np.where(answered, replied, until)
        taken = self._clock.before(at) - self._passed
        late = np.where(self.is_open, taken > self._allowed + TICK, at > self._due_at + TICK)
        return answered | late, late, np.where(answered, taken, np.inf)
