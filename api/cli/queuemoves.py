"""`wfm queue pause|resume|reopen|merge|move|severity|acknowledge`: cases on the move."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.queueapp import app
from api.cli.queuecases import CaseId, HeldToken, local, say_case
from api.cli.shell import JsonOption, actor, opened, parse_moment

if TYPE_CHECKING:
    from wfm.brands import Brand
    from wfm.store.engine import Store

Why = Annotated[str, typer.Argument(metavar="REASON", help="Why; it is kept.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept.")]


@contextmanager
def desk() -> Iterator[tuple[Store, Brand]]:
    """The store and its brand."""
    from wfm.store.brands import load_brand

    with opened() as store:
        with store.reading() as connection:
            brand = load_brand(connection)
        yield store, brand


@app.command()
def pause(
    case_id: CaseId,
    reason: Why,
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            help="When it waits again, as '2026-03-02 18:00'; default: when its author writes, or "
            "it is resumed.",
        ),
    ] = None,
    token: HeldToken = None,
    as_json: JsonOption = False,
) -> None:
    """Let a waiting or held case rest for a reason; its clocks stand still."""
    from wfm.casequeue import moves

    with desk() as (store, brand):
        case = moves.pause(
            store,
            case_id,
            reason,
            brand=brand,
            actor=actor(),
            until=None if until is None else parse_moment(until, brand.tz),
            lease_token=token,
        )
    when = f"until {local(case.paused_until, brand.tz)}" if case.paused_until else "for now"
    say_case(case, f"Case {case_id} is paused {when}; its clocks stand still.", as_json)


@app.command()
def resume(case_id: CaseId, as_json: JsonOption = False) -> None:
    """Let a paused case wait again, with what was left of its clocks."""
    from wfm.casequeue import moves

    with desk() as (store, brand):
        case = moves.resume(store, case_id, brand=brand, actor=actor())
    due = local(case.due_at, brand.tz)
    say_case(case, f"Case {case_id} waits again in {case.queue}, due {due}.", as_json)


@app.command()
def reopen(case_id: CaseId, reason: Why, as_json: JsonOption = False) -> None:
    """Let a closed case wait again."""
    from wfm.casequeue import moves

    with desk() as (store, brand):
        case = moves.reopen(store, case_id, reason, brand=brand, actor=actor())
    due = local(case.due_at, brand.tz)
    say_case(case, f"Case {case_id} waits again in {case.queue}, due {due}.", as_json)


@app.command()
def merge(
    case_id: CaseId,
    into: Annotated[int, typer.Option("--into", help="The case that goes on for both.", min=1)],
    as_json: JsonOption = False,
) -> None:
    """Close a case and go on with it in another, at the earlier deadline of the two."""
    from wfm.casequeue.merging import merge as merge_cases

    with desk() as (store, brand):
        kept = merge_cases(store, case_id, into=into, brand=brand, actor=actor())
    due = local(kept.due_at, brand.tz)
    say_case(
        kept, f"Case {case_id} goes on in case {into}: {kept.state} there, due {due}.", as_json
    )


@app.command()
def move(
    case_id: CaseId,
    queue: Annotated[str, typer.Argument(metavar="QUEUE", help="The queue it is handed to.")],
    reason: Reason = "",
    token: HeldToken = None,
    as_json: JsonOption = False,
) -> None:
    """Hand a case over to another queue, with the promise it has."""
    from wfm.casequeue import moves

    with desk() as (store, brand):
        case = moves.move_queue(
            store,
            case_id,
            queue,
            brand=brand,
            actor=actor(),
            reason=reason,
            lease_token=token,
        )
    due = local(case.due_at, brand.tz)
    say_case(case, f"Case {case_id} is in {case.queue} now: {case.state}, due {due}.", as_json)


@app.command()
def severity(
    case_id: CaseId,
    level: Annotated[int, typer.Argument(metavar="LEVEL", help="0 to 100.")],
    reason: Reason = "",
    as_json: JsonOption = False,
) -> None:
    """Make a case more or less grave: of those due at once, the gravest comes first."""
    from wfm.casequeue import moves

    with opened() as store:
        case = moves.set_severity(store, case_id, level, actor=actor(), reason=reason)
    say_case(case, f"Case {case_id} has severity {case.severity}.", as_json)


@app.command()
def acknowledge(
    case_id: CaseId,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The acknowledgement.")],
    as_json: JsonOption = False,
) -> None:
    """Send an automatic acknowledgement, once a wait; the human answer stays owed."""
    from wfm.casequeue import moves

    with desk() as (store, brand):
        case = moves.acknowledge(store, case_id, text, brand=brand, actor=actor())
    due = local(case.due_at, brand.tz)
    say_case(case, f"Case {case_id} is acknowledged; its answer is due {due}.", as_json)
