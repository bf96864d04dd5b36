"""Days that are known to be unlike others, as charts name them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from api.console import spans
from api.console.charts.look import Event
from wfm.brands import Brand
from wfm.calendars import public_holidays


def holidays_of(brand: Brand, queues: Iterable[str], start: datetime, end: datetime) -> list[Event]:
    """Public holidays of the queues' markets within [start, end): one event a day and name, with
    the countries that keep it."""
    countries = sorted({c for q in queues for c in brand.countries_of(brand.queue(q))})
    found = []
    for day in spans.plan_days(start, end, brand.tz):
        names: dict[str, list[str]] = {}
        for country in countries:
            name = public_holidays(country, day.year).get(day)
            if name:
                names.setdefault(name, []).append(country)
        for name, where in names.items():
            text = f"{name} ({', '.join(where)})"
            found.append(Event("holiday", text, *spans.instants([day], brand.tz)))
    return found
