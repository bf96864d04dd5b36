"""What the last look ahead said of a queue, as its policy keeps it. Pure.

On the live queue's path: standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from wfm.timegrid import parse_instant

# A look ahead older than this says nothing of the next hour any more: nobody looks.
HOLDS = timedelta(minutes=5)


@dataclass(frozen=True)
class QuarterAhead:
    """A quarter-hour to come.

    share   of the first replies due in it that are predicted to be in time
    wait_s  how long all that waits at its end takes to answer; None: nobody does
    """

    start: datetime
    share: float
    waiting: float
    wait_s: float | None


@dataclass(frozen=True)
class NextHour:
    """What is predicted of a queue; `breaks_at` is when its promise breaks, None: it is kept."""

    breaks_at: datetime | None
    share: float
    reason: str
    quarters: tuple[QuarterAhead, ...]


def next_hour(document: Mapping[str, Any], now: datetime) -> NextHour | None:
    """The prediction in the document of a queue's policy; None without one that still holds."""
    outlook = document.get("outlook")
    if outlook is None or not timedelta() <= now - parse_instant(outlook["as_of"]) <= HOLDS:
        return None
    breaks_at = outlook["breaks_at"]
    return NextHour(
        breaks_at=None if breaks_at is None else parse_instant(breaks_at),
        share=outlook["share"],
        reason=outlook["reason"],
        quarters=tuple(
            QuarterAhead(parse_instant(q["start"]), q["share"], q["waiting"], q["wait_s"])
            for q in outlook["quarters"]
        ),
    )
