"""Figures of the console: tables in, a plotly figure out. No data access, no state.

Instants come as UTC and are drawn as wall-clock times of the site's zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from api.console import words
from api.console.series import local

INK = "#1b2733"
MUTED = "#5b6875"
GRID = "#e6eaee"
ACCENT = "#1f5f99"
SLATE = "#74808c"
GREEN = "#1d7a5a"
AMBER = "#b86a00"
RED = "#b3362b"
VIOLET = "#6d51a3"

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif"

BINDING_COLOURS = {"queue": "#4d8fc7", "occupancy": "#e0a33e", "minimum": "#c3cbd3"}
BINDING_WORDS = {
    "queue": "response time",
    "occupancy": "occupancy cap",
    "minimum": "minimum staff",
}

# What the browser may do with every figure: no logo, no tool bar that hides the title.
CONFIG: Any = {"displaylogo": False, "displayModeBar": False, "responsive": True}

BAND_95 = "rgba(31,95,153,0.13)"
BAND_80 = "rgba(31,95,153,0.24)"


@dataclass(frozen=True)
class Mark:
    """A span worth pointing out: a campaign or a holiday."""

    kind: Literal["campaign", "holiday"]
    name: str
    start: datetime
    end: datetime


def _dressed(figure: go.Figure, *, height: int, y_title: str, legend: bool = True) -> go.Figure:
    figure.update_layout(
        height=height,
        margin={"l": 64, "r": 18, "t": 44, "b": 40},
        paper_bgcolor="#ffffff",
        plot_bgcolor="#ffffff",
        font={"family": FONT, "size": 13, "color": INK},
        hovermode="x unified",
        hoverlabel={"bgcolor": "#ffffff", "bordercolor": GRID, "font": {"size": 12}},
        showlegend=legend,
        legend={
            "orientation": "h",
            "traceorder": "normal",
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
            "font": {"size": 12, "color": MUTED},
            "itemsizing": "constant",
        },
        dragmode="zoom",
    )
    figure.update_xaxes(
        showgrid=False,
        showline=True,
        linecolor=GRID,
        ticks="outside",
        tickcolor=GRID,
        tickfont={"color": MUTED, "size": 12},
        hoverformat="%a %-d %b %H:%M",
        tickformatstops=[
            {"dtickrange": [None, 3_600_000 * 12], "value": "%H:%M\n%a %-d %b"},
            {"dtickrange": [3_600_000 * 12, None], "value": "%a\n%-d %b"},
        ],
    )
    figure.update_yaxes(
        gridcolor=GRID,
        zeroline=False,
        rangemode="tozero",
        tickfont={"color": MUTED, "size": 12},
        title={"text": y_title, "font": {"size": 12, "color": MUTED}, "standoff": 10},
    )
    return figure


def nothing(text: str, *, height: int = 260) -> go.Figure:
    """An empty figure that says why."""
    figure = go.Figure()
    figure.update_layout(
        height=height,
        paper_bgcolor="#ffffff",
        plot_bgcolor="#ffffff",
        xaxis={"visible": False},
        yaxis={"visible": False},
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        annotations=[
            {
                "text": text,
                "showarrow": False,
                "x": 0.5,
                "y": 0.5,
                "xref": "paper",
                "yref": "paper",
                "font": {"family": FONT, "size": 14, "color": MUTED},
            }
        ],
    )
    return figure


def _day_ticks(figure: go.Figure, start: pd.Timestamp, end: pd.Timestamp, **where: int) -> None:
    """A tick at each local midnight, thinned to what fits; clock times when the span is short."""
    days = (end - start).days
    if days <= 2:
        figure.update_xaxes(dtick=3 * 3_600_000, tick0=start.normalize(), tickangle=0, **where)
        return
    step = 1 if days <= 14 else 2 if days <= 31 else 7
    figure.update_xaxes(dtick=step * 86_400_000, tick0=start.normalize(), tickangle=0, **where)


def _band(
    figure: go.Figure,
    x: pd.DatetimeIndex,
    low: pd.Series,
    high: pd.Series,
    *,
    name: str,
    colour: str,
) -> None:
    figure.add_scatter(
        x=x, y=low.round(3), mode="lines", line_width=0, showlegend=False, hoverinfo="skip"
    )
    figure.add_scatter(
        x=x,
        y=high.round(3),
        mode="lines",
        line_width=0,
        fill="tonexty",
        fillcolor=colour,
        name=name,
        hoverinfo="skip",
    )


def _marked(
    figure: go.Figure,
    marks: Sequence[Mark],
    zone: ZoneInfo,
    start: pd.Timestamp,
    end: pd.Timestamp,
) -> None:
    """Shaded spans with their names above the plot; neighbours are set on two levels."""
    previous: pd.Timestamp | None = None
    level = 0
    for mark in sorted(marks, key=lambda m: m.start):
        begins, ends = (
            pd.Timestamp(at).tz_convert(zone).tz_localize(None) for at in (mark.start, mark.end)
        )
        if ends <= start or begins >= end:
            continue
        begins, ends = max(begins, start), min(ends, end)
        close = previous is not None and (begins - previous) < (end - start) * 0.14
        level = 1 - level if close else 0
        previous = begins
        colour = AMBER if mark.kind == "campaign" else VIOLET
        figure.add_vrect(
            x0=begins, x1=ends, fillcolor=colour, opacity=0.09, line_width=0, layer="below"
        )
        near_right_edge = begins > start + (end - start) * 0.85
        figure.add_annotation(
            x=ends if near_right_edge else begins,
            y=1.0 - 0.085 * level,
            yref="paper",
            text=mark.name,
            showarrow=False,
            xanchor="right" if near_right_edge else "left",
            yanchor="top",
            font={"size": 11, "color": colour},
            bgcolor="rgba(255,255,255,0.75)",
        )


def forecast_chart(
    history: pd.DataFrame,
    forecast: pd.DataFrame,
    *,
    zone: ZoneInfo,
    marks: Sequence[Mark] = (),
    now: datetime | None = None,
) -> go.Figure:
    """What arrived, and what is expected with its 80 % and 95 % bands.

    history   indexed by start: contacts, NaN where missing
    forecast  indexed by start: mean, q025, q10, q90, q975
    """
    figure = go.Figure()
    if len(forecast):
        x = local(forecast.index, zone)
        _band(figure, x, forecast["q025"], forecast["q975"], name="95 % band", colour=BAND_95)
        _band(figure, x, forecast["q10"], forecast["q90"], name="80 % band", colour=BAND_80)
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
    _dressed(figure, height=340, y_title="New cases per 15 min")
    shown = [table.index for table in (history, forecast) if len(table)]
    if shown:
        start = local(pd.DatetimeIndex([min(i[0] for i in shown)]), zone)[0]
        end = local(pd.DatetimeIndex([max(i[-1] for i in shown)]), zone)[0]
        _marked(figure, marks, zone, start, end)
        _day_ticks(figure, start, end)
        figure.update_xaxes(range=[start, end])
    if now is not None and shown and start < (at := _wall(now, zone)) < end:
        figure.add_vline(x=at, line={"color": MUTED, "width": 1, "dash": "dot"})
    return figure


def _wall(instant: datetime, zone: ZoneInfo) -> pd.Timestamp:
    return pd.Timestamp(instant).tz_convert(zone).tz_localize(None)


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
    binding   indexed by start, one column a queue: queue, occupancy or minimum
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
    # Discrete colours: each code has a third of the scale to itself.
    scale = [
        (edge / 3, BINDING_COLOURS[code]) for at, code in enumerate(codes) for edge in (at, at + 1)
    ]
    words_of = {code: BINDING_WORDS[code] for code in codes}
    figure.add_heatmap(
        x=local(binding.index, zone),
        y=[labels.get(q, q) for q in binding.columns],
        z=np.array(
            [[codes.index(v) if v in codes else np.nan for v in binding[q]] for q in binding]
        ),
        zmin=-0.5,
        zmax=2.5,
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
    _dressed(figure, height=380 + 14 * lanes, y_title="Agents")
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
        _day_ticks(figure, index[0], index[-1] + pd.Timedelta(minutes=15), row=row, col=1)
    figure.update_xaxes(range=[index[0], index[-1] + pd.Timedelta(minutes=15)])
    return figure


def coverage_chart(staffing: pd.DataFrame, *, zone: ZoneInfo) -> go.Figure:
    """Required against scheduled and effective agents, shortfall shaded."""
    if not len(staffing):
        return nothing("No staffing in this range.")
    figure = go.Figure()
    _cover(figure, staffing, zone)
    _dressed(figure, height=290, y_title="Agents")
    index = local(staffing.index, zone)
    end = index[-1] + pd.Timedelta(minutes=15)
    _day_ticks(figure, index[0], end)
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
    _dressed(figure, height=520, y_title="Hour of the day", legend=False)
    figure.update_layout(hovermode="closest", margin={"l": 64, "r": 10, "t": 34, "b": 10})
    figure.update_yaxes(autorange="reversed", showgrid=False, rangemode="normal", dtick=2, ticks="")
    figure.update_xaxes(
        side="top", type="category", showline=False, ticks="", nticks=14, tickangle=0
    )
    if wide:
        figure.update_xaxes(tickvals=[words.day_name(d) for d in days if d.weekday() == 0])
    return figure


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
            _band(figure, x, table[low] * scale, table[high] * scale, name="P10–P90", colour=fill)
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
    _dressed(figure, height=330, y_title="Cases answered in time, %")
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
    _dressed(figure, height=290, y_title="Messages waiting")
    _spike_span(figure, spike, zone)
    return figure


def _spike_span(
    figure: go.Figure, spike: tuple[datetime, datetime], zone: ZoneInfo, *, label: str = "top left"
) -> None:
    figure.add_vrect(
        x0=_wall(spike[0], zone),
        x1=_wall(spike[1], zone),
        fillcolor=AMBER,
        opacity=0.10,
        line_width=0,
        layer="below",
        annotation={"text": "spike", "font": {"size": 11, "color": AMBER}},
        annotation_position=label,
    )
