"""One case: who writes, what was said and done, and the promises that run on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from dash import html

from api.console import layout, words
from api.console.pages.queuelist import flag_badges, slack_words, tone_of
from api.console.queueing import Opened
from wfm import clocks as law
from wfm.brands import Brand
from wfm.store.cases import CaseEvent, Message
from wfm.store.clocks import CaseClock
from wfm.store.tasks import Task
from wfm.timegrid import in_local_time

STATES = {
    "new": ("waiting", "warn"),
    "assigned": ("held", "good"),
    "answered": ("answered", "plain"),
    "paused": ("paused", "plain"),
    "closed": ("closed", "plain"),
}
CLOCKS = {
    "first_response": "First reply",
    "next_reply": "Next reply",
    "resolution": "Resolution",
}
TASKS = {
    "follow_up": "follow-up",
    "callback": "call back",
    "email": "e-mail",
    "team": "for a team",
}
# What the messages themselves tell.
SILENT = {"opened", "joined"}
# What is said to the customer.
SAID = {"answered": "", "acknowledged": "automatic acknowledgement", "notified": "automatic notice"}
HAPPENED = {
    "edited": "The customer edited a message",
    "deleted": "The customer deleted a message",
    "reopened": "The customer wrote again: it waits",
    "assigned": "Given to {agent}",
    "claimed": "Claimed by {agent}",
    "released": "Given back by {agent}",
    "expired": "The hold of {agent} ran out",
    "taken": "Taken away from {agent}",
    "paused": "Paused",
    "resumed": "Waits again",
    "merged": "Merged",
    "moved": "Moved to another queue",
    "severity": "Severity set",
    "escalated": "Escalated",
    "warned": "A promise runs short",
    "breached": "A promise was broken",
    "follow_up": "Follow-up due",
    "task": "Task",
    "exception": "Exception",
    "erased": "What the customer wrote was erased",
    "closed": "Closed",
}
BAD = {"breached", "expired"}


@dataclass(frozen=True)
class Entry:
    """A line of the timeline: said by the customer, said by us, or something that happened."""

    at: datetime
    side: Literal["theirs", "ours", "note"]
    who: str
    text: str
    bad: bool = False


def told(opened: Opened, brand: Brand, names: Mapping[str, str]) -> list[Any]:
    """The case as it is now: head, promises, timeline."""
    return [
        _head(opened, brand, names),
        html.Ul([_clock(one, brand, opened.as_of) for one in opened.clocks], className="clocks"),
        html.Ol([_entry(e, brand) for e in timeline(opened, names)], className="timeline"),
        html.Ul(
            [_task(task, brand, opened.as_of) for task in opened.open_tasks],
            className="clocks",
        ),
    ]


def _head(opened: Opened, brand: Brand, names: Mapping[str, str]) -> html.Div:
    case = opened.case
    labels = layout.queue_labels(brand)
    shown, tone = STATES[case.state]
    state = [layout.badge(shown, tone)]
    if case.state == "assigned" and case.lease_until is not None:
        held_by = names.get(case.agent_id or "", case.agent_id)
        until = words.clock_time(case.lease_until, brand.tz)
        state.append(html.Span(f"by {held_by} until {until}", className="aside"))
    if case.state == "paused" and case.paused_until is not None:
        state.append(
            html.Span(f"until {words.moment(case.paused_until, brand.tz)}", className="aside")
        )
    if case.merged_into is not None:
        state.append(html.Span(f"merged into case {case.merged_into}", className="aside"))
    marks = flag_badges(case.flags, opened.author_kind)
    if case.severity:
        marks.append(layout.badge(f"severity {case.severity}", "warn"))
    if case.needs_level > 1:
        marks.append(layout.badge(f"needs level {case.needs_level}", "plain"))
    return html.Div(
        [
            html.Div(
                [
                    html.H2([f"Case {case.case_id} ", *state]),
                    html.Button(
                        "Back to the list",
                        type="button",
                        className="plain back",
                        **layout.data(case=""),
                    ),
                ],
                className="title",
            ),
            html.P(
                [
                    html.Bdi(opened.handle, className="handle"),
                    f" in {labels.get(case.queue, case.queue)}",
                    f" to {case.account}" if case.account else "",
                    *marks,
                ],
                className="note",
            ),
            html.P(case.closed_reason, className="note") if case.closed_reason else None,
        ]
    )


def _clock(held: CaseClock, brand: Brand, now: datetime) -> html.Li:
    """A promise: how much of it is used, and what is left or what came of it."""
    clock, window = held.clock, brand.queue(held.queue).window
    used = words.length(round(law.elapsed(clock, window, now)))
    # What runs counts down beside it.
    used = f"{used} of " if clock.running_since is None else "within "
    name = CLOCKS[clock.metric]
    if clock.goal == "opening":
        name += ", after opening"
    allowed = words.length(clock.threshold_s)
    ending: Any
    if clock.stopped_at is not None:
        tone = {"met": "good", "late": "bad"}.get(clock.outcome or "", "plain")
        ending = layout.badge({"met": "kept"}.get(clock.outcome or "", clock.outcome or ""), tone)
    elif clock.due_at is None:
        ending = layout.badge("stands still", "plain")
    else:
        left_s = (clock.due_at - now).total_seconds()
        ending = html.Span(
            slack_words(left_s),
            className="slack",
            **layout.data(due=clock.due_at.isoformat(), tone=tone_of(left_s)),
        )
    return html.Li([html.Span(name), html.Span(used + allowed, className="aside"), ending])


def _task(task: Task, brand: Brand, now: datetime) -> html.Li:
    """What is still to be done for the case, and by when."""
    due = html.Span(
        words.moment(task.due_at, brand.tz),
        className="slack",
        **layout.data(tone="bad" if task.is_overdue(now) else ""),
    )
    return html.Li([html.Span(task.title), html.Span(TASKS[task.kind], className="aside"), due])


def timeline(opened: Opened, names: Mapping[str, str]) -> list[Entry]:
    """What was said and what happened, oldest first."""
    entries = [_message(one, opened.handle) for one in opened.messages]
    entries += [_event(e, names) for e in opened.events if e.kind not in SILENT]
    # A message comes before what it brought about.
    return sorted(entries, key=lambda entry: (entry.at, entry.side != "theirs"))


def _message(message: Message, handle: str) -> Entry:
    return Entry(message.received_at, "theirs", handle or message.author, message.text)


def _event(event: CaseEvent, names: Mapping[str, str]) -> Entry:
    agent = names.get(event.agent_id or "", event.agent_id or "nobody")
    if event.kind in SAID:
        who = SAID[event.kind] or agent
        return Entry(event.at, "ours", who, event.text or "")
    what = HAPPENED.get(event.kind, event.kind.replace("_", " ")).format(agent=agent)
    text = f"{what}: {event.text}" if event.text else what
    return Entry(event.at, "note", event.actor, text, event.kind in BAD)


def _entry(entry: Entry, brand: Brand) -> html.Li:
    at = html.Span(words.moment(entry.at, brand.tz), className="at")
    if entry.side == "note":
        tone = " bad" if entry.bad else ""
        text = in_local_time(entry.text, brand.tz)
        return html.Li([at, html.Bdi(text, dir="auto")], className=f"note-entry{tone}")
    return html.Li(
        [
            html.Div([html.Bdi(entry.who, className="handle"), at]),
            # Raw text of strangers: React escapes it, and it stands in its own direction.
            html.Div(entry.text or "(no text)", className="said-text", dir="auto"),
        ],
        className=entry.side,
    )
