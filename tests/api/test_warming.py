"""The roster in force is made ready in the background, told, and in nobody's way."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

sys.path.insert(0, str(Path(__file__).parent))
from draftdesk import keep_plan

from api import warming as module
from api.app import create_app
from api.warming import Warming
from wfm.errors import DataError, StoreBusy
from wfm.settings import Settings
from wfm.store import plans
from wfm.store.engine import Store

PATH = "/api/v1/scenarios/readiness"


@pytest.fixture(autouse=True)
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEGINS_AFTER_S", 0.0)
    monkeypatch.setattr(module, "POLL_S", 0.01)


@pytest.fixture
def started() -> Iterator[Callable[..., Warming]]:
    """Starts warmings; all are stopped at the end."""
    running: list[Warming] = []

    def start(store: Store, warm: module.Warm) -> Warming:
        one = Warming(store, warm)
        running.append(one)
        one.start()
        return one

    yield start
    for one in running:
        one.stop()


def until(what: Callable[[], bool]) -> None:
    ends = time.monotonic() + 10
    while not what():
        assert time.monotonic() < ends, "it did not happen within ten seconds"
        time.sleep(0.005)


def test_a_store_without_a_plan_is_told_and_waited_for(store: Store, started):
    warming = started(store, lambda _store, _progress: None)

    until(lambda: warming.readiness.stage == "no roster is in force")

    assert not warming.readiness.ready
    assert warming.readiness.plan_id is None


def test_the_roster_in_force_is_made_ready_once_and_again_after_a_publish(
    store: Store, started, required_plan: int
):
    made: list[int] = []
    warming = started(store, lambda _store, _progress: made.append(1))
    until(lambda: warming.readiness.ready)
    assert (warming.readiness.plan_id, warming.readiness.done) == (required_plan, 1.0)
    time.sleep(0.1)
    assert made == [1]

    following = keep_plan(store)
    until(lambda: warming.readiness.ready and warming.readiness.plan_id == following)

    assert made == [1, 1]


def test_progress_is_told_and_never_goes_back(store: Store, started, required_plan: int):
    told: list[tuple[float, str]] = []

    def warm(_store: Store, progress) -> None:
        for done, stage in ((0.2, "reading"), (0.8, "simulating"), (0.5, "once more"), (0.9, "")):
            progress(done, stage)
            told.append((warming.readiness.done, warming.readiness.stage))
            assert warming.readiness.plan_id == required_plan

    warming = Warming(store, warm)
    warming.start()
    until(lambda: warming.readiness.ready)
    warming.stop()

    assert told == [(0.2, "reading"), (0.8, "simulating"), (0.8, "once more"), (0.9, "once more")]


def test_a_roster_that_cannot_be_made_ready_is_logged_and_the_next_one_tried(
    store: Store, started, required_plan: int, caplog: pytest.LogCaptureFixture
):
    def warm(_store: Store, _progress) -> None:
        with store.reading() as connection:
            if plans.find(connection, "current").plan_id == required_plan:
                raise DataError("its forecast is gone")

    with caplog.at_level(logging.ERROR, logger="wfm.warming"):
        warming = started(store, warm)
        until(lambda: "could not be prepared" in warming.readiness.stage)
    assert "its forecast is gone" in caplog.text
    assert not warming.readiness.ready

    keep_plan(store)
    until(lambda: warming.readiness.ready)


def test_a_busy_store_is_tried_again(store: Store, started, required_plan: int):
    tries: list[int] = []

    def warm(_store: Store, _progress) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise StoreBusy("locked")

    warming = started(store, warm)
    until(lambda: warming.readiness.ready)

    assert len(tries) == 3


def test_stopping_ends_it_at_its_next_word(store: Store, required_plan: int):
    begun, ended = threading.Event(), threading.Event()

    def warm(_store: Store, progress) -> None:
        try:
            while True:
                begun.set()
                time.sleep(0.005)
                progress(0.5, "simulating")
        finally:
            ended.set()

    warming = Warming(store, warm)
    warming.start()
    assert begun.wait(10)
    warming.stop()

    assert ended.is_set()
    assert not warming.readiness.ready


def test_neither_the_start_nor_the_end_of_a_service_waits_for_it(
    store: Store, settings: Settings, required_plan: int, monkeypatch: pytest.MonkeyPatch, client_of
):
    monkeypatch.setattr(module, "WAITED_FOR_S", 0.05)
    held = threading.Event()
    warming = Warming(store, lambda _store, _progress: held.wait(30) and None)
    app = create_app(store, settings, jobs=Idle(), console=False, warming=warming)
    began = time.monotonic()
    try:
        with client_of(app) as client:
            assert client.get("/healthz").status_code == 200
        assert time.monotonic() - began < 10
    finally:
        held.set()


class Idle:
    """Carries no job out."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


def test_readiness_is_answered_to_who_plans_and_to_nobody_else(
    store: Store, settings: Settings, required_plan: int, client_of, key_for
):
    app = create_app(
        store, settings, jobs=Idle(), console=False, warming=Warming(store, lambda _s, _p: None)
    )
    with client_of(app) as client:
        keys = key_for("planner")
        until(lambda: client.get(PATH, headers=keys).json()["ready"])

        assert client.get(PATH, headers=keys).json() == {
            "ready": True, "done": 1.0, "stage": "ready", "plan_id": required_plan,
        }  # fmt: skip
        assert client.get(PATH).status_code == 401
        assert client.get(PATH, headers=key_for("agent", agent_id="a1")).status_code == 403


def test_a_service_that_prepares_nothing_says_so(app: FastAPI, client: TestClient, key_for):
    answer = client.get(PATH, headers=key_for("planner")).json()

    assert answer["ready"] is False
    assert answer["stage"].startswith("this service prepares nothing")
