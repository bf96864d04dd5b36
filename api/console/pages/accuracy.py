"""How good the forecasts are: in the back-test, and the kept ones on what came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from dash import Dash, Input, Output, html

from api.console import layout, outlook, words
from api.console.charts import accuracy as charts
from api.console.charts import look as drawing
from api.console.loop import off_loop
from api.console.steps import STEP_WORDS
from api.console.views import VersionView, Views
from forecasting.scoring.accuracy import Accuracy, Step
from wfm.brands import Brand

SCORED_DAYS = 56
GONE = "There is no forecast any more; load the page again."
HEAD = (
    ("Queue", "left"),
    ("WAPE", "sum of errors over all contacts"),
    ("Week before", "the same of last week's counts"),
    ("Bias", "above 0: too high"),
    ("MASE", "error over that of last week's counts"),
    ("Pinball", "loss of all quantiles, over the mean"),
    ("80 % held", "share within the 80 % band"),
    ("95 % held", "share within the 95 % band"),
    ("Origins", "how many starting days were tried"),
)


def card() -> html.Section:
    return layout.card(
        "Accuracy",
        html.Div(id="forecast-accuracy", className="scroll"),
        html.Div(
            [
                html.Div(
                    [
                        html.H3("Do the bands hold what they promise?"),
                        layout.graph(
                            "forecast-reliability",
                            "Chart of stated against observed coverage",
                            height=charts.HEIGHT,
                        ),
                    ],
                    className="column",
                ),
                html.Div(
                    [
                        html.H3("Kept forecasts on what came, by their first day"),
                        layout.graph(
                            "forecast-scored",
                            "Chart of the error of kept forecasts",
                            height=charts.HEIGHT,
                        ),
                        html.P(id="forecast-afterwards", className="note"),
                    ],
                    className="column",
                ),
            ],
            className="columns",
        ),
        note="Each line is a back-test: forecasts made from many past days without what came "
        "after, beside the counts of the week before. Lower is better for all but the bands.",
    )


def lines_for(accuracy: Sequence[Accuracy], queues: Sequence[str], step: Step) -> list[Accuracy]:
    """The champions' lines of the queues at the step, in the order of the queues."""
    found = {a.queue: a for a in accuracy if a.champion and a.step == step}
    return [found[q] for q in queues if q in found]


def pooled(lines: Sequence[Accuracy], figure: str) -> tuple[float | None, float | None]:
    """A figure averaged over the lines, ours and the weekly naive's; None where nobody has one."""
    ours = [v for line in lines if (v := getattr(line, figure)) is not None]
    naive = [v for line in lines if (v := getattr(line.naive, figure)) is not None]
    return (
        sum(ours) / len(ours) if ours else None,
        sum(naive) / len(naive) if naive else None,
    )


def tiles(accuracy: Sequence[Accuracy], queues: Sequence[str], step: Step) -> list[Any]:
    """Error and band of the chosen queues at the step, as the back-test has them."""
    lines = lines_for(accuracy, queues, step)
    if not lines:
        return []
    wape, naive = pooled(lines, "wape")
    held, _ = pooled(lines, "coverage80")
    several = "mean of the queues, " if len(lines) > 1 else ""
    per = STEP_WORDS[step].lower()
    better = wape is not None and naive is not None and wape <= naive
    return [
        layout.tile(
            f"WAPE per {per}",
            words.percent(wape),
            f"{several}week before {words.percent(naive)}",
            "good" if better else "bad" if wape is not None and naive is not None else "",
        ),
        layout.tile(
            "80 % band held",
            words.percent(held),
            f"{several}of {lines[0].origins} past forecasts",
        ),
    ]


def table_of(accuracy: Sequence[Accuracy], queues: Sequence[str], brand: Brand, step: Step) -> Any:
    """A line a queue at the step, beside the weekly naive."""
    lines = lines_for(accuracy, queues, step)
    if not lines:
        return html.P(
            "Nothing has been scored: the history is too short for a back-test. "
            "Four weeks of volumes or more tell how good the forecast is."
        )
    labels = layout.queue_labels(brand)
    return html.Table(
        [
            html.Caption(f"Per {STEP_WORDS[step].lower()}, {lines[0].horizon_days} days ahead"),
            html.Thead(html.Tr([html.Th(name, scope="col", title=why) for name, why in HEAD])),
            html.Tbody([row_of(line, labels) for line in lines]),
        ],
        className="goals",
    )


def row_of(line: Accuracy, labels: dict[str, str]) -> html.Tr:
    better = line.wape is not None and line.naive.wape is not None and line.wape <= line.naive.wape
    return html.Tr(
        [
            html.Th(
                [
                    labels.get(line.queue, line.queue),
                    html.Span(line.model.replace("_", " "), className="under"),
                ],
                scope="row",
            ),
            _cell(words.percent(line.wape), "good" if better else ""),
            _cell(words.percent(line.naive.wape)),
            _cell(_signed_percent(line.bias), under=_signed_percent(line.naive.bias)),
            _cell(words.number(line.mase, digits=2), under=words.number(line.naive.mase, digits=2)),
            _cell(
                words.number(line.pinball, digits=3),
                under=words.number(line.naive.pinball, digits=3),
            ),
            _cell(words.percent(line.coverage80, digits=0), under=_naive_held(line, "coverage80")),
            _cell(words.percent(line.coverage95, digits=0), under=_naive_held(line, "coverage95")),
            _cell(str(line.origins)),
        ]
    )


def _cell(value: str, tone: str = "", *, under: str = "") -> html.Td:
    """A figure, with the weekly naive's below it."""
    told = [html.Span(value, className=f"tone {tone}".strip())]
    if under and under != words.NONE:
        told.append(html.Span(f"week before {under}", className="under"))
    return html.Td(told, className="figure")


def _naive_held(line: Accuracy, figure: str) -> str:
    return words.percent(getattr(line.naive, figure), digits=0)


def _signed_percent(share: float | None) -> str:
    told = words.percent(share)
    return f"+{told}" if share is not None and share > 0 else told.replace("-", "−")


def held_by(accuracy: Sequence[Accuracy], queues: Sequence[str]) -> dict[Step, list[float | None]]:
    """By step, the shares held by the 80 % and the 95 % band, averaged over the queues."""
    return {
        step: [
            pooled(lines_for(accuracy, queues, step), name)[0]
            for name in ("coverage80", "coverage95")
        ]
        for step in STEP_WORDS
    }


def over_time(scores: pd.DataFrame, queues: Sequence[str], step: Step) -> pd.DataFrame:
    """WAPE of each kept version on the queues, weighed by what was scored, by its first day."""
    own = scores[scores["queue"].isin(list(queues)) & (scores["step"] == step)]
    own = own.dropna(subset=["wape", "naive_wape"])
    if own.empty:
        return pd.DataFrame(columns=["forecast_id", "starts_at", "wape", "naive_wape"])
    weighed = own.assign(
        wape=own["wape"] * own["intervals"], naive_wape=own["naive_wape"] * own["intervals"]
    )
    sums = weighed.groupby(["starts_at", "forecast_id"])[["wape", "naive_wape", "intervals"]].sum()
    return (
        sums[["wape", "naive_wape"]]
        .div(sums["intervals"], axis=0)
        .reset_index()
        .sort_values("starts_at")
    )


def told_afterwards(scores: pd.DataFrame, versions: Sequence[VersionView]) -> str:
    """How many of the scored versions are rehearsals, made when their days were over."""
    scored = set(scores["forecast_id"])
    late = sum(v.afterwards for v in versions if v.forecast_id in scored)
    if not late:
        return ""
    return (
        f"{late} of these {len(scored)} forecasts were made afterwards, from the volumes before "
        "their first day only."
    )


def draw(views: Views, changed: int | None, **choices: str) -> tuple[Any, Any, Any, str]:
    """Table, reliability and errors over time for a choice of queues, step and version.

    And which of these were made afterwards.
    """
    del changed
    brand, versions = views.brand(), views.versions()
    if brand is None or not versions:
        blank = drawing.nothing(GONE)
        return "", blank, blank, ""
    look = outlook.look_at(brand, versions, views.now().instant, choices)
    accuracy = views.forecast(look.version).accuracy
    starts = {version.forecast_id: version.start for version in versions}
    scores = views.scores(SCORED_DAYS)
    scores = scores.assign(starts_at=scores["forecast_id"].map(starts)).dropna(subset=["starts_at"])
    scores = over_time(scores, look.queues, look.step)
    return (
        table_of(accuracy, look.queues, brand, look.step),
        charts.reliability_chart(held_by(accuracy, look.queues), STEP_WORDS),
        charts.scored_chart(scores, zone=brand.tz),
        told_afterwards(scores, versions),
    )


def register(app: Dash, views: Views) -> None:
    app.callback(
        output=(
            Output("forecast-accuracy", "children"),
            Output("forecast-reliability", "figure"),
            Output("forecast-scored", "figure"),
            Output("forecast-afterwards", "children"),
        ),
        inputs={
            "changed": Input("forecast-changed", "data"),
            **{
                name: Input(f"forecast-{name}", "value")
                for name in ("queue", "ahead", "before", "step", "version")
            },
        },
    )(off_loop(draw, views))
