"""Agents, each as one document."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from wfm.people import Agent
from wfm.store.bulk import upsert
from wfm.store.documents import from_document, to_document
from wfm.store.engine import Writing
from wfm.store.tables import agents as table


def load_agents(connection: sa.Connection) -> tuple[Agent, ...]:
    """All agents, by id."""
    documents = connection.execute(sa.select(table.c.document).order_by(table.c.agent_id))
    return tuple(from_document(Agent, document) for document in documents.scalars())


def save_agents(writing: Writing, agents: Iterable[Agent]) -> None:
    """Add agents, or overwrite those of the same id; each change is audited."""
    held = {agent.agent_id: agent for agent in load_agents(writing.connection)}
    changed = [agent for agent in agents if held.get(agent.agent_id) != agent]
    rows = [
        {
            "agent_id": agent.agent_id,
            "name": agent.name,
            "document": to_document(agent),
            **writing.stamp,
        }
        for agent in changed
    ]
    upsert(writing.connection, table, rows)
    for agent in changed:
        before = held.get(agent.agent_id)
        writing.audit(
            "agent.import",
            agent.agent_id,
            before=None if before is None else to_document(before),
            after=to_document(agent),
        )
