"""What every command shares: the store, the actor, JSON or text, progress, and errors told once."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from wfm.errors import RequestError, SetupError
from wfm.progress import Progress

if TYPE_CHECKING:
    from wfm.settings import Settings
    from wfm.store.engine import Store

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Seed of everything that is sampled.")]

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

# Wider than any table of ours; what a terminal cannot show in a line it wraps itself.
WIDEST = 1000


def settings() -> Settings:
    """Settings from the environment; SetupError with every fault."""
    from pydantic import ValidationError

    from wfm.errors import WfmError
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
    finally:
        store.close()


def parse_day(text: str) -> date:
    """A local date written as 2026-03-02."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RequestError(f"{text!r} is not a date; write it as 2026-03-02") from None


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


def show_table(table: Table) -> None:
    """Print a table whole: no cell is cut, on a terminal of any width or into a pipe."""
    options = out.options.update_width(WIDEST)
    for line in out.render_lines(table, options, pad=False):
        out.print("".join(part.text for part in line).rstrip(), markup=False)


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
    last = ""

    def say(done: float, stage: str) -> None:
        nonlocal last
        if stage != last:
            last = stage
            err.print(f"{done:4.0%}  {stage}")

    yield say
