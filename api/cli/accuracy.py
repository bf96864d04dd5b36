"""`wfm accuracy`: how good forecasts should be, by their back-tests, and were, on what came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from api.cli.shell import JsonOption, as_rows, emit_json, figure, opened, out, show_table, watched

if TYPE_CHECKING:
    import pandas as pd

    from forecasting.accuracy import Accuracy

app = typer.Typer()

STEP_WORDS = {"15min": "15 min", "hour": "hour", "day": "day"}
ERRORS = ("WAPE", "last week's", "bias", "MASE", "pinball", "80 %", "95 %")
LEGEND = "80 %, 95 %: share of what came that lay within the band of that name"


def errors(line: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns of ERRORS as text; the naive's WAPE is `naive_wape`."""
    return (
        figure(line["wape"], ".1%"),
        figure(line["naive_wape"], ".1%"),
        figure(line["bias"], "+.1%"),
        figure(line["mase"], ".2f"),
        figure(line["pinball"], ".3f"),
        figure(line["coverage80"], ".0%"),
        figure(line["coverage95"], ".0%"),
    )


@app.command()
def accuracy(
    queue: Annotated[str | None, typer.Option("--queue", help="Only this queue.")] = None,
    days: Annotated[
        int, typer.Option("--days", min=1, max=3660, help="Forecasts made in the last days.")
    ] = 28,
    as_json: JsonOption = False,
) -> None:
    """Show how good forecasts are: in their back-test, and on what came, beside last week's."""
    from api.planning import forecasts
    from api.planning.scoring import pooled

    with opened() as store:
        with watched("Scoring forecasts") as progress:
            forecasts.score_due(store, progress)
        lines = forecasts.newest_accuracy(store, queue)
        kept = forecasts.scores(store, queue=queue, days=days)
    kept = kept[kept["kind"] != "intraday"]
    if as_json:
        emit_json(
            {
                "backtest": as_rows(_flat(line) for line in lines),
                "days": days,
                "scores": as_rows(pooled(kept).to_dict("records")),
            }
        )
        return
    if lines:
        out.print("Back-test of the newest forecasts", markup=False)
        show_table(_backtest([line for line in lines if line.champion]))
    else:
        out.print("There is no forecast yet; run `wfm forecast`.", markup=False)
    if len(kept):
        out.print(f"\nOn what came: forecasts made in the last {days} days", markup=False)
        show_table(_scores(pooled(kept)))
    elif lines:
        out.print(
            f"\nNothing came yet of what was forecast in the last {days} days; "
            "`wfm import volumes FILE` brings it.",
            markup=False,
        )
    if lines:
        out.print(f"\n{LEGEND}", markup=False)


def _flat(line: Accuracy) -> dict[str, Any]:
    """A back-test line as one flat row, the naive's figures with `naive_` before their names."""
    naive = {f"naive_{name}": value for name, value in asdict(line.naive).items()}
    return {**{k: v for k, v in asdict(line).items() if k != "naive"}, **naive}


def _table(names: Sequence[str]) -> Table:
    shown = Table(box=None, pad_edge=False)
    for name in names:
        left = name in ("queue", "model", "step")
        shown.add_column(name, justify="left" if left else "right", no_wrap=True)
    return shown


def _fill(shown: Table, rows: Iterable[Sequence[str]], named: int) -> Table:
    """The rows; of the first `named` columns only what differs from the row above is written."""
    before: Sequence[str] = ()
    for row in rows:
        same = 0
        while same < named and before and row[same] == before[same]:
            same += 1
        shown.add_row(*[""] * same, *row[same:])
        before = row
    return shown


def _backtest(lines: Sequence[Accuracy]) -> Table:
    rows = (
        (line.queue, line.model, STEP_WORDS[line.step], *errors(_flat(line)), str(line.origins))
        for line in lines
    )
    return _fill(_table(("queue", "model", "step", *ERRORS, "origins")), rows, 2)


def _scores(scores: pd.DataFrame) -> Table:
    rows = (
        (
            row["queue"],
            row["lead_days"],
            STEP_WORDS[row["step"]],
            *errors({str(name): value for name, value in row.items()}),
            str(row["versions"]),
        )
        for row in scores.to_dict("records")
    )
    return _fill(_table(("queue", "days ahead", "step", *ERRORS, "forecasts")), rows, 2)
