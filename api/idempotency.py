"""`Idempotency-Key`: the same POST sent twice is done once and answered twice."""

from __future__ import annotations

import hashlib
import logging

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.answers import tell
from api.auth import caller_of
from wfm.errors import RequestError, StoreBusy, WfmError
from wfm.store import idempotency
from wfm.store.engine import Store
from wfm.store.idempotency import Answer
from wfm.timegrid import SystemClock

log = logging.getLogger("wfm.api")

MAX_KEY = 200

# Headers of an answer that mean the same when it is given again.
_REPEATED = ("content-type", "location", "etag")


class Idempotency:
    """Keeps the answer to a POST that bears the header, and gives it again.

    An answer that asks to try again, that turns the caller away, or that must not be stored since a
    secret is in it, is not kept.
    """

    def __init__(self, app: ASGIApp, store: Store) -> None:
        self.app = app
        self.store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = ""
        if scope["type"] == "http" and scope["method"] == "POST":
            key = Headers(scope=scope).get("idempotency-key", "")
        if not key or not scope.get("path", "").startswith("/api/"):
            await self.app(scope, receive, send)
            return
        body = await Request(scope, receive).body()
        try:
            actor, kept = await run_in_threadpool(self._begin, HTTPConnection(scope), key, body)
        except WfmError as error:
            await tell(error, f"POST {scope['path']}")(scope, receive, send)
            return
        if kept is not None:
            again = Response(
                kept.body, kept.status, {**kept.headers, "Idempotent-Replayed": "true"}
            )
            await again(scope, receive, send)
            return
        await self._answer_and_keep(scope, receive, send, key=key, actor=actor, body=body)

    def _begin(
        self, connection: HTTPConnection, key: str, body: bytes
    ) -> tuple[str, Answer | None]:
        actor = caller_of(connection, self.store).actor
        if len(key) > MAX_KEY:
            raise RequestError(f"the Idempotency-Key is longer than {MAX_KEY} characters")
        what = f"{connection.url.path}?{connection.url.query}\n".encode()
        digest = hashlib.sha256(what + body).digest()
        with self.store.writing(actor) as writing:
            return actor, idempotency.begin(writing, key, digest=digest, now=SystemClock().now())

    async def _answer_and_keep(
        self, scope: Scope, receive: Receive, send: Send, *, key: str, actor: str, body: bytes
    ) -> None:
        given = False
        secret = False
        status = 500
        headers: dict[str, str] = {}
        said = bytearray()

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def listening(message: Message) -> None:
            nonlocal status, headers, secret
            if message["type"] == "http.response.start":
                status = message["status"]
                found = MutableHeaders(scope=message)
                headers = {name: found[name] for name in _REPEATED if name in found}
                secret = found.get("cache-control") == "no-store"
            else:
                said.extend(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, replay, listening)
        finally:
            answer = Answer(status, headers, said.decode(errors="replace"))
            await run_in_threadpool(self._end, key, actor, None if secret else answer)

    def _end(self, key: str, actor: str, answer: Answer | None) -> None:
        try:
            with self.store.writing(actor) as writing:
                if answer is None or answer.status >= 500 or answer.status in (401, 403):
                    idempotency.release(writing, key)
                else:
                    idempotency.keep(writing, key, answer)
        except StoreBusy:
            # The caller has been answered; only a repetition within minutes will be told to wait.
            log.warning("the answer to Idempotency-Key %r of %s was not kept", key, actor)
