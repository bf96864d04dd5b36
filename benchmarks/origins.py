"""Rolling origins over real series: what a method may see, and what it has to answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.conformal import MIDDLE, Floats
from benchmarks.series import Series
from forecasting.grid import as_date
from wfm.calendars import public_holidays

Bools = NDArray[np.bool_]
Days = NDArray[np.datetime64]

WEEK = 7
LEAST_DAYS = 28
# Of a day's open intervals, the share that must be known for the day to begin a horizon or end one.
WHOLE = 0.75
# Origins a series, and how many a group shall have together.
ORIGINS = 8
POOLED = 24


@dataclass(frozen=True, eq=False)
class Past:
    """One series as seen from an origin: the days before it, and the calendar of those ahead.

    counts    (days, slots) contacts; NaN where missing or shut
    open      (days, slots)
    holidays  (days,) public holidays of the series' country
    ahead     (horizon,) the days to forecast; open_ahead and holidays_ahead go with them
    """

    series: Series
    days: Days
    counts: Floats
    open: Bools
    holidays: Bools
    ahead: Days
    open_ahead: Bools
    holidays_ahead: Bools

    @property
    def slots(self) -> int:
        return self.counts.shape[1]

    def last(self, days: int) -> Past:
        """The same with no more than the last `days` days of the past."""
        kept = slice(max(0, len(self.days) - days), None)
        return Past(
            self.series,
            self.days[kept],
            self.counts[kept],
            self.open[kept],
            self.holidays[kept],
            self.ahead,
            self.open_ahead,
            self.holidays_ahead,
        )


@dataclass(frozen=True, eq=False)
class Answer:
    """Quantiles (horizon, slots, levels) at `benchmarks.conformal.LEVELS`."""

    quantiles: Floats

    @property
    def median(self) -> Floats:
        middle: Floats = self.quantiles[..., MIDDLE]
        return middle


def is_holiday(days: Days, country: str | None) -> Bools:
    """Which of the days are public holidays of the country; none without a country."""
    if country is None:
        return np.zeros(len(days), dtype=bool)
    dates = [as_date(day) for day in days]
    return np.array([day in public_holidays(country, day.year) for day in dates], dtype=bool)


def past_at(series: Series, origin: int, horizon: int) -> Past:
    """The series as known at local midnight before its day `origin`."""
    ahead = slice(origin, origin + horizon)
    holidays = is_holiday(series.days, series.country)
    return Past(
        series=series,
        days=series.days[:origin],
        counts=series.counts[:origin].copy(),
        open=series.open[:origin],
        holidays=holidays[:origin],
        ahead=series.days[ahead],
        open_ahead=series.open[ahead],
        holidays_ahead=holidays[ahead],
    )


def candidates(series: Series, horizon: int) -> list[int]:
    """Days that may be an origin: open and known, behind enough of a past, before a whole horizon.

    The first lies four weeks or half of the history in, whichever is later.
    """
    opens = series.open.sum(axis=1)
    known = (np.isfinite(series.counts) & series.open).sum(axis=1)
    whole = (opens > 0) & (known >= WHOLE * opens)
    if not whole.any():
        return []
    # Days shut by rule after the last known one end a horizon as well as a known one.
    end = int(np.flatnonzero(whole)[-1]) + 1
    while end < len(opens) and opens[end] == 0:
        end += 1
    first = max(LEAST_DAYS, len(series.days) // 2)
    return [day for day in range(first, end - horizon + 1) if whole[day]]


def choose_origins(
    group: Sequence[Series], horizon: int, count: int | None
) -> dict[str, list[int]]:
    """Up to `count` origins for each series of the group, evenly spread.

    On the same days for all series where they have as many in common.

    Without `count`, 8 a series, and more where the group has few series.
    """
    wanted = count or max(ORIGINS, -(-POOLED // len(group)))
    own = {one.name: candidates(one, horizon) for one in group}
    dates = [{one.days[day] for day in own[one.name]} for one in group]
    shared = set.intersection(*dates) if dates else set()
    chosen = {}
    for one in group:
        days = own[one.name]
        if len(shared) >= wanted:
            days = [day for day in days if one.days[day] in shared]
        chosen[one.name] = _spread(days, wanted)
    return chosen


def _spread(days: list[int], count: int) -> list[int]:
    """`count` of the days, evenly spread, not all on one weekday where that can be helped."""
    if len(days) <= count:
        return days
    for skipped in range(len(days) - count):
        left = days[skipped:]
        at = np.linspace(0, len(left) - 1, count).round().astype(int)
        chosen = [left[i] for i in at]
        if count == 1 or len({day % WEEK for day in chosen}) > 1:
            return chosen
    return days[-count:]
