"""The `wfm` command: gathers the groups of commands and tells errors.

Heavy libraries are imported by the commands that need them, so that `wfm --help` is quick.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from api.cli import demo, forecast, imports, jobs, keys, plan, serve, staffing
from api.cli.shell import err
from wfm.errors import InternalFault, WfmError

app = typer.Typer(
    name="wfm",
    help="Forecast contacts, plan rosters that keep the 15-minute promise, and staff the queue.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(imports.app, name="import")
app.add_typer(forecast.app)
app.add_typer(plan.app)
app.add_typer(staffing.app, name="staffing")
app.add_typer(serve.app)
app.add_typer(keys.app, name="key")
app.add_typer(jobs.app, name="job")
app.add_typer(demo.app)


@app.callback()
def _options(
    now: Annotated[
        str | None, typer.Option("--now", help="Run as if it were this instant (RFC 3339).")
    ] = None,
) -> None:
    if now is not None:
        import os

        from wfm.timegrid import parse_instant

        parse_instant(now)
        os.environ["WFM_NOW"] = now


def main() -> None:
    """Run a command; a `WfmError` is told in words and exits with 2, our own fault with 1."""
    try:
        app()
    except WfmError as error:
        err.print(f"wfm: {error.message}", markup=False)
        sys.exit(1 if isinstance(error, InternalFault) else 2)
    except KeyboardInterrupt:
        err.print("wfm: stopped; what was finished is kept, nothing is half-written")
        sys.exit(130)
