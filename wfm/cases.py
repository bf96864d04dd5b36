"""Cases, the messages they hold, and the moves a case may make."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from wfm.care import Complexity
from wfm.errors import IllegalMove

CaseState = Literal["new", "assigned", "answered", "paused", "closed"]

# Where a case may go from each state. A lease that expires and a release both lead back to new; a
# customer who writes again reopens an answered, a paused and, for some days, a closed case.
MOVES: dict[CaseState, tuple[CaseState, ...]] = {
    "new": ("assigned", "paused", "closed"),
    "assigned": ("answered", "new", "paused", "closed"),
    "answered": ("new", "closed"),
    "paused": ("new", "closed"),
    "closed": ("new",),
}


def check_move(case_id: int, at: CaseState, to: CaseState) -> None:
    """IllegalMove when a case in state `at` cannot go to `to`; says where it could have gone."""
    allowed = MOVES[at]
    if to not in allowed:
        raise IllegalMove(
            f"case {case_id} is {at}; it can go to {' or '.join(allowed)}, not {to}",
            case_id=case_id,
            state=at,
            allowed=list(allowed),
        )


# The last one: an author's account is gone at its platform, and all that it wrote with it.
ContactKind = Literal["message", "edit", "deletion", "author_deleted"]


@dataclass(frozen=True)
class Contact:
    """One inbound message, edit or deletion, as a source handed it over.

    source, account, native_id, revision  name it uniquely; the same four are never taken in twice
    queue         where its sender wants it; "": triage and the account's handle decide
    author        the platform's id of its author, which outlives every rename
    published_at  the platform's instant; received_at is ours and set at intake
    kind          edit and deletion name the message they change by its native_id; an edit has a
                  revision of its own
    in_reply_to   native_id of the message, ours or theirs, that it answers
    repost_of     native_id of what it merely passes on
    platform      the channel of its author's id; "": that of its queue
    handle        the author's name as the platform shows it now
    reach         followers
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
    kind: ContactKind = "message"
    in_reply_to: str = ""
    repost_of: str = ""
    platform: str = ""
    handle: str = ""
    reach: int | None = None
    verified: bool = False


@dataclass(frozen=True)
class Case:
    """A conversation: the contact that opened it and what has become of it.

    received_at   start of the clock that runs: the message that needs an answer
    due_at        when the reply is due, the order's first key
    needs_level   skill level in its queue that an agent must have
    flags         why it is handled with care
    escalation    rungs of the ladder that it has climbed since it waits
    first_response_at, first_any_at   the first human reply; the first of any kind
    """

    case_id: int
    queue: str
    author: str
    state: CaseState
    severity: int
    received_at: datetime
    due_at: datetime
    due_goal: str
    contacts: int
    opened_at: datetime
    agent_id: str | None = None
    lease_until: datetime | None = None
    first_response_at: datetime | None = None
    author_id: int | None = None
    source: str = ""
    account: str = ""
    complexity: Complexity = "basic"
    needs_level: int = 1
    flags: tuple[str, ...] | list[str] = ()
    escalation: int = 0
    claimed_at: datetime | None = None
    first_any_at: datetime | None = None
    paused_until: datetime | None = None
    answered_at: datetime | None = None
    closed_at: datetime | None = None
    closed_reason: str | None = None
    merged_into: int | None = None
