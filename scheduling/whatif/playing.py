"""A scenario in the simulator's terms: what comes, who is there, and how messages are worked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom, poisson

from scheduling.promise import with_goal
from scheduling.queueing.erlang import Floats
from scheduling.simulation.dispatch import Dispatch, claims_of, dispatch_of
from scheduling.simulation.staff import Staff, staff_of
from scheduling.simulation.trial import Simulation, Trial, make_trial
from scheduling.whatif.scenario import Absence, Loan, Scenario, Surge
from scheduling.whatif.situation import Situation
from wfm.brands import Brand, Planning, Queue
from wfm.paths import Paths
from wfm.progress import Progress, silent
from wfm.timegrid import intervals


def prepared(
    situation: Situation,
    scenario: Scenario,
    start: datetime,
    end: datetime,
    queues: tuple[str, ...],
    *,
    replications: int,
) -> Trial:
    """The sampled days of [start, end) as the scenario has them, kept in memory."""
    brand = brand_of(situation.brand, scenario, queues)
    inside = (situation.forecast["start"] >= start) & (situation.forecast["start"] < end)
    forecast = situation.forecast[inside]
    if scenario.handling:
        forecast = _slower(forecast, scenario)
    return make_trial(
        forecast,
        Paths(start, queues, surged(situation, scenario, start, end, queues)),
        brand,
        start=start,
        end=end,
        seed=situation.seed,
        replications=replications,
        dispatch=dispatch_under(brand, scenario, start, end),
        origin=situation.start,
        keep=True,
    )


def answered(
    trial: Trial,
    situation: Situation,
    scenario: Scenario,
    *,
    threads: int = 2,
    progress: Progress = silent,
) -> Simulation:
    """What the agents who are there in the scenario make of the trial's days."""
    staff = staff_under(trial, situation, scenario)
    return trial.run(staff, threads=threads, progress=progress)


def staff_under(trial: Trial, situation: Situation, scenario: Scenario) -> Staff:
    """The agents of the trial's queues who are there in the scenario."""
    queues = set(trial.queues)
    there = people(situation, scenario, trial.start, trial.end)
    serves = [not queues.isdisjoint(text.split()) for text in there["queues"]]
    brand = replace(
        situation.brand, queues=tuple(q for q in situation.brand.queues if q.name in queues)
    )
    return staff_of(there[serves], brand, start=trial.start, end=trial.end)


# -- rules ---------------------------------------------------------------------------------------


def brand_of(brand: Brand, scenario: Scenario, queues: Iterable[str]) -> Brand:
    """The brand with the scenario's promises and shrinkage, and these queues of it."""
    wanted, planning = set(queues), planning_under(brand.planning, scenario)
    chosen = tuple(_promised(q, scenario) for q in brand.queues if q.name in wanted)
    return replace(brand, queues=chosen, planning=planning)


def planning_under(planning: Planning, scenario: Scenario) -> Planning:
    """The planning with the scenario's shrinkage."""
    shrinkage = scenario.shrinkage
    if shrinkage and shrinkage.planned is not None:
        planning = replace(planning, planned_shrinkage=shrinkage.planned)
    if shrinkage and shrinkage.unplanned is not None:
        planning = replace(planning, unplanned_shrinkage=shrinkage.unplanned)
    return planning


def _promised(queue: Queue, scenario: Scenario) -> Queue:
    for goal in scenario.goals:
        if goal.queue == queue.name:
            own = queue.promise
            share = own.share if goal.share is None else goal.share
            threshold_s = own.threshold_s if goal.threshold_s is None else goal.threshold_s
            queue = with_goal(queue, own, replace(own, share=share, threshold_s=threshold_s))
    return queue


def dispatch_under(brand: Brand, scenario: Scenario, start: datetime, end: datetime) -> Dispatch:
    """How messages are worked in each interval; later policies of the scenario go over earlier."""
    dispatch = dispatch_of(brand, start=start, end=end)
    late_every, put_off, automatic = (
        dispatch.late_every, dispatch.put_off_s, dispatch.answered
    )  # fmt: skip
    for policy in scenario.policies:
        rows = _rows(policy.start, policy.end, start, end)
        for q, queue in enumerate(brand.queues):
            if policy.queues and queue.name not in policy.queues:
                continue
            if policy.spike_mode is not None:
                late_every[rows, q] = claims_of(policy.reserve) if policy.spike_mode else 0
            put_off[rows, q] = np.maximum(put_off[rows, q], 60.0 * policy.put_off_min)
            # What one automatic answer leaves, another may still answer.
            left = (1.0 - automatic[rows, q]) * (1.0 - policy.automatic)
            automatic[rows, q] = 1.0 - left
    return dispatch


def _rows(begins: datetime, ends: datetime, start: datetime, end: datetime) -> slice:
    """The intervals of [start, end) that begin within [begins, ends)."""
    last = int((end - start).total_seconds() // 900)
    first, after = (-int(-((at - start).total_seconds()) // 900) for at in (begins, ends))
    return slice(min(max(first, 0), last), min(max(after, 0), last))


def _slower(forecast: pd.DataFrame, scenario: Scenario) -> pd.DataFrame:
    factor = np.ones(len(forecast))
    for part in scenario.handling:
        felt = ((forecast["start"] >= part.start) & (forecast["start"] < part.end)).to_numpy()
        if part.queues:
            felt = felt & forecast["queue"].isin(part.queues).to_numpy()
        factor[felt] *= part.factor
    return forecast.assign(aht_s=forecast["aht_s"] * factor)


# -- what comes ----------------------------------------------------------------------------------


def growth(
    situation: Situation, scenario: Scenario, start: datetime, end: datetime
) -> tuple[Floats, Floats]:
    """How surges change the usual volume: share of it that comes more, and contacts that come
    beside, each (intervals, queues) over [start, end).
    """
    first, names = situation.place(start), situation.queues
    count = situation.place(end) - first
    share, beside = np.zeros((2, count, len(names)))
    starts = list(intervals(start, end))
    for surge in scenario.surges:
        of = [q for q, name in enumerate(names) if not surge.queues or name in surge.queues]
        shape = np.array([surge.shape(at) for at in starts])
        share[:, of] += (surge.factor - 1.0) * shape[:, None]
        if surge.added > 0:
            spread = surge.added * _spread(situation, surge, of)
            beside[:, of] += spread[first : first + count]
    return np.maximum(share, -1.0), beside


def _spread(situation: Situation, surge: Surge, of: list[int]) -> Floats:
    """How a surge's added contacts fall on the roster's intervals and on some queues, in all 1."""
    shape = np.array([surge.shape(at) for at in intervals(situation.start, situation.end)])
    first = situation.place(surge.start)
    if not shape.any():  # it begins after the roster's last interval has begun
        shape[first] = 1.0
    lasts = slice(first, max(situation.place(surge.over), first + 1))
    usual = situation.mean[lasts][:, of].sum(axis=0)
    weights = usual / usual.sum() if usual.sum() > 0 else np.full(len(of), 1.0 / len(of))
    return np.asarray(shape[:, None] / shape.sum() * weights)


def work_of(situation: Situation, scenario: Scenario) -> Floats:
    """Expected seconds of work that come over the whole roster, (intervals, queues)."""
    work = situation.work_s
    if scenario.surges:
        share, beside = growth(situation, scenario, situation.start, situation.end)
        aht = np.divide(work, situation.mean, out=np.zeros_like(work), where=situation.mean > 0)
        work = work * (1.0 + share) + beside * np.where(aht > 0, aht, aht.max(axis=0))
    for part in scenario.handling:
        of = [q for q, n in enumerate(situation.queues) if not part.queues or n in part.queues]
        rows = _rows(part.start, part.end, situation.start, situation.end)
        work = work.copy()
        work[rows, of] *= part.factor
    if scenario.policies:
        dispatch = dispatch_under(situation.brand, scenario, situation.start, situation.end)
        work = work * (1.0 - dispatch.answered)
    return np.asarray(work)


def surged(
    situation: Situation,
    scenario: Scenario,
    start: datetime,
    end: datetime,
    queues: tuple[str, ...],
) -> NDArray[np.int64]:
    """The paths' counts of [start, end) with the surges, (paths, intervals, queues).

    What comes more is drawn by the situation's own chances: of two surges of the same hours the
    larger brings all that the smaller does.
    """
    first, last = situation.place(start), situation.place(end)
    columns = [situation.queues.index(q) for q in queues]
    contacts = situation.contacts[:, first:last, columns]
    if not scenario.surges:
        return contacts
    share, beside = (part[:, columns] for part in growth(situation, scenario, start, end))
    contacts = contacts.copy()
    for q, name in enumerate(queues):
        felt = np.flatnonzero((share[:, q] != 0) | (beside[:, q] > 0))
        if felt.size == 0:
            continue
        usual = contacts[:, felt, q]
        chance = situation.chances[name][:, first:last][:, felt]
        more = np.maximum(share[felt, q], 0.0) * usual + beside[felt, q]
        left = 1.0 + np.minimum(share[felt, q], 0.0)
        kept = usual if (left >= 1.0).all() else _whole(binom.ppf(chance, usual, left))
        contacts[:, felt, q] = kept + _whole(poisson.ppf(chance, more))
    return contacts


def _whole(quantiles: ArrayLike) -> NDArray[np.int64]:
    # At a chance of 0 a quantile is -1.
    whole: NDArray[np.int64] = np.maximum(np.asarray(quantiles), 0.0).astype(np.int64)
    return whole


# -- who is there --------------------------------------------------------------------------------


def people(
    situation: Situation, scenario: Scenario, start: datetime, end: datetime
) -> pd.DataFrame:
    """ON_SHIFT of who may be on queue in [start, end) in the scenario, with the column `away`: the
    chance that an agent is absent for a cause of the scenario's.
    """
    there = situation.on_shift_with(scenario.changes, start, end).assign(away=0.0)
    for absence in scenario.absences:
        if absence.share > 0 or absence.agents:
            there = _without(there, absence)
    for loan in scenario.loans:
        there = _lent(there, loan)
    if scenario.extra:
        there = pd.concat([there, _more(situation, scenario)], ignore_index=True)
    return there


def _without(there: pd.DataFrame, absence: Absence) -> pd.DataFrame:
    there, felt = _cut(there, absence.start, absence.end)
    gone = felt & there["agent_id"].isin(absence.agents).to_numpy()
    away = there["away"].to_numpy(dtype=np.float64)
    there = there.assign(away=np.where(felt, 1.0 - (1.0 - away) * (1.0 - absence.share), away))
    return there[~gone].reset_index(drop=True)


def _lent(there: pd.DataFrame, loan: Loan) -> pd.DataFrame:
    own = there["agent_id"].isin(loan.agents).to_numpy()
    lent, felt = _cut(there[own].reset_index(drop=True), loan.start, loan.end)
    wider = [
        " ".join(sorted({*text.split(), *loan.queues})) if during else text
        for text, during in zip(lent["queues"], felt, strict=True)
    ]
    lent = lent.assign(queues=pd.Series(wider, dtype="str"))
    return pd.concat([there[~own], lent], ignore_index=True)


def _cut(
    there: pd.DataFrame, start: datetime, end: datetime
) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """The spans cut at start and end, and which of them lie between."""
    for at in (pd.Timestamp(start), pd.Timestamp(end)):
        over = (there["start"] < at) & (there["end"] > at)
        if over.any():
            first, second = there[over].assign(end=at), there[over].assign(start=at)
            there = pd.concat([there[~over], first, second], ignore_index=True)
    inside = (there["start"] >= pd.Timestamp(start)) & (there["end"] <= pd.Timestamp(end))
    return there.reset_index(drop=True), inside.to_numpy()


def _more(situation: Situation, scenario: Scenario) -> pd.DataFrame:
    """ON_SHIFT rows of people from outside the roster."""
    concurrency = {q.name: q.work.concurrency_max for q in situation.brand.queues}
    rows = [
        {
            "agent_id": f"extra {part + 1}-{head + 1}",
            "start": pd.Timestamp(extra.start),
            "end": pd.Timestamp(extra.end),
            "queues": " ".join(sorted(extra.queues or situation.queues)),
            "slots": max(concurrency[q] for q in extra.queues or situation.queues),
            "away": 0.0,
        }
        for part, extra in enumerate(scenario.extra)
        for head in range(extra.heads)
        if extra.end > extra.start
    ]
    return pd.DataFrame(rows)
