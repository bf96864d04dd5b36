"""What is recorded of past cases, as the event loop takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scheduling.calibration import Recorded
from scheduling.queueing.erlang import Floats
from scheduling.simulation import state
from scheduling.simulation.draws import HANDLING, draw_handling, numbered_keys
from scheduling.simulation.trial import Order, Trial, make_trial
from wfm.brands import Brand
from wfm.errors import DataError
from wfm.frames import VOLUMES, interval_index
from wfm.paths import Paths
from wfm.timegrid import format_instant, interval_count


@dataclass(frozen=True)
class CaseRecord:
    """Recorded cases that arrived in [start, end), by arrival.

    queues      names; those of the brand, in its order
    queue       (cases,) place of each one's queue
    received    seconds from `start`
    replied     first human reply, seconds from `start`; NaN: none on record
    handling_s  active seconds until it was sent; NaN: not known
    automatic   resolved without a human reply: nobody's work, and outside of every denominator
    until       (queues,) seconds from `start` up to which the results of each queue tell
    """

    start: datetime
    end: datetime
    queues: tuple[str, ...]
    queue: NDArray[np.int32] = field(repr=False)
    received: Floats = field(repr=False)
    replied: Floats = field(repr=False)
    handling_s: Floats = field(repr=False)
    automatic: NDArray[np.bool_] = field(repr=False)
    until: Floats = field(repr=False)

    @property
    def cases(self) -> int:
        return int(self.received.size)


def record_of(
    recorded: Mapping[str, Recorded], brand: Brand, *, start: datetime, end: datetime
) -> CaseRecord:
    """The cases of all queues that arrived in [start, end), in the order of arrival.

    recorded  by queue; queues that the brand has not are left out

    DataError when not one case is on record.
    """
    zero, horizon = start.timestamp(), (end - start).total_seconds()
    parts, until = [], np.full(len(brand.queues), -np.inf)
    for q, queue in enumerate(brand.queues):
        if queue.name not in recorded:
            continue
        of_queue = recorded[queue.name]
        until[q] = of_queue.until - zero
        received = of_queue.received - zero
        inside = (received >= 0.0) & (received < horizon)
        handling = of_queue.handling_s
        if handling is None:
            handling = np.full(received.size, np.nan)
        replied = of_queue.first_response[inside] - zero
        parts.append(
            (
                np.full(replied.size, q, np.int32),
                received[inside],
                replied,
                handling[inside],
                np.isnan(replied) & np.isfinite(of_queue.resolved[inside]),
            )
        )
    if not any(part[0].size for part in parts):
        raise no_case(start, end)
    queue_of, received, replied, handling, automatic = (
        np.concatenate([part[i] for part in parts]) for i in range(5)
    )
    order = np.argsort(received, kind="stable")
    return CaseRecord(
        start=start,
        end=end,
        queues=tuple(queue.name for queue in brand.queues),
        queue=queue_of[order].astype(np.int32),
        received=received[order],
        replied=replied[order],
        handling_s=handling[order],
        automatic=automatic[order],
        until=until,
    )


def no_case(start: datetime, end: datetime) -> DataError:
    """The error where nothing is on record."""
    return DataError(
        f"no case that arrived from {format_instant(start)} to {format_instant(end)} is on record; "
        "import what came of cases with `wfm import cases FILE`, or choose other days"
    )


def is_certain(record: CaseRecord, brand: Brand) -> bool:
    """Whether nothing of a replay is left to chance: every handling time is known, no customer
    writes again, nobody is away.
    """
    away = brand.planning.planned_shrinkage > 0 or brand.planning.unplanned_shrinkage > 0
    again = any(queue.work.continue_p > 0 for queue in brand.queues)
    known = np.isfinite(record.handling_s[~record.automatic]).all()
    return bool(known) and not away and not again


def trial_of(
    record: CaseRecord,
    volumes: pd.DataFrame,
    brand: Brand,
    *,
    seed: int,
    replications: int,
    order: Order = "live",
    spike_mode: tuple[str, ...] = (),
) -> Trial:
    """The cases that people had to answer, as they came, ready to be answered again.

    volumes  VOLUMES of the time, for the handling of what is not known; see `handling_times`

    Cases take as long as they took; where that is not known, first replies are drawn from the work
    law of the queue, and follow-ups always. Of cases due at once the one that came first goes
    first: severity is not recorded. RequestError as of `make_trial`.
    """
    start, end = record.start, record.end
    empty = np.zeros((1, interval_count(start, end), len(record.queues)), np.int64)
    trial = make_trial(
        handling_times(volumes, brand, start=start, end=end),
        Paths(start, record.queues, empty),
        brand,
        start=start,
        end=end,
        seed=seed,
        replications=replications,
        order=order,
        spike_mode=spike_mode,
    )
    ours = ~record.automatic
    arrivals, queue, known = record.received[ours], record.queue[ours], record.handling_s[ours]
    missing = np.isnan(known)
    mu, sigma = (np.ascontiguousarray(trial.law[:, state.FIRST_MU + i]) for i in range(2))
    for r in range(replications):
        keys = numbered_keys(trial.path_key(r), arrivals.size)
        work = known
        if missing.any():
            drawn = draw_handling(arrivals, queue, keys, trial.scale, mu, sigma, HANDLING)
            work = np.where(missing, drawn, known)
        trial.drawn.append((arrivals, queue, keys))
        trial.worked[r] = work, np.empty(0)
    return trial


def handling_times(
    volumes: pd.DataFrame, brand: Brand, *, start: datetime, end: datetime
) -> pd.DataFrame:
    """A table start, queue, aht_s over [start, end): what cases took on average then.

    volumes  VOLUMES of the time: by queue and day (UTC) the mean handling over its contacts, of the
             whole time where a day has none, the work law's where none is known at all
    """
    table = VOLUMES.check(volumes)
    told = (
        (table["start"] >= start)
        & (table["start"] < end)
        & (table["aht_s"] > 0)
        & (table["contacts"] > 0)
    )
    table = table[told]
    table = table.assign(work=table["aht_s"] * table["contacts"], day=table["start"].dt.floor("D"))
    index = interval_index(start, end)
    by_day = table.groupby(["queue", "day"])[["work", "contacts"]].sum()
    by_queue = table.groupby("queue")[["work", "contacts"]].sum()
    parts = []
    for queue in brand.queues:
        usual = queue.work.aht_s
        if queue.name in by_queue.index:
            usual = by_queue["work"][queue.name] / by_queue["contacts"][queue.name]
        days = pd.Series(dtype="float64")
        if queue.name in by_queue.index:
            of_queue = by_day.loc[queue.name]
            days = of_queue["work"] / of_queue["contacts"]
        aht = days.reindex(index.floor("D")).fillna(usual).to_numpy(dtype=np.float64)
        parts.append(pd.DataFrame({"start": index, "queue": queue.name, "aht_s": aht}))
    return pd.concat(parts, ignore_index=True).astype({"queue": "str"})
