"""Why a number of a kept forecast is what it is: its parts, and what is known of that time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from api.planning.forecasts import AFTERWARDS, Which, load
from api.planning.parts import Known, Part, Stretch, parts_of
from wfm.brands import Brand
from wfm.calendars import public_holidays
from wfm.errors import NotFound
from wfm.frames import QUANTILE_COLUMNS
from wfm.ingest.history import load_volumes
from wfm.store import forecasts
from wfm.store.brands import load_brand
from wfm.store.campaigns import load_campaigns
from wfm.store.engine import Store
from wfm.timegrid import INTERVAL, floor_interval, format_instant, local_day

# A day as notes write it.
DAY = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")


@dataclass(frozen=True)
class Why:
    """An interval of a queue's forecast, taken apart.

    parts      baseline, holiday, campaign, correction, and adjustment; they add up to the mean
    quantiles  by column of FORECAST, adjustments in
    last_week  the weekly naive as it was known, None where it was not
    came       contacts that came, None where not known yet
    """

    queue: str
    start: datetime
    forecast_id: int
    kind: str
    model: str
    mean: float
    quantiles: Mapping[str, float]
    parts: tuple[Part, ...]
    last_week: float | None
    came: float | None
    notes: tuple[str, ...] = field(repr=False)


def why(store: Store, queue: str, instant: datetime, which: Which | None = None) -> Why:
    """Take apart the interval that `instant` lies in; of the newest version that covers it.

    NotFound for an unknown queue, or when no version (or not `which`) covers the interval.
    """
    at = floor_interval(instant)
    with store.reading() as connection:
        brand = load_brand(connection)
        brand.queue(queue)
        chosen = forecasts.covering(connection, queue, at) if which is None else which
        if chosen is None:
            raise _uncovered(queue, at, "no forecast covers", "run `wfm forecast --from DATE`")
        campaigns = load_campaigns(connection)
        counted = load_volumes(connection, start=at, end=at + INTERVAL, queues=[queue])
    version = load(store, chosen)
    end = at + INTERVAL
    own = version.table(at, end, [queue])
    if own.empty:
        told = f"forecast {version.forecast_id} does not cover"
        raise _uncovered(queue, at, told, "`wfm forecasts` lists what they cover")
    table, parts = version.adjusted(at, end, [queue])
    with store.reading() as connection:
        naive = forecasts.read_naive(
            connection, version.forecast_id, start=at, end=end, queues=[queue]
        )[0]
    planned = version.kind == "plan"
    known = Known(
        holidays=_holidays(brand, queue, at),
        campaigns=[one for one in campaigns if queue in one.queues],
        adjustments=[
            one
            for one in (version.adjustments if planned else version.active([queue]))
            if one.queue == queue
        ],
        merged=planned,
    )
    row = table.iloc[0]
    days = [local_day(instant, brand.tz) for instant in (at, version.start, version.end)]
    return Why(
        queue=queue,
        start=at,
        forecast_id=version.forecast_id,
        kind=version.kind,
        model=str(row["model"]),
        mean=float(row["mean"]),
        quantiles={name: float(row[name]) for name in QUANTILE_COLUMNS},
        parts=parts_of(table, parts, own, known, Stretch(at, end, "15min", brand.tz)),
        last_week=naive,
        came=None if counted.empty else float(counted["contacts"].iloc[0]),
        notes=tuple(
            note
            for note in version.notes
            if note == AFTERWARDS
            or (note.startswith(f"{queue}:") and not of_another_day(note, *days))
        ),
    )


def of_another_day(note: str, day: date, first: date, last: date) -> bool:
    """Whether the note is about a coming day of `first` to `last`, such as a holiday, not `day`.

    >>> week = date(2026, 3, 2), date(2026, 3, 8)
    >>> of_another_day("x: public holiday on 2026-03-05, x0.80", date(2026, 3, 4), *week)
    True
    """
    named = [date.fromisoformat(found) for found in DAY.findall(note)]
    coming = [one for one in named if first <= one <= last]
    return bool(coming) and day not in coming


def _uncovered(queue: str, at: datetime, who: str, way: str) -> NotFound:
    return NotFound(f"{who} queue {queue!r} at {format_instant(at)}; {way}", queue=queue)


def _holidays(brand: Brand, queue: str, at: datetime) -> list[str]:
    day = local_day(at, brand.tz)
    names = {
        country: public_holidays(country, day.year).get(day)
        for country in brand.countries_of(brand.queue(queue))
    }
    return [f"{name} ({country})" for country, name in names.items() if name]
