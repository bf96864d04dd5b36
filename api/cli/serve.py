"""`wfm serve` and `wfm sign-in-link`."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.shell import actor, err, opened, out, settings

app = typer.Typer()

HostOption = Annotated[str, typer.Option("--host", help="Address to serve at.")]
PortOption = Annotated[
    int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")
]
ServedHost = Annotated[str, typer.Option("--host", help="Address of the running service.")]
ServedPort = Annotated[
    int, typer.Option("--port", min=1, max=65535, help="Port of the running service.")
]


def tell_link(link: str) -> None:
    """Say where the console is; the link alone goes to standard output."""
    err.print("The console opens by this link, once, within 24 hours:")
    out.print(link, markup=False)
    err.print("Ctrl-C stops the service.")


@app.command("serve")
def serve_command(host: HostOption = "127.0.0.1", port: PortOption = 8000) -> None:
    """Serve the API and the console until Ctrl-C."""
    from api.service import serve

    with opened() as store:
        serve(store, settings(), host, port, tell_link)
    err.print("Stopped.")


@app.command("sign-in-link")
def sign_in_link(host: ServedHost = "127.0.0.1", port: ServedPort = 8000) -> None:
    """Print a new one-time link to the console of a running service."""
    from api.service import address_of, sign_in_url

    with opened() as store:
        out.print(sign_in_url(store, address_of(host, port), actor()), markup=False)
