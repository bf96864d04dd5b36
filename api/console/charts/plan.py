"""Figures of the pages Plan and Roster: demand, requirement and cover, attainment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from api.console import words
from api.console.charts.look import (
    ACCENT,
    BAND_80,
    BAND_95,
    GREEN,
    INK,
    MUTED,
    SLATE,
    Event,
    band,
    day_ticks,
    dressed,
    marked,
    nothing,
    wall,
)
from api.console.series import local

DEMAND_HEIGHT = 340
COVER_HEIGHT = 290
HEAT_HEIGHT = 520
BINDING_COLOURS = {
    "first": "#4d8fc7",
    "follow_up": "#7a6fb0",
    "occupancy": "#e0a33e",
    "minimum": "#c3cbd3",
    "rehearsal": "#b5534c",
}
BINDING_WORDS = {
    "first": "first replies",
    "follow_up": "follow-ups",
    "occupancy": "occupancy cap",
    "minimum": "minimum staff",
    "rehearsal": "rehearsal",
}


def forecast_chart(
    history: pd.DataFrame,
    forecast: pd.DataFrame,
    *,
    zone: ZoneInfo,
    events: Sequence[Event] = (),
    now: datetime | None = None,
) -> go.Figure:
    """What arrived, and what is expected with its 80 % and 95 % bands.

    history   indexed by start: contacts, NaN where missing
    forecast  indexed by start: mean, q025, q10, q90, q975
    """
    figure = go.Figure()
    if len(forecast):
        x = local(forecast.index, zone)
        band(figure, x, forecast["q025"], forecast["q975"], name="95 % band", colour=BAND_95)
        band(figure, x, forecast["q10"], forecast["q90"], name="80 % band", colour=BAND_80)
        figure.add_scatter(
            x=x,
            y=forecast["mean"].round(2),
            mode="lines",
            line={"color": ACCENT, "width": 1.8},
            name="Forecast",
            legendrank=2,
            hovertemplate="%{y:.1f}",
        )
    if len(history):
        figure.add_scatter(
            x=local(history.index, zone),
            y=history["contacts"].round(2),
            mode="lines",
            line={"color": INK, "width": 1.1},
            name="History",
            legendrank=1,
            hovertemplate="%{y:.1f}",
        )
    dressed(figure, height=DEMAND_HEIGHT, y_title="New cases per 15 min")
    shown = [table.index for table in (history, forecast) if len(table)]
    if shown:
        start = local(pd.DatetimeIndex([min(i[0] for i in shown)]), zone)[0]
        end = local(pd.DatetimeIndex([max(i[-1] for i in shown)]), zone)[0]
        marked(figure, events, zone, start, end)
        day_ticks(figure, start, end)
        figure.update_xaxes(range=[start, end])
    if now is not None and shown and start < (at := wall(now, zone)) < end:
        figure.add_vline(x=at, line={"color": MUTED, "width": 1, "dash": "dot"})
    return figure


def shortfall(staffing: pd.DataFrame) -> pd.Series:
    """Agents missing by interval: what is required over what will effectively be there."""
    return (staffing["required"] - staffing["effective"]).clip(lower=0.0)


def _cover(figure: go.Figure, staffing: pd.DataFrame, zone: ZoneInfo, **where: int) -> None:
    x = local(staffing.index, zone)
    figure.add_scatter(
        x=x,
        y=staffing["scheduled"].round(2),
        mode="lines",
        line={"color": SLATE, "width": 1.3, "shape": "hv", "dash": "dot"},
        name="Scheduled",
        hovertemplate="%{y:.1f}",
        **where,
    )
    figure.add_scatter(
        x=x,
        y=staffing["effective"].round(2),
        mode="lines",
        line={"color": GREEN, "width": 1.8, "shape": "hv"},
        name="Effective",
        hovertemplate="%{y:.1f}",
        **where,
    )
    # The fill reaches from the effective line up to what is required, where that is higher.
    figure.add_scatter(
        x=x,
        y=(staffing["effective"] + shortfall(staffing)).round(2),
        mode="lines",
        line={"width": 0, "shape": "hv"},
        fill="tonexty",
        fillcolor="rgba(179,54,43,0.42)",
        name="Shortfall",
        hoverinfo="skip",
        **where,
    )
    figure.add_scatter(
        x=x,
        y=staffing["required"].round(2),
        mode="lines",
        line={"color": INK, "width": 1.5, "shape": "hv"},
        name="Required",
        hovertemplate="%{y:.1f}",
        **where,
    )


def staffing_chart(
    staffing: pd.DataFrame, binding: pd.DataFrame, *, zone: ZoneInfo, labels: dict[str, str]
) -> go.Figure:
    """Required against scheduled and effective agents, shortfall shaded; below, what binds.

    staffing  indexed by start: scheduled, effective, required
    binding   indexed by start, one column a queue: what binds, see BINDING
    labels    words for the queues
    """
    if not len(staffing):
        return nothing("No staffing in this range.")
    lanes = max(1, len(binding.columns))
    lane_share = min(0.3, 0.06 + 0.035 * lanes)
    figure = make_subplots(
        rows=2,
        cols=1,
        shared_xaxes=True,
        row_heights=[1 - lane_share, lane_share],
        vertical_spacing=0.05,
    )
    _cover(figure, staffing, zone, row=1, col=1)
    codes = list(BINDING_COLOURS)
    # Discrete colours: each code has an equal part of the scale to itself.
    scale = [
        (edge / len(codes), BINDING_COLOURS[code])
        for at, code in enumerate(codes)
        for edge in (at, at + 1)
    ]
    words_of = {code: BINDING_WORDS[code] for code in codes}
    figure.add_heatmap(
        x=local(binding.index, zone),
        y=[labels.get(q, q) for q in binding.columns],
        z=np.array(
            [[codes.index(v) if v in codes else np.nan for v in binding[q]] for q in binding]
        ),
        zmin=-0.5,
        zmax=len(codes) - 0.5,
        colorscale=scale,
        showscale=False,
        ygap=2,
        text=[[words_of.get(v, "") for v in binding[q]] for q in binding],
        hovertemplate="%{y}: %{text}<extra></extra>",
        row=2,
        col=1,
    )
    for code in codes:
        figure.add_scatter(
            x=[None],
            y=[None],
            mode="markers",
            marker={"symbol": "square", "size": 10, "color": BINDING_COLOURS[code]},
            name=f"Binds: {BINDING_WORDS[code]}",
            row=1,
            col=1,
        )
    dressed(figure, height=380 + 14 * lanes, y_title="Agents")
    figure.update_yaxes(
        title=None,
        showgrid=False,
        autorange="reversed",
        rangemode="normal",
        tickfont={"size": 11, "color": MUTED},
        row=2,
        col=1,
    )
    figure.update_layout(margin_l=92)
    index = local(staffing.index, zone)
    for row in (1, 2):
        day_ticks(figure, index[0], index[-1] + pd.Timedelta(minutes=15), row=row, col=1)
    figure.update_xaxes(range=[index[0], index[-1] + pd.Timedelta(minutes=15)])
    return figure


def coverage_chart(staffing: pd.DataFrame, *, zone: ZoneInfo) -> go.Figure:
    """Required against scheduled and effective agents, shortfall shaded."""
    if not len(staffing):
        return nothing("No staffing in this range.")
    figure = go.Figure()
    _cover(figure, staffing, zone)
    dressed(figure, height=COVER_HEIGHT, y_title="Agents")
    index = local(staffing.index, zone)
    end = index[-1] + pd.Timedelta(minutes=15)
    day_ticks(figure, index[0], end)
    figure.update_xaxes(range=[index[0], end])
    return figure


def attainment_heat(heat: pd.DataFrame, *, goal: float) -> go.Figure:
    """Attainment by hour of the day and day; the colour turns at the goal.

    heat  rows: local hours 0 to 23; columns: local days; shares, NaN where no case arrives
    """
    if heat.empty or heat.isna().all(axis=None):
        return nothing("No cases in this range.")
    low = goal - 0.20
    turn = (goal - low) / (1.0 - low)
    figure = go.Figure()
    days: list[Any] = list(heat.columns)
    wide = len(days) > 14
    shown = (heat * 100).round(1)
    figure.add_heatmap(
        x=[words.day_name(day) for day in days],
        y=[f"{hour:02d}:00" for hour in heat.index],
        z=shown.to_numpy(),
        zmin=low * 100,
        zmax=100,
        colorscale=[
            (0.0, "#a32a20"),
            (turn * 0.75, "#e58a5b"),
            (turn - 0.001, "#f6d9b8"),
            (turn, "#d5ebe0"),
            (1.0, "#2f8f6b"),
        ],
        xgap=1,
        ygap=1,
        texttemplate="" if wide else "%{z:.0f}",
        textfont={"size": 11},
        hovertemplate="%{x}, %{y}: %{z:.1f} %<extra></extra>",
        colorbar={
            "title": {"text": "%", "font": {"size": 11, "color": MUTED}},
            "thickness": 10,
            "outlinewidth": 0,
            "tickfont": {"size": 11, "color": MUTED},
            "tickvals": [low * 100, goal * 100, 100],
            "ticktext": [f"{low * 100:.0f}", f"{goal * 100:.0f} goal", "100"],
        },
    )
    dressed(figure, height=HEAT_HEIGHT, y_title="Hour of the day", legend=False)
    figure.update_layout(hovermode="closest", margin={"l": 64, "r": 10, "t": 34, "b": 10})
    figure.update_yaxes(autorange="reversed", showgrid=False, rangemode="normal", dtick=2, ticks="")
    figure.update_xaxes(
        side="top", type="category", showline=False, ticks="", nticks=14, tickangle=0
    )
    if wide:
        figure.update_xaxes(tickvals=[words.day_name(d) for d in days if d.weekday() == 0])
    return figure
