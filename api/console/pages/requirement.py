"""The requirement: how many agents are needed when, why, and what another promise would cost."""

from __future__ import annotations

from typing import Any

import pandas as pd
from dash import Dash, Input, Output, html

from api.console import layout, needed, series, spans, words
from api.console.charts import look as drawing
from api.console.charts import requirement as charts
from api.console.charts.plan import BINDING_WORDS
from api.console.loop import off_loop
from api.console.needed import Look
from api.console.pages import certificate, cost, needs
from api.console.pages.plan import days_for
from api.console.views import PlanView, Views
from wfm.brands import Brand
from wfm.errors import RequestError
from wfm.timegrid import local_day, parse_instant

CHOICES = ("queue", "week", "day")


def page(views: Views, brand: Brand, plan: PlanView) -> Any:
    days = spans.plan_days(plan.start, plan.end, brand.tz)
    today = local_day(views.now().instant, brand.tz)
    week = spans.first_choice(days, today)
    first = today if today in days else days[0]
    controls = [
        layout.field(
            "Queue",
            layout.select(
                "requirement-queue", layout.queue_options(brand), needed.first_queue(brand)
            ),
        ),
        layout.field(
            "Weeks", layout.select("requirement-week", spans.week_options(days), week), wide=True
        ),
        layout.field(
            "Day",
            layout.select("requirement-day", spans.day_options(days, week), first.isoformat()),
        ),
    ]
    return html.Div(
        [
            layout.heading("Requirement", layout.plan_note(plan, brand), controls),
            html.Div(id="requirement-tiles", className="tiles"),
            layout.card(
                "Agents needed",
                layout.graph(
                    "requirement-chart",
                    "Chart of agents needed by what binds them, over the workload",
                    height=charts.HEIGHT,
                ),
                note=html.Span(id="requirement-note"),
            ),
            needs.card(),
            cost.card(),
            *certificate.cards(views, brand, plan),
        ],
        className="page",
    )


def draw(views: Views, *, at: str | None, **choices: str) -> tuple[Any, Any, Any]:
    """Chart, tiles and note for a choice of queue, week and day."""
    brand, plan = views.brand(), views.plan()
    if brand is None or plan is None:
        return drawing.nothing(layout.GONE), [], ""
    look = needed.look_at(brand, plan, choices)
    rows = needed.rows_of(plan, look)
    figure = charts.requirement_chart(
        needed.by_binding(rows, look), step=look.step, zone=brand.tz, chosen=_instant(at)
    )
    return figure, tiles(rows, look, brand), note(look)


def _instant(text: str | None) -> Any:
    try:
        return parse_instant(text) if text else None
    except RequestError:
        return None


def note(look: Look) -> str:
    told = (
        "Before shrinkage, on the day that is planned for. The colour tells what asks for most; "
        "the space between bar and workload is what the promise costs beyond the work itself. "
    )
    if look.queue == series.ALL:
        told += "Agents are shared between queues, so fractions are added up. "
    if not look.is_fine:
        return told + "Drawn as hourly means; choose a week or a day to see each interval."
    return told + "Click a bar to see why it is as high as it is."


def tiles(rows: pd.DataFrame, look: Look, brand: Brand) -> list[Any]:
    """Hours, the busiest interval, the work in it, the day planned for and what binds."""
    agents = needed.together(rows)
    peak = needed.busiest(rows)
    if peak is None:
        return []
    hours, work = float(agents.sum()) * needed.HOURS, float(rows["workload"].sum()) * needed.HOURS
    binding = needed.hours_by_binding(rows)
    factor = needed.planned_factor(rows)
    span = "on this day" if len(look.days) == 1 else f"in {len(look.days)} days"
    most = next(iter(binding), None)
    return [
        layout.tile("Agent hours needed", words.number(hours), f"{span}, before shrinkage"),
        layout.tile(
            "Busiest interval",
            f"{words.number(agents.max(), digits=1)} agents",
            words.moment(peak, brand.tz),
        ),
        layout.tile(
            "Expected workload",
            f"{words.number(work)} h",
            f"{words.percent(work / hours if hours else None)} of the hours needed",
        ),
        layout.tile(
            "Planned for",
            needed.risk_words(brand.planning).capitalize(),
            needed.busier(factor) if factor is not None else "no work is expected",
        ),
        layout.tile(
            "Binds most",
            BINDING_WORDS[most].capitalize() if most else words.NONE,
            f"in {words.percent(binding[most] / hours, digits=0)} of the hours" if most else "",
        ),
    ]


def register(app: Dash, views: Views) -> None:
    app.callback(
        Output("requirement-day", "options"),
        Output("requirement-day", "value"),
        Input("requirement-week", "value"),
        prevent_initial_call=True,
    )(off_loop(days_for, views))
    app.callback(
        output=(
            Output("requirement-chart", "figure"),
            Output("requirement-tiles", "children"),
            Output("requirement-note", "children"),
        ),
        inputs={
            "at": Input("needs-time", "value"),
            **{name: Input(f"requirement-{name}", "value") for name in CHOICES},
        },
    )(off_loop(draw, views))
    for part in (needs, cost, certificate):
        part.register(app, views)
