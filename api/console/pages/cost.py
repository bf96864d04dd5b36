"""What the promise costs: sliders for share, time and risk, and the hours that go with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html

from api.console import layout, needed, series, words
from api.console.charts import look as drawing
from api.console.charts import requirement as charts
from api.console.charts.plan import BINDING_WORDS
from api.console.charts.requirement import CostPoint
from api.console.loop import off_loop
from api.console.needed import Look
from api.console.views import Views
from scheduling.promise import Days, Promise, PromiseCost
from wfm.brands import Brand, Planning
from wfm.errors import WfmError

# Times that people promise, minutes; beside a queue's own as many as the slider has room for.
USUAL_MIN = (1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 1440, 2880)
BESIDE = 4
RISKS: tuple[Days, ...] = ("expected", 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
LOWEST, HIGHEST = 50, 99
# Shares that the line is drawn through, percent.
LINE = (60, 75, 85, 90, 95, 98)
# A share of the hours so small that the promise is hardly what they are for.
LITTLE = 0.1
BUSY = "Working it out …"


@dataclass(frozen=True)
class Sliders:
    """The stops of a queue's sliders, and where the plan's own promise stands on them.

    shares are whole percents; minutes and risks are known by their place
    """

    share: int
    minutes: tuple[float, ...]
    risks: tuple[Days, ...]
    own_minutes: int
    own_risk: int


def sliders_of(brand: Brand, look: Look) -> Sliders:
    """Around the promise of the queue; of all queues together, around that of the first."""
    goal = (needed.queue_of(brand, look) or brand.queues[0]).promise
    own = goal.threshold_s / 60
    ladder = sorted({*map(float, USUAL_MIN), own})
    at = ladder.index(own)
    minutes = tuple(ladder[max(at - BESIDE, 0) : at + BESIDE + 1])
    risk = own_risk(brand.planning)
    risks = tuple(sorted({*RISKS, risk}, key=lambda r: 0.0 if r == "expected" else float(r)))
    return Sliders(
        share=round(goal.share * 100),
        minutes=minutes,
        risks=risks,
        own_minutes=minutes.index(own),
        own_risk=risks.index(risk),
    )


def own_risk(planning: Planning) -> Days:
    return "expected" if planning.risk == "expected" else planning.risk_quantile


def card() -> html.Section:
    return layout.card(
        "What the promise costs",
        html.Div(
            [
                html.Div(id="cost-sliders", className="sliders"),
                html.Div(
                    [
                        html.P(
                            [html.Span(id="cost-words"), html.Span(id="cost-busy")],
                            className="sentence",
                            role="status",
                        ),
                        html.Div(id="cost-result", role="status"),
                    ],
                    className="column",
                ),
                dcc.Loading(
                    layout.graph(
                        "cost-chart",
                        "Chart of the agent hours of the plan by the share that is promised",
                        height=charts.COST_HEIGHT,
                    ),
                    type="circle",
                    color=drawing.ACCENT,
                    delay_show=150,
                    overlay_style={"visibility": "visible", "opacity": 0.35},
                ),
            ],
            className="split cost",
        ),
        dcc.Store(id="cost-asked"),
        dcc.Store(id="cost-known"),
        note="The requirement of the whole plan made again with another promise of first "
        "replies, before shrinkage and rehearsals. Nothing is changed by it.",
    )


def form(views: Views, **choices: str) -> Any:
    """The sliders of the chosen queue, at the plan's own promise."""
    brand, plan = views.brand(), views.plan()
    if brand is None or plan is None:
        return layout.GONE
    stops = sliders_of(brand, needed.look_at(brand, plan, choices))
    low = min(LOWEST, stops.share)
    return [
        _slider(
            "Share answered in time, %",
            "cost-share",
            stops.share,
            {n: str(n) for n in (low, 60, 70, 80, 90, HIGHEST)},
            low,
        ),
        _slider(
            "Within, minutes",
            "cost-minutes",
            stops.own_minutes,
            dict(enumerate(minutes_mark(m) for m in stops.minutes)),
        ),
        _slider(
            "Kept on how many of 100 days",
            "cost-risk",
            stops.own_risk,
            dict(enumerate(risk_mark(risk) for risk in stops.risks)),
        ),
    ]


def minutes_mark(minutes: float) -> str:
    """
    >>> minutes_mark(15), minutes_mark(90), minutes_mark(120)
    ('15', '90', '2\xa0h')
    """
    whole_hours = minutes >= 60 and minutes % 60 == 0
    return f"{minutes / 60:g}\u00a0h" if whole_hours else f"{minutes:g}"


def risk_mark(risk: Days) -> str:
    return "mean" if risk == "expected" else f"{float(risk) * 100:g}"


def _slider(
    label: str, id_: str, value: float, marks: dict[int, str], low: int | None = None
) -> html.Div:
    """A slider with stops at its marks; with every whole number from `low` on where that is set."""
    control = dcc.Slider(
        id=id_,
        min=0 if low is None else low,
        max=max(marks),
        step=1,
        value=value,
        marks=marks,
        included=False,
        allow_direct_input=False,
        tooltip=None if low is None else {"placement": "top", "always_visible": True},
    )
    return html.Div([html.Span(label, className="label"), control], className="slide")


# -- what is asked for ---------------------------------------------------------------------------


def asked_of(brand: Brand, look: Look, given: Mapping[str, Any]) -> Promise:
    """The sliders' places as a promise: what was not moved stays as each queue has it."""
    stops = sliders_of(brand, look)
    share, minutes, risk = (int(given[name]) for name in ("share", "minutes", "risk"))
    return Promise(
        None if share == stops.share else share / 100,
        None if minutes == stops.own_minutes else round(stops.minutes[minutes] * 60),
        None if risk == stops.own_risk else stops.risks[risk],
    )


def promise_words(brand: Brand, look: Look, given: Mapping[str, Any]) -> str:
    """The promise that the sliders show in a sentence."""
    stops, asked = sliders_of(brand, look), asked_of(brand, look, given)
    goals = [q.promise for q in brand.queues if look.queue in (series.ALL, q.name)]
    share, within = f"{given['share']} % of first replies", "within the promised time"
    if asked.share is None and len({goal.share for goal in goals}) > 1:
        share = "the promised share of first replies"
    if asked.threshold_s is not None or len({goal.threshold_s for goal in goals}) == 1:
        within = f"within {words.length(stops.minutes[int(given['minutes'])] * 60)}"
    risk = stops.risks[int(given["risk"])]
    days = (
        "on average over the days"
        if risk == "expected"
        else f"on {float(risk) * 100:g} of 100 days"
    )
    whose = "All queues" if look.queue == series.ALL else needed.named(brand, look.queue)
    return f"{whose}: {share} {within}, {days}."


def shown(views: Views, given: dict[str, Any] | None) -> tuple[Any, Any, Any]:
    """The promise in words, what it costs, and what its line is drawn from."""
    brand, plan = views.brand(), views.plan()
    if brand is None or plan is None or not given:
        return "", "", None
    look = needed.look_at(brand, plan, given)
    asked = asked_of(brand, look, given)
    said = promise_words(brand, look, given)
    try:
        own = views.promises.cost(plan.plan_id, look.queue, Promise())
        cost = views.promises.cost(plan.plan_id, look.queue, asked)
    except WfmError as error:
        return said, layout.failure(error.message), None
    rehearsed = needed.rehearsed_hours(plan.tables.requirement, look.queue)
    rows = plan.tables.requirement
    decided = decided_by(rows if look.queue == series.ALL else rows[rows["queue"] == look.queue])
    return said, [result(cost, own, is_own=asked == Promise()), notes(decided, rehearsed)], given


def result(cost: PromiseCost, own: PromiseCost, *, is_own: bool) -> Any:
    """Hours and peak beside the plan's own promise; why not, where no number of agents keeps it."""
    if cost.hours is None or cost.peak is None:
        return html.Div(
            [html.Strong("Out of reach: "), cost.reason], className="failure", role="alert"
        )
    return html.Div(
        [
            layout.tile(
                "Agent hours over the plan",
                words.number(cost.hours),
                beside(cost.hours, own.hours, "h", is_own=is_own),
            ),
            layout.tile(
                "Busiest interval",
                f"{words.number(cost.peak, digits=1)} agents",
                beside(cost.peak, own.peak, "agents", is_own=is_own),
            ),
        ],
        className="tiles pair",
    )


def decided_by(rows: pd.DataFrame) -> str:
    """How much of the requirement the promise decides, and what decides most of the rest.

    rows  REQUIREMENT
    """
    hours = needed.hours_by_binding(rows)
    total = sum(hours.values())
    if not total:
        return ""
    first = hours.pop("first", 0.0) / total
    told = f"First replies decide {words.percent(first, digits=0)} of the plan's agent hours"
    if hours:
        most, largest = next(iter(hours.items()))
        told += f", {BINDING_WORDS[most]} {words.percent(largest / total, digits=0)}"
    return told + (": a looser promise saves little." if first < LITTLE else ".")


def notes(decided: str, rehearsed: float) -> html.P:
    """What to know of the figures: how far the promise decides, and what rehearsals added."""
    if round(rehearsed) > 0:
        decided += (
            f" The plan itself needs {words.number(rehearsed)} h more: its rehearsals asked for "
            "them."
        )
    elif round(rehearsed) < 0:
        decided += (
            f" The plan itself needs {words.number(-rehearsed)} h less: simulation showed that so "
            "many fewer keep the promise."
        )
    return html.P(decided, className="note")


def beside(value: float, own: float | None, unit: str, *, is_own: bool) -> str:
    """How much more or less than by the plan's own promise."""
    if is_own:
        return "the plan's own promise"
    if not own:
        return ""
    change = value - own
    digits = 1 if unit == "agents" else 0
    if round(abs(change), digits) == 0:
        return "as by the plan's own promise"
    sign = "+" if change > 0 else "−"
    return (
        f"{sign}{words.number(abs(change), digits=digits)} {unit} "
        f"({sign}{words.percent(abs(change) / own)}) on the plan's own"
    )


def line(views: Views, given: dict[str, Any] | None) -> Any:
    """Hours by the share that is promised, the minutes and the risk as they are chosen."""
    brand, plan = views.brand(), views.plan()
    if brand is None or plan is None or not given:
        return drawing.nothing("", height=charts.COST_HEIGHT)
    look = needed.look_at(brand, plan, given)
    asked = asked_of(brand, look, given)
    shares = sorted({*LINE, int(given["share"])})
    promises = [replace(asked, share=share / 100) for share in shares]
    own = views.promises.cost(plan.plan_id, look.queue, Promise())
    points = [
        CostPoint(p.share or 0.0, views.promises.cost(plan.plan_id, look.queue, p).hours)
        for p in promises
    ]
    return charts.cost_chart(
        points,
        chosen=points[shares.index(int(given["share"]))],
        own=None if own.share is None else CostPoint(own.share, own.hours),
    )


def register(app: Dash, views: Views) -> None:
    look = {name: State(f"requirement-{name}", "value") for name in ("week", "day")}
    app.callback(
        output=Output("cost-sliders", "children"),
        inputs={"queue": Input("requirement-queue", "value"), **look},
    )(off_loop(form, views))
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("wfm", "settled"),
        Output("cost-asked", "data"),
        Input("cost-share", "value"),
        Input("cost-minutes", "value"),
        Input("cost-risk", "value"),
        State("requirement-queue", "value"),
        State("requirement-week", "value"),
        State("requirement-day", "value"),
    )
    app.callback(
        Output("cost-words", "children"),
        Output("cost-result", "children"),
        Output("cost-known", "data"),
        Input("cost-asked", "data"),
        running=[(Output("cost-busy", "children"), f" {BUSY}", "")],
    )(off_loop(shown, views))
    app.callback(Output("cost-chart", "figure"), Input("cost-known", "data"))(off_loop(line, views))
