"""Ordinary days as the chosen model has them, and how its misses scatter.

The engine's past comes free with its forecast; another model's from its back-test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from forecasting.engine.blend import Free, PanelForecast
from forecasting.engine.intervals import Bands, lead_group, learn_bands, poisson_bands
from forecasting.grid import Days, Floats, Ints, as_date
from forecasting.models import forecasters
from forecasting.protocol import History
from forecasting.scenarios.paths import (
    Noise,
    carried_busyness,
    day_ratios,
    day_spread,
    lingering_scatter,
    shared_busyness,
)
from forecasting.scenarios.sums import Rolled
from forecasting.scoring.champion import Trial, band_centre

# Days back, and days ahead of each, whose totals teach how days scatter.
NOISE_DAYS = 42
NOISE_AHEAD = 28
# Days back that teach how totals over queues scatter: four of each weekday.
ROLLED_DAYS = 28


@dataclass(frozen=True, eq=False)
class Base:
    """Ordinary days ahead, (days, slots), holidays and campaigns not in yet.

    correction  the part of the mean that the last days made
    ratios      (origins, days) actual over expected totals of past days; targets: their local days
    lingering   how far an interval's scatter is that of the interval before it
    rolled      the last days as they would have been told the evening before
    """

    median: Floats
    mean: Floats
    correction: Floats
    bands: Bands
    ratios: Floats
    targets: Ints
    lingering: float
    rolled: Rolled


def base_from_panel(panel: PanelForecast, index: int, history: History, days: Days) -> Base:
    """The engine's forecast of one of the series it was given."""
    leads = (days - history.days[-1]).astype("int64")
    ratios, ago = _free_ratios(panel.free, index)
    bands = panel.bands.of(index)
    told = (panel.free.tomorrow * panel.free.ratio)[index]
    actual = panel.free.actual[index]
    return Base(
        median=panel.median[index, leads - 1],
        mean=panel.mean[index, leads - 1],
        correction=panel.correction[index, leads - 1],
        bands=bands,
        ratios=ratios,
        targets=history.days[-1].astype("int64") - ago,
        lingering=lingering_scatter(told[-NOISE_DAYS:], actual[-NOISE_DAYS:]),
        rolled=_free_rolled(panel.free, index, bands, history.days),
    )


def _free_ratios(free: Free, index: int) -> tuple[Floats, Ints]:
    """Actual over expected totals (origins, days ahead), and how long ago each day was.

    A day so many days ahead is taken as forecast from its group of leads.
    """
    of_group = np.array(
        [
            day_ratios((median * free.ratio)[[index]], free.actual[[index]])[0]
            for median in free.medians
        ]
    )
    days = of_group.shape[1]
    origins = np.arange(max(0, days - NOISE_DAYS), days)
    ahead = np.arange(NOISE_AHEAD)
    target = origins[:, None] + ahead
    inside = target < days
    ratios = of_group[lead_group(ahead + 1)[None, :], np.where(inside, target, 0)]
    return np.where(inside, ratios, np.nan), np.where(inside, days - 1 - target, 0)


def _free_rolled(free: Free, index: int, bands: Bands, days: Days) -> Rolled:
    """Days that the engine had nothing to go by yet are left out."""
    median = free.tomorrow[index][-ROLLED_DAYS:]
    told = np.isfinite(median).all(axis=1)
    recent = days[-len(median) :]
    # The panel's series begin with the longest history of all: no days of ours stand there.
    told[: len(median) - len(recent)] = False
    median = median[told]
    return Rolled(
        recent[told[len(told) - len(recent) :]],
        median * free.ratio[index][-ROLLED_DAYS:][told],
        bands.around(median, np.ones(len(median), dtype=np.int64)),
        free.actual[index][-ROLLED_DAYS:][told],
    )


def base_from_trial(trial: Trial, history: History, days: Days, *, seed: int) -> Base:
    """Another model's forecast, its bands and its days' scatter learned from its back-test."""
    predicted = forecasters([trial.model], seed=seed)[0].predict(history, days)
    came = np.asarray((history.counts > 0).any(axis=0))
    ages = np.maximum(len(history) - 1 - trial.ahead, 0).astype(float)
    bands = learn_bands(trial.centre("15min"), trial.actual, ages) or poisson_bands()
    mean = trial.prediction.mean
    return Base(
        median=band_centre(predicted, came),
        mean=predicted.mean,
        correction=np.zeros_like(predicted.mean),
        bands=bands,
        ratios=day_ratios(mean, trial.actual),
        targets=history.days[0].astype("int64") + trial.ahead,
        lingering=lingering_scatter(mean[:, 0], trial.actual[:, 0]),
        rolled=_tried_rolled(trial, bands, history.days),
    )


def _tried_rolled(trial: Trial, bands: Bands, days: Days) -> Rolled:
    """Each day that the back-test reached, as told by the origin nearest to it."""
    row, lead = np.divmod(np.arange(trial.ahead.size), trial.ahead.shape[1])
    inside = trial.ahead[row, lead] < len(days)
    row, lead = row[inside], lead[inside]
    nearest = np.lexsort((lead, trial.ahead[row, lead]))
    at, first = np.unique(trial.ahead[row, lead][nearest], return_index=True)
    row, lead = row[nearest[first]][-ROLLED_DAYS:], lead[nearest[first]][-ROLLED_DAYS:]
    centre = trial.centre("15min")[row, lead]
    return Rolled(
        days[at[-ROLLED_DAYS:]],
        trial.prediction.mean[row, lead],
        bands.around(centre, lead + 1),
        trial.actual[row, lead],
    )


def noise_of(bases: Mapping[str, Base], last_days: Mapping[str, np.datetime64], zone: str) -> Noise:
    """How the queues' days scatter around their forecasts, alone and together."""
    first = min(int(base.targets.min()) for base in bases.values())
    last = max(int(base.targets.max()) for base in bases.values())
    by_day = []
    for base in bases.values():
        ratios, targets = base.ratios.ravel(), base.targets.ravel() - first
        known = np.isfinite(ratios)
        size = last - first + 1
        seen = np.bincount(targets[known], minlength=size)
        total = np.bincount(targets[known], weights=ratios[known], minlength=size)
        average = np.full(size, np.nan)
        np.divide(total, seen, out=average, where=seen > 0)
        by_day.append(average)
    return Noise(
        zone=zone,
        shared=shared_busyness(by_day),
        day_sd={name: day_spread(base.ratios) for name, base in bases.items()},
        last_day={name: as_date(day) for name, day in last_days.items()},
        carried=carried_busyness([base.ratios for base in bases.values()]),
        lingering={name: base.lingering for name, base in bases.items()},
    )
