"""The clock of a promise: how much open, unpaused time has passed, and when it runs out.

The law, whatever happens in whatever order: elapsed = the open seconds of the spans in which the
clock ran, each under the window that held in it. A clock that runs is due when its elapsed time
reaches its threshold; that instant is worked out anew whenever something changes.

Pure; on the live queue's path: standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
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
    breached_at    when it had run out, once somebody has looked
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


def pause(clock: Clock, window: ServiceWindow, at: datetime) -> Clock:
    """Stand still from `at` on; a clock that does not run stays as it is."""
    if clock.running_since is None:
        return clock
    passed = elapsed(clock, window, at)
    return replace(clock, elapsed_s=passed, running_since=None, due_at=None)


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
    """Another window, and another threshold if given, hold from `at` on; what passed stays."""
    if clock.stopped_at is not None:
        return clock
    limits = replace(
        clock,
        threshold_s=clock.threshold_s if threshold_s is None else threshold_s,
        warn_s=clock.warn_s if warn_s is None else warn_s,
    )
    if clock.running_since is None:
        return limits
    return _run(replace(limits, elapsed_s=elapsed(clock, before, at)), after, at)


def stop(
    clock: Clock, window: ServiceWindow, at: datetime, *, outcome: Outcome | None = None
) -> Clock:
    """End the promise at `at`: met or late by what has passed, unless another outcome is given."""
    if clock.stopped_at is not None:
        return clock
    passed = elapsed(clock, window, at)
    judged: Outcome = "met" if passed <= clock.threshold_s else "late"
    return replace(
        clock,
        elapsed_s=passed,
        running_since=None,
        stopped_at=at,
        outcome=outcome or judged,
    )


def replied_automatically(clock: Clock, window: ServiceWindow, at: datetime) -> Clock:
    """Note the first reply of any kind; the promise of a human one runs on."""
    if clock.any_at is not None or clock.stopped_at is not None:
        return clock
    return replace(clock, any_at=at, any_elapsed_s=elapsed(clock, window, at))


def _run(clock: Clock, window: ServiceWindow, at: datetime) -> Clock:
    """Running from `at` on; one that has run out already was due then."""
    left = clock.threshold_s - clock.elapsed_s
    due = add_open_seconds(window, at, left) if left > 0 else at
    return replace(clock, running_since=at, due_at=due)
