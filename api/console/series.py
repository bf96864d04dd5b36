"""From the plan's tables to what a chart draws: one queue or the sum of all, thinned for display.

Pure: tables in, tables out. Instants stay UTC here; `local` turns them into wall-clock time last.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from wfm.frames import interval_index
from wfm.paths import Paths
from wfm.timegrid import interval_count

ALL = ""  # the choice "all queues"

BANDS = ("mean", "q025", "q10", "q90", "q975")
BAND_LEVELS = (0.025, 0.10, 0.90, 0.975)


def between(table: pd.DataFrame, start: datetime, end: datetime) -> pd.DataFrame:
    """Rows whose `start` lies in [start, end)."""
    return table[(table["start"] >= start) & (table["start"] < end)]


def of_queue(table: pd.DataFrame, queue: str, columns: list[str]) -> pd.DataFrame:
    """`columns` by interval: of one queue, or summed over all where `queue` is ALL.

    The index is `start`. A sum leaves out what is missing; an interval in which every queue is
    missing is absent. Quantiles must not be summed: see `expected`.
    """
    if queue != ALL:
        return table.loc[table["queue"] == queue, ["start", *columns]].set_index("start")[columns]
    return table.groupby("start")[columns].sum(min_count=1)


def expected(forecast: pd.DataFrame, paths: Paths, queue: str, *, fine: bool) -> pd.DataFrame:
    """What is expected, with its bands: mean, q025, q10, q90, q975, by interval or hour.

    forecast  FORECAST of whole hours
    paths     sampled futures of the same queues that hold the forecast's span

    One queue's intervals bear the forecast's own quantiles. Of hours, and of all queues together,
    no quantile follows from those of the parts, so they are read off the paths.
    """
    table = of_queue(forecast, queue, list(BANDS if fine and queue != ALL else ("mean",)))
    if fine and queue != ALL:
        return table
    counts = paths.contacts.sum(axis=2) if queue == ALL else paths.of(queue)
    first = interval_count(paths.start, table.index[0].to_pydatetime()) if len(table) else 0
    counts = counts[:, first : first + len(table)]
    if not fine:
        table = thinned(table, fine=False)
        counts = counts.reshape(len(counts), len(table), -1).mean(axis=2)
    for name, level in zip(BANDS[1:], BAND_LEVELS, strict=True):
        table[name] = np.quantile(counts, level, axis=0)
    return table


def on_grid(table: pd.DataFrame, start: datetime, end: datetime) -> pd.DataFrame:
    """The table with every interval of [start, end): what is missing is NaN, so that lines break"""
    return table.reindex(interval_index(start, end))


def thinned(table: pd.DataFrame, *, fine: bool) -> pd.DataFrame:
    """Hourly means unless `fine`, so that a chart of weeks stays light."""
    return table if fine or table.empty else table.resample("1h").mean()


def local(index: pd.Index[Any], zone: ZoneInfo) -> pd.DatetimeIndex:
    """Wall-clock times of the zone, without their offset, as charts draw them.

    Where clocks go back an hour is drawn twice; where they go forward an hour is left out.
    """
    return pd.DatetimeIndex(index).tz_convert(zone).tz_localize(None)


def told_starts(index: pd.Index[Any], zone: ZoneInfo) -> np.ndarray[Any, Any]:
    """Of each step: its start as text, and on a day on which clocks change the zone's short name.

    Without it the hour that comes twice would be told twice alike.
    """
    starts = pd.DatetimeIndex(index)
    moved = starts.tz_convert(zone)
    whole = moved.normalize()
    changes = (whole + pd.DateOffset(days=1) - whole) != timedelta(days=1)
    names = [f" {at:%Z}" if change else "" for at, change in zip(moved, changes, strict=True)]
    told: np.ndarray[Any, Any] = np.column_stack(
        (
            starts.strftime("%Y-%m-%dT%H:%M:%SZ").to_numpy(dtype=object),
            np.array(names, dtype=object),
        )
    )
    return told


def heat(hours: pd.DataFrame, zone: ZoneInfo) -> pd.DataFrame:
    """Attainment by local hour of the day (rows 0 to 23) and local day (columns), NaN where none.

    hours  start, attainment, cases; hours that fall on the same local hour are weighed by cases
    """
    when = hours["start"].dt.tz_convert(zone)
    table = pd.DataFrame(
        {
            "day": when.dt.date,
            "hour": when.dt.hour,
            "cases": hours["cases"].where(hours["attainment"].notna(), 0.0),
            "kept": (hours["attainment"] * hours["cases"]).fillna(0.0),
        }
    )
    sums = table.groupby(["hour", "day"])[["kept", "cases"]].sum()
    share = sums["kept"] / sums["cases"].where(sums["cases"] > 0)
    return share.unstack("day").reindex(range(24))  # noqa: PD010 - keeps the columns' order
