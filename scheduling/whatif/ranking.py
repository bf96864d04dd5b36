"""Repairs ranked by what they avoid for the work they take, each simulated; and the small set that
restores the promise, simulated together.

All are played on a few of the sampled days first, those that lead on more, and the very first on
all of them, until the first ones of the ranking have been. A repair that looks best on few days and
is not has then been seen through.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from scheduling.whatif.bench import NOTHING_MIN, Bench, Judged, play_all
from scheduling.whatif.evaluate import REPLICATIONS, played
from scheduling.whatif.results import Ranked, Refusal, Repair, Repairs
from scheduling.whatif.scenario import Scenario, check_scenario
from scheduling.whatif.situation import Situation
from scheduling.whatif.together import put_together
from scheduling.whatif.window import window_of
from wfm.progress import Progress, part, silent


@dataclass(frozen=True)
class Heat:
    """How many days a repair is played on that stands among the first `best` of the ranking, or
    among the first `paid` of those that add paid hours; None: all days.

    Switches that cost no hour would else be all that is surely known.
    """

    days: int | None
    best: int
    paid: int


HEATS = (Heat(20, 6, 3), Heat(None, 3, 2))


def ranked_repairs(
    situation: Situation,
    scenario: Scenario,
    candidates: Sequence[Repair],
    *,
    refused: Sequence[Refusal] = (),
    replications: int = REPLICATIONS,
    threads: int = 2,
    progress: Progress = silent,
) -> Repairs:
    """The candidates, the best first, and the small set that restores the promise.

    Deterministic in the situation's seed. Errors of `evaluate`; RequestError for a candidate that
    changes what the scenario has changed on the same agent-day.
    """
    began = time.perf_counter()
    check_scenario(scenario, situation.brand, start=situation.start, end=situation.end)
    window = window_of(situation, scenario, repairs=[repair.does for repair in candidates])
    progress(0.0, "simulating the scenario")
    beside = played(situation, scenario, window, replications=replications, threads=threads)
    bench = Bench(situation, scenario, beside, window_of(situation, scenario))
    judged = race(bench, candidates, threads, part(progress, 0.15, 0.7))
    ranked = [(candidates[n], judged[n]) for n in order_of(candidates, judged, bench.days)]
    together = None
    if bench.breach - bench.breach_before > NOTHING_MIN:
        together = put_together(bench, ranked, threads, part(progress, 0.7, 1.0))
    progress(1.0, "repairs ranked")
    return Repairs(
        scenario=scenario,
        breach_min=bench.breach,
        breach_min_before=bench.breach_before,
        ranked=tuple(
            Ranked(
                repair=repair,
                avoided_min=one.avoided,
                avoided_se=one.se,
                per_hour=one.avoided / repair.effort_h,
                attainment=one.attainment,
                late_avoided=one.late_avoided,
                recovered_at=one.recovered_at,
                restores=one.restores,
                days=one.days,
            )
            for repair, one in ranked
        ),
        refused=tuple(refused),
        together=together,
        replications=replications,
        seconds=time.perf_counter() - began,
    )


def race(
    bench: Bench, candidates: Sequence[Repair], threads: int, progress: Progress
) -> dict[int, Judged]:
    """What came of each candidate: on few days, and of the best ones on all."""
    every = list(range(len(candidates)))

    def told(done: int, stage: str) -> None:
        progress(min(0.99, done / max(1, len(candidates) + HEATS[0].best)), stage)

    judged = play_all(bench, [[candidates[n]] for n in every], bench.few, threads, told)
    found = dict(zip(every, judged, strict=True))
    while True:
        unsure = _unsure(bench, candidates, found)
        if not unsure:
            return found
        days = min(unsure.values())
        heat = [n for n, wanted in unsure.items() if wanted == days]
        told(len(candidates), f"the best ones on {days} days")
        sets = [[candidates[n]] for n in heat]
        found.update(zip(heat, play_all(bench, sets, days, threads), strict=True))


def _unsure(bench: Bench, candidates: Sequence[Repair], found: dict[int, Judged]) -> dict[int, int]:
    """Candidates that have been played on fewer days than their place asks for, with those days."""
    order = order_of(candidates, found, bench.days)
    paid = [n for n in order if candidates[n].staff_hours > 0]
    wanted: dict[int, int] = {}
    for heat in HEATS:
        days = min(heat.days or bench.days, bench.days)
        wanted |= dict.fromkeys([*order[: heat.best], *paid[: heat.paid]], days)
    return {n: days for n, days in wanted.items() if found[n].days < days}


def order_of(candidates: Sequence[Repair], judged: dict[int, Judged], days: int) -> list[int]:
    """The best first; of equals the one that comes first among the candidates.

    What was played on fewer days than all is taken for a standard error less: the best of many
    doubtful figures is too good to be true.
    """

    def worth(n: int) -> float:
        doubt = judged[n].se if judged[n].days < days else 0.0
        return round((judged[n].avoided - doubt) / candidates[n].effort_h, 6)

    return sorted(judged, key=lambda n: (-worth(n), n))
