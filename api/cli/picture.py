"""A plan as text: one screen that says what it promises, and a week drawn in characters."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from api.cli.curves import bar
from api.cli.shell import screen_width
from api.planning.records import StoredPlan
from wfm.store.brands import load_brand
from wfm.store.engine import Store
from wfm.timegrid import format_instant, parse_instant


def week_picture(
    staffing: pd.DataFrame,
    zone: ZoneInfo,
    first: datetime,
    *,
    attainment: Sequence[float | None] = (),
) -> list[str]:
    """Seven local days from `first`: heads scheduled over the day, half an hour a character.

    staffing    STAFFING; summed over queues
    attainment  expected first-response share of each day, in order

    Under a day stands a line of marks where fewer are effective than required.
    """
    table = staffing[["start", "scheduled", "effective", "required"]].groupby("start").sum()
    local = pd.DatetimeIndex(table.index).tz_convert(zone)
    days = [(first.astimezone(zone) + timedelta(days=i)).date() for i in range(7)]
    half = local.hour * 2 + local.minute // 30
    top = float(table["scheduled"].max()) if len(table) else 0.0
    ruler = "".join(f"{hour:02d}".ljust(8) for hour in range(0, 24, 4))
    lines = [" " * 11 + ruler + "  heads  need    kept"]
    for number, day in enumerate(days):
        on_day = local.date == day
        if not on_day.any():
            continue
        rows = table[on_day].groupby(half[on_day]).mean()
        scheduled = rows["scheduled"].reindex(range(48), fill_value=0.0)
        short = (rows["required"] - rows["effective"]).reindex(range(48), fill_value=0.0)
        kept = attainment[number] if number < len(attainment) else None
        lines.append(
            f"{day:%a %d %b} "
            + "".join(bar(v, top) for v in scheduled)
            + f"  {scheduled.max():5.0f}  {rows['required'].max():4.0f}"
            + (f"  {kept:6.1%}" if kept is not None else "")
        )
        if (short > 0.5).any():
            marks = "".join("!" if v > 0.5 else " " for v in short)
            lines.append(" " * 11 + marks.rstrip() + "  short")
    return lines


def plan_document(plan: StoredPlan) -> dict[str, Any]:
    """A plan's figures as JSON, without its tables."""
    return {
        "plan_id": plan.plan_id,
        "state": plan.state,
        "version": plan.version,
        "from": format_instant(plan.start),
        "to": format_instant(plan.end),
        "seed": plan.seed,
        "lineage": plan.lineage,
        "summary": plan.summary,
        "certificate": plan.certificate_document["goals"],
    }


def plan_screen(store: Store, plan: StoredPlan) -> list[str]:
    """One screen: what was planned, how good it is, and its first week as a picture."""
    width = screen_width()
    with store.reading() as connection:
        brand = load_brand(connection)
    zone, summary = brand.tz, plan.summary
    first, last = plan.start.astimezone(zone), plan.end.astimezone(zone) - timedelta(days=1)
    state = plan.state if plan.version is None else f"{plan.state}, version {plan.version}"
    lines = [
        f"{brand.name}: plan {plan.plan_id} ({state}), {first:%d %b} to {last:%d %b %Y}, "
        f"{zone.key}, seed {plan.seed}",
        "",
        *_forecast_lines(summary, width),
        *_roster_lines(summary, width),
        *_certificate_lines(plan, zone, width),
        "",
        f"The first week, half an hour a character, all queues ({zone.key}):",
    ]
    staffing = plan.staffing(plan.start, plan.start + timedelta(days=8))
    days = plan.certificate.series[-1]["day"].attainment
    lines += week_picture(staffing, zone, plan.start, attainment=days)
    told = [m for m in summary["messages"] if "short of" in m or "rule broken" in m]
    if told:
        lines.append("")
    for message in told:
        lines += textwrap.wrap(message, width, subsequent_indent="    ")
    return lines


def _labelled(width: int, label: str, *sentences: str) -> list[str]:
    """Sentences behind a label in the first column, wrapped to the screen."""
    indent = " " * 13
    return textwrap.wrap(
        "; ".join(sentences), width, initial_indent=label.ljust(13), subsequent_indent=indent
    )


def _forecast_lines(summary: dict[str, Any], width: int) -> list[str]:
    champions = [a for a in summary["accuracy"] if a["champion"]]
    errors = ", ".join(
        f"{a['queue']} {a['wape']:.0%} ({a['naive_wape']:.0%})"
        for a in champions
        if a["wape"] is not None and a["naive_wape"] is not None
    )
    models = ", ".join(sorted({a["model"] for a in champions}))
    return _labelled(
        width,
        "Forecast",
        f"{summary['contacts']:,.0f} contacts, by {models}",
        f"error at 15 minutes, in brackets that of last week's values: {errors}",
    )


def _roster_lines(summary: dict[str, Any], width: int) -> list[str]:
    bound = ", ".join(f"{name} {count:,}" for name, count in summary["binding"].items())
    return [
        *_labelled(
            width,
            "Requirement",
            f"{summary['required_hours']:,.0f} agent-hours for {summary['workload_hours']:,.0f} "
            f"of work, {summary['required_peak']:.0f} at the same time at most",
            f"what binds, by intervals: {bound}",
        ),
        *_labelled(
            width,
            "Roster",
            f"{summary['agents_rostered']} of {summary['agents']} agents, "
            f"{summary['paid_hours']:,.0f} paid hours",
            f"{summary['shortfall_hours']:,.1f} agent-hours short",
            f"{summary['violations']} rules broken",
            f"cost {summary['gap']:.1%} above the proven bound",
        ),
    ]


def _certificate_lines(plan: StoredPlan, zone: ZoneInfo, width: int) -> list[str]:
    certificate, worst = plan.certificate, plan.summary["worst_hour"]
    overall = certificate.overall
    if overall.attainment is None or worst is None:
        return _labelled(width, "Certificate", "no cases are expected")
    at = parse_instant(worst["start"]).astimezone(zone)
    return _labelled(
        width,
        "Certificate",
        f"first response in time {overall.attainment:.2%} (P10-P90 of "
        f"{certificate.replications} sampled futures {overall.p10:.2%}-{overall.p90:.2%})",
        f"worst hour {worst['attainment']:.1%} ({worst['queue']}, {at:%a %d %b %H:%M})",
        f"every goal of every queue is {'kept' if certificate.kept else 'NOT kept'} in each of its "
        "hours or days",
    )
