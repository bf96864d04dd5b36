"""Contacts of the past in, one row each, and rolled up to quarter-hours.

Between the first and the last contact of a queue in the file, a quarter-hour without a contact
counts as zero: a log of contacts is complete within its span. Outside it nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from wfm.ingest import cells
from wfm.ingest.compare import COMPARING, Found, compare
from wfm.ingest.faults import Faults
from wfm.ingest.report import ImportReport
from wfm.ingest.tables import Column, Piece, TableFile, open_table
from wfm.progress import Progress, part, silent
from wfm.store.brands import load_brand
from wfm.store.bulk import batches
from wfm.store.engine import Store, Writing
from wfm.store.volumes import (
    Count,
    Key,
    PastContact,
    arrivals,
    close_import,
    record_import,
    stored_contacts,
    stored_counts,
    withdraw_import,
    write_contacts,
    write_counts,
)
from wfm.timegrid import INTERVAL, floor_interval, format_instant, intervals, zone_named

if TYPE_CHECKING:
    from sqlalchemy import Connection

COLUMNS = (
    Column("contact_id"),
    Column("arrival"),
    Column("queue"),
    Column("author"),
    Column("handling_s", required=False),
)
LONGEST = 200  # characters of an id or an author that the store keeps
BATCH = 5_000
ROLL_UP = timedelta(days=28)


@dataclass
class _Import:
    """One import under way."""

    table: TableFile
    zone: str
    ambiguous: Literal["error", "first"]
    numbers: dict[str, int]
    faults: Faults
    replace: bool
    skip_bad: bool
    # Lines whose contact stands on an earlier line already.
    repeated: set[int] = field(default_factory=set)
    read: int = 0
    good: int = 0
    written: int = 0
    unchanged: int = 0
    replaced: int = 0
    differing: int = 0
    # Per queue: first and last arrival.
    spans: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    # Quarter-hours that replaced contacts have left.
    left: set[Key] = field(default_factory=set)


def import_contacts(
    store: Store,
    path: Path,
    *,
    actor: str,
    zone: str = "UTC",
    ambiguous: Literal["error", "first"] = "error",
    replace: bool = False,
    skip_bad: bool = False,
    progress: Progress = silent,
) -> ImportReport:
    """Take contacts into the store and roll them up to volumes; all of it or nothing.

    The same contacts again change nothing; one that differs needs `replace`. Raises FileFaults,
    RequestError for a file or a zone that cannot be, NotFound without a brand.
    """
    with store.reading() as connection:
        brand = load_brand(connection)
    zone_named(zone)
    faults = Faults(path.name)
    progress(0.0, f"reading {path.name}")
    table = open_table(path, faults)
    if table is None:
        raise faults.error()
    numbers = {queue.name: i for i, queue in enumerate(brand.queues)}
    job = _Import(table, zone, ambiguous, numbers, faults, replace, skip_bad)
    _check(job, part(progress, 0.0, 0.4))
    if faults.forbid(skip_bad=skip_bad):
        if not faults.fatal:
            with store.reading() as connection:
                for _ in _changes(job, connection, part(progress, 0.4, 1.0)):
                    pass
        raise faults.error()
    with store.writing(actor) as writing:
        rolled = _write(job, writing, part(progress, 0.4, 1.0))
        faults.stop(skip_bad=skip_bad)
    progress(1.0, "done")
    return _report(job, rolled)


def _check(job: _Import, progress: Progress) -> None:
    """First reading: every row by itself, and ids that stand twice."""
    marks: list[np.ndarray] = []
    lines: list[np.ndarray] = []
    for piece in job.table.pieces(COLUMNS, job.faults):
        contacts = _contacts(job, piece, job.faults)
        job.read += piece.rows
        job.good += len(contacts)
        ids = piece.cells["contact_id"]
        marks.append(np.array([hash(i) for i in ids], dtype=np.int64))
        lines.append(piece.lines)
        progress(piece.done, f"checking {job.table.name}")
    if marks:
        _find_repeated(job, np.concatenate(marks), np.concatenate(lines))


def _find_repeated(job: _Import, marks: np.ndarray, lines: np.ndarray) -> None:
    """Tell of ids that stand twice; equal hashes are only a hint, the texts decide."""
    _, inverse, counts = np.unique(marks, return_inverse=True, return_counts=True)
    suspects = lines[counts[inverse] > 1]
    if not len(suspects):
        return
    first: dict[str, int] = {}
    for piece in job.table.pieces(COLUMNS, Faults()):
        for i in np.flatnonzero(np.isin(piece.lines, suspects)):
            contact_id, line = piece.cells["contact_id"][i], int(piece.lines[i])
            if not contact_id:
                continue
            if contact_id in first:
                job.repeated.add(line)
                job.good -= 1
                job.faults.add(
                    line,
                    "contact_id",
                    contact_id,
                    f"stands on line {first[contact_id]} already; keep one",
                )
            else:
                first[contact_id] = line


def _contacts(job: _Import, piece: Piece, faults: Faults) -> list[tuple[int, PastContact]]:
    """The piece's good rows, with their lines."""
    lines = piece.lines
    ids, authors = piece.cells["contact_id"], piece.cells["author"]
    stamps = cells.instants(
        piece.cells["arrival"],
        lines,
        "arrival",
        faults,
        zone=job.zone,
        ambiguous=job.ambiguous,
        ways="choose --ambiguous first, or ",
    )
    _, good = cells.queue_numbers(piece.cells["queue"], lines, job.numbers, faults)
    good &= stamps.good
    handling = np.full(len(lines), np.nan)
    if "handling_s" in piece.cells:
        handling, timed = cells.seconds(piece.cells["handling_s"], lines, "handling_s", faults)
        good &= timed
    for column, texts in (("contact_id", ids), ("author", authors)):
        for i, text in enumerate(texts):
            if not text or len(text) > LONGEST:
                remedy = "empty" if not text else f"longer than {LONGEST} characters"
                faults.add(int(lines[i]), column, text, remedy)
                good[i] = False
    return [
        (
            int(lines[i]),
            PastContact(
                ids[i],
                piece.cells["queue"][i],
                datetime.fromtimestamp(int(stamps.first[i]), UTC),
                authors[i],
                None if np.isnan(handling[i]) else float(handling[i]),
            ),
        )
        for i in np.flatnonzero(good)
    ]


def _changes(
    job: _Import, connection: Connection, progress: Progress
) -> Iterator[list[PastContact]]:
    """Second reading: what the store does not hold yet; contacts that differ are told."""
    for piece in job.table.pieces(COLUMNS, Faults()):
        futile = job.faults.forbid(skip_bad=job.skip_bad)
        progress(piece.done, COMPARING if futile else "writing contacts")
        for batch in batches(_contacts(job, piece, Faults()), BATCH):
            found = [
                Found(contact.contact_id, contact, line)
                for line, contact in batch
                if line not in job.repeated
            ]
            for one in found:
                _widen(job, one.value)
            held = stored_contacts(connection, [one.key for one in found])
            compared = compare(found, held, replace=job.replace)
            job.written += len(compared.new)
            job.unchanged += compared.same
            if job.replace:
                job.replaced += len(compared.differing)
                job.left.update(
                    (before.queue, floor_interval(before.arrived_at))
                    for _, before in compared.differing
                )
            else:
                _tell_differing(job, compared.differing)
            yield [one.value for one in compared.changes]


def _tell_differing(
    job: _Import, differing: Sequence[tuple[Found[str, PastContact], PastContact]]
) -> None:
    job.differing += len(differing)
    for found, held in differing:
        job.faults.add(
            found.line,
            "contact_id",
            found.key,
            "the store holds it with other values "
            f"({held.queue}, {format_instant(held.arrived_at)}, {held.author}); "
            "--replace overwrites it",
        )


def _widen(job: _Import, contact: PastContact) -> None:
    at = contact.arrived_at
    first, last = job.spans.get(contact.queue, (at, at))
    job.spans[contact.queue] = (min(first, at), max(last, at))


def _write(job: _Import, writing: Writing, progress: Progress) -> int:
    """Write contacts, then the quarter-hours they change; how many of those there were."""
    import_id = record_import(
        writing,
        "contacts",
        job.table.name,
        sha256=job.table.sha256(),
        options={"zone": job.zone, "ambiguous": job.ambiguous, "replace": job.replace},
    )
    for changed in _changes(job, writing.connection, part(progress, 0.0, 0.8)):
        if not job.faults.forbid(skip_bad=job.skip_bad):
            write_contacts(writing, changed, import_id)
    if job.faults.forbid(skip_bad=job.skip_bad):
        return 0  # the caller rolls back
    rolled = _roll_up(job, writing, import_id, part(progress, 0.8, 1.0))
    if not (job.written or job.replaced or rolled):
        withdraw_import(writing, import_id)
        return 0
    close_import(
        writing,
        import_id,
        rows_read=job.read,
        rows_written=job.written + job.replaced,
        rows_skipped=_skipped(job),
    )
    writing.audit(
        "contacts.import",
        job.table.name,
        after={"import": import_id, "written": job.written, "replaced": job.replaced},
    )
    return rolled


def _skipped(job: _Import) -> int:
    return job.read - job.good + job.differing


def _roll_up(job: _Import, writing: Writing, import_id: int, progress: Progress) -> int:
    """Count the stored contacts anew in every quarter-hour the file covers or has emptied."""
    windows: list[tuple[str, datetime, datetime]] = []
    for queue, (first, last) in job.spans.items():
        start, end = floor_interval(first), floor_interval(last) + INTERVAL
        while start < end:
            windows.append((queue, start, min(end, start + ROLL_UP)))
            start += ROLL_UP
    windows += [(queue, start, start + INTERVAL) for queue, start in sorted(job.left)]
    rolled = 0
    for i, (queue, start, end) in enumerate(windows):
        progress(i / len(windows), "rolling up quarter-hours")
        held = stored_counts(writing.connection, "contacts", [queue], start, end - INTERVAL)
        counts = _counts(writing.connection, queue, start, end)
        differing = [(key, count) for key, count in counts.items() if held.get(key) != count]
        write_counts(writing, "contacts", differing, import_id)
        rolled += len(differing)
    return rolled


def _counts(connection: Connection, queue: str, start: datetime, end: datetime) -> dict[Key, Count]:
    """Counts of a queue's stored contacts in every quarter-hour of [start, end)."""
    found: dict[datetime, list[float | None]] = {at: [] for at in intervals(start, end)}
    for arrived_at, handling_s in arrivals(connection, queue, start, end):
        found[floor_interval(arrived_at)].append(handling_s)
    counts: dict[Key, Count] = {}
    for at, handlings in found.items():
        timed = [s for s in handlings if s is not None]
        aht_s = round(sum(timed) / len(timed), 3) if timed else None
        counts[queue, at] = Count(len(handlings), aht_s)
    return counts


def _report(job: _Import, rolled: int) -> ImportReport:
    notes = [f"{rolled:,} quarter-hours rolled up."]
    ignored = job.table.ignored(COLUMNS)
    if ignored:
        notes.append(f"Columns not used: {', '.join(ignored)}.")
    return ImportReport(
        kind="contacts",
        files=(job.table.name,),
        unit="contacts",
        rows_read=job.read,
        written=job.written,
        unchanged=job.unchanged,
        replaced=job.replaced,
        skipped=_skipped(job),
        first=min((first for first, _ in job.spans.values()), default=None),
        last=max((last for _, last in job.spans.values()), default=None),
        faults=tuple(sorted(job.faults.kept)),
        notes=tuple(notes),
    )
