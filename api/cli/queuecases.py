"""`wfm queue show|cases|case|claim|answer|release|close`: the queue's cases, one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from api.cli.queueapp import app
from api.cli.shell import JsonOption, actor, emit_json, opened, out, say, show_table
from wfm.errors import RequestError
from wfm.timegrid import in_local_time, span_words

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from wfm.cases import Case
    from wfm.store.engine import Store

CaseId = Annotated[int, typer.Argument(metavar="CASE", help="The case's id.", min=1, max=2**31 - 1)]
Agent = Annotated[str, typer.Option("--agent", help="The agent it is done for.")]
Token = Annotated[str, typer.Option("--token", help="The token that the claim printed.")]
HeldToken = Annotated[
    str | None, typer.Option("--token", help="The lease's token, where somebody holds the case.")
]
OfQueue = Annotated[str | None, typer.Option("--queue", help="Only of this queue.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=500, help="How many.")]

# What the timeline calls what happened, where its kind alone would not say it.
HAPPENED = {
    "joined": "message added",
    "expired": "hold ran out",
    "taken": "taken away",
    "warned": "promise at risk",
    "breached": "promise broken",
    "severity": "severity set",
    "follow_up": "follow-up due",
}
OUTCOMES = {"met": "kept"}

# Of a message in a table so much is shown; --json has it whole.
FIRST_WORDS = 60


@app.command()
def show(as_json: JsonOption = False) -> None:
    """Every queue now: what waits, what is late, who is there."""
    from wfm.casequeue.capacity import queue_overview
    from wfm.store.brands import load_brand

    with opened() as store:
        with store.reading() as connection:
            brand = load_brand(connection)
        at = store.clock.now()
        overview = queue_overview(store, brand=brand, now=at)
    if as_json:
        emit_json({"as_of": at, "queues": [asdict(queue) for queue in overview]})
        return
    out.print(f"{at.astimezone(brand.tz):%a %d %b %Y %H:%M} {brand.zone}")
    table = Table(box=None, pad_edge=False)
    for name in ("queue", "", "waiting", "late", "next due", "held", "on shift", "slots"):
        table.add_column(name, justify="left" if name in {"queue", "", "next due"} else "right")
    for queue in overview:
        state = "open" if queue.is_open else "shut"
        table.add_row(
            queue.queue,
            f"{state}, spike mode" if queue.spike_mode else state,
            str(queue.waiting),
            str(queue.late),
            local(queue.next_due_at, brand.tz),
            str(queue.held),
            str(queue.on_shift),
            str(queue.slots),
        )
    show_table(table)
    for queue in overview:
        if queue.alert is not None:
            say(f"! {in_local_time(queue.alert.text, brand.tz)}")


@app.command("cases")
def list_cases(
    queue: OfQueue = None,
    state: Annotated[
        str | None,
        typer.Option("--state", help="Only new, assigned, answered, paused or closed ones."),
    ] = None,
    limit: Limit = 50,
    cursor: Annotated[
        str | None, typer.Option("--cursor", help="Where the page before ended.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Cases by deadline, a page at a time."""
    from wfm.cases import MOVES
    from wfm.store import cases
    from wfm.store.brands import load_brand

    if state is not None and state not in MOVES:
        raise RequestError(f"{state!r} is no state; a case is {' or '.join(MOVES)}", state=state)
    with opened() as store, store.reading() as connection:
        brand = load_brand(connection)
        if queue is not None:
            brand.queue(queue)
        page, following = cases.page_of_cases(
            connection,
            queue=queue,
            state=next((known for known in MOVES if known == state), None),
            cursor=cursor,
            limit=limit,
        )
    if as_json:
        emit_json({"items": [asdict(case) for case in page], "next": following})
        return
    if not page:
        out.print("No case.")
        return
    table = Table(box=None, pad_edge=False)
    for name in ("case", "queue", "state", "due", "severity", "author", "agent"):
        table.add_column(name, justify="right" if name in {"case", "severity"} else "left")
    for case in page:
        table.add_row(
            str(case.case_id),
            case.queue,
            case.state,
            local(case.due_at, brand.tz),
            str(case.severity),
            case.author,
            case.agent_id or "",
        )
    show_table(table)
    if following is not None:
        out.print(f"More: --cursor {following}", markup=False)


@app.command("case")
def show_case(case_id: CaseId, as_json: JsonOption = False) -> None:
    """One case: its messages, its clocks and what became of it."""
    from wfm.casequeue.causes import METRIC_WORDS
    from wfm.store.brands import load_brand

    with opened() as store:
        told = case_document(store, case_id)
        with store.reading() as connection:
            zone = load_brand(connection).tz
    if as_json:
        emit_json(told)
        return
    out.print(
        f"Case {case_id} of {told['queue']}: {told['state']}, due {local(told['due_at'], zone)}, "
        f"severity {told['severity']}, from {told['author']}",
        markup=False,
    )
    for message in told["messages"]:
        out.print(f"  {local(message['received_at'], zone)}  {message['author']}:", markup=False)
        say(message["text"], "    ")
    for clock in told["clocks"]:
        ended = OUTCOMES.get(clock["outcome"], clock["outcome"]) or (
            "runs" if clock["running_since"] else "stands still"
        )
        due = f", due {local(clock['due_at'], zone)}" if clock["due_at"] else ""
        say(
            f"{METRIC_WORDS[clock['metric']]} within {span_words(clock['threshold_s'])}: "
            f"{ended}, {span_words(round(clock['passed_s']))} passed{due}",
            "  ",
        )
    for event in told["events"]:
        what = HAPPENED.get(event["kind"], event["kind"])
        text = f": {in_local_time(event['text'], zone)}" if event["text"] else ""
        say(f"{local(event['at'], zone)}  {what}{_by(event)}{text}", "  ")


def _by(event: Mapping[str, Any]) -> str:
    """Who did it; nothing where the customer's message itself did.

    >>> _by({"kind": "claimed", "agent_id": "amy", "actor": "key:x"})
    ' by amy'
    >>> _by({"kind": "breached", "agent_id": None, "actor": "service:queue"})
    ' (automatic)'
    """
    if event["kind"] in ("opened", "joined"):
        return ""
    if event["agent_id"]:
        return f" by {event['agent_id']}"
    if event["actor"].startswith("service:"):
        return " (automatic)"
    return f" by {event['actor'].partition(':')[2] or event['actor']}"


def case_document(store: Store, case_id: int) -> dict[str, Any]:
    """A case with its messages, clocks and events, as --json prints it."""
    from wfm.clocks import elapsed
    from wfm.store import cases, clocks
    from wfm.store.brands import load_brand

    with store.reading() as connection:
        case = cases.find_case(connection, case_id)
        brand = load_brand(connection)
        window = brand.queue(case.queue).window
        at = store.clock.now()
        return {
            **asdict(case),
            "messages": [asdict(one) for one in cases.messages_of(connection, case_id)],
            "clocks": [
                {**asdict(held.clock), "passed_s": elapsed(held.clock, window, at)}
                for held in clocks.clocks_of(connection, case_id)
            ],
            "events": [asdict(one) for one in cases.events_of(connection, case_id)],
        }


@app.command()
def claim(agent: Agent, as_json: JsonOption = False) -> None:
    """Take the first case that the agent may take, on a lease; prints its token."""
    from wfm.casequeue import claims
    from wfm.store.brands import load_brand

    with opened() as store:
        with store.reading() as connection:
            brand = load_brand(connection)
        claimed = claims.claim_next(store, agent, brand=brand, actor=actor())
        told = None if claimed is None else case_document(store, claimed.case.case_id)
    if as_json:
        emit_json({"case": told, "lease_token": claimed.lease_token if claimed else None})
        return
    if claimed is None or told is None:
        out.print("Nothing waits that they may take.")
        return
    out.print(
        f"Case {claimed.case.case_id} of {claimed.case.queue}, due "
        f"{local(claimed.case.due_at, brand.tz)}, held until "
        f"{local(claimed.case.lease_until, brand.tz)}",
        markup=False,
    )
    for message in told["messages"]:
        say(f"{message['author']}: {message['text']}", "  ")
    out.print(f"token {claimed.lease_token}", markup=False)


@app.command()
def answer(
    case_id: CaseId,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The reply.")],
    token: Token,
    as_json: JsonOption = False,
) -> None:
    """Send a human reply in a case that is held, and give up the lease."""
    from wfm.casequeue import claims
    from wfm.store.brands import load_brand

    with opened() as store:
        with store.reading() as connection:
            brand = load_brand(connection)
        case = claims.answer(store, case_id, token, text, brand=brand, actor=actor())
    say_case(case, f"Case {case_id} is answered; we wait for {case.author}.", as_json)


@app.command()
def release(case_id: CaseId, token: Token, as_json: JsonOption = False) -> None:
    """Give a held case back unanswered; its deadline stays."""
    from wfm.casequeue import claims

    with opened() as store:
        case = claims.release(store, case_id, token, actor=actor())
    say_case(case, f"Case {case_id} waits again in {case.queue}.", as_json)


@app.command()
def close(
    case_id: CaseId,
    reason: Annotated[str, typer.Argument(metavar="REASON", help="Why it ends; it is kept.")],
    token: HeldToken = None,
    as_json: JsonOption = False,
) -> None:
    """End a case for a reason."""
    from wfm.casequeue import claims
    from wfm.store.brands import load_brand

    with opened() as store:
        with store.reading() as connection:
            brand = load_brand(connection)
        case = claims.close(store, case_id, reason, brand=brand, actor=actor(), lease_token=token)
    say_case(case, f"Case {case_id} is closed: {reason}.", as_json)


def say_case(case: Case, sentence: str, as_json: bool) -> None:
    """What became of a case: a sentence, or the case as JSON."""
    if as_json:
        emit_json(asdict(case))
    else:
        say(sentence)


def local(at: datetime | None, zone: ZoneInfo) -> str:
    """An instant in the site's time; a dash for none.

    >>> from datetime import UTC, datetime
    >>> from zoneinfo import ZoneInfo
    >>> local(datetime(2026, 3, 2, 9, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
    'Mon 02 Mar 10:00'
    """
    return "-" if at is None else f"{at.astimezone(zone):%a %d %b %H:%M}"
