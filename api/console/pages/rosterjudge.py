"""What an edit would do, before it is kept: the shifts after it, rules, coverage, paid hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html

from api.console import layout, shiftgrid, words
from api.console.charts import roster as charts
from api.console.pages.rosterbar import (
    broken_words,
    do_button,
    reason_field,
    violations,
)
from api.console.pages.rostercell import time_bar
from api.planning.drafts import Edited
from scheduling.editing.changes import Change
from scheduling.editing.judging import Judgement
from wfm.brands import Brand

MOST_CHANGES = 4


def judgement(edited: Edited, brand: Brand, names: Mapping[str, str]) -> html.Div:
    """The edit's effect, and the buttons that keep it or leave it."""
    judged = edited.judgement
    broken = judged.broken
    return html.Div(
        [
            html.H3("If you save this"),
            *changed_days(edited.changes, brand, names),
            rules_told(judged, names),
            figures(judged),
            layout.graph(
                "roster-effect",
                "Chart of the agents short before and after the edit",
                charts.effect_chart(judged.coverage, zone=brand.tz),
            ),
            reason_field("Reason (kept with the edit)", "edit"),
            html.Div(
                [
                    do_button("Leave it", "leave"),
                    do_button("Save all the same" if broken else "Save", "save", primary=True),
                ],
                className="buttons",
            ),
        ],
        className="judgement",
    )


def changed_days(changes: Sequence[Change], brand: Brand, names: Mapping[str, str]) -> list[Any]:
    """Each changed agent-day as it will be."""
    rows: list[Any] = []
    for change in changes[:MOST_CHANGES]:
        shift = shiftgrid.shift_after(change)
        who = f"{names.get(change.agent_id, change.agent_id)}, {words.day_name(change.day)}"
        if shift is None:
            rows.append(html.P([html.Strong(f"{who}: "), "a free day"]))
            continue
        label = shiftgrid.label_of(shift, brand.tz)
        pinned = ", pinned" if shift.pinned else ""
        rows.append(html.P([html.Strong(f"{who}: "), f"{label}, {shift.template}{pinned}"]))
        rows.append(time_bar(shift, brand.tz, label="The shift after the edit"))
    if len(changes) > MOST_CHANGES:
        more = words.counted(len(changes) - MOST_CHANGES, "changed day")
        rows.append(html.P(f"and {more} more"))
    return rows


def rules_told(judged: Judgement, names: Mapping[str, str]) -> html.Div:
    """Rules that the edit breaks, and those it mends."""
    parts: list[Any] = []
    if judged.broken:
        parts += [
            html.P(layout.badge(broken_words(len(judged.broken)), "bad")),
            violations(judged.broken, names),
        ]
    else:
        parts.append(html.P(layout.badge("Every rule is kept", "good")))
    if judged.mended:
        mended = len(judged.mended)
        parts.append(html.P(layout.badge(f"mends {mended} broken before", "good")))
    return html.Div(parts, className="rules")


def figures(judged: Judgement) -> html.Dl:
    """Hours short and paid, before and after."""
    return html.Dl(
        [
            _figure("Agent-hours short", judged.short_hours_before, judged.short_hours_after),
            _figure("Paid hours", judged.paid_hours_before, judged.paid_hours_after),
        ],
        className="effects",
    )


def _figure(label: str, before: float, after: float) -> html.Div:
    change = after - before
    moved = f"{before:.2f} → {after:.2f}" if abs(change) >= 0.005 else f"{after:.2f}, unchanged"
    return html.Div([html.Dt(label), html.Dd(moved)])
