"""What a planner should look at in a queue's promises and work law before trusting the plan."""

from __future__ import annotations

import numpy as np

from scheduling.queueing.concurrency import curve_doubts
from scheduling.queueing.erlang import Floats
from wfm.brands import Queue
from wfm.sla import goal_doubts

# Forecast AHT this far from the work law's says that one of them is wrong.
AHT_RATIO = (0.5, 2.0)


def doubts_of(queue: Queue, mean: Floats, aht: Floats) -> list[str]:
    """Sentences, each with the queue, the values and the way out; mean and aht per interval."""
    found = goal_doubts(queue.goals, queue.opening_goal, shuts=not queue.window.is_always)
    found += curve_doubts(queue.work)
    if not mean.sum():
        found.append("no contacts are expected; the minimum staff is planned")
    else:
        ratio = float(np.average(aht, weights=mean)) / queue.work.aht_s
        if not AHT_RATIO[0] <= ratio <= AHT_RATIO[1]:
            found.append(
                f"the handling time forecast is {ratio:.1f} times that of its work law "
                f"({queue.work.aht_s:.0f} s); the law's times are scaled by it, check the brand "
                "file"
            )
    return [f"{queue.name}: {doubt}" for doubt in found]
