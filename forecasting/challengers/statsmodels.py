"""Three models on statsmodels: two regressions on smooth waves, and a seasonal decomposition.

All learn the last twelve weeks of capped counts. The only importer of statsmodels.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from forecasting.challengers.fitness import (
    recent,
    smear,
    smoothed_level,
    too_patchy,
    too_short,
    too_silent,
)
from forecasting.grid import Days, Floats, Ints, weekdays
from forecasting.protocol import Cost, History, Prediction, refit_at_each

HALF_LIFE_DAYS = 28.0
DAILY_WAVES = 12
# Up to nearly five waves a day that differ from weekday to weekday, whatever the weekend is.
WEEKLY_WAVES = 34
# The last hour in quarters, and yesterday's same slot.
LAST_HOUR = (1, 2, 3, 4)
# A cell of the week counts as this many contacts at least: a logarithm has no zero to bend to.
LEAST_RATE = 0.01
MAX_DISPERSION = 4.0
# Weeks of the seasonal part that are averaged: its last week alone is noisy.
SEASON_WEEKS = 8


def waves_of_week(slots: int) -> Floats:
    """Regressors of each slot of the week, (7 * slots, waves), at right angles to each other."""
    at = 2 * np.pi * np.arange(7 * slots) / (7 * slots)
    daily = {7 * k for k in range(1, DAILY_WAVES + 1)}
    waves = sorted(daily | set(range(1, WEEKLY_WAVES + 1)))
    columns = [np.ones_like(at)]
    for k in waves:
        columns += [np.sin(k * at), np.cos(k * at)]
    return np.column_stack(columns)


def week_means(values: Floats, history: History) -> tuple[Floats, Floats]:
    """Recency-weighted mean of each slot of the week and its weight, (7 * slots,) each.

    All that waves of the week can see of the history: a weighted fit on these means has the same
    curve as one on every interval, at a twelfth of the cost.
    """
    seen = np.isfinite(values)
    age = np.arange(len(history))[::-1, None]
    weight = np.where(seen, 0.5 ** (age / HALF_LIFE_DAYS), 0.0)
    filled = np.where(seen, values, 0.0)
    rows = [history.weekday == k for k in range(7)]
    mass = np.stack([weight[r].sum(axis=0) for r in rows]).ravel()
    total = np.stack([(weight[r] * filled[r]).sum(axis=0) for r in rows]).ravel()
    mean = np.divide(total, mass, out=np.zeros_like(total), where=mass > 0)
    return mean, mass


def _carried(residual: Floats, history: History, days: Days) -> Floats:
    """What an autoregression carries of the residuals (days, slots) into the days asked for."""
    from statsmodels.tsa.ar_model import AutoReg

    slots = residual.shape[1]
    filled = np.nan_to_num(residual).ravel()
    if not filled.any():
        return np.zeros((len(days), slots))
    # Predicted from the last day seen to the last asked for: a gap is bridged, then cut off.
    ahead = int((days[-1] - history.days[-1]).astype("int64")) * slots
    told = AutoReg(filled, [*LAST_HOUR, slots], trend="n").fit().forecast(ahead)
    # Nothing keeps an estimated autoregression from growing without end.
    bounded: Floats = np.clip(told, filled.min(), filled.max())
    return bounded[-len(days) * slots :].reshape(len(days), slots)


@dataclass(frozen=True)
class Harmonic:
    """Dynamic harmonic regression on log1p counts with autoregressive errors.

    Least squares on smooth daily and weekly waves with recency weights; the residuals follow an
    autoregression on the last hour and on yesterday. Strong on smooth queues that never shut.
    """

    name: str = "harmonic"
    cost: Cost = "challenger"

    def refusal(self, history: History) -> str | None:
        return too_short(history) or too_patchy(history) or too_silent(history)

    def predict(self, history: History, days: Days) -> Prediction:
        from statsmodels.regression.linear_model import WLS  # late: 1 s and 90 MB

        learned = recent(history)
        capped = learned.cleaned.capped
        slots = capped.shape[1]
        logs = np.log1p(capped)
        waves = waves_of_week(slots)
        mean, weight = week_means(logs, learned)
        seen = weight > 0
        fit = WLS(mean[seen], waves[seen], weights=weight[seen]).fit()
        week = (waves @ fit.params).reshape(7, slots)
        carried = _carried(logs - week[learned.weekday], learned, days)
        curve = np.maximum(np.expm1(week[weekdays(days)] + carried), 0.0)
        fitted = np.maximum(np.expm1(week[learned.weekday]), 0.0)
        return Prediction(curve, curve * smear(capped, fitted))

    def roll(self, history: History, origins: Ints, horizon: int) -> Prediction:
        return refit_at_each(self, history, origins, horizon)


@dataclass(frozen=True)
class HarmonicGlm:
    """The same waves in a generalised linear model of the counts, log link.

    Poisson first, then with the variance m + phi m^2 that the counts show, phi by moments; recency
    by `var_weights`. An autoregression carries the Pearson residuals on.
    """

    name: str = "harmonic_glm"
    cost: Cost = "challenger"

    def refusal(self, history: History) -> str | None:
        return too_short(history) or too_patchy(history) or too_silent(history)

    def predict(self, history: History, days: Days) -> Prediction:
        # Late: 1 s and 90 MB.
        from statsmodels.genmod.families import Family, NegativeBinomial, Poisson
        from statsmodels.genmod.generalized_linear_model import GLM
        from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

        learned = recent(history)
        capped = learned.cleaned.capped
        slots = capped.shape[1]
        waves = waves_of_week(slots)
        mean, weight = week_means(capped, learned)
        seen = weight > 0
        rates = np.maximum(mean[seen], LEAST_RATE)

        def fitted(family: Family) -> Floats:
            model = GLM(rates, waves[seen], family=family, var_weights=weight[seen])
            with warnings.catch_warnings():
                # A constant queue is fitted perfectly, and that is no fault.
                warnings.simplefilter("ignore", PerfectSeparationWarning)
                parameters = model.fit().params
            week: Floats = np.exp(waves @ parameters).reshape(7, slots)
            return week

        poisson = fitted(Poisson())[learned.weekday]
        known = np.isfinite(capped)
        surplus = float(((capped - poisson)[known] ** 2 - poisson[known]).sum())
        dispersion = float(np.clip(surplus / (poisson[known] ** 2).sum(), 1e-6, MAX_DISPERSION))
        week = fitted(NegativeBinomial(alpha=dispersion))
        at = week[learned.weekday]
        carried = _carried((capped - at) / _sd(at, dispersion), learned, days)
        ahead = week[weekdays(days)]
        expected = np.maximum(ahead + carried * _sd(ahead, dispersion), 0.0)
        # Median over mean of a gamma law with this spread (Wilson and Hilferty, 1931).
        return Prediction(expected * (1.0 - dispersion / 9.0) ** 3, expected)

    def roll(self, history: History, origins: Ints, horizon: int) -> Prediction:
        return refit_at_each(self, history, origins, horizon)


def _sd(mean: Floats, dispersion: float) -> Floats:
    spread: Floats = np.sqrt(mean + dispersion * mean**2)
    return spread


@dataclass(frozen=True)
class Mstl:
    """Day and week taken out of log1p counts by MSTL; the rest carried on by a short smoother.

    Source: Bandara, Hyndman, Bergmeir, arXiv 2107.13462 (2021). The last weeks of the seasonal part
    are averaged, since repeating its last week repeats its noise.
    """

    name: str = "mstl"
    cost: Cost = "challenger"

    def refusal(self, history: History) -> str | None:
        return too_short(history)

    def predict(self, history: History, days: Days) -> Prediction:
        from statsmodels.tsa.seasonal import MSTL  # late: 1 s and 90 MB

        learned = recent(history)
        capped = learned.cleaned.capped
        slots = capped.shape[1]
        logs = np.log1p(capped)
        # Its smoothers are drawn at every quarter of a day and joined: 20 times faster, same curve.
        jump = max(1, slots // 4)
        parts = MSTL(
            _bridged(logs, learned.weekday).ravel(),
            periods=(slots, 7 * slots),
            stl_kwargs={"trend_jump": jump, "low_pass_jump": jump},
        ).fit()
        season = parts.seasonal.sum(axis=1).reshape(-1, slots)[-7 * SEASON_WEEKS :]
        weekday = learned.weekday[-7 * SEASON_WEEKS :]
        week = np.stack([season[weekday == k].mean(axis=0) for k in range(7)])
        level = smoothed_level(logs - week[learned.weekday])
        curve = np.maximum(np.expm1(week[weekdays(days)] + level[-1]), 0.0)
        fitted = np.maximum(np.expm1(week[learned.weekday] + level[:, None]), 0.0)
        return Prediction(curve, curve * smear(capped, fitted))

    def roll(self, history: History, origins: Ints, horizon: int) -> Prediction:
        return refit_at_each(self, history, origins, horizon)


def _bridged(logs: Floats, weekday: Ints) -> Floats:
    """`logs` (days, slots) with what is missing filled in: its weekday's mean, or its slot's."""
    seen = np.isfinite(logs)
    filled = np.where(seen, logs, 0.0)
    of_slot = filled.sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    bridged = filled.copy()
    for k in range(7):
        rows = weekday == k
        count = seen[rows].sum(axis=0)
        typical = np.where(count > 0, filled[rows].sum(axis=0) / np.maximum(count, 1), of_slot)
        bridged[rows] = np.where(seen[rows], filled[rows], typical)
    return bridged
