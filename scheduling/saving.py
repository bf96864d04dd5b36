"""A requirement that asks for no more than simulation shows is needed, on the shifts there are.

The formulas ask for agents in every interval by itself. On the shift mix, before anybody is named,
shifts are dropped and moved, and their breaks, while the simulated promise holds
(`rostering.saving`). What the mix then has on queue is what the roster is asked for, where that is
less. The occupancy cap and the minimum staff are kept whatever the simulation says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd

from scheduling.certificate import FEW_CASES, first_intervals
from scheduling.queueing.erlang import Floats, Wholes, touch_points
from scheduling.queueing.workload import grid_of
from scheduling.requirement import whole
from scheduling.roster import Limits, ground_of
from scheduling.rostering.cover import Cover
from scheduling.rostering.need import (
    INTERVAL_H,
    Need,
    cuts_of,
    interval_of,
    need_of,
    touching,
)
from scheduling.rostering.saving import Judge, Saved, SavingLimits, save_shifts
from scheduling.rostering.search import Choices, Desk
from scheduling.rostering.shifts import Shifts
from scheduling.simulation.staff import staff_of_heads
from scheduling.simulation.state import ON_TIME
from scheduling.simulation.trial import Trial
from scheduling.staffing import split_heads
from wfm.brands import Brand
from wfm.people import Agent
from wfm.progress import Progress, part, silent

# Where the formulas ask for less than this share above what is kept in any case, nothing is tried.
WORTH = 0.02
# Break moves tried, intervals; starts within this many intervals stand for one another.
BREAK_MOVES = (-2, -1, 1, 2)
NEAR_STARTS = 4
ROUNDING = 1e-9
MINUTE_S = 60.0


@dataclass(frozen=True)
class Lowered:
    """The requirement after the search, and what came of it.

    table    REQUIREMENT; lowered intervals are bound by "rehearsal"
    hours    agent hours asked for less than before
    mix      paid hours of the shift mix: before and after; None where nothing was tried
    message  for people
    """

    table: pd.DataFrame = field(repr=False)
    hours: float
    mix: Saved | None
    message: str


def lower_requirement(
    requirement: pd.DataFrame,
    brand: Brand,
    agents: tuple[Agent, ...],
    sampled: Callable[[], Trial],
    *,
    start: datetime,
    end: datetime,
    seed: int,
    reserve: float,
    history: pd.DataFrame | None = None,
    limits: Limits | None = None,
    saving: SavingLimits | None = None,
    progress: Progress = silent,
) -> Lowered:
    """The requirement that the cheapest shift mix found attains, by simulation.

    sampled  makes the days over [start, end) that are answered again and again, if need be
    reserve  part of what a promise lets be late that is kept free, for fresh days

    Deterministic in `seed`. Errors as in `roster.make_roster`.
    """
    limits = limits or Limits()
    need = need_of(requirement, brand, start=start, end=end)
    kept = _kept_heads(requirement, need, brand, start=start, end=end)
    asked = need.heads.sum()
    if asked <= 0 or (need.heads - kept).sum() < WORTH * asked:
        return Lowered(
            requirement,
            0.0,
            None,
            "no shifts were tried to be saved: the occupancy cap and the minimum staff ask for "
            f"all but {(need.heads - kept).sum() / max(asked, ROUNDING):.1%} of the agents",
        )
    ground = ground_of(
        requirement, brand, agents, start=start, end=end, history=history, prices=limits.prices
    )
    cover = ground.cover(brand, seed=seed, limits=limits, progress=part(progress, 0.0, 0.4))
    if not len(cover.units.shift):
        return Lowered(requirement, 0.0, None, "there is no shift to save on")
    choices, taken = choices_of(cover, ground.shifts, limits)
    given = cover.there.astype(np.int64)
    cuts = cuts_of(cover.serves)
    saved = save_shifts(
        taken,
        choices,
        desk_of(requirement, brand, start=start, end=end),
        judge_of(sampled(), cover, brand, reserve=reserve),
        touches=touching(cover.serves, cuts),
        floor=kept @ cuts.T.astype(np.float64),
        given=given,
        share=max(q.promise.share for q in brand.queues),
        seed=seed,
        limits=saving,
        progress=part(progress, 0.4, 1.0),
    )
    if saved.cost >= saved.before - ROUNDING:
        return Lowered(requirement, 0.0, saved, "no cheaper shifts keep the promise in simulation")
    heads = choices.heads(saved.taken, *given.shape) + given
    on_queue = split_heads(heads.astype(np.float64), cover.serves, need.heads)
    suffices = np.maximum(np.minimum(need.heads, on_queue), kept)
    table = _lowered(requirement, suffices * brand.planning.availability, need.queues, start)
    hours = float((requirement["agents_exact"] - table["agents_exact"]).sum()) * INTERVAL_H
    return Lowered(
        table,
        hours,
        saved,
        f"{saved.before - saved.cost:,.0f} of {saved.before:,.0f} paid hours of the shift mix are "
        f"saved by simulation ({saved.simulations} runs)",
    )


def _kept_heads(
    requirement: pd.DataFrame, need: Need, brand: Brand, *, start: datetime, end: datetime
) -> Floats:
    """Heads that the cap and the minimum ask for, (intervals, queues); never above the need."""
    held = requirement[["need_occupancy", "need_minimum"]].max(axis=1)
    floors = grid_of(requirement.assign(held=held), "held", brand, start=start, end=end)
    return np.minimum(floors / brand.planning.availability, need.heads)


def desk_of(requirement: pd.DataFrame, brand: Brand, *, start: datetime, end: datetime) -> Desk:
    """All queues as one desk: their messages, and the soonest promise."""
    load = grid_of(requirement, "workload", brand, start=start, end=end)
    message_min = np.array(
        [q.work.aht_s * (1.0 - q.work.continue_p) / MINUTE_S for q in brand.queues]
    )
    erlangs = load.sum(axis=1)
    arrivals = (load / message_min).sum(axis=1)
    busiest = brand.queues[int(load.sum(axis=0).argmax())]
    usual = float(erlangs.sum() / max(arrivals.sum(), ROUNDING))
    minutes = np.where(arrivals > 0, erlangs / np.maximum(arrivals, ROUNDING), usual)
    return Desk(
        arrivals=arrivals,
        rate=1.0 / minutes,
        present=brand.planning.availability,
        touch_min=touch_points(busiest.work.first_touch, 4) / MINUTE_S,
        threshold_min=min(q.promise.threshold_s for q in brand.queues) / MINUTE_S,
    )


def choices_of(cover: Cover, shifts: Shifts, limits: Limits) -> tuple[Choices, Wholes]:
    """The shifts of the mix and those near them; and which of them the mix takes.

    Near is the same template on the same day, for the same pool, an hour earlier or later, or with
    one break moved: what may stand for a shift without touching any agent's rules.
    """
    units = cover.units
    number: dict[tuple[int, int, tuple[int, ...]], int] = {}
    by_start = {
        (int(k), int(d), int(a)): s
        for s, (k, d, a) in enumerate(zip(shifts.template, shifts.day, shifts.start, strict=True))
    }

    def near_of(pool: int, s: int, at: tuple[int, ...]) -> list[tuple[int, int, tuple[int, ...]]]:
        found = []
        k, d, a = int(shifts.template[s]), int(shifts.day[s]), int(shifts.start[s])
        for step in range(-NEAR_STARTS, NEAR_STARTS + 1):
            other = by_start.get((k, d, a + step))
            if step and other is not None:
                found.append((pool, other, at))
        for n, (earliest, latest, length) in enumerate(shifts.breaks[k].tolist()):
            if not length:
                continue
            after = at[n - 1] + int(shifts.breaks[k, n - 1, 2]) if n else 0
            is_last = n + 1 == len(at) or not shifts.breaks[k, n + 1, 2]
            before = latest if is_last else at[n + 1] - length
            for move in BREAK_MOVES:
                if max(earliest, after) <= at[n] + move <= min(latest, before):
                    found.append((pool, s, (*at[:n], at[n] + move, *at[n + 1 :])))
        return found

    taken = []
    for pool, s, at in zip(
        units.pool.tolist(), units.shift.tolist(), map(tuple, units.breaks.tolist()), strict=True
    ):
        taken.append(number.setdefault((pool, s, at), len(number)))
    for choice in list(number):
        for near in near_of(*choice):
            number.setdefault(near, len(number))

    cells, nears = [], []
    for pool, s, at in number:
        first = int(shifts.start[s])
        on = np.ones(int(shifts.length[s]), dtype=np.bool_)
        for (_, _, length), begin in zip(
            shifts.breaks[shifts.template[s]].tolist(), at, strict=True
        ):
            on[begin : begin + length] = False
        inside = first + np.flatnonzero(on)
        cells.append(inside[inside < shifts.intervals])
        nears.append([number[n] for n in near_of(pool, s, at) if n in number])
    shift = np.array([s for _, s, _ in number], dtype=np.int64)
    return Choices(
        cells=np.concatenate(cells).astype(np.int64),
        first=np.cumsum([0, *map(len, cells)]).astype(np.int64),
        cost=limits.prices.of_shift(shifts.paid[shift] * INTERVAL_H, shifts.inside[shift]),
        near=np.array([n for near in nears for n in near], dtype=np.int64),
        near_first=np.cumsum([0, *map(len, nears)]).astype(np.int64),
        pool=np.array([pool for pool, _, _ in number], dtype=np.int64),
        anywhere=False,
    ), np.array(taken, dtype=np.int64)


def judge_of(trial: Trial, cover: Cover, brand: Brand, *, reserve: float) -> Judge:
    """What heads on queue attain of every promise, less what is wanted, in the worst line."""
    masks = np.array(
        [sum(1 << q for q in np.flatnonzero(row).tolist()) for row in cover.serves],
        dtype=np.uint64,
    )
    # The loop wants groups with few queues first.
    order = sorted(range(len(masks)), key=lambda g: (int(masks[g]).bit_count(), int(masks[g])))
    firsts = first_intervals(trial.start, trial.end, brand)

    def margins(heads: Wholes) -> Floats:
        simulation = trial.run(staff_of_heads(heads[:, order], masks[order]))
        worst = np.full(trial.intervals, np.nan)
        for n, line in enumerate(trial.lines):
            units = firsts[line.scope]
            counts = simulation.outcomes[:, :, n, :].sum(axis=0, dtype=np.int64)
            counts = np.add.reduceat(counts, units, axis=0)
            judged = counts.sum(axis=1)
            enough = judged >= FEW_CASES * trial.replications
            wanted = line.share + reserve * (1.0 - line.share)
            over = np.where(enough, counts[:, ON_TIME] / np.maximum(judged, 1) - wanted, np.nan)
            lengths = np.diff(np.append(units, trial.intervals))
            worst = np.fmin(worst, np.repeat(over, lengths))
        return worst

    return margins


def _lowered(
    requirement: pd.DataFrame, suffices: Floats, queues: tuple[str, ...], start: datetime
) -> pd.DataFrame:
    """The requirement where no more than `suffices` is asked for, agents (intervals, queues)."""
    at = interval_of(requirement["start"], start)
    exact = suffices[at, pd.Index(queues).get_indexer(pd.Index(requirement["queue"]))]
    lower = exact < requirement["agents_exact"].to_numpy() - ROUNDING
    exact = np.where(lower, exact, requirement["agents_exact"])
    return requirement.assign(
        agents_exact=exact,
        agents=whole(exact).astype(np.int64),
        binding=requirement["binding"].where(~lower, "rehearsal"),
    )
