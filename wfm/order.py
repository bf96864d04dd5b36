"""The order in which waiting cases are answered. The only place that knows it.

The live queue sorts by it in SQL (`ORDER`), the simulator follows it in its compiled loop, and a
test holds the three equal. Earliest deadline first, then severity, then age. In spike mode the
cases that can still be saved come before those that are late or due before a reply can be written
(`LOST`); every `1 / LATE_RESERVE`-th claim takes the plain order, so that none starves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

# (column, direction) in which waiting cases are sorted; the id makes the order total.
ORDER: tuple[tuple[str, Literal["asc", "desc"]], ...] = (
    ("due_at", "asc"),
    ("severity", "desc"),
    ("received_at", "asc"),
    ("case_id", "asc"),
)

# Share of claims that late cases keep while spike mode is on.
LATE_RESERVE = 0.20

# A case due sooner than this counts as late in spike mode: writing the reply would take it past its
# deadline, and the next one with it. Of a day with two hours of threefold volume and first replies
# of 3 min, promised in 15, this much is answered in time: .52 with 0 s, .66 with 120 s, .84 with
# 300 s, .86 with 450 s; .50 without spike mode. A queue that promises less than this has nothing to
# save, and its spike mode is the plain order.
LOST = timedelta(seconds=300)


@dataclass(frozen=True)
class Waiting:
    """What the order looks at.

    put_off_s  seconds by which its queue's cases come later than they are due
    """

    case_id: int
    due_at: datetime
    severity: int
    received_at: datetime
    put_off_s: int = 0


OrderKey = tuple[bool, datetime, int, datetime, int]


def order_key(case: Waiting, *, now: datetime, late_last: bool = False) -> OrderKey:
    """Sort key: the smallest is answered first.

    late_last  the spike mode's order for this claim (see `late_last_for`)
    """
    due_at = case.due_at + timedelta(seconds=case.put_off_s)
    late = late_last and due_at <= now + LOST
    return (late, due_at, -case.severity, case.received_at, case.case_id)


def late_last_for(claim_number: int, *, spike_mode: bool) -> bool:
    """Whether the `claim_number`-th claim of a queue passes over late cases.

    Outside spike mode never; inside, all but every `1 / LATE_RESERVE`-th.
    """
    return spike_mode and claim_number % round(1 / LATE_RESERVE) != 0
