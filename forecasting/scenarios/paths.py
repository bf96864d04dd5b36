"""Scenario paths: sampled futures for the simulator, as spread as the forecast says.

Over the paths, an interval's count has the quantiles and the mean of the forecast; a day's total
scatters as it did in the back-test; days follow each other, and queues are busy on the same days,
as they did there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

import numpy as np
import pandas as pd

from forecasting.engine.intervals import LEAD_GROUPS, lead_group
from forecasting.grid import Days, Floats, local_slots
from forecasting.scenarios.copula import MAX_CARRIED, Drawing, day_part, draw
from forecasting.scenarios.marginals import marginals
from wfm.errors import RequestError
from wfm.frames import QUANTILE_COLUMNS
from wfm.paths import Paths
from wfm.timegrid import zone_named

# Width of the 10-90 % band in standard deviations, were it normal.
BAND_SD = 2.0 * 1.2815515655446004
# Correlation of the queues' busy days before any was seen, and how many days that is worth.
PRIOR_SHARED = 0.5
PRIOR_DAYS = 28.0
MAX_SHARED = 0.95
# Correlation of a day's busyness with the next day's before any was seen.
PRIOR_CARRIED = 0.3
# Pairs of intervals in an hour that lie one, two and three apart.
HOUR_PAIRS = (3, 2, 1)
MAX_LINGERING = 0.95
# Intervals that none of this is believed to be worth, and the misses that count as wild, in sd.
LINGERING_PRIOR = 200
WILD = 4.0
# Relative spread of a day's total where the back-test is too short to tell.
PRIOR_DAY_SD = 0.15
ENOUGH_DAYS = 10
MAX_DAY_CV = 2.0


@dataclass(frozen=True)
class Noise:
    """How days scatter around the forecast: all that paths need beside the FORECAST table.

    day_sd     by queue: relative spread of a day's total, one figure for each group of leads
    last_day   by queue: the last local day the forecast had seen, from which leads count
    shared     correlation of the queues' busy days
    zone       in which days are days
    carried    correlation of a queue's busy days with the days after them
    lingering  by queue: how far an interval's scatter is that of the interval before it; a queue
               that is not named has none
    """

    zone: str
    shared: float
    day_sd: Mapping[str, tuple[float, ...]]
    last_day: Mapping[str, date]
    carried: float = PRIOR_CARRIED
    lingering: Mapping[str, float] = field(default_factory=dict)

    def to_document(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "zone": self.zone,
            "shared": self.shared,
            "day_sd": {queue: list(sds) for queue, sds in self.day_sd.items()},
            "last_day": {queue: day.isoformat() for queue, day in self.last_day.items()},
            "carried": self.carried,
            "lingering": dict(self.lingering),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Noise:
        return cls(
            zone=document["zone"],
            shared=document["shared"],
            day_sd={queue: tuple(sds) for queue, sds in document["day_sd"].items()},
            last_day={q: date.fromisoformat(day) for q, day in document["last_day"].items()},
            # Documents of earlier versions do not know these.
            carried=document.get("carried", PRIOR_CARRIED),
            lingering=dict(document.get("lingering", {})),
        )


class HasPaths(Protocol):
    """What paths are drawn from, e.g. a `ForecastResult`."""

    @property
    def table(self) -> pd.DataFrame: ...

    @property
    def noise(self) -> Noise: ...


# -- learning how days scatter -------------------------------------------------------------------


def day_ratios(mean: Floats, actual: Floats) -> Floats:
    """Actual over expected total of each day, (origins, days); NaN where too much is missing."""
    known = np.isfinite(actual)
    expected = mean.sum(axis=2)
    seen = np.where(known, mean, 0.0).sum(axis=2)
    ratio = np.full(expected.shape, np.nan)
    np.divide(
        np.where(known, actual, 0.0).sum(axis=2), seen, out=ratio, where=seen > 0.75 * expected
    )
    return ratio


def day_spread(ratios: Floats) -> tuple[float, ...]:
    """Relative spread of day totals for each group of leads, by the 10-90 % range."""
    groups = lead_group(np.arange(1, ratios.shape[1] + 1))
    found: list[float] = []
    for g in range(len(LEAD_GROUPS)):
        values = ratios[:, groups == g]
        values = values[np.isfinite(values)]
        if len(values) < ENOUGH_DAYS:
            found.append(found[-1] if found else PRIOR_DAY_SD)
            continue
        low, high = np.quantile(values, [0.10, 0.90])
        # The day to come is no better known than the worse of both sides says.
        found.append(float(min(MAX_DAY_CV, (high - low) / BAND_SD)))
    return tuple(found)


def shared_busyness(ratios_by_day: Sequence[Floats]) -> float:
    """Correlation of the queues' day ratios, shrunk to a strong prior.

    ratios_by_day  one array a queue, aligned on the same days, NaN where not known
    """
    logs = [np.log(np.clip(r, 0.1, 10.0)) for r in ratios_by_day]
    total = weight = 0.0
    for i in range(len(logs)):
        for j in range(i):
            both = np.isfinite(logs[i]) & np.isfinite(logs[j])
            a, b = logs[i][both], logs[j][both]
            if len(a) < ENOUGH_DAYS or a.std() == 0 or b.std() == 0:
                continue
            total += float(np.corrcoef(a, b)[0, 1]) * len(a)
            weight += len(a)
    pairs = max(1, len(logs) * (len(logs) - 1) // 2)
    prior = PRIOR_DAYS * pairs
    return float(np.clip((total + prior * PRIOR_SHARED) / (weight + prior), 0.0, MAX_SHARED))


def carried_busyness(ratios: Sequence[Floats]) -> float:
    """Correlation of a day's ratio with the next day's, shrunk to a prior.

    ratios  one array a queue, (origins, days) as `day_ratios` gives them
    """
    total = weight = 0.0
    for one in ratios:
        logs = np.log(np.clip(one, 0.1, 10.0))
        first, second = logs[:, :-1], logs[:, 1:]
        both = np.isfinite(first) & np.isfinite(second)
        a, b = first[both], second[both]
        if len(a) < ENOUGH_DAYS or a.std() == 0 or b.std() == 0:
            continue
        # Origins see the same days again: as many pairs count as there are days.
        seen = float(sum(logs.shape))
        total += float(np.corrcoef(a, b)[0, 1]) * seen
        weight += seen
    prior = PRIOR_DAYS * max(1, len(ratios))
    return float(np.clip((total + prior * PRIOR_CARRIED) / (weight + prior), 0.0, MAX_CARRIED))


def lingering_scatter(mean: Floats, actual: Floats) -> float:
    """How far a queue's bursts linger: correlation of scatter in an interval with the next one's.

    The one figure with which totals of four intervals scatter as they did, the days' own level
    taken out; shrunk to none where little was seen.

    mean    (days, slots) expected a day ahead, NaN where nothing was told
    actual  the same shape; NaN where not known
    """
    known = np.isfinite(actual) & (np.nan_to_num(mean) > 0)
    if known.sum() <= LINGERING_PRIOR:
        return 0.0
    miss = np.zeros(mean.shape)
    miss[known] = (actual[known] - mean[known]) / np.sqrt(mean[known] + 0.2)
    level = miss.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    miss = np.where(known, miss - level[:, None], 0.0)
    # A few wild bursts are not to speak for all.
    most = WILD * float(np.sqrt((miss[known] ** 2).mean()))
    miss = np.clip(miss, -most, most)
    square = float((miss[known] ** 2).mean())
    found = weight = 0.0
    for lag, pairs in enumerate(HOUR_PAIRS, start=1):
        both = known[:, lag:] & known[:, :-lag]
        product = float((miss[:, lag:] * miss[:, :-lag])[both].sum())
        shrunk = square * (both.sum() + LINGERING_PRIOR)
        found += pairs * (product / shrunk if shrunk > 0 else 0.0)
        weight += pairs
    tried = np.linspace(0.0, MAX_LINGERING, 96)
    alike = sum(pairs * tried**lag for lag, pairs in enumerate(HOUR_PAIRS, start=1)) / weight
    return float(np.interp(found / weight, alike, tried))


# -- drawing -------------------------------------------------------------------------------------


def scenario_paths(
    forecast: HasPaths,
    *,
    count: int,
    seed: int,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Paths:
    """`count` sampled futures of all queues of the forecast, the same for the same seed.

    start, end  a part of the forecast's span; all of it without. A part differs from the same hours
                of the whole: its draws are its own
    """
    return paths_from(forecast.table, forecast.noise, count=count, seed=seed, start=start, end=end)


def paths_from(
    table: pd.DataFrame,
    noise: Noise,
    *,
    count: int,
    seed: int,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Paths:
    """`scenario_paths` of a FORECAST table and the noise it was made with.

    Raises RequestError when `count` is below 1 or the span holds no forecast.
    """
    if count < 1:
        raise RequestError(f"{count} paths cannot be drawn; ask for 1 or more")
    chosen = table
    if start is not None:
        chosen = chosen[chosen["start"] >= start]
    if end is not None:
        chosen = chosen[chosen["start"] < end]
    if chosen.empty:
        raise RequestError("the forecast holds no interval between the start and end asked for")
    starts, queues, drawing = drawing_of(chosen, noise)
    contacts = np.empty((count, len(starts), len(queues)), dtype="int64")
    for i, drawn in enumerate(draw(drawing, count=count, seed=seed)):
        contacts[:, :, i] = drawn
    return Paths(starts[0].to_pydatetime(), queues, contacts)


def drawing_of(
    table: pd.DataFrame, noise: Noise
) -> tuple[pd.DatetimeIndex, tuple[str, ...], Drawing]:
    """The intervals and queues of a FORECAST table, and what their counts are drawn from.

    Raises RequestError where a queue lacks intervals that another has.
    """
    zone = zone_named(noise.zone)
    queues = tuple(queue for queue in noise.day_sd if (table["queue"] == queue).any())
    starts = pd.DatetimeIndex(np.sort(table["start"].unique()))
    local, _ = local_slots(starts, zone)
    days, day = np.unique(local, return_inverse=True)
    lingering = tuple(noise.lingering.get(queue, 0.0) for queue in queues)
    means, quantiles, parts = [], [], []
    for i, queue in enumerate(queues):
        rows = table[table["queue"] == queue].sort_values("start")
        if len(rows) != len(starts):
            raise RequestError(
                f"the forecast of {queue!r} holds {len(rows)} of {len(starts)} intervals; "
                "paths need all queues over the same span"
            )
        means.append(rows["mean"].to_numpy(dtype=float))
        quantiles.append(rows[list(QUANTILE_COLUMNS)].to_numpy(dtype=float))
        law = marginals(means[i], quantiles[i])
        parts.append(day_part(law, day, _day_sd(noise, queue, days), lingering[i]))
    return (
        starts,
        queues,
        Drawing(
            tuple(means),
            tuple(quantiles),
            tuple(parts),
            lingering,
            day,
            shared=noise.shared,
            carried=noise.carried,
        ),
    )


def _day_sd(noise: Noise, queue: str, days: Days) -> Floats:
    """Relative spread of each day's total."""
    leads = (days - np.datetime64(noise.last_day[queue], "D")).astype("int64")
    known = np.array(noise.day_sd[queue])
    # Noise stored by an earlier version may tell fewer groups of leads apart; its last is open.
    spread: Floats = known[np.minimum(lead_group(leads), len(known) - 1)]
    return spread
