"""Why this many: one interval of a queue, each need beside the others, and what would ease it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd
from dash import Dash, Input, Output, State, ctx, dcc, html

from api.console import layout, needed, series, steps, words
from api.console.charts import look as drawing
from api.console.charts import requirement as charts
from api.console.charts.plan import BINDING_WORDS
from api.console.loop import off_loop
from api.console.pages import looser
from api.console.pages.reasons import clicked_instant
from api.console.views import Views
from wfm.brands import Brand
from wfm.errors import WfmError
from wfm.frames import NEEDS
from wfm.timegrid import INTERVAL, format_instant, local_day, parse_instant

NAMES = {column: column.removeprefix("need_") for column in NEEDS}
BINDING_OF = {"follow": "follow_up"}
ABSENT = "The plan does not hold this time; choose one of its days."
SHUT = "The queue is shut at this time: nobody is needed."
ONE_QUEUE = "Choose one queue to see each need beside the others."


def card() -> html.Section:
    return layout.card(
        "Why this many",
        html.Div(
            [
                layout.field("Day", layout.select("needs-day", [], None)),
                layout.field("From", layout.select("needs-time", [], None)),
            ],
            className="controls left",
        ),
        html.Div(
            [
                html.Div(
                    [
                        layout.graph(
                            "needs-chart",
                            "Chart of the agents that each constraint asks for",
                            height=charts.NEEDS_HEIGHT,
                        ),
                        html.Div(id="needs-agents", className="scroll"),
                    ],
                    className="column",
                ),
                html.Div(
                    [
                        html.Div(id="needs-facts", role="status"),
                        dcc.Loading(
                            html.Div(id="needs-why", role="status"),
                            type="circle",
                            color=drawing.ACCENT,
                            delay_show=150,
                            parent_className="results",
                            overlay_style={"visibility": "visible", "opacity": 0.35},
                        ),
                    ],
                    className="column",
                ),
            ],
            className="split",
        ),
        note="What each constraint alone asks for; the largest decides. Click a bar above, or "
        "choose a day and a time.",
    )


# -- which interval ------------------------------------------------------------------------------


def choose(
    views: Views,
    *,
    trigger: str | None,
    clicked: dict[str, Any] | None,
    on: str | None,
    held: str | None,
    **choices: str,
) -> tuple[Any, ...]:
    """Days, times and the chosen interval after a click, a choice of day or another look.

    trigger  id of the component that changed

    Gives day options, day, time options, time. What is chosen first is now; the busiest interval
    where now is not looked at or nobody is needed.
    """
    brand, plan = views.brand(), views.plan()
    if brand is None or plan is None:
        return [], None, [], None
    look = needed.look_at(brand, plan, choices)
    wanted = parse_instant(held) if held else views.now().instant
    if trigger == "requirement-chart":
        wanted = clicked_instant(clicked) or wanted
    elif trigger == "needs-day" and on:
        wanted = needed.same_time_on(wanted, date.fromisoformat(on), brand)
    rows = needed.rows_of(plan, look)
    pointed_at = trigger in ("requirement-chart", "needs-day")
    keep = pointed_at or needed.is_needed(rows, wanted)
    at = needed.chosen_interval(rows, look, wanted if keep else None)
    if at is None:
        return [], None, [], None
    own = local_day(at, brand.tz)
    return (
        needed.day_options(look),
        own.isoformat(),
        steps.options_of(own, "15min", brand.tz),
        format_instant(at),
    )


def answer(views: Views, **given: Any) -> tuple[Any, ...]:
    """`choose`, told by Dash what changed."""
    return choose(views, trigger=ctx.triggered_id, **given)


# -- what the table knows ------------------------------------------------------------------------


def draw(views: Views, *, at: str | None, **choices: str) -> tuple[Any, Any, Any]:
    """The needs as a chart, what an agent more or fewer does, and the figures, at once.

    Of all queues together: a line a queue.
    """
    brand, plan = views.brand(), views.plan()
    if brand is None or plan is None:
        return drawing.nothing(ABSENT), "", ""
    look = needed.look_at(brand, plan, choices)
    rows = needed.at_interval(needed.rows_of(plan, look), at)
    if rows.empty:
        return drawing.nothing(ABSENT), "", ""
    if look.queue == series.ALL:
        return drawing.nothing(ONE_QUEUE), "", queue_lines(rows, brand)
    (row,) = rows.to_dict("records")
    if row["agents"] == 0:
        return drawing.nothing(SHUT), "", facts(row, brand)
    return needs_figure(row), agents_table(row), facts(row, brand)


def needs_figure(row: Mapping[Any, Any]) -> Any:
    """What each constraint asks for; after a rehearsal that raised it, what that asked for too."""
    asked = {BINDING_OF.get(name, name): float(row[column]) for column, name in NAMES.items()}
    if row["binding"] == "rehearsal":
        asked["rehearsal"] = float(row["agents_exact"])
    return charts.needs_chart(asked, binding=str(row["binding"]), agents=float(row["agents"]))


def facts(row: Mapping[Any, Any], brand: Brand) -> Any:
    """The interval in figures."""
    start = row["start"].to_pydatetime()
    span = f"{words.moment(start, brand.tz)}–{words.clock_time(start + INTERVAL, brand.tz)}"
    name = needed.named(brand, str(row["queue"]))
    agents, planned = int(row["agents"]), float(row["workload"] * row["factor"])
    lines = [
        ("Expected workload", erlangs(row["workload"])),
        ("First replies in it", erlangs(row["first_workload"])),
        (f"Load of the {needed.risk_words(brand.planning)}", erlangs(planned)),
        ("Agents, exactly", words.number(row["agents_exact"], digits=2)),
    ]
    return [
        html.H3(f"{name}, {span}: {agents_words(agents)} needed"),
        html.Dl([html.Div([html.Dt(what), html.Dd(value)]) for what, value in lines]),
    ]


def agents_words(agents: int) -> str:
    """
    >>> agents_words(1), agents_words(12)
    ('1 agent', '12 agents')
    """
    return f"{words.number(agents)} agent{'' if agents == 1 else 's'}"


def erlangs(load: float) -> str:
    return f"{words.number(load, digits=2)} erlangs"


def agents_table(row: Mapping[Any, Any]) -> Any:
    """First replies in time with one agent fewer, with as many as needed, and with one more."""
    agents = int(row["agents"])
    cells = [
        (max(agents - 1, 0), row["attainment_less"], ""),
        (agents, row["attainment"], words.band(row["attainment_low"], row["attainment_high"])),
        (agents + 1, row["attainment_more"], ""),
    ]
    return html.Table(
        [
            html.Caption("First replies in time, expected over the days; P10–P90 below"),
            html.Thead(
                html.Tr(
                    [
                        html.Th(agents_words(count), scope="col", className="figure")
                        for count, _, _ in cells
                    ]
                )
            ),
            html.Tbody(
                html.Tr(
                    [
                        html.Td(
                            [words.percent(share), html.Span(band, className="under")],
                            className="figure",
                        )
                        for _, share, band in cells
                    ]
                )
            ),
        ],
        className="goals agents",
    )


def queue_lines(rows: pd.DataFrame, brand: Brand) -> Any:
    """Each queue's agents at the interval, and what binds them."""
    head = ("Queue", "Workload", "Agents", "Binds", "In time")
    by_name = {str(row["queue"]): row for row in rows.to_dict("records")}
    return html.Table(
        [
            html.Thead(html.Tr([html.Th(text, scope="col") for text in head])),
            html.Tbody(
                [
                    html.Tr(
                        [
                            html.Th(label, scope="row"),
                            html.Td(erlangs(row["workload"]), className="figure"),
                            html.Td(words.number(row["agents"]), className="figure"),
                            html.Td(BINDING_WORDS[str(row["binding"])] if row["agents"] else "–"),
                            html.Td(words.percent(row["attainment"]), className="figure"),
                        ]
                    )
                    for name, label in layout.queue_labels(brand).items()
                    if (row := by_name.get(name)) is not None
                ]
            ),
        ],
        className="goals",
    )


# -- what has to be computed ---------------------------------------------------------------------


def explain(views: Views, *, at: str | None, **choices: str) -> Any:
    """The interval in a sentence, and what looser rules would save."""
    brand, plan = views.brand(), views.plan()
    if brand is None or plan is None or not at:
        return ""
    look = needed.look_at(brand, plan, choices)
    rows = needed.at_interval(needed.rows_of(plan, look), at)
    if look.queue == series.ALL or not rows["agents"].any():
        return ""
    try:
        found = views.promises.explain(plan.plan_id, look.queue, parse_instant(at))
    except WfmError as error:
        return layout.failure(error.message)
    return looser.told(found)


def register(app: Dash, views: Views) -> None:
    look = {name: Input(f"requirement-{name}", "value") for name in ("queue", "week", "day")}
    app.callback(
        output=(
            Output("needs-day", "options"),
            Output("needs-day", "value"),
            Output("needs-time", "options"),
            Output("needs-time", "value"),
        ),
        inputs={
            "clicked": Input("requirement-chart", "clickData"),
            "on": Input("needs-day", "value"),
            "held": State("needs-time", "value"),
            **look,
        },
    )(off_loop(answer, views))
    asked = {
        "at": Input("needs-time", "value"),
        "queue": Input("requirement-queue", "value"),
        "week": State("requirement-week", "value"),
        "day": State("requirement-day", "value"),
    }
    app.callback(
        output=(
            Output("needs-chart", "figure"),
            Output("needs-agents", "children"),
            Output("needs-facts", "children"),
        ),
        inputs=asked,
    )(off_loop(draw, views))
    app.callback(output=Output("needs-why", "children"), inputs=asked)(off_loop(explain, views))
