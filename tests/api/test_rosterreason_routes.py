"""Why a roster is as it is, over HTTP."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from starlette.testclient import TestClient

sys.path.insert(0, str(Path(__file__).parent))
from draftdesk import keep_desk, keep_plan

from scheduling.why.gap import Gap
from scheduling.why.more import Cure
from scheduling.why.shift import NotReason, Reason
from wfm.store.engine import Store

ROOT = "/api/v1/roster"
SHIFT = {"agent": "a1", "day": "2026-03-09"}
OTHER = SHIFT | {"template": "day4", "start_min": 720}
SHORT = {"queue": "x", "at": "2026-03-11T14:00:00+01:00"}


@pytest.fixture
def get(store: Store, client: TestClient, key_for: Callable[..., dict[str, str]]):
    """Answers to a planner, of a store with a published plan."""
    keep_desk(store)
    keep_plan(store)
    headers = key_for("planner")
    return lambda path, **params: client.get(f"{ROOT}/{path}", params=params, headers=headers)


def test_a_reason_is_told_whole(get):
    for path, params, kind, says in (
        ("why", SHIFT, Reason, "a1 has day4 08:00-12:00 on Mon 09 Mar"),
        ("why-not", OTHER, NotReason, "a1 does not have day4 at 12:00 on Mon 09 Mar"),
        ("why-short", SHORT, Gap, "x is short of 1."),
        ("more-agents", {"queue": "x"}, Cure, "x is short of "),
    ):
        answer = get(path, **params)

        assert answer.status_code == 200
        assert list(answer.json()) == [one.name for one in fields(kind)]
        assert answer.json()["sentence"].startswith(says)


def test_conflicts_doubts_and_fairness_are_lists(get):
    assert get("conflicts", agent="a1").json() == {"items": [], "minimum": None}
    assert get("doubts").json() == {"items": []}
    for before in (False, True):
        told = get("fairness", before=before).json()
        assert set(told["spread"]) == {row["kind"] for row in told["rows"]}
        assert len(told["rows"]) == 4 * len(told["spread"])


def test_what_cannot_be_answered_is_a_problem(get):
    for path, params, status, code in (
        ("why", SHIFT | {"agent": "zed"}, 404, "not_found"),
        ("why", SHIFT | {"roster": "draft-9"}, 404, "not_found"),
        ("why", SHIFT | {"roster": "next"}, 400, "bad_request"),
        ("why", SHIFT | {"day": "2027-01-01"}, 400, "bad_request"),
        ("why", {"agent": "a1"}, 422, "invalid_request"),
        ("why-not", OTHER | {"start_min": 1441}, 422, "invalid_request"),
        ("why-not", OTHER | {"start_min": 721}, 400, "bad_request"),
        ("why-not", OTHER | {"template": "zed"}, 404, "not_found"),
        ("why-short", SHORT | {"queue": "zed"}, 404, "not_found"),
        ("why-short", SHORT | {"at": "2026-04-01T00:00:00Z"}, 400, "bad_request"),
    ):
        answer = get(path, **params)

        assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_only_those_who_may_read_rosters_are_answered(get, client: TestClient, key_for):
    answer = client.get(f"{ROOT}/why", params=SHIFT, headers=key_for("queue-engine"))

    assert answer.status_code == 403
    assert client.get(f"{ROOT}/why", params=SHIFT).status_code == 401
