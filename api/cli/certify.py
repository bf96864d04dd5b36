"""`wfm certify` and `certificates`: what plans attain, simulated, and held against what came."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from api.cli.shell import (
    JsonOption,
    actor,
    as_rows,
    emit_json,
    figure,
    opened,
    out,
    say,
    settings,
    show_table,
    watched,
)
from wfm.errors import RequestError
from wfm.timegrid import format_instant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    import pandas as pd

    from api.planning.certificates import StoredCertificate
    from scheduling.calibration import Calibration
    from scheduling.certificate import GoalResult

app = typer.Typer()

# Shares as fine as their error is told: 99.96% is no 100%.
SHARE = ".2%"
# Days that a text shows one by one; --json gives all.
SHOWN_DAYS = 14


@app.command()
def certify(
    which: Annotated[str, typer.Argument(metavar="PLAN", help="An id, latest or current.")],
    replications: Annotated[
        int, typer.Option("--replications", help="Sampled days that are simulated.")
    ] = 200,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Default: one that the plan has never seen.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate a plan's roster again on freshly sampled days, and keep what it attains."""
    from api.jobs import run_job
    from api.planning import certificates, records
    from wfm.store.brands import load_brand

    with opened() as store:
        plan = records.load_plan(store, records.which_plan(which))
        request = certificates.CertifyRequest(plan.plan_id, replications, seed)
        with watched(f"Certifying plan {plan.plan_id}") as progress:
            result = run_job(store, settings(), "certify", request.to_document(), actor(), progress)
        made = certificates.load(store, int(result["certificate_id"]))
        if as_json:
            emit_json(_document(made) | {"certificate": made.document})
            return
        with store.reading() as connection:
            zone = load_brand(connection).tz
        out.print(
            f"Certificate {made.certificate_id} of plan {plan.plan_id} ({plan.state})", markup=False
        )
        for line in made.certificate.describe(zone):
            out.print(line, markup=False)


@app.command("certificates")
def listing(
    which: Annotated[
        str | None, typer.Argument(metavar="[PLAN]", help="An id, latest or current.")
    ] = None,
    calibration: Annotated[
        bool, typer.Option("--calibration", help="Hold published plans against what came.")
    ] = False,
    days: Annotated[
        int | None, typer.Option("--days", help="With --calibration: only the last days.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List certificates; with PLAN every goal of its certificates."""
    if calibration:
        if which is not None:
            raise RequestError("--calibration is of all published plans; leave PLAN out")
        _calibration(days, as_json=as_json)
        return
    if days is not None:
        raise RequestError("--days goes with --calibration")
    from api.planning import certificates, records

    with opened() as store:
        plan = None if which is None else records.which_plan(which)
        found = certificates.listing(store, plan, limit=limit)
    if as_json:
        emit_json({"certificates": [_document(one) for one in found]})
        return
    if not found:
        out.print("There is no certificate yet; run `wfm plan`, which makes the first.")
        return
    if plan is None:
        show_table(_overall(found))
        return
    for one in found:
        own = ", the plan's own" if one.own else ""
        out.print(
            f"Certificate {one.certificate_id}{own}: {one.replications} runs, seed {one.seed}, by "
            f"{one.actor} at {format_instant(one.made_at)}",
            markup=False,
        )
        show_table(_goals(one.goals))


def _document(one: StoredCertificate) -> dict[str, Any]:
    return {
        "certificate_id": one.certificate_id,
        "plan_id": one.plan_id,
        "own": one.own,
        "seed": one.seed,
        "replications": one.replications,
        "made_at": one.made_at,
        "actor": one.actor,
        "kept": one.kept,
        "goals": [asdict(goal) for goal in one.goals],
    }


_FIGURES = ("attained", "error", "P10", "P90")


def _figures(goal: GoalResult | None) -> tuple[str, ...]:
    if goal is None:
        return ("-",) * len(_FIGURES)
    shown = (goal.attainment, goal.p10, goal.p90)
    attained, low, high = (figure(value, SHARE) for value in shown)
    points = None if goal.se is None else 100 * goal.se
    return attained, f"+-{figure(points, '.2f')}", low, high


def _overall(found: Sequence[StoredCertificate]) -> Table:
    """A line a certificate: the first responses of all queues."""
    shown = Table(box=None, pad_edge=False)
    for name in ("id", "plan", "runs", "seed", *_FIGURES, "goals", "made by", "made at"):
        right = name in ("runs", "seed", *_FIGURES)
        shown.add_column(name, justify="right" if right else "left", no_wrap=True)
    for one in found:
        shown.add_row(
            f"{one.certificate_id}{' (own)' if one.own else ''}",
            str(one.plan_id),
            str(one.replications),
            str(one.seed),
            *_figures(one.overall),
            "kept" if one.kept else "not kept",
            one.actor,
            format_instant(one.made_at),
        )
    return shown


def _goals(goals: Sequence[GoalResult]) -> Table:
    """A line a promise."""
    shown = Table(box=None, pad_edge=False)
    for name in ("queue", "goal", *_FIGURES, "missed"):
        left = name in ("queue", "goal")
        shown.add_column(name, justify="left" if left else "right", no_wrap=True)
    for goal in goals:
        missed = "-" if goal.share is None else f"{goal.units_missed} of {goal.units} {goal.scope}s"
        shown.add_row(
            goal.queue or "all queues",
            _goal(goal.metric, goal.goal, goal.threshold_s, goal.share),
            *_figures(goal),
            missed,
        )
    return shown


def _goal(metric: str, goal: str, threshold_s: int | None, share: float | None) -> str:
    """A promise in a few words.

    >>> _goal("first_response", "opening", 3600, 0.9), _goal("first_response", "goal", 0, None)
    ('first response after opening in 1 h for 90%', 'first response')
    """
    words = metric.replace("_", " ") + (" after opening" if goal == "opening" else "")
    if threshold_s:
        hours = threshold_s % 3600 == 0
        words += f" in {threshold_s // 3600} h" if hours else f" in {threshold_s / 60:g} min"
    percent = figure(share, ".0%")
    return words if percent == "-" else f"{words} for {percent}"


def _calibration(days: int | None, *, as_json: bool) -> None:
    from api.planning import certificates
    from wfm.store.brands import load_brand

    with opened() as store:
        with watched("Scoring certificates") as progress:
            certificates.score_due(store, progress)
        found = certificates.calibration(store, days)
        if as_json:
            emit_json(
                {
                    "days": found.days,
                    "stated": found.stated,
                    "coverage": found.coverage,
                    "bias": found.bias,
                    "lines": as_rows(found.lines.to_dict("records")),
                    "table": as_rows(_plain(found.table)),
                }
            )
            return
        if not found.days:
            out.print(
                "No day of a published plan is on record yet; `wfm import cases FILE` brings what "
                "came of its cases.",
                markup=False,
            )
            return
        with store.reading() as connection:
            zone = load_brand(connection).tz
    _tell(found, zone)


def _plain(table: pd.DataFrame) -> list[dict[Any, Any]]:
    at = table["start"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return table.assign(start=at).to_dict("records")


def _tell(found: Calibration, zone: ZoneInfo) -> None:
    """The days one by one, every promise over all days, and what to make of it."""
    overall = found.table[found.table["queue"] == ""]
    if len(overall):
        out.print("First responses of all queues, by day", markup=False)
        shown = Table(box=None, pad_edge=False)
        for name in ("day", "plan", "cases", "promised", "P10", "P90", "attained", "within"):
            left = name in ("day", "plan", "within")
            shown.add_column(name, justify="left" if left else "right", no_wrap=True)
        for row in overall.tail(SHOWN_DAYS).to_dict("records"):
            shown.add_row(
                f"{row['start'].tz_convert(zone):%a %d %b %Y}",
                str(row["plan_id"]),
                str(row["cases"]),
                *(figure(row[name], SHARE) for name in ("promised", "p10", "p90", "attained")),
                "yes" if row["inside"] else "no",
            )
        show_table(shown)
        if len(overall) > SHOWN_DAYS:
            out.print(f"the last {SHOWN_DAYS} of {len(overall)} days; --json gives all")
        out.print("")
    shown = Table(box=None, pad_edge=False)
    for name in ("queue", "goal", "days", "cases", "promised", "attained", "bias", "within"):
        left = name in ("queue", "goal")
        shown.add_column(name, justify="left" if left else "right", no_wrap=True)
    for row in found.lines.to_dict("records"):
        shown.add_row(
            row["queue"] or "all queues",
            _goal(row["metric"], row["goal"], row["threshold_s"], row["share"]),
            str(row["days"]),
            str(row["cases"]),
            figure(row["promised"], SHARE),
            figure(row["attained"], SHARE),
            f"{row['bias']:+.1f}",
            f"{row['inside']:.0%}",
        )
    show_table(shown)
    on_record = "1 day" if found.days == 1 else f"{found.days} days"
    say(
        f"{on_record} on record. Within: share of the days between P10 and P90, {found.stated:.0%} "
        "by the certificates' own word, or more where days of 100% are common. Bias: attained less "
        "promised, in points."
    )
    late = found.table.loc[found.table["afterwards"], "start"].nunique()
    if late:
        say(f"{late} of the days were over when their plan was published: a rehearsal, no promise.")
