"""`wfm queue`: the live queue from the command line; its commands stand in modules of their own."""

from __future__ import annotations

import typer

app = typer.Typer(
    help="The live queue: cases, presence, customers, metrics, policy.", no_args_is_help=True
)
