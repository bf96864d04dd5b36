"""What a scenario does to a roster: with and without it, on the same sampled days.

Draws hang on what they belong to, so that what differs is the scenario's doing. Queues that share
no agent with those it changes are as they were, and so are the hours before it; neither is played
again. A window that ends before the desk has recovered is made longer.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import pandas as pd

from scheduling.editing.judging import paid_hours
from scheduling.simulation.trial import Simulation, Trial
from scheduling.whatif.measures import (
    Side,
    breach_min,
    counts_of,
    curves,
    lowest_hour,
    recovered_at,
    share_on_time,
    side_of,
)
from scheduling.whatif.playing import answered, growth, prepared
from scheduling.whatif.results import Evaluation, Peak, QueueEffect
from scheduling.whatif.scenario import Scenario, check_people, check_scenario
from scheduling.whatif.situation import Situation
from scheduling.whatif.window import Window, longer, window_of
from wfm.errors import RequestError
from wfm.frames import interval_index
from wfm.progress import Progress, part, silent
from wfm.timegrid import INTERVAL

REPLICATIONS = 50
# A window is made longer at most so often before "not recovered" is the answer.
LONGER = 3
# Contacts that surges bring, over all the sampled days: about 2 GB of memory.
MOST_BROUGHT = 50_000_000


@dataclass(frozen=True)
class Beside:
    """A scenario beside the roster without it, on one window.

    before  the reached queues without the scenario; rest: the others, None where there are none
    after   the reached queues with it, on the days of `trial`
    """

    window: Window
    trial: Trial = field(repr=False)
    before: Simulation = field(repr=False)
    after: Simulation = field(repr=False)
    rest: Simulation | None = field(repr=False)


def evaluate(
    situation: Situation,
    scenario: Scenario,
    *,
    replications: int = REPLICATIONS,
    threads: int = 2,
    progress: Progress = silent,
    among: Sequence[Scenario] = (),
    until: datetime | None = None,
) -> Evaluation:
    """The scenario beside the roster without it; deterministic in the situation's seed.

    among  scenarios that it is compared with: all get one window
    until  to be watched for so long at least

    RequestError naming every fault of the scenario, NotFound for an unknown queue or agent,
    Conflict where the roster has moved on from what its changes replace.
    """
    began = time.perf_counter()
    check_scenario(scenario, situation.brand, start=situation.start, end=situation.end)
    check_people(scenario, situation.ground)
    _check_size(situation, scenario, replications)
    window = window_of(situation, scenario, *among)
    if until is not None:
        window = replace(window, end=max(window.end, until))
    beside = played(
        situation,
        scenario,
        window,
        replications=replications,
        threads=threads,
        progress=progress,
    )
    return _told(situation, scenario, beside, time.perf_counter() - began)


def _check_size(situation: Situation, scenario: Scenario, replications: int) -> None:
    """RequestError where the surges, each within its range, are too many together to simulate."""
    if not scenario.surges:
        return
    share, beside = growth(situation, scenario, situation.start, situation.end)
    brought = float((np.maximum(share, 0.0) * situation.mean + beside).sum())
    most = MOST_BROUGHT / replications
    if brought > most:
        raise RequestError(
            f"the surges bring {brought:,.0f} contacts; with {replications} sampled days at most "
            f"{most:,.0f} can be simulated: make them smaller or shorter",
            contacts=round(brought),
            most=round(most),
        )


def played(
    situation: Situation,
    scenario: Scenario,
    window: Window,
    *,
    replications: int = REPLICATIONS,
    threads: int = 2,
    progress: Progress = silent,
) -> Beside:
    """Both simulations of the window; a longer one where the desk does not recover within it."""
    begins = begin_of(situation, scenario)
    for tried in range(LONGER + 1):
        told = part(progress, tried / (LONGER + 2), 1.0)
        before = baseline(situation, window, replications=replications, threads=threads)
        told(0.4, "without the scenario")
        trial = prepared(
            situation, scenario, window.start, window.end, window.queues, replications=replications
        )
        if scenario.is_empty:
            after = before
        else:
            after = answered(
                trial, situation, scenario, threads=threads, progress=part(told, 0.5, 0.95)
            )
        if window.end >= situation.end or tried == LONGER:
            break
        if _recovered(before, after, begins):
            break
        window = longer(window, situation)
    others = tuple(q for q in situation.queues if q not in window.queues)
    rest = None
    if others:
        apart = Window(window.start, window.end, others)
        rest = baseline(situation, apart, replications=replications, threads=threads)
    progress(1.0, "")
    return Beside(window, trial, before, after, rest)


def baseline(
    situation: Situation, window: Window, *, replications: int, threads: int = 2
) -> Simulation:
    """The window without any scenario; kept, so that it is simulated once."""

    def play() -> Simulation:
        trial = prepared(
            situation, Scenario(), window.start, window.end, window.queues,
            replications=replications,
        )  # fmt: skip
        return answered(trial, situation, Scenario(), threads=threads)

    return situation.kept((window, replications), play)


def _recovered(before: Simulation, after: Simulation, begins: datetime) -> bool:
    """Whether all the queues together are on time as before, by the end of what was simulated."""
    every = list(range(len(before.queues)))
    pairs = [counts_of(side, before.queues).together(every) for side in (before, after)]
    return recovered_at(pairs[0], pairs[1], before.start, begins) is not None


def begin_of(situation: Situation, scenario: Scenario) -> datetime:
    """When the scenario begins to be felt; the roster's start where it has no span."""
    return max(scenario.begins or situation.start, situation.start)


def paid_hours_of(situation: Situation, scenario: Scenario) -> float:
    """Paid hours that the scenario's people and changes of the roster add."""
    extra = sum(e.heads * (e.end - e.start).total_seconds() / 3600 for e in scenario.extra)
    ground = situation.ground
    moved = sum(
        paid_hours(c.after, ground) - paid_hours(c.before, ground) for c in scenario.changes
    )
    return float(extra + moved)


def _told(situation: Situation, scenario: Scenario, beside: Beside, seconds: float) -> Evaluation:
    names, window = situation.queues, beside.window
    rest = [] if beside.rest is None else [beside.rest]
    before, after = (side_of([played, *rest], names) for played in (beside.before, beside.after))
    starts = interval_index(window.start, window.end)
    begins = begin_of(situation, scenario)
    tables, effects = [], []
    for queue in ("", *names):
        of = [q for q, name in enumerate(names) if queue in ("", name)]
        table = pd.concat([curves(before, of, "before"), curves(after, of, "after")], axis=1)
        table.insert(0, "start", starts)
        table.insert(1, "queue", pd.Series([queue] * len(table), dtype="str"))
        tables.append(table)
        effects.append(_effect(queue, of, (before, after), table, begins))
    usual = situation.contacts[:, situation.place(window.start) : situation.place(window.end)]
    usual = usual[:, :, [names.index(q) for q in window.queues]]
    return Evaluation(
        scenario=scenario,
        start=window.start,
        end=window.end,
        reached=window.queues,
        table=pd.concat(tables, ignore_index=True),
        effects=tuple(effects),
        added_contacts=float((beside.trial.contacts.sum() - usual.sum()) / len(usual)),
        automatic=float(beside.after.automatic.sum() / beside.after.replications),
        paid_hours=paid_hours_of(situation, scenario),
        replications=beside.before.replications,
        seed=situation.seed,
        seconds=seconds,
    )


def _effect(
    queue: str, of: list[int], sides: tuple[Side, Side], table: pd.DataFrame, begins: datetime
) -> QueueEffect:
    before, after = (side.counts.together(of) for side in sides)
    breach = [float(breach_min(side.counts)[of].sum()) for side in sides]
    late = [float((judged - on_time).sum(axis=1).mean()) for on_time, judged in (before, after)]
    start = table["start"].iloc[0].to_pydatetime()
    return QueueEffect(
        queue=queue,
        attainment_before=share_on_time(*before),
        attainment_after=share_on_time(*after),
        worst_hour_before=lowest_hour(*before),
        worst_hour_after=lowest_hour(*after),
        backlog_before=_peak(table, "backlog_before"),
        backlog_after=_peak(table, "backlog_after"),
        age_s_before=_peak(table, "age_s_before"),
        age_s_after=_peak(table, "age_s_after"),
        breach_min_before=breach[0],
        breach_min_after=breach[1],
        late_before=late[0],
        late_after=late[1],
        recovered_at=recovered_at(before, after, start, begins),
    )


def _peak(table: pd.DataFrame, column: str) -> Peak:
    at = int(table[column].to_numpy().argmax())
    return Peak(float(table[column].iloc[at]), table["start"].iloc[at].to_pydatetime() + INTERVAL)
