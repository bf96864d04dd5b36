"""The answer on the page What-if: a sentence, figures, four curves before and after, by queue."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from api.console import layout, series, whatifform, whatifwords, words
from api.console.charts import look
from api.console.charts import whatif as charts
from api.console.charts.whatif import Hours
from api.console.loop import off_loop
from api.console.rehearsing import Turn
from api.console.views import Views
from api.console.whatifform import Form, Part
from api.planning.whatif.words import is_unhurt
from scheduling.whatif.results import Evaluation, QueueEffect
from scheduling.whatif.scenario import Scenario
from wfm.brands import Brand
from wfm.errors import WfmError
from wfm.store.documents import to_document
from wfm.timegrid import local_day

BUSY = "Simulating …"
CURVES = {
    "attainment": ("Answered in time", charts.attainment_chart),
    "backlog": ("Waiting", charts.backlog_chart),
    "age": ("The oldest waiting", charts.age_chart),
    "occupancy": ("Occupancy, all agents", charts.occupancy_chart),
}
OUTPUTS = ("said", "tiles", *CURVES, "queues", "note", "known", "frame")


def card(brand: Brand) -> html.Div:
    """The sentence, the figures and the curves, to be filled by the first answer."""
    graphs = [
        layout.card(
            title,
            layout.graph(
                f"whatif-{name}",
                f"Chart before and with the scenario: {title.lower()}",
                look.nothing("", height=charts.HEIGHT),
                height=charts.HEIGHT,
            ),
            className="curve",
        )
        for name, (title, _) in CURVES.items()
    ]
    queue = layout.select("whatif-queue", layout.queue_options(brand), layout.ALL_QUEUES)
    return html.Div(
        [
            html.Div(
                [
                    html.Div(
                        [
                            html.P("", id="whatif-said", className="answer", role="status"),
                            html.P(
                                [html.Span("", id="whatif-note"), html.Span("", id="whatif-busy")],
                                className="note",
                            ),
                        ]
                    ),
                    html.Div(
                        [
                            layout.field("Curves of", queue),
                            html.Button(
                                "Copy as picture",
                                id="whatif-copy",
                                className="plain",
                                n_clicks=0,
                            ),
                            html.Span("", id="whatif-copied", className="note", role="status"),
                        ],
                        className="beside-answer",
                    ),
                ],
                className="card answering",
            ),
            html.Div(id="whatif-tiles", className="tiles"),
            html.Div(graphs, className="curves"),
            layout.card(
                "By queue",
                html.Div(id="whatif-queues-table", className="scroll"),
                note="As planned → with the scenario. Queues that it cannot reach are left out.",
            ),
            dcc.Store(id="whatif-known"),
            dcc.Store(id="whatif-frame"),
        ],
        className="page",
    )


def answered(
    views: Views,
    *,
    asked: dict[str, Any] | None,
    parts: list[Part] | None,
    queue: str,
    plan_id: int,
    page: str,
) -> dict[str, Any]:
    """What the controls and the parts beside them come to, or what is wrong in words."""
    brand = views.brand()
    if not asked or brand is None:
        raise PreventUpdate
    same = dict.fromkeys(OUTPUTS, no_update)
    try:
        scenario = whatifform.whole(Form.of(asked), parts or [], brand)
        found = views.rehearsing.evaluate(scenario, plan_id, Turn(page, int(asked["turn"])))
    except WfmError as error:
        return {**same, "said": layout.failure(error.message), "known": None, "frame": None}
    if found is None:
        raise PreventUpdate
    return shown(found, brand, series.ALL if queue == layout.ALL_QUEUES else queue, plan_id)


def shown(found: Evaluation, brand: Brand, queue: str, plan_id: int) -> dict[str, Any]:
    """The evaluation as the page shows it; curves of one queue, or of all."""
    said = whatifwords.answer(found, brand)
    hours = hours_of(found, brand, queue)
    everybody = hours_of(found, brand, series.ALL)
    drawn = {
        name: chart(everybody if name == "occupancy" else hours)
        for name, (_, chart) in CURVES.items()
    }
    return {
        "said": said,
        "tiles": tiles(found, brand),
        **drawn,
        "queues": queue_table(found, brand),
        "note": note(found, brand),
        "known": {"scenario": to_document(found.scenario), "plan": plan_id},
        "frame": charts.picture_frame(said, caption(brand, queue, plan_id), hours),
    }


def hours_of(found: Evaluation, brand: Brand, queue: str) -> Hours:
    """What is drawn of a queue, or of all (""): of those the lowest promise is the goal."""
    names = [queue] if queue else list(found.reached) or [q.name for q in brand.queues]
    rows = found.table[found.table["queue"] == queue]
    return Hours(
        rows, brand.tz, min(brand.queue(name).promise.share for name in names), span_of(found)
    )


def span_of(found: Evaluation) -> tuple[datetime, datetime] | None:
    """From when until when the first surge is at its full; without one, what lasts longest."""
    scenario: Scenario = found.scenario
    if scenario.surges:
        return scenario.surges[0].start, scenario.surges[0].end
    return max(scenario.spans, key=lambda span: span[1] - span[0], default=None)


def caption(brand: Brand, queue: str, plan_id: int) -> str:
    """What a picture rests on: the brand, whose curves, the plan."""
    whose = whatifwords.named(brand, [queue] if queue else [])
    zone = brand.zone.replace("_", " ")
    return f"{brand.name} · {whose} · plan {plan_id} · times in {zone}"


def note(found: Evaluation, brand: Brand) -> str:
    span = whatifwords.span(found.start, found.end, brand.tz)
    return (
        f"{found.replications} sampled days, {span}, simulated in {found.seconds:.2f} s. Shaded "
        "bands: 80 of 100 days. "
    )


def tiles(found: Evaluation, brand: Brand) -> list[Any]:
    """All queues together in figures, each beside what it is without the scenario."""
    effect = found.overall
    worst = effect.worst_hour_after
    return [
        layout.tile(
            "Answered in time",
            words.percent(effect.attainment_after),
            f"{words.percent(effect.attainment_before)} as planned",
        ),
        layout.tile(
            "Worst hour",
            words.percent(worst, digits=0),
            f"{words.percent(effect.worst_hour_before, digits=0)} as planned",
        ),
        layout.tile(
            "Most waiting",
            words.number(effect.backlog_after.value),
            f"{words.moment(effect.backlog_after.at, brand.tz)}, "
            f"{words.number(effect.backlog_before.value)} as planned",
        ),
        layout.tile(
            "Longest wait",
            words.length(60 * round(effect.age_s_after.value / 60)),
            f"{words.length(60 * round(effect.age_s_before.value / 60))} as planned",
        ),
        layout.tile("On time again", *_again(effect, found, brand)),
        layout.tile("Late replies", _more(effect), f"{words.number(effect.late_after)} in all"),
        layout.tile(
            "Added contacts",
            words.number(found.added_contacts),
            f"{words.number(found.automatic)} answered automatically",
        ),
        layout.tile("Added staff hours", words.number(found.paid_hours, digits=1), "paid"),
    ]


def _again(effect: QueueEffect, found: Evaluation, brand: Brand) -> tuple[str, str]:
    """When it is on time again, and the day of it."""
    at = effect.recovered_at
    if is_unhurt(effect, found):
        return "Always", "no hour worse than planned"
    if at is None:
        return "Not yet", f"by {words.moment(found.end, brand.tz)}"
    return words.clock_time(at, brand.tz), words.day_name(local_day(at, brand.tz))


def _more(effect: QueueEffect) -> str:
    more = round(effect.late_after - effect.late_before)
    return f"{'−' if more < 0 else '+'}{words.number(abs(more))}"


COLUMNS = ("In time", "Worst hour", "Most waiting", "Longest wait", "On time again")


def queue_table(found: Evaluation, brand: Brand) -> html.Table:
    """Each reached queue: as planned → with the scenario."""
    labels = layout.queue_labels(brand)
    rows = [
        html.Tr(
            [
                html.Th(labels.get(effect.queue, effect.queue), scope="row"),
                *(html.Td(text, className="figure") for text in cells(effect, found, brand)),
            ]
        )
        for effect in found.effects[1:]
        if effect.queue in found.reached
    ]
    head = [html.Th(name, scope="col") for name in ("Queue", *COLUMNS)]
    return html.Table(
        [html.Thead(html.Tr(head)), html.Tbody(rows)],
        className="goals",
    )


def cells(effect: QueueEffect, found: Evaluation, brand: Brand) -> list[str]:
    """A queue's figures, in the order of `COLUMNS`."""
    return [
        _change(words.percent(effect.attainment_before), words.percent(effect.attainment_after)),
        _change(
            words.percent(effect.worst_hour_before, digits=0),
            words.percent(effect.worst_hour_after, digits=0),
        ),
        _change(
            words.number(effect.backlog_before.value), words.number(effect.backlog_after.value)
        ),
        _change(*(_minutes(peak.value) for peak in (effect.age_s_before, effect.age_s_after))),
        recovered_words(effect, found, brand),
    ]


def recovered_words(effect: QueueEffect, found: Evaluation, brand: Brand) -> str:
    """When a row of a table says that it is on time again."""
    if is_unhurt(effect, found):
        return "no hour worse"
    at = effect.recovered_at
    return words.moment(at, brand.tz) if at else "not yet"


def _minutes(seconds: float) -> str:
    return f"{words.number(round(seconds / 60))} min"


def _change(before: str, after: str) -> str:
    return after if before == after else f"{before} → {after}"


def register(app: Dash, views: Views) -> None:
    app.callback(
        output={
            "said": Output("whatif-said", "children"),
            "tiles": Output("whatif-tiles", "children"),
            **{name: Output(f"whatif-{name}", "figure") for name in CURVES},
            "queues": Output("whatif-queues-table", "children"),
            "note": Output("whatif-note", "children"),
            "known": Output("whatif-known", "data"),
            "frame": Output("whatif-frame", "data"),
        },
        inputs={
            "asked": Input("whatif-asked", "data"),
            "parts": Input("whatif-parts", "data"),
            "queue": Input("whatif-queue", "value"),
            "plan_id": State("whatif-plan", "data"),
            "page": State("whatif-page", "data"),
        },
        running=[(Output("whatif-busy", "children"), BUSY, "")],
    )(off_loop(answered, views))
    app.clientside_callback(  # type: ignore[no-untyped-call]
        "function (...given) { return dash_clientside.whatif.picture(...given); }",
        Output("whatif-copied", "children"),
        Input("whatif-copy", "n_clicks"),
        State("whatif-frame", "data"),
        State("whatif-attainment", "figure"),
        State("whatif-backlog", "figure"),
        prevent_initial_call=True,
    )
