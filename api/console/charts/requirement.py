"""Figures of the page Requirement: agents needed and what binds them, and what a promise costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from api.console.charts.look import (
    ACCENT,
    INK,
    MUTED,
    RED,
    SLATE,
    dressed,
    nothing,
    wall,
)
from api.console.charts.plan import BINDING_COLOURS, BINDING_WORDS
from api.console.series import local, told_starts
from wfm.frames import BINDING

HEIGHT = 400
NEEDS_HEIGHT = 250
COST_HEIGHT = 300
# Room beside the longest bar, and the width of a label, as parts of the axis.
HEADROOM = 1.14
LABEL = 0.1
# What is not the largest need stands back.
FAINT = 0.38


def requirement_chart(
    needed: pd.DataFrame, *, step: timedelta, zone: ZoneInfo, chosen: datetime | None = None
) -> go.Figure:
    """Agents needed, coloured by what binds, over the workload that they are needed for.

    needed  indexed by start: workload, first_workload, planned (workload of the planned-for day),
            and a column for each of BINDING: agents that it asks for
    step    length of a row
    chosen  the row that is explained: a narrow stripe

    Each bar carries its start as `customdata`, so that a click tells it.
    """
    if needed.empty:
        return nothing("No requirement in this range.", height=HEIGHT)
    figure = go.Figure()
    index = pd.DatetimeIndex(needed.index)
    x, told = local(index, zone), told_starts(index, zone)
    for code in BINDING:
        agents = needed[code].to_numpy(float)
        if not (agents > 0).any():
            continue
        figure.add_bar(
            x=x,
            y=np.where(agents > 0, agents.round(2), np.nan),
            offset=0,
            width=step.total_seconds() * 1000,
            marker={"color": BINDING_COLOURS[code], "line": {"width": 0}},
            customdata=told,
            name=BINDING_WORDS[code].capitalize(),
            hovertemplate="%{y:.1f} agents%{customdata[1]}",
        )
    for column, name, line in (
        ("planned", "Workload of the planned-for day", {"color": INK, "width": 1.2, "dash": "dot"}),
        ("workload", "Expected workload", {"color": INK, "width": 1.8}),
        ("first_workload", "First replies in it", {"color": ACCENT, "width": 1.4}),
    ):
        figure.add_scatter(
            x=x,
            y=needed[column].round(2),
            customdata=told,
            mode="lines",
            line={**line, "shape": "hv"},
            name=name,
            hovertemplate="%{y:.1f} erlangs",
        )
    dressed(figure, height=HEIGHT, y_title="Agents, erlangs")
    begins, ends = x[0], x[-1] + pd.Timedelta(step)
    figure.update_layout(barmode="stack", bargap=0, clickmode="event", uirevision="kept")
    # As many times are named as the screen is wide.
    figure.update_xaxes(range=[begins, ends], tickangle=0)
    if chosen is not None and begins <= (at := wall(chosen, zone)) < ends:
        width = max(pd.Timedelta(step), (ends - begins) / 400)
        figure.add_vrect(x0=at, x1=at + width, line={"color": INK, "width": 1.5}, fillcolor=INK,
                         opacity=0.22)  # fmt: skip
    return figure


# -- why this many -------------------------------------------------------------------------------


def needs_chart(needs: Mapping[str, float], *, binding: str, agents: float) -> go.Figure:
    """What each constraint alone asks for, the binding one in full colour, and what is planned.

    needs    agents by name of BINDING, in the order that is drawn
    agents   the requirement, a line across
    """
    figure = go.Figure()
    names = list(needs)
    widest = HEADROOM * max([agents, *needs.values(), 1.0])
    # A label beside its bar that the line would strike out stands in the bar.
    struck = [0 <= agents - needs[name] < LABEL * widest for name in names]
    figure.add_bar(
        y=[BINDING_WORDS[name].capitalize() for name in names],
        x=[round(needs[name], 3) for name in names],
        orientation="h",
        marker={
            "color": [BINDING_COLOURS[name] for name in names],
            "opacity": [1.0 if name == binding else FAINT for name in names],
        },
        text=[f"{needs[name]:,.1f}" for name in names],
        textposition=["inside" if inside else "outside" for inside in struck],
        insidetextanchor="end",
        textangle=0,
        insidetextfont={"color": INK},
        cliponaxis=False,
        width=0.62,
        hovertemplate="%{y}: %{text} agents<extra></extra>",
    )
    dressed(figure, height=NEEDS_HEIGHT, y_title="", legend=False)
    figure.add_vline(
        x=agents,
        line={"color": INK, "width": 1.5, "dash": "dash"},
        annotation={
            "text": f"{agents:,.0f} needed",
            "font": {"size": 12, "color": INK},
            "yshift": 4,
        },
        annotation_position="top",
    )
    figure.update_layout(hovermode="closest", margin={"l": 10, "r": 24, "t": 34, "b": 40})
    figure.update_yaxes(autorange="reversed", showgrid=False, automargin=True, ticks="")
    figure.update_xaxes(
        title={"text": "Agents", "font": {"size": 12, "color": MUTED}},
        range=[0, widest],
        showgrid=True,
        gridcolor="#eef1f4",
        tickformatstops=[],
        hoverformat="",
    )
    return figure


# -- what the promise costs ----------------------------------------------------------------------


@dataclass(frozen=True)
class CostPoint:
    """Agent hours of the plan with one share promised; None where no number of agents keeps it."""

    share: float
    hours: float | None


def cost_chart(
    points: Sequence[CostPoint], *, chosen: CostPoint, own: CostPoint | None
) -> go.Figure:
    """Hours of the plan by the share that is promised, with the chosen promise and the plan's own.

    points  with the chosen minutes and risk, by rising share
    """
    reached = [p for p in points if p.hours is not None]
    if not reached:
        return nothing("No number of agents keeps this promise.", height=COST_HEIGHT)
    figure = go.Figure()
    figure.add_scatter(
        x=[p.share * 100 for p in reached],
        y=[p.hours for p in reached],
        mode="lines+markers",
        line={"color": ACCENT, "width": 2},
        marker={"size": 5},
        name="with these minutes and risk",
        hovertemplate="%{x:.0f} %: %{y:,.0f} h<extra></extra>",
    )
    missed = [p.share * 100 for p in points if p.hours is None]
    if missed:
        figure.add_vrect(
            x0=min(missed) - 0.4,
            x1=100,
            fillcolor=RED,
            opacity=0.08,
            line_width=0,
            annotation={"text": "out of reach", "font": {"size": 11, "color": RED}},
            annotation_position="top right",
        )
    for point, name, colour, symbol in (
        (own, "the plan's promise", SLATE, "diamond"),
        (chosen, "this promise", INK, "circle"),
    ):
        if point is None or point.hours is None:
            continue
        figure.add_scatter(
            x=[point.share * 100],
            y=[point.hours],
            mode="markers",
            marker={"size": 12, "color": colour, "symbol": symbol},
            name=name,
            hovertemplate="%{fullData.name}: %{y:,.0f} h<extra></extra>",
        )
    dressed(figure, height=COST_HEIGHT, y_title="Agent hours over the plan")
    shown = [p.hours for p in (*reached, chosen, own) if p is not None and p.hours is not None]
    low, high = min(shown), max(shown)
    slack = max((high - low) * 0.15, high * 0.02)
    figure.update_yaxes(range=[low - slack, high + slack], rangemode="normal")
    figure.update_layout(hovermode="closest", margin={"l": 64, "r": 16, "t": 44, "b": 44})
    figure.update_xaxes(
        range=[min(p.share for p in points) * 100 - 1, 100],
        title={"text": "Share answered in time, %", "font": {"size": 12, "color": MUTED}},
        tickformatstops=[],
        hoverformat="",
    )
    return figure
