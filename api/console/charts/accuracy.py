"""Figures of how good forecasts were: bands against what they promise, errors over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import pandas as pd
import plotly.graph_objects as go

from api.console.charts.look import ACCENT, GREEN, GRID, INK, SLATE, dressed, nothing
from api.console.series import local
from forecasting.scoring.accuracy import Step

HEIGHT = 290
STEP_COLOURS: dict[Step, str] = {"15min": ACCENT, "hour": GREEN, "day": INK}
STATED = (80.0, 95.0)
# Within this many points of what is stated a band is as good as anyone can tell.
NEAR = 3.0


def reliability_chart(
    held: Mapping[Step, Sequence[float | None]], names: Mapping[Step, str]
) -> go.Figure:
    """What share of counts fell into the bands, beside the share that they promise.

    held   by step: shares held by the 80 % and the 95 % band, or None
    names  words for the steps
    """
    figure = go.Figure()
    figure.add_scatter(
        x=[50, 100],
        y=[50, 100],
        mode="lines",
        line={"color": SLATE, "width": 1, "dash": "dash"},
        name="as promised",
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[50, 100, 100, 50],
        y=[50 - NEAR, 100 - NEAR, 100 + NEAR, 50 + NEAR],
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=GRID,
        opacity=0.6,
        showlegend=False,
        hoverinfo="skip",
    )
    found = False
    for n, (step, shares) in enumerate(held.items()):
        told = [(x, s * 100) for x, s in zip(STATED, shares, strict=True) if s is not None]
        if not told:
            continue
        found = True
        figure.add_scatter(
            # Beside each other, so that equal shares do not hide one another.
            x=[x + (n - 1) * 0.8 for x, _ in told],
            y=[round(y, 1) for _, y in told],
            mode="lines+markers",
            line={"color": STEP_COLOURS.get(step, ACCENT), "width": 1},
            marker={"size": 10},
            name=names.get(step, step),
            hovertemplate="%{y:.1f} %<extra>%{fullData.name}</extra>",
        )
    if not found:
        return nothing("No bands have been scored yet.", height=HEIGHT)
    dressed(figure, height=HEIGHT, y_title="Held, %")
    figure.update_layout(hovermode="closest", margin={"l": 52, "r": 10, "t": 44, "b": 44})
    figure.update_xaxes(
        range=[74, 101],
        tickvals=list(STATED),
        ticktext=["80 % band", "95 % band"],
        tickformatstops=[],
        hoverformat="",
    )
    low = min([70.0, *(y - 4 for t in figure.data[2:] for y in t.y)])
    figure.update_yaxes(range=[low, 102], rangemode="normal")
    return figure


def scored_chart(scores: pd.DataFrame, *, zone: ZoneInfo) -> go.Figure:
    """WAPE of the kept versions, by their first day, beside the weekly naive's.

    scores  starts_at, wape, naive_wape; one row a version
    """
    if scores.empty:
        return nothing("No kept forecast has met its truth yet.", height=HEIGHT)
    figure = go.Figure()
    x = local(pd.DatetimeIndex(scores["starts_at"]), zone)
    for column, name, colour, dash in (
        ("naive_wape", "Week before", SLATE, "dot"),
        ("wape", "Forecast", ACCENT, "solid"),
    ):
        figure.add_scatter(
            x=x,
            y=(scores[column] * 100).round(1),
            mode="lines+markers",
            line={"color": colour, "width": 1.8, "dash": dash},
            marker={"size": 7},
            name=name,
            hovertemplate="%{y:.1f} %",
        )
    dressed(figure, height=HEIGHT, y_title="WAPE, %")
    figure.update_layout(margin={"l": 52, "r": 10, "t": 44, "b": 44})
    figure.update_xaxes(tickformatstops=[], tickformat="%-d %b", nticks=8)
    return figure
