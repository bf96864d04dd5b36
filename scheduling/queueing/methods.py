"""Ways to get from a queue's load to the agents it needs, by name.

`lagged_mol` is the one that staff is planned with. The others are what the field uses, or exact and
slow, to compare it with:

- mol             as `lagged_mol`, without putting the work off: staffs before a backlog is there
- erlang_c        each interval alone, all work at arrival, first come first served (SIPP)
- erlang_a        as erlang_c, when customers give up waiting: asks for too few
- uniformisation  the exact desk of erlang_c's assumptions, carried from interval to interval
- fluid           as many agents as there is work at arrival; no safety at all
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from scheduling.queueing.abandonment import agents_for_impatient
from scheduling.queueing.concurrency import is_held
from scheduling.queueing.erlang import Floats, Sizing, agents_for
from scheduling.queueing.priority import Desk, agents_ahead, agents_in_order, desk_of
from scheduling.queueing.replies import budget_s, check_reach, replies_of, within_reach
from scheduling.queueing.uniformisation import agents_in_time, attainment_in_time
from scheduling.queueing.workload import Load, at_arrival, lag_s, lagged_mol
from wfm.brands import Queue
from wfm.sla import Duration, Metric, ServiceGoal
from wfm.timegrid import INTERVAL_S


@dataclass(frozen=True)
class Needs:
    """Agents, fractional, that a queue's goals ask for: those of first replies, and the others."""

    first: Floats
    follow: Floats


@dataclass(frozen=True)
class Method:
    """How the load of a queue falls due, and how many agents it takes."""

    load: Callable[..., Load]
    needs: Callable[[Queue, Load, Floats, Floats], Needs]


def load_of(
    method: Method, contacts: Floats, scale: Floats, queue: Queue, *, start: datetime, end: datetime
) -> Load:
    """The queue's load by a method; each class put off by half of what its messages may take.

    A resolution must leave time for all messages of a case, first ones and later ones. In a
    conversation that is held the later ones do not go back to the queue: new cases do the waiting.
    """
    whole = [budget_s(goal, queue.work) for goal in queue.goals if goal.metric == "resolution"]
    first = [float(goal.threshold_s) for goal in first_goals(queue)]
    lag = lag_s(min(first + whole))
    later = lag if is_held(queue.work) else lag_s(min([queue.follow_up_due_s, *whole]))
    return method.load(contacts, scale, queue, start=start, end=end, lag=lag, follow_lag=later)


def first_goals(queue: Queue) -> list[ServiceGoal]:
    return [goal for goal in queue.goals if goal.metric == "first_response"]


def follow_goals(queue: Queue, worst: float = 1.0) -> list[ServiceGoal]:
    """Goals of later replies and of resolution.

    Without a goal for later replies they are due in FOLLOW_UP_S, for the share of the promise;
    where writing them takes too long for that, nobody promised it.

    worst  the longest factor on the work law
    """
    goals = [goal for goal in queue.goals if goal.metric != "first_response"]
    if queue.work.continue_p > 0 and not any(goal.metric == "next_reply" for goal in goals):
        share, scope = queue.promise.share, queue.promise.scope
        usual = ServiceGoal("next_reply", queue.follow_up_due_s, share, scope)
        if within_reach(usual, queue.work, worst):
            goals.append(usual)
    return goals


def desk_for(queue: Queue, load: Load, factor: Floats, scale: Floats, metric: Metric) -> Desk:
    """The desk as messages of a goal meet it: theirs against the other class.

    A resolution waits as follow-ups do, or as first replies where there are no follow-ups. Where
    conversations are held there is one class: an agent is free for a new case when all work on an
    earlier one is done.
    """
    law = queue.work
    if is_held(law):
        return desk_of(load.erlangs * factor, own_s=law.aht_s, scale=scale)
    first, follow = load.first * factor, np.maximum(load.erlangs - load.first, 0.0) * factor
    head_start = float(queue.follow_up_due_s - queue.promise.threshold_s)
    first_s, follow_s = law.first_touch.mean_s, law.follow_up.mean_s
    if metric == "first_response" or law.continue_p == 0:
        return desk_of(
            first, follow, own_s=first_s, other_s=follow_s, scale=scale, head_start_s=head_start
        )
    return desk_of(
        follow, first, own_s=follow_s, other_s=first_s, scale=scale, head_start_s=-head_start
    )


def longest_scale(load: Load, scale: Floats) -> float:
    """The longest factor on the law where there is work; 0 where there is none."""
    return float(scale[load.erlangs > 0].max(initial=0.0))


def _by_priority(queue: Queue, load: Load, factor: Floats, scale: Floats) -> Needs:
    """First replies as if always served first; then both classes in the live order.

    need.follow keeps the follow-ups' goals, and the first replies' where follow-ups that have got
    old stand before them.
    """
    first, follow = np.zeros(load.erlangs.size), np.zeros(load.erlangs.size)
    worst = longest_scale(load, scale)
    if worst == 0:
        return Needs(first, follow)
    returning = (load.erlangs > load.first) & (not is_held(queue.work))
    for goal in first_goals(queue):
        check_reach(queue, goal, worst)
        replies = replies_of(goal.metric, queue.work)
        desk = desk_for(queue, load, factor, scale, goal.metric)
        asked = {"threshold_s": goal.threshold_s, "share": goal.share}
        first = np.maximum(first, agents_ahead(desk, replies, **asked))
        both = agents_in_order(desk, replies, **asked)
        follow = np.maximum(follow, np.where(returning, both, 0.0))
    for goal in follow_goals(queue, worst):
        check_reach(queue, goal, worst)
        replies = replies_of(goal.metric, queue.work)
        desk = desk_for(queue, load, factor, scale, goal.metric)
        both = agents_in_order(desk, replies, threshold_s=goal.threshold_s, share=goal.share)
        follow = np.maximum(follow, both)
    return Needs(first, follow)


def _message_s(queue: Queue) -> float:
    """Mean handling of a message, first ones and follow-ups together, unscaled."""
    return queue.work.aht_s * (1 - queue.work.continue_p)


def _by_queue(size: Callable[..., Sizing]) -> Callable[[Queue, Load, Floats, Floats], Needs]:
    """First-response goals alone, every message alike and first come, first served."""

    def needs(queue: Queue, load: Load, factor: Floats, scale: Floats) -> Needs:
        first, worst = np.zeros(load.erlangs.size), longest_scale(load, scale)
        for goal in first_goals(queue) if worst > 0 else []:
            check_reach(queue, goal, worst)
            sizing = size(
                load.erlangs * factor,
                service_s=_message_s(queue) * scale,
                first_touch=queue.work.first_touch,
                threshold_s=goal.threshold_s,
                share=goal.share,
                scale=scale,
            )
            first = np.maximum(first, sizing.agents_exact)
        return Needs(first, np.zeros_like(first))

    return needs


def _uniformised(
    load: Floats,
    *,
    service_s: Floats,
    first_touch: Duration,
    threshold_s: float,
    share: float,
    scale: Floats,
) -> Sizing:
    contacts = load * INTERVAL_S / service_s
    agents = agents_in_time(
        contacts,
        service_s=service_s,
        first_touch=first_touch,
        threshold_s=threshold_s,
        share=share,
        scale=scale,
    )
    attained = attainment_in_time(
        contacts,
        agents,
        service_s=service_s,
        first_touch=first_touch,
        threshold_s=threshold_s,
        scale=scale,
        empty=False,
    )
    return Sizing(agents, agents.astype(np.float64), attained)


def _fluid(queue: Queue, load: Load, factor: Floats, scale: Floats) -> Needs:
    del queue, scale
    return Needs(load.erlangs * factor, np.zeros_like(load.erlangs))


def _mol(
    contacts: Floats,
    scale: Floats,
    queue: Queue,
    *,
    start: datetime,
    end: datetime,
    lag: float,
    follow_lag: float,
) -> Load:
    del lag, follow_lag
    return lagged_mol(contacts, scale, queue, start=start, end=end, lag=0.0, follow_lag=0.0)


def _as_it_comes(
    contacts: Floats,
    scale: Floats,
    queue: Queue,
    *,
    start: datetime,
    end: datetime,
    lag: float,
    follow_lag: float,
) -> Load:
    """Work booked when its message comes in, first or later."""
    del lag, follow_lag
    load = lagged_mol(contacts, scale, queue, start=start, end=end, lag=0.0, follow_lag=0.0)
    return replace(load, erlangs=load.arriving, first=np.minimum(load.first, load.arriving))


METHODS: dict[str, Method] = {
    "lagged_mol": Method(lagged_mol, _by_priority),
    "mol": Method(_mol, _by_priority),
    "erlang_c": Method(at_arrival, _by_queue(agents_for)),
    "erlang_a": Method(at_arrival, _by_queue(agents_for_impatient)),
    "uniformisation": Method(_as_it_comes, _by_queue(_uniformised)),
    "fluid": Method(at_arrival, _fluid),
}
