"""`wfm queue sign-on|sign-off|away|heartbeat|who|held|assign|take-away|escalate`: who has what."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from api.cli.queueapp import app
from api.cli.queuecases import CaseId, HeldToken, local, say_case
from api.cli.queuemoves import Reason, Why, desk
from api.cli.shell import JsonOption, actor, emit_json, opened, out, say, show_table

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from wfm.casequeue.presence import Seen
    from wfm.store.presence import AgentPresence

Agent = Annotated[str, typer.Argument(metavar="AGENT", help="The agent's id.")]


@app.command("sign-on")
def sign_on(agent: Agent, as_json: JsonOption = False) -> None:
    """The agent is there, or back; their shift decides whether they may."""
    from wfm.casequeue import presence

    with opened() as store:
        found = presence.sign_on(store, agent, actor=actor())
    _say_presence(found, f"{agent} is there.", as_json)


@app.command()
def away(agent: Agent, as_json: JsonOption = False) -> None:
    """The agent is away for a while: they keep what they hold and get nothing new."""
    from wfm.casequeue import presence

    with opened() as store:
        found = presence.away(store, agent, actor=actor())
    _say_presence(found, f"{agent} is away and gets nothing new.", as_json)


@app.command("sign-off")
def sign_off(agent: Agent, as_json: JsonOption = False) -> None:
    """The agent goes; what they hold waits again."""
    from wfm.casequeue import presence

    with opened() as store:
        found = presence.sign_off(store, agent, actor=actor())
    _say_presence(found, f"{agent} has gone; what they held waits again.", as_json)


@app.command()
def heartbeat(agent: Agent, as_json: JsonOption = False) -> None:
    """The agent is still there; who is not heard of is signed off."""
    from wfm.casequeue import presence

    with opened() as store:
        found = presence.heartbeat(store, agent, actor=actor())
    _say_presence(found, f"{agent} is {found.state}.", as_json)


def _say_presence(found: AgentPresence, sentence: str, as_json: bool) -> None:
    if as_json:
        emit_json(asdict(found))
    else:
        say(sentence)


@app.command()
def who(as_json: JsonOption = False) -> None:
    """Everybody who is on shift or signed on: whether they are there, and what they hold."""
    from wfm.casequeue.presence import everybody

    with desk() as (store, brand):
        now = store.clock.now()
        with store.reading() as connection:
            found = everybody(connection, brand, now)
    if as_json:
        emit_json({"as_of": now, "agents": [asdict(seen) for seen in found]})
        return
    if not found:
        out.print("Nobody is on shift or signed on.")
        return
    table = Table(box=None, pad_edge=False)
    for name in ("agent", "", "since", "heard of", "held", "slots", "until", "queues"):
        table.add_column(name, justify="right" if name in {"held", "slots"} else "left")
    for seen in found:
        table.add_row(
            seen.agent_id,
            _where(seen),
            local(seen.since, brand.tz),
            local(seen.heartbeat_at, brand.tz),
            str(seen.held),
            str(seen.shift.slots) if seen.shift else "-",
            _until(seen, brand.tz),
            ", ".join(seen.shift.queues) if seen.shift else "",
        )
    show_table(table)


def _where(seen: Seen) -> str:
    if seen.is_here:
        return "here" if seen.state == "available" else "here, not signed on"
    if seen.shift is None:
        return f"{seen.state}, not on shift"
    return {
        None: "not signed on",
        "available": "not heard of",
        "away": "away",
        "off": "signed off",
    }[seen.state]


def _until(seen: Seen, zone: ZoneInfo) -> str:
    return f"{seen.shift.end.astimezone(zone):%H:%M}" if seen.shift else "-"


@app.command()
def held(agent: Agent, as_json: JsonOption = False) -> None:
    """The cases the agent holds, each with the token of its lease."""
    from wfm.store.presence import held_cases

    with desk() as (store, brand), store.reading() as connection:
        found = held_cases(connection, agent, now=store.clock.now())
    if as_json:
        emit_json(
            {"items": [{"case": asdict(case), "lease_token": token} for case, token in found]}
        )
        return
    if not found:
        out.print(f"{agent} holds no case.", markup=False)
        return
    table = Table(box=None, pad_edge=False)
    for name in ("case", "queue", "due", "held until", "author", "token"):
        table.add_column(name, justify="right" if name == "case" else "left")
    for case, token in found:
        table.add_row(
            str(case.case_id),
            case.queue,
            local(case.due_at, brand.tz),
            local(case.lease_until, brand.tz),
            case.author,
            token,
        )
    show_table(table)


@app.command()
def assign(
    case_id: CaseId,
    agent: Annotated[
        str,
        typer.Argument(metavar="AGENT", help="Who is to have it, also if somebody else holds it."),
    ],
    as_json: JsonOption = False,
) -> None:
    """Give a case to an agent; never more than their slots, nor what they may not take."""
    from wfm.casequeue import supervise

    with desk() as (store, brand):
        given = supervise.assign(store, case_id, agent, brand=brand, actor=actor())
    until = local(given.case.lease_until, brand.tz)
    say_case(given.case, f"Case {case_id} is {agent}'s until {until}.", as_json)


@app.command("take-away")
def take_away(case_id: CaseId, reason: Reason = "", as_json: JsonOption = False) -> None:
    """Take a case from the agent who holds it; it waits again with the deadline it had."""
    from wfm.casequeue import supervise

    with desk() as (store, brand):
        case = supervise.take_away(store, case_id, actor=actor(), reason=reason)
    due = local(case.due_at, brand.tz)
    say_case(case, f"Case {case_id} waits again in {case.queue}, due {due}.", as_json)


@app.command()
def escalate(
    case_id: CaseId, reason: Why, token: HeldToken = None, as_json: JsonOption = False
) -> None:
    """Hand a case to the specialists, with the deadline it had."""
    from wfm.casequeue import escalation

    with desk() as (store, brand):
        case = escalation.escalate(
            store, case_id, reason, brand=brand, actor=actor(), lease_token=token
        )
    due = local(case.due_at, brand.tz)
    level = f" for level {case.needs_level}" if case.needs_level > 1 else ""
    say_case(case, f"Case {case_id} waits in {case.queue}{level}, due {due}.", as_json)
