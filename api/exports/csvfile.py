"""A roster as a table of text, a line a segment, that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io

from api.exports.contents import Contents

COLUMNS = (
    "agent_id",
    "agent",
    "day",
    "start",
    "end",
    "minutes",
    "paid_minutes",
    "activity",
    "queue",
    "template",
    "pinned",
)

# What a spreadsheet takes for the beginning of a formula, also as wide letters and after blanks.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def guarded(text: str) -> str:
    """The text as a cell that stays text: an apostrophe before what would begin a formula.

    Undone by taking one apostrophe away where a formula stands behind the apostrophes.

    >>> guarded("=1+1"), guarded("O'Neil"), guarded("'=1")
    ("'=1+1", "O'Neil", "''=1")
    """
    bare = text.lstrip("'")
    risky = bare.startswith(_FORMULA) or bare.lstrip(" ").startswith(_FORMULA)
    return f"'{text}" if risky else text


def csv_of(contents: Contents) -> bytes:
    """The roster as CSV: UTF-8, a header, one line a segment, by agent and start.

    `day` is the local day on which the shift starts; `start` and `end` are local times with their
    offset from UTC. `queue` is empty where the agent serves all their queues.
    """
    brand = contents.brand
    paid = {activity.code for activity in brand.activities if activity.paid}
    written = io.StringIO(newline="")
    lines = csv.writer(written)
    lines.writerow(COLUMNS)
    for shift in contents.shifts:
        name, day = contents.names[shift.agent_id], contents.day_of(shift)
        for segment in shift.segments:
            minutes = round(segment.minutes)
            lines.writerow(
                (
                    guarded(shift.agent_id),
                    guarded(name),
                    day.isoformat(),
                    segment.start.astimezone(brand.tz).isoformat(),
                    segment.end.astimezone(brand.tz).isoformat(),
                    minutes,
                    minutes if segment.activity in paid else 0,
                    guarded(segment.activity),
                    guarded(segment.queue),
                    guarded(shift.template),
                    "yes" if shift.pinned else "no",
                )
            )
    return written.getvalue().encode()
