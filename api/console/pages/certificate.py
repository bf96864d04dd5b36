"""The certificate: what the roster was shown to attain, and how that held against what came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from dash import Dash, Input, Output, dcc, html

from api.console import layout, series, words
from api.console.charts import certificate as charts
from api.console.loop import off_loop
from api.console.pages import goals, work
from api.console.pages.work import Work
from api.console.promises import CERTIFY_JOB
from api.console.views import PlanView, Views
from api.planning.certificates import StoredCertificate
from scheduling.calibration import Calibration
from scheduling.certificate import Certificate
from wfm.brands import Brand
from wfm.errors import RequestError

SHOWN_DAYS = 60
# Of a percent, as fine as the error is told: 99.96 % is no 100 %.
DIGITS = 2
FIRST = ("first_response", "goal")
HISTORY_HEAD = ("Made", "Runs", "Seed", "All queues", "P10–P90", "Promises kept")
LINES_HEAD = ("Queue", "Promise", "Days", "Cases", "Certified", "Came", "Bias", "Within band")


def cards(views: Views, brand: Brand, plan: PlanView) -> list[Any]:
    held = views.promises.certificates(plan.plan_id)
    return [
        layout.card(
            "Certificate",
            html.Div(
                layout.field(
                    "Certificate",
                    layout.select("certificate-which", options(held, brand), first_of(held)),
                    wide=True,
                ),
                className="controls left",
            ),
            html.P(id="certificate-about", className="note"),
            html.Div(id="certificate-goals", className="scroll"),
            html.H3("All certificates of this plan", className="apart"),
            html.Div(history(held, brand), id="certificate-history", className="scroll"),
            *work.bar(ANEW, views, className="inside"),
            dcc.Store(id="certificate-changed", data=0),
            note="What the roster attains of every promise, simulated case by case in the live "
            "queue's order. Automatic answers are not counted.",
        ),
        layout.card(
            "Certified and what came",
            html.Div(id="certificate-came"),
            note="Every certified day that recorded cases tell of. Of ten days eight should lie "
            "within their band, or more where days of 100 % are common; a bias tells that promises "
            "are too bright or too dark.",
        ),
    ]


def start(views: Views, actor: str) -> str:
    """Certify the plan that is shown once more; gives the job's id."""
    plan = views.plan()
    if plan is None:
        raise RequestError(layout.GONE)
    return views.promises.certify(plan.plan_id, actor)


ANEW = Work(
    page="certificate",
    kind=CERTIFY_JOB,
    button="Certify anew",
    purpose="Simulates the same roster on days that no certificate of it has seen.",
    start=start,
    done=("The certificate is kept.", "", ""),
)


def renewed(views: Views, changed: int | None) -> tuple[Any, Any, Any]:
    """Choices, the newest of them chosen, and the list, once another certificate is kept."""
    del changed
    brand, plan = views.brand(), views.plan()
    if brand is None or plan is None:
        return [], None, layout.GONE
    held = views.promises.certificates(plan.plan_id)
    newest = str(held[0].certificate_id) if held else None
    return options(held, brand), newest, history(held, brand)


# -- certificates of the plan ---------------------------------------------------------------------


def options(held: Sequence[StoredCertificate], brand: Brand) -> list[dict[str, str]]:
    return [
        {
            "label": f"{words.moment(one.made_at, brand.tz)}, {words.number(one.replications)} runs"
            + (", the plan's own" if one.own else ""),
            "value": str(one.certificate_id),
        }
        for one in held
    ]


def first_of(held: Sequence[StoredCertificate]) -> str | None:
    """The plan's own certificate, with which it was published; the newest where there is none."""
    own = next((one for one in held if one.own), held[0] if held else None)
    return None if own is None else str(own.certificate_id)


def history(held: Sequence[StoredCertificate], brand: Brand) -> html.Table:
    """A line a certificate, the newest first."""
    return html.Table(
        [
            html.Thead(html.Tr([html.Th(name, scope="col") for name in HISTORY_HEAD])),
            html.Tbody([_history_row(one, brand) for one in held]),
        ],
        className="goals exact",
    )


def _history_row(one: StoredCertificate, brand: Brand) -> html.Tr:
    promised = [g for g in one.goals if g.queue and g.share is not None and g.units]
    kept = sum(goal.kept for goal in promised)
    overall = one.overall
    made: list[Any] = [
        words.moment(one.made_at, brand.tz),
        html.Span(one.actor + (", the plan's own" if one.own else ""), className="under"),
    ]
    figures: list[Any] = [
        words.number(one.replications),
        str(one.seed),
        [
            words.percent(overall.attainment if overall else None, digits=DIGITS),
            html.Span(goals.error(overall.se if overall else None), className="under"),
        ],
        words.band(overall.p10, overall.p90, digits=DIGITS) if overall else words.NONE,
        layout.badge(f"{kept} of {len(promised)}", "good" if kept == len(promised) else "bad"),
    ]
    return html.Tr(
        [
            html.Th(made, scope="row"),
            *(html.Td(figure, className="figure") for figure in figures),
        ]
    )


def about(certificate: Certificate) -> str:
    return (
        f"Simulated on {words.number(certificate.replications)} sampled futures, seed "
        f"{certificate.seed}, on which the roster was not made. ± is the error of the simulation; "
        "P10–P90 tells how far the futures lie apart."
    )


def draw(views: Views, which: str | None, choice: str) -> tuple[Any, Any]:
    """What the chosen certificate rests on, every promise to the chosen queue, what waits."""
    brand, plan = views.brand(), views.plan()
    if brand is None or plan is None:
        return "", layout.GONE
    queue = series.ALL if choice == layout.ALL_QUEUES else choice
    certificate = plan.tables.certificate
    if which is not None and which.isdigit():
        certificate = views.promises.certificate(int(which))
    shown = [
        goals.exact_table(certificate, brand, queue),
        goals.waiting_table(certificate, brand, queue),
        html.P(goals.staff_words(certificate), className="note"),
    ]
    return about(certificate), shown


# -- how they held --------------------------------------------------------------------------------


def came(views: Views, choice: str) -> Any:
    """Bands and what came by day for the queue, in figures and as a chart; or what to import."""
    brand = views.brand()
    if brand is None:
        return layout.GONE
    known = views.promises.calibration()
    if not known.days:
        return nothing_came()
    queue = series.ALL if choice == layout.ALL_QUEUES else choice
    days = days_of(known, queue)
    shares = days["share"].dropna()
    goal = float(shares.iloc[-1]) if len(shares) else None
    return [
        html.P(held_words(known, days), className="sentence"),
        layout.graph(
            "certificate-chart",
            "Chart of certified bands and what came, by day",
            charts.calibration_chart(days.tail(SHOWN_DAYS), zone=brand.tz, goal=goal),
            height=charts.HEIGHT,
        ),
        html.Div(lines_table(known, brand, queue), className="scroll"),
    ]


def nothing_came() -> html.Div:
    return html.Div(
        [
            html.P(
                "Nothing has been compared yet. Import the cases of the days that were planned, "
                "with their queue, arrival and first reply; cases answered in our own queue count "
                "without an import."
            ),
            html.Pre("wfm import cases FILE", className="command"),
        ]
    )


def days_of(known: Calibration, queue: str) -> pd.DataFrame:
    """Days of the queue's first responses; of a day that several plans covered, the last one's."""
    table = known.table
    own = table[(table["queue"] == queue) & (table["scope"] == "day")]
    own = own[(own["metric"] == FIRST[0]) & (own["goal"] == FIRST[1])]
    return own.sort_values(["start", "certificate_id"]).drop_duplicates("start", keep="last")


def held_words(known: Calibration, days: pd.DataFrame) -> str:
    """How many of the days lay within their bands, beside how many should; and the bias."""
    stated = words.percent(known.stated, digits=0)
    told = f"Over all promises {words.percent(known.coverage, digits=0)} did; {stated} should."
    if len(days):
        inside = int(days["inside"].sum())
        told = f"{inside} of {len(days)} days lay within their band. {told}"
    else:
        told = f"No day of this queue has been compared yet. {told}"
    return told + (f" {bias_words(known.bias)}" if known.bias is not None else "")


def bias_words(bias: float) -> str:
    """
    >>> bias_words(-1.24)
    'Over all queues 1.2 points fewer first replies were in time than certified.'
    """
    if round(abs(bias), 1) == 0:
        return "Over all queues as many first replies were in time as certified."
    side = "more" if bias > 0 else "fewer"
    return (
        f"Over all queues {abs(bias):.1f} points {side} first replies were in time than certified."
    )


def lines_table(known: Calibration, brand: Brand, queue: str) -> html.Table:
    """A line a promise of the chosen queue (or of all)."""
    labels = {series.ALL: "All queues", **layout.queue_labels(brand)}
    rows = known.lines.to_dict("records")
    return html.Table(
        [
            html.Thead(html.Tr([html.Th(name, scope="col") for name in LINES_HEAD])),
            html.Tbody(
                [_line_row(row, labels) for row in rows if queue in (series.ALL, row["queue"])]
            ),
        ],
        className="goals exact",
    )


def _line_row(row: dict[Any, Any], labels: dict[str, str]) -> html.Tr:
    what = words.METRICS.get(row["metric"], row["metric"])
    if row["goal"] == "opening":
        what += " after opening"
    if row["threshold_s"]:
        what += f" within {words.length(row['threshold_s'])}"
    bias = round(row["bias"], 1)
    sign = "+" if bias > 0 else "−" if bias < 0 else ""
    figures = (
        words.number(row["days"]),
        words.number(row["cases"]),
        words.percent(row["promised"], digits=DIGITS),
        words.percent(row["attained"], digits=DIGITS),
        f"{sign}{abs(bias):.1f} points",
        words.percent(row["inside"], digits=0),
    )
    return html.Tr(
        [
            html.Th(labels.get(row["queue"], row["queue"]), scope="row"),
            html.Td(what),
            *(html.Td(figure, className="figure") for figure in figures),
        ]
    )


def register(app: Dash, views: Views) -> None:
    work.register(app, views, ANEW)
    app.callback(
        Output("certificate-which", "options"),
        Output("certificate-which", "value"),
        Output("certificate-history", "children"),
        Input("certificate-changed", "data"),
        prevent_initial_call=True,
    )(off_loop(renewed, views))
    app.callback(
        Output("certificate-about", "children"),
        Output("certificate-goals", "children"),
        Input("certificate-which", "value"),
        Input("requirement-queue", "value"),
    )(off_loop(draw, views))
    app.callback(Output("certificate-came", "children"), Input("requirement-queue", "value"))(
        off_loop(came, views)
    )
