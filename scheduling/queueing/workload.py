"""When the work of a forecast falls due: offered load on a one-minute grid.

The load is that of a system with unlimited agents (modified offered load): the arrivals convolved
with the chance that their handling still lasts. Follow-ups come back after handling and thinking.
What arrives outside the service window is released at the next opening and spread so that the
opening goal holds.

Source: Jennings, Mandelbaum, Massey, Whitt 1996 (MOL); Yom-Tov, Mandelbaum 2014 (returning work).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scheduling.queueing.concurrency import stretch
from scheduling.queueing.erlang import lognormal
from wfm.brands import Brand, Queue
from wfm.calendars import ServiceWindow, open_spans
from wfm.errors import DataError, DemandError
from wfm.frames import interval_index
from wfm.paths import Paths
from wfm.sla import Duration
from wfm.timegrid import INTERVAL, INTERVAL_S, format_instant, interval_count

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MINUTE_S = 60.0
STEPS = int(INTERVAL_S / MINUTE_S)
DAY_STEPS = 24 * 60
# Work this much smaller than what came in is not followed further.
NEGLIGIBLE = 1e-4
KERNEL_LEFT = 1e-5
# Days of arrivals before the horizon, made up from the horizon's own first week.
WARM_DAYS = 3
# A shift of the load later than this would only put work off.
LAG_MAX_S = 1800.0
NORMAL = NormalDist()


def grid_of(
    table: pd.DataFrame, column: str, brand: Brand, *, start: datetime, end: datetime
) -> Floats:
    """A column of a table by start and queue as an array (intervals, queues of the brand).

    DataError when an interval of [start, end) is missing for a queue.
    """
    names = [q.name for q in brand.queues]
    wide = table.set_index(["start", "queue"])[column].unstack()  # noqa: PD010 - one row a key
    wide = wide.reindex(index=interval_index(start, end), columns=names)
    gaps = np.argwhere(wide.isna().to_numpy())
    if gaps.size:
        at, of = gaps[0]
        raise DataError(
            f"{column} of queue {names[of]!r} is missing at {wide.index[at]:%Y-%m-%dT%H:%MZ} "
            f"({len(gaps)} gaps in all); it must cover {format_instant(start)} to "
            f"{format_instant(end)} for every queue"
        )
    return wide.to_numpy(dtype=np.float64)


def contacts_of(paths: Paths, brand: Brand, *, start: datetime, end: datetime) -> NDArray[np.int64]:
    """The paths' counts in [start, end), (paths, intervals, queues of the brand).

    DataError when the paths lack a queue or do not cover the time.
    """
    missing = [q.name for q in brand.queues if q.name not in paths.queues]
    if missing:
        raise DataError(f"the paths hold no queue {', '.join(map(repr, missing))}")
    first = interval_count(paths.start, start)
    last = first + interval_count(start, end)
    if first < 0 or last > paths.contacts.shape[1] or paths.contacts.shape[0] == 0:
        until = paths.start + paths.contacts.shape[1] * INTERVAL
        raise DataError(
            f"{paths.contacts.shape[0]} paths from {format_instant(paths.start)} to "
            f"{format_instant(until)} do not cover {format_instant(start)} to {format_instant(end)}"
        )
    order = [paths.queues.index(q.name) for q in brand.queues]
    return paths.contacts[:, first:last, order]


def handling_scale(
    forecast: pd.DataFrame, brand: Brand, *, start: datetime, end: datetime
) -> Floats:
    """Factor on each queue's work law, (intervals, queues): the forecast's AHT over the law's.

    First touch and follow-ups keep their proportion. DemandError for a handling time that is
    missing, 0 or infinite.
    """
    aht = grid_of(forecast, "aht_s", brand, start=start, end=end)
    wrong = np.argwhere(~(np.isfinite(aht) & (aht > 0)))
    if wrong.size:
        at, of = wrong[0]
        raise DemandError(
            f"aht_s of queue {brand.queues[of].name!r} is {aht[at, of]:g} s at "
            f"{format_instant(start + int(at) * INTERVAL)} ({len(wrong)} such intervals); every "
            "interval of the forecast wants a finite handling time above 0 seconds"
        )
    return np.asarray(aht / np.array([q.work.aht_s for q in brand.queues]))


def work_scale(forecast: pd.DataFrame, brand: Brand, *, start: datetime, end: datetime) -> Floats:
    """Factor on each queue's work law that gives the agents' time, (intervals, queues).

    As `handling_scale`, and longer by `concurrency.stretch` where conversations are held.
    """
    scale = handling_scale(forecast, brand, start=start, end=end)
    return np.asarray(scale * np.array([stretch(q.work) for q in brand.queues]))


def lag_s(threshold_s: float) -> float:
    """How much later than the offered load staff is wanted: half the goal.

    Half a 15-minute goal keeps every interval from small to large desks; no lag staffs before the
    backlog has built up, a lag of the whole goal leaves nothing for a bad quarter of an hour.
    """
    return min(threshold_s / 2.0, LAG_MAX_S)


def _cdf(duration: Duration, at_s: Floats) -> Floats:
    mu, sigma = lognormal(duration)
    if sigma == 0:
        return (at_s >= duration.mean_s).astype(np.float64)
    logs = np.log(np.maximum(at_s, 1e-12))
    return np.array([NORMAL.cdf((x - mu) / sigma) for x in logs])


def _minutes_until(duration: Duration) -> int:
    mu, sigma = lognormal(duration)
    longest = math.exp(mu - sigma * NORMAL.inv_cdf(KERNEL_LEFT)) if sigma else duration.mean_s
    return math.ceil(longest / MINUTE_S) + 1


def survival_kernel(duration: Duration) -> Floats:
    """Minutes of work in each minute after the start; they add up to the mean, in minutes."""
    if duration.mean_s == 0:
        return np.zeros(1)
    edges = np.arange(_minutes_until(duration) + 1) * MINUTE_S
    mu, sigma = lognormal(duration)
    if sigma == 0:
        capped = np.minimum(edges, duration.mean_s)
    else:
        z = (np.log(np.maximum(edges, 1e-12)) - mu) / sigma
        below = np.array([NORMAL.cdf(x) for x in z])
        part = np.array([NORMAL.cdf(x - sigma) for x in z])
        capped = duration.mean_s * part + edges * (1.0 - below)  # E[min(S, t)]
    steps = np.diff(capped)
    total = steps.sum()
    return np.asarray(steps * (duration.mean_s / MINUTE_S / total) if total > 0 else steps)


def delay_kernel(think: Duration, handling_s: float) -> Floats:
    """Chance that the next message comes in each minute after the last one did; adds up to 1."""
    shift = round(handling_s / MINUTE_S)
    edges = np.arange(_minutes_until(think) + 1) * MINUTE_S
    mass = np.diff(_cdf(think, np.asarray(edges, np.float64)), prepend=0.0)
    kernel = np.concatenate([np.zeros(shift), mass])
    return np.asarray(kernel / kernel.sum())


def convolve(flow: Floats, kernel: Floats) -> Floats:
    """The causal convolution of both, as long as `flow`."""
    size = 1 << (flow.size + kernel.size - 2).bit_length()
    spectrum = np.fft.rfft(flow, size) * np.fft.rfft(kernel, size)
    # Rounding of the transform leaves tiny negatives where nothing happens.
    return np.maximum(np.fft.irfft(spectrum, size)[: flow.size], 0.0)


def offered_load(arrivals: Floats, survival: Floats) -> Floats:
    """Erlangs in each step of a system with unlimited agents.

    arrivals  per step
    survival  steps of work left in each step after the arrival (adds up to the mean handling)
    """
    return convolve(arrivals, survival)


def open_minutes(window: ServiceWindow, start: datetime, end: datetime) -> Flags:
    """Which minutes of [start, end) lie inside the service window."""
    count = int((end - start).total_seconds() // MINUTE_S)
    inside = np.zeros(count, dtype=np.bool_)
    for opens, closes in open_spans(window, start, end):
        first = math.ceil((opens - start).total_seconds() / MINUTE_S)
        last = math.ceil((closes - start).total_seconds() / MINUTE_S)
        inside[first:last] = True
    return inside


def released(flow: Floats, inside: Flags, spread: int) -> tuple[Floats, Floats]:
    """`flow` split into what comes inside the window and what is held until it opens.

    The held part appears from the next opening on, spread evenly over `spread` minutes, or over the
    opening where that is shorter. What opens only after the horizon is not part of it.
    """
    live = np.where(inside, flow, 0.0)
    held = np.zeros_like(flow)
    if inside.all():
        return live, held
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(np.int8)))
    before = 0
    for opens, closes in zip(edges[::2], edges[1::2], strict=True):
        waiting = flow[before:opens].sum()
        until = min(opens + max(spread, 1), closes)
        held[opens:until] += waiting / (until - opens)
        before = closes
    return live, held


@dataclass(frozen=True)
class Load:
    """Work of one queue per 15-minute interval of the horizon.

    erlangs   mean number of agents at work, over the open minutes of the interval
    first     the part of it that is first replies
    arriving  work that comes in, first and later messages, over the open minutes: erlangs too
    is_open   whether any minute of the interval is open
    """

    erlangs: Floats
    first: Floats
    arriving: Floats
    is_open: Flags


def _warmed(per_interval: Floats) -> Floats:
    """Days before the horizon: those of a week later, or its first day where it is shorter."""
    day = DAY_STEPS // STEPS
    if per_interval.size >= 7 * day:
        before = per_interval[(7 - WARM_DAYS) * day : 7 * day]
    else:
        before = np.resize(per_interval[:day], WARM_DAYS * day)
    return np.concatenate([before, per_interval])


def _per_interval(per_minute: Floats, inside: Flags) -> Floats:
    """Means over the open minutes of each interval of the horizon; 0 where it is shut."""
    skip = WARM_DAYS * DAY_STEPS
    summed = np.where(inside, per_minute, 0.0)[skip:].reshape(-1, STEPS).sum(axis=1)
    minutes = inside[skip:].reshape(-1, STEPS).sum(axis=1)
    return np.asarray(summed / np.maximum(minutes, 1))


def _open_intervals(inside: Flags) -> Flags:
    """Which intervals of the horizon have an open minute."""
    return np.asarray(inside[WARM_DAYS * DAY_STEPS :].reshape(-1, STEPS).any(axis=1))


def lagged_mol(
    contacts: Floats,
    scale: Floats,
    queue: Queue,
    *,
    start: datetime,
    end: datetime,
    lag: float,
    follow_lag: float,
) -> Load:
    """Modified offered load of a queue with its follow-ups, each class `lag` seconds later.

    contacts         new cases per interval of [start, end)
    scale            factor on the work law's times, per interval: the forecast's AHT over the law's
    lag, follow_lag  seconds that first replies and follow-ups are put off

    A scaled interval brings more work, not longer-lasting work: the shape of the law stays. What
    waited for the opening is spread already, and not put off again.
    """
    law = queue.work
    inside = open_minutes(queue.window, start - timedelta(days=WARM_DAYS), end)
    work = np.repeat(_warmed(contacts * scale) / STEPS, STEPS)
    mean_scale = float(scale.mean()) if scale.size else 1.0
    back = delay_kernel(law.think, law.first_touch.mean_s * mean_scale)
    floor = NEGLIGIBLE * work.sum()

    first_live, first_held = released(work, inside, _spread(queue))
    next_live, next_held = np.zeros_like(work), np.zeros_like(work)
    flow = first_live + first_held
    while law.continue_p > 0 and flow.sum() > floor:
        live, held = released(law.continue_p * convolve(flow, back), inside, _spread(queue))
        next_live += live
        next_held += held
        flow = live + held

    first = _put_off(first_live, first_held, survival_kernel(law.first_touch), lag, inside)
    follow = _put_off(next_live, next_held, survival_kernel(law.follow_up), follow_lag, inside)
    arriving = (first_live + first_held) * (law.first_touch.mean_s / MINUTE_S)
    arriving += (next_live + next_held) * (law.follow_up.mean_s / MINUTE_S)
    firsts = _per_interval(first, inside)
    return Load(
        erlangs=firsts + _per_interval(follow, inside),
        first=firsts,
        arriving=_per_interval(arriving, inside),
        is_open=_open_intervals(inside),
    )


def _spread(queue: Queue) -> int:
    """Minutes after the opening over which the work that waited for it is spread."""
    return max(
        round((queue.opening_goal.threshold_s - queue.promise.threshold_s) / MINUTE_S), STEPS
    )


def _put_off(live: Floats, held: Floats, survival: Floats, lag: float, inside: Flags) -> Floats:
    """Offered load of a class in the open minutes, what came inside the window `lag` s later."""
    shift = round(lag / MINUTE_S)
    load = offered_load(live, survival)
    late = np.concatenate([load[:shift], load[: load.size - shift]])
    open_part, shut_part = released(late + offered_load(held, survival), inside, STEPS)
    return open_part + shut_part


def at_arrival(
    contacts: Floats,
    scale: Floats,
    queue: Queue,
    *,
    start: datetime,
    end: datetime,
    lag: float,
    follow_lag: float,
) -> Load:
    """All the work of a case booked in the interval it arrives in (stationary, independent).

    The reference method of the field; it staffs a peak before the work of the peak is there.
    Arguments as in `lagged_mol`; the lags have no effect.
    """
    del lag, follow_lag
    inside = open_minutes(queue.window, start - timedelta(days=WARM_DAYS), end)
    work = np.repeat(_warmed(contacts * scale) / STEPS, STEPS)
    live, held = released(work, inside, _spread(queue))
    erlangs = _per_interval((live + held) * (queue.work.aht_s / MINUTE_S), inside)
    first = erlangs * (queue.work.first_touch.mean_s / queue.work.aht_s)
    return Load(erlangs, first, erlangs, _open_intervals(inside))
