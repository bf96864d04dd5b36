"""Rosters as files over HTTP, and calendars behind secret links."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from icalendar import Calendar
from openpyxl import load_workbook
from starlette.testclient import TestClient

from wfm.brands import Brand
from wfm.frames import FORECAST, ON_SHIFT, REQUIREMENT, ROSTER, STAFFING
from wfm.people import Agent, Contract, ContractTerm, ShiftTemplate
from wfm.settings import Settings
from wfm.store import drafts, plans
from wfm.store.brands import save_brand
from wfm.store.engine import Store, open_store
from wfm.store.forecasts import Version
from wfm.store.people import save_agents
from wfm.store.tables import calendar_links
from wfm.timegrid import FixedClock, local_midnight, zone_named

ZONE = zone_named("Europe/Berlin")
MONDAY = date(2026, 3, 9)
HOUR = timedelta(hours=1)
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def store(ready_home: Path, settings: Settings) -> Iterator[Store]:
    opened = open_store(settings.store_url, clock=FixedClock(NOW))
    yield opened
    opened.close()


@pytest.fixture
def brand(store: Store) -> Brand:
    """A brand with two agents, kept in the store."""
    held = Brand(
        "Test",
        ZONE.key,
        (),
        (),
        (Contract("full", ("four",), 8, 40),),
        (ShiftTemplate("four", 240, tuple(range(0, 1440, 60))),),
    )
    terms = (ContractTerm("full", date(2020, 1, 1)),)
    with store.writing("test") as writing:
        save_brand(writing, held)
        save_agents(writing, [Agent("a1", "Ann", terms, ()), Agent("b2", "Bo", terms, ())])
    return held


@pytest.fixture
def keep(store: Store, brand: Brand):
    """Keeps a plan of a week: each shift four hours of an agent from a local hour of a day on."""

    def make(*shifts: tuple[str, int, int], publish: bool = True) -> int:
        rows = []
        for agent_id, day, hour in shifts:
            start = local_midnight(MONDAY + timedelta(days=day), ZONE) + hour * HOUR
            rows.append((agent_id, start, start + 4 * HOUR, "on_queue", "", "four", False))
        roster = pd.DataFrame(rows, columns=list(ROSTER.columns))
        with store.writing("ann") as writing:
            plan_id = plans.insert_draft(
                writing,
                start=local_midnight(MONDAY, ZONE),
                end=local_midnight(MONDAY + timedelta(days=7), ZONE),
                seed=1,
                lineage={},
                summary={},
                certificate={"goals": []},
                forecast=Version(FORECAST.empty()),
                frames={
                    "requirement": REQUIREMENT.empty(),
                    "roster": roster.astype({n: c.dtype for n, c in ROSTER.columns.items()}),
                    "staffing": STAFFING.empty(),
                    "on_shift": ON_SHIFT.empty(),
                },
            )
            if publish:
                plans.publish(writing, plan_id)
        return plan_id

    return make


def events(content: bytes) -> dict[str, tuple[str, int]]:
    return {
        str(event["uid"]): (str(event["status"]), int(event["sequence"]))
        for event in Calendar.from_ical(content).walk("VEVENT")
    }


def test_a_plan_is_had_as_csv_xlsx_and_calendar(client: TestClient, keep, key_for):
    plan_id = keep(("a1", 0, 9), ("b2", 0, 22))
    auditor = key_for("auditor")

    def get(kind: str, query: str = ""):
        answer = client.get(f"/api/v1/plans/current/exports/{kind}{query}", headers=auditor)
        assert answer.status_code == 200
        return answer

    table = get("csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert f'filename="roster-plan-{plan_id}.csv"' in table.headers["content-disposition"]
    lines = list(csv.DictReader(io.StringIO(table.text)))
    assert [(line["agent"], line["start"]) for line in lines] == [
        ("Ann", "2026-03-09T09:00:00+01:00"),
        ("Bo", "2026-03-09T22:00:00+01:00"),
    ]

    grid = load_workbook(io.BytesIO(get("xlsx").content))["Roster"]
    assert grid["A1"].value == f"Test: plan {plan_id}, version 1, published"
    assert (grid["B5"].value, grid["D5"].value) == ("Ann", "09:00-13:00")

    whose = get("ical", "?agent=b2")
    assert 'filename="roster-plan-1-b2.ics"' in whose.headers["content-disposition"]
    assert events(whose.content) == {"b2-2026-03-09@test": ("CONFIRMED", 0)}


def test_a_calendar_tells_what_was_true_when_its_version_was_published(
    client: TestClient, keep, key_for
):
    planner = key_for("planner")
    ids = [keep(("a1", 0, 9)), keep(("a1", 0, 10), ("a1", 1, 9)), keep(("a1", 1, 9), publish=False)]

    def of(which: object) -> list[tuple[str, int]]:
        found = client.get(f"/api/v1/plans/{which}/exports/ical?agent=a1", headers=planner)
        return list(events(found.content).values())

    assert of(ids[0]) == [("CONFIRMED", 0)]
    assert of("current") == [("CONFIRMED", 1), ("CONFIRMED", 0)]
    assert of(ids[2]) == [("CANCELLED", 2), ("CONFIRMED", 0)]


def test_a_draft_is_exported_as_it_stands(client: TestClient, store: Store, keep, key_for):
    keep(("a1", 0, 9))
    with store.writing("ann") as writing:
        draft_id = drafts.insert(writing, 1, name="")
    path = f"/api/v1/drafts/{draft_id}/exports"
    answer = client.get(f"{path}/ical", headers=key_for("planner"))
    assert events(answer.content) == {"a1-2026-03-09@test": ("CONFIRMED", 0)}
    grid = load_workbook(
        io.BytesIO(client.get(f"{path}/xlsx", headers=key_for("planner")).content)
    )["Roster"]
    assert grid["A1"].value == f"Test: draft {draft_id} of plan 1, revision 0"


def test_what_cannot_be_exported_is_told(client: TestClient, keep, key_for):
    keep(("a1", 0, 9))
    planner = key_for("planner")

    def status(path: str, headers=planner) -> int:
        return client.get(f"/api/v1{path}", headers=headers).status_code

    assert status("/plans/9/exports/csv") == 404
    assert status("/drafts/9/exports/csv") == 404
    assert status("/plans/current/exports/pdf") == 422
    assert status("/plans/current/exports/csv", key_for("agent", agent_id="a1")) == 403
    unknown = client.get("/api/v1/plans/current/exports/ical?agent=a11", headers=planner)
    assert (unknown.status_code, unknown.json()["detail"]) == (
        404,
        "no agent 'a11'; did you mean 'a1'?",
    )


def test_a_calendar_link_opens_the_agents_shifts_without_a_key(client, store, keep, key_for):
    keep(("a1", 0, 9), ("b2", 0, 9))
    own = key_for("agent", agent_id="a1")
    made = client.post("/api/v1/calendars", json={"agent_id": "a1"}, headers=own)
    assert made.status_code == 201
    url = made.json()["url"]
    assert url.startswith("http://127.0.0.1:8000/api/v1/calendars/")
    assert url.endswith(".ics")

    answer = client.get(url)
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert events(answer.content) == {"a1-2026-03-09@test": ("CONFIRMED", 0)}
    assert client.head(url).status_code == 200
    same = client.get(url, headers={"If-None-Match": answer.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")

    # A version that changes the shift: the same event, one up.
    keep(("a1", 0, 10))
    newer = client.get(url, headers={"If-None-Match": answer.headers["etag"]})
    assert events(newer.content) == {"a1-2026-03-09@test": ("CONFIRMED", 1)}
    # Of the secret only its hash is kept.
    with store.reading() as connection:
        (row,) = connection.execute(calendar_links.select())
    secret = url.rpartition("/")[2].removesuffix(".ics")
    assert secret not in repr(row)


def test_a_link_is_revoked_by_hand_and_by_a_newer_one(client: TestClient, keep, key_for):
    keep(("a1", 0, 9))
    planner = key_for("planner")

    def make() -> str:
        # Sent twice with one key the request makes a link each time: no secret is stored.
        again = planner | {"Idempotency-Key": "one"}
        answer = client.post("/api/v1/calendars", json={"agent_id": "a1"}, headers=again)
        return answer.json()["url"]

    first, second = make(), make()
    assert first != second
    assert [client.get(url).status_code for url in (first, second)] == [404, 200]
    listed = client.get("/api/v1/calendars", headers=planner).json()["items"]
    assert [(line["agent_id"], sorted(line)) for line in listed] == [
        ("a1", ["agent_id", "made_at", "made_by"])
    ]
    assert client.delete("/api/v1/calendars/a1", headers=planner).status_code == 204
    gone = client.get(second)
    assert (gone.status_code, gone.json()["code"]) == (404, "not_found")
    assert client.delete("/api/v1/calendars/a1", headers=planner).status_code == 404
    assert client.get("/api/v1/calendars/guess.ics").status_code == 404


def test_an_agent_reaches_only_their_own_calendar(client: TestClient, brand, key_for):
    own = key_for("agent", agent_id="a1")
    other = client.post("/api/v1/calendars", json={"agent_id": "b2"}, headers=own)
    assert (other.status_code, other.json()["code"]) == (403, "not_allowed")
    assert client.delete("/api/v1/calendars/b2", headers=own).status_code == 403
    assert client.get("/api/v1/calendars", headers=own).status_code == 403
    unknown = client.post("/api/v1/calendars", json={"agent_id": "c3"}, headers=key_for("planner"))
    assert unknown.status_code == 404
