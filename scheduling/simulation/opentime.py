"""Open seconds of service windows, and seconds of a span by the intervals they lie in.

The windows are those of `state.Rules`; the spans of a queue are its columns [first, last).
"""

from __future__ import annotations

from scheduling.compiled import inner
from scheduling.simulation.draws import INTERVAL, Floats

NEVER = 1e18


@inner
def span_at(windows: Floats, first: int, last: int, t: float) -> int:
    """The last of the spans [first, last) that opens at or before `t`; first - 1 if none does."""
    low, high = first, last
    while low < high:
        middle = (low + high) // 2
        if windows[0, middle] <= t:
            low = middle + 1
        else:
            high = middle
    return low - 1


@inner
def open_before(windows: Floats, first: int, last: int, t: float) -> float:
    """Open seconds before `t`."""
    k = span_at(windows, first, last, t)
    if k < first:
        return 0.0
    return float(windows[2, k] + min(t, windows[1, k]) - windows[0, k])


@inner
def after_open(windows: Floats, first: int, last: int, t: float, seconds: float) -> float:
    """The instant at which `seconds` of open time have passed since `t`; NEVER past the spans."""
    total = open_before(windows, first, last, t) + seconds
    for k in range(max(span_at(windows, first, last, t), first), last):
        if windows[2, k] + windows[1, k] - windows[0, k] >= total:
            return float(windows[0, k] + total - windows[2, k])
    return NEVER


@inner
def spread(out: Floats, row: int, i: int, begin: float, end: float) -> None:
    """Adds the seconds of [begin, end), which begins in interval `i`, to those it lies in."""
    while begin < end and i < out.shape[1]:
        until = min(end, (i + 1) * INTERVAL)
        out[row, i] += until - begin
        begin = until
        i += 1


@inner
def spread_one(out: Floats, begin: float, end: float) -> None:
    """`spread` into (intervals)."""
    i = int(begin / INTERVAL)
    while begin < end and i < out.size:
        until = min(end, (i + 1) * INTERVAL)
        out[i] += until - begin
        begin = until
        i += 1
