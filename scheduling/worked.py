"""Shifts read off a ROSTER, and of which kinds they are: nights, weekends, early, late, holidays.

A shift is what one agent works in one piece under one template; it belongs to the local day on
which it starts.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wfm.brands import Brand
from wfm.calendars import is_public_holiday
from wfm.timegrid import INTERVAL_S

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

ABSENT = ("time_off", "standby")
# A hole shorter than any rest is a hole in a shift, not the end of one.
LONGEST_HOLE = timedelta(hours=3)
EARLY_BEFORE_MIN = 7 * 60
LATE_AFTER_MIN = 21 * 60

# What a shift can be on its own; a shift may be of several kinds.
SHIFT_KINDS: tuple[str, ...] = ("night", "weekend", "early", "late", "holiday")


def shifts_worked(roster: pd.DataFrame, brand: Brand) -> pd.DataFrame:
    """The shifts of a ROSTER in order of agent and start: agent_id, day, start, end, template.

    day  local date of the start
    """
    rows = roster[~roster["activity"].isin(ABSENT)].sort_values(["agent_id", "start"])
    earlier = rows.shift()
    fresh = (
        (rows["agent_id"] != earlier["agent_id"])
        | (rows["template"] != earlier["template"])
        | (rows["start"] - earlier["end"] >= LONGEST_HOLE)
    )
    shifts = (
        rows.groupby(fresh.cumsum(), sort=False)
        .agg(
            agent_id=("agent_id", "first"),
            start=("start", "first"),
            end=("end", "max"),
            template=("template", "first"),
        )
        .reset_index(drop=True)
    )
    shifts.insert(1, "day", shifts["start"].dt.tz_convert(brand.tz).dt.date)
    return shifts


def night_hours(start: pd.DatetimeIndex, end: pd.DatetimeIndex, brand: Brand) -> Floats:
    """Hours of each shift that lie in the brand's night, by the clock on the wall.

    start, end  of the shifts, UTC on the 15-minute grid
    """
    if start.empty:
        return np.zeros(0)
    origin = start.min()
    quarters = pd.date_range(origin, end.max(), freq=f"{INTERVAL_S}s", inclusive="left")
    minute = _minute(_wall(quarters, brand))
    night = brand.night
    if night.from_min < night.to_min:
        dark = (night.from_min <= minute) & (minute < night.to_min)
    else:
        dark = (night.from_min <= minute) | (minute < night.to_min)
    before = np.concatenate([[0], np.cumsum(dark)])
    step = pd.Timedelta(seconds=INTERVAL_S)
    counted = before[np.asarray((end - origin) // step)] - before[(start - origin) // step]
    return np.asarray(counted * (INTERVAL_S / 3600), dtype=np.float64)


def kinds_of(start: pd.DatetimeIndex, end: pd.DatetimeIndex, brand: Brand) -> Flags:
    """Of which kinds the shifts are, shape (shifts, SHIFT_KINDS).

    night    at least `night.hours` of it lie in the brand's night
    weekend  starts on a weekend day
    early    starts before 07:00, not a night
    late     ends after 21:00 or on a later day, not a night
    holiday  starts on a public holiday of the brand's country

    start, end  of the shifts, UTC on the 15-minute grid
    """
    kinds = np.zeros((len(start), len(SHIFT_KINDS)), dtype=np.bool_)
    opens, closes = _wall(start, brand), _wall(end, brand)
    days = opens.normalize()
    night = night_hours(start, end, brand) >= brand.night.hours - 1e-9
    passes_midnight = np.asarray(closes.normalize() > days)
    kinds[:, 0] = night
    kinds[:, 1] = np.isin(opens.weekday, brand.weekend)
    kinds[:, 2] = (_minute(opens) < EARLY_BEFORE_MIN) & ~night
    kinds[:, 3] = ((_minute(closes) > LATE_AFTER_MIN) | passes_midnight) & ~night
    if brand.country is not None:
        closed = {d: is_public_holiday(d.date(), brand.country) for d in days.unique()}
        kinds[:, 4] = [closed[d] for d in days]
    return kinds


def _wall(instants: pd.DatetimeIndex, brand: Brand) -> pd.DatetimeIndex:
    """What the clock on the wall shows, without its zone: some zones skip their midnight."""
    return instants.tz_convert(brand.tz).tz_localize(None)


def _minute(wall: pd.DatetimeIndex) -> NDArray[np.int64]:
    return np.asarray(wall.hour * 60 + wall.minute, dtype=np.int64)
