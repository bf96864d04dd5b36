"""The whole day's work on PostgreSQL, by setting WFM_DATABASE_URL alone."""

from __future__ import annotations

import csv
import json
import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api.app import create_app
from api.cli.main import app
from wfm.settings import Settings
from wfm.store.engine import Store, open_store

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)

BRAND = """\
format = 1

[site]
name = "Small"
zone = "UTC"

[[markets]]
name = "GB"
country = "GB"
zone = "UTC"
hours = ["mon-fri 09:00-17:00"]

[[queues]]
name = "office"
channel = "x"
handle = "@small"
language = "en"
window = "mon-fri 09:00-17:00"
markets = ["GB"]
default_aht_s = 250
goals = [{ metric = "first_response", threshold_s = 900, share = 0.90, scope = "hour" }]

[[templates]]
name = "eight"
minutes = 510
starts = ["08:45"]
breaks = [{ activity = "meal", minutes = 30, earliest = 210, latest = 270 }]

[[contracts]]
name = "full"
templates = ["eight"]
max_hours_per_day = 8
max_hours_per_week = 40
max_weekends_in_4 = 3
"""


def write_rows(file: Path, header: list[str], rows: list[list[object]]) -> Path:
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows([header, *rows])
    return file


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A brand with one queue in office hours, six agents, and three weeks of counts."""
    brand = tmp_path / "brand.toml"
    brand.write_text(BRAND)
    rng = random.Random(5)
    slots = [MONDAY - timedelta(minutes=15 * i) for i in range(21 * 96, 0, -1)]

    def count(at: datetime) -> int:
        mean = 1.5 + math.sin((at.hour - 9) / 24 * 2 * math.pi)
        return sum(rng.random() < mean / 6 for _ in range(6))

    volumes = [[f"{at:%Y-%m-%dT%H:%M}", count(at)] for at in slots]
    agents = [[f"S{n:02d}", f"Agent {n}", "full", "2025-01-01", "office:3"] for n in range(6)]
    columns = ["agent_id", "name", "contract", "contract_from", "skills"]
    return {
        "brand": brand,
        "agents": write_rows(tmp_path / "agents.csv", columns, agents),
        "volumes": write_rows(tmp_path / "volumes.csv", ["timestamp", "value"], volumes),
    }


@pytest.fixture
def wfm(postgres_url: str, monkeypatch: pytest.MonkeyPatch):
    """Runs a command as a user would who has set the database's address, and the time of day."""
    monkeypatch.setenv("WFM_DATABASE_URL", postgres_url)
    monkeypatch.setenv("WFM_NOW", "2026-03-04T10:00:00Z")

    def run(*words: object) -> str:
        result = CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)
        assert result.exit_code == 0, result.stderr
        return result.stdout

    return run


@pytest.fixture
def store(wfm) -> Iterator[Store]:
    settings = Settings()
    opened = open_store(settings.store_url, clock=settings.clock())
    yield opened
    opened.close()


class NoJobs:
    def start(self) -> None: ...

    def stop(self) -> None: ...


def test_a_week_is_planned_published_read_and_worked(wfm, files: dict[str, Path], store: Store):
    wfm("import", "brand", files["brand"])
    wfm("import", "agents", files["agents"])
    wfm("import", "volumes", files["volumes"], "--queue", "office")
    options = ("--weeks", 1, "--replications", 20, "--model", "blend", "--json")
    plan = json.loads(wfm("plan", "--from", "2026-03-02", *options))
    assert json.loads(wfm("publish", "latest", "--json")) == {
        "plan_id": plan["plan_id"],
        "version": 1,
    }
    told = json.loads(wfm("staffing", "now", "--json"))
    assert told["plan_id"] == plan["plan_id"]
    assert {row["queue"] for row in told["intervals"]} == {"office"}

    key = wfm("key", "create", "--role", "queue-engine").strip()
    service = create_app(store, Settings(), jobs=NoJobs(), console=False)  # type: ignore[arg-type]
    engine = TestClient(service, headers={"Authorization": f"Bearer {key}"})
    levels = engine.get("/api/v1/staffing/now").json()
    (office,) = levels["queues"]
    assert office["now"]["scheduled"] > 0

    message = {
        "source": "webhook",
        "account": "@small",
        "native_id": "m1",
        "queue": "office",
        "author": "ann",
        "text": "it does not work",
        "published_at": "2026-03-04T09:59:00Z",
    }
    taken = engine.post("/api/v1/contacts", json=message)
    assert (taken.status_code, taken.json()["outcome"]) == (201, "opened")
    assert engine.post("/api/v1/contacts", json=message).json()["outcome"] == "repeated"

    claims = {
        agent: claimed.json()
        for n in range(6)
        if (agent := f"S{n:02d}")
        and (claimed := engine.post("/api/v1/cases/claim", json={"agent_id": agent})).is_success
    }
    assert len(claims) == office["now"]["scheduled"]
    (held,) = [claim for claim in claims.values() if claim["case"]]
    assert held["case"]["case_id"] == taken.json()["case_id"]
    reply = {"lease_token": held["lease_token"], "text": "Try this."}
    place = f"/api/v1/cases/{held['case']['case_id']}/answer"
    assert engine.post(place, json=reply).json()["state"] == "answered"
    assert engine.post(place, json=reply).json()["code"] == "lease_lost"
    assert not list(Settings().home.glob("*.sqlite"))
