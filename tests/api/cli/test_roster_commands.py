"""The commands on rosters: drafts edited, told, undone, compared, weighed and exported."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
import typer.main
from icalendar import Calendar
from openpyxl import load_workbook

sys.path.insert(0, str(Path(__file__).parents[2] / "scheduling"))
from rosters import make_agent, make_brand, make_requirement

from api.cli.main import main
from wfm.frames import FORECAST, ON_SHIFT, ROSTER, STAFFING
from wfm.people import BreakRule, Contract, ShiftTemplate
from wfm.settings import Settings
from wfm.store import plans
from wfm.store.brands import save_brand
from wfm.store.engine import Store, open_store
from wfm.store.forecasts import Version
from wfm.store.people import save_agents
from wfm.timegrid import FixedClock

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
SUNDAY_BEFORE = "2026-03-01T12:00:00Z"
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

EIGHT = ShiftTemplate("eight", 480, tuple(range(0, 1440, 60)), (BreakRule("break", 60, 120, 240),))
SIX = ShiftTemplate("six", 360, tuple(range(0, 1440, 60)), (BreakRule("break", 60, 60, 180),))
FULL = Contract("full", ("eight", "six"), 8, 40)

Run = Callable[..., str]

# Laying out all of the product's commands takes longer than carrying one of them out.
laid_out = cache(typer.main.get_command)


def rows(agent_id: str, day: int, hour: int) -> list[tuple[object, ...]]:
    """An eight-hour shift on the day, with its break three hours after the start."""
    at = MONDAY + day * DAY + hour * HOUR
    parts = ((0, 3, "on_queue"), (3, 4, "break"), (4, 8, "on_queue"))
    return [
        (agent_id, at + a * HOUR, at + b * HOUR, activity, "", "eight", False)
        for a, b, activity in parts
    ]


def keep_week(store: Store) -> int:
    """Publish a week: a1 from eight and a2 from twelve on weekdays, a3 and a4 free; gives its id.

    From eight to sixteen two agents are needed.
    """
    brand = make_brand(templates=(EIGHT, SIX), contracts=(FULL,))
    segments = [
        row
        for day in range(5)
        for agent_id, hour in (("a1", 8), ("a2", 12))
        for row in rows(agent_id, day, hour)
    ]
    roster = pd.DataFrame(segments, columns=list(ROSTER.columns))
    end = MONDAY + 7 * DAY
    hours = [8 <= n // 4 % 24 < 16 for n in range(7 * 96)]
    with store.writing("ann") as writing:
        save_brand(writing, brand)
        save_agents(writing, [make_agent(f"a{n}") for n in range(1, 5)])
        plan_id = plans.insert_draft(
            writing,
            start=MONDAY,
            end=end,
            seed=1,
            lineage={},
            summary={},
            certificate={"goals": []},
            forecast=Version(FORECAST.empty()),
            frames={
                "requirement": make_requirement({"x": [2 * open_ for open_ in hours]}, MONDAY, end),
                "roster": roster.astype({n: c.dtype for n, c in ROSTER.columns.items()}),
                "staffing": STAFFING.empty(),
                "on_shift": ON_SHIFT.empty(),
            },
        )
        plans.publish(writing, plan_id)
    return plan_id


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a store with a week in force from tomorrow on."""
    home = tmp_path_factory.mktemp("kept")
    store = open_store(Settings(home=home).store_url, clock=FixedClock(MONDAY - 12 * HOUR))
    keep_week(store)
    store.close()
    (file,) = home.glob("*.sqlite*")
    return file


@pytest.fixture
def home(kept: Path, tmp_path: Path) -> Path:
    """Folder of the test's own copy of that store, which the commands open."""
    folder = tmp_path / "home"
    folder.mkdir()
    shutil.copy(kept, folder)
    return folder


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `wfm roster ...` as ann; gives standard output, or the error's text where it fails."""
    monkeypatch.setattr("getpass.getuser", lambda: "ann")
    monkeypatch.setenv("WFM_NOW", SUNDAY_BEFORE)
    monkeypatch.setattr("typer.main.get_command", laid_out)

    def call(*words: object, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["wfm", "roster", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert (ended.value.code or 0) == code, printed.err
        return printed.err if code else printed.out

    return call


@pytest.fixture
def told(run: Run) -> Callable[..., dict]:
    """Runs a command with --json."""
    return lambda *words: json.loads(run(*words, "--json"))


def test_a_week_is_shown_by_agents_and_days(run: Run):
    lines = run("show").splitlines()
    assert lines[0] == "Test: plan 1, version 1, published; times of UTC"
    assert lines[1].split()[:5] == ["agent", "name", "Mon", "2", "Mar"]
    assert lines[2].split() == ["a1", "A1", *["08:00-16:00"] * 5, ".", ".", "40"]
    assert lines[4].split() == ["a3", "A3", *["."] * 7, "0"]
    assert lines[-1] == "no rule is broken"


def test_a_day_is_shown_by_the_clock_and_an_agent_by_shifts(run: Run):
    day = run("show", "--day", "2026-03-03").splitlines()
    bar = day[2].removeprefix("A1     08:00-16:00  ")
    assert bar == " " * 16 + "█" * 6 + "bb" + "█" * 8
    own = run("show", "current", "--agent", "a2").splitlines()
    assert own[2].split() == ["Mon", "2026-03-02", "12:00-20:00", "eight", "8", "break", "15:00"]
    assert len(own) == 2 + 5 + 1
    assert "goes from 2026-03-02 to 2026-03-08" in run("show", "--day", "2026-04-01", code=2)
    assert "did you mean 'a1'?" in run("show", "--agent", "a11", code=2)


def test_an_edit_is_told_with_rules_and_coverage_and_undone(run: Run, told):
    run("draft", "current")
    tried = told("edit", "drop", 1, "a1", "2026-03-02", "--try")
    assert (tried["kept"], tried["broken"]) == (False, [])
    # Two are needed from eight to sixteen and a break of an hour was in it: seven more are short.
    assert tried["short_hours_after"] - tried["short_hours_before"] == pytest.approx(7)
    assert (tried["paid_hours_before"], tried["paid_hours_after"]) == (8, 0)

    text = run("edit", "drop", "draft-1", "a1", "2026-03-02", "--reason", "ill")
    assert text.splitlines()[0] == "Draft 1 is now at revision 1:"
    assert "a1, Mon 02 Mar: eight 08:00-16:00 → off" in text
    assert told("show", "draft-1", "--agent", "a1")["shifts"][0]["day"] == "2026-03-03"

    (broken,) = told("edit", "assign", 1, "a1", "2026-03-02", "eight", "18:00")["broken"]
    assert (broken["rule"], broken["agent_id"]) == ("rest", "a1")
    run("undo", 1)
    assert "breaks a rule: a1 on 2026-03-03" in run("redo", 1)
    run("undo", 1)
    assert [row["revision"] for row in told("drafts")["drafts"]] == [5]
    log = told("history", 1)["edits"]
    assert [(one["kind"], one["undone"], one["reason"], one["actor"]) for one in log] == [
        ("drop", False, "ill", "cli:ann"),
        ("assign", True, "", "cli:ann"),
    ]
    assert "is discarded" in run("discard", 1)
    assert "discarded" in run("drafts", "--state", "discarded")
    assert "1. drop by cli:ann" in run("history", 1)


def test_every_kind_of_edit_has_its_command(run: Run, told):
    run("draft", 1, "--name", "all")

    def changed(*words: object) -> list[str]:
        done = told("edit", words[0], 1, *words[1:])
        return [f"{c['agent_id']} {c['day']}" for c in done["changes"]]

    monday, tuesday = "2026-03-02", "2026-03-03"
    assert changed("move", "a1", monday, "--start", "09:00") == [f"a1 {monday}"]
    assert changed("lengthen", "a1", monday, "--shorter", 120) == [f"a1 {monday}"]
    assert changed("break", "a1", monday, 1, "11:00") == [f"a1 {monday}"]
    assert changed("swap", "a1", monday, "a2") == [f"a1 {monday}", f"a2 {monday}"]
    assert changed("give", "a1", tuesday, "a3") == [f"a1 {tuesday}", f"a3 {tuesday}"]
    meeting = (f"{tuesday} 13:00", f"{tuesday} 14:00", "meeting")
    assert changed("activity", "a2", *meeting) == [f"a2 {tuesday}"]
    assert changed("pin", "a2", tuesday) == [f"a2 {tuesday}"]
    assert "pinned" in run("edit", "drop", 1, "a2", tuesday, code=2)
    assert changed("unpin", "a2", tuesday) == [f"a2 {tuesday}"]
    shown = told("show", "draft-1", "--day", monday)["shifts"]
    assert [(s["agent_id"], s["start"][11:16], s["template"]) for s in shown] == [
        ("a1", "12:00", "eight"),
        ("a2", "09:00", "six"),
    ]
    assert [s["start"][11:16] for s in shown[1]["segments"]] == ["09:00", "11:00", "12:00"]
    # Compared with what is in force: two agents on Monday, three on Tuesday.
    assert len(told("diff", 1, "draft-1")["changes"]) == 5
    assert "From 1 to draft-1: 5 agent-days of 3 agents changed" in run("diff", 1, "draft-1")


REFUSED = (
    (("edit", "drop", "9", "a1", "2026-03-02"), "no draft 9; `wfm roster drafts`"),
    (("edit", "drop", "x", "a1", "2026-03-02"), "'x' names no draft"),
    (("edit", "drop", 1, "a1", "2nd of March"), "is not a date; write it as 2026-03-02"),
    (("edit", "drop", 1, "a3", "2026-03-02"), "a3"),
    (("edit", "move", 1, "a1", "2026-03-02"), "say where the shift moves"),
    (("edit", "lengthen", 1, "a1", "2026-03-02"), "say by how many minutes"),
    (("edit", "assign", 1, "a3", "2026-03-02", "eight", "8 o'clock"), "no time of day"),
    (("edit", "assign", 1, "a3", "2026-03-02", "eight", "24:00"), "no shift starts at 24:00"),
    (("edit", "break", 1, "a3", "2026-03-02", 1, "12:00"), "a3 has no shift on 2026-03-02"),
    (("edit", "drop", 1, "a1", "2026-03-02", "--revision", 7), "at revision 0"),
    (("drafts", "--state", "lost"), "choose open, published, discarded"),
    (("takers", 1, "2026-03-02"), "--template and --start, or a shift by --of"),
    (("time-off", "grant", 9), "no request 9"),
    (("time-off", "list", "--state", "lost"), "choose asked, granted"),
    (("export", 1, "--format", "pdf"), "choose ical, xlsx, csv"),
    (("export", 1, "--format", "csv", "-o", "/nowhere/x.csv"), "name another file with -o"),
    (("calendar", "a9"), "no agent 'a9'"),
    (("publish", 1, "--force"), "give a reason"),
)


def test_what_cannot_be_is_told_with_the_way_out(run: Run):
    run("draft", 1)
    for words, told in REFUSED:
        assert told in run(*words, code=2), words


def test_a_roster_is_exported_and_read_back(run: Run, told, tmp_path: Path):
    run("draft", 1)
    run("edit", "drop", 1, "a1", "2026-03-02")
    table, grid, calendar = (tmp_path / name for name in ("r.csv", "r.xlsx", "r.ics"))
    assert run("export", "draft-1", "--format", "csv", "-o", table).startswith(str(table))
    with table.open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 9 * 3
    run("export", "draft-1", "--format", "xlsx", "-o", grid)
    assert load_workbook(grid)["Roster"]["A1"].value == "Test: draft 1 of plan 1, revision 1"
    done = told("export", "draft-1", "--format", "ical", "--agent", "a1", "-o", calendar)
    assert done["bytes"] == calendar.stat().st_size
    events = Calendar.from_ical(calendar.read_bytes()).walk("VEVENT")
    assert [str(event["status"]) for event in events] == ["CANCELLED", *["CONFIRMED"] * 4]


def test_a_calendar_link_is_made_and_revoked(run: Run, told):
    assert run("calendar", "a1", "--port", 9000).startswith("http://127.0.0.1:9000/api/v1/cal")
    assert told("calendar", "a1", "--revoke") == {"agent_id": "a1", "revoked": True}
    assert "has no calendar link" in run("calendar", "a1", "--revoke", code=2)


def test_time_off_is_asked_for_weighed_and_granted_into_a_draft(run: Run, told):
    asked = told("time-off", "ask", "a1", "2026-03-03", "2026-03-04", "--reason", "wedding")
    assert [day["shift"] != "" for day in asked["effect"]["days"]][-2:] == [True, True]
    assert asked["effect"]["fits"] is False
    assert "a1" in run("time-off", "effect", 1)
    granted = run("time-off", "grant", 1, "--answer", "enjoy it")
    assert "Request 1 of a1 is granted." in granted
    assert "Put it in force with: wfm roster publish 1" in granted
    (held,) = told("time-off", "list", "--agent", "a1")["requests"]
    assert (held["state"], held["reason"], held["answer"]) == ("granted", "wedding", "enjoy it")
    days = [s["day"] for s in told("show", "draft-1", "--agent", "a1")["shifts"]]
    assert days == ["2026-03-02", "2026-03-05", "2026-03-06"]

    run("time-off", "ask", "a2", "2026-03-06")
    assert "is declined" in run("time-off", "decline", 2)
    assert "declined" in run("time-off", "list")
    assert "There is no such request" in run("time-off", "list", "--state", "asked")


def test_a_trade_is_judged_and_granted_into_a_draft(run: Run, told):
    asked = told("trade", "ask", "a1", "2026-03-02", "a2")
    assert asked["allowed"] is True
    assert asked["request"]["state"] == "asked"
    assert "Trade 1 is asked." in run("trade", "verdict", 1)
    assert "is granted" in run("trade", "grant", 1)
    shown = told("show", "draft-1", "--day", "2026-03-02")["shifts"]
    assert [s["start"][11:16] for s in shown] == ["12:00", "08:00"]
    assert "a2, 2026-03-02" in run("trade", "list")


def test_open_shifts_are_listed_with_who_may_take_them(run: Run, told):
    found = told("open-shifts", "current")["openings"]
    assert found
    first = found[0]
    assert first["covers_hours"] > 0
    start = f"{first['start_min'] // 60:02d}:{first['start_min'] % 60:02d}"
    words = ("takers", "current", first["day"], "--template", first["template"], "--start", start)
    takers = told(*words)["takers"]
    assert {one["agent_id"] for one in takers if one["may"]} >= {"a3", "a4"}
    assert "agents with the skill may take it" in run(*words)
    assert first["template"] in run("open-shifts", "current")
    instead = told("takers", "current", "2026-03-02", "--of", "a1")["takers"]
    assert {"a3", "a4"} <= {one["agent_id"] for one in instead if one["may"]}


def test_the_roster_is_explained(run: Run, told):
    monday = "2026-03-02"
    reason = told("explain", "shift", "current", "a1", monday)
    assert (reason["template"], reason["start_min"]) == ("eight", 480)
    assert reason["sentence"] in " ".join(
        run("explain", "shift", "current", "a1", monday).replace("\n ", "").split()
    )
    against = told("explain", "not", 1, "a1", monday, "eight", "18:00")
    assert "rest" in [broken["rule"] for broken in against["broken"]]
    assert "rest" in run("explain", "not", 1, "a1", monday, "eight", "18:00")
    gap = told("explain", "shortfall", 1, "x", f"{monday} 09:00")
    assert (gap["need"], gap["on_queue"]) == (pytest.approx(2, abs=0.3), 1)
    assert "a3" in run("explain", "shortfall", 1, "x", f"{monday} 09:00")
    assert told("explain", "conflicts", 1, "a1") == {"conflicts": []}
    assert "keep every rule" in run("explain", "conflicts", 1, "a1")
    run("draft", 1)
    run("edit", "assign", 1, "a1", monday, "eight", "18:00")
    assert [c["rule"] for c in told("explain", "conflicts", "draft-1", "a1")["conflicts"]] == [
        "rest"
    ]
    assert "a1" in run("explain", "conflicts", "draft-1", "a1")
    assert isinstance(told("explain", "doubts", 1)["doubts"], list)
    run("explain", "doubts", 1)
    had = {r["kind"]: r["had"] for r in told("explain", "fairness", 1, "--agent", "a1")["ledger"]}
    assert had["night"] == 0
    run("explain", "fairness", 1, "--carried")
    assert told("explain", "more-agents", 1, "x")["queue"] == "x"
    run("explain", "more-agents", 1, "x")
    assert set(told("explain", "minimum", 1, "a1")) == {"minimum"}
    assert "a1" in run("explain", "minimum", 1, "a1")


def test_an_absence_is_repaired_in_the_draft(run: Run, told):
    run("draft", 1)
    done = told("repair", 1, "--absent", "a1", "--from", "2026-03-02", "--reason", "ill")
    assert done["revision"] == 1
    assert {c["agent_id"] for c in done["changes"]} >= {"a1"}
    assert done["broken"] == []


def test_publishing_and_solving_again_are_jobs(run: Run, monkeypatch):
    ordered: list[tuple[str, dict]] = []

    def run_job(
        store: Store, _settings: object, kind: str, request: dict, actor: str, progress: object
    ) -> dict:
        from api.planning import drafts
        from scheduling.editing.edits import Pin

        ordered.append((kind, request))
        if kind == "resolve":
            drafts.edit(store, 1, Pin("a1", date(2026, 3, 2)), actor=actor)
            return {"draft_id": 1, "seq": 1, "changed": 1}
        return {"plan_id": 2, "version": 2, "violations": ["a1 on 2026-03-02: 9 h of rest"]}

    monkeypatch.setattr("api.jobs.run_job", run_job)
    run("draft", 1)
    assert "a1, Mon 02 Mar" in run("resolve", 1, "--change-price", 20)
    published = run("publish", "draft-1", "--force", "--reason", "agreed")
    assert published.splitlines() == [
        "What was draft 1 is in force as plan 2, version 2.",
        "  forced over: a1 on 2026-03-02: 9 h of rest",
    ]
    run("republish", 1)
    assert [kind for kind, _ in ordered] == ["resolve", "publish_draft", "republish"]
    resolve, publish, republish = (request for _, request in ordered)
    assert (resolve["draft_id"], resolve["change_price"]) == (1, 20)
    assert (publish["draft_id"], publish["force"], publish["reason"]) == (1, True, "agreed")
    assert republish["plan_id"] == 1
