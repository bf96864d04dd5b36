"""How long it takes to replay a month of recorded cases.

    python -m benchmarks.replay [--quick] [--json FILE] [--seed N]

Six queues, two of them shut at night, with follow-ups; agents of three sets of skills; planned and
unplanned absence. The record is a simulation of one seed. It is replayed with the same agents on
other seeds: ten times where no handling time is on record, and once where each is.

Rows: cases, step, seconds (on the clock), cpu_s (of all threads). `arrays` makes the record out of
arrays by queue, `store` reads it from a SQLite file first. What is compiled is compiled before.
Table `attainment`: the recorded share of first replies in time, and the replayed one with its band.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from api.planning.outcomes import extents_of, recorded_of
from benchmarks.reference_day import contacts
from benchmarks.report import arguments, finish
from benchmarks.simulation import EVERY_DAY, a_queue
from scheduling.calibration import Recorded
from scheduling.simulation.staff import staff_of
from scheduling.simulation.trial import make_trial
from scheduling.whatif.recorded import CaseRecord, record_of
from scheduling.whatif.replay import Replay, replayed
from wfm.brands import Brand, Planning
from wfm.calendars import Hours, ServiceWindow
from wfm.frames import INSTANT, ON_SHIFT, VOLUMES, interval_index
from wfm.paths import Paths
from wfm.sla import Duration, ServiceGoal, WorkLaw
from wfm.store.engine import open_store
from wfm.store.results import CaseResult, write_results
from wfm.store.volumes import record_import
from wfm.timegrid import INTERVAL_S, FixedClock

COLUMNS = ("cases", "step", "seconds", "cpu_s")
START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 31
MONTH = 500_000
QUICK = 50_000
REPLICATIONS = 10

LAW = WorkLaw(Duration(180.0, 0.6), Duration(120.0, 0.5), 0.4, Duration(1200.0, 1.0))
LONG_DAY = ServiceWindow((Hours("UTC", EVERY_DAY, 8 * 60, 20 * 60),))
SLOW = (ServiceGoal(threshold_s=4 * 3600),)
SHARES = {"a": 0.35, "b": 0.25, "c": 0.15, "d": 0.1, "mail": 0.1, "forms": 0.05}
SKILLS = {"a b c d": 0.45, "a b": 0.25, "c d forms mail": 0.3}
# Agents over those that the work of the quarter of an hour takes, beside one more of each set.
SPARE = 0.96

T = TypeVar("T")


@dataclass(frozen=True)
class Month:
    """A month on record, and who worked then."""

    brand: Brand
    on_shift: pd.DataFrame
    volumes: pd.DataFrame
    recorded: Mapping[str, Recorded]
    end: datetime


def a_month(cases: int, *, seed: int, days: int = DAYS) -> Month:
    """About so many cases, as one simulation has them answered; no handling time is on record."""
    queues = [a_queue(name, work=LAW) for name in SHARES]
    queues[4:] = [replace(queue, window=LONG_DAY, goals=SLOW) for queue in queues[4:]]
    brand = Brand("benchmark", "UTC", (), tuple(queues), (), (), planning=Planning())
    day = contacts()
    mean = np.tile(day * cases / days / day.sum(), days)
    counts = np.random.default_rng(seed).poisson(mean[:, None] * np.array([*SHARES.values()]))
    end = START + timedelta(days=days)
    index = interval_index(START, end)
    volumes = VOLUMES.check(
        pd.DataFrame(
            {
                "start": index.repeat(len(SHARES)),
                "queue": pd.Series([*SHARES] * len(index), dtype="str"),
                "contacts": counts.ravel(),
                "aht_s": LAW.aht_s,
            }
        )
    )
    on_shift = _on_shift(mean, brand)
    trial = make_trial(
        volumes, Paths(START, tuple(SHARES), counts[None]), brand, start=START, end=end, seed=seed
    )
    staff = staff_of(on_shift, brand, start=START, end=end)
    (begun,) = trial.run(staff, keep_starts=True).starts
    arrivals, queue, _ = found = trial.cases(0)
    sent = begun + trial.handling(0, found)[0]
    zero = START.timestamp()
    recorded = {}
    for q, name in enumerate(SHARES):
        received, replied = arrivals[queue == q] + zero, sent[queue == q] + zero
        recorded[name] = Recorded(
            received=received,
            first_response=replied,
            resolved=replied,
            paused_s=np.zeros(received.size),
            first=zero,
            until=end.timestamp(),
            complete=True,
        )
    return Month(brand, on_shift, volumes, recorded, end)


def _on_shift(mean: np.ndarray[Any, np.dtype[np.float64]], brand: Brand) -> pd.DataFrame:
    """ON_SHIFT that follows the load by the quarter of an hour."""
    load = np.convolve(mean, [0.5, 0.3, 0.2])[: mean.size] * LAW.aht_s / INTERVAL_S
    needed = SPARE * load / brand.planning.availability
    rows = []
    for queues, share in SKILLS.items():
        heads = np.ceil(needed * share + 1.0).astype(np.int64)
        for head in range(int(heads.max())):
            there = np.concatenate([[0], (heads > head).astype(np.int8), [0]])
            edges = np.flatnonzero(np.diff(there))
            pairs = zip(edges[::2], edges[1::2], strict=True)
            rows += [(f"{queues} {head}", first, last, queues) for first, last in pairs]
    table = pd.DataFrame(rows, columns=["agent_id", "start", "end", "queues"])
    for column in ("start", "end"):
        seconds = pd.to_timedelta(table[column] * INTERVAL_S, unit="s")
        table[column] = (pd.Timestamp(START) + seconds).astype(INSTANT)
    kinds = {"agent_id": "str", "queues": "str", "slots": "int64"}
    return ON_SHIFT.check(table.assign(slots=1).astype(kinds))


def record(month: Month, recorded: Mapping[str, Recorded] | None = None) -> CaseRecord:
    return record_of(recorded or month.recorded, month.brand, start=START, end=month.end)


def with_handling(month: Month, *, seed: int) -> CaseRecord:
    """The month's cases, each with a handling time on record."""
    found = record(month)
    drawn = np.random.default_rng(seed).lognormal(5.0, 0.5, found.cases)
    return replace(found, handling_s=drawn)


def play(month: Month, cases: CaseRecord, *, seed: int, replications: int) -> Replay:
    """The month but for its first day, which fills the queues."""
    return replayed(
        cases,
        month.on_shift,
        month.volumes,
        month.brand,
        start=START + timedelta(days=1),
        seed=seed,
        replications=replications,
    )


def from_store(month: Month, folder: Path) -> Callable[[], CaseRecord]:
    """Keeps the month in a SQLite file, and gives what reads it."""
    store = open_store(f"sqlite:///{folder / 'wfm.sqlite'}", clock=FixedClock(month.end))
    with store.writing("benchmark") as writing:
        number = record_import(writing, "cases", "month.csv", sha256="", options={})
        for name, of_queue in month.recorded.items():
            pairs = zip(of_queue.received.tolist(), of_queue.first_response.tolist(), strict=True)
            write_results(
                writing,
                [
                    (f"{name}-{i}", CaseResult(name, _at(came), _or_none(sent), None, None))
                    for i, (came, sent) in enumerate(pairs)
                ],
                number,
            )

    def read() -> CaseRecord:
        with store.reading() as connection:
            extents = extents_of(connection)
            recorded = {
                queue.name: recorded_of(
                    connection,
                    queue,
                    START,
                    month.end,
                    extents=extents[queue.name],
                    now=month.end,
                )
                for queue in month.brand.queues
            }
        store.close()
        return record(month, recorded)

    return read


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _or_none(seconds: float) -> datetime | None:
    return None if np.isnan(seconds) else _at(seconds)


def measured(cases: int, *, seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows, and the table of attainments."""
    small = a_month(600, seed=seed, days=2)
    play(small, record(small), seed=seed, replications=1)
    month = a_month(cases, seed=seed)
    rows: list[dict[str, Any]] = []

    def timed(step: str, work: Callable[[], T]) -> T:
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        spent = time.perf_counter() - wall, time.process_time() - cpu
        told = (found.cases, step, round(spent[0], 3), round(spent[1], 3))
        rows.append(dict(zip(COLUMNS, told, strict=True)))
        return result

    found = record(month)
    timed("arrays", lambda: record(month))
    with tempfile.TemporaryDirectory() as folder:
        timed("store", from_store(month, Path(folder)))
    certain = with_handling(month, seed=seed)
    runs = {
        "handling drawn, 10 times": (found, REPLICATIONS),
        "handling on record, once": (certain, 1),
    }
    replays = {
        step: timed(
            step, lambda args=args: play(month, args[0], seed=seed + 1, replications=args[1])
        )
        for step, args in runs.items()
    }
    drawn = replays["handling drawn, 10 times"].by_queue
    columns = ("queue", "cases", "recorded", "replayed", "replayed_low", "replayed_high")
    return rows, drawn[list(columns)].replace({"queue": {"": "all"}}).to_dict("records")


def main() -> None:
    args = arguments(__doc__ or "")
    rows, attainment = measured(QUICK if args.quick else MONTH, seed=args.seed)
    finish("replay", rows, args, tables={"attainment": attainment})


if __name__ == "__main__":
    main()
