"""Campaigns put into real series: does the learned uplift hold, and does the forecast gain?

    python -m benchmarks.campaigns --data DIR... [--campaigns N] [--quick] [--json FILE] [--seed N]

DIR holds files of `timestamp,value` and a `series.json`, as for `benchmarks.forecast`. A target
campaign and 0 to 8 earlier ones are put into a copy of a real series, as Poisson contacts on top
of what came. Their true uplifts are lognormal around the mean of their category, which itself
differs from brand to brand; rise and half-life scatter around what is stated; reach is drawn, and a
larger one brings a little more. The engine then forecasts the days of the target from the local
midnight before it, with the campaigns told to it and without.

Rows: series, analogues, campaigns, held80, wape_with, wape_without, wape_ratio, bias_with,
bias_without; a row for each series, and for series = ALL one for each number of analogues and one
for all.

held80        share of the true uplifts within the stated 80 % interval
wape_*        over the intervals in which the target is felt, medians beside what came
wape_ratio    of the two; with series = ALL the geometric mean over the series
bias_*        sum of forecast means over sum of what came, less 1

With series = ALL, wape_* and bias_* are means over the series.
"""

from __future__ import annotations

import argparse
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.report import finish, parser
from benchmarks.series import Series, read_folders
from forecasting.engine.blend import Blend
from forecasting.events.analogues import lessons_of
from forecasting.events.curves import campaign_shape, felt_until, moved_by_campaigns
from forecasting.events.holidays import holiday_effect, moved_by_holidays
from forecasting.events.uplift import uplift_of
from forecasting.grid import SLOTS, day_range, local_slots
from forecasting.protocol import History, Prediction
from wfm.campaigns import CATEGORIES, Campaign
from wfm.frames import interval_index
from wfm.timegrid import floor_interval

Floats = NDArray[np.float64]
CAMPAIGNS = 540
QUICK_CAMPAIGNS = 60
MOST_ANALOGUES = 8
# Typical uplift of each category; how brands differ from it and campaigns of a brand from one
# another, as spreads of its logarithm.
TYPICAL = {
    "campaign": 0.8,
    "launch": 1.0,
    "viral": 2.0,
    "regulatory": 0.5,
    "market": 0.6,
    "outage": 2.5,
}
BRAND_SD = 0.3
BETWEEN = (0.1, 0.4)
# How the log grows when e times as many people are reached, and the spread of reach.
REACH_SLOPE, REACH_SD, REACH_MEAN = 0.1, 1.0, math.log(100_000)
# True rise and half-life around the stated ones, in logs.
SHAPE_SD = 0.25
# Days before the first campaign that hold none, and days that a target's forecast spans.
QUIET_DAYS = 21
TARGET_DAYS = 3


@dataclass(frozen=True, eq=False)
class Case:
    """A target, its analogues, the counts with all of them in, and the truth about the target."""

    series: Series
    origin: int
    target: Campaign
    analogues: tuple[Campaign, ...]
    counts: Floats
    true_uplift: float


@dataclass(frozen=True)
class Found:
    """What one case gave."""

    series: str
    analogues: int
    held: bool
    actual: float
    missed_with: float
    missed_without: float
    told_with: float
    told_without: float


def draw_case(series: Series, analogues: int, rng: np.random.Generator) -> Case | None:
    """A target on a day with data ahead, its analogues before it; None where there is no room."""
    whole = np.isfinite(series.counts).mean(axis=1) > 0.5 * series.open.mean(axis=1)
    last = len(series.days) - TARGET_DAYS
    days = [d for d in range(QUIET_DAYS + 7, last + 1) if whole[d : d + 1].all()]
    if len(days) <= analogues:
        return None
    origin = int(rng.choice(days[max(analogues, len(days) // 3) :]))
    # Days apart, so that most do not overlap; some do.
    before = [d for d in days if QUIET_DAYS - 14 <= d < origin - 2]
    early = [d for d in range(7, origin - 2) if whole[d]]
    pool = before if len(before) >= analogues else early
    if len(pool) < analogues:
        return None
    starts = sorted(rng.choice(pool, size=analogues, replace=False).tolist())
    category = CATEGORIES[int(rng.integers(len(CATEGORIES)))]
    mean = rng.normal(math.log(TYPICAL[category]), BRAND_SD)
    between = rng.uniform(*BETWEEN)
    counts = series.counts.copy()
    stated: list[Campaign] = []
    uplifts: list[float] = []
    shape_bias = rng.normal(0.0, SHAPE_SD, 2)
    rise, half_life = float(rng.choice([30, 60, 120])), float(rng.choice([120, 240, 480]))
    for i, day in enumerate([*starts, origin]):
        reach = float(np.exp(rng.normal(REACH_MEAN, REACH_SD)))
        uplift = math.exp(
            mean + REACH_SLOPE * (np.log(reach) - REACH_MEAN) + rng.normal(0.0, between)
        )
        begin = _local(series, int(day), hour=float(rng.integers(8, 15)))
        campaign = Campaign(
            f"campaign {i}",
            begin,
            begin + timedelta(hours=float(rng.integers(4, 13))),
            (series.name,),
            category,
            int(reach),
            None,
            rise,
            half_life,
        )
        off = np.exp(shape_bias + rng.normal(0.0, SHAPE_SD / 2, 2))
        true = replace(campaign, rise_min=rise * off[0], half_life_min=half_life * off[1])
        # Uplift is of the ordinary volume: each is added to what came, not to the others.
        usual = np.nan_to_num(series.counts)
        counts += rng.poisson(uplift * usual * _shape(true, series))
        stated.append(campaign)
        uplifts.append(uplift)
    return Case(series, origin, stated[-1], tuple(stated[:-1]), counts, uplifts[-1])


def _local(series: Series, day: int, *, hour: float) -> datetime:
    wall = pd.Timestamp(series.days[day]) + pd.Timedelta(hours=hour)
    local = wall.tz_localize(series.zone, nonexistent="shift_forward", ambiguous=True)
    instant: datetime = local.tz_convert("UTC").to_pydatetime()
    return instant


def _shape(campaign: Campaign, series: Series) -> Floats:
    """Share of the peak felt in each cell (days, slots)."""
    shape = np.zeros(series.counts.shape)
    felt = interval_index(floor_interval(campaign.start), felt_until(campaign))
    at, quarters = local_slots(felt, series.zone)
    rows = (at - series.days[0]).astype("int64")
    inside = (rows >= 0) & (rows < len(series.days))
    slots = quarters * series.slots // SLOTS
    np.add.at(
        shape,
        (rows[inside], slots[inside]),
        campaign_shape(campaign, felt)[inside] * series.slots / SLOTS,
    )
    return shape


def try_case(case: Case) -> Found:
    """The target's days forecast with the campaigns told and without."""
    series, origin = case.series, case.origin
    days = series.days[:origin]
    ahead = day_range(series.days[origin], series.days[origin + TARGET_DAYS - 1])
    countries = () if series.country is None else (series.country,)
    counts = case.counts[:origin]
    off = np.repeat(moved_by_holidays(days, counts, countries)[:, None], series.slots, axis=1)
    moved = moved_by_campaigns(days, case.analogues, series.name, series.zone, series.slots)
    told = History(series.name, days, counts, off | moved)
    untold = History(series.name, days, counts, off)
    uplift = uplift_of(case.target, series.name, lessons_of(told, case.analogues, series.zone))
    shape = _shape(uplift.campaign, series)[origin : origin + TARGET_DAYS]
    with_it = _forecast(
        told, ahead, countries, moved, (1 + uplift.peak * shape, 1 + uplift.mean * shape)
    )
    ones = np.ones_like(shape)
    without = _forecast(untold, ahead, countries, np.zeros_like(moved), (ones, ones))
    felt = _shape(case.target, series)[origin : origin + TARGET_DAYS] >= 0.01
    actual = case.counts[origin : origin + TARGET_DAYS]
    scored = felt & np.isfinite(actual)

    def missed(forecast: Prediction) -> float:
        return float(np.abs(actual - forecast.median)[scored].sum())

    return Found(
        series=series.name,
        analogues=len(case.analogues),
        held=uplift.low <= case.true_uplift <= uplift.high,
        actual=float(actual[scored].sum()),
        missed_with=missed(with_it),
        missed_without=missed(without),
        told_with=float(with_it.mean[scored].sum()),
        told_without=float(without.mean[scored].sum()),
    )


def _forecast(
    history: History,
    ahead: Any,
    countries: Sequence[str],
    moved: Any,
    factors: tuple[Floats, Floats],
) -> Prediction:
    """The engine's forecast of the days, holidays and the campaigns' factors on it.

    factors  of the median and of the mean
    """
    base = Blend().predict(history, ahead)
    holidays = holiday_effect(history, ahead, countries, moved).factor
    median, mean = factors
    return Prediction(base.median * holidays * median, base.mean * holidays * mean)


def rows_of(found: Iterable[Found]) -> list[dict[str, Any]]:
    """A row by series, by number of analogues, and for all."""
    found = list(found)
    by_series, by_analogues = defaultdict(list), defaultdict(list)
    for one in found:
        by_series[one.series].append(one)
        by_analogues[one.analogues].append(one)
    return [
        *(_row(name, "all", by_series[name]) for name in sorted(by_series)),
        *(_row("ALL", str(n), by_analogues[n]) for n in sorted(by_analogues)),
        _row("ALL", "all", found),
    ]


def _row(series: str, analogues: str, found: Sequence[Found]) -> dict[str, Any]:
    """Errors over contacts within a series; each series weighs alike."""
    groups = defaultdict(list)
    for one in found:
        groups[one.series].append(one)

    def shares(figure: str) -> Floats:
        totals = [
            sum(getattr(one, figure) for one in group) / sum(one.actual for one in group)
            for group in groups.values()
        ]
        return np.array(totals)

    with_it, without = shares("missed_with"), shares("missed_without")
    return {
        "series": series,
        "analogues": analogues,
        "campaigns": len(found),
        "held80": round(float(np.mean([one.held for one in found])), 3),
        "wape_with": round(float(with_it.mean()), 3),
        "wape_without": round(float(without.mean()), 3),
        "wape_ratio": round(float(np.exp(np.log(with_it / without).mean())), 3),
        "bias_with": round(float(shares("told_with").mean()) - 1, 3),
        "bias_without": round(float(shares("told_without").mean()) - 1, 3),
    }


def measure(series: Sequence[Series], campaigns: int, seed: int) -> list[Found]:
    """`campaigns` cases spread evenly over the series and the numbers of analogues."""
    found: list[Found] = []
    for i in range(4 * campaigns):
        if len(found) == campaigns:
            break
        rng = np.random.default_rng([seed, i])
        one = series[i % len(series)]
        case = draw_case(one, (i // len(series)) % (MOST_ANALOGUES + 1), rng)
        if case is None:
            continue
        result = try_case(case)
        if result.actual > 0 and result.missed_without > 0:
            found.append(result)
    return found


def main() -> None:
    args = _arguments()
    series = read_folders(args.data)
    wanted = args.campaigns or (QUICK_CAMPAIGNS if args.quick else CAMPAIGNS)
    found = measure(series, wanted, args.seed)
    finish("campaigns", rows_of(found) if found else [], args, campaigns=len(found))


def _arguments() -> argparse.Namespace:
    options = parser(__doc__ or "")
    options.add_argument("--data", type=Path, nargs="+", required=True, metavar="DIR")
    options.add_argument("--campaigns", type=int, metavar="N", help=f"without: {CAMPAIGNS}")
    return options.parse_args()


if __name__ == "__main__":
    main()
