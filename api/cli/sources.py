"""`wfm source`: the systems that deliver contacts to us and take replies and events from us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from api.cli.shell import JsonOption, actor, emit_json, err, opened, out, show_table
from wfm.timegrid import format_instant

if TYPE_CHECKING:
    from wfm.store.sources import Source

app = typer.Typer(
    help="Systems that deliver contacts to us and take replies from us.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The source, as in /inbound/NAME.")]


@app.command("add")
def add(
    name: Name,
    kind: Annotated[str, typer.Option("--kind", help="The connector that reads it.")] = "webhook",
    callback: Annotated[
        str, typer.Option("--callback", help="Address that replies and events are sent to.")
    ] = "",
    event: Annotated[
        list[str] | None,
        typer.Option("--event", help="Kind of event that the callback wants; * for all."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a source, or give it other settings; its secret is new and shown only this once."""
    from wfm.ingest.sources import new_source
    from wfm.store.sources import save_source

    made = new_source(name, kind=kind, callback_url=callback, events=event or ())
    with opened() as store, store.writing(actor()) as writing:
        save_source(writing, made)
    if as_json:
        emit_json({**_document(made), "secret": made.secret})
        return
    err.print(
        f"The secret of {name}; it signs what comes and what goes. Keep it, it is shown only "
        "this once:",
        markup=False,
    )
    out.print(made.secret, markup=False)


@app.command("list")
def listing(as_json: JsonOption = False) -> None:
    """List the sources, without their secrets."""
    from wfm.store.sources import list_sources

    with opened() as store, store.reading() as connection:
        found = list_sources(connection)
    if as_json:
        emit_json([_document(one) for one in found])
        return
    if not found:
        out.print("no sources yet; `wfm source add NAME` makes one", markup=False)
        return
    table = Table("source", "kind", "callback", "events", "state", box=None)
    for one in found:
        at = one.disabled_at
        state = "good" if at is None else f"disabled {format_instant(at)}"
        table.add_row(one.source, one.kind, one.callback_url, " ".join(one.events), state)
    show_table(table)


@app.command("disable")
def disable(name: Name, as_json: JsonOption = False) -> None:
    """Take nothing more from a source and send nothing more to it; what it brought stays."""
    from wfm.store.sources import disable_source

    with opened() as store, store.writing(actor()) as writing:
        disabled = disable_source(writing, name)
    if as_json:
        emit_json(_document(disabled))
        return
    out.print(f"{name} is disabled", markup=False)


def _document(source: Source) -> dict[str, Any]:
    return {
        "source": source.source,
        "kind": source.kind,
        "callback_url": source.callback_url,
        "events": list(source.events),
        "disabled_at": source.disabled_at,
    }
