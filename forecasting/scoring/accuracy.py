"""How good a forecast was per quarter-hour, hour and day, beside the weekly seasonal naive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from forecasting.grid import Days, Floats, as_date
from wfm.errors import RequestError
from wfm.frames import QUANTILE_COLUMNS, QUANTILES
from wfm.timegrid import INTERVAL_S, local_midnight

Step = Literal["15min", "hour", "day"]
STEPS: tuple[Step, ...] = ("15min", "hour", "day")
WEEK_DAYS = 7
HOUR_INTERVALS = 3600 // INTERVAL_S


@dataclass(frozen=True)
class Score:
    """Errors over some intervals, hours or days; None where a figure is not defined.

    wape        sum of absolute errors / sum of contacts
    bias        sum of the mean / sum of contacts - 1; above 0 the forecast was too high
    mase        mean absolute error / that of last week's counts in the past (1 is as good)
    pinball     mean pinball loss of all quantiles / mean contacts
    coverage80  share within q10-q90, coverage95 within q025-q975

    Shares of contacts are not defined where none came.
    """

    wape: float | None
    bias: float | None
    mase: float | None
    pinball: float | None
    coverage80: float | None
    coverage95: float | None


@dataclass(frozen=True)
class Accuracy(Score):
    """A model's score on a queue at one step of its back-test, beside the weekly naive's.

    step      what was scored: quarters of an hour by the median, hours and days by the sum of the
              mean (a sum of medians is no median)
    origins   how many rolling origins it rests on
    horizon_days  how far each of them looked
    naive     the weekly naive's score at the same origins, its bands made the same way
    champion  whether it makes the forecast
    seconds   what the model cost in the back-test, its library's import included
    """

    queue: str
    model: str
    step: Step
    origins: int
    horizon_days: int
    naive: Score
    champion: bool = False
    seconds: float = field(default=0.0, compare=False)

    @property
    def relative_wape(self) -> float | None:
        """WAPE over the weekly naive's; below 1 is better."""
        if self.wape is None or not self.naive.wape:
            return None
        return self.wape / self.naive.wape


def to_step(values: Floats, step: Step) -> Floats:
    """Local days (..., days, slots) as sums per step (..., days, blocks); NaN where a slot is."""
    if step == "15min":
        return values
    blocks = 1 if step == "day" else 24
    sums: Floats = values.reshape(*values.shape[:-1], blocks, -1).sum(axis=-1)
    return sums


def weekly_scale(counts: Floats, step: Step) -> float | None:
    """Mean absolute difference to the same block a week before: the scale of MASE.

    counts  (days, slots), NaN where missing; None when no block is known in two weeks running
    """
    blocks = to_step(counts, step)
    moves = np.abs(blocks[WEEK_DAYS:] - blocks[:-WEEK_DAYS])
    return float(np.nanmean(moves)) if np.isfinite(moves).any() else None


def weekly_scales(counts: Floats) -> dict[Step, float | None]:
    """`weekly_scale` at every step."""
    return {step: weekly_scale(counts, step) for step in STEPS}


def score(
    actual: Floats, median: Floats, mean: Floats, quantiles: Floats | None, scale: float | None
) -> Score:
    """Score a forecast of intervals, hours or days: the same figures at any step.

    actual     (...) contacts, NaN where not to be scored
    median     (...) the point whose errors count; at hours and days the sum of the mean
    mean       (...) what bias is measured on
    quantiles  (..., quantiles) or None: then pinball and coverage are not told
    scale      `weekly_scale` of the past at this step, or None: then MASE is not told
    """
    known = np.isfinite(actual)
    came = actual[known]
    total = float(came.sum())
    error = np.abs(median[known] - came)
    pinball = coverage80 = coverage95 = None
    if quantiles is not None and len(came):
        bands = quantiles[known]
        under = came[:, None] - bands
        levels = np.array(QUANTILES)
        loss = np.maximum(levels * under, (levels - 1) * under)
        pinball = _share(float(loss.mean()), total / len(came))
        coverage80 = _within(came, bands, "q10", "q90")
        coverage95 = _within(came, bands, "q025", "q975")
    return Score(
        wape=_share(float(error.sum()), total),
        bias=_share(float(mean[known].sum()) - total, total),
        mase=float(error.mean()) / scale if scale and len(came) else None,
        pinball=pinball,
        coverage80=coverage80,
        coverage95=coverage95,
    )


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _within(came: Floats, bands: Floats, low: str, high: str) -> float:
    lower, upper = (bands[:, QUANTILE_COLUMNS.index(name)] for name in (low, high))
    return float(((came >= lower) & (came <= upper)).mean())


@dataclass(frozen=True)
class StepScore:
    """What a kept forecast scored at one step.

    blocks  how many intervals, hours or days were scored
    naive   the weekly naive's score on the same blocks, where its counts were given
    """

    step: Step
    blocks: int
    own: Score
    naive: Score | None


def score_table(
    table: pd.DataFrame,
    actual: Floats,
    zone: ZoneInfo,
    *,
    naive: Floats | None = None,
    scales: Mapping[Step, float | None] | None = None,
    quantiles: Mapping[Step, Floats] | None = None,
) -> tuple[StepScore, ...]:
    """Score rows of a kept forecast against what came, at every step.

    table      FORECAST rows of one queue, all or any of them (those of one lead, say)
    actual     (rows,) contacts that came, NaN where unknown or not to be scored
    zone       the brand's, whose hours and days are summed
    naive      (rows,) the weekly naive's counts, as `forecasting.naive.last_week` gives them
    scales     `weekly_scales` of the history the forecast was made from; without, no MASE
    quantiles  for "hour" and "day": (blocks, quantiles), a row for each block of
               `block_sums(starts, ..., zone, step)`. Quantiles do not add up, so take them from
               sums of scenario paths (paths, rows):
               np.quantile(block_sums(starts, paths, zone, step), QUANTILES, axis=0).T
               Without, pinball and coverage are told for quarters of an hour only.

    An hour or a day counts only where all of its intervals are in `table` and known. Raises
    RequestError for arrays that do not fit the table.
    """
    rows = len(table)
    for name, values in (("actual", actual), ("naive", naive)):
        if values is not None and values.shape != (rows,):
            raise RequestError(
                f"{name} has shape {values.shape}; give one figure for each of {rows} rows"
            )
    order = np.argsort(table["start"].to_numpy(), kind="stable")
    table = table.iloc[order]
    starts = pd.DatetimeIndex(table["start"])
    mean = table["mean"].to_numpy(dtype=float)
    bands: dict[Step, Floats] = {
        "15min": table[list(QUANTILE_COLUMNS)].to_numpy(dtype=float),
        **(quantiles or {}),
    }
    found = []
    for step in STEPS:
        came = block_sums(starts, actual[order], zone, step)
        told = block_sums(starts, mean, zone, step)
        point = table["q50"].to_numpy(dtype=float) if step == "15min" else told
        own_bands = bands.get(step)
        if own_bands is not None and own_bands.shape != (len(came), len(QUANTILES)):
            raise RequestError(
                f"quantiles per {step} have shape {own_bands.shape}; the table has {len(came)} "
                f"such blocks and there are {len(QUANTILES)} quantiles"
            )
        scale = (scales or {}).get(step)
        beside = None
        if naive is not None:
            last = block_sums(starts, naive[order], zone, step)
            beside = score(came, last, last, None, scale)
        own = score(came, point, told, own_bands, scale)
        found.append(StepScore(step, int(np.isfinite(came).sum()), own, beside))
    return tuple(found)


def block_sums(starts: pd.DatetimeIndex, values: Floats, zone: ZoneInfo, step: Step) -> Floats:
    """Sums of `values` (..., rows) over the local hours or days that `starts` touch, in order.

    starts  (rows,) UTC starts of intervals, ascending and each once

    Returns (..., blocks): NaN where an interval of the block is missing or NaN. A day has 92, 96 or
    100 intervals, as clocks change; an hour that happens twice is two hours. At "15min" the values
    come back as they are.
    """
    if step == "15min" or not len(starts):
        return values
    wall = starts.tz_convert(zone).tz_localize(None)
    if step == "day":
        block = wall.normalize().to_numpy()
    else:
        block = (wall.floor("h") - (wall - starts.tz_localize(None))).to_numpy()
    first = np.flatnonzero(np.concatenate(([True], block[1:] != block[:-1])))
    seen = np.diff(np.append(first, len(starts)))
    whole = seen == (
        _intervals_of(block[first].astype("datetime64[D]"), zone)
        if step == "day"
        else HOUR_INTERVALS
    )
    sums = np.add.reduceat(values, first, axis=-1)
    return np.where(whole, sums, np.nan)


def _intervals_of(days: Days, zone: ZoneInfo) -> Floats:
    """How many intervals each local day has."""
    dates = [as_date(day) for day in days]
    lengths = [
        local_midnight(day + timedelta(days=1), zone) - local_midnight(day, zone) for day in dates
    ]
    return np.array([length.total_seconds() / INTERVAL_S for length in lengths])
