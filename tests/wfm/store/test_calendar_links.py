"""Links to calendars on both databases: one an agent, known by a hash, audited."""

from __future__ import annotations

import pytest

from wfm.errors import NotFound
from wfm.store import calendars
from wfm.store.engine import Store
from wfm.store.tables import audit


def test_a_link_opens_one_agents_calendar_until_it_is_revoked(store: Store):
    with store.writing("ann") as writing:
        first, other = (calendars.make_link(writing, agent) for agent in ("a1", "b2"))
    with store.writing("bob") as writing:
        second = calendars.make_link(writing, "a1")
    with store.reading() as connection:
        opened = [calendars.agent_of(connection, secret) for secret in (first, second, other, "")]
        held = calendars.links(connection)
    assert opened == [None, "a1", "b2", None]
    assert [(link.agent_id, link.made_by) for link in held] == [("a1", "bob"), ("b2", "ann")]

    with store.writing("ann") as writing:
        calendars.revoke_link(writing, "a1")
        with pytest.raises(NotFound, match="has no calendar link"):
            calendars.revoke_link(writing, "a1")
    with store.reading() as connection:
        assert calendars.agent_of(connection, second) is None
        assert [link.agent_id for link in calendars.links(connection, "b2")] == ["b2"]
        actions = connection.execute(audit.select().order_by(audit.c.id)).all()
    assert [row.action for row in actions] == [*["calendar.link"] * 3, "calendar.revoke"]
    assert not any(secret in repr(row) for row in actions for secret in (first, second, other))
