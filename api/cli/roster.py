"""`wfm roster`: look at rosters, open drafts of them, undo, compare, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from api.cli import rosteredit, rosterexplain, rosterrequests, rosterview, rosterwork
from api.cli.rosterwords import (
    Agent,
    Draft,
    Revision,
    Which,
    change_document,
    counted,
    draft_id_of,
    say_changes,
    show_edited,
    zone_of,
)
from api.cli.serve import ServedHost, ServedPort
from api.cli.shell import JsonOption, actor, emit_json, err, opened, out, say, show_table
from api.exports.formats import FORMATS
from wfm.errors import RequestError
from wfm.timegrid import format_instant

if TYPE_CHECKING:
    from api.exports.formats import Format
    from wfm.store.drafts import DraftState

app = typer.Typer(
    help="Look at rosters, edit drafts of them, publish and export them.", no_args_is_help=True
)
app.add_typer(rosterview.app)
app.add_typer(rosteredit.app, name="edit")
app.add_typer(rosterwork.app)
app.add_typer(rosterrequests.time_off, name="time-off")
app.add_typer(rosterrequests.trade, name="trade")
app.add_typer(rosterexplain.app, name="explain")


# -- drafts --------------------------------------------------------------------------------------


@app.command("draft")
def open_draft(
    which: Annotated[str, typer.Argument(metavar="PLAN", help="An id, latest or current.")],
    name: Annotated[str, typer.Option("--name", help="What it is called.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Open a draft of a plan's roster, to edit it."""
    from api.planning import drafts, records

    with opened() as store:
        draft_id = drafts.open_draft(store, records.which_plan(which), actor=actor(), name=name)
        draft = drafts.load_draft(store, draft_id)
    if as_json:
        emit_json({"draft_id": draft_id, "plan_id": draft.plan_id, "revision": draft.revision})
        return
    out.print(
        f"Draft {draft_id} of plan {draft.plan_id} is open. Edit it with: "
        f"wfm roster edit --help; publish it with: wfm roster publish {draft_id}",
        markup=False,
    )


@app.command("drafts")
def list_drafts(
    state: Annotated[
        str | None, typer.Option("--state", help="Only open, published or discarded ones.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the drafts, newest first."""
    from api.planning import drafts

    with opened() as store:
        found = drafts.list_drafts(store, _state(state), limit=limit)
    if as_json:
        emit_json({"drafts": [vars(row) for row in found]})
        return
    if not found:
        out.print("There is no draft yet; `wfm roster draft current` opens one.", markup=False)
        return
    shown = Table(box=None, pad_edge=False)
    for column in ("draft", "of plan", "state", "revision", "name", "changed by", "at"):
        shown.add_column(column, no_wrap=True)
    for row in found:
        shown.add_row(
            str(row.draft_id),
            str(row.plan_id),
            row.state if row.published_plan_id is None else f"plan {row.published_plan_id}",
            str(row.revision),
            row.name,
            row.actor,
            format_instant(row.written_at),
        )
    show_table(shown)


def _state(text: str | None) -> DraftState | None:
    from wfm.store.drafts import DRAFT_STATES

    found = next((state for state in DRAFT_STATES if state == text), None)
    if text is not None and found is None:
        raise RequestError(f"a draft is never {text!r}; choose {', '.join(DRAFT_STATES)}")
    return found


@app.command()
def undo(draft: Draft, revision: Revision = None, as_json: JsonOption = False) -> None:
    """Undo a draft's last edit."""
    from api.planning import drafts

    with opened() as store:
        done = drafts.undo(store, draft_id_of(draft), actor=actor(), revision=revision)
        show_edited(store, done, as_json=as_json)


@app.command()
def redo(draft: Draft, revision: Revision = None, as_json: JsonOption = False) -> None:
    """Take the last undo back."""
    from api.planning import drafts

    with opened() as store:
        done = drafts.redo(store, draft_id_of(draft), actor=actor(), revision=revision)
        show_edited(store, done, as_json=as_json)


@app.command()
def discard(draft: Draft, revision: Revision = None, as_json: JsonOption = False) -> None:
    """Give a draft up; it stays on record."""
    from api.planning import drafts

    draft_id = draft_id_of(draft)
    with opened() as store:
        drafts.discard(store, draft_id, actor=actor(), revision=revision)
    if as_json:
        emit_json({"draft_id": draft_id, "state": "discarded"})
    else:
        out.print(f"Draft {draft_id} is discarded.", markup=False)


@app.command()
def history(draft: Draft, as_json: JsonOption = False) -> None:
    """Who changed what in a draft, and why."""
    from api.planning import drafts

    with opened() as store:
        found = drafts.load_draft(store, draft_id_of(draft))
        zone = zone_of(store)
    if as_json:
        emit_json(
            {
                "draft_id": found.draft_id,
                "plan_id": found.plan_id,
                "state": found.state,
                "revision": found.revision,
                "edits": [
                    {
                        "seq": one.seq,
                        "kind": one.kind,
                        "reason": one.reason,
                        "undone": one.undone,
                        "actor": one.actor,
                        "at": one.at,
                        **one.document,
                    }
                    for one in found.edits
                ],
            }
        )
        return
    out.print(
        f"Draft {found.draft_id} of plan {found.plan_id}, {found.state}, revision "
        f"{found.revision}: {counted(len(found.edits), 'edit')}",
        markup=False,
    )
    for one in found.edits:
        undone = " (undone)" if one.undone else ""
        why = f": {one.reason}" if one.reason else ""
        kind = one.kind.replace("_", " ")
        say(f"{one.seq}. {kind}{undone} by {one.actor} at {format_instant(one.at)}{why}")
        say_changes(drafts.changes_in(one), zone)


@app.command()
def diff(
    one: Which,
    other: Annotated[str, typer.Argument(metavar="PLAN|DRAFT", help="What it is compared with.")],
    as_json: JsonOption = False,
) -> None:
    """What differs between two rosters, by agent and day."""
    from api.planning import drafts

    with opened() as store:
        changes = drafts.difference(store, one, other)
        zone = zone_of(store)
    if as_json:
        emit_json({"changes": [change_document(change) for change in changes]})
        return
    agents = len({change.agent_id for change in changes})
    out.print(
        f"From {one} to {other}: {counted(len(changes), 'agent-day')} of "
        f"{counted(agents, 'agent')} changed",
        markup=False,
    )
    say_changes(changes, zone)


# -- files ---------------------------------------------------------------------------------------


@app.command()
def export(
    which: Which,
    kind: Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")],
    agent: Annotated[str | None, typer.Option("--agent", help="Only this agent's shifts.")] = None,
    target: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file; default: its own name here.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a roster as a calendar, a workbook or a table of text."""
    from api.exports.loading import export as exported
    from wfm.errors import SetupError

    with opened() as store:
        file = exported(store, which, _format(kind), agent)
    path = Path(file.name) if target is None else target
    try:
        path.write_bytes(file.content)
    except OSError as error:
        raise SetupError(
            f"{path} cannot be written ({error.strerror}); name another file with -o"
        ) from error
    if as_json:
        emit_json({"file": str(path), "bytes": len(file.content), "media_type": file.media_type})
    else:
        out.print(f"{path}, {len(file.content):,} bytes", markup=False)


def _format(text: str) -> Format:
    for known in FORMATS:
        if known == text:
            return known
    raise RequestError(f"{text!r} is no format; choose {', '.join(FORMATS)}")


@app.command()
def calendar(
    agent: Agent,
    revoke: Annotated[bool, typer.Option("--revoke", help="Make the link useless.")] = False,
    host: ServedHost = "127.0.0.1",
    port: ServedPort = 8000,
    as_json: JsonOption = False,
) -> None:
    """Make the secret link that an agent's calendar is subscribed to; the old one is revoked."""
    from api.cli.keys import check_agent
    from wfm.store import calendars

    with opened() as store, store.writing(actor()) as writing:
        if revoke:
            calendars.revoke_link(writing, agent)
            secret = ""
        else:
            check_agent(writing, agent)
            secret = calendars.make_link(writing, agent)
    url = f"http://{host}:{port}/api/v1/calendars/{secret}.ics"
    if as_json:
        told: dict[str, Any] = {"revoked": True} if revoke else {"url": url}
        emit_json({"agent_id": agent, **told})
    elif revoke:
        out.print(f"The calendar link of {agent} is revoked.", markup=False)
    else:
        err.print(f"The calendar link of {agent}; it is shown only this once:", markup=False)
        out.print(url, markup=False)
