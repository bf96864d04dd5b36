"""Whether certificates keep their word: their bands against days drawn from a known truth.

    python -m benchmarks.truth [--quick] [--json FILE] [--seed N]

The sample brand is generated, so what its days are drawn from is known. For each of several
histories of it (a seed and an origin each) a forecast is made; from that the requirement at each
risk level; and the staff is exactly the requirement: whole agents of one queue each, nobody absent.
The certificate of that staff, simulated on the forecast's paths, is then held against days drawn
from the truth of the planned weeks, answered by the same staff.

Two cases: the brand "as set", where occupancy cap, minimum staff and whole agents leave room, and
"bare", five times the contacts without a cap, where the goals alone decide and bad days are bad.

Rows: case, risk, promise, hours, level, certified, p10, p90, true, inside, inside_stated, below,
kept_stated, kept_true, days.

promise        first: first responses of each queue; follow_up: its later replies, within an hour
               where the queue has no goal of its own; all: first responses of all queues together
hours          agent-hours of the requirement, mean of the plans
level          replies due on the true days over those foreseen: 1 where the forecast is right
certified      attainment by certificate; p10 and p90 its bands of days; means weighted by cases
true           attainment on the true days
inside         share of true days whose attainment lies inside the band of its day
inside_stated  the same of the certificate's own runs: .80, or more where many days are alike
below          share of true days below the band: .10 or less is right
kept_stated    chance that a day keeps its share, by the certificate; kept_true: on the true days
days           queue-days of the certificates; each is held against `true_runs` true ones
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.report import arguments, finish
from benchmarks.worlds import (
    ORIGINS,
    Floats,
    Told,
    World,
    days_foreseen,
    days_that_come,
    told_at,
    worlds,
)
from forecasting.scenarios.paths import scenario_paths
from scheduling.queueing.workload import grid_of
from scheduling.requirement import make_requirement
from scheduling.simulation.attainment import ratio_band
from scheduling.simulation.staff import Staff, staff_of_heads
from scheduling.simulation.state import ON_TIME
from scheduling.simulation.trial import Simulation
from wfm.brands import Brand
from wfm.timegrid import INTERVAL_S, intervals, local_day

Wholes = NDArray[np.int64]

RISKS = ("expected", "q80", "q90")
RISK_PATHS = 200
PROMISES = ("first", "follow_up", "all")
HOURS = INTERVAL_S / 3600


@dataclass(frozen=True)
class Scale:
    """How much is measured: histories, weeks planned on each, days drawn for each planned one.

    runs  by the certificate; true_runs by the truth
    """

    histories: int
    weeks: int
    runs: int
    true_runs: int


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the days of one staff were like, of one or more lines.

    on_time, judged  (runs, days, lines) replies
    """

    on_time: Wholes
    judged: Wholes

    @property
    def attainment(self) -> Floats:
        """By run, day and line; NaN where no reply was due."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.on_time / self.judged)


@dataclass(frozen=True, eq=False)
class Verdict:
    """A certificate's days beside true ones of the same plan; share: promised, by line."""

    hours: float
    certified: Outcome
    true: Outcome
    share: Floats


# -- one history -----------------------------------------------------------------------------------


def at_risk(brand: Brand, level: str) -> Brand:
    """The brand planned at a risk level: "expected", or "q80" for the 80 % quantile of days."""
    if level == "expected":
        return replace(brand, planning=replace(brand.planning, risk="expected"))
    quantile = int(level[1:]) / 100
    return replace(brand, planning=replace(brand.planning, risk="day", risk_quantile=quantile))


def requirement_of(told: Told, level: str) -> pd.DataFrame:
    """REQUIREMENT at a risk level."""
    return make_requirement(
        told.forecast.table,
        scenario_paths(told.forecast, count=RISK_PATHS, seed=told.stream("risk")),
        at_risk(told.world.brand, level),
        start=told.start,
        end=told.end,
    ).table


def required_staff(told: Told, requirement: pd.DataFrame) -> Staff:
    """Whole agents of one queue each, as many as required."""
    brand = told.world.brand
    heads = grid_of(requirement, "agents", brand, start=told.start, end=told.end)
    masks = np.array([1 << i for i in range(len(brand.queues))], dtype=np.uint64)
    return staff_of_heads(heads.astype(np.int64), masks)


def verdicts(
    world: World, origin: date, scale: Scale, *, seed: int
) -> dict[tuple[str, str], Verdict]:
    """By risk level and promise, the certificate of a history's plan beside the truth."""
    told = told_at(world, origin, weeks=scale.weeks, seed=seed)
    foreseen, coming = days_foreseen(told, scale.runs), days_that_come(told, scale.true_runs)
    found: dict[tuple[str, str], Verdict] = {}
    for level in RISKS:
        needed = requirement_of(told, level)
        staff = required_staff(told, needed)
        certified, came = foreseen.run(staff), coming.run(staff)
        hours = float(needed["agents"].sum()) * HOURS
        for promise in PROMISES:
            found[level, promise] = verdict_of(certified, came, world.brand, promise, hours)
    return found


def verdict_of(
    certified: Simulation, came: Simulation, brand: Brand, promise: str, hours: float
) -> Verdict:
    """What a staff was certified to do on the days of a plan, and what it did on true ones."""
    lines, together = lines_of(certified, promise), promise == "all"
    share = np.array([certified.lines[i].share for i in lines])
    return Verdict(
        hours,
        by_day(certified, lines, brand, together=together),
        by_day(came, lines, brand, together=together),
        share[:1] if together else share,
    )


def lines_of(simulation: Simulation, promise: str) -> list[int]:
    """Numbers of the lines that count a promise, as PROMISES names them."""
    metric = "next_reply" if promise == "follow_up" else "first_response"
    return [
        i
        for i, line in enumerate(simulation.lines)
        if line.metric == metric and line.goal == "goal"
    ]


def by_day(
    simulation: Simulation, lines: Sequence[int], brand: Brand, *, together: bool = False
) -> Outcome:
    """A simulation's replies of some lines by local day; `together` sums the lines up."""
    days = [local_day(at, brand.tz) for at in intervals(simulation.start, simulation.end)]
    firsts = [i for i in range(len(days)) if i == 0 or days[i] != days[i - 1]]
    counts = np.add.reduceat(simulation.outcomes[:, :, lines, :], firsts, axis=1, dtype=np.int64)
    if together:
        counts = counts.sum(axis=2, keepdims=True)
    return Outcome(counts[:, :, :, ON_TIME], counts.sum(axis=3))


# -- what it comes to ------------------------------------------------------------------------------


def row_of(found: Sequence[Verdict]) -> dict[str, Any]:
    """The figures of the same staffing rule over all histories."""
    parts = [_figures(verdict) for verdict in found]
    weights = np.array([part["cases"] for part in parts])

    def mean(name: str, weight: Floats) -> float:
        return round(float(np.average([part[name] for part in parts], weights=weight)), 4)

    days = np.array([part["days"] for part in parts], dtype=float)
    return {
        "hours": round(float(np.mean([verdict.hours for verdict in found])), 1),
        **{name: mean(name, weights) for name in ("level", "certified", "p10", "p90", "true")},
        **{
            name: mean(name, days)
            for name in ("inside", "inside_stated", "below", "kept_stated", "kept_true")
        },
        "days": int(days.sum()),
    }


def _figures(verdict: Verdict) -> dict[str, float]:
    certified, true = verdict.certified, verdict.true
    _, low, high = ratio_band(certified.on_time, certified.judged)
    cases = certified.judged.mean(axis=0)
    # Days without a reply due on any run have no band.
    has = np.isfinite(low)
    stated, came = certified.attainment, true.attainment
    return {
        "cases": float(cases.sum()),
        "days": float(has.sum()),
        "level": float(
            true.judged.sum(axis=(1, 2)).mean() / certified.judged.sum(axis=(1, 2)).mean()
        ),
        "certified": float(certified.on_time.sum() / certified.judged.sum()),
        "p10": float(np.average(low[has], weights=cases[has])),
        "p90": float(np.average(high[has], weights=cases[has])),
        "true": float(true.on_time.sum() / true.judged.sum()),
        "inside": _share((came >= low) & (came <= high), came),
        "inside_stated": _share((stated >= low) & (stated <= high), stated),
        "below": _share(came < low, came),
        "kept_stated": _share(stated >= verdict.share, stated),
        "kept_true": _share(came >= verdict.share, came),
    }


def _share(holds: NDArray[np.bool_], attainment: Floats) -> float:
    return float(holds[np.isfinite(attainment)].mean())


def measure(world: World, scale: Scale, *, seed: int) -> list[dict[str, Any]]:
    """The rows of a world, one a risk level and promise."""
    found = []
    for number in range(scale.histories):
        print(f"  {world.name}: history {number + 1}", file=sys.stderr, flush=True)
        origin = ORIGINS[number % len(ORIGINS)]
        found.append(verdicts(world, origin, scale, seed=100 * seed + number))
    return [
        {
            "case": world.name,
            "risk": risk,
            "promise": promise,
            **row_of([one[risk, promise] for one in found]),
        }
        for risk in RISKS
        for promise in PROMISES
    ]


def main() -> None:
    args = arguments(__doc__ or "")
    scale = Scale(1, 1, 40, 20) if args.quick else Scale(6, 1, 100, 40)
    rows = [row for world in worlds() for row in measure(world, scale, seed=args.seed)]
    finish("truth", rows, args, **asdict(scale))


if __name__ == "__main__":
    main()
