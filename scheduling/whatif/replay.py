"""The past again: recorded cases, answered by another roster or in another order.

What came is fixed, so what differs from the record is the doing of whoever answers; beside that of
what the record does not tell, which is drawn, several times, and told by its band.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd

from scheduling.simulation.staff import staff_of
from scheduling.simulation.trial import Order
from scheduling.whatif.recorded import CaseRecord, is_certain, no_case, trial_of
from scheduling.whatif.replaytables import board_of, by_case, by_queue_and_day
from wfm.brands import Brand
from wfm.errors import RequestError
from wfm.frames import ON_SHIFT
from wfm.progress import Progress, silent
from wfm.timegrid import format_instant


@dataclass(frozen=True)
class Replay:
    """Recorded cases that arrived in [start, end), as they were answered and as they would be.

    by_day    day (local date, "2026-03-02"), queue ("" is all) and what `by_queue` has
    by_queue  queue; cases (recorded, judged); recorded, replayed (attainment of first replies),
              replayed_low and _high (P10 and P90 over replications), difference (replayed less
              recorded), recorded_p50_s, _p90_s, replayed_p50_s, _p90_s (open seconds until the
              first reply; NaN where so many wait past due that there is no figure)
    cases     queue, received_at, recorded_at and replayed_at (first reply; mean over replications,
              NaT: none), recorded_late and replayed_late (share of replications; NaN: not judged),
              for what people had to answer
    played    cases that were answered in all, with those before `start`
    known     share of the cases whose handling time is on record
    """

    start: datetime
    end: datetime
    by_day: pd.DataFrame = field(repr=False)
    by_queue: pd.DataFrame = field(repr=False)
    cases: pd.DataFrame = field(repr=False)
    played: int
    known: float
    replications: int
    seed: int
    seconds: float


def replayed(
    record: CaseRecord,
    on_shift: pd.DataFrame,
    volumes: pd.DataFrame,
    brand: Brand,
    *,
    start: datetime,
    seed: int = 1,
    replications: int = 10,
    order: Order = "live",
    spike_mode: tuple[str, ...] = (),
    threads: int = 2,
    progress: Progress = silent,
) -> Replay:
    """The record's cases from `start` on, answered by the agents on shift.

    on_shift    ON_SHIFT over the whole record
    volumes     VOLUMES of the time, for handling that is not on record
    start       what arrived before it fills the queues, and is not judged
    order, spike_mode  as of `simulation.trial.make_trial`

    Both sides are judged as they stood at the record's end, or where a queue's results end before.
    Where nothing is left to chance one replication tells all. Deterministic in `seed`.
    RequestError where `start` does not lie within the record, DataError where nobody had to answer
    a case from then on.
    """
    began = time.perf_counter()
    if not record.start <= start < record.end:
        raise RequestError(
            f"the replay starts at {format_instant(start)}, outside of the record, which goes "
            f"from {format_instant(record.start)} to {format_instant(record.end)}"
        )
    board = board_of(record, brand, start=start)
    if not board.queue.size:
        raise no_case(start, record.end)
    trial = trial_of(
        record,
        volumes,
        brand,
        seed=seed,
        replications=1 if is_certain(record, brand) else replications,
        order=order,
        spike_mode=spike_mode,
    )
    staff = staff_of(ON_SHIFT.check(on_shift), brand, start=record.start, end=record.end)
    simulation = trial.run(
        staff,
        threads=threads,
        progress=lambda done, _: progress(0.7 * done, "replaying the cases"),
        keep_starts=True,
    )
    progress(0.7, "judging")
    # The trial holds the cases that people had to answer; of those the board holds the last.
    since = int((~record.automatic).sum()) - board.queue.size
    replied = [(begun + trial.worked[r][0])[since:] for r, begun in enumerate(simulation.starts)]
    recorded, counted = board.judge(record.replied[board.of_record])
    with ThreadPoolExecutor(max_workers=max(threads, 1)) as pool:
        verdicts, counts = zip(*pool.map(board.judge, replied), strict=True)
    by_queue, by_day = by_queue_and_day(board, counted, counts)
    cases = by_case(board, recorded, replied, verdicts)
    progress(1.0, "replayed")
    ours = record.handling_s[~record.automatic]
    return Replay(
        start=start,
        end=record.end,
        by_day=by_day,
        by_queue=by_queue,
        cases=cases,
        played=int(ours.size),
        known=float(np.isfinite(ours).mean()),
        replications=trial.replications,
        seed=seed,
        seconds=time.perf_counter() - began,
    )
