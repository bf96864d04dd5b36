"""`wfm roster edit`: one edit of a draft at a time, told with what it breaks and covers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.cli.rosterwords import (
    Agent,
    Day,
    Draft,
    Reason,
    Revision,
    draft_id_of,
    show_edited,
    start_minute,
)
from api.cli.shell import JsonOption, actor, opened, parse_day, parse_moment
from wfm.errors import RequestError

if TYPE_CHECKING:
    from api.planning.drafts import Draft as Drafted
    from scheduling.editing.edits import Edit

app = typer.Typer(
    help="Edit a draft: each edit is checked at once, told, and kept unless --try is given.",
    no_args_is_help=True,
)

Try = Annotated[bool, typer.Option("--try", help="Only tell what it would do.")]
Start = Annotated[str, typer.Argument(metavar="START", help="Its local start, such as 08:00.")]


@app.command()
def assign(
    draft: Draft,
    agent: Agent,
    day: Day,
    template: Annotated[str, typer.Argument(metavar="TEMPLATE", help="The shift template.")],
    start: Start,
    reason: Reason = "",
    revision: Revision = None,
    only_try: Try = False,
    as_json: JsonOption = False,
) -> None:
    """Give an agent a shift, in the place of what they have on that day."""
    from scheduling.editing.edits import Assign

    edit = Assign(agent, parse_day(day), template, start_minute(start))
    _do(draft, edit, reason, revision, only_try, as_json=as_json)


@app.command()
def drop(
    draft: Draft,
    agent: Agent,
    day: Day,
    reason: Reason = "",
    revision: Revision = None,
    only_try: Try = False,
    as_json: JsonOption = False,
) -> None:
    """Take an agent's shift away."""
    from scheduling.editing.edits import Drop

    edit = Drop(agent, parse_day(day))
    _do(draft, edit, reason, revision, only_try, as_json=as_json)


@app.command()
def move(
    draft: Draft,
    agent: Agent,
    day: Day,
    start: Annotated[str | None, typer.Option("--start", help="To this local time.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="To this local day.")] = None,
    reason: Reason = "",
    revision: Revision = None,
    only_try: Try = False,
    as_json: JsonOption = False,
) -> None:
    """Move a shift to another start, another day, or both."""
    from scheduling.editing.edits import Move

    if start is None and to is None:
        raise RequestError("say where the shift moves: --start 09:00, --to 2026-03-03, or both")
    edit = Move(
        agent,
        parse_day(day),
        None if start is None else start_minute(start),
        None if to is None else parse_day(to),
    )
    _do(draft, edit, reason, revision, only_try, as_json=as_json)


@app.command()
def lengthen(
    draft: Draft,
    agent: Agent,
    day: Day,
    longer: Annotated[int, typer.Option("--longer", min=0, max=1440, help="Minutes longer.")] = 0,
    shorter: Annotated[
        int, typer.Option("--shorter", min=0, max=1440, help="Minutes shorter.")
    ] = 0,
    over_end: Annotated[
        bool,
        typer.Option("--over-end", help="Past the template's end, not by another template."),
    ] = False,
    reason: Reason = "",
    revision: Revision = None,
    only_try: Try = False,
    as_json: JsonOption = False,
) -> None:
    """Make a shift longer or shorter: by another template at its start, or over its end."""
    from scheduling.editing.edits import Lengthen

    if bool(longer) == bool(shorter):
        raise RequestError("say by how many minutes: --longer 60, or --shorter 60")
    by: Literal["end", "template"] = "end" if over_end else "template"
    edit = Lengthen(agent, parse_day(day), longer or -shorter, by)
    _do(draft, edit, reason, revision, only_try, as_json=as_json)


@app.command()
def swap(
    draft: Draft,
    agent: Agent,
    day: Day,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="Whom with.")],
    other_day: Annotated[
        str | None, typer.Argument(metavar="[OTHER_DAY]", help="Their day; default: the same.")
    ] = None,
    reason: Reason = "",
    revision: Revision = None,
    only_try: Try = False,
    as_json: JsonOption = False,
) -> None:
    """Let two agents take each other's shift."""
    from scheduling.editing.edits import Swap

    edit = Swap(agent, parse_day(day), other, parse_day(other_day or day))
    _do(draft, edit, reason, revision, only_try, as_json=as_json)


@app.command()
def give(
    draft: Draft,
    agent: Agent,
    day: Day,
    to: Annotated[str, typer.Argument(metavar="TO", help="Who takes the shift.")],
    reason: Reason = "",
    revision: Revision = None,
    only_try: Try = False,
    as_json: JsonOption = False,
) -> None:
    """Give an agent's shift to another who is off that day."""
    from scheduling.editing.edits import Give

    edit = Give(agent, parse_day(day), to)
    _do(draft, edit, reason, revision, only_try, as_json=as_json)


@app.command("break")
def move_break(
    draft: Draft,
    agent: Agent,
    day: Day,
    number: Annotated[
        int, typer.Argument(metavar="NUMBER", help="Which break of the shift, from 1.", min=1)
    ],
    start: Start,
    reason: Reason = "",
    revision: Revision = None,
    only_try: Try = False,
    as_json: JsonOption = False,
) -> None:
    """Move a break of a shift to another local time."""
    from scheduling.editing.edits import MoveBreak

    on, at = parse_day(day), start_minute(start)

    def edit(held: Drafted) -> Edit:
        return MoveBreak(agent, on, number - 1, _after_start(held, agent, on, at))

    _do(draft, edit, reason, revision, only_try, as_json=as_json)


def _after_start(held: Drafted, agent_id: str, day: date, at: int) -> int:
    """Minutes from the shift's start to the next time that the clock shows `at`."""
    from scheduling.editing.changes import day_of, worked

    zone = held.ground.brand.tz
    shift = worked(day_of(held.roster, agent_id, day, zone))
    if not shift:
        raise RequestError(f"{agent_id} has no shift on {day}")
    for on in (day, day + timedelta(days=1)):
        local = datetime(on.year, on.month, on.day, at // 60, at % 60, tzinfo=zone)
        minutes = (local.astimezone(UTC) - shift[0].start).total_seconds() / 60
        if minutes >= 0:
            return int(minutes)
    raise RequestError(f"the shift of {agent_id} on {day} is over before {at // 60:02d}:00")


@app.command()
def activity(
    draft: Draft,
    agent: Agent,
    start: Annotated[str, typer.Argument(metavar="FROM", help="'2026-03-02 10:00', local.")],
    end: Annotated[str, typer.Argument(metavar="TO", help="'2026-03-02 11:00', local.")],
    code: Annotated[str, typer.Argument(metavar="ACTIVITY", help="meeting, training ...")],
    queue: Annotated[str, typer.Option("--queue", help="Of on_queue: the one queue.")] = "",
    reason: Reason = "",
    revision: Revision = None,
    only_try: Try = False,
    as_json: JsonOption = False,
) -> None:
    """Put a meeting or a training into a shift, or an agent on one queue."""
    from scheduling.editing.edits import Activity

    def edit(held: Drafted) -> Edit:
        zone = held.ground.brand.tz
        return Activity(agent, parse_moment(start, zone), parse_moment(end, zone), code, queue)

    _do(draft, edit, reason, revision, only_try, as_json=as_json)


@app.command()
def pin(
    draft: Draft,
    agent: Agent,
    day: Day,
    reason: Reason = "",
    revision: Revision = None,
    only_try: Try = False,
    as_json: JsonOption = False,
) -> None:
    """Make a shift stand: no edit and no new solution touches it."""
    from scheduling.editing.edits import Pin

    edit = Pin(agent, parse_day(day))
    _do(draft, edit, reason, revision, only_try, as_json=as_json)


@app.command()
def unpin(
    draft: Draft,
    agent: Agent,
    day: Day,
    reason: Reason = "",
    revision: Revision = None,
    only_try: Try = False,
    as_json: JsonOption = False,
) -> None:
    """Free a pinned shift."""
    from scheduling.editing.edits import Unpin

    edit = Unpin(agent, parse_day(day))
    _do(draft, edit, reason, revision, only_try, as_json=as_json)


def _do(
    draft: str,
    edit: Edit | Callable[[Drafted], Edit],
    reason: str,
    revision: int | None,
    only_try: bool,
    *,
    as_json: bool,
) -> None:
    """Make the edit, or only try it, and tell what it does."""
    from api.planning import drafts

    with opened() as store:
        held = drafts.load_draft(store, draft_id_of(draft))
        wanted = edit(held) if callable(edit) else edit
        if only_try:
            done = drafts.preview(store, held.draft_id, wanted)
        else:
            done = drafts.edit(
                store, held.draft_id, wanted, actor=actor(), revision=revision, reason=reason
            )
        show_edited(store, done, as_json=as_json, kept=not only_try)
