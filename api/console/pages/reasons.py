"""Why this number: one step of the forecast in its parts, with quantiles and handling time."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from dash import Dash, Input, Output, State, ctx, html

from api.console import layout, outlook, series, spans, steps, words
from api.console.charts import forecast as charts
from api.console.charts import look as drawing
from api.console.events import holidays_of
from api.console.loop import off_loop
from api.console.outlook import Look
from api.console.views import ForecastView, Views
from api.console.why import Basis, Why, explain
from api.planning.parts import FELT, Known, Stretch
from wfm.brands import Brand
from wfm.errors import RequestError
from wfm.timegrid import format_instant, local_day, parse_instant

ABSENT = "The forecast does not hold this time; choose one of its days."
QUANTILES = {
    "q025": "2.5 %",
    "q10": "10 %",
    "q50": "50 %",
    "q80": "80 %",
    "q90": "90 %",
    "q95": "95 %",
    "q975": "97.5 %",
}


def card() -> html.Section:
    return layout.card(
        "Why this number",
        html.Div(
            [
                layout.field("Day", layout.select("forecast-day", [], None)),
                layout.field("From", layout.select("forecast-time", [], None)),
            ],
            className="controls left",
        ),
        html.Div(
            [
                layout.graph(
                    "forecast-why",
                    "Chart of the parts that the forecast is made of",
                    height=charts.WHY_HEIGHT,
                ),
                html.Div(id="forecast-reasons", role="status"),
            ],
            className="split",
        ),
        note="The forecast of one step in its parts; they add up to it. Click a point above, or "
        "choose a day and a time.",
    )


def days_of(look: Look) -> list[date]:
    """Local days that the version holds and the chart shows."""
    start, end = max(look.begins, look.version.start), min(look.ends, look.version.end)
    return spans.plan_days(start, end, look.zone) if start < end else []


def times_of(day: date, look: Look) -> list[dict[str, str]]:
    """The steps of a local day, to choose from."""
    return steps.options_of(day, look.step, look.zone)


def chosen_now(look: Look, wanted: datetime) -> datetime | None:
    """The step that holds `wanted`, or the version's first that is shown; None without any."""
    days = days_of(look)
    if not days:
        return None
    first, last = spans.instants(days, look.zone)
    at = wanted if first <= wanted < last else first
    return steps.step_start(at, look.step, look.zone)


def clicked_instant(clicked: dict[str, Any] | None) -> datetime | None:
    """The start of the clicked step; None where nothing that has one was clicked."""
    for point in (clicked or {}).get("points", []):
        told = point.get("customdata")
        if told:
            return parse_instant(str(told[0]))
    return None


def choose(
    views: Views,
    *,
    trigger: str | None,
    clicked: dict[str, Any] | None,
    day: str | None,
    held: str | None,
    **choices: str,
) -> tuple[Any, ...]:
    """Days, times and the chosen step after a click, a choice of day or another look.

    trigger  id of the component that changed

    Gives day options, day, time options, time.
    """
    brand, versions = views.brand(), views.versions()
    if brand is None or not versions:
        return [], None, [], None
    look = outlook.look_at(brand, versions, views.now().instant, choices)
    wanted = views.now().instant if held is None else parse_instant(held)
    if trigger == "forecast-chart":
        wanted = clicked_instant(clicked) or wanted
    elif trigger == "forecast-day" and day:
        # The same time of the wall clock on the other day.
        moved = date.fromisoformat(day) - local_day(wanted, look.zone)
        local = wanted.astimezone(look.zone).replace(tzinfo=None) + moved
        wanted = local.replace(tzinfo=look.zone).astimezone(wanted.tzinfo)
    at = chosen_now(look, wanted)
    if at is None:
        return [], None, [], None
    own = local_day(at, look.zone)
    return (
        [{"label": words.day_name(d), "value": d.isoformat()} for d in days_of(look)],
        own.isoformat(),
        times_of(own, look),
        format_instant(at),
    )


def answer(views: Views, **given: Any) -> tuple[Any, ...]:
    """`choose`, told by Dash what changed."""
    return choose(views, trigger=ctx.triggered_id, **given)


def why_of(views: Views, brand: Brand, look: Look, at: datetime) -> Why | None:
    """The parts of the step that begins at `at`."""
    forecast = views.forecast(look.version)
    day = local_day(at, look.zone)
    start, end = spans.instants([day], look.zone)
    table = series.between(forecast.whole.table, start, end)
    if table.empty:
        return None
    bands = forecast.whole.bands(look.queues, look.step)
    basis = Basis(
        table,
        series.between(forecast.parts, start, end),
        series.between(forecast.model, start, end),
        bands,
    )
    known = known_of(views, brand, look, forecast, (start, end))
    stretch = Stretch(at, steps.step_end(at, look.step, look.zone), look.step, look.zone)
    return explain(basis, known, stretch, look.queues)


def known_of(
    views: Views, brand: Brand, look: Look, forecast: ForecastView, day: tuple[datetime, datetime]
) -> Known:
    return Known(
        holidays=[event.name for event in holidays_of(brand, look.queues, *day)],
        campaigns=[c for c in views.campaigns() if set(c.queues) & set(look.queues)],
        adjustments=[c for c in forecast.adjustments if c.queue in look.queues],
        merged=look.version.kind == "plan",
    )


def draw(
    views: Views, *, at: str | None, changed: int | None, **choices: str
) -> tuple[Any, Any, str | None]:
    """The parts as a chart and in sentences, and which step they are of."""
    del changed
    brand, versions = views.brand(), views.versions()
    if brand is None or not versions or not at:
        return drawing.nothing(ABSENT), "", None
    look = outlook.look_at(brand, versions, views.now().instant, choices)
    try:
        instant = steps.step_start(parse_instant(at), look.step, look.zone)
    except RequestError:
        return drawing.nothing(ABSENT), "", None
    why = why_of(views, brand, look, instant)
    if why is None:
        return drawing.nothing(ABSENT), "", None
    figure = charts.why_chart(
        [(p.name.capitalize(), p.contacts) for p in why.parts], total=why.mean
    )
    return figure, told(why, look), format_instant(why.start)


def told(why: Why, look: Look) -> list[Any]:
    """The step, its parts with their sentences, its quantiles."""
    digits = 1 if why.mean < 1000 else 0
    return [
        html.H3(
            f"{step_words(why, look)}: {words.number(why.mean, digits=digits)} new cases expected"
        ),
        html.Dl(
            [
                html.Div(
                    [
                        html.Dt([html.Strong(part.name.capitalize()), html.Span(part.because)]),
                        html.Dd(signed(part.contacts, n)),
                    ]
                )
                for n, part in enumerate(why.parts)
            ],
            className="reasons",
        ),
        _quantile_table(why, digits),
        html.P(
            f"Handling time {words.number(why.aht_s)} s a case; "
            f"model {', '.join(why.models)}.".replace("_", " "),
            className="note",
        ),
    ]


def _quantile_table(why: Why, digits: int) -> html.Div:
    """The counts that are not exceeded in so many of a hundred cases."""
    return html.Div(
        html.Table(
            [
                html.Thead(
                    html.Tr(
                        [
                            html.Th("At most, in … of cases", scope="col"),
                            *(html.Th(text, scope="col") for text in QUANTILES.values()),
                        ]
                    )
                ),
                html.Tbody(
                    html.Tr(
                        [
                            html.Th("New cases", scope="row"),
                            *(
                                html.Td(
                                    words.number(why.quantiles[name], digits=digits),
                                    className="figure",
                                )
                                for name in QUANTILES
                            ),
                        ]
                    )
                ),
            ],
            className="goals quantiles",
        ),
        className="scroll",
    )


def step_words(why: Why, look: Look) -> str:
    if why.step == "day":
        return words.day_name(local_day(why.start, look.zone))
    end = steps.step_end(why.start, why.step, look.zone)
    return f"{words.moment(why.start, look.zone)}–{words.clock_time(end, look.zone)}"


def signed(contacts: float, position: int) -> str:
    """The first part as it is, those after it with their sign; nothing where it is nothing."""
    if position == 0:
        return words.number(contacts, digits=1)
    if abs(contacts) < FELT:
        return "0"
    return f"{'+' if contacts > 0 else '−'}{words.number(abs(contacts), digits=1)}"


def register(app: Dash, views: Views) -> None:
    look = {
        name: Input(f"forecast-{name}", "value")
        for name in ("queue", "ahead", "before", "step", "version")
    }
    app.callback(
        output=(
            Output("forecast-day", "options"),
            Output("forecast-day", "value"),
            Output("forecast-time", "options"),
            Output("forecast-time", "value"),
        ),
        inputs={
            "clicked": Input("forecast-chart", "clickData"),
            "day": Input("forecast-day", "value"),
            "held": State("forecast-time", "value"),
            **look,
        },
    )(off_loop(answer, views))
    app.callback(
        output=(
            Output("forecast-why", "figure"),
            Output("forecast-reasons", "children"),
            Output("forecast-chosen", "data"),
        ),
        inputs={
            "at": Input("forecast-time", "value"),
            "changed": Input("forecast-changed", "data"),
            **{name: State(f"forecast-{name}", "value") for name in look},
        },
    )(off_loop(draw, views))
