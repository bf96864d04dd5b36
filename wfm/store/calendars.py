"""Secret links to agents' calendars, and the published versions of the roster they show.

A link's secret is 256 random bits of which only the SHA-256 is kept. An agent has one link at a
time: a new one makes the old one useless.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from wfm.errors import NotFound
from wfm.store import plans
from wfm.store.engine import Writing
from wfm.store.tables import calendar_links as table
from wfm.store.tables import plans as plan_table

if TYPE_CHECKING:
    import pandas as pd

_NOBODY = bytes(32)
# Longer than any shift: what begins in a span is read whole, what began before it is seen to.
_SHIFT = timedelta(days=1)
_c = table.c


@dataclass(frozen=True)
class Link:
    """A link without its secret."""

    link_id: int
    agent_id: str
    made_at: datetime
    made_by: str


@dataclass(frozen=True)
class PublishedRoster:
    """A version of the roster over [start, end), and when it was put in force."""

    version: int
    start: datetime
    end: datetime
    at: datetime
    roster: pd.DataFrame


# -- links ---------------------------------------------------------------------------------------


def make_link(writing: Writing, agent_id: str) -> str:
    """The secret of a new link to the agent's calendar, known only here and now."""
    _revoke(writing, agent_id)
    secret = secrets.token_urlsafe(32)
    writing.connection.execute(
        table.insert().values(agent_id=agent_id, secret_sha256=_digest(secret), **writing.stamp)
    )
    writing.audit("calendar.link", agent_id)
    return secret


def revoke_link(writing: Writing, agent_id: str) -> None:
    """Make the agent's link useless; NotFound when there is none."""
    if not _revoke(writing, agent_id):
        raise NotFound(f"agent {agent_id!r} has no calendar link", agent_id=agent_id)
    writing.audit("calendar.revoke", agent_id)


def _revoke(writing: Writing, agent_id: str) -> int:
    revoked = writing.connection.execute(
        table.update()
        .where(_c.agent_id == agent_id, _c.revoked_at.is_(None))
        .values(revoked_at=writing.at)
    )
    return revoked.rowcount


def agent_of(connection: sa.Connection, secret: str) -> str | None:
    """The agent whose calendar the secret opens, or None when it is unknown or revoked."""
    digest = _digest(secret)
    row = connection.execute(
        sa.select(_c.agent_id, _c.secret_sha256, _c.revoked_at).where(_c.secret_sha256 == digest)
    ).one_or_none()
    # Compared even when there is no such link, so that the time taken tells nothing.
    same = hmac.compare_digest(_NOBODY if row is None else row.secret_sha256, digest)
    return row.agent_id if row is not None and same and row.revoked_at is None else None


def links(connection: sa.Connection, agent_id: str | None = None) -> tuple[Link, ...]:
    """The links in force, by agent; of one agent or of all."""
    query = sa.select(_c.link_id, _c.agent_id, _c.written_at, _c.actor).where(
        _c.revoked_at.is_(None)
    )
    if agent_id is not None:
        query = query.where(_c.agent_id == agent_id)
    return tuple(Link(*tuple(row)) for row in connection.execute(query.order_by(_c.agent_id)))


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


# -- what they show ------------------------------------------------------------------------------


def published_rosters(
    connection: sa.Connection,
    *,
    since: datetime,
    end: datetime | None = None,
    agent_id: str | None = None,
    up_to: int | None = None,
) -> list[PublishedRoster]:
    """All versions that were ever in force over some of [since, end), oldest first.

    Each with the part of its span that lies there, and at least the shifts that start in that.

    agent_id  only this agent's segments
    up_to     only versions up to this one
    """
    p = plan_table.c
    query = sa.select(p.plan_id, p.version, p.starts_at, p.ends_at, p.published_at).where(
        p.version.is_not(None), p.ends_at > since
    )
    if end is not None:
        query = query.where(p.starts_at < end)
    if up_to is not None:
        query = query.where(p.version <= up_to)
    return [
        PublishedRoster(
            row.version,
            max(row.starts_at, since),
            row.ends_at if end is None else min(row.ends_at, end),
            row.published_at,
            plans.read_frame(
                connection,
                "roster",
                row.plan_id,
                start=since - _SHIFT,
                end=None if end is None else end + _SHIFT,
                agent_id=agent_id,
            ),
        )
        for row in connection.execute(query.order_by(p.version))
    ]
