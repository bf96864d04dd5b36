"""Figures of the page What-if: the hours before and with a scenario, and scenarios side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from api.console.charts.look import (
    ACCENT,
    AMBER,
    FONT,
    GREEN,
    INK,
    MUTED,
    RED,
    SLATE,
    VIOLET,
    dressed,
    wall,
)
from api.console.series import local

HEIGHT = 270
PICTURE = {"width": 1200, "height": 760}
BEFORE, AFTER = "As planned", "With the scenario"
FILLS = {"before": "rgba(116,128,140,0.20)", "after": "rgba(179,54,43,0.18)"}
LINES = {"before": SLATE, "after": RED}
COMPARED = (RED, ACCENT, GREEN, VIOLET)

Span = tuple[datetime, datetime]
# As Plotly's documents: {"data": [...], "layout": {...}}.
Figure = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Hours:
    """What is drawn: one queue's hours, or those of all together.

    table  the queue's rows of `Evaluation.table`
    goal   the share promised
    span   from when until when the scenario is at its full; None where it has no such hours
    """

    table: pd.DataFrame = field(repr=False)
    zone: ZoneInfo
    goal: float
    span: Span | None = None


def attainment_chart(hours: Hours) -> Figure:
    """Share answered in time before and with it, with P10-P90 bands, the goal and its hours."""
    figure = _before_after(hours, "attainment", "Answered in time, %", scale=100.0, unit=" %")
    shares = hours.table.filter(like="attainment_")
    return _with_goal(figure, hours.goal, shares)


def backlog_chart(hours: Hours) -> Figure:
    """Messages waiting before and with it, with P10-P90 bands."""
    return _before_after(hours, "backlog", "Messages waiting", scale=1.0, unit=" waiting")


def age_chart(hours: Hours) -> Figure:
    """How long the oldest message has waited before and with it, in minutes."""
    return _before_after(hours, "age_s", "Oldest waiting, minutes", scale=1 / 60, unit=" min")


def occupancy_chart(hours: Hours) -> Figure:
    """How busy all agents are before and with it, %.

    Who ends a case after the shift is busy while not present: above 100 % it is drawn as 100 %.
    """
    columns = ["occupancy_before", "occupancy_after"]
    table = hours.table.assign(**hours.table[columns].clip(upper=1.0))
    figure = _before_after(
        replace(hours, table=table), "occupancy", "Busy, % of the time", scale=100.0, unit=" %"
    )
    figure["layout"]["yaxis"]["range"] = [0, 104]
    return figure


@cache
def _frame(y_title: str) -> go.Figure:
    return dressed(go.Figure(), height=HEIGHT, y_title=y_title).update_layout(
        margin={"t": 34, "b": 36, "l": 56, "r": 12}, uirevision="kept"
    )


def _framed(y_title: str) -> Figure:
    """A figure without curves as a document: these are drawn anew while a slider moves, and
    checking each of their parts would take longer than simulating them.
    """
    return {"data": [], "layout": _frame(y_title).to_plotly_json()["layout"]}


def _before_after(hours: Hours, what: str, y_title: str, *, scale: float, unit: str) -> Figure:
    """Both curves with their bands, and the hours of the scenario shaded."""
    figure = _framed(y_title)
    x = _clock(hours.table, hours.zone)
    for when, name, dash in (("before", BEFORE, "dot"), ("after", AFTER, "solid")):
        low, high = (f"{what}_{when}_{side}" for side in ("low", "high"))
        if low in hours.table:
            edges = {"x": x, "mode": "lines", "showlegend": False, "hoverinfo": "skip"}
            filled = {"fill": "tonexty", "fillcolor": FILLS[when]}
            for column, fill in ((low, {}), (high, filled)):
                y = _values(hours.table[column], scale)
                figure["data"].append({**edges, **fill, "y": y, "line": {"width": 0}})
        y = _values(hours.table[f"{what}_{when}"], scale)
        figure["data"].append(_line(x, y, name=name, colour=LINES[when], dash=dash, unit=unit))
    figure["layout"]["shapes"] = [] if hours.span is None else [_shaded(hours.span, hours.zone)]
    return figure


def _clock(table: pd.DataFrame, zone: ZoneInfo) -> list[str]:
    return local(pd.DatetimeIndex(table["start"]), zone).strftime("%Y-%m-%d %H:%M").tolist()


def _values(column: pd.Series, scale: float) -> list[float | None]:
    """Rounded, None where there is no value, so that the line breaks there."""
    return [None if math.isnan(v) else round(v, 2) for v in (column * scale).tolist()]


def _line(
    x: list[str], y: list[float | None], *, name: str, colour: str, dash: str, unit: str
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "x": x,
        "y": y,
        "mode": "lines",
        "line": {"color": colour, "width": 2, "dash": dash},
        "name": name,
        "hovertemplate": "%{y:.1f}" + unit,
    }


def _shaded(span: Span, zone: ZoneInfo, axis: str = "") -> dict[str, Any]:
    """The scenario's hours, over the whole height."""
    x0, x1 = (f"{wall(at, zone):%Y-%m-%d %H:%M}" for at in span)
    return {
        "type": "rect",
        "xref": f"x{axis}",
        "yref": f"y{axis} domain",
        "x0": x0,
        "x1": x1,
        "y0": 0,
        "y1": 1,
        "fillcolor": AMBER,
        "opacity": 0.10,
        "line": {"width": 0},
        "layer": "below",
    }


def _with_goal(figure: Figure, goal: float, shares: pd.DataFrame) -> Figure:
    """The share promised as a line, and an axis that shows it well."""
    layout = figure["layout"]
    layout["shapes"] = [*layout.get("shapes", []), _goal_line(goal)]
    layout["annotations"] = [
        {
            "text": f"goal {goal * 100:g} %",
            "font": {"size": 11, "color": GREEN},
            "x": 1,
            "xref": "x domain",
            "xanchor": "right",
            "y": goal * 100,
            "yanchor": "top",
            "showarrow": False,
        }
    ]
    layout["yaxis"]["range"] = _range(shares, goal)
    return figure


def _goal_line(goal: float) -> dict[str, Any]:
    return {
        "type": "line",
        "xref": "x domain",
        "yref": "y",
        "x0": 0,
        "x1": 1,
        "y0": goal * 100,
        "y1": goal * 100,
        "line": {"color": GREEN, "width": 1.2, "dash": "dash"},
    }


def _range(shares: pd.DataFrame, goal: float) -> list[float]:
    """Whole tens with the goal well inside, so that a small loss is seen as well as a collapse."""
    lowest = float(np.fmin.reduce(shares.to_numpy(dtype=float), axis=None, initial=1.0)) * 100
    floor = max(0.0, min(goal * 100 - 20, lowest) // 10 * 10)
    return [floor, 100 + (100 - floor) * 0.04]


@dataclass(frozen=True, eq=False)
class Compared:
    """A scenario among those compared: its name and the rows of its table that are drawn."""

    name: str
    table: pd.DataFrame = field(repr=False)


def compared_chart(
    scenarios: Sequence[Compared], what: str, *, zone: ZoneInfo, goal: float
) -> Figure:
    """Each scenario's curve over what is planned: `what` is attainment or backlog."""
    is_share = what == "attainment"
    figure = _framed("Answered in time, %" if is_share else "Messages waiting")
    scale, unit = (100.0, " %") if is_share else (1.0, " waiting")
    lines = [(BEFORE, scenarios[0].table, "before", SLATE, "dot")]
    lines += [
        # Plotly draws markup in names, and people name scenarios as they like.
        (escape(one.name, quote=False), one.table, "after", colour, "solid")
        for one, colour in zip(scenarios, COMPARED, strict=False)
    ]
    for name, table, when, colour, dash in lines:
        y = _values(table[f"{what}_{when}"], scale)
        x = _clock(table, zone)
        figure["data"].append(_line(x, y, name=name, colour=colour, dash=dash, unit=unit))
    if not is_share:
        return figure
    means = [one.table.filter(regex="^attainment_(before|after)$") for one in scenarios]
    return _with_goal(figure, goal, pd.concat(means))


def picture_frame(title: str, note: str, hours: Hours) -> Figure:
    """The frame of a picture to paste into a message: a sentence above, attainment on the left,
    what waits on the right, and what it rests on below; the browser puts the curves in.
    """
    shares = hours.table.filter(like="attainment_")
    figure = _with_goal(_framed("Answered in time, %"), hours.goal, shares)
    layout = figure["layout"]
    waiting = _framed("Messages waiting")["layout"]
    layout |= {
        **PICTURE,
        "margin": {"t": 170, "b": 90, "l": 70, "r": 30},
        "font": {**layout["font"], "size": 15},
        "legend": {**layout["legend"], "y": 1.03, "font": {"size": 15, "color": MUTED}},
        "title": {
            "text": _broken(title, 92),
            "x": 0.03,
            "xanchor": "left",
            "y": 0.95,
            "yanchor": "top",
            "font": {"size": 22, "color": INK, "family": FONT},
        },
        "xaxis": {**layout["xaxis"], "domain": [0, 0.46]},
        "xaxis2": {**waiting["xaxis"], "domain": [0.54, 1], "anchor": "y2"},
        "yaxis2": {**waiting["yaxis"], "anchor": "x2"},
    }
    layout["annotations"].append(
        {
            "text": note,
            "showarrow": False,
            "x": 0,
            "y": -0.13,
            "xref": "paper",
            "yref": "paper",
            "xanchor": "left",
            "font": {"size": 14, "color": MUTED},
        }
    )
    if hours.span is not None:
        layout["shapes"] += [_shaded(hours.span, hours.zone, axis) for axis in ("", "2")]
    return figure


def _broken(text: str, most: int) -> str:
    """The text in lines of at most so many characters, broken between words."""
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > most:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(lines)
