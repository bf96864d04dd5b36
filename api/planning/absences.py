"""Time off: asked for, weighed against the roster, granted or declined.

A grant makes the absence the agent's own and takes their shifts of those days out of a draft. It
reaches the floor when the draft is published.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from api.planning.asked import YEARS
from api.planning.drafts import (
    Edited,
    check_reason,
    draft_of,
    home_of_changes,
    keep,
    rostered,
)
from api.planning.rostered import Rostered
from scheduling.editing.changes import Segment
from scheduling.editing.ground import EditGround
from scheduling.editing.timeoff import Absence, absence
from wfm.errors import NotFound, RequestError
from wfm.people import Agent, TimeOff
from wfm.store import plans, requests
from wfm.store.engine import Store, Writing
from wfm.store.people import load_agents, save_agents
from wfm.store.requests import RequestKind, RequestRow, RequestState

KIND: Literal["time_off"] = "time_off"

# More in one request is no absence but the end of a contract.
MAX_DAYS = 366


@dataclass(frozen=True)
class Granted:
    """A request that was granted.

    edited  what it did to the draft; None: no shift of a roster lies on those days
    """

    request: RequestRow
    edited: Edited | None


def ask(
    store: Store, agent_id: str, first: date, last: date, *, actor: str, reason: str = ""
) -> int:
    """Keep a request for time off, local days, both included; gives its id.

    NotFound without the agent, RequestError for days that are no span.
    """
    if last < first:
        raise RequestError(f"the time off ends on {last}, before it begins on {first}")
    if first.year not in YEARS or (last - first).days >= MAX_DAYS:
        raise RequestError(
            f"time off from {first} to {last} is out of bounds; ask for at most {MAX_DAYS} days "
            f"between {YEARS[0]} and {YEARS[-1]}"
        )
    check_reason(reason)
    with store.writing(actor) as writing:
        find_agent(load_agents(writing.connection), agent_id)
        return requests.insert(writing, KIND, agent_id, first=first, last=last, reason=reason)


def find(store: Store, request_id: int, kind: RequestKind = KIND) -> RequestRow:
    """The request of the kind; NotFound when there is none."""
    with store.reading() as connection:
        return requests.find(connection, kind, request_id)


def effect(store: Store, request_id: int, which: str | int = "current") -> Absence:
    """What granting the request would do to the roster of that name; nothing is changed.

    NotFound without the request or the roster.
    """
    asked = find(store, request_id)
    found = rostered(store, which)
    return absence(found.roster, asked.agent_id, asked.first, asked.last, found.ground)


def grant(
    store: Store,
    request_id: int,
    *,
    actor: str,
    answer: str = "",
    draft_id: int | None = None,
    revision: int | None = None,
) -> Granted:
    """Give the agent the time off, and take their shifts of those days out of the draft.

    draft_id  None: a draft is opened on the plan in force where that has shifts on those days

    Raises RequestError where a shift of those days is pinned or was worked already, IllegalMove
    when the request was answered, and what `drafts.edit` raises.
    """
    check_reason(answer)
    asked = find(store, request_id)
    home = _home(store, asked, draft_id, revision)
    found = None
    if home is not None:
        found = absence(home.roster, asked.agent_id, asked.first, asked.last, home.ground)
        _check_free(found, home.ground)
    edited = None
    with store.writing(actor) as writing:
        agent = give(writing, asked.agent_id, asked.first, asked.last)
        if home is not None and found is not None and found.changes:
            changed, held = draft_of(writing, home, name=f"Time off of {agent.name}")
            now = keep(
                writing, changed, held, found.changes, kind=KIND, reason=answer or asked.reason
            )
            edited = Edited(changed, now, found.changes, found.judgement)
        requests.decide(
            writing,
            KIND,
            request_id,
            "granted",
            answer=answer,
            draft_id=None if edited is None else edited.draft_id,
        )
        granted = requests.find(writing.connection, KIND, request_id)
    return Granted(granted, edited)


def decline(store: Store, request_id: int, *, actor: str, answer: str = "") -> RequestRow:
    """Say no to the request; IllegalMove when it was answered."""
    return answered(store, KIND, request_id, "declined", actor=actor, answer=answer)


def withdraw(store: Store, request_id: int, *, actor: str, answer: str = "") -> RequestRow:
    """Take the request back before it is answered; IllegalMove afterwards."""
    return answered(store, KIND, request_id, "withdrawn", actor=actor, answer=answer)


def answered(
    store: Store,
    kind: RequestKind,
    request_id: int,
    state: RequestState,
    *,
    actor: str,
    answer: str,
) -> RequestRow:
    """Move a request of the kind to its last state; gives it."""
    check_reason(answer)
    with store.writing(actor) as writing:
        requests.decide(writing, kind, request_id, state, answer=answer)
        return requests.find(writing.connection, kind, request_id)


def list_requests(
    store: Store,
    *,
    kind: RequestKind = KIND,
    state: RequestState | None = None,
    agent_id: str | None = None,
    limit: int = 50,
    before: int | None = None,
) -> tuple[RequestRow, ...]:
    """Requests of the kind, the newest first; `before` continues after the request of it."""
    with store.reading() as connection:
        return tuple(
            requests.listing(
                connection, kind, state=state, agent_id=agent_id, limit=limit, before=before
            )
        )


def find_agent(agents: Iterable[Agent], agent_id: str) -> Agent:
    """The agent of the id; NotFound when there is none."""
    for agent in agents:
        if agent.agent_id == agent_id:
            return agent
    raise NotFound(
        f"there is no agent {agent_id!r}; `wfm import agents` brings them", agent=agent_id
    )


def give(writing: Writing, agent_id: str, first: date, last: date) -> Agent:
    """Make the time off the agent's own; gives the agent with it. NotFound without the agent."""
    agent = find_agent(load_agents(writing.connection), agent_id)
    off = TimeOff(first, last)
    if off in agent.time_off:
        return agent
    freed = replace(agent, time_off=(*agent.time_off, off))
    save_agents(writing, [freed], action="agent.time_off")
    return freed


def has_begun(day: Sequence[Segment], ground: EditGround) -> bool:
    """Whether an agent's day, as it stands, began in what is frozen."""
    now = ground.frozen_until
    return now is not None and any(segment.start < now for segment in day)


def _home(
    store: Store, asked: RequestRow, draft_id: int | None, revision: int | None
) -> Rostered | None:
    """The roster that the absence takes shifts from; None where none is in force."""
    if draft_id is None:
        with store.reading() as connection:
            if plans.newest_version(connection) == 0:
                return None
    return home_of_changes(store, draft_id, revision)


def _check_free(found: Absence, ground: EditGround) -> None:
    pinned = [day.day for day in found.days if day.pinned]
    if pinned:
        raise RequestError(
            f"{found.agent_id} has a pinned shift on {pinned[0]}; unpin it before the time off is "
            "granted",
            agent=found.agent_id,
            days=[day.isoformat() for day in pinned],
        )
    begun = [c.day for c in found.changes if has_begun(c.before, ground)]
    if begun:
        raise RequestError(
            f"the shift of {found.agent_id} on {begun[0]} has begun already; ask for the days "
            "after it",
            agent=found.agent_id,
            days=[day.isoformat() for day in begun],
        )
