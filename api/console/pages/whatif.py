"""What-if: a spike rehearsed on the published roster, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from dash import Dash, Input, Output, State, dcc, html

from api.console import layout, series, spans, words
from api.console.charts import look
from api.console.charts import whatif as charts
from api.console.loop import off_loop
from api.console.views import PlanView, Views
from api.planning.whatif import Spike, WhatIfResult
from wfm.brands import Brand
from wfm.errors import RequestError, WfmError
from wfm.timegrid import local_day

DEFAULT_START = "18:00"
RUN = "Rehearse the spike"
QUARTERS = [f"{hour:02d}:{minute:02d}" for hour in range(24) for minute in (0, 15, 30, 45)]


def page(views: Views, brand: Brand, plan: PlanView) -> Any:
    if plan.state != "published":
        return layout.empty(
            "No published roster yet",
            f"A spike is rehearsed on the roster in force. Plan {plan.plan_id} is a draft; "
            "publish it first.",
            f"wfm publish {plan.plan_id}",
        )
    return html.Div(
        [
            layout.heading("What-if", layout.plan_note(plan, brand)),
            html.Div(
                [
                    form(plan, brand, local_day(views.now().instant, brand.tz)),
                    dcc.Loading(
                        html.Div(placeholder(), id="whatif-result", role="status"),
                        type="circle",
                        color=look.ACCENT,
                        delay_show=150,
                        parent_className="results",
                        overlay_style={"visibility": "visible", "opacity": 0.35},
                    ),
                ],
                className="aside",
            ),
        ],
        className="page",
    )


def placeholder() -> html.Section:
    return layout.card(
        "A spike on the published roster",
        html.P(
            "Say what comes and when. The roster of that day is simulated with and without the "
            "spike, on the same sampled days, so that the difference is the spike's own."
        ),
        className="empty",
    )


def form(plan: PlanView, brand: Brand, today: date) -> html.Section:
    days = spans.plan_days(plan.start, plan.end, brand.tz)
    day = today if today in days else days[0]
    labels = layout.queue_labels(brand)
    first = brand.queues[0].name
    return layout.card(
        "The spike",
        layout.field(
            "Queues it reaches",
            layout.select(
                "whatif-queues",
                [{"label": text, "value": name} for name, text in labels.items()],
                [first],
                multi=True,
            ),
        ),
        html.Div(
            [
                layout.field(
                    "Day",
                    layout.select(
                        "whatif-day",
                        [{"label": words.day_name(d), "value": d.isoformat()} for d in days],
                        day.isoformat(),
                    ),
                ),
                layout.field("Starts at", layout.select("whatif-time", QUARTERS, DEFAULT_START)),
            ],
            className="pair",
        ),
        html.Div(
            [
                layout.field("Length, minutes", _number("whatif-length", 120, 5, 1440, 5)),
                layout.field("Volume factor", _number("whatif-factor", 3, 0, 50, 0.1)),
            ],
            className="pair",
        ),
        layout.field(
            "Half-life of the decay, minutes", _number("whatif-half-life", 60, 5, 1440, 5)
        ),
        html.P(
            "The volume is the factor times the usual while the spike lasts; afterwards the "
            "excess fades by half every half-life.",
            className="note",
        ),
        html.Button(RUN, id="whatif-run", className="primary", n_clicks=0),
        className="form",
    )


def _number(id_: str, value: float, low: float, high: float, step: float) -> dcc.Input:
    return dcc.Input(id=id_, type="number", value=value, min=low, max=high, step=step)


@dataclass(frozen=True)
class Form:
    """What the browser sends: a local day and time, and numbers that may be missing."""

    queues: Sequence[str]
    day: str
    at: str
    length_min: float | None
    factor: float | None
    half_life_min: float | None


def spike_of(brand: Brand, form: Form) -> Spike:
    """The form's values as a Spike; RequestError for what is missing."""
    if not form.queues:
        raise RequestError("no queue is chosen; choose at least one that the spike reaches")
    if form.length_min is None or form.factor is None or form.half_life_min is None:
        raise RequestError(
            "a number is missing or out of its range; the length and the half-life are 5 to 1440 "
            "minutes in steps of 5, the factor is 0 to 50 in tenths"
        )
    day, at = date.fromisoformat(form.day), time.fromisoformat(form.at)
    return Spike(
        queues=tuple(form.queues),
        start=datetime.combine(day, at, tzinfo=brand.tz).astimezone(UTC),
        length_min=int(form.length_min),
        factor=float(form.factor),
        half_life_min=float(form.half_life_min),
    )


def rehearse(views: Views, *, clicks: int, **values: Any) -> Any:
    """The result of the form, or the error in words."""
    brand = views.brand()
    if not clicks or brand is None:
        return placeholder()
    try:
        spike = spike_of(brand, Form(**values))
        result = views.what_if(date.fromisoformat(values["day"]), spike)
    except WfmError as error:
        return layout.failure(error.message)
    return shown(result, spike, brand)


def shown(result: WhatIfResult, spike: Spike, brand: Brand) -> Any:
    """Figures, both curves, and a line a queue."""
    zone = brand.tz
    together = result.table[result.table["queue"] == series.ALL]
    goal = brand.queue(spike.queues[0]).promise.share
    span = (spike.start, spike.start + timedelta(minutes=spike.length_min))
    return html.Div(
        [
            html.Div(result_tiles(result, brand.tz), className="tiles"),
            layout.card(
                "Answered in time, all queues",
                layout.graph(
                    "whatif-attainment",
                    "Chart of attainment before and with the spike",
                    charts.attainment_chart(together, zone=zone, goal=goal, spike=span),
                    height=charts.ATTAINMENT_HEIGHT,
                ),
            ),
            layout.card(
                "Backlog, all queues",
                layout.graph(
                    "whatif-backlog",
                    "Chart of cases waiting before and with the spike",
                    charts.backlog_chart(together, zone=zone, spike=span),
                    height=charts.BACKLOG_HEIGHT,
                ),
            ),
            layout.card("By queue", queue_table(result.table, brand)),
        ],
        className="page",
    )


def result_tiles(result: WhatIfResult, zone: ZoneInfo) -> list[Any]:
    before, after = result.worst_before, result.worst_after
    recovered = result.recovered_at
    return [
        layout.tile(
            "Worst backlog",
            f"{words.number(before.backlog)} → {words.number(after.backlog)}",
            f"messages waiting, {words.moment(after.at, zone)}",
        ),
        layout.tile(
            "Answered in time",
            words.percent(result.attainment_after),
            f"{words.percent(result.attainment_before)} without the spike",
        ),
        layout.tile(
            "Recovered",
            words.clock_time(recovered, zone) if recovered else "Not yet",
            f"{words.day_name(local_day(recovered, zone))}, on time as without the spike"
            if recovered
            else "by the end of what is simulated",
        ),
        layout.tile(
            "Added contacts", words.number(result.added_contacts), "on the average sampled day"
        ),
        layout.tile(
            "Simulated in", f"{result.seconds:.1f} s", f"{result.replications} days, twice"
        ),
    ]


def queue_table(table: pd.DataFrame, brand: Brand) -> html.Table:
    """Lowest attainment and worst mean backlog of each queue, before and with the spike."""
    head = ("Queue", "Lowest attainment", "with the spike", "Worst backlog", "with the spike")
    rows = []
    for queue, label in layout.queue_labels(brand).items():
        own = table[table["queue"] == queue]
        if own.empty:
            continue
        rows.append(
            html.Tr(
                [
                    html.Th(label, scope="row"),
                    html.Td(words.percent(own["attainment_before"].min()), className="figure"),
                    html.Td(words.percent(own["attainment_after"].min()), className="figure"),
                    html.Td(
                        words.number(own["backlog_before"].max(), digits=1), className="figure"
                    ),
                    html.Td(words.number(own["backlog_after"].max(), digits=1), className="figure"),
                ]
            )
        )
    return html.Table(
        [html.Thead(html.Tr([html.Th(h, scope="col") for h in head])), html.Tbody(rows)],
        className="goals",
    )


def register(app: Dash, views: Views) -> None:
    app.callback(
        output=Output("whatif-result", "children"),
        inputs={"clicks": Input("whatif-run", "n_clicks")},
        state={
            "queues": State("whatif-queues", "value"),
            "day": State("whatif-day", "value"),
            "at": State("whatif-time", "value"),
            "length_min": State("whatif-length", "value"),
            "factor": State("whatif-factor", "value"),
            "half_life_min": State("whatif-half-life", "value"),
        },
        running=[
            (Output("whatif-run", "disabled"), True, False),
            (Output("whatif-run", "children"), "Simulating …", RUN),
        ],
        prevent_initial_call=True,
    )(off_loop(rehearse, views))
