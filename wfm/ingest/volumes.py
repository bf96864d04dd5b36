"""Interval counts in: any step, any size, one transaction.

A file is read in pieces, its rows checked and spooled to disk by month; then each month is sorted,
checked against its neighbours and the store, brought to quarter-hours and written.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wfm.brands import Brand
from wfm.errors import NotFound, RequestError
from wfm.ingest.compare import COMPARING, Found, compare
from wfm.ingest.faults import Faults, unknown
from wfm.ingest.quarters import Quarters, gather, scaled
from wfm.ingest.report import ImportReport
from wfm.ingest.spool import Spool, distinct
from wfm.ingest.volumechecks import check_stamps, settle_steps
from wfm.ingest.volumefiles import VolumeFile, VolumeFiles, read_files
from wfm.ingest.volumeoptions import VolumeOptions
from wfm.progress import Progress, part, silent
from wfm.store.brands import load_brand
from wfm.store.engine import Store, Writing
from wfm.store.volumes import (
    Count,
    Key,
    close_import,
    record_import,
    stored_counts,
    write_counts,
)
from wfm.timegrid import INTERVAL, format_instant

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True)
class _Span:
    """First and last quarter-hour that the files give of a queue, and how many they give."""

    first: datetime
    last: datetime
    count: int

    @property
    def gaps(self) -> int:
        return (self.last - self.first) // INTERVAL + 1 - self.count


@dataclass
class _Outcome:
    """What the files give of each queue, and how it relates to the store."""

    unchanged: int = 0
    replaced: int = 0
    spans: dict[str, _Span] = field(default_factory=dict)

    def cover(self, queue: str, first: datetime, last: datetime, count: int) -> None:
        """Widen the queue's span by quarter-hours that follow those before."""
        before = self.spans.get(queue, _Span(first, last, 0))
        self.spans[queue] = _Span(before.first, last, before.count + count)


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
    options.check()
    faults = Faults(files[0].name if len(files) == 1 else f"{len(files)} files")
    outcome = _Outcome()
    with tempfile.TemporaryDirectory(prefix="wfm-import-") as folder:
        spool = Spool(Path(folder))
        job = VolumeFiles(options, queues, [VolumeFile(path) for path in files], faults, spool)
        read_files(job, part(progress, 0.0, 0.6))
        steps = settle_steps(job, part(progress, 0.6, 0.65))
        check_stamps(job, steps, part(progress, 0.65, 0.7))
        quarters = _quarters(job, steps, part(progress, 0.7, 1.0))
        if faults.forbid(skip_bad=options.skip_bad):
            # Still compare with the store, so that one round tells all there is to mend.
            with store.reading() as connection:
                for _ in _changes(job, quarters, outcome, connection):
                    pass
            raise faults.error()
        with store.writing(actor) as writing:
            _write(job, quarters, outcome, writing)
            faults.stop(skip_bad=options.skip_bad)
    progress(1.0, "done")
    return _report(job, steps, outcome)


def _queues(brand: Brand, options: VolumeOptions) -> tuple[str, ...]:
    names = tuple(queue.name for queue in brand.queues)
    if options.queue is not None and options.queue not in names:
        remedy = unknown("queue", options.queue, names)
        raise NotFound(f"--queue {options.queue}: {remedy}", queue=options.queue)
    return names


def _quarters(
    job: VolumeFiles, steps: Mapping[str, int], progress: Progress
) -> Iterator[tuple[str, Quarters]]:
    """Month by month, the quarter-hours of each queue whose step is known."""
    options = job.options
    for i, rows in enumerate(job.spool):
        futile = job.faults.forbid(skip_bad=options.skip_bad)
        progress(i / len(job.spool), COMPARING if futile else "writing quarter-hours")
        for number in np.unique(rows["queue"]):
            queue = job.queues[int(number)]
            if queue not in steps:
                continue
            quarters = gather(distinct(rows[rows["queue"] == number]), steps[queue])
            if options.scale is not None:
                quarters = scaled(quarters, options.scale, seed=options.seed, queue=queue)
            if len(quarters.start):
                yield queue, quarters


def _changes(
    job: VolumeFiles,
    quarters: Iterable[tuple[str, Quarters]],
    outcome: _Outcome,
    connection: Connection,
) -> Iterator[list[Found[Key, Count]]]:
    """What is to be written; counts that differ from the store's are told."""
    for queue, month in quarters:
        found = _counts(queue, month)
        (_, first), (_, last) = found[0].key, found[-1].key
        outcome.cover(queue, first, last, len(found))
        held = stored_counts(connection, "volumes", [queue], first, last)
        compared = compare(found, held, replace=job.options.replace)
        outcome.unchanged += compared.same
        for one in compared.new:
            job.files[one.file].written += 1
        if job.options.replace:
            outcome.replaced += len(compared.differing)
        else:
            _tell_differing(job, compared.differing)
        yield compared.changes


def _counts(queue: str, quarters: Quarters) -> list[Found[Key, Count]]:
    columns = (
        quarters.start.tolist(),
        quarters.contacts.tolist(),
        quarters.aht_s.tolist(),
        quarters.line.tolist(),
        quarters.file.tolist(),
    )
    return [
        Found(
            (queue, datetime.fromtimestamp(start, UTC)),
            Count(contacts, None if isnan(aht_s) else aht_s, quarters.spread),
            line,
            file,
        )
        for start, contacts, aht_s, line, file in zip(*columns, strict=True)
    ]


def _tell_differing(job: VolumeFiles, differing: Iterable[tuple[Found[Key, Count], Count]]) -> None:
    for found, held in differing:
        queue, start = found.key
        job.turn_to(found.file)
        job.faults.add(
            found.line,
            job.options.value_column,
            _words(found.value),
            f"the store holds {_words(held)} for queue {queue} at "
            f"{format_instant(start)}; --replace overwrites it",
        )
        job.files[found.file].bad += 1


def _words(count: Count) -> str:
    words = str(count.contacts)
    if count.aht_s is not None:
        words += f" (aht_s {count.aht_s:g})"
    return f"{words}, spread" if count.spread else words


# -- writing -------------------------------------------------------------------------------------


def _write(
    job: VolumeFiles,
    quarters: Iterable[tuple[str, Quarters]],
    outcome: _Outcome,
    writing: Writing,
) -> None:
    """Write what is new or replaced; the caller rolls back when faults forbid it."""
    imports: dict[int, int] = {}  # by number of the file
    for changes in _changes(job, quarters, outcome, writing.connection):
        if job.faults.forbid(skip_bad=job.options.skip_bad):
            continue  # go on comparing: nothing will be written, but all faults are wanted
        for number, counts in _by_file(changes).items():
            if number not in imports:
                imports[number] = _open_import(job, number, writing)
            write_counts(writing, "volumes", counts, imports[number])
    for number, import_id in imports.items():
        file = job.files[number]
        close_import(
            writing,
            import_id,
            rows_read=file.read,
            rows_written=file.written,
            rows_skipped=file.bad,
        )
    if imports:
        writing.audit(
            "volumes.import",
            ", ".join(job.files[number].path.name for number in imports),
            after={
                "imports": list(imports.values()),
                "written": sum(file.written for file in job.files),
                "replaced": outcome.replaced,
                "queues": sorted(outcome.spans),
            },
        )


def _by_file(changes: Iterable[Found[Key, Count]]) -> dict[int, list[tuple[Key, Count]]]:
    counts: dict[int, list[tuple[Key, Count]]] = {}
    for found in changes:
        counts.setdefault(found.file, []).append((found.key, found.value))
    return counts


def _open_import(job: VolumeFiles, number: int, writing: Writing) -> int:
    file = job.files[number]
    return record_import(
        writing, "volumes", file.path.name, sha256=file.sha256, options=asdict(job.options)
    )


def _report(job: VolumeFiles, steps: Mapping[str, int], outcome: _Outcome) -> ImportReport:
    spans = outcome.spans.values()
    return ImportReport(
        kind="volumes",
        files=tuple(file.path.name for file in job.files),
        unit="quarter-hours",
        rows_read=sum(file.read for file in job.files),
        written=sum(file.written for file in job.files),
        unchanged=outcome.unchanged,
        replaced=outcome.replaced,
        skipped=sum(file.bad for file in job.files),
        steps_s=steps,
        first=min((span.first for span in spans), default=None),
        last=max((span.last for span in spans), default=None),
        gaps=sum(span.gaps for span in spans),
        faults=tuple(sorted(job.faults.kept)),
        notes=tuple(job.notes),
    )
