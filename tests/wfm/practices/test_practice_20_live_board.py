"""A live picture of replies and follow-ups: what happens is on every screen within two seconds,
its figures equal what is asked for, and who was cut off for a while misses nothing."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from api.app import create_app
from api.service import listening
from tests.wfm.conftest import Desk
from wfm.casequeue.capacity import queue_overview
from wfm.settings import Settings
from wfm.store import access, cases
from wfm.store.brands import save_brand
from wfm.timegrid import SystemClock

on_sqlite = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


class NoJobs:
    """Takes no jobs."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


@dataclass
class Service:
    """A real service on the desk's store."""

    url: str
    headers: dict[str, str]

    @contextmanager
    def listen(self, *, after: str | None = None, **params: Any) -> Iterator[Iterator[dict]]:
        """The stream's events, each with its id, kind and data, and when it came."""
        headers = self.headers | ({"Last-Event-ID": after} if after else {})
        with httpx.stream(
            "GET", f"{self.url}/api/v1/events", headers=headers, params=params, timeout=20
        ) as answer:
            assert answer.status_code == 200, answer.read()
            yield events_of(answer.iter_lines())


def events_of(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    fields: dict[str, Any] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield {**fields, "data": json.loads(fields["data"]), "came": time.monotonic()}
            fields = {}
        else:
            fields = {}


@pytest.fixture
def service(staffed: Desk, tmp_path: Path) -> Iterator[Service]:
    with staffed.store.writing("test") as writing:
        save_brand(writing, staffed.brand)
        _, key = access.create_key(writing, "queue-engine", now=SystemClock().now())
    app = create_app(staffed.store, Settings(home=tmp_path), jobs=NoJobs(), console=False)
    with listening("127.0.0.1", 0) as bound:
        config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        yield Service(url, {"Authorization": f"Bearer {key}"})
        server.should_exit = True
        thread.join()


def take(events: Iterator[dict], count: int) -> list[dict]:
    return [next(events) for _ in range(count)]


def at_rate(desk: Desk, count: int, per_s: int) -> tuple[threading.Thread, dict[int, float]]:
    """Messages arrive at this rate; gives when each case was opened."""
    opened: dict[int, float] = {}

    def arrive() -> None:
        for number in range(count):
            taken = desk.message(f"author{number}")
            opened[taken.case_id] = time.monotonic()
            time.sleep(1 / per_s)

    thread = threading.Thread(target=arrive)
    thread.start()
    return thread, opened


@on_sqlite
def test_every_event_is_on_the_screen_within_two_seconds(staffed: Desk, service: Service):
    with service.listen() as events:
        assert next(events)["event"] == "snapshot"
        thread, opened = at_rate(staffed, 60, per_s=50)
        seen = take(events, 60)
        thread.join()

    assert {event["event"] for event in seen} == {"case.opened"}
    waits = sorted(event["came"] - opened[event["data"]["case_id"]] for event in seen)
    assert waits[int(0.95 * len(waits))] < 2.0


def test_who_was_cut_off_goes_on_where_they_were_and_misses_nothing(
    staffed: Desk, service: Service
):
    with service.listen() as events:
        next(events)
        thread, opened = at_rate(staffed, 30, per_s=200)
        seen = take(events, 10)
    thread.join()  # twenty more while nobody listens
    follow_up = staffed.take("amy")
    staffed.answer(follow_up)
    staffed.message(follow_up.case.author)

    with service.listen(after=seen[-1]["id"], lasts_s=3) as events:
        seen += take(events, 23)

    ids = [event["id"] for event in seen]
    assert len(set(ids)) == len(ids)
    told = [event["data"]["case_id"] for event in seen if event["event"] == "case.opened"]
    assert sorted(told) == sorted(opened)
    assert [event["event"] for event in seen[-3:]] == [
        "case.claimed",
        "case.answered",
        "case.reopened",
    ]


@on_sqlite
def test_the_snapshot_says_what_the_queue_itself_says(staffed: Desk, service: Service):
    for name in ("ann", "ben", "cleo"):
        staffed.message(name)
    staffed.take("amy")

    with service.listen(lasts_s=0) as events:
        snapshot = next(events)["data"]

    for told, queue in zip(
        snapshot["queues"], queue_overview(staffed.store, brand=staffed.brand), strict=True
    ):
        assert (told["queue"], told["waiting"], told["held"], told["late"]) == (
            queue.queue,
            queue.waiting,
            queue.held,
            queue.late,
        )
    assert {one["queue"] for one in snapshot["staffing"]} == {"x", "chat", "mail"}


@on_sqlite
def test_what_customers_wrote_is_not_in_the_stream(staffed: Desk, service: Service):
    with service.listen() as events:
        next(events)
        staffed.message("ann", text="my account is 4711")
        claimed = staffed.take("amy")
        staffed.answer(claimed, "Hello Ann")
        told = json.dumps(take(events, 3))

    assert "4711" not in told
    assert "Hello" not in told
    with staffed.store.reading() as connection:
        assert cases.messages_of(connection, claimed.case.case_id)[0].text.endswith("4711")


@on_sqlite
@pytest.mark.parametrize(
    ("params", "kinds"),
    [({"kind": "case.a"}, ["case.answered"]), ({"queue": "mail"}, ["case.opened"])],
)
def test_a_listener_may_ask_for_some_kinds_and_queues(
    staffed: Desk, service: Service, params: dict[str, str], kinds: list[str]
):
    with service.listen(**params, lasts_s=2) as events:
        next(events)
        staffed.message("ann")
        staffed.answer(staffed.take("amy"))
        staffed.message("moe", queue="mail")
        assert [event["event"] for event in take(events, len(kinds))] == kinds


@on_sqlite
def test_a_position_that_no_event_had_is_told(service: Service):
    answer = httpx.get(
        f"{service.url}/api/v1/events", headers=service.headers | {"Last-Event-ID": "yesterday"}
    )
    assert answer.status_code == 400
    assert "yesterday" in answer.json()["detail"]
