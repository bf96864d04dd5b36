"""Trades of shifts: asked for, judged by rules and coverage, granted or declined.

A grant makes the exchange in a draft; it reaches the floor when the draft is published.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from api.planning.absences import answered, find
from api.planning.drafts import (
    Edited,
    check_reason,
    draft_of,
    home_of_changes,
    keep,
    rostered,
)
from scheduling.editing.edits import Swap
from scheduling.editing.trades import Trade, trade
from wfm.errors import RequestError, RuleConflict
from wfm.store import requests
from wfm.store.engine import Store
from wfm.store.requests import RequestRow

KIND: Literal["trade"] = "trade"


@dataclass(frozen=True)
class Asked:
    """A trade that is asked for, and what it would do to the roster it was judged on."""

    request: RequestRow
    trade: Trade


@dataclass(frozen=True)
class Traded:
    """A trade that was granted, and what it did to the draft."""

    request: RequestRow
    edited: Edited


def ask(
    store: Store, swap: Swap, *, actor: str, reason: str = "", which: str | int = "current"
) -> Asked:
    """Keep a request to trade two shifts, with the verdict of rules and coverage on it.

    which  the roster that it is judged on, named as `drafts.rostered` does

    Raises RequestError where there is nothing to trade; a broken rule is no error.
    """
    check_reason(reason)
    found = rostered(store, which)
    weighed = trade(found.roster, swap, found.ground)
    with store.writing(actor) as writing:
        request_id = requests.insert(
            writing,
            KIND,
            swap.agent_id,
            first=swap.day,
            other=swap.other_agent,
            last=swap.other_day,
            reason=reason,
        )
        return Asked(requests.find(writing.connection, KIND, request_id), weighed)


def weigh(store: Store, request_id: int, which: str | int = "current") -> Asked:
    """The request with what it would do to the roster of that name as it is now."""
    asked = find(store, request_id, KIND)
    found = rostered(store, which)
    return Asked(asked, trade(found.roster, swap_of(asked), found.ground))


def grant(
    store: Store,
    request_id: int,
    *,
    actor: str,
    answer: str = "",
    draft_id: int | None = None,
    revision: int | None = None,
    force: bool = False,
) -> Traded:
    """Make the trade in the draft.

    draft_id  None: a draft is opened on the plan in force
    force     grant it although rules or coverage stand against it; wants an answer, which is kept

    Raises RuleConflict where they do and nobody forces it, IllegalMove when the request was
    answered, and what `drafts.edit` raises.
    """
    check_reason(answer)
    if force and not answer.strip():
        raise RequestError("to grant a trade in spite of what stands against it, say why")
    asked = find(store, request_id, KIND)
    home = home_of_changes(store, draft_id, revision)
    swap = swap_of(asked)
    weighed = trade(home.roster, swap, home.ground)
    if not weighed.allowed and not force:
        raise RuleConflict(
            f"{weighed.verdict}. Decline the trade, or grant it by force with an answer",
            request_id=request_id,
            violations=[str(violation) for violation in weighed.judgement.broken],
        )
    with store.writing(actor) as writing:
        name = f"Trade of {swap.agent_id} and {swap.other_agent}"
        changed, held = draft_of(writing, home, name=name)
        requests.decide(writing, KIND, request_id, "granted", answer=answer, draft_id=changed)
        now = keep(
            writing, changed, held, weighed.changes,
            kind=KIND, asked=swap, reason=answer or asked.reason,
        )  # fmt: skip
        granted = requests.find(writing.connection, KIND, request_id)
    return Traded(granted, Edited(changed, now, weighed.changes, weighed.judgement))


def decline(store: Store, request_id: int, *, actor: str, answer: str = "") -> RequestRow:
    """Say no to the trade; IllegalMove when it was answered."""
    return answered(store, KIND, request_id, "declined", actor=actor, answer=answer)


def withdraw(store: Store, request_id: int, *, actor: str, answer: str = "") -> RequestRow:
    """Take the request back before it is answered; IllegalMove afterwards."""
    return answered(store, KIND, request_id, "withdrawn", actor=actor, answer=answer)


def swap_of(asked: RequestRow) -> Swap:
    """The exchange that is asked for."""
    return Swap(asked.agent_id, asked.first, asked.other or "", asked.last)
