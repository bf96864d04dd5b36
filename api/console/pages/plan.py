"""The plan: what was, what is expected, what it takes, who is there, and what that promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from dash import Dash, Input, Output, html

from api.console import layout, series, spans, words
from api.console.charts import look as drawing
from api.console.charts import plan as charts
from api.console.events import holidays_of
from api.console.loop import off_loop
from api.console.pages.goals import goals_table, promise_line, promised, worst_of
from api.console.views import PlanView, Views
from wfm.brands import Brand
from wfm.campaigns import Campaign
from wfm.sla import ServiceGoal
from wfm.timegrid import floor_interval, local_day

LEAD_IN_WEEK = timedelta(days=14)
LEAD_IN_DAY = timedelta(days=2)

# A local day has up to 25 hours.
LONGEST_DAY = timedelta(hours=25)

# A campaign fades by halves; after three of them an eighth is left and the mark ends.
FADED_HALF_LIVES = 3


def page(views: Views, brand: Brand, plan: PlanView) -> Any:
    days = spans.plan_days(plan.start, plan.end, brand.tz)
    week = spans.first_choice(days, local_day(views.now().instant, brand.tz))
    controls = [
        layout.field(
            "Queue", layout.select("plan-queue", layout.queue_options(brand), layout.ALL_QUEUES)
        ),
        layout.field(
            "Weeks", layout.select("plan-week", spans.week_options(days), week), wide=True
        ),
        layout.field(
            "Day", layout.select("plan-day", spans.day_options(days, week), spans.WHOLE_WEEK)
        ),
    ]
    return html.Div(
        [
            layout.heading("Plan", layout.plan_note(plan, brand), controls),
            html.Div(id="plan-tiles", className="tiles"),
            layout.card(
                "Demand",
                layout.graph(
                    "plan-forecast",
                    "Chart of history and forecast of new cases",
                    height=charts.DEMAND_HEIGHT,
                ),
                note=html.Span(id="plan-forecast-note"),
            ),
            layout.card(
                "Requirement and staffing",
                layout.graph("plan-staffing", "Chart of required and scheduled agents"),
                note="Agents needed to keep the promise, before shrinkage, beside those rostered. "
                "Effective is what is left of scheduled after absences; red is what is missing. "
                "The lanes below tell what sets the requirement.",
            ),
            layout.card(
                "Certificate",
                html.Div(
                    [
                        html.Div(
                            [
                                html.H3("Promises"),
                                html.Div(id="plan-goals"),
                            ],
                            className="column",
                        ),
                        html.Div(
                            [
                                html.H3("First response in time, by hour and day"),
                                layout.graph(
                                    "plan-heat",
                                    "Heat map of attainment by hour of the day and day",
                                    height=charts.HEAT_HEIGHT,
                                ),
                                html.H3("Figures"),
                                figures(plan),
                            ],
                            className="column",
                        ),
                    ],
                    className="columns",
                ),
                note="The roster was simulated case by case on sampled days, in the live queue's "
                "order. Automatic answers are not counted.",
            ),
            messages(plan),
        ],
        className="page",
    )


def figures(plan: PlanView) -> html.Dl:
    """Hours, objective, gap, violations, replications and seed of the plan."""
    summary = plan.summary
    rows = [
        ("Paid hours", words.number(summary.get("paid_hours"))),
        ("Shortfall, agent hours", words.number(summary.get("shortfall_hours"), digits=1)),
        ("Roster's gap to the bound", words.percent(summary.get("gap"), digits=2)),
        ("Rule violations", str(violation_count(plan))),
        ("Replications", words.number(plan.tables.certificate.replications)),
        ("Seed", str(plan.seed)),
    ]
    return html.Dl([html.Div([html.Dt(name), html.Dd(value)]) for name, value in rows])


def messages(plan: PlanView) -> html.Section:
    found = plan.messages
    if not found:
        return layout.card("Messages", html.P("Nothing to tell: no shortfall, no violation."))
    return layout.card("Messages", html.Ul([html.Li(text) for text in found], className="messages"))


def tiles(plan: PlanView, brand: Brand, queue: str) -> list[Any]:
    """The promise's attainment, its worst hour and its band; hours and violations."""
    summary = plan.summary
    violations = violation_count(plan)
    missing = float(summary.get("shortfall_hours", 0.0))
    return [
        *promise_tiles(plan, brand, queue),
        layout.tile(
            "Paid hours", words.number(summary.get("paid_hours")), "all agents, whole plan"
        ),
        layout.tile(
            "Shortfall",
            f"{words.number(missing, digits=1)} h",
            "agent hours, whole plan",
            "bad" if missing > 0 else "good",
        ),
        layout.tile(
            "Rule violations",
            str(violations),
            "by the independent checker",
            "bad" if violations else "good",
        ),
    ]


def violation_count(plan: PlanView) -> int:
    return int(plan.summary.get("violations", 0))


def promise_tiles(plan: PlanView, brand: Brand, queue: str) -> list[Any]:
    line = promise_line(plan, queue)
    if line is None or line.attainment is None:
        return []
    share, threshold_s = promised(plan, queue)
    within = f"within {words.length(threshold_s)}" if threshold_s else "in time"
    goal = f"goal {words.percent(share, digits=0)}, " if share else ""
    tone = "" if share is None else "good" if line.attainment >= share else "bad"
    worst, worst_at = worst_of(line)
    return [
        layout.tile(
            f"Answered {within}",
            words.percent(line.attainment),
            f"{goal}error ± {words.percent(line.se, digits=2)}",
            tone,
        ),
        layout.tile(
            f"Worst {line.scope}",
            words.percent(worst),
            words.moment(worst_at, brand.tz) if worst_at else "",
            "" if share is None or worst is None else "good" if worst >= share else "bad",
        ),
        layout.tile(
            "P10–P90 of simulated runs",
            words.band(line.p10, line.p90),
            f"{plan.tables.certificate.replications} replications",
        ),
    ]


@dataclass(frozen=True)
class Look:
    """What is looked at: a queue ("" for all) from one local midnight to another."""

    queue: str
    start: datetime
    end: datetime

    @property
    def is_day(self) -> bool:
        return self.end - self.start <= LONGEST_DAY


def events_of(brand: Brand, campaigns: Sequence[Campaign], look: Look) -> list[drawing.Event]:
    """Campaigns that reach the queue (or any), and public holidays of its markets."""
    found = [
        drawing.Event(
            "campaign",
            campaign.name,
            campaign.start,
            campaign.end + timedelta(minutes=FADED_HALF_LIVES * campaign.half_life_min),
        )
        for campaign in campaigns
        if look.queue == series.ALL or look.queue in campaign.queues
    ]
    queues = [q.name for q in brand.queues] if look.queue == series.ALL else [look.queue]
    found += holidays_of(brand, queues, look.start, look.end)
    return [m for m in found if m.start < look.end and m.end > look.start]


def demand_figure(views: Views, plan: PlanView, brand: Brand, look: Look) -> Any:
    """History up to now and the forecast from the plan's start, over the range and its lead-in."""
    begin = look.start - (LEAD_IN_DAY if look.is_day else LEAD_IN_WEEK)
    now = views.now().instant
    until = floor_interval(min(now, look.end))
    past = pd.DataFrame()
    if begin < until:
        known = series.of_queue(views.history(begin, until), look.queue, ["contacts"])
        past = series.on_grid(known, begin, until) if len(known) else past
    ahead = series.between(plan.tables.forecast, begin, look.end)
    return charts.forecast_chart(
        series.thinned(past, fine=look.is_day),
        series.expected(ahead, plan.tables.paths, look.queue, fine=look.is_day),
        zone=brand.tz,
        events=events_of(brand, views.campaigns(), replace(look, start=begin)),
        now=now,
    )


def staffing_figure(plan: PlanView, brand: Brand, look: Look) -> Any:
    columns = ["scheduled", "effective", "required"]
    cover = series.of_queue(
        series.between(plan.tables.staffing, look.start, look.end), look.queue, columns
    )
    needed = series.between(plan.tables.requirement, look.start, look.end)
    if look.queue != series.ALL:
        needed = needed[needed["queue"] == look.queue]
    binding = needed.pivot_table(index="start", columns="queue", values="binding", aggfunc="first")
    names = [q.name for q in brand.queues if q.name in binding.columns]
    return charts.staffing_chart(
        cover, binding[names], zone=brand.tz, labels=layout.queue_labels(brand)
    )


def heat_figure(plan: PlanView, brand: Brand, look: Look) -> Any:
    hours = series.between(plan.tables.hours, look.start, look.end)
    own = hours[hours["queue"] == look.queue]
    share, _ = promised(plan, look.queue)
    return charts.attainment_heat(series.heat(own, brand.tz), goal=share or ServiceGoal().share)


def draw(views: Views, choice: str, week: str, day: str) -> tuple[Any, ...]:
    """Figures, tiles and table for a choice of queue, week and day.

    Gives demand, the note under it, staffing and its height, heat map, tiles, goals.
    """
    brand, plan = views.brand(), views.plan()
    if brand is None or plan is None:
        blank = drawing.nothing(layout.GONE)
        return blank, "", blank, {}, blank, [], ""
    days = spans.plan_days(plan.start, plan.end, brand.tz)
    look = Look(
        series.ALL if choice == layout.ALL_QUEUES else choice,
        *spans.instants(spans.chosen_days(days, week, day), brand.tz),
    )
    staffing = staffing_figure(plan, brand, look)
    return (
        demand_figure(views, plan, brand, look),
        demand_note(look),
        staffing,
        {"height": f"{staffing.layout.height}px"},
        heat_figure(plan, brand, look),
        tiles(plan, brand, look.queue),
        goals_table(plan, brand, look.queue),
    )


def demand_note(look: Look) -> str:
    note = "New cases per 15 minutes, with the time before for comparison."
    if not look.is_day:
        note += " Drawn as hourly means; choose a day to see each interval."
    return note


def days_for(views: Views, week: str) -> tuple[list[dict[str, str]], str]:
    """The day choices of a week, with the whole week chosen."""
    brand, plan = views.brand(), views.plan()
    if brand is None or plan is None:
        return [], spans.WHOLE_WEEK
    days = spans.plan_days(plan.start, plan.end, brand.tz)
    return spans.day_options(days, week), spans.WHOLE_WEEK


def register(app: Dash, views: Views) -> None:
    app.callback(
        Output("plan-day", "options"),
        Output("plan-day", "value"),
        Input("plan-week", "value"),
        prevent_initial_call=True,
    )(off_loop(days_for, views))
    app.callback(
        Output("plan-forecast", "figure"),
        Output("plan-forecast-note", "children"),
        Output("plan-staffing", "figure"),
        Output("plan-staffing", "style"),
        Output("plan-heat", "figure"),
        Output("plan-tiles", "children"),
        Output("plan-goals", "children"),
        Input("plan-queue", "value"),
        Input("plan-week", "value"),
        Input("plan-day", "value"),
    )(off_loop(draw, views))
