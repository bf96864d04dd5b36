"""Plans over HTTP: listed, read, published once; and the job that makes one."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient

from api.worker import Work, make_plan
from wfm.errors import Cancelled
from wfm.frames import (
    ATTAINMENTS,
    FORECAST,
    INSTANT,
    NEEDS,
    ON_SHIFT,
    REQUIREMENT,
    ROSTER,
    STAFFING,
)
from wfm.progress import silent
from wfm.store import jobs, plans
from wfm.store.engine import Store
from wfm.store.forecasts import Version


def instants(*values: datetime) -> pd.Series:
    return pd.Series(values, dtype=INSTANT)


def insert_draft(store: Store, job_id: str | None = None) -> int:
    """A draft of one day with one interval of requirement and one shift."""
    start = store.clock.now()
    requirement = REQUIREMENT.check(
        pd.DataFrame(
            {
                "start": instants(start),
                "queue": pd.Series(["x"], dtype="str"),
                "workload": [1.5],
                "first_workload": [0.7],
                "factor": [1.1],
                **{key: [1.8] for key in NEEDS},
                "agents": [2],
                "agents_exact": [1.8],
                **{key: [np.nan] for key in ATTAINMENTS},
                "binding": pd.Series(["first"], dtype="str"),
            }
        )
    )
    roster = ROSTER.check(
        pd.DataFrame(
            {
                "agent_id": pd.Series(["a", "a"], dtype="str"),
                "start": instants(start, start + timedelta(hours=2)),
                "end": instants(start + timedelta(hours=2), start + timedelta(hours=4)),
                "activity": pd.Series(["on_queue", "meal"], dtype="str"),
                "queue": pd.Series(["", ""], dtype="str"),
                "template": pd.Series(["early", "early"], dtype="str"),
                "pinned": [False, False],
            }
        )
    )
    with store.writing("ann") as writing:
        return plans.insert_draft(
            writing,
            job_id=job_id,
            start=start,
            end=start + timedelta(days=1),
            seed=1,
            lineage={"policy": "1"},
            summary={"gap": 0.01},
            certificate={"goals": []},
            forecast=Version(FORECAST.empty()),
            frames={
                "requirement": requirement,
                "roster": roster,
                "staffing": STAFFING.empty(),
                "on_shift": ON_SHIFT.empty(),
            },
        )


@pytest.fixture
def planner(key_for) -> dict[str, str]:
    return key_for("planner")


def test_a_plan_is_read_with_its_figures_and_certificate(client: TestClient, store, planner):
    plan_id = insert_draft(store)
    for which in (str(plan_id), "latest"):
        answer = client.get(f"/api/v1/plans/{which}", headers=planner)
        plan = answer.json()
        assert (plan["plan_id"], plan["state"], plan["version"]) == (plan_id, "draft", None)
        assert (plan["summary"], plan["certificate"]) == ({"gap": 0.01}, {"goals": []})
        assert answer.headers["etag"] == f'"plan-{plan_id}-draft"'
    assert client.get("/api/v1/plans/current", headers=planner).status_code == 404
    assert client.get("/api/v1/plans/newest", headers=planner).status_code == 400
    assert client.get("/api/v1/plans/99", headers=planner).status_code == 404


def test_a_draft_is_published_once_and_a_lost_edit_is_412(client: TestClient, store, planner):
    plan_id = insert_draft(store)
    path = f"/api/v1/plans/{plan_id}"
    etag = client.get(path, headers=planner).headers["etag"]

    stale = client.post(f"{path}/publish", headers=planner | {"If-Match": '"plan-9-draft"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "lost_edit")
    done = client.post(f"{path}/publish", headers=planner | {"If-Match": etag})
    assert done.json() == {"plan_id": plan_id, "version": 1}
    late = client.post(f"{path}/publish", headers=planner | {"If-Match": etag})
    assert late.status_code == 412
    again = client.post(f"{path}/publish", headers=planner)
    assert (again.status_code, again.json()["code"]) == (409, "illegal_move")
    assert client.get("/api/v1/plans/current", headers=planner).json()["version"] == 1


def test_only_planners_publish(client: TestClient, store, key_for):
    plan_id = insert_draft(store)
    for role in ("auditor", "team-lead", "queue-engine"):
        answer = client.post(f"/api/v1/plans/{plan_id}/publish", headers=key_for(role))
        assert answer.status_code == 403


def test_plans_are_listed_newest_first_in_pages(client: TestClient, store, planner):
    ids = [insert_draft(store) for _ in range(3)]
    first = client.get("/api/v1/plans?limit=2", headers=planner).json()
    assert [p["plan_id"] for p in first["items"]] == ids[:0:-1]
    rest = client.get(f"/api/v1/plans?limit=2&before={first['next']}", headers=planner).json()
    assert [p["plan_id"] for p in rest["items"]] == ids[:1]
    assert rest["next"] is None


def test_a_plans_tables_are_rows_with_instants_and_nulls(client: TestClient, store, planner):
    plan_id = insert_draft(store)
    (row,) = client.get(f"/api/v1/plans/{plan_id}/requirement", headers=planner).json()["rows"]
    assert row["start"] == "2026-03-02T09:00:00Z"
    assert (row["agents"], row["attainment"], row["binding"]) == (2, None, "first")

    path = f"/api/v1/plans/{plan_id}/roster"
    assert len(client.get(path, headers=planner).json()["rows"]) == 2
    query = "?from=2026-03-02T10:00:00Z&to=2026-03-02T12:00:00Z"
    (meal,) = client.get(path + query, headers=planner).json()["rows"]
    assert (meal["activity"], meal["end"]) == ("meal", "2026-03-02T13:00:00Z")
    assert client.get(f"/api/v1/plans/{plan_id}/forecast", headers=planner).json()["rows"] == []
    assert client.get(f"/api/v1/plans/{plan_id}/secrets", headers=planner).status_code == 422


JOB = "job-1"


def work_on(store: Store) -> Work:
    return Work(
        store=store,
        job_id=JOB,
        request={"start": "2026-03-09", "publish": True},
        actor="ann",
        progress=silent,
        tell=lambda *_words, **_arguments: None,
    )


@pytest.fixture
def computed(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A mark for each plan that was computed, by a planning job that the store knows."""
    made: list[int] = []

    def compute_plan(_inputs: object, _progress: object) -> SimpleNamespace:
        made.append(1)
        return SimpleNamespace(messages=())

    monkeypatch.setattr("api.planning.plan.compute_plan", compute_plan)
    monkeypatch.setattr("api.planning.records.load", lambda _store, _request: None)
    monkeypatch.setattr(
        "api.planning.records.save_draft", lambda store, *_, job_id: insert_draft(store, job_id)
    )
    with store.writing("ann") as writing:
        jobs.insert_job(writing, JOB, "plan", {})
    return made


@pytest.mark.parametrize("killed_after", ["saving", "publishing"])
def test_a_planning_job_that_is_run_again_finds_the_draft_it_has_saved(
    killed_after: str, store: Store, computed: list[int], monkeypatch: pytest.MonkeyPatch
):
    def killed(*_arguments: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        if killed_after == "saving":
            patched.setattr("wfm.store.plans.publish", killed)
            with pytest.raises(KeyboardInterrupt):
                make_plan(work_on(store))
        else:
            make_plan(work_on(store))
    again = make_plan(work_on(store))
    assert again["version"] == 1
    assert computed == [1]
    with store.reading() as connection:
        (only,) = plans.listing(connection)
    assert only.plan_id == again["plan_id"]


def test_a_planning_job_that_was_cancelled_publishes_nothing(store: Store, computed: list[int]):
    with store.writing("ann") as writing:
        jobs.cancel_job(writing, JOB)
    with pytest.raises(Cancelled, match="is not published"):
        make_plan(work_on(store))
    with store.reading() as connection:
        assert plans.find(connection, "latest").state == "draft"


@pytest.mark.parametrize("which", ["99999999999999999999", "²", "-1", "1e3", "%00"])
def test_a_plan_that_cannot_be_named_so_is_told(which: str, client: TestClient, planner):
    answer = client.get(f"/api/v1/plans/{which}", headers=planner)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


@pytest.mark.parametrize(
    ("order", "status"),
    [
        ({"start": "2026-03-09", "seed": 2**31}, 400),
        ({"start": "2026-03-09", "replications": 10**9}, 400),
        ({"start": "9999-12-31"}, 400),
        ({"start": "2026-03-09", "week": 2}, 422),
    ],
    ids=str,
)
def test_an_order_beyond_all_measure_is_told_before_it_is_a_job(
    order: dict, status: int, client: TestClient, planner
):
    assert client.post("/api/v1/plans", json=order, headers=planner).status_code == status


def test_a_table_is_not_cut_beyond_the_calendar(client: TestClient, store, planner):
    plan_id = insert_draft(store)
    for bound in ("0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"):
        answer = client.get(f"/api/v1/plans/{plan_id}/roster?from={bound}", headers=planner)
        assert answer.status_code == 422
