"""The waiting cases in the order, and how each queue stands beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dash import html

from api.console import layout, words
from wfm.brands import Brand
from wfm.casequeue.board import Board, BoardCase, QueueToday, Today
from wfm.casequeue.nexthour import QuarterAhead
from wfm.cases import Case

# What a line shows of a message.
FIRST_WORDS = 150

# Slack below this is pointed out, as in `assets/queue.js`.
SOON_S = 900

FLAGS = {
    "regulator": ("regulator", "bad"),
    "influencer": ("influencer", "warn"),
    "press": ("press", "warn"),
    "sensitive": ("sensitive", "bad"),
    "complaint": ("complaint", "warn"),
}


def waiting_list(board: Board, brand: Brand) -> Any:
    """A line for each case, or that none waits."""
    if not board.cases:
        return html.P("Nobody waits for an answer.", className="note calm")
    labels = layout.queue_labels(brand)
    return html.Ol([_line(one, labels, brand) for one in board.cases], className="waits")


def _line(one: BoardCase, labels: Mapping[str, str], brand: Brand) -> html.Li:
    case = one.case
    inside = [
        html.Span(str(one.place), className="place"),
        html.Span(
            slack_words(one.slack_s),
            className="slack",
            **layout.data(due=case.due_at.isoformat(), tone=tone_of(one.slack_s)),
        ),
        html.Span(
            [
                html.Span(_who(one, labels, brand), className="who"),
                # What strangers wrote stands in a box of its own direction.
                html.Bdi(first_words(one.words), className="words", dir="auto"),
                html.Span(one.why, className="under"),
            ],
            className="what",
        ),
    ]
    return html.Li(html.Button(inside, type="button", **layout.data(case=str(case.case_id))))


def _who(one: BoardCase, labels: Mapping[str, str], brand: Brand) -> list[Any]:
    case = one.case
    shown: list[Any] = [
        layout.badge(labels.get(case.queue, case.queue), "plain"),
        html.Bdi(one.handle, className="handle"),
        *flag_badges(case.flags, one.author_kind),
    ]
    if case.severity:
        shown.append(layout.badge(f"severity {case.severity}", "warn"))
    if case.needs_level > 1:
        shown.append(layout.badge(f"level {case.needs_level}", "plain"))
    if case.contacts > 1:
        shown.append(html.Span(words.counted(case.contacts, "message"), className="aside"))
    if one.opens_at is not None:
        shown.append(html.Span(f"opens {words.moment(one.opens_at, brand.tz)}", className="aside"))
    return shown


def in_hand(held: Sequence[Case], brand: Brand, now: datetime) -> Any:
    """The cases that the agent holds, so that none is forgotten; nothing for none."""
    if not held:
        return ""
    labels = layout.queue_labels(brand)
    lines = []
    for case in held:
        slack_s = (case.due_at - now).total_seconds()
        until = "" if case.lease_until is None else words.clock_time(case.lease_until, brand.tz)
        inside = [
            html.Strong(f"Case {case.case_id}"),
            layout.badge(labels.get(case.queue, case.queue), "plain"),
            html.Span(
                slack_words(slack_s),
                className="slack",
                **layout.data(due=case.due_at.isoformat(), tone=tone_of(slack_s)),
            ),
            html.Span(f"held until {until}", className="aside"),
        ]
        lines.append(
            html.Li(html.Button(inside, type="button", **layout.data(case=str(case.case_id))))
        )
    return [html.H3("In hand"), html.Ul(lines, className="in-hand")]


def flag_badges(flags: Any, author_kind: str) -> list[html.Span]:
    """Why the case is handled with care, each once."""
    named = dict.fromkeys([*flags, *([author_kind] if author_kind in FLAGS else [])])
    return [layout.badge(*FLAGS.get(str(flag), (str(flag), "plain"))) for flag in named]


def first_words(text: str) -> str:
    """The beginning of a message on one line.

    >>> first_words("  My order\\nnever came ")
    'My order never came'
    """
    line = " ".join(text.split())
    if not line:
        return "(no text)"
    return line if len(line) <= FIRST_WORDS else line[: FIRST_WORDS - 1].rstrip() + "…"


def slack_words(seconds: float) -> str:
    """What is left, or how late it is, until the browser counts by itself.

    >>> slack_words(245), slack_words(-125), slack_words(4800)
    ('4:05', '2:05 late', '1 h 20 min')
    """
    whole = int(abs(seconds))
    hours = whole // 3600
    text = f"{whole // 60}:{whole % 60:02d}"
    if hours >= 48:
        text = f"{hours // 24} days"
    elif hours:
        text = f"{hours} h {whole // 60 % 60} min"
    return f"{text} late" if seconds < 0 else text


def tone_of(seconds: float) -> str:
    if seconds < 0:
        return "bad"
    return "warn" if seconds < SOON_S else ""


# -- the queues ----------------------------------------------------------------------------------


def queues_card(today: Today, brand: Brand) -> Any:
    """A line for each queue: its waiting cases as a bar, the promise so far, who is there."""
    labels = layout.queue_labels(brand)
    most = max([1, *(line.now.waiting for line in today.queues)])
    return html.Ul(
        [_queue_line(line, labels[line.now.queue], most, brand.tz) for line in today.queues],
        className="queues",
    )


def _queue_line(line: QueueToday, label: str, most: int, zone: ZoneInfo) -> html.Li:
    now = line.now
    rest = max(0, now.waiting - now.late - line.due_soon)
    parts = [(now.late, "late"), (line.due_soon, "soon"), (rest, "rest")]
    bar = [
        html.Span(className=tone, style={"width": f"{100 * count / most:.1f}%"})
        for count, tone in parts
        if count
    ]
    said = (
        f"{words.counted(now.waiting, 'case')} waiting, {now.late} of them late, "
        f"{line.due_soon} due in 15 min"
    )
    return html.Li(
        [
            html.Div(
                [
                    html.Strong(label),
                    *_queue_states(line),
                    html.Span(str(now.waiting), className="count"),
                ],
                className="line",
            ),
            html.Div(bar, className="bars", role="img", **layout.named(said)),
            *_next_hour(line, zone),
            html.Div(_queue_note(line), className="under"),
        ]
    )


def _queue_states(line: QueueToday) -> list[html.Span]:
    found = []
    if not line.now.is_open:
        found.append(layout.badge("shut", "plain"))
    if line.now.spike_mode:
        found.append(layout.badge("spike mode", "warn"))
    if line.put_off_s:
        found.append(layout.badge(f"put off by {words.length(line.put_off_s)}", "warn"))
    return found


STEPS = {
    "acknowledge": "acknowledging",
    "put_off": "others put off",
    "spike_mode": "spike mode",
    "call_out": "people called",
}


def _next_hour(line: QueueToday, zone: ZoneInfo) -> list[Any]:
    """The predicted wait at the end of each quarter-hour, and what the policy does about it."""
    ahead = line.next_hour
    if ahead is None:
        return []
    cells = [_quarter(quarter, line.goal.share, zone) for quarter in ahead.quarters]
    steps = [
        f"{STEPS.get(step.action, step.action)} since {words.clock_time(step.since, zone)}"
        for step in line.steps
    ]
    told = [html.Div([html.Span("Wait, next hour", className="under"), *cells], className="ahead")]
    if steps:
        told.append(html.Div(["Policy: ", ", ".join(steps)], className="steps"))
    return told


def _wait_words(wait_s: float | None) -> str:
    if wait_s is None:
        return "nobody"
    minutes = round(wait_s / 60)
    return words.length(minutes * 60) if minutes else "no wait"


def _quarter(quarter: QuarterAhead, promised: float, zone: ZoneInfo) -> html.Span:
    wait = _wait_words(quarter.wait_s)
    at = words.clock_time(quarter.start, zone)
    said = (
        f"From {at}: {words.percent(quarter.share, digits=0)} predicted in time, "
        f"{quarter.waiting:.0f} waiting at its end: {wait}"
    )
    tone = "bad" if quarter.share < promised else "good"
    return html.Span(
        wait, className=f"quarter {tone}", title=said, role="img", **layout.named(said)
    )


def _queue_note(line: QueueToday) -> str:
    staff = f"{line.now.on_shift} on shift"
    if line.effective is not None:
        staff += f", {line.effective:.1f} effective of {line.required or 0:.1f} required"
    owed = line.kept + line.missed
    if not owed:
        return f"No first reply owed yet today · {staff}"
    return (
        f"{words.percent(line.attainment)} of {words.number(owed)} in time today, "
        f"{words.percent(line.goal.share, digits=0)} promised · {staff}"
    )
