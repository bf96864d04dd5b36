"""How good a forecast was, beside the weekly seasonal naive."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from forecasting.grid import SLOTS, Floats
from wfm.frames import QUANTILE_COLUMNS, QUANTILES

HOUR_SLOTS = 4
WEEK_DAYS = 7


@dataclass(frozen=True)
class Score:
    """Errors over some intervals; a figure is None where it is not defined (no contacts came).

    wape        sum of absolute errors / sum of contacts, of the median per 15 minutes
    wape_hour   the same of the mean per hour, and per day (a sum of medians is no median)
    bias        sum of the mean / sum of contacts - 1; above 0 the forecast was too high
    mase        mean absolute error / that of last week's counts in the past (1 is as good)
    pinball     mean pinball loss of all quantiles / mean contacts
    coverage80  share of intervals within q10-q90, coverage95 within q025-q975
    """

    wape: float | None
    wape_hour: float | None
    wape_day: float | None
    bias: float | None
    mase: float | None
    pinball: float | None
    coverage80: float | None
    coverage95: float | None


@dataclass(frozen=True)
class Accuracy(Score):
    """A model's score on a queue in its back-test, beside the weekly naive's on the same origins.

    origins   how many rolling origins it rests on
    horizon_days  how far each of them looked
    seconds   what the model cost in the back-test, its library's import included
    champion  whether it makes the forecast
    """

    queue: str
    model: str
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


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _blocks(values: Floats, size: int) -> Floats:
    """Sums over blocks of `size` slots; NaN where a slot is."""
    sums: Floats = values.reshape(*values.shape[:-1], SLOTS // size, size).sum(axis=-1)
    return sums


def _block_wape(mean: Floats, actual: Floats, size: int) -> float | None:
    came = _blocks(actual, size)
    whole = np.isfinite(came)
    error = np.abs(_blocks(mean, size) - came)[whole].sum()
    return _share(float(error), float(came[whole].sum()))


def weekly_step(counts: Floats) -> float | None:
    """Mean absolute difference to the same slot a week before: the scale of MASE."""
    steps = np.abs(counts[WEEK_DAYS:] - counts[:-WEEK_DAYS])
    return float(np.nanmean(steps)) if np.isfinite(steps).any() else None


def score(
    actual: Floats, median: Floats, mean: Floats, quantiles: Floats | None, step: float | None
) -> Score:
    """Score a forecast of whole local days.

    actual     (..., 96) contacts, NaN where not to be scored
    quantiles  (..., 96, quantiles) or None: then pinball and coverage are not told
    step       `weekly_step` of the past
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
        column = {name: bands[:, i] for i, name in enumerate(QUANTILE_COLUMNS)}
        coverage80 = float(((came >= column["q10"]) & (came <= column["q90"])).mean())
        coverage95 = float(((came >= column["q025"]) & (came <= column["q975"])).mean())
    return Score(
        wape=_share(float(error.sum()), total),
        wape_hour=_block_wape(mean, actual, HOUR_SLOTS),
        wape_day=_block_wape(mean, actual, SLOTS),
        bias=None if total == 0 else float(mean[known].sum()) / total - 1.0,
        mase=float(error.mean()) / step if step and len(came) else None,
        pinball=pinball,
        coverage80=coverage80,
        coverage95=coverage95,
    )
