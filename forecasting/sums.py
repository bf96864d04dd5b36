"""Totals over several queues (a brand, a channel): means that add up, bands that hold.

Quantiles of a total are not the totals of quantiles. They are read off scenario paths, in which
queues are busy together as far as the back-test saw it. What paths do not know (news that all
queues share for an hour, a level that wanders within the day) is learned from the totals' own
back-test: how far from its median each quantile should have lain, in units of how far it did lie.

Source: conformal prediction on sums of forecasts, as in Principato, Stoltz, Amara-Ouali, Goude,
Hamrouche, Poggi, "Conformal prediction for hierarchical data" (2024).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from forecasting.copula import Drawing, day_part, draw
from forecasting.grid import Days, Floats, Ints, local_slots
from forecasting.intervals import learn_bands
from forecasting.marginals import marginals
from forecasting.protocol import Forecaster, History, truth_of
from forecasting.scenarios import (
    Noise,
    day_ratios,
    day_spread,
    drawing_of,
    lingering_scatter,
    shared_busyness,
)
from wfm.errors import DataError, NotFound, RequestError
from wfm.frames import FORECAST, QUANTILE_COLUMNS, QUANTILES
from wfm.timegrid import zone_named

Step = Literal["15min", "hour", "day"]
STEPS: tuple[Step, ...] = ("15min", "hour", "day")
# Paths a total is read off: as many as this many numbers allow, within these bounds.
NUMBERS = 5_000_000
PATHS = (100, 400)
# Days of the back-test, and how many there must be before anything is learned from them.
ROLLED_DAYS = 42
ENOUGH_DAYS = 8
# Half-life of a total's weight: how bursty queues are together changes sooner than their shape.
MEMORY_DAYS = 21.0
# What the paths say is worth this many totals of the back-test.
PRIOR_TOTALS = 4.0
MOST_FACTOR = 5.0
HOURS = 24
MEDIAN = QUANTILES.index(0.5)


@dataclass(frozen=True, eq=False)
class Rolled:
    """What would have been told of a queue's days on the evening before, and what came.

    days       (days,) consecutive local dates
    mean       (days, slots) contacts expected
    quantiles  (days, slots, quantiles)
    actual     (days, slots), NaN where not known or moved by something known
    """

    days: Days
    mean: Floats
    quantiles: Floats
    actual: Floats


@dataclass(frozen=True)
class Calibration:
    """By step: how much farther from the median each quantile lies than the paths have it."""

    factors: Mapping[Step, tuple[float, ...]]

    def to_document(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {step: list(factors) for step, factors in self.factors.items()}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Calibration:
        return cls({step: tuple(document[step]) for step in STEPS if step in document})


def sum_forecast(
    table: pd.DataFrame,
    noise: Noise,
    queues: Sequence[str],
    *,
    step: Step,
    seed: int,
    calibration: Calibration | None = None,
) -> pd.DataFrame:
    """The forecast of the queues' total by 15 minutes, hour or local day.

    table        FORECAST; noise: what it was made with
    calibration  from `learn_calibration` of the same queues; without, the paths' own quantiles

    Returns start (UTC), mean and the columns q025 to q975; where the table begins or ends within an
    hour or a day, the total of what it holds. The mean is the sum of the queues' means; the same
    seed gives the same table. Raises NotFound for a queue that table or noise lack; RequestError
    for an unknown step, for no queue, and for queues over different spans.
    """
    if step not in STEPS:
        raise RequestError(f"there are no totals by {step!r}; ask for one of {', '.join(STEPS)}")
    chosen = _of_queues(FORECAST.check(table), noise, queues)
    starts, _, drawing = drawing_of(chosen, noise)
    begins, first = _blocks(starts, noise, step)
    means = chosen.groupby("start")["mean"].sum().sort_index().to_numpy(dtype=float)
    mean = np.add.reduceat(means, first)
    quantiles = _quantiles(drawing, {step: first}, {step: mean}, seed=seed)[step]
    if calibration is not None and step in calibration.factors:
        quantiles = _stretched(quantiles, calibration.factors[step])
    columns = {name: quantiles[:, i] for i, name in enumerate(QUANTILE_COLUMNS)}
    return pd.DataFrame({"start": begins, "mean": mean, **columns})


def rolled(history: History, forecaster: Forecaster, *, days: int = ROLLED_DAYS) -> Rolled:
    """The last days of a queue as they would have been told a day ahead."""
    first = max(ENOUGH_DAYS, len(history) - days)
    origins = np.arange(first, len(history))
    if not len(origins):
        nothing = np.empty((0, history.counts.shape[1]))
        return Rolled(
            history.days[:0], nothing, np.empty((*nothing.shape, len(QUANTILES))), nothing
        )
    told = forecaster.roll(history, origins, 1)
    actual = truth_of(history, origins, 1)
    quantiles = told.quantiles
    if quantiles is None:
        ages = (len(history) - 1 - origins).astype(float)[:, None]
        bands = learn_bands(told.median, actual, ages)
        if bands is None:
            raise DataError(
                f"queue {history.queue!r} has no ordinary interval in its last {days} days, so its "
                "totals cannot be calibrated; leave it out or import newer volumes",
                queue=history.queue,
            )
        quantiles = bands.around(told.median[:, 0], np.ones(len(origins), dtype=np.int64))[:, None]
    return Rolled(history.days[first:], told.mean[:, 0], quantiles[:, 0], actual[:, 0])


def learn_calibration(rolled: Sequence[Rolled], *, seed: int) -> Calibration:
    """How far the quantiles of the queues' total should have lain from its median.

    Looks at the days that all queues have; with less than eight of them, or no queue, nothing is
    learned and the paths' quantiles stay as they are.
    """
    days = _common_days(rolled)
    if len(days) < ENOUGH_DAYS:
        return Calibration({})
    held = [_on(one, days) for one in rolled]
    slots = held[0].mean.shape[1]
    mean = np.sum([one.mean for one in held], axis=0).ravel()
    actual = np.sum([one.actual for one in held], axis=0).ravel()
    ages = np.repeat((days[-1] - days).astype("int64").astype(float), slots)
    sizes: dict[Step, int] = {"15min": 1, "hour": max(1, slots // HOURS), "day": slots}
    first = {step: np.arange(0, len(mean), size) for step, size in sizes.items()}
    means = {step: np.add.reduceat(mean, first[step]) for step in sizes}
    told = _quantiles(_drawing(held), first, means, seed=seed)
    factors: dict[Step, tuple[float, ...]] = {}
    for step in sizes:
        came = np.add.reduceat(actual, first[step])
        known = np.isfinite(came)
        if len(np.unique(first[step][known] // slots)) >= ENOUGH_DAYS:
            weights = 0.5 ** (ages[first[step]][known] / MEMORY_DAYS)
            factors[step] = _factors(told[step][known], came[known], weights)
    return Calibration(factors)


# -- paths of totals -----------------------------------------------------------------------------


def _of_queues(table: pd.DataFrame, noise: Noise, queues: Sequence[str]) -> pd.DataFrame:
    if not len(queues):
        raise RequestError("a total needs one queue or more; none was named")
    known = set(table["queue"].unique()) & set(noise.day_sd)
    for queue in queues:
        if queue not in known:
            raise NotFound(
                f"the forecast has no queue {queue!r}; it has {', '.join(sorted(known))}",
                queue=queue,
            )
    return table[table["queue"].isin(list(queues))]


def _blocks(starts: pd.DatetimeIndex, noise: Noise, step: Step) -> tuple[pd.DatetimeIndex, Ints]:
    """When each total begins, and the index of its first interval."""
    if step == "15min":
        return starts, np.arange(len(starts))
    zone = zone_named(noise.zone)
    if step == "day":
        keys, _ = local_slots(starts, zone)
    else:
        # The hour that happens twice is two hours: the local minute alone is taken off.
        keys = (starts - pd.to_timedelta(starts.tz_convert(zone).minute, unit="min")).to_numpy()
    _, first = np.unique(keys, return_index=True)
    return starts[first], first


def _quantiles(
    drawing: Drawing, first: Mapping[Step, Ints], mean: Mapping[Step, Floats], *, seed: int
) -> dict[Step, Floats]:
    """By step: quantiles (totals, quantiles) of the queues' totals over the paths.

    first  index of each total's first interval; mean: what each total is expected to be
    """
    count = int(np.clip(NUMBERS // (len(drawing.day) * len(drawing.parts)), *PATHS))
    paths = np.zeros((count, len(drawing.day)))
    for contacts in draw(drawing, count=count, seed=seed):
        paths += contacts
    found: dict[Step, Floats] = {}
    for step, begins in first.items():
        total = np.add.reduceat(paths, begins, axis=1)
        drawn = total.mean(axis=0)
        # A few hundred paths miss the mean a little; the forecast does not.
        total *= np.divide(mean[step], drawn, out=np.ones_like(drawn), where=drawn > 0)
        found[step] = np.quantile(total, QUANTILES, axis=0).T
    return found


def _stretched(quantiles: Floats, factors: Sequence[float]) -> Floats:
    centre = quantiles[:, MEDIAN, None]
    moved = np.maximum(centre + (quantiles - centre) * np.array(factors), 0.0)
    moved[:, MEDIAN:] = np.maximum.accumulate(moved[:, MEDIAN:], axis=1)
    low = np.minimum.accumulate(moved[:, MEDIAN::-1], axis=1)[:, ::-1]
    return np.concatenate((low, moved[:, MEDIAN + 1 :]), axis=1)


# -- learning ------------------------------------------------------------------------------------


def _common_days(rolled: Sequence[Rolled]) -> Days:
    if not rolled:
        return np.array([], dtype="datetime64[D]")
    days = rolled[0].days
    for one in rolled[1:]:
        days = np.intersect1d(days, one.days)
    return days


def _on(one: Rolled, days: Days) -> Rolled:
    at = np.isin(one.days, days)
    return Rolled(one.days[at], one.mean[at], one.quantiles[at], one.actual[at])


def _drawing(rolled: Sequence[Rolled]) -> Drawing:
    """What the queues' counts on the days of the back-test are drawn from."""
    days, slots = rolled[0].mean.shape
    day = np.repeat(np.arange(days), slots)
    lingering = tuple(lingering_scatter(one.mean, one.actual) for one in rolled)
    ratios = [day_ratios(one.mean[:, None], one.actual[:, None]) for one in rolled]
    means = tuple(one.mean.ravel() for one in rolled)
    quantiles = tuple(one.quantiles.reshape(days * slots, -1) for one in rolled)
    parts = tuple(
        day_part(
            marginals(means[i], quantiles[i]), day, np.full(days, day_spread(ratio)[0]), linger
        )
        for i, (ratio, linger) in enumerate(zip(ratios, lingering, strict=True))
    )
    shared = shared_busyness([ratio[:, 0] for ratio in ratios])
    return Drawing(means, quantiles, parts, lingering, day, shared, carried=0.0)


def _factors(quantiles: Floats, came: Floats, weights: Floats) -> tuple[float, ...]:
    """The factor of each quantile; 1 for the median, which stays.

    quantiles  (totals, quantiles) told; came (totals,)
    """
    seen = float(weights.sum())
    found = [1.0] * len(QUANTILES)
    for q, level in enumerate(QUANTILES):
        if q == MEDIAN:
            continue
        side = 1.0 if q > MEDIAN else -1.0
        width = side * (quantiles[:, q] - quantiles[:, MEDIAN])
        usable = width > 0
        if not usable.any():
            continue
        misses = side * (came - quantiles[:, MEDIAN])[usable] / width[usable]
        learned = _conformal(misses, weights[usable], level if side > 0 else 1 - level)
        # Narrower than the paths only where much was seen.
        prior = PRIOR_TOTALS if learned < 1 else 0.0
        mixed = (seen * learned + prior) / (seen + prior)
        found[q] = float(np.clip(mixed, 0.0, MOST_FACTOR))
    return tuple(found)


def _conformal(values: Floats, weights: Floats, level: float) -> float:
    """The weighted quantile that a further value stays below with chance `level`."""
    order = np.argsort(values)
    n = weights.sum() ** 2 / (weights**2).sum()
    # The i-th of n values has i / (n + 1) of what is to come below it.
    below = np.cumsum(weights[order]) / weights.sum() * n / (n + 1)
    return float(np.interp(level, below, values[order]))
