"""The figures of the queue as a table of text that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from api.exports.csvfile import guarded
from wfm.metrics.definitions import DEFINITIONS
from wfm.metrics.ranges import Group

COLUMNS = ("start", "end", "queue", "account", *(one.name for one in DEFINITIONS))


def figures_csv(groups: Iterable[Group], zone: ZoneInfo) -> bytes:
    """The figures as CSV: UTF-8, a header, a line a group; the columns are those of the API.

    `start` and `end` are local times with their offset from UTC. Queue and account are empty where
    all are counted together, a figure where it is a share or a time of nothing.
    """
    written = io.StringIO(newline="")
    lines = csv.writer(written)
    lines.writerow(COLUMNS)
    for group in groups:
        figures = (group.figures[one.name] for one in DEFINITIONS)
        lines.writerow(
            (
                group.start.astimezone(zone).isoformat(),
                group.end.astimezone(zone).isoformat(),
                guarded(group.queue or ""),
                guarded(group.account or ""),
                *("" if value is None else value for value in figures),
            )
        )
    return written.getvalue().encode()
