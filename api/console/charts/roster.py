"""Figures of the page Roster: a day's shifts with their breaks, and what an edit covers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from api.console import words
from api.console.charts.look import GREEN, GRID, INK, MUTED, RED, SLATE, dressed, nothing, wall
from api.console.series import local
from api.console.shiftgrid import Shift
from wfm.timegrid import INTERVAL, local_day, local_midnight

ROW_HEIGHT = 18
EDGES = 66  # pixels above and below the rows of the day's shifts
MARGIN_LEFT = 128
EFFECT_HEIGHT = 210
ACTIVITY_COLOURS = {
    "on_queue": "#8db8dd",
    "break": "#f0b64e",
    "meal": "#c3cbd3",
    "meeting": "#a78fd0",
    "training": "#76b99a",
    "time_off": "#e2e6ea",
    "standby": "#eba9bd",
}
OTHER = "#9aa7b3"


def day_chart(
    shifts: Sequence[Shift], names: Mapping[str, str], *, day: date, zone: ZoneInfo
) -> go.Figure:
    """A row a shift, in the order given: its activities as bars from local start to end.

    shifts  those of which any part lies on the day
    names   of the agents

    A bar knows its agent and the day its shift belongs to: `customdata`.
    """
    if not shifts:
        return nothing("Nobody works on this day.")
    bars: dict[str, list[tuple[int, Any, float, str, tuple[str, str]]]] = defaultdict(list)
    for row, shift in enumerate(shifts):
        own = (shift.agent_id, local_day(shift.start, zone).isoformat())
        for segment in shift.segments:
            begins, ends = wall(segment.start, zone), wall(segment.end, zone)
            told = f"{begins:%H:%M}–{ends:%H:%M} {words.activity(segment.activity)}"
            length_ms = (ends - begins).total_seconds() * 1000
            bars[segment.activity].append((row, begins, length_ms, told, own))
    figure = go.Figure()
    labels = [names.get(s.agent_id, s.agent_id) for s in shifts]
    for activity in sorted(bars, key=_rank):
        rows, starts, lengths, texts, cells = zip(*bars[activity], strict=True)
        figure.add_bar(
            orientation="h",
            y=rows,
            base=starts,
            x=lengths,
            customdata=cells,
            text=[f"{labels[row]}<br>{said}" for row, said in zip(rows, texts, strict=True)],
            textposition="none",
            hovertemplate="%{text}<extra></extra>",
            name=words.activity(activity).capitalize(),
            marker={"color": ACTIVITY_COLOURS.get(activity, OTHER), "line": {"width": 0}},
        )
    dressed(figure, height=EDGES + ROW_HEIGHT * len(shifts), y_title="")
    figure.update_layout(
        barmode="overlay",
        bargap=0.25,
        hovermode="closest",
        dragmode=False,
        margin={"l": MARGIN_LEFT, "r": 18, "t": 58, "b": 8},
    )
    figure.update_layout(legend={"y": 1.0, "yref": "container", "yanchor": "top"})
    figure.update_yaxes(
        range=[len(shifts) - 0.5, -0.5],
        rangemode="normal",
        tickvals=list(range(len(shifts))),
        ticktext=labels,
        showgrid=False,
        tickfont={"size": 11, "color": MUTED},
    )
    figure.update_xaxes(type="date", side="top", showgrid=True, gridcolor=GRID)
    _hours_of(figure, day, zone)
    return figure


def _rank(activity: str) -> int:
    known = list(ACTIVITY_COLOURS)
    return known.index(activity) if activity in known else len(known)


def _hours_of(figure: go.Figure, day: date, zone: ZoneInfo) -> None:
    start = wall(local_midnight(day, zone), zone)
    figure.update_xaxes(
        range=[start, start + pd.Timedelta(days=1)],
        dtick=3 * 3_600_000,
        tick0=start,
        tickformat="%H:%M",
        tickangle=0,
    )


def day_cover_chart(cover: pd.DataFrame, *, day: date, zone: ZoneInfo) -> go.Figure:
    """Agents on queue beside those needed, over the day of `day_chart` and aligned with it.

    cover  indexed by start: scheduled, effective, required
    """
    if not len(cover):
        return nothing("The plan needs nobody on this day.", height=EFFECT_HEIGHT)
    figure = go.Figure()
    _step(figure, cover, "scheduled", zone, name="Scheduled", colour=SLATE, dash="dot")
    _step(figure, cover, "effective", zone, name="Effective", colour=GREEN)
    _step(figure, cover, "required", zone, name="Required", colour=INK)
    dressed(figure, height=EFFECT_HEIGHT, y_title="Agents")
    figure.update_layout(margin={"l": MARGIN_LEFT, "r": 18, "t": 34, "b": 28})
    _hours_of(figure, day, zone)
    return figure


def effect_chart(coverage: pd.DataFrame, *, zone: ZoneInfo) -> go.Figure:
    """Agents short over the intervals that an edit changes, before it and after it.

    coverage  start, queue, before, after: agents short
    """
    if not len(coverage):
        return nothing("The edit changes nobody's time on queue.", height=90)
    short = _runs(coverage.groupby("start")[["before", "after"]].sum())
    figure = go.Figure()
    _step(figure, short, "before", zone, name="Before", colour=SLATE, dash="dot")
    _step(figure, short, "after", zone, name="After", colour=RED)
    dressed(figure, height=EFFECT_HEIGHT, y_title="Agents short")
    figure.update_layout(margin={"l": 48, "r": 8, "t": 34, "b": 36})
    figure.update_xaxes(nticks=5, tickangle=0)
    return figure


def _runs(table: pd.DataFrame) -> pd.DataFrame:
    """The table with an end to its last interval, and a gap wherever intervals are left out.

    table  indexed by start
    """
    starts = pd.DatetimeIndex(table.index)
    after = starts + INTERVAL
    last: pd.DataFrame = table.set_axis(after)[~after.isin(starts)]
    # Two rows of one instant: the level up to the gap, then nothing.
    gaps = last.iloc[:-1] * np.nan
    return pd.concat([table, last, gaps]).sort_index(kind="stable")


def _step(
    figure: go.Figure,
    table: pd.DataFrame,
    column: str,
    zone: ZoneInfo,
    *,
    name: str,
    colour: str,
    dash: str = "solid",
) -> None:
    figure.add_scatter(
        x=local(table.index, zone),
        y=table[column].round(2),
        mode="lines",
        line={"color": colour, "width": 1.6, "shape": "hv", "dash": dash},
        name=name,
        hovertemplate="%{y:.1f}",
    )
