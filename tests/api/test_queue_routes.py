"""Contacts in, cases out, over HTTP: what platforms, agents and leads call."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from wfm.brands import Brand, Queue
from wfm.calendars import ServiceWindow
from wfm.errors import StoreBusy
from wfm.sla import OpeningGoal, ServiceGoal, WorkLaw
from wfm.store import tables
from wfm.store.brands import save_brand
from wfm.store.engine import Store

API = "/api/v1"


def message(native_id: str = "m1", **fields: Any) -> dict[str, Any]:
    return {
        "source": "webhook",
        "account": "@care",
        "native_id": native_id,
        "queue": "x",
        "author": "ann",
        "text": "it does not work",
        "published_at": "2026-03-02T09:58:00+01:00",
        **fields,
    }


@pytest.fixture(autouse=True)
def staffed(store: Store) -> None:
    """A brand of one queue around the clock; amy and bob are on shift today, one slot each."""
    goal, opening = ServiceGoal.first_response(), OpeningGoal()
    queue = Queue("x", "x", "@care", "en", ServiceWindow.always(), (goal,), opening, WorkLaw())
    brand = Brand("Testbrand", "UTC", (), (queue,), (), ())
    midnight = store.clock.now().replace(hour=0)
    tomorrow = midnight + timedelta(days=1)
    with store.writing("test") as w:
        save_brand(w, brand)
        plan_id = w.connection.execute(
            tables.plans.insert()
            .values(
                state="published",
                version=1,
                starts_at=midnight,
                ends_at=tomorrow,
                seed=1,
                inputs={},
                summary={},
                published_at=w.at,
                **w.stamp,
            )
            .returning(tables.plans.c.plan_id)
        ).scalar_one()
        w.connection.execute(
            tables.plan_on_shift.insert(),
            [
                {
                    "plan_id": plan_id,
                    "agent_id": agent,
                    "start": midnight,
                    "end": tomorrow,
                    "queues": "x",
                    "slots": 1,
                }
                for agent in ("amy", "bob")
            ],
        )


@pytest.fixture
def engine(client: TestClient, key_for) -> TestClient:
    """A client with the queue engine's key."""
    client.headers.update(key_for("queue-engine"))
    return client


def claim(client: TestClient, agent_id: str = "amy") -> dict[str, Any]:
    answer = client.post(f"{API}/cases/claim", json={"agent_id": agent_id})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_message_is_taken_in_once_however_often_it_is_delivered(engine):
    answers = [engine.post(f"{API}/contacts", json=message()) for _ in range(3)]
    assert [a.status_code for a in answers] == [201, 200, 200]
    assert [a.json()["outcome"] for a in answers] == ["opened", "repeated", "repeated"]
    assert len({a.json()["case_id"] for a in answers}) == 1


def test_the_body_is_kept_as_it_was_sent(engine, store):
    body = json.dumps(message(text="🙂 سلام <script>"), indent=3, ensure_ascii=False)
    engine.post(
        f"{API}/contacts", content=body.encode(), headers={"Content-Type": "application/json"}
    ).raise_for_status()
    with store.reading() as connection:
        assert connection.scalar(sa.select(tables.raw_events.c.body)) == body


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (message(published_at="2026-03-02T09:58:00"), 422),
        (message(published_at="soon"), 422),
        (message(native_id=""), 422),
        (message(author="a" * 201), 422),
        (message(text="nul\0"), 422),
        (message(severity=-1), 422),
        (message(colour="red"), 422),
        (message(queue="fax"), 404),
        ({"text": "no ids"}, 422),
        ([message()], 422),
    ],
)
def test_a_message_at_fault_is_told_as_a_problem_and_nothing_is_kept(engine, store, body, status):
    answer = engine.post(f"{API}/contacts", json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    with store.reading() as connection:
        assert connection.execute(sa.select(tables.raw_events)).all() == []


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"text": "\xff\xfe"}',
        json.dumps(message()).replace("it does not work", "\\ud800").encode(),
    ],
    ids=["cut off", "no UTF-8", "half a character"],
)
def test_a_body_that_is_no_json_text_is_the_callers_fault(engine, body):
    answer = engine.post(
        f"{API}/contacts", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 422)


def test_a_bulk_tells_each_row_and_keeps_the_good_ones(engine):
    rows = [message("m1"), message("m2", queue="fax"), {"text": "?"}, message("m1"), message("m3")]
    document = engine.post(f"{API}/contacts/bulk", json=rows).json()
    outcomes = [
        r["taken"]["outcome"] if r["taken"] else r["problem"]["code"] for r in document["results"]
    ]
    assert outcomes == ["opened", "not_found", "invalid_request", "repeated", "joined"]
    assert (document["taken"], document["refused"]) == (3, 2)


def test_a_bulk_of_more_than_a_thousand_rows_is_refused(engine):
    rows = [message(f"m{i}") for i in range(1001)]
    assert engine.post(f"{API}/contacts/bulk", json=rows).status_code == 422


def test_a_case_is_claimed_answered_and_closed(engine):
    engine.post(f"{API}/contacts", json=message())
    claimed = claim(engine)
    case = claimed["case"]
    assert case["due_at"] == "2026-03-02T09:15:00Z"
    assert case["lease_until"] == "2026-03-02T09:10:00Z"
    assert case["messages"][0]["text"] == "it does not work"
    at = f"{API}/cases/{case['case_id']}"
    sent = {"lease_token": claimed["lease_token"], "text": "Try this."}
    answered = engine.post(f"{at}/answer", json=sent)
    assert answered.json()["state"] == "answered"
    assert answered.json()["first_response_at"] == "2026-03-02T09:00:00Z"
    again = engine.post(f"{at}/answer", json=sent)
    assert (again.status_code, again.json()["code"]) == (409, "lease_lost")
    assert engine.post(f"{at}/close", json={"reason": "solved"}).json()["state"] == "closed"
    assert engine.post(f"{at}/close", json={"reason": "solved"}).json()["code"] == "illegal_move"
    events = engine.get(at).json()["events"]
    assert [event["kind"] for event in events] == ["opened", "claimed", "answered", "closed"]


def test_a_case_is_renewed_and_given_back(engine):
    engine.post(f"{API}/contacts", json=message())
    claimed = claim(engine)
    at = f"{API}/cases/{claimed['case']['case_id']}"
    lease = {"lease_token": claimed["lease_token"]}
    assert engine.post(f"{at}/renew", json=lease).status_code == 200
    released = engine.post(f"{at}/release", json=lease).json()
    assert (released["state"], released["agent_id"]) == ("new", None)
    assert engine.post(f"{at}/renew", json=lease).json()["code"] == "lease_lost"


def test_an_empty_claim_says_null(engine):
    assert claim(engine) == {"case": None, "lease_token": None}


def test_an_agent_off_shift_or_with_full_hands_is_told(engine):
    for n in range(2):
        engine.post(f"{API}/contacts", json=message(f"m{n}", author=f"a{n}"))
    off = engine.post(f"{API}/cases/claim", json={"agent_id": "zoe"})
    assert (off.status_code, off.json()["code"]) == (409, "off_shift")
    claim(engine)
    full = engine.post(f"{API}/cases/claim", json={"agent_id": "amy"})
    assert (full.status_code, full.json()["code"]) == (409, "no_free_slot")


def test_an_agents_key_claims_for_its_agent_only_and_sees_only_their_cases(engine, key_for):
    for n in range(2):
        engine.post(f"{API}/contacts", json=message(f"m{n}", author=f"a{n}"))
    bobs = claim(engine, "bob")["case"]["case_id"]
    engine.headers.update(key_for("agent", agent_id="amy"))
    own = engine.post(f"{API}/cases/claim", json={})
    assert own.json()["case"]["agent_id"] == "amy"
    other = engine.post(f"{API}/cases/claim", json={"agent_id": "bob"})
    assert other.status_code == 403
    assert engine.get(f"{API}/cases/{own.json()['case']['case_id']}").status_code == 200
    assert engine.get(f"{API}/cases/{bobs}").status_code == 403
    closing = engine.post(f"{API}/cases/{bobs}/close", json={"reason": "spam"})
    assert closing.status_code == 403
    assert engine.get(f"{API}/cases").status_code == 403


def test_the_engine_must_say_for_whom_it_claims(engine):
    answer = engine.post(f"{API}/cases/claim", json={})
    assert (answer.status_code, "agent_id" in answer.json()["detail"]) == (400, True)


def test_cases_come_in_pages_that_fit_together(engine):
    for n in range(5):
        engine.post(f"{API}/contacts", json=message(f"m{n}", author=f"a{n}"))
    seen, cursor = [], None
    for _ in range(3):
        page = engine.get(
            f"{API}/cases", params={"limit": 2, **({"cursor": cursor} if cursor else {})}
        ).json()
        seen += [case["case_id"] for case in page["items"]]
        cursor = page["next"]
    assert cursor is None
    assert len(seen) == len(set(seen)) == 5
    claim(engine)
    assert len(engine.get(f"{API}/cases?state=assigned&queue=x").json()["items"]) == 1
    assert engine.get(f"{API}/cases?queue=y").json()["items"] == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/cases?cursor=nonsense", 400),
        ("/cases?cursor=é", 400),
        ("/cases?state=lost", 422),
        ("/cases?limit=0", 422),
        ("/cases?queue=%00", 422),
        ("/cases/99", 404),
        ("/cases/99999999999999", 422),
    ],
)
def test_a_question_at_fault_is_told_as_a_problem(engine, path, status):
    answer = engine.get(API + path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_overview_shows_the_queue_and_its_pool(engine):
    engine.post(f"{API}/contacts", json=message())
    document = engine.get(f"{API}/queues").json()
    assert document == {
        "as_of": "2026-03-02T09:00:00Z",
        "queues": [
            {
                "queue": "x",
                "is_open": True,
                "spike_mode": False,
                "waiting": 1,
                "oldest_received_at": "2026-03-02T09:00:00Z",
                "next_due_at": "2026-03-02T09:15:00Z",
                "late": 0,
                "on_shift": 2,
                "slots": 2,
                "held": 0,
                "alert": None,
            }
        ],
    }


def test_a_lead_puts_a_queue_into_spike_mode(client, key_for):
    client.headers.update(key_for("team-lead"))
    assert client.put(f"{API}/queues/x/spike-mode", json={"on": True}).status_code == 204
    assert client.get(f"{API}/queues").json()["queues"][0]["spike_mode"] is True
    assert client.put(f"{API}/queues/fax/spike-mode", json={"on": True}).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/contacts"),
        ("POST", "/contacts/bulk"),
        ("POST", "/cases/claim"),
        ("POST", "/cases/1/answer"),
        ("POST", "/cases/1/close"),
        ("GET", "/cases"),
        ("GET", "/cases/1"),
        ("GET", "/queues"),
        ("PUT", "/queues/x/spike-mode"),
    ],
)
def test_without_a_key_nothing_is_told(client, method, path):
    assert client.request(method, API + path, json={}).status_code == 401


def test_an_auditor_reads_and_changes_nothing(client, key_for):
    client.headers.update(key_for("auditor"))
    assert client.get(f"{API}/cases").status_code == 200
    assert client.post(f"{API}/contacts", json=message()).status_code == 403
    assert client.post(f"{API}/cases/claim", json={"agent_id": "amy"}).status_code == 403


def test_when_the_store_is_busy_a_bulk_is_refused_at_once(engine, monkeypatch: pytest.MonkeyPatch):
    tried = []

    def busy(*_arguments: object, **_options: object) -> None:
        tried.append(1)
        raise StoreBusy("the database is being written by others; try again in a moment")

    monkeypatch.setattr("api.routes.contacts.take_in_each", busy)
    rows = [message(native_id=f"m{i}") for i in range(5)]
    answer = engine.post("/api/v1/contacts/bulk", json=rows).json()
    assert (answer["taken"], answer["refused"], len(tried)) == (0, 5, 1)
    assert {row["problem"]["code"] for row in answer["results"]} == {"store_busy"}


def test_a_claim_while_another_process_writes_is_503_and_says_when_to_come_back(
    engine, store: Store
):
    store.busy_s = 0.1
    other = sqlite3.connect(str(store.engine.url.database))
    other.execute("BEGIN IMMEDIATE")
    answer = engine.post("/api/v1/cases/claim", json={"agent_id": "amy"})
    other.close()
    assert (answer.status_code, answer.json()["code"]) == (503, "store_busy")
    assert answer.headers["retry-after"] == "1"
