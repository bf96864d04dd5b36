"""`wfm plan`, `plans`, `publish`, `certificate`: make a roster, look at it, put it in force."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table

from api.cli.shell import (
    JsonOption,
    SeedOption,
    actor,
    emit_json,
    opened,
    out,
    parse_day,
    settings,
    show_table,
    watched,
)
from wfm.timegrid import format_instant

app = typer.Typer()

DAY = timedelta(days=1)

PlanArgument = Annotated[str, typer.Argument(metavar="PLAN", help="An id, latest or current.")]


@app.command()
def plan(
    start: Annotated[
        str | None, typer.Option("--from", help="First local day; default: the next midnight.")
    ] = None,
    weeks: Annotated[int, typer.Option("--weeks", help="How many weeks, 1 to 8.")] = 4,
    replications: Annotated[
        int, typer.Option("--replications", help="Sampled paths the certificate simulates.")
    ] = 200,
    models: Annotated[
        list[str] | None, typer.Option("--model", help="Only these forecasting models.")
    ] = None,
    publish: Annotated[bool, typer.Option("--publish", help="Publish the plan at once.")] = False,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Forecast, require, roster and certify; the outcome is a draft."""
    from api.cli.picture import plan_document, plan_screen
    from api.jobs import run_job
    from api.planning import records

    with opened() as store:
        first = parse_day(start) if start else records.default_start(store)
        request = records.PlanRequest(
            start=first,
            weeks=weeks,
            seed=seed,
            replications=replications,
            models=tuple(models) if models else None,
            publish=publish,
        )
        with watched(f"Planning {weeks} weeks from {first}") as progress:
            result = run_job(store, settings(), "plan", request.to_document(), actor(), progress)
        made = records.load_plan(store, int(result["plan_id"]))
        if as_json:
            emit_json(plan_document(made))
            return
        for line in plan_screen(store, made):
            out.print(line, markup=False)
        if made.state == "draft":
            out.print(f"\nThis is a draft. Put it in force with: wfm publish {made.plan_id}")


@app.command()
def publish(which: PlanArgument, as_json: JsonOption = False) -> None:
    """Make a draft the roster in force; the one before is kept as superseded."""
    from api.planning import records

    with opened() as store:
        found = records.load_plan(store, records.which_plan(which))
        version = records.publish(store, found.plan_id, actor())
        if as_json:
            emit_json({"plan_id": found.plan_id, "version": version})
            return
        out.print(f"Plan {found.plan_id} is published as version {version}.")


@app.command()
def plans(as_json: JsonOption = False) -> None:
    """List the plans, newest first."""
    from wfm.store.brands import load_brand
    from wfm.store.plans import listing

    with opened() as store, store.reading() as connection:
        zone = load_brand(connection).tz
        rows = listing(connection)
    if as_json:
        emit_json({"plans": [dict(row._mapping) for row in rows]})
        return
    if not rows:
        out.print("There is no plan yet; run `wfm plan --from DATE --weeks 4`.", markup=False)
        return
    shown = Table(box=None, pad_edge=False)
    for name in ("plan", "state", "version", "first day", "last day", "seed", "made by", "made at"):
        shown.add_column(name, no_wrap=True)
    for row in rows:
        shown.add_row(
            str(row.plan_id),
            row.state,
            str(row.version or "-"),
            f"{row.starts_at.astimezone(zone):%Y-%m-%d}",
            str(row.ends_at.astimezone(zone).date() - DAY),
            str(row.seed),
            row.actor,
            format_instant(row.written_at),
        )
    show_table(shown)


@app.command()
def certificate(which: PlanArgument = "current", as_json: JsonOption = False) -> None:
    """What a plan was sold with: attainment of every goal, simulated."""
    from api.planning import records
    from wfm.store.brands import load_brand

    with opened() as store:
        found = records.load_plan(store, records.which_plan(which))
        if as_json:
            emit_json({"plan_id": found.plan_id, "certificate": found.certificate_document})
            return
        with store.reading() as connection:
            zone = load_brand(connection).tz
        out.print(f"Certificate of plan {found.plan_id} ({found.state})")
        for line in found.certificate.describe(zone):
            out.print(line, markup=False)
