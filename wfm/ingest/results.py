"""What came of cases, recorded elsewhere: one row a case, so that certificates can be scored.

Files are read twice: first every row is checked by itself, and cases that stand twice are found;
then what the store does not know yet is written. A case may be brought again when more is known of
it: an answer that came since completes it. What contradicts the store needs `replace`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wfm.errors import RequestError
from wfm.ingest.compare import COMPARING, Found, compare
from wfm.ingest.faults import Faults
from wfm.ingest.report import ImportReport
from wfm.ingest.resultrows import COLUMNS, Ambiguous, Row, rows_of
from wfm.ingest.tables import Piece, TableFile, open_table
from wfm.progress import Progress, part, silent
from wfm.store.brands import load_brand
from wfm.store.bulk import batches
from wfm.store.engine import Store, Writing
from wfm.store.results import CaseResult, stored_results, write_results
from wfm.store.volumes import close_import, record_import
from wfm.timegrid import format_instant, zone_named

if TYPE_CHECKING:
    from sqlalchemy import Connection

Results = list[Found[str, CaseResult]]

BATCH = 5_000


@dataclass
class _File:
    """One of the files, and what became of its rows.

    written  cases that the store did not hold before
    changed  those and the ones that it holds otherwise now
    """

    table: TableFile
    read: int = 0
    good: int = 0
    written: int = 0
    changed: int = 0
    differing: int = 0
    import_id: int | None = None

    @property
    def skipped(self) -> int:
        return self.read - self.good + self.differing


@dataclass
class _Import:
    """One import under way.

    repeated  by file, lines whose id stands on an earlier line already
    crowded   marks of (queue, arrival) that several rows without an id have
    """

    zone: str
    ambiguous: Ambiguous
    replace: bool
    skip_bad: bool
    queues: dict[str, int]
    faults: Faults
    several: bool
    files: list[_File] = field(default_factory=list)
    repeated: set[tuple[int, int]] = field(default_factory=set)
    crowded: frozenset[int] = frozenset()
    unchanged: int = 0
    completed: int = 0
    replaced: int = 0
    first: datetime | None = None
    last: datetime | None = None

    def turn_to(self, name: str) -> None:
        """Faults to come are of this file."""
        self.faults.prefix = f"{name} " if self.several else ""


def import_results(
    store: Store,
    paths: Sequence[Path],
    *,
    actor: str,
    zone: str = "UTC",
    ambiguous: Ambiguous = "error",
    replace: bool = False,
    skip_bad: bool = False,
    progress: Progress = silent,
) -> ImportReport:
    """Take recorded cases into the store; all of them or nothing.

    A case is known by its external id, or by its queue, arrival and number among those of the same
    second. The same cases again change nothing. Raises FileFaults with all that is wrong,
    RequestError for a file or a zone that cannot be, NotFound without a brand.
    """
    if not paths:
        raise RequestError("name at least one file")
    with store.reading() as connection:
        brand = load_brand(connection)
    zone_named(zone)
    faults = Faults(paths[0].name if len(paths) == 1 else f"{len(paths)} files")
    queues = {queue.name: i for i, queue in enumerate(brand.queues)}
    job = _Import(zone, ambiguous, replace, skip_bad, queues, faults, several=len(paths) > 1)
    _open(job, paths)
    _check(job, part(progress, 0.0, 0.4))
    if faults.forbid(skip_bad=skip_bad):
        if not faults.fatal:
            # Still compare with the store, so that one round tells all there is to mend.
            with store.reading() as connection:
                for _ in _changes(job, connection, part(progress, 0.4, 1.0)):
                    pass
        raise faults.error()
    with store.writing(actor) as writing:
        _write(job, writing, part(progress, 0.4, 1.0))
        faults.stop(skip_bad=skip_bad)
    progress(1.0, "done")
    return _report(job)


def _open(job: _Import, paths: Sequence[Path]) -> None:
    for path in paths:
        job.turn_to(path.name)
        table = open_table(path, job.faults)
        if table is not None:
            job.files.append(_File(table))


# -- first reading -------------------------------------------------------------------------------


def _check(job: _Import, progress: Progress) -> None:
    """Every row by itself, ids that stand twice, and rows without an id that arrived together."""
    found: list[np.ndarray] = []
    for number, file in enumerate(job.files):
        share = part(progress, number / len(job.files), (number + 1) / len(job.files))
        for piece, rows in _read(job, file, job.faults):
            file.read += piece.rows
            file.good += len(rows)
            marks = [(_mark(row), number, row.line, bool(row.external_id)) for row in rows]
            found.append(np.array(marks, dtype=np.int64).reshape(-1, 4))
            share(piece.done, f"checking {file.table.name}")
    if not found:
        return
    table = np.concatenate(found)
    _, inverse, counts = np.unique(table[:, 0], return_inverse=True, return_counts=True)
    table = table[counts[inverse] > 1]
    named = table[:, 3] == 1
    job.crowded = frozenset(table[~named, 0].tolist())
    _find_repeated(job, {(number, line) for number, line in table[named, 1:3].tolist()})


def _mark(row: Row) -> int:
    """A number that two rows share which may be of one case, or came in the same second."""
    case = row.case
    return hash(row.external_id) if row.external_id else hash((case.queue, case.received_at))


def _find_repeated(job: _Import, suspects: set[tuple[int, int]]) -> None:
    """Tell of ids that stand twice; equal marks are only a hint, the texts decide."""
    if not suspects:
        return
    first: dict[str, tuple[int, int]] = {}
    for number, file in enumerate(job.files):
        for _, rows in _read(job, file, Faults()):
            job.turn_to(file.table.name)
            for line, external_id, _ in rows:
                if (number, line) not in suspects:
                    continue
                if external_id not in first:
                    first[external_id] = (number, line)
                    continue
                other, earlier = first[external_id]
                where = f"line {earlier}"
                if other != number:
                    where += f" of {job.files[other].table.name}"
                job.repeated.add((number, line))
                file.good -= 1
                job.faults.add(
                    line, "external_id", external_id, f"stands on {where} already; keep one"
                )


def _read(job: _Import, file: _File, faults: Faults) -> Iterator[tuple[Piece, list[Row]]]:
    """A file's pieces, each with its good rows."""
    job.turn_to(file.table.name)
    for piece in file.table.pieces(COLUMNS, faults):
        rows = rows_of(piece, faults, queues=job.queues, zone=job.zone, ambiguous=job.ambiguous)
        yield piece, rows


# -- second reading ------------------------------------------------------------------------------


def _changes(
    job: _Import, connection: Connection, progress: Progress
) -> Iterator[tuple[_File, Results]]:
    """What the store does not know yet; cases that contradict it are told."""
    numbers: dict[tuple[str, datetime], int] = {}
    for number, file in enumerate(job.files):
        share = part(progress, number / len(job.files), (number + 1) / len(job.files))
        for piece, rows in _read(job, file, Faults()):
            futile = job.faults.forbid(skip_bad=job.skip_bad)
            share(piece.done, COMPARING if futile else "writing cases")
            for batch in batches(rows, BATCH):
                found = [
                    Found(_key(job, row, numbers), row.case, row.line, number)
                    for row in batch
                    if (number, row.line) not in job.repeated
                ]
                _widen(job, found)
                yield file, _news(job, file, found, connection)


def _key(job: _Import, row: Row, numbers: dict[tuple[str, datetime], int]) -> str:
    """The case's key: its id, or, after a blank that no id begins with, where and when it came.

    numbers  how many cases without an id came before in a crowded second
    """
    if row.external_id:
        return row.external_id
    number, place = 1, (row.case.queue, row.case.received_at)
    if _mark(row) in job.crowded:
        number = numbers[place] = numbers.get(place, 0) + 1
    return f" {row.case.queue} {format_instant(row.case.received_at)} {number}"


def _news(job: _Import, file: _File, found: Results, connection: Connection) -> Results:
    held = stored_results(connection, [one.key for one in found])
    news: Results = []
    rest: Results = []
    for one in found:
        before = held.get(one.key)
        full = None if before is None else _completed(before, one.value)
        if full is None or (job.replace and one.value != before):
            rest.append(one)
        elif full == before:
            job.unchanged += 1
        else:
            job.completed += 1
            news.append(replace(one, value=full))
    compared = compare(rest, held, replace=job.replace)
    job.unchanged += compared.same
    file.written += len(compared.new)
    if job.replace:
        job.replaced += len(compared.differing)
    else:
        for one, before in compared.differing:
            _tell_differing(job, file, one, before)
    news += compared.changes
    file.changed += len(news)
    return news


def _completed(held: CaseResult, found: CaseResult) -> CaseResult | None:
    """What both say of a case together; None when they contradict each other."""
    if held == found:
        return held
    if (held.queue, held.received_at) != (found.queue, found.received_at):
        return None
    names = ("first_response_at", "resolved_at", "paused_s", "handling_s")
    both = {name: (getattr(held, name), getattr(found, name)) for name in names}
    if any(a is not None and b is not None and a != b for a, b in both.values()):
        return None
    return replace(held, **{name: b if a is None else a for name, (a, b) in both.items()})


def _tell_differing(
    job: _Import, file: _File, one: Found[str, CaseResult], held: CaseResult
) -> None:
    file.differing += 1
    times = ", ".join(
        f"{word} {format_instant(at)}"
        for word, at in (
            ("arrived", held.received_at),
            ("answered", held.first_response_at),
            ("resolved", held.resolved_at),
        )
        if at is not None
    )
    job.turn_to(file.table.name)
    job.faults.add(
        one.line,
        "external_id",
        one.key.strip(),
        f"the store holds the case with other values ({held.queue}: {times}); --replace "
        "overwrites it",
    )


def _widen(job: _Import, found: Results) -> None:
    at = [one.value.received_at for one in found]
    job.first = min(filter(None, (job.first, *at)), default=None)
    job.last = max(filter(None, (job.last, *at)), default=None)


def _write(job: _Import, writing: Writing, progress: Progress) -> None:
    """Write what is new; the caller rolls back when faults forbid it."""
    for file, changes in _changes(job, writing.connection, progress):
        if not changes or job.faults.forbid(skip_bad=job.skip_bad):
            continue
        if file.import_id is None:
            options = {"zone": job.zone, "ambiguous": job.ambiguous, "replace": job.replace}
            file.import_id = record_import(
                writing, "cases", file.table.name, sha256=file.table.sha256(), options=options
            )
        write_results(writing, [(one.key, one.value) for one in changes], file.import_id)
    imports = {file.import_id: file for file in job.files if file.import_id is not None}
    for number, file in imports.items():
        counts = {"rows_read": file.read, "rows_written": file.changed}
        close_import(writing, number, **counts, rows_skipped=file.skipped)
    if imports:
        writing.audit(
            "cases.import",
            ", ".join(file.table.name for file in imports.values()),
            after={
                "imports": list(imports),
                "written": sum(file.written for file in job.files),
                "completed": job.completed,
                "replaced": job.replaced,
            },
        )


def _report(job: _Import) -> ImportReport:
    notes = []
    if job.completed:
        one = job.completed == 1
        notes.append(f"Of these, {job.completed:,} {'was' if one else 'were'} known and completed.")
    for file in job.files:
        ignored = file.table.ignored(COLUMNS)
        if ignored:
            notes.append(f"{file.table.name}: columns not used: {', '.join(ignored)}.")
    return ImportReport(
        kind="cases",
        files=tuple(file.table.name for file in job.files),
        unit="cases",
        rows_read=sum(file.read for file in job.files),
        written=sum(file.written for file in job.files),
        unchanged=job.unchanged,
        replaced=job.completed + job.replaced,
        skipped=sum(file.skipped for file in job.files),
        first=job.first,
        last=job.last,
        faults=tuple(sorted(job.faults.kept)),
        notes=tuple(notes),
    )
