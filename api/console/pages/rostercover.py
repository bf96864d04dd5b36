"""How well the roster covers what is needed, on the page Roster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from dash import Dash, Input, Output, State, html

from api.console import layout, series, spans, words
from api.console.charts import look
from api.console.charts import plan as charts
from api.console.loop import off_loop
from api.console.pages import rosterday, rosterwhy
from api.console.views import Views
from scheduling.rostering.savings import saving_in_words
from wfm.brands import Brand
from wfm.timegrid import parse_instant

COLUMNS = ["scheduled", "effective", "required"]


def card(
    brand: Brand, days: list[date], week: str, savings: Sequence[Mapping[str, Any]] = ()
) -> html.Section:
    """Coverage over time, and where one more agent-hour would save most.

    savings  of the plan's summary
    """
    queues = layout.select("roster-queue", layout.queue_options(brand), layout.ALL_QUEUES)
    day = layout.select("roster-day", spans.day_options(days, week), spans.WHOLE_WEEK)
    return layout.card(
        "Coverage",
        html.Div(
            [layout.field("Queue", queues), layout.field("Day", day)], className="controls left"
        ),
        layout.graph(
            "roster-coverage",
            "Chart of scheduled and required agents",
            height=charts.COVER_HEIGHT,
        ),
        html.Div(html.P(rosterwhy.HINT, className="note"), id="roster-short", role="status"),
        _saved(savings, brand),
        note="Agents on queue, without those in a break, beside those needed.",
    )


def _saved(savings: Sequence[Mapping[str, Any]], brand: Brand) -> html.Details | None:
    """The hours in which one more agent-hour saves most, in words; None where none does."""
    if not savings:
        return None
    rows = [
        html.Li(
            f"{words.moment(parse_instant(str(row['start'])), brand.tz)}: "
            f"{saving_in_words(str(row['queues']), float(row['saves']))}"
        )
        for row in savings
    ]
    told = "By the prices of the shift mix, where a paid hour costs 1 and an hour short more."
    return html.Details(
        [
            html.Summary("Where one more agent-hour saves most"),
            html.Ul(rows, className="messages"),
            html.P(told, className="note"),
        ]
    )


def figure(
    views: Views,
    *,
    choice: str,
    week: str,
    day: str,
    revision: int | None = None,
    draft_id: int | None = None,
) -> Any:
    """Coverage of the chosen queue on the chosen day or week."""
    del revision
    brand, shown = views.brand(), views.shown(draft_id)
    if brand is None or shown is None:
        return look.nothing(layout.GONE)
    queue = series.ALL if choice == layout.ALL_QUEUES else choice
    days = spans.plan_days(shown.start, shown.end, brand.tz)
    start, end = spans.instants(spans.chosen_days(days, week, day), brand.tz)
    cover = rosterday.staffing_between(views, shown, brand, start, end)
    return charts.coverage_chart(series.of_queue(cover, queue, COLUMNS), zone=brand.tz)


def days_for(
    views: Views, week: str, draft_id: int | None = None
) -> tuple[list[dict[str, str]], str, dict[str, Any]]:
    """The day choices of a week, the whole week chosen, and the grid scrolled to its first day."""
    brand, shown = views.brand(), views.shown(draft_id)
    if brand is None or shown is None:
        return [], spans.WHOLE_WEEK, {}
    days = spans.plan_days(shown.start, shown.end, brand.tz)
    first = spans.days_of_week(days, week)[0]
    return (
        spans.day_options(days, week),
        spans.WHOLE_WEEK,
        {"column": first.isoformat(), "columnPosition": "start"},
    )


def register(app: Dash, views: Views) -> None:
    app.callback(
        Output("roster-day", "options"),
        Output("roster-day", "value"),
        Output("roster-grid", "scrollTo"),
        Input("roster-week", "value"),
        State("roster-draft", "data"),
        prevent_initial_call=True,
    )(off_loop(days_for, views))
    app.callback(
        Output("roster-coverage", "figure"),
        inputs={
            "choice": Input("roster-queue", "value"),
            "week": Input("roster-week", "value"),
            "day": Input("roster-day", "value"),
            "revision": Input("roster-drawn", "data"),
            "draft_id": State("roster-draft", "data"),
        },
    )(off_loop(figure, views))
