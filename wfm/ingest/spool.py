"""Interval rows on disk, a file a month: sorting a history of any size in little memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# start: seconds since 1970; queue and file: numbers; aht_s: NaN where unknown.
ROW = np.dtype(
    [
        ("start", "i8"),
        ("line", "i8"),
        ("aht_s", "f8"),
        ("contacts", "i4"),
        ("queue", "i2"),
        ("file", "i2"),
    ]
)

Rows = NDArray[np.void]


class Spool:
    """Rows by month of their start. A quarter-hour never lies in two months."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._months: set[int] = set()

    def add(self, rows: Rows) -> None:
        months = rows["start"].astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
        for month in np.unique(months):
            with self._file(int(month)).open("ab") as file:
                file.write(rows[months == month].tobytes())
            self._months.add(int(month))

    def __len__(self) -> int:
        return len(self._months)

    def __iter__(self) -> Iterator[Rows]:
        """Each month's rows, in the order of the months; within by queue, start, file and line."""
        for month in sorted(self._months):
            rows = np.fromfile(self._file(month), dtype=ROW)
            order = np.lexsort((rows["line"], rows["file"], rows["start"], rows["queue"]))
            yield rows[order]

    def _file(self, month: int) -> Path:
        return self.folder / f"{month}.rows"


def repeats(rows: Rows) -> NDArray[np.bool_]:
    """Which of the sorted rows have the queue and start of the row before."""
    found = np.zeros(len(rows), dtype=bool)
    found[1:] = (np.diff(rows["start"]) == 0) & (np.diff(rows["queue"]) == 0)
    return found


def distinct(rows: Rows) -> Rows:
    """Of sorted rows for the same queue and start, the first."""
    first: Rows = rows[~repeats(rows)]
    return first
