"""Certificates over HTTP: ordered, listed, read, and held against what came."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.worker import KINDS, Work, make_certificate
from wfm.progress import silent
from wfm.store import certificates, jobs, plans
from wfm.store.engine import Store

GOAL = {
    "queue": "x", "metric": "first_response", "goal": "goal", "threshold_s": 900, "share": 0.9,
    "scope": "hour", "attainment": 0.93, "se": 0.002, "p10": 0.9, "p90": 0.96, "cases": 400.0,
    "worst": None, "units": 24, "units_missed": 0, "units_small": 0, "kept": True,
}  # fmt: skip
DOCUMENT = {"replications": 200, "messages": 9, "goals": [GOAL, GOAL | {"queue": ""}]}


@pytest.fixture
def ordering(store: Store, settings, client_of) -> TestClient:
    """A client of an app whose jobs are taken and never carried out."""

    def submit(kind: str, request: dict, actor: str) -> str:
        with store.writing(actor) as writing:
            jobs.insert_job(writing, "j-1", kind, request)
        return "j-1"

    runner = SimpleNamespace(start=lambda: None, stop=lambda: None, submit=submit)
    return client_of(create_app(store, settings, jobs=runner, console=False))


def certify(store: Store, plan_id: int, seed: int) -> int:
    with store.writing("ann") as writing:
        return certificates.insert(writing, plan_id, DOCUMENT, seed=seed)


def test_a_certificate_is_ordered_as_a_job(ordering: TestClient, store, required_plan, key_for):
    path = "/api/v1/plans/current/certificates"
    planner = key_for("planner")
    answer = ordering.post(path, json={"replications": 50}, headers=planner)
    assert (answer.status_code, answer.headers["location"]) == (202, "/api/v1/jobs/j-1")
    with store.reading() as connection:
        job = jobs.load_job(connection, "j-1")
    assert (job.kind, job.kind in KINDS) == ("certify", True)
    assert job.request == {"plan": required_plan, "replications": 50, "seed": None}

    auditor = key_for("auditor")
    assert ordering.post(path, json={}, headers=auditor).status_code == 403
    refused = ordering.post(path, json={"replications": 1}, headers=planner)
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")
    assert ordering.post(path, json={"speed": 1}, headers=planner).status_code == 422
    as_json = planner | {"content-type": "application/json"}
    for body, status in (
        ('{"replications": 1e400}', 422),
        ('{"seed": NaN}', 422),
        ('{"seed": -1}', 400),
        (f'{{"seed": {10**40}}}', 400),
        (f'{{"replications": {10**40}}}', 400),
    ):
        assert ordering.post(path, content=body, headers=as_json).status_code == status, body
    gone = ordering.post("/api/v1/plans/99/certificates", json={}, headers=planner)
    assert gone.status_code == 404


def test_the_job_keeps_a_certificate(store: Store, required_plan: int):
    work = Work(
        store,
        "j-1",
        {"plan": required_plan, "replications": 2},
        "ann",
        silent,
        lambda *a, **k: None,
    )
    result = make_certificate(work)
    assert make_certificate(work) == result
    with store.reading() as connection:
        assert certificates.find(connection, result["certificate_id"]).replications == 2


def test_a_plans_certificates_are_listed_the_newest_first(
    client: TestClient, store, required_plan, key_for
):
    ids = [certify(store, required_plan, seed) for seed in (11, 12)]
    reader = key_for("team-lead")
    path = f"/api/v1/plans/{required_plan}/certificates"
    found = client.get(path, headers=reader).json()
    assert [line["certificate_id"] for line in found["items"][:2]] == ids[::-1]
    assert [line["own"] for line in found["items"]] == [False, False, True]
    newest = found["items"][0]
    assert (newest["seed"], newest["replications"], newest["kept"]) == (12, 200, True)
    assert newest["goals"][0] == GOAL
    page = client.get(path, params={"limit": 2}, headers=reader).json()
    rest = client.get(path, params={"before": page["next"]}, headers=reader).json()
    assert [line["own"] for line in rest["items"]] == [True]
    assert rest["next"] is None
    assert client.get("/api/v1/plans/99/certificates", headers=reader).status_code == 404


def test_a_certificate_is_read_whole(client: TestClient, store, required_plan, key_for):
    certificate_id = certify(store, required_plan, 11)
    reader = key_for("auditor")
    answer = client.get(f"/api/v1/certificates/{certificate_id}", headers=reader)
    assert answer.json()["certificate"] == DOCUMENT
    assert answer.headers["etag"] == f'"certificate-{certificate_id}"'
    assert client.get("/api/v1/certificates/99", headers=reader).status_code == 404
    assert client.get("/api/v1/certificates/99999999999", headers=reader).status_code == 422
    assert client.get("/api/v1/certificates/1").status_code == 401


def test_promises_are_held_against_what_came(client: TestClient, store, required_plan, key_for):
    reader = key_for("manager")
    path = "/api/v1/certificates/calibration"
    empty = client.get(path, headers=reader).json()
    assert (empty["days"], empty["coverage"], empty["bias"]) == (0, None, None)

    with store.reading() as connection:
        plan = plans.find(connection, required_plan)
        (own,) = certificates.promised(connection)
    row = {
        "scope": "day", "start": plan.start, "queue": "x", "metric": "first_response",
        "goal": "goal", "threshold_s": 900, "share": 0.9, "expected": 400.0, "promised": 0.93,
        "p10": 0.9, "p90": 0.96, "cases": 200, "on_time": 190,
    }  # fmt: skip
    with store.writing("scoring") as writing:
        certificates.write_scores(writing, own.certificate_id, [row], import_id=0)
    found = client.get(path, params={"queue": "x"}, headers=reader).json()
    assert (found["days"], found["coverage"], found["stated"]) == (1, 1.0, 0.8)
    assert found["bias"] == pytest.approx(2.0)
    (line,) = found["lines"]
    assert (line["queue"], line["days"], line["attained"]) == ("x", 1, 0.95)
    assert found["rows"][0]["start"] == f"{plan.start:%Y-%m-%dT%H:%M:%SZ}"
    assert found["rows"][0]["inside"] is True
    assert client.get(path, params={"queue": "nobody"}, headers=reader).status_code == 404
    assert client.get(path, params={"scope": "week"}, headers=reader).status_code == 422
    assert client.get(path, params={"days": 0}, headers=reader).status_code == 422
    assert plan.end - plan.start == timedelta(days=1)
