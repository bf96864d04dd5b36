"""What the commands on certificates print: made anew, listed, and held against what came."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from api.cli.main import main
from api.worker import Work, make_certificate
from forecasting.scenarios.paths import Noise
from wfm.brands import Brand, Queue
from wfm.calendars import ServiceWindow
from wfm.frames import (
    FORECAST,
    ON_SHIFT,
    QUANTILE_COLUMNS,
    REQUIREMENT,
    ROSTER,
    STAFFING,
    interval_index,
)
from wfm.settings import Settings
from wfm.sla import OpeningGoal, ServiceGoal, WorkLaw
from wfm.store import plans
from wfm.store.brands import save_brand
from wfm.store.engine import Store, open_store
from wfm.store.forecasts import Version
from wfm.timegrid import FixedClock

# Midnight in Berlin, where the brand is.
MONDAY = datetime(2026, 3, 1, 23, tzinfo=UTC)
DAY = timedelta(days=1)
SIZE = {"interval": 96, "hour": 24, "day": 1}

Run = Callable[..., str]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `wfm ...` on Wednesday as ann, jobs in this process; gives standard output."""
    monkeypatch.setattr("getpass.getuser", lambda: "ann")
    monkeypatch.setenv("WFM_NOW", "2026-03-04T11:00:00Z")

    def run_job(
        store: Store, _settings: object, kind: str, request: dict, actor: str, progress: object
    ) -> dict:
        assert kind == "certify"
        return make_certificate(Work(store, "j-1", request, actor, progress, lambda *a, **k: None))

    monkeypatch.setattr("api.jobs.run_job", run_job)

    def call(*words: object) -> str:
        monkeypatch.setattr(sys, "argv", ["wfm", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert not ended.value.code, printed.err
        return printed.out

    return call


def own_certificate() -> dict:
    """Promises 90 % of first responses on Monday and Tuesday, 85 to 95 % on four days of five."""
    goal = {
        "queue": "x", "metric": "first_response", "goal": "goal", "threshold_s": 900, "share": 0.9,
        "scope": "hour", "attainment": 0.9, "se": 0.004, "p10": 0.85, "p90": 0.95, "cases": 192.0,
        "worst": None, "units": 48, "units_missed": 1, "units_small": 0, "kept": False,
    }  # fmt: skip
    series = {
        scope: {
            name: [value] * count * 2
            for name, value in (
                ("attainment", 0.9), ("se", 0.01), ("p10", 0.85), ("p90", 0.95),
                ("cases", 96.0 / count),
            )
        }
        for scope, count in SIZE.items()
    }  # fmt: skip
    starts = {
        scope: [(MONDAY + i * DAY / count).isoformat() for i in range(count * 2)]
        for scope, count in SIZE.items()
    }
    return {
        "start": MONDAY.isoformat(), "end": (MONDAY + 2 * DAY).isoformat(), "seed": 33,
        "replications": 100, "messages": 1, "starts": starts,
        "goals": [goal, goal | {"queue": ""}], "series": [series, series], "backlog": {},
        "occupancy": [],
    }  # fmt: skip


@pytest.fixture
def published(run: Run, ready_home: Path) -> Iterator[Store]:
    """The commands' store, with a plan of Monday and Tuesday that was published before."""
    store = open_store(Settings().store_url, clock=FixedClock(MONDAY - DAY))
    queue = Queue(
        "x", "x", "@x", "en", ServiceWindow.always(), (ServiceGoal(),), OpeningGoal(), WorkLaw()
    )
    index = interval_index(MONDAY, MONDAY + 2 * DAY)
    rows = pd.DataFrame({"start": index, "mean": 1.0, **dict.fromkeys(QUANTILE_COLUMNS, 1.0)})
    rows = rows.assign(aht_s=360.0, queue="x", model="known")
    shifts = pd.DataFrame(
        {"start": [MONDAY], "end": [MONDAY + 2 * DAY], "agent_id": "a", "queues": "x", "slots": 1}
    )
    with store.writing("ann") as writing:
        save_brand(writing, Brand("Small", "Europe/Berlin", (), (queue,), (), ()))
        plan_id = plans.insert_draft(
            writing,
            start=MONDAY,
            end=MONDAY + 2 * DAY,
            seed=3,
            lineage={
                "noise": Noise(
                    "Europe/Berlin", 0.5, {"x": (0.1,)}, {"x": date(2026, 3, 1)}
                ).to_document()
            },
            summary={},
            certificate=own_certificate(),
            forecast=Version(FORECAST.check(rows.astype({"queue": "str", "model": "str"}))),
            frames={
                "requirement": REQUIREMENT.empty(),
                "roster": ROSTER.empty(),
                "staffing": STAFFING.empty(),
                "on_shift": ON_SHIFT.check(
                    shifts.astype({name: c.dtype for name, c in ON_SHIFT.columns.items()})
                ),
            },
        )
        plans.publish(writing, plan_id)
    yield store
    store.close()


ALL = """\
id       plan  runs  seed  attained   error     P10     P90  goals     made by  made at
1 (own)  1      100    33    90.00%  +-0.40  85.00%  95.00%  not kept  ann      2026-02-28T23:00:00Z
"""
OF_A_PLAN = """\
Certificate 1, the plan's own: 100 runs, seed 33, by ann at 2026-02-28T23:00:00Z
queue       goal                              attained   error     P10     P90         missed
x           first response in 15 min for 90%    90.00%  +-0.40  85.00%  95.00%  1 of 48 hours
all queues  first response in 15 min for 90%    90.00%  +-0.40  85.00%  95.00%  1 of 48 hours
"""
CALIBRATION = """\
First responses of all queues, by day
day              plan  cases  promised     P10     P90  attained  within
Mon 02 Mar 2026  1       100    90.00%  85.00%  95.00%    90.00%  yes
Tue 03 Mar 2026  1       100    90.00%  85.00%  95.00%    80.00%  no

queue       goal                              days  cases  promised  attained  bias  within
all queues  first response in 15 min for 90%     2    200    90.00%    85.00%  -5.0     50%
x           first response in 15 min for 90%     2    200    90.00%    85.00%  -5.0     50%
2 days on record. Within: share of the days between P10 and P90, 80% by the certificates' own word, or more
  where days of 100% are common. Bias: attained less promised, in points.
"""  # noqa: E501


def test_certificates_are_listed_with_error_and_band(run: Run, published: Store):
    assert run("certificates") == ALL
    assert run("certificates", "current") == OF_A_PLAN
    (line,) = json.loads(run("certificates", "--json"))["certificates"]
    assert (line["own"], line["kept"], line["goals"][0]["se"]) == (True, False, 0.004)


def test_a_plan_is_certified_anew(run: Run, published: Store):
    printed = run("certify", "current", "--replications", 2, "--seed", 41)
    assert printed.splitlines()[:2] == [
        "Certificate 2 of plan 1 (published)",
        "2 simulated runs, on a seed the plan was not made with (41)",
    ]
    found = json.loads(run("certificates", "1", "--json"))["certificates"]
    assert [(one["certificate_id"], one["seed"], one["own"]) for one in found] == [
        (2, 41, False),
        (1, 33, True),
    ]
    assert json.loads(run("certify", "1", "--json"))["certificate"]["seed"] == 41


def test_imported_cases_tell_how_far_a_certificate_could_be_believed(
    run: Run, published: Store, tmp_path: Path
):
    assert "`wfm import cases FILE` brings" in run("certificates", "--calibration")
    rows = ["queue,arrival,first_response_at"]
    for k in range(200):
        # Monday 90 of 100 in time, Tuesday 80.
        at = MONDAY + k * DAY / 100
        wait = 5 if k % 100 < (90 if k < 100 else 80) else 40
        rows.append(f"x,{at:%Y-%m-%dT%H:%M:%SZ},{at + timedelta(minutes=wait):%Y-%m-%dT%H:%M:%SZ}")
    path = tmp_path / "cases.csv"
    path.write_text("\n".join(rows) + "\n")
    told = run("import", "cases", path)
    assert "200 cases written" in told
    assert "1 certificate is scored on what came; see `wfm certificates --calibration`." in told

    assert run("certificates", "--calibration") == CALIBRATION
    found = json.loads(run("certificates", "--calibration", "--json"))
    assert (found["days"], found["stated"], found["coverage"]) == (2, 0.8, 0.5)
    assert found["table"][0]["start"] == "2026-03-01T23:00:00Z"
    last = json.loads(run("certificates", "--calibration", "--days", 1, "--json"))
    assert last["days"] == 1


def test_what_cannot_be_asked_says_why(published: Store, monkeypatch, capsys):
    for words, said in (
        (("certificates", "current", "--calibration"), "leave PLAN out"),
        (("certificates", "--days", "3"), "--days goes with --calibration"),
        (("certify", "current", "--replications", "1"), "between 2 and 2,000"),
        (("certify", "best"), "'best' names no plan"),
    ):
        monkeypatch.setattr(sys, "argv", ["wfm", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        assert said in capsys.readouterr().err
