"""`wfm import`: brand, volumes, contacts, agents, campaigns."""

from __future__ import annotations

import typer

app = typer.Typer(help="Bring files into the store.", no_args_is_help=True)
