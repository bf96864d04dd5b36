"""The panel of the open case: what it is, and what can be done with it."""

from __future__ import annotations

import hashlib
from typing import Any

from dash import Dash, Input, Output, State, html, no_update

from api.console import layout
from api.console.loop import off_loop
from api.console.pages import queuecase, queueforms
from api.console.pages.queueforms import LEAD
from api.console.queueing import Opened
from api.console.views import Views
from wfm.errors import WfmError

NOTHING_OPEN = "Open a case, or claim the next."


def panel() -> html.Section:
    """The panel before a case is opened."""
    return html.Section(
        [
            html.Div(html.P(NOTHING_OPEN, className="note"), id="queue-told", role="status"),
            html.Div(id="queue-acts"),
        ],
        id="queue-panel",
        className="card panel",
    )


def drawn(
    views: Views,
    *,
    case_id: int | None,
    person: str | None,
    seen: dict[str, str],
    asked: Any = None,
) -> dict[str, Any]:
    """The open case and its forms, as far as they have changed since they were drawn.

    The forms stay while what can be done stays: nobody's half-written answer is lost because a
    message came. Both are told together, since of two requests that overtake each other only the
    last one's answer is shown.
    """
    del asked  # by the page's beat, or because something was done
    if case_id is None:
        return _nothing(seen)
    try:
        opened = views.queueing.opened(case_id)
    except WfmError as error:
        return {"told": layout.failure(error.message), "acts": "", "seen": {}}
    acts_as = person or LEAD
    tags = {"told": _tag(opened), "acts": _standing(opened, acts_as)}
    shown: dict[str, Any] = {"told": no_update, "acts": no_update, "seen": no_update}
    if tags == seen:
        return shown
    brand = views.queueing.brand()
    if tags["told"] != seen.get("told"):
        shown["told"] = queuecase.told(opened, brand, views.queueing.names())
    if tags["acts"] != seen.get("acts"):
        people = views.queueing.people()
        shown["acts"] = queueforms.forms(opened.case, opened.open_tasks, brand, people, acts_as)
    return {**shown, "seen": tags}


def _nothing(seen: dict[str, str]) -> dict[str, Any]:
    if not seen:
        return {"told": no_update, "acts": no_update, "seen": no_update}
    return {"told": html.P(NOTHING_OPEN, className="note"), "acts": "", "seen": {}}


def _tag(opened: Opened) -> str:
    """Of a case, all but the instant at which it was looked at."""
    parts = (opened.case, opened.messages, opened.events, opened.clocks, opened.tasks)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _standing(opened: Opened, person: str) -> str:
    """What decides which forms there are."""
    case = opened.case
    tasks = [task.task_id for task in opened.open_tasks]
    return f"{case.case_id} {case.state} {case.agent_id} {case.queue} {tasks} {person}"


def register(app: Dash, views: Views) -> None:
    app.callback(
        output={
            "told": Output("queue-told", "children"),
            "acts": Output("queue-acts", "children"),
            "seen": Output("queue-panel-seen", "data"),
        },
        inputs={
            "case_id": Input("queue-case", "data"),
            "person": Input("queue-person", "value"),
            "asked": [Input("queue-beat", "data"), Input("queue-done", "data")],
            "seen": State("queue-panel-seen", "data"),
        },
    )(off_loop(drawn, views))
    app.clientside_callback(  # type: ignore[no-untyped-call]
        "function (told, id) { return dash_clientside.queue.shown(told, id); }",
        Output("queue-panel", "title"),
        Input("queue-told", "children"),
        State("queue-case", "data"),
        prevent_initial_call=True,
    )
