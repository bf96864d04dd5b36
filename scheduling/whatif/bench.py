"""Where repairs are tried: the scenario with some of them, played on few of the days or on all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from scheduling.queueing.erlang import Floats
from scheduling.simulation.staff import Staff
from scheduling.simulation.trial import Trial
from scheduling.whatif.evaluate import Beside, begin_of
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
from scheduling.whatif.results import Repair
from scheduling.whatif.scenario import Scenario, joined
from scheduling.whatif.situation import Situation
from scheduling.whatif.window import TAIL, Window

# Every repair is played on so many days at least.
FEW = 8
# The promise is restored when no more than this part of what the scenario costs is left.
LEFT = 0.1
# Breach-minutes below which nothing is broken that wants a repair.
NOTHING_MIN = 1.0
# A repair is not played beyond the scenario's own hours where it has recovered so long before.
CALM = timedelta(hours=1)


@dataclass(frozen=True)
class Judged:
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


class Bench:
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

    def play(self, repairs: Sequence[Repair], days: int) -> Judged:
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

    def _judge(self, now: Counts, days: int) -> Judged:
        before, after = (counts.days(days) for counts in (self._before, self._after))
        every = list(range(len(self._window.queues)))
        usual, broken, left = (float(breach_min(c).sum()) for c in (before, after, now))
        cost = self.breach - self.breach_before
        # Some days suffer more than others: what few of them say is told at the cost of all.
        scale = cost / (broken - usual) if min(cost, broken - usual) > NOTHING_MIN else 1.0
        avoided = scale * (broken - left)
        off = self._attainment - share_on_time(*after.together(every))
        return Judged(
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


def play_all(
    bench: Bench,
    sets: Sequence[Sequence[Repair]],
    days: int,
    threads: int,
    told: Callable[[int, str], None] = lambda done, stage: None,
) -> list[Judged]:
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
