"""`wfm key`: keys of machines that call the API."""

from __future__ import annotations

from dataclasses import asdict
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from api.cli.shell import JsonOption, actor, emit_json, err, opened, out, show_table
from wfm.errors import NotFound
from wfm.roles import ROLES
from wfm.timegrid import SystemClock, format_instant

if TYPE_CHECKING:
    from wfm.store.engine import Writing

app = typer.Typer(help="Keys of machines that call the API.", no_args_is_help=True)


@app.command("create")
def create(
    role: Annotated[str, typer.Option("--role", help=f"One of {', '.join(ROLES)}.")],
    label: Annotated[str, typer.Option("--label", help="What the key is for.")] = "",
    agent: Annotated[
        str | None, typer.Option("--agent", help="agent_id that a key of the role agent is for.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key and print it; it is shown only this once."""
    from wfm.store import access

    with opened() as store, store.writing(actor()) as writing:
        if agent is not None:
            check_agent(writing, agent)
        key, text = access.create_key(
            writing, role, label=label, agent_id=agent, now=SystemClock().now()
        )
    if as_json:
        emit_json({"key_id": key.key_id, "role": key.role, "label": key.label, "key": text})
        return
    err.print(f"A key of the role {role}; keep it, it is shown only this once:")
    out.print(text, markup=False)


def check_agent(writing: Writing, agent_id: str) -> None:
    """NotFound when no agent has the id: a key made for a typing error would open nothing."""
    from wfm.store.people import load_agents

    known = {held.agent_id for held in load_agents(writing.connection)}
    if agent_id not in known:
        near = get_close_matches(agent_id, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "; `wfm import agents` brings them in"
        raise NotFound(f"no agent {agent_id!r}{hint}")


@app.command("list")
def listing(as_json: JsonOption = False) -> None:
    """List the keys, without their secrets."""
    from wfm.store import access

    with opened() as store, store.reading() as connection:
        keys = access.list_keys(connection)
    if as_json:
        emit_json([asdict(key) for key in keys])
        return
    if not keys:
        out.print("no keys yet; `wfm key create --role queue-engine` makes one", markup=False)
        return
    table = Table("key", "role", "label", "agent", "made", "last used", "state", box=None)
    for key in keys:
        used = "never" if key.last_used_at is None else format_instant(key.last_used_at)
        state = "good" if key.revoked_at is None else f"revoked {format_instant(key.revoked_at)}"
        made = format_instant(key.created_at)
        table.add_row(key.key_id, key.role, key.label, key.agent_id or "", made, used, state)
    show_table(table)


@app.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, see `wfm key list`.")],
) -> None:
    """Make a key useless from now on."""
    from wfm.store import access

    with opened() as store, store.writing(actor()) as writing:
        access.revoke_key(writing, key_id, now=SystemClock().now())
    out.print(f"key {key_id} is revoked", markup=False)
