"""`wfm accuracy`: how good forecasts should be, by their back-tests, and were, on what came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from api.cli.shell import JsonOption, as_rows, emit_json, figure, opened, out, show_table, watched

if TYPE_CHECKING:
    import pandas as pd

    from forecasting.scoring.accuracy import Accuracy

app = typer.Typer()

# How many versions back it is looked up which were made afterwards.
MOST = 1000

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
        versions = forecasts.listing(store, limit=MOST)
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
        came = pooled(kept)
        if queue:
            show_table(_scores(came))
        else:
            show_table(overview(("queue", "days ahead"), _by_lead(came), ("forecasts",)))
        made = kept["forecast_id"].nunique()
        late = len({v.forecast_id for v in versions if v.afterwards} & set(kept["forecast_id"]))
        if late:
            out.print(
                f"{late} of the {made} forecasts were made afterwards, from the volumes before "
                "their first day only",
                markup=False,
            )
        if not queue:
            out.print("bias: at 15 minutes; all figures of a queue: wfm accuracy --queue NAME")
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


@dataclass(frozen=True)
class Line:
    """A line of an overview: names, its scores by step (keys as in `errors`), what stands last."""

    names: Sequence[str]
    scores: Mapping[str, Mapping[str, Any]]
    last: Sequence[str]


def overview(names: Sequence[str], lines: Iterable[Line], last: Sequence[str]) -> Table:
    """A line each: WAPE, last week's and the 80 % band at every step beside each other."""
    shown = Table(box=None, pad_edge=False)
    for name in names:
        head = name.replace(" ", "\n") if " " in name else f"\n{name}"
        shown.add_column(head, justify="left", no_wrap=True)
    for group in ("WAPE", "last week's", "80 %"):
        for n, step in enumerate(STEP_WORDS.values()):
            head = f"{'' if n else group}\n{step}"
            shown.add_column(head, justify="right", no_wrap=True)
    for name in ("bias", *last):
        shown.add_column(f"\n{name}", justify="right", no_wrap=True)

    def across(line: Line, key: str, form: str) -> list[str]:
        return [figure(line.scores.get(step, {}).get(key), form) for step in STEP_WORDS]

    before: Sequence[str] = ()
    for line in lines:
        told = line.names if not before or line.names[0] != before[0] else ["", *line.names[1:]]
        before = line.names
        shown.add_row(
            *told,
            *across(line, "wape", ".1%"),
            *across(line, "naive_wape", ".1%"),
            *across(line, "coverage80", ".0%"),
            across(line, "bias", "+.1%")[0],
            *line.last,
        )
    return shown


def _by_lead(scores: pd.DataFrame) -> Iterable[Line]:
    for (queue, lead), rows in scores.groupby(["queue", "lead_days"], sort=False):
        by_step = {str(row["step"]): row for row in rows.to_dict("records")}
        yield Line(
            (str(queue), str(lead)),
            {step: {str(k): v for k, v in row.items()} for step, row in by_step.items()},
            (str(rows["versions"].max()),),
        )


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
