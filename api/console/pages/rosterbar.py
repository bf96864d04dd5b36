"""The bar of a draft: open one, undo, redo, re-solve, publish; and how far its jobs are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import dcc, html

from api.console import layout, words
from api.console.drafting import Shown
from api.console.pages.work import POLL_MS
from scheduling.check import Violation
from wfm.rules import RULES
from wfm.store.drafts import DraftRow

SHOWN_VIOLATIONS = 8
SHOWN_DAYS = 3
PUBLISHED = "none"  # the choice of no draft, since an empty value means that nothing is chosen


def bar(shown: Shown, drafts: Sequence[DraftRow], running: str | None) -> html.Section:
    """Which roster is shown, and what can be done with it as a whole.

    drafts   those that are open
    running  the job of this draft that goes on, if one does
    """
    return layout.card(
        None,
        html.Div(
            [
                layout.field("Roster", _choice(shown, drafts), wide=True),
                html.Div(buttons(shown), id="roster-buttons", className="buttons"),
            ],
            className="bar draft",
        ),
        html.Div(id="roster-asked", className="asked"),
        html.Div(
            [
                html.Div(id="roster-said", role="status"),
                html.Div(
                    [
                        html.Div(id="roster-progress", role="status"),
                        html.Button(
                            "Cancel",
                            id="roster-cancel",
                            className="plain",
                            hidden=True,
                            n_clicks=0,
                        ),
                    ],
                    className="buttons",
                ),
            ],
            className="bar said",
        ),
        dcc.Store(id="roster-job", data=running),
        dcc.Interval(id="roster-poll", interval=POLL_MS, disabled=running is None),
        className="flush",
    )


def _choice(shown: Shown, drafts: Sequence[DraftRow]) -> dcc.Dropdown:
    draft = shown.draft
    listed = list(drafts)
    if draft is not None and draft.draft_id not in {d.draft_id for d in listed}:
        listed.insert(0, draft)
    base = shown.plan
    of_plan = (
        f"Published, version {base.version}"
        if draft is None and base.state == "published"
        else "As published"
        if draft is not None
        else f"Plan {base.plan_id}, not published"
    )
    options = [
        {"label": of_plan, "value": PUBLISHED},
        *({"label": draft_name(d), "value": str(d.draft_id)} for d in listed),
    ]
    value = PUBLISHED if draft is None else str(draft.draft_id)
    return layout.select("roster-which", options, value)


def draft_name(draft: DraftRow) -> str:
    """How the draft is called: its number, its name where it has one, and whether it is over."""
    name = f"Draft {draft.draft_id}" + (f": {draft.name}" if draft.name else "")
    return name if draft.state == "open" else f"{name} ({draft.state})"


def buttons(shown: Shown) -> list[Any]:
    """What can be done with the roster as a whole; those that make no sense now are hidden.

    All of them are there from the first, since a button drawn anew would lose its press.
    """
    state = state_of(shown)
    resolve = "Solve what is not pinned anew, with as few changes as pay for themselves"
    return [
        html.Span(state["closed"], id="roster-closed", className="note"),
        do_button("Open a draft", "open", primary=True, hidden=shown.draft is not None),
        html.Div(
            [
                do_button("Undo", "undo", disabled=state["undo"]),
                do_button("Redo", "redo", disabled=state["redo"]),
                do_button("Re-solve", "resolve", title=resolve),
                do_button("Discard…", "ask-discard"),
                do_button("Publish…", "ask-publish", primary=True),
            ],
            id="roster-steps",
            className="buttons",
            hidden=state["steps"],
        ),
    ]


def state_of(shown: Shown) -> dict[str, Any]:
    """Which of the buttons are disabled or hidden as the draft stands, and why it is closed."""
    draft = shown.draft
    return {
        "undo": draft is None or not draft.standing,
        "redo": draft is None or not draft.can_redo,
        "steps": not shown.editable,
        "closed": ""
        if draft is None or shown.editable
        else f"This draft is {draft.state}; it can only be read.",
    }


def do_button(
    text: str, do: str, *, primary: bool = False, disabled: bool = False, **more: Any
) -> html.Button:
    """A button whose press `pages.rosteracts` answers."""
    return html.Button(
        text,
        id={"type": "roster-do", "do": do},
        className="primary" if primary else "plain",
        disabled=disabled,
        n_clicks=0,
        **more,
    )


def reason_field(label: str, name: str) -> html.Div:
    """Where a reason is written; `pages.rosteracts` reads it by its name."""
    written = dcc.Input(
        id={"type": "roster-reason", "of": name}, type="text", value="", maxLength=200
    )
    return html.Div(html.Label([html.Span(label), written]), className="field")


def asks_discard(shown: Shown) -> Any:
    """The question before a draft is given up."""
    count = 0 if shown.draft is None else len(shown.draft.standing)
    edits = words.counted(count, "edit")
    return html.Div(
        [
            html.P(f"Give up the draft with its {edits}? It stays on record, but ends here."),
            html.Div(
                [do_button("Keep it", "leave"), do_button("Discard the draft", "discard")],
                className="buttons",
            ),
        ],
        className="question",
    )


def asks_publish(shown: Shown, broken: Sequence[Violation], names: Mapping[str, str]) -> Any:
    """The question before a draft becomes the roster in force.

    broken  violations of the whole draft
    names   of the agents
    """
    what = "The draft is the plan's roster, unchanged."
    if shown.changed:
        agents = len({agent_id for agent_id, _ in shown.changed})
        days = words.counted(len(shown.changed), "day")
        what = f"{days} of {words.counted(agents, 'agent')} changed from the plan's roster."
    certified = "It is certified on fresh days first, which takes a while."
    if not broken:
        told: list[Any] = [html.P(f"{what} Every rule is kept. {certified}")]
        do = do_button("Publish", "publish", primary=True)
    else:
        told = [
            html.P(f"{what} {broken_words(len(broken))}. {certified}"),
            violations(broken, names),
            reason_field("Reason to publish it all the same", "force"),
        ]
        do = do_button("Publish all the same", "force")
    buttons = html.Div([do_button("Not yet", "leave"), do], className="buttons")
    return html.Div([*told, buttons], className="question")


def broken_words(times: int) -> str:
    """
    >>> broken_words(1), broken_words(3)
    ('A rule is broken', 'Rules are broken 3 times')
    """
    return "A rule is broken" if times == 1 else f"Rules are broken {times} times"


def violations(broken: Sequence[Violation], names: Mapping[str, str]) -> html.Ul:
    """Rules that are broken, one agent's and one rule's together: when, how, what may be done."""
    together: dict[tuple[str, str], list[Violation]] = {}
    for one in broken:
        together.setdefault((one.agent_id, one.rule), []).append(one)
    rows = [html.Li(_broken(found, names)) for found in list(together.values())[:SHOWN_VIOLATIONS]]
    more = len(together) - len(rows)
    if more:
        rows.append(html.Li(f"and {more} more"))
    return html.Ul(rows, className="messages broken")


def _broken(found: Sequence[Violation], names: Mapping[str, str]) -> list[Any]:
    rule = RULES[found[0].rule]
    when = "; ".join(f"{words.day_name(v.day)}: {v.detail}" for v in found[:SHOWN_DAYS])
    more = f"; and {len(found) - SHOWN_DAYS} days more" if len(found) > SHOWN_DAYS else ""
    return [
        html.Strong(names.get(found[0].agent_id, found[0].agent_id)),
        f", {when}{more}.",
        html.Span(f"The rule: {rule.says}. Way out: {rule.cure}.", className="under"),
    ]
