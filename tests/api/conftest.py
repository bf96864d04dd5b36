"""The application on an empty SQLite store, without a console and without a job worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.app import create_app
from wfm.settings import Settings
from wfm.store import access
from wfm.store.engine import Store, open_store
from wfm.timegrid import FixedClock, SystemClock

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ADDRESS = "http://127.0.0.1:8000"


class NoJobs:
    """Takes jobs and never carries one out."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, dict, str]] = []

    def start(self) -> None: ...

    def stop(self) -> None: ...


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    opened = open_store(settings.store_url, clock=FixedClock(NOW))
    yield opened
    opened.close()


@pytest.fixture
def app(store: Store, settings: Settings) -> FastAPI:
    return create_app(store, settings, jobs=NoJobs(), console=False)


@pytest.fixture
def client_of() -> Callable[[FastAPI], TestClient]:
    """A client that sees errors as a caller does, and follows nothing by itself."""

    def make(app: FastAPI) -> TestClient:
        return TestClient(
            app, base_url=ADDRESS, raise_server_exceptions=False, follow_redirects=False
        )

    return make


@pytest.fixture
def client(app: FastAPI, client_of) -> TestClient:
    return client_of(app)


@pytest.fixture
def key_for(store: Store) -> Callable[..., dict[str, str]]:
    """Headers of a new key of the role."""

    def make(role: str, **options: str) -> dict[str, str]:
        with store.writing("test") as writing:
            _, text = access.create_key(writing, role, now=SystemClock().now(), **options)
        return {"Authorization": f"Bearer {text}"}

    return make


@pytest.fixture
def link(store: Store) -> str:
    """Path of a new one-time link."""
    with store.writing("cli:ann") as writing:
        secret = access.create_link(writing, now=SystemClock().now())
    return f"/console/sign-in?token={secret}"
