"""The day of the roster: who works when, with breaks, and how well the day is covered."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from dash import Dash, Input, Output, State, html, no_update

from api.console import layout, series, shiftgrid, spans
from api.console.charts import look
from api.console.charts import roster as charts
from api.console.drafting import Shown
from api.console.loop import off_loop
from api.console.pages.rostercell import Cell
from api.console.views import Views
from scheduling.staffing import staffing_of
from wfm.brands import Brand
from wfm.timegrid import local_day, local_midnight

TAB = "day"


def panel(shown: Shown, brand: Brand, today: date) -> html.Section:
    """The day's shifts above, its coverage below, on one scale of time."""
    days = spans.plan_days(shown.start, shown.end, brand.tz)
    chosen = today if today in days else days[0]
    return layout.card(
        None,
        html.Div(
            [
                layout.field(
                    "Day",
                    layout.select(
                        "rosterday-day",
                        [{"label": f"{d:%a} {d.day} {d:%b}", "value": d.isoformat()} for d in days],
                        chosen.isoformat(),
                    ),
                ),
                html.P(id="rosterday-note", role="status", className="note"),
            ],
            className="controls left level",
        ),
        html.Div(
            layout.graph("rosterday-shifts", "Chart of the day's shifts with their breaks"),
            className="tall",
        ),
        layout.graph(
            "rosterday-cover",
            "Chart of agents on queue and agents needed over the day",
            height=charts.EFFECT_HEIGHT,
        ),
    )


def draw(
    views: Views, tab: str, day: str, revision: int | None, draft_id: int | None
) -> tuple[Any, ...]:
    """The day's shifts and their chart's height, its coverage, and how many shifts there are."""
    if tab != TAB:
        return no_update, no_update, no_update, no_update
    del revision  # whichever it is now, the newest is drawn
    brand, shown = views.brand(), views.shown(draft_id)
    if brand is None or shown is None:
        return look.nothing(layout.GONE), {}, look.nothing(layout.GONE), ""
    chosen = date.fromisoformat(day)
    shifts = shiftgrid.shifts_on(shown.roster, chosen, brand.tz)
    names = {a.agent_id: a.name for a in views.agents()}
    figure = charts.day_chart(shifts, names, day=chosen, zone=brand.tz)
    starting = sum(local_day(s.start, brand.tz) == chosen for s in shifts)
    return (
        figure,
        {"height": f"{figure.layout.height}px"},
        charts.day_cover_chart(cover_of(views, shown, brand, chosen), day=chosen, zone=brand.tz),
        f"{starting} shifts start on this day; {len(shifts) - starting} run on from the day "
        "before. Choose a bar to read it.",
    )


def cover_of(views: Views, shown: Shown, brand: Brand, day: date) -> Any:
    """Scheduled, effective and required agents of the day, over all queues, by start."""
    start, end = local_midnight(day, brand.tz), local_midnight(day + timedelta(days=1), brand.tz)
    return series.of_queue(
        staffing_between(views, shown, brand, start, end),
        series.ALL,
        ["scheduled", "effective", "required"],
    )


def staffing_between(views: Views, shown: Shown, brand: Brand, start: Any, end: Any) -> Any:
    """STAFFING of [start, end): a draft's is worked out for what is looked at alone."""
    if shown.draft is None:
        return series.between(shown.plan.tables.staffing, start, end)
    near = shown.roster[(shown.roster["end"] > start) & (shown.roster["start"] < end)]
    known = {a.agent_id for a in views.agents()}
    wanted = series.between(shown.plan.tables.requirement, start, end)
    return staffing_of(near[near["agent_id"].isin(known)], wanted, brand, views.agents())


def clicked_cell(clicked: dict[str, Any] | None) -> Cell | None:
    """The agent-day whose bar was clicked."""
    points = (clicked or {}).get("points") or []
    if not points or not points[0].get("customdata"):
        return None
    agent_id, day = points[0]["customdata"]
    return Cell(str(agent_id), date.fromisoformat(str(day)))


def register(app: Dash, views: Views) -> None:
    app.callback(
        Output("rosterday-shifts", "figure"),
        Output("rosterday-shifts", "style"),
        Output("rosterday-cover", "figure"),
        Output("rosterday-note", "children"),
        Input("roster-tab", "value"),
        Input("rosterday-day", "value"),
        Input("roster-drawn", "data"),
        State("roster-draft", "data"),
    )(off_loop(draw, views))
