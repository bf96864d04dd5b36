"""The figure of how certificates held: promised bands and what came, day by day."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pandas as pd
import plotly.graph_objects as go

from api.console.charts.look import ACCENT, GREEN, RED, SLATE, dressed, nothing
from api.console.series import local

HEIGHT = 300
BAND = "rgba(31,95,153,0.30)"


def calibration_chart(days: pd.DataFrame, *, zone: ZoneInfo, goal: float | None) -> go.Figure:
    """Each day's certified band with its expectation, and the share that came.

    days  start, promised, p10, p90, attained, cases, inside; shares, a row a day
    goal  the share that is promised to customers: a line
    """
    if days.empty:
        return nothing("No day of this queue has been compared yet.", height=HEIGHT)
    figure = go.Figure()
    x = local(pd.DatetimeIndex(days["start"]), zone) + pd.Timedelta(hours=12)
    figure.add_bar(
        x=x,
        base=(days["p10"] * 100).round(2),
        y=((days["p90"] - days["p10"]) * 100).round(2),
        # So that a band without width is seen too.
        marker={"color": BAND, "line": {"width": 1, "color": ACCENT}},
        width=0.55 * 86_400_000,
        name="Certified, P10–P90",
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=x,
        y=(days["promised"] * 100).round(2),
        customdata=(days[["p10", "p90"]] * 100).round(1),
        mode="markers",
        marker={"symbol": "line-ew-open", "size": 12, "color": ACCENT, "line": {"width": 2}},
        name="Certified, expected",
        hovertemplate="%{y:.2f} % (%{customdata[0]:.2f}–%{customdata[1]:.2f} %)",
    )
    for inside, name, colour in ((True, "Came, inside", GREEN), (False, "Came, outside", RED)):
        own = (days["inside"] == inside).to_numpy()
        if not own.any():
            continue
        figure.add_scatter(
            x=x[own],
            y=(days.loc[own, "attained"] * 100).round(2),
            customdata=days.loc[own, ["cases"]],
            mode="markers",
            marker={"size": 9, "color": colour, "symbol": "circle" if inside else "diamond"},
            name=name,
            hovertemplate="%{y:.2f} % of %{customdata[0]:,.0f} cases",
        )
    dressed(figure, height=HEIGHT, y_title="In time, %")
    lowest = min(float(days[name].min()) for name in ("p10", "attained", "promised")) * 100
    if goal is not None:
        lowest = min(lowest, goal * 100)
        figure.add_hline(
            y=goal * 100,
            line={"color": SLATE, "width": 1.2, "dash": "dash"},
            annotation={"text": f"goal {goal:.0%}", "font": {"size": 11, "color": SLATE}},
            annotation_position="bottom right",
        )
    figure.update_layout(margin={"l": 56, "r": 12, "t": 44, "b": 44})
    figure.update_xaxes(
        range=[x[0] - pd.Timedelta(days=1), x[-1] + pd.Timedelta(days=1)],
        tickangle=0,
        hoverformat="%a %-d %b",
    )
    floor = max(0.0, lowest - 4)
    figure.update_yaxes(range=[floor, 100 + (100 - floor) * 0.04], rangemode="normal")
    return figure
