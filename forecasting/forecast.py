"""The forecast of a brand: every queue, every interval, with quantiles, accuracy and notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from forecasting.accuracy import Accuracy
from forecasting.champion import DEFAULT, NAIVE, Trial, accuracy_of, choose, try_model
from forecasting.events import HolidayEffect, campaign_effect, holiday_effect
from forecasting.grid import SLOTS, Days, Floats, Ints, as_date, day_range, local_slots, unfold
from forecasting.handling import forecast_aht
from forecasting.histories import history_of, rows_of
from forecasting.intervals import Bands, learn_bands, widened
from forecasting.models import forecasters
from forecasting.protocol import Forecaster, History, Prediction, truth_of
from forecasting.scenarios import Noise, day_ratios, day_spread, shared_busyness
from wfm.brands import Brand
from wfm.calendars import WEEKDAYS
from wfm.campaigns import Campaign
from wfm.errors import InternalFault, RequestError
from wfm.frames import FORECAST, QUANTILE_COLUMNS, VOLUMES, interval_index
from wfm.progress import Progress, part, silent
from wfm.timegrid import floor_interval

MAX_WEEKS = 8
# A forecast may begin this long after the last volume, not later.
MAX_GAP_DAYS = 56
# Daily origins of a cheap model that teach its bands, and how far they look where history allows.
BAND_ORIGINS = 42
BAND_DAYS = 28
SHORT_BAND_DAYS = 14
LONG_HISTORY_DAYS = 70
FIRST_ORIGIN = 7
# Below this a forecast is told to rest on little.
LITTLE_DAYS = 42
# Spikes are told from this share of all contacts on.
TOLD_SHARE = 0.001


@dataclass(frozen=True, eq=False)
class ForecastResult:
    """A forecast and all that is to be told with it.

    table      FORECAST, every interval of every queue of the brand
    accuracy   every model tried on every queue, in its back-test beside the weekly naive
    champions  by queue, the model that made its forecast
    noise      what scenario paths need beside the table
    notes      what was applied and what to know, in words, each beginning with its queue
    """

    table: pd.DataFrame
    accuracy: tuple[Accuracy, ...]
    champions: Mapping[str, str]
    noise: Noise
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Task:
    """What is asked for all queues alike."""

    brand: Brand
    campaigns: tuple[Campaign, ...]
    starts: pd.DatetimeIndex
    models: tuple[str, ...]
    fixed: Mapping[str, str]
    seed: int


@dataclass(frozen=True, eq=False)
class _Learned:
    """What the rolling origins of the champion teach: bands, and how its days came out.

    ratios  (origins, days) actual over expected totals; targets (origins, days) local days
    """

    bands: Bands | None
    ratios: Floats
    targets: Ints


@dataclass(frozen=True, eq=False)
class _QueueForecast:
    table: pd.DataFrame
    accuracy: tuple[Accuracy, ...]
    champion: str
    learned: _Learned
    last_day: np.datetime64
    notes: tuple[str, ...]


def make_forecast(
    volumes: pd.DataFrame,
    brand: Brand,
    campaigns: Sequence[Campaign],
    *,
    start: datetime,
    end: datetime,
    seed: int,
    models: Sequence[str] | None = None,
    champions: Mapping[str, str] | None = None,
    progress: Progress = silent,
) -> ForecastResult:
    """Forecast all queues of the brand over [start, end), closed hours included.

    volumes    VOLUMES; what starts at or after `start` is not looked at
    campaigns  past ones are kept out of the baseline and learned from, coming ones are applied
    models     names of the forecasters that may compete; all of `MODELS` without
    champions  by queue, a model that is not to be chosen anew

    The same inputs and seed give the same table. Raises RequestError for a span off the grid, empty
    or longer than eight weeks, or an unknown model; DataError for a queue with less than two weeks
    of volumes; FrameError for a broken table.
    """
    _check_span(start, end)
    volumes = VOLUMES.check(volumes)
    chosen = forecasters(models, seed=seed)
    fixed = dict(champions or {})
    forecasters([*fixed.values(), DEFAULT], seed=seed)
    # Every queue is looked at first: a gap in the data is told before the long work.
    rows = {queue.name: rows_of(volumes, queue.name, start) for queue in brand.queues}
    task = _Task(
        brand,
        tuple(campaigns),
        interval_index(start, end),
        tuple(m.name for m in chosen),
        fixed,
        seed,
    )
    found: dict[str, _QueueForecast] = {}
    for i, queue in enumerate(brand.queues):
        share = part(progress, i / len(brand.queues), (i + 1) / len(brand.queues))
        share(0.0, f"forecast of {queue.name}")
        found[queue.name] = _forecast_queue(rows[queue.name], task, queue.name, share)
    table = pd.concat([one.table for one in found.values()], ignore_index=True)
    progress(1.0, "forecast done")
    return ForecastResult(
        table=FORECAST.check(table),
        accuracy=tuple(line for one in found.values() for line in one.accuracy),
        champions={name: one.champion for name, one in found.items()},
        noise=_noise(brand, found),
        notes=tuple(note for one in found.values() for note in one.notes),
    )


def _check_span(start: datetime, end: datetime) -> None:
    for name, instant in (("start", start), ("end", end)):
        if instant.tzinfo is None or floor_interval(instant) != instant:
            raise RequestError(
                f"the forecast's {name} {instant} is no UTC instant on the 15-minute grid"
            )
    if start >= end:
        raise RequestError(f"the forecast ends at {end}, not after its start {start}")
    if end - start > timedelta(weeks=MAX_WEEKS, hours=1):
        raise RequestError(
            f"a forecast spans up to {MAX_WEEKS} weeks; {start} to {end} is "
            f"{(end - start).days} days: ask for an earlier end"
        )


def _forecast_queue(
    rows: pd.DataFrame, task: _Task, queue: str, progress: Progress
) -> _QueueForecast:
    zone, fixed = task.brand.tz, task.fixed.get(queue)
    history, felt = history_of(rows, task.brand, task.campaigns, queue)
    local, _ = local_slots(task.starts, zone)
    days = day_range(local.min(), local.max())
    _check_gap(history, days)
    trials, notes = _trials(history, task, fixed, part(progress, 0.0, 0.8))
    name = choose(trials) if fixed is None else fixed
    champion = forecasters([name], seed=task.seed)[0]
    if all(trial.model != name for trial in trials):
        notes.append(f"{queue}: {DEFAULT} takes the place of {name}")
        name, champion = DEFAULT, forecasters([DEFAULT], seed=task.seed)[0]
    progress(0.85, f"forecast of {queue} by {name}")
    base = champion.predict(history, days)
    learned = _learn(champion, history, trials)
    progress(0.95, f"holidays and campaigns of {queue}")
    countries = task.brand.countries_of(task.brand.queue(queue))
    holidays = holiday_effect(history, days, countries, felt)
    pushed = campaign_effect(history, task.campaigns, task.starts, zone)
    leads = (days - history.days[-1]).astype("int64")
    mean, quantiles = _composed(base, learned.bands, leads, holidays)
    flat_mean = unfold(days, mean, task.starts, zone) * pushed.factor
    flat = unfold(days, quantiles, task.starts, zone) * pushed.factor[:, None]
    aht_s = forecast_aht(rows, task.starts, zone, default_s=task.brand.queue(queue).default_aht_s)
    naive = next(trial for trial in trials if trial.model == NAIVE)
    return _QueueForecast(
        table=_table(
            task.starts,
            flat_mean,
            widened(flat, flat_mean, pushed.sd),
            aht_s,
            queue=queue,
            model=name,
        ),
        accuracy=tuple(
            accuracy_of(trial, naive, history, champion=trial.model == name) for trial in trials
        ),
        champion=name,
        learned=learned,
        last_day=history.days[-1],
        notes=(*_about(history), *notes, *holidays.notes, *pushed.notes),
    )


def _check_gap(history: History, days: Days) -> None:
    gap = int((days[0] - history.days[-1]).astype("int64"))
    if gap > MAX_GAP_DAYS:
        raise RequestError(
            f"queue {history.queue!r}: its volumes end on {history.days[-1]}, {gap} days before "
            f"the forecast begins; import newer ones or begin within {MAX_GAP_DAYS} days",
            queue=history.queue,
        )


def _composed(
    base: Prediction, bands: Bands | None, leads: Ints, holidays: HolidayEffect
) -> tuple[Floats, Floats]:
    """Mean (days, 96) and quantiles (days, 96, quantiles) with holidays in, campaigns not yet."""
    mean = base.mean * holidays.factor
    quantiles = _bands_around(bands, base.median * holidays.factor, leads)
    return mean, widened(quantiles, mean, np.broadcast_to(holidays.sd, mean.shape))


def _table(
    starts: pd.DatetimeIndex,
    mean: Floats,
    quantiles: Floats,
    aht_s: Floats,
    *,
    queue: str,
    model: str,
) -> pd.DataFrame:
    """One queue's rows of FORECAST."""
    columns = {name: quantiles[:, i] for i, name in enumerate(QUANTILE_COLUMNS)}
    table = pd.DataFrame({"start": starts, "mean": mean, **columns, "aht_s": aht_s})
    return table.assign(queue=queue, model=model).astype({"queue": "str", "model": "str"})


def _trials(
    history: History, task: _Task, fixed: str | None, progress: Progress
) -> tuple[list[Trial], list[str]]:
    """Back-tests of all who may compete; the weekly naive is always among them."""
    names = task.models if fixed is None else (DEFAULT, fixed)
    running = forecasters([NAIVE, *names], seed=task.seed)
    trials, notes = [], []
    for i, model in enumerate(running):
        share = part(progress, i / len(running), (i + 1) / len(running))
        trial = try_model(model, history, origins=None, progress=share)
        if trial is None:
            notes.append(f"{history.queue}: {model.name} left out: {model.refusal(history)}")
        else:
            trials.append(trial)
    return trials, notes


def _learn(champion: Forecaster, history: History, trials: Sequence[Trial]) -> _Learned:
    """Bands and day spread of the champion, from its back-test or from free daily origins."""
    if champion.cost == "cheap":
        horizon = BAND_DAYS if len(history) >= LONG_HISTORY_DAYS else SHORT_BAND_DAYS
        origins = np.arange(max(FIRST_ORIGIN, len(history) - BAND_ORIGINS), len(history))
        predicted = champion.roll(history, origins, horizon)
        actual = truth_of(history, origins, horizon)
    else:
        trial = next((t for t in trials if t.model == champion.name), None)
        if trial is None:
            raise InternalFault(f"{champion.name} was chosen for {history.queue} without a trial")
        origins, predicted, actual = trial.origins, trial.prediction, trial.actual
    ahead = origins[:, None] + np.arange(actual.shape[1])
    ages = np.maximum(len(history) - 1 - ahead, 0).astype(float)
    return _Learned(
        bands=learn_bands(predicted.median, actual, ages),
        ratios=day_ratios(predicted.mean, actual),
        targets=history.days[0].astype("int64") + ahead,
    )


def _bands_around(bands: Bands | None, median: Floats, leads: Ints) -> Floats:
    if bands is None:
        # Not one ordinary interval to learn from in the last weeks: as spread as a Poisson count.
        return widened(
            np.repeat(median[..., None], len(QUANTILE_COLUMNS), axis=-1),
            np.sqrt(median + 0.2),
            np.ones_like(median),
        )
    return bands.around(median, leads)


def _about(history: History) -> list[str]:
    """What to know about the history the forecast rests on."""
    notes = []
    seen = int(np.isfinite(history.counts).any(axis=1).sum())
    if seen < LITTLE_DAYS:
        notes.append(
            f"{history.queue}: rests on {seen} days only; with six weeks or more the bands are "
            "firmer and the weekdays better told apart"
        )
    cleaned = history.cleaned
    spikes = int((cleaned.excess > 0).sum())
    share = float(cleaned.excess.sum() / max(1.0, float(np.nansum(history.counts))))
    if share >= TOLD_SHARE:
        notes.append(f"{history.queue}: spikes capped in {spikes} intervals ({share:.1%} of all)")
    if cleaned.outage.any():
        days = history.days[cleaned.outage.any(axis=1)]
        shown = ", ".join(str(day) for day in days[:3])
        notes.append(f"{history.queue}: taken for an outage and left out: zeros on {shown}")
    return [*notes, *_never_seen(history)]


def _never_seen(history: History) -> list[str]:
    """Weekdays and times of day of which the volumes say nothing: missing is not zero."""
    seen = np.isfinite(history.counts)
    notes = []
    days = [name for k, name in enumerate(WEEKDAYS) if not seen[history.weekday == k].any()]
    if days:
        notes.append(
            f"{history.queue}: no volumes at all on {', '.join(days)}, forecast like the other "
            "days; if nobody writes then, import zeros"
        )
    slots = int((~seen.any(axis=0)).sum())
    if slots:
        notes.append(
            f"{history.queue}: no volumes at all at {slots} of {SLOTS} quarter-hours of the day, "
            "forecast as none; if people write then, import their counts"
        )
    return notes


def _noise(brand: Brand, found: Mapping[str, _QueueForecast]) -> Noise:
    """How days scatter around the forecasts, alone and together."""
    first = min(int(one.learned.targets.min()) for one in found.values())
    last = max(int(one.learned.targets.max()) for one in found.values())
    by_day = []
    for one in found.values():
        ratios, targets = one.learned.ratios.ravel(), one.learned.targets.ravel() - first
        known = np.isfinite(ratios)
        size = last - first + 1
        seen = np.bincount(targets[known], minlength=size)
        total = np.bincount(targets[known], weights=ratios[known], minlength=size)
        average = np.full(size, np.nan)
        np.divide(total, seen, out=average, where=seen > 0)
        by_day.append(average)
    return Noise(
        zone=brand.zone,
        shared=shared_busyness(by_day),
        day_sd={name: day_spread(one.learned.ratios) for name, one in found.items()},
        last_day={name: as_date(one.last_day) for name, one in found.items()},
    )
