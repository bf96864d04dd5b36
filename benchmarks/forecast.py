"""Accuracy, calibration and cost of the engine beside its peers, from rolling origins.

    python -m benchmarks.forecast --data DIR... [--methods NAME...] [--horizons 1 7] [--origins N]
                                  [--quick] [--json FILE] [--seed N]

Each DIR holds files of `timestamp,value` and a `series.json`:

    {"FILE": {"zone": "Europe/London", "country": "GB", "group": "calls", "floor": "5min",
              "ambiguous": "first", "open": {"days": [0, 1, 2, 3, 4], "from": "07:00",
              "to": "21:00"}}}

`country`, `group`, `floor`, `ambiguous` may be left out; `open` is null for round the clock.

Rows: group, series, method, horizon_days, rel_wape, mase, pinball_ratio, cov80, cov95, cpu_s; a row
for each series, and one with series = ALL for the group.

Origins are local midnights of open days, evenly spread from four weeks or half of the history (the
later) to the last with a whole horizon. `horizon_days` counts calendar days; only open intervals
with a known count are scored. Forecasts are clipped at 0, and the point is the median.

rel_wape       sum of absolute errors over all origins, over the weekly naive's
mase           mean absolute error over the past's mean change from week to week
pinball_ratio  mean loss of the quantiles .1 .5 .9 .95, over the weekly naive's
cov80, cov95   share of intervals between the quantiles .1 and .9, .025 and .975
cpu_s          CPU seconds a series took for all its origins, all threads and processes

ALL: geometric mean over the series of the ratios, median of mase, mean of the rest.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.conformal import LEVELS, Floats
from benchmarks.forecast_peers import METHODS, Method
from benchmarks.origins import LEAST_DAYS, WEEK, Answer, Past, choose_origins, past_at
from benchmarks.report import finish, parser
from benchmarks.series import Series, read_folders
from forecasting.grid import as_date
from wfm.errors import DataError, WfmError

NAIVE = "snaive_week"
QUICK_METHODS = ("ours", "snaive_week", "snaive_day", "dhr")
QUICK_ORIGINS = 4
HORIZONS = (1, WEEK)
COLUMNS = (
    "group",
    "series",
    "method",
    "horizon_days",
    "rel_wape",
    "mase",
    "pinball_ratio",
    "cov80",
    "cov95",
    "cpu_s",
)
PINBALL_LEVELS = (0.10, 0.50, 0.90, 0.95)


@dataclass
class Tally:
    """What a method missed on one series within one horizon, origin by origin."""

    error: float = 0.0
    actual: float = 0.0
    pinball: float = 0.0
    mase: list[float] = field(default_factory=list)
    within80: int = 0
    within95: int = 0
    intervals: int = 0

    def add(self, answer: Floats, actual: Floats, scale: float | None) -> None:
        """Score quantiles (intervals, levels) against the counts that came."""
        if not len(actual):
            return
        column = {level: answer[:, i] for i, level in enumerate(LEVELS)}
        miss = np.abs(actual - column[0.5])
        self.error += float(miss.sum())
        self.actual += float(actual.sum())
        for level in PINBALL_LEVELS:
            under = actual - column[level]
            self.pinball += float(np.maximum(level * under, (level - 1) * under).sum())
        if scale:
            self.mase.append(float(miss.mean()) / scale)
        self.within80 += int(((actual >= column[0.10]) & (actual <= column[0.90])).sum())
        self.within95 += int(((actual >= column[0.025]) & (actual <= column[0.975])).sum())
        self.intervals += len(actual)


def evaluate(
    series: Sequence[Series],
    methods: Sequence[str],
    horizons: Sequence[int] = HORIZONS,
    origins: int | None = None,
    seed: int = 1,
) -> list[dict[str, Any]]:
    """The benchmark's rows; `origins` a series, without: enough for 24 in each group.

    A series too short for an origin has no rows. Raises DataError for an unknown method or one that
    gives no number, ImportError for one whose library is missing.
    """
    unknown = [name for name in methods if name not in METHODS]
    if unknown:
        raise DataError(f"no method {', '.join(unknown)}; there are {', '.join(METHODS)}")
    rows = []
    for members in _groups(series).values():
        chosen = choose_origins(members, max(horizons), origins)
        long_enough = [one for one in members if chosen[one.name]]
        if not long_enough:
            continue
        rows += _evaluate_group(
            long_enough,
            chosen,
            methods=tuple(dict.fromkeys(methods)),
            horizons=sorted(set(horizons)),
            seed=seed,
        )
    return rows


def _groups(series: Iterable[Series]) -> dict[str, list[Series]]:
    groups = defaultdict(list)
    for one in series:
        groups[one.group].append(one)
    return groups


def _evaluate_group(
    members: Sequence[Series],
    chosen: Mapping[str, Sequence[int]],
    *,
    methods: Sequence[str],
    horizons: Sequence[int],
    seed: int,
) -> list[dict[str, Any]]:
    pasts = _by_date(members, chosen, max(horizons))
    scores = {
        name: _run(METHODS[name], pasts, horizons, seed)
        for name in dict.fromkeys((NAIVE, *methods))
    }
    rows = []
    for name in methods:
        for horizon in horizons:
            own = [_row(one, horizon, scores[name], scores[NAIVE]) for one in members]
            rows += [*own, _all(own)]
    return rows


def _by_date(
    members: Sequence[Series], chosen: Mapping[str, Sequence[int]], horizon: int
) -> list[list[Past]]:
    """The pasts of the group, those of one date together, in order of dates."""
    dates = defaultdict(list)
    for one in members:
        for origin in chosen[one.name]:
            dates[one.days[origin]].append(past_at(one, origin, horizon))
    return [dates[day] for day in sorted(dates)]


@dataclass(frozen=True)
class Scores:
    """A method's tallies by series and horizon, and its CPU seconds by series."""

    method: str
    tallies: dict[tuple[str, int], Tally]
    cpu_s: dict[str, float]


def _run(
    method: Method, pasts: Sequence[Sequence[Past]], horizons: Sequence[int], seed: int
) -> Scores:
    scores = Scores(method.name, defaultdict(Tally), defaultdict(float))
    method.load()
    told = f"{pasts[0][0].series.group}: {method.name}"
    for i, together in enumerate(pasts):
        _tell(f"{told}, day {i + 1} of {len(pasts)}")
        seen = [past.last(method.window) if method.window else past for past in together]
        began = cpu_seconds()
        answers = method.run(seen, seed)
        spent = (cpu_seconds() - began) / len(together)
        for past, answer in zip(together, answers, strict=True):
            scores.cpu_s[past.series.name] += spent
            _score(past, answer, horizons, scores)
    _tell(f"{told}, {sum(scores.cpu_s.values()):.1f} s of CPU", end="\n")
    return scores


def _score(past: Past, answer: Answer, horizons: Sequence[int], scores: Scores) -> None:
    if not np.isfinite(answer.quantiles[past.open_ahead]).all():
        raise DataError(
            f"{scores.method} gave no number for {past.series.name} from {past.ahead[0]} on; "
            "leave it out with --methods"
        )
    series, origin = past.series, len(past.days)
    scale = _weekly_step(past.counts)
    for horizon in horizons:
        ahead = slice(origin, origin + horizon)
        actual = series.counts[ahead]
        scored = np.isfinite(actual) & series.open[ahead]
        quantiles = np.maximum(answer.quantiles[:horizon][scored], 0.0)
        scores.tallies[series.name, horizon].add(quantiles, actual[scored], scale)


def _weekly_step(counts: Floats) -> float | None:
    """Mean absolute change from a week before."""
    steps = np.abs(counts[WEEK:] - counts[:-WEEK])
    return float(np.nanmean(steps)) if np.isfinite(steps).any() else None


def cpu_seconds() -> float:
    """CPU of this process, all its threads, and the processes it has waited for."""
    spent = os.times()
    return time.process_time() + spent.children_user + spent.children_system


def _row(series: Series, horizon: int, scores: Scores, naive: Scores) -> dict[str, Any]:
    own, theirs = (one.tallies[series.name, horizon] for one in (scores, naive))
    return {
        "group": series.group,
        "series": series.name,
        "method": scores.method,
        "horizon_days": horizon,
        "rel_wape": _ratio(own.error, theirs.error),
        "mase": _rounded(float(np.mean(own.mase))) if own.mase else None,
        "pinball_ratio": _ratio(own.pinball, theirs.pinball),
        "cov80": _ratio(own.within80, own.intervals),
        "cov95": _ratio(own.within95, own.intervals),
        "cpu_s": _rounded(scores.cpu_s[series.name]),
    }


def _ratio(part: float, whole: float) -> float | None:
    """Undefined over nothing: a naive that never missed cannot be compared with."""
    return _rounded(part / whole) if whole > 0 else None


def _rounded(value: float) -> float:
    return round(value, 5)


def _all(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The group's row."""

    def over(column: str, average: Any) -> float | None:
        values = [row[column] for row in rows if row[column] is not None]
        return _rounded(float(average(values))) if values else None

    return {
        **rows[0],
        "series": "ALL",
        "rel_wape": over("rel_wape", _geometric),
        "mase": over("mase", np.median),
        "pinball_ratio": over("pinball_ratio", _geometric),
        "cov80": over("cov80", np.mean),
        "cov95": over("cov95", np.mean),
        "cpu_s": over("cpu_s", np.mean),
    }


def _geometric(values: Sequence[float]) -> float:
    return float(np.exp(np.mean(np.log(np.maximum(values, 1e-9)))))


def _tell(text: str, end: str = "") -> None:
    """A line that the next one overwrites on a terminal; elsewhere only those that end."""
    if sys.stderr.isatty():
        print(f"\r\033[K  {text}", end=end, file=sys.stderr, flush=True)
    elif end:
        print(f"  {text}", end=end, file=sys.stderr, flush=True)


def origins_told(
    series: Sequence[Series], horizons: Sequence[int], origins: int | None
) -> dict[str, str]:
    """By group: how many origins each series has, and the dates of the first and the last."""
    told = {}
    for group, members in _groups(series).items():
        chosen = choose_origins(members, max(horizons), origins)
        counts = " or ".join(map(str, sorted({len(days) for days in chosen.values()})))
        dates = [one.days[day] for one in members for day in chosen[one.name]]
        span = f"{as_date(min(dates))} to {as_date(max(dates))}" if dates else "none"
        told[group] = f"{len(members)} series x {counts} origins = {len(dates)}, {span}"
    return told


def options() -> argparse.Namespace:
    given = parser(__doc__ or "")
    given.add_argument("--data", type=Path, nargs="+", required=True, metavar="DIR")
    given.add_argument("--methods", nargs="+", choices=METHODS, metavar="NAME", help=_METHODS_HELP)
    given.add_argument("--horizons", type=_days, nargs="+", default=HORIZONS, metavar="DAYS")
    given.add_argument("--origins", type=_days, metavar="N", help="origins a series")
    return given.parse_args()


_METHODS_HELP = f"of {', '.join(METHODS)}; all without, with --quick {', '.join(QUICK_METHODS)}"


def _days(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def usable(names: Sequence[str]) -> list[str]:
    """The methods whose libraries can be imported; says which cannot, and why."""
    found = []
    for name in names:
        try:
            METHODS[name].load()
        except ImportError as fault:
            print(f"{name} is left out: {fault}", file=sys.stderr)
        else:
            found.append(name)
    return found


def history_of(names: Sequence[str]) -> dict[str, str]:
    """By method: how much of the past it learns from, and whether it has the calendar."""
    return {
        name: f"{METHODS[name].window or 'all'} days"
        f"{', calendar' if METHODS[name].calendar else ''}"
        for name in names
    }


def main() -> None:
    args = options()
    series = read_folders(args.data)
    origins = args.origins or (QUICK_ORIGINS if args.quick else None)
    names = usable(args.methods or (QUICK_METHODS if args.quick else tuple(METHODS)))
    told = origins_told(series, args.horizons, origins)
    try:
        rows = evaluate(series, names, args.horizons, origins, args.seed)
    except WfmError as fault:
        sys.exit(str(fault))
    if not rows:
        sys.exit(
            f"no series is long enough: an origin takes {LEAST_DAYS} days before it and "
            f"{max(args.horizons)} known days after it"
        )
    finish("forecast", rows, args, origins=told, history=history_of(names))


if __name__ == "__main__":
    main()
