"""The ordinary days of a history: what those that holidays touch are measured against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.events.daytypes import Touched, Weekend, touched_days
from forecasting.grid import Bools, Days, Floats, Ints
from forecasting.protocol import History

# The share of its slots that a day must show.
MEASURED_SHARE = 0.5
# Weight of a day in the ordinary week around another.
HALF_LIFE_DAYS = 21.0
# A day's level scatters at least so much.
LEAST_DAY_SD = 0.03
LEAST_PART_SD = 0.08
# What a holiday is expected to have of an ordinary day where no weekend was ever seen.
UNSEEN_QUIET = 0.6


@dataclass(frozen=True, eq=False)
class Ordinary:
    """The ordinary days of a history: what touched ones are measured against.

    counts   (days, slots); NaN where missing or moved by a campaign or an outage
    capped   the same without spikes and without the days that holidays touch
    quiet_day  the weekday that a holiday looks like; None where no day of rest was ever seen
    day_sd   how far an ordinary day's log total scatters around its weekday's
    part_sd  how far a part's share of an ordinary day does, in logs
    """

    days: Days
    weekday: Ints
    counts: Floats
    capped: Floats
    touched: tuple[Touched, ...]
    quiet_day: int | None
    day_sd: float
    part_sd: float

    @classmethod
    def of(
        cls,
        history: History,
        recent: slice,
        countries: Sequence[str],
        weekend: Weekend,
        campaigns: Bools,
    ) -> Ordinary:
        days, weekday = history.days[recent], history.weekday[recent]
        lost = history.cleaned.outage[recent] | campaigns[recent]
        counts = np.where(lost, np.nan, history.counts[recent])
        capped = history.cleaned.capped[recent].copy()
        touched = touched_days(days, countries, weekend)
        capped[[day.row for day in touched]] = np.nan
        total = np.nansum(capped, axis=1)
        seen = np.isfinite(capped).mean(axis=1) >= MEASURED_SHARE
        level = [total[seen & (weekday == k)] for k in range(7)]
        typical = np.array([np.median(of) if len(of) else 0.0 for of in level])
        rest = [k for k in sorted(weekend) if len(level[k])]
        quiet_day = min(rest, key=lambda k: typical[k]) if rest else None
        apart = np.log1p(total[seen]) - np.log1p(typical[weekday[seen]])
        around = _running_median(apart)
        scatter = 1.4826 * float(np.median(np.abs(apart - around))) if len(apart) else 0.1
        day_sd = max(LEAST_DAY_SD, scatter)
        return cls(
            days,
            weekday,
            counts,
            capped,
            touched,
            quiet_day,
            day_sd,
            max(LEAST_PART_SD, 2 * day_sd),
        )

    def quiet(self, week: Floats, own: Floats) -> Floats:
        """The day that a holiday looks like, given the ordinary week around it and its own day."""
        # Missing is not zero: a weekend without counts says nothing of a holiday.
        return week[self.quiet_day] if self.quiet_day is not None else UNSEEN_QUIET * own

    def weeks(self, centres: Ints) -> Floats:
        """The ordinary week around each of the days `centres`, past and future, (n, 7, slots)."""
        away = np.abs(centres[:, None] - np.arange(len(self.days)))
        weights = 0.5 ** (away / HALF_LIFE_DAYS)
        seen = np.isfinite(self.capped)
        counts = np.where(seen, self.capped, 0.0)
        found = np.zeros((len(centres), 7, self.capped.shape[1]))
        for k in range(7):
            rows = self.weekday == k
            mass = weights[:, rows] @ seen[rows].astype(float)
            made = weights[:, rows] @ counts[rows]
            np.divide(made, mass, out=found[:, k], where=mass > 0)
        return found


def _running_median(values: Floats, reach: int = 7) -> Floats:
    """Median of each value and the `reach` on either side."""
    if not len(values):
        return values
    padded = np.concatenate((np.full(reach, np.nan), values, np.full(reach, np.nan)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    return np.asarray(np.nanmedian(windows, axis=1), dtype=float)
