"""The same POST sent twice is done once."""

from __future__ import annotations

import threading

import pytest
from fastapi import Depends, FastAPI, Response
from starlette.testclient import TestClient

from api.auth import Caller, require
from wfm.errors import NotFound, StoreBusy


@pytest.fixture
def done(app: FastAPI) -> list[dict]:
    """What POST /api/v1/things has done; the thing named busy always asks to try later."""
    made: list[dict] = []

    @app.post("/api/v1/things", status_code=201)
    def make(
        thing: dict,
        response: Response,
        caller: Caller = Depends(require("planner")),  # noqa: B008
    ) -> dict:
        made.append(thing)
        if thing["name"] == "busy":
            raise StoreBusy("try again in a moment")
        if thing["name"] == "unknown":
            raise NotFound("no such thing")
        response.headers["Location"] = f"/api/v1/things/{len(made)}"
        return {"number": len(made), "by": caller.role}

    return made


@pytest.fixture
def send(client: TestClient, key_for, done: list[dict]):
    headers = key_for("planner")

    def post(name: str, key: str | None = "k-1", **extra: str):
        own = headers | extra
        if key is not None:
            own["Idempotency-Key"] = key
        return client.post("/api/v1/things", json={"name": name}, headers=own)

    return post


def test_the_same_request_is_done_once_and_answered_the_same(send, done: list[dict]):
    first, second = send("a"), send("a")
    assert len(done) == 1
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert second.headers["location"] == first.headers["location"] == "/api/v1/things/1"
    assert second.headers["idempotent-replayed"] == "true"


def test_the_key_with_another_body_is_a_conflict(send, done: list[dict]):
    send("a")
    answer = send("b")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert len(done) == 1


def test_without_a_key_or_with_another_it_is_done_again(send, done: list[dict]):
    send("a"), send("a", key=None), send("a", key=None), send("a", key="k-2")
    assert len(done) == 4


def test_two_callers_may_choose_the_same_key(send, key_for, done: list[dict]):
    send("a")
    assert send("a", **key_for("planner")).status_code == 201
    assert len(done) == 2


def test_a_refusal_is_repeated_but_try_later_is_tried_again(send, done: list[dict]):
    assert send("unknown", key="k-3").status_code == send("unknown", key="k-3").status_code == 404
    assert len(done) == 1
    assert send("busy", key="k-4").status_code == send("busy", key="k-4").status_code == 503
    assert len(done) == 3


def test_a_stranger_is_turned_away_and_leaves_nothing(client: TestClient, done: list[dict]):
    answer = client.post("/api/v1/things", json={}, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 401


def test_a_request_sent_again_while_the_first_works_is_told_so(
    app: FastAPI, client: TestClient, key_for
):
    entered, go_on = threading.Event(), threading.Event()

    @app.post("/api/v1/slow")
    def slow(_caller: Caller = Depends(require("planner"))) -> str:  # noqa: B008
        entered.set()
        assert go_on.wait(10)
        return "done"

    headers = key_for("planner") | {"Idempotency-Key": "k"}
    answers = []
    first = threading.Thread(
        target=lambda: answers.append(client.post("/api/v1/slow", headers=headers))
    )
    first.start()
    assert entered.wait(10)
    second = client.post("/api/v1/slow", headers=headers)
    go_on.set()
    first.join()
    assert second.status_code == 409
    assert "still being worked on" in second.json()["detail"]
    assert answers[0].status_code == 200
