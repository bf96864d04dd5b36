"""What the queue achieved, over HTTP and from the command line."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from wfm.brands import Brand, Queue
from wfm.calendars import ServiceWindow
from wfm.cases import Contact
from wfm.ingest.intake import take_in
from wfm.metrics.definitions import DEFINITIONS
from wfm.sla import OpeningGoal, ServiceGoal, WorkLaw
from wfm.store.brands import save_brand
from wfm.store.engine import Store
from wfm.timegrid import FixedClock

METRICS = "/api/v1/metrics"


@pytest.fixture
def worked(store: Store) -> None:
    """Two messages 20 minutes ago, to two handles; nobody has answered."""
    window, goals = ServiceWindow.always(), (ServiceGoal(),)
    queue = Queue("x", "x", "@care", "en", window, goals, OpeningGoal(), WorkLaw())
    brand = Brand("Testbrand", "UTC", (), (queue,), (), ())
    with store.writing("test") as writing:
        save_brand(writing, brand)
    now = store.clock.now()
    store.clock = FixedClock(now - timedelta(minutes=20))
    for number, account in enumerate(("@care", "=HYPERLINK(1)")):
        contact = Contact("hook", account, str(number), "x", f"a{number}", "Hello?", now)
        take_in(store, contact, brand=brand, actor="test", raw_body="{}")
    store.clock = FixedClock(now)


@pytest.fixture
def lead(client: TestClient, key_for: Any, worked: None) -> TestClient:
    client.headers.update(key_for("team-lead"))
    return client


def test_todays_figures_are_given_without_asking_for_more(lead):
    answer = lead.get(METRICS).json()
    (whole,) = answer["groups"]
    assert (whole["start"], whole["end"]) == ("2026-03-02T00:00:00Z", "2026-03-02T09:00:00Z")
    assert list(whole["figures"]) == [one.name for one in DEFINITIONS]
    assert whole["figures"]["waiting_late"] == 2
    assert whole["figures"]["first_response_attainment"] == 0.0
    assert whole["figures"]["first_response_median_s"] is None


def test_figures_come_by_step_and_by_handle(lead):
    days = lead.get(METRICS, params={"from": "2026-03-01T00:00:00Z", "step": "hour"}).json()
    assert [(g["start"], g["figures"]["cases"]) for g in days["groups"]] == [
        ("2026-03-02T08:00:00Z", 2)
    ]
    handles = lead.get(METRICS, params={"split": "account"}).json()["groups"]
    assert [(g["account"], g["figures"]["cases"]) for g in handles] == [
        ("=HYPERLINK(1)", 1),
        ("@care", 1),
    ]


def test_the_export_tells_the_same_figures_and_holds_no_formula(lead):
    answer = lead.get(f"{METRICS}/exports/csv", params={"split": "account"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    groups = lead.get(METRICS, params={"split": "account"}).json()["groups"]
    assert [line["account"] for line in lines] == ["'=HYPERLINK(1)", "'@care"]
    for line, group in zip(lines, groups, strict=True):
        for name, value in group["figures"].items():
            assert (float(line[name]) if line[name] else None) == value


def test_the_cases_behind_a_figure_are_listed(lead):
    page = lead.get(f"{METRICS}/waiting_late/cases", params={"limit": 1}).json()
    assert page == {"items": [1], "next": 1}
    assert lead.get(f"{METRICS}/waiting_late/cases", params={"after": 1}).json() == {
        "items": [2],
        "next": None,
    }
    assert lead.get(f"{METRICS}/orphans").json()["items"] == [1, 2]


def test_backlog_badges_and_definitions_are_told(lead):
    lines = lead.get(f"{METRICS}/backlog").json()["items"]
    assert [(line["account"], line["waiting"], line["over_15_min"]) for line in lines] == [
        ("=HYPERLINK(1)", 1, 1),
        ("@care", 1, 1),
    ]
    badges = lead.get(f"{METRICS}/badges").json()["items"]
    assert [(one["account"], one["held"], one["judged"]) for one in badges] == [
        ("=HYPERLINK(1)", False, 1),
        ("@care", False, 1),
    ]
    told = lead.get(f"{METRICS}/definitions").json()["items"]
    assert [one["text"] for one in told] == [one.text for one in DEFINITIONS]


@pytest.mark.parametrize(
    ("path", "params", "status", "code"),
    [
        ("", {"from": "2026-03-02T09:00:00Z", "to": "2026-03-02T09:00:00Z"}, 400, "bad_request"),
        ("", {"from": "2020-01-01T00:00:00Z"}, 400, "bad_request"),
        ("", {"queue": "nowhere"}, 404, "not_found"),
        ("", {"step": "minute"}, 422, "invalid_request"),
        ("", {"form": "2026-03-02"}, 422, "invalid_request"),
        ("/speed/cases", {}, 404, "not_found"),
        ("/spam/cases", {}, 400, "bad_request"),
        ("/backlog", {"queue": "nowhere"}, 404, "not_found"),
    ],
)
def test_what_cannot_be_told_is_said(lead, path, params, status, code):
    answer = lead.get(f"{METRICS}{path}", params=params)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_agents_do_not_read_everybodys_figures(client, key_for, worked):
    answer = client.get(METRICS, headers=key_for("agent", agent_id="amy"))
    assert answer.status_code == 403
