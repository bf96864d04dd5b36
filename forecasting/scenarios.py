"""Scenario paths: sampled futures for the simulator, as spread as the forecast says.

Each day of a path is busy or quiet as a whole: a gamma factor of mean 1, largely shared by all
queues. Given the factor, intervals are negative binomial. An interval's spread is that of its
10-90 % band, a day's total scatters as it did in the back-test; both follow from the two laws by
matching variances.

Source: gamma busyness factors, Avramidis, Deslauriers, L'Ecuyer, Management Science 50:896 (2004).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

import numpy as np
import pandas as pd
from scipy.special import gammaincinv, ndtr

from forecasting.grid import Days, Floats, Ints, local_slots
from forecasting.intervals import LEAD_GROUPS, lead_group
from wfm.errors import RequestError
from wfm.paths import Paths
from wfm.timegrid import zone_named

# Width of the 10-90 % band in standard deviations, were it normal.
BAND_SD = 2.0 * 1.2815515655446004
# Correlation of the queues' busy days before any was seen, and how many days that is worth.
PRIOR_SHARED = 0.5
PRIOR_DAYS = 28.0
MAX_SHARED = 0.95
# Relative spread of a day's total where the back-test is too short to tell.
PRIOR_DAY_SD = 0.15
ENOUGH_DAYS = 10
MAX_DAY_CV = 2.0


@dataclass(frozen=True)
class Noise:
    """How days scatter around the forecast: all that paths need beside the FORECAST table.

    day_sd     by queue: relative spread of a day's total, one figure for each group of leads
    last_day   by queue: the last local day the forecast had seen, from which leads count
    shared     correlation of the queues' busy days
    zone       in which days are days
    """

    zone: str
    shared: float
    day_sd: Mapping[str, tuple[float, ...]]
    last_day: Mapping[str, date]

    def to_document(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "zone": self.zone,
            "shared": self.shared,
            "day_sd": {queue: list(sds) for queue, sds in self.day_sd.items()},
            "last_day": {queue: day.isoformat() for queue, day in self.last_day.items()},
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Noise:
        return cls(
            zone=document["zone"],
            shared=document["shared"],
            day_sd={queue: tuple(sds) for queue, sds in document["day_sd"].items()},
            last_day={q: date.fromisoformat(day) for q, day in document["last_day"].items()},
        )


class HasPaths(Protocol):
    """What paths are drawn from, e.g. a `ForecastResult`."""

    @property
    def table(self) -> pd.DataFrame: ...

    @property
    def noise(self) -> Noise: ...


# -- learning how days scatter -------------------------------------------------------------------


def day_ratios(mean: Floats, actual: Floats) -> Floats:
    """Actual over expected total of each day, (origins, days); NaN where too much is missing."""
    known = np.isfinite(actual)
    expected = mean.sum(axis=2)
    seen = np.where(known, mean, 0.0).sum(axis=2)
    ratio = np.full(expected.shape, np.nan)
    np.divide(
        np.where(known, actual, 0.0).sum(axis=2), seen, out=ratio, where=seen > 0.75 * expected
    )
    return ratio


def day_spread(ratios: Floats) -> tuple[float, ...]:
    """Relative spread of day totals for each group of leads, by the 10-90 % range."""
    groups = lead_group(np.arange(1, ratios.shape[1] + 1))
    found: list[float] = []
    for g in range(len(LEAD_GROUPS)):
        values = ratios[:, groups == g]
        values = values[np.isfinite(values)]
        if len(values) < ENOUGH_DAYS:
            found.append(found[-1] if found else PRIOR_DAY_SD)
            continue
        low, high = np.quantile(values, [0.10, 0.90])
        # The day to come is no better known than the worse of both sides says.
        found.append(float(min(MAX_DAY_CV, (high - low) / BAND_SD)))
    return tuple(found)


def shared_busyness(ratios_by_day: Sequence[Floats]) -> float:
    """Correlation of the queues' day ratios, shrunk to a strong prior.

    ratios_by_day  one array a queue, aligned on the same days, NaN where not known
    """
    logs = [np.log(np.clip(r, 0.1, 10.0)) for r in ratios_by_day]
    total = weight = 0.0
    for i in range(len(logs)):
        for j in range(i):
            both = np.isfinite(logs[i]) & np.isfinite(logs[j])
            a, b = logs[i][both], logs[j][both]
            if len(a) < ENOUGH_DAYS or a.std() == 0 or b.std() == 0:
                continue
            total += float(np.corrcoef(a, b)[0, 1]) * len(a)
            weight += len(a)
    pairs = max(1, len(logs) * (len(logs) - 1) // 2)
    prior = PRIOR_DAYS * pairs
    return float(np.clip((total + prior * PRIOR_SHARED) / (weight + prior), 0.0, MAX_SHARED))


# -- drawing -------------------------------------------------------------------------------------


def _day_cv(mean: Floats, variance: Floats, day: Ints, day_sd: Floats) -> Floats:
    """Coefficient of variation of each day's factor that gives the day's total its spread.

    mean, variance  of the intervals; day: index of each interval's day; day_sd: one a day
    """
    days = len(day_sd)
    total = np.bincount(day, weights=mean, minlength=days)
    squares = np.bincount(day, weights=mean**2, minlength=days)
    own = np.bincount(day, weights=variance, minlength=days)
    common = total**2 - squares
    found = np.zeros(days)
    np.divide((day_sd * total) ** 2 - own, common, out=found, where=common > 1e-9)
    return np.sqrt(np.clip(found, 0.0, MAX_DAY_CV**2))


def _gamma_factors(scores: Floats, cv: Floats) -> Floats:
    """Gamma factors of mean 1 (paths, days) from normal scores of the same shape."""
    factors = np.ones_like(scores)
    moving = cv > 1e-6
    if moving.any():
        shape = 1.0 / cv[moving] ** 2
        chance = np.clip(ndtr(scores[:, moving]), 1e-12, 1 - 1e-12)
        factors[:, moving] = gammaincinv(shape, chance) / shape
    return factors


def _counts(
    rng: np.random.Generator, mean: Floats, dispersion: Floats
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Negative binomial counts of that mean (paths, intervals), Poisson where dispersion is 0."""
    rate = mean.copy()
    wide = dispersion > 1e-9
    shape = 1.0 / dispersion[wide]
    rate[:, wide] *= rng.standard_gamma(shape, size=(len(mean), int(wide.sum()))) / shape
    return rng.poisson(rate)


def scenario_paths(
    forecast: HasPaths,
    *,
    count: int,
    seed: int,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Paths:
    """`count` sampled futures of all queues of the forecast, the same for the same seed.

    start, end  a part of the forecast's span; all of it without. A part differs from the same hours
                of the whole: its draws are its own
    """
    return paths_from(forecast.table, forecast.noise, count=count, seed=seed, start=start, end=end)


def paths_from(
    table: pd.DataFrame,
    noise: Noise,
    *,
    count: int,
    seed: int,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Paths:
    """`scenario_paths` of a FORECAST table and the noise it was made with.

    Raises RequestError when `count` is below 1 or the span holds no forecast.
    """
    if count < 1:
        raise RequestError(f"{count} paths cannot be drawn; ask for 1 or more")
    chosen = table
    if start is not None:
        chosen = chosen[chosen["start"] >= start]
    if end is not None:
        chosen = chosen[chosen["start"] < end]
    if chosen.empty:
        raise RequestError("the forecast holds no interval between the start and end asked for")
    zone = zone_named(noise.zone)
    queues = tuple(queue for queue in noise.day_sd if (chosen["queue"] == queue).any())
    starts = pd.DatetimeIndex(np.sort(chosen["start"].unique()))
    local, _ = local_slots(starts, zone)
    days: Days = np.unique(local)
    at = np.searchsorted(days, local)
    rng = np.random.default_rng(seed)
    common = rng.standard_normal((count, len(days)))
    contacts = np.zeros((count, len(starts), len(queues)), dtype="int64")
    for i, queue in enumerate(queues):
        rows = chosen[chosen["queue"] == queue].sort_values("start")
        if len(rows) != len(starts):
            raise RequestError(
                f"the forecast of {queue!r} holds {len(rows)} of {len(starts)} intervals; "
                "paths need all queues over the same span"
            )
        mean = rows["mean"].to_numpy()
        band = (rows["q90"].to_numpy() - rows["q10"].to_numpy()) / BAND_SD
        variance = np.maximum(band**2, mean)
        leads = (days - np.datetime64(noise.last_day[queue], "D")).astype("int64")
        cv = _day_cv(mean, variance, at, np.array(noise.day_sd[queue])[lead_group(leads)])
        own = rng.standard_normal((count, len(days)))
        scores = np.sqrt(noise.shared) * common + np.sqrt(1 - noise.shared) * own
        factors = _gamma_factors(scores, cv)
        left = np.divide(variance - mean, mean**2, out=np.zeros_like(mean), where=mean > 0)
        dispersion = np.maximum(left - cv[at] ** 2, 0.0) / (1 + cv[at] ** 2)
        contacts[:, :, i] = _counts(rng, mean * factors[:, at], dispersion)
    return Paths(starts[0].to_pydatetime(), queues, contacts)
