"""Simulation of a named roster on sampled days: tables in, counts of kept promises out.

Each replication answers one scenario path with the agents on shift, less those who are absent, in
the live queue's order. A human first response counts when it is sent: start plus first touch.
The queues start empty at `start`; what is not yet due at `end` is not judged.

An agent answers one message at a time whatever their slots are: more claimed cases in hand would
only keep them from others. Where a queue holds conversations (`concurrency.is_held`), they stay
with their agent between messages, up to as many as the queue allows.

Replications run in threads; the draws hang on what they belong to, so that the number of threads
changes nothing, and two runs with the same seed differ only by what was changed between them. For a
what-if run a window of some 36 hours twice, with the paths before and after.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import pandas as pd

from scheduling.simulation.staff import staff_of
from scheduling.simulation.trial import Order, Simulation, make_trial
from wfm.brands import Brand
from wfm.frames import ON_SHIFT
from wfm.paths import Paths
from wfm.progress import Progress, silent


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
    order: Order = "live",
    threads: int = 2,
    progress: Progress = silent,
) -> Simulation:
    """Answers the paths' contacts in [start, end) with the agents on shift.

    Arguments as in `trial.make_trial`. Source of the discipline: `wfm.order`. Deterministic in
    `seed`.
    """
    trial = make_trial(
        forecast,
        paths,
        brand,
        start=start,
        end=end,
        seed=seed,
        replications=replications,
        spike_mode=spike_mode,
        order=order,
    )
    staff = staff_of(ON_SHIFT.check(on_shift), brand, start=start, end=end)
    return trial.run(staff, threads=threads, progress=progress)
