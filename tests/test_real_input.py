"""The whole chain on counts that nobody made up: five series of brand mentions, a week planned.

The counts are thinned to the size of a care team. The brand and its agents are the test's own.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli.main import app

SCALES = {"AAPL": 0.02, "AMZN": 0.03, "CRM": 0.4, "FB": 0.09, "UPS": 0.3}
AGENTS = 110

BRAND = """\
format = 1

[site]
name = "Mentions"
zone = "UTC"

[[markets]]
name = "US"
country = "US"
zone = "UTC"
hours = ["mon-fri 09:00-17:00"]

{queues}
[[templates]]
name = "eight"
minutes = 510
starts = ["00:00-23:30/30"]
breaks = [
  {{ activity = "break", minutes = 15, earliest = 90, latest = 150 }},
  {{ activity = "meal", minutes = 30, earliest = 210, latest = 270 }},
  {{ activity = "break", minutes = 15, earliest = 330, latest = 390 }},
]

[[templates]]
name = "five"
minutes = 300
starts = ["00:00-23:30/30"]
breaks = [{{ activity = "break", minutes = 15, earliest = 120, latest = 180 }}]

[[contracts]]
name = "full"
templates = ["eight"]
max_hours_per_day = 8
max_hours_per_week = 40
max_weekends_in_4 = 3

[[contracts]]
name = "part"
templates = ["five"]
max_hours_per_day = 5
max_hours_per_week = 25
max_weekends_in_4 = 3
"""

QUEUE = """\
[[queues]]
name = "{name}"
channel = "x"
handle = "@{name}"
language = "en"
window = "24/7"
markets = ["US"]
default_aht_s = 300
goals = [{{ metric = "first_response", threshold_s = 900, share = 0.90, scope = "hour" }}]

[queues.work]
first_touch = {{ mean_s = 150, cv = 0.5 }}
follow_up = {{ mean_s = 100, cv = 0.5 }}
continue_p = 0.6
think = {{ mean_s = 1200, cv = 1 }}
concurrency_max = 3

"""


def agents_csv(queues: list[str]) -> str:
    """Agents with two or three neighbouring queues each, every third part-time."""
    rows = ["agent_id,name,contract,contract_from,skills,availability"]
    for number in range(AGENTS):
        held = [queues[(number + k) % len(queues)] for k in range(2 + number % 2)]
        skills = ";".join(f"{queue}:3" for queue in held)
        contract = "part" if number % 3 == 0 else "full"
        rows.append(f"T{number:03d},Tester {number},{contract},2014-01-01,{skills},")
    return "\n".join(rows) + "\n"


@pytest.mark.slow
@pytest.mark.real_data
def test_a_week_is_planned_from_real_counts(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    queues = [name.lower() for name in SCALES]
    brand, agents = tmp_path / "brand.toml", tmp_path / "agents.csv"
    brand.write_text(BRAND.format(queues="".join(QUEUE.format(name=q) for q in queues)))
    agents.write_text(agents_csv(queues))
    monkeypatch.setenv("WFM_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("WFM_DATABASE_URL", raising=False)
    monkeypatch.setenv("WFM_NOW", "2015-04-23T09:00:00Z")

    def wfm(*words: str) -> str:
        done = CliRunner().invoke(app, list(words))
        assert done.exit_code == 0, f"wfm {' '.join(words)}\n{done.output}\n{done.exception}"
        return done.stdout

    wfm("import", "brand", str(brand))
    for name, scale in SCALES.items():
        file = real_data / "nab_tweets" / f"Twitter_volume_{name}.csv"
        wfm(
            *("import", "volumes", str(file), "--queue", name.lower()),
            *("--floor", "5min", "--scale", str(scale)),
        )
    wfm("import", "agents", str(agents))

    # The product's own model: choosing among models has tests of its own.
    order = ("--from", "2015-04-24", "--weeks", "1", "--model", "blend", "--replications", "50")
    plan = json.loads(wfm("plan", *order, "--publish", "--json"))
    summary = plan["summary"]
    assert summary["violations"] == 0
    assert summary["gap"] < 0.25
    assert {line["queue"] for line in plan["certificate"]} == {*queues, ""}
    # Spiky series: what is promised is the certificate, and a shortfall comes with its reason.
    if summary["shortfall_hours"] > 0:
        reasons = [m for m in summary["messages"] if "short of" in m]
        assert reasons
        assert all(any(q in reason for q in queues) for reason in reasons)
    assert summary["attainment"] >= 0.90
    printed = wfm("certificate", "current")
    print(printed, summary)
    assert "first response in 15 min" in printed
    published = wfm("--now", "2015-04-24T09:00:00Z", "staffing", "now", "--json")
    rows = json.loads(published)["intervals"]
    assert {row["queue"] for row in rows} == set(queues)
    assert sum(row["scheduled"] for row in rows) > 0
