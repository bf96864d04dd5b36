"""Figures of the page What-if: a day before and with a spike."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from api.console.charts.look import (
    AMBER,
    GREEN,
    RED,
    SLATE,
    band,
    dressed,
    wall,
)
from api.console.series import local

ATTAINMENT_HEIGHT = 330
BACKLOG_HEIGHT = 290


def _before_after(
    figure: go.Figure, table: pd.DataFrame, what: str, *, zone: ZoneInfo, scale: float, unit: str
) -> None:
    x = local(pd.DatetimeIndex(table["start"]), zone)
    for when, colour, fill in (
        ("before", SLATE, "rgba(116,128,140,0.20)"),
        ("after", RED, "rgba(179,54,43,0.18)"),
    ):
        low, high = f"{what}_{when}_low", f"{what}_{when}_high"
        if low in table:
            band(figure, x, table[low] * scale, table[high] * scale, name="P10–P90", colour=fill)
        figure.add_scatter(
            x=x,
            y=(table[f"{what}_{when}"] * scale).round(2),
            mode="lines",
            line={"color": colour, "width": 2, "dash": "dot" if when == "before" else "solid"},
            name="Before" if when == "before" else "With the spike",
            legendrank=1 if when == "before" else 2,
            hovertemplate="%{y:.1f}" + unit,
        )


def attainment_chart(
    table: pd.DataFrame, *, zone: ZoneInfo, goal: float, spike: tuple[datetime, datetime]
) -> go.Figure:
    """Attainment before and with a spike, with the P10-P90 bands, the goal and the spike's span.

    table  start, attainment_before, attainment_after and `_low`, `_high` of each
    """
    figure = go.Figure()
    _before_after(figure, table, "attainment", zone=zone, scale=100.0, unit=" %")
    dressed(figure, height=ATTAINMENT_HEIGHT, y_title="Cases answered in time, %")
    figure.add_hline(
        y=goal * 100,
        line={"color": GREEN, "width": 1.2, "dash": "dash"},
        annotation={"text": f"goal {goal:.0%}", "font": {"size": 11, "color": GREEN}},
        annotation_position="bottom right",
    )
    shares = table.filter(like="attainment_").to_numpy(dtype=float)
    lowest = float(np.fmin.reduce(shares, axis=None, initial=1.0)) * 100
    # Whole tens with the goal well inside, so that a small loss is seen as well as a collapse.
    floor = min(goal * 100 - 20, lowest) // 10 * 10
    figure.update_yaxes(range=[floor, 100 + (100 - floor) * 0.04])
    _spike_span(figure, spike, zone, label="bottom left")
    return figure


def backlog_chart(
    table: pd.DataFrame, *, zone: ZoneInfo, spike: tuple[datetime, datetime]
) -> go.Figure:
    """Messages waiting before and with a spike.

    table  start, backlog_before, backlog_after
    """
    figure = go.Figure()
    _before_after(figure, table, "backlog", zone=zone, scale=1.0, unit="")
    dressed(figure, height=BACKLOG_HEIGHT, y_title="Messages waiting")
    _spike_span(figure, spike, zone)
    return figure


def _spike_span(
    figure: go.Figure, spike: tuple[datetime, datetime], zone: ZoneInfo, *, label: str = "top left"
) -> None:
    figure.add_vrect(
        x0=wall(spike[0], zone),
        x1=wall(spike[1], zone),
        fillcolor=AMBER,
        opacity=0.10,
        line_width=0,
        layer="below",
        annotation={"text": "spike", "font": {"size": 11, "color": AMBER}},
        annotation_position=label,
    )
