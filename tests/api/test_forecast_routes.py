"""Forecasts, their accuracy, adjustments and marks over HTTP; and the job that makes a version."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.planning import forecasts as planning
from api.worker import Work, make_forecast
from forecasting.scoring.accuracy import Accuracy, Score
from wfm.brands import Brand, Market, Queue
from wfm.calendars import ServiceWindow
from wfm.frames import FORECAST, QUANTILE_COLUMNS, interval_index
from wfm.marks import Mark
from wfm.progress import silent
from wfm.sla import Duration, OpeningGoal, ServiceGoal, WorkLaw
from wfm.store import forecasts, jobs, marks
from wfm.store.brands import save_brand
from wfm.store.documents import to_document
from wfm.store.engine import Store
from wfm.store.forecasts import Version
from wfm.store.volumes import Count, record_import, write_counts

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
SPAN = {"queue": "x", "start": "2026-03-02T12:00:00Z", "end": "2026-03-02T13:00:00Z"}
SPOT = {**SPAN, "kind": "percent", "value": 50, "reason": "TV spot"}
OUTAGE = {
    "queue": "x",
    "start": "2026-03-01T12:00:00Z",
    "end": "2026-03-01T13:00:00Z",
    "kind": "outage",
    "reason": "intake down",
}


def small_brand() -> Brand:
    law = WorkLaw(Duration(150, 0.5), Duration(100, 0.5), 0.5, Duration(900, 1.0), 2)
    goals = (ServiceGoal.first_response(),)
    queue = Queue("x", "x", "@x", "en", ServiceWindow.always(), goals, OpeningGoal(), law)
    return Brand("Small", "UTC", (Market("GB", "GB", "UTC"),), (queue,), (), ())


@pytest.fixture(autouse=True)
def branded(store: Store) -> None:
    with store.writing("ann") as writing:
        save_brand(writing, small_brand())


@pytest.fixture
def kept(store: Store) -> int:
    """A version of one day of queue x: four contacts an interval."""
    index = interval_index(MONDAY, MONDAY + DAY)
    levels = {name: 2.0 + i for i, name in enumerate(QUANTILE_COLUMNS)}
    table = pd.DataFrame({"start": index, "mean": 4.0, **levels, "aht_s": 240.0})
    table = table.assign(queue="x", model="blend").astype({"queue": "str", "model": "str"})
    score = Score(0.4, 0.01, 0.7, 0.1, 0.8, None)
    line = Accuracy(
        **vars(score), queue="x", model="blend", step="15min", origins=12, horizon_days=7,
        naive=score, champion=True,
    )  # fmt: skip
    version = Version(
        FORECAST.check(table),
        naive=np.full(96, 5.0).tolist(),
        inputs={"queues": ["x"], "models": {"x": "blend"}},
        summary={"contacts": 384.0, "notes": ["x: rests on 28 days only"]},
        accuracy=to_document((line,)),
    )
    with store.writing("ann") as writing:
        return forecasts.insert(
            writing, version, kind="standing", start=MONDAY, end=MONDAY + DAY, seed=1
        )


def come(store: Store, start: datetime = MONDAY, contacts: int = 4) -> None:
    with store.writing("ann") as writing:
        number = record_import(writing, "volumes", "f", sha256="", options={})
        counts = [
            (("x", at.to_pydatetime()), Count(contacts, None))
            for at in interval_index(start, start + DAY)
        ]
        write_counts(writing, "volumes", counts, number)


@pytest.fixture
def planner(key_for) -> dict[str, str]:
    return key_for("planner")


# -- forecasts -----------------------------------------------------------------------------------


def test_a_version_is_read_by_id_or_as_the_latest(client: TestClient, kept: int, planner):
    for which in (str(kept), "latest"):
        answer = client.get(f"/api/v1/forecasts/{which}", headers=planner)
        found = answer.json()
        assert answer.headers["etag"] == f'"forecast-{kept}"'
        assert (found["forecast_id"], found["kind"], found["queues"]) == (kept, "standing", ["x"])
        assert (found["models"], found["contacts"]) == ({"x": "blend"}, 384.0)
        assert found["notes"] == ["x: rests on 28 days only"]
        (line,) = found["accuracy"]
        assert (line["step"], line["wape"], line["coverage95"]) == ("15min", 0.4, None)
        assert line["naive"]["mase"] == 0.7
    assert client.get("/api/v1/forecasts/99", headers=planner).status_code == 404
    assert client.get("/api/v1/forecasts/best", headers=planner).status_code == 400


def test_versions_are_listed_newest_first_in_pages(client, store, kept: int, planner):
    with store.reading() as connection:
        table = forecasts.read_table(connection, kept)
    with store.writing("ann") as writing:
        ids = [
            forecasts.insert(
                writing, Version(table), kind="standing", start=MONDAY, end=MONDAY + DAY, seed=1
            )
            for _ in range(2)
        ]
    first = client.get("/api/v1/forecasts?limit=2", headers=planner).json()
    assert [item["forecast_id"] for item in first["items"]] == ids[::-1]
    rest = client.get(f"/api/v1/forecasts?limit=2&before={first['next']}", headers=planner).json()
    assert [item["forecast_id"] for item in rest["items"]] == [kept]
    assert rest["next"] is None


def test_intervals_come_with_what_they_are_made_of_and_with_adjustments(client, kept, planner):
    path = f"/api/v1/forecasts/{kept}/intervals"
    made = client.post("/api/v1/adjustments", json=SPOT, headers=planner).json()
    cut = "from=2026-03-02T12:45:00Z&to=2026-03-02T13:15:00Z&queue=x"
    found = client.get(f"{path}?{cut}", headers=planner).json()
    assert found["adjustments"] == [made["adjustment_id"]]
    assert [row["start"] for row in found["rows"]] == [
        "2026-03-02T12:45:00Z",
        "2026-03-02T13:00:00Z",
    ]
    first, second = found["rows"]
    assert (first["mean"], first["baseline"], first["correction"]) == (6.0, 4.0, 2.0)
    assert (second["mean"], second["correction"], second["q50"]) == (4.0, 0.0, 4.0)
    own = client.get(f"{path}?{cut}&adjusted=false", headers=planner).json()
    assert own["adjustments"] == []
    assert [row["mean"] for row in own["rows"]] == [4.0, 4.0]
    assert client.get(f"{path}?queue=y", headers=planner).json()["rows"] == []
    assert len(client.get(path, headers=planner).json()["rows"]) == 96


def test_accuracy_is_told_of_a_version_and_of_all(client, store, kept: int, planner):
    before = client.get(f"/api/v1/forecasts/{kept}/accuracy", headers=planner).json()
    assert (before["scores"], before["handling"]) == ([], [])
    assert before["backtest"][0]["model"] == "blend"
    come(store)
    planning.score_due(store)
    after = client.get(f"/api/v1/forecasts/{kept}/accuracy", headers=planner).json()
    assert [(s["step"], s["lead_days"], s["intervals"]) for s in after["scores"]] == [
        ("15min", "1", 96),
        ("day", "1", 1),
        ("hour", "1", 24),
    ]
    quarter = after["scores"][0]
    assert (quarter["wape"], quarter["naive_wape"], quarter["pinball"] is None) == (0, 0.25, False)
    assert quarter["scored_until"] == "2026-03-03T00:00:00Z"
    everything = client.get("/api/v1/accuracy?queue=x&days=2", headers=planner).json()
    assert everything["scores"] == after["scores"]
    assert everything["backtest"] == after["backtest"]
    assert client.get("/api/v1/accuracy?queue=nope", headers=planner).status_code == 404
    assert client.get("/api/v1/accuracy?days=0", headers=planner).status_code == 422


@pytest.fixture
def taking(store, settings, client_of) -> TestClient:
    """A client of an app whose jobs are taken and never carried out."""

    def submit(kind: str, request: dict, actor: str) -> str:
        with store.writing(actor) as writing:
            jobs.insert_job(writing, "j-1", kind, request)
        return "j-1"

    runner = SimpleNamespace(start=lambda: None, stop=lambda: None, submit=submit)
    return client_of(create_app(store, settings, jobs=runner, console=False))


def test_a_forecast_is_ordered_as_a_job(taking: TestClient, planner):
    order = {"start": "2026-03-09", "weeks": 3, "queues": ["x"], "models": ["blend"]}
    answer = taking.post("/api/v1/forecasts", json=order, headers=planner)
    assert (answer.status_code, answer.headers["location"]) == (202, "/api/v1/jobs/j-1")
    job = answer.json()
    assert (job["kind"], job["state"]) == ("forecast", "queued")
    assert planning.ForecastRequest.from_document(job["request"]) == planning.ForecastRequest(
        date(2026, 3, 9), 3, ("x",), 1, ("blend",)
    )


def test_a_forecast_without_a_start_begins_at_the_next_midnight(taking: TestClient, planner):
    job = taking.post("/api/v1/forecasts", json={}, headers=planner).json()
    assert (job["request"]["start"], job["request"]["queues"]) == ("2026-03-03", None)


@pytest.mark.parametrize(
    ("order", "status"),
    [({"queues": ["nope"]}, 404), ({"weeks": 9}, 400), ({"queues": []}, 400), ({"day": 1}, 422)],
)
def test_an_order_that_cannot_be_is_refused(taking: TestClient, planner, order, status: int):
    assert taking.post("/api/v1/forecasts", json=order, headers=planner).status_code == status


def test_the_job_keeps_one_version_and_tells_its_notes(store: Store, monkeypatch, kept: int):
    told: list[tuple] = []
    monkeypatch.setattr(planning, "make", lambda *_args, **options: kept)
    request = planning.ForecastRequest(date(2026, 3, 3)).to_document()
    work = Work(store, "j", request, "ann", silent, lambda *words, **_: told.append(words))
    assert make_forecast(work) == {"forecast_id": kept}
    assert told == [("note", "forecast_note", "x: rests on 28 days only")]


# -- adjustments and marks -----------------------------------------------------------------------


def test_an_adjustment_is_made_listed_and_withdrawn_once(client: TestClient, planner):
    answer = client.post("/api/v1/adjustments", json=SPOT, headers=planner)
    made = answer.json()
    path = f"/api/v1/adjustments/{made['adjustment_id']}"
    assert (answer.status_code, answer.headers["location"]) == (201, path)
    assert {name: made[name] for name in SPOT} == SPOT
    assert client.get("/api/v1/adjustments?queue=x", headers=planner).json()["items"] == [made]

    done = client.delete(path, headers=planner)
    assert (done.status_code, done.json()["withdrawn_at"]) == (200, "2026-03-02T09:00:00Z")
    again = client.delete(path, headers=planner)
    assert (again.status_code, again.json()["code"]) == (409, "illegal_move")
    assert client.get("/api/v1/adjustments", headers=planner).json()["items"] == []
    held = client.get("/api/v1/adjustments?active=false", headers=planner).json()["items"]
    assert held == [client.get(path, headers=planner).json()] == [done.json()]
    assert client.delete("/api/v1/adjustments/99", headers=planner).status_code == 404


def test_an_adjustment_that_changed_since_it_was_read_is_not_withdrawn(client, planner):
    made = client.post("/api/v1/adjustments", json=SPOT, headers=planner)
    path = made.headers["location"]
    as_read = planner | {"If-Match": made.headers["etag"]}
    assert client.get(path, headers=planner).headers["etag"] == made.headers["etag"]
    assert client.delete(path, headers=planner | {"If-Match": '"other"'}).status_code == 412
    assert client.delete(path, headers=as_read).status_code == 200
    lost = client.delete(path, headers=as_read)
    assert (lost.status_code, lost.json()["code"]) == (412, "lost_edit")


def test_marks_are_listed_in_pages_the_newest_first(client: TestClient, store: Store, planner):
    come(store, MONDAY - DAY)
    ids = [
        client.post("/api/v1/marks", json=OUTAGE | {"kind": kind}, headers=planner).json()[
            "mark_id"
        ]
        for kind in ("outage", "outlier")
    ]
    first = client.get("/api/v1/marks?limit=1", headers=planner).json()
    assert ([one["mark_id"] for one in first["items"]], first["next"]) == ([ids[1]], ids[1])
    rest = client.get(f"/api/v1/marks?before={first['next']}", headers=planner).json()
    assert ([one["mark_id"] for one in rest["items"]], rest["next"]) == ([ids[0]], None)


def test_adjustments_are_listed_in_pages(client: TestClient, planner):
    ids = [
        client.post("/api/v1/adjustments", json=SPOT, headers=planner).json()["adjustment_id"]
        for _ in range(3)
    ]
    first = client.get("/api/v1/adjustments?limit=2", headers=planner).json()
    assert [item["adjustment_id"] for item in first["items"]] == [ids[2], ids[1]]
    rest = client.get(f"/api/v1/adjustments?before={first['next']}", headers=planner).json()
    assert [item["adjustment_id"] for item in rest["items"]] == [ids[0]]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"queue": "nope"}, 404),
        ({"reason": " "}, 400),
        ({"end": SPAN["start"]}, 400),
        ({"start": "2026-03-02T12:07:00Z"}, 400),
        ({"value": -101}, 400),
        ({"value": None}, 400),
        ({"kind": "range"}, 400),
        ({"kind": "double"}, 422),
        ({"start": "2026-03-02T12:00:00"}, 422),
    ],
)
def test_an_adjustment_that_cannot_be_is_refused(client, planner, change, status: int):
    answer = client.post("/api/v1/adjustments", json={**SPOT, **change}, headers=planner)
    assert answer.status_code == status
    assert client.get("/api/v1/adjustments", headers=planner).json()["items"] == []


def test_the_same_adjustment_sent_twice_with_a_key_is_made_once(client: TestClient, planner):
    headers = planner | {"Idempotency-Key": "spot-1"}
    first, second = (
        client.post("/api/v1/adjustments", json=SPOT, headers=headers) for _ in range(2)
    )
    assert first.json() == second.json()
    assert len(client.get("/api/v1/adjustments", headers=planner).json()["items"]) == 1


def test_a_mark_is_added_and_decided_and_a_lost_edit_is_412(client, store: Store, planner):
    come(store, MONDAY - DAY, contacts=0)
    answer = client.post("/api/v1/marks", json=OUTAGE, headers=planner)
    mark = answer.json()
    path = f"/api/v1/marks/{mark['mark_id']}"
    assert (answer.status_code, answer.headers["location"]) == (201, path)
    assert (mark["state"], mark["contacts"]) == ("accepted", 0.0)
    etag = client.get(path, headers=planner).headers["etag"]
    done = client.patch(path, json={"state": "rejected"}, headers=planner | {"If-Match": etag})
    assert (done.status_code, done.json()["state"]) == (200, "rejected")
    lost = client.patch(path, json={"state": "accepted"}, headers=planner | {"If-Match": etag})
    assert (lost.status_code, lost.json()["code"]) == (412, "lost_edit")
    free = client.patch(path, json={"state": "proposed"}, headers=planner)
    assert free.json()["state"] == "proposed"
    assert client.get("/api/v1/marks?queue=x", headers=planner).json()["items"] == [free.json()]
    assert client.get("/api/v1/marks?queue=y", headers=planner).json()["items"] == []
    again = client.post("/api/v1/marks", json=OUTAGE, headers=planner)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert (
        client.patch("/api/v1/marks/9", json={"state": "rejected"}, headers=planner).status_code
        == 404
    )
    assert client.patch(path, json={"state": "undone"}, headers=planner).status_code == 422


def test_planners_change_what_others_only_read(client: TestClient, store, kept: int, key_for):
    with store.writing("ann") as writing:
        marks.keep(writing, [Mark("x", MONDAY - DAY, MONDAY, "outlier")])
    changes = (
        ("POST", "/api/v1/forecasts", {}),
        ("POST", "/api/v1/adjustments", SPOT),
        ("DELETE", "/api/v1/adjustments/1", None),
        ("POST", "/api/v1/marks", OUTAGE),
        ("PATCH", "/api/v1/marks/1", {"state": "rejected"}),
    )
    reads = (
        "forecasts",
        f"forecasts/{kept}",
        f"forecasts/{kept}/intervals",
        f"forecasts/{kept}/accuracy",
        "accuracy",
        "adjustments",
        "marks",
        "marks/1",
    )
    for role in ("auditor", "team-lead"):
        headers = key_for(role)
        for method, path, body in changes:
            assert client.request(method, path, json=body, headers=headers).status_code == 403
        for path in reads:
            assert client.get(f"/api/v1/{path}", headers=headers).status_code == 200
    headers = key_for("queue-engine")
    for path in reads:
        assert client.get(f"/api/v1/{path}", headers=headers).status_code == 403
        assert client.get(f"/api/v1/{path}").status_code == 401
