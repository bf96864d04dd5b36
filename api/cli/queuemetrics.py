"""`wfm queue metrics|backlog|badges|behind|orphans`: what the live queue achieved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from api.cli.queueapp import app
from api.cli.queuefigures import show_figures, told
from api.cli.shell import JsonOption, emit_json, figure, opened, out, parse_moment, say, show_table
from wfm.metrics.definitions import DEFINITIONS
from wfm.timegrid import local_day, local_midnight

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from wfm.brands import Brand
    from wfm.metrics.behind import CasePage
    from wfm.metrics.ranges import Group

From = Annotated[
    str | None,
    typer.Option("--from", help="Begin, as '2026-03-02 18:00' or 2026-03-02; default: today's."),
]
To = Annotated[str | None, typer.Option("--to", help="End, not included; default: now.")]
Queue = Annotated[str | None, typer.Option("--queue", help="Only this queue.")]
Account = Annotated[str | None, typer.Option("--account", help="Only this account of ours.")]
After = Annotated[int, typer.Option("--after", min=0, help="Go on after this id.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=500, help="How many to show.")]


class StepName(StrEnum):
    """How a range is cut in time."""

    whole = "whole"
    day = "day"
    hour = "hour"


class SplitName(StrEnum):
    """How a range is cut by place."""

    none = "none"
    queue = "queue"
    account = "account"


@dataclass(frozen=True)
class _Asked:
    """An open store's connection and brand, and the range asked for."""

    connection: Connection
    brand: Brand
    now: datetime
    start: datetime
    end: datetime


@contextmanager
def _asked(start: str | None = None, end: str | None = None) -> Iterator[_Asked]:
    from wfm.store.brands import load_brand

    with opened() as store, store.reading() as connection:
        brand = load_brand(connection)
        now = store.clock.now()
        until = now if end is None else parse_moment(end, brand.tz)
        day = local_day(until - timedelta(microseconds=1), brand.tz)
        since = local_midnight(day, brand.tz) if start is None else parse_moment(start, brand.tz)
        yield _Asked(connection, brand, now, since, until)


@app.command()
def metrics(
    start: From = None,
    end: To = None,
    queue: Queue = None,
    account: Account = None,
    step: Annotated[StepName, typer.Option("--step", help="One line a ...")] = StepName.whole,
    split: Annotated[SplitName, typer.Option("--split", help="One line a ...")] = SplitName.none,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write every figure into this file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Response times, attainment, rates and counts of a range; today's by default."""
    from wfm.metrics.ranges import measure
    from wfm.store.metricrows import Part

    with _asked(start, end) as asked:
        groups = measure(
            asked.connection,
            asked.brand,
            asked.start,
            asked.end,
            now=asked.now,
            step=step.value,
            split=split.value,
            part=Part(queue, account),
        )
    if csv_file is not None:
        from api.exports.metricscsv import figures_csv

        csv_file.write_bytes(figures_csv(groups, asked.brand.tz))
    if as_json:
        emit_json({"as_of": asked.now, "groups": [asdict(group) for group in groups]})
        return
    if csv_file is not None:
        out.print(f"{len(groups)} lines in {csv_file}", markup=False)
        return
    if (step, split) == (StepName.whole, SplitName.none):
        _show_whole(groups[0], asked.brand)
        return
    _show_lines(groups, asked.brand)


def _local(at: datetime, brand: Brand) -> str:
    return f"{at.astimezone(brand.tz):%a %d %b %H:%M}"


def _show_whole(group: Group, brand: Brand) -> None:
    out.print(
        f"{_local(group.start, brand)} to {_local(group.end, brand)}, {brand.zone}", markup=False
    )
    show_figures(group.figures)
    out.print("What each of them means: `wfm queue figures`.", markup=False)


# What a line of many shows; --json and --csv have all.
_SHOWN = (
    "cases",
    "answered",
    "waiting",
    "never_answered",
    "response_rate",
    "first_response_attainment",
    "first_response_mean_s",
    "first_response_p90_s",
    "resolution_attainment",
)
_HEADS = ("cases", "answered", "waiting", "never", "rate", "in time", "mean", "P90", "resolved")


def _show_lines(groups: tuple[Group, ...], brand: Brand) -> None:
    if not groups:
        out.print("Nothing came in that time.")
        return
    shown = Table(box=None, pad_edge=False)
    for head in ("from", "queue", "account"):
        shown.add_column(head)
    for head in _HEADS:
        shown.add_column(head, justify="right")
    for group in groups:
        shown.add_row(
            _local(group.start, brand),
            group.queue or "",
            group.account or "",
            *(told(name, group.figures[name]) for name in _SHOWN),
        )
    show_table(shown)


@app.command()
def figures(as_json: JsonOption = False) -> None:
    """Every figure and what it means."""
    if as_json:
        emit_json([asdict(one) for one in DEFINITIONS])
        return
    for one in DEFINITIONS:
        say(f"{one.name} ({one.unit}): {one.text}")


@app.command()
def backlog(queue: Queue = None, account: Account = None, as_json: JsonOption = False) -> None:
    """What waits now, and for how long already."""
    from wfm.store.metricrows import Part
    from wfm.store.metricrows import backlog as waiting

    with _asked() as asked:
        if queue is not None:
            asked.brand.queue(queue)
        lines = waiting(asked.connection, asked.now, Part(queue, account))
    if as_json:
        emit_json({"as_of": asked.now, "items": [asdict(line) for line in lines]})
        return
    if not lines:
        out.print("Nothing waits.")
        return
    shown = Table(box=None, pad_edge=False)
    for head in ("queue", "account"):
        shown.add_column(head)
    for head in ("waiting", "late", "oldest", "> 15 min", "> 1 h", "> 4 h", "> 24 h"):
        shown.add_column(head, justify="right")
    for line in lines:
        ages = (line.over_15_min, line.over_1_h, line.over_4_h, line.over_24_h)
        shown.add_row(
            line.queue,
            line.account,
            str(line.waiting),
            str(line.late),
            _local(line.oldest_at, asked.brand),
            *map(str, ages),
        )
    show_table(shown)


@app.command()
def badges(as_json: JsonOption = False) -> None:
    """Which handles answer nine of ten within 15 minutes, and how many misses that still allows."""
    from wfm.metrics.badge import badges as all_badges

    with _asked() as asked:
        found = all_badges(asked.connection, asked.brand, asked.now)
    if as_json:
        emit_json({"as_of": asked.now, "items": [asdict(one) for one in found]})
        return
    if not found:
        out.print("No handle had a message in the window.")
    for one in found:
        state = (
            f"held; {one.misses_left} more slow answers are affordable"
            if one.held
            else f"lost; {one.needed} quick answers in a row win it back"
        )
        until = one.lost_at
        when = f"; at the present rate until {_local(until, asked.brand)}" if until else ""
        say(
            f"{one.account}: {figure(one.share, '.1%')} of {one.judged} within 15 minutes, "
            f"{state}{when}"
        )


@app.command()
def behind(
    name: Annotated[str, typer.Argument(metavar="FIGURE", help="As `wfm queue figures` lists.")],
    start: From = None,
    end: To = None,
    queue: Queue = None,
    account: Account = None,
    after: After = 0,
    limit: Limit = 50,
    as_json: JsonOption = False,
) -> None:
    """The cases that a figure is told of."""
    from wfm.metrics.behind import cases_behind
    from wfm.store.metricrows import Part

    with _asked(start, end) as asked:
        page = cases_behind(
            asked.connection,
            asked.brand,
            name,
            asked.start,
            asked.end,
            now=asked.now,
            part=Part(queue, account),
            after=after,
            limit=limit,
        )
    _show_page(page, as_json)


@app.command()
def orphans(
    start: From = None,
    end: To = None,
    queue: Queue = None,
    account: Account = None,
    after: After = 0,
    limit: Limit = 50,
    as_json: JsonOption = False,
) -> None:
    """Cases with neither an answer, nor a plan, nor a reason; none, where all is well."""
    from wfm.metrics.behind import orphans as all_orphans
    from wfm.store.metricrows import Part

    with _asked(start, end) as asked:
        page = all_orphans(
            asked.connection,
            asked.brand,
            asked.start,
            asked.end,
            now=asked.now,
            part=Part(queue, account),
            after=after,
            limit=limit,
        )
    _show_page(page, as_json)


def _show_page(page: CasePage, as_json: bool) -> None:
    if as_json:
        emit_json({"items": list(page.case_ids), "next": page.next})
        return
    out.print(" ".join(map(str, page.case_ids)) or "None.")
    if page.next is not None:
        out.print(f"More follow: --after {page.next}")
