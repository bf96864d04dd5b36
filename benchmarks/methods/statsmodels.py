"""Dynamic harmonic regression and MSTL, by statsmodels."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from benchmarks.conformal import Floats, conformal
from benchmarks.methods.dense import dense, rest_days, spread_out
from benchmarks.origins import WEEK, Answer, Bools, Past
from forecasting.grid import Days, Ints, weekdays

DAILY_WAVES = 12
REST_WAVES = 6
WEEKLY_WAVES = 6


def _waves(days: Days, slots: Ints, per_day: int, rest: Bools, holidays: Bools) -> Floats:
    """Regressors of each day and slot, one row each: Fourier terms and the calendar."""
    day = np.repeat(weekdays(days), len(slots)).astype(float)
    of_day = np.tile(slots / per_day, len(days))
    idle = np.repeat(rest, len(slots)).astype(float)
    columns = [np.ones_like(of_day), idle, np.repeat(holidays, len(slots)).astype(float)]
    for k in range(1, DAILY_WAVES + 1):
        angle = 2 * np.pi * k * of_day
        columns += [np.sin(angle), np.cos(angle)]
        if k <= REST_WAVES:
            columns += [idle * np.sin(angle), idle * np.cos(angle)]
    for k in range(1, WEEKLY_WAVES + 1):
        angle = 2 * np.pi * k * (day + of_day) / WEEK
        columns += [np.sin(angle), np.cos(angle)]
    return np.column_stack(columns)


def _dhr(past: Past) -> Answer:
    import statsmodels.api as sm
    from statsmodels.tools.sm_exceptions import SingularMatrixWarning
    from statsmodels.tsa.ar_model import AutoReg

    grid = dense(past)
    days, ahead = past.days[grid.rows], past.ahead[grid.ahead]
    country = past.series.country
    slots, per_day = grid.slots, past.slots
    behind = _waves(days, slots, per_day, rest_days(days, country), past.holidays[grid.rows])
    coming = past.holidays_ahead[grid.ahead]
    waves = _waves(ahead, slots, per_day, rest_days(ahead, country), coming)
    seen = grid.seen.ravel()
    residual = np.zeros(seen.size)
    lags = sorted({1, 2, 3, 4, len(slots)} & set(range(1, len(residual) // 4)))
    with warnings.catch_warnings():
        # No holiday yet, hours so few that waves are alike, or nothing left to explain: the
        # smallest solution will do.
        warnings.simplefilter("ignore", SingularMatrixWarning)
        fit = sm.OLS(np.log1p(grid.counts.ravel()[seen]), behind[seen]).fit()
        residual[seen] = fit.resid
        carried = AutoReg(residual, lags, trend="n").fit().forecast(len(waves))
    logs = np.clip(waves @ fit.params + carried, 0.0, _ceiling(grid.counts))
    median = np.expm1(logs).reshape(len(ahead), len(slots))
    told = np.expm1(np.clip(behind @ fit.params, 0.0, _ceiling(grid.counts)))
    ages = np.repeat(len(past.days) - 1.0 - grid.rows, len(slots))
    actual = np.where(grid.seen, grid.counts, np.nan).ravel()
    # So few waves for so many slots: misses in the past are as large as those to come.
    return Answer(spread_out(past, grid, conformal(told, actual, ages, median)))


def _ceiling(counts: Floats) -> float:
    """A log no forecast shall pass: ten times what was ever seen."""
    return float(np.log1p(10.0 * counts.max(initial=0.0)))


def dhr(pasts: Sequence[Past], _seed: int) -> list[Answer]:
    """Fourier regression on log1p counts with autoregressive errors, by statsmodels."""
    return [_dhr(past) for past in pasts]


# -- MSTL -----------------------------------------------------------------------------------------

# Seasons that hardly change: with loess over the default 11 and 15 of them, each is mostly noise.
SEASON_WINDOW = 201
# The level is the mean of the last days without their seasons.
LEVEL_DAYS = 7


def mstl(pasts: Sequence[Past], _seed: int) -> list[Answer]:
    """Daily and weekly seasons by MSTL on log1p counts, and the last week's level."""
    return [_mstl(past) for past in pasts]


def _mstl(past: Past) -> Answer:
    grid = dense(past)
    logs, slots = np.log1p(grid.counts.ravel()), len(grid.slots)
    ahead = _seasons_and_level(logs, slots, grid.week, len(grid.ahead) * slots)
    median = np.expm1(np.clip(ahead, 0.0, _ceiling(grid.counts))).reshape(-1, slots)
    # Its seasons fit the past far better than what comes: the last week, forecast from before it,
    # tells by how much it misses.
    held = grid.week * slots
    before = _seasons_and_level(logs[:-held], slots, grid.week, held)
    told = np.expm1(np.clip(before, 0.0, _ceiling(grid.counts)))
    actual = np.where(grid.seen, grid.counts, np.nan).ravel()[-held:]
    return Answer(spread_out(past, grid, conformal(told, actual, np.zeros(held), median)))


def _seasons_and_level(logs: Floats, slots: int, week: int, steps: int) -> Floats:
    """The next `steps` values: last seasons repeated around a level that stays."""
    from statsmodels.tsa.seasonal import MSTL

    periods = sorted({p for p in (slots, slots * week) if 1 < p < len(logs) // 2})
    level = logs.copy()
    ahead = np.zeros(steps)
    if periods:
        # Loess at every eighth of a day, between them on a line: ten times as fast, as in R.
        jump = max(1, slots // 8)
        settings = {"seasonal_deg": 0, "trend_jump": jump, "low_pass_jump": jump}
        windows = [SEASON_WINDOW] * len(periods)
        found = MSTL(logs, periods=periods, windows=windows, stl_kwargs=settings).fit()
        seasons = np.asarray(found.seasonal).reshape(len(logs), -1)
        for season, period in zip(seasons.T, periods, strict=True):
            level -= season
            ahead += np.resize(season[-period:], steps)
    return ahead + level[-LEVEL_DAYS * slots :].mean()


def load() -> None:
    """Import the library."""
    import statsmodels.api
    import statsmodels.tsa.ar_model
    import statsmodels.tsa.seasonal  # noqa: F401
