"""Instants, local days and the 15-minute grid; the one place that asks the time.

Instants are timezone-aware UTC datetimes. An interval is known by its start and means
[start, start + 15 minutes). A local day has 92, 96 or 100 intervals.

This module is on the live queue's path: standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wfm.errors import RequestError

INTERVAL_S = 900
INTERVAL = timedelta(seconds=INTERVAL_S)

# As `format_instant` writes them.
_WRITTEN = re.compile(r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")


class Clock(Protocol):
    """Tells the time, in UTC."""

    def now(self) -> datetime: ...


@dataclass(frozen=True)
class FixedClock:
    """A clock that stands still, for tests and for commands told `--now`."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant


@dataclass(frozen=True)
class SystemClock:
    """The time of day, or a time set by the user that then runs, compressed if wished.

    shows  the instant the clock shows at `since`; None: the machine's own time
    since  the machine's time at which it showed it
    rate   seconds shown per second passed; 60 runs an hour in a minute

    Source of `shows` and `rate`: `--now`, `WFM_NOW`, `WFM_CLOCK_RATE`, or the demo's stored start.
    """

    shows: datetime | None = None
    since: datetime | None = None
    rate: float = 1.0

    @classmethod
    def starting_at(cls, shows: datetime, *, rate: float = 1.0) -> SystemClock:
        return cls(shows=shows, since=datetime.now(UTC), rate=rate)

    @property
    def is_set(self) -> bool:
        """Whether it shows another time than the machine's, which every screen must then say."""
        return self.shows is not None

    def now(self) -> datetime:
        machine = datetime.now(UTC)
        if self.shows is None or self.since is None:
            return machine
        return self.shows + (machine - self.since) * self.rate


def parse_instant(text: str) -> datetime:
    """An RFC 3339 instant as UTC; an offset or Z is required.

    >>> parse_instant("2026-03-02T09:00:00+01:00").isoformat()
    '2026-03-02T08:00:00+00:00'
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise RequestError(
            f"{text!r} is not an instant; write it as 2026-03-02T09:00:00Z", value=text
        ) from None
    if instant.tzinfo is None:
        raise RequestError(f"{text!r} has no zone; add Z for UTC or an offset", value=text)
    return instant.astimezone(UTC)


def format_instant(instant: datetime) -> str:
    """RFC 3339, whole seconds, with Z.

    >>> format_instant(datetime(2026, 3, 2, 9, tzinfo=UTC))
    '2026-03-02T09:00:00Z'
    """
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def in_local_time(text: str, zone: ZoneInfo) -> str:
    """A sentence whose instants are told by the clock of `zone`.

    What is kept and what machines read has instants as `format_instant` writes them; people are
    told those of their site. What only looks like an instant stays.

    >>> in_local_time("due 2026-03-02T09:00:00Z: nobody there", ZoneInfo("Europe/Berlin"))
    'due Mon 02 Mar 10:00: nobody there'
    """

    def told(written: re.Match[str]) -> str:
        try:
            at = datetime.fromisoformat(written[0])
        except ValueError:
            return written[0]
        return f"{at.astimezone(zone):%a %d %b %H:%M}"

    return _WRITTEN.sub(told, text)


def span_words(seconds: float) -> str:
    """A length of time in words: hours and minutes, below a minute seconds.

    >>> span_words(900), span_words(5400), span_words(45)
    ('15 min', '1 h 30 min', '45 s')
    """
    if seconds < 60:
        return f"{seconds:g} s"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def zone_named(name: str) -> ZoneInfo:
    """The IANA zone `name`; RequestError when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise RequestError(
            f"{name!r} is no IANA time zone; write one like Europe/Berlin or UTC", value=name
        ) from None


def floor_interval(instant: datetime) -> datetime:
    """Start of the interval that `instant` lies in."""
    seconds = int(instant.timestamp()) // INTERVAL_S * INTERVAL_S
    return datetime.fromtimestamp(seconds, UTC)


def local_midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which the local day begins, in UTC."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """The local date `instant` falls on."""
    return instant.astimezone(zone).date()


def intervals(start: datetime, end: datetime) -> Iterator[datetime]:
    """Starts of the intervals in [start, end); both on the grid."""
    at = start
    while at < end:
        yield at
        at += INTERVAL


def interval_count(start: datetime, end: datetime) -> int:
    """How many intervals [start, end) holds."""
    return int((end - start) / INTERVAL)
