"""Who is calling, and whether their role reaches this far.

Machines send `Authorization: Bearer wfm_<key_id>_<secret>`; people carry the cookie that a one-time
link gave them. A route says whom it lets in:

    @router.get("/things")
    def things(caller: Annotated[Caller, Depends(require("planner", "manager"))]) -> ...:
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends
from starlette.requests import HTTPConnection

from api.deps import store_of
from wfm.errors import NotAllowed, NotSignedIn, StoreBusy
from wfm.roles import ROLES
from wfm.store import access
from wfm.store.engine import Store
from wfm.timegrid import SystemClock

COOKIE = "wfm_session"

_READS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Caller:
    """Somebody whose key or session was checked.

    actor     for the audit: "key:<key_id>" or "console:<person>"
    role      one of `wfm.roles.ROLES`
    agent_id  the one agent whose data a caller of the role `agent` may touch; None for all others
    """

    actor: str
    role: str
    agent_id: str | None = None


def signed_in(connection: HTTPConnection) -> Caller:
    """A dependency that gives the caller, whoever they are; asked once a request."""
    return caller_of(connection, store_of(connection))


def require(*roles: str) -> Callable[[Caller], Caller]:
    """A dependency that gives the caller, if they have one of `roles`; no roles lets all in.

    Raises NotSignedIn without a good key or session, NotAllowed with another role.
    """
    unknown = set(roles) - set(ROLES)
    if unknown:
        raise ValueError(f"no such role: {', '.join(sorted(unknown))}")

    def admitted(caller: Annotated[Caller, Depends(signed_in)]) -> Caller:
        if roles and caller.role not in roles:
            raise NotAllowed(
                f"a caller of the role {caller.role} may not do this; "
                f"it takes {' or '.join(roles)}",
                role=caller.role,
                roles=list(roles),
            )
        return caller

    return admitted


def caller_of(connection: HTTPConnection, store: Store) -> Caller:
    """The caller behind the request's key or cookie; NotSignedIn when neither is good."""
    now = SystemClock().now()
    scheme, _, text = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        with store.reading() as reading:
            key = access.key_of(reading, text.strip())
        if key is None:
            raise NotSignedIn("this key is unknown or was revoked; `wfm key create` makes one")
        if access.needs_touch(key, now):
            # Reading staffing must not wait for whoever writes a plan.
            with suppress(StoreBusy), store.writing_if_free(f"key:{key.key_id}") as writing:
                access.touch_key(writing, key.key_id, now)
        return Caller(f"key:{key.key_id}", key.role, key.agent_id)

    secret = connection.cookies.get(COOKIE)
    if secret:
        with store.reading() as reading:
            session = access.session_of(reading, secret, now=now)
        if session is not None:
            _refuse_foreign_origin(connection)
            return Caller(f"console:{session.person.partition(':')[2]}", session.role)
        raise NotSignedIn("your session has ended; `wfm sign-in-link` prints a new link")
    raise NotSignedIn(
        "no key was sent; add the header 'Authorization: Bearer wfm_...' "
        "(`wfm key create` makes a key), or sign in to the console"
    )


def _refuse_foreign_origin(connection: HTTPConnection) -> None:
    """Refuse a change asked for by another site's page, to which a browser lends our cookie."""
    reads = connection.scope["type"] == "http" and connection.scope["method"] in _READS
    if reads:
        return
    site = connection.headers.get("sec-fetch-site")
    origin = connection.headers.get("origin")
    if origin is not None:
        own = urlsplit(origin).netloc.lower() == connection.headers.get("host", "").lower()
    else:
        own = site is None or site in ("same-origin", "none")
    if not own or site == "cross-site":
        raise NotAllowed("this request comes from another site's page; use the console's own")
