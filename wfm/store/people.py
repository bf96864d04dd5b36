"""Agents, each as one document."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import sqlalchemy as sa

from wfm.people import Agent
from wfm.store.bulk import save_changed
from wfm.store.documents import from_document
from wfm.store.engine import Writing
from wfm.store.tables import agents as table


def load_agents(connection: sa.Connection) -> tuple[Agent, ...]:
    """All agents, by id."""
    documents = connection.execute(sa.select(table.c.document).order_by(table.c.agent_id))
    return tuple(from_document(Agent, document) for document in documents.scalars())


def save_agents(writing: Writing, agents: Iterable[Agent], *, action: str = "agent.import") -> None:
    """Add agents, or overwrite those of the same id; each change is audited as the action."""
    save_changed(
        writing,
        table,
        action=action,
        held={agent.agent_id: agent for agent in load_agents(writing.connection)},
        wanted={agent.agent_id: agent for agent in agents},
        columns=lambda agent: {"agent_id": agent.agent_id, "name": agent.name},
    )


# The level of an agent of whom no skill is recorded: the roster alone says what they may take.
ANY_LEVEL = 5


def level_of(skills: Mapping[str, int] | None, queue: str) -> int:
    """An agent's level in a queue of their stretch, by what `skill_levels` gave of them.

    The roster alone says what someone of whom no skill is recorded may take; a queue that the
    record does not name is one they are learning.
    """
    return skills.get(queue, 1) if skills else ANY_LEVEL


def skill_levels(
    connection: sa.Connection, agent_ids: Collection[str]
) -> dict[str, dict[str, int]]:
    """Each agent's level by queue; without those of whom no record is kept."""
    rows = connection.execute(
        sa.select(table.c.agent_id, table.c.document).where(table.c.agent_id.in_(sorted(agent_ids)))
    )
    return {
        agent_id: {skill["queue"]: skill["level"] for skill in document.get("skills", ())}
        for agent_id, document in rows
    }
