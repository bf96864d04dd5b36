"""Interval counts in: any step, any size, one transaction. And the VOLUMES frame out.

A file is read in pieces, its rows checked and spooled to disk by month; then each month is sorted,
checked against its neighbours and the store, brought to quarter-hours and written.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from wfm.brands import Brand
from wfm.errors import NotFound, RequestError
from wfm.frames import VOLUMES
from wfm.ingest import cells
from wfm.ingest.cells import Ambiguous
from wfm.ingest.faults import Faults, unknown
from wfm.ingest.quarters import Quarters, gather, scaled
from wfm.ingest.report import ImportReport
from wfm.ingest.spool import ROW, Rows, Spool
from wfm.ingest.steps import StepCount, check_steps, find_steps, parse_step
from wfm.ingest.tables import Column, Piece, TableFile, open_table
from wfm.progress import Progress, part, silent
from wfm.store.brands import load_brand
from wfm.store.engine import Store, Writing
from wfm.store.volumes import (
    Count,
    Key,
    close_import,
    record_import,
    stored_counts,
    volume_rows,
    write_counts,
)
from wfm.timegrid import INTERVAL_S, format_instant, zone_named

if TYPE_CHECKING:
    from sqlalchemy import Connection

AHT_COLUMN = "aht_s"


@dataclass(frozen=True)
class VolumeOptions:
    """How a file of interval counts is to be read; each is an option of `wfm import volumes`.

    queue      all rows are of this queue; None: a column names it
    zone       of stamps without an offset
    step       such as 15min, where the stamps do not tell it
    floor      such as 5min: stamps are rounded down to it
    ambiguous  what becomes of a local time that happens twice
    scale      below 1 thins, above 1 multiplies, to whole counts
    seed       of `scale`
    """

    queue: str | None = None
    time_column: str = "timestamp"
    value_column: str = "value"
    aht_column: str = AHT_COLUMN
    zone: str = "UTC"
    step: str | None = None
    floor: str | None = None
    ambiguous: Ambiguous = "error"
    scale: float | None = None
    seed: int = 1
    replace: bool = False
    skip_bad: bool = False

    @property
    def columns(self) -> tuple[Column, ...]:
        found = (
            Column(self.time_column, option="--time-column"),
            Column(self.value_column, option="--value-column"),
            # Optional under its usual name; who names another wants it.
            Column(self.aht_column, self.aht_column != AHT_COLUMN, option="--aht-column"),
        )
        if self.queue is not None:
            return found
        return (*found, Column("queue", instead="or name the queue of all rows with --queue"))


@dataclass
class _Import:
    """One import under way: what was read, what is wrong, what became of it."""

    options: VolumeOptions
    queues: tuple[str, ...]
    files: tuple[Path, ...]
    faults: Faults
    spool: Spool
    sha256: list[str] = field(default_factory=list)
    read: list[int] = field(default_factory=list)
    bad: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    steps: dict[str, int] = field(default_factory=dict)
    # Per queue: first and last start, seconds since 1970, and quarter-hours between that are there.
    spans: dict[str, list[int]] = field(default_factory=dict)
    written: list[int] = field(default_factory=list)
    unchanged: int = 0
    replaced: int = 0

    def tell(self, row: Rows, column: str, value: object, remedy: str) -> None:
        """A fault of a spooled row."""
        self.faults.prefix = _prefix(self.files, int(row["file"]))
        self.faults.add(int(row["line"]), column, value, remedy)


def import_volumes(
    store: Store,
    files: Sequence[Path],
    options: VolumeOptions | None = None,
    *,
    actor: str,
    progress: Progress = silent,
) -> ImportReport:
    """Take interval counts into the store as quarter-hours; all of it or nothing.

    The same counts again change nothing. A count that differs from the stored one is a fault unless
    `options.replace`. Raises FileFaults with all that is wrong, RequestError for an option or a
    file that cannot be, NotFound without a brand or for an unknown queue.
    """
    options = options or VolumeOptions()
    if not files:
        raise RequestError("name at least one file")
    with store.reading() as connection:
        queues = _queues(load_brand(connection), options)
    zone_named(options.zone)
    if options.scale is not None and not 0 < options.scale <= 1_000_000:
        raise RequestError(f"--scale {options.scale:g}: want a number above 0", scale=options.scale)
    floor_s = parse_step(options.floor, "--floor") if options.floor else 1
    given = parse_step(options.step, "--step") if options.step else None
    name = files[0].name if len(files) == 1 else f"{len(files)} files"
    with tempfile.TemporaryDirectory(prefix="wfm-import-") as folder:
        job = _Import(options, queues, tuple(files), Faults(name), Spool(Path(folder)))
        _read(job, floor_s, part(progress, 0.0, 0.6))
        _settle_steps(job, given, part(progress, 0.6, 0.7))
        if job.faults.total and (job.faults.fatal or not options.skip_bad):
            # Still compare with the store, so that one round tells all there is to mend.
            with store.reading() as connection:
                for _ in _compared(job, connection, part(progress, 0.7, 1.0)):
                    pass
            raise job.faults.error()
        with store.writing(actor) as writing:
            _write(job, writing, part(progress, 0.7, 1.0))
            job.faults.stop(skip_bad=options.skip_bad)
    progress(1.0, "done")
    return _report(job)


def load_volumes(
    connection: Connection,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    queues: Collection[str] | None = None,
) -> pd.DataFrame:
    """The stored counts of [start, end) as VOLUMES; a missing interval is an absent row.

    Of the same queue and interval, counts made from contacts win over imported counts.
    """
    rows = volume_rows(connection, start=start, end=end, queues=queues)
    if not rows:
        return VOLUMES.empty()
    starts, names, contacts, aht_s = zip(*rows, strict=True)
    table = pd.DataFrame(
        {
            "start": pd.Series(pd.DatetimeIndex(starts).as_unit("us")),
            "queue": pd.Series(names, dtype="str"),
            "contacts": np.array(contacts, dtype=np.int64),
            "aht_s": np.array(aht_s, dtype=np.float64),
        }
    )
    return VOLUMES.check(table)


def _queues(brand: Brand, options: VolumeOptions) -> tuple[str, ...]:
    names = tuple(queue.name for queue in brand.queues)
    if options.queue is not None and options.queue not in names:
        remedy = unknown("queue", options.queue, names)
        raise NotFound(f"--queue {options.queue}: {remedy}", queue=options.queue)
    return names


def _prefix(files: Sequence[Path], number: int) -> str:
    return f"{files[number].name} " if len(files) > 1 else ""


# -- reading -------------------------------------------------------------------------------------


def _read(job: _Import, floor_s: int, progress: Progress) -> None:
    """Check every row of every file by itself, and spool the good ones."""
    for number, path in enumerate(job.files):
        job.faults.prefix = _prefix(job.files, number)
        job.read.append(0)
        job.bad.append(0)
        job.written.append(0)
        share = part(progress, number / len(job.files), (number + 1) / len(job.files))
        share(0.0, f"reading {path.name}")
        table = open_table(path, job.faults)
        if table is None:
            job.sha256.append("")
            continue
        job.sha256.append(table.sha256())
        _note_ignored(job, table)
        for piece in table.pieces(job.options.columns, job.faults):
            rows, kept = _rows(job, piece, number, floor_s)
            job.spool.add(rows)
            job.read[number] += len(piece.lines) + piece.dropped
            job.bad[number] += len(piece.lines) + piece.dropped - kept
            share(piece.done, f"reading {path.name}")


def _note_ignored(job: _Import, table: TableFile) -> None:
    ignored = table.ignored(job.options.columns)
    if ignored:
        job.notes.append(f"{table.name}: columns not used: {', '.join(ignored)}.")


def _rows(job: _Import, piece: Piece, number: int, floor_s: int) -> tuple[Rows, int]:
    """The piece's good rows, and of how many lines they are (a split line gives two rows)."""
    options, lines, faults = job.options, piece.lines, job.faults
    stamps = cells.instants(
        piece.cells[options.time_column],
        lines,
        options.time_column,
        faults,
        zone=options.zone,
        floor_s=floor_s,
        ambiguous=options.ambiguous,
    )
    contacts, good = cells.counts(
        piece.cells[options.value_column], lines, options.value_column, faults
    )
    good &= stamps.good
    aht_s = np.full(len(lines), np.nan)
    if options.aht_column in piece.cells:
        aht_s, aht_good = cells.seconds(
            piece.cells[options.aht_column], lines, options.aht_column, faults
        )
        good &= aht_good
    if options.queue is not None:
        queue = np.full(len(lines), job.queues.index(options.queue), dtype=np.int64)
    else:
        numbers = {name: i for i, name in enumerate(job.queues)}
        queue, queue_good = cells.queue_numbers(piece.cells["queue"], lines, numbers, faults)
        good &= queue_good
    rows = np.empty(len(lines), dtype=ROW)
    rows["start"], rows["line"], rows["aht_s"] = stamps.first, lines, aht_s
    rows["contacts"], rows["queue"], rows["file"] = contacts, queue, number
    twice = good & stamps.repeated
    if twice.any():
        again = rows[twice]
        again["start"] = stamps.second[twice]
        again["contacts"] = contacts[twice] // 2
        rows["contacts"][twice] -= again["contacts"]
        return np.concatenate((rows[good], again)), int(good.sum())
    return rows[good], int(good.sum())


# -- steps and duplicates ------------------------------------------------------------------------


def _settle_steps(job: _Import, given: int | None, progress: Progress) -> None:
    """Find each queue's step; tell of duplicates and of rows off the step."""
    counted: dict[str, StepCount] = {}
    for i, rows in enumerate(job.spool):
        progress(i / len(job.spool) / 2, "finding the step")
        distinct = _distinct(rows)
        for number in np.unique(distinct["queue"]):
            own = distinct["start"][distinct["queue"] == number]
            counted.setdefault(job.queues[number], StepCount()).look(own)

    rows_are_bad = job.faults.total > 0

    def tell(queue: str, value: str, remedy: str) -> None:
        if rows_are_bad and not job.options.skip_bad:
            return  # the good rows alone may not show the step; mending the bad ones may
        job.faults.prefix = ""
        job.faults.add(0, f"{job.options.time_column} of queue {queue}", value, remedy, fatal=True)

    job.steps = find_steps(counted, given, tell)
    told: set[int] = set()
    for i, rows in enumerate(job.spool):
        progress(0.5 + i / len(job.spool) / 2, "checking the stamps")
        _tell_duplicates(job, rows)

        def off(row: Rows, remedy: str) -> None:
            if int(row["queue"]) not in told:
                told.add(int(row["queue"]))
                job.tell(row, job.options.time_column, _stamp(row), remedy)
                job.faults.fatal = True

        check_steps(_distinct(rows), job.queues, job.steps, off)


def _stamp(row: Rows) -> str:
    return format_instant(datetime.fromtimestamp(int(row["start"]), UTC))


def _again(rows: Rows) -> np.ndarray:
    """Which rows repeat the queue and start of the row before."""
    again = np.zeros(len(rows), dtype=bool)
    again[1:] = (np.diff(rows["start"]) == 0) & (np.diff(rows["queue"]) == 0)
    return again


def _distinct(rows: Rows) -> Rows:
    """Of rows for the same queue and start, the first."""
    distinct: Rows = rows[~_again(rows)]
    return distinct


def _tell_duplicates(job: _Import, rows: Rows) -> None:
    again = _again(rows)
    first = np.maximum.accumulate(np.where(again, 0, np.arange(len(rows))))
    for i in np.flatnonzero(again):
        earlier = rows[first[i]]
        where = f"line {earlier['line']}"
        if earlier["file"] != rows[i]["file"]:
            where += f" of {job.files[int(earlier['file'])].name}"
        job.tell(
            rows[i],
            job.options.time_column,
            _stamp(rows[i]),
            f"queue {job.queues[int(rows[i]['queue'])]} has this interval on {where} already; "
            "keep one (a repeated hour of a clock change wants stamps with an offset)",
        )
        job.bad[int(rows[i]["file"])] += 1


# -- writing -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Change:
    """A month's counts that the store does not hold yet, by the file they come from."""

    by_file: Mapping[int, list[tuple[Key, Count]]]


def _compared(job: _Import, connection: Connection, progress: Progress) -> Iterator[_Change]:
    """Month by month, what is to be written; counts that differ from the store's are told."""
    options = job.options
    for i, rows in enumerate(job.spool):
        progress(i / len(job.spool), "writing quarter-hours")
        for number in np.unique(rows["queue"]):
            name = job.queues[int(number)]
            if name not in job.steps:
                continue
            own = _distinct(rows[rows["queue"] == number])
            quarters = gather(own, job.steps[name])
            if len(quarters.start) == 0:
                continue
            if options.scale is not None:
                quarters = scaled(quarters, options.scale, seed=options.seed, queue=name)
            _widen(job, name, quarters)
            yield _difference(job, connection, name, quarters)


def _widen(job: _Import, name: str, quarters: Quarters) -> None:
    span = job.spans.setdefault(name, [int(quarters.start[0]), 0, 0])
    span[1] = int(quarters.start[-1])
    span[2] += len(quarters.start)


def _difference(job: _Import, connection: Connection, name: str, quarters: Quarters) -> _Change:
    starts = [datetime.fromtimestamp(s, UTC) for s in quarters.start.tolist()]
    held = stored_counts(connection, "volumes", [name], starts[0], starts[-1])
    aht = [None if np.isnan(a) else a for a in quarters.aht_s.tolist()]
    changes: dict[int, list[tuple[Key, Count]]] = {}
    for i, (start, contacts) in enumerate(zip(starts, quarters.contacts.tolist(), strict=True)):
        count = Count(contacts, aht[i], quarters.spread)
        before = held.get((name, start))
        if before == count:
            job.unchanged += 1
            continue
        file = int(quarters.file[i])
        if before is not None:
            if not job.options.replace:
                job.faults.prefix = _prefix(job.files, file)
                job.faults.add(
                    int(quarters.line[i]),
                    job.options.value_column,
                    _words(count),
                    f"the store holds {_words(before)} for queue {name} at "
                    f"{format_instant(start)}; --replace overwrites it",
                )
                job.bad[file] += 1
                continue
            job.replaced += 1
        else:
            job.written[file] += 1
        changes.setdefault(file, []).append(((name, start), count))
    return _Change(changes)


def _words(count: Count) -> str:
    words = str(count.contacts)
    if count.aht_s is not None:
        words += f" (aht_s {count.aht_s:g})"
    return f"{words}, spread" if count.spread else words


def _write(job: _Import, writing: Writing, progress: Progress) -> None:
    """Write what is new; the caller rolls back when faults remain."""
    numbers: dict[int, int] = {}
    for change in _compared(job, writing.connection, progress):
        if job.faults.total and not job.options.skip_bad:
            continue  # go on comparing: nothing will be written, but all faults are wanted
        for file, counts in change.by_file.items():
            if file not in numbers:
                numbers[file] = record_import(
                    writing,
                    "volumes",
                    job.files[file].name,
                    sha256=job.sha256[file],
                    options=asdict(job.options),
                )
            write_counts(writing, "volumes", counts, numbers[file])
    for file, import_id in numbers.items():
        close_import(
            writing,
            import_id,
            rows_read=job.read[file],
            rows_written=job.written[file],
            rows_skipped=job.bad[file],
        )
    if numbers:
        writing.audit(
            "volumes.import",
            ", ".join(job.files[file].name for file in numbers),
            after={
                "imports": list(numbers.values()),
                "written": sum(job.written),
                "replaced": job.replaced,
                "queues": sorted(job.spans),
            },
        )


def _report(job: _Import) -> ImportReport:
    gaps = sum(
        (last - first) // INTERVAL_S + 1 - count for first, last, count in job.spans.values()
    )
    report = ImportReport(
        kind="volumes",
        files=tuple(path.name for path in job.files),
        unit="quarter-hours",
        rows_read=sum(job.read),
        written=sum(job.written),
        unchanged=job.unchanged,
        replaced=job.replaced,
        skipped=sum(job.bad),
        steps_s=job.steps,
        gaps=gaps,
        faults=tuple(sorted(job.faults.kept)),
        notes=tuple(job.notes),
    )
    if not job.spans:
        return report
    return replace(
        report,
        first=datetime.fromtimestamp(min(s[0] for s in job.spans.values()), UTC),
        last=datetime.fromtimestamp(max(s[1] for s in job.spans.values()), UTC),
    )
