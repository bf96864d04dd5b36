"""An explanation in words, and what looser rules would save, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html

from api.console import words
from scheduling.explain import Explanation, Relaxation

LOOSER_HEAD = (
    ("A looser rule", ""),
    ("Agents here", "agents that this interval would need less"),
    ("Agent hours", "hours that the plan would need less on this queue"),
)


def told(found: Explanation) -> list[Any]:
    """The sentence, what would save something, what would not, and what else is to be known."""
    saves = [one for one in found.relaxations if saves_something(one)]
    others = [one.change for one in found.relaxations if not saves_something(one)]
    return [
        html.P(arrows(found.sentence), className="sentence"),
        looser_table(saves) if saves else None,
        html.P(arrows(f"Saves nothing on its own: {'; '.join(others)}."), className="note")
        if others
        else None,
        html.Ul([html.Li(text) for text in found.notes], className="messages")
        if found.notes
        else None,
    ]


def arrows(text: str) -> str:
    """As the terminal tells it, with the sign that a screen has."""
    return text.replace("->", "→")


def saves_something(one: Relaxation) -> bool:
    """Whether the table would show anything but zeros."""
    return round(one.agents_saved, 1) != 0 or round(one.hours_saved) != 0


def looser_table(relaxations: Sequence[Relaxation]) -> html.Div:
    """What each looser rule saves here and over the plan."""
    return html.Div(
        html.Table(
            [
                html.Caption("What looser rules would save, each alone"),
                html.Thead(
                    html.Tr([html.Th(name, scope="col", title=why) for name, why in LOOSER_HEAD])
                ),
                html.Tbody([_looser_row(one) for one in relaxations]),
            ],
            className="goals looser",
        ),
        className="scroll",
    )


def _looser_row(one: Relaxation) -> html.Tr:
    rule: list[Any] = [one.what.capitalize(), html.Span(arrows(one.change), className="under")]
    return html.Tr(
        [
            html.Th(rule, scope="row"),
            html.Td(spared(one.agents_saved, 1), className="figure"),
            html.Td(spared(one.hours_saved, 0), className="figure"),
        ]
    )


def spared(saved: float, digits: int) -> str:
    """What is saved as a change of the requirement.

    >>> spared(1.26, 1), spared(-0.4, 1), spared(0.01, 1)
    ('−1.3', '+0.4', '0')
    """
    if round(abs(saved), digits) == 0:
        return "0"
    return f"{'−' if saved > 0 else '+'}{words.number(abs(saved), digits=digits)}"
