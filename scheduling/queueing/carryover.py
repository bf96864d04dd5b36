"""What days leave to the days after them: an overload is worked off in the next night, or later.

A steady state knows one load, and one that is overloaded has none. Here each sampled day starts
with the backlog of the one before it, in the mean: work in less work out, as a fluid. Where that
backlog alone lasts longer than a message of a class can wait, the message is late whatever the
formulas say of its day.

Source: Newell 1982 (fluid queues with rates that change).
"""

# ruff: noqa: PLR0917 - compiled functions take their arrays one by one

from __future__ import annotations

import numpy as np

from scheduling.compiled import compiled
from scheduling.queueing.erlang import Floats, Wholes
from scheduling.queueing.priority import Desk
from scheduling.queueing.replies import Replies
from wfm.timegrid import INTERVAL_S


@compiled
def _expected(
    agents: Floats,
    own: Floats,
    other: Floats,
    wait_s: Floats,
    head_start_s: float,
    ratios: Floats,
    level: Wholes,
    days: Wholes,
    attained: Floats,
) -> Floats:
    total = np.zeros(agents.size)
    for path in range(ratios.shape[0]):
        backlog = 0.0
        for i in range(agents.size):
            day = days[i]
            backlog = max(0.0, backlog + (own[i] + other[i]) * ratios[path, day] - agents[i])
            if agents[i] <= 0.0:
                continue
            behind = min(other[i] * ratios[path, day] / agents[i], 1.0)
            lasts = backlog * INTERVAL_S / agents[i]
            aged = wait_s[i] + behind * (max(wait_s[i] + head_start_s, 0.0) - wait_s[i])
            if lasts <= aged:
                total[i] += attained[level[path, day], i]
    return np.asarray(total / ratios.shape[0])


def expected_over_days(
    attained: Floats,
    agents: Floats,
    desk: Desk,
    replies: Replies,
    *,
    threshold_s: float,
    ratios: Floats,
    days: Wholes,
) -> Floats:
    """Share of a class met, per interval, expected over paths whose days follow each other.

    attained  (levels, intervals): of a day at each of evenly spread quantiles of its load, alone
    agents    whole numbers, per interval; desk the expected load
    ratios    (paths, days): load of each day over the expected one
    days      number of the day of each interval
    """
    levels, paths = attained.shape[0], ratios.shape[0]
    rank = ratios.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    touch, messages = (
        (replies.weight * replies.touch_s).sum(),
        (replies.weight * replies.parts).sum(),
    )
    wait = np.maximum((threshold_s - touch * desk.scale) / messages, 0.0)
    return np.asarray(
        _expected(
            np.asarray(agents, dtype=np.float64),
            desk.own,
            desk.other,
            wait,
            desk.head_start_s,
            ratios,
            rank * levels // paths,
            days,
            attained,
        )
    )
