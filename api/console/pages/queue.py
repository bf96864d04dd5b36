"""The live queue: what waits in the order, and the case that is worked on."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import parse_qs

from dash import Dash, Input, Output, State, dcc, html, no_update

from api.console import layout, words
from api.console.loop import off_loop
from api.console.pages import queueacts, queuelist, queuepanel
from api.console.pages.queueforms import LEAD, button
from api.console.views import Views
from wfm.brands import Brand
from wfm.casequeue.board import PAGE, PAGE_MAX, Board, Today
from wfm.errors import RequestError
from wfm.timegrid import in_local_time

# How often the page asks, while somebody looks.
BEAT_MS = 2_000


def case_in(search: str | None) -> int | None:
    """The case that the browser's address names, e.g. `?case=3`; RequestError where it is none.

    >>> case_in("?case=3"), case_in("")
    (3, None)
    """
    named = parse_qs((search or "").removeprefix("?")).get("case")
    if not named:
        return None
    if not named[-1].isdecimal() or len(named[-1]) > 9:
        raise RequestError(f"{named[-1][:40]!r} is no case's number; write ?case=3")
    return int(named[-1])


def page(views: Views, brand: Brand, search: str | None = None) -> Any:
    """The page as it is before it has asked what waits."""
    case_id = case_in(search)
    controls = [
        layout.field(
            "Queue", layout.select("queue-which", layout.queue_options(brand), layout.ALL_QUEUES)
        ),
        layout.field("Act as", queueacts.person_select(views.queueing.people()), wide=True),
    ]
    return html.Div(
        [
            layout.heading("Queue", "Earliest deadline first, then severity, then age.", controls),
            html.Div(id="queue-alarms", role="alert"),
            html.Div(id="queue-tiles", className="tiles"),
            html.Div(
                [
                    layout.card(
                        None,
                        html.Div(id="queue-hand"),
                        html.Div(
                            [
                                html.P(id="queue-count", role="status"),
                                button("claim", "Claim the next case", primary=True),
                            ],
                            className="bar buttons",
                        ),
                        html.Div(id="queue-said", role="status"),
                        html.Div(id="queue-list"),
                        html.Div(
                            html.Button(
                                "Show more", id="queue-more", className="plain", n_clicks=0
                            ),
                            id="queue-rest",
                            className="bar",
                            hidden=True,
                        ),
                        className="flush",
                    ),
                    html.Div(
                        [
                            queuepanel.panel(),
                            layout.card("By queue", html.Div(id="queue-queues")),
                        ],
                        className="page",
                    ),
                ],
                className="beside queue",
            ),
            dcc.Interval(id="queue-tick", interval=BEAT_MS),
            dcc.Store(id="queue-beat"),
            dcc.Store(id="queue-limit", data=PAGE),
            dcc.Store(id="queue-seen", data={}),
            dcc.Store(id="queue-case", data=case_id),
            dcc.Store(id="queue-panel-seen", data={}),
            # The button that was pressed, and how many acts have been answered.
            dcc.Store(id="queue-asked"),
            dcc.Store(id="queue-done", data=0),
        ],
        className="page queue-page",
    )


# -- what is drawn --------------------------------------------------------------------------------


def tiles(today: Today) -> list[html.Div]:
    """How all queues stand together."""
    ends = today.ends
    owed = f"{words.number(today.owed)} first {'reply' if today.owed == 1 else 'replies'}"
    promised = words.percent(today.promised, digits=0)
    broken = today.attainment is not None and today.attainment < (today.promised or 0)
    effective = (
        "no roster in force" if today.effective is None else f"{today.effective:.1f} effective"
    )
    found = [
        layout.tile("Waiting", words.number(today.waiting), f"{today.due_soon} due in 15 min"),
        layout.tile(
            "Late",
            words.number(today.late),
            "waiting past the deadline",
            "bad" if today.late else "",
        ),
        layout.tile(
            "In time today",
            words.percent(today.attainment),
            f"of {owed}; {promised} promised" if today.owed else "no first reply owed yet",
            "" if today.attainment is None else "bad" if broken else "good",
        ),
        layout.tile(
            "On hand", words.number(today.present), f"{today.on_shift} on shift, {effective}"
        ),
        layout.tile(
            "Follow-ups due",
            words.number(ends.tasks_due),
            "tasks whose time has come",
            "bad" if ends.tasks_due else "",
        ),
    ]
    if ends.quarantined or ends.undelivered:
        found.append(
            layout.tile(
                "Not in, not out",
                words.number(ends.quarantined + ends.undelivered),
                f"{ends.quarantined} in quarantine, {ends.undelivered} undelivered",
                "bad",
            )
        )
    return found


def alarms(today: Today, brand: Brand) -> Any:
    """What must be seen at once: nobody there for what waits, a promise that is about to break."""
    labels = layout.queue_labels(brand)
    told = [
        ("Nobody there: ", in_local_time(line.now.alert.text, brand.tz))
        for line in today.queues
        if line.now.alert is not None
    ]
    told += [
        (f"{labels[line.now.queue]} is about to break its promise: ", line.next_hour.reason)
        for line in today.queues
        if line.next_hour is not None and line.next_hour.breaks_at is not None
    ]
    if not told:
        return ""
    return html.Ul(
        [html.Li([html.Strong(what), text]) for what, text in told], className="failure alarms"
    )


def count_words(board: Board) -> str:
    """How many wait, and how many of them are listed."""
    if len(board.cases) == board.waiting:
        return f"{words.counted(board.waiting, 'case')} waiting"
    return f"The first {len(board.cases)} of {words.counted(board.waiting, 'case')} waiting"


OUTPUTS = ("list", "count", "rest", "tiles", "alarms", "queues", "people", "hand", "seen")


def drawn(
    views: Views,
    *,
    which: str,
    limit: int,
    person: str | None,
    seen: dict[str, str],
    asked: Any = None,
) -> dict[str, Any]:
    """What has changed since the page last asked; the rest stays as it is."""
    del asked  # by the page's beat, or because something was done
    brand = views.queueing.brand()
    queue = None if which == layout.ALL_QUEUES else which
    board, today = views.queueing.board(brand, queue, limit), views.queueing.today(brand)
    held = () if person in (None, LEAD) else views.queueing.in_hand(str(person))
    tags = {
        "list": _tag(board.waiting, *(_still(one) for one in board.cases)),
        "today": _tag(today.queues, today.on_shift, today.present, today.ends),
        "people": _tag(*((s.agent_id, s.slots) for s in views.queueing.on_shift())),
        "hand": _tag(person, held),
    }
    told: dict[str, Any] = dict.fromkeys(OUTPUTS, no_update)
    if seen == tags:
        return told
    told["seen"] = tags
    if seen.get("list") != tags["list"]:
        told["list"] = queuelist.waiting_list(board, brand)
        told["count"] = count_words(board)
        told["rest"] = len(board.cases) == board.waiting or limit >= PAGE_MAX
    if seen.get("today") != tags["today"]:
        told["tiles"], told["alarms"] = tiles(today), alarms(today, brand)
        told["queues"] = queuelist.queues_card(today, brand)
    if seen.get("hand") != tags["hand"]:
        told["hand"] = queuelist.in_hand(held, brand, today.as_of)
    if seen.get("people") != tags["people"]:
        told["people"] = queueacts.person_options(views.queueing.people())
    return told


def _still(one: Any) -> tuple[Any, ...]:
    """Of a line, all but what counts down by itself."""
    return (one.case, one.handle, one.author_kind, one.words, one.why, one.opens_at)


def _tag(*told: object) -> str:
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def more(presses: int | None, limit: int) -> Any:
    """Another page of lines."""
    return min(PAGE_MAX, limit + PAGE) if presses else no_update


def register(app: Dash, views: Views) -> None:
    app.clientside_callback(  # type: ignore[no-untyped-call]
        "function (ticks) { return dash_clientside.queue.beat(ticks); }",
        Output("queue-beat", "data"),
        Input("queue-tick", "n_intervals"),
    )
    app.callback(
        output={
            "list": Output("queue-list", "children"),
            "count": Output("queue-count", "children"),
            "rest": Output("queue-rest", "hidden"),
            "tiles": Output("queue-tiles", "children"),
            "alarms": Output("queue-alarms", "children"),
            "queues": Output("queue-queues", "children"),
            "people": Output("queue-person", "options"),
            "hand": Output("queue-hand", "children"),
            "seen": Output("queue-seen", "data"),
        },
        inputs={
            "asked": [Input("queue-beat", "data"), Input("queue-done", "data")],
            "which": Input("queue-which", "value"),
            "limit": Input("queue-limit", "data"),
            "person": Input("queue-person", "value"),
            "seen": State("queue-seen", "data"),
        },
    )(off_loop(drawn, views))
    app.callback(
        Output("queue-limit", "data"),
        Input("queue-more", "n_clicks"),
        State("queue-limit", "data"),
        prevent_initial_call=True,
    )(off_loop(more))
    queuepanel.register(app, views)
    queueacts.register(app, views)
