"""`wfm queue policy|hold|events|tick|outbox`: what is predicted, done about it, and sent out."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from api.cli.queueapp import app
from api.cli.shell import JsonOption, actor, emit_json, opened, out, say, show_table
from wfm.errors import RequestError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from wfm.casequeue.policyview import PolicyNow
    from wfm.store.queueevents import Told

outbox_app = typer.Typer(help="What is to be delivered to others.", no_args_is_help=True)
app.add_typer(outbox_app, name="outbox")

# How often the store is asked for more while events are followed.
FOLLOW_S = 0.5

Queue = Annotated[str, typer.Argument(metavar="QUEUE", help="The queue's name.")]
LetterId = Annotated[
    int, typer.Argument(metavar="LETTER", help="The letter's id.", min=1, max=2**31 - 1)
]
Hold = {"on": True, "off": False, "auto": None}


@app.command()
def policy(as_json: JsonOption = False) -> None:
    """The next hour of every queue as it was predicted last, and the steps taken for it."""
    from wfm.casequeue.policyview import policies_now
    from wfm.store.brands import load_brand

    with opened() as store, store.reading() as connection:
        brand = load_brand(connection)
        found = policies_now(connection, brand)
        at = store.clock.now()
    if as_json:
        emit_json({"as_of": at, "queues": [asdict(one) for one in found]})
        return
    out.print(f"{at.astimezone(brand.tz):%a %d %b %Y %H:%M} {brand.zone}")
    for one in found:
        _show_policy(one, brand.tz)


def _show_policy(one: PolicyNow, zone: ZoneInfo) -> None:
    if one.outlook is None or one.looked_at is None:
        say(f"{one.queue}: not looked at yet; the service does, and `wfm queue tick`")
        return
    say(f"{one.queue}, seen {one.looked_at.astimezone(zone):%H:%M}: {one.outlook['reason']}.")
    for step in one.steps:
        if step.since is None and step.held is None:
            continue
        taken = "not taken" if step.since is None else f"since {step.since.astimezone(zone):%H:%M}"
        held = "" if step.held is None else ", held by hand"
        named = ", ".join(step.what.get("agents", ()))
        say(
            f"{step.step} {step.action.replace('_', ' ')} {taken}{held}"
            + (f": call {named}" if named else ""),
            "  ",
        )


@app.command()
def hold(
    queue: Queue,
    step: Annotated[int, typer.Argument(metavar="STEP", help="Number of the step.", min=1)],
    how: Annotated[str, typer.Argument(metavar="on|off|auto", help="auto: as predicted.")],
    as_json: JsonOption = False,
) -> None:
    """Hold a step of the queue's policy taken (on) or not taken (off), or let go of it (auto)."""
    from wfm.casequeue.policysteps import hold_step
    from wfm.store.brands import load_brand

    if how not in Hold:
        raise RequestError(f"{how!r} is none of on, off and auto", value=how)
    with opened() as store:
        with store.reading() as connection:
            brand = load_brand(connection)
        done = hold_step(store, queue, step, Hold[how], brand=brand, actor=actor())
    if as_json:
        emit_json([asdict(one) for one in done])
        return
    if not done:
        say(f"Step {step} of {queue} is {how}; it stood so already.")
    for one in done:
        step_words = one.action.replace("_", " ")
        say(f"{one.queue}: {step_words} {'taken' if one.taken else 'taken back'}, {one.reason}.")


# What a tick's parts do, for people.
DID = {
    "inbox": "deliveries worked",
    "notices": "notices to customers",
    "leases": "leases run out",
    "paused": "paused cases waiting again",
    "quiet": "answered cases closed",
    "presence": "agents signed off",
    "tasks": "tasks due",
    "clocks": "promises broken or soon to break",
    "ladder": "escalations",
    "policy": "steps of the policy",
    "assignment": "cases assigned",
    "staffing": "queues with new staffing",
    "outbox": "letters delivered",
    "metrics": "days added up",
    "history": "quarter-hours into the history",
    "retention": "round of retention",
}


@app.command()
def tick(as_json: JsonOption = False) -> None:
    """Do once what the service does all the time: leases, clocks, policy, assignment, delivery."""
    from wfm.casequeue.engine import tick as tick_once
    from wfm.store.brands import load_brand

    with opened() as store:
        with store.reading() as connection:
            brand = load_brand(connection)
        ticked = tick_once(store, brand=brand)
    if as_json:
        emit_json(asdict(ticked))
    else:
        did = ", ".join(
            f"{count} {DID.get(name, name)}" for name, count in ticked.done.items() if count
        )
        say(f"Done: {did or 'nothing was due'}.")
        for name, why in ticked.failed.items():
            say(f"{DID.get(name, name)}: {why}")
    if ticked.failed:
        raise typer.Exit(1)


@app.command()
def events(
    follow: Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C.")] = False,
    after: Annotated[
        str | None, typer.Option("--after", help="The id of an event: only what came later.")
    ] = None,
    queue: Annotated[str | None, typer.Option("--queue", help="Only of this queue.")] = None,
    last: Annotated[
        int, typer.Option("--last", min=0, max=10_000, help="Begin so many events back.")
    ] = 20,
    as_json: JsonOption = False,
) -> None:
    """What has happened to cases, queues and agents, oldest first."""
    import time

    from wfm.store.brands import load_brand
    from wfm.store.queueevents import PRIVATE, Follower, Position, newest, position_of, since

    with opened() as store:
        with store.reading() as connection:
            zone = load_brand(connection).tz
            end = newest(connection)
        back = Position(max(0, end.case_event - last), max(0, end.queue_event - last))
        position = position_of(after) if after else back
        begun = after is not None
        follower = Follower(position)
        while True:
            with store.reading() as connection:
                upto = follower.advance(connection)
                page = since(connection, position, upto)
            shown = [one for one in page if one.kind not in PRIVATE]
            for one in shown if begun or not last else shown[-last:]:
                if queue in (None, one.queue):
                    _show_event(one, zone, as_json)
            begun = True
            if page:
                position = page[-1].position
            elif not follow:
                return
            else:
                time.sleep(FOLLOW_S)


def _show_event(one: Told, zone: ZoneInfo, as_json: bool) -> None:
    if as_json:
        import json

        from wfm.timegrid import format_instant

        document = {
            "id": str(one.position),
            "at": format_instant(one.at),
            "kind": one.kind,
            "queue": one.queue,
            "case_id": one.case_id,
            "agent_id": one.agent_id,
            "actor": one.actor,
            "body": dict(one.body),
        }
        # A line each, so that a follower can be piped.
        typer.echo(json.dumps(document))
        return
    about = " ".join(
        part
        for part in (
            one.queue or "",
            f"case {one.case_id}" if one.case_id is not None else "",
            one.agent_id or "",
            str(one.body.get("reason", "")),
            _staffed(one) if one.kind.startswith("staffing.") else "",
        )
        if part
    )
    out.print(f"{one.at.astimezone(zone):%d %b %H:%M:%S}  {one.kind:<22} {about}", markup=False)


def _staffed(one: Told) -> str:
    """The figures of an event of the staffing."""
    net = one.body.get("net")
    levels = "" if net is None else f", {net:+.1f} agents against the requirement"
    return f"{one.body.get('present')} of {one.body.get('on_shift')} on shift are there{levels}"


@outbox_app.command("list")
def outbox_list(
    state: Annotated[
        str | None, typer.Option("--state", help="Only new, sent or dead ones.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """What is to be delivered, newest first, and what became of it."""
    from typing import get_args

    from wfm.store import outbox

    known = get_args(outbox.State)
    if state not in (None, *known):
        raise RequestError(f"{state!r} is no state of a letter; take {', '.join(known)}")
    with opened() as store, store.reading() as connection:
        letters = outbox.page(connection, state=state, limit=limit)  # type: ignore[arg-type]
        counts = outbox.counts(connection)
    if as_json:
        emit_json({**asdict(counts), "items": [asdict(letter) for letter in letters]})
        return
    say(
        f"{counts.waiting} wait, {counts.failing} of them tried in vain so far; "
        f"{counts.dead} given up."
    )
    table = Table(box=None, pad_edge=False)
    for name in ("letter", "kind", "to", "case", "state", "tries", "written", "why"):
        table.add_column(name, justify="right" if name in {"letter", "case", "tries"} else "left")
    for letter in letters:
        table.add_row(
            str(letter.outbox_id),
            letter.kind,
            letter.target,
            "" if letter.case_id is None else str(letter.case_id),
            letter.state,
            str(letter.attempts),
            f"{letter.written_at:%Y-%m-%d %H:%M}Z",
            letter.error or "",
        )
    if letters:
        show_table(table)


@outbox_app.command("retry")
def outbox_retry(letter: LetterId, as_json: JsonOption = False) -> None:
    """Try a letter that has not arrived now, and as often as a new one."""
    from wfm.store import outbox

    with opened() as store, store.writing(actor()) as writing:
        again = outbox.try_again(writing, letter)
    if as_json:
        emit_json(asdict(again))
        return
    say(f"Letter {letter} to {again.target} is tried at the next delivery.")
