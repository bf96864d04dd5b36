"""Which model makes a queue's forecast: who holds the place, unless another beats it clearly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from time import perf_counter

import numpy as np

from forecasting.engine.intervals import FEW, SILENT, Bands, learn_bands
from forecasting.grid import Bools, Floats, Ints
from forecasting.protocol import Forecaster, History, Prediction, refit_at_each, truth_of
from forecasting.scoring.accuracy import (
    STEPS,
    WEEK_DAYS,
    Accuracy,
    Score,
    Step,
    score,
    to_step,
    weekly_scale,
)
from wfm.progress import Progress, silent

DEFAULT = "blend"
NAIVE = "weekly_naive"
# Another model must be this much better than who holds the place, or the forecast would flap,
MARGIN = 0.02
# and over as many scored days at the end.
STICKY_DAYS = 14
# Errors below this share of all contacts are those of arithmetic.
ROUNDING = 1e-9
# Rolling origins, from the latest back; challengers are fitted anew at each and get fewer.
ORIGINS = {"cheap": 12, "challenger": 4}
# Days between origins: more than the week scored, so that no day is scored twice, and not a
# multiple of seven, so that origins fall on every weekday.
STEP_DAYS = 8
# How far an origin predicts: a week is scored, the second week teaches the bands.
TRIAL_DAYS = 14
LEAST_DAYS = 14
# Fewer misses say nothing about a 95 % band.
LEAST_MISSES = 20


@dataclass(frozen=True, eq=False)
class Trial:
    """A model's predictions from rolling origins, (origins, days, slots), and what they cost."""

    model: str
    origins: Ints
    prediction: Prediction
    actual: Floats
    seconds: float
    _quantiles: dict[tuple[Step, int], Floats | None] = field(
        default_factory=dict, init=False, repr=False
    )

    def at(self, origins: Ints) -> Trial:
        """The same trial, at those of its origins that are in `origins`."""
        kept = np.isin(self.origins, origins)
        if kept.all():
            return self
        own = self.prediction.quantiles
        chosen = Prediction(
            self.prediction.median[kept],
            self.prediction.mean[kept],
            None if own is None else own[kept],
        )
        return Trial(self.model, self.origins[kept], chosen, self.actual[kept], self.seconds)

    def error(self) -> float:
        """Sum of absolute errors over the scored week."""
        miss = np.abs(self.actual - self.prediction.median)[:, :WEEK_DAYS]
        return float(np.nansum(miss))

    def scored_days(self) -> Ints:
        """Days of each origin's week of which anything is known, (origins,)."""
        known: Ints = np.isfinite(self.actual[:, :WEEK_DAYS]).any(axis=2).sum(axis=1)
        return known

    @cached_property
    def ahead(self) -> Ints:
        """Index into the history of each predicted day, (origins, days)."""
        return self.origins[:, None] + np.arange(self.actual.shape[1])

    def point(self, step: Step) -> Floats:
        """What is held against the truth: the median, or at coarser steps the sum of the mean."""
        return self.prediction.median if step == "15min" else to_step(self.prediction.mean, step)

    def centre(self, step: Step) -> Floats:
        """What bands are put around: the point, but never a whole number where few contacts come.

        Nor nothing at all where anything ever came: that last week had none says little.
        """
        came = np.asarray((to_step(self.actual, step) > 0).any(axis=(0, 1)))
        if step == "15min":
            return band_centre(self.prediction, came)
        return np.where(came, np.maximum(self.point(step), SILENT), self.point(step))

    def quantiles(self, step: Step, days: int) -> Floats | None:
        """Quantiles of each origin's first `days`, (origins, days, blocks, quantiles).

        A forecaster's own, where it has them. Else each origin's bands are learned from the misses
        of the others, on days other than those it predicts; None when that leaves an origin too few
        to learn from.
        """
        if step == "15min" and self.prediction.quantiles is not None:
            return self.prediction.quantiles[:, :days]
        if (step, days) not in self._quantiles:
            self._quantiles[step, days] = self._left_out(step, days)
        return self._quantiles[step, days]

    def _left_out(self, step: Step, days: int) -> Floats | None:
        centre, actual = self.centre(step), to_step(self.actual, step)
        ages = np.maximum(self.ahead.max() - self.ahead, 0).astype(float)
        # Leads beyond a week have bands of their own, which only days ask for.
        reach = TRIAL_DAYS if step == "day" else max(WEEK_DAYS, days)
        learned = _learn_days if step == "day" else learn_bands
        leads = np.ones(days, dtype="int64") if step == "day" else np.arange(1, days + 1)
        found = []
        for i in range(len(self.origins)):
            foreign = ~np.isin(self.ahead, self.ahead[i, :days])
            foreign[i] = False
            taught = np.where(foreign[..., None], actual, np.nan)[:, :reach]
            bands = learned(centre[:, :reach], taught, ages[:, :reach])
            if bands is None or np.isfinite(taught).sum() < LEAST_MISSES:
                return None
            found.append(bands.around(centre[i, :days], leads))
        return np.array(found)


def _learn_days(centre: Floats, actual: Floats, ages: Floats) -> Bands | None:
    """`learn_bands` for totals of days, which are too few to tell leads and sizes apart."""
    apart = (-1, 1, 1)
    return learn_bands(centre.reshape(apart), actual.reshape(apart), ages.reshape(-1, 1), bins=1)


def band_centre(prediction: Prediction, came: Bools) -> Floats:
    """What 15-minute bands are put around: the median, or the mean where few contacts come.

    came  slots in which anything ever came: there the centre is never quite nothing
    """
    rate = np.where(prediction.median < FEW, prediction.mean, prediction.median)
    return np.where(came, np.maximum(rate, SILENT), rate)


def origins_of(history: History, count: int) -> Ints:
    """Up to `count` rolling origins, the latest a week before the end, in order."""
    last = len(history) - WEEK_DAYS
    # With less than three weeks, one week must do to learn from.
    least = LEAST_DAYS if last >= LEAST_DAYS else WEEK_DAYS
    origins: Ints = np.arange(last, least - 1, -STEP_DAYS, dtype="int64")[:count][::-1]
    return origins


def try_model(
    forecaster: Forecaster, history: History, *, origins: int | None, progress: Progress = silent
) -> Trial | None:
    """The model's trial at its rolling origins; None when it refuses all of them.

    A cheap model rolls through its origins at once, a challenger is fitted anew at each.
    """
    count = ORIGINS[forecaster.cost] if origins is None else origins
    at = [o for o in origins_of(history, count) if not forecaster.refusal(history.until(int(o)))]
    if not at:
        return None
    # A stopwatch: what a model costs is told, and decides nothing.
    began = perf_counter()
    chosen = np.array(at, dtype="int64")
    if forecaster.cost == "cheap":
        prediction = forecaster.roll(history, chosen, TRIAL_DAYS)
    else:
        done = iter(range(len(at)))

        def tell() -> None:
            progress(next(done) / len(at), f"back-test of {forecaster.name} on {history.queue}")

        prediction = refit_at_each(forecaster, history, at, TRIAL_DAYS, tell)
    actual = truth_of(history, chosen, TRIAL_DAYS)
    return Trial(forecaster.name, chosen, prediction, actual, perf_counter() - began)


def choose(trials: Sequence[Trial], incumbent: str | None = None) -> str:
    """Name of the champion, by the error of the median at origins shared with who holds the place.

    incumbent  the model that made the last forecast. It stays, unless another beats it by more than
               `MARGIN` over the last two weeks of scored days and is no worse over all of them.
               Without one, or when it was not tried, the default holds the place, unless another
               beats it by more than `MARGIN`.

    The weekly naive may win too: then nothing better is known.
    """
    by_name = {trial.model: trial for trial in trials}
    sticky = incumbent in by_name
    holder = by_name.get(incumbent or "") or by_name.get(DEFAULT)
    if holder is None:
        return min(trials, key=lambda trial: trial.error() / max(1, len(trial.origins))).model
    best, least = holder.model, 1.0 - MARGIN
    for trial in trials:
        shared = np.intersect1d(trial.origins, holder.origins)
        if trial is holder or not len(shared):
            continue
        ratio = _ratio(trial, holder, shared)
        if sticky:
            if ratio > 1.0:
                continue
            ratio = _ratio(trial, holder, _latest(holder.at(shared)))
        if ratio < least:
            best, least = trial.model, ratio
    return best


def _ratio(trial: Trial, holder: Trial, origins: Ints) -> float:
    """The trial's error over the holder's; 1 where the holder makes none, or nothing is known."""
    beaten = holder.at(origins)
    error = beaten.error()
    # A constant queue is told to the last digits by everyone: they decide nothing.
    if error <= ROUNDING * float(np.nansum(beaten.actual)):
        return 1.0
    return trial.at(origins).error() / error


def _latest(trial: Trial) -> Ints:
    """The latest origins that together score `STICKY_DAYS`; none when all do not."""
    so_far = np.cumsum(trial.scored_days()[::-1])
    if so_far[-1] < STICKY_DAYS:
        return trial.origins[:0]
    return trial.origins[::-1][: int(np.searchsorted(so_far, STICKY_DAYS)) + 1]


def accuracy_of(
    trial: Trial, naive: Trial, history: History, *, champion: bool, horizon_days: int = WEEK_DAYS
) -> tuple[Accuracy, ...]:
    """The trial's score at every step beside the naive's at the same origins.

    Ordinary days are scored: what a holiday, a campaign or an outage moved is left out, and with it
    the hours and days it lies in. Pinball and coverage of an origin use bands learned from other
    days than those scored; at hours and days the bands are those of sums, never sums of bands.
    """
    beside = naive.at(trial.origins)
    lines = []
    for step in STEPS:
        scale = weekly_scale(history.ordinary, step)
        lines.append(
            Accuracy(
                **vars(_scored(trial, step, scale, horizon_days)),
                queue=history.queue,
                model=trial.model,
                step=step,
                origins=len(trial.origins),
                horizon_days=horizon_days,
                naive=_scored(beside, step, scale, horizon_days),
                champion=champion,
                seconds=trial.seconds,
            )
        )
    return tuple(lines)


def _scored(trial: Trial, step: Step, scale: float | None, days: int) -> Score:
    return score(
        to_step(trial.actual, step)[:, :days],
        trial.point(step)[:, :days],
        to_step(trial.prediction.mean, step)[:, :days],
        trial.quantiles(step, days),
        scale,
    )
