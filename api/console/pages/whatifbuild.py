"""Building a spike on the page What-if: the chart that is dragged, sliders, and what else holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, ctx, dcc, html, no_update

from api.console import layout, spans, whatifform, whatifwords, words
from api.console.charts import whatifbuild as charts
from api.console.loop import off_loop
from api.console.views import PlanView, Views
from api.console.whatifform import OWN, SPIKE, USUAL, Form, Part
from wfm.brands import Brand
from wfm.errors import WfmError
from wfm.timegrid import local_midnight

# What is asked about, in the order in which the browser names it (`NAMES` of whatif.js).
ASKED = (
    "day", "queues", "start", "length", "factor", "half_life", "rise", "added", "cause",
    "handling", "absent", "extra", "automatic", "spike", "acts",
)  # fmt: skip
DRAWN = ("queues", "start", "length", "factor", "half_life", "rise", "added")
SET_BY_PRESET = ("length", "factor", "half_life", "rise", "added", "handling", "absent", "extra")
LABELS = ("start", "length", "factor", "half_life")


def control(name: str) -> str:
    """The id of a control."""
    return f"whatif-{name.replace('_', '-')}"


def card(brand: Brand, plan: PlanView, form: Form, parts: Sequence[Part]) -> html.Section:
    """The chart with its sliders, and below what else holds."""
    return layout.card(
        "The spike",
        html.Div([*_choices(brand, plan, form)], className="controls left"),
        html.P("", id="whatif-because", className="note", role="status"),
        html.Div(
            [
                html.Div(
                    dcc.Graph(
                        id="whatif-build",
                        figure=charts.frame(),
                        config=charts.CONFIG,
                        style={"height": f"{charts.HEIGHT}px"},
                    ),
                    role="figure",
                    className="chart",
                    **layout.named("Chart of the usual volume with the spike on top of it"),
                ),
                html.Div(_sliders(form), className="sliders"),
            ],
            className="build",
        ),
        html.Details(
            [html.Summary("More: handling time, absence, people, policy"), _further(form)],
            className="form",
            open=form.more,
        ),
        html.Div(id="whatif-beside"),
        dcc.Store(id="whatif-usual"),
        dcc.Store(id="whatif-asked"),
        dcc.Store(id="whatif-parts", data=list(parts)),
        note="Move the dashed rectangle to another time, pull its edges to make it longer or "
        "higher, or use the sliders.",
    )


def _choices(brand: Brand, plan: PlanView, form: Form) -> list[Any]:
    days = spans.plan_days(plan.start, plan.end, brand.tz)
    labels = layout.queue_labels(brand)
    causes = [{"label": "As set below", "value": OWN}]
    causes += [{"label": text, "value": cause} for cause, text in whatifwords.CAUSES.items()]
    return [
        layout.field(
            "Queues it reaches",
            layout.select(
                control("queues"),
                [{"label": text, "value": name} for name, text in labels.items()],
                list(form.queues),
                multi=True,
            ),
            wide=True,
        ),
        layout.field(
            "Day",
            layout.select(
                control("day"),
                [{"label": words.day_name(d), "value": d.isoformat()} for d in days],
                form.day,
            ),
        ),
        layout.field(
            "Like a typical", layout.select(control("cause"), causes, form.values()["cause"])
        ),
    ]


def _sliders(form: Form) -> list[Any]:
    most = whatifform
    return [
        _slider("start", form.start, 0, 95, 1),
        _slider("length", form.length, 5, max(most.LENGTH_MIN, form.length), 5),
        _slider("factor", form.factor, 0, max(most.FACTOR_MAX, form.factor), 0.1),
        _slider("half_life", form.half_life, 1, max(most.HALF_LIFE_MIN, form.half_life), 1),
    ]


def _slider(name: str, value: float, low: float, high: float, step: float) -> html.Div:
    """A slider that tells its value while it moves; the browser writes its label."""
    return html.Div(
        [
            html.Span("", id=f"{control(name)}-told", className="label"),
            dcc.Slider(
                id=control(name),
                min=low,
                max=high,
                step=step,
                value=value,
                marks=None,
                updatemode="drag",
                included=False,
                allow_direct_input=False,
            ),
        ],
        className="slide",
    )


def _further(form: Form) -> html.Div:
    """What else holds while the spike lasts."""
    return html.Div(
        [
            html.Div(
                [
                    _number("Rise, minutes", "rise", form.rise, (0, 1440), 5),
                    _number("Added contacts", "added", form.added, (0, 1_000_000), 1),
                    _number("Handling time, % of usual", "handling", form.handling, (5, 2000), 1),
                    _number("People absent, %", "absent", form.absent, (0, 100), 1),
                    _number("Extra people", "extra", form.extra, (0, 500), 1),
                    _number("Answered automatically, %", "automatic", form.automatic, (0, 100), 1),
                    _number("Acted on after, minutes", "acts", form.acts, (-10_080, 10_080), 5),
                    layout.field(
                        "Order of the queue",
                        layout.select(
                            control("spike"),
                            [
                                {"label": "As it is", "value": USUAL},
                                {"label": "Spike mode", "value": SPIKE},
                            ],
                            form.values()["spike"],
                        ),
                    ),
                ],
                className="many",
            ),
            html.P(
                "These hold from the spike's start until a quarter of it is left. In spike mode "
                "cases that can still be answered in time come before those already late.",
                className="note",
            ),
        ]
    )


def _number(label: str, name: str, value: float, bounds: tuple[float, float], step: float) -> Any:
    number = dcc.Input(
        id=control(name),
        type="number",
        value=value,
        min=bounds[0],
        max=bounds[1],
        step=step,
        debounce=0.4,
    )
    return layout.field(label, number)


# -- what the server is asked for -----------------------------------------------------------------


def usual(views: Views, day: str | None) -> tuple[Any, Any]:
    """What the day's curves are drawn from, and the last quarter-hour that a spike can begin at."""
    brand, plan = views.brand(), views.plan()
    if brand is None or plan is None or not day:
        return no_update, no_update
    first = date.fromisoformat(day)
    start, end = (local_midnight(d, brand.tz) for d in (first, first + timedelta(days=1)))
    found = charts.usual(plan.tables.forecast, start, end, brand.tz)
    return found, max(0, found["day"] - 1)


def preset(
    views: Views, cause: str | None, day: str, queues: list[str], start: int
) -> dict[str, Any]:
    """The controls as the chosen cause is like, by what has been; and why it is so large."""
    same: dict[str, Any] = dict.fromkeys((*SET_BY_PRESET, "because", "parts"), no_update)
    brand = views.brand()
    if brand is None or not cause or cause == OWN or not queues:
        return {**same, "because": ""}
    form = Form(day, tuple(queues), start)
    at = whatifform.begins(form, brand)
    try:
        found, because = views.rehearsing.preset(cause, at, tuple(queues))
    except WfmError as error:
        return {**same, "because": layout.failure(error.message)}
    placed, parts = whatifform.placed(found, brand, form)
    values = placed.values()
    chosen: dict[str, Any] = {name: values[name] for name in SET_BY_PRESET}
    return {**chosen, "because": because, "parts": whatifform.going_with(parts, placed, brand)}


def beside(parts: list[Part] | None) -> Any:
    """What holds beside the controls, each with a button that takes it out."""
    if not parts:
        return ""
    rows = [
        html.Li(
            [
                html.Strong(part["title"]),
                html.Button(
                    "Take out",
                    id={"type": "whatif-out", "at": at},
                    className="plain",
                    n_clicks=0,
                ),
            ]
        )
        for at, part in enumerate(parts)
    ]
    return [html.H3("With it", className="apart"), html.Ul(rows, className="changes")]


def without(presses: list[Any], parts: list[Part] | None) -> Any:
    """The parts but for the one whose button was pressed."""
    del presses
    trigger = ctx.triggered_id
    if not trigger or not ctx.triggered[0]["value"]:
        return no_update
    return [part for at, part in enumerate(parts or []) if at != trigger["at"]]


# -- wiring ---------------------------------------------------------------------------------------


def register(app: Dash, views: Views) -> None:
    app.callback(
        Output("whatif-usual", "data"),
        Output(control("start"), "max"),
        Input(control("day"), "value"),
    )(off_loop(usual, views))
    app.callback(
        output={
            **{
                name: Output(control(name), "value", allow_duplicate=True) for name in SET_BY_PRESET
            },
            "because": Output("whatif-because", "children"),
            "parts": Output("whatif-parts", "data", allow_duplicate=True),
        },
        inputs=[
            Input(control("cause"), "value"),
            *(State(control(name), "value") for name in ("day", "queues", "start")),
        ],
        prevent_initial_call=True,
    )(off_loop(preset, views))
    app.callback(Output("whatif-beside", "children"), Input("whatif-parts", "data"))(
        off_loop(beside)
    )
    app.callback(
        Output("whatif-parts", "data", allow_duplicate=True),
        Input({"type": "whatif-out", "at": ALL}, "n_clicks"),
        State("whatif-parts", "data"),
        prevent_initial_call=True,
    )(off_loop(without))
    _register_browser(app)


def _register_browser(app: Dash) -> None:
    """What the browser does by itself: it draws, follows the hand, and waits for rest."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("whatif", "draw"),
        Output("whatif-build", "figure"),
        *(Output(f"{control(name)}-told", "children") for name in LABELS),
        Input("whatif-usual", "data"),
        *(Input(control(name), "value") for name in DRAWN),
        Input("whatif-build", "relayoutData"),
        State("whatif-build", "figure"),
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("whatif", "dragged"),
        *(Output(control(name), "value", allow_duplicate=True) for name in LABELS[:3]),
        Input("whatif-build", "relayoutData"),
        State("whatif-usual", "data"),
        *(State(control(name), "value") for name in ("queues", *LABELS[:3])),
        *(State(control(name), "max") for name in ("factor", "length")),
        prevent_initial_call=True,
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("whatif", "settled"),
        Output("whatif-asked", "data"),
        *(Input(control(name), "value") for name in ASKED),
    )
