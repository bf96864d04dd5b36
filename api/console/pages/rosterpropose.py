"""What a press proposes on the page Roster, told before anything of it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import ALL, Dash, Input, Output, State, ctx, no_update

from api.console import layout, proposing, shiftgrid
from api.console.loop import off_loop
from api.console.pages import rosterjudge, rosteropen
from api.console.pages.rostercell import Cell, agent_named
from api.console.proposing import Pressed
from api.console.views import Views
from scheduling.editing.edits import Assign, Edit, edit_document, edit_from
from wfm.errors import RequestError, WfmError


def proposed(
    views: Views, draft_id: int, cell: Cell, pressed: Pressed, pending: Edit | None
) -> Edit:
    """The edit of the cell that is meant by what was pressed."""
    brand, shown = views.brand(), views.shown(draft_id)
    if brand is None or shown is None:
        raise RequestError(layout.GONE)
    agent = agent_named(views.agents(), cell.agent_id)
    if agent is None:
        raise RequestError(f"{cell.agent_id} is no agent of the brand any more")
    shifts = shiftgrid.shifts_of(shown.of_agent(cell.agent_id))
    return proposing.edit_of(
        pressed,
        agent=agent,
        day=cell.day,
        shift=shiftgrid.shift_on(shifts, cell.agent_id, cell.day, brand.tz),
        brand=brand,
        pending=pending,
    )


def taken_opening(views: Views, draft_id: int, number: int, agent_id: str) -> Assign:
    """The open shift of the number, assigned to the agent."""
    openings = views.drafting.openings(draft_id)
    if number >= len(openings):
        raise RequestError("the open shifts have changed; choose again")
    opening = openings[number]
    return Assign(agent_id, opening.day, opening.template, opening.start_min)


def shown_effect(views: Views, draft_id: int, edit: Edit) -> Any:
    """What the edit would do, with the buttons that keep it or leave it."""
    brand = views.brand()
    if brand is None:
        raise RequestError(layout.GONE)
    names = {a.agent_id: a.name for a in views.agents()}
    return rosterjudge.judgement(views.drafting.preview(draft_id, edit), brand, names)


def propose(
    views: Views,
    *,
    presses: Any,
    chosen: dict[str, str] | None,
    pending: dict[str, Any] | None,
    draft_id: int | None,
) -> dict[str, Any]:
    """The edit that a press means, what it would do, and the cell it is about."""
    del presses
    trigger = ctx.triggered_id
    none: dict[str, Any] = dict.fromkeys(("edit", "judged", "cell"), no_update)
    value = ctx.triggered[0]["value"] if ctx.triggered else None
    if not trigger or not value or draft_id is None:
        return none
    cell = Cell.from_document(chosen)
    try:
        if trigger["type"] == "roster-take" and trigger["number"] != rosteropen.NOT_OPEN:
            taken = taken_opening(views, draft_id, int(trigger["number"]), str(trigger["agent"]))
            none["cell"] = Cell(taken.agent_id, taken.day).to_document()
            edit: Edit = taken
        elif cell is not None:
            waiting = edit_from(pending) if pending else None
            edit = proposed(views, draft_id, cell, _pressed(trigger, value), waiting)
        else:
            return none
        return {**none, "edit": edit_document(edit), "judged": shown_effect(views, draft_id, edit)}
    except WfmError as error:
        return {**none, "judged": layout.failure(error.message)}


def _pressed(trigger: Mapping[str, Any], value: Any) -> Pressed:
    if trigger["type"] == "roster-pick":
        return Pressed(str(trigger["pick"]), value=str(value))
    if trigger["type"] == "roster-take":
        return Pressed("give", value=str(trigger["agent"]))
    return Pressed(str(trigger["do"]), number=int(trigger["number"]))


def register(app: Dash, views: Views) -> None:
    app.callback(
        output={
            "edit": Output("roster-edit", "data"),
            "judged": Output("roster-judged", "children"),
            "cell": Output("roster-cell", "data", allow_duplicate=True),
        },
        inputs={
            "presses": {
                "try": Input({"type": "roster-try", "do": ALL, "number": ALL}, "n_clicks"),
                "pick": Input({"type": "roster-pick", "pick": ALL}, "value"),
                "take": Input({"type": "roster-take", "agent": ALL, "number": ALL}, "n_clicks"),
            },
            "chosen": State("roster-cell", "data"),
            "pending": State("roster-edit", "data"),
            "draft_id": State("roster-draft", "data"),
        },
        prevent_initial_call=True,
    )(off_loop(propose, views))
