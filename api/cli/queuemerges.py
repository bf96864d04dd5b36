"""`wfm queue same-person`: customers' records that are one person, as people decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from api.cli.queueapp import app
from api.cli.shell import JsonOption, actor, emit_json, opened, out, show_table

if TYPE_CHECKING:
    from wfm.store.customers import Merge

SHOWN = 200

same_app = typer.Typer(
    help="Records that are one person: proposed, decided, undone.", no_args_is_help=True
)
app.add_typer(same_app, name="same-person")

CustomerId = Annotated[int, typer.Argument(help="A customer's id.")]
MergeId = Annotated[int, typer.Argument(help="The merge's id, see `wfm queue same-person list`.")]


@same_app.command("list")
def list_merges(
    state: Annotated[
        str | None, typer.Option("--state", help="proposed, confirmed, rejected or undone.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List merges of customers' records."""
    from wfm.store.customers import find_merges, merge_state

    wanted = None if state is None else merge_state(state)
    with opened() as store, store.reading() as connection:
        found = find_merges(connection, state=wanted, limit=SHOWN)
    if as_json:
        emit_json([asdict(merge) for merge in found])
        return
    _show_merges(found)


def _show_merges(found: Sequence[Merge]) -> None:
    if not found:
        out.print("none", markup=False)
        return
    table = Table("merge", "kept", "merged", "state", "why", "by", box=None)
    for merge in found:
        pair = (str(merge.merge_id), str(merge.kept_id), str(merge.merged_id))
        table.add_row(*pair, merge.state, merge.evidence, merge.actor)
    show_table(table)


@same_app.command("propose")
def propose(
    one: CustomerId,
    other: CustomerId,
    why: Annotated[str, typer.Option("--why", help="What makes them one person.")],
    as_json: JsonOption = False,
) -> None:
    """Propose that two records are one person; they stay two until it is confirmed."""
    from wfm.customers import merging

    with opened() as store:
        _tell_merge(merging.propose(store, one, other, why, actor=actor()), as_json=as_json)


@same_app.command("confirm")
def confirm(merge_id: MergeId, as_json: JsonOption = False) -> None:
    """They are one person: the authors of the younger record become the older one's."""
    from wfm.customers import merging

    with opened() as store:
        _tell_merge(merging.confirm(store, merge_id, actor=actor()), as_json=as_json)


@same_app.command("reject")
def reject(merge_id: MergeId, as_json: JsonOption = False) -> None:
    """They are two people."""
    from wfm.customers import merging

    with opened() as store:
        _tell_merge(merging.reject(store, merge_id, actor=actor()), as_json=as_json)


@same_app.command("undo")
def undo(merge_id: MergeId, as_json: JsonOption = False) -> None:
    """They were two people after all: what the merge moved is moved back."""
    from wfm.customers import merging

    with opened() as store:
        _tell_merge(merging.undo(store, merge_id, actor=actor()), as_json=as_json)


def _tell_merge(merge: Merge, *, as_json: bool) -> None:
    if as_json:
        emit_json(asdict(merge))
        return
    _show_merges([merge])
