"""What can be done with the open case, as buttons and small forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import dcc, html

from api.console import layout
from api.console.queueing import Person
from wfm.brands import Brand
from wfm.casequeue.claims import ANSWER_MAX, REASON_MAX
from wfm.cases import Case, CaseState
from wfm.store.tasks import Task

# Acts for themselves, and steps in.
LEAD = "lead"

SPANS = {15: "15 min", 60: "1 hour", 240: "4 hours", 1440: "1 day", 4320: "3 days"}


def forms(
    case: Case, tasks: Sequence[Task], brand: Brand, people: Sequence[Person], person: str
) -> list[Any]:
    """What fits the case's state and the person: its holder may answer it.

    tasks   those of the case that are open
    person  the agent who acts, or LEAD
    """
    own = case.state == "assigned" and case.agent_id == person
    first: list[Any] = []
    if own:
        first = [_reply()]
    elif case.state == "new" and person != LEAD:
        first = [html.Div(button("take", "Take this case", primary=True), className="buttons")]
    elif case.state == "paused":
        first = [html.Div(button("resume", "Let it wait again"), className="buttons")]
    hand_over, taken = _hand_over(case, brand, people), [] if own else [_take_away()]
    offered: dict[CaseState, list[Any]] = {
        "new": [hand_over, _escalate(case), _pause(), _follow_up(), _merge(), _close()],
        "assigned": [*taken, hand_over, _escalate(case), _pause(), _follow_up(), _close()],
        "answered": [_follow_up(), _merge(), _close()],
        "paused": [_follow_up(), _close()],
        "closed": [_reopen()],
    }
    return [*first, html.Div([*_tasks(tasks), *offered[case.state]], className="forms")]


def button(do: str, text: str, *, primary: bool = False) -> html.Button:
    """A button that does what its name says.

    The browser hands the name over (`assets/queue.js`) rather than a callback that listens to all
    buttons: that would also be called when others are drawn, and lose the answer to a press.
    """
    tone = "primary" if primary else "plain"
    return html.Button(text, type="button", className=tone, **layout.data(do=do))


def _form(title: str, *parts: Any) -> html.Details:
    return html.Details([html.Summary(title), *parts], className="form")


def _field(label: str, control: Any) -> html.Label:
    """A labelled control; the label holds it, since its id is no text."""
    return html.Label([html.Span(label, className="label"), control], className="field")


def _text(of: str, label: str, limit: int) -> html.Label:
    return _field(
        label,
        dcc.Input(id={"type": "queue-field", "of": of}, type="text", maxLength=limit, value=""),
    )


def _choice(of: str, label: str, options: list[dict[str, Any]], value: Any) -> html.Div:
    return html.Div(
        [
            html.Span(label, className="label"),
            dcc.Dropdown(
                id={"type": "queue-field", "of": of},
                options=options,
                value=value,
                clearable=False,
                searchable=len(options) > 12,
                maxHeight=240,
            ),
        ],
        className="field",
    )


def _span(of: str, label: str) -> html.Div:
    return _choice(of, label, [{"label": t, "value": str(m)} for m, t in SPANS.items()], "60")


def _reply() -> html.Div:
    """The answer, with what else its holder may do at once."""
    return html.Div(
        [
            html.Label(
                [
                    html.Span("Answer", className="label"),
                    dcc.Textarea(
                        id={"type": "queue-field", "of": "reply"},
                        maxLength=ANSWER_MAX,
                        value="",
                        dir="auto",
                        spellCheck=True,
                        className="reply",
                    ),
                ]
            ),
            html.Div(
                [
                    button("answer", "Send the answer", primary=True),
                    button("renew", "Hold it longer"),
                    button("release", "Give it back"),
                ],
                className="buttons",
            ),
        ],
        className="replying",
    )


def _close() -> html.Details:
    return _form(
        "Close", _text("closed_for", "Why it ends", REASON_MAX), button("close", "Close the case")
    )


def _pause() -> html.Details:
    return _form(
        "Pause",
        _text("paused_for", "What it waits for", REASON_MAX),
        _span("pause_min", "For"),
        button("pause", "Pause the case"),
    )


def _follow_up() -> html.Details:
    return _form(
        "Follow up",
        _text("title", "What is to be done", REASON_MAX),
        _span("follow_min", "In"),
        button("follow_up", "Plan the follow-up"),
    )


def _hand_over(case: Case, brand: Brand, people: Sequence[Person]) -> html.Details:
    """To an agent who is on shift for its queue, or to another queue."""
    agents = [
        {"label": p.name, "value": p.agent_id}
        for p in people
        if case.queue in p.shift.queues and p.agent_id != case.agent_id
    ]
    queues = [
        {"label": label, "value": name}
        for name, label in layout.queue_labels(brand).items()
        if name != case.queue
    ]
    parts: list[Any] = []
    if agents:
        parts += [
            _choice("agent", "Agent", agents, agents[0]["value"]),
            button("give", "Give to the agent"),
        ]
    else:
        parts.append(html.P("Nobody else on shift serves this queue.", className="note"))
    if queues:
        parts += [
            _choice("queue", "Queue", queues, queues[0]["value"]),
            button("move", "Move to the queue"),
        ]
    return _form("Hand over", *parts)


def _escalate(case: Case) -> html.Details:
    return _form(
        "Escalate",
        _text("escalated_for", "Why specialists are to have it", REASON_MAX),
        button("escalate", "Hand to the specialists"),
        _field(
            "Severity, 0 to 100: of those due alike the gravest comes first",
            dcc.Input(
                id={"type": "queue-field", "of": "severity"},
                type="number",
                min=0,
                max=100,
                step=1,
                value=case.severity,
            ),
        ),
        button("severity", "Set the severity"),
    )


def _merge() -> html.Details:
    return _form(
        "Merge",
        _field(
            "Number of the case in which it goes on",
            dcc.Input(id={"type": "queue-field", "of": "into"}, type="number", min=1, step=1),
        ),
        button("merge", "Merge into that case"),
    )


def _reopen() -> html.Details:
    return _form(
        "Open again",
        _text("reopened_for", "Why", REASON_MAX),
        button("reopen", "Open it again"),
    )


def _tasks(tasks: Sequence[Task]) -> list[html.Details]:
    """What is still to be done for the case, to be ticked off."""
    if not tasks:
        return []
    options = [{"label": task.title, "value": str(task.task_id)} for task in tasks]
    return [
        _form(
            f"Tasks ({len(tasks)})",
            _choice("task", "Task", options, options[0]["value"]),
            _text("result", "What came of it", REASON_MAX),
            button("finish", "It is done"),
        )
    ]


def _take_away() -> html.Details:
    return _form(
        "Take away",
        _text("taken_for", "Why", REASON_MAX),
        button("take_away", "Let it wait again"),
    )
