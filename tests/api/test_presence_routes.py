"""Presence, tasks, supervision and exceptions over HTTP: who may, and what they are told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from wfm.brands import Brand, Queue
from wfm.calendars import ServiceWindow
from wfm.care import Care
from wfm.casequeue.assignment import assign_waiting
from wfm.sla import OpeningGoal, ServiceGoal, WorkLaw
from wfm.store import tables
from wfm.store.brands import save_brand
from wfm.store.engine import Store

API = "/api/v1"


@pytest.fixture
def brand(store: Store) -> Brand:
    """A brand of one queue around the clock; amy and bob are on shift today, one slot each."""
    goal, opening = ServiceGoal.first_response(), OpeningGoal()
    queue = Queue("x", "x", "@care", "en", ServiceWindow.always(), (goal,), opening, WorkLaw())
    brand = Brand("Testbrand", "UTC", (), (queue,), (), (), care=Care(automatic=True))
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
        shift = {"start": midnight, "end": tomorrow, "queues": "x", "slots": 1}
        w.connection.execute(
            tables.plan_on_shift.insert(),
            [{"plan_id": plan_id, "agent_id": agent, **shift} for agent in ("amy", "bob")],
        )
    return brand


@pytest.fixture
def at(client: TestClient, brand: Brand, key_for) -> Any:
    """Calls the API in a role: `at.lead.post(path, body)`."""

    class Door:
        def __init__(self, role: str, **options: str) -> None:
            self.headers = key_for(role, **options)

        def post(self, path: str, **body: Any) -> Any:
            return client.post(f"{API}{path}", json=body, headers=self.headers)

        def get(self, path: str) -> Any:
            return client.get(f"{API}{path}", headers=self.headers)

    class Doors:
        engine, lead, manager = Door("queue-engine"), Door("team-lead"), Door("manager")
        auditor = Door("auditor")
        amy, bob = Door("agent", agent_id="amy"), Door("agent", agent_id="bob")

    return Doors


@pytest.fixture
def case_id(store: Store, brand: Brand) -> int:
    """A case that waits, due in a quarter of an hour."""
    now = store.clock.now()
    with store.writing("test") as w:
        return int(
            w.connection.scalars(
                tables.cases.insert()
                .values(
                    queue="x",
                    author="ann",
                    author_id=1,
                    state="new",
                    severity=0,
                    received_at=now,
                    due_at=now + timedelta(minutes=15),
                    due_goal="first_response",
                    contacts=1,
                    opened_at=now,
                    **w.stamp,
                )
                .returning(tables.cases.c.case_id)
            ).one()
        )


def test_agents_sign_on_for_themselves_and_are_seen(at):
    assert at.amy.post("/presence/amy/sign-on").json()["state"] == "available"
    refused = at.amy.post("/presence/bob/sign-on")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert at.engine.post("/presence/bob/sign-on").status_code == 200
    assert at.bob.post("/presence/bob/away").json()["state"] == "away"
    seen = {one["agent_id"]: one for one in at.auditor.get("/presence").json()["agents"]}
    assert (seen["amy"]["is_here"], seen["bob"]["is_here"]) == (True, False)
    assert (seen["amy"]["slots"], seen["amy"]["queues"]) == (1, ["x"])
    assert at.amy.get("/presence").status_code == 403


def test_presence_that_makes_no_sense_is_told_in_words(at):
    off = at.engine.post("/presence/zoe/sign-on")
    assert (off.status_code, off.json()["code"]) == (409, "off_shift")
    beat = at.amy.post("/presence/amy/heartbeat")
    assert (beat.status_code, beat.json()["code"]) == (409, "illegal_move")
    assert "sign on first" in beat.json()["detail"]


def test_who_is_away_claims_nothing(at, case_id):
    at.amy.post("/presence/amy/sign-on")
    at.amy.post("/presence/amy/away")
    refused = at.amy.post("/cases/claim")
    assert refused.status_code == 409
    assert "sign on" in refused.json()["detail"]


def test_an_agent_finds_the_token_of_a_case_that_was_given_to_them(at, case_id, store, brand):
    at.amy.post("/presence/amy/sign-on")
    assign_waiting(store, brand=brand, actor="service:queue")
    assert at.bob.get("/presence/amy/cases").status_code == 403
    (held,) = at.amy.get("/presence/amy/cases").json()["items"]
    assert held["case"]["case_id"] == case_id
    answered = at.amy.post(
        f"/cases/{case_id}/answer", lease_token=held["lease_token"], text="Try this."
    )
    assert answered.json()["state"] == "answered"
    assert at.amy.get("/presence/amy/cases").json()["items"] == []


def test_a_lead_gives_takes_and_ends_cases_and_an_agent_does_not(at, case_id):
    given = at.lead.post(f"/cases/{case_id}/assign", agent_id="amy")
    assert (given.json()["state"], given.json()["agent_id"]) == ("assigned", "amy")
    assert "lease_token" not in given.json()
    taken = at.lead.post(f"/cases/{case_id}/take-away", reason="lunch")
    assert taken.json()["state"] == "new"
    at.lead.post(f"/cases/{case_id}/assign", agent_id="bob")
    for path, body in (
        ("assign", {"agent_id": "amy"}),
        ("take-away", {}),
        ("force-close", {"reason": "spam"}),
    ):
        assert at.amy.post(f"/cases/{case_id}/{path}", **body).status_code == 403
    closed = at.lead.post(f"/cases/{case_id}/force-close", reason="duplicate")
    assert (closed.json()["state"], closed.json()["closed_reason"]) == ("closed", "duplicate")


def test_an_agent_escalates_what_they_hold_with_their_token(at, case_id):
    token = at.amy.post("/cases/claim").json()["lease_token"]
    path = f"/cases/{case_id}/escalate"
    assert at.bob.post(path, reason="press", lease_token=token).status_code == 403
    assert at.amy.post(path, reason="press").status_code == 400
    handed = at.amy.post(path, reason="press", lease_token=token)
    assert (handed.json()["state"], handed.json()["needs_level"]) == ("new", 4)


def test_tasks_are_set_seen_and_ended_by_those_concerned(at, case_id, store):
    due = (store.clock.now() + timedelta(hours=1)).isoformat()
    path = f"/cases/{case_id}/tasks"
    call = {"kind": "callback", "title": "call back", "due_at": due, "agent_id": "bob"}
    assert at.amy.post(path, **call).status_code == 403  # not hers yet
    at.amy.post("/cases/claim")
    made = at.amy.post(path, **call)
    assert (made.status_code, made.json()["overdue"]) == (201, False)
    task_id = made.json()["task_id"]
    assert made.headers["location"] == f"{API}/tasks/{task_id}"
    assert at.amy.get("/tasks").json()["items"] == []
    assert [t["task_id"] for t in at.amy.get(f"/tasks?case_id={case_id}").json()["items"]] == [
        task_id
    ]
    assert [t["task_id"] for t in at.bob.get("/tasks?state=open").json()["items"]] == [task_id]
    assert at.lead.get("/tasks?overdue=true").json() == {"items": [], "next": None}
    done = at.bob.post(f"/tasks/{task_id}/done", result="reached her")
    assert (done.json()["state"], done.json()["result"]) == ("done", "reached her")
    assert at.lead.post(f"/tasks/{task_id}/cancel", reason="no").json()["code"] == "illegal_move"
    past = "2026-01-01T00:00:00Z"
    assert at.lead.post(path, **{**call, "due_at": past}).status_code == 400
    assert at.lead.post(path, **{**call, "kind": "fax"}).status_code == 422


def test_an_exception_over_the_limit_waits_for_somebody_whose_limit_covers_it(at, case_id):
    at.amy.post("/cases/claim")
    path = f"/cases/{case_id}/exceptions"
    assert at.bob.post(path, amount=5, reason="late").status_code == 403  # not his case
    assert at.engine.post(path, amount=5, reason="late").status_code == 403  # nobody answers for it
    assert at.amy.post(path, amount=20, reason="late").json()["state"] == "granted"
    asked = at.amy.post(path, amount=50, reason="later still")
    assert (asked.status_code, asked.json()["state"]) == (201, "asked")
    approve = f"/exceptions/{asked.json()['exception_id']}/approve"
    refused = at.amy.post(approve)
    assert (refused.status_code, refused.json()["arguments"]["limit"]) == (403, 20)
    assert [one["amount"] for one in at.auditor.get("/exceptions?state=asked").json()["items"]] == [
        50
    ]
    assert at.lead.post(approve).json()["state"] == "approved"
    assert at.manager.post(approve.replace("approve", "refuse")).json()["code"] == "illegal_move"
    assert at.amy.get(approve.removesuffix("/approve")).json()["state"] == "approved"
    for amount in (0, -1, 1e12, "NaN"):
        assert at.amy.post(path, amount=amount, reason="late").status_code == 422
