"""`wfm requirement why`, `wfm requirement cost`: the agents a plan needs, and what they are for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from api.cli.shell import (
    JsonOption,
    emit_json,
    figure,
    opened,
    out,
    parse_moment,
    say,
    show_table,
    watched,
)
from wfm.errors import RequestError
from wfm.store.documents import to_document

if TYPE_CHECKING:
    from api.planning.requirements import RequirementBase
    from scheduling.explain import Explanation
    from scheduling.promise import PromiseCost

app = typer.Typer(
    help="Why a plan needs its agents, and what a promise costs.", no_args_is_help=True
)

PlanOption = Annotated[
    str, typer.Option("--plan", metavar="PLAN", help="An id, latest or current.")
]
# Hours below which rehearsals have raised nothing.
TELLING_H = 0.05
# Shares to compare where nobody says which.
USUAL_SHARES = (0.80, 0.85, 0.90, 0.95)


@app.command()
def why(
    queue: Annotated[str, typer.Argument(help="The queue.")],
    instant: Annotated[
        str, typer.Argument(help="A local time, such as '2026-03-02 18:00', or RFC 3339.")
    ],
    plan: PlanOption = "current",
    as_json: JsonOption = False,
) -> None:
    """Say why an interval needs its agents: the work, what decides, what looser rules spare."""
    from api.planning import records, requirements
    from wfm.store.brands import load_brand

    with opened() as store:
        with store.reading() as connection:
            zone = load_brand(connection).tz
        at = parse_moment(instant, zone)
        with watched("Making the requirement with looser rules") as progress:
            which = records.which_plan(plan)
            found = requirements.explain_interval(store, which, queue, at, progress)
    if as_json:
        emit_json(to_document(found) | {"start": found.start})
        return
    say(found.sentence)
    if found.agents:
        out.print()
        show_table(_needs(found))
    if found.agents and found.relaxations:
        out.print()
        show_table(_relaxations(found))
    for note in found.notes:
        say(note, "  ")


def _needs(found: Explanation) -> Table:
    from scheduling.explain import NAMES

    shown = _table(("what asks for agents", "agents", ""), left=(0, 2))
    for name, agents in found.needs.items():
        decides = "decides" if name == found.binding else ""
        shown.add_row(NAMES[name], f"{agents:.2f}", decides)
    if found.binding == "rehearsal":
        shown.add_row("after rehearsals", f"{found.agents_exact:.2f}", "decides")
    return shown


def _relaxations(found: Explanation) -> Table:
    shown = _table(("one step looser", "agents fewer here", "hours less over the plan"), left=(0,))
    for one in found.relaxations:
        saved = f"{tenths(one.agents_saved):.1f}", f"{tenths(one.hours_saved):,.1f}"
        shown.add_row(one.change, *saved)
    return shown


def tenths(value: float) -> float:
    """Rounded to one digit, and never a minus nought.

    >>> tenths(-0.04), tenths(1.26)
    (0.0, 1.3)
    """
    return round(value, 1) + 0.0


def _table(names: Sequence[str], left: Sequence[int]) -> Table:
    shown = Table(box=None, pad_edge=False)
    for n, name in enumerate(names):
        shown.add_column(name, justify="left" if n in left else "right", no_wrap=True)
    return shown


@app.command()
def cost(
    queue: Annotated[
        str | None, typer.Option("--queue", help="Only this queue. Default: all of them.")
    ] = None,
    shares: Annotated[
        str, typer.Option("--share", help="Shares of first replies in time, such as .85,.9,.95.")
    ] = "",
    minutes: Annotated[
        str, typer.Option("--minutes", help="Minutes they are sent within, such as 10,15,30.")
    ] = "",
    risks: Annotated[
        str,
        typer.Option("--risk", help="Quantiles of days to staff for, such as .5,.8,.9; expected."),
    ] = "",
    plan: PlanOption = "current",
    as_json: JsonOption = False,
) -> None:
    """Show what other promises of first replies would cost over the plan, all combinations."""
    from api.planning import records, requirements

    asked_shares, asked_minutes = shares_of(shares), minutes_of(minutes)
    asked_risks = [requirements.risk_named(word) for word in words(risks)]
    if not (asked_shares or asked_minutes or asked_risks):
        asked_shares = list(USUAL_SHARES)
    with opened() as store, watched("Making the requirement") as progress:
        base = requirements.load_base(store, records.which_plan(plan))
        (own,) = requirements.promise_costs_of(base, queue=queue)
        costs = requirements.promise_costs_of(
            base,
            queue=queue,
            shares=asked_shares,
            thresholds_s=[round(60 * one) for one in asked_minutes],
            risks=asked_risks,
            progress=progress,
        )
    if as_json:
        emit_json(
            {
                "plan_id": base.plan_id,
                "queue": queue,
                "plan_hours": base.hours(queue),
                "own": to_document(own),
                "costs": to_document(costs),
            }
        )
        return
    _show_costs(base, queue, own, costs)


def words(text: str) -> list[str]:
    """What stands between commas.

    >>> words("a, b"), words("")
    (['a', 'b'], [])
    """
    return [word.strip() for word in text.split(",")] if text.strip() else []


def numbers(text: str, option: str) -> list[float]:
    """Numbers between commas; RequestError naming the option for anything else."""
    try:
        found = [float(word) for word in words(text)]
    except ValueError:
        found = [math.nan]
    if not all(math.isfinite(one) for one in found):
        raise RequestError(f"{option} is {text[:40]!r}; write numbers with commas between them")
    return found


def shares_of(text: str) -> list[float]:
    """Shares of --share; RequestError for one that nobody can promise."""
    found = numbers(text, "--share")
    for share in found:
        if not 0 < share < 1:
            raise RequestError(
                f"--share names {share:g}; it must lie between 0 and 1, without them: 90 % is .9, "
                "and no number of agents keeps a promise to everybody"
            )
    return found


def minutes_of(text: str) -> list[float]:
    """Times of --minutes; RequestError for less than a second."""
    found = numbers(text, "--minutes")
    for minutes in found:
        if round(60 * minutes) < 1:
            raise RequestError(
                f"--minutes names {minutes:g}; a promise is of a second or more, such as 15"
            )
    return found


def _show_costs(
    base: RequirementBase, queue: str | None, own: PromiseCost, costs: Sequence[PromiseCost]
) -> None:
    """A line each, the plan's own promise first; then what cannot be kept, and why."""
    whose = queue or "all queues"
    out.print(f"{whose}, plan {base.plan_id}: agent-hours before shrinkage", markup=False)
    names = ("first replies", "within", "staffed for", "hours", "more", "peak agents")
    shown = _table(names, left=(0, 1, 2))
    shown.add_row(*_promise(own), figure(own.hours, ",.1f"), "now", figure(own.peak, ",.1f"))
    for one in costs:
        extra = None if one.extra_hours is None else tenths(one.extra_hours)
        more = figure(extra, "+,.1f") if one.reachable else "cannot be kept"
        shown.add_row(*_promise(one), figure(one.hours, ",.1f"), more, figure(one.peak, ",.1f"))
    show_table(shown)
    for reason in dict.fromkeys(one.reason for one in costs if one.reason):
        say(reason, "  ")
    raised = base.hours(queue) - (own.hours or 0.0)
    if own.reachable and raised >= TELLING_H:
        say(f"rehearsals have raised the plan's own by {raised:,.1f} hours", "  ")


def _promise(one: PromiseCost) -> tuple[str, str, str]:
    """Share, time and days in words; what differs between queues is each queue's own."""
    return (
        "as each has it" if one.share is None else f"{one.share * 100:g}%",
        "as each has it" if one.threshold_s is None else f"{one.threshold_s / 60:g} min",
        "all days' average" if one.risk_quantile is None else f"q{one.risk_quantile * 100:g} day",
    )
