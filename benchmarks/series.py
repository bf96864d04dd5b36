"""Folders of `timestamp,value` files with a `series.json`, read for benchmarks.

`series.json` maps each file's name to

    zone       IANA zone of the stamps (and of the local days); UTC without
    country    ISO country whose public holidays apply, or null
    group      series of a group are reported together; the folder's name without
    floor      stamps are floored to this step first, such as "5min"; or absent
    ambiguous  how stamps of the hour that happens twice are read: all as the "first" or all as the
               "second"; "infer", or nothing: a stamp's second appearance is the second hour
    open       null for round the clock, or {"days": [0 = Monday ...], "from": "07:00",
               "to": "21:00"}; hours may pass midnight, and then belong to the day they begin on

Stamps with an offset are instants; others are the zone's wall clock. A stamp that appears twice
counts once, with its last value. An empty value, and a stamp that is not there, is missing.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.grid import fold_slots, weekdays
from wfm.calendars import public_holidays
from wfm.errors import DataError, RequestError
from wfm.timegrid import zone_named

QUARTER_S = 15 * 60
HOUR_S = 3600
DAY_S = 24 * HOUR_S
DAY_MIN = 24 * 60
READINGS = (None, "first", "second", "infer")
# A slot counts as known when no more than this share of the file's steps in it is missing.
SLACK = 0.02


@dataclass(frozen=True, eq=False)
class Series:
    """One real series on its local days.

    days    (days,) local dates, consecutive
    counts  (days, slots) contacts; NaN where missing or shut
    open    (days, slots) when the doors are open: only then is anything scored
    slot_min  minutes of a slot: a quarter of an hour, or the file's step where that is coarser
    """

    name: str
    group: str
    zone: ZoneInfo
    country: str | None
    days: NDArray[np.datetime64]
    counts: NDArray[np.float64] = field(repr=False)
    open: NDArray[np.bool_] = field(repr=False)
    slot_min: int

    @property
    def slots(self) -> int:
        return self.counts.shape[1]


def read_folders(folders: Sequence[Path]) -> list[Series]:
    """Every series that the folders' `series.json` describes; exits with a sentence on a fault."""
    try:
        files = [(path, about) for folder in folders for path, about in _described(folder)]
        repeated = len({path.name for path, _ in files}) < len(files)
        return [
            read_series(path, about, f"{path.parent.name}/{path.name}" if repeated else path.name)
            for path, about in files
        ]
    except DataError as fault:
        sys.exit(str(fault))


def _described(folder: Path) -> list[tuple[Path, Mapping[str, Any]]]:
    """The folder's files and what its `series.json` says of each."""
    listing = folder / "series.json"
    if not listing.is_file():
        raise DataError(f"{folder} has no series.json that says what its files are")
    try:
        described = json.loads(listing.read_text(encoding="utf-8"))
    except ValueError as fault:
        raise DataError(f"{listing} is no JSON: {fault}") from None
    if not isinstance(described, dict) or not described:
        raise DataError(f'{listing} must map file names to descriptions: {{"FILE": {{...}}}}')
    for file, about in described.items():
        if not isinstance(about, dict | None):
            raise DataError(f"{listing}: {file!r} is described by {about!r}, not by {{...}}")
        if not (folder / file).is_file():
            raise DataError(f"{listing} describes {file}, which is not there")
    return [(folder / file, about or {}) for file, about in sorted(described.items())]


def read_series(path: Path, about: Mapping[str, Any], name: str | None = None) -> Series:
    """One file as a matrix of local days by slots; DataError names what cannot be read."""
    try:
        zone = zone_named(about.get("zone") or "UTC")
        if about.get("country"):
            public_holidays(about["country"], 2020)
        instants, values = _rows(path, zone, about)
        step_s = _step_s(instants)
        slot_s = _slot_s(step_s)
        per_day = DAY_S // slot_s
        starts, sums = _slot_sums(instants, values, zone, step_s, slot_s)
        days, counts = fold_slots(starts, sums, zone, per_day)
        days, counts = _with_shut_days_after(days, counts, about.get("open"))
        doors = _open(days, per_day, about.get("open"))
    except (DataError, RequestError) as fault:
        raise DataError(f"{path}: {fault}") from None
    if not doors.any():
        raise DataError(f"{path}: 'open' {about.get('open')!r} never opens")
    return Series(
        name=name or path.name,
        group=about.get("group") or path.parent.name,
        zone=zone,
        country=about.get("country"),
        days=days,
        counts=np.where(doors, counts, np.nan),
        open=doors,
        slot_min=slot_s // 60,
    )


def _rows(
    path: Path, zone: ZoneInfo, about: Mapping[str, Any]
) -> tuple[pd.DatetimeIndex, NDArray[np.float64]]:
    """The file's instants in UTC, ascending, each once, and their values."""
    try:
        table = pd.read_csv(path, dtype={"timestamp": str})
    except (ValueError, UnicodeDecodeError) as fault:
        raise DataError(f"is no CSV file: {fault}") from None
    missing = [column for column in ("timestamp", "value") if column not in table]
    if missing:
        found = ", ".join(map(str, table.columns))
        raise DataError(f"has no column {' or '.join(missing)}; it has {found}")
    values = pd.to_numeric(table["value"], errors="coerce").to_numpy(dtype=float)
    told = table["value"].notna().to_numpy()
    _refuse(table["value"], told & ~(np.isfinite(values) & (values >= 0)), "no count")
    stamps = _stamps(table["timestamp"])
    if about.get("floor"):
        try:
            stamps = stamps.floor(about["floor"])
        except ValueError:
            raise DataError(f"'floor' {about['floor']!r} is no step such as 5min") from None
    instants = stamps if stamps.tz else _instants(stamps, zone, about.get("ambiguous"))
    # The last of a stamp's rows stands; what a clock change skipped has no instant.
    frame = pd.DataFrame({"at": instants.tz_convert("UTC"), "value": values}).dropna(subset=["at"])
    frame = frame.drop_duplicates("at", keep="last").sort_values("at")
    if len(frame) < 2:
        raise DataError("has fewer than two rows")
    return pd.DatetimeIndex(frame["at"]), frame["value"].to_numpy()


def _refuse(column: pd.Series[Any], wrong: NDArray[np.bool_], what: str) -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(f"line {row + 2}: {str(column.iloc[row])!r} is {what}")


def _stamps(column: pd.Series[Any]) -> pd.DatetimeIndex:
    """Stamps as they stand; in UTC where they name an offset."""
    offsets = column.str.contains(r"(?:Z|[+-]\d\d:?\d\d)$", na=False).any()
    for form in ("ISO8601", None):
        found = pd.to_datetime(column, errors="coerce", format=form, utc=bool(offsets))
        if found.notna().any():
            break
    _refuse(column, found.isna().to_numpy(), "no stamp such as 2026-03-01 07:15:00")
    return pd.DatetimeIndex(found)


def _step_s(instants: pd.DatetimeIndex) -> int:
    """The file's step in seconds: the most frequent distance of neighbouring stamps."""
    gaps = np.diff(instants.to_numpy()).astype("timedelta64[s]").astype(int)
    values, seen = np.unique(gaps, return_counts=True)
    step = max(1, int(values[seen.argmax()]))
    if step > HOUR_S:
        raise DataError(f"its rows lie {step} s apart; counts of an hour or less are needed")
    return step


def _slot_s(step_s: int) -> int:
    """The finest slot of whole steps and quarters of an hour that fits a day; else an hour."""
    slot = math.lcm(step_s, QUARTER_S)
    return slot if DAY_S % slot == 0 else HOUR_S


def _slot_sums(
    instants: pd.DatetimeIndex, values: NDArray[np.float64], zone: ZoneInfo, step: int, slot: int
) -> tuple[pd.DatetimeIndex, NDArray[np.float64]]:
    """Slots' starts and sums of the file's steps; a slot of which a step is missing is missing."""
    local = instants.tz_convert(zone)
    within = (local.hour * HOUR_S + local.minute * 60 + local.second) % slot
    starts = instants - pd.to_timedelta(within, unit="s")
    summed = pd.Series(values).groupby(starts).agg(["sum", "count"])
    whole = summed[summed["count"] >= max(1, slot // step) * (1 - SLACK)]
    if whole.empty:
        raise DataError("not one of its slots is whole")
    return pd.DatetimeIndex(whole.index), whole["sum"].to_numpy(dtype=float)


def _instants(stamps: pd.DatetimeIndex, zone: ZoneInfo, ambiguous: str | None) -> pd.DatetimeIndex:
    """Wall-clock stamps as instants. A stamp that a clock change skipped becomes missing."""
    if ambiguous not in READINGS:
        raise DataError(f"'ambiguous' is {ambiguous!r}, not first, second or infer")
    if ambiguous in {"first", "second"}:
        summer = np.full(len(stamps), ambiguous == "first")
    else:
        # Stamped twice: the second time is winter's. Pandas' own way to infer asks for the whole
        # hour twice and in order.
        summer = ~stamps.duplicated(keep="first")
    return stamps.tz_localize(zone, ambiguous=summer, nonexistent="NaT")


# -- opening hours -------------------------------------------------------------------------------


def _open(
    days: NDArray[np.datetime64], slots: int, hours: Mapping[str, Any] | None
) -> NDArray[np.bool_]:
    """When the doors are open, (days, slots)."""
    if hours is None:
        return np.ones((len(days), slots), dtype=bool)
    try:
        weekly = sorted({int(day) for day in hours.get("days") or range(7)})
        begin, end = _minute(hours.get("from"), 0), _minute(hours.get("to"), DAY_MIN)
    except (AttributeError, TypeError, ValueError):
        raise DataError(f"'open' {hours!r} is no {OPEN_EXAMPLE}") from None
    if not (set(weekly) <= set(range(7)) and 0 <= begin < DAY_MIN and 0 <= end <= DAY_MIN):
        raise DataError(f"'open' {hours!r} is no {OPEN_EXAMPLE}")
    minute = np.arange(slots) * DAY_MIN // slots
    today, before = (np.isin((weekdays(days) - k) % 7, weekly)[:, None] for k in (0, 1))
    if begin < end:
        return today & ((minute >= begin) & (minute < end))
    # Past midnight: the early hours belong to the day before.
    return (today & (minute >= begin)) | (before & (minute < end))


OPEN_EXAMPLE = '{"days": [0, 1, 2, 3, 4], "from": "07:00", "to": "21:00"}, 0 being Monday'


def _minute(text: Any, default: int) -> int:
    """Minutes after midnight of "07:00", "7", 7 or 7.5."""
    if text is None:
        return default
    if isinstance(text, str) and ":" in text:
        hour, minute = text.split(":")[:2]
        return int(hour) * 60 + int(minute)
    return round(float(text) * 60)


def _with_shut_days_after(
    days: NDArray[np.datetime64], counts: NDArray[np.float64], hours: Mapping[str, Any] | None
) -> tuple[NDArray[np.datetime64], NDArray[np.float64]]:
    """The days with those after the last that are shut by rule: a week may end on them."""
    coming = days[-1] + np.arange(1, 8)
    shut = ~_open(coming, counts.shape[1], hours).any(axis=1)
    more = int(np.argmin(np.append(shut, False)))
    empty = np.full((more, counts.shape[1]), np.nan)
    return np.concatenate((days, coming[:more])), np.concatenate((counts, empty))
