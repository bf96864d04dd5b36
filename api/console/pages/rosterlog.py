"""The history of a draft: who changed what and why, and how it differs from the plan's roster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import Dash, Input, Output, State, html, no_update

from api.console import layout, words
from api.console.drafting import Shown
from api.console.loop import off_loop
from api.console.views import Views
from api.planning.drafts import changes_in
from scheduling.editing.changes import Change, told
from wfm.brands import Brand
from wfm.store.drafts import EditRow

TAB = "changes"
SHOWN_CHANGES = 60
KINDS = {
    "resolve": "Solved anew",
    "repair": "Repaired after an absence",
    "move_break": "Moved a break",
    "assign": "Assigned",
    "drop": "Dropped",
    "move": "Moved",
    "lengthen": "Changed the length",
    "swap": "Swapped",
    "give": "Given away",
    "activity": "Put in an activity",
    "pin": "Pinned",
    "unpin": "Unpinned",
}


def panel() -> html.Div:
    return html.Div(
        [
            layout.card(
                "History of the draft",
                html.Div(id="roster-history", role="status"),
                note="Every edit with who made it and why; those undone are struck out.",
            ),
            layout.card(
                "Compared with the plan's roster",
                html.Div(id="roster-difference", role="status"),
            ),
        ],
        className="columns level",
    )


def history(edits: Sequence[EditRow], brand: Brand, names: Mapping[str, str]) -> Any:
    """The draft's edits, the newest first."""
    if not edits:
        return html.P("Nothing has been changed in this draft yet.", className="note")
    return html.Ul([_edit(e, brand, names) for e in reversed(edits)], className="changes edits")


def _edit(edit: EditRow, brand: Brand, names: Mapping[str, str]) -> html.Li:
    changes = changes_in(edit)
    what = [change_words(c, brand, names) for c in changes[:3]]
    if len(changes) > len(what):
        what.append(f"and {len(changes) - len(what)} more")
    who = f"{edit.actor}, {words.moment(edit.at, brand.tz)}"
    return html.Li(
        html.Div(
            [
                html.Strong(f"{edit.seq}. {kind_words(edit.kind)}"),
                layout.badge("undone", "plain") if edit.undone else None,
                *(html.Span(line, className="under effect") for line in what),
                html.Span(f"{edit.reason} ({who})" if edit.reason else who, className="under"),
            ]
        ),
        className="undone" if edit.undone else "",
    )


def kind_words(kind: str) -> str:
    return KINDS.get(kind, kind.replace("_", " ").capitalize())


def change_words(change: Change, brand: Brand, names: Mapping[str, str]) -> str:
    """The change with the agent's name."""
    own = told(change, brand.tz)
    return names.get(change.agent_id, change.agent_id) + own.removeprefix(change.agent_id)


def compared(changes: Sequence[Change], brand: Brand, names: Mapping[str, str]) -> Any:
    """What differs, agent-day by agent-day."""
    if not changes:
        return html.P("They are the same.", className="note")
    agents = len({c.agent_id for c in changes})
    rows = [html.Li(change_words(c, brand, names)) for c in changes[:SHOWN_CHANGES]]
    if len(changes) > len(rows):
        rows.append(html.Li(f"and {len(changes) - len(rows)} more"))
    told_days = f"{words.counted(len(changes), 'day')} of {words.counted(agents, 'agent')}"
    return [html.P(f"{told_days} changed."), html.Ul(rows, className="messages")]


def listed(views: Views, tab: str, revision: int | None, draft_id: int | None) -> tuple[Any, Any]:
    """History and comparison of the draft, while they are looked at."""
    if tab != TAB:
        return no_update, no_update
    del revision
    brand, shown = views.brand(), views.shown(draft_id)
    if brand is None or shown is None:
        return layout.GONE, layout.GONE
    return told_of(shown, brand, {a.agent_id: a.name for a in views.agents()})


def told_of(shown: Shown, brand: Brand, names: Mapping[str, str]) -> tuple[Any, Any]:
    if shown.draft is None:
        nothing = html.P("Open a draft to change the roster.", className="note")
        return nothing, nothing
    return history(shown.draft.edits, brand, names), compared(shown.changes, brand, names)


def register(app: Dash, views: Views) -> None:
    app.callback(
        Output("roster-history", "children"),
        Output("roster-difference", "children"),
        Input("roster-tab", "value"),
        Input("roster-drawn", "data"),
        State("roster-draft", "data"),
    )(off_loop(listed, views))
