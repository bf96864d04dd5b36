"""Fewer paid hours by simulation: shifts dropped, moved and swapped while the promise holds.

A requirement asks for its agents in every interval by itself. Shifts are long, and a quarter of an
hour may help out the next one: what a roster has to spare here it can lack there. A model of the
desk that carries its backlog on (`queueing.closure`) searches for cheaper shifts; the simulation
says what they attain, and where the model was wrong about it; the model is set right, and searches
on. What is kept was attained in simulation. Whoever publishes it certifies it on other days.

    budget falls -> the model finds shifts that lack nothing -> simulated -> kept, or model mended
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scheduling.queueing.erlang import Floats, Wholes
from scheduling.rostering.need import Flags
from scheduling.rostering.search import Choices, Desk, anneal, attained_by
from scheduling.simulation.draws import combine
from scheduling.simulation.setting import key_of
from wfm.errors import RequestError
from wfm.progress import Progress, silent

# Heads on queue, (intervals, pools) -> simulated attainment less what is wanted, (intervals); not a
# number where nobody comes.
Judge = Callable[[Wholes], Floats]

# What one simulation says is believed by half, so that its noise is not chased.
BELIEVED = 0.5
# A model further off than this is not followed.
FARTHEST = 0.25
TARGETS = (0.30, 0.995)
ENOUGH = 1e-6
# Progress of a search that is not yet there, in shares of the worst interval.
CLOSER = 0.001


@dataclass(frozen=True)
class SavingLimits:
    """Work limits, which decide what a seed gives.

    rounds  simulations
    moves   of each search, for each shift taken
    step    share of the budget that is taken away at once in the beginning
    tries   searches at the same budget that come no closer, before a smaller step is tried
    """

    rounds: int = 8
    moves: int = 80
    step: float = 0.01
    tries: int = 2


@dataclass(frozen=True)
class Saved:
    """The cheapest shifts that attained what was wanted.

    taken          choices; those given when none was cheaper
    cost, before   of them, and of those given
    margin         simulated attainment less what is wanted, or less what was attained before where
                   that was missed; in the worst interval
    simulations    how often the search asked
    """

    taken: Wholes = field(repr=False)
    cost: float
    before: float
    margin: float
    simulations: int


def save_shifts(
    taken: Wholes,
    choices: Choices,
    desk: Desk,
    judge: Judge,
    *,
    touches: Flags,
    floor: Floats,
    given: Wholes,
    share: float,
    seed: int,
    limits: SavingLimits | None = None,
    progress: Progress = silent,
) -> Saved:
    """Cheaper shifts than `taken` that attain what is wanted wherever `taken` does.

    taken    choices, one entry an agent
    touches  whether a pool can serve any of a cut of queues, (pools, cuts)
    floor    heads that each cut keeps whatever the simulation says, (intervals, cuts)
    given    heads that are there anyway, (intervals, pools)
    share    of the promise: what the model aims at before it is set right

    Where `taken` misses what is wanted, it may be missed no more than before. Deterministic in
    `seed`; progress is told once a simulation.
    """
    limits = limits or SavingLimits()
    if taken.size == 0:
        raise RequestError("there is no shift to save on")
    wanted = judge(choices.heads(taken, *given.shape) + given)
    allowed = np.minimum(0.0, np.nan_to_num(wanted, nan=0.0))
    before = float(choices.cost[taken].sum())
    best, margin = taken, float((np.nan_to_num(wanted, nan=1.0) - allowed).min())
    least_step = _least_step(choices.cost)
    offset = _gap(wanted, _modelled(taken, choices, desk, given) - share)
    now, step, tries, closest = taken, limits.step, 0, -np.inf
    budget = _lower(before, step, least_step)
    simulations = 1
    while simulations < limits.rounds:
        progress(simulations / limits.rounds, f"trying {budget:,.0f} paid hours")
        target = np.clip(share + allowed - offset, *TARGETS)
        now = _search(
            now,
            choices,
            desk,
            touches=touches,
            floor=floor,
            given=given,
            target=target,
            budget=budget,
            moves=limits.moves * len(now),
            key=np.uint64(combine(key_of(f"saving {seed}"), np.uint64(simulations))),
        )
        attained = judge(choices.heads(now, *given.shape) + given)
        simulations += 1
        seen = _gap(attained, _modelled(now, choices, desk, given) - share)
        offset = (1.0 - BELIEVED) * offset + BELIEVED * seen
        cost = float(choices.cost[now].sum())
        kept = float((np.nan_to_num(attained, nan=1.0) - allowed).min())
        if kept >= -ENOUGH and cost < choices.cost[best].sum() - ENOUGH:
            best, margin, tries, closest = now, kept, 0, -np.inf
            budget = _lower(cost, step, least_step)
            continue
        tries = 0 if kept > closest + CLOSER else tries + 1
        closest = max(closest, kept)
        if tries >= limits.tries:
            if step * budget <= least_step:
                break
            best_cost = float(choices.cost[best].sum())
            step, tries, closest, now = step / 2.0, 0, -np.inf, best
            budget = _lower(best_cost, step, least_step)
    progress(1.0, "shifts saved")
    return Saved(best, float(choices.cost[best].sum()), before, margin, simulations)


def _least_step(cost: Floats) -> float:
    """The least that one move can change the cost."""
    levels = np.unique(np.concatenate([[0.0], cost]))
    return float(np.diff(levels).min())


def _lower(cost: float, step: float, least: float) -> float:
    return cost - max(step * cost, least)


def _gap(simulated: Floats, modelled: Floats) -> Floats:
    """What the simulation attains above the model; 0 where nobody comes."""
    return np.clip(np.nan_to_num(simulated - modelled, nan=0.0), -FARTHEST, FARTHEST)


def _answering(taken: Wholes, choices: Choices, desk: Desk, given: Wholes) -> Floats:
    heads = choices.heads(taken, *given.shape) + given
    return np.ascontiguousarray(heads.sum(axis=1) * desk.present, dtype=np.float64)


def _modelled(taken: Wholes, choices: Choices, desk: Desk, given: Wholes) -> Floats:
    heads = _answering(taken, choices, desk, given)
    means, variances, attained = (np.empty(heads.size) for _ in range(3))
    attained_by(
        desk.arrivals,
        heads,
        desk.rate,
        desk.touch_min,
        desk.threshold_min,
        desk.cyclic,
        means,
        variances,
        attained,
    )
    return attained


def _search(
    taken: Wholes,
    choices: Choices,
    desk: Desk,
    *,
    touches: NDArray[np.bool_],
    floor: Floats,
    given: Wholes,
    target: Floats,
    budget: float,
    moves: int,
    key: np.uint64,
) -> Wholes:
    """The choices within the budget that lack least; those given where none is found."""
    heads = choices.heads(taken, *given.shape) + given
    room = np.zeros(2 * len(taken) + 8, dtype=np.int64)
    room[: len(taken)] = taken
    found = np.zeros_like(room)
    count, _ = anneal(
        room,
        len(taken),
        choices.cells,
        choices.first,
        choices.cost,
        choices.near,
        choices.near_first,
        choices.pool,
        touches,
        heads @ touches.astype(np.float64) - floor,
        _answering(taken, choices, desk, given),
        desk.arrivals,
        desk.rate,
        desk.present,
        desk.touch_min,
        desk.threshold_min,
        desk.cyclic,
        choices.anywhere,
        target,
        budget,
        moves,
        key,
        found,
    )
    return found[:count].copy() if count >= 0 else taken
