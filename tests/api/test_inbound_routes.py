"""The webhook's door: who signs gets in, once; what came is stored before it is answered."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

import api.inbox
from api.inbox import Inbox
from wfm.brands import Brand, Market, Queue
from wfm.calendars import ServiceWindow
from wfm.errors import StoreBusy
from wfm.ingest.signing import sign
from wfm.ingest.sources import new_source
from wfm.sla import OpeningGoal, ServiceGoal, WorkLaw
from wfm.store import deliveries, tables
from wfm.store.brands import save_brand
from wfm.store.engine import Store
from wfm.store.sources import Source, disable_source, save_source

DOOR = "/api/v1/inbound/shop"

BRAND = Brand(
    name="Testbrand",
    zone="Europe/Berlin",
    markets=(Market("germany", "DE", "Europe/Berlin"),),
    queues=(
        Queue(
            name="x",
            channel="x",
            handle="@care",
            language="en",
            window=ServiceWindow.always(),
            goals=(ServiceGoal.first_response(),),
            opening_goal=OpeningGoal(3600),
            work=WorkLaw(),
        ),
    ),
    contracts=(),
    templates=(),
)


def a_message(native_id: str = "m1", **fields: Any) -> dict[str, Any]:
    return {
        "id": native_id,
        "account": "@care",
        "author": {"id": "u1", "handle": "@ann"},
        "text": "it does not work",
        "published_at": "2026-03-02T08:59:00Z",
        **fields,
    }


class Sender:
    """A system that knows the secret, unless told otherwise."""

    def __init__(self, client: TestClient, source: Source) -> None:
        self.client = client
        self.source = source

    def post(
        self,
        body: bytes | dict[str, Any],
        *,
        key: str = "d1",
        timestamp: int | None = None,
        secret: str = "",
        sent: bytes | None = None,
        door: str = DOOR,
    ):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        at = int(time.time()) if timestamp is None else timestamp
        signature = sign(secret or self.source.secret, key, at, raw)
        headers = {"Wfm-Id": key, "Wfm-Timestamp": str(at), "Wfm-Signature": signature}
        return self.client.post(door, content=raw if sent is None else sent, headers=headers)


@pytest.fixture
def sender(store: Store, app, client_of) -> Iterator[Sender]:
    source = new_source("shop")
    with store.writing("test") as writing:
        save_brand(writing, BRAND)
        save_source(writing, source)
    with client_of(app) as client:
        yield Sender(client, source)


def count(store: Store, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
    with store.reading() as connection:
        query = sa.select(sa.func.count()).select_from(table).where(*conditions)
        return connection.scalars(query).one()


def eventually(reached: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not reached():
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.01)


def worked(store: Store) -> bool:
    return count(store, tables.deliveries, tables.deliveries.c.state == "new") == 0


def test_a_signed_delivery_is_stored_and_worked_into_a_case(sender: Sender, store: Store):
    answer = sender.post(a_message())
    assert (answer.status_code, answer.json()) == (202, {"id": "d1", "known": False})
    assert count(store, tables.deliveries) == 1
    eventually(lambda: worked(store))
    with store.reading() as connection:
        row = connection.execute(sa.select(tables.cases)).one()
        raw = connection.execute(sa.select(tables.raw_events)).one()
    assert (row.queue, row.author, row.source) == ("x", "u1", "shop")
    assert raw.delivery_id == 1


def test_a_repetition_is_known_a_replay_and_another_body_are_refused(sender: Sender, store: Store):
    at = int(time.time())
    sender.post(a_message(), timestamp=at - 5)
    again = sender.post(a_message(), timestamp=at)
    assert (again.status_code, again.json()["known"]) == (200, True)
    replayed = sender.post(a_message(), timestamp=at - 5)
    assert (replayed.status_code, replayed.json()["code"]) == (409, "replayed")
    other = sender.post(a_message("m2"), timestamp=at)
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    assert count(store, tables.deliveries) == 1


def test_forged_altered_and_unknown_are_told_alike_and_nothing_is_stored(
    sender: Sender, store: Store
):
    body = json.dumps(a_message()).encode()
    answers = [
        sender.post(body, secret="not the secret of this source"),
        sender.post(body, sent=body.replace(b"work", b"walk")),
        sender.post(body, door="/api/v1/inbound/nobody"),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["code"] == "signature_refused"
    assert count(store, tables.deliveries) == 0


def test_a_signature_from_another_time_is_refused_as_stale(sender: Sender):
    # Some of the machine's own time may pass meanwhile.
    for away in (-305, 330):
        answer = sender.post(a_message(), timestamp=int(time.time()) + away)
        assert (answer.status_code, answer.json()["code"]) == (401, "signature_stale")


def test_headers_that_are_missing_or_cannot_be_right_are_refused(sender: Sender):
    at = str(int(time.time()))
    good = {
        "Wfm-Id": "d1",
        "Wfm-Timestamp": at,
        "Wfm-Signature": sign(sender.source.secret, "d1", int(at), b"{}"),
    }
    for name in good:
        rest = {other: value for other, value in good.items() if other != name}
        answer = sender.client.post(DOOR, content=b"{}", headers=rest)
        assert answer.status_code == 401
        assert name in answer.json()["detail"]
    for name, value in (
        ("Wfm-Timestamp", "soon"),
        ("Wfm-Timestamp", "9" * 30),
        ("Wfm-Timestamp", "1_000"),
        ("Wfm-Signature", "v1=" + "0" * 300),
        ("Wfm-Id", "i" * 201),
        ("Wfm-Id", "d.1"),
    ):
        answer = sender.client.post(DOOR, content=b"{}", headers={**good, name: value})
        assert answer.status_code == 401


def test_a_disabled_source_is_refused_like_an_unknown_one(
    sender: Sender, store: Store, monkeypatch
):
    monkeypatch.setattr(api.inbox, "SOURCES_S", -1.0)
    with store.writing("test") as writing:
        disable_source(writing, "shop")
    assert sender.post(a_message()).json()["code"] == "signature_refused"


def test_an_idempotency_key_beside_the_signature_needs_no_other_key(sender: Sender):
    sender.client.headers["Idempotency-Key"] = "abc"
    assert sender.post(a_message()).status_code == 202


def test_malformed_json_is_stored_raw_and_set_aside_with_its_place(sender: Sender, store: Store):
    assert sender.post(b'{"id": "m1",').status_code == 202
    assert sender.post(a_message("m2"), key="d2").status_code == 202
    eventually(lambda: worked(store))
    with store.reading() as connection:
        (held,) = deliveries.page_of_quarantine(connection)
    assert held.body == b'{"id": "m1",'
    assert "not JSON: line 1, column 13" in (held.reason or "")
    assert count(store, tables.cases) == 1


def test_a_storm_beyond_what_can_wait_is_told_when_to_come_back_and_loses_nothing_accepted(
    sender: Sender, store: Store, monkeypatch
):
    monkeypatch.setattr(api.inbox, "WAITING_MAX", 3)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: sender.post(a_message(f"m{n}"), key=f"d{n}"), range(60)))
    accepted = [answer for answer in answers if answer.status_code == 202]
    refused = [answer for answer in answers if answer.status_code != 202]
    assert {answer.status_code for answer in refused} <= {429}
    assert all(answer.headers["retry-after"] == "1" for answer in refused)
    assert count(store, tables.deliveries) == len(accepted)
    eventually(lambda: worked(store))
    assert count(store, tables.contacts) == len(accepted)


def test_a_full_inbox_is_told_as_such(sender: Sender, monkeypatch):
    monkeypatch.setattr(api.inbox, "WAITING_MAX", 0)
    answer = sender.post(a_message())
    assert (answer.status_code, answer.json()["code"]) == (429, "inbox_full")
    assert answer.headers["retry-after"] == "1"


def test_a_store_that_is_busy_is_told_and_the_sender_tries_again(
    sender: Sender, store: Store, monkeypatch
):
    def busy(*_: object) -> None:
        raise StoreBusy("the database is being written by others")

    with monkeypatch.context() as patched:
        patched.setattr("wfm.ingest.inbox.accept", busy)
        assert sender.post(a_message()).status_code == 503
    assert sender.post(a_message()).status_code == 202


def test_what_waits_when_the_service_stops_is_committed(store: Store, app, client_of):
    inbox: Inbox = app.state.inbox
    source = new_source("shop")
    with store.writing("test") as writing:
        save_source(writing, source)
    with client_of(app) as client:
        assert Sender(client, source).post(a_message()).status_code == 202
    # Without a brand nothing could be worked: it waits for the next service.
    assert count(store, tables.deliveries, tables.deliveries.c.state == "new") == 1
    assert not any(thread.is_alive() for thread in inbox._threads)


# -- quarantine and sources ----------------------------------------------------------------------


def test_what_was_set_aside_is_shown_mended_and_worked(sender: Sender, store: Store, key_for):
    sender.post(a_message(account="@other"))
    eventually(lambda: worked(store))
    lead = key_for("team-lead")
    page = sender.client.get("/api/v1/quarantine", headers=lead).json()
    assert "'@other'" in page["items"][0]["reason"]
    assert page["next"] is None
    detail = sender.client.get("/api/v1/quarantine/1", headers=lead).json()
    assert json.loads(detail["body"])["id"] == "m1"

    with store.writing("test") as writing:
        queue = BRAND.queues[0]
        save_brand(writing, Brand(**{**vars(BRAND), "queues": (replaced(queue, "@other"),)}))
    answer = sender.client.post("/api/v1/quarantine/1/retry", headers=lead)
    assert answer.json()["state"] == "new"
    eventually(lambda: count(store, tables.cases) == 1)
    again = sender.client.post("/api/v1/quarantine/1/retry", headers=lead)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


def replaced(queue: Queue, handle: str) -> Queue:
    return Queue(**{**vars(queue), "handle": handle})


def test_a_delivery_is_dropped_with_a_reason_and_its_body_stays(sender: Sender, store, key_for):
    sender.post(b"[")
    eventually(lambda: worked(store))
    lead, auditor = key_for("team-lead"), key_for("auditor")
    path = "/api/v1/quarantine/1/drop"
    assert sender.client.post(path, json={"reason": "a"}, headers=auditor).status_code == 403
    answer = sender.client.post(path, json={"reason": "a test of theirs"}, headers=lead).json()
    assert (answer["state"], answer["reason"]) == ("done", "a test of theirs")
    assert sender.client.get("/api/v1/quarantine/1", headers=auditor).json()["body"] == "["


def test_a_source_is_made_with_a_secret_told_once(client: TestClient, key_for):
    manager = key_for("manager")
    made = client.put("/api/v1/sources/crm", json={}, headers=manager)
    assert made.status_code == 201
    assert len(made.json()["secret"]) >= 40
    assert made.headers["cache-control"] == "no-store"
    (listed,) = client.get("/api/v1/sources", headers=manager).json()
    assert "secret" not in listed
    assert client.delete("/api/v1/sources/crm", headers=manager).status_code == 204
    (listed,) = client.get("/api/v1/sources", headers=manager).json()
    assert listed["disabled_at"] is not None


def test_a_source_that_cannot_be_is_told(client: TestClient, key_for):
    manager = key_for("manager")
    for name, body, told in (
        ("Shop!", {}, "small letters"),
        ("shop", {"kind": "fax"}, "no kind of source"),
        ("shop", {"callback_url": "ftp://x"}, "no http or https"),
        ("shop", {"callback_url": "https://a:b@x"}, "holds a password"),
        ("shop", {"events": ["case.assigned"]}, "give its address"),
        ("shop", {"callback_url": "https://x", "events": ["no.such"]}, "no event 'no.such'"),
    ):
        answer = client.put(f"/api/v1/sources/{name}", json=body, headers=manager)
        assert answer.status_code == 400
        assert told in answer.json()["detail"]
