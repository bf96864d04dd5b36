"""`wfm roster time-off` and `wfm roster trade`: what agents ask for, weighed and decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from api.cli.rosterwords import (
    Agent,
    Reason,
    Revision,
    draft_id_of,
    edited_document,
    judgement_document,
    say_changes,
    say_edited,
    say_judgement,
    zone_of,
)
from api.cli.shell import JsonOption, actor, emit_json, opened, out, parse_day, say, show_table
from wfm.errors import NotFound, RequestError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from api.planning.drafts import Edited
    from api.planning.trading import Asked
    from scheduling.editing.timeoff import Absence
    from wfm.store.requests import RequestKind, RequestRow, RequestState

time_off = typer.Typer(
    help="Time off: ask, see what it would do, grant or decline.", no_args_is_help=True
)
trade = typer.Typer(
    help="Shift trades: ask, see the rules' verdict, grant or decline.", no_args_is_help=True
)

Id = Annotated[int, typer.Argument(metavar="ID", help="The request's id.", min=1, max=2**31 - 1)]
Answer = Annotated[str, typer.Option("--answer", help="What the agents are told; it is kept.")]
InDraft = Annotated[
    str | None,
    typer.Option("--draft", help="The draft to change; default: a new one of the roster in force."),
]
On = Annotated[str, typer.Option("--on", help="The roster it is weighed on: a plan or draft-5.")]
State = Annotated[str | None, typer.Option("--state", help="Only asked, granted, declined ...")]
OfAgent = Annotated[str | None, typer.Option("--agent", help="Only of this agent.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many.")]


# -- time off ------------------------------------------------------------------------------------


@time_off.command("ask")
def ask_time_off(
    agent: Agent,
    first: Annotated[str, typer.Argument(metavar="FIRST", help="First local day.")],
    last: Annotated[
        str | None, typer.Argument(metavar="[LAST]", help="Last local day; default: the same.")
    ] = None,
    reason: Reason = "",
    as_json: JsonOption = False,
) -> None:
    """Ask for time off, local days, both included; tells what it would do to the roster."""
    from api.planning import absences

    with opened() as store:
        request_id = absences.ask(
            store,
            agent,
            parse_day(first),
            parse_day(last or first),
            actor=actor(),
            reason=reason,
        )
        try:
            effect = absences.effect(store, request_id)
        except NotFound:  # no roster is in force yet
            effect = None
        zone = zone_of(store)
    if as_json:
        told = None if effect is None else _absence(effect)
        emit_json({"request_id": request_id, "effect": told})
        return
    out.print(f"Request {request_id} is kept.", markup=False)
    if effect is not None:
        _say_absence(effect, zone)


@time_off.command("effect")
def effect_of_time_off(request_id: Id, on: On = "current", as_json: JsonOption = False) -> None:
    """What granting a request would do to a roster; nothing is changed."""
    from api.planning import absences

    with opened() as store:
        effect = absences.effect(store, request_id, on)
        zone = zone_of(store)
    if as_json:
        emit_json({"request_id": request_id, "effect": _absence(effect)})
    else:
        _say_absence(effect, zone)


@time_off.command("grant")
def grant_time_off(
    request_id: Id,
    draft: InDraft = None,
    answer: Answer = "",
    revision: Revision = None,
    as_json: JsonOption = False,
) -> None:
    """Give the time off; the agent's shifts of those days are taken out of a draft."""
    from api.planning import absences

    with opened() as store:
        done = absences.grant(
            store,
            request_id,
            actor=actor(),
            answer=answer,
            draft_id=None if draft is None else draft_id_of(draft),
            revision=revision,
        )
        _show_granted(done.request, done.edited, zone_of(store), as_json=as_json)


@time_off.command("decline")
def decline_time_off(request_id: Id, answer: Answer = "", as_json: JsonOption = False) -> None:
    """Say no to a request for time off."""
    from api.planning import absences

    with opened() as store:
        held = absences.decline(store, request_id, actor=actor(), answer=answer)
    _show_request(held, as_json=as_json)


@time_off.command("withdraw")
def withdraw_time_off(request_id: Id, answer: Answer = "", as_json: JsonOption = False) -> None:
    """Take a request for time off back."""
    from api.planning import absences

    with opened() as store:
        held = absences.withdraw(store, request_id, actor=actor(), answer=answer)
    _show_request(held, as_json=as_json)


@time_off.command("list")
def list_time_off(
    state: State = None, agent: OfAgent = None, limit: Limit = 20, as_json: JsonOption = False
) -> None:
    """List requests for time off, newest first."""
    _list("time_off", state, agent, limit, as_json=as_json)


def _absence(effect: Absence) -> dict[str, Any]:
    return {
        "agent_id": effect.agent_id,
        "first": effect.first.isoformat(),
        "last": effect.last.isoformat(),
        "fits": effect.fits,
        "verdict": effect.verdict,
        "lost_hours": effect.lost_hours,
        "days": [vars(day) | {"day": day.day.isoformat()} for day in effect.days],
        **judgement_document(effect.judgement),
    }


def _say_absence(effect: Absence, zone: ZoneInfo) -> None:
    say(effect.verdict)
    say_changes(effect.changes, zone)
    say_judgement(effect.judgement)


# -- trades --------------------------------------------------------------------------------------


@trade.command("ask")
def ask_trade(
    agent: Agent,
    day: Annotated[str, typer.Argument(metavar="DAY", help="The day of the agent's shift.")],
    other: Annotated[str, typer.Argument(metavar="OTHER", help="Whom with.")],
    other_day: Annotated[
        str | None, typer.Argument(metavar="[OTHER_DAY]", help="Their day; default: the same.")
    ] = None,
    on: On = "current",
    reason: Reason = "",
    as_json: JsonOption = False,
) -> None:
    """Ask to trade two shifts; tells what rules and coverage say to it."""
    from api.planning import trading
    from scheduling.editing.edits import Swap

    swap = Swap(agent, parse_day(day), other, parse_day(other_day or day))
    with opened() as store:
        asked = trading.ask(store, swap, actor=actor(), reason=reason, which=on)
        _show_trade(asked, zone_of(store), as_json=as_json)


@trade.command("verdict")
def verdict_on_trade(request_id: Id, on: On = "current", as_json: JsonOption = False) -> None:
    """What rules and coverage say to a trade that is asked for, as the roster is now."""
    from api.planning import trading

    with opened() as store:
        asked = trading.weigh(store, request_id, on)
        _show_trade(asked, zone_of(store), as_json=as_json)


@trade.command("grant")
def grant_trade(
    request_id: Id,
    draft: InDraft = None,
    force: Annotated[bool, typer.Option("--force", help="In spite of it; wants --answer.")] = False,
    answer: Answer = "",
    revision: Revision = None,
    as_json: JsonOption = False,
) -> None:
    """Make the trade in a draft."""
    from api.planning import trading

    with opened() as store:
        done = trading.grant(
            store,
            request_id,
            actor=actor(),
            answer=answer,
            draft_id=None if draft is None else draft_id_of(draft),
            revision=revision,
            force=force,
        )
        _show_granted(done.request, done.edited, zone_of(store), as_json=as_json)


@trade.command("decline")
def decline_trade(request_id: Id, answer: Answer = "", as_json: JsonOption = False) -> None:
    """Say no to a trade."""
    from api.planning import trading

    with opened() as store:
        held = trading.decline(store, request_id, actor=actor(), answer=answer)
    _show_request(held, as_json=as_json)


@trade.command("withdraw")
def withdraw_trade(request_id: Id, answer: Answer = "", as_json: JsonOption = False) -> None:
    """Take a trade that is asked for back."""
    from api.planning import trading

    with opened() as store:
        held = trading.withdraw(store, request_id, actor=actor(), answer=answer)
    _show_request(held, as_json=as_json)


@trade.command("list")
def list_trades(
    state: State = None, agent: OfAgent = None, limit: Limit = 20, as_json: JsonOption = False
) -> None:
    """List trades, newest first."""
    _list("trade", state, agent, limit, as_json=as_json)


def _show_trade(asked: Asked, zone: ZoneInfo, *, as_json: bool) -> None:
    if as_json:
        emit_json(
            {
                "request": _row(asked.request),
                "allowed": asked.trade.allowed,
                "verdict": asked.trade.verdict,
                **judgement_document(asked.trade.judgement),
            }
        )
        return
    out.print(f"Trade {asked.request.request_id} is {asked.request.state}.", markup=False)
    say(asked.trade.verdict)
    say_changes(asked.trade.changes, zone)
    say_judgement(asked.trade.judgement)


# -- both ----------------------------------------------------------------------------------------


def _row(held: RequestRow) -> dict[str, Any]:
    return vars(held) | {"first": held.first.isoformat(), "last": held.last.isoformat()}


def _show_request(held: RequestRow, *, as_json: bool) -> None:
    if as_json:
        emit_json({"request": _row(held)})
    else:
        out.print(f"Request {held.request_id} of {held.agent_id} is {held.state}.", markup=False)


def _show_granted(
    held: RequestRow, edited: Edited | None, zone: ZoneInfo, *, as_json: bool
) -> None:
    if as_json:
        done = None if edited is None else edited_document(edited)
        emit_json({"request": _row(held), "edited": done})
        return
    _show_request(held, as_json=False)
    if edited is None:
        out.print("No shift of a roster lies on those days.", markup=False)
        return
    say_edited(edited, zone)
    out.print(f"Put it in force with: wfm roster publish {edited.draft_id}", markup=False)


def _list(
    kind: RequestKind, state: str | None, agent: str | None, limit: int, *, as_json: bool
) -> None:
    from api.planning import absences

    with opened() as store:
        found = absences.list_requests(
            store, kind=kind, state=_state(state), agent_id=agent, limit=limit
        )
    if as_json:
        emit_json({"requests": [_row(held) for held in found]})
        return
    if not found:
        out.print("There is no such request.", markup=False)
        return
    shown = Table(box=None, pad_edge=False)
    columns = ("id", "agent", "first day", "last day", "state", "asked by", "why", "answer")
    if kind == "trade":
        columns = ("id", "agent", "day", "with, their day", "state", "asked by", "why", "answer")
    for column in columns:
        shown.add_column(column, no_wrap=True)
    for held in found:
        shown.add_row(
            str(held.request_id),
            held.agent_id,
            str(held.first),
            f"{held.other}, {held.last}" if held.other else str(held.last),
            held.state,
            held.asked_by,
            held.reason,
            held.answer,
        )
    show_table(shown)


def _state(text: str | None) -> RequestState | None:
    from wfm.store.requests import REQUEST_STATES

    found = next((state for state in REQUEST_STATES if state == text), None)
    if text is not None and found is None:
        raise RequestError(f"a request is never {text!r}; choose {', '.join(REQUEST_STATES)}")
    return found
