"""Making a source: a name, a connector and a secret that is told once.

On the live queue's path: standard library only.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from wfm.errors import RequestError
from wfm.ingest.inbox import CONNECTORS
from wfm.store.sources import EVENTS, Source

KINDS = tuple(sorted(CONNECTORS))

# Random bits of a secret; as text 43 characters.
SECRET_BYTES = 32


def new_source(
    name: str, *, kind: str = "webhook", callback_url: str = "", events: Sequence[str] = ()
) -> Source:
    """A source with a secret of its own; RequestError for a kind or an event there is not."""
    if kind not in KINDS:
        raise RequestError(f"{kind!r} is no kind of source; there is {', '.join(KINDS)}", kind=kind)
    unknown = sorted(set(events) - {*EVENTS, "*"})
    if unknown:
        raise RequestError(
            f"there is no event {unknown[0]!r}; a callback may ask for {', '.join(EVENTS)} or *",
            events=unknown,
        )
    if events and not callback_url:
        raise RequestError("events are delivered to a callback; give its address, too")
    return Source(
        source=name,
        kind=kind,
        secret=secrets.token_urlsafe(SECRET_BYTES),
        callback_url=callback_url,
        events=tuple(dict.fromkeys(events)),
    )
