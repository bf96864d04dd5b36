"""Which model makes a queue's forecast: the default, unless another beats it clearly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from forecasting.accuracy import WEEK_DAYS, Accuracy, score, weekly_step
from forecasting.grid import Floats, Ints
from forecasting.intervals import learn_bands
from forecasting.protocol import (
    Forecaster,
    History,
    Prediction,
    refit_at_each,
    truth_of,
)
from wfm.progress import Progress, silent

DEFAULT = "log_profile"
NAIVE = "weekly_naive"
# Another model must be this much better than the default, or the forecast would flap.
MARGIN = 0.02
# Rolling origins, from the latest back; challengers are dear and get fewer.
ORIGINS = {"cheap": 8, "challenger": 4}
# Days between origins: more than the week scored, so that no day is scored twice, and not a
# multiple of seven, so that origins fall on every weekday.
STEP_DAYS = 8
# How far an origin predicts: a week is scored, the second week teaches the bands.
TRIAL_DAYS = 14
LEAST_DAYS = 14


@dataclass(frozen=True, eq=False)
class Trial:
    """A model's predictions from rolling origins, (origins, days, 96), and what they cost."""

    model: str
    origins: Ints
    prediction: Prediction
    actual: Floats
    seconds: float

    def at(self, origins: Ints) -> Trial:
        """The same trial, at those of its origins that are in `origins`."""
        kept = np.isin(self.origins, origins)
        chosen = Prediction(self.prediction.median[kept], self.prediction.mean[kept])
        return Trial(self.model, self.origins[kept], chosen, self.actual[kept], self.seconds)

    def error(self) -> float:
        """Sum of absolute errors over the scored week."""
        miss = np.abs(self.actual - self.prediction.median)[:, :WEEK_DAYS]
        return float(np.nansum(miss))

    def ages(self, days: int) -> Floats:
        """Days from each predicted day to the end of a history of `days`, (origins, days)."""
        ahead = self.origins[:, None] + np.arange(self.actual.shape[1])
        ages: Floats = np.maximum(days - 1 - ahead, 0).astype(float)
        return ages


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
    """The model's trial at its rolling origins; None when it refuses all of them."""
    count = ORIGINS[forecaster.cost] if origins is None else origins
    at = [o for o in origins_of(history, count) if not forecaster.refusal(history.until(int(o)))]
    if not at:
        return None
    # A stopwatch: what a model costs is told, and decides nothing.
    began = perf_counter()
    done = iter(range(len(at)))

    def tell() -> None:
        progress(next(done) / len(at), f"back-test of {forecaster.name} on {history.queue}")

    prediction = refit_at_each(forecaster, history, at, TRIAL_DAYS, tell)
    chosen = np.array(at, dtype="int64")
    actual = truth_of(history, chosen, TRIAL_DAYS)
    return Trial(forecaster.name, chosen, prediction, actual, perf_counter() - began)


def choose(trials: Sequence[Trial]) -> str:
    """Name of the champion: the default, or who beats it by more than `MARGIN` on shared origins.

    The weekly naive may win too: then nothing better is known.
    """
    by_name = {trial.model: trial for trial in trials}
    default = by_name.get(DEFAULT)
    if default is None:
        return min(trials, key=lambda trial: trial.error() / max(1, len(trial.origins))).model
    best, least = DEFAULT, 1.0 - MARGIN
    for trial in trials:
        if trial.model == DEFAULT:
            continue
        shared = np.intersect1d(trial.origins, default.origins)
        beaten = default.at(shared).error()
        if beaten > 0 and trial.at(shared).error() / beaten < least:
            best, least = trial.model, trial.at(shared).error() / beaten
    return best


def _quantiles_left_out(trial: Trial, history: History, days: int) -> Floats | None:
    """Quantiles of each origin's days from the misses of all other origins."""
    found = []
    ages = trial.ages(len(history))
    for i in range(len(trial.origins)):
        others = np.arange(len(trial.origins)) != i
        bands = learn_bands(trial.prediction.median[others], trial.actual[others], ages[others])
        if bands is None:
            return None
        leads = np.arange(1, days + 1)
        found.append(bands.around(trial.prediction.median[i, :days], leads))
    return np.array(found) if found else None


def accuracy_of(
    trial: Trial, naive: Trial, history: History, *, champion: bool, horizon_days: int = WEEK_DAYS
) -> Accuracy:
    """The trial's score beside the naive's at the same origins.

    Ordinary days are scored: what a holiday, a campaign or an outage moved is left out. Pinball and
    coverage of an origin use bands learned from the other origins.
    """
    step = weekly_step(history.ordinary)
    beside = naive.at(trial.origins)
    scored = slice(0, horizon_days)
    actual = trial.actual[:, scored]
    own, theirs = (
        score(
            actual,
            one.prediction.median[:, scored],
            one.prediction.mean[:, scored],
            _quantiles_left_out(one, history, horizon_days),
            step,
        )
        for one in (trial, beside)
    )
    return Accuracy(
        **vars(own),
        queue=history.queue,
        model=trial.model,
        origins=len(trial.origins),
        horizon_days=horizon_days,
        naive=theirs,
        champion=champion,
        seconds=trial.seconds,
    )
