"""The stretch of the plan that is looked at: the choices of week and day, and the instants meant.

Weeks are counted in sevens of local days from the plan's first day. Pure.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from api.console import words
from wfm.timegrid import local_day, local_midnight

WHOLE_PLAN = "all"
WHOLE_WEEK = "all"


def plan_days(start: datetime, end: datetime, zone: ZoneInfo) -> list[date]:
    """The local days that [start, end) touches."""
    first, last = local_day(start, zone), local_day(end - timedelta(seconds=1), zone)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def weeks(days: list[date]) -> list[list[date]]:
    """The days in sevens; the last may be shorter."""
    return [days[at : at + 7] for at in range(0, len(days), 7)]


def week_options(days: list[date]) -> list[dict[str, str]]:
    parts = weeks(days)
    options = [
        {"label": f"Week {n}: {words.day_span(part[0], part[-1])}", "value": str(n)}
        for n, part in enumerate(parts, start=1)
    ]
    if len(parts) > 1:
        options.append({"label": f"All {len(parts)} weeks", "value": WHOLE_PLAN})
    return options


def day_options(days: list[date], week: str) -> list[dict[str, str]]:
    """The days of the chosen week, the whole of it first."""
    if week == WHOLE_PLAN:
        return [{"label": "All days", "value": WHOLE_WEEK}]
    chosen = days_of_week(days, week)
    return [
        {"label": "Whole week", "value": WHOLE_WEEK},
        *({"label": words.day_name(day), "value": day.isoformat()} for day in chosen),
    ]


def days_of_week(days: list[date], week: str) -> list[date]:
    """The days of week "1", "2" ...; all where it is none of the plan's."""
    parts = weeks(days)
    if week.isdigit() and 1 <= int(week) <= len(parts):
        return parts[int(week) - 1]
    return days


def chosen_days(days: list[date], week: str, day: str) -> list[date]:
    """The days meant by the two choices; a day outside the week is the whole week."""
    within = days_of_week(days, week)
    one = [d for d in within if d.isoformat() == day]
    return one or within


def first_choice(days: list[date], today: date) -> str:
    """The week that holds `today`, else the first."""
    for n, part in enumerate(weeks(days), start=1):
        if today in part:
            return str(n)
    return "1"


def instants(days: list[date], zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From the first day's midnight to the midnight after the last."""
    return local_midnight(days[0], zone), local_midnight(days[-1] + timedelta(days=1), zone)
