"""Who has signed on, and for how long they were available and away.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from wfm.cases import Case
from wfm.errors import NotFound
from wfm.store import tables
from wfm.store.bulk import insert_into, upsert
from wfm.store.cases import ASSIGNED, CASE
from wfm.store.engine import Writing

presence = tables.presence
spans = tables.presence_spans
cases = tables.cases
handlings = tables.handlings

# A word given longer ago was given on another day, and says nothing about this one.
WORD_HOLDS = timedelta(hours=8)

PresenceState = Literal["available", "away", "off"]


@dataclass(frozen=True)
class AgentPresence:
    """What an agent last said of themselves, or what was concluded from their silence.

    since         when they came into the state
    heartbeat_at  when they were last heard of
    """

    agent_id: str
    state: PresenceState
    since: datetime
    heartbeat_at: datetime

    @property
    def is_their_word(self) -> bool:
        """Whether they said so: who was put `off` for their silence was heard of before that."""
        return self.heartbeat_at >= self.since


_PRESENCE = (
    presence.c.agent_id,
    presence.c.state,
    presence.c.since,
    presence.c.heartbeat_at,
)


def find_presence(connection: sa.Connection, agent_id: str) -> AgentPresence | None:
    """The agent's presence; None when they never signed on."""
    row = connection.execute(
        sa.select(*_PRESENCE).where(presence.c.agent_id == agent_id)
    ).one_or_none()
    return None if row is None else AgentPresence(*row)


def word_of(agent_id: Any, after: Any) -> sa.Select[Any]:
    """The query for the agent's own word, since `after`, that they are away or off, and when.

    Both may be values or parameters. Who was put off for their silence has said nothing.
    """
    return sa.select(presence.c.state, presence.c.since).where(
        presence.c.agent_id == agent_id,
        presence.c.state != "available",
        presence.c.heartbeat_at >= presence.c.since,
        presence.c.since > after,
    )


def find_word(
    connection: sa.Connection, agent_id: str, *, after: datetime
) -> tuple[PresenceState, datetime] | None:
    """What `word_of` asks for."""
    row = connection.execute(word_of(agent_id, after)).one_or_none()
    return None if row is None else (row.state, row.since)


def all_presence(connection: sa.Connection) -> dict[str, AgentPresence]:
    """Everybody who ever signed on, by agent."""
    rows = connection.execute(sa.select(*_PRESENCE).order_by(presence.c.agent_id))
    return {row.agent_id: AgentPresence(*row) for row in rows}


def save_presence(writing: Writing, now: AgentPresence, before: AgentPresence | None) -> None:
    """Write the presence down, and the span of the state that it ends.

    A span ends when its agent was last heard of in it; one of no length is not kept, nor are
    those off.
    """
    row = {
        "agent_id": now.agent_id,
        "state": now.state,
        "since": now.since,
        "heartbeat_at": now.heartbeat_at,
        **writing.stamp,
    }
    upsert(writing.connection, presence, [row])
    if before is None or before.state == "off" or now.since == before.since:
        return
    ended = min(now.since, max(now.heartbeat_at, before.heartbeat_at))
    if ended > before.since:
        span = {
            "agent_id": before.agent_id,
            "started_at": before.since,
            "ended_at": ended,
            "state": before.state,
        }
        # A clock that was set back could name a start twice; the first span of it stands.
        writing.connection.execute(
            insert_into(writing.connection, spans).values(**span).on_conflict_do_nothing()
        )


def touch_presence(writing: Writing, agent_id: str) -> None:
    """The agent was heard of now."""
    writing.connection.execute(
        presence.update()
        .where(presence.c.agent_id == agent_id)
        .values(heartbeat_at=writing.at, **writing.stamp)
    )


def check_agent(connection: sa.Connection, agent_id: str) -> None:
    """NotFound when neither the people nor a roster know the agent."""
    known = sa.select(
        sa.or_(
            sa.exists().where(tables.agents.c.agent_id == agent_id),
            sa.exists().where(tables.plan_on_shift.c.agent_id == agent_id),
        )
    )
    if not connection.scalar(known):
        raise NotFound(
            f"there is no agent {agent_id!r}; `wfm import agents` brings them", agent_id=agent_id
        )


# -- who holds what ------------------------------------------------------------------------------


def held_cases(
    connection: sa.Connection, agent_id: str, *, now: datetime
) -> tuple[tuple[Case, str], ...]:
    """The cases the agent holds on a lease that runs, each with its token, by deadline."""
    rows = connection.execute(
        sa.select(*CASE, cases.c.lease_token)
        .where(ASSIGNED, cases.c.agent_id == agent_id, cases.c.lease_until > now)
        .order_by(cases.c.due_at, cases.c.case_id)
    )
    return tuple((Case(*row[:-1]), row[-1]) for row in rows)


def lease_of(connection: sa.Connection, case_id: int, *, now: datetime) -> str | None:
    """The token of the lease on which the case is held now; None when nobody holds it."""
    return connection.scalar(
        sa.select(cases.c.lease_token).where(
            cases.c.case_id == case_id, ASSIGNED, cases.c.lease_until > now
        )
    )


def lock_held(writing: Writing, agent_id: str) -> tuple[Case, ...]:
    """The cases the agent holds, leases run out included, by id and locked."""
    rows = writing.connection.execute(
        sa.select(*CASE)
        .where(ASSIGNED, cases.c.agent_id == agent_id)
        .order_by(cases.c.case_id)
        .with_for_update()
    )
    return tuple(Case(*row) for row in rows)


def last_handled(
    connection: sa.Connection, agent_ids: Collection[str], *, since: datetime
) -> dict[str, datetime]:
    """When each agent last gave up a case that they began to hold after `since`."""
    rows = connection.execute(
        sa.select(handlings.c.agent_id, sa.func.max(handlings.c.ended_at))
        .where(handlings.c.started_at >= since, handlings.c.agent_id.in_(sorted(agent_ids)))
        .group_by(handlings.c.agent_id)
    )
    return {row[0]: row[1] for row in rows}
