"""How much better the rest of the day is known once part of it was seen, on real series.

    python -m benchmarks.intraday --data DIR... [--quick] [--json FILE] [--seed N]

Each DIR holds `timestamp,value` files and a `series.json` (see `benchmarks.series`). The base is
the engine's forecast made the night before, of ordinary days: no calendar is in it. On every day
of the second half of a series the update is learned from the days before it and applied at several
local times; a ratio is the WAPE of the updated forecast over the WAPE of the base, for the next
four hours and for the rest of the day. The row ALL of a group is the geometric mean over its
series.

A second table takes every spike of a series with what all *other* series teach, and compares ways
to go on after it: ignore it, let it persist, let it die away exponentially, and ours.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import finish, parser
from benchmarks.series import Series, read_folders
from forecasting.engine.blend import Blend
from forecasting.engine.intervals import MEDIAN, learn_bands
from forecasting.grid import Floats
from forecasting.intraday.lessons import LOOK_BACK_DAYS, day_ahead
from forecasting.intraday.spikes import (
    QUIET_H,
    Decay,
    episodes,
    learn_decay,
    onsets,
    running,
    spread_of,
    stands_out,
)
from forecasting.intraday.update import (
    Intraday,
    Outlook,
    learn_intraday,
    reforecast,
)
from forecasting.protocol import History, Prediction
from wfm.frames import QUANTILE_COLUMNS

AT_H = (6, 10, 12, 14, 18)
NEXT_H = 4
QUICK_DAYS = 7
LOW, HIGH = QUANTILE_COLUMNS.index("q10"), QUANTILE_COLUMNS.index("q90")
DECIDED_H = (0.5, 1.0)
JUDGED_H = (4, 8)
# The exponential decay's mean life, fitted to nothing: a usual choice.
MEAN_LIFE_H = 1.5
WAYS = ("ignore", "persist", "exponential", "ours")


@dataclass(frozen=True, eq=False)
class Case:
    """One series with the forecast made on each morning."""

    series: Series
    history: History
    forecast: Prediction


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--data", type=Path, nargs="+", required=True, metavar="DIR")
    args = options.parse_args()
    cases = [case_of(series) for series in read_folders(args.data)]
    rows: list[dict[str, Any]] = []
    begun = time.process_time()
    key = lambda case: (case.series.group, case.series.slots)  # noqa: E731
    for (group, _), members in groupby(sorted(cases, key=key), key=key):
        rows += _group_rows(group, list(members), quick=args.quick)
    spikes = spike_rows(cases)
    seconds = round(time.process_time() - begun, 1)
    finish("intraday", rows, args, days=_span(cases), cpu_s=seconds)
    print()
    _show_spikes(spikes)


def _span(cases: Sequence[Case]) -> str:
    return ", ".join(f"{case.series.name} {len(case.history)}" for case in cases)


def case_of(series: Series) -> Case:
    history = History(
        series.name, series.days, series.counts, np.zeros(series.counts.shape, dtype=bool)
    )
    return Case(series, history, day_ahead(Blend(), history, days=len(history)))


def _group_rows(group: str, cases: Sequence[Case], *, quick: bool) -> list[dict[str, Any]]:
    """A row a series and time, and those of the group."""
    first = min(case.history.days[0] for case in cases)
    last = max(case.history.days[-1] for case in cases)
    tested = np.arange(first + (last - first) // 2, last + np.timedelta64(1, "D"))
    scores: dict[tuple[str, int], list[Score]] = {}
    for day in tested[-QUICK_DAYS:] if quick else tested:
        known = [(case, int((day - case.history.days[0]).astype(int))) for case in cases]
        known = [(case, at) for case, at in known if 0 < at < len(case.history)]
        past = [slice(max(0, at - LOOK_BACK_DAYS), at) for _, at in known]
        model = learn_intraday(
            [
                case.history.until(span.stop).since(span.start)
                for (case, _), span in zip(known, past, strict=True)
            ],
            [
                Prediction(case.forecast.median[span], case.forecast.mean[span])
                for (case, _), span in zip(known, past, strict=True)
            ],
        )
        for case, at in known:
            for hour, score in _day_scores(case, at, model):
                scores.setdefault((case.series.name, hour), []).append(score)
    rows = [
        {"group": group, "series": name, "at": f"{hour:02d}:00", **_total(found)}
        for (name, hour), found in sorted(scores.items())
    ]
    return rows + _together(group, rows)


@dataclass(frozen=True)
class Score:
    """One day at one time: absolute errors of the base and updated; cells in the 80 % bands."""

    base_4h: float
    updated_4h: float
    base_rest: float
    updated_rest: float
    inside_base: int
    inside: int
    cells: int


def _day_scores(case: Case, at: int, model: Intraday) -> Iterator[tuple[int, Score]]:
    base = _outlook(case, at)
    if base is None:
        return
    slots = case.series.slots
    counts = case.history.counts[at - 1 : at + 1]
    for hour in AT_H:
        now = hour * slots // 24
        found = reforecast(model, case.series.name, counts, base, now)
        rest = slice(now, slots)
        near = slice(now, min(slots, now + NEXT_H * slots // 24))
        actual = counts[1]

        def error(median: Floats, span: slice, actual: Floats = actual) -> float:
            return float(np.nansum(np.abs(actual[span] - median[span])))

        def inside(quantiles: Floats, span: slice = near, actual: Floats = actual) -> int:
            low, high = quantiles[span, LOW], quantiles[span, HIGH]
            return int(((actual[span] >= low) & (actual[span] <= high)).sum())

        yield (
            hour,
            Score(
                error(base.median[1], near),
                error(found.median[0], near),
                error(base.median[1], rest),
                error(found.median[0], rest),
                inside(base.quantiles[1]),
                inside(found.quantiles[0]),
                int(np.isfinite(actual[near]).sum()),
            ),
        )


def _outlook(case: Case, at: int) -> Outlook | None:
    """What had been forecast by the morning of the day; None where that was too early."""
    today = slice(at, at + 1)
    median = np.concatenate((case.forecast.median[at - 1 : at, 0], case.forecast.median[today][0]))
    mean = np.concatenate((case.forecast.mean[at - 1 : at, 0], case.forecast.mean[today][0]))
    if not np.isfinite(mean).all():
        return None
    past = case.forecast.median[:at, :1]
    ages = np.arange(at, 0, -1, dtype=float)[:, None]
    usable = np.isfinite(past).all(axis=(1, 2))
    bands = learn_bands(past[usable], case.history.ordinary[:at][usable][:, None], ages[usable])
    if bands is None:
        return None
    quantiles = bands.around(median, np.array([1, 1, 2]))
    return Outlook(mean, quantiles[..., MEDIAN], quantiles)


def _total(scores: Sequence[Score]) -> dict[str, Any]:
    def total(name: str) -> float:
        return float(sum(getattr(score, name) for score in scores))

    def ratio(span: str) -> float:
        # Shut at that time, and known to be: nothing to miss.
        base = total(f"base_{span}")
        return total(f"updated_{span}") / base if base > 0 else 1.0

    return {
        "wape_ratio_4h": ratio("4h"),
        "wape_ratio_rest": ratio("rest"),
        "cov80_4h": total("inside") / max(1.0, total("cells")),
        "cov80_4h_base": total("inside_base") / max(1.0, total("cells")),
        "days": len(scores),
    }


def _together(group: str, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for hour in dict.fromkeys(row["at"] for row in rows):
        same = [row for row in rows if row["at"] == hour]
        means: dict[str, Any] = {
            name: float(np.exp(np.mean([np.log(row[name]) for row in same])))
            for name in ("wape_ratio_4h", "wape_ratio_rest")
        }
        for name in ("cov80_4h", "cov80_4h_base"):
            means[name] = float(np.mean([row[name] for row in same]))
        days = sum(row["days"] for row in same)
        found.append({"group": group, "series": "ALL", "at": hour, **means, "days": days})
    return found


# -- spikes -------------------------------------------------------------------------------------


def spike_rows(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Median WAPE over all spikes of ways to go on, each series judged by what others taught."""
    flat = [_flat(case) for case in cases]
    taught = [
        episodes(*one, per_hour=case.series.slots / 24)
        for case, one in zip(cases, flat, strict=True)
    ]
    found: dict[tuple[float, int], list[list[float]]] = {}
    for i, (case, one) in enumerate(zip(cases, flat, strict=True)):
        others = [episode for j, past in enumerate(taught) if j != i for episode in past]
        for key, errors in _spike_errors(one, case.series.slots / 24, learn_decay(others)):
            found.setdefault(key, []).append(errors)
    return [
        {
            "decided_min": round(decided * 60),
            "next_h": judged,
            "spikes": len(errors),
            **dict(zip(WAYS, np.median(np.array(errors), axis=0).tolist(), strict=True)),
        }
        for (decided, judged), errors in sorted(found.items())
    ]


def _flat(case: Case) -> tuple[Floats, Floats, float]:
    counts, expected = case.history.counts.ravel(), case.forecast.median[:, 0].ravel()
    return counts, expected, spread_of(counts, expected)


def _spike_errors(
    flat: tuple[Floats, Floats, float], per_hour: float, decay: Decay
) -> Iterator[tuple[tuple[float, int], list[float]]]:
    """(decided, judged) hours with the WAPE of each way, spike by spike."""
    counts, expected, spread = flat
    longest = round(max(JUDGED_H) * per_hour)
    for onset in onsets(stands_out(counts, expected, spread), round(QUIET_H * per_hour)):
        for decided in DECIDED_H:
            now = int(onset) + round(decided * per_hour)
            if now + longest > len(counts):
                continue
            ahead_h = np.arange(1, longest + 1) / per_hour
            half = slice(now - max(1, round(0.5 * per_hour)), now)
            level = max(0.0, float(np.nanmean((counts - expected)[half])))
            spike = running(counts[:now], expected[:now], spread, per_hour=per_hour)
            ways = (
                np.zeros(longest),
                np.full(longest, level),
                level * np.exp(-ahead_h / MEAN_LIFE_H),
                np.zeros(longest) if spike is None else decay.remaining(spike, ahead_h),
            )
            for judged in JUDGED_H:
                span = slice(now, now + round(judged * per_hour))
                volume = float(np.nansum(counts[span]))
                if volume <= 0:
                    continue
                missed = [
                    float(np.nansum(np.abs(counts[span] - expected[span] - way[: span.stop - now])))
                    for way in ways
                ]
                yield (decided, judged), [miss / volume for miss in missed]


def _show_spikes(rows: Sequence[dict[str, Any]]) -> None:
    print("spikes: median WAPE of the hours that follow, each series judged by what others taught")
    if not rows:
        print("  none found")
        return
    print("  ".join(name.ljust(11) for name in rows[0]))
    for row in rows:
        print(
            "  ".join(
                (f"{value:.3f}" if isinstance(value, float) else str(value)).ljust(11)
                for value in row.values()
            )
        )


if __name__ == "__main__":
    main()
