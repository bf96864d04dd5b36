"""The service in this process, for benchmarks that go through its API."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import httpx

from api.app import create_app
from wfm.errors import WfmError
from wfm.settings import Settings
from wfm.store import access
from wfm.store.engine import Store
from wfm.timegrid import SystemClock

T = TypeVar("T")


class NoJobs:
    """Carries out no jobs: the day has none."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Service:
    """The API of the store, as machines and agents reach it.

    Requests go straight to the application, without a socket between. Its own threads are not
    started: whoever uses it here decides when what happens.
    """

    def __init__(self, store: Store, settings: Settings, *, role: str = "queue-engine") -> None:
        app = create_app(store, settings, jobs=NoJobs(), console=False)  # type: ignore[arg-type]
        with store.writing("benchmark") as writing:
            _, key = access.create_key(writing, role, now=SystemClock().now())
        # A loop in a thread of its own: a notebook runs one already.
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://127.0.0.1:8000/api/v1",
            headers={"Authorization": f"Bearer {key}"},
        )

    def post(self, path: str, body: Any) -> Any:
        """The document that a POST is answered with."""
        return self._answer("POST", path, json=body).json()

    def get(self, path: str, **asked: str) -> bytes:
        """What a GET is answered with."""
        return self._answer("GET", path, params=asked).content

    def _answer(self, method: str, path: str, **request: Any) -> httpx.Response:
        answer = self._wait(self._client.request(method, path, **request))
        if answer.is_error:
            raise WfmError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer

    def _wait(self, what: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result()

    def close(self) -> None:
        self._wait(self._client.aclose())
        self._wait(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
