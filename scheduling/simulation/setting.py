"""Brand, goals and windows in the event loop's terms."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from scheduling.queueing.concurrency import is_held
from scheduling.queueing.erlang import Floats, Wholes, lognormal
from scheduling.simulation import state
from wfm.brands import Queue
from wfm.calendars import SEARCH_DAYS, open_spans
from wfm.sla import Metric, Scope

KINDS: dict[tuple[Metric, bool], int] = {
    ("first_response", False): state.FIRST,
    ("first_response", True): state.OPENING,
    ("next_reply", False): state.NEXT,
    ("resolution", False): state.RESOLUTION,
}


@dataclass(frozen=True)
class Line:
    """A promise that is counted: a goal of a queue, or its opening goal.

    goal  "goal" counts what arrives inside the window, "opening" what arrives outside
    """

    queue: str
    metric: Metric
    goal: Literal["goal", "opening"]
    threshold_s: int
    share: float
    scope: Scope


def lines_of(queue: Queue) -> list[Line]:
    """The lines of a queue: its goals in order, then the opening goal if it ever shuts."""
    lines = [
        Line(queue.name, g.metric, "goal", g.threshold_s, g.share, g.scope) for g in queue.goals
    ]
    if not queue.window.is_always:
        opening = queue.opening_goal
        lines.append(
            Line(queue.name, "first_response", "opening", opening.threshold_s, opening.share, "day")
        )
    return lines


def key_of(text: str) -> np.uint64:
    """A 64-bit key of a name, the same in every process."""
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


def law_of(queue: Queue) -> Floats:
    """A queue's row of the loop's `law`."""
    row = np.zeros(state.LAW_COLUMNS)
    work = queue.work
    row[state.FIRST_MU], row[state.FIRST_SIGMA] = lognormal(work.first_touch)
    row[state.FOLLOW_MU], row[state.FOLLOW_SIGMA] = lognormal(work.follow_up)
    row[state.THINK_MU], row[state.THINK_SIGMA] = lognormal(work.think)
    row[state.AFTER_MU] = state.NOTHING
    row[state.CONTINUE_P] = work.continue_p
    row[state.FIRST_DUE_S] = queue.promise.threshold_s
    row[state.OPENING_DUE_S] = queue.opening_goal.threshold_s
    row[state.FOLLOW_DUE_S] = queue.follow_up_due_s
    row[state.HOLD] = work.concurrency_max if is_held(work) else 0
    return row


def windows_of(
    queues: Collection[Queue], start: datetime, end: datetime
) -> tuple[Floats, Wholes, Floats]:
    """The loop's `windows`, `window_of` and `switches`, seconds from `start`.

    Spans reach a month past `end`, so that what arrives late has a due time.
    """
    columns: list[tuple[float, float, float]] = []
    offsets, switches = [0], []
    for q, queue in enumerate(queues):
        total = 0.0
        for opens, closes in open_spans(queue.window, start, end + timedelta(days=SEARCH_DAYS)):
            a, b = (opens - start).total_seconds(), (closes - start).total_seconds()
            columns.append((a, b, total))
            switches += [(a, q, 1.0), (b, q, 0.0)]
            total += b - a
        offsets.append(len(columns))
    windows = np.array(columns, dtype=np.float64).reshape(-1, 3).T
    in_order = np.array(sorted(switches), dtype=np.float64).reshape(-1, 3)
    return np.ascontiguousarray(windows), np.array(offsets, dtype=np.int64), in_order
