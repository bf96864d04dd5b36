"""The forecast of a brand: every queue, every interval, with quantiles, reasons and accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from forecasting.about import about
from forecasting.bases import Base, base_from_panel, base_from_trial, noise_of
from forecasting.engine.blend import PanelForecast, forecast_panel, stacked
from forecasting.engine.intervals import widened
from forecasting.events.analogues import Lessons, lessons_of
from forecasting.events.holidays import holiday_effect
from forecasting.events.marks import proposals
from forecasting.events.pooling import Analogue
from forecasting.events.uplift import campaign_effect, felt_campaigns
from forecasting.grid import Bools, Days, Floats, Ints, day_range, local_slots, unfold
from forecasting.handling import AhtAccuracy, aht_accuracy, forecast_aht
from forecasting.histories import history_of, rows_of
from forecasting.models import forecasters
from forecasting.protocol import History
from forecasting.scenarios.paths import Noise
from forecasting.scenarios.sums import Calibration, learn_calibrations
from forecasting.scoring.accuracy import Accuracy
from forecasting.scoring.champion import DEFAULT, NAIVE, Trial, accuracy_of, choose, try_model
from wfm.brands import Brand, Queue
from wfm.campaigns import Campaign
from wfm.errors import RequestError
from wfm.frames import FORECAST, PARTS, QUANTILE_COLUMNS, VOLUMES, interval_index
from wfm.marks import Mark
from wfm.progress import Progress, part, silent
from wfm.timegrid import floor_interval

MAX_WEEKS = 8
# The brand's total among the calibrations.
WHOLE = ""
# A forecast may begin this long after the last volume, not later.
MAX_GAP_DAYS = 56


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
    calibrations  for `sum_forecast`: under "" that of the brand's total, under a channel's name
               that of its queues where it has two or more; without an entry none could be learned
    """

    table: pd.DataFrame
    parts: pd.DataFrame
    accuracy: tuple[Accuracy, ...]
    champions: Mapping[str, str]
    noise: Noise
    notes: tuple[str, ...]
    marks: tuple[Mark, ...] = ()
    aht: tuple[AhtAccuracy, ...] = ()
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)


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
class _QueueForecast:
    table: pd.DataFrame
    parts: pd.DataFrame
    accuracy: tuple[Accuracy, ...]
    champion: str
    base: Base
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
    lessons = _lessons(pasts, task)
    analogues = [one for of_queue in lessons.values() for one in of_queue.analogues]
    found: dict[str, _QueueForecast] = {}
    for i, past in enumerate(pasts):
        share = part(progress, 0.05 + 0.92 * i / len(pasts), 0.05 + 0.92 * (i + 1) / len(pasts))
        share(0.0, f"forecast of {past.queue.name}")
        found[past.queue.name] = _forecast_queue(
            past,
            task,
            panel=panel,
            index=i,
            lessons=lessons.get(past.queue.name, Lessons()),
            analogues=analogues,
            progress=share,
        )
    each = list(found.values())
    bases = {name: one.base for name, one in found.items()}
    progress(0.97, "how the queues' totals scatter")
    calibrations = learn_calibrations(
        {name: base.rolled for name, base in bases.items()}, _totals(brand), seed=seed
    )
    progress(1.0, "forecast done")
    return ForecastResult(
        table=FORECAST.check(pd.concat([one.table for one in each], ignore_index=True)),
        parts=PARTS.check(pd.concat([one.parts for one in each], ignore_index=True)),
        accuracy=tuple(line for one in each for line in one.accuracy),
        champions={name: one.champion for name, one in found.items()},
        noise=noise_of(bases, {p.queue.name: p.history.days[-1] for p in pasts}, brand.zone),
        notes=tuple(note for one in each for note in one.notes),
        marks=tuple(mark for one in each for mark in one.marks),
        aht=tuple(one.aht for one in each if one.aht is not None),
        calibrations=calibrations,
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


def _lessons(pasts: Sequence[_Past], task: _Task) -> dict[str, Lessons]:
    """What past campaigns did, by queue; asked only when one is felt in the span."""
    if not felt_campaigns(task.campaigns, task.starts):
        return {}
    return {
        past.queue.name: lessons_of(past.history, task.campaigns, task.brand.tz, past.queue.channel)
        for past in pasts
    }


def _totals(brand: Brand) -> dict[str, tuple[str, ...]]:
    """The totals that are asked for: the brand's, and those of channels with several queues."""
    channels: dict[str, list[str]] = {}
    for queue in brand.queues:
        channels.setdefault(queue.channel, []).append(queue.name)
    several = {name: tuple(of) for name, of in channels.items() if len(of) > 1}
    return {WHOLE: tuple(queue.name for queue in brand.queues), **several}


# -- one queue -----------------------------------------------------------------------------------


def _forecast_queue(
    past: _Past,
    task: _Task,
    *,
    panel: PanelForecast,
    index: int,
    lessons: Lessons,
    analogues: Sequence[Analogue],
    progress: Progress,
) -> _QueueForecast:
    history, queue, zone = past.history, past.queue, task.brand.tz
    trials, notes = _trials(history, task, part(progress, 0.0, 0.8))
    name = choose(trials, task.incumbents.get(queue.name))
    progress(0.85, f"forecast of {queue.name} by {name}")
    base = (
        base_from_panel(panel, index, history, past.days)
        if name == DEFAULT
        else base_from_trial(
            next(trial for trial in trials if trial.model == name),
            history,
            past.days,
            seed=task.seed,
        )
    )
    progress(0.95, f"holidays and campaigns of {queue.name}")
    holidays = holiday_effect(history, past.days, task.brand.countries_of(queue), past.lost)
    pushed = campaign_effect(
        queue.name,
        task.campaigns,
        task.starts,
        lessons,
        channel=queue.channel,
        elsewhere=analogues,
    )

    def flat(values: Floats) -> Floats:
        return unfold(past.days, values, task.starts, zone)

    mean = base.mean * holidays.factor
    quantiles = widened(
        base.bands.around(base.median * holidays.factor, past.leads),
        mean,
        np.broadcast_to(holidays.sd, mean.shape),
    )
    flat_mean = flat(mean) * pushed.mean
    flat_quantiles = widened(
        flat(quantiles) * pushed.factor[:, None], flat(mean) * pushed.factor, pushed.sd
    )
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
            campaign=flat(mean) * (pushed.mean - 1.0),
            correction=flat(base.correction),
        ),
        accuracy=tuple(
            line
            for trial in trials
            for line in accuracy_of(trial, naive, history, champion=trial.model == name)
        ),
        champion=name,
        base=base,
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
