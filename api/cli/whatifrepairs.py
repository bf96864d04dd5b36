"""Repairs as the `wfm whatif` commands tell them, and how people name them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rich.table import Table

from api.cli.rosterwords import counted
from api.cli.shell import as_rows, out, say, show_table
from api.cli.whatifwords import back_at
from wfm.errors import NotFound, RequestError
from wfm.store.documents import to_document

if TYPE_CHECKING:
    from scheduling.whatif.results import Ranked, Repair, Repairs, Together

# More than these are only counted; --json tells all.
SHOWN_REASONS = 5
SHOWN_REFUSED = 5

# What people call the small set by.
SET = "set"

COLUMNS = (
    "", "repair", "avoided", "hours", "to tell", "per hour", "fewer late", "on time again", "days",
    "what",
)  # fmt: skip


def chosen(repairs: Repairs, names: Sequence[str]) -> tuple[Repair, ...]:
    """The repairs that people name: by the repair's own name, its place in the ranking, or `set`.

    NotFound for a name that none has, RequestError where `set` names nothing.
    """
    found: dict[str, Repair] = {}
    places = {str(place): one.repair for place, one in enumerate(repairs.ranked, 1)}
    known = places | {one.repair.repair_id: one.repair for one in repairs.ranked}
    for name in names:
        if name == SET:
            if repairs.together is None:
                raise RequestError("no repair is needed, or none helps: there is no set to apply")
            found |= {repair.repair_id: repair for repair in repairs.together.repairs}
        elif name in known:
            found[known[name].repair_id] = known[name]
        else:
            best = ", ".join(one.repair.repair_id for one in repairs.ranked[:SHOWN_REASONS])
            raise NotFound(
                f"there is no repair {name[:40]!r}; `wfm whatif repairs` lists them"
                + (f", the best of them {best}" if best else ""),
                repair=name,
            )
    return tuple(found.values())


def say_repairs(repairs: Repairs, zone: ZoneInfo) -> None:
    """The repairs ranked, why the best of them, the set that restores it, and what cannot be."""
    lost = repairs.breach_min - repairs.breach_min_before
    if not repairs.ranked:
        if lost < 1:
            say("No promise is broken more than without the scenario: there is nothing to repair.")
        else:
            say(f"{minutes(lost)} min of promise are broken more, and no repair was found.")
        _say_refused(repairs)
        return
    helps = [one for one in repairs.ranked if one.avoided_min > 0]
    say(
        f"{counted(len(repairs.ranked), 'repair')}, simulated on "
        f"{counted(repairs.replications, 'sampled day')} in {repairs.seconds:.1f} s; the best "
        "first, by minutes of broken promise avoided per hour of effort. With the scenario "
        f"{minutes(repairs.breach_min)} min are broken, without it "
        f"{minutes(repairs.breach_min_before)} min."
    )
    since = repairs.scenario.begins
    if helps:
        show_table(_ranking(helps, since, zone))
    idle = len(repairs.ranked) - len(helps)
    if idle:
        avoid = "avoids" if idle == 1 else "avoid"
        out.print(f"{counted(idle, 'more repair')} {avoid} nothing (--json tells)", markup=False)
    for reason, places in _reasons(helps):
        say(f"{', '.join(map(str, places))}. {reason}", "  ")
    if repairs.together is not None:
        say(_together(repairs.together, since, zone))
    _say_refused(repairs)


def _reasons(helps: Sequence[Ranked]) -> list[tuple[str, list[int]]]:
    """Why the best of them, and the places of those that share a reason."""
    places: dict[str, list[int]] = {}
    for place, one in enumerate(helps, 1):
        if one.repair.reason:
            places.setdefault(one.repair.reason, []).append(place)
    return list(places.items())[:SHOWN_REASONS]


def minutes(value: float) -> str:
    """Minutes of broken promise; the few with a decimal.

    >>> minutes(1234.5), minutes(3.21), minutes(-0.01)
    ('1,234', '3.2', '0.0')
    """
    return f"{value:,.0f}" if abs(value) >= 10 else f"{round(value, 1) + 0.0:.1f}"


def _ranking(ranked: Sequence[Ranked], since: datetime | None, zone: ZoneInfo) -> Table:
    shown = Table(box=None, pad_edge=False)
    for name in COLUMNS:
        left = name in {"repair", "what"}
        shown.add_column(name, justify="left" if left else "right", no_wrap=True)
    for place, one in enumerate(ranked, 1):
        shown.add_row(
            f"{place}.",
            one.repair.repair_id,
            f"{minutes(one.avoided_min)} +-{minutes(one.avoided_se)} min",
            f"{one.repair.staff_hours:+,.1f}",
            f"{one.repair.people:,}",
            minutes(one.per_hour),
            f"{one.late_avoided:,.0f}",
            back_at(one.recovered_at, since, zone),
            f"{one.days:,}",
            one.repair.title + (" (restores it)" if one.restores else ""),
        )
    return shown


def _together(together: Together, since: datetime | None, zone: ZoneInfo) -> str:
    """The small set in a sentence."""
    names = "; ".join(f"{one.title} ({one.repair_id})" for one in together.repairs)
    does = "This restores the promise" if together.restores else "What comes nearest to the promise"
    alone = f" (one by one {minutes(together.summed_min)})" if len(together.repairs) > 1 else ""
    back = back_at(together.recovered_at, since, zone)
    again = {
        "no": "not on time again within the hours simulated",
        "-": "at no time less on time than without the scenario",
    }.get(back, f"on time again from {back} on")
    avoided = f"{minutes(together.avoided_min)} +-{minutes(together.avoided_se)} min avoided"
    return f"{does}: {names}. {avoided}{alone} for {together.effort_h:,.1f} h of effort; {again}."


def _say_refused(repairs: Repairs) -> None:
    for one in repairs.refused[:SHOWN_REFUSED]:
        say(f"cannot be: {one.title}: {one.reason}", "  ")
    if len(repairs.refused) > SHOWN_REFUSED:
        more = counted(len(repairs.refused) - SHOWN_REFUSED, "more repair")
        out.print(f"  ... and {more} that cannot be (--json tells them)", markup=False)


# -- as JSON -------------------------------------------------------------------------------------


def repairs_document(repairs: Repairs) -> dict[str, Any]:
    """Everything, ranked as it is."""
    together = repairs.together
    return {
        "scenario": to_document(repairs.scenario),
        "breach_min": repairs.breach_min,
        "breach_min_before": repairs.breach_min_before,
        "ranked": [_ranked_document(one) for one in repairs.ranked],
        "together": None if together is None else _together_document(together),
        "refused": as_rows([vars(one) for one in repairs.refused]),
        "replications": repairs.replications,
        "seconds": repairs.seconds,
    }


def _ranked_document(one: Ranked) -> dict[str, Any]:
    (figures,) = as_rows([{k: v for k, v in vars(one).items() if k != "repair"}])
    return {**_repair_document(one.repair), **figures}


def _together_document(one: Together) -> dict[str, Any]:
    (figures,) = as_rows([{k: v for k, v in vars(one).items() if k != "repairs"}])
    return {"repairs": [_repair_document(repair) for repair in one.repairs], **figures}


def _repair_document(repair: Repair) -> dict[str, Any]:
    document: dict[str, Any] = to_document(repair)
    return {**document, "effort_h": repair.effort_h}
