"""Choices for the chosen agent-day that are worked out: shifts, takers, partners, an absence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update

from api.console import layout, shiftgrid, spans, words
from api.console.drafting import Shown
from api.console.loop import off_loop
from api.console.pages import rosterwhy
from api.console.pages.rosterbar import do_button, reason_field
from api.console.pages.rostercell import Cell, agent_named
from api.console.pages.rosteropen import NOT_OPEN, rules_of, taker_rows
from api.console.proposing import clock
from api.console.views import Views
from scheduling.editing.choices import Choice
from scheduling.editing.takers import Taker
from wfm.brands import Brand
from wfm.errors import RequestError, WfmError
from wfm.people import Agent

ABSENCE_DAYS = 14
MARK = "✕"


def seek_buttons(shown: Shown, *, has_shift: bool, pinned: bool) -> list[Any]:
    """What can be looked for in the chosen cell."""
    buttons = []
    if shown.editable and not pinned:
        buttons.append(("Replace…" if has_shift else "Assign…", "assign"))
        if has_shift:
            buttons += [("Give to…", "give"), ("Swap…", "swap")]
    if shown.editable and has_shift:
        buttons.append(("Absent…", "absent"))
    buttons.append(("Why this shift?" if has_shift else "Why no shift?", "why"))
    return [
        html.Button(
            text,
            id={"type": "roster-seek", "what": what},
            className="plain",
            n_clicks=0,
        )
        for text, what in buttons
    ]


def pick(label: str, name: str, options: Sequence[dict[str, Any]], note: str) -> html.Div:
    """A choice whose options were worked out; choosing one proposes the edit."""
    control = dcc.Dropdown(
        id={"type": "roster-pick", "pick": name},
        options=list(options),
        value=None,
        placeholder=f"{len(options)} to choose from",
        clearable=True,
        searchable=True,
        maxHeight=300,
    )
    return html.Div(
        [html.Label(label), control, html.P(note, className="note")], className="field pick"
    )


# -- shifts, takers and partners ------------------------------------------------------------------


def assign_pick(choices: Sequence[Choice]) -> Any:
    """Templates and starts that the contract allows, those that keep every rule first."""
    if not choices:
        return html.P("The contract allows no shift on this day.", className="note")
    kept = sum(not c.broken for c in choices)
    options = [{"label": choice_words(c), "value": f"{c.template}@{c.start_min}"} for c in choices]
    return pick(
        "Shift",
        "assign",
        options,
        f"{kept} of {len(choices)} keep every rule; {MARK} names the rule that one breaks.",
    )


def choice_words(choice: Choice) -> str:
    """
    >>> choice_words(Choice("early8", 390, 8.0, 2.5, -3.0, ()))
    '06:30 early8, covers 2.5 h'
    """
    rules = f" {MARK} {rules_of(choice)}" if choice.broken else ""
    covers = f"covers {choice.covers_hours:.1f} h"
    return f"{clock(choice.start_min)} {choice.template}, {covers}{rules}"


def give_list(takers: Sequence[Taker], names: Mapping[str, str]) -> Any:
    """Who could have the shift instead, of those who are off that day: those who may first."""
    free = [t for t in takers if not t.replaces]
    if not free:
        return html.P("Nobody with the skill is off on this day.", className="note")
    may = f"{sum(t.may for t in free)} of {len(free)} who are off may take it, the cheapest first."
    return html.Div(
        [html.P(may, className="note"), taker_rows(NOT_OPEN, free, names)], className="pick"
    )


def swap_pick(shown: Shown, brand: Brand, agents: Sequence[Agent], cell: Cell, day: date) -> Any:
    """The other agents with what they have on `day`."""
    shifts = {
        s.agent_id: s
        for s in shiftgrid.shifts_on(shown.roster, day, brand.tz)
        if shiftgrid.starts_on(s, day, brand.tz)
    }
    others = sorted(
        (a for a in agents if a.agent_id != cell.agent_id),
        key=lambda a: (a.agent_id not in shifts, a.name),
    )
    if day != cell.day:
        others = [a for a in others if a.agent_id in shifts]
    options = [
        {
            "label": f"{a.name}: "
            + (shiftgrid.label_of(shifts[a.agent_id], brand.tz) if a.agent_id in shifts else "off"),
            "value": f"{a.agent_id}@{day.isoformat()}",
        }
        for a in others
    ]
    return [
        html.Div(
            [
                html.Span("Their shift of", className="label"),
                _day_button("◀", day - timedelta(days=1), shown, brand),
                html.Strong(words.day_name(day)),
                _day_button("▶", day + timedelta(days=1), shown, brand),
            ],
            className="row",
        ),
        pick("Swap with", "swap", options, "Whether the rules allow it is told at once."),
    ]


def _day_button(text: str, day: date, shown: Shown, brand: Brand) -> html.Button:
    return html.Button(
        text,
        id={"type": "roster-day-of", "day": day.isoformat()},
        className="plain",
        disabled=day not in spans.plan_days(shown.start, shown.end, brand.tz),
        n_clicks=0,
        **layout.named(f"Their shift of {words.day_name(day)}"),
    )


def absence_form(shown: Shown, brand: Brand, name: str, cell: Cell) -> html.Div:
    """From when to when the agent is absent, and the button that repairs the roster."""
    days = [d for d in spans.plan_days(shown.start, shown.end, brand.tz) if d >= cell.day]
    last = cell.day + timedelta(days=ABSENCE_DAYS)
    options = [{"label": words.day_name(d), "value": d.isoformat()} for d in days if d < last]
    return html.Div(
        [
            html.Label("Absent up to and including"),
            dcc.Dropdown(
                id={"type": "roster-absent", "of": "last"},
                options=options,
                value=cell.day.isoformat(),
                clearable=False,
                searchable=False,
                maxHeight=300,
            ),
            reason_field("Reason", "absence"),
            html.P(
                f"{name} is taken out from {words.day_name(cell.day)} on, and as few others as "
                "possible change so that the day stays covered.",
                className="note",
            ),
            do_button("Repair the roster", "repair", primary=True),
        ],
        className="field pick",
    )


# -- what is looked for ---------------------------------------------------------------------------


def found(views: Views, draft_id: int | None, what: str, cell: Cell, day: date) -> Any:
    """What the pressed button asks for, of the chosen cell; `day` is the partner's."""
    brand, shown = views.brand(), views.shown(draft_id)
    if brand is None or shown is None:
        raise RequestError(layout.GONE)
    if what == "why":
        return rosterwhy.told_day(views, shown, cell)
    if shown.draft is None:
        raise RequestError("open a draft first")
    agents = views.agents()
    agent = agent_named(agents, cell.agent_id)
    if agent is None:
        raise RequestError(f"{cell.agent_id} is no agent of the brand any more")
    if what == "swap":
        return swap_pick(shown, brand, agents, cell, day)
    if what == "absent":
        return absence_form(shown, brand, agent.name, cell)
    id_ = shown.draft.draft_id
    if what == "assign":
        return assign_pick(views.drafting.choices(id_, cell.agent_id, cell.day))
    names = {a.agent_id: a.name for a in agents}
    return give_list(views.drafting.takers_of(id_, cell.agent_id, cell.day), names)


def sought(
    views: Views, presses: Any, days: Any, chosen: dict[str, str] | None, draft_id: int | None
) -> Any:
    """What the pressed button asks for; WfmError in its own words."""
    del presses, days
    cell = Cell.from_document(chosen)
    trigger = ctx.triggered_id
    if cell is None or not trigger or not ctx.triggered[0]["value"]:
        return no_update
    day = date.fromisoformat(trigger["day"]) if "day" in trigger else cell.day
    try:
        return found(views, draft_id, trigger.get("what", "swap"), cell, day)
    except WfmError as error:
        return layout.failure(error.message)


def register(app: Dash, views: Views) -> None:
    app.callback(
        Output("roster-picks", "children"),
        Input({"type": "roster-seek", "what": ALL}, "n_clicks"),
        Input({"type": "roster-day-of", "day": ALL}, "n_clicks"),
        State("roster-cell", "data"),
        State("roster-draft", "data"),
        prevent_initial_call=True,
    )(off_loop(sought, views))
