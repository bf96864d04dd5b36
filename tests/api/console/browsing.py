"""The application served to a real browser, and what is watched there."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from api.app import create_app
from wfm.settings import Settings
from wfm.store.engine import Store

NO_JOBS: Any = SimpleNamespace(start=lambda: None, stop=lambda: None)
WAIT_MS = 20_000


@contextmanager
def serving(store: Store, jobs: Any = NO_JOBS) -> Iterator[str]:
    """The address of the application on `store`, served from a thread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        app = create_app(store, Settings(), jobs=jobs)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=20)


class Watched:
    """A page, what its console complained of, where it went and how much it loaded."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        self.bytes = 0
        page.set_default_timeout(WAIT_MS)
        page.on("console", lambda m: m.type == "error" and self.complaints.append(m.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        page.on("requestfinished", self._weigh)

    def _weigh(self, request: Any) -> None:
        self.bytes += request.sizes()["responseBodySize"]


def options(page: Any, dropdown: str, text: str) -> None:
    """Choose the option of a drop-down that reads so."""
    page.click(f"#{dropdown}")
    page.locator(".dash-dropdown-content").get_by_text(text, exact=True).click()
