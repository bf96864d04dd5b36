"""A trial: the same sampled days, answered again and again by whatever staff is put before them.

Everything but the staff is fixed when the trial is made: contacts, laws of work, service windows,
promises. The draws hang on what they belong to, so two staffs differ only by what differs between
them (common random numbers).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scheduling.queueing.erlang import Floats, Wholes
from scheduling.queueing.workload import contacts_of, handling_scale
from scheduling.simulation import state
from scheduling.simulation.dispatch import Dispatch, dispatch_of
from scheduling.simulation.draws import (
    AFTER,
    HANDLING,
    combine,
    draw_cases,
    draw_handling,
    draw_presence,
    for_people,
)
from scheduling.simulation.eventloop import serve
from scheduling.simulation.setting import (
    KINDS,
    Line,
    key_of,
    law_of,
    lines_of,
    windows_of,
)
from scheduling.simulation.staff import Staff
from wfm.brands import Brand
from wfm.errors import RequestError
from wfm.order import LOST
from wfm.paths import Paths
from wfm.progress import Progress, silent
from wfm.timegrid import INTERVAL_S, interval_count

Counts = NDArray[np.int32]
Cases = tuple[Floats, NDArray[np.int32], NDArray[np.uint64]]

# The live queue's order (`wfm.order`), or first come, first served.
Order = Literal["live", "fifo"]

# Queues of a group are the bits of a whole number.
MOST_QUEUES = 63


@dataclass(frozen=True)
class Simulation:
    """What happened on every path.

    outcomes       (paths, intervals, lines, 3): on time, answered late, still waiting past due; by
                   the interval of arrival. Attainment is the first over their sum.
    backlog        (paths, intervals, queues): messages waiting at the interval's end
    first_backlog  (paths, intervals, queues): those of them that wait for a first reply
    oldest_s       (paths, intervals, queues): open seconds since the longest waiting of them came,
                   at the interval's end; 0 while none waits for anybody
    busy_s         (paths, queues, intervals): agents' seconds at work on the queue
    present_s      (paths, intervals): agents' seconds on queue, all queues (shared agents once)
    overrun_s      (paths, intervals): agents' seconds at work on a message in hand when their time
                   on queue was over; part of busy_s, not of present_s
    replies        (queues, minutes): first replies of all paths by the open minutes they took; the
                   last place holds longer ones and those still waiting past due
    messages       answered over all paths
    automatic      (queues,): cases of all paths that an automatic answer resolved; nothing else
                   here counts them
    starts         by path, when the first reply to each of `Trial.cases` was begun, seconds from
                   the start; NaN: not by the end. Empty where they are not kept
    """

    start: datetime
    end: datetime
    queues: tuple[str, ...]
    lines: tuple[Line, ...]
    outcomes: Counts
    backlog: Counts
    first_backlog: Counts
    oldest_s: NDArray[np.float32]
    busy_s: NDArray[np.float32]
    present_s: NDArray[np.float32]
    overrun_s: NDArray[np.float32]
    replies: NDArray[np.int64]
    messages: int
    automatic: NDArray[np.int64]
    starts: tuple[Floats, ...] = field(repr=False, default=())

    @property
    def replications(self) -> int:
        return int(self.outcomes.shape[0])


@dataclass(frozen=True)
class Trial:
    """Sampled days that wait for staff; made by `make_trial`.

    contacts  (paths, intervals, queues); a replication beyond the paths goes through them again
              with fresh draws
    scale     (intervals, queues): factor on the handling of cases that arrive there
    dispatch  what is done with messages as they come and wait
    origin    start of the horizon whose draws these are: a part of it draws what the whole does
    drawn     the cases of each replication, where they are kept, those answered automatically too
    worked    their handling, once it has been asked for
    """

    start: datetime
    end: datetime
    queues: tuple[str, ...]
    lines: tuple[Line, ...]
    replications: int
    contacts: NDArray[np.int64] = field(repr=False)
    scale: Floats = field(repr=False)
    law: Floats = field(repr=False)
    windows: tuple[Floats, Wholes, Floats] = field(repr=False)
    coded: Floats = field(repr=False)
    line_of: Wholes = field(repr=False)
    dispatch: Dispatch = field(repr=False)
    planned_shrinkage: float
    unplanned_shrinkage: float
    fifo: bool
    root: np.uint64
    origin: datetime
    drawn: list[Cases] = field(repr=False, default_factory=list)
    worked: dict[int, tuple[Floats, Floats]] = field(repr=False, init=False, default_factory=dict)

    @property
    def intervals(self) -> int:
        return interval_count(self.start, self.end)

    def path_key(self, r: int) -> np.uint64:
        """The key that every draw of the replication hangs on."""
        return np.uint64(combine(self.root, np.uint64(r)))

    def cases(self, r: int) -> Cases:
        """Arrival, queue and key of every case of a replication, in the order of arrival."""
        if self.drawn:
            return self.drawn[r]
        return draw_cases(
            self.path_key(r),
            np.ascontiguousarray(self.contacts[r % self.contacts.shape[0]]),
            np.array([key_of(name) for name in self.queues], dtype=np.uint64),
            int(self.start.timestamp()) // INTERVAL_S,
        )

    def handling(self, r: int, cases: Cases) -> tuple[Floats, Floats]:
        """Seconds until the first reply of each of `cases(r)` is sent, and those of work after it.

        The latter is empty where no queue has such work.
        """
        if r in self.worked:
            return self.worked[r]
        arrivals, queue, keys = cases

        def drawn(column: int, number: int) -> Floats:
            mu, sigma = (np.ascontiguousarray(self.law[:, column + i]) for i in range(2))
            return draw_handling(arrivals, queue, keys, self.scale, mu, sigma, number)

        after = np.empty(0)
        if (self.law[:, state.AFTER_MU] > state.NOTHING).any():
            after = drawn(state.AFTER_MU, AFTER)
        work = drawn(state.FIRST_MU, HANDLING), after
        if self.drawn:
            self.worked[r] = work
        return work

    def under(self, dispatch: Dispatch) -> Trial:
        """The same days worked otherwise: cases and handling that are kept are kept for both."""
        trial = replace(self, dispatch=dispatch)
        trial.worked.update(self.worked)
        return trial

    def until(self, end: datetime) -> Trial:
        """The same days, ended sooner; what is kept of them is kept."""
        count, horizon = interval_count(self.start, end), (end - self.start).total_seconds()
        sizes = [int(np.searchsorted(cases[0], horizon)) for cases in self.drawn]
        trial = replace(
            self,
            end=end,
            contacts=self.contacts[:, :count],
            scale=np.ascontiguousarray(self.scale[:count]),
            dispatch=self.dispatch.until(count),
            drawn=[
                (arrivals[:n], queue[:n], keys[:n])
                for n, (arrivals, queue, keys) in zip(sizes, self.drawn, strict=True)
            ],
        )
        for r, (work, after) in self.worked.items():
            trial.worked[r] = work[: sizes[r]], after[: sizes[r]]
        return trial

    def _crew(self, staff: Staff, r: int) -> state.Crew:
        comes = draw_presence(
            self.path_key(r),
            staff.spans,
            staff.agent,
            staff.group,
            staff.shift_keys,
            self.planned_shrinkage,
            1.0 - (1.0 - self.unplanned_shrinkage) * (1.0 - staff.away),
            (self.start - self.origin).total_seconds(),
        )
        return state.Crew(*comes, staff.masks, staff.agents)

    def run(
        self,
        staff: Staff,
        *,
        threads: int = 2,
        progress: Progress = silent,
        keep_starts: bool = False,
        only: range | None = None,
    ) -> Simulation:
        """What this staff makes of every replication.

        only         these replications, in place of all
        keep_starts  fill `Simulation.starts`: 8 bytes a case and replication
        """
        which = only or range(self.replications)
        count, intervals, queues = len(which), self.intervals, len(self.queues)
        outcomes = np.zeros((count, intervals, len(self.lines), 3), np.int32)
        backlog = np.zeros((count, intervals, queues), np.int32)
        busy = np.zeros((count, queues, intervals), np.float32)
        present, overrun = np.zeros((2, count, intervals), np.float32)
        first_backlog = np.zeros_like(backlog)
        oldest = np.zeros(backlog.shape, np.float32)
        automatic = np.zeros((count, queues), np.int64)
        replies = np.zeros((count, queues, state.REPLY_BINS), np.int32)
        windows, window_of, switches = self.windows
        rules = state.Rules(
            scale=self.scale,
            law=self.law,
            windows=windows,
            window_of=window_of,
            switches=switches,
            lines=self.coded,
            line_of=self.line_of,
            late_every=self.dispatch.late_every,
            put_off=self.dispatch.put_off_s,
            lost_s=LOST.total_seconds(),
            fifo=self.fifo,
        )
        absent = self.planned_shrinkage > 0 or self.unplanned_shrinkage > 0 or staff.away.any()
        some_automatic = bool((self.dispatch.answered > 0).any())
        crew = None if absent else self._crew(staff, 0)
        starts = [np.empty(0)] * count

        def replicate(r: int) -> int:
            number = which[r]
            cases = self.cases(number)
            work, after = self.handling(number, cases)
            people = np.ones(work.size, np.bool_)
            if some_automatic:
                people = for_people(*cases, self.dispatch.answered)
                automatic[r] = np.bincount(cases[1][~people], minlength=queues)
                cases = cases[0][people], cases[1][people], cases[2][people]
                work, after = work[people], after[people] if after.size else after
            arrivals, queue, keys = cases
            unrated = np.zeros(arrivals.size, np.int8)
            first_start = np.full(arrivals.size, -1.0)
            at_work, on_queue, over = np.zeros((queues, intervals)), *np.zeros((2, intervals))
            begun = serve(
                state.Cases(arrivals, queue, unrated, keys, work, after),
                rules,
                crew or self._crew(staff, number),
                state.Tally(
                    outcomes=outcomes[r],
                    backlog=backlog[r],
                    first_backlog=first_backlog[r],
                    oldest=oldest[r],
                    busy=at_work,
                    present=on_queue,
                    overrun=over,
                    replies=replies[r],
                    first_start=first_start,
                ),
            )
            busy[r], present[r], overrun[r] = at_work, on_queue, over
            if keep_starts:
                starts[r] = np.full(people.size, np.nan)
                starts[r][people] = np.where(first_start >= 0.0, first_start, np.nan)
            return int(begun)

        messages = _in_threads(replicate, count, threads, progress)
        return Simulation(
            start=self.start,
            end=self.end,
            queues=self.queues,
            lines=self.lines,
            outcomes=outcomes,
            backlog=backlog,
            first_backlog=first_backlog,
            oldest_s=oldest,
            busy_s=busy,
            present_s=present,
            overrun_s=overrun,
            replies=replies.sum(axis=0, dtype=np.int64),
            messages=messages,
            automatic=automatic.sum(axis=0),
            starts=tuple(starts) if keep_starts else (),
        )


def make_trial(
    forecast: pd.DataFrame,
    paths: Paths,
    brand: Brand,
    *,
    start: datetime,
    end: datetime,
    seed: int,
    replications: int | None = None,
    spike_mode: Collection[str] = (),
    order: Order = "live",
    dispatch: Dispatch | None = None,
    origin: datetime | None = None,
    keep: bool = False,
) -> Trial:
    """The contacts of the paths in [start, end), ready to be answered.

    forecast      for its aht_s
    replications  one a path by default; more go through the paths again with fresh draws
    spike_mode    queues in which lost cases come last, but for the reserved share of claims
    order         "live": that of `wfm.order`; "fifo": messages as they come, new or returning
    dispatch      what is done with messages, by interval; it stands for `spike_mode`
    origin        start of the horizon that [start, end) is a part of: what is drawn for the part is
                  what would be drawn for it in the whole; `start` without
    keep          hold the drawn cases and their handling in memory, 28 bytes each, for a trial
                  that runs many times

    Deterministic in `seed`. RequestError for no replications, too many queues, an empty span, or
    spike mode in a queue that is first come, first served.
    """
    if order == "fifo" and spike_mode:
        raise RequestError(
            f"spike mode of {', '.join(map(repr, spike_mode))} changes the live order; it does "
            'nothing under order="fifo": leave one of them out'
        )
    contacts = contacts_of(paths, brand, start=start, end=end)
    count = contacts.shape[0] if replications is None else replications
    if count < 1 or len(brand.queues) > MOST_QUEUES or end <= start:
        raise RequestError(
            f"{count} replications of {len(brand.queues)} queues from {start} to {end}: want at "
            f"least one replication, at most {MOST_QUEUES} queues and an end after the start"
        )
    lines = [lines_of(q) for q in brand.queues]
    flat = [line for of_queue in lines for line in of_queue]
    coded = np.array([(KINDS[x.metric, x.goal == "opening"], x.threshold_s) for x in flat], float)
    trial = Trial(
        start=start,
        end=end,
        queues=tuple(q.name for q in brand.queues),
        lines=tuple(flat),
        replications=count,
        contacts=contacts,
        scale=handling_scale(forecast, brand, start=start, end=end),
        law=np.vstack([law_of(q) for q in brand.queues]),
        windows=windows_of(brand.queues, start, end),
        coded=coded,
        line_of=np.cumsum([0, *(len(of_queue) for of_queue in lines)]).astype(np.int64),
        dispatch=dispatch or dispatch_of(brand, start=start, end=end, spike_mode=spike_mode),
        planned_shrinkage=brand.planning.planned_shrinkage,
        unplanned_shrinkage=brand.planning.unplanned_shrinkage,
        fifo=order == "fifo",
        root=key_of(f"seed {seed}"),
        origin=origin or start,
    )
    if keep:
        trial.drawn.extend([trial.cases(r) for r in range(count)])
    return trial


def _in_threads(
    replicate: Callable[[int], int], count: int, threads: int, progress: Progress
) -> int:
    """Runs `replicate(0)` to `replicate(count - 1)`; the sum of what they give."""
    if threads <= 1:
        alone = 0
        for r in range(count):
            alone += replicate(r)
            progress((r + 1) / count, f"simulating day {r + 1} of {count}")
        return alone
    with ThreadPoolExecutor(max_workers=threads) as pool:
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
