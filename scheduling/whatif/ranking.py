"""Repairs ranked by what they avoid for the work they take, each simulated; and the small set that
restores the promise, simulated together.

All are played on a few of the sampled days first, those that lead on more, and the very first on
all of them, until the first ones of the ranking have been. A repair that looks best on few days and
is not has then been seen through.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from scheduling.queueing.erlang import Floats
from scheduling.simulation.staff import Staff
from scheduling.simulation.trial import Trial
from scheduling.whatif.evaluate import REPLICATIONS, Beside, begin_of, played
from scheduling.whatif.measures import (
    HOUR,
    Counts,
    breach_min,
    breach_without_each,
    counts_of,
    jackknife_se,
    recovered_at,
    share_on_time,
)
from scheduling.whatif.playing import brand_of, dispatch_under, prepared, staff_under
from scheduling.whatif.results import Ranked, Refusal, Repair, Repairs, Together
from scheduling.whatif.scenario import Scenario, check_scenario, joined
from scheduling.whatif.situation import Situation
from scheduling.whatif.window import TAIL, Window, window_of
from wfm.errors import RequestError
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


# Every repair is played on so many days at least.
FEW = 8
HEATS = (Heat(20, 6, 3), Heat(None, 3, 2))
# The promise is restored when no more than this part of what the scenario costs is left.
LEFT = 0.1
# Breach-minutes below which nothing is broken that wants a repair.
NOTHING_MIN = 1.0
# A repair is not played beyond the scenario's own hours where it has recovered so long before.
CALM = timedelta(hours=1)
# Members of a set, and how many are tried at each step.
MOST_MEMBERS = 6
TRIED = 6


@dataclass(frozen=True)
class _Judged:
    """What came of the scenario with some repairs, over `days` of the sampled days.

    avoided   breach-minutes; missing: those still to be avoided until the promise is restored
    left_out  breach-minutes avoided, with each day left out in turn
    """

    days: int
    avoided: float
    missing: float
    left_out: Floats = field(repr=False)
    attainment: float
    late_avoided: float
    recovered_at: datetime | None

    @property
    def se(self) -> float:
        return jackknife_se(self.left_out)

    @property
    def restores(self) -> bool:
        """Whether so little is left that the promise is as good as without the scenario."""
        return self.missing <= 0


class _Bench:
    """Plays the scenario with repairs, on few days or on all."""

    def __init__(
        self, situation: Situation, scenario: Scenario, beside: Beside, own: Window
    ) -> None:
        """own: the window of the scenario without repairs."""
        self._situation, self._scenario, self._beside = situation, scenario, beside
        self._window = beside.window
        self._brand = brand_of(situation.brand, scenario, beside.window.queues)
        self._begins = begin_of(situation, scenario)
        self._before = counts_of(beside.before, beside.window.queues)
        self._after = counts_of(beside.after, beside.window.queues)
        self.days = beside.after.replications
        self.few = min(FEW, self.days)
        self._seen: dict[tuple[str, ...], Counts] = {}
        self._desks: dict[tuple[str, ...], tuple[Trial, Staff]] = {}
        self.breach_before = float(breach_min(self._before).sum())
        self.breach = float(breach_min(self._after).sum())
        every = list(range(len(beside.window.queues)))
        recovered = recovered_at(
            self._before.together(every),
            self._after.together(every),
            beside.window.start,
            self._begins,
        )
        calm = own.end if recovered and recovered + CALM <= own.end else beside.window.end
        self._calm = min(calm, beside.window.end)
        self._shorter = beside.trial.until(self._calm)
        self._attainment = share_on_time(self._after.on_time, self._after.judged)

    def play(self, repairs: Sequence[Repair], days: int) -> _Judged:
        """The scenario with the repairs; RequestError where they exclude each other.

        Days that these repairs have been played on already are not played again.
        """
        name = tuple(sorted(repair.repair_id for repair in repairs))
        seen = self._seen.get(name, self._after.days(0))
        have = len(seen.on_time)
        if have < days:
            if name not in self._desks:
                self._desks[name] = self._desk(repairs)
            trial, staff = self._desks[name]
            played = trial.run(staff, threads=1, only=range(have, days))
            more = counts_of(played, self._window.queues)
            if trial.end < self._window.end:
                # Of the last hour some are not judged yet; it is as calm as without the repair.
                more = more.ending(self._after.days(days, have), trial.intervals - HOUR)
            seen = self._seen[name] = seen.then(more)
        return self._judge(seen.days(days), days)

    def _desk(self, repairs: Sequence[Repair]) -> tuple[Trial, Staff]:
        """The days as they are worked with the repairs, and who is there.

        Repairs that are over by then are not played beyond the hours of the scenario itself.
        """
        scenario = self._scenario
        for repair in repairs:
            scenario = joined(scenario, repair.does)
        does = [repair.does for repair in repairs]
        ends = [span[1] for one in does for span in one.spans]
        short = all(end + TAIL <= self._calm for end in ends)
        window, trial = self._window, self._shorter if short else self._beside.trial
        if any(d.surges or d.handling or d.goals or d.shrinkage for d in does):
            trial = prepared(
                self._situation, scenario, window.start, window.end, window.queues,
                replications=self.days,
            )  # fmt: skip
        elif any(d.policies for d in does):
            trial = trial.under(dispatch_under(self._brand, scenario, trial.start, trial.end))
        return trial, staff_under(trial, self._situation, scenario)

    def _judge(self, now: Counts, days: int) -> _Judged:
        before, after = (counts.days(days) for counts in (self._before, self._after))
        every = list(range(len(self._window.queues)))
        usual, broken, left = (float(breach_min(c).sum()) for c in (before, after, now))
        cost = self.breach - self.breach_before
        # Some days suffer more than others: what few of them say is told at the cost of all.
        scale = cost / (broken - usual) if min(cost, broken - usual) > NOTHING_MIN else 1.0
        avoided = scale * (broken - left)
        off = self._attainment - share_on_time(*after.together(every))
        return _Judged(
            days=days,
            avoided=avoided,
            missing=(1.0 - LEFT) * max(cost, 0.0) - avoided,
            left_out=scale * (breach_without_each(after) - breach_without_each(now)),
            attainment=min(1.0, share_on_time(*now.together(every)) + off),
            late_avoided=scale * (after.late - now.late),
            recovered_at=recovered_at(
                before.together(every), now.together(every), self._window.start, self._begins
            ),
        )


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
    bench = _Bench(situation, scenario, beside, window_of(situation, scenario))
    judged = _race(bench, candidates, threads, part(progress, 0.15, 0.7))
    together = None
    if bench.breach - bench.breach_before > NOTHING_MIN:
        together = _together(bench, candidates, judged, threads, part(progress, 0.7, 1.0))
    progress(1.0, "repairs ranked")
    return Repairs(
        scenario=scenario,
        breach_min=bench.breach,
        breach_min_before=bench.breach_before,
        ranked=tuple(
            Ranked(
                repair=candidates[n],
                avoided_min=judged[n].avoided,
                avoided_se=judged[n].se,
                per_hour=_per_hour(candidates[n], judged[n]),
                attainment=judged[n].attainment,
                late_avoided=judged[n].late_avoided,
                recovered_at=judged[n].recovered_at,
                restores=judged[n].restores,
                days=judged[n].days,
            )
            for n in _order(candidates, judged, bench.days)
        ),
        refused=tuple(refused),
        together=together,
        replications=replications,
        seconds=time.perf_counter() - began,
    )


def _race(
    bench: _Bench, candidates: Sequence[Repair], threads: int, progress: Progress
) -> dict[int, _Judged]:
    """What came of each candidate: on few days, and of the best ones on all."""
    every = list(range(len(candidates)))

    def told(done: int, stage: str) -> None:
        progress(min(0.99, done / max(1, len(candidates) + HEATS[0].best)), stage)

    judged = _played(bench, [[candidates[n]] for n in every], bench.few, threads, told)
    found = dict(zip(every, judged, strict=True))
    while True:
        unsure = _unsure(bench, candidates, found)
        if not unsure:
            return found
        days = min(unsure.values())
        heat = [n for n, wanted in unsure.items() if wanted == days]
        told(len(candidates), f"the best ones on {days} days")
        sets = [[candidates[n]] for n in heat]
        found.update(zip(heat, _played(bench, sets, days, threads), strict=True))


def _unsure(
    bench: _Bench, candidates: Sequence[Repair], found: dict[int, _Judged]
) -> dict[int, int]:
    """Candidates that have been played on fewer days than their place asks for, with those days."""
    order = _order(candidates, found, bench.days)
    paid = [n for n in order if candidates[n].staff_hours > 0]
    wanted: dict[int, int] = {}
    for heat in HEATS:
        days = min(heat.days or bench.days, bench.days)
        wanted |= dict.fromkeys([*order[: heat.best], *paid[: heat.paid]], days)
    return {n: days for n, days in wanted.items() if found[n].days < days}


def _played(
    bench: _Bench,
    sets: Sequence[Sequence[Repair]],
    days: int,
    threads: int,
    told: Callable[[int, str], None] = lambda done, stage: None,
) -> list[_Judged]:
    """Each set of repairs on so many days, several at a time."""
    found = []
    with ThreadPoolExecutor(max_workers=max(threads, 1)) as pool:
        waiting = [pool.submit(bench.play, repairs, days) for repairs in sets]
        try:
            for done, one in enumerate(waiting):
                found.append(one.result())
                told(done + 1, f"repair {done + 1} of {len(sets)}")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return found


def _per_hour(repair: Repair, judged: _Judged) -> float:
    return judged.avoided / repair.effort_h


def _order(candidates: Sequence[Repair], judged: dict[int, _Judged], days: int) -> list[int]:
    """The best first; of equals the one that comes first among the candidates.

    What was played on fewer days than all is taken for a standard error less: the best of many
    doubtful figures is too good to be true.
    """

    def worth(n: int) -> float:
        doubt = judged[n].se if judged[n].days < days else 0.0
        return round((judged[n].avoided - doubt) / candidates[n].effort_h, 6)

    return sorted(judged, key=lambda n: (-worth(n), n))


# -- a few together ------------------------------------------------------------------------------


def _together(
    bench: _Bench,
    candidates: Sequence[Repair],
    judged: dict[int, _Judged],
    threads: int,
    progress: Progress,
) -> Together | None:
    """Repair by repair the one that avoids most for its work beside those taken; then without those
    that the others make needless. None where none helps beyond chance.
    """
    order = _order(candidates, judged, bench.days)
    useful = [n for n in order if judged[n].avoided > 2 * judged[n].se]
    if not useful:
        return None
    taken = [candidates[useful[0]]]
    now = bench.play(taken, bench.days)
    while not now.restores and len(taken) < MOST_MEMBERS:
        progress(len(taken) / (MOST_MEMBERS + 1), f"{len(taken)} together")
        options = [c for n in useful if _fits(c := candidates[n], taken)]
        step = _next(bench, taken, now, options, threads)
        if step is None:
            break
        taken, now = step
    if now.restores:
        taken, now = _pruned(bench, taken, now)
    alone = {candidates[n].repair_id: judged[n].avoided for n in judged}
    return Together(
        repairs=tuple(taken),
        avoided_min=now.avoided,
        avoided_se=now.se,
        summed_min=sum(alone[r.repair_id] for r in taken),
        effort_h=sum(r.effort_h for r in taken),
        attainment=now.attainment,
        recovered_at=now.recovered_at,
        restores=now.restores,
    )


def _next(
    bench: _Bench, taken: list[Repair], now: _Judged, options: list[Repair], threads: int
) -> tuple[list[Repair], _Judged] | None:
    """The set with one more, on all days; None where none adds anything.

    options  the best for their work first
    """
    strongest = sorted(options, key=lambda r: (-r.staff_hours, r.repair_id))
    tried = list(dict.fromkeys([*options[:TRIED], *strongest[: TRIED // 2]]))
    few = bench.play(taken, bench.few)
    found = _played(bench, [[*taken, one] for one in tried], bench.few, threads)
    gains = [judged.avoided - few.avoided for judged in found]
    # As much as the places that are left have to bring, each, if the promise is to be restored.
    wanted = max(few.missing, 0.0) / (MOST_MEMBERS - len(taken))

    def rank(n: int) -> tuple[bool, float, int]:
        enough = gains[n] >= min(wanted, few.missing)
        return not enough, -gains[n] / (tried[n].effort_h if enough else 1.0), n

    for n in sorted((n for n in range(len(tried)) if gains[n] > 0), key=rank)[:2]:
        more = [*taken, tried[n]]
        judged = bench.play(more, bench.days)
        if judged.avoided > now.avoided:
            return more, judged
    return None


def _pruned(bench: _Bench, taken: list[Repair], now: _Judged) -> tuple[list[Repair], _Judged]:
    """Without repairs that it is restored without, the dearest first."""
    for repair in sorted(taken, key=lambda r: -r.effort_h):
        rest = [r for r in taken if r is not repair]
        if rest:
            judged = bench.play(rest, bench.days)
            if judged.restores:
                taken, now = rest, judged
    return taken, now


def _fits(repair: Repair, taken: Sequence[Repair]) -> bool:
    """Whether the repair can be had beside the others: other agent-days, and of two sizes of one
    change of policy only one.
    """
    scenario = Scenario()
    try:
        for one in (*taken, repair):
            scenario = joined(scenario, one.does)
    except RequestError:
        return False
    alike = (one for one in taken if one.kind == repair.kind and one.does.policies)
    return repair not in taken and not (repair.does.policies and any(alike))
