"""Keys: who gets in, how far, and until when."""

from __future__ import annotations

import sqlite3
import time
from datetime import timedelta

import pytest
from fastapi import Depends, FastAPI
from starlette.testclient import TestClient

from api.auth import Caller, require
from wfm.errors import NotFound, RequestError
from wfm.store import access
from wfm.store.engine import Store
from wfm.timegrid import SystemClock


@pytest.fixture
def who(app: FastAPI) -> str:
    """Path of a route for planners that says who called."""

    @app.get("/who")
    def who(caller: Caller = Depends(require("planner", "agent"))) -> dict:  # noqa: B008
        return {"actor": caller.actor, "role": caller.role, "agent_id": caller.agent_id}

    return "/who"


def test_without_a_key_the_answer_is_401_and_says_how_to_get_one(client: TestClient, who: str):
    answer = client.get(who)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "wfm key create" in answer.json()["detail"]


def test_a_key_tells_who_calls(client: TestClient, who: str, key_for):
    answer = client.get(who, headers=key_for("planner"))
    assert answer.status_code == 200
    assert answer.json()["role"] == "planner"
    assert answer.json()["actor"].startswith("key:")


def test_another_role_is_403_and_named(client: TestClient, who: str, key_for):
    answer = client.get(who, headers=key_for("auditor"))
    assert answer.status_code == 403
    assert answer.json()["arguments"] == {"role": "auditor", "roles": ["planner", "agent"]}


def test_an_agents_key_names_the_agent(client: TestClient, who: str, key_for):
    assert client.get(who, headers=key_for("agent", agent_id="a-7")).json()["agent_id"] == "a-7"


def test_only_an_agents_key_belongs_to_an_agent(store: Store):
    now = SystemClock().now()
    with store.writing("test") as writing:
        with pytest.raises(RequestError, match="agent_id"):
            access.create_key(writing, "agent", now=now)
        with pytest.raises(RequestError, match="agent_id"):
            access.create_key(writing, "planner", agent_id="a-7", now=now)
        with pytest.raises(RequestError, match="'king' is no role; choose one of planner"):
            access.create_key(writing, "king", now=now)


@pytest.mark.parametrize(
    "text", ["", "wfm", "wfm_", "wfm_x_y", "wfm_x", "bearer", "é", "wfm__", "a_b_c_d"]
)
def test_a_malformed_key_is_401(text: str, client: TestClient, who: str):
    answer = client.get(who, headers={"Authorization": f"Bearer {text}".encode()})
    assert answer.status_code == 401


def test_a_key_with_one_letter_changed_is_401(client: TestClient, who: str, key_for):
    headers = key_for("planner")
    last = headers["Authorization"][-1]
    headers["Authorization"] = headers["Authorization"][:-1] + ("a" if last != "a" else "b")
    assert client.get(who, headers=headers).status_code == 401


def test_a_revoked_key_is_401_from_then_on(client: TestClient, who: str, key_for, store: Store):
    headers = key_for("planner")
    assert client.get(who, headers=headers).status_code == 200
    with store.writing("test") as writing:
        (key,) = access.list_keys(writing.connection)
        access.revoke_key(writing, key.key_id, now=SystemClock().now())
        access.revoke_key(writing, key.key_id, now=SystemClock().now())
    assert client.get(who, headers=headers).status_code == 401


def test_revoking_a_key_that_is_not_there_is_told(store: Store):
    with store.writing("test") as writing, pytest.raises(NotFound, match="wfm key list"):
        access.revoke_key(writing, "nope", now=SystemClock().now())


def test_the_last_use_is_kept_to_the_minute(client: TestClient, who: str, key_for, store: Store):
    headers = key_for("planner")

    def last_used():
        with store.reading() as connection:
            (key,) = access.list_keys(connection)
        return key

    assert last_used().last_used_at is None
    client.get(who, headers=headers)
    first = last_used()
    client.get(who, headers=headers)
    assert last_used() == first
    assert not access.needs_touch(first, first.last_used_at + timedelta(seconds=59))
    assert access.needs_touch(first, first.last_used_at + timedelta(seconds=60))


def test_a_role_that_does_not_exist_cannot_be_required():
    with pytest.raises(ValueError, match="king"):
        require("king")


def test_a_request_that_reads_does_not_wait_for_who_writes(
    client: TestClient, who: str, key_for, store: Store
):
    headers = key_for("planner")
    other = sqlite3.connect(str(store.engine.url.database))
    other.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    assert client.get(who, headers=headers).status_code == 200
    assert time.monotonic() - begun < 2
    other.close()
