"""`wfm ingest`: replaying a recording, and the quarantine of what could not be read."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from api.cli.shell import JsonOption, actor, emit_json, err, opened, out, say, show_table, watched
from wfm.errors import FileFaults
from wfm.timegrid import format_instant

if TYPE_CHECKING:
    from wfm.brands import Brand
    from wfm.ingest.replay import Replayed
    from wfm.store.deliveries import Delivery

app = typer.Typer(
    help="Contacts on their way in: replay a recording, see to the quarantine.",
    no_args_is_help=True,
)
quarantine = typer.Typer(help="Deliveries that could not be worked.", no_args_is_help=True)
app.add_typer(quarantine, name="quarantine")

DeliveryId = Annotated[
    int, typer.Argument(metavar="DELIVERY", help="The delivery's id.", min=1, max=2**31 - 1)
]

# Of a body in text so much is shown; --json has it whole.
BODY_SHOWN = 4000


@app.command()
def replay(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV with the columns tweet_id, author_id, ...")
    ],
    speed: Annotated[
        float,
        typer.Option("--speed", help="How many of its seconds pass in one; 0: all at once.", min=0),
    ] = 60.0,
    account: Annotated[
        str | None,
        typer.Option("--account", help="Our handle that it is written to; else the first on x."),
    ] = None,
    queue: Annotated[
        str, typer.Option("--queue", help="Where its cases wait, whatever triage says.")
    ] = "",
    own: Annotated[
        list[str] | None,
        typer.Option("--own", help="author_id that is ours, beside those whose rows say so."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Take recorded tweets in again, in their order and with their gaps, as if written now.

    What was replayed before is passed over, so a replay that was stopped goes on where it ended.
    """
    from wfm.ingest.connectors.twitter import Twitter
    from wfm.ingest.replay import Pace, Replayed, record
    from wfm.ingest.replay import replay as run
    from wfm.store.brands import load_brand

    done = Replayed()
    pace = Pace(speed)
    with opened() as store, tempfile.TemporaryDirectory(prefix="wfm-replay-") as folder:
        with store.reading() as connection:
            brand = load_brand(connection)
        chosen = account or _first_handle(brand)
        if queue:
            brand.queue(queue)
        try:
            with watched("reading") as progress:
                recording = record(file, Path(folder), progress=progress)
        except FileFaults as error:
            if as_json:
                emit_json({"code": error.code, **error.details})
            raise
        try:
            with watched("replaying") as progress:
                run(
                    store,
                    recording,
                    brand=brand,
                    twitter=Twitter(chosen, queue),
                    actor=actor(),
                    pace=pace,
                    own=frozenset(own or ()),
                    done=done,
                    progress=progress,
                )
        finally:
            _tell(done, recording.tweets, chosen, as_json=as_json)


def _first_handle(brand: Brand) -> str:
    """The handle that is written to when none is named: the first on x, else the first."""
    from wfm.triage.handles import handles_of

    handles = handles_of(brand)
    return next((one.name for one in handles if one.channel == "x"), handles[0].name)


def _tell(done: Replayed, tweets: int, account: str, *, as_json: bool) -> None:
    taken = dict(sorted(done.taken.items()))
    if as_json:
        emit_json(
            {
                "account": account,
                "tweets": tweets,
                "taken": taken,
                "refused": [{"reason": why, "tweets": n} for why, n in done.refused.items()],
            }
        )
        return
    words = ", ".join(f"{count:,} {outcome.replace('_', ' ')}" for outcome, count in taken.items())
    say(f"{done.total:,} of {tweets:,} tweets written to {account}: {words or 'none taken in'}")
    for why, count in done.refused.most_common(5):
        err.print(f"  {count:,} not taken in: {why}", markup=False)
    if done.total < tweets:
        say("The same command goes on where this one ended.")


# -- quarantine ----------------------------------------------------------------------------------


@quarantine.command("list")
def list_quarantine(
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many.")] = 50,
    after: Annotated[int, typer.Option("--after", min=0, help="From the one after this on.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Deliveries that could not be worked, the oldest first, each with its reason."""
    from wfm.store import deliveries

    with opened() as store, store.reading() as connection:
        found = deliveries.page_of_quarantine(connection, after=after, limit=limit)
        waiting = deliveries.count_open(connection)
    if as_json:
        emit_json({"count": waiting["quarantined"], "items": [_document(one) for one in found]})
        return
    if not found:
        out.print("the quarantine is empty")
        return
    table = Table("id", "source", "key", "received", "tries", "reason", box=None)
    for one in found:
        received = format_instant(one.received_at)
        why = (one.reason or "")[:120]
        tries = str(one.attempts)
        table.add_row(str(one.delivery_id), one.source, one.key[:40], received, tries, why)
    show_table(table)
    if waiting["quarantined"] > len(found):
        out.print(f"... of {waiting['quarantined']:,} in all; --after {found[-1].delivery_id}")


@quarantine.command("show")
def show_delivery(delivery: DeliveryId, as_json: JsonOption = False) -> None:
    """One delivery: why it was set aside, and its body as it came."""
    from wfm.store import deliveries

    with opened() as store, store.reading() as connection:
        one = deliveries.find_delivery(connection, delivery)
    body = one.body.decode(errors="backslashreplace")
    if as_json:
        emit_json({**_document(one), "body": body})
        return
    received = format_instant(one.received_at)
    out.print(f"delivery {one.delivery_id} of {one.source}, {one.key}, {received}", markup=False)
    say(f"{one.state}: {one.reason or 'nothing is wrong with it'}")
    out.print(_harmless(body[:BODY_SHOWN]), markup=False)
    if len(body) > BODY_SHOWN:
        out.print(f"... {len(body):,} characters in all; --json has them")


def _harmless(text: str) -> str:
    """Without what would move a terminal's cursor or change its colours."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


@quarantine.command("retry")
def retry_delivery(delivery: DeliveryId, as_json: JsonOption = False) -> None:
    """Work a delivery again, after what stopped it was mended."""
    from wfm.ingest import inbox
    from wfm.store import deliveries
    from wfm.store.brands import load_brand

    with opened() as store:
        with store.reading() as connection:
            brand = load_brand(connection)
        with store.writing(actor()) as writing:
            deliveries.retry(writing, delivery)
        inbox.work(store, brand=brand)
        with store.reading() as connection:
            one = deliveries.find_delivery(connection, delivery)
    _say_state(one, as_json=as_json)


@quarantine.command("drop")
def drop_delivery(
    delivery: DeliveryId,
    reason: Annotated[str, typer.Option("--reason", help="Why it is left unworked for good.")],
    as_json: JsonOption = False,
) -> None:
    """Leave a delivery unworked for good; its body stays."""
    from wfm.store import deliveries

    with opened() as store, store.writing(actor()) as writing:
        one = deliveries.drop(writing, delivery, reason)
    _say_state(one, as_json=as_json)


def _say_state(one: Delivery, *, as_json: bool) -> None:
    if as_json:
        emit_json(_document(one))
        return
    say(f"delivery {one.delivery_id} is {one.state}" + (f": {one.reason}" if one.reason else ""))


def _document(one: Delivery) -> dict[str, Any]:
    return {
        "delivery_id": one.delivery_id,
        "source": one.source,
        "key": one.key,
        "received_at": one.received_at,
        "state": one.state,
        "attempts": one.attempts,
        "reason": one.reason,
        "ended_at": one.ended_at,
    }
