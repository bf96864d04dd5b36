"""The forecast of a brand: every queue, every interval, with quantiles, reasons and accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from forecasting.about import about
from forecasting.accuracy import Accuracy
from forecasting.analogues import lessons_of
from forecasting.champion import (
    DEFAULT,
    NAIVE,
    Trial,
    accuracy_of,
    band_centre,
    choose,
    try_model,
)
from forecasting.curves import FELT, campaign_shape
from forecasting.engine import Free, PanelForecast, forecast_panel, stacked
from forecasting.grid import Bools, Days, Floats, Ints, as_date, day_range, local_slots, unfold
from forecasting.handling import AhtAccuracy, aht_accuracy, forecast_aht
from forecasting.histories import history_of, rows_of
from forecasting.holidays import holiday_effect
from forecasting.intervals import Bands, lead_group, learn_bands, poisson_bands, widened
from forecasting.marks import proposals
from forecasting.models import forecasters
from forecasting.pooling import Analogue
from forecasting.protocol import History
from forecasting.scenarios import (
    Noise,
    carried_busyness,
    day_ratios,
    day_spread,
    lingering_scatter,
    shared_busyness,
)
from forecasting.uplift import campaign_effect
from wfm.brands import Brand, Queue
from wfm.campaigns import Campaign
from wfm.errors import RequestError
from wfm.frames import FORECAST, PARTS, QUANTILE_COLUMNS, VOLUMES, interval_index
from wfm.marks import Mark
from wfm.progress import Progress, part, silent
from wfm.timegrid import floor_interval

MAX_WEEKS = 8
# A forecast may begin this long after the last volume, not later.
MAX_GAP_DAYS = 56
# Days back, and days ahead of each, whose totals teach how days scatter.
NOISE_DAYS = 42
NOISE_AHEAD = 28


@dataclass(frozen=True, eq=False)
class ForecastResult:
    """A forecast and all that is to be told with it.

    table      FORECAST, every interval of every queue of the brand
    parts      PARTS: why each mean is what it is
    accuracy   every model tried on every queue, in its back-test beside the weekly naive
    champions  by queue, the model that made its forecast
    noise      what scenario paths need beside the table
    notes      what was applied and what to know, in words, each beginning with its queue
    marks      outages and outliers found in the past that no given mark covers, as proposals
    aht        the back-test of each queue's handling time, where it is known
    """

    table: pd.DataFrame
    parts: pd.DataFrame
    accuracy: tuple[Accuracy, ...]
    champions: Mapping[str, str]
    noise: Noise
    notes: tuple[str, ...]
    marks: tuple[Mark, ...] = ()
    aht: tuple[AhtAccuracy, ...] = ()


@dataclass(frozen=True, eq=False)
class _Task:
    """What is asked for all queues alike."""

    brand: Brand
    campaigns: tuple[Campaign, ...]
    starts: pd.DatetimeIndex
    models: tuple[str, ...]
    incumbents: Mapping[str, str]
    marks: tuple[Mark, ...]
    seed: int


@dataclass(frozen=True, eq=False)
class _Past:
    """One queue's past, and what is asked of it.

    rows   its VOLUMES
    lost   (days, 96) where its counts teach nothing, not even of holidays
    days   local days to be forecast; leads: how many days ahead each lies
    """

    queue: Queue
    rows: pd.DataFrame
    history: History
    lost: Bools
    days: Days

    @property
    def leads(self) -> Ints:
        found: Ints = (self.days - self.history.days[-1]).astype("int64")
        return found


@dataclass(frozen=True, eq=False)
class _Base:
    """Ordinary days as a model has them, (days, 96), holidays and campaigns not in yet.

    correction  the part of the mean that the last days made
    ratios      (origins, days) actual over expected totals of past days; targets: local days
    lingering   how far an interval's scatter is that of the interval before it
    """

    median: Floats
    mean: Floats
    correction: Floats
    bands: Bands
    ratios: Floats
    targets: Ints
    lingering: float


@dataclass(frozen=True, eq=False)
class _QueueForecast:
    table: pd.DataFrame
    parts: pd.DataFrame
    accuracy: tuple[Accuracy, ...]
    champion: str
    base: _Base
    last_day: np.datetime64
    notes: tuple[str, ...]
    marks: tuple[Mark, ...]
    aht: AhtAccuracy | None


def make_forecast(
    volumes: pd.DataFrame,
    brand: Brand,
    campaigns: Sequence[Campaign],
    *,
    start: datetime,
    end: datetime,
    seed: int,
    models: Sequence[str] | None = None,
    incumbents: Mapping[str, str] | None = None,
    marks: Sequence[Mark] = (),
    progress: Progress = silent,
) -> ForecastResult:
    """Forecast all queues of the brand over [start, end), closed hours included.

    volumes     VOLUMES; what starts at or after `start` is not looked at
    campaigns   past ones are kept out of the baseline and learned from, coming ones are applied
    models      names of the forecasters that may compete; those of `COMPETING` without
    incumbents  by queue, the model of the last forecast: it stays unless clearly beaten
    marks       what people decided about outages and outliers of the past

    The same inputs and seed give the same table. Raises RequestError for a span off the grid, empty
    or longer than eight weeks, or an unknown model; DataError for a queue with less than two weeks
    of volumes; FrameError for a broken table.
    """
    _check_span(start, end)
    volumes = VOLUMES.check(volumes)
    chosen = forecasters(models, seed=seed)
    task = _Task(
        brand,
        tuple(campaigns),
        interval_index(start, end),
        tuple(m.name for m in chosen),
        dict(incumbents or {}),
        tuple(marks),
        seed,
    )
    # Every queue is looked at first: a gap in the data is told before the long work.
    pasts = [_past_of(volumes, task, queue) for queue in brand.queues]
    progress(0.0, f"forecast of {len(pasts)} queues")
    counts, known, trusted = stacked([past.history for past in pasts])
    panel = forecast_panel(counts, known, max(int(p.leads[-1]) for p in pasts), trusted)
    elsewhere = _analogues(pasts, task)
    found: dict[str, _QueueForecast] = {}
    for i, past in enumerate(pasts):
        share = part(progress, 0.05 + 0.95 * i / len(pasts), 0.05 + 0.95 * (i + 1) / len(pasts))
        share(0.0, f"forecast of {past.queue.name}")
        found[past.queue.name] = _forecast_queue(
            past, task, panel=panel, index=i, elsewhere=elsewhere, progress=share
        )
    progress(1.0, "forecast done")
    each = list(found.values())
    return ForecastResult(
        table=FORECAST.check(pd.concat([one.table for one in each], ignore_index=True)),
        parts=PARTS.check(pd.concat([one.parts for one in each], ignore_index=True)),
        accuracy=tuple(line for one in each for line in one.accuracy),
        champions={name: one.champion for name, one in found.items()},
        noise=_noise(brand, found),
        notes=tuple(note for one in each for note in one.notes),
        marks=tuple(mark for one in each for mark in one.marks),
        aht=tuple(one.aht for one in each if one.aht is not None),
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


def _past_of(volumes: pd.DataFrame, task: _Task, queue: Queue) -> _Past:
    rows = rows_of(volumes, queue.name, task.starts[0].to_pydatetime())
    history, lost = history_of(rows, task.brand, task.campaigns, queue.name, task.marks)
    local, _ = local_slots(task.starts, task.brand.tz)
    days = day_range(local.min(), local.max())
    gap = int((days[0] - history.days[-1]).astype("int64"))
    if gap > MAX_GAP_DAYS:
        raise RequestError(
            f"queue {history.queue!r}: its volumes end on {history.days[-1]}, {gap} days before "
            f"the forecast begins; import newer ones or begin within {MAX_GAP_DAYS} days",
            queue=history.queue,
        )
    return _Past(queue, rows, history, lost, days)


def _analogues(pasts: Sequence[_Past], task: _Task) -> tuple[Analogue, ...]:
    """What past campaigns did, on all queues; asked only when one is felt in the span."""
    shapes = (campaign_shape(campaign, task.starts) for campaign in task.campaigns)
    if not any(shape.max(initial=0.0) >= FELT for shape in shapes):
        return ()
    return tuple(
        one
        for past in pasts
        for one in lessons_of(
            past.history, task.campaigns, task.brand.tz, past.queue.channel
        ).analogues
    )


# -- one queue -----------------------------------------------------------------------------------


def _forecast_queue(
    past: _Past,
    task: _Task,
    *,
    panel: PanelForecast,
    index: int,
    elsewhere: Sequence[Analogue],
    progress: Progress,
) -> _QueueForecast:
    history, queue, zone = past.history, past.queue, task.brand.tz
    trials, notes = _trials(history, task, part(progress, 0.0, 0.8))
    name = choose(trials, task.incumbents.get(queue.name))
    progress(0.85, f"forecast of {queue.name} by {name}")
    base = (
        _from_panel(panel, index, past)
        if name == DEFAULT
        else _from_trial(next(trial for trial in trials if trial.model == name), past, task.seed)
    )
    progress(0.95, f"holidays and campaigns of {queue.name}")
    holidays = holiday_effect(history, past.days, task.brand.countries_of(queue), past.lost)
    pushed = campaign_effect(
        history, task.campaigns, task.starts, zone, channel=queue.channel, elsewhere=elsewhere
    )

    def flat(values: Floats) -> Floats:
        return unfold(past.days, values, task.starts, zone)

    mean = base.mean * holidays.factor
    quantiles = widened(
        base.bands.around(base.median * holidays.factor, past.leads),
        mean,
        np.broadcast_to(holidays.sd, mean.shape),
    )
    flat_mean = flat(mean) * pushed.factor
    flat_quantiles = widened(flat(quantiles) * pushed.factor[:, None], flat_mean, pushed.sd)
    keys = pd.DataFrame({"start": task.starts, "queue": queue.name}).astype({"queue": "str"})
    naive = next(trial for trial in trials if trial.model == NAIVE)
    return _QueueForecast(
        table=keys.assign(
            mean=flat_mean,
            **{name: flat_quantiles[:, i] for i, name in enumerate(QUANTILE_COLUMNS)},
            aht_s=forecast_aht(past.rows, task.starts, zone, default_s=queue.default_aht_s),
            model=name,
        ).astype({"model": "str"}),
        parts=keys.assign(
            baseline=flat(base.mean - base.correction),
            holiday=flat(mean - base.mean),
            campaign=flat(mean) * (pushed.factor - 1.0),
            correction=flat(base.correction),
        ),
        accuracy=tuple(
            line
            for trial in trials
            for line in accuracy_of(trial, naive, history, champion=trial.model == name)
        ),
        champion=name,
        base=base,
        last_day=history.days[-1],
        notes=(*about(history), *notes, *holidays.notes, *pushed.notes),
        marks=tuple(m for m in proposals(history, zone) if not _covered(m, task.marks)),
        aht=aht_accuracy(past.rows, zone, queue=queue.name, default_s=queue.default_aht_s),
    )


def _covered(found: Mark, marks: Sequence[Mark]) -> bool:
    return any(
        m.queue == found.queue and m.start < found.end and found.start < m.end for m in marks
    )


def _trials(history: History, task: _Task, progress: Progress) -> tuple[list[Trial], list[str]]:
    """Back-tests of all who may compete; the weekly naive is always among them."""
    running = forecasters([NAIVE, *task.models], seed=task.seed)
    trials, notes = [], []
    for i, model in enumerate(running):
        share = part(progress, i / len(running), (i + 1) / len(running))
        trial = try_model(model, history, origins=None, progress=share)
        if trial is None:
            notes.append(f"{history.queue}: {model.name} left out: {model.refusal(history)}")
        else:
            trials.append(trial)
    return trials, notes


def _from_panel(panel: PanelForecast, index: int, past: _Past) -> _Base:
    """The engine's forecast of one of the series it was given."""
    at = past.leads - 1
    ratios, ends = _free_ratios(panel.free, index)
    return _Base(
        median=panel.median[index, at],
        mean=panel.mean[index, at],
        correction=panel.correction[index, at],
        bands=panel.bands.of(index),
        ratios=ratios,
        targets=past.history.days[-1].astype("int64") - ends,
        lingering=_free_lingering(panel.free, index),
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


def _free_lingering(free: Free, index: int) -> float:
    """How far the scatter of one interval is that of the one before it, a day ahead."""
    told = (free.medians[0] * free.ratio)[index]
    return lingering_scatter(told[-NOISE_DAYS:], free.actual[index][-NOISE_DAYS:])


def _from_trial(trial: Trial, past: _Past, seed: int) -> _Base:
    """Another model's forecast, its bands and its days' scatter learned from its back-test."""
    predicted = forecasters([trial.model], seed=seed)[0].predict(past.history, past.days)
    came = np.asarray((past.history.counts > 0).any(axis=0))
    ages = np.maximum(len(past.history) - 1 - trial.ahead, 0).astype(float)
    bands = learn_bands(trial.centre("15min"), trial.actual, ages)
    return _Base(
        median=band_centre(predicted, came),
        mean=predicted.mean,
        correction=np.zeros_like(predicted.mean),
        bands=poisson_bands() if bands is None else bands,
        ratios=day_ratios(trial.prediction.mean, trial.actual),
        targets=past.history.days[0].astype("int64") + trial.ahead,
        lingering=lingering_scatter(trial.prediction.mean[:, 0], trial.actual[:, 0]),
    )


def _noise(brand: Brand, found: Mapping[str, _QueueForecast]) -> Noise:
    """How days scatter around the forecasts, alone and together."""
    first = min(int(one.base.targets.min()) for one in found.values())
    last = max(int(one.base.targets.max()) for one in found.values())
    by_day = []
    for one in found.values():
        ratios, targets = one.base.ratios.ravel(), one.base.targets.ravel() - first
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
        day_sd={name: day_spread(one.base.ratios) for name, one in found.items()},
        last_day={name: as_date(one.last_day) for name, one in found.items()},
        carried=carried_busyness([one.base.ratios for one in found.values()]),
        lingering={name: one.base.lingering for name, one in found.items()},
    )
