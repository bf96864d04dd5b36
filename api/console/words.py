"""How the console says things: days, spans, goals, shares and hours, in words a planner uses."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from wfm.timegrid import span_words

length = span_words

NONE = "–"  # an en dash where there is nothing to show

CHANNELS = {
    "x": "X",
    "facebook": "Facebook",
    "instagram": "Instagram",
    "linkedin": "LinkedIn",
    "bluesky": "Bluesky",
    "mastodon": "Mastodon",
    "email": "Email",
}
METRICS = {
    "first_response": "First response",
    "next_reply": "Next reply",
    "resolution": "Resolution",
}
ACTIVITIES = {
    "on_queue": "on queue",
    "break": "break",
    "meal": "meal",
    "meeting": "meeting",
    "training": "training",
    "time_off": "time off",
    "standby": "standby",
}


def day_name(day: date) -> str:
    """
    >>> day_name(date(2026, 3, 2))
    'Mon 2 Mar'
    """
    return f"{day:%a} {day.day} {day:%b}"


def long_day(day: date) -> str:
    """
    >>> long_day(date(2026, 3, 2))
    'Monday 2 March 2026'
    """
    return f"{day:%A} {day.day} {day:%B} {day.year}"


def day_span(first: date, last: date) -> str:
    """Two local days, both included, with the year once.

    >>> day_span(date(2026, 3, 2), date(2026, 3, 29))
    '2 Mar – 29 Mar 2026'
    """
    if first == last:
        return f"{day_name(first)} {first.year}"
    year = "" if first.year == last.year else f" {first.year}"
    return f"{first.day} {first:%b}{year} – {last.day} {last:%b} {last.year}"


def clock_time(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%H:%M}"


def moment(instant: datetime, zone: ZoneInfo) -> str:
    """
    >>> from datetime import UTC
    >>> moment(datetime(2026, 3, 2, 8, 15, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
    'Mon 2 Mar 09:15'
    """
    local = instant.astimezone(zone)
    return f"{day_name(local.date())} {local:%H:%M}"


def percent(share: float | None, *, digits: int = 1) -> str:
    """
    >>> percent(0.9312), percent(None)
    ('93.1 %', '–')
    """
    if share is None or math.isnan(share):
        return NONE
    return f"{share * 100:.{digits}f} %"


def band(low: float | None, high: float | None, *, digits: int = 1) -> str:
    """
    >>> band(0.91, 0.955)
    '91.0–95.5 %'
    """
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return NONE
    return f"{low * 100:.{digits}f}–{percent(high, digits=digits)}"


def number(value: float | None, *, digits: int = 0) -> str:
    """With thin spaces between thousands: 12 345."""
    if value is None or math.isnan(value):
        return NONE
    return f"{value:,.{digits}f}".replace(",", "\u202f")


def counted(count: int, name: str) -> str:
    """
    >>> counted(1, "day"), counted(3, "day")
    ('1 day', '3 days')
    """
    return f"{number(count)} {name}" if count == 1 else f"{number(count)} {name}s"


def span_length(span: timedelta) -> str:
    return length(span.total_seconds())


def promise(
    metric: str, threshold_s: float, share: float, scope: str, *, after_opening: bool = False
) -> str:
    """
    >>> promise("first_response", 900, 0.9, "hour")
    'First response within 15 min for 90 %, in every hour'
    """
    every = "15 minutes" if scope == "interval" else scope
    opened = " after opening" if after_opening else ""
    return (
        f"{METRICS.get(metric, metric)} within {length(threshold_s)}{opened} "
        f"for {percent(share, digits=0)}, in every {every}"
    )


def activity(code: str) -> str:
    return ACTIVITIES.get(code, code.replace("_", " "))
