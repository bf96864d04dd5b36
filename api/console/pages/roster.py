"""The roster: agents by days, read, edited in a draft, and looked at by day."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import parse_qs

from dash import Dash, Input, Output, State, ctx, dcc, html, no_update

from api.console import layout, shiftgrid, spans, words
from api.console.drafting import Shown
from api.console.loop import off_loop
from api.console.pages import (
    rosteracts,
    rosterbar,
    rostercell,
    rostercover,
    rosterday,
    rostergrid,
    rosterjobs,
    rosterlog,
    rosteropen,
    rosterpicks,
    rosterpropose,
    rosterwhy,
)
from api.console.pages.rostercell import Cell
from api.console.views import PlanView, Views
from wfm.brands import Brand
from wfm.errors import RequestError
from wfm.timegrid import local_day

COVER_COLUMNS = ["scheduled", "effective", "required"]
BUTTONS = ("undo", "redo", "steps", "closed")
GRID = "grid"
TABS = {
    GRID: "Weeks",
    rosterday.TAB: "Day",
    rosteropen.TAB: "Open shifts",
    rosterlog.TAB: "History",
}


def draft_in(search: str | None) -> int | None:
    """The draft that the browser's address names, e.g. `?draft=3`; RequestError where it is none.

    >>> draft_in("?draft=3"), draft_in("")
    (3, None)
    """
    named = parse_qs((search or "").removeprefix("?")).get("draft")
    if not named:
        return None
    if not named[-1].isdecimal() or len(named[-1]) > 9:
        raise RequestError(f"{named[-1][:40]!r} is no draft's number; write ?draft=3")
    return int(named[-1])


def page(views: Views, brand: Brand, plan: PlanView, search: str | None = None) -> Any:
    """The page of the plan, or of the draft that the address names."""
    draft_id = draft_in(search)
    shown = views.shown(draft_id) or Shown(plan)
    agents = views.agents()
    days = spans.plan_days(shown.start, shown.end, brand.tz)
    today = local_day(views.now().instant, brand.tz)
    week = spans.first_choice(days, today)
    controls = [
        layout.field(
            "Skill", layout.select("roster-skill", rostergrid.skill_options(brand), rostergrid.ANY)
        ),
        layout.field(
            "Contract",
            layout.select("roster-contract", rostergrid.contract_options(brand), rostergrid.ANY),
        ),
        layout.field(
            "Weeks", layout.select("roster-week", spans.week_options(days), week), wide=True
        ),
    ]
    rows = rostergrid.rows_of(shown, brand, agents, changed=shown.changed)
    running = None if draft_id is None else views.drafting.open_job(draft_id)
    savings = shown.plan.summary.get("savings", ())
    main = [
        dcc.RadioItems(
            id="roster-tab",
            options=[{"label": text, "value": tab} for tab, text in TABS.items()],
            value=GRID,
            inline=True,
            className="tabs",
        ),
        html.Div(
            [grid_card(rows, brand, days, shown), rostercover.card(brand, days, week, savings)],
            id=f"roster-on-{GRID}",
            className="page",
        ),
        html.Div(rosterday.panel(shown, brand, today), id=f"roster-on-{rosterday.TAB}"),
        html.Div(rosteropen.panel(), id=f"roster-on-{rosteropen.TAB}"),
        html.Div(rosterlog.panel(), id=f"roster-on-{rosterlog.TAB}"),
    ]
    return html.Div(
        [
            layout.heading("Roster", note_of(shown, brand), controls),
            rosterbar.bar(shown, views.drafting.open_drafts(), running),
            html.Div(
                [html.Div(main, className="page"), side_card(shown)], className="beside roster"
            ),
            dcc.Store(id="roster-draft", data=draft_id),
            dcc.Store(id="roster-revision", data=shown.revision),
            dcc.Store(id="roster-drawn"),
            dcc.Store(id="roster-cell"),
            dcc.Store(id="roster-edit"),
        ],
        className="page",
    )


def note_of(shown: Shown, brand: Brand) -> list[Any]:
    """Which days are shown, and whether they are in force, a draft or a plan."""
    if shown.draft is None:
        return layout.plan_note(shown.plan, brand)
    days = spans.plan_days(shown.start, shown.end, brand.tz)
    base = shown.plan
    of = f"version {base.version}" if base.version is not None else f"plan {base.plan_id}"
    badge = layout.badge(f"draft {shown.draft.draft_id} of {of}, {shown.draft.state}", "warn")
    return [words.day_span(days[0], days[-1]), badge]


def grid_card(rows: list[dict[str, Any]], brand: Brand, days: list[date], shown: Shown) -> Any:
    return layout.card(
        None,
        html.Div(
            [
                rostergrid.legend(editable=shown.draft is not None),
                html.P(id="roster-count", role="status"),
            ],
            className="bar",
        ),
        rostergrid.grid(rows, days, brand.weekend),
        className="flush",
    )


def side_card(shown: Shown) -> html.Section:
    """The chosen agent-day: what it is, what an edit would do, what can be done."""
    return layout.card(
        "The agent's day",
        html.Div(id="roster-judged", role="status"),
        html.Div(rostercell.nothing_chosen(shown), id="roster-words", role="status"),
        html.Div(id="roster-actions", className="actions"),
        html.Div(id="roster-picks", role="status"),
        className="side",
    )


# -- what is drawn --------------------------------------------------------------------------------


def chosen_rows(
    views: Views,
    skill: str,
    contract: str,
    revision: int | None = None,
    draft_id: int | None = None,
) -> tuple[list[dict[str, Any]], str, int | None]:
    """The grid's rows under the filters, how many they are in words, and the revision drawn.

    What else shows the roster follows the revision drawn, so that the grid comes first.
    """
    del revision  # whichever it is now, the newest is drawn
    brand, shown = views.brand(), views.shown(draft_id)
    if brand is None or shown is None:
        return [], layout.GONE, None
    agents = views.agents()
    rows = rostergrid.chosen_agents(agents, shown, brand, skill=skill, contract=contract)
    return rows, f"{len(rows)} of {len(agents)} agents", shown.revision


def buttons(views: Views, revision: int | None, draft_id: int | None) -> dict[str, Any]:
    """The bar's buttons, as the draft's edits allow them now."""
    del revision
    shown = views.shown(draft_id)
    return rosterbar.state_of(shown) if shown is not None else dict.fromkeys(BUTTONS, no_update)


# -- the chosen agent-day -------------------------------------------------------------------------


def chosen(
    clicked: dict[str, Any] | None, entered: dict[str, Any] | None, in_day: dict[str, Any] | None
) -> tuple[Any, Any, Any, Any]:
    """The cell that was clicked, or entered with the keyboard; what was proposed or looked for in
    another one is gone."""
    if "rosterday-shifts.clickData" in ctx.triggered_prop_ids:
        cell = rosterday.clicked_cell(in_day)
        document = cell.to_document() if cell else None
    elif "roster-grid.eventData" in ctx.triggered_prop_ids:
        document = clicked_document((entered or {}).get("data"))
    else:
        document = clicked_document(clicked)
    if document is None:
        return no_update, no_update, no_update, no_update
    return document, None, "", ""


def clicked_document(clicked: dict[str, Any] | None) -> dict[str, str] | None:
    """Agent and day of a clicked cell; a cell of the agent's own columns has no day."""
    if not clicked or clicked.get("rowId") is None:
        return None
    column = str(clicked.get("colId"))
    try:
        day = date.fromisoformat(column).isoformat()
    except ValueError:
        day = ""
    return {"agent": str(clicked["rowId"]), "day": day}


def told(
    views: Views,
    document: dict[str, str] | None,
    revision: int | None = None,
    draft_id: int | None = None,
) -> tuple[Any, Any]:
    """The chosen day in words, and what can be done with it."""
    del revision
    brand, shown = views.brand(), views.shown(draft_id)
    if not document or brand is None or shown is None:
        return rostercell.nothing_chosen(shown), ""
    agent = rostercell.agent_named(views.agents(), document["agent"])
    cell = Cell.from_document(document)
    if cell is None:
        return rostercell.about(agent, document["agent"], brand), ""
    shift = shiftgrid.shift_on(
        shiftgrid.shifts_of(shown.of_agent(cell.agent_id)), cell.agent_id, cell.day, brand.tz
    )
    return rostercell.day_told(shown, brand, agent, cell), [
        *rostercell.actions(shown, brand, shift),
        html.Div(
            rosterpicks.seek_buttons(
                shown, has_shift=shift is not None, pinned=shift is not None and shift.pinned
            ),
            className="row",
        ),
    ]


# -- wiring ---------------------------------------------------------------------------------------


def register(app: Dash, views: Views) -> None:
    app.callback(
        Output("roster-grid", "rowData"),
        Output("roster-count", "children"),
        Output("roster-drawn", "data"),
        Input("roster-skill", "value"),
        Input("roster-contract", "value"),
        Input("roster-revision", "data"),
        State("roster-draft", "data"),
    )(off_loop(chosen_rows, views))
    app.callback(
        output={
            "undo": Output({"type": "roster-do", "do": "undo"}, "disabled"),
            "redo": Output({"type": "roster-do", "do": "redo"}, "disabled"),
            "steps": Output("roster-steps", "hidden"),
            "closed": Output("roster-closed", "children"),
        },
        inputs=[Input("roster-revision", "data"), State("roster-draft", "data")],
        prevent_initial_call=True,
    )(off_loop(buttons, views))
    app.callback(
        Output("roster-cell", "data"),
        Output("roster-edit", "data", allow_duplicate=True),
        Output("roster-judged", "children", allow_duplicate=True),
        Output("roster-picks", "children", allow_duplicate=True),
        Input("roster-grid", "cellClicked"),
        Input("roster-grid", "eventData"),
        Input("rosterday-shifts", "clickData"),
        prevent_initial_call=True,
    )(off_loop(chosen))
    app.callback(
        Output("roster-words", "children"),
        Output("roster-actions", "children"),
        Input("roster-cell", "data"),
        Input("roster-revision", "data"),
        State("roster-draft", "data"),
        prevent_initial_call=True,
    )(off_loop(told, views))
    app.callback(
        Output("location", "search", allow_duplicate=True),
        Input("roster-which", "value"),
        State("location", "search"),
        prevent_initial_call=True,
    )(off_loop(address_of))
    hidden = "".join(f"tab !== '{tab}', " for tab in TABS)
    app.clientside_callback(  # type: ignore[no-untyped-call]
        f"function (tab) {{ return [{hidden.rstrip(', ')}]; }}",
        *(Output(f"roster-on-{tab}", "hidden") for tab in TABS),
        Input("roster-tab", "value"),
    )
    for id_ in ("roster-judged", "roster-picks"):
        app.clientside_callback(  # type: ignore[no-untyped-call]
            f"function (content) {{ return dash_clientside.roster.shown(content, '{id_}'); }}",
            Output(id_, "title"),
            Input(id_, "children"),
            prevent_initial_call=True,
        )
    parts = (
        rosteracts, rostercover, rosterday, rosterjobs, rosterlog, rosteropen, rosterpicks,
        rosterpropose, rosterwhy,
    )  # fmt: skip
    for part in parts:
        part.register(app, views)


def address_of(which: str, search: str | None) -> Any:
    """Where the chosen roster is found; nothing to go to where it is shown already."""
    wanted = "" if which == rosterbar.PUBLISHED else f"?draft={which}"
    return no_update if wanted == (search or "") else wanted
