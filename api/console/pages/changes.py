"""What planners change: marks on the past, adjustments of the future, and a forecast made anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update

from api.console import callers, layout, outlook, words
from api.console.charts.forecast import change_words
from api.console.loop import off_loop
from api.console.pages import work
from api.console.pages.work import Work
from api.console.views import FORECAST_JOB, Views
from wfm.adjustments import Adjustment, AdjustmentKind
from wfm.brands import Brand
from wfm.errors import RequestError, WfmError
from wfm.marks import Mark, MarkState
from wfm.store.adjustments import StoredAdjustment
from wfm.timegrid import local_day

SHOWN_MARKS = 8
FORM_DAYS = 57
WEEKS = 4
QUARTERS = [f"{hour:02d}:{minute:02d}" for hour in range(24) for minute in (0, 15, 30, 45)]
KINDS: dict[AdjustmentKind, str] = {
    "percent": "More or fewer, in percent",
    "set": "So many in all",
    "range": "Between two totals",
}
STATE_TONES: dict[MarkState, str] = {"proposed": "warn", "accepted": "good", "rejected": "plain"}
STATE_WORDS: dict[MarkState, str] = {
    "proposed": "proposed, left out",
    "accepted": "accepted, left out",
    "rejected": "rejected, learned from",
}
MOVES: dict[MarkState, str] = {"accepted": "Accept", "rejected": "Reject"}
DONE = {"accepted": "The mark is accepted.", "rejected": "The mark is rejected."}
COUNTS_ANEW = " It counts in forecasts that are made from now on."
ANEW = Work(
    page="forecast",
    kind=FORECAST_JOB,
    button="Forecast anew",
    purpose="A new version of four weeks, from today on, with all that is known by now.",
    start=lambda views, actor: views.start_forecast(WEEKS, actor),
    done=("The forecast is made.", "Show it", layout.FORECAST.href),
)


# -- the cards ------------------------------------------------------------------------------------


def marks_card() -> html.Section:
    return layout.card(
        "Marks on the past",
        html.Div(id="forecast-marks", role="status"),
        note="Counts that are not what customers usually do. While a mark is in force they are "
        "left out of what the forecast learns from; reject it when they are normal.",
    )


def adjustments_card(views: Views, brand: Brand) -> html.Section:
    today = local_day(views.now().instant, brand.tz)
    return layout.card(
        "Adjustments",
        html.Div(id="forecast-adjustments", role="status"),
        form(brand, today),
        note="What you know and no model can. Kept apart from the model's output, with the "
        "reason; withdraw one and it is gone.",
    )


def form(brand: Brand, today: date) -> html.Details:
    days = [today + timedelta(days=n) for n in range(FORM_DAYS)]
    choices = [{"label": words.day_name(d), "value": d.isoformat()} for d in days]
    labels = layout.queue_labels(brand)
    names = [{"label": text, "value": name} for name, text in labels.items()]

    def pair(*fields: Any) -> html.Div:
        return html.Div(list(fields), className="pair")

    def moment(name: str, label: str, day: date) -> html.Div:
        return pair(
            layout.field(label, layout.select(f"adjust-{name}-day", choices, day.isoformat())),
            layout.field("at", layout.select(f"adjust-{name}-time", QUARTERS, "00:00")),
        )

    return html.Details(
        [
            html.Summary("Adjust the forecast"),
            pair(
                layout.field("Queue", layout.select("adjust-queue", names, brand.queues[0].name)),
                layout.field(
                    "Change",
                    layout.select(
                        "adjust-kind",
                        [{"label": text, "value": kind} for kind, text in KINDS.items()],
                        "percent",
                    ),
                ),
            ),
            moment("from", "From", days[1]),
            moment("to", "Until", days[2]),
            html.Div(layout.field("Percent or contacts", _number("adjust-value")), id="adjust-one"),
            html.Div(
                pair(
                    layout.field("At least, contacts", _number("adjust-low")),
                    layout.field("At most, contacts", _number("adjust-high")),
                ),
                id="adjust-two",
                hidden=True,
            ),
            layout.field(
                "Reason", dcc.Input(id="adjust-reason", type="text", value="", maxLength=200)
            ),
            html.Button("Adjust", id="adjust-add", className="primary", n_clicks=0),
        ],
        className="form",
    )


def _number(id_: str) -> dcc.Input:
    return dcc.Input(id=id_, type="number", step="any")


def anew(views: Views) -> html.Section:
    """The button that makes a forecast, how far it is, and how to stop it."""
    return layout.card(None, *work.bar(ANEW, views), className="flush")


# -- what is listed -------------------------------------------------------------------------------


def mark_rows(marks: Sequence[Mark], effects: Mapping[int, float], brand: Brand) -> Any:
    """The newest marks, each with what deciding otherwise would change."""
    if not marks:
        return html.P("Nothing in the past looks unusual.", className="note")
    newest = sorted(marks, key=lambda m: m.start, reverse=True)
    older = len(newest) - SHOWN_MARKS
    return [
        html.Ul([_mark_row(m, effects, brand) for m in newest[:SHOWN_MARKS]], className="changes"),
        html.P(f"And {older} older.", className="note") if older > 0 else None,
    ]


def _mark_row(mark: Mark, effects: Mapping[int, float], brand: Brand) -> html.Li:
    labels = layout.queue_labels(brand)
    what = f"{labels.get(mark.queue, mark.queue)}: {mark.kind}, {span_words(mark, brand)}"
    contacts, normal = words.number(mark.contacts), words.number(mark.expected)
    came = f"{contacts} came, {normal} is normal. {mark.reason}"
    moves = [to for to in MOVES if to != mark.state]
    return html.Li(
        [
            html.Div(
                [
                    html.Strong(what),
                    layout.badge(STATE_WORDS[mark.state], STATE_TONES[mark.state]),
                    html.Span(came, className="under"),
                    html.Span(effect_words(mark, effects), className="under effect"),
                ]
            ),
            html.Div(
                [
                    html.Button(
                        MOVES[to],
                        id={"type": "mark-move", "mark": mark.mark_id, "to": to},
                        className="plain",
                        n_clicks=0,
                        **layout.named(f"{MOVES[to]}: {what}"),
                    )
                    for to in moves
                ],
                className="buttons",
            ),
        ]
    )


def effect_words(mark: Mark, effects: Mapping[int, float]) -> str:
    """What the other decision would do to the week to come.

    >>> from datetime import UTC
    >>> day = datetime(2026, 3, 2, tzinfo=UTC)
    >>> mark = Mark("x", day, day + timedelta(hours=2), "outage", mark_id=3)
    >>> effect_words(mark, {3: -34.2})
    'Rejecting it takes 34 contacts away from the next week.'
    """
    change = effects.get(mark.mark_id or 0)
    if change is None:
        return ""
    move = "Rejecting" if mark.in_force else "Accepting"
    if round(change) == 0:
        return f"{move} it changes the next week by less than one contact."
    amount = words.number(abs(change))
    return (
        f"{move} it adds {amount} contacts to the next week."
        if change > 0
        else f"{move} it takes {amount} contacts away from the next week."
    )


def span_words(one: Mark | Adjustment, brand: Brand) -> str:
    """From when to when, the day once where it is the same."""
    begins = words.moment(one.start, brand.tz)
    last = one.end - timedelta(seconds=1)
    if local_day(one.start, brand.tz) == local_day(last, brand.tz):
        end = words.clock_time(one.end, brand.tz)
        return f"{begins}–{'24:00' if end == '00:00' else end}"
    return f"{begins} to {words.moment(one.end, brand.tz)}"


def adjustment_rows(changes: Sequence[StoredAdjustment], brand: Brand) -> Any:
    if not changes:
        return html.P("The forecast is the model's own: nothing is adjusted.", className="note")
    return html.Ul([_adjustment_row(c, brand) for c in changes], className="changes")


def _adjustment_row(change: StoredAdjustment, brand: Brand) -> html.Li:
    queue = layout.queue_labels(brand).get(change.queue, change.queue)
    what = f"{queue}: {change_words(change)}, {span_words(change, brand)}"
    return html.Li(
        [
            html.Div(
                [
                    html.Strong(what),
                    html.Span(f"{change.reason} ({change.actor})", className="under"),
                ]
            ),
            html.Div(
                html.Button(
                    "Withdraw",
                    id={"type": "withdraw", "adjustment": change.adjustment_id},
                    className="plain",
                    n_clicks=0,
                    **layout.named(f"Withdraw: {what}"),
                ),
                className="buttons",
            ),
        ]
    )


def listed(views: Views, changed: int | None, queue: str) -> tuple[Any, Any]:
    """Marks and adjustments of the chosen queues."""
    del changed
    brand = views.brand()
    if brand is None:
        return "", ""
    queues = outlook.queues_of(brand, queue)
    marks = [m for m in views.marks() if m.queue in queues]
    return (
        mark_rows(marks, views.mark_effects(queues), brand),
        adjustment_rows([c for c in views.adjustments() if c.queue in queues], brand),
    )


# -- what is done ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Form:
    """What the browser sends: local days and times, and values that may be missing."""

    queue: str
    kind: AdjustmentKind
    from_day: str
    from_time: str
    to_day: str
    to_time: str
    value: float | None
    low: float | None
    high: float | None
    reason: str | None


def adjustment_of(brand: Brand, form: Form) -> Adjustment:
    """The form as an Adjustment; RequestError for what is missing or out of range."""

    def instant(day: str, at: str) -> datetime:
        local = datetime.combine(date.fromisoformat(day), time.fromisoformat(at), tzinfo=brand.tz)
        return local.astimezone(UTC)

    if form.kind == "range" and (form.low is None or form.high is None):
        raise RequestError("a range needs both totals: at least and at most")
    if form.kind != "range" and form.value is None:
        unit = "the percent" if form.kind == "percent" else "the contacts"
        raise RequestError(f"{unit} of the change are missing; write a number")
    ranged = form.kind == "range"
    return Adjustment(
        queue=form.queue,
        start=instant(form.from_day, form.from_time),
        end=instant(form.to_day, form.to_time),
        kind=form.kind,
        reason=(form.reason or "").strip(),
        value=None if ranged else form.value,
        low=form.low if ranged else None,
        high=form.high if ranged else None,
    )


def add(views: Views, actor: str, form: Form) -> str:
    """Keep the form's adjustment; what came of it in words."""
    brand = views.brand()
    if brand is None:
        raise RequestError(layout.GONE)
    views.adjust(adjustment_of(brand, form), actor)
    versions = views.versions()
    if versions and versions[0].kind == "plan":
        return f"The adjustment is kept.{COUNTS_ANEW}"
    return "The adjustment is in force; a plan made from now on holds it."


def move(views: Views, actor: str, trigger: Mapping[str, Any]) -> str:
    """Decide the mark, or withdraw the adjustment, that a button stands for; what came of it."""
    if trigger["type"] == "withdraw":
        views.withdraw(int(trigger["adjustment"]), actor)
        return "The adjustment is withdrawn."
    state: MarkState = trigger["to"]
    views.decide(int(trigger["mark"]), state, actor)
    return DONE[state] + COUNTS_ANEW


def act(views: Views, *, changed: int | None, presses: Any, form: dict[str, Any]) -> Any:
    """Do what the pressed button says; gives the count of changes and what came of it."""
    del presses
    trigger = ctx.triggered_id
    if trigger is None or not ctx.triggered[0]["value"]:
        return no_update, no_update
    actor = callers.planner()
    try:
        if trigger == "adjust-add":
            said = add(views, actor, Form(**form))
        else:
            said = move(views, actor, trigger)
    except WfmError as error:
        return no_update, layout.failure(error.message)
    return (changed or 0) + 1, html.P(said)


def register(app: Dash, views: Views) -> None:
    app.callback(
        Output("forecast-marks", "children"),
        Output("forecast-adjustments", "children"),
        Input("forecast-changed", "data"),
        Input("forecast-queue", "value"),
    )(off_loop(listed, views))
    app.callback(
        output=(Output("forecast-changed", "data"), Output("forecast-said", "children")),
        inputs={
            "presses": {
                "add": Input("adjust-add", "n_clicks"),
                "withdraw": Input({"type": "withdraw", "adjustment": ALL}, "n_clicks"),
                "mark": Input({"type": "mark-move", "mark": ALL, "to": ALL}, "n_clicks"),
            },
            "changed": State("forecast-changed", "data"),
            "form": {
                name: State(f"adjust-{name.replace('_', '-')}", "value")
                for name in Form.__dataclass_fields__
            },
        },
        prevent_initial_call=True,
    )(off_loop(act, views))
    work.register(app, views, ANEW)
    app.clientside_callback(  # type: ignore[no-untyped-call]
        "function (kind) { return [kind === 'range', kind !== 'range']; }",
        Output("adjust-one", "hidden"),
        Output("adjust-two", "hidden"),
        Input("adjust-kind", "value"),
    )
