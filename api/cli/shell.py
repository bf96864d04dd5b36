"""What every command shares: the store, the actor, JSON or text, progress, and errors told once."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from api.planning.asked import YEARS
from wfm.errors import RequestError, SetupError, WfmError
from wfm.progress import Progress
from wfm.timegrid import in_local_time

if TYPE_CHECKING:
    from wfm.settings import Settings
    from wfm.store.engine import Store

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Seed of everything that is sampled.")]

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

# Columns that text is wrapped to, where the terminal has as many. A week's picture has 80.
WIDTH = 108
NARROWEST = 80

# Wider than any table of ours; what a terminal cannot show in a line it wraps itself.
WIDEST = 1000


def settings() -> Settings:
    """Settings from the environment; SetupError with every fault."""
    from pydantic import ValidationError

    from wfm.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        faults = [f"WFM_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()]
        raise SetupError("settings: " + "; ".join(faults)) from error
    except WfmError as error:
        raise SetupError(f"WFM_NOW: {error.message}") from error


@contextmanager
def opened() -> Iterator[Store]:
    """The store the settings point to, with the clock they set; closed at the end."""
    from wfm.store.engine import open_store  # late: `wfm --help` needs no database

    chosen = settings()
    store = open_store(chosen.store_url, clock=chosen.clock())
    try:
        yield store
    except WfmError as error:
        error.message = _in_site_time(error.message, store)
        raise
    finally:
        store.close()


def _in_site_time(message: str, store: Store) -> str:
    """What went wrong, its instants by the brand's clock; as it is where there is no brand."""
    from wfm.store.brands import find_brand

    try:
        with store.reading() as connection:
            brand = find_brand(connection)
    except WfmError:  # What is told is what went wrong first.
        return message
    return message if brand is None else in_local_time(message, brand.tz)


def parse_day(text: str) -> date:
    """A local date written as 2026-03-02."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RequestError(f"{text!r} is not a date; write it as 2026-03-02") from None


def parse_moment(text: str, zone: ZoneInfo) -> datetime:
    """An instant: RFC 3339, or the brand's local time as 2026-03-02 18:00, or a local day's start.

    >>> parse_moment("2026-03-02", ZoneInfo("Europe/Berlin")).isoformat()
    '2026-03-01T23:00:00+00:00'
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RequestError(
            f"{text!r} is not a time; write it as '2026-03-02 18:00' (local), 2026-03-02 or "
            "2026-03-02T18:00:00Z"
        ) from None
    if moment.year not in YEARS:
        raise RequestError(f"{text!r} does not lie between {YEARS[0]} and {YEARS[-1]}")
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    local = moment.replace(tzinfo=zone)
    if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment:
        raise RequestError(f"{text!r} does not happen in {zone.key}: clocks go forward over it")
    return local.astimezone(UTC)


def actor() -> str:
    """Who runs the command, for the audit."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli:unknown"


def emit_json(value: Any) -> None:
    """One JSON document on standard output; instants as RFC 3339."""

    def default(item: object) -> object:
        if isinstance(item, datetime):
            from wfm.timegrid import format_instant

            return format_instant(item)
        raise TypeError(f"{type(item).__name__} is not JSON")

    json.dump(value, sys.stdout, indent=2, default=default, allow_nan=False)
    sys.stdout.write("\n")


def as_rows(rows: Iterable[Mapping[Any, Any]]) -> list[dict[str, Any]]:
    """Rows as JSON takes them: numpy's numbers as Python's, what is not a number as None."""
    import math

    def clean(value: Any) -> Any:
        value = value.item() if hasattr(value, "item") else value
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return [{str(name): clean(value) for name, value in row.items()} for row in rows]


def figure(value: float | None, form: str) -> str:
    """A figure as text, a dash where it is not defined.

    >>> figure(0.412, ".1%"), figure(None, ".1%"), figure(float("nan"), ".2f")
    ('41.2%', '-', '-')
    """
    import math

    return "-" if value is None or math.isnan(value) else f"{value:{form}}"


def screen_width() -> int:
    """Columns to wrap to: those of the terminal within limits; into a pipe always the same."""
    return max(NARROWEST, min(WIDTH, out.width)) if out.is_terminal else WIDTH


def say(text: str, indent: str = "") -> None:
    """Print a sentence wrapped to the screen, all of it indented, what follows a little more."""
    import textwrap

    for line in textwrap.wrap(
        text,
        screen_width(),
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    ):
        out.print(line, markup=False)


def show_table(table: Table) -> None:
    """Print a table whole: no cell is cut, on a terminal of any width or into a pipe.

    Cells are shown as they are: brackets in people's names for things are no markup.
    """
    options = out.options.update(width=WIDEST, markup=False)
    for line in out.render_lines(table, options, pad=False):
        out.print("".join(part.text for part in line).rstrip(), markup=False)


WITHOUT_DIGITS = str.maketrans("", "", "0123456789")


@contextmanager
def watched(title: str) -> Iterator[Progress]:
    """Progress drawn on standard error: a bar on a terminal, a line a stage elsewhere."""
    if err.is_terminal:
        columns = (
            TextColumn("{task.description:<44}"),
            BarColumn(bar_width=28),
            TaskProgressColumn(),
            TimeElapsedColumn(),
        )
        with Bars(*columns, console=err, transient=True) as bars:
            task = bars.add_task(title, total=1.0)

            def draw(done: float, stage: str) -> None:
                bars.update(task, completed=done, description=stage)

            yield draw
        return
    last, seen = "", ("", 0)

    def say(done: float, stage: str) -> None:
        nonlocal last, seen
        # Of stages that count up, as "day 3 of 50", one is told for each tenth of the work.
        words = (stage.translate(WITHOUT_DIGITS), int(10 * done))
        if stage and stage != last and words != seen:
            err.print(f"{done:4.0%}  {stage}", markup=False)
        last, seen = stage, words

    yield say
