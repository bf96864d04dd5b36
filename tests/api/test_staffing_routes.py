"""What the queue engine reads of the published roster."""

from __future__ import annotations

from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from wfm.store import tables
from wfm.store.engine import Store
from wfm.timegrid import INTERVAL


@pytest.fixture
def published(store: Store) -> None:
    """Version 3: two queues from an hour before now until three hours after it."""
    now = store.clock.now()
    start = now - timedelta(hours=1)
    with store.writing("planner") as writing:
        connection = writing.connection
        connection.execute(
            tables.plans.insert().values(
                plan_id=7,
                state="published",
                version=3,
                starts_at=start,
                ends_at=now + timedelta(hours=3),
                seed=1,
                inputs={},
                summary={},
                published_at=now - timedelta(minutes=90),
                published_by="planner",
                **writing.stamp,
            )
        )
        connection.execute(
            tables.plan_staffing.insert(),
            [
                {
                    "plan_id": 7,
                    "queue": queue,
                    "start": start + i * INTERVAL,
                    "scheduled": 10.0,
                    "effective": 9.0,
                    "slots": 27.0,
                    "required": float(i),
                }
                for queue in ("x", "email")
                for i in range(16)
            ],
        )


@pytest.fixture
def engine(key_for) -> dict[str, str]:
    return key_for("queue-engine")


@pytest.mark.usefixtures("published")
def test_now_gives_this_interval_and_the_next_eight_of_each_queue(client: TestClient, engine):
    answer = client.get("/api/v1/staffing/now", headers=engine).json()

    assert (answer["plan_id"], answer["plan_version"]) == (7, 3)
    assert (answer["as_of"], answer["age_s"]) == ("2026-03-02T09:00:00Z", 5400)
    assert [q["queue"] for q in answer["queues"]] == ["email", "x"]
    x = answer["queues"][1]
    assert x["now"] == {
        "start": "2026-03-02T09:00:00Z",
        "scheduled": 10.0,
        "effective": 9.0,
        "slots": 27.0,
        "required": 4.0,
        "net": 5.0,
    }
    assert [level["required"] for level in x["next"]] == [5, 6, 7, 8, 9, 10, 11, 12]
    assert x["next"][0]["start"] == "2026-03-02T09:15:00Z"


@pytest.mark.usefixtures("published")
def test_a_range_is_half_open_and_names_the_version(client: TestClient, engine):
    answer = client.get(
        "/api/v1/staffing?from=2026-03-02T10:00:00%2B01:00&to=2026-03-02T09:30:00Z", headers=engine
    ).json()
    assert [(r["start"], r["queue"]) for r in answer["rows"]] == [
        ("2026-03-02T09:00:00Z", "email"),
        ("2026-03-02T09:00:00Z", "x"),
        ("2026-03-02T09:15:00Z", "email"),
        ("2026-03-02T09:15:00Z", "x"),
    ]
    assert {r["plan_version"] for r in answer["rows"]} == {3}
    assert answer["from"] == "2026-03-02T10:00:00+01:00"


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("path", ["/now", "?from=2026-03-02T08:00:00Z&to=2026-03-02T09:00:00Z"])
def test_what_has_not_changed_is_not_sent_again(path: str, client: TestClient, engine):
    first = client.get(f"/api/v1/staffing{path}", headers=engine)
    again = client.get(
        f"/api/v1/staffing{path}", headers=engine | {"If-None-Match": first.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


def test_without_a_published_roster_the_answer_says_what_to_do(client: TestClient, engine):
    answer = client.get("/api/v1/staffing/now", headers=engine)
    assert answer.status_code == 404
    assert "wfm publish" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("from=2026-03-02T10:00:00Z&to=2026-03-02T09:00:00Z", 400),
        ("from=2026-03-02T10:00:00Z&to=2026-06-02T09:00:00Z", 400),
        ("from=2026-03-02T10:00:00&to=2026-03-02T11:00:00Z", 422),
        ("from=now&to=later", 422),
        ("from=1970-01-01T00:00:00Z&to=2100-01-01T00:00:00Z", 422),
        ("from=2001-01-01T00:00:00Z&to=2099-01-01T00:00:00Z", 400),
        ("from=9999-12-20T00:00:00Z&to=9999-12-31T00:00:00Z", 422),
        ("from=0001-01-01T00:00:00%2B14:00&to=0001-01-02T00:00:00Z", 422),
    ],
)
def test_a_range_that_cannot_be_is_told(query: str, status: int, client: TestClient, engine):
    assert client.get(f"/api/v1/staffing?{query}", headers=engine).status_code == status


def test_an_agents_key_does_not_read_staffing(client: TestClient, key_for):
    headers = key_for("agent", agent_id="a-1")
    assert client.get("/api/v1/staffing/now", headers=headers).status_code == 403
