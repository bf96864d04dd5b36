"""`wfm reforecast`: the rest of today, updated from what has been counted so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from api.cli.shell import JsonOption, as_rows, emit_json, opened, out, say, show_table, watched
from wfm.timegrid import format_instant

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    import pandas as pd

    from api.planning.intraday import IntradayForecast, QueueToday

app = typer.Typer()

COLUMNS = ("queue", "counted until", "so far", "forecast", "next hour", "rest of day", "spike")


@app.command()
def reforecast(
    queue: Annotated[str | None, typer.Option("--queue", help="Only this queue.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Update the rest of today from what has been counted until now; changes nothing stored."""
    from api.planning.intraday import reforecast_now
    from wfm.store.brands import load_brand

    with opened() as store:
        with watched("Updating today") as progress:
            progress(0.0, "learning from past days")
            found = reforecast_now(store, queue=queue)
        with store.reading() as connection:
            zone = load_brand(connection).tz
    if as_json:
        emit_json(
            {
                "as_of": format_instant(found.as_of),
                "queues": [_queue(one) for one in found.queues],
                "notes": list(found.notes),
                "intervals": _intervals(found.table),
            }
        )
        return
    out.print(f"{found.as_of.astimezone(zone):%a %d %b %Y %H:%M} {zone.key}")
    show_table(_table(found, zone))
    for one in found.queues:
        if one.counted_until is not None:
            say(one.reason, "  ")
    for note in found.notes:
        say(note, "  ")


def _queue(today: QueueToday) -> dict[str, Any]:
    spike = today.spike
    return {
        **as_rows([{k: v for k, v in vars(today).items() if k != "spike"}])[0],
        "spike": None if spike is None else as_rows([vars(spike)])[0],
    }


def _intervals(table: pd.DataFrame) -> list[dict[str, Any]]:
    numbers = table.select_dtypes("number").columns
    rows = table.round(dict.fromkeys(numbers, 4))
    rows["start"] = rows["start"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return as_rows(rows.to_dict("records"))


def _table(found: IntradayForecast, zone: ZoneInfo) -> Table:
    shown = Table(box=None, pad_edge=False)
    for name in COLUMNS:
        shown.add_column(name, justify="left" if name in {"queue", "spike"} else "right")
    for one in found.queues:
        until, spike = one.counted_until, one.spike
        shown.add_row(
            one.queue,
            "nothing yet" if until is None else f"{until.astimezone(zone):%H:%M}",
            f"{one.seen:,.0f}",
            f"{one.expected:,.0f}",
            f"{one.factor - 1:+.0%}",
            f"{one.rest_before:,.0f} -> {one.rest_after:,.0f}",
            "" if spike is None else f"since {spike.onset.astimezone(zone):%H:%M}",
        )
    return shown
