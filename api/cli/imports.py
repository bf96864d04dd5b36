"""`wfm import`: brand, volumes, contacts, agents, campaigns, and what came of cases."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.shell import JsonOption, SeedOption, actor, emit_json, err, opened, out, watched
from wfm.errors import FileFaults, WfmError

if TYPE_CHECKING:
    from collections.abc import Callable

    from wfm.ingest.report import ImportReport
    from wfm.progress import Progress
    from wfm.store.engine import Store

app = typer.Typer(help="Bring files into the store.", no_args_is_help=True)

FileArgument = Annotated[Path, typer.Argument(help="The file; see docs/formats.md.")]
ReplaceOption = Annotated[
    bool, typer.Option("--replace", help="Overwrite what the store holds with other values.")
]
SkipBadOption = Annotated[
    bool, typer.Option("--skip-bad", help="Write the good rows; list and count the bad ones.")
]
ZoneOption = Annotated[
    str, typer.Option("--zone", help="Zone of stamps without an offset, such as Europe/Berlin.")
]


class Ambiguous(StrEnum):
    """What becomes of a local time that the clock change repeats."""

    ERROR = "error"
    SPLIT = "split"
    FIRST = "first"


class AmbiguousContact(StrEnum):
    """The same for single contacts, which cannot be split."""

    ERROR = "error"
    FIRST = "first"


@app.command()
def brand(file: FileArgument, as_json: JsonOption = False) -> None:
    """Site, markets, queues, goals, contracts and shift templates, from one TOML file."""
    from wfm.ingest.brandfile import import_brand

    _run(
        "brand",
        lambda store, progress: import_brand(store, file, actor=actor(), progress=progress),
        as_json=as_json,
    )


@app.command()
def volumes(
    files: Annotated[list[Path], typer.Argument(help="CSV or Parquet; see docs/formats.md.")],
    queue: Annotated[
        str | None, typer.Option("--queue", help="All rows are of this queue.")
    ] = None,
    time_column: Annotated[str, typer.Option("--time-column")] = "timestamp",
    value_column: Annotated[str, typer.Option("--value-column")] = "value",
    aht_column: Annotated[str, typer.Option("--aht-column")] = "aht_s",
    zone: ZoneOption = "UTC",
    step: Annotated[
        str | None, typer.Option("--step", help="Such as 15min, where the stamps do not tell it.")
    ] = None,
    floor: Annotated[
        str | None, typer.Option("--floor", help="Round stamps down first, such as 5min.")
    ] = None,
    ambiguous: Annotated[
        Ambiguous, typer.Option("--ambiguous", help="A local time that happens twice.")
    ] = Ambiguous.ERROR,
    scale: Annotated[
        float | None, typer.Option("--scale", help="Below 1 thins, above 1 multiplies.")
    ] = None,
    seed: SeedOption = 1,
    replace: ReplaceOption = False,
    skip_bad: SkipBadOption = False,
    as_json: JsonOption = False,
) -> None:
    """Counts of new cases an interval, of any step up to an hour."""
    from wfm.ingest.volumeoptions import VolumeOptions
    from wfm.ingest.volumes import import_volumes

    options = VolumeOptions(
        queue=queue,
        time_column=time_column,
        value_column=value_column,
        aht_column=aht_column,
        zone=zone,
        step=step,
        floor=floor,
        ambiguous=ambiguous.value,
        scale=scale,
        seed=seed,
        replace=replace,
        skip_bad=skip_bad,
    )
    _run(
        "volumes",
        lambda store, progress: import_volumes(
            store, files, options, actor=actor(), progress=progress
        ),
        as_json=as_json,
    )


@app.command()
def contacts(
    file: FileArgument,
    zone: ZoneOption = "UTC",
    ambiguous: Annotated[
        AmbiguousContact, typer.Option("--ambiguous", help="A local time that happens twice.")
    ] = AmbiguousContact.ERROR,
    replace: ReplaceOption = False,
    skip_bad: SkipBadOption = False,
    as_json: JsonOption = False,
) -> None:
    """Contacts of the past, one row each, rolled up to volumes."""
    from wfm.ingest.contacts import import_contacts

    _run(
        "contacts",
        lambda store, progress: import_contacts(
            store,
            file,
            actor=actor(),
            zone=zone,
            ambiguous=ambiguous.value,
            replace=replace,
            skip_bad=skip_bad,
            progress=progress,
        ),
        as_json=as_json,
    )


@app.command()
def agents(
    file: FileArgument,
    replace: ReplaceOption = False,
    skip_bad: SkipBadOption = False,
    as_json: JsonOption = False,
) -> None:
    """Who can be rostered: contracts, skills, availability, time off, preferences."""
    from wfm.ingest.agents import import_agents

    _run(
        "agents",
        lambda store, progress: import_agents(
            store, file, actor=actor(), replace=replace, skip_bad=skip_bad, progress=progress
        ),
        as_json=as_json,
    )


@app.command()
def campaigns(
    file: FileArgument,
    replace: ReplaceOption = False,
    skip_bad: SkipBadOption = False,
    as_json: JsonOption = False,
) -> None:
    """Campaigns, launches, outages and other known events."""
    from wfm.ingest.campaigns import import_campaigns

    _run(
        "campaigns",
        lambda store, progress: import_campaigns(
            store, file, actor=actor(), replace=replace, skip_bad=skip_bad, progress=progress
        ),
        as_json=as_json,
    )


@app.command()
def cases(
    files: Annotated[list[Path], typer.Argument(help="CSV or Parquet; see docs/formats.md.")],
    zone: ZoneOption = "UTC",
    ambiguous: Annotated[
        AmbiguousContact, typer.Option("--ambiguous", help="A local time that happens twice.")
    ] = AmbiguousContact.ERROR,
    replace: ReplaceOption = False,
    skip_bad: SkipBadOption = False,
    as_json: JsonOption = False,
) -> None:
    """What came of cases: arrival, first human reply, resolution; scores certificates."""
    from wfm.ingest.results import import_results

    _run(
        "cases",
        lambda store, progress: import_results(
            store,
            files,
            actor=actor(),
            zone=zone,
            ambiguous=ambiguous.value,
            replace=replace,
            skip_bad=skip_bad,
            progress=progress,
        ),
        as_json=as_json,
    )


# What can be scored on the counts and results that a kind of import brings, and where it is shown.
SCORED = {
    "volumes": ("forecast", "wfm accuracy"),
    "contacts": ("forecast", "wfm accuracy"),
    "cases": ("certificate", "wfm certificates --calibration"),
}


def _score(store: Store, what: str, shown_by: str) -> int:
    """Score the forecasts or certificates that the import brought the truth of; gives how many.

    The import is done and stays, whatever becomes of this.
    """
    if what == "forecast":
        from api.planning.forecasts import score_due
    else:
        from api.planning.certificates import score_due

    try:
        with watched(f"scoring {what}s") as progress:
            return score_due(store, progress)
    except WfmError as error:
        err.print(f"{what}s are not scored yet: {error.message}; `{shown_by}` scores them")
        return 0


def _run(kind: str, take_in: Callable[[Store, Progress], ImportReport], *, as_json: bool) -> None:
    """Run an import with progress and tell what it did; with --json, faults are JSON too."""
    scored = 0
    what, shown_by = SCORED.get(kind, ("", ""))
    try:
        with opened() as store:
            with watched(f"import {kind}") as progress:
                report = take_in(store, progress)
            if what:
                scored = _score(store, what, shown_by)
    except FileFaults as error:
        if as_json:
            emit_json({"code": error.code, **error.details})
        raise
    if as_json:
        emit_json(report.to_document() | {f"scored_{what or 'forecast'}s": scored})
        return
    out.print(report.text(), markup=False)
    if scored:
        told = f"1 {what} is" if scored == 1 else f"{scored} {what}s are"
        out.print(f"{told} scored on what came; see `{shown_by}`.", markup=False)
    if report.faults:
        shown = report.faults[: FileFaults.shown]
        for fault in shown:
            err.print(f"  skipped {fault}", markup=False)
        if len(report.faults) > len(shown):
            err.print(f"  ... and {len(report.faults) - len(shown)} more (--json lists them)")
