"""How fast "what if it spikes?" is answered, and repairs ranked, on a roster of 28 days.

    python -m benchmarks.whatif [--agents 150 1000] [--runs N] [--quick] [--json FILE] [--seed N]

The desks of `benchmarks.whatifworld`: 150 agents on 6 queues, 1,000 on 20. A spike of four times
the usual volume for two hours comes at random moments, each on one of the queues that promise
minutes; 50 sampled days. Everything is compiled, and the roster loaded, before the clock starts.

Rows: agents, queues, step, runs, p50_s, p95_s, cpu_s (p50, all threads), candidates (median)

- baseline and scenario    of hours that nobody has asked about before
- another spike            of the same hours, their baseline kept: half as high
- repairs                  candidates found, ranked and put together into the set that restores
  - found, ranked and set  the two parts of it

Table sizes: what was simulated: hours and queues of the window, cases of a day, and how often the
spike broke a promise.

Table agreement: each spike beside full simulations of the 28 days, all queues: inside_band is the
share of the intervals in which the attainment from scratch, on days of another seed and with
nothing of what-if but the surge's shape, lies within the what-if's band (P10 to P90 of the days,
and two standard errors of the difference of two such means); hour_difference is the largest of an
hour's attainment, same_draws that of the 28 days with the what-if's own draws; then the attainment
of the whole window by all three, and how far the one from scratch is off, in standard errors of the
difference.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import numpy as np

from benchmarks.report import finish, parser
from benchmarks.whatifdemand import Floats, days_around
from benchmarks.whatifrota import DAYS, END, START
from benchmarks.whatifworld import World, make_world
from scheduling.simulation.attainment import promise_lines
from scheduling.simulation.simulate import simulate
from scheduling.simulation.state import ON_TIME
from scheduling.simulation.trial import Simulation
from scheduling.whatif.candidates import candidates
from scheduling.whatif.evaluate import evaluate
from scheduling.whatif.playing import answered, prepared
from scheduling.whatif.ranking import ranked_repairs
from scheduling.whatif.results import Evaluation
from scheduling.whatif.scenario import Scenario, Surge
from scheduling.whatif.situation import Situation
from wfm.paths import Paths
from wfm.timegrid import INTERVAL, interval_count

COLUMNS = ("agents", "queues", "step", "runs", "p50_s", "p95_s", "cpu_s", "candidates")
QUEUES = {40: 4, 50: 4, 60: 4, 150: 6, 1000: 20}
# Spikes, and how many of them are played over the whole 28 days; of desks of other sizes fewer.
RUNS, FEW_RUNS = {150: 40, 1000: 12}, 12
AGREEMENTS, FEW_AGREEMENTS = {150: 6, 1000: 2}, 2
QUICK_AGENTS, QUICK_RUNS, QUICK_AGREEMENTS = (40,), 4, 1
REPLICATIONS = 50
FACTOR, LENGTH_MIN, HALF_LIFE_MIN = 4.0, 120, 60.0
BREACHED_MIN = 1.0
HOUR = 4
# Two means of as many days differ by chance as much as one of them errs, times the root of two.
TWO_MEANS, SURE_SE = 2.0**0.5, 2.0
# Room for the desk to recover before the roster ends.
LAST_DAYS = 5

Given = TypeVar("Given")


def queues_of(agents: int) -> int:
    """Queues of a desk of so many agents, where nothing else is said."""
    return QUEUES.get(agents, max(2, min(20, agents // 25)))


def spikes(world: World, runs: int, seed: int) -> Iterator[Scenario]:
    """Spikes at random moments of the roster, each on a queue that promises minutes."""
    rng = np.random.default_rng([seed, 7])
    names = [q.name for q in world.brand.queues if q.channel != "email"]
    for _ in range(runs):
        at = START + int(rng.integers(96, 96 * (DAYS - LAST_DAYS))) * INTERVAL
        queue = str(rng.choice(names))
        surge = Surge(at, LENGTH_MIN, (queue,), FACTOR, half_life_min=HALF_LIFE_MIN)
        yield Scenario(name=f"{queue} {at:%a %H:%M}", surges=(surge,))


def half_as_high(scenario: Scenario) -> Scenario:
    """The same spike with half of what comes beside the usual."""
    (surge,) = scenario.surges
    return replace(scenario, surges=(replace(surge, factor=(1 + surge.factor) / 2),))


# -- times ----------------------------------------------------------------------------------------


class Clock:
    """Seconds of each step, on the clock and of all threads."""

    def __init__(self) -> None:
        self.took: dict[str, list[tuple[float, float]]] = {}

    def time(self, step: str, function: Callable[[], Given]) -> Given:
        wall, cpu = time.perf_counter(), time.process_time()
        given = function()
        took = time.perf_counter() - wall, time.process_time() - cpu
        self.took.setdefault(step, []).append(took)
        return given


@dataclass
class Asked:
    """What came of the spikes of one desk."""

    clock: Clock
    evaluations: list[Evaluation]
    counted: list[int]


def ask(situation: Situation, scenarios: list[Scenario]) -> Asked:
    """Each spike evaluated and repaired, timed."""
    asked = Asked(Clock(), [], [])
    for scenario in scenarios:
        evaluation = asked.clock.time(
            "baseline and scenario",
            partial(evaluate, situation, scenario, replications=REPLICATIONS),
        )
        asked.clock.time(
            "another spike",
            partial(evaluate, situation, half_as_high(scenario), replications=REPLICATIONS),
        )
        asked.evaluations.append(evaluation)
        effect = evaluation.overall
        if effect.breach_min_after - effect.breach_min_before > BREACHED_MIN:
            asked.counted.append(_repaired(situation, evaluation, asked.clock))
    return asked


def _repaired(situation: Situation, evaluation: Evaluation, clock: Clock) -> int:
    """Ranks the repairs of a scenario; how many there are."""
    scenario = evaluation.scenario
    found, refused = clock.time("  found", lambda: candidates(situation, scenario, evaluation))
    clock.time(
        "  ranked and set",
        lambda: ranked_repairs(
            situation, scenario, found, refused=refused, replications=REPLICATIONS
        ),
    )
    parts = [clock.took[step][-1] for step in ("  found", "  ranked and set")]
    clock.took.setdefault("repairs", []).append(
        (sum(p[0] for p in parts), sum(p[1] for p in parts))
    )
    return len(found)


def rows_of(agents: int, queues: int, asked: Asked) -> list[dict[str, Any]]:
    """The rows of a desk."""
    rows = []
    order = ("baseline and scenario", "another spike", "repairs", "  found", "  ranked and set")
    for step in order:
        took = np.array(asked.clock.took.get(step, []))
        if not took.size:
            continue
        p50, p95 = np.quantile(took[:, 0], (0.5, 0.95)).tolist()
        of_repairs = int(np.median(asked.counted)) if step in order[2:] else ""
        told = (agents, queues, step, len(took), p50, p95, float(np.median(took[:, 1])), of_repairs)
        rows.append(dict(zip(COLUMNS, told, strict=True)))
    return rows


def sizes_of(agents: int, world: World, asked: Asked) -> dict[str, Any]:
    """What was simulated."""
    hours = [(e.end - e.start) / timedelta(hours=1) for e in asked.evaluations]
    return {
        "agents": agents,
        "cases_a_day": round(float(world.mean.sum()) / DAYS),
        "hours_p50": float(np.median(hours)),
        "hours_max": max(hours),
        "queues_reached": float(np.mean([len(e.reached) for e in asked.evaluations])),
        "spikes": len(asked.evaluations),
        "broke_a_promise": len(asked.counted),
        "fewest_candidates": min(asked.counted, default=0),
    }


# -- agreement ------------------------------------------------------------------------------------


def agreement(world: World, situation: Situation, evaluation: Evaluation) -> dict[str, Any]:
    """A what-if beside the 28 days simulated with its spike: from scratch, and with its draws."""
    scenario = evaluation.scenario
    window = slice(*(interval_count(START, at) for at in (evaluation.start, evaluation.end)))
    whole = prepared(situation, scenario, START, END, situation.queues, replications=REPLICATIONS)
    sides = (
        from_scratch(world, situation, scenario, seed=situation.seed + 1000),
        answered(whole, situation, scenario),
    )
    scratch, same = ([counts[:, window] for counts in _first_replies(side)] for side in sides)
    table = evaluation.table[evaluation.table["queue"] == ""]
    cases = table["cases_after"].to_numpy()
    ours = table["attainment_after"].to_numpy()
    low, high = (table[f"attainment_after_{side}"].to_numpy() for side in ("low", "high"))
    theirs, error = _with_error(*scratch)
    seen = np.isfinite(ours) & np.isfinite(theirs)
    chance = TWO_MEANS * SURE_SE * error + 1e-9
    inside = (low - chance <= theirs) & (theirs <= high + chance)
    of_hour = _by_hour(np.nan_to_num(ours) * cases) / _by_hour(cases)
    return {
        "agents": len(world.agents),
        "spike": scenario.name,
        "intervals": int(seen.sum()),
        "inside_band": float(inside[seen].mean()),
        "hour_difference": _apart(of_hour, scratch),
        "same_draws": _apart(of_hour, same),
        "what_if": evaluation.overall.attainment_after,
        "from_scratch": float(scratch[0].sum() / scratch[1].sum()),
        "28_days": float(same[0].sum() / same[1].sum()),
        "in_errors": _in_errors(same, scratch),
    }


def _by_hour(values: Floats) -> Floats:
    """Sums of hours, over the last axis."""
    hours = np.arange(0, values.shape[-1], HOUR)
    return np.asarray(np.add.reduceat(values, hours, axis=-1))


def _apart(of_hour: Floats, counts: list[Floats]) -> float:
    """Largest difference of an hour's attainment."""
    theirs, _ = _with_error(*map(_by_hour, counts))
    return float(np.nanmax(np.abs(of_hour - theirs)))


def _in_errors(one: list[Floats], other: list[Floats]) -> float:
    """How far the attainments of all the hours lie apart, in standard errors of the difference."""
    sides = (one, other)
    found = [_with_error(*(n.sum(axis=1, keepdims=True) for n in counts)) for counts in sides]
    (first, error), (second, other_error) = found
    return float((np.abs(first - second) / np.maximum(np.hypot(error, other_error), 1e-9))[0])


def from_scratch(
    world: World, situation: Situation, scenario: Scenario, *, seed: int
) -> Simulation:
    """The 28 days with the scenario's spikes, all queues: of what-if nothing but their shape."""
    names = tuple(q.name for q in world.brand.queues)
    contacts = days_around(world.mean, REPLICATIONS, seed)
    rng = np.random.default_rng([seed, 5])
    for surge in scenario.surges:
        shape = np.array([surge.shape(START + n * INTERVAL) for n in range(contacts.shape[1])])
        for q in (names.index(name) for name in surge.queues):
            contacts[:, :, q] += rng.poisson((surge.factor - 1.0) * shape * contacts[:, :, q])
    return simulate(
        situation.on_shift,
        world.forecast,
        Paths(START, names, contacts),
        world.brand,
        start=START,
        end=END,
        seed=seed,
    )


def _first_replies(simulation: Simulation) -> tuple[Floats, Floats]:
    """In time and judged, (paths, intervals), all queues."""
    lines = promise_lines(simulation.lines)
    outcomes = simulation.outcomes[:, :, lines, :].sum(axis=2, dtype=np.int64)
    return outcomes[:, :, ON_TIME].astype(float), outcomes.sum(axis=2).astype(float)


def _with_error(on_time: Floats, judged: Floats) -> tuple[Floats, Floats]:
    """Attainment over the paths and its standard error, by interval; NaN without cases."""
    with np.errstate(invalid="ignore"):
        share = on_time.sum(axis=0) / judged.sum(axis=0)
        off = on_time - share * judged
        error = np.sqrt((off**2).sum(axis=0)) / judged.sum(axis=0)
    return share, error


def main() -> None:
    shared = parser(__doc__ or "")
    shared.add_argument("--agents", type=int, nargs="+", default=[*RUNS], metavar="N")
    shared.add_argument("--runs", type=int, metavar="N", help="spikes on each desk")
    args = shared.parse_args()
    rows: list[dict[str, Any]] = []
    sizes: list[dict[str, Any]] = []
    agreements: list[dict[str, Any]] = []
    for agents in QUICK_AGENTS if args.quick else args.agents:
        queues = queues_of(agents)
        runs = args.runs or (QUICK_RUNS if args.quick else RUNS.get(agents, FEW_RUNS))
        world = make_world(agents, queues, seed=args.seed)
        situation = world.situation(paths=REPLICATIONS)
        warm, *scenarios = spikes(world, runs + 1, args.seed)
        ask(situation, [warm])
        print(f"  {agents} agents, {queues} queues: {runs} spikes", file=sys.stderr, flush=True)
        asked = ask(situation, scenarios)
        rows += rows_of(agents, queues, asked)
        sizes.append(sizes_of(agents, world, asked))
        tried = QUICK_AGREEMENTS if args.quick else AGREEMENTS.get(agents, FEW_AGREEMENTS)
        agreements += [agreement(world, situation, e) for e in asked.evaluations[:tried]]
    finish(
        "whatif",
        rows,
        args,
        tables={"sizes": sizes, "agreement": agreements},
        replications=REPLICATIONS,
    )


if __name__ == "__main__":
    main()
