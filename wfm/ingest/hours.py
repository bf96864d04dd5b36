"""Weekly hours as people write them: `mon-fri 09:00-18:00`."""

from __future__ import annotations

import re

from wfm.calendars import DAY_MINUTES, WEEKDAYS, Hours
from wfm.errors import DataError

EXAMPLE = "write hours like 'mon-fri 09:00-18:00'"

_PART = re.compile(r"(?P<days>[a-z,\- ]+?)\s+(?P<opens>\S+?)\s*-\s*(?P<closes>\S+)")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")

Slot = tuple[int, int, int]  # weekday (0 is Monday), from minute, to minute


def parse_clock(text: str) -> int:
    """Minutes after midnight; 24:00 is the day's end. DataError says how to write it.

    >>> parse_clock("09:30")
    570
    """
    found = _CLOCK.fullmatch(text.strip())
    minutes = int(found[1]) * 60 + int(found[2]) if found else -1
    if found is None or int(found[2]) > 59 or minutes > DAY_MINUTES:
        raise DataError(f"{text!r} is no time of day; write it as 09:00")
    return minutes


def parse_weekdays(text: str) -> list[int]:
    """Weekdays of `mon-fri`, `sat,sun` or `mon-wed,fri`; a range may wrap (`fri-mon`)."""
    days: list[int] = []
    for piece in text.split(","):
        ends = [end.strip() for end in piece.split("-")]
        unknown = [end for end in ends if end not in WEEKDAYS]
        if unknown or len(ends) > 2:
            raise DataError(f"{text!r} names no weekdays; write mon-fri or {','.join(WEEKDAYS)}")
        first, last = WEEKDAYS.index(ends[0]), WEEKDAYS.index(ends[-1])
        days += [(first + i) % 7 for i in range((last - first) % 7 + 1)]
    return list(dict.fromkeys(days))


def parse_hours(text: str) -> list[Slot]:
    """Slots of one part, in the order of the days; hours that pass midnight are split there.

    >>> parse_hours("fri 22:00-06:00")
    [(4, 1320, 1440), (5, 0, 360)]
    """
    found = _PART.fullmatch(text.strip().lower())
    if found is None:
        raise DataError(f"{text!r} is not understood; {EXAMPLE}")
    opens, closes = parse_clock(found["opens"]), parse_clock(found["closes"])
    if opens in (DAY_MINUTES, closes):
        raise DataError(f"{text!r} holds no time; {EXAMPLE}")
    slots: list[Slot] = []
    for day in parse_weekdays(found["days"]):
        if opens < closes:
            slots.append((day, opens, closes))
            continue
        slots.append((day, opens, DAY_MINUTES))
        if closes > 0:
            slots.append(((day + 1) % 7, 0, closes))
    return slots


def merge_slots(slots: list[Slot]) -> list[Slot]:
    """The same hours as disjoint slots, sorted."""
    merged: list[Slot] = []
    for day, opens, closes in sorted(slots):
        if merged and merged[-1][0] == day and opens <= merged[-1][2]:
            merged[-1] = (day, merged[-1][1], max(merged[-1][2], closes))
        else:
            merged.append((day, opens, closes))
    return merged


def hours_of(slots: list[Slot], zone: str, holidays_of: str | None = None) -> tuple[Hours, ...]:
    """Slots as opening hours, days with equal hours together."""
    days: dict[tuple[int, int], set[int]] = {}
    for day, opens, closes in merge_slots(slots):
        days.setdefault((opens, closes), set()).add(day)
    return tuple(
        Hours(zone, frozenset(on), opens, closes, holidays_of)
        for (opens, closes), on in days.items()
    )
