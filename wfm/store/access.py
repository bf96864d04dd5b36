"""Keys of machines, one-time links and sessions of people; only hashes are kept.

A key's text is `wfm_<key_id>_<secret>`, a link's and a session's a bare secret; every secret is 256
random bits, so a plain SHA-256 of it gives nothing away. Expiry is told by the machine's time,
never by a store's set clock: a demo that runs compressed must not end its sessions early, one that
starts over must not revive them. Callers hand that time over as `now`.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from wfm.errors import NotFound, NotSignedIn, RequestError
from wfm.roles import ROLES
from wfm.store.engine import Writing
from wfm.store.tables import keys, sessions

LINK_LIFE = timedelta(hours=24)
SESSION_LIFE = timedelta(hours=12)

# The last use of a key is kept to the minute, so that reading does not become writing.
TOUCH_AFTER = timedelta(minutes=1)

_NOBODY = bytes(32)


@dataclass(frozen=True)
class Key:
    """A key without its secret.

    agent_id  whose own data a key of the role `agent` reaches
    """

    key_id: str
    role: str
    label: str
    agent_id: str | None
    created_at: datetime
    created_by: str
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True)
class Session:
    """A person signed in to the console."""

    role: str
    person: str
    expires_at: datetime


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise RequestError(f"{role!r} is no role; choose one of {', '.join(ROLES)}", value=role)


# -- keys ---------------------------------------------------------------------------------------


def create_key(
    writing: Writing, role: str, *, label: str = "", agent_id: str | None = None, now: datetime
) -> tuple[Key, str]:
    """A new key and its text, which is known only here and now."""
    _check_role(role)
    if (role == "agent") != (agent_id is not None):
        raise RequestError(
            "a key of the role agent, and no other, belongs to an agent; name it by its agent_id",
            role=role,
        )
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    writing.connection.execute(
        keys.insert().values(
            key_id=key_id,
            role=role,
            label=label,
            agent_id=agent_id,
            secret_sha256=_digest(secret),
            actor=writing.actor,
            written_at=now,
        )
    )
    writing.audit("key.create", key_id, after={"role": role, "label": label, "agent_id": agent_id})
    return (
        Key(key_id, role, label, agent_id, now, writing.actor, None, None),
        f"wfm_{key_id}_{secret}",
    )


def key_of(connection: sa.Connection, text: str) -> Key | None:
    """The key that `text` opens, or None when it is malformed, unknown or revoked."""
    brand, _, rest = text.partition("_")
    key_id, _, secret = rest.partition("_")
    row = connection.execute(sa.select(keys).where(keys.c.key_id == key_id)).one_or_none()
    known = _NOBODY if row is None else row.secret_sha256
    # Compared even when there is no such key, so that the time taken tells nothing.
    same = hmac.compare_digest(known, _digest(secret))
    if row is None or not same or brand != "wfm" or row.revoked_at is not None:
        return None
    return _key(row)


def list_keys(connection: sa.Connection) -> tuple[Key, ...]:
    """All keys ever made, oldest first."""
    rows = connection.execute(sa.select(keys).order_by(keys.c.written_at, keys.c.key_id))
    return tuple(_key(row) for row in rows)


def needs_touch(key: Key, now: datetime) -> bool:
    """Whether this use of the key is worth keeping."""
    return key.last_used_at is None or now - key.last_used_at >= TOUCH_AFTER


def touch_key(writing: Writing, key_id: str, now: datetime) -> None:
    """Keep when the key was last used."""
    writing.connection.execute(
        keys.update().where(keys.c.key_id == key_id).values(last_used_at=now)
    )


def revoke_key(writing: Writing, key_id: str, *, now: datetime) -> None:
    """Make the key useless from now on; once revoked it stays so. NotFound when there is none."""
    revoked = writing.connection.execute(
        keys.update()
        .where(keys.c.key_id == key_id, keys.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    if revoked.rowcount:
        writing.audit("key.revoke", key_id)
    elif not writing.connection.scalar(sa.select(keys.c.key_id).where(keys.c.key_id == key_id)):
        raise NotFound(f"no key {key_id!r}; `wfm key list` shows them", key_id=key_id)


def _key(row: sa.Row[Any]) -> Key:
    return Key(
        row.key_id,
        row.role,
        row.label,
        row.agent_id,
        row.written_at,
        row.actor,
        row.last_used_at,
        row.revoked_at,
    )


# -- links and sessions -------------------------------------------------------------------------


def create_link(writing: Writing, role: str = "manager", *, now: datetime) -> str:
    """The secret of a new one-time link, good for 24 hours or until it is followed."""
    _check_role(role)
    _forget_expired(writing, now)
    secret = _keep(writing, "link", role, writing.actor, now + LINK_LIFE)
    writing.audit("link.create", role)
    return secret


def follow_link(writing: Writing, secret: str, *, now: datetime) -> tuple[Session, str]:
    """Use the link up: the session it opens and the session's secret. NotSignedIn otherwise."""
    row = writing.connection.execute(
        # One statement, so that of two who follow at once only one gets in.
        sessions.delete()
        .where(
            sessions.c.token_sha256 == _digest(secret),
            sessions.c.kind == "link",
            sessions.c.expires_at > now,
        )
        .returning(sessions.c.role, sessions.c.actor)
    ).one_or_none()
    if row is None:
        raise NotSignedIn(
            "this sign-in link was used already or has expired; `wfm sign-in-link` prints a new one"
        )
    session = Session(row.role, row.actor, now + SESSION_LIFE)
    opened = _keep(writing, "session", session.role, session.person, session.expires_at)
    writing.audit("session.open", session.person, after={"role": session.role})
    return session, opened


def session_of(connection: sa.Connection, secret: str, *, now: datetime) -> Session | None:
    """The running session that `secret` belongs to."""
    row = connection.execute(
        sa.select(sessions).where(
            sessions.c.token_sha256 == _digest(secret),
            sessions.c.kind == "session",
            sessions.c.expires_at > now,
        )
    ).one_or_none()
    return None if row is None else Session(row.role, row.actor, row.expires_at)


def end_session(writing: Writing, secret: str) -> None:
    """Sign out; nothing happens when there is no such session."""
    writing.connection.execute(
        sessions.delete().where(
            sessions.c.token_sha256 == _digest(secret), sessions.c.kind == "session"
        )
    )


def _keep(writing: Writing, kind: str, role: str, person: str, expires_at: datetime) -> str:
    secret = secrets.token_urlsafe(32)
    writing.connection.execute(
        sessions.insert().values(
            token_sha256=_digest(secret),
            kind=kind,
            role=role,
            expires_at=expires_at,
            actor=person,
            written_at=writing.at,
        )
    )
    return secret


def _forget_expired(writing: Writing, now: datetime) -> None:
    writing.connection.execute(sessions.delete().where(sessions.c.expires_at <= now))
