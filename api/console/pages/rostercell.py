"""The chosen agent-day: its shift on a bar of time, told in words, and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dash import html

from api.console import layout, shiftgrid, words
from api.console.drafting import Shown
from api.console.shiftgrid import Shift
from wfm.brands import Brand
from wfm.people import Agent

CHOOSE = "Choose a cell to read the agent's day."
CHOOSE_TO_EDIT = "Choose a cell to read and change the agent's day."


@dataclass(frozen=True)
class Cell:
    """An agent and a local day."""

    agent_id: str
    day: date

    def to_document(self) -> dict[str, str]:
        return {"agent": self.agent_id, "day": self.day.isoformat()}

    @classmethod
    def from_document(cls, document: dict[str, str] | None) -> Cell | None:
        if not document or not document["day"]:
            return None
        return cls(document["agent"], date.fromisoformat(document["day"]))


def agent_named(agents: Sequence[Agent], agent_id: str) -> Agent | None:
    return next((a for a in agents if a.agent_id == agent_id), None)


def nothing_chosen(shown: Shown | None) -> html.P:
    text = CHOOSE_TO_EDIT if shown is not None and shown.editable else CHOOSE
    return html.P(text, className="note")


def day_told(shown: Shown, brand: Brand, agent: Agent | None, cell: Cell) -> list[Any]:
    """The agent's day as a title, a sentence, a bar of time and a line a segment."""
    shifts = shiftgrid.shifts_of(shown.of_agent(cell.agent_id))
    found = shiftgrid.day_in_words(
        shifts, brand.activities, agent=agent, agent_id=cell.agent_id, day=cell.day, zone=brand.tz
    )
    shift = shiftgrid.shift_on(shifts, cell.agent_id, cell.day, brand.tz)
    return [
        html.H3(found.title),
        html.P(found.summary),
        None if shift is None else time_bar(shift, brand.tz),
        html.Ul([html.Li(line) for line in found.lines], className="segments"),
    ]


def time_bar(shift: Shift, zone: ZoneInfo, *, label: str = "The shift") -> html.Div:
    """The shift's activities side by side, as long as they last."""
    whole = (shift.end - shift.start) / timedelta(minutes=1)
    parts = [
        html.Span(
            className=f"activity-{segment.activity}",
            style={"width": f"{segment.minutes / whole:.4%}"},
            title=f"{words.clock_time(segment.start, zone)}–{words.clock_time(segment.end, zone)} "
            f"{words.activity(segment.activity)}",
        )
        for segment in shift.segments
    ]
    told = f"{label}: {shiftgrid.label_of(shift, zone)}"
    return html.Div(
        [
            html.Div(parts, className="parts"),
            html.Div(
                [
                    html.Span(words.clock_time(shift.start, zone)),
                    html.Span(words.clock_time(shift.end, zone)),
                ],
                className="ends",
            ),
        ],
        className="timebar",
        role="img",
        **layout.named(told),
    )


def about(agent: Agent | None, agent_id: str, brand: Brand) -> list[Any]:
    """Who the agent is: contract, skills, and what others need to know of them."""
    if agent is None:
        return [html.P(f"{agent_id} is no agent of the brand any more.")]
    labels = layout.queue_labels(brand)
    skills = ", ".join(f"{labels.get(s.queue, s.queue)} (level {s.level})" for s in agent.skills)
    terms = ", ".join(t.contract.replace("_", " ") for t in agent.terms)
    roles = [html.P(f"Roles: {', '.join(agent.roles)}")] if agent.roles else []
    return [
        html.H3(agent.name),
        html.P(f"Contract: {terms}"),
        html.P(f"Skills: {skills}"),
        *roles,
    ]


def try_button(text: str, do: str, *, number: int = 0, label: str | None = None) -> html.Button:
    """A button that proposes an edit of the chosen cell; nothing is kept yet."""
    more = {} if label is None else layout.named(label)
    return html.Button(
        text,
        id={"type": "roster-try", "do": do, "number": number},
        className="plain",
        n_clicks=0,
        **more,
    )


def actions(shown: Shown, brand: Brand, shift: Shift | None) -> list[Any]:
    """Buttons that propose an edit of the shift at once; a day off has none."""
    if not shown.editable or shift is None:
        return []
    if shift.pinned:
        return [_row("Shift", try_button("Unpin", "unpin"))]
    return [
        _row(
            "Start",
            try_button("◀ Earlier", "earlier", label="Start earlier"),
            try_button("Later ▶", "later", label="Start later"),
        ),
        _row("Length", try_button("Shorter", "shorter"), try_button("Longer", "longer")),
        *_breaks(shift, brand),
        _row("Shift", try_button("Pin", "pin"), try_button("Drop", "drop")),
    ]


def _row(label: str, *buttons: html.Button) -> html.Div:
    return html.Div([html.Span(label, className="label"), *buttons], className="row")


def _breaks(shift: Shift, brand: Brand) -> list[html.Div]:
    rows = []
    for number, segment in enumerate(shiftgrid.breaks_of(shift, brand)):
        name = words.activity(segment.activity).capitalize()
        at = words.clock_time(segment.start, brand.tz)
        rows.append(
            _row(
                f"{name} {at}",
                try_button("◀", "break-earlier", number=number, label=f"{name} {at} earlier"),
                try_button("▶", "break-later", number=number, label=f"{name} {at} later"),
            )
        )
    return rows
