"""`wfm roster explain`: why this shift and not that, why too few, what cannot stand together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from api.cli.rosterwords import Agent, Day, Which, counted, start_minute, zone_of
from api.cli.shell import (
    JsonOption,
    as_rows,
    emit_json,
    opened,
    out,
    parse_day,
    parse_moment,
    say,
    show_table,
)
from wfm.store.documents import to_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scheduling.why.gap import Away
    from scheduling.why.trying import Option

app = typer.Typer(
    help="Why a roster is as it is: shifts, shortfalls, conflicts, who carries what.",
    no_args_is_help=True,
)

# Alternatives and people told one by one; --json gives all.
TOLD = 5


@app.command("shift")
def explain_shift(which: Which, agent: Agent, day: Day, as_json: JsonOption = False) -> None:
    """Why an agent has what they have on a day: rules, prices, the next best for both."""
    from api.planning import rosterreasons

    with opened() as store:
        reason = rosterreasons.explain_shift(store, which, agent, parse_day(day))
    if as_json:
        emit_json(to_document(reason))
        return
    say(reason.sentence)
    if reason.lawful:
        out.print("Instead, all rules kept:", markup=False)
        _show_options(reason.lawful[:TOLD])
    for one in reason.forbidden[:TOLD]:
        say(f"{counted(one.shifts, 'shift')} not possible: {one.rule}, {one.detail}", indent="  ")


@app.command("not")
def explain_not(
    which: Which,
    agent: Agent,
    day: Day,
    template: Annotated[str, typer.Argument(metavar="TEMPLATE", help="The shift template.")],
    start: Annotated[str, typer.Argument(metavar="START", help="Its local start.")],
    as_json: JsonOption = False,
) -> None:
    """Why an agent does not have a shift: the rules it would break, or what it would cost."""
    from api.planning import rosterreasons

    with opened() as store:
        reason = rosterreasons.explain_not(
            store, which, agent, parse_day(day), template=template, start_min=start_minute(start)
        )
    if as_json:
        emit_json(to_document(reason))
        return
    say(reason.sentence)
    for broken in reason.broken:
        say(f"{broken.rule}: {broken.detail}; {broken.cure}", indent="  ")


@app.command("shortfall")
def explain_shortfall(
    which: Which,
    queue: Annotated[str, typer.Argument(metavar="QUEUE", help="The queue that is short.")],
    at: Annotated[str, typer.Argument(metavar="TIME", help="'2026-03-02 10:00', local.")],
    as_json: JsonOption = False,
) -> None:
    """Why too few are on a queue: which rule, how many agents would cure it, who could come."""
    from api.planning import rosterreasons

    with opened() as store:
        found = rosterreasons.explain_shortfall(
            store, which, queue, parse_moment(at, zone_of(store))
        )
    if as_json:
        emit_json(to_document(found))
        return
    say(found.sentence)
    if found.people:
        out.print("Who could come, best first:", markup=False)
        _show_people(found.people[:TOLD])


@app.command("more-agents")
def explain_more_agents(
    which: Which,
    queue: Annotated[str, typer.Argument(metavar="QUEUE", help="The queue that is short.")],
    as_json: JsonOption = False,
) -> None:
    """How many more agents, of which skills, would cure a queue's shortfall."""
    from api.planning import rosterreasons

    with opened() as store:
        cure = rosterreasons.explain_cure(store, which, queue)
    if as_json:
        emit_json(to_document(cure))
        return
    say(cure.sentence)


@app.command("minimum")
def explain_minimum(which: Which, agent: Agent, as_json: JsonOption = False) -> None:
    """Why an agent cannot reach the contract's minimum of hours, and what would mend most."""
    from api.planning import rosterreasons

    with opened() as store:
        below = rosterreasons.explain_minimum(store, which, agent)
    if as_json:
        emit_json({"minimum": to_document(below)})
        return
    say(f"{agent} can reach the contract's minimum." if below is None else below.sentence)


@app.command("conflicts")
def explain_conflicts(which: Which, agent: Agent, as_json: JsonOption = False) -> None:
    """Which of an agent's shifts cannot stand together, and the cheapest repair."""
    from api.planning import rosterreasons

    with opened() as store:
        found = rosterreasons.explain_conflicts(store, which, agent)
    if as_json:
        emit_json({"conflicts": to_document(found)})
        return
    if not found:
        out.print(f"The shifts of {agent} keep every rule.", markup=False)
    for one in found:
        say(one.sentence)


@app.command("doubts")
def explain_doubts(which: Which, as_json: JsonOption = False) -> None:
    """What stands in the way of any roster of these days, whoever makes it."""
    from api.planning import rosterreasons

    with opened() as store:
        found = rosterreasons.explain_doubts(store, which)
    if as_json:
        emit_json({"doubts": to_document(found)})
        return
    if not found:
        out.print("Nothing stands in the way of a roster of these days.", markup=False)
    for doubt in found:
        say(str(doubt))


@app.command("fairness")
def explain_fairness(
    which: Which,
    agent: Annotated[str | None, typer.Option("--agent", help="Only this agent.")] = None,
    carried: Annotated[
        bool, typer.Option("--carried", help="What was carried before it, not in it.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Who carries what of nights, weekends, early, late and holidays, against their fair share."""
    from api.planning import rosterreasons

    with opened() as store:
        ledger = (rosterreasons.carried_until if carried else rosterreasons.fairness_of)(
            store, which
        )
    table = ledger.table
    if agent is not None:
        table = table[table["agent_id"] == agent]
    rows = as_rows(table.to_dict("records"))
    if as_json:
        emit_json({"ledger": rows})
        return
    shown = Table(box=None, pad_edge=False)
    for name in ("agent", "kind", "had", "fair share", "balance"):
        shown.add_column(name, justify="left" if name in {"agent", "kind"} else "right")
    for row in rows:
        if row["had"] or row["fair"]:
            shown.add_row(
                row["agent_id"],
                row["kind"],
                f"{row['had']:g}",
                f"{row['fair']:.1f}",
                f"{row['balance']:+.1f}",
            )
    show_table(shown)


def _show_options(options: Sequence[Option]) -> None:
    shown = Table(box=None, pad_edge=False)
    for name in ("  shift", "dearer by", "cures h"):
        shown.add_column(name, no_wrap=True)
    for one in options:
        cost = one.cost
        shown.add_row(
            f"  {_shift(one.template, one.start_min)}",
            f"{cost.total:+.1f}",
            f"{round(cost.covers_h, 1) + 0:.1f}",
        )
    show_table(shown)


def _show_people(people: Sequence[Away]) -> None:
    shown = Table(box=None, pad_edge=False)
    for name in ("  agent", "shift", "day", "dearer by", "what stands against it"):
        shown.add_column(name, no_wrap=True)
    for one in people:
        shown.add_row(
            f"  {one.agent_id}",
            _shift(one.template, one.start_min),
            str(one.day),
            f"{one.cost.total:+.1f}",
            "; ".join(f"{b.rule}: {b.detail}" for b in one.broken) or "nothing",
        )
    show_table(shown)


def _shift(template: str, start_min: int | None) -> str:
    if start_min is None:
        return "day off"
    return f"{template} {start_min // 60:02d}:{start_min % 60:02d}"
