"""The figures of a range of time: hours of kept days where those are true, all else counted anew.

On the live queue's path: standard library and SQLAlchemy only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from wfm.brands import Brand
from wfm.errors import RequestError
from wfm.metrics.cells import HOURS, Cell, Total, from_document
from wfm.metrics.figures import Figures, figures_of
from wfm.metrics.tally import Key, Tally
from wfm.store import metricrows, metrics
from wfm.store.metricrows import ALL, Part
from wfm.timegrid import local_day, local_midnight

if TYPE_CHECKING:
    from sqlalchemy import Connection

Step = Literal["whole", "day", "hour"]
Split = Literal["none", "queue", "account"]

# What a page may hold: a year of days, a month of hours.
DAYS_MAX = {"whole": 400, "day": 400, "hour": 31}

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)

# Of a day as such: agents' time.
_SITE = ("", "")


@dataclass(frozen=True)
class Group:
    """The figures of [start, end) of a queue or an account; None: of all that was asked for."""

    start: datetime
    end: datetime
    queue: str | None
    account: str | None
    figures: Figures = field(repr=False)


GroupKey = tuple[datetime, datetime, str | None, str | None]


def law_of(brand: Brand) -> str:
    """By what kept days were counted: those counted by another law are not true any more."""
    return f"2 {brand.zone} {brand.care.repeat_s}"


def measure(
    connection: Connection,
    brand: Brand,
    start: datetime,
    end: datetime,
    *,
    now: datetime,
    step: Step = "whole",
    split: Split = "none",
    part: Part = ALL,
) -> tuple[Group, ...]:
    """The figures of [start, end) by step and part, in order, as far as there is anything to tell.

    A case counts when it was opened, a promise when it was started, a task when it is due. What is
    still open is judged at `now`. By the hour there are no medians and no P90s. Occupancy is told
    of all queues and accounts together only.

    RequestError for a range that is empty or too long; NotFound for an unknown queue.
    """
    totals = totals_of(connection, brand, start, end, now=now, step=step, split=split, part=part)
    if step == "whole" and split == "none":
        totals.setdefault((start, end, None, None), Total())
    return tuple(
        Group(*key, figures_of(total))
        for key, total in sorted(
            totals.items(), key=lambda one: (one[0][0], one[0][2] or "", one[0][3] or "")
        )
    )


def totals_of(
    connection: Connection,
    brand: Brand,
    start: datetime,
    end: datetime,
    *,
    now: datetime,
    step: Step,
    split: Split,
    part: Part,
    promises_alone: bool = False,
) -> dict[GroupKey, Total]:
    """What the figures of `measure` are made from.

    promises_alone  of days that are not kept, count nothing but first answers, later ones and
                    resolutions: quicker where no more is needed
    """
    _check(start, end, step)
    if part.queue is not None:
        brand.queue(part.queue)
    alone = split == "none" and part == ALL
    totals: dict[GroupKey, Total] = {}
    found = _cells(
        connection,
        brand,
        start,
        end,
        now=now,
        part=part,
        alone=alone,
        promises_alone=promises_alone,
    )
    for (day, queue, account), cell in found:
        nothing = not (cell.counts or cell.open)
        if nothing or ((queue, account) == _SITE and not alone):
            continue
        parts = (queue if split == "queue" else None, account if split == "account" else None)
        if step == "hour":
            midnight = local_midnight(day, brand.tz)
            for hour in sorted(_hours(cell)):
                begins = midnight + timedelta(hours=hour)
                ends = min(end, begins + timedelta(hours=1))
                total = totals.setdefault((max(start, begins), ends, *parts), Total())
                total.take_hour(cell, hour, now)
            continue
        begins, ends = (start, end) if step == "whole" else _bounds(day, brand, start, end)
        totals.setdefault((begins, ends, *parts), Total()).take(cell, now)
    return totals


def _check(start: datetime, end: datetime, step: Step) -> None:
    if end <= start:
        raise RequestError(f"the range ends at {end}, not after its start {start}")
    if end - start > timedelta(days=DAYS_MAX[step]):
        raise RequestError(
            f"the range is {(end - start).days} days long; by {step} it may be up to "
            f"{DAYS_MAX[step]}: ask for less, or by a longer step"
        )


def _bounds(day: date, brand: Brand, start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """The part of [start, end) that lies in the local day."""
    midnight = local_midnight(day, brand.tz)
    return max(start, midnight), min(end, local_midnight(day + timedelta(days=1), brand.tz))


def _hours(cell: Cell) -> set[int]:
    """Hours of the day in which the cell holds anything."""
    counted = {h for by_hour in cell.counts.values() for h in range(HOURS) if by_hour[h]}
    return counted | {one.hour for one in cell.open}


def _cells(
    connection: Connection,
    brand: Brand,
    start: datetime,
    end: datetime,
    *,
    now: datetime,
    part: Part,
    alone: bool,
    promises_alone: bool,
) -> Iterator[tuple[Key, Cell]]:
    """Cells that make up the range: of hours of kept days, and counted for all between."""
    first = local_day(start, brand.tz)
    last = local_day(end - timedelta(microseconds=1), brand.tz)
    kept = metrics.unchanged_days(connection, first, last, law_of(brand))
    hours = {day: _whole_hours(day, brand, start, end) for day in kept}
    if kept:
        rows = metrics.kept_days(
            connection, min(kept), max(kept), queue=part.queue, account=part.account
        )
        for row in rows:
            if row.day in hours:
                cell = from_document(row.document).within(*hours[row.day])
                yield (row.day, row.queue, row.account), cell
    for since, until in _between(hours, brand, start, end):
        if promises_alone:
            tally = Tally(brand.tz)
            tally.count_clocks(metricrows.clock_rows(connection, since, until, part))
            yield from tally.finished().items()
        else:
            counted = count(connection, brand, since, until, now=now, part=part, time=alone)
            yield from counted.items()
    if promises_alone:
        return
    # Few, and changed in ways that mark no day: always counted.
    tasks = Tally(brand.tz)
    tasks.count_tasks(metricrows.task_rows(connection, start, end, part), now=now.timestamp())
    yield from tasks.finished().items()


def _whole_hours(day: date, brand: Brand, start: datetime, end: datetime) -> tuple[int, int]:
    """The hours of a day that lie in [start, end) as a whole: from the first to before the last."""
    midnight = local_midnight(day, brand.tz)
    first = max(0, -((midnight - start) // _HOUR))
    whole = local_midnight(day + _DAY, brand.tz) <= end
    last = HOURS if whole else (end - midnight) // _HOUR
    return first, max(first, last)


def _between(
    hours: Mapping[date, tuple[int, int]], brand: Brand, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """[start, end) without those hours of the days."""
    at = start
    for day, (first, last) in sorted(hours.items()):
        if first == last:
            continue
        midnight = local_midnight(day, brand.tz)
        begins = midnight + first * _HOUR
        if at < begins:
            yield at, begins
        tomorrow = local_midnight(day + _DAY, brand.tz)
        at = tomorrow if last == HOURS else midnight + last * _HOUR
    if at < end:
        yield at, end


def count(
    connection: Connection,
    brand: Brand,
    start: datetime,
    end: datetime,
    *,
    now: datetime,
    part: Part = ALL,
    time: bool = True,
) -> dict[Key, Cell]:
    """The cells of [start, end), counted from every case; `time`: with agents' time."""
    tally = Tally(brand.tz)
    tally.count_clocks(metricrows.clock_rows(connection, start, end, part))
    tally.count_cases(
        metricrows.case_rows(connection, start, end, part), repeat_s=brand.care.repeat_s
    )
    tally.count_left_out(metricrows.left_out_rows(connection, start, end, part))
    if time:
        tally.count_time(
            metricrows.holds(connection, start, end, now=now),
            metricrows.availability(connection, start, end, now=now),
            start.timestamp(),
            min(end, now).timestamp(),
        )
    return tally.finished()
