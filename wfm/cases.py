"""Cases, the messages they hold, and the moves a case may make."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from wfm.errors import IllegalMove

CaseState = Literal["new", "assigned", "answered", "closed"]

# Where a case may go from each state. A lease that expires and a release both lead back to new; a
# customer who writes again reopens an answered case.
MOVES: dict[CaseState, tuple[CaseState, ...]] = {
    "new": ("assigned", "closed"),
    "assigned": ("answered", "new", "closed"),
    "answered": ("new", "closed"),
    "closed": (),
}


def check_move(case_id: int, at: CaseState, to: CaseState) -> None:
    """IllegalMove when a case in state `at` cannot go to `to`; says where it could have gone."""
    allowed = MOVES[at]
    if to not in allowed:
        where = " or ".join(allowed) if allowed else "nowhere"
        raise IllegalMove(
            f"case {case_id} is {at}; it can go to {where}, not {to}",
            case_id=case_id,
            state=at,
            allowed=list(allowed),
        )


@dataclass(frozen=True)
class Contact:
    """One inbound message, as a source handed it over.

    source, account, native_id, revision  name it uniquely; the same four are never taken in twice
    published_at  the platform's instant; received_at is ours and set at intake
    """

    source: str
    account: str
    native_id: str
    queue: str
    author: str
    text: str
    published_at: datetime
    revision: int = 0
    severity: int = 0


@dataclass(frozen=True)
class Case:
    """A conversation: the contact that opened it and what has become of it."""

    case_id: int
    queue: str
    author: str
    state: CaseState
    severity: int
    received_at: datetime
    due_at: datetime
    due_goal: str
    contacts: int
    agent_id: str | None = None
    lease_until: datetime | None = None
    first_response_at: datetime | None = None
