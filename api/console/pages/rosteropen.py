"""Open shifts: those that would cure most of the shortfall, and who may take each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import ALL, Dash, Input, Output, State, ctx, html, no_update

from api.console import layout, words
from api.console.loop import off_loop
from api.console.views import Views
from scheduling.editing.openings import Opening
from scheduling.editing.takers import Taker
from wfm.brands import Brand
from wfm.errors import WfmError

TAB = "open"
MOST_TAKERS = 12
NOT_OPEN = -1


def panel() -> html.Div:
    return html.Div(
        [
            layout.card(
                "Open shifts",
                html.Div(id="roster-openings", role="status"),
                note="The shifts that would cure most of the shortfall, the most useful first.",
            ),
            layout.card(
                "Who may take it",
                html.Div(
                    html.P("Choose an open shift.", className="note"),
                    id="roster-takers",
                    role="status",
                ),
            ),
        ],
        className="columns level",
    )


def openings_list(openings: Sequence[Opening], brand: Brand) -> Any:
    """Each open shift with what it covers, and the button that asks who may take it."""
    if not openings:
        return html.P("No further shift would be worth its hours.", className="note")
    return html.Ul([_opening(n, o, brand) for n, o in enumerate(openings)], className="changes")


def _opening(number: int, opening: Opening, brand: Brand) -> html.Li:
    what = opening_words(opening, brand)
    labels = layout.queue_labels(brand)
    queues = ", ".join(labels.get(q, q) for q in opening.queues)
    return html.Li(
        [
            html.Div(
                [
                    html.Strong(what),
                    html.Span(
                        f"covers {opening.covers_hours:.1f} of {opening.paid_hours:g} paid hours "
                        f"in {queues}",
                        className="under",
                    ),
                ]
            ),
            html.Div(
                html.Button(
                    "Who?",
                    id={"type": "roster-opening", "number": number},
                    className="plain",
                    n_clicks=0,
                    **layout.named(f"Who may take {what}"),
                ),
                className="buttons",
            ),
        ]
    )


def opening_words(opening: Opening, brand: Brand) -> str:
    return f"{words.moment(opening.start, brand.tz)}, {opening.template}"


def takers_list(
    number: int, opening: Opening, takers: Sequence[Taker], names: Mapping[str, str], brand: Brand
) -> Any:
    """Who may take the open shift, those who may first."""
    title = html.H3(opening_words(opening, brand))
    if not takers:
        return [title, html.P("Nobody has the skill for it, or all are pinned that day.")]
    return [title, taker_rows(number, takers, names)]


def taker_rows(number: int, takers: Sequence[Taker], names: Mapping[str, str]) -> html.Div:
    """Who may take a shift, those who may first, each with a button.

    number  of the open shift in its list; NOT_OPEN: it is the chosen agent's
    """
    rows = [_taker(number, t, names) for t in takers[:MOST_TAKERS]]
    more = len(takers) - len(rows)
    return html.Div(
        [
            html.Ul(rows, className="changes takers"),
            html.P(f"And {more} more.", className="note") if more else None,
        ]
    )


def _taker(number: int, taker: Taker, names: Mapping[str, str]) -> html.Li:
    name = names.get(taker.agent_id, taker.agent_id)
    state = (
        layout.badge("may take it", "good")
        if taker.may
        else layout.badge(f"breaks {words.counted(len(taker.broken), 'rule')}", "bad")
    )
    told = f"{rules_of(taker)}; costs {taker.cost:.1f}"
    if taker.may:
        told = "; ".join([f"costs {taker.cost:.1f}", *taker.reasons])
    return html.Li(
        [
            html.Div([html.Strong(name), state, html.Span(told, className="under")]),
            html.Div(
                html.Button(
                    "Give",
                    id={"type": "roster-take", "agent": taker.agent_id, "number": number},
                    className="plain",
                    n_clicks=0,
                    **layout.named(f"Give it to {name}"),
                ),
                className="buttons",
            ),
        ]
    )


def rules_of(one: Any) -> str:
    """Names of the rules that something breaks, each once."""
    return ", ".join(dict.fromkeys(v.rule.replace("_", " ") for v in one.broken))


def listed(views: Views, tab: str, revision: int | None, draft_id: int | None) -> Any:
    """The open shifts of the draft, while they are looked at."""
    if tab != TAB:
        return no_update
    del revision
    brand = views.brand()
    if brand is None:
        return layout.GONE
    if draft_id is None:
        return html.P("Open a draft to fill open shifts.", className="note")
    return openings_list(views.drafting.openings(draft_id), brand)


def asked(views: Views, presses: Any, draft_id: int | None) -> Any:
    """Who may take the open shift whose button was pressed."""
    del presses
    trigger = ctx.triggered_id
    if not trigger or not ctx.triggered[0]["value"] or draft_id is None:
        return no_update
    return who_may_take(views, draft_id, int(trigger["number"]))


def who_may_take(views: Views, draft_id: int, number: int) -> Any:
    brand = views.brand()
    openings = views.drafting.openings(draft_id)
    if brand is None or number >= len(openings):
        return html.P("The open shifts have changed; choose again.", className="note")
    opening = openings[number]
    names = {a.agent_id: a.name for a in views.agents()}
    try:
        found = views.drafting.takers(draft_id, opening)
    except WfmError as error:
        return layout.failure(error.message)
    return takers_list(number, opening, found, names, brand)


def register(app: Dash, views: Views) -> None:
    app.callback(
        Output("roster-openings", "children"),
        Input("roster-tab", "value"),
        Input("roster-drawn", "data"),
        State("roster-draft", "data"),
    )(off_loop(listed, views))
    app.callback(
        Output("roster-takers", "children"),
        Input({"type": "roster-opening", "number": ALL}, "n_clicks"),
        State("roster-draft", "data"),
        prevent_initial_call=True,
    )(off_loop(asked, views))
