"""What past days teach about how a day goes on: every hour of every day that was forecast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.engine.blend import forecast_panel, stacked
from forecasting.grid import Bools, Floats, Ints
from forecasting.intraday.ratios import Scale, lead_edges, running_sums, scale_of, shown
from forecasting.intraday.spikes import Episode, episodes
from forecasting.protocol import Forecaster, History, Prediction

# Days of a history before the first one that is forecast to learn from.
FIRST_ORIGIN = 14
# Days looked back on: what carried over half a year ago says little.
LOOK_BACK_DAYS = 56
# What came is bounded, so that one freak day does not own a regression; so is every update.
MAX_LOG = 1.5
# Parts of the day told apart: a night says other things of the morning than a noon of the evening.
PARTS = 4


def day_ahead(
    forecaster: Forecaster, history: History, *, days: int = LOOK_BACK_DAYS
) -> Prediction:
    """What the forecaster would have said each morning of that day and the next.

    days  how many of the last days

    Returns arrays (days of the history, 2, slots), NaN for the days that were not forecast.
    """
    known, slots = history.counts.shape
    first = min(known, max(FIRST_ORIGIN, known - days))
    median, mean = (np.full((known, 2, slots), np.nan) for _ in range(2))
    if first < known:
        rolled = forecaster.roll(history, np.arange(first, known), 2)
        median[first:], mean[first:] = rolled.median, rolled.mean
    return Prediction(median, mean)


def mornings(histories: Sequence[History]) -> list[Prediction]:
    """`day_ahead` of the product's own engine for all histories at once; they end together.

    The engine's forecasts of the past come free with that of the future.
    """
    panel = forecast_panel(*_panel(histories))
    median = np.stack((panel.free.medians[0], _moved_up(panel.free.medians[1])), axis=2)
    ratio = np.stack((panel.free.ratio, _moved_up(panel.free.ratio)), axis=2)
    found = []
    for history, said, mean in zip(histories, median, median * ratio, strict=True):
        days = max(0, min(len(history) - FIRST_ORIGIN, LOOK_BACK_DAYS, len(said)))
        lost = ((len(history) - days, 0), (0, 0), (0, 0))
        recent = (x[len(said) - days :] for x in (said, mean))
        found.append(Prediction(*(np.pad(x, lost, constant_values=np.nan) for x in recent)))
    return found


def _panel(histories: Sequence[History]) -> tuple[Floats, Bools, int, Bools]:
    counts, known, trusted = stacked(list(histories))
    return counts, known, 1, trusted


def _moved_up(days: Floats) -> Floats:
    """Each day's next, (series, days, slots); NaN after the last."""
    return np.concatenate((days[:, 1:], np.full_like(days[:, :1], np.nan)), axis=1)


@dataclass(frozen=True, eq=False)
class Lesson:
    """One queue's past moments: every hour of the days that were forecast.

    seen     (days, hours, windows) what each moment had shown
    came     (days, hours, leads) log-ratio of what then came; weight: how much each tells
    counts, median, mean  (days, hours, slots) of the 24 hours after each moment
    day      (days,) calendar days
    """

    queue: str
    scale: Scale
    seen: Floats
    came: Floats
    weight: Floats
    counts: Floats
    median: Floats
    mean: Floats
    day: Ints
    past: tuple[Episode, ...]


def lesson_of(history: History, forecast: Prediction) -> Lesson | None:
    """None when no day was forecast, or nothing is known of those that were."""
    counts, slots = history.ordinary, history.counts.shape[1]
    today = forecast.mean[:, 0]
    known = np.isfinite(counts) & np.isfinite(today)
    if not known.any():
        return None
    scale = scale_of(counts, today)
    rows = np.flatnonzero(np.isfinite(today).any(axis=1))
    hours = np.unique(np.arange(24) * slots // 24)
    flat = running_sums(counts.ravel(), today.ravel(), scale)
    midnight = rows[:, None] * slots + np.zeros_like(hours)
    seen = shown(flat, midnight, midnight + hours, slots, scale)
    # The day and the next, as both were forecast that morning.
    two_days = np.concatenate((counts, _next_day(counts)), axis=1)[rows]
    means = forecast.mean.reshape(len(counts), -1)[rows]
    medians = forecast.median.reshape(len(counts), -1)[rows]
    sums = running_sums(two_days, means, scale)
    ends = hours[:, None] + lead_edges(slots)
    came = np.diff(sums.counts[:, ends], axis=-1)
    planned = np.diff(sums.expected[:, ends], axis=-1)
    noise = scale.spread**2
    ahead = hours[:, None] + np.arange(slots)
    return Lesson(
        queue=history.queue,
        scale=scale,
        seen=seen,
        came=np.clip(np.log((came + noise) / (planned + noise)), -MAX_LOG, MAX_LOG),
        weight=planned**2 / (planned + scale.evidence),
        counts=two_days[:, ahead],
        median=medians[:, ahead],
        mean=means[:, ahead],
        day=history.days[rows].astype("int64"),
        past=episodes(
            counts.ravel(), forecast.median[:, 0].ravel(), scale.spread, per_hour=slots / 24
        ),
    )


def _next_day(counts: Floats) -> Floats:
    return np.concatenate((counts[1:], np.full((1, counts.shape[1]), np.nan)))


def parts_of(lesson: Lesson) -> Ints:
    """The part of the day of each of its moments."""
    hours = lesson.came.shape[1]
    parts: Ints = np.arange(hours) * PARTS // hours
    return parts
