"""A cell: what one local day of one queue and account adds to every figure. Pure.

Counts are kept by the hour of the day, times as sorted whole seconds with their hour, and promises
that are still running one by one, so that a figure of any hours of any cells together is what a
recount of all their cases would give, whenever it is asked for.

On the live queue's path: standard library only.
"""

from __future__ import annotations

import base64
import math
import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from wfm.clocks import ClockGoal, ClockMetric

# A local day has at most 25 hours.
HOURS = 25

# A time is kept as one number: its seconds, then its hour in the last bits. So they lie in order of
# the seconds, and those of some hours are found without reading any case again.
HOUR_BITS = 5
_HOUR_MASK = (1 << HOUR_BITS) - 1

# The longest time that is kept, some four years: what took longer counts as that in medians.
LONGEST_S = (1 << (32 - HOUR_BITS)) - 1

# The badge of a handle: this share of replies within this time, by the clock on the wall.
BADGE_S = 900
BADGE_SHARE = (9, 10)

# The times that are kept, from which means, medians and P90s are told.
TIMES = (
    "first_response",
    "first_response_clock",
    "first_any",
    "first_any_clock",
    "next_reply",
    "next_reply_clock",
    "resolution",
    "resolution_clock",
)


class Open(NamedTuple):
    """A promise that has not ended.

    hour     of the day, in which it was started
    due_at   when it runs out, seconds since 1970; None while it is paused
    is_late  of a paused one: whether it had run out before
    """

    hour: int
    metric: ClockMetric
    goal: ClockGoal
    started_at: float
    due_at: float | None
    is_late: bool


@dataclass
class Cell:
    """Counts by name and hour; times by name, with their hour, in ascending order; promises that
    are open.
    """

    counts: dict[str, list[int]] = field(default_factory=dict)
    times: dict[str, array[int]] = field(default_factory=dict)
    open: list[Open] = field(default_factory=list)

    def add(self, name: str, hour: int, many: int = 1) -> None:
        """Count `many` more in the hour."""
        if not many:
            return
        by_hour = self.counts.get(name)
        if by_hour is None:
            by_hour = self.counts[name] = [0] * HOURS
        by_hour[hour] += many

    def note(self, name: str, hour: int, seconds: Iterable[float]) -> None:
        """Keep times, rounded up to whole seconds: so no late one looks timely.

        Before the cell is read, `finished` puts them in order.
        """
        whole = [max(0, math.ceil(one)) for one in seconds]
        kept = [min(one, LONGEST_S) << HOUR_BITS | hour for one in whole]
        self.times.setdefault(name, array("I")).extend(kept)
        self.add(f"{name}.n", hour, len(whole))
        self.add(f"{name}.sum", hour, sum(whole))

    def finished(self) -> Cell:
        """The cell with its times in order."""
        for name, times in self.times.items():
            self.times[name] = array("I", sorted(times))
        return self

    def within(self, first: int, last: int) -> Cell:
        """What the hours from `first` to before `last` add to it; all of it for all of them."""
        if first == 0 and last == HOURS:
            return self
        before, after = [0] * first, [0] * (HOURS - last)
        return Cell(
            {name: before + many[first:last] + after for name, many in self.counts.items()},
            {
                name: array("I", [one for one in times if first <= one & _HOUR_MASK < last])
                for name, times in self.times.items()
            },
            [one for one in self.open if first <= one.hour < last],
        )


def to_document(cell: Cell) -> dict[str, Any]:
    """The cell as JSON; times as their bytes, four each, the smallest first."""
    return {
        "counts": cell.counts,
        "times": {name: _packed(times) for name, times in cell.times.items()},
        "open": [list(one) for one in cell.open],
    }


def from_document(document: Mapping[str, Any]) -> Cell:
    """The cell that `to_document` gave."""
    return Cell(
        document["counts"],
        {name: _unpacked(text) for name, text in document["times"].items()},
        [Open(*one) for one in document["open"]],
    )


def _packed(times: array[int]) -> str:
    return base64.b64encode(_swapped(times).tobytes()).decode()


def _unpacked(text: str) -> array[int]:
    times = array("I")
    times.frombytes(base64.b64decode(text))
    return _swapped(times)


def _swapped(times: array[int]) -> array[int]:
    """The times with little-endian bytes in memory or back; the same on nearly all machines."""
    if sys.byteorder == "little":
        return times
    swapped = array("I", times)
    swapped.byteswap()
    return swapped


@dataclass
class Total:
    """Cells together: plain counts, and the sorted times of each."""

    counts: dict[str, int] = field(default_factory=dict)
    times: dict[str, list[Sequence[int]]] = field(default_factory=dict)

    def add(self, name: str, many: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + many

    def take(self, cell: Cell, now: datetime) -> None:
        """Add a whole cell; what is still open is judged at `now`."""
        for name, by_hour in cell.counts.items():
            self.add(name, sum(by_hour))
        for name, times in cell.times.items():
            self.times.setdefault(name, []).append(times)
        for one in cell.open:
            self.judge(one, now)

    def take_hour(self, cell: Cell, hour: int, now: datetime) -> None:
        """Add the counts of one hour of a cell; times are only known by the day."""
        for name, by_hour in cell.counts.items():
            if by_hour[hour]:
                self.add(name, by_hour[hour])
        for one in cell.open:
            if one.hour == hour:
                self.judge(one, now)

    def judge(self, one: Open, now: datetime) -> None:
        """Count a promise that is open: as late once it has run out."""
        at = now.timestamp()
        late = one.is_late if one.due_at is None else at > one.due_at
        self.add(f"{one.metric}.{one.goal}.{'waiting_late' if late else 'waiting'}")
        if one.metric == "first_response" and at - one.started_at > BADGE_S:
            self.add("badge.slow")

    def of(self, *names: str) -> int:
        """The counts of these names together."""
        return sum(self.counts.get(name, 0) for name in names)
