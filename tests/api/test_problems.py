"""Every error a user can meet is one problem document."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.problems import STATUS, error_of, problem_of
from wfm import errors
from wfm.errors import Fault, FileFaults, InternalFault, WfmError


def all_errors() -> list[type[WfmError]]:
    return [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, WfmError)]


def make(kind: type[WfmError]) -> WfmError:
    if kind is FileFaults:
        return FileFaults("a.csv", [Fault(2, "count", "-1", "must be 0 or more")])
    return kind("what, why, way out", value="x")


@pytest.fixture
def raising(app: FastAPI, client: TestClient) -> Any:
    """Calls a route of the app that raises the error it is given."""
    held: list[Exception] = []

    @app.get("/raises")
    def raises() -> None:
        raise held[0]

    def call(error: Exception) -> Any:
        held[:] = [error]
        return client.get("/raises")

    return call


@pytest.mark.parametrize("kind", all_errors(), ids=lambda c: c.__name__)
def test_every_error_class_is_told_by_the_table(kind: type[WfmError], raising):
    assert kind in STATUS, f"give {kind.__name__} its status in api.problems"
    answer = raising(make(kind))

    document = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.status_code == document["status"] == STATUS[kind][0]
    assert document["code"] == kind.code
    assert document["type"] == f"urn:wfm:problem:{kind.code}"
    assert {"title", "detail", "arguments"} <= set(document)


def test_no_two_classes_share_a_code():
    codes = [kind.code for kind in all_errors()]
    assert sorted(codes) == sorted(set(codes))


def test_the_sentence_and_its_arguments_reach_the_caller(raising):
    document = raising(errors.NotFound("no queue 'x'; there is y", queue="x")).json()
    assert document["detail"] == "no queue 'x'; there is y"
    assert document["arguments"] == {"queue": "x"}


@pytest.mark.parametrize("error", [RuntimeError("secret inside"), InternalFault("secret inside")])
def test_our_own_faults_are_logged_and_give_no_internals_away(error, raising, caplog):
    answer = raising(error)
    assert answer.status_code == 500
    assert "secret inside" not in answer.text
    assert answer.json()["code"] == "internal_fault"
    assert "secret inside" in caplog.text


def test_all_faults_of_a_request_are_told_at_once(client: TestClient, key_for):
    answer = client.get("/api/v1/staffing?from=yesterday", headers=key_for("queue-engine"))
    assert answer.status_code == 422
    assert [f["place"] for f in answer.json()["arguments"]["faults"]] == ["query.from", "query.to"]


def test_try_later_says_when(raising):
    assert raising(errors.StoreBusy("busy")).headers["retry-after"] == "1"


@pytest.mark.parametrize("kind", all_errors(), ids=lambda c: c.__name__)
def test_an_error_survives_being_kept_as_a_document(kind: type[WfmError]):
    told = problem_of(make(kind))
    again = error_of(json.loads(json.dumps(told)))
    assert type(again) is kind
    assert again.message == told["detail"]


@pytest.mark.parametrize(
    "error", [errors.SetupError, errors.StoreReadOnly, errors.StoreTooNew], ids=lambda c: c.__name__
)
def test_where_the_database_lies_is_logged_and_not_told_to_callers(error, raising, caplog):
    answer = raising(error("the database postgresql://ann@db.inside/wfm is no good", found="9"))
    assert answer.json()["code"] == error.code
    assert "db.inside" not in answer.text
    assert answer.json()["arguments"] == {}
    assert "db.inside" in caplog.text


def test_a_busy_store_is_a_line_in_the_log_and_no_traceback(raising, caplog):
    raising(errors.StoreBusy("busy"))
    (line,) = [r for r in caplog.records if r.name == "wfm.api"]
    assert (line.levelname, line.exc_info) == ("WARNING", None)
