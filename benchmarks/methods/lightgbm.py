"""LightGBM, one model a quantile for all series of a group: lags of weeks, levels, the calendar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.conformal import LEVELS, MIDDLE, Floats
from benchmarks.methods.dense import rest_days
from benchmarks.origins import WEEK, Answer, Bools, Past
from forecasting.grid import Ints, weekdays

WEEKS = 8
BASE_WEEKS = 4
# A row needs two weeks behind it.
FIRST_DAY = 2 * WEEK
ROUNDS = 120
# A log no forecast shall pass beyond what was ever seen: ten times as much.
HEADROOM = float(np.log(10.0))
SETTINGS = {
    "objective": "quantile",
    "learning_rate": 0.06,
    "num_leaves": 15,
    "min_data_in_leaf": 200,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}


def load() -> None:
    """Import the library; ImportError where it or its OpenMP runtime is missing."""
    try:
        import lightgbm  # noqa: F401
    except OSError as fault:
        raise ImportError(str(fault)) from None


def lightgbm(pasts: Sequence[Past], seed: int) -> list[Answer]:
    """Quantiles of the log of a count over its usual level, corrected by what was left out."""
    tables = [_table(past) for past in pasts]
    rows = [table.learned for table in tables]
    features = np.concatenate([t.features[r] for t, r in zip(tables, rows, strict=True)])
    target = np.concatenate([t.target[r] for t, r in zip(tables, rows, strict=True)])
    series = np.repeat(np.arange(len(pasts)), [r.sum() for r in rows])
    week = np.concatenate([t.week[r] for t, r in zip(tables, rows, strict=True)])
    odd = week % 2 == 1
    answers = [np.zeros((*past.open_ahead.shape, len(LEVELS))) for past in pasts]
    for i, level in enumerate(LEVELS):
        model = _fit(features, target, level, seed)
        shift = np.zeros(len(pasts))
        if i != MIDDLE:
            shift = _shifts(features, target, odd, series, level=level, seed=seed)
        for k, table in enumerate(tables):
            logs = table.base[table.asked] + model.predict(table.features[table.asked]) + shift[k]
            answers[k][pasts[k].open_ahead, i] = np.expm1(np.clip(logs, 0.0, table.ceiling))
    return [Answer(_ordered(answer)) for answer in answers]


def _fit(features: Floats, target: Floats, level: float, seed: int) -> Any:
    import lightgbm as lgb

    settings = {**SETTINGS, "alpha": level, "seed": seed}
    return lgb.train(settings, lgb.Dataset(features, target), num_boost_round=ROUNDS)


def _shifts(
    features: Floats, target: Floats, odd: Bools, series: Ints, *, level: float, seed: int
) -> Floats:
    """By how much each series' quantile fails in even weeks learned from odd ones, and in odd."""
    found = np.zeros(series.max() + 1)
    if odd.all() or not odd.any():
        return found
    miss = np.empty(len(target))
    for left_out in (odd, ~odd):
        model = _fit(features[~left_out], target[~left_out], level, seed)
        miss[left_out] = target[left_out] - model.predict(features[left_out])
    for k in np.unique(series):
        found[k] = np.quantile(miss[series == k], level)
    return found


def _ordered(quantiles: Floats) -> Floats:
    """Ascending, the median kept."""
    low = np.minimum(quantiles[..., :MIDDLE], quantiles[..., MIDDLE : MIDDLE + 1])
    return np.maximum.accumulate(
        np.concatenate((np.sort(low, axis=-1), quantiles[..., MIDDLE:]), axis=-1), axis=-1
    )


@dataclass(frozen=True, eq=False)
class _Table:
    """The cells of a past and of the days ahead, one row each.

    target   log1p of the count less the base: the mean of the same slots of four weeks before
    learned  rows to learn from, asked  rows to forecast, in order
    week     the week a row lies in
    """

    features: Floats
    target: Floats
    base: Floats
    learned: Bools
    asked: Bools
    week: Ints
    ceiling: float


def _table(past: Past) -> _Table:
    behind, slots, horizon = len(past.days), past.slots, len(past.ahead)
    days = np.concatenate((past.days, past.ahead))
    logs = np.log1p(np.concatenate((past.counts, np.full((horizon, slots), np.nan))))
    at = np.arange(len(days))
    # Past days play every lead in turn, so that one model serves all leads.
    lead = np.where(at < behind, (at + at // WEEK) % horizon, at - behind)
    origin = at - lead
    nearest = -(-horizon // WEEK)
    lags = np.stack([_before(logs, WEEK * (nearest + k)) for k in range(WEEKS)], axis=-1)
    base = _mean(lags[..., :BASE_WEEKS], axis=-1)
    off = logs - base
    daily = _mean(off, axis=1)
    held = np.concatenate((past.holidays, past.holidays_ahead)).astype(float)
    rest = rest_days(days, past.series.country).astype(float)
    by_day = [lead, weekdays(days), rest, held, _before(held, 1), _before(held, -1)]
    by_day += [_before(held, WEEK * (nearest + k)) for k in range(BASE_WEEKS)]
    by_day += [_mean(_until(daily, origin, n), axis=1) for n in (1, 3, WEEK)]
    features = [np.broadcast_to(one[:, None], logs.shape) for one in by_day]
    features += [np.broadcast_to(np.arange(slots), logs.shape), base]
    features += [_smooth(base, n) - base for n in (1, 3)]
    features += [off[np.maximum(origin - 1, 0)], _mean(_until(off, origin, WEEK), axis=1)]
    features += list(np.moveaxis(lags - base[..., None], -1, 0))
    asked = np.zeros(logs.shape, dtype=bool)
    asked[behind:] = past.open_ahead
    learned = np.isfinite(off) & (at >= FIRST_DAY)[:, None]
    top = np.nanmax(logs[:behind], initial=0.0)
    return _Table(
        features=np.stack([one.ravel().astype(float) for one in features], axis=1),
        target=off.ravel(),
        base=np.where(np.isfinite(base), base, 0.0).ravel(),
        learned=learned.ravel(),
        asked=asked.ravel(),
        week=np.repeat(at // WEEK, slots),
        ceiling=float(top) + HEADROOM,
    )


def _before(values: Floats, days: int) -> Floats:
    """Each day's value of so many days before (after, where negative); NaN past the ends."""
    moved = np.full_like(values, np.nan)
    if days >= 0:
        moved[days:] = values[: max(0, len(values) - days)]
    else:
        moved[:days] = values[-days:]
    return moved


def _until(values: Floats, origin: Ints, days: int) -> Floats:
    """The last days before each row's origin, (rows, days, ...); NaN before the first."""
    rows = origin[:, None] - 1 - np.arange(days)
    found = values[np.maximum(rows, 0)]
    found[rows < 0] = np.nan
    return found


def _mean(values: Floats, axis: int) -> Floats:
    """Mean of what is known; NaN where nothing is."""
    seen = np.isfinite(values)
    count = seen.sum(axis=axis)
    total = np.where(seen, values, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _smooth(base: Floats, reach: int) -> Floats:
    """Mean over neighbouring slots."""
    padded = np.pad(base, ((0, 0), (reach, reach)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=1)
    return _mean(windows, axis=-1)
