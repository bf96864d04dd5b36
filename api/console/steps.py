"""Contacts by the step that is looked at: quarter-hours, hours or days of the site's wall clock.

A step is known by the instant at which it begins, so an hour that comes twice is two steps, and a
day of 92 or 100 quarter-hours is one. Pure: tables in, tables out.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from forecasting.grid import Floats
from forecasting.scoring.accuracy import Step
from wfm.frames import interval_index
from wfm.timegrid import INTERVAL, floor_interval, format_instant, local_day, local_midnight

STEP_WORDS: dict[Step, str] = {"15min": "15 minutes", "hour": "Hour", "day": "Day"}

# How far back the weekly naive looks for a count: a forecast reaches eight weeks.
NAIVE_WEEKS = 9
WEEK = timedelta(days=7)


def step_of(text: str) -> Step:
    """The step of that name; hours where it is none."""
    return next((step for step in STEP_WORDS if step == text), "hour")


def step_start(instant: datetime, step: Step, zone: ZoneInfo) -> datetime:
    """The instant at which the step that holds `instant` begins."""
    quarter = floor_interval(instant)
    if step == "hour":
        return quarter - timedelta(minutes=quarter.astimezone(zone).minute)
    return quarter if step == "15min" else local_midnight(local_day(quarter, zone), zone)


def step_end(start: datetime, step: Step, zone: ZoneInfo) -> datetime:
    """The instant at which the step that begins at `start` ends."""
    if step == "day":
        return local_midnight(local_day(start, zone) + timedelta(days=1), zone)
    return start + (INTERVAL if step == "15min" else timedelta(hours=1))


def step_starts(index: pd.DatetimeIndex, step: Step, zone: ZoneInfo) -> pd.DatetimeIndex:
    """Of each interval, the start of its step, UTC."""
    if step == "15min":
        return index
    local = index.tz_convert(zone)
    if step == "hour":
        return index - pd.to_timedelta(local.minute, unit="min").as_unit("us")
    return local.normalize().tz_convert("UTC")


def options_of(day: date, step: Step, zone: ZoneInfo) -> list[dict[str, str]]:
    """The steps of a local day, each by its wall-clock time and known by its instant.

    Where clocks change, the zone's short name tells apart what comes twice.
    """
    start, end = local_midnight(day, zone), local_midnight(day + timedelta(days=1), zone)
    starts = step_starts(interval_index(start, end), step, zone).unique()
    shown = "%H:%M" if end - start == timedelta(days=1) else "%H:%M %Z"
    if step == "day":
        shown = "the whole day"
    return [
        {
            "label": at.tz_convert(zone).strftime(shown),
            "value": format_instant(at.to_pydatetime()),
        }
        for at in starts
    ]


def by_step(table: pd.DataFrame, step: Step, zone: ZoneInfo) -> pd.DataFrame:
    """Sums over each step; NaN where every interval of the step is missing.

    table  indexed by start, UTC; counts or means, never quantiles
    """
    if step == "15min" or table.empty:
        return table
    keys = step_starts(pd.DatetimeIndex(table.index), step, zone).rename("start")
    return table.groupby(keys).sum(min_count=1)


def of_queues(table: pd.DataFrame, queues: Collection[str], columns: list[str]) -> pd.DataFrame:
    """`columns` summed over the queues by interval; what is missing is left out of the sum."""
    own = table[table["queue"].isin(list(queues))]
    if len(queues) == 1:
        return own.set_index("start")[columns]
    return own.groupby("start")[columns].sum(min_count=1)


def weekly_naive(
    history: pd.DataFrame, index: pd.DatetimeIndex, zone: ZoneInfo, *, known_until: datetime
) -> pd.Series:
    """At each interval, the count at the same wall-clock time of the newest week that was known.

    history      indexed by start, UTC: contacts, from `NAIVE_WEEKS` before the index on
    index        UTC
    known_until  for what lies behind it, the week before; for what lies ahead, the newest before it
    """
    counts = history["contacts"]
    counts = counts[counts.index < known_until].dropna()
    wall = _wall(counts.index, zone)
    # Of an hour that came twice the first is taken.
    known = pd.Series(counts.to_numpy(float), index=wall)
    known = known[~known.index.duplicated()]
    wanted = _wall(index, zone)
    found: Floats = np.full(len(index), np.nan)
    for week in range(1, NAIVE_WEEKS + 1):
        open_ = np.isnan(found)
        if not open_.any():
            break
        found[open_] = known.reindex(wanted[open_] - week * WEEK).to_numpy(float)
    return pd.Series(found, index=index, name="naive")


def _wall(index: pd.Index[Any], zone: ZoneInfo) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(index).tz_convert(zone).tz_localize(None)
