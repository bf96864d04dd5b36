"""The requirement over HTTP: why it is what it is, and what other promises would cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields

import pytest
from starlette.testclient import TestClient

from api.planning import requirements
from scheduling.explain import Explanation, Relaxation
from wfm.store.engine import Store

WHY = "/api/v1/requirement/why"
COST = "/api/v1/requirement/cost"
AT = {"queue": "x", "at": "2026-03-02T13:07:00+01:00"}


@pytest.fixture
def get(client: TestClient, key_for: Callable[..., dict[str, str]]):
    """Answers to a planner."""
    headers = key_for("planner")
    return lambda path, **params: client.get(path, params=params, headers=headers)


def test_why_an_interval_needs_its_agents(get, required_plan: int):
    answer = get(WHY, **AT)
    told = answer.json()
    assert answer.status_code == 200
    assert list(told) == [one.name for one in fields(Explanation)]
    assert (told["queue"], told["start"]) == ("x", "2026-03-02T12:00:00Z")
    assert max(told["needs"], key=told["needs"].get) == told["binding"]
    assert told["sentence"].startswith(f"x needs {told['agents']} agents at Mon 02 Mar 13:00.")
    assert list(told["relaxations"][0]) == [one.name for one in fields(Relaxation)]


def test_what_is_promised_otherwise_costs(get, store: Store, required_plan: int):
    answer = get(COST, queue="mail", share=[0.8, 0.95], risk="expected")
    told = answer.json()
    assert answer.status_code == 200
    assert [(one["share"], one["risk_quantile"]) for one in told["items"]] == [
        (0.8, None),
        (0.95, None),
    ]
    (own,) = requirements.promise_costs(store, "current", queue="mail")
    assert told["own"] == asdict(own)
    assert told["plan_hours"] == pytest.approx(own.hours)


def test_a_promise_out_of_reach_is_an_answer_with_its_reason(get, required_plan: int):
    told = get(COST, plan=str(required_plan), threshold_s=60).json()
    (one,) = told["items"]
    assert (told["own"]["reachable"], one["reachable"], one["hours"]) == (True, False, None)
    assert "cannot be met by any number of agents" in one["reason"]


WRONG = (
    (WHY, AT | {"queue": "z"}, 404, "not_found"),
    (WHY, AT | {"at": "2026-03-09T13:00:00Z"}, 404, "not_found"),
    (WHY, AT | {"plan": "some"}, 400, "bad_request"),
    (COST, {"share": 1.5}, 422, "data_error"),
    (COST, {"share": "nan"}, 422, "data_error"),
    (COST, {"risk": "0.3"}, 400, "bad_request"),
    (COST, {"threshold_s": 0}, 422, "data_error"),
    (COST, {"share": "inf"}, 422, "data_error"),
    (COST, {"risk": "nan"}, 400, "bad_request"),
    (COST, {"risk": "1e999"}, 400, "bad_request"),
    (COST, {"threshold_s": "1e400"}, 422, "invalid_request"),
    (WHY, AT | {"at": "9999-12-31T23:59:59Z"}, 422, "invalid_request"),
    (WHY, AT | {"plan": "9" * 400}, 400, "bad_request"),
    (WHY, AT | {"queue": "\0"}, 404, "not_found"),
    (COST, dict.fromkeys(("share", "threshold_s", "risk"), ["900"] * 900), 400, "bad_request"),
)


def test_what_cannot_be_answered_is_a_problem_document(get, required_plan: int):
    for path, params, status, code in WRONG:
        answer = get(path, **params)
        assert (answer.status_code, answer.json().get("code")) == (status, code), params


def test_the_queue_engine_and_strangers_may_not_ask(
    client: TestClient, key_for: Callable[..., dict[str, str]], required_plan: int
):
    assert client.get(WHY, params=AT).status_code == 401
    for path in (WHY, COST):
        answer = client.get(path, params=AT, headers=key_for("queue-engine"))
        assert answer.status_code == 403
