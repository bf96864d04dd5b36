"""What it costs to keep a 15-minute promise in every quarter of an hour, by method of staffing.

    python -m benchmarks.staffing [--quick] [--json FILE] [--seed N]

The day of `benchmarks.reference_day`, at a tenth of its size, as it is and ten times as large.
90 % of first replies within 15 minutes, in every interval; no cap on occupancy, no shrinkage.

- sipp_erlang_c  each interval alone, Erlang C with the time to write the reply
- sipp_erlang_a  the same, customers giving up after four hours on average
- fluid          the workload in whole agents
- mol            modified offered load
- lagged_mol     the same, half the promise later
- ours           lagged_mol, then trimmed by simulation on days that no row is judged on

Rows: scale, method, hours, hours_over_bound, worst_interval, bad_intervals, replications. The bound
is the workload with at least one agent (`reference_day.bound_h`); an interval is bad when less than
89.5 % is estimated, the worst one is given. All methods of a scale are judged on the same fresh
days. `--quick` trims less and judges on fewer days.

Table two_classes, at scale 1: cases with follow-ups (3 min, then 2 min with chance .6 after some
20 min of thinking), first replies promised within 15 and follow-ups within 60 minutes, 90 % each.
Erlang C per interval and the requirement of the product, each with messages answered as they come
("fifo") and in the live queue's order.
Attainment of the day with its 95 % confidence interval, and of the worst interval with its own.

Table shifts, at scale 1: paid hours of shifts that cover the requirement, and of those that the
search by simulation leaves (`benchmarks.shift_cost`), over a bound that no shifts can beat.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks import reference_day as day
from benchmarks import shift_cost
from benchmarks.report import finish, parser
from scheduling.queueing.abandonment import agents_for_impatient
from scheduling.queueing.erlang import Floats, Sizing, Wholes, agents_for
from scheduling.requirement import make_requirement
from scheduling.simulation.trial import Order
from scheduling.trim import takes, trim
from wfm.paths import Paths
from wfm.sla import Duration, ServiceGoal, WorkLaw

COLUMNS = (
    "scale",
    "method",
    "hours",
    "hours_over_bound",
    "worst_interval",
    "bad_intervals",
    "replications",
)
SCALES = {"small": 0.1, "medium": 1.0, "large": 10.0}
# Days to trim on, and to judge on: a tenth of the cases wants ten times the days. Judged ones come
# in batches, so that memory stays small.
TRAINED = {"small": 4000, "medium": 1600, "large": 200}
FRESH = {"small": 20_000, "medium": 4000, "large": 800}
TRAINED_QUICK = {"small": 1500, "medium": 200, "large": 40}
FRESH_QUICK = {"small": 10_000, "medium": 1000, "large": 200}
BATCH = {"small": 5000, "medium": 500, "large": 50}
# Trained above the promise: the fewer the days, the more of it is lost on fresh ones.
TARGET = {"small": 0.91, "medium": 0.92, "large": 0.91}
TARGET_QUICK = {"small": 0.92, "medium": 0.94, "large": 0.955}
BAD_BELOW = 0.895

FOLLOWED_UP = WorkLaw(
    first_touch=Duration(180.0, 0.5),
    follow_up=Duration(120.0, 0.5),
    continue_p=0.6,
    think=Duration(1200.0, 1.0),
)
FOLLOW_UPS = ServiceGoal("next_reply", 3600, 0.90, "interval")
FRESH_CLASSES, FRESH_CLASSES_QUICK = 800, 200
# Two-sided 95 % of a normal.
Z95 = 1.96


def seed_of(seed: int, *purpose: int) -> int:
    """A seed for each purpose, so that no day that was trained on is judged on."""
    return int(np.random.SeedSequence([seed, *purpose]).generate_state(1)[0])


def sized(load: Floats, fewest: Callable[..., Sizing] = agents_for) -> Wholes:
    """The fewest agents with whom a load keeps the promise."""
    return fewest(
        load,
        service_s=day.MEAN_S,
        first_touch=day.TOUCH,
        threshold_s=day.GOAL.threshold_s,
        share=day.GOAL.share,
    ).agents


def formulas(scale: float) -> dict[str, Wholes]:
    """Agents per interval by each method that needs no simulation."""
    alone = day.workload(scale)
    return {
        "sipp_erlang_c": sized(alone),
        "sipp_erlang_a": sized(alone, agents_for_impatient),
        "fluid": np.ceil(alone).astype(np.int64),
        "mol": sized(day.offered(scale)),
        "lagged_mol": sized(day.lagged(scale)),
    }


def trimmed(agents: Wholes, name: str, *, seed: int, quick: bool) -> Wholes:
    """The agents left of `agents` where simulated days keep the promise without the others."""
    scale, days = SCALES[name], (TRAINED_QUICK if quick else TRAINED)[name]
    trial = day.one_answer_days(scale, replications=days, seed=seed)
    target = (TARGET_QUICK if quick else TARGET)[name]
    # Agents who are moved, not only taken, save next to nothing on larger desks.
    changes = takes(agents) if quick or scale >= 1 else None
    return trim(agents, day.judge_on(trial), target, changes=changes).agents


def rows_of(name: str, *, seed: int, quick: bool) -> list[dict[str, Any]]:
    """The rows of a scale."""
    scale, number = SCALES[name], list(SCALES).index(name)
    staffed = formulas(scale)
    staffed["ours"] = trimmed(
        staffed["lagged_mol"], name, seed=seed_of(seed, number, 0), quick=quick
    )
    replications = (FRESH_QUICK if quick else FRESH)[name]
    on_time = dict.fromkeys(staffed, np.zeros(day.INTERVALS, np.int64))
    judged = np.zeros(day.INTERVALS, np.int64)
    batch = min(BATCH[name], replications)
    for first in range(0, replications, batch):
        trial = day.one_answer_days(scale, replications=batch, seed=seed_of(seed, number, 1, first))
        for method, agents in staffed.items():
            (line,) = day.answered(trial, agents)
            on_time[method] = on_time[method] + line.on_time.sum(axis=0)
        judged += line.judged.sum(axis=0)
    found = []
    for method, agents in staffed.items():
        attained = on_time[method] / judged
        hours = float(agents.sum() * day.HOURS)
        told = (
            name,
            method,
            hours,
            round(hours / day.bound_h(scale), 4),
            round(float(attained.min()), 4),
            int((attained < BAD_BELOW).sum()),
            replications,
        )
        found.append(dict(zip(COLUMNS, told, strict=True)))
    return found


# -- two classes of deadlines ---------------------------------------------------------------------


def required(method: str) -> Wholes:
    """Agents per interval that the product's requirement asks for with follow-ups."""
    brand = day.desk(FOLLOWED_UP, (day.GOAL, FOLLOW_UPS))
    # The day as it is expected is the day that is planned for.
    brand = replace(brand, planning=replace(brand.planning, risk_quantile=0.5))
    mean = np.round(day.contacts())
    paths = Paths(day.START, (day.QUEUE,), mean.astype(np.int64)[None, :, None])
    table = make_requirement(
        day.known(brand, mean, day.START), paths, brand, start=day.START, end=day.END, method=method
    ).table
    return table["agents"].to_numpy()


def two_classes(*, seed: int, quick: bool) -> list[dict[str, Any]]:
    """Each requirement under both orders."""
    mean, days = np.round(day.contacts()), FRESH_CLASSES_QUICK if quick else FRESH_CLASSES
    brand = day.desk(FOLLOWED_UP, (day.GOAL, FOLLOW_UPS))

    staffed = {"erlang_c": required("erlang_c"), "ours": required("lagged_mol")}
    orders: tuple[Order, ...] = ("fifo", "live")
    found = []
    for order in orders:
        trial = day.sampled_days(
            brand, mean, replications=days, seed=seed_of(seed, len(SCALES)), order=order
        )
        for method, agents in staffed.items():
            first, follow = day.answered(trial, agents)
            row = {"requirement": method, "order": order, "hours": float(agents.sum() * day.HOURS)}
            row |= _estimates("first_in_15", first) | _estimates("follow_up_in_60", follow)
            found.append(row | {"replications": days})
    return found


def _estimates(name: str, line: day.Judged) -> dict[str, Any]:
    """Attainment of the day and of its worst interval, each with half its confidence interval."""
    worst = int(line.attainment.argmin())
    whole = _with_error(line.on_time.sum(axis=1), line.judged.sum(axis=1))
    least = _with_error(line.on_time[:, worst], line.judged[:, worst])
    return {
        name: whole[0],
        f"{name}_pm": whole[1],
        f"{name}_worst": least[0],
        f"{name}_worst_pm": least[1],
        f"{name}_bad": int((line.attainment < BAD_BELOW).sum()),
    }


def _with_error(on_time: Wholes, judged: Wholes) -> tuple[float, float]:
    """Ratio of sums over replications, and half the width of its 95 % confidence interval.

    Cases of a day share its luck; the days are what is independent.
    """
    ratio = on_time.sum() / judged.sum()
    error = np.sqrt(((on_time - ratio * judged) ** 2).sum()) / judged.sum()
    return round(float(ratio), 4), round(float(Z95 * error), 4)


# -- shifts ---------------------------------------------------------------------------------------


def on_shifts(*, seed: int, quick: bool) -> list[dict[str, Any]]:
    """Paid hours over the bound of shifts, at scale 1; see `shift_cost`."""
    staffed = formulas(1.0)
    needs = {"erlang_c": staffed["sipp_erlang_c"], "lagged_mol": staffed["lagged_mol"]}
    rows = []
    for number, kind in enumerate(shift_cost.SHIFTS):
        rows += shift_cost.rows_of(
            kind,
            needs,
            scale=1.0,
            train=(300 if quick else 1200, seed_of(seed, 8, number)),
            fresh=(400 if quick else 1600, seed_of(seed, 9, number)),
            quick=quick,
        )
        print(f"  shifts of {kind}", file=sys.stderr, flush=True)
    return rows


def main() -> None:
    args = parser(__doc__ or "").parse_args()
    begun = time.process_time()
    rows: list[dict[str, Any]] = []
    for name in SCALES:
        rows += rows_of(name, seed=args.seed, quick=args.quick)
        spent = time.process_time() - begun
        print(f"  {name}: {spent:.0f} s of CPU so far", file=sys.stderr, flush=True)
    classes = two_classes(seed=args.seed, quick=args.quick)
    shifts = on_shifts(seed=args.seed, quick=args.quick)
    finish(
        "staffing",
        rows,
        args,
        tables={"two_classes": classes, "shifts": shifts},
        bound_h={name: round(day.bound_h(scale), 1) for name, scale in SCALES.items()},
        workload_h={
            name: round(float(day.workload(scale).sum() * day.HOURS), 1)
            for name, scale in SCALES.items()
        },
        cpu_s=round(time.process_time() - begun, 1),
    )


if __name__ == "__main__":
    main()
