"""The roster: agents by days, each day told in words, and how well the day is covered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import dash_ag_grid as dag
from dash import Dash, Input, Output, html

from api.console import layout, series, shiftgrid, spans, words
from api.console.charts import look
from api.console.charts import plan as charts
from api.console.loop import off_loop
from api.console.views import PlanView, Views
from wfm.brands import Brand
from wfm.people import Agent
from wfm.timegrid import local_day

ANY = "any"
COVER_COLUMNS = ["scheduled", "effective", "required"]


def page(views: Views, brand: Brand, plan: PlanView) -> Any:
    agents = views.agents()
    days = spans.plan_days(plan.start, plan.end, brand.tz)
    week = spans.first_choice(days, local_day(views.now().instant, brand.tz))
    controls = [
        layout.field("Skill", layout.select("roster-skill", skill_options(brand), ANY)),
        layout.field("Contract", layout.select("roster-contract", contract_options(brand), ANY)),
        layout.field(
            "Weeks", layout.select("roster-week", spans.week_options(days), week), wide=True
        ),
    ]
    rows = rows_of(plan, brand, agents)
    return html.Div(
        [
            layout.heading("Roster", layout.plan_note(plan, brand), controls),
            html.Div(
                [
                    layout.card(
                        None,
                        html.Div(
                            [legend(), html.P(id="roster-count", role="status")], className="bar"
                        ),
                        grid(rows, days),
                        className="flush",
                    ),
                    layout.card(
                        "The day in words",
                        html.Div(
                            html.P("Choose a cell to read the agent's day.", className="note"),
                            id="roster-words",
                            role="status",
                        ),
                        className="side",
                    ),
                ],
                className="beside",
            ),
            layout.card(
                "Coverage",
                html.Div(
                    [
                        layout.field(
                            "Queue",
                            layout.select(
                                "roster-queue", layout.queue_options(brand), layout.ALL_QUEUES
                            ),
                        ),
                        layout.field(
                            "Day",
                            layout.select(
                                "roster-day", spans.day_options(days, week), spans.WHOLE_WEEK
                            ),
                        ),
                    ],
                    className="controls left",
                ),
                layout.graph(
                    "roster-coverage",
                    "Chart of scheduled and required agents",
                    height=charts.COVER_HEIGHT,
                ),
                note="Agents on queue, without those in a break, beside those needed.",
            ),
        ],
        className="page",
    )


def skill_options(brand: Brand) -> list[dict[str, str]]:
    return [
        {"label": "Any skill", "value": ANY},
        *({"label": text, "value": name} for name, text in layout.queue_labels(brand).items()),
    ]


def contract_options(brand: Brand) -> list[dict[str, str]]:
    return [
        {"label": "Any contract", "value": ANY},
        *({"label": c.name.replace("_", " "), "value": c.name} for c in brand.contracts),
    ]


def legend() -> html.Ul:
    return html.Ul(
        [
            html.Li([html.Span(className=f"swatch shift-{kind}"), text])
            for kind, text in shiftgrid.KINDS.items()
        ],
        className="legend",
    )


def rows_of(plan: PlanView, brand: Brand, agents: Sequence[Agent]) -> list[dict[str, Any]]:
    days = spans.plan_days(plan.start, plan.end, brand.tz)
    labels = layout.queue_labels(brand)
    rows = shiftgrid.grid_rows(
        plan.tables.roster, agents, brand.activities, days=days, zone=brand.tz
    )
    for row in rows:
        row["skills"] = ", ".join(labels.get(q, q) for q in row["skills"])
        row["contract"] = row["contract"].replace("_", " ")
    return rows


def grid(rows: list[dict[str, Any]], days: Sequence[date]) -> dag.AgGrid:
    """The agents by days; the agent's columns stay in view."""
    kinds = {
        f"shift-{kind}": f"params.data[params.colDef.field + '_kind'] == '{kind}'"
        for kind in shiftgrid.KINDS
    }
    fixed: list[dict[str, Any]] = [
        {"field": "agent", "headerName": "Agent", "pinned": "left", "width": 136, "sortable": True},
        {
            "field": "contract",
            "headerName": "Contract",
            "pinned": "left",
            "width": 98,
            "sortable": True,
        },
        {
            "field": "hours",
            "headerName": "Paid h",
            "headerTooltip": "Paid hours over the whole plan",
            "pinned": "left",
            "width": 72,
            "type": "rightAligned",
            "sortable": True,
        },
    ]
    dated: list[dict[str, Any]] = [
        {
            "field": day.isoformat(),
            "headerName": words.day_name(day),
            "width": 106,
            "sortable": False,
            "cellClassRules": kinds,
            "headerClass": "weekend" if day.weekday() >= 5 else "",
        }
        for day in days
    ]
    return dag.AgGrid(
        id="roster-grid",
        rowData=rows,
        columnDefs=[*fixed, *dated],
        getRowId="params.data.agent_id",
        defaultColDef={"resizable": True, "suppressMovable": True, "cellClass": "shift"},
        dashGridOptions={
            "rowHeight": 32,
            "headerHeight": 36,
            "suppressColumnVirtualisation": False,
            "tooltipShowDelay": 300,
            "loadThemeGoogleFonts": False,
            "ensureDomOrder": True,
        },
        className="roster-grid",
        style={"height": "520px", "width": "100%"},
    )


def chosen_rows(views: Views, skill: str, contract: str) -> tuple[list[dict[str, Any]], str]:
    """The grid's rows under the filters, and how many they are in words."""
    brand, plan = views.brand(), views.plan()
    if brand is None or plan is None:
        return [], layout.GONE
    agents = views.agents()
    first = local_day(plan.start, brand.tz)
    chosen = {
        a.agent_id
        for a in agents
        if (skill == ANY or skill in {s.queue for s in a.skills})
        and (contract == ANY or a.contract_on(first) == contract)
    }
    everyone = skill == ANY and contract == ANY
    rows = [row for row in rows_of(plan, brand, agents) if everyone or row["agent_id"] in chosen]
    return rows, f"{len(rows)} of {len(agents)} agents"


def cover_figure(views: Views, choice: str, week: str, day: str) -> Any:
    """Coverage of the chosen queue on the chosen day or week."""
    brand, plan = views.brand(), views.plan()
    if brand is None or plan is None:
        return look.nothing(layout.GONE)
    queue = series.ALL if choice == layout.ALL_QUEUES else choice
    days = spans.plan_days(plan.start, plan.end, brand.tz)
    start, end = spans.instants(spans.chosen_days(days, week, day), brand.tz)
    cover = series.between(plan.tables.staffing, start, end)
    return charts.coverage_chart(series.of_queue(cover, queue, COVER_COLUMNS), zone=brand.tz)


def days_for(views: Views, week: str) -> tuple[list[dict[str, str]], str, dict[str, Any]]:
    """The day choices of a week, the whole week chosen, and the grid scrolled to its first day."""
    brand, plan = views.brand(), views.plan()
    if brand is None or plan is None:
        return [], spans.WHOLE_WEEK, {}
    days = spans.plan_days(plan.start, plan.end, brand.tz)
    first = spans.days_of_week(days, week)[0]
    return (
        spans.day_options(days, week),
        spans.WHOLE_WEEK,
        {"column": first.isoformat(), "columnPosition": "start"},
    )


def told(views: Views, clicked: dict[str, Any] | None) -> Any:
    """The day of the clicked cell in words."""
    brand, plan = views.brand(), views.plan()
    if not clicked or brand is None or plan is None:
        return html.P("Choose a cell to read the agent's day.", className="note")
    agent_id = str(clicked.get("rowId"))
    agent = next((a for a in views.agents() if a.agent_id == agent_id), None)
    try:
        day = date.fromisoformat(str(clicked.get("colId")))
    except ValueError:
        return about(agent, agent_id, brand)
    shifts = shiftgrid.shifts_of(plan.tables.roster)
    found = shiftgrid.day_in_words(
        shifts, brand.activities, agent=agent, agent_id=agent_id, day=day, zone=brand.tz
    )
    return [
        html.H3(found.title),
        html.P(found.summary),
        html.Ul([html.Li(line) for line in found.lines], className="segments"),
    ]


def about(agent: Agent | None, agent_id: str, brand: Brand) -> Any:
    """Who the agent is: contract and skills."""
    if agent is None:
        return html.P(f"{agent_id} is no agent of the brand any more.")
    labels = layout.queue_labels(brand)
    skills = ", ".join(f"{labels.get(s.queue, s.queue)} (level {s.level})" for s in agent.skills)
    terms = ", ".join(t.contract.replace("_", " ") for t in agent.terms)
    return [
        html.H3(agent.name),
        html.P(f"Contract: {terms}"),
        html.P(f"Skills: {skills}"),
    ]


def register(app: Dash, views: Views) -> None:
    app.callback(
        Output("roster-grid", "rowData"),
        Output("roster-count", "children"),
        Input("roster-skill", "value"),
        Input("roster-contract", "value"),
    )(off_loop(chosen_rows, views))
    app.callback(
        Output("roster-day", "options"),
        Output("roster-day", "value"),
        Output("roster-grid", "scrollTo"),
        Input("roster-week", "value"),
        prevent_initial_call=True,
    )(off_loop(days_for, views))
    app.callback(
        Output("roster-coverage", "figure"),
        Input("roster-queue", "value"),
        Input("roster-week", "value"),
        Input("roster-day", "value"),
    )(off_loop(cover_figure, views))
    app.callback(
        Output("roster-words", "children"),
        Input("roster-grid", "cellClicked"),
        prevent_initial_call=True,
    )(off_loop(told, views))
