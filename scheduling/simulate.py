"""Simulation of a named roster on sampled days: tables in, counts of kept promises out.

Each replication answers one scenario path with the agents on shift, less those who are absent, in
the live queue's order. A human first response counts when it is sent: start plus first touch.
The queues start empty at `start`; what is not yet due at `end` is not judged.

An agent answers one message at a time whatever their slots are: more claimed cases in hand would
only keep them from others. Conversations that stay with their agent lengthen the handling instead,
see `concurrency`.

Replications run in threads; the draws hang on what they belong to, so that the number of threads
changes nothing, and two runs with the same seed differ only by what was changed between them. For a
what-if run a window of some 36 hours twice, with the paths before and after.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scheduling import eventloop as loop
from scheduling.erlang import Floats, Wholes, lognormal
from scheduling.workload import contacts_of, work_scale
from wfm.brands import Brand, Queue
from wfm.calendars import SEARCH_DAYS, open_spans
from wfm.errors import DataError, RequestError
from wfm.frames import ON_SHIFT, interval_index
from wfm.order import LATE_RESERVE, LOST
from wfm.paths import Paths
from wfm.progress import Progress, silent
from wfm.sla import Metric, Scope
from wfm.timegrid import INTERVAL_S, interval_count

Counts = NDArray[np.int32]

# Due time of a follow-up in a queue without a goal for next replies.
FOLLOW_UP_S = 3600
# A longer gap between two spans of an agent begins another shift; absence takes whole shifts.
SHIFT_GAP = timedelta(hours=4)
MOST_QUEUES = 63

KINDS: dict[tuple[Metric, bool], int] = {
    ("first_response", False): loop.FIRST,
    ("first_response", True): loop.OPENING,
    ("next_reply", False): loop.NEXT,
    ("resolution", False): loop.RESOLUTION,
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


@dataclass(frozen=True)
class Simulation:
    """What happened on every path.

    outcomes   (paths, intervals, lines, 3): on time, answered late, still waiting past due; by the
               interval of arrival. Attainment is the first over their sum.
    backlog    (paths, intervals, queues): messages waiting at the interval's end
    busy_s     (paths, queues, intervals): agents' seconds at work on the queue
    present_s  (paths, intervals): agents' seconds on queue, all queues (shared agents once)
    messages   answered over all paths
    """

    start: datetime
    end: datetime
    queues: tuple[str, ...]
    lines: tuple[Line, ...]
    outcomes: Counts
    backlog: Counts
    busy_s: NDArray[np.float32]
    present_s: NDArray[np.float32]
    messages: int

    @property
    def replications(self) -> int:
        return int(self.outcomes.shape[0])


@dataclass(frozen=True)
class Staff:
    """Agents on queue in the loop's terms; see `eventloop.draw_presence`."""

    spans: Floats
    agent: Wholes
    group: Wholes
    shift_keys: NDArray[np.uint64]
    masks: NDArray[np.uint64]
    agents: int


def key_of(text: str) -> np.uint64:
    """A 64-bit key of a name, the same in every process."""
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


def law_of(queue: Queue) -> Floats:
    """A queue's row of the loop's `law`."""
    row = np.zeros(loop.LAW_COLUMNS)
    work = queue.work
    row[loop.FIRST_MU], row[loop.FIRST_SIGMA] = lognormal(work.first_touch)
    row[loop.FOLLOW_MU], row[loop.FOLLOW_SIGMA] = lognormal(work.follow_up)
    row[loop.THINK_MU], row[loop.THINK_SIGMA] = lognormal(work.think)
    row[loop.AFTER_MU] = loop.NOTHING
    row[loop.CONTINUE_P] = work.continue_p
    row[loop.FIRST_DUE_S] = queue.promise.threshold_s
    row[loop.OPENING_DUE_S] = queue.opening_goal.threshold_s
    replies = [g.threshold_s for g in queue.goals if g.metric == "next_reply"]
    row[loop.FOLLOW_DUE_S] = min(replies, default=FOLLOW_UP_S)
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


def staff_of(on_shift: pd.DataFrame, brand: Brand, *, start: datetime, end: datetime) -> Staff:
    """The spans of `on_shift` that touch [start, end), clipped to it.

    DataError when an agent is on two spans at once, NotFound for an unknown queue.
    """
    table = on_shift.sort_values(["agent_id", "start"], ignore_index=True)
    same = table["agent_id"].eq(table["agent_id"].shift())
    gap = table["start"] - table["end"].shift()
    overlap = same & (gap < pd.Timedelta(0))
    if overlap.any():
        row = table[overlap].iloc[0]
        raise DataError(f"agent {row['agent_id']!r} is on two shifts at once at {row['start']}")
    begins = ~same | (gap > SHIFT_GAP)
    shift_start = table["start"].where(begins).ffill()

    masks: dict[str, int] = {}
    bits = {queue.name: 1 << i for i, queue in enumerate(brand.queues)}
    for text in table["queues"].unique():
        masks[text] = sum(bits[brand.queue(name).name] for name in set(text.split()))
    groups = sorted(set(masks.values()), key=lambda mask: (mask.bit_count(), mask))
    place = {text: groups.index(mask) for text, mask in masks.items()}

    inside = (table["end"] > start) & (table["start"] < end)
    table, shift_start = table[inside], shift_start[inside]
    origin = pd.Timestamp(start)
    spans = np.column_stack(
        [(table[column] - origin).dt.total_seconds() for column in ("start", "end")]
    ).reshape(-1, 2)
    horizon = (end - start).total_seconds()
    ids, agent = np.unique(table["agent_id"].to_numpy(dtype=object), return_inverse=True)
    names = np.array([key_of(str(i)) for i in ids], dtype=np.uint64)
    epochs = shift_start.astype("int64").to_numpy().astype(np.uint64)
    keys = [loop.combine(names[a], e) for a, e in zip(agent, epochs, strict=True)]
    return Staff(
        spans=np.ascontiguousarray(np.clip(spans, 0.0, horizon), dtype=np.float64),
        agent=agent.astype(np.int64).ravel(),
        group=np.array([place[text] for text in table["queues"]], dtype=np.int64),
        shift_keys=np.array(keys, dtype=np.uint64),
        masks=np.array(groups, dtype=np.uint64),
        agents=max(len(ids), 1),
    )


def simulate(
    on_shift: pd.DataFrame,
    forecast: pd.DataFrame,
    paths: Paths,
    brand: Brand,
    *,
    start: datetime,
    end: datetime,
    seed: int,
    replications: int | None = None,
    spike_mode: Collection[str] = (),
    threads: int = 2,
    progress: Progress = silent,
) -> Simulation:
    """Answers the paths' contacts in [start, end) with the agents on shift.

    forecast      for its aht_s
    replications  one a path by default; more go through the paths again with fresh draws
    spike_mode    queues in which lost cases come last, but for the reserved share of claims

    Source of the discipline: `wfm.order`. Deterministic in `seed`.
    """
    contacts = contacts_of(paths, brand, start=start, end=end)
    count = contacts.shape[0] if replications is None else replications
    if count < 1 or len(brand.queues) > MOST_QUEUES or end <= start:
        raise RequestError(
            f"{count} replications of {len(brand.queues)} queues from {start} to {end}: want at "
            f"least one replication, at most {MOST_QUEUES} queues and an end after the start"
        )
    scale = work_scale(forecast, brand, start=start, end=end)
    staff = staff_of(ON_SHIFT.check(on_shift), brand, start=start, end=end)
    law = np.vstack([law_of(q) for q in brand.queues])
    windows, window_of, switches = windows_of(brand.queues, start, end)
    lines = [lines_of(q) for q in brand.queues]
    flat = [line for of_queue in lines for line in of_queue]
    coded = np.array([(KINDS[x.metric, x.goal == "opening"], x.threshold_s) for x in flat], float)
    line_of = np.cumsum([0, *(len(of_queue) for of_queue in lines)]).astype(np.int64)
    every = round(1 / LATE_RESERVE)
    late_every = np.array([every if q.name in spike_mode else 0 for q in brand.queues], np.int64)
    queue_keys = np.array([key_of(q.name) for q in brand.queues], dtype=np.uint64)
    first_interval = int(start.timestamp()) // INTERVAL_S
    root = key_of(f"seed {seed}")

    intervals, queues = interval_count(start, end), len(brand.queues)
    outcomes = np.zeros((count, intervals, len(flat), 3), np.int32)
    backlog = np.zeros((count, intervals, queues), np.int32)
    busy = np.zeros((count, queues, intervals), np.float32)
    present = np.zeros((count, intervals), np.float32)

    def replicate(r: int) -> int:
        path = np.uint64(loop.combine(root, np.uint64(r)))
        arrivals, queue, keys = loop.draw_cases(
            path,
            np.ascontiguousarray(contacts[r % contacts.shape[0]]),
            queue_keys,
            first_interval,
        )
        comes = loop.draw_presence(
            path,
            staff.spans,
            staff.agent,
            staff.group,
            staff.shift_keys,
            brand.planning.planned_shrinkage,
            brand.planning.unplanned_shrinkage,
        )
        at_work, on_queue = np.zeros((queues, intervals)), np.zeros(intervals)
        begun = loop.serve(
            arrivals,
            queue,
            np.zeros(arrivals.size, np.int8),
            keys,
            scale,
            law,
            windows,
            window_of,
            switches,
            coded,
            line_of,
            *comes,
            staff.masks,
            staff.agents,
            late_every,
            LOST.total_seconds(),
            outcomes[r],
            backlog[r],
            at_work,
            on_queue,
            np.full(arrivals.size, -1.0),
        )
        busy[r], present[r] = at_work, on_queue
        return int(begun)

    messages = _in_threads(replicate, count, threads, progress)
    return Simulation(
        start=start,
        end=end,
        queues=tuple(q.name for q in brand.queues),
        lines=tuple(flat),
        outcomes=outcomes,
        backlog=backlog,
        busy_s=busy,
        present_s=present,
        messages=messages,
    )


def _in_threads(
    replicate: Callable[[int], int], count: int, threads: int, progress: Progress
) -> int:
    """Runs `replicate(0)` to `replicate(count - 1)`; the sum of what they give."""
    with ThreadPoolExecutor(max_workers=max(threads, 1)) as pool:
        open_: set[Future[int]] = {pool.submit(replicate, r) for r in range(count)}
        total, done = 0, 0
        try:
            while open_:
                finished, open_ = wait(open_, timeout=0.5, return_when=FIRST_COMPLETED)
                for future in finished:
                    total += future.result()
                done += len(finished)
                progress(done / count, f"simulating day {done} of {count}")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return total


def attainment_by_interval(
    simulation: Simulation, queue: str = "", *, every: int = 1
) -> pd.DataFrame:
    """First-response attainment and backlog of a queue, or of all for "", over time.

    every  intervals a row (4: hours)

    Columns: start, cases (mean a path), attainment (ratio of sums over paths; NaN without cases),
    attainment_low and attainment_high (P10 and P90 across paths), backlog (mean at the row's end).
    """
    chosen = promise_lines(simulation.lines, queue)
    counts = simulation.outcomes[:, :, chosen, :].sum(axis=2, dtype=np.int64)
    rows = np.arange(0, counts.shape[1], every)
    counts = np.add.reduceat(counts, rows, axis=1)
    judged = counts.sum(axis=2)
    on_time = counts[:, :, loop.ON_TIME]
    mean, low, high = ratio_band(on_time, judged)
    of = [i for i, name in enumerate(simulation.queues) if queue in ("", name)]
    ends = np.minimum(rows + every, simulation.backlog.shape[1]) - 1
    backlog = simulation.backlog[:, :, of].sum(axis=2)[:, ends]
    return pd.DataFrame(
        {
            "start": interval_index(simulation.start, simulation.end)[rows],
            "cases": judged.mean(axis=0),
            "attainment": mean,
            "attainment_low": low,
            "attainment_high": high,
            "backlog": backlog.mean(axis=0),
        }
    )


def promise_lines(lines: tuple[Line, ...], queue: str = "") -> list[int]:
    """Lines that hold each case's first response once: the promise and the opening goal."""
    seen: dict[tuple[str, str], int] = {}
    for i, line in enumerate(lines):
        if line.metric == "first_response" and queue in ("", line.queue):
            seen.setdefault((line.queue, line.goal), i)
    return list(seen.values())


def ratio_band(on_time: NDArray[np.int64], judged: NDArray[np.int64]) -> tuple[Floats, ...]:
    """Ratio of sums over paths (axis 0), and P10 and P90 of the paths' own ratios.

    NaN where no path has a case.
    """
    total = judged.sum(axis=0)
    with np.errstate(invalid="ignore"):
        mean = on_time.sum(axis=0) / total
        own = on_time / judged
    # Paths without cases sort last and are left out of the rank.
    ranked = np.sort(own, axis=0)
    count = (judged > 0).sum(axis=0)
    band = [_quantile_of_sorted(ranked, count, q) for q in (0.10, 0.90)]
    return np.asarray(mean), *band


def _quantile_of_sorted(ranked: Floats, count: NDArray[np.int64], q: float) -> Floats:
    """Linear quantile over the first `count` of the sorted axis 0; NaN where there is none."""
    place = q * np.maximum(count - 1, 0)
    low = np.floor(place).astype(np.int64)
    high = np.ceil(place).astype(np.int64)
    a = np.take_along_axis(ranked, low[None], axis=0)[0]
    b = np.take_along_axis(ranked, high[None], axis=0)[0]
    return np.asarray(a + (b - a) * (place - low))
