"""The chart that a spike is built on: what is usual on the day, and the spike on top of it.

Only its frame is made here. The browser draws the curves from the usual volume and the controls, so
that they follow the hand.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import plotly.graph_objects as go

from api.console.charts.look import AMBER, RED, SLATE, dressed
from api.console.series import between, local, of_queue

HEIGHT = 250
# The day that the spike begins on, and the night after it.
SHOWN = timedelta(hours=34)

# The rectangle is the spike: moved it starts otherwise, pulled it lasts longer or grows.
CONFIG: Any = {
    "displaylogo": False,
    "displayModeBar": False,
    "responsive": True,
    "edits": {"shapePosition": True},
}


def frame() -> go.Figure:
    """The chart without its curves: what is usual, what comes instead, the spike's rectangle."""
    figure = go.Figure()
    usual: dict[str, Any] = {"mode": "lines", "hovertemplate": "%{y:.1f}"}
    figure.add_scatter(
        x=[], y=[], name="Usual", line={"color": SLATE, "width": 1.6}, **usual,
        fill="tozeroy", fillcolor="rgba(116,128,140,0.16)",
    )  # fmt: skip
    figure.add_scatter(
        x=[], y=[], name="With the spike", line={"color": RED, "width": 2}, **usual,
        fill="tonexty", fillcolor="rgba(179,54,43,0.16)",
    )  # fmt: skip
    dressed(figure, height=HEIGHT, y_title="New cases per 15 minutes")
    figure.update_layout(
        dragmode=False, margin={"t": 34, "b": 36, "l": 56, "r": 12}, meta={"shape": rectangle()}
    )
    return figure


def rectangle() -> dict[str, Any]:
    """The look of the spike's rectangle."""
    return {
        "type": "rect",
        "xref": "x",
        "yref": "y",
        "fillcolor": "rgba(184,106,0,0.10)",
        "line": {"color": AMBER, "width": 1.5, "dash": "dot"},
        "layer": "above",
    }


def usual(forecast: pd.DataFrame, start: datetime, end: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """What the browser draws the day from: wall-clock times and the means of each queue.

    start, end  the local day; the night after it is shown too, as far as the forecast goes
    """
    rows = between(forecast, start, start + SHOWN)
    queues = list(dict.fromkeys(rows["queue"]))
    means = {name: of_queue(rows, name, ["mean"])["mean"] for name in queues}
    starts = pd.DatetimeIndex(sorted(rows["start"].unique()))
    return {
        "x": local(starts, zone).strftime("%Y-%m-%d %H:%M").tolist(),
        "y": {name: means[name].reindex(starts).fillna(0.0).round(3).tolist() for name in queues},
        "day": int((starts < pd.Timestamp(end)).sum()),
    }
