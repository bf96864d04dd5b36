"""Files of interval counts, read in pieces: each row checked by itself and spooled to disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wfm.ingest import cells
from wfm.ingest.faults import Faults
from wfm.ingest.spool import ROW, Rows, Spool
from wfm.ingest.tables import Piece, TableFile, open_table
from wfm.ingest.volumeoptions import VolumeOptions
from wfm.progress import Progress, part


@dataclass
class VolumeFile:
    """One of the files, and what became of its rows.

    read, bad  rows
    written    quarter-hours that the store did not hold before
    """

    path: Path
    sha256: str = ""
    read: int = 0
    bad: int = 0
    written: int = 0


@dataclass
class VolumeFiles:
    """The files of one import, the rows read from them, and what is wrong with these.

    queues  the brand's; a spooled row holds the number of its queue and of its file
    """

    options: VolumeOptions
    queues: Sequence[str]
    files: Sequence[VolumeFile]
    faults: Faults
    spool: Spool
    notes: list[str] = field(default_factory=list)

    def turn_to(self, number: int) -> None:
        """Faults to come are of this file."""
        one_of_many = len(self.files) > 1
        self.faults.prefix = f"{self.files[number].path.name} " if one_of_many else ""

    def tell(self, row: Rows, column: str, value: object, remedy: str) -> None:
        """A fault of a spooled row."""
        self.turn_to(int(row["file"]))
        self.faults.add(int(row["line"]), column, value, remedy)


def read_files(job: VolumeFiles, progress: Progress) -> None:
    """Check every row of every file by itself, and spool the good ones."""
    for number, file in enumerate(job.files):
        job.turn_to(number)
        share = part(progress, number / len(job.files), (number + 1) / len(job.files))
        share(0.0, f"reading {file.path.name}")
        table = open_table(file.path, job.faults)
        if table is not None:
            file.sha256 = table.sha256()
            _note_ignored(job, table)
            _read_table(job, table, number, share)


def _note_ignored(job: VolumeFiles, table: TableFile) -> None:
    ignored = table.ignored(job.options.columns)
    if ignored:
        job.notes.append(f"{table.name}: columns not used: {', '.join(ignored)}.")


def _read_table(job: VolumeFiles, table: TableFile, number: int, progress: Progress) -> None:
    file = job.files[number]
    for piece in table.pieces(job.options.columns, job.faults):
        stamps = _stamps(job, piece)
        rows, good = _values(job, piece)
        rows["start"], rows["file"] = stamps.first, number
        good &= stamps.good
        job.spool.add(_split(rows[good], stamps.repeated[good], stamps.second[good]))
        file.read += piece.rows
        file.bad += piece.rows - int(good.sum())
        progress(piece.done, f"reading {table.name}")


def _stamps(job: VolumeFiles, piece: Piece) -> cells.Instants:
    options = job.options
    return cells.instants(
        piece.cells[options.time_column],
        piece.lines,
        options.time_column,
        job.faults,
        zone=options.zone,
        floor_s=options.floor_s,
        ambiguous=options.ambiguous,
    )


def _values(job: VolumeFiles, piece: Piece) -> tuple[Rows, cells.Mask]:
    """The piece's rows, start and file still to be filled in, and which of them are good."""
    options, lines, faults = job.options, piece.lines, job.faults
    rows = np.empty(len(lines), dtype=ROW)
    rows["line"] = lines
    rows["contacts"], good = cells.counts(
        piece.cells[options.value_column], lines, options.value_column, faults
    )
    rows["aht_s"] = np.nan
    if options.aht_column in piece.cells:
        rows["aht_s"], timed = cells.seconds(
            piece.cells[options.aht_column], lines, options.aht_column, faults
        )
        good &= timed
    if options.queue is not None:
        rows["queue"] = job.queues.index(options.queue)
    else:
        numbers = {name: i for i, name in enumerate(job.queues)}
        rows["queue"], known = cells.queue_numbers(piece.cells["queue"], lines, numbers, faults)
        good &= known
    return rows, good


def _split(rows: Rows, repeated: cells.Mask, second: NDArray[np.int64]) -> Rows:
    """The rows; one of a local time that happens twice becomes two that share its contacts."""
    again = rows[repeated]
    again["start"] = second[repeated]
    again["contacts"] //= 2
    rows["contacts"][repeated] -= again["contacts"]
    return np.concatenate((rows, again))
