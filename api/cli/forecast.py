"""`wfm forecast`, `forecasts`, `why` and `backtest`: what is coming, and why."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from api.cli.accuracy import Line, overview
from api.cli.shell import (
    JsonOption,
    SeedOption,
    actor,
    as_rows,
    emit_json,
    opened,
    out,
    parse_day,
    parse_moment,
    say,
    show_table,
    watched,
)
from wfm.errors import RequestError
from wfm.store.documents import to_document
from wfm.timegrid import INTERVAL, format_instant

if TYPE_CHECKING:
    import pandas as pd

    from api.planning.forecasts import StoredForecast

app = typer.Typer()

WRITERS = (".csv", ".parquet", ".json")

# Queues that a list names; of more it says how many.
FEW = 4

QueuesOption = Annotated[
    list[str] | None,
    typer.Option("--queue", help="Only these queues; repeat to name several. Default: all."),
]
ModelsOption = Annotated[
    list[str] | None,
    typer.Option("--model", help="Only these models; repeat to name several. Default: all."),
]


def check_target(file: Path) -> None:
    """RequestError when the file cannot be written: told before the work, not after it."""
    if file.suffix not in WRITERS:
        raise RequestError(
            f"{file} does not say which format to write; end its name in {' or '.join(WRITERS)}"
        )
    if file.is_dir() or not file.parent.is_dir():
        fault = "is a folder" if file.is_dir() else f"cannot be made: there is no {file.parent}"
        raise RequestError(f"{file} {fault}; choose a file in a folder that exists")


def write_table(table: pd.DataFrame, file: Path) -> None:
    """Write a table by the ending of the file's name: CSV, Parquet or JSON rows."""
    try:
        if file.suffix == ".parquet":
            table.to_parquet(file, index=False)
            return
        text = table.assign(start=table["start"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
        if file.suffix == ".csv":
            text.to_csv(file, index=False, float_format="%.4f")
        else:
            text.to_json(file, orient="records", double_precision=4)
    except OSError as error:
        raise RequestError(f"{file} cannot be written: {error.strerror or error}") from error


@app.command()
def forecast(
    queues: QueuesOption = None,
    weeks: Annotated[int, typer.Option("--weeks", min=1, max=8, help="How far ahead.")] = 2,
    start: Annotated[
        str | None, typer.Option("--from", help="First local day; default: the next midnight.")
    ] = None,
    models: ModelsOption = None,
    file: Annotated[
        Path | None, typer.Option("--out", help="Write every interval: .csv, .parquet or .json.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep/--no-keep", help="Keep it, to be scored when the truth comes.")
    ] = True,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Forecast contacts by 15 minutes, with calibrated quantiles; kept as a version."""
    from api.planning import forecasts
    from api.planning.parts import adjustment_text
    from api.planning.records import default_start

    if file is not None:
        check_target(file)
    with opened() as store:
        request = forecasts.ForecastRequest(
            start=parse_day(start) if start else default_start(store),
            weeks=weeks,
            queues=tuple(queues) if queues else None,
            seed=seed,
            models=tuple(models) if models else None,
        )
        with watched(f"Forecasting {', '.join(queues or ['all queues'])}") as progress:
            made = forecasts.compute(store, request, progress)
        kept = forecasts.keep(store, made, actor()) if keep else None
    table, result = made.adjusted()[0], made.result
    if file is not None:
        write_table(table, file)
    if as_json:
        emit_json(
            {
                "forecast_id": kept,
                "from": format_instant(made.basis.start),
                "to": format_instant(made.basis.end),
                "seed": seed,
                "models": dict(result.champions),
                "accuracy": as_rows(to_document(result.accuracy)),
                "adjustments": [one.adjustment_id for one in made.adjustments],
                "notes": list(result.notes),
                "intervals": _intervals(table) if file is None else str(file),
            }
        )
        return
    span = "1 week" if weeks == 1 else f"{weeks} weeks"
    zone = made.basis.brand.zone
    if len(result.champions) == 1:
        ((queue, model),) = result.champions.items()
        out.print(f"{queue}: {span} from {request.start}, model {model}, seed {seed}", markup=False)
        show_table(_days(table, zone))
    else:
        told = f"{len(result.champions)} queues: {span} from {request.start}, seed {seed}"
        out.print(told, markup=False)
        show_table(_queues(table, result.champions, zone))
    for note in result.notes:
        say(note, "  ")
    for one in made.adjustments:
        say(f"{one.queue}: adjusted, {adjustment_text(one)}", "  ")
    if file is not None:
        out.print(f"{len(table)} intervals written to {file}", markup=False)
    if kept is not None:
        out.print(f"Kept as forecast {kept}.")


def _queues(table: pd.DataFrame, models: Mapping[str, str], zone: str) -> Table:
    """Queues: expected contacts, the busiest interval with its 80 % band, handling time, model."""
    shown = Table(box=None, pad_edge=False)
    for name in ("queue", "contacts", "busiest 15 min", "80 % band", "handling time", "model"):
        shown.add_column(name, justify="left" if name in ("queue", "model") else "right")
    for queue, rows in table.groupby("queue", sort=False):
        shown.add_row(str(queue), *_busiest(rows, zone, "%a %d %b %H:%M"), models[str(queue)])
    return shown


def _busiest(rows: pd.DataFrame, zone: str, clock: str) -> tuple[str, str, str, str]:
    """Contacts, the busiest interval, its band and the mean handling time, as text."""
    top = rows.iloc[int(rows["mean"].to_numpy().argmax())]
    aht = (rows["aht_s"] * rows["mean"]).sum() / max(rows["mean"].sum(), 1e-9)
    return (
        f"{rows['mean'].sum():,.0f}",
        f"{top['start'].tz_convert(zone):{clock}}  {top['mean']:.1f}",
        f"{top['q10']:.0f} - {top['q90']:.0f}",
        f"{aht:.0f} s",
    )


@app.command()
def forecasts(
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the kept forecasts, newest first."""
    from api.planning.forecasts import listing
    from wfm.store.brands import load_brand

    with opened() as store:
        with store.reading() as connection:
            zone = load_brand(connection).tz
        rows = listing(store, limit=limit)
    if as_json:
        names = (
            "forecast_id", "kind", "start", "end", "seed", "plan_id", "queues", "contacts",
            "made_at", "afterwards", "actor",
        )  # fmt: skip
        emit_json({"forecasts": [{name: getattr(row, name) for name in names} for row in rows]})
        return
    if not rows:
        out.print("There is no forecast yet; run `wfm forecast`.", markup=False)
        return
    shown = Table(box=None, pad_edge=False)
    for name in ("forecast", "kind", "first day", "last day", "queues", "made by", "made at"):
        shown.add_column(name, no_wrap=True)
    for row in rows:
        shown.add_row(
            str(row.forecast_id),
            _kind(row),
            f"{row.start.astimezone(zone):%Y-%m-%d}",
            str((row.end - INTERVAL).astimezone(zone).date()),
            ", ".join(row.queues) if len(row.queues) <= FEW else f"{len(row.queues)} queues",
            row.actor,
            format_instant(row.made_at),
        )
    show_table(shown)


def _kind(version: StoredForecast) -> str:
    if version.plan_id is not None:
        return f"plan {version.plan_id}"
    return f"{version.kind}, afterwards" if version.afterwards else version.kind


@app.command()
def why(
    queue: Annotated[str, typer.Argument(help="The queue.")],
    instant: Annotated[
        str, typer.Argument(help="A local time, such as '2026-03-02 18:00', or RFC 3339.")
    ],
    which: Annotated[
        str | None, typer.Option("--forecast", help="An id or latest; default: the newest fit.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say why a forecast's number is what it is: what it is made of, and how sure it is."""
    from api.planning.forecasts import which_forecast
    from api.planning.reasons import why as take_apart
    from wfm.store.brands import load_brand

    with opened() as store:
        with store.reading() as connection:
            zone = load_brand(connection).tz
        chosen = None if which is None else which_forecast(which)
        found = take_apart(store, queue, parse_moment(instant, zone), chosen)
    if as_json:
        emit_json(to_document(found) | {"start": found.start})
        return
    begins = found.start.astimezone(zone)
    ends = (found.start + INTERVAL).astimezone(zone)
    out.print(
        f"{queue}, {begins:%a %d %b %Y %H:%M} to {ends:%H:%M} {zone.key}: "
        f"{found.mean:.1f} contacts expected (forecast {found.forecast_id}, {found.model})",
        markup=False,
    )
    shown = Table(box=None, pad_edge=False, show_header=False)
    for justify in ("left", "right", "left"):
        shown.add_column(justify=justify)
    for part in found.parts:
        sign = ".1f" if part.name == "baseline" else "+.1f"
        shown.add_row(f"  {part.name}", f"{part.contacts:{sign}}", part.because)
    show_table(shown)
    q = found.quantiles
    out.print(f"  four days of five: {q['q10']:.0f} to {q['q90']:.0f} contacts")
    out.print(f"  19 of 20:          {q['q025']:.0f} to {q['q975']:.0f}")
    if found.last_week is not None:
        out.print(f"  last week's count: {found.last_week:.0f}")
    if found.came is not None:
        out.print(f"  what came:         {found.came:.0f}")
    for note in found.notes:
        say(note, "  ")


def _intervals(table: pd.DataFrame) -> list[dict[str, Any]]:
    rows = table.round(4)
    rows["start"] = rows["start"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return [{str(k): v for k, v in row.items()} for row in rows.to_dict("records")]


def _days(table: pd.DataFrame, zone: str) -> Table:
    """Local days: expected contacts, the busiest interval with its 80 % band, handling time."""
    local = table.assign(day=table["start"].dt.tz_convert(zone).dt.date)
    shown = Table(box=None, pad_edge=False)
    for name in ("day", "contacts", "busiest 15 min", "80 % band", "handling time"):
        shown.add_column(name, justify="left" if name == "day" else "right")
    for day, rows in local.groupby("day", sort=True):
        shown.add_row(f"{day:%a %d %b}", *_busiest(rows, zone, "%H:%M"))
    return shown


@app.command()
def backtest(
    queue: Annotated[str, typer.Option("--queue", help="The queue to test.")],
    models: ModelsOption = None,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Score the models on the queue's past, each forecast made without seeing what followed."""
    from api.planning.forecasts import ForecastRequest, load_basis
    from api.planning.records import default_start
    from forecasting.scoring.backtest import backtest as run

    with opened() as store, watched(f"Back-testing {queue}") as progress:
        basis = load_basis(store, ForecastRequest(default_start(store), queues=(queue,)))
        scores = run(
            basis.volumes,
            basis.brand,
            basis.campaigns,
            queue=queue,
            models=tuple(models) if models else None,
            seed=seed,
            progress=progress,
        )
    if as_json:
        emit_json({"queue": queue, "seed": seed, "scores": as_rows(scores.to_dict("records"))})
        return
    told = f"{queue}: rolling origins; errors beside those of last week's values"
    chosen = ", ".join(dict.fromkeys(scores["model"][scores["champion"]]))
    out.print(f"{told}; chosen: {chosen}" if chosen else told, markup=False)
    show_table(_scores(scores))
    out.print("80 %: share of what came within that band; bias: at 15 minutes; --json tells all")


def _scores(scores: pd.DataFrame) -> Table:
    """A line a model and horizon, the models in the order they were tried in."""
    lines = []
    for (model, ahead), rows in scores.groupby(["model", "horizon_days"], sort=False):
        by_step = {str(row["step"]): row for row in rows.to_dict("records")}
        first = rows.iloc[0]
        lines.append(
            Line(
                (str(model), str(ahead)),
                {step: {str(k): v for k, v in row.items()} for step, row in by_step.items()},
                (str(first["origins"]), f"{first['seconds']:.1f} s"),
            )
        )
    return overview(("model", "days ahead"), lines, ("origins", "cost"))
