"""Moves of a case over HTTP: who may, what comes back, what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from wfm.brands import Brand, Queue
from wfm.calendars import ServiceWindow
from wfm.cases import Contact
from wfm.ingest.intake import take_in
from wfm.sla import OpeningGoal, ServiceGoal, WorkLaw
from wfm.store import tables
from wfm.store.brands import save_brand
from wfm.store.engine import Store

API = "/api/v1/cases"


@pytest.fixture
def opened(store: Store) -> list[int]:
    """Two cases of a brand with two queues; amy is on shift today."""
    queues = tuple(
        Queue(
            name, "x", "@care", "en", ServiceWindow.always(), (ServiceGoal(),), OpeningGoal(),
            WorkLaw(),
        )
        for name in ("x", "chat")
    )  # fmt: skip
    brand = Brand("Testbrand", "UTC", (), queues, (), ())
    now = store.clock.now()
    day = {"starts_at": now.replace(hour=0), "ends_at": now + timedelta(days=1)}
    with store.writing("test") as w:
        save_brand(w, brand)
        plan = {"state": "published", "version": 1, "seed": 1, "inputs": {}, "summary": {}}
        plan_id = w.connection.execute(
            tables.plans.insert()
            .values(**plan, **day, published_at=now, **w.stamp)
            .returning(tables.plans.c.plan_id)
        ).scalar_one()
        w.connection.execute(
            tables.plan_on_shift.insert().values(
                plan_id=plan_id, agent_id="amy", start=day["starts_at"], end=day["ends_at"],
                queues="x chat", slots=2,
            )
        )  # fmt: skip
    return [
        take_in(
            store,
            Contact("webhook", "@care", f"m-{author}", "x", author, "help", now),
            brand=brand,
            actor="key:hook",
            raw_body="{}",
        ).case_id
        for author in ("ann", "ben")
    ]


@pytest.fixture
def lead(client: TestClient, key_for, opened: list[int]):
    """Posts a move as a team lead; gives status and document."""
    headers = key_for("team-lead")

    def post(case_id: int, move: str, body: dict[str, Any] | None = None):
        answer = client.post(f"{API}/{case_id}/{move}", json=body or {}, headers=headers)
        return answer.status_code, answer.json()

    return post


def test_a_lead_pauses_resumes_moves_and_marks_a_case(lead, opened):
    case_id = opened[0]
    until = "2026-03-02T12:00:00+02:00"
    status, case = lead(case_id, "pause", {"reason": "asked the warehouse", "until": until})
    assert (status, case["state"], case["paused_until"]) == (200, "paused", "2026-03-02T10:00:00Z")
    status, case = lead(case_id, "resume")
    assert (status, case["state"], case["paused_until"]) == (200, "new", None)
    status, case = lead(case_id, "move", {"queue": "chat", "reason": "wrong desk"})
    assert (status, case["queue"]) == (200, "chat")
    status, case = lead(case_id, "severity", {"severity": 3})
    assert (status, case["severity"]) == (200, 3)
    status, case = lead(case_id, "acknowledge", {"text": "We are on it."})
    assert (status, case["state"], case["first_response_at"]) == (200, "new", None)


def test_merged_cases_go_on_in_one_and_the_other_is_not_reopened(lead, opened, client, key_for):
    one, two = opened
    status, kept = lead(one, "merge", {"into": two})
    assert (status, kept["case_id"], kept["contacts"]) == (200, two, 2)
    detail = client.get(f"{API}/{two}", headers=key_for("team-lead")).json()
    assert [message["author"] for message in detail["messages"]] == ["ann", "ben"]
    status, problem = lead(one, "reopen", {"reason": "again"})
    assert (status, problem["code"]) == (409, "illegal_move")
    assert problem["detail"] == f"case {one} was merged into case {two}; go on there"


def test_a_closed_case_is_reopened_with_a_reason(lead, opened):
    assert lead(opened[0], "close", {"reason": "spam"})[0] == 200
    status, case = lead(opened[0], "reopen", {"reason": "it was none"})
    assert (status, case["state"]) == (200, "new")


def test_an_agent_pauses_and_hands_on_what_they_hold_and_nothing_else(
    lead, opened, client, key_for
):
    amy = key_for("agent", agent_id="amy")
    token = client.post(f"{API}/claim", json={}, headers=amy).json()["lease_token"]
    held, other = opened

    def post(case_id: int, move: str, **body: Any) -> int:
        return client.post(f"{API}/{case_id}/{move}", json=body, headers=amy).status_code

    assert post(other, "pause", reason="later") == 403
    assert post(held, "merge", into=other) == 403
    assert post(held, "move", queue="chat") == 409
    assert post(held, "move", queue="chat", lease_token=token) == 200


@pytest.mark.parametrize(
    ("move", "body", "status"),
    [
        ("pause", {"reason": ""}, 422),
        ("pause", {"reason": "later", "until": "2026-03-02T08:00:00Z"}, 400),
        ("pause", {"reason": "later", "until": "tomorrow"}, 422),
        ("move", {"queue": "fax"}, 404),
        ("move", {"queue": "x"}, 400),
        ("merge", {"into": 99}, 404),
        ("severity", {"severity": 101}, 422),
        ("severity", {}, 422),
        ("acknowledge", {"text": " "}, 400),
        ("resume", None, 409),
        ("reopen", {"reason": "again"}, 409),
        ("pause", {"reason": "later", "who": "me"}, 422),
    ],
)
def test_what_cannot_be_done_is_a_problem_in_words(lead, opened, move, body, status):
    got, problem = lead(opened[0], move, body)
    assert (got, problem["status"]) == (status, status)
    assert problem["detail"]
