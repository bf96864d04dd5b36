"""The brand file's site: its zone, its weekend, its night, and who must be there at any time."""

from __future__ import annotations

from dataclasses import dataclass

from wfm.brands import Brand, Market, Presence
from wfm.calendars import DAY_MINUTES, WEEKDAYS
from wfm.errors import DataError
from wfm.ingest.brandqueues import read_window
from wfm.ingest.hours import Slot, parse_clock, parse_weekdays
from wfm.ingest.tomltable import TomlTable, named, told, zone_of
from wfm.people import NightTime


@dataclass(frozen=True)
class Site:
    """What a `[site]` says."""

    name: str
    zone: str
    weekend: tuple[int, ...]
    night: NightTime


def read_site(table: TomlTable) -> Site:
    site = Site(table.text("name"), zone_of(table), _weekend(table), _night(table.table("night")))
    table.done()
    return site


def _weekend(table: TomlTable) -> tuple[int, ...]:
    default = tuple(WEEKDAYS[day] for day in Brand.weekend)
    days: set[int] = set()
    for text in table.texts("weekend", default):
        try:
            days |= set(parse_weekdays(text))
        except DataError as error:
            told(table, "weekend", error, text)
    weekend = tuple(sorted(days))
    if weekend and weekend[-1] - weekend[0] >= len(weekend):
        table.fault(
            "weekend",
            "days of a weekend follow one another between Monday and Sunday, such as "
            '["sat", "sun"] or ["fri", "sat"]',
            ", ".join(WEEKDAYS[day] for day in weekend),
        )
    if table.values.get("weekend") == []:
        table.fault("weekend", "names no day; leave it out for Saturday and Sunday")
    return weekend


def _night(table: TomlTable) -> NightTime:
    default = NightTime()
    first = _clock(table, "from", default.from_min)
    last = _clock(table, "to", default.to_min)
    night = NightTime(first, last, table.number("hours", default.hours, above=True, high=24))
    long_h = (last - first) % DAY_MINUTES / 60
    if first == last:
        table.fault("to", "the night ends when it begins; write a later time", table.raw("to"))
    elif night.hours > long_h:
        table.fault(
            "hours", f"the night has only {long_h:g}; write {long_h:g} or less", night.hours
        )
    table.done()
    return night


def _clock(table: TomlTable, key: str, default: int) -> int:
    """Minutes after midnight on the quarter-hour; 24:00 is 00:00."""
    if key not in table:
        table.asked.add(key)
        return default
    text = table.text(key)
    try:
        minutes = parse_clock(text)
    except DataError as error:
        told(table, key, error, text)
        return default
    if minutes % 15:
        table.fault(key, "want a quarter-hour, such as 23:00 or 05:30", text)
    return minutes % DAY_MINUTES


def read_presence(
    top: TomlTable, zone: str, markets: tuple[Market, ...], hours: dict[str, list[Slot]]
) -> tuple[Presence, ...]:
    """Who must be on queue, beside what the queues need."""
    found: list[Presence] = []
    taken: dict[str, int] = {}
    for table in top.tables("presence"):
        name = named(table, taken)
        window, _ = read_window(table, zone, markets, hours)
        found.append(
            Presence(
                name,
                table.whole("at_least", 1, low=1, high=10_000),
                window,
                table.text_if_any("role"),
            )
        )
        table.done()
    return tuple(found)
