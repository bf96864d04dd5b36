"""Why an agent has a shift or a free day, and why a queue is short, as the page Roster tells it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from dash import Dash, Input, Output, State, html, no_update

from api.console import layout, words
from api.console.drafting import Shown
from api.console.loop import off_loop
from api.console.pages import rosterday
from api.console.pages.rostercell import Cell
from api.console.proposing import clock
from api.console.views import Views
from scheduling.why.gap import Gap
from scheduling.why.shift import Forbidden, Reason
from scheduling.why.trying import Option
from wfm.brands import Brand
from wfm.errors import WfmError
from wfm.rules import RULES
from wfm.timegrid import INTERVAL, floor_interval

MOST_OPTIONS = 5
MOST_RULES = 5
HINT = "Choose a moment on the chart to read why it is short, and what would cure it."


# -- a shift --------------------------------------------------------------------------------------


def why_day(reason: Reason, names: Mapping[str, str]) -> html.Div:
    """The reasons of an agent's day: in words, the next best shifts, the rules in the way."""
    parts: list[Any] = [html.P(with_names(reason.sentence, names), className="sentence")]
    if reason.lawful:
        rows = [_option(o) for o in reason.lawful[:MOST_OPTIONS]]
        parts += [
            html.H3("What else would keep every rule"),
            html.Dl(rows, className="alternatives"),
        ]
    if reason.forbidden:
        against = [html.Li(_rule(f)) for f in reason.forbidden[:MOST_RULES]]
        parts += [
            html.H3(f"What stands against the others, of {reason.tried} tried"),
            html.Ul(against, className="messages broken"),
        ]
    return html.Div(parts, className="why")


def _option(option: Option) -> html.Div:
    name = "A free day"
    if option.start_min is not None:
        name = f"{clock(option.start_min)} {option.template}"
    covers = f"covers {option.cost.covers_h:+.1f} h, costs {option.cost.total:+.1f}"
    return html.Div([html.Dt(name), html.Dd(covers)])


def _rule(forbidden: Forbidden) -> list[Any]:
    rule = RULES[forbidden.rule]
    return [
        f"{words.counted(forbidden.shifts, 'shift')}: {rule.says}; {forbidden.detail}.",
        html.Span(f"Way out: {forbidden.cure}.", className="under"),
    ]


def with_names(sentence: str, names: Mapping[str, str]) -> str:
    """The sentence with people's names where it has their ids.

    >>> with_names("a1 is off; next best is a10.", {"a1": "Ann", "a10": "Bo"})
    'Ann is off; next best is Bo.'
    """
    if not names:
        return sentence
    longest_first = sorted(map(re.escape, names), key=len, reverse=True)
    ids = re.compile(rf"(?<![\w-])({'|'.join(longest_first)})(?![\w-])")
    return ids.sub(lambda found: names[found.group()], sentence)


def told_day(views: Views, shown: Shown, cell: Cell) -> html.Div:
    """Why the chosen agent-day is as it is; WfmError where that cannot be told."""
    names = {a.agent_id: a.name for a in views.agents()}
    return why_day(views.drafting.why(shown.name, cell.agent_id, cell.day), names)


# -- a shortfall ----------------------------------------------------------------------------------


def why_short(gap: Gap, brand: Brand, names: Mapping[str, str]) -> html.Div:
    """Why a queue is short at a moment."""
    label = layout.queue_labels(brand).get(gap.queue, gap.queue)
    return html.Div(
        [
            html.H3(f"{label}, {words.moment(gap.start, brand.tz)}"),
            html.P(with_names(gap.sentence, names), className="sentence"),
        ],
        className="why",
    )


def clicked_at(clicked: dict[str, Any] | None, brand: Brand) -> datetime | None:
    """The moment of a clicked point, which the chart shows as a wall-clock time."""
    points = (clicked or {}).get("points") or []
    if not points:
        return None
    wall = datetime.fromisoformat(str(points[0]["x"]))
    return floor_interval(wall.replace(tzinfo=brand.tz).astimezone(UTC))


def told_short(
    views: Views, clicked: dict[str, Any] | None, choice: str, draft_id: int | None
) -> Any:
    """Why the chosen queue is short at the clicked moment; of all queues, the one shortest."""
    brand, shown = views.brand(), views.shown(draft_id)
    if brand is None or shown is None:
        return layout.GONE
    at = clicked_at(clicked, brand)
    if at is None:
        return no_update
    queue = choice
    if choice == layout.ALL_QUEUES:
        cover = rosterday.staffing_between(views, shown, brand, at, at + INTERVAL)
        if cover.empty:
            return html.P("The plan needs nobody then.", className="note")
        queue = str(cover.loc[(cover["required"] - cover["effective"]).idxmax(), "queue"])
    names = {a.agent_id: a.name for a in views.agents()}
    try:
        return why_short(views.drafting.why_short(shown.name, queue, at), brand, names)
    except WfmError as error:
        return layout.failure(error.message)


def register(app: Dash, views: Views) -> None:
    app.callback(
        Output("roster-short", "children"),
        Input("roster-coverage", "clickData"),
        State("roster-queue", "value"),
        State("roster-draft", "data"),
        prevent_initial_call=True,
    )(off_loop(told_short, views))
