"""Kept scenarios side by side on the page What-if: curves over each other, and a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

from dash import ALL, Dash, Input, Output, State, html, no_update

from api.console import layout, series, words
from api.console.charts import whatif as charts
from api.console.charts.whatif import Compared
from api.console.loop import off_loop
from api.console.pages.whatifanswer import recovered_words
from api.console.pages.whatifkeep import MOST_COMPARED
from api.console.views import Views
from api.planning.whatif.scenarios import Comparison
from scheduling.whatif.results import Evaluation
from wfm.brands import Brand
from wfm.errors import RequestError, WfmError

CURVES = {"attainment": "Answered in time, all queues", "backlog": "Waiting, all queues"}
# Names in a legend are cut after so many characters.
LEGEND = 34


def compared_in(search: str | None) -> tuple[int, ...]:
    """The scenarios that the browser's address names; RequestError where one is none.

    >>> compared_in("?compare=1,2"), compared_in("")
    ((1, 2), ())
    """
    named = parse_qs((search or "").removeprefix("?")).get("compare")
    if not named:
        return ()
    ids = named[-1].split(",")
    if not all(one.isdecimal() and len(one) <= 9 for one in ids):
        raise RequestError(f"{named[-1][:40]!r} names no scenarios; write ?compare=1,2")
    return tuple(map(int, ids))


def panel(views: Views, ids: Sequence[int]) -> Any:
    """The comparison, or why there is none; nothing where no scenario is named."""
    brand = views.brand()
    if not ids or brand is None:
        return ""
    try:
        return shown(views.rehearsing.compared(ids), brand)
    except WfmError as error:
        return layout.failure(error.message)


def shown(comparison: Comparison, brand: Brand) -> html.Section:
    """Curves over each other, a row each, and the link that shows them again."""
    names = [f"{one.scenario_id}: {one.name}" for one in comparison.saved]
    curves = [
        Compared(_cut(name), found.table[found.table["queue"] == series.ALL])
        for name, found in zip(names, comparison.evaluations, strict=True)
    ]
    reached = {name for found in comparison.evaluations for name in found.reached}
    goal = min(q.promise.share for q in brand.queues if not reached or q.name in reached)
    graphs = [
        layout.graph(
            f"whatif-compared-{what}",
            f"Chart of the scenarios: {title.lower()}",
            charts.compared_chart(curves, what, zone=brand.tz, goal=goal),
            height=charts.HEIGHT,
        )
        for what, title in CURVES.items()
    ]
    ids = ",".join(str(one.scenario_id) for one in comparison.saved)
    return layout.card(
        "Compared",
        html.Div(graphs, className="curves"),
        html.Div(table(names, comparison.evaluations, brand), className="scroll"),
        html.P(
            html.A("Link to this comparison", href=f"{layout.WHAT_IF.href}?compare={ids}"),
            className="note",
        ),
    )


def _cut(name: str) -> str:
    return name if len(name) <= LEGEND else f"{name[: LEGEND - 1]}…"


COLUMNS = ("Scenario", "In time", "Worst hour", "Most waiting", "Broken promise", "On time again",
           "Added contacts", "Staff hours")  # fmt: skip


def table(names: Sequence[str], found: Sequence[Evaluation], brand: Brand) -> html.Table:
    """What is planned first, then a row a scenario, all queues together."""
    plain = found[0].overall
    rows = [
        _row(
            "As planned",
            [
                words.percent(plain.attainment_before),
                words.percent(plain.worst_hour_before, digits=0),
                words.number(plain.backlog_before.value),
                f"{words.number(plain.breach_min_before)} min",
                words.NONE,
                words.NONE,
                words.NONE,
            ],
        )
    ]
    for name, one in zip(names, found, strict=True):
        effect = one.overall
        rows.append(
            _row(
                name,
                [
                    words.percent(effect.attainment_after),
                    words.percent(effect.worst_hour_after, digits=0),
                    words.number(effect.backlog_after.value),
                    f"{words.number(effect.breach_min_after)} min",
                    recovered_words(effect, one, brand),
                    words.number(one.added_contacts),
                    words.number(one.paid_hours, digits=1),
                ],
            )
        )
    head = html.Thead(html.Tr([html.Th(name, scope="col") for name in COLUMNS]))
    return html.Table([head, html.Tbody(rows)], className="goals")


def _row(name: str, cells: Sequence[str]) -> html.Tr:
    return html.Tr(
        [html.Th(name, scope="row"), *(html.Td(cell, className="figure") for cell in cells)]
    )


def compare(views: Views, presses: int | None, picked: list[list[int]]) -> Any:
    """The comparison of the ticked scenarios."""
    if not presses:
        return no_update
    ids = [one for boxes in picked for one in boxes or []]
    if not 2 <= len(ids) <= MOST_COMPARED:
        return layout.failure(f"Tick two to {MOST_COMPARED} scenarios, not {len(ids)}.")
    return panel(views, sorted(ids))


def register(app: Dash, views: Views) -> None:
    app.callback(
        Output("whatif-comparison", "children"),
        Input("whatif-compare", "n_clicks"),
        State({"type": "whatif-pick", "scenario": ALL}, "value"),
        prevent_initial_call=True,
    )(off_loop(compare, views))
