"""The short way of signed deliveries: past the layers and the routing that they do not need.

They bear no key, ask for no page and are known again by the id they signed, and at a spike there
are hundreds a second. The route stands in the API's document as any other.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.answers import tell
from api.routes.inbound import deliver
from wfm.errors import WfmError


class InboundDoor:
    """Answers `POST {prefix}/inbound/{source}` itself; everything else goes on."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self.app = app
        self.path = f"{prefix}/inbound/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        source = self._source(scope)
        if source is None:
            await self.app(scope, receive, send)
            return
        try:
            answer = await deliver(source, Request(scope, receive))
        except WfmError as error:
            answer = tell(error, f"POST {scope['path']}")
        await answer(scope, receive, send)

    def _source(self, scope: Scope) -> str | None:
        if scope["type"] != "http" or scope["method"] != "POST":
            return None
        path: str = scope["path"]
        name = path.removeprefix(self.path)
        return name if name != path and name and "/" not in name else None
