"""Who holds a case: giving it to an agent on a lease, and letting it wait again.

A hold that ends is written down as a handling: what an agent's time was spent on.

On the live queue's path: no pandas.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

from wfm.cases import Case
from wfm.store import cases
from wfm.store.cases import EventKind
from wfm.store.engine import Writing

EndedBy = Literal["answered", "released", "expired", "closed", "paused", "taken"]

NO_LEASE: Mapping[str, object] = {"lease_token": None, "lease_until": None, "claimed_at": None}
WAITS_AGAIN: Mapping[str, object] = {"state": "new", "agent_id": None, **NO_LEASE}


def give(
    writing: Writing, case: Case, agent_id: str, *, lease_s: int, kind: EventKind = "assigned"
) -> tuple[Case, str]:
    """A waiting case that this transaction has locked becomes the agent's; with the lease's token.

    That they may take it, and have a free slot, is the caller's to know.
    """
    token = secrets.token_urlsafe(24)
    held = cases.update_case(
        writing,
        case.case_id,
        {
            "state": "assigned",
            "agent_id": agent_id,
            "lease_token": token,
            "lease_until": writing.at + timedelta(seconds=lease_s),
            "claimed_at": writing.at,
        },
    )
    cases.add_event(writing, [case.case_id], kind, agent_ids=[agent_id])
    return held, token


def let_go(
    writing: Writing, case: Case, *, kind: EventKind, ended_by: EndedBy, text: str | None = None
) -> Case:
    """A held case that this transaction has locked waits again, with the deadline it had."""
    note_hold(writing, case, ended_by)
    cases.add_event(writing, [case.case_id], kind, agent_ids=[case.agent_id], text=text)
    return cases.update_case(writing, case.case_id, WAITS_AGAIN)


def note_hold(writing: Writing, case: Case, ended_by: EndedBy) -> None:
    """Write down that the agent's hold of the case ends now, or ended with its lease."""
    if case.agent_id is None or case.claimed_at is None:
        return
    until = case.lease_until or writing.at
    cases.insert_handling(
        writing, case, ended_at=max(case.claimed_at, min(until, writing.at)), ended_by=ended_by
    )
