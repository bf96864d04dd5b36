"""The clock of a promise: how much open, unpaused time has passed, and when it runs out.

The law, whatever happens in whatever order: elapsed = the open seconds of the spans in which the
clock ran, each under the window that held in it. It has run out when more has passed than its
threshold; it is due at the instant since which no less than the threshold has passed. That instant
is worked out anew whenever something changes, and one that has passed stays, so that neither a
pause nor another policy makes a late case look fresh. A longer promise takes a breach back.

Pure; on the live queue's path: standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from math import floor
from typing import Literal

from wfm.calendars import ServiceWindow, add_open_seconds, is_open, open_seconds
from wfm.care import ResolutionTarget
from wfm.sla import OpeningGoal

ClockMetric = Literal["first_response", "next_reply", "resolution"]
ClockGoal = Literal["first_response", "opening", "follow_up", "resolution"]
Outcome = Literal["met", "late", "cancelled", "merged"]


@dataclass(frozen=True)
class Clock:
    """One promise that runs, waits or has ended.

    threshold_s    open, unpaused seconds that it may take; warn_s: when to warn, if at all
    elapsed_s      what had passed when it last was paused, changed or stopped
    running_since  since when it runs; None: paused, or stopped
    due_at         when it runs out, as far as is known now; None while it is paused
    breached_at    when it had run out, once that was noted: by who looked, or by what came next
    any_at, any_elapsed_s   the first reply of any kind, automatic ones included
    """

    metric: ClockMetric
    goal: ClockGoal
    started_at: datetime
    threshold_s: int
    warn_s: int | None = None
    elapsed_s: float = 0.0
    running_since: datetime | None = None
    due_at: datetime | None = None
    warned_at: datetime | None = None
    breached_at: datetime | None = None
    stopped_at: datetime | None = None
    outcome: Outcome | None = None
    any_at: datetime | None = None
    any_elapsed_s: float | None = None


def start_reply(
    window: ServiceWindow,
    threshold_s: int,
    opening: OpeningGoal,
    at: datetime,
    *,
    metric: ClockMetric = "first_response",
) -> Clock:
    """The clock of a reply to a message received at `at`.

    What arrives while the window is shut is due under the opening goal, counted from the opening.
    """
    if is_open(window, at):
        goal: ClockGoal = "first_response" if metric == "first_response" else "follow_up"
        return _run(Clock(metric, goal, at, threshold_s), window, at)
    return _run(Clock(metric, "opening", at, opening.threshold_s), window, at)


def start_resolution(window: ServiceWindow, target: ResolutionTarget, at: datetime) -> Clock:
    """The clock of a case's resolution, from its first message on."""
    clock = Clock("resolution", "resolution", at, target.threshold_s, target.warn_s)
    return _run(clock, window, at)


def elapsed(clock: Clock, window: ServiceWindow, at: datetime) -> float:
    """Open, unpaused seconds that have passed at `at`."""
    if clock.running_since is None or at <= clock.running_since:
        return clock.elapsed_s
    return clock.elapsed_s + open_seconds(window, clock.running_since, at)


def has_run_out(clock: Clock, window: ServiceWindow, at: datetime) -> bool:
    """Whether more has passed at `at` than was promised."""
    return elapsed(clock, window, at) > clock.threshold_s


def pause(clock: Clock, window: ServiceWindow, at: datetime) -> Clock:
    """Stand still from `at` on; a clock that does not run stays as it is."""
    if clock.running_since is None:
        return clock
    return replace(_noted(clock, window, at), running_since=None, due_at=None)


def resume(clock: Clock, window: ServiceWindow, at: datetime) -> Clock:
    """Run again from `at` on; a clock that runs or has stopped stays as it is."""
    if clock.running_since is not None or clock.stopped_at is not None:
        return clock
    return _run(clock, window, at)


def change(
    clock: Clock,
    before: ServiceWindow,
    after: ServiceWindow,
    at: datetime,
    *,
    threshold_s: int | None = None,
    warn_s: int | None = None,
) -> Clock:
    """Another window, and another threshold if given, hold from `at` on; what passed stays.

    A threshold below what has passed makes it due at `at`: nobody is late before the promise was
    given.
    """
    if clock.stopped_at is not None:
        return clock
    noted = clock if clock.running_since is None else _noted(clock, before, at)
    limits = replace(
        noted,
        threshold_s=clock.threshold_s if threshold_s is None else threshold_s,
        warn_s=clock.warn_s if warn_s is None else warn_s,
    )
    if limits.elapsed_s <= limits.threshold_s:
        limits = replace(limits, breached_at=None)
    if limits.warn_s is None or limits.elapsed_s < limits.warn_s:
        limits = replace(limits, warned_at=None)
    return limits if limits.running_since is None else _run(limits, after, at)


def due_by(clock: Clock, window: ServiceWindow, due: datetime) -> Clock:
    """The running clock with a threshold so short that it is due at `due` at the latest.

    `due` is when a promise made now runs out. The threshold is in whole seconds, rounded down. A
    clock that is due earlier, or does not run, stays as it is.
    """
    if clock.running_since is None or clock.due_at is None or clock.due_at <= due:
        return clock
    sooner = replace(clock, threshold_s=floor(elapsed(clock, window, due)))
    return _run(sooner, window, clock.running_since)


def stop(
    clock: Clock, window: ServiceWindow, at: datetime, *, outcome: Outcome | None = None
) -> Clock:
    """End the promise at `at`: met or late by what has passed, unless another outcome is given."""
    if clock.stopped_at is not None:
        return clock
    noted = _noted(clock, window, at)
    judged: Outcome = "met" if noted.elapsed_s <= clock.threshold_s else "late"
    return replace(noted, running_since=None, stopped_at=at, outcome=outcome or judged)


def reopen(clock: Clock, window: ServiceWindow, at: datetime) -> Clock:
    """Run again from `at` on as if it had not been stopped, only paused since."""
    if clock.stopped_at is None:
        return clock
    return _run(replace(clock, stopped_at=None, outcome=None, due_at=None), window, at)


def merge(
    kept: Clock, window: ServiceWindow, other: Clock, other_window: ServiceWindow, at: datetime
) -> Clock:
    """Two running promises as one, in `window` from `at` on: the one that is due first.

    It bears the instant of the older message, and the first automatic reply to either.
    """
    moved = change(other, other_window, window, at)
    first = kept if _due(kept) <= _due(moved) else moved
    said = min((c for c in (kept, moved) if c.any_at), key=lambda c: c.any_at or at, default=first)
    return replace(
        first,
        metric=kept.metric,
        started_at=min(kept.started_at, other.started_at),
        any_at=said.any_at,
        any_elapsed_s=said.any_elapsed_s,
    )


def as_next_reply(clock: Clock) -> Clock:
    """The promise of a first response, kept as that of a later reply."""
    goal: ClockGoal = "follow_up" if clock.goal == "first_response" else clock.goal
    return replace(clock, metric="next_reply", goal=goal)


def replied_automatically(clock: Clock, window: ServiceWindow, at: datetime) -> Clock:
    """Note the first reply of any kind; the promise of a human one runs on."""
    if clock.any_at is not None or clock.stopped_at is not None:
        return clock
    return replace(clock, any_at=at, any_elapsed_s=elapsed(clock, window, at))


def _due(running: Clock) -> datetime:
    assert running.due_at is not None, "a clock that runs has a deadline"
    return running.due_at


def _noted(clock: Clock, window: ServiceWindow, at: datetime) -> Clock:
    """With what has passed until `at`, and when it ran out if it has."""
    passed = elapsed(clock, window, at)
    broken = clock.breached_at
    if broken is None and passed > clock.threshold_s:
        broken = clock.due_at or at
    return replace(clock, elapsed_s=passed, breached_at=broken)


def _run(clock: Clock, window: ServiceWindow, at: datetime) -> Clock:
    """Running from `at` on; one that has run out already was due when it did."""
    left = clock.threshold_s - clock.elapsed_s
    if left > 0:
        due = add_open_seconds(window, at, left)
    else:
        due = min(clock.breached_at or clock.due_at or at, at)
    return replace(clock, running_since=at, due_at=due)
