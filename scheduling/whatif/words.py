"""The words that repairs share: names, people and hours as planners say them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

# Names beyond so many are only counted.
MOST_NAMES = 3


def listed(names: Sequence[str]) -> str:
    """Names as they are read out.

    >>> listed(["x"]), listed(["x", "email", "chat"])
    ('x', 'x, email and chat')
    """
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def named(names: Sequence[str]) -> str:
    """The first of the names, the others counted.

    >>> named(["Ada", "Ben"]), named(["Ada", "Ben", "Cem", "Dan", "Eve"])
    ('Ada and Ben', 'Ada, Ben, Cem and 2 more')
    """
    if len(names) <= MOST_NAMES + 1:
        return listed(names)
    return listed([*names[:MOST_NAMES], f"{len(names) - MOST_NAMES} more"])


def people(count: int, does: str, do: str) -> str:
    """So many people with their verb.

    >>> people(1, "stays", "stay"), people(3, "stays", "stay")
    ('1 person stays', '3 people stay')
    """
    return f"1 person {does}" if count == 1 else f"{count} people {do}"


def lasting(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """From when until when, local; the day where it is another one.

    >>> from datetime import UTC
    >>> lasting(*(datetime(2026, 3, 2, h, tzinfo=UTC) for h in (9, 11)), ZoneInfo("UTC"))
    '09:00 to 11:00'
    """
    return f"{start.astimezone(zone):%H:%M} to {clock(end, start, zone)}"


def clock(at: datetime, since: datetime, zone: ZoneInfo) -> str:
    """A local time, with its day where that is not the day of `since`."""
    wall = at.astimezone(zone)
    same = wall.date() == since.astimezone(zone).date()
    return f"{wall:%H:%M}" if same else f"{wall:%a %H:%M}"


def length(minutes: int) -> str:
    """Minutes as people say them.

    >>> length(30), length(60), length(120)
    ('30 min', '1 h', '2 h')
    """
    return f"{minutes} min" if minutes % 60 else f"{minutes // 60} h"
