"""What all figures share: colours, fonts, axes, bands, named spans.

Instants come as UTC and are drawn as wall-clock times of the site's zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pandas as pd
import plotly.graph_objects as go

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

# What the browser may do with every figure: no logo, no tool bar that hides the title.
CONFIG: Any = {"displaylogo": False, "displayModeBar": False, "responsive": True}

BAND_95 = "rgba(31,95,153,0.13)"
BAND_80 = "rgba(31,95,153,0.24)"


@dataclass(frozen=True)
class Event:
    """A span worth pointing out: a campaign or a holiday."""

    kind: Literal["campaign", "holiday"]
    name: str
    start: datetime
    end: datetime


def dressed(figure: go.Figure, *, height: int, y_title: str, legend: bool = True) -> go.Figure:
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


def day_ticks(figure: go.Figure, start: pd.Timestamp, end: pd.Timestamp, **where: int) -> None:
    """A tick at each local midnight, thinned to what fits; clock times when the span is short."""
    days = (end - start).days
    if days <= 2:
        figure.update_xaxes(dtick=3 * 3_600_000, tick0=start.normalize(), tickangle=0, **where)
        return
    step = 1 if days <= 14 else 2 if days <= 31 else 7
    figure.update_xaxes(dtick=step * 86_400_000, tick0=start.normalize(), tickangle=0, **where)


def band(
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


def marked(
    figure: go.Figure,
    events: Sequence[Event],
    zone: ZoneInfo,
    start: pd.Timestamp,
    end: pd.Timestamp,
) -> None:
    """Shaded spans with their names above the plot; neighbours are set on two levels."""
    previous: pd.Timestamp | None = None
    level = 0
    for event in sorted(events, key=lambda m: m.start):
        begins, ends = (
            pd.Timestamp(at).tz_convert(zone).tz_localize(None) for at in (event.start, event.end)
        )
        if ends <= start or begins >= end:
            continue
        begins, ends = max(begins, start), min(ends, end)
        close = previous is not None and (begins - previous) < (end - start) * 0.14
        level = 1 - level if close else 0
        previous = begins
        colour = AMBER if event.kind == "campaign" else VIOLET
        figure.add_vrect(
            x0=begins, x1=ends, fillcolor=colour, opacity=0.09, line_width=0, layer="below"
        )
        near_right_edge = begins > start + (end - start) * 0.85
        figure.add_annotation(
            x=ends if near_right_edge else begins,
            y=1.0 - 0.085 * level,
            yref="paper",
            text=event.name,
            showarrow=False,
            xanchor="right" if near_right_edge else "left",
            yanchor="top",
            font={"size": 11, "color": colour},
            bgcolor="rgba(255,255,255,0.75)",
        )


def wall(instant: datetime, zone: ZoneInfo) -> pd.Timestamp:
    return pd.Timestamp(instant).tz_convert(zone).tz_localize(None)
