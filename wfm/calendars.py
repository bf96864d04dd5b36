"""Service windows: when a queue is open, and arithmetic in open time.

A window is a union of weekly hours, each in its own zone and closed on the public holidays of its
own country. Everything is derived from `open_spans`, so both clock-change days come out right.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from wfm.errors import DataError
from wfm.timegrid import INTERVAL, INTERVAL_S, interval_count, zone_named

DAY_MINUTES = 24 * 60
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Hours:
    """Weekly opening hours in one zone.

    weekdays      0 is Monday
    opens, closes minutes after local midnight; closes may be 1440, and is after opens
    holidays_of   ISO country whose public holidays are closed days, or None
    """

    zone: str
    weekdays: frozenset[int]
    opens: int
    closes: int
    holidays_of: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.opens < self.closes <= DAY_MINUTES:
            raise DataError(
                f"hours from minute {self.opens} to {self.closes} are not within one day; "
                "split hours that pass midnight into two parts"
            )


@dataclass(frozen=True)
class ServiceWindow:
    """The union of its parts: open when any of them is."""

    parts: tuple[Hours, ...]

    @classmethod
    def always(cls) -> ServiceWindow:
        return cls((Hours("UTC", frozenset(range(7)), 0, DAY_MINUTES),))

    @property
    def is_always(self) -> bool:
        return any(
            part.opens == 0
            and part.closes == DAY_MINUTES
            and len(part.weekdays) == len(WEEKDAYS)
            and part.holidays_of is None
            for part in self.parts
        )


@lru_cache(maxsize=256)
def public_holidays(country: str, year: int) -> dict[date, str]:
    """Public holidays of `country` (ISO code) in `year`, by date; DataError for an unknown one."""
    import holidays  # late: the calendars of all countries are a large package

    try:
        found = holidays.country_holidays(country, years=year)
    except NotImplementedError:
        raise DataError(
            f"no holiday calendar for country {country!r}; use an ISO code such as DE or GB"
        ) from None
    return {day: str(found[day]) for day in sorted(found)}


@lru_cache(maxsize=64)
def weekend_of(country: str) -> frozenset[int]:
    """The days of rest of `country` (ISO code) as its calendar has them, 0 is Monday."""
    import holidays  # late, as above

    try:
        return frozenset(holidays.country_holidays(country).weekend)
    except NotImplementedError:
        raise DataError(
            f"no holiday calendar for country {country!r}; use an ISO code such as DE or GB"
        ) from None


def is_public_holiday(day: date, country: str) -> bool:
    return day in public_holidays(country, day.year)


def _part_spans(part: Hours, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    zone = zone_named(part.zone)
    day = start.astimezone(zone).date() - timedelta(days=1)
    last = end.astimezone(zone).date()
    while day <= last:
        closed = part.holidays_of is not None and is_public_holiday(day, part.holidays_of)
        if day.weekday() in part.weekdays and not closed:
            midnight = datetime.combine(day, time(), tzinfo=zone)
            # Wall-clock arithmetic first, UTC second: 09:00 stays 09:00 when the clocks change.
            opens = max(start, (midnight + timedelta(minutes=part.opens)).astimezone(UTC))
            closes = min(end, (midnight + timedelta(minutes=part.closes)).astimezone(UTC))
            # Not so outside [start, end), nor for hours that a clock change swallows whole.
            if opens < closes:
                yield opens, closes
        day += timedelta(days=1)


def open_spans(
    window: ServiceWindow, start: datetime, end: datetime
) -> list[tuple[datetime, datetime]]:
    """The disjoint open spans within [start, end), in order."""
    if window.is_always:
        return [(start, end)] if start < end else []
    spans = sorted(span for part in window.parts for span in _part_spans(part, start, end))
    merged: list[tuple[datetime, datetime]] = []
    for opens, closes in spans:
        if merged and opens <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], closes))
        else:
            merged.append((opens, closes))
    return merged


def is_open(window: ServiceWindow, instant: datetime) -> bool:
    return bool(open_spans(window, instant, instant + timedelta(microseconds=1)))


SEARCH_DAYS = 31

# Where most searches end, so that they look no further at first.
FEW_DAYS = 2


def next_opening(window: ServiceWindow, instant: datetime) -> datetime:
    """`instant` itself when open, otherwise when it opens next.

    DataError when the window stays shut for a month: such a queue has no service to promise.
    """
    for days in (FEW_DAYS, SEARCH_DAYS):
        spans = open_spans(window, instant, instant + timedelta(days=days))
        if spans:
            return spans[0][0]
    raise DataError(f"the service window does not open within {SEARCH_DAYS} days of {instant}")


def last_open(window: ServiceWindow, instant: datetime) -> datetime:
    """`instant` itself when no time before it was shut, otherwise when the window last shut.

    A window that was shut for a month before gives the start of that month.
    """
    start = instant - timedelta(days=SEARCH_DAYS)
    spans = open_spans(window, start, instant)
    return spans[-1][1] if spans else start


def add_open_seconds(window: ServiceWindow, instant: datetime, seconds: float) -> datetime:
    """The instant at which `seconds` of open time have passed since `instant`."""
    left = timedelta(seconds=seconds)
    at, days = instant, FEW_DAYS
    while True:
        at = next_opening(window, at)
        for opens, closes in open_spans(window, at, at + timedelta(days=days)):
            if closes - opens >= left:
                return opens + left
            left -= closes - opens
            at = closes
        days = SEARCH_DAYS


def before_open_seconds(window: ServiceWindow, instant: datetime, seconds: float) -> datetime:
    """The last instant from which `seconds` of open time have passed until `instant`.

    A month before it where less than that was open since.
    """
    left = timedelta(seconds=seconds)
    start = instant - timedelta(days=SEARCH_DAYS)
    for opens, closes in reversed(open_spans(window, start, instant)):
        if closes - opens >= left:
            return closes - left
        left -= closes - opens
    return start


def open_seconds(window: ServiceWindow, start: datetime, end: datetime) -> float:
    """Open time within [start, end), seconds."""
    return sum((b - a).total_seconds() for a, b in open_spans(window, start, end))


def open_share(window: ServiceWindow, start: datetime, end: datetime) -> list[float]:
    """For each 15-minute interval of [start, end): the share of it that is open, 0 to 1."""
    shares = [0.0] * interval_count(start, end)
    for opens, closes in open_spans(window, start, end):
        first = int((opens - start) / INTERVAL)
        last = min(int(-(-(closes - start) // INTERVAL)), len(shares))
        for i in range(first, last):
            at = start + i * INTERVAL
            seconds = (min(closes, at + INTERVAL) - max(opens, at)).total_seconds()
            shares[i] += seconds / INTERVAL_S
    return shares
