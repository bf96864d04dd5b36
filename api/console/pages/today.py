"""The strip Today above every page: what waits, how the promise stands so far, who is there.

Its figures are the browser's to fill in (`assets/today.js`): it asks the service every few seconds
while somebody looks, and is answered only when something has changed.
"""

from __future__ import annotations

from typing import Any

from dash import dcc, html

from api.console.words import NONE

# Name of a figure and what stands beside it; the script fills in the figure and a note after both.
FIGURES = {
    "waiting": "waiting",
    "due_soon": "due in 15 min",
    "late": "late",
    "attainment": "in time today",
    "present": "on hand",
    "tasks_due": "follow-ups due",
}


NAMED: dict[str, Any] = {"aria-label": "Today"}


def line(href: str) -> html.Section:
    """The strip, which leads to the page Queue; hidden until there is a brand."""
    figures = [
        html.Span(
            [
                html.Strong(NONE, id=f"today-{name}"),
                html.Span(f" {label}"),
                html.Span(id=f"today-{name}-note"),
            ],
            className="figure",
            id=f"today-of-{name}",
        )
        for name, label in FIGURES.items()
    ]
    return html.Section(
        [
            dcc.Link(
                [html.Span("Today", className="name"), *figures],
                href=href,
                className="figures",
            ),
            html.Div(id="today-alarm", role="alert"),
        ],
        id="today",
        className="strip",
        hidden=True,
        **NAMED,
    )
