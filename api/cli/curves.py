"""Curves as lines of characters, under a ruler of local times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

BARS = " ▁▂▃▄▅▆▇█"


def bar(value: float, top: float) -> str:
    """One character as high as value / top; anything above zero is seen."""
    if value <= 0 or top <= 0:
        return BARS[0]
    return BARS[max(1, min(8, round(8 * value / top)))]


# Columns of a curve at most, and how fine it may be drawn in them: minutes a column, and how many
# hours lie between two times of the ruler.
CURVE = 64
STEPS = ((15, 2), (30, 4), (60, 6), (120, 12), (240, 24), (720, 24))


def curve_step(count: int) -> tuple[int, int]:
    """Minutes a column and hours between two times, for so many quarter-hours in `CURVE` columns.

    >>> curve_step(40), curve_step(96)
    ((15, 2), (30, 4))
    """
    return next((step for step in STEPS if count * 15 <= step[0] * CURVE), STEPS[-1])


def clock_ruler(first: datetime, columns: int, step: tuple[int, int], zone: ZoneInfo) -> str:
    """Local hours above a curve that begins at `first`; a midnight is told by its weekday."""
    minutes, every = step
    line = ""
    for column in range(columns):
        local = (first + timedelta(minutes=minutes * column)).astimezone(zone)
        ahead = -(60 * local.hour + local.minute) % (60 * every)
        # A time stands over the column that it lies in, and never close behind another.
        if ahead < minutes and (len(line) < column or column == 0):
            shown = local + timedelta(minutes=ahead)
            line = line.ljust(column) + (f"{shown:%H}" if shown.hour else f"{shown:%a}")
    return line


def share_line(shares: Sequence[float], cases: Sequence[float], width: int) -> str:
    """Shares from 0 to 1, `width` of them a character, each counting as its cases do.

    A dot where there is no case; no share at all is the lowest bar.

    >>> share_line([1.0, 0.0, 0.5, 0.5], [1, 1, 3, 1], 1), share_line([1.0, 0.0], [3, 1], 2)
    ('█▁▄▄', '▆')
    """
    line = ""
    for at in range(0, len(shares), width):
        pairs = list(zip(shares[at : at + width], cases[at : at + width], strict=True))
        counted = [(share, number) for share, number in pairs if number > 0]
        total = sum(number for _, number in counted)
        mean = sum(share * number for share, number in counted) / total if total else None
        line += "·" if mean is None else BARS[max(1, min(8, round(8 * mean)))]
    return line


def height_line(values: Sequence[float], width: int) -> str:
    """Values against the highest of them, the highest of each `width` a character.

    >>> height_line([0, 2, 8, 4], 1), height_line([0, 2, 8, 4], 2)
    (' ▂█▄', '▂█')
    """
    top = max(values, default=0.0)
    return "".join(bar(max(values[at : at + width]), top) for at in range(0, len(values), width))
