"""`wfm staffing now`: what the queue engine reads, for people."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table

from api.cli.shell import JsonOption, emit_json, opened, out, show_table
from wfm.timegrid import INTERVAL, floor_interval, format_instant

app = typer.Typer(help="The staffing levels of the roster in force.", no_args_is_help=True)

AHEAD = 8


@app.command()
def now(
    intervals: Annotated[
        int, typer.Option("--intervals", min=0, max=96, help="How many intervals ahead to show.")
    ] = AHEAD,
    as_json: JsonOption = False,
) -> None:
    """Agents of each queue in this quarter-hour and the next ones."""
    from wfm.store.brands import load_brand
    from wfm.store.plans import PlanRow, find
    from wfm.store.staffing import PlanVersion, staffing_rows, versions_of

    with opened() as store, store.reading() as connection:
        zone = load_brand(connection).tz
        plan: PlanRow | PlanVersion = find(connection, "current")
        at = store.clock.now()
        first = floor_interval(at)
        rows = staffing_rows(connection, first, first + INTERVAL * (intervals + 1))
        if rows:
            # The roster in force now may be an older one than the last that was published.
            plan = versions_of(connection, [rows[0].plan_id])[rows[0].plan_id]
    if as_json:
        emit_json(
            {
                "as_of": at,
                "plan_id": plan.plan_id,
                "version": plan.version,
                "intervals": [
                    {
                        "start": row.start,
                        "queue": row.queue,
                        "scheduled": row.scheduled,
                        "effective": row.effective,
                        "slots": row.slots,
                        "required": row.required,
                        "net": row.effective - row.required,
                    }
                    for row in rows
                ],
            }
        )
        return
    out.print(
        f"{at.astimezone(zone):%a %d %b %Y %H:%M} {zone.key}; plan {plan.plan_id}, "
        f"version {plan.version}, published "
        f"{format_instant(plan.published_at) if plan.published_at else 'never'}"
    )
    if not rows:
        first_day = plan.start.astimezone(zone)
        last_day = (plan.end - timedelta(days=1)).astimezone(zone)
        out.print(
            f"No roster covers this time; the published one runs from {first_day:%d %b %Y} "
            f"to {last_day:%d %b %Y}."
        )
        return
    shown = Table(box=None, pad_edge=False)
    for name in ("from", "queue", "scheduled", "effective", "slots", "required", "net"):
        shown.add_column(name, justify="left" if name in {"from", "queue"} else "right")
    last = None
    for row in rows:
        shown.add_row(
            f"{row.start.astimezone(zone):%H:%M}" if row.start != last else "",
            row.queue,
            f"{row.scheduled:.1f}",
            f"{row.effective:.1f}",
            f"{row.slots:.0f}",
            f"{row.required:.1f}",
            f"{row.effective - row.required:+.1f}",
        )
        last = row.start
    show_table(shown)
