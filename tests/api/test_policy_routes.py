"""The doors to the policy, the outbox and the events; the service's own threads."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from api.queueengine import QueueEngine, engine_of
from tests.api.conftest import required_brand
from wfm.casequeue.outgoing import deliver
from wfm.casequeue.policysteps import predict_and_act
from wfm.casequeue.sending import Sent
from wfm.cases import Contact
from wfm.ingest.intake import take_in
from wfm.settings import Settings
from wfm.store import outbox
from wfm.store.brands import save_brand
from wfm.store.engine import Store
from wfm.store.sources import Source, save_source

BRAND = required_brand()
LATER = {"error": "hook answered 500"}


@pytest.fixture
def branded(store: Store) -> Store:
    with store.writing("test") as writing:
        save_brand(writing, BRAND)
    return store


@pytest.fixture
def lead(key_for) -> dict[str, str]:
    return key_for("team-lead")


def message(store: Store, author: str) -> None:
    contact = Contact(
        source="webhook",
        account="@care",
        native_id=author,
        queue="x",
        author=author,
        text="help",
        published_at=store.clock.now(),
    )
    take_in(store, contact, brand=BRAND, actor="test", raw_body="{}")


def test_the_policy_shows_what_is_predicted_and_which_steps_are_taken(
    branded: Store, client: TestClient, lead
):
    message(branded, "ann")
    predict_and_act(branded, brand=BRAND)

    answer = client.get("/api/v1/queues/policy", headers=lead)

    assert answer.status_code == 200
    x, mail = answer.json()["queues"]
    assert x["breaks"]
    assert "nobody is there" in x["outlook"]["reason"]
    assert sum(quarter["due"] for quarter in x["outlook"]["quarters"]) >= 1
    assert [step["action"] for step in x["steps"] if step["since"]] == ["acknowledge"]
    assert not mail["breaks"]


def test_before_anybody_has_looked_the_policy_says_so(branded: Store, client: TestClient, lead):
    queues = client.get("/api/v1/queues/policy", headers=lead).json()["queues"]
    assert {queue["looked_at"] for queue in queues} == {None}


def test_a_step_is_held_and_let_go(branded: Store, client: TestClient, lead, key_for):
    path = "/api/v1/queues/x/policy/steps/3"
    assert client.put(path, json={"on": True}, headers=lead).json() == [
        {
            "queue": "x",
            "step": 3,
            "action": "spike_mode",
            "taken": True,
            "reason": "it is held by hand",
        }
    ]
    assert client.put(path, json={"on": None}, headers=lead).json()[0]["taken"] is False
    assert client.put(path, json={}, headers=lead).status_code == 422
    assert (
        client.put(path.replace("/x/", "/y/"), json={"on": True}, headers=lead).status_code == 404
    )
    assert client.put(path[:-1] + "9", json={"on": True}, headers=lead).status_code == 400
    planner = key_for("planner")
    assert client.put(path, json={"on": True}, headers=planner).status_code == 403


@pytest.fixture
def letters(branded: Store) -> Store:
    with branded.writing("test") as writing:
        save_source(writing, Source("hook", "webhook", "s" * 16, "http://127.0.0.1:9/"))
        for key in ("a", "b", "c"):
            outbox.put(writing, kind="reply", target="hook", key=key, body={"text": key})
    return branded


def test_the_outbox_shows_what_failed_and_tries_it_again(letters: Store, client, lead, key_for):
    deliver(
        letters,
        send=lambda _, letter: Sent(**LATER) if letter.key == "b" else Sent(native_id="n"),
    )
    listed = client.get("/api/v1/outbox?limit=2", headers=lead).json()
    assert [letter["key"] for letter in listed["items"]] == ["c", "b"]
    assert (listed["waiting"], listed["failing"], listed["dead"]) == (1, 1, 0)
    rest = client.get(f"/api/v1/outbox?before={listed['next']}", headers=lead).json()
    assert [letter["native_id"] for letter in rest["items"]] == ["n"]
    new = client.get("/api/v1/outbox?state=new", headers=lead).json()["items"]
    assert [(letter["key"], letter["error"]) for letter in new] == [("b", "hook answered 500")]

    number = new[0]["outbox_id"]
    again = client.post(f"/api/v1/outbox/{number}/retry", headers=lead)
    assert again.json()["attempts"] == 0
    sent = rest["items"][0]["outbox_id"]
    assert client.post(f"/api/v1/outbox/{sent}/retry", headers=lead).status_code == 409
    assert client.post("/api/v1/outbox/999/retry", headers=lead).status_code == 404
    assert client.get("/api/v1/outbox", headers=key_for("planner")).status_code == 403


def test_an_agent_does_not_listen(branded: Store, client: TestClient, key_for):
    headers = key_for("agent", agent_id="amy")
    assert client.get("/api/v1/events", headers=headers).status_code == 403


def test_a_stream_of_no_length_gives_the_snapshot_and_what_is_there(
    branded: Store, client: TestClient, lead
):
    first = client.get("/api/v1/events?lasts_s=0", headers=lead)
    assert first.headers["content-type"].startswith("text/event-stream")
    assert "event: snapshot" in first.text
    position = first.text.split("id: ")[1].split("\n")[0]
    message(branded, "ann")

    more = client.get(f"/api/v1/events?lasts_s=2&after={position}", headers=lead).text

    assert "event: case.opened" in more
    assert "snapshot" not in more


# -- the service's threads -----------------------------------------------------------------------


def until(true, within_s: float = 10.0) -> None:
    ends = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.01)


def test_the_service_ticks_and_delivers_until_it_is_stopped(
    letters: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("api.queueengine.BEGINS_AFTER_S", 0.01)
    seen: list[str] = []
    with letters.writing("test") as writing:
        outbox.put(writing, kind="activity", target="crm", key="d", body={"what": "closed"})
    engine = QueueEngine(letters, record=lambda body, key: seen.append(key))
    engine.start()
    try:
        until(lambda: engine.last is not None and "d" in seen)
    finally:
        engine.stop()

    assert engine.last is not None
    assert engine.last.failed == {}
    assert not [t for t in threading.enumerate() if t.name in ("wfm-tick", "wfm-deliver")]


def test_without_a_brand_the_service_waits_for_one(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("api.queueengine.BEGINS_AFTER_S", 0.01)
    monkeypatch.setattr("api.queueengine.TICK_S", 0.01)
    engine = engine_of(store, Settings())
    engine.start()
    try:
        time.sleep(0.1)
        assert engine.last is None
        with store.writing("test") as writing:
            save_brand(writing, replace(BRAND))
        until(lambda: engine.last is not None)
    finally:
        engine.stop()
