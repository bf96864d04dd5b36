"""The forecast: what came, what is expected and how sure that is, and what is known to move it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from dash import Dash, Input, Output, dcc, html

from api.console import layout, outlook, series, spans, steps, words
from api.console.charts import forecast as charts
from api.console.charts import look as drawing
from api.console.events import holidays_of
from api.console.loop import off_loop
from api.console.outlook import Look
from api.console.pages import accuracy, changes, reasons
from api.console.views import ForecastView, Today, Views
from api.planning.forecasts import AFTERWARDS
from forecasting.events.curves import campaign_shape, felt_until
from wfm.brands import Brand
from wfm.campaigns import Campaign
from wfm.frames import interval_index
from wfm.timegrid import INTERVAL, floor_interval, parse_instant


def page(views: Views, brand: Brand) -> Any:
    versions = views.versions()
    if not versions:
        return html.Div([no_forecast(), changes.anew(views), *quiet()], className="page")
    controls = [
        layout.field(
            "Queues",
            layout.select("forecast-queue", outlook.queue_options(brand), outlook.first(brand)),
        ),
        layout.field("Ahead", layout.select("forecast-ahead", outlook.options(outlook.AHEAD), "7")),
        layout.field(
            "History", layout.select("forecast-before", outlook.options(outlook.BEFORE), "14")
        ),
        layout.field(
            "Step", layout.select("forecast-step", outlook.options(steps.STEP_WORDS), "hour")
        ),
        layout.field(
            "Version",
            layout.select(
                "forecast-version", outlook.version_options(versions, brand.tz), outlook.NEWEST
            ),
            wide=True,
        ),
    ]
    return html.Div(
        [
            layout.heading("Forecast", html.Span(id="forecast-note"), controls),
            html.Div(id="forecast-tiles", className="tiles"),
            layout.card(
                "New cases",
                html.Div(id="forecast-today", className="today"),
                layout.graph("forecast-chart", "Chart of history and forecast of new cases"),
                html.Details(id="forecast-rests", className="rests"),
                note="Click a point to see why it is what it is. Drag to zoom, drag with Shift to "
                "move, double-click to see all again.",
            ),
            reasons.card(),
            accuracy.card(),
            html.Div(
                [changes.marks_card(), changes.adjustments_card(views, brand)],
                className="columns level",
            ),
            changes.anew(views),
            *quiet(),
        ],
        className="page",
    )


def quiet() -> list[Any]:
    """What holds the state of the page and is not seen."""
    return [
        dcc.Store(id="forecast-chosen"),
        dcc.Store(id="forecast-changed", data=0),
    ]


def no_forecast() -> html.Section:
    return layout.empty(
        "No forecast yet",
        "Import volumes first; four weeks or more are best. Then make a forecast here, or with",
        "wfm import volumes FILE",
        "wfm forecast --weeks 4",
    )


# -- what is drawn ---------------------------------------------------------------------------------


def history_of(views: Views, look: Look) -> pd.DataFrame:
    """Contacts of the chosen queues by interval, a week longer than is shown, for comparison."""
    start = look.begins - steps.WEEK - timedelta(hours=1)
    known = views.history(start, look.until, look.queues)
    return steps.of_queues(known, look.queues, ["contacts"]).astype(float)


def lines_of(views: Views, look: Look, forecast: ForecastView, today: Today | None) -> charts.Lines:
    """Everything that is drawn, by step."""
    fine = history_of(views, look)
    shown = series.on_grid(fine, look.begins, look.until) if look.until > look.begins else fine[:0]
    grid = interval_index(look.begins, look.ends)
    naive = steps.weekly_naive(fine, grid, look.zone, known_until=look.version.start)
    bands = forecast.whole.bands(look.queues, look.step)
    return charts.Lines(
        history=steps.by_step(shown, look.step, look.zone),
        forecast=bands[(bands.index >= look.begins) & (bands.index < look.ends)],
        naive=steps.by_step(naive.to_frame("mean"), look.step, look.zone),
        kept=kept_before(views, look),
        model=without_changes(forecast, look),
        today=updated(today, look),
    )


def updated(today: Today | None, look: Look) -> pd.DataFrame:
    """The rest of today as its counts so far have moved it; empty where nothing was updated."""
    if today is None or look.step == "day" or not set(look.queues) <= set(today.reasons):
        return pd.DataFrame()
    ahead = series.between(today.table, look.until, look.ends)
    return steps.by_step(steps.of_queues(ahead, look.queues, ["mean"]), look.step, look.zone)


def told_today(today: Today | None, look: Look) -> Any:
    """Why the forecast of the chosen queues was moved today."""
    told = [] if today is None else [r for q, r in today.reasons.items() if q in look.queues]
    if not told:
        return None
    return [html.Strong("Today"), html.Ul([html.Li(f"{text}.") for text in told])]


def without_changes(forecast: ForecastView, look: Look) -> pd.DataFrame:
    """The model's own mean where a planner has changed it, NaN elsewhere; empty without any."""
    changes_ = [c for c in forecast.adjustments if c.queue in look.queues]
    if not changes_:
        return pd.DataFrame()
    inside = series.between(forecast.model, look.begins, look.ends)
    means = steps.of_queues(inside, look.queues, ["mean"])
    changed = pd.Series(data=False, index=means.index)
    for change in changes_:
        changed |= (means.index >= change.start) & (means.index < change.end)
    if not changed.any():
        return pd.DataFrame()
    keys = steps.step_starts(pd.DatetimeIndex(means.index), look.step, look.zone)
    table = steps.by_step(means, look.step, look.zone)
    return table[table.index.isin(keys[changed.to_numpy()])].reindex(table.index)


def kept_before(views: Views, look: Look) -> pd.DataFrame:
    """What was forecast, before it came, for the time before the version's own begins.

    Of several versions the one that begins last, and of those the newest.
    """
    if look.begins >= look.version.start:
        return pd.DataFrame()
    order = sorted(views.versions(), key=lambda v: (v.start, v.made_at), reverse=True)
    found, until = [], min(look.version.start, look.ends)
    for version in order:
        start, end = max(version.start, look.begins), min(version.end, until)
        if version.start >= look.version.start or start >= end:
            continue
        piece = views.piece(version, start, end)
        means = steps.of_queues(piece.table, look.queues, ["mean"])
        found.append(steps.by_step(means, look.step, look.zone))
        until = start
        if until <= look.begins:
            break
    if not found:
        return pd.DataFrame()
    table = pd.concat(found[::-1])
    return table.reindex(step_grid(look))


def step_grid(look: Look) -> pd.DatetimeIndex:
    """The starts of all steps that are shown, so that lines break where nothing is known."""
    return steps.step_starts(interval_index(look.begins, look.ends), look.step, look.zone).unique()


# -- what is known --------------------------------------------------------------------------------


def happenings_of(views: Views, brand: Brand, look: Look) -> charts.Happenings:
    """Campaigns, holidays, marks and adjustments of the chosen queues within the stretch."""

    def seen(start: datetime, end: datetime) -> bool:
        return start < look.ends and end > look.begins

    labels = layout.queue_labels(brand)
    several = len(look.queues) > 1
    return charts.Happenings(
        campaigns=[
            curve_of(c, look)
            for c in views.campaigns()
            if seen(c.start, felt_until(c)) and set(c.queues) & set(look.queues)
        ],
        holidays=holidays_of(brand, look.queues, look.begins, look.ends),
        marks=[
            replace(m, reason=labels.get(m.queue, m.queue)) if several else m
            for m in views.marks()
            if m.queue in look.queues and seen(m.start, m.end)
        ],
        adjustments=[
            c for c in views.adjustments() if c.queue in look.queues and seen(c.start, c.end)
        ],
    )


def curve_of(campaign: Campaign, look: Look) -> charts.Curve:
    starts = interval_index(
        max(floor_interval(campaign.start), look.begins),
        min(floor_interval(felt_until(campaign)), look.ends),
    )
    return charts.Curve(campaign.name, starts, campaign_shape(campaign, starts))


# -- the page's answers ---------------------------------------------------------------------------


def gone() -> tuple[Any, ...]:
    return (
        drawing.nothing("There is no forecast any more; load the page again."),
        {},
        None,
        None,
        "",
        [],
    )


def draw(
    views: Views, *, chosen: str | None, changed: int | None, **choices: str
) -> tuple[Any, ...]:
    """All that is drawn for a choice of queues, stretch, step and version.

    Gives the chart, its height, what today changed, what it rests on, the note and the tiles.
    """
    del changed  # says only that something was changed
    brand, versions = views.brand(), views.versions()
    if brand is None or not versions:
        return gone()
    now = views.now().instant
    look = outlook.look_at(brand, versions, now, choices)
    forecast = views.forecast(look.version)
    today = views.today(look.version)
    lines = lines_of(views, look, forecast, today)
    figure = charts.forecast_chart(
        lines,
        happenings_of(views, brand, look),
        look.window,
        now=now,
        chosen=parse_instant(chosen) if chosen else None,
    )
    height = {"height": f"{figure.layout.height}px"}
    said = told_today(today, look)
    rests = rests_on(look, forecast)
    return figure, height, said, rests, note(look, forecast), tiles(look, lines, forecast)


def versions_now(views: Views, changed: int | None) -> list[dict[str, str]]:
    """The choices of a version, as they are after a change."""
    del changed
    brand = views.brand()
    return [] if brand is None else outlook.version_options(views.versions(), brand.tz)


def rests_on(look: Look, forecast: ForecastView) -> Any:
    """What the version was told and found out, of the chosen queues; each begins with its queue."""
    told = [
        note
        for note in forecast.notes
        if note == AFTERWARDS or note.partition(":")[0] in look.queues
    ]
    if not told:
        return None
    return [
        html.Summary("What this forecast rests on"),
        html.Ul([html.Li(text) for text in told], className="messages"),
    ]


def note(look: Look, forecast: ForecastView) -> list[Any]:
    version = look.version
    days = spans.plan_days(version.start, version.end, look.zone)
    made = f"made {words.moment(version.made_at, look.zone)}"
    kind = "plan" if version.plan_id is None else f"plan {version.plan_id}"
    told: list[Any] = [
        words.day_span(days[0], days[-1]),
        layout.badge(f"{made}, afterwards", "warn")
        if version.afterwards
        else layout.badge(made if version.kind != "plan" else f"{made}, for {kind}", "good"),
    ]
    models = sorted({m for q, m in forecast.champions.items() if q in look.queues})
    if models:
        told.append(f" by {' and '.join(models)}".replace("_", " "))
    return told


def tiles(look: Look, lines: charts.Lines, forecast: ForecastView) -> list[Any]:
    """What comes in all and at its busiest, beside the week before; and how good that was."""
    start = max(look.anchor, look.version.start)
    ahead = series.between(forecast.whole.table, start, look.ends)
    if ahead.empty:
        return []
    means = steps.of_queues(ahead, look.queues, ["mean"])
    busiest = steps.by_step(means, "hour", look.zone)["mean"]
    at = pd.DatetimeIndex(busiest.index)[int(busiest.to_numpy().argmax())].to_pydatetime()
    end = means.index[-1].to_pydatetime() + INTERVAL
    days = round((end - start) / timedelta(days=1))
    total = float(means["mean"].sum())
    return [
        layout.tile(
            f"New cases in {days} days",
            words.number(total),
            beside(total, lines.naive[lines.naive.index >= start]["mean"]),
        ),
        layout.tile("Busiest hour", words.number(busiest.max()), words.moment(at, look.zone)),
        *accuracy.tiles(forecast.accuracy, look.queues, look.step),
    ]


def beside(total: float, naive: pd.Series) -> str:
    """The total beside that of the same days a week before, as far as all of them are known."""
    before = float(naive.sum())
    if naive.isna().any() or before <= 0:
        return "from the first day shown"
    change = total / before - 1
    sign = "+" if change > 0 else "−" if change < 0 else "±"
    return f"{sign}{words.percent(abs(change))} on the week before"


def register(app: Dash, views: Views) -> None:
    app.callback(
        output=(
            Output("forecast-chart", "figure"),
            Output("forecast-chart", "style"),
            Output("forecast-today", "children"),
            Output("forecast-rests", "children"),
            Output("forecast-note", "children"),
            Output("forecast-tiles", "children"),
        ),
        inputs={
            "queue": Input("forecast-queue", "value"),
            "ahead": Input("forecast-ahead", "value"),
            "before": Input("forecast-before", "value"),
            "step": Input("forecast-step", "value"),
            "version": Input("forecast-version", "value"),
            "chosen": Input("forecast-chosen", "data"),
            "changed": Input("forecast-changed", "data"),
        },
    )(off_loop(draw, views))
    app.callback(
        Output("forecast-version", "options"),
        Input("forecast-changed", "data"),
        prevent_initial_call=True,
    )(off_loop(versions_now, views))
    for part in (reasons, accuracy, changes):
        part.register(app, views)
