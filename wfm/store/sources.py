"""Where contacts come from and where replies and events go: sources and the secrets they share.

On the live queue's path: no pandas.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from wfm.errors import NotFound, RequestError
from wfm.store import tables
from wfm.store.bulk import upsert
from wfm.store.engine import Writing

sources = tables.sources

# Part of a path, a column of 40 characters, and the name of who took a contact in.
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
URL_MAX = 500

# Events that a callback may ask for.
EVENTS = (
    "case.assigned",
    "case.escalated",
    "task.due",
    "exception.asked",
    "sla.breach_predicted",
    "policy.step",
    "presence.changed",
    "staffing.changed",
    "staffing.gap_opened",
    "schedule.published",
    "outbox.dead",
)


@dataclass(frozen=True)
class Source:
    """A system that delivers contacts to us, and takes replies and events from us.

    kind          the connector that reads its deliveries
    secret        signs what comes and what goes; never shown again
    callback_url  where replies and events are delivered; "": nowhere
    events        the kinds of events that it wants delivered; "*": all
    """

    source: str
    kind: str
    secret: str = field(repr=False)
    callback_url: str = ""
    events: tuple[str, ...] = ()
    disabled_at: datetime | None = None


_COLUMNS = tuple(sources.c[one.name] for one in fields(Source))


def find_source(connection: sa.Connection, name: str) -> Source:
    """The source of this name, a disabled one too; NotFound when there is none."""
    row = _row(connection, name)
    if row is None:
        known = ", ".join(one.source for one in list_sources(connection)) or "none yet"
        raise NotFound(f"no source {name!r}; there is {known}", source=name)
    return _source(row)


def _row(connection: sa.Connection, name: str) -> sa.Row[Any] | None:
    return connection.execute(sa.select(*_COLUMNS).where(sources.c.source == name)).one_or_none()


def list_sources(connection: sa.Connection) -> tuple[Source, ...]:
    """All sources by name, disabled ones included."""
    rows = connection.execute(sa.select(*_COLUMNS).order_by(sources.c.source))
    return tuple(_source(row) for row in rows)


def _source(row: sa.Row[Any]) -> Source:
    found = Source(*row)  # type: ignore[call-arg]
    return replace(found, events=tuple(found.events))


def subscribers(connection: sa.Connection, event: str) -> tuple[Source, ...]:
    """The sources whose callback wants this kind of event."""
    return tuple(
        source
        for source in list_sources(connection)
        if source.callback_url
        and source.disabled_at is None
        and (event in source.events or "*" in source.events)
    )


def save_source(writing: Writing, source: Source) -> None:
    """Keep the source, in place of one of the same name; audited without its secret.

    RequestError for a name or a callback that cannot be used.
    """
    faults = []
    if _NAME.fullmatch(source.source) is None:
        faults.append(
            f"the name {source.source[:60]!r} must have 1 to 40 small letters, digits, - or _"
        )
    if source.callback_url:
        faults += _callback_faults(source.callback_url)
    if len(source.secret) < 16:
        faults.append("the secret must have 16 characters or more")
    if faults:
        raise RequestError("source: " + "; ".join(faults), faults=faults)
    row = _row(writing.connection, source.source)
    values = {one.name: getattr(source, one.name) for one in fields(Source)}
    upsert(
        writing.connection, sources, [{**values, "events": list(source.events), **writing.stamp}]
    )
    writing.audit(
        "source.save",
        source.source,
        before=None if row is None else _shown(_source(row)),
        after=_shown(source),
    )


def _callback_faults(url: str) -> list[str]:
    parts = urlsplit(url) if url.isprintable() else urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or len(url) > URL_MAX:
        return [f"the callback {url[:80]!r} is no http or https address of {URL_MAX} characters"]
    if parts.username or parts.password:
        return ["the callback holds a password; requests are signed, leave it out"]
    return []


def _shown(source: Source) -> dict[str, Any]:
    return {
        "kind": source.kind,
        "callback_url": source.callback_url,
        "events": list(source.events),
        "disabled_at": None if source.disabled_at is None else source.disabled_at.isoformat(),
    }


def disable_source(writing: Writing, name: str) -> Source:
    """Take nothing more from the source and deliver nothing more to it; NotFound for no such."""
    found = find_source(writing.connection, name)
    if found.disabled_at is not None:
        return found
    disabled = replace(found, disabled_at=writing.at)
    save_source(writing, disabled)
    return disabled
