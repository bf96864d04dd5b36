"""`wfm roster resolve`, `repair`, `publish`, `republish`, `open-shifts`, `takers`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from api.cli.rosterwords import (
    Day,
    Draft,
    Reason,
    Revision,
    Which,
    clock_time,
    draft_id_of,
    show_edited,
    start_minute,
    violations_document,
)
from api.cli.shell import (
    JsonOption,
    actor,
    emit_json,
    opened,
    out,
    parse_day,
    settings,
    show_table,
    watched,
)
from wfm.errors import RequestError

if TYPE_CHECKING:
    from api.planning.drafts import Edited
    from scheduling.editing.openings import Opening
    from scheduling.editing.takers import Taker
    from wfm.store.engine import Store

app = typer.Typer()

ChangePrice = Annotated[
    float | None,
    typer.Option("--change-price", help="What a changed agent-day costs; a missing shift 80."),
]
Force = Annotated[bool, typer.Option("--force", help="Though rules are broken; wants --reason.")]
Replications = Annotated[
    int, typer.Option("--replications", help="Sampled days the certificate simulates.")
]


# -- solving again -------------------------------------------------------------------------------


@app.command()
def resolve(
    draft: Draft,
    change_price: ChangePrice = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Default: the plan's.")] = None,
    reason: Reason = "",
    revision: Revision = None,
    as_json: JsonOption = False,
) -> None:
    """Solve a draft again, with as few changes as pay; what is pinned or past stands."""
    from api.jobs import run_job
    from api.planning.resolving import CHANGE_PRICE, ResolveRequest

    request = ResolveRequest(
        draft_id_of(draft),
        revision=revision,
        seed=seed,
        change_price=CHANGE_PRICE if change_price is None else change_price,
        reason=reason,
    )
    with opened() as store:
        with watched(f"Solving draft {request.draft_id} again") as progress:
            done = run_job(store, settings(), "resolve", request.to_document(), actor(), progress)
        show_edited(store, _edit_of(store, request.draft_id, done["seq"]), as_json=as_json)


def _edit_of(store: Store, draft_id: int, seq: int | None) -> Edited:
    """What the draft's edit, its last that counts, has done; None: nothing was worth an edit."""
    from api.planning import drafts
    from scheduling.editing.changes import undone
    from scheduling.editing.judging import judged

    draft = drafts.load_draft(store, draft_id)
    changes = tuple(
        change for one in draft.edits if one.seq == seq for change in drafts.changes_in(one)
    )
    before = undone(draft.roster, changes)
    judgement = judged(before, changes, draft.ground)
    return drafts.Edited(draft_id, draft.revision, changes, judgement)


@app.command()
def repair(
    draft: Draft,
    absent: Annotated[str, typer.Option("--absent", help="Who is absent.")],
    first: Annotated[str, typer.Option("--from", help="First local day of the absence.")],
    last: Annotated[
        str | None, typer.Option("--to", help="Last local day of it; default: the same.")
    ] = None,
    change_price: ChangePrice = None,
    reason: Reason = "",
    revision: Revision = None,
    as_json: JsonOption = False,
) -> None:
    """Take an absent agent's shifts away and cover them with few changes."""
    from api.planning.resolving import REPAIR_PRICE
    from api.planning.resolving import repair as repaired

    with opened() as store:
        done = repaired(
            store,
            draft_id_of(draft),
            absent,
            parse_day(first),
            parse_day(last or first),
            actor=actor(),
            revision=revision,
            reason=reason,
            change_price=REPAIR_PRICE if change_price is None else change_price,
        )
        show_edited(store, done, as_json=as_json)


# -- putting in force ----------------------------------------------------------------------------


@app.command()
def publish(
    draft: Draft,
    force: Force = False,
    reason: Reason = "",
    replications: Replications = 200,
    revision: Revision = None,
    as_json: JsonOption = False,
) -> None:
    """Check a draft's rules, certify it, and make it the roster in force."""
    from api.planning.publishing import PublishRequest

    draft_id = draft_id_of(draft)
    request = PublishRequest(revision, force, reason, replications)
    document = {"draft_id": draft_id, **request.to_document()}
    _put_in_force("publish_draft", document, f"draft {draft_id}", as_json=as_json)


@app.command()
def republish(
    which: Annotated[str, typer.Argument(metavar="PLAN", help="The id of an earlier version.")],
    force: Force = False,
    reason: Reason = "",
    replications: Replications = 200,
    as_json: JsonOption = False,
) -> None:
    """Put an earlier version's roster in force again, as a new version."""
    from api.planning import records
    from api.planning.publishing import PublishRequest

    with opened() as store:
        plan_id = records.load_plan(store, records.which_plan(which)).plan_id
    request = PublishRequest(None, force, reason, replications)
    document = {"plan_id": plan_id, **request.to_document()}
    _put_in_force("republish", document, f"plan {plan_id}", as_json=as_json)


def _put_in_force(kind: str, document: dict[str, Any], what: str, *, as_json: bool) -> None:
    from api.jobs import run_job

    with opened() as store, watched(f"Publishing {what}") as progress:
        done = run_job(store, settings(), kind, document, actor(), progress)
    if as_json:
        emit_json(done)
        return
    out.print(
        f"What was {what} is in force as plan {done['plan_id']}, version {done['version']}.",
        markup=False,
    )
    for violation in done["violations"]:
        out.print(f"  forced over: {violation}", markup=False)


# -- open shifts ---------------------------------------------------------------------------------


@app.command("open-shifts")
def open_shifts(
    which: Which,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """The shifts that would cure most of a roster's shortfall."""
    from api.planning import drafts
    from scheduling.editing.openings import openings

    with opened() as store:
        found = drafts.rostered(store, which)
        listed = openings(found.roster, found.ground, limit=limit)
        zone = found.ground.brand.tz
    if as_json:
        emit_json({"openings": [_opening_document(one) for one in listed]})
        return
    if not listed:
        out.print("No shift would cure more shortfall than it costs.", markup=False)
        return
    shown = Table(box=None, pad_edge=False)
    for name in ("day", "start", "template", "for", "paid h", "cures h", "worth"):
        shown.add_column(name, no_wrap=True, justify="right" if name[-1] == "h" else "left")
    for one in listed:
        shown.add_row(
            f"{one.day:%a} {one.day}",
            clock_time(one.start, zone),
            one.template,
            ", ".join(one.queues),
            f"{one.paid_hours:g}",
            f"{one.covers_hours:.1f}",
            f"{one.worth:.1f}",
        )
    show_table(shown)


def _opening_document(one: Opening) -> dict[str, Any]:
    return {
        "day": one.day.isoformat(),
        "template": one.template,
        "start": one.start,
        "start_min": one.start_min,
        "queues": list(one.queues),
        "covers_hours": one.covers_hours,
        "worth": one.worth,
        "paid_hours": one.paid_hours,
    }


@app.command()
def takers(
    which: Which,
    day: Day,
    template: Annotated[str | None, typer.Option("--template", help="Of the open shift.")] = None,
    start: Annotated[str | None, typer.Option("--start", help="Its local start.")] = None,
    instead_of: Annotated[
        str | None, typer.Option("--of", metavar="AGENT", help="Or: whose shift it is now.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Who may take an open shift, or somebody's shift, and at what cost."""
    from api.planning import drafts
    from api.planning.openshifts import takers_in

    named = template is not None and start is not None
    if named == (instead_of is not None):
        raise RequestError("name an open shift by --template and --start, or a shift by --of AGENT")
    with opened() as store:
        listed = takers_in(
            drafts.rostered(store, which),
            parse_day(day),
            template=template,
            start_min=None if start is None else start_minute(start),
            agent_id=instead_of,
        )
    if as_json:
        emit_json({"takers": [_taker_document(one) for one in listed]})
        return
    shown = Table(box=None, pad_edge=False)
    for name in ("agent", "may", "cost", "paid h", "overtime h", "gives up", "why"):
        shown.add_column(name, no_wrap=True)
    for one in listed[:limit]:
        shown.add_row(
            one.agent_id,
            "yes" if one.may else "no",
            f"{one.cost:.1f}",
            f"{one.paid_hours:g}",
            f"{one.overtime_hours:g}",
            one.replaces or "-",
            "; ".join(one.reasons if one.may else [v.detail for v in one.broken]),
        )
    show_table(shown)
    may = sum(one.may for one in listed)
    out.print(f"{may} of {len(listed)} agents with the skill may take it.", markup=False)


def _taker_document(one: Taker) -> dict[str, Any]:
    return {
        "agent_id": one.agent_id,
        "may": one.may,
        "cost": one.cost,
        "paid_hours": one.paid_hours,
        "overtime_hours": one.overtime_hours,
        "covers_hours": one.covers_hours,
        "replaces": one.replaces,
        "broken": violations_document(one.broken),
        "reasons": list(one.reasons),
    }
