"""What it costs to forecast many series at once: CPU and memory as the number of series grows.

    python -m benchmarks.batch [--quick] [--json FILE] [--seed N]

Synthetic series of eight weeks in quarters of an hour, two weeks forecast with quantiles; from one
contact a quarter to hundreds, overdispersed, some shut at night, some with gaps.

Rows: method, series, weeks, cpu_s, peak_mb, ms_per_series, measured. Each row is a process of its
own; libraries are loaded before the clock starts, and peak_mb is all the process ever held. Peers
forecast one series at a time, so they run on `measured` series and their cpu_s is extrapolated.
`--quick` leaves out 1,000 series and measures peers on one.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from benchmarks.conformal import Floats
from benchmarks.forecast import cpu_seconds
from benchmarks.forecast_peers import METHODS
from benchmarks.origins import Past
from benchmarks.report import arguments, finish
from benchmarks.series import Series

COLUMNS = ("method", "series", "weeks", "cpu_s", "peak_mb", "ms_per_series", "measured")
SIZES = (100, 300, 1000)
PEERS = ("prophet", "mstl", "dhr")
PEER_SERIES = 3
PEER_OF = 100
WEEKS = 8
DAYS = 7 * WEEKS
AHEAD_DAYS = 14
SLOTS = 96
FIRST_DAY = np.datetime64("2026-01-05")


def synthetic(series: int, seed: int) -> Floats:
    """Counts (series, days, slots) of queues of many kinds; NaN where missing."""
    random = np.random.default_rng(seed)
    counts = np.empty((series, DAYS, SLOTS))
    hour = np.arange(SLOTS) * 24 / SLOTS
    for i in range(series):
        level = 10 ** random.uniform(0.0, 2.5)
        peak = random.uniform(10, 18)
        shape = np.exp(random.uniform(0.5, 2.0) * np.cos((hour - peak) * 2 * np.pi / 24))
        weekday = np.tile(np.append(np.ones(5), random.uniform(0.4, 1.1, 2)), WEEKS)
        busy = np.exp(np.cumsum(random.normal(0, 0.02, DAYS)) + random.normal(0, 0.1, DAYS))
        mean = level * shape / shape.mean() * (weekday * busy)[:, None]
        if i % 4 == 0:
            mean[:, (hour < 7) | (hour >= 21)] = 0.0
        spread = random.uniform(1.5, 10.0)
        # Negative binomial: variance is `spread` times the mean.
        counts[i] = random.poisson(random.gamma(mean / (spread - 1) + 1e-12, spread - 1))
        if i % 10 == 0:
            counts[i, random.integers(DAYS), :48] = np.nan
    return counts


def engine(series: int, seed: int) -> dict[str, Any]:
    """The row of the engine on that many series."""
    from forecasting.engine.blend import forecast_panels
    from wfm.frames import QUANTILES

    # The first call of a library's inner parts pays for loading them.
    few = synthetic(2, seed)
    list(forecast_panels(few, np.zeros(few.shape, dtype=bool), AHEAD_DAYS))
    counts = synthetic(series, seed)
    shape = (series, AHEAD_DAYS, SLOTS)
    mean, quantiles = np.empty(shape), np.empty((*shape, len(QUANTILES)))
    began, done = cpu_seconds(), 0
    for found in forecast_panels(counts, np.zeros(counts.shape, dtype=bool), AHEAD_DAYS):
        upto = slice(done, done + len(found.mean))
        mean[upto], quantiles[upto] = found.mean, found.quantiles()
        done = upto.stop
    return _row("ours", series, series, cpu_seconds() - began)


def peer(name: str, measured: int, seed: int) -> dict[str, Any]:
    """The row of a peer, from a few series for `PEER_OF`."""
    method = METHODS[name]
    method.load()
    pasts = [_past(counts, i) for i, counts in enumerate(synthetic(measured, seed))]
    began = cpu_seconds()
    method.run(pasts, seed)
    spent = (cpu_seconds() - began) * PEER_OF / measured
    return _row(name, PEER_OF, measured, spent)


def _past(counts: Floats, number: int) -> Past:
    days = FIRST_DAY + np.arange(DAYS + AHEAD_DAYS)
    doors = np.ones((len(days), SLOTS), dtype=bool)
    series = Series(
        f"series {number}", "batch", ZoneInfo("UTC"), None, days[:DAYS], counts, doors[:DAYS], 15
    )
    return Past(
        series=series,
        days=days[:DAYS],
        counts=counts,
        open=doors[:DAYS],
        holidays=np.zeros(DAYS, dtype=bool),
        ahead=days[DAYS:],
        open_ahead=doors[DAYS:],
        holidays_ahead=np.zeros(AHEAD_DAYS, dtype=bool),
    )


def _row(method: str, series: int, measured: int, cpu_s: float) -> dict[str, Any]:
    # Linux tells kibibytes, macOS bytes.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    per_series = round(1000 * cpu_s / series, 3)
    told = (method, series, WEEKS, round(cpu_s, 3), round(peak_mb, 1), per_series, measured)
    return dict(zip(COLUMNS, told, strict=True))


def main() -> None:
    args = arguments(__doc__ or "")
    sizes = SIZES[:2] if args.quick else SIZES
    measured = 1 if args.quick else PEER_SERIES
    jobs: list[tuple[Callable[..., dict[str, Any]], tuple[Any, ...]]] = [
        *((engine, (size, args.seed)) for size in sizes),
        *((peer, (name, measured, args.seed)) for name in PEERS),
    ]
    rows = []
    # A process each: memory that one gave back would hide what the next one needs.
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for function, given in jobs:
            print(f"  {function.__name__} {given[0]}", file=sys.stderr, flush=True)
            rows.append(pool.apply(function, given))
    finish(
        "batch",
        rows,
        args,
        horizon_days=AHEAD_DAYS,
        peers=f"extrapolated to {PEER_OF} series from {measured}",
    )


if __name__ == "__main__":
    main()
