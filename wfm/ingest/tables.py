"""Reading tables of any size: CSV or Parquet, in pieces, with exact line numbers.

A cell comes as the text that stands in the file, stripped; Parquet's typed cells come as the text a
CSV would hold. What is wrong with the file itself (empty, binary, missing columns, ragged lines)
is put into `Faults`.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from wfm.errors import RequestError
from wfm.ingest.faults import Faults, nearest

ROWS = 50_000  # rows a piece: some 20 MB of Python text
HEAD = 65_536
DELIMITERS = (",", ";", "\t")
BINARY = "this is no text; give a CSV file in UTF-8, or Parquet"


@dataclass(frozen=True)
class Column:
    """A column we look for.

    option   the option that gives it another name, if there is one
    instead  what can be done where the file lacks it, if that is not the option
    """

    name: str
    required: bool = True
    option: str | None = None
    instead: str | None = None


@dataclass(frozen=True)
class Piece:
    """Some rows of a file.

    lines    where they stand, as an editor counts (Parquet: number of the row)
    cells    their texts by column; an optional column that is not in the file is absent
    dropped  rows of this stretch that could not be read at all; their faults are told
    done     share of the file read so far
    """

    lines: NDArray[np.int64]
    cells: dict[str, list[str]]
    dropped: int
    done: float

    @property
    def rows(self) -> int:
        """Rows of this stretch of the file, readable or not."""
        return len(self.lines) + self.dropped


@dataclass(frozen=True)
class TableFile:
    """A file whose header has been read."""

    path: Path
    kind: Literal["csv", "parquet"]
    columns: tuple[str, ...]
    delimiter: str = ","

    @property
    def name(self) -> str:
        return self.path.name

    def pieces(self, wanted: Sequence[Column], faults: Faults) -> Iterator[Piece]:
        """The rows of the wanted columns; nothing when a required one is missing."""
        if not self._has(wanted, faults):
            return
        names = [c.name for c in wanted if c.name in self.columns]
        read = self._csv if self.kind == "csv" else self._parquet
        rows = 0
        for piece in read(names, faults):
            rows += piece.rows
            yield piece
        if rows == 0 and not faults.fatal:
            faults.add(0, "", "", "there is a header but no row under it", fatal=True)

    def ignored(self, wanted: Sequence[Column]) -> tuple[str, ...]:
        """Columns of the file that nobody asked for."""
        known = {column.name for column in wanted}
        return tuple(name for name in self.columns if name and name not in known)

    def sha256(self) -> str:
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _has(self, wanted: Sequence[Column], faults: Faults) -> bool:
        line = 1 if self.kind == "csv" else 0
        complete = True
        for column in wanted:
            count = self.columns.count(column.name)
            if count > 1:
                faults.add(
                    line, column.name, "", f"the column stands {count} times; keep one", fatal=True
                )
                complete = False
            if count or not column.required:
                continue
            complete = False
            spare = [c for c in self.columns if c and c not in {w.name for w in wanted}]
            like = nearest(column.name, spare)
            remedy = f"no such column; the file has {', '.join(self.columns)}"
            if column.option and spare:
                remedy += f"; name it with {column.option} {like or spare[0]}"
            elif like:
                remedy += f"; rename {like!r} to {column.name!r}"
            if column.instead:
                remedy += f"; {column.instead}"
            faults.add(line, column.name, "", remedy, fatal=True)
        return complete

    def _csv(self, names: Sequence[str], faults: Faults) -> Iterator[Piece]:
        at = [self.columns.index(name) for name in names]
        width = len(self.columns)
        size = max(1, self.path.stat().st_size)
        with self.path.open("rb") as raw:
            text = io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")
            reader = csv.reader(text, delimiter=self.delimiter, strict=True)
            next(reader)
            ended = False
            while not ended:
                before = reader.line_num
                rows: list[list[str]] = []
                ends: list[int] = []
                try:
                    for row in islice(reader, ROWS):
                        rows.append(row)
                        ends.append(reader.line_num)
                    ended = len(rows) < ROWS
                except UnicodeDecodeError:
                    line, value = _first_undecodable(self.path)
                    faults.add(line, "", value, "not UTF-8; save the file as UTF-8", fatal=True)
                    ended = True
                except csv.Error as error:
                    faults.add(
                        (ends[-1] if ends else before) + 1,
                        "",
                        "",
                        f"{error}; a quotation mark is opened and not closed as CSV has it",
                        fatal=True,
                    )
                    ended = True
                lines = np.array([before, *ends[:-1]], dtype=np.int64)[: len(rows)] + 1
                dropped = 0
                if any(len(row) != width for row in rows):
                    good = []
                    for i, row in enumerate(rows):
                        if len(row) == width:
                            good.append(i)
                        elif any(cell.strip() for cell in row):
                            dropped += 1
                            faults.add(
                                int(lines[i]),
                                "",
                                self.delimiter.join(row),
                                f"{_cells(len(row))}, but the header has {width}; quote a cell "
                                f"that holds {self.delimiter!r}",
                            )
                    rows, lines = [rows[i] for i in good], lines[good]
                cells = {
                    name: [row[i].strip() for row in rows]
                    for name, i in zip(names, at, strict=True)
                }
                if rows or dropped:
                    yield Piece(lines, cells, dropped, min(1.0, raw.tell() / size))

    def _parquet(self, names: Sequence[str], faults: Faults) -> Iterator[Piece]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            file = pq.ParquetFile(self.path)
            total = max(1, file.metadata.num_rows)
            read = 0
            for batch in file.iter_batches(batch_size=ROWS, columns=list(names)):
                cells = {}
                for name in names:
                    column = batch.column(name)
                    if pa.types.is_timestamp(column.type):
                        whole = pa.timestamp("s", column.type.tz)
                        column = column.cast(whole, safe=False)
                    elif pa.types.is_binary(column.type) or pa.types.is_nested(column.type):
                        raise pa.ArrowInvalid(f"column {name!r} holds {column.type}, want text")
                    texts = column.cast(pa.string()).to_pylist()
                    cells[name] = ["" if t is None else t.strip() for t in texts]
                lines = np.arange(read + 1, read + batch.num_rows + 1, dtype=np.int64)
                read += batch.num_rows
                yield Piece(lines, cells, 0, read / total)
        except (pa.ArrowException, OSError) as error:
            reason = str(error).split("\n", maxsplit=1)[0]
            faults.add(0, "", "", f"the Parquet file cannot be read: {reason}", fatal=True)


def _cells(count: int) -> str:
    return f"{count} cell{'s' if count != 1 else ''}"


def _first_undecodable(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number, line.decode("utf-8", errors="replace").strip()
    return 0, ""


def check_file(path: Path) -> None:
    """RequestError unless `path` is a file that can be read."""
    if not path.exists():
        raise RequestError(f"there is no file {path}", file=str(path))
    if not path.is_file():
        raise RequestError(f"{path} is not a file", file=str(path))
    try:
        path.open("rb").close()
    except OSError as error:
        raise RequestError(f"{path} cannot be read ({error.strerror})", file=str(path)) from error


def open_table(path: Path, faults: Faults) -> TableFile | None:
    """The file with its kind and columns; None when it is no table, with the fault told.

    RequestError when there is no such file.
    """
    check_file(path)
    with path.open("rb") as file:
        head = file.read(HEAD)
    remedy = None
    if not head.strip():
        remedy = "the file is empty; it wants a header and rows"
    elif head.startswith(b"PAR1"):
        return _open_parquet(path, faults)
    elif path.suffix.lower() in (".parquet", ".pq"):
        remedy = "this is no Parquet file, whatever its name says"
    elif head.startswith((b"\xff\xfe", b"\xfe\xff")):
        remedy = "the file is UTF-16; save it as UTF-8"
    elif b"\0" in head:
        remedy = BINARY
    if remedy is not None:
        faults.add(0, "", "", remedy, fatal=True)
        return None
    return _open_csv(path, faults)


def _open_csv(path: Path, faults: Faults) -> TableFile | None:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline(HEAD)
    except UnicodeDecodeError:
        line, value = _first_undecodable(path)
        faults.add(line, "", value, f"not UTF-8; {BINARY}", fatal=True)
        return None
    delimiter = max(DELIMITERS, key=first.count)
    try:
        columns = next(csv.reader([first], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        faults.add(1, "", first.strip(), f"the header is no CSV: {error}", fatal=True)
        return None
    if not any(name.strip() for name in columns):
        faults.add(1, "", "", "the first line is blank; it must name the columns", fatal=True)
        return None
    return TableFile(path, "csv", tuple(name.strip() for name in columns), delimiter)


def _open_parquet(path: Path, faults: Faults) -> TableFile | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = tuple(pq.read_schema(path).names)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        faults.add(0, "", "", f"the Parquet file cannot be read: {reason}", fatal=True)
        return None
    return TableFile(path, "parquet", names)
