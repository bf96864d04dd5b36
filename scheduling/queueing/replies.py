"""What it takes to meet a goal once: the work on the case, and how many of its messages must wait.

First and later replies are one message. A resolution takes all messages of a case, so the time that
is left for waiting is spread over them: its share of cases is met when each message waits no longer
than (threshold - work of the case) / messages. Taking all waits of a case as equally long is the
careful side: independent ones would add up to less.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from scheduling.queueing.erlang import Floats, touch_points
from wfm.brands import Queue
from wfm.errors import GoalOutOfReach
from wfm.sla import METRIC_WORDS, Duration, Metric, ServiceGoal, WorkLaw

# Cases with more messages than all but this share of them are taken as no longer than the longest
# left, and never more than MOST.
RARE = 1e-4
MOST = 60
# Quantile points of the work on a case of so many messages.
POINTS = 8

WORK: dict[Metric, str] = {
    "first_response": "writing the first reply",
    "next_reply": "writing the reply",
    "resolution": "the work on all replies of a case",
}


@dataclass(frozen=True)
class Replies:
    """Points of equal kind: seconds of work, over how many messages, and the share of cases."""

    touch_s: Floats
    parts: Floats
    weight: Floats


def _lengths(law: WorkLaw) -> list[tuple[int, float]]:
    """Numbers of messages of a case and their chances; they add up to 1."""
    again = law.continue_p
    if again == 0:
        return [(1, 1.0)]
    longest = min(math.ceil(math.log(RARE) / math.log(again)), MOST)
    chances = [(n, again ** (n - 1) * (1 - again)) for n in range(1, longest)]
    return [*chances, (longest, again ** (longest - 1))]


def _work_of(law: WorkLaw, messages: int) -> Duration:
    """All work on a case of so many messages, as one lognormal of its mean and variance."""
    later = messages - 1
    mean = law.first_touch.mean_s + later * law.follow_up.mean_s
    variance = (law.first_touch.mean_s * law.first_touch.cv) ** 2
    variance += later * (law.follow_up.mean_s * law.follow_up.cv) ** 2
    return Duration(mean, math.sqrt(variance) / mean)


def replies_of(metric: Metric, law: WorkLaw) -> Replies:
    """What one case, or one message, of a goal takes by the work law, unscaled."""
    if metric != "resolution":
        touch = touch_points(law.first_touch if metric == "first_response" else law.follow_up)
        return Replies(touch, np.ones(touch.size), np.full(touch.size, 1 / touch.size))
    works, parts, weights = [], [], []
    for messages, chance in _lengths(law):
        work = touch_points(_work_of(law, messages), POINTS)
        works.append(work)
        parts.append(np.full(work.size, float(messages)))
        weights.append(np.full(work.size, chance / work.size))
    return Replies(np.concatenate(works), np.concatenate(parts), np.concatenate(weights))


def budget_s(goal: ServiceGoal, law: WorkLaw) -> float:
    """How long a message may take, seconds: the goal's time, for a resolution its share of that.

    A resolution's time, less the work, is spread over the messages that `share` of the cases need.
    """
    if goal.metric != "resolution":
        return float(goal.threshold_s)
    messages = 1
    while 1 - law.continue_p**messages < goal.share:
        messages += 1
    return max(goal.threshold_s - _work_of(law, messages).mean_s, 0.0) / messages


def best_share(metric: Metric, law: WorkLaw, threshold_s: float) -> float:
    """Share that meets a goal when nobody ever waits: what any number of agents could reach.

    >>> round(best_share("first_response", WorkLaw(), 900), 4)
    0.9998
    """
    if metric == "first_response":
        return law.first_touch.share_within(threshold_s)
    if metric == "next_reply":
        return law.follow_up.share_within(threshold_s)
    return sum(
        chance * _work_of(law, messages).share_within(threshold_s)
        for messages, chance in _lengths(law)
    )


def within_reach(goal: ServiceGoal, law: WorkLaw, scale: float) -> bool:
    """Whether agents enough could keep the goal; scale is the longest factor on the law."""
    replies = replies_of(goal.metric, law)
    by_points = float(replies.weight[replies.touch_s * scale < goal.threshold_s].sum())
    return min(best_share(goal.metric, law, goal.threshold_s / scale), by_points) > goal.share


def check_reach(queue: Queue, goal: ServiceGoal, scale: float) -> None:
    """GoalOutOfReach when writing alone breaks the goal, with the best share there could be."""
    if within_reach(goal, queue.work, scale):
        return
    best = best_share(goal.metric, queue.work, goal.threshold_s / scale)
    what, work = METRIC_WORDS[goal.metric], WORK[goal.metric]
    mean = _mean_work_s(goal.metric, queue.work) * scale
    raise GoalOutOfReach(
        f"queue {queue.name!r}: {goal.share:.0%} of {what} within {goal.threshold_s:.0f} s cannot "
        f"be met by any number of agents: {work} takes longer than that in {1 - best:.0%} of "
        f"cases; promise at most {max(math.floor(best * 100) - 1, 0)} %, a longer time, or shorten "
        f"the work (mean {mean:.0f} s)",
        queue=queue.name,
        metric=goal.metric,
        best_share=round(best, 4),
    )


def _mean_work_s(metric: Metric, law: WorkLaw) -> float:
    if metric == "resolution":
        return law.aht_s
    return (law.first_touch if metric == "first_response" else law.follow_up).mean_s
