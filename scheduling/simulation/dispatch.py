"""What is done with messages as they come and wait, interval by interval: the queues' policy."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from scheduling.queueing.erlang import Floats, Wholes
from wfm.brands import Brand
from wfm.errors import RequestError
from wfm.order import LATE_RESERVE
from wfm.timegrid import interval_count

# "All but every n-th claim" with an n that is never reached.
NEVER = 1 << 40


@dataclass(frozen=True)
class Dispatch:
    """Arrays (intervals, queues).

    late_every  0, or in spike mode n: all but every n-th claim pass over lost cases
    put_off_s   seconds by which a message that comes then is due later in the order than promised;
                what was promised of it stays
    answered    share of the cases that an automatic answer resolves
    """

    late_every: Wholes = field(repr=False)
    put_off_s: Floats = field(repr=False)
    answered: Floats = field(repr=False)

    def until(self, count: int) -> Dispatch:
        """That of the first intervals."""
        return Dispatch(
            late_every=np.ascontiguousarray(self.late_every[:count]),
            put_off_s=np.ascontiguousarray(self.put_off_s[:count]),
            answered=np.ascontiguousarray(self.answered[:count]),
        )


def dispatch_of(
    brand: Brand, *, start: datetime, end: datetime, spike_mode: Collection[str] = ()
) -> Dispatch:
    """Everything as usual, or spike mode in some queues throughout."""
    shape = (interval_count(start, end), len(brand.queues))
    modes = [claims_of(LATE_RESERVE) if q.name in spike_mode else 0 for q in brand.queues]
    return Dispatch(
        late_every=np.tile(np.array(modes, np.int64), (shape[0], 1)),
        put_off_s=np.zeros(shape),
        answered=np.zeros(shape),
    )


def claims_of(reserve: float) -> int:
    """Every how many claims one takes the plain order, so that late cases keep this share of them.

    RequestError for a share outside 0 to 1.

    >>> claims_of(0.2), claims_of(1.0)
    (5, 1)
    """
    if not 0 <= reserve <= 1:
        raise RequestError(f"a reserve of {reserve} for late cases; it is a share from 0 to 1")
    return round(1 / reserve) if reserve > 1 / NEVER else NEVER
