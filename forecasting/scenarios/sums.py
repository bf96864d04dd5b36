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

from forecasting.grid import Days, Floats, Ints, local_slots
from forecasting.scenarios.copula import Drawing, day_part, draw
from forecasting.scenarios.marginals import marginals
from forecasting.scenarios.paths import (
    Noise,
    day_ratios,
    day_spread,
    drawing_of,
    lingering_scatter,
    shared_busyness,
)
from wfm.errors import NotFound, RequestError
from wfm.frames import FORECAST, QUANTILE_COLUMNS, QUANTILES
from wfm.timegrid import zone_named

Step = Literal["15min", "hour", "day"]
STEPS: tuple[Step, ...] = ("15min", "hour", "day")
# Paths a total is read off: as many as this many numbers allow, within these bounds.
NUMBERS = 5_000_000
PATHS = (100, 400)
# What is learned from many totals together needs fewer.
LEARNING_PATHS = 150
# Days of the back-test there must be before anything is learned from them.
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
    calibration  from `learn_calibrations`, of the same queues; without, the paths' own quantiles

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
    everyone = {"": range(len(drawing.parts))}
    paths = _paths(drawing, everyone, count=_affordable(drawing), seed=seed)[""]
    quantiles = _quantiles(paths, first, mean)
    if calibration is not None and step in calibration.factors:
        quantiles = _stretched(quantiles, calibration.factors[step])
    columns = {name: quantiles[:, i] for i, name in enumerate(QUANTILE_COLUMNS)}
    return pd.DataFrame({"start": begins, "mean": mean, **columns})


def learn_calibrations(
    rolled: Mapping[str, Rolled], totals: Mapping[str, Sequence[str]], *, seed: int
) -> dict[str, Calibration]:
    """How far the quantiles of totals over queues should have lain from their medians.

    rolled  by queue; totals: by any key, the queues of a total

    Looks at the days that all queues of a total have; a total with less than eight of them, or
    without a queue, is left out, and its paths' quantiles stay as they are.
    """
    # Totals over the same days are read off the same paths: drawing is what costs.
    alike: dict[tuple[Any, ...], list[str]] = {}
    for key, queues in totals.items():
        days = _common_days([rolled[queue] for queue in queues])
        if len(days) >= ENOUGH_DAYS:
            alike.setdefault(tuple(days.tolist()), []).append(key)
    found: dict[str, Calibration] = {}
    for shared, keys in alike.items():
        chosen = {key: tuple(totals[key]) for key in keys}
        found.update(_calibrated(rolled, np.array(shared, "datetime64[D]"), chosen, seed=seed))
    return {key: found[key] for key in totals if key in found and found[key].factors}


def _calibrated(
    rolled: Mapping[str, Rolled], days: Days, totals: Mapping[str, tuple[str, ...]], *, seed: int
) -> dict[str, Calibration]:
    """The calibrations of totals whose queues all have the days."""
    named = sorted({queue for queues in totals.values() for queue in queues})
    held = {queue: _on(rolled[queue], days) for queue in named}
    slots = held[named[0]].mean.shape[1]
    ages = np.repeat((days[-1] - days).astype("int64").astype(float), slots)
    sizes: dict[Step, int] = {"15min": 1, "hour": max(1, slots // HOURS), "day": slots}
    first = {step: np.arange(0, len(ages), size) for step, size in sizes.items()}
    members = {key: tuple(named.index(q) for q in queues) for key, queues in totals.items()}
    found = {}
    drawing = _drawing(list(held.values()))
    count = min(LEARNING_PATHS, _affordable(drawing))
    for key, paths in _paths(drawing, members, count=count, seed=seed).items():
        mean = np.sum([held[queue].mean for queue in totals[key]], axis=0).ravel()
        actual = np.sum([held[queue].actual for queue in totals[key]], axis=0).ravel()
        factors: dict[Step, tuple[float, ...]] = {}
        for step in sizes:
            came = np.add.reduceat(actual, first[step])
            known = np.isfinite(came)
            if len(np.unique(first[step][known] // slots)) < ENOUGH_DAYS:
                continue
            told = _quantiles(paths, first[step], np.add.reduceat(mean, first[step]))
            weights = 0.5 ** (ages[first[step]][known] / MEMORY_DAYS)
            factors[step] = _factors(told[known], came[known], weights)
        found[key] = Calibration(factors)
    return found


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


def _affordable(drawing: Drawing) -> int:
    return int(np.clip(NUMBERS // (len(drawing.day) * len(drawing.parts)), *PATHS))


def _paths(
    drawing: Drawing, members: Mapping[str, Sequence[int]], *, count: int, seed: int
) -> dict[str, Floats]:
    """Totals on sampled paths, (paths, intervals), of the queues at the indices of each member."""
    totals = {key: np.zeros((count, len(drawing.day))) for key in members}
    for i, contacts in enumerate(draw(drawing, count=count, seed=seed)):
        for key, indices in members.items():
            if i in indices:
                totals[key] += contacts
    return totals


def _quantiles(paths: Floats, first: Ints, mean: Floats) -> Floats:
    """Quantiles (totals, quantiles) over the paths (paths, intervals).

    first  index of each total's first interval; mean: what each total is expected to be
    """
    total = np.add.reduceat(paths, first, axis=1)
    drawn = total.mean(axis=0)
    # A few hundred paths miss the mean a little; the forecast does not.
    total *= np.divide(mean, drawn, out=np.ones_like(drawn), where=drawn > 0)
    quantiles: Floats = np.quantile(total, QUANTILES, axis=0).T
    return quantiles


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
