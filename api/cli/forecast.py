"""`wfm forecast` and `wfm backtest`: what is coming, and how good such forecasts have been."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from api.cli.shell import (
    JsonOption,
    SeedOption,
    as_rows,
    emit_json,
    opened,
    out,
    parse_day,
    show_table,
    watched,
)
from wfm.errors import RequestError
from wfm.timegrid import format_instant, local_midnight

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer()

WRITERS = (".csv", ".parquet", ".json")

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
    queue: Annotated[str, typer.Option("--queue", help="The queue to forecast.")],
    weeks: Annotated[int, typer.Option("--weeks", min=1, max=8, help="How far ahead.")] = 2,
    start: Annotated[
        str | None, typer.Option("--from", help="First local day; default: the next midnight.")
    ] = None,
    models: ModelsOption = None,
    file: Annotated[
        Path | None, typer.Option("--out", help="Write every interval: .csv, .parquet or .json.")
    ] = None,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Forecast a queue's contacts by 15 minutes, with calibrated quantiles."""
    from api.planning.records import default_start, load_history
    from forecasting.forecast import make_forecast

    if file is not None:
        check_target(file)
    with opened() as store, watched(f"Forecasting {queue}") as progress:
        first = parse_day(start) if start else default_start(store)
        history = load_history(store, first, queue=queue)
        begin = local_midnight(first, history.brand.tz)
        end = local_midnight(first + timedelta(weeks=weeks), history.brand.tz)
        result = make_forecast(
            history.volumes,
            history.brand,
            history.campaigns,
            start=begin,
            end=end,
            seed=seed,
            models=tuple(models) if models else None,
            progress=progress,
        )
    table = result.table
    if file is not None:
        write_table(table, file)
    scores = as_rows(asdict(line) for line in result.accuracy)
    if as_json:
        emit_json(
            {
                "queue": queue,
                "from": format_instant(begin),
                "to": format_instant(end),
                "seed": seed,
                "model": result.champions[queue],
                "accuracy": scores,
                "notes": list(result.notes),
                "intervals": _intervals(table) if file is None else str(file),
            }
        )
        return
    span = "1 week" if weeks == 1 else f"{weeks} weeks"
    out.print(f"{queue}: {span} from {first}, model {result.champions[queue]}, seed {seed}")
    show_table(_days(table, history.brand.zone))
    for note in result.notes:
        out.print(f"  {note}")
    if file is not None:
        out.print(f"{len(table)} intervals written to {file}")


def _intervals(table: pd.DataFrame) -> list[dict[str, Any]]:
    rows = table.drop(columns=["queue"]).round(4)
    rows["start"] = rows["start"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return [{str(k): v for k, v in row.items()} for row in rows.to_dict("records")]


def _days(table: pd.DataFrame, zone: str) -> Table:
    """Local days: expected contacts, the busiest interval with its 80 % band, handling time."""
    local = table.assign(day=table["start"].dt.tz_convert(zone).dt.date)
    shown = Table(box=None, pad_edge=False)
    for name in ("day", "contacts", "busiest 15 min", "80 % band", "handling time"):
        shown.add_column(name, justify="left" if name == "day" else "right")
    for day, rows in local.groupby("day", sort=True):
        top = rows.iloc[int(rows["mean"].to_numpy().argmax())]
        at = top["start"].tz_convert(zone)
        aht = (rows["aht_s"] * rows["mean"]).sum() / max(rows["mean"].sum(), 1e-9)
        shown.add_row(
            f"{day:%a %d %b}",
            f"{rows['mean'].sum():,.0f}",
            f"{at:%H:%M}  {top['mean']:.1f}",
            f"{top['q10']:.0f} - {top['q90']:.0f}",
            f"{aht:.0f} s",
        )
    return shown


@app.command()
def backtest(
    queue: Annotated[str, typer.Option("--queue", help="The queue to test.")],
    models: ModelsOption = None,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Score the models on the queue's past, each forecast made without seeing what followed."""
    from api.planning.records import default_start, load_history
    from forecasting.backtest import backtest as run

    with opened() as store, watched(f"Back-testing {queue}") as progress:
        history = load_history(store, default_start(store), queue=queue)
        scores = run(
            history.volumes,
            history.brand,
            history.campaigns,
            queue=queue,
            models=tuple(models) if models else None,
            seed=seed,
            progress=progress,
        )
    if as_json:
        emit_json({"queue": queue, "seed": seed, "scores": as_rows(scores.to_dict("records"))})
        return
    out.print(f"{queue}: rolling origins; errors beside those of last week's values")
    show_table(_scores(scores))


def _scores(scores: pd.DataFrame) -> Table:
    shown = Table(box=None, pad_edge=False)
    for name in (
        "model",
        "days ahead",
        "origins",
        "WAPE",
        "last week's",
        "bias",
        "80 % band held",
        "cost",
    ):
        shown.add_column(name, justify="left" if name == "model" else "right", no_wrap=True)
    for row in scores.to_dict("records"):
        shown.add_row(
            f"{row['model']}{' (chosen)' if row['champion'] else ''}",
            str(row["horizon_days"]),
            str(row["origins"]),
            f"{row['wape']:.1%}",
            f"{row['naive_wape']:.1%}",
            f"{row['bias']:+.1%}",
            f"{row['coverage80']:.0%}",
            f"{row['seconds']:.1f} s",
        )
    return shown
