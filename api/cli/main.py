"""The `wfm` command: gathers the groups of commands and tells errors.

Heavy libraries are imported by the commands that need them, so that `wfm --help` is quick.
"""

from __future__ import annotations

from api.cli.packages import refuse_strangers

refuse_strangers()

# ruff: noqa: E402 - what follows may be a stranger's, and is imported after the check
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer._click.exceptions import ClickException, NoArgsIsHelpError, UsageError

from api.cli import (
    accuracy,
    adjust,
    certify,
    demo,
    forecast,
    imports,
    ingest,
    jobs,
    keys,
    plan,
    queueapp,
    queuecare,
    queuecases,
    queuecustomers,
    queuemerges,
    queuemetrics,
    queuemoves,
    queuepeople,
    queuepolicy,
    queuetasks,
    reforecast,
    requirement,
    roster,
    rules,
    serve,
    sources,
    staffing,
    whatif,
)
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
app.add_typer(reforecast.app)
app.add_typer(accuracy.app)
app.add_typer(adjust.app)
app.add_typer(adjust.mark_app, name="mark")
app.add_typer(plan.app)
app.add_typer(certify.app)
app.add_typer(requirement.app, name="requirement")
app.add_typer(roster.app, name="roster")
app.add_typer(staffing.app, name="staffing")
app.add_typer(whatif.app, name="whatif")
app.add_typer(queueapp.app, name="queue")
app.add_typer(ingest.app, name="ingest")
app.add_typer(sources.app, name="source")
app.add_typer(rules.app)
app.add_typer(serve.app)
app.add_typer(keys.app, name="key")
app.add_typer(jobs.app, name="job")
app.add_typer(demo.app)

# The modules of the commands of `wfm queue`, which they add to it when they are imported.
QUEUE = (
    queuecare,
    queuecases,
    queuecustomers,
    queuemerges,
    queuemetrics,
    queuemoves,
    queuepeople,
    queuepolicy,
    queuetasks,
)


@app.callback()
def _options(
    now: Annotated[
        str | None,
        typer.Option("--now", help="Run as if it were this instant, such as 2026-03-02T09:00Z."),
    ] = None,
) -> None:
    if now is not None:
        import os

        from wfm.timegrid import parse_instant

        parse_instant(now)
        os.environ["WFM_NOW"] = now


# What a shell reports of a program that Ctrl-C ended; typer turns the interrupt into it.
STOPPED = 130


def main() -> None:
    """Run a command; a `WfmError` is told in words and exits with 2, our own fault with 1."""
    try:
        ended = app(now_first(sys.argv[1:]), prog_name="wfm", standalone_mode=False)
    except NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except ClickException as error:
        err.print(f"wfm: {usage_text(error)}", markup=False)
        sys.exit(error.exit_code)
    except WfmError as error:
        err.print(f"wfm: {error.message}", markup=False)
        sys.exit(1 if isinstance(error, InternalFault) else 2)
    if ended == STOPPED:
        err.print("wfm: stopped; what was finished is kept, nothing is half-written")
    sys.exit(ended if isinstance(ended, int) else 0)


def now_first(words: Sequence[str]) -> list[str]:
    """The command line with `--now` in front: it holds for every command, so it may stand anywhere.

    >>> now_first(["staffing", "now", "--now", "2026-03-02T09:00Z", "--json"])
    ['--now', '2026-03-02T09:00Z', 'staffing', 'now', '--json']
    """
    for at, word in enumerate(words):
        if word == "--":
            break
        taken = 2 if word == "--now" else 1 if word.startswith("--now=") else 0
        if taken:
            return [*words[at : at + taken], *words[:at], *words[at + taken :]]
    return list(words)


def usage_text(error: ClickException) -> str:
    """A wrong command line in one sentence, with where to look it up."""
    told = error.format_message()
    told = told if told.endswith((".", "?")) else f"{told}."
    context = error.ctx if isinstance(error, UsageError) else None
    return f"{told} See `{context.command_path} --help`." if context else told
