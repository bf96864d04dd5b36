"""Planners' adjustments applied to a forecast: mean, quantiles and the parts that explain them.

Each adjustment changes what the ones before it left, in the order of their ids, so a later `set`
or `range` wins inside its span and a later `percent` is on top of what was set.

percent  Mean and quantiles of the span scale alike.
set      The span's expected contacts become `value`, spread as the forecast has them; evenly where
         it has none. Quantiles follow as those of counts do: chance scatter grows with the root of
         the count, the rest with the count.
range    As a `set` to the middle of [low, high]; then what is not chance scatter becomes one
         uncertainty of all intervals alike, so large that the span's total lies in [low, high] in
         four days of five. Chance scatter stays at least that of a Poisson count.

Where the table holds a part of an adjustment's span only, that part gets its share by time. So
adjust a whole forecast first and cut it afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from forecasting.engine.intervals import MAX_DISPERSION, NORMAL_SCORES
from forecasting.grid import Floats, Ints
from wfm.adjustments import Adjustment
from wfm.errors import RequestError
from wfm.frames import FORECAST, PARTS, QUANTILE_COLUMNS, QUANTILES
from wfm.timegrid import INTERVAL, floor_interval

KEY = ["start", "queue"]
MEDIAN, LOW, HIGH = (QUANTILES.index(q) for q in (0.5, 0.1, 0.9))
# Fewer contacts in a span than this say nothing of its shape.
NONE_AT_ALL = 0.01
# Counts are whole: that alone puts the median this far from the mean, however quiet it is.
ROUNDING = 1.0


@dataclass(frozen=True, eq=False)
class _Span:
    """One queue's forecast in a part of time; quantiles have the shape (intervals, quantiles)."""

    mean: Floats
    quantiles: Floats

    @property
    def total(self) -> float:
        return float(self.mean.sum())


def adjusted(
    table: pd.DataFrame, parts: pd.DataFrame, adjustments: Sequence[Adjustment]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The forecast and its parts with the adjustments applied in the order of their ids.

    table  FORECAST
    parts  PARTS of the same intervals; of some of them, or none, where it was not kept what the
           mean is made of

    Adjustments without an id come last, in the order given; those of other queues or other times
    than the table's change nothing. The change of the mean goes into `correction`. Quantiles stay
    ascending and not negative; handling times stay. Both tables are new, their rows in the order
    given.

    Raises RequestError for an adjustment off the 15-minute grid, FrameError for a broken table.
    """
    table, parts = FORECAST.check(table), PARTS.check(parts)
    before = table["mean"].to_numpy(dtype=float)
    mean = before.copy()
    quantiles = table[list(QUANTILE_COLUMNS)].to_numpy(dtype=float, copy=True)
    for one in _in_order(adjustments):
        rows = _rows(table, one)
        if len(rows):
            span = _apply(_Span(mean[rows], quantiles[rows]), one)
            mean[rows], quantiles[rows] = span.mean, span.quantiles
    columns = {name: quantiles[:, i] for i, name in enumerate(QUANTILE_COLUMNS)}
    change = pd.Series(mean - before, index=pd.MultiIndex.from_frame(table[KEY]))
    moved = change.reindex(pd.MultiIndex.from_frame(parts[KEY]), fill_value=0.0)
    correction = parts["correction"].to_numpy(dtype=float) + moved.to_numpy(dtype=float)
    return (
        FORECAST.check(table.assign(mean=mean, **columns)),
        PARTS.check(parts.assign(correction=correction)),
    )


def _in_order(adjustments: Sequence[Adjustment]) -> list[Adjustment]:
    for one in adjustments:
        for name, instant in (("starts", one.start), ("ends", one.end)):
            if not _on_grid(instant):
                raise RequestError(
                    f"the adjustment of {one.queue!r} {name} at {instant}; it starts and ends on a "
                    "quarter of an hour and names its zone, as in 2026-03-02T09:15:00Z"
                )
    return sorted(adjustments, key=lambda one: (one.adjustment_id is None, one.adjustment_id or 0))


def _on_grid(instant: datetime) -> bool:
    return instant.tzinfo is not None and floor_interval(instant) == instant


def _rows(table: pd.DataFrame, one: Adjustment) -> Ints:
    """Positions of the intervals that the adjustment changes."""
    inside = (
        (table["queue"] == one.queue) & (table["start"] >= one.start) & (table["start"] < one.end)
    )
    rows: Ints = np.flatnonzero(inside.to_numpy())
    return rows


def _apply(span: _Span, one: Adjustment) -> _Span:
    share = len(span.mean) / ((one.end - one.start) / INTERVAL)
    if one.low is not None and one.high is not None and one.kind == "range":
        return _within(span, one.low * share, one.high * share)
    value = one.value or 0.0
    if one.kind == "set":
        return _with_total(span, value * share)
    factor = 1 + value / 100
    return _Span(span.mean * factor, span.quantiles * factor)


def _scatter(span: _Span) -> tuple[Floats, Floats]:
    """Distances from the median, taken apart: chance, and what moves intervals together.

    Their squares add up. Both have the shape (intervals, quantiles) and are not negative.
    """
    distance = np.abs(span.quantiles - span.quantiles[:, MEDIAN, None])
    poisson_like = np.abs(NORMAL_SCORES) * np.sqrt(span.mean)[:, None]
    most = np.abs(NORMAL_SCORES) * np.sqrt(MAX_DISPERSION) * span.mean[:, None]
    together = np.minimum(np.sqrt(np.maximum(distance**2 - poisson_like**2, 0.0)), most)
    return np.sqrt(np.maximum(distance**2 - together**2, 0.0)), together


def _around(centre: Floats, chance: Floats, together: Floats) -> Floats:
    quantiles = centre[:, None] + np.sign(NORMAL_SCORES) * np.hypot(chance, together)
    ascending: Floats = np.maximum.accumulate(np.maximum(quantiles, 0.0), axis=1)
    return ascending


def _with_total(span: _Span, total: float) -> _Span:
    """As many expected contacts in all: in the proportions it has, evenly where it has none."""
    if span.total < NONE_AT_ALL:
        from scipy.stats import poisson  # late: it loads for long, and this is rare

        even = np.full(len(span.mean), total / len(span.mean))
        return _Span(even, np.asarray(poisson.ppf(QUANTILES, even[:, None]), dtype=float))
    factor = total / span.total
    mean = span.mean * factor
    gap = span.mean - span.quantiles[:, MEDIAN]
    rounding = np.clip(gap, -ROUNDING, ROUNDING)
    centre = mean - (gap - rounding) * factor - rounding * min(factor, 1.0)
    chance, together = _scatter(span)
    return _Span(mean, _around(centre, chance * np.sqrt(factor), together * factor))


def _within(span: _Span, low: float, high: float) -> _Span:
    """The span with a total that lies in [low, high] in four days of five."""
    span = _with_total(span, (low + high) / 2)
    if span.total == 0:
        return span
    chance, _ = _scatter(span)
    chance = np.maximum(chance, np.abs(NORMAL_SCORES) * np.sqrt(span.mean)[:, None])
    share = (span.mean / span.total)[:, None]
    together = np.zeros_like(chance)
    for tail, side in ((LOW, NORMAL_SCORES < 0), (HIGH, NORMAL_SCORES > 0)):
        averaged = float((chance[:, tail] ** 2).sum())
        left = np.sqrt(max(((high - low) / 2) ** 2 - averaged, 0.0))
        together[:, side] = left * share * (NORMAL_SCORES[side] / NORMAL_SCORES[tail])
    return _Span(span.mean, _around(span.quantiles[:, MEDIAN], chance, together))
