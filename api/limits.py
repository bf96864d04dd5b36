"""ASGI layers around the whole application: body size, security headers, the console's door."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.answers import tell
from api.auth import Caller, caller_of
from wfm.errors import NotAllowed, NotSignedIn, TooLarge, WfmError
from wfm.store.engine import Store

MAX_BODY = 4 * 2**20

SIGN_IN = "/console/sign-in"

CONSOLE_ROLES = frozenset({"planner", "manager", "team-lead", "auditor"})

# Dash starts its renderer and puts styles inline; everything else must come from here.
_CONTENT = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

_HEADERS = {
    "Content-Security-Policy": _CONTENT,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # The one-time link carries a secret: no page may hand its address on.
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class SecurityHeaders:
    """Adds the headers that keep a browser from doing what nobody asked for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if not scope["path"].startswith("/console/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, with_headers)


class BodyLimit:
    """Refuses a request whose body is larger than `limit` bytes, announced or not."""

    def __init__(self, app: ASGIApp, limit: int = MAX_BODY) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced) > self.limit:
            await self._refuse(scope, receive, send)
            return
        taken = 0
        over = False
        answered = False

        async def counted() -> Message:
            nonlocal taken, over
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.limit:
                over = True
                # The application sees a client that went away; ours is the answer.
                return {"type": "http.disconnect"}
            return message

        async def unless_over(message: Message) -> None:
            nonlocal answered
            if not over:
                answered = True
                await send(message)

        try:
            await self.app(scope, counted, unless_over)
        except ClientDisconnect:
            if not over:
                raise
        if over and not answered:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = TooLarge(
            f"the body is larger than {self.limit:,} bytes; send it in parts", limit=self.limit
        )
        await tell(error, f"{scope['method']} {scope['path']}")(scope, receive, send)


class ConsoleDoor:
    """Lets only people who are signed in reach anything under /console/, callbacks included.

    A page sends them to the sign-in page; a callback or a WebSocket is refused.
    """

    def __init__(self, app: ASGIApp, store: Store) -> None:
        self.app = app
        self.store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        inside = path == "/console" or path.startswith("/console/")
        if scope["type"] not in ("http", "websocket") or not inside or path == SIGN_IN:
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        try:
            caller = await run_in_threadpool(self._admit, connection)
        except WfmError as error:
            await self._refuse(error, connection, scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        await self.app(scope, receive, send)

    def _admit(self, connection: HTTPConnection) -> Caller:
        caller = caller_of(connection, self.store)
        if caller.role not in CONSOLE_ROLES:
            raise NotAllowed(f"the console is not for a caller of the role {caller.role}")
        return caller

    @staticmethod
    async def _refuse(
        error: WfmError, connection: HTTPConnection, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "sign in first"})
        elif isinstance(error, NotSignedIn) and "text/html" in connection.headers.get("accept", ""):
            back = RedirectResponse(SIGN_IN, status_code=303)
            await back(scope, receive, send)
        else:
            await tell(error, f"{scope['method']} {scope['path']}")(scope, receive, send)
