"""Repairs on the page What-if: looked for with progress, ranked, and applied by a button each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update

from api.console import layout, whatifform, words
from api.console.loop import off_loop
from api.console.pages import whatifranked
from api.console.rehearsing import Search
from api.console.views import Views
from api.console.whatifform import Form, Part
from scheduling.whatif.results import Repair
from scheduling.whatif.scenario import Scenario, joined
from wfm.errors import RequestError, WfmError
from wfm.store.documents import from_document

POLL_MS = 400


def card() -> Any:
    return layout.card(
        "What can be done about it",
        html.Div(
            [
                html.Button("Find repairs", id="whatif-find", className="plain", n_clicks=0),
                html.Span("", id="whatif-progress", role="status"),
                html.Button("Stop", id="whatif-stop", className="plain", n_clicks=0, hidden=True),
            ],
            className="buttons find",
        ),
        html.Div("", id="whatif-applied", role="status"),
        html.Div("", id="whatif-repairs"),
        dcc.Interval(id="whatif-poll", interval=POLL_MS, disabled=True),
        dcc.Store(id="whatif-search"),
        dcc.Store(id="whatif-found"),
        note="Each is tried on the same sampled days. Ranked by minutes of broken promise saved "
        "for each hour of work that it takes.",
    )


# -- looking --------------------------------------------------------------------------------------


def find(
    views: Views,
    *,
    presses: int | None,
    controls: dict[str, Any] | None,
    parts: list[Part] | None,
    plan_id: int,
    before: str | None,
) -> dict[str, Any]:
    """Begin to look for repairs of the scenario that is shown."""
    none: dict[str, Any] = dict.fromkeys(("search", "quiet", "progress", "found"), no_update)
    brand = views.brand()
    if not presses or brand is None:
        return none
    try:
        scenario = whatifform.whole(Form.of(controls or {}), parts or [], brand)
        name = views.rehearsing.search(scenario, plan_id, before)
    except WfmError as error:
        return {**none, "progress": layout.failure(error.message)}
    return {"search": name, "quiet": False, "progress": _bar(0.0, "starting"), "found": None}


def follow(views: Views, tick: int | None, stop: int | None, name: str | None) -> dict[str, Any]:
    """How far the search is; stops it where that was pressed."""
    del tick, stop
    if not name:
        return {"quiet": True, "stop": True, "progress": "", "found": no_update}
    try:
        if ctx.triggered_id == "whatif-stop" and ctx.triggered[0]["value"]:
            views.rehearsing.stop(name)
        search = views.rehearsing.searched(name)
    except WfmError as error:
        failed = layout.failure(error.message)
        return {"quiet": True, "stop": True, "progress": failed, "found": no_update}
    return followed(search, name)


def followed(search: Search, name: str) -> dict[str, Any]:
    """The search as the page shows it."""
    if search.is_open:
        bar = _bar(search.done, search.stage)
        return {"quiet": False, "stop": False, "progress": bar, "found": no_update}
    over = {"quiet": True, "stop": True}
    if search.problem is not None:
        said = "Stopped." if search.stopped else layout.failure(search.problem.message)
        return {**over, "progress": said, "found": no_update}
    return {**over, "progress": "", "found": name}


def _bar(done: float, stage: str) -> Any:
    return [
        html.Progress(value=str(round(done, 3)), max="1"),
        html.Span(f" {words.percent(done, digits=0)}, {stage}"),
    ]


# -- what was found -------------------------------------------------------------------------------


def listed(
    views: Views, name: str | None, known: dict[str, Any] | None, parts: list[Part] | None
) -> Any:
    """The repairs that were found, the best first; those that are applied say so."""
    brand = views.brand()
    if not name or brand is None:
        return ""
    try:
        search = views.rehearsing.searched(name)
    except WfmError as error:
        return layout.failure(error.message)
    if search.found is None:
        return ""
    now = from_document(Scenario, known["scenario"]) if known else None
    return whatifranked.shown(search.found, brand, now=now, parts=parts or [])


# -- applying -------------------------------------------------------------------------------------


def apply(
    views: Views, presses: list[Any], name: str | None, parts: list[Part] | None
) -> tuple[Any, Any]:
    """The parts with the repair whose button was pressed; what was done, in words."""
    del presses
    trigger = ctx.triggered_id
    if not trigger or not ctx.triggered[0]["value"] or not name:
        return no_update, no_update
    try:
        search = views.rehearsing.searched(name)
        chosen = chosen_repairs(search, str(trigger["repair"]))
        return with_repairs(parts or [], chosen), _applied_words(chosen)
    except WfmError as error:
        return no_update, layout.failure(error.message)


def chosen_repairs(search: Search, name: str) -> list[Repair]:
    """The repair of that name, or all of the small set."""
    if name != whatifranked.TOGETHER:
        return [search.repair(name)]
    together = search.found.together if search.found else None
    if together is None:
        raise RequestError("these repairs are not held any more; find them again")
    return list(together.repairs)


def with_repairs(parts: Sequence[Part], repairs: Sequence[Repair]) -> list[Part]:
    """The parts and the repairs; RequestError where two change the same agent-day."""
    held = list(parts)
    for repair in repairs:
        added = whatifform.part_of(repair.title, repair.does)
        if added["does"] in [part["does"] for part in held]:
            continue
        for part in held:
            joined(whatifform.does(part), repair.does)
        held.append(added)
    return held


def _applied_words(repairs: Sequence[Repair]) -> str:
    return f"Applied: {'; '.join(repair.title for repair in repairs)}."


def register(app: Dash, views: Views) -> None:
    app.callback(
        output={
            "search": Output("whatif-search", "data"),
            "quiet": Output("whatif-poll", "disabled"),
            "progress": Output("whatif-progress", "children"),
            "found": Output("whatif-found", "data"),
        },
        inputs={
            "presses": Input("whatif-find", "n_clicks"),
            "controls": State("whatif-asked", "data"),
            "parts": State("whatif-parts", "data"),
            "plan_id": State("whatif-plan", "data"),
            "before": State("whatif-search", "data"),
        },
        prevent_initial_call=True,
    )(off_loop(find, views))
    app.callback(
        output={
            "quiet": Output("whatif-poll", "disabled", allow_duplicate=True),
            "stop": Output("whatif-stop", "hidden"),
            "progress": Output("whatif-progress", "children", allow_duplicate=True),
            "found": Output("whatif-found", "data", allow_duplicate=True),
        },
        inputs=[
            Input("whatif-poll", "n_intervals"),
            Input("whatif-stop", "n_clicks"),
            State("whatif-search", "data"),
        ],
        prevent_initial_call=True,
    )(off_loop(follow, views))
    app.callback(
        Output("whatif-repairs", "children"),
        Input("whatif-found", "data"),
        Input("whatif-known", "data"),
        State("whatif-parts", "data"),
    )(off_loop(listed, views))
    app.callback(
        Output("whatif-parts", "data", allow_duplicate=True),
        Output("whatif-applied", "children"),
        Input({"type": "whatif-apply", "repair": ALL}, "n_clicks"),
        State("whatif-found", "data"),
        State("whatif-parts", "data"),
        prevent_initial_call=True,
    )(off_loop(apply, views))
