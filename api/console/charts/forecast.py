"""Figures of the page Forecast: what came and what is expected, and why a number is what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from api.console.charts.look import (
    ACCENT,
    AMBER,
    BAND_80,
    BAND_95,
    FONT,
    GREEN,
    INK,
    MUTED,
    RED,
    SLATE,
    VIOLET,
    Event,
    band,
    dressed,
    nothing,
    wall,
)
from api.console.series import local, told_starts
from api.console.steps import STEP_WORDS, step_end
from forecasting.grid import Floats
from forecasting.scoring.accuracy import Step
from wfm.adjustments import Adjustment
from wfm.marks import Mark

HEIGHT = 400
WHY_HEIGHT = 290
LANE_PX = 34
LANES = ("Campaign", "Holiday", "Mark", "Adjusted")
LANE_COLOURS = {"Campaign": AMBER, "Holiday": VIOLET, "Mark": RED, "Adjusted": GREEN}
MARK_SYMBOLS = {"outage": "x", "outlier": "diamond"}
STATE_COLOURS = {"proposed": AMBER, "accepted": RED, "rejected": SLATE}
# Characters that fit into a share of the axis at the lanes' font size, on a wide screen.
AXIS_CHARACTERS = 170


@dataclass(frozen=True, eq=False)
class Curve:
    """A campaign as it is felt: share of its peak, 0 to 1, in each of the intervals."""

    name: str
    starts: pd.DatetimeIndex
    share: Floats


@dataclass(frozen=True, eq=False)
class Lines:
    """Contacts by step, every table indexed by the step's start (UTC), NaN where missing.

    history   contacts
    forecast  mean, q50, q025, q10, q90, q975
    naive     mean: the same time a week before
    kept      mean, q10, q90: what was forecast for the past before it came
    model     mean: the forecast before planners' adjustments; empty where none is in force
    today     mean: the forecast as today's contacts have moved it; empty where there is none
    """

    history: pd.DataFrame
    forecast: pd.DataFrame
    naive: pd.DataFrame
    kept: pd.DataFrame = field(default_factory=pd.DataFrame)
    model: pd.DataFrame = field(default_factory=pd.DataFrame)
    today: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def shown(self) -> list[pd.DataFrame]:
        return [t for t in (self.history, self.forecast, self.kept) if len(t)]


@dataclass(frozen=True, eq=False)
class Happenings:
    """What is known to move the counts, and what planners made of it."""

    campaigns: Sequence[Curve] = ()
    holidays: Sequence[Event] = ()
    marks: Sequence[Mark] = ()
    adjustments: Sequence[Adjustment] = ()

    @property
    def lanes(self) -> list[str]:
        """Lanes that have something in them, the lowest first."""
        full = (self.campaigns, self.holidays, self.marks, self.adjustments)
        return [name for name, found in zip(LANES, full, strict=True) if found][::-1]


@dataclass(frozen=True)
class Window:
    """The stretch and step that are drawn, in the site's zone."""

    start: datetime
    end: datetime
    step: Step
    zone: ZoneInfo

    @property
    def edges(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        return wall(self.start, self.zone), wall(self.end, self.zone)


def forecast_chart(
    lines: Lines,
    happenings: Happenings,
    window: Window,
    *,
    now: datetime | None = None,
    chosen: datetime | None = None,
) -> go.Figure:
    """History, forecast with its bands and what it is compared with; below, what is known.

    now     a dotted line, where it lies in the window
    chosen  the step that is explained: a narrow stripe

    Each point carries the start of its step as `customdata`, so that a click tells it.
    """
    if not lines.shown:
        return nothing("Nothing is known or forecast in this range.")
    lanes = happenings.lanes
    lane_px = LANE_PX * len(lanes)
    height = HEIGHT + lane_px
    figure = make_subplots(
        rows=2 if lanes else 1,
        cols=1,
        shared_xaxes=True,
        row_heights=[HEIGHT, lane_px] if lanes else None,
        vertical_spacing=0.02,
    )
    _draw_lines(figure, lines, window)
    dressed(figure, height=height, y_title=f"New cases per {STEP_WORDS[window.step].lower()}")
    figure.update_layout(clickmode="event", margin_l=78, uirevision="kept")
    if lanes:
        _draw_lanes(figure, happenings, window)
    # As many days are named as the screen is wide.
    figure.update_xaxes(range=list(window.edges), tickangle=0)
    _draw_moments(figure, window, now, chosen)
    return figure


def _draw_lines(figure: go.Figure, lines: Lines, window: Window) -> None:
    zone, daily = window.zone, window.step == "day"
    mode = "lines+markers" if daily else "lines"
    if len(lines.forecast):
        x = local(lines.forecast.index, zone)
        for name, low, high, colour in (
            ("95 % band", "q025", "q975", BAND_95),
            ("80 % band", "q10", "q90", BAND_80),
        ):
            band(figure, x, lines.forecast[low], lines.forecast[high], name=name, colour=colour)
    for table, column, name, line, rank in (
        (lines.naive, "mean", "Week before", {"color": SLATE, "width": 1, "dash": "dot"}, 6),
        (lines.kept, "mean", "Was forecast", {"color": ACCENT, "width": 1.4, "dash": "dash"}, 2),
        (lines.model, "mean", "Without adjustments", {"color": VIOLET, "width": 1.2}, 5),
        (lines.forecast, "q50", "Median", {"color": ACCENT, "width": 1, "dash": "dot"}, 4),
        (lines.forecast, "mean", "Forecast", {"color": ACCENT, "width": 2}, 3),
        (lines.today, "mean", "Updated today", {"color": GREEN, "width": 2, "dash": "dash"}, 3),
        (lines.history, "contacts", "History", {"color": INK, "width": 1.2}, 1),
    ):
        if not len(table):
            continue
        faint = name == "Week before"
        figure.add_scatter(
            x=local(table.index, zone),
            y=table[column].round(2),
            customdata=told_starts(table.index, zone),
            mode="lines" if faint else mode,
            line=line,
            opacity=0.55 if faint else 1.0,
            name=name,
            legendrank=rank,
            hovertemplate="%{y:,.1f}%{customdata[1]}",
        )
    if len(lines.forecast):
        figure.add_scatter(
            x=local(lines.forecast.index, zone),
            y=lines.forecast["mean"].round(2),
            customdata=np.column_stack(
                (
                    told_starts(lines.forecast.index, zone),
                    lines.forecast[["q10", "q90", "q025", "q975"]].round(1).astype(object),
                )
            ),
            mode="lines",
            line={"width": 0, "color": BAND_80},
            showlegend=False,
            name="Bands",
            hovertemplate=(
                "80 %: %{customdata[2]:,.0f}–%{customdata[3]:,.0f}, "
                "95 %: %{customdata[4]:,.0f}–%{customdata[5]:,.0f}"
            ),
        )


# -- what is known, below ------------------------------------------------------------------------


def _draw_lanes(figure: go.Figure, happenings: Happenings, window: Window) -> None:
    lanes = happenings.lanes
    at = {name: float(n) for n, name in enumerate(lanes)}
    for curve in happenings.campaigns:
        _draw_campaign(figure, curve, at["Campaign"], window)
    for day in happenings.holidays:
        _draw_bar(figure, Bar("Holiday", day.start, day.end, day.name), at["Holiday"], window)
    for mark in happenings.marks:
        _draw_mark(figure, mark, at["Mark"], window)
    for change in happenings.adjustments:
        bar = Bar("Adjusted", change.start, change.end, change_words(change), change.reason)
        _draw_bar(figure, bar, at["Adjusted"], window)
    figure.update_yaxes(
        title=None,
        range=[-0.6, len(lanes) - 0.4],
        tickvals=list(at.values()),
        ticktext=lanes,
        showgrid=False,
        rangemode="normal",
        fixedrange=True,
        tickfont={"size": 11, "color": MUTED},
        row=2,
        col=1,
    )


def _draw_campaign(figure: go.Figure, curve: Curve, lane: float, window: Window) -> None:
    """The curve of a campaign as a small hill, and its span as a faint stripe over the counts."""
    x = local(curve.starts, window.zone)
    if not len(x):
        return
    figure.add_vrect(
        x0=x[0], x1=x[-1], fillcolor=AMBER, opacity=0.07, line_width=0, layer="below", row=1, col=1
    )
    figure.add_scatter(
        x=[x[0], *x, x[-1]],
        y=[lane - 0.42, *(lane - 0.42 + 0.8 * curve.share), lane - 0.42],
        mode="lines",
        line={"color": AMBER, "width": 1},
        fill="toself",
        fillcolor="rgba(184,106,0,0.22)",
        name=curve.name,
        text=curve.name,
        showlegend=False,
        hoverinfo="skip",
        row=2,
        col=1,
    )
    _name(figure, curve.name, (x[0], x[-1]), lane, window, colour=AMBER)


@dataclass(frozen=True)
class Bar:
    """A named span in a lane; `hover` tells more than the name."""

    lane: str
    start: datetime
    end: datetime
    name: str
    hover: str = ""


def _draw_bar(figure: go.Figure, bar: Bar, lane: float, window: Window) -> None:
    left, right = window.edges
    begins, ends = (min(max(wall(at, window.zone), left), right) for at in (bar.start, bar.end))
    if begins >= ends:
        return
    colour = LANE_COLOURS[bar.lane]
    figure.add_vrect(
        x0=begins,
        x1=ends,
        fillcolor=colour,
        opacity=0.06,
        line_width=0,
        layer="below",
        row=1,
        col=1,
    )
    figure.add_shape(
        type="rect",
        x0=begins,
        x1=ends,
        y0=lane - 0.36,
        y1=lane + 0.36,
        fillcolor=colour,
        opacity=0.22,
        line={"width": 0},
        row=2,
        col=1,
    )
    figure.add_scatter(
        x=[begins],
        y=[lane],
        mode="markers",
        marker={"size": 1, "opacity": 0},
        showlegend=False,
        name=f"{bar.name}: {bar.hover}" if bar.hover else bar.name,
        hovertemplate="%{fullData.name}<extra></extra>",
        row=2,
        col=1,
    )
    _name(figure, bar.name, (begins, ends), lane, window, colour=colour)


def _draw_mark(figure: go.Figure, mark: Mark, lane: float, window: Window) -> None:
    """A sign that is seen however short the mark is, with its span as a line."""
    left, right = window.edges
    begins, ends = (wall(at, window.zone) for at in (mark.start, mark.end))
    if ends <= left or begins >= right:
        return
    begins, ends = max(begins, left), min(ends, right)
    colour = STATE_COLOURS[mark.state]
    shown = f"{mark.kind}, {mark.state}: {mark.contacts:,.0f} came, {mark.expected:,.0f} is normal"
    figure.add_scatter(
        x=[begins, begins + (ends - begins) / 2, ends],
        y=[lane, lane, lane],
        mode="lines+markers",
        line={"color": colour, "width": 4},
        marker={
            "symbol": MARK_SYMBOLS[mark.kind],
            "size": [0, 9, 0],
            "color": colour,
            "line": {"width": 0},
        },
        showlegend=False,
        name=shown,
        hovertemplate="%{fullData.name}<extra></extra>",
        row=2,
        col=1,
    )
    if mark.in_force:
        figure.add_vrect(
            x0=begins, x1=ends, fillcolor=colour, opacity=0.10, line_width=0, row=1, col=1
        )


def _name(
    figure: go.Figure,
    text: str,
    span: tuple[pd.Timestamp, pd.Timestamp],
    lane: float,
    window: Window,
    *,
    colour: str,
) -> None:
    """The name at its span: within it where that is wide, beside it where there is room."""
    left, right = window.edges
    width = (right - left) * (len(text) / AXIS_CHARACTERS)
    beside = span[1] - span[0] < width
    flipped = beside and span[1] + width > right
    figure.add_annotation(
        x=span[0] if flipped or not beside else span[1],
        y=lane,
        text=text,
        showarrow=False,
        xanchor="right" if flipped else "left",
        yanchor="middle",
        xshift=-3 if flipped else 3,
        font={"size": 11, "color": colour, "family": FONT},
        row=2,
        col=1,
    )


def change_words(change: Adjustment) -> str:
    """An adjustment in a few signs.

    >>> from datetime import UTC, timedelta
    >>> day = datetime(2026, 3, 2, tzinfo=UTC)
    >>> change_words(Adjustment("x", day, day + timedelta(days=1), "percent", "TV", value=20))
    '+20 %'
    """
    if change.kind == "percent":
        return f"{change.value or 0:+g} %"
    if change.kind == "set":
        return f"= {change.value or 0:,.0f}"
    return f"{change.low or 0:,.0f} to {change.high or 0:,.0f}"


def _draw_moments(
    figure: go.Figure, window: Window, now: datetime | None, chosen: datetime | None
) -> None:
    left, right = window.edges
    if now is not None and left < (at := wall(now, window.zone)) < right:
        figure.add_vline(x=at, line={"color": MUTED, "width": 1, "dash": "dot"}, row=1, col=1)
        figure.add_annotation(
            x=at,
            y=1,
            yref="y domain",
            text="now",
            showarrow=False,
            xanchor="right",
            yanchor="top",
            font={"size": 11, "color": MUTED},
        )
    if chosen is not None and left <= (at := wall(chosen, window.zone)) < right:
        until = wall(step_end(chosen, window.step, window.zone), window.zone)
        figure.add_vrect(
            x0=at,
            x1=max(until, at + (right - left) / 400),
            fillcolor=ACCENT,
            opacity=0.28,
            line_width=0,
            layer="below",
            row=1,
            col=1,
        )


# -- why this number -----------------------------------------------------------------------------


def _amount(contacts: float, *, first: bool) -> str:
    if not first and abs(contacts) < 0.05:
        return "0"
    return f"{contacts:,.1f}" if first else f"{contacts:+,.1f}".replace("-", "−")


def why_chart(parts: Sequence[tuple[str, float]], *, total: float) -> go.Figure:
    """How the forecast is made up: each part stands on those before it, then their sum.

    parts  name and contacts; the first stands on the ground
    """
    figure = go.Figure()
    figure.add_waterfall(
        x=[*(name for name, _ in parts), "Forecast"],
        y=[*(round(value, 3) for _, value in parts), round(total, 3)],
        measure=["absolute", *["relative"] * (len(parts) - 1), "total"],
        text=[
            *(_amount(value, first=n == 0) for n, (_, value) in enumerate(parts)),
            f"{total:,.1f}",
        ],
        textposition="outside",
        textfont={"size": 12},
        cliponaxis=False,
        connector={"line": {"color": MUTED, "width": 1, "dash": "dot"}},
        increasing={"marker": {"color": AMBER}},
        decreasing={"marker": {"color": GREEN}},
        totals={"marker": {"color": ACCENT}},
        hovertemplate="%{x}: %{text}<extra></extra>",
    )
    dressed(figure, height=WHY_HEIGHT, y_title="New cases", legend=False)
    figure.update_layout(hovermode="closest", margin={"l": 58, "r": 10, "t": 26, "b": 34})
    figure.update_xaxes(type="category", ticks="", tickfont={"size": 11}, automargin=True)
    return figure
