"""Is the repair that is ranked first truly among the best three?

    python -m benchmarks.whatiftruth [--scenarios 50] [--agents 50] [--quick] [--json FILE]

Random scenarios on the desk of `benchmarks.whatifworld`: spikes of one or two queues, people
absent, slower handling, and mixtures of them, each breaking a promise. The product ranks its
repairs on the situation's 50 sampled days. Then every candidate is simulated alone, on 500 days of
a seed of their own, on one window that all of them share, and the truth is the order by
breach-minutes avoided per hour of effort there.

Rows: scenario, breach_min (on the fresh days), candidates, first, true_rank, best, lost_min (what
the effort that went into the first would have avoided more in the true best), lost_share (of what
it would have avoided there), paid_rank (of the repairs that add paid hours, the true rank of the
one ranked first of them; 0 without any). Table share: how many ranked first are among the true
three best, of all and of those that add paid hours.

With `--json FILE` each scenario is kept as soon as it is judged, and a run that is begun again
goes on from there. Two processes.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import finish, parser
from benchmarks.whatif import LAST_DAYS, queues_of
from benchmarks.whatifdemand import Floats
from benchmarks.whatifrota import DAYS, START
from benchmarks.whatifworld import World, make_world
from scheduling.simulation.trial import Trial
from scheduling.whatif.candidates import candidates
from scheduling.whatif.evaluate import evaluate, played
from scheduling.whatif.measures import breach_min, counts_of
from scheduling.whatif.playing import answered, brand_of, dispatch_under, prepared
from scheduling.whatif.ranking import ranked_repairs
from scheduling.whatif.results import Evaluation, Repair
from scheduling.whatif.scenario import Absence, Handling, Scenario, Surge, joined
from scheduling.whatif.situation import Situation
from scheduling.whatif.window import window_of
from wfm.timegrid import INTERVAL

COLUMNS = (
    "scenario",
    "breach_min",
    "candidates",
    "first",
    "true_rank",
    "best",
    "lost_min",
    "lost_share",
    "paid_rank",
)
AGENTS, SCENARIOS, DAYS_RANKED, DAYS_JUDGED = 50, 50, 50, 500
QUICK_AGENTS, QUICK_SCENARIOS, QUICK_DAYS_JUDGED = 40, 2, 60
# An hour of broken promise in all; 50 days cannot tell much less from none.
BROKEN_MIN = 60.0
BEST = 3
PROCESSES = 2


# -- scenarios ------------------------------------------------------------------------------------


def drawn(world: World, rng: np.random.Generator) -> Scenario:
    """A scenario of one or two parts."""
    at = START + int(rng.integers(96, 96 * (DAYS - LAST_DAYS))) * INTERVAL
    names = [q.name for q in world.brand.queues]
    kinds = rng.choice(["spike", "absence", "handling"], size=2, replace=False, p=[0.6, 0.2, 0.2])
    taken = [str(kind) for kind in kinds[: 1 + (rng.random() < 0.35)]]
    surges: tuple[Surge, ...] = ()
    absences: tuple[Absence, ...] = ()
    handling: tuple[Handling, ...] = ()
    told = []
    if "spike" in taken:
        many = int(rng.integers(1, 3))
        queues = tuple(sorted(str(q) for q in rng.choice(names, size=many, replace=False)))
        factor, length = float(rng.uniform(2, 4)), 30 * int(rng.integers(2, 6))
        fading = float(rng.choice([30, 60, 120]))
        surges = (Surge(at, length, queues, factor, half_life_min=fading),)
        told.append(f"{factor:.1f}x {length} min on {' '.join(queues)}")
    if "absence" in taken:
        share, hours = float(rng.uniform(0.15, 0.35)), int(rng.integers(3, 7))
        absences = (Absence(at, at + timedelta(hours=hours), share),)
        told.append(f"{share:.0%} away {hours} h")
    if "handling" in taken:
        factor, hours = float(rng.uniform(1.2, 1.7)), int(rng.integers(3, 7))
        handling = (Handling(at, at + timedelta(hours=hours), factor),)
        told.append(f"handling {factor:.2f}x {hours} h")
    name = f"{at:%a %H:%M} {', '.join(told)}"
    return Scenario(name=name, surges=surges, absences=absences, handling=handling)


def breaking(world: World, situation: Situation, seed: int, number: int) -> Evaluation:
    """The scenario of a number that breaks a promise, evaluated: the first of those drawn."""
    rng = np.random.default_rng([seed, 11, number])
    while True:
        scenario = drawn(world, rng)
        found = evaluate(situation, scenario, replications=DAYS_RANKED, threads=1)
        if found.overall.breach_min_after - found.overall.breach_min_before > BROKEN_MIN:
            return found


# -- the truth ------------------------------------------------------------------------------------


def avoided(
    situation: Situation, scenario: Scenario, repairs: Sequence[Repair], *, days: int
) -> tuple[float, list[float]]:
    """Breach-minutes of the scenario, and what each repair alone avoids of them.

    All are played on one window, and on the same days.
    """
    with_each = [joined(scenario, repair.does) for repair in repairs]
    window = window_of(situation, scenario, *with_each)
    window = played(situation, scenario, window, replications=days, threads=1).window
    brand = brand_of(situation.brand, scenario, window.queues)
    trial = prepared(
        situation, scenario, window.start, window.end, window.queues, replications=days
    )

    def breached(tried: Trial, what: Scenario) -> float:
        simulation = answered(tried, situation, what, threads=1)
        return float(breach_min(counts_of(simulation, window.queues)).sum())

    broken = breached(trial, scenario)
    # The repairs change who is there and how queues are worked, not what comes.
    rules = (dispatch_under(brand, one, window.start, window.end) for one in with_each)
    left = [breached(trial.under(rule), one) for rule, one in zip(rules, with_each, strict=True)]
    return broken, [broken - one for one in left]


@lru_cache(maxsize=1)
def _desk(agents: int, seed: int) -> tuple[World, Situation]:
    """Made once in each process."""
    world = make_world(agents, queues_of(agents), seed=seed)
    return world, world.situation(paths=DAYS_RANKED)


def judged(task: tuple[int, int, int, int]) -> dict[str, Any]:
    """The row of a scenario: its number, agents, seed, days that judge."""
    number, agents, seed, days = task
    world, situation = _desk(agents, seed)
    evaluation = breaking(world, situation, seed, number)
    scenario = evaluation.scenario
    found, _ = candidates(situation, scenario, evaluation)
    ranking = ranked_repairs(situation, scenario, found, replications=DAYS_RANKED, threads=1)
    repairs = [ranked.repair for ranked in ranking.ranked]
    fresh = world.situation(seed=10_000 * (seed + 1) + number, paths=days)
    broken, minutes = avoided(fresh, scenario, repairs, days=days)
    per_hour = np.array(minutes) / [repair.effort_h for repair in repairs]
    best = int(per_hour.argmax())
    lost = float(per_hour[best] - per_hour[0]) * repairs[0].effort_h
    told = (
        f"{number}: {scenario.name}",
        round(broken, 1),
        len(repairs),
        repairs[0].title,
        rank_of_first(per_hour),
        repairs[best].title,
        round(lost, 2),
        round(lost / max(float(per_hour[best]) * repairs[0].effort_h, 1e-9), 4),
        rank_of_first(per_hour[[repair.staff_hours > 0 for repair in repairs]]),
    )
    return dict(zip(COLUMNS, told, strict=True))


def rank_of_first(worth: Floats) -> int:
    """The rank that the first deserves, by what each is worth; 0 of none."""
    return 1 + int((worth > worth[0]).sum()) if worth.size else 0


# -- the run --------------------------------------------------------------------------------------


def number_of(row: dict[str, Any]) -> int:
    """The number of the scenario that a row is about."""
    return int(str(row["scenario"]).split(":")[0])


def rows_kept(file: Path | None, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of an earlier run of the same, as far as it came."""
    if file is None or not file.exists():
        return []
    document = json.loads(file.read_text())
    same = all(document.get("meta", {}).get(name) == value for name, value in asked.items())
    return list(document["rows"]) if same else []


def all_judged(
    tasks: Sequence[tuple[int, int, int, int]],
) -> Iterator[dict[str, Any]]:
    """The rows of the scenarios, as they are done."""
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        yield from pool.imap_unordered(judged, tasks)


def main() -> None:
    shared = parser(__doc__ or "")
    shared.add_argument("--agents", type=int, metavar="N")
    shared.add_argument("--scenarios", type=int, metavar="N")
    args = shared.parse_args()
    agents = args.agents or (QUICK_AGENTS if args.quick else AGENTS)
    count = args.scenarios or (QUICK_SCENARIOS if args.quick else SCENARIOS)
    days = QUICK_DAYS_JUDGED if args.quick else DAYS_JUDGED
    asked = {"seed": args.seed, "agents": agents, "queues": queues_of(agents), "days": days}
    rows = [row for row in rows_kept(args.json, asked) if number_of(row) < count]
    done = {number_of(row) for row in rows}
    tasks = [(n, agents, args.seed, days) for n in range(count) if n not in done]
    for row in all_judged(tasks):
        rows.append(row)
        print(f"  {len(rows)} of {count}: rank {row['true_rank']}", file=sys.stderr, flush=True)
        if args.json:
            args.json.write_text(json.dumps({"meta": asked, "rows": rows}, indent=2) + "\n")
    rows.sort(key=number_of)
    among = [row["true_rank"] <= BEST for row in rows]
    paid = [row["paid_rank"] <= BEST for row in rows if row["paid_rank"]]
    share = {
        "scenarios": len(rows),
        "among_best_3": float(np.mean(among)),
        "paid_among_best_3": float(np.mean(paid)) if paid else None,
        "the_best": float(np.mean([row["true_rank"] == 1 for row in rows])),
        "fewest_candidates": min(row["candidates"] for row in rows),
        "lost_share_p50": float(np.median([row["lost_share"] for row in rows])),
        "lost_share_max": max(row["lost_share"] for row in rows),
    }
    own = {name: value for name, value in asked.items() if name != "seed"}
    finish("whatiftruth", rows, args, tables={"share": [share]}, **own)


if __name__ == "__main__":
    main()
