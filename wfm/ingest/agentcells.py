"""The cells of an agents file, part by part; each parser refuses with the way to write it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from wfm.calendars import WEEKDAYS
from wfm.errors import DataError
from wfm.ingest import cells
from wfm.ingest.faults import choose, unknown
from wfm.ingest.hours import Slot, parse_clock, parse_hours
from wfm.people import Limit, Preference, Skill, TimeOff

LEVELS = range(1, 6)
DEFAULT_LEVEL = 3
LONGEST_ROLE = 80
Wish = Literal["day_off", "prefer_template", "avoid_template"]
WISHES: dict[str, Wish] = {
    "off": "day_off",
    "prefer": "prefer_template",
    "avoid": "avoid_template",
}
# The limits that name hours, and the most they can name.
HOURS_OF: dict[str, tuple[Literal["max_hours_per_day", "max_hours_per_week"], int]] = {
    "max_hours_per_day": ("max_hours_per_day", 24),
    "max_hours_per_week": ("max_hours_per_week", 168),
}
LIMITS = ("no_nights", *HOURS_OF, "hours")


@dataclass(frozen=True)
class Names:
    """What an agent's row may name."""

    queues: tuple[str, ...]
    contracts: tuple[str, ...]
    templates: tuple[str, ...]


def parse_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        remedy = "empty; want a day" if not text else "this is no day"
        raise DataError(f"{remedy}; write it as 2026-03-02") from None


def parse_skill(text: str, names: Names) -> Skill:
    """`x:4`, or `x` for the usual level."""
    queue, _, level = (piece.strip() for piece in text.partition(":"))
    if queue not in names.queues:
        raise DataError(unknown("queue", queue, names.queues))
    if level and not (level.isdecimal() and int(level) in LEVELS):
        raise DataError(f"a level is {LEVELS.start} to {LEVELS.stop - 1}, such as {queue}:3")
    return Skill(queue, int(level) if level else DEFAULT_LEVEL)


def parse_availability(text: str, _names: Names) -> list[Slot]:
    return parse_hours(text)


def parse_absence(text: str, _names: Names) -> TimeOff:
    """`2026-03-20` or `2026-03-02..2026-03-06`."""
    first, _, last = (piece.strip() for piece in text.partition(".."))
    off = TimeOff(parse_day(first), parse_day(last or first))
    if off.last < off.first:
        raise DataError("the absence ends before it begins")
    return off


def parse_preference(text: str, names: Names) -> Preference:
    """`off:sat`, `off:2026-12-24:3`, `prefer:early@2026-12-24:2`, `avoid:night@sat`."""
    wish, _, rest = (piece.strip() for piece in text.partition(":"))
    value, _, weight = (piece.strip() for piece in rest.partition(":"))
    if wish not in WISHES:
        raise DataError("write off:sat, prefer:TEMPLATE or avoid:TEMPLATE")
    when = ""
    if wish == "off":
        value = _weekday_or_day(value)
    elif value not in names.templates:  # whose names may hold the sign themselves
        template, sign, day = value.rpartition("@")
        if template not in names.templates:
            raise DataError(unknown("shift template", template if sign else value, names.templates))
        value, when = template, _weekday_or_day(day)
    heavy, remedy = cells.number(weight) if weight else (1.0, "")
    if remedy or heavy <= 0:
        raise DataError(f"the weight {weight!r} is not above 0")
    return Preference(WISHES[wish], value, heavy, when)


def _weekday_or_day(text: str) -> str:
    """A weekday, or a date as ISO text."""
    if text in WEEKDAYS:
        return text
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise DataError(
            f"{text!r} is no weekday and no date; use one of {', '.join(WEEKDAYS)}, or a date "
            "such as 2026-12-24"
        ) from None


def parse_limit(text: str, _names: Names) -> Limit:
    """`no_nights`, `max_hours_per_day:6`, `hours:06:00-22:00`, each `@FROM..TO` if it is to end."""
    what, sign, span = (piece.strip() for piece in text.partition("@"))
    kind, _, value = (piece.strip() for piece in what.partition(":"))
    since, until = _span(span) if sign else (None, None)
    if kind == "no_nights":
        if value:
            raise DataError("no_nights takes no figure; write it alone")
        return Limit("no_nights", since=since, until=until)
    if kind == "hours":
        opens, closes = _hours(value)
        return Limit("hours", from_min=opens, to_min=closes, since=since, until=until)
    if kind in HOURS_OF:
        of_hours, most = HOURS_OF[kind]
        hours, remedy = cells.number(value)
        if remedy or not 0 < hours <= most:
            raise DataError(f"want hours above 0 and at most {most}, such as {kind}:6")
        return Limit(of_hours, hours=hours, since=since, until=until)
    raise DataError(f"no limit of that name; {choose(kind, LIMITS)}")


def _hours(text: str) -> tuple[int, int]:
    first, _, last = (piece.strip() for piece in text.partition("-"))
    opens, closes = parse_clock(first), parse_clock(last)
    if opens >= closes:
        raise DataError("the hours end before they begin; write hours:06:00-22:00, up to 24:00")
    return opens, closes


def _span(text: str) -> tuple[date | None, date | None]:
    """The first and the last day of `2026-01-01..2026-12-31`; either may be left out."""
    first, sign, last = (piece.strip() for piece in text.partition(".."))
    if not sign or not (first or last):
        raise DataError(
            "write the days it holds as @2026-01-01..2026-12-31; one of the two may be left out"
        )
    since, until = parse_day(first) if first else None, parse_day(last) if last else None
    if since and until and until < since:
        raise DataError("the limit ends before it begins")
    return since, until


def parse_role(text: str, _names: Names) -> str:
    if len(text) > LONGEST_ROLE:
        raise DataError(f"want a role of up to {LONGEST_ROLE} characters")
    return text
