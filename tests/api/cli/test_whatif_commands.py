"""`wfm whatif`: asked of a small desk, kept, compared, repaired, promoted and replayed."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
import typer.main

sys.path.insert(0, str(Path(__file__).parents[1]))
from draftdesk import MONDAY, NOW, TUESDAY, at, keep_plan

from api.cli.main import main
from api.planning import drafts
from api.planning.whatif import scenarios
from scheduling.whatif.scenario import Scenario, Surge
from wfm.ingest.results import import_results
from wfm.settings import Settings
from wfm.store.campaigns import load_campaigns
from wfm.store.engine import Store, open_store
from wfm.timegrid import FixedClock, format_instant

Run = Callable[..., str]
Told = Callable[..., dict]

# Laying out all of the product's commands takes longer than carrying one of them out.
laid_out = cache(typer.main.get_command)

DAYS = ("--replications", "6")
SPIKE = ("--queue", "x", "--at", f"{TUESDAY} 10:00", "--factor", "9", "--length", "60", *DAYS)
SURGE = Surge(at(TUESDAY, 10), 60, ("x",), factor=9.0)
# a4, who is off on Tuesday, comes from 12:00 to 16:00.
EDITED = {
    "name": "One more",
    "surges": [{"start": format_instant(at(TUESDAY, 10)), "length_min": 60, "factor": 3}],
    "edits": [
        {
            "kind": "assign",
            "agent_id": "a4",
            "day": str(TUESDAY),
            "template": "day4",
            "start_min": 720,
        }
    ],
}


@pytest.fixture
def home(desk_home: Path, tmp_path: Path) -> Path:
    """Folder of the test's own copy of the desk's store, which the commands open."""
    return Path(shutil.copytree(desk_home, tmp_path / "home"))


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    opened = open_store(Settings(home=home).store_url, clock=FixedClock(NOW))
    yield opened
    opened.close()


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `wfm whatif ...` as ann; gives standard output, or the error's text where it fails."""
    monkeypatch.setattr("getpass.getuser", lambda: "ann")
    monkeypatch.setenv("WFM_NOW", format_instant(NOW))
    monkeypatch.setattr("typer.main.get_command", laid_out)

    def call(*words: object, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["wfm", "whatif", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert (ended.value.code or 0) == code, printed.err
        return printed.err if code else printed.out

    return call


@pytest.fixture
def told(run: Run) -> Told:
    """Runs a command with --json."""
    return lambda *words: json.loads(run(*words, "--json"))


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    """The file of a scenario with a surge and one person more."""
    file = tmp_path / "edited.json"
    file.write_text(json.dumps(EDITED), encoding="utf-8")
    return file


# -- asking --------------------------------------------------------------------------------------


def test_a_spike_is_answered_in_a_sentence_a_table_and_a_picture(run: Run):
    lines = run("try", *SPIKE).splitlines()

    assert lines[0] == (
        "  Tue 10 Mar 10:00, 1 h: 9 times the usual contacts on x, then halved every 1 h"
    )
    assert "of first replies are in time instead of" in lines[1]
    assert [line.split()[0] for line in lines if " -> " in line] == ["all", "x"]
    assert [line.split()[0] for line in lines if "█" in line or "▁" in line] == [
        "without", "with", "waiting",
    ]  # fmt: skip
    assert "(Europe/Berlin) without and with it on the same" in " ".join(lines[-2:])


def test_as_json_it_is_what_the_planning_found(told: Told, store: Store):
    found = scenarios.evaluated(store, Scenario(surges=(SURGE,)), replications=6)

    document = told("try", *SPIKE)

    assert document["scenario"]["surges"][0]["start"] == "2026-03-10T09:00:00+00:00"
    assert document["effects"][0]["attainment_after"] == found.overall.attainment_after
    assert document["effects"][1]["backlog_after"]["value"] == found.effects[1].backlog_after.value
    assert document["added_contacts"] == found.added_contacts
    assert len(document["table"]) == len(found.table)
    assert (document["replications"], document["repairs"], document["saved"]) == (6, None, None)


def test_the_roster_may_be_a_drafts(told: Told, store: Store):
    draft_id = drafts.open_draft(store, "current", actor="ann")

    draft, plan = (
        told("try", *SPIKE, "--plan", which) for which in (f"draft-{draft_id}", "current")
    )

    assert draft["effects"] == plan["effects"]


def test_a_file_and_options_make_one_scenario(told: Told, edited: Path):
    document = told("try", "--file", edited, "--at", f"{TUESDAY} 12:00", "--extra", 1, *DAYS)

    held = document["scenario"]
    assert [surge["factor"] for surge in held["surges"]] == [3.0]
    assert [(extra["heads"], extra["start"]) for extra in held["extra"]] == [
        (1, "2026-03-10T11:00:00+00:00")
    ]
    assert [change["agent_id"] for change in held["changes"]] == ["a4"]
    assert document["paid_hours"] > 4.0


def test_what_is_shown_as_json_can_be_asked_again(told: Told, tmp_path: Path):
    kept = told("try", *SPIKE, "--save", "Ten")
    file = tmp_path / "kept.json"
    file.write_text(json.dumps(told("show", 1, *DAYS)), encoding="utf-8")

    again = told("try", "--file", file, *DAYS)

    assert again["effects"] == kept["effects"]
    assert again["scenario"]["name"] == "Ten"


def test_a_preset_brings_its_surge(told: Told, run: Run):
    document = told("try", "--preset", "viral", "--high", "--at", f"{TUESDAY} 10:00", *DAYS)
    presets = {one["cause"]: one for one in told("presets")["presets"]}

    (surge,) = document["scenario"]["surges"]
    assert surge["factor"] == presets["viral"]["surges"][0]["high"]
    assert surge["cause"] == "viral"
    assert document["scenario"]["name"] == presets["viral"]["title"]
    lines = run("presets").splitlines()
    assert lines[0].split()[:3] == ["preset", "typical", "high"]
    assert [line.split()[0] for line in lines[1:] if line[0] != " "] == list(presets)


# -- kept scenarios ------------------------------------------------------------------------------


def test_a_scenario_is_kept_listed_shown_and_laid_aside(run: Run, told: Told):
    assert run("list") == ("No scenario is kept yet; `wfm whatif try ... --save NAME` keeps one.\n")
    kept = run("try", *SPIKE, "--save", "Ten o'clock").splitlines()
    assert kept[-1] == (
        "Kept as scenario 1 of plan 1: `wfm whatif show 1`, or /console/whatif?scenario=1 in the "
        "console"
    )
    assert run("list").splitlines()[1].split()[:-1] == [
        "1", "1", "open", "0", "Ten", "o'clock", "cli:ann",
    ]  # fmt: skip
    shown = run("show", 1, *DAYS).splitlines()
    assert shown[0] == "Scenario 1 of plan 1, open, revision 0: Ten o'clock"
    assert shown[1:3] == kept[:2]
    assert told("list")["scenarios"][0]["url"] == "/console/whatif?scenario=1"
    assert run("archive", 1) == "Scenario 1 is archived.\n"
    assert told("list", "--state", "open") == {"scenarios": []}
    assert "was archived by cli:ann" in run("archive", 1, code=2)


def test_two_scenarios_are_held_beside_each_other(run: Run, told: Told):
    run("try", *SPIKE, "--save", "nine")
    run("try", *SPIKE, "--extra", 3, "--save", "[/nine] three more")

    lines = run("compare", 1, 2, *DAYS).splitlines()
    both = told("compare", 1, 2, *DAYS)["scenarios"]

    assert [line.split("  ")[0] for line in lines[1:4]] == [
        "without any", "1 nine", "2 [/nine] three more",
    ]  # fmt: skip
    assert [line.split()[0] for line in lines[-3:]] == ["without", "with", "with"]
    alone, helped = (one["evaluation"] for one in both)
    assert (alone["from"], alone["to"]) == (helped["from"], helped["to"])
    assert helped["effects"][0]["late_after"] < alone["effects"][0]["late_after"]
    assert "[/nine] three more" in run("list")


def test_what_helps_is_ranked_and_applied(run: Run, told: Told):
    document = told("try", *SPIKE, "--repairs", "--save", "nine")
    best = document["repairs"]["ranked"][0]

    text = run("repairs", 1, *DAYS)
    after = told("apply", 1, best["repair_id"], *DAYS)

    assert f"1.  {best['repair_id']}" in text
    assert text.splitlines()[-1] == "Take what helps with: wfm whatif apply 1 1"
    assert after["revision"] == 1
    assert after["scenario"]["policies"] == best["does"]["policies"]
    assert "is at revision 1" in run("apply", 1, 1, "--revision", 0, code=2)
    assert "there is no repair 'nothing'" in run("apply", 1, "nothing", *DAYS, code=2)


# -- what becomes of them ------------------------------------------------------------------------


def test_changes_of_the_roster_become_a_draft_once(run: Run, store: Store, edited: Path):
    run("try", "--file", edited, *DAYS, "--save", "One more")

    said = " ".join(run("promote", 1, "--to", "draft").split())

    assert said == (
        "The roster changes of scenario 1 are in draft 1 of plan 1. Look at it with: wfm roster "
        "diff 1 draft-1; put it in force with: wfm roster publish 1 A draft cannot hold the rest: "
        "1 surge; the scenario still does."
    )
    (change,) = drafts.difference(store, 1, "draft-1")
    assert (change.agent_id, change.day) == ("a4", TUESDAY)
    assert "was promoted to draft 1 by cli:ann" in run("promote", 1, "--to", "draft", code=2)
    assert len(drafts.list_drafts(store)) == 1


def test_a_surge_becomes_a_campaign(told: Told, run: Run, store: Store):
    run("try", *SPIKE, "--save", "nine")

    document = told("promote", 1, "--to", "campaign", "--name", "TV spot", "--category", "launch")

    with store.reading() as connection:
        (campaign,) = load_campaigns(connection)
    assert (campaign.name, campaign.category, campaign.peak_uplift) == ("TV spot", "launch", 8.0)
    assert document["promoted"]["name"] == "TV spot"
    assert (document["state"], document["campaign"]) == ("promoted", "TV spot")
    assert run("list").splitlines()[1].split()[2:4] == ["campaign", "TV"]


def test_a_scenario_of_a_superseded_plan_is_taken_over_to_the_new_one(run: Run, store: Store):
    run("try", *SPIKE, "--save", "nine")
    assert run("rebase", 1) == "Plan 1 still stands; nothing is changed.\n"
    keep_plan(store)

    lines = run("show", 1, *DAYS).splitlines()

    assert lines[0] == "Scenario 1 of plan 1, open, revision 0: nine"
    assert lines[2].startswith("It cannot be simulated: plan 1, which scenario 1 is about, has")
    assert "wfm whatif rebase 1" in run("repairs", 1, *DAYS, code=2)
    assert run("rebase", 1) == "Scenario 1 is about plan 2 now, at revision 1.\n"
    assert "of first replies are in time" in run("show", 1, *DAYS)


# -- replay --------------------------------------------------------------------------------------


@pytest.fixture
def afterwards(run: Run, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Days later; a case every half hour of Monday and Tuesday is on record, half of them late."""
    monkeypatch.setenv("WFM_NOW", "2026-03-13T12:00Z")
    lines = ["queue,arrival,first_response_at,handling_s,external_id"]
    for day in (MONDAY, TUESDAY):
        for number in range(14):
            came = at(day, 8.25 + number / 2)
            replied = came + timedelta(minutes=5 if number % 2 else 20)
            lines.append(f"x,{format_instant(came)},{format_instant(replied)},120,{day}-{number}")
    (tmp_path / "cases.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    later = Store(store.engine, FixedClock(at(MONDAY + timedelta(days=4), 12)))
    import_results(later, [tmp_path / "cases.csv"], actor="ann")


@pytest.mark.usefixtures("afterwards")
def test_past_days_are_played_again(run: Run, told: Told, tmp_path: Path):
    span = ("replay", "--from", MONDAY, "--to", TUESDAY)

    lines = run(*span, "--cases", tmp_path / "all.csv").splitlines()
    document = told(*span, "--order", "fifo", "--plan", 1)

    # Whoever comes as the one agent's break begins waits a quarter of an hour.
    assert " ".join(map(str.strip, lines[:2])) == (
        "From Mon 09 Mar 2026 to Tue 10 Mar 2026 the roster in force would have had 85.7% of 28 "
        "first replies in time, where the record has 50.0% (+35.7 points)."
    )
    assert [line.split("  ")[0] for line in lines if "+35.7  " in line] == [
        "all queues", "x", "2026-03-09", "2026-03-10",
    ]  # fmt: skip
    assert lines[-1] == f"28 cases written to {tmp_path / 'all.csv'}"
    assert len((tmp_path / "all.csv").read_text("utf-8").splitlines()) == 29
    assert [(row["queue"], row["cases"]) for row in document["by_queue"]] == [("", 28), ("x", 28)]
    assert (document["known"], document["cases"]) == (1.0, None)


# -- asked wrongly -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("try",), "nothing is otherwise than planned"),
        (("try", "--factor", "4"), "say when it begins: --at"),
        (("try", *SPIKE, "--at", "2026-04-10 10:00"), "outside of the roster, which goes from"),
        (("try", *SPIKE, "--factor", "-3"), "factor is -3; it lies between 0 and 100"),
        (("try", *SPIKE, "--factor", "1e6"), "factor is 1e+06; it lies between 0 and 100"),
        (("try", *SPIKE, "--factor", "nan"), "factor is nan"),
        (("try", *SPIKE, "--queue", "fax"), "fax"),
        (("try", *SPIKE, "--length", "99999999"), "--length is 99999999"),
        (("try", *SPIKE, "--half-life", "1e300"), "half-life, minutes, is 1e+300"),
        (("try", *SPIKE, "--absent", "2"), "share absent is 2"),
        (("try", *SPIKE, "--away", "nobody"), "no agent 'nobody'"),
        (("try", *SPIKE, "--extra", "-1"), "extra people is -1"),
        (("try", *SPIKE, "--known-from", "soon"), "'soon' is not a time"),
        (("try", *SPIKE, "--reserve", "0.5"), "--reserve goes with --spike-mode"),
        (("try", *SPIKE, "--preset", "viral"), "--preset has a shape of its own"),
        (("try", "--preset", "hail", "--at", "2026-03-10"), "there is no preset 'hail'"),
        (("try", *SPIKE, "--high"), "--high goes with --preset"),
        (("try", "--extra", "1", "--at", "2026-03-10", "--rise", "5"), "--rise: of what?"),
        (("try", "--shrinkage", "0.3", "--length", "5"), "--length: of what?"),
        (("try", "--shrinkage", "0.3", "--at", "2026-03-10"), "--at: of what?"),
        (("try", "--shrinkage", "0.3", "--queue", "x"), "--queue: of what?"),
        (("try", "--goal-share", "0.8", "--goal-within", "inf"), "--goal-within is inf"),
        (("try", *SPIKE, "--plan", "99"), "99"),
        (("try", *SPIKE, "--plan", "draft-7", "--save", "x"), "no draft 7"),
        (("try", "--file", "nowhere.json"), "nowhere.json cannot be read"),
        (("show", "7"), "there is no scenario 7"),
        (("list", "--state", "lost"), "a scenario is never 'lost'"),
        (("compare", "1", "1"), "2 to 4 different scenarios"),
        (("promote", "7", "--to", "moon"), "--to is 'moon'"),
        (("promote", "7", "--to", "draft", "--name", "x"), "go with --to campaign"),
        (("replay", "--from", "2026-03-09"), "is not over yet"),
        (("replay", "--from", "2026-02-09"), "no case that arrived"),
        (("replay", "--from", "2026-02-09", "--order", "lifo"), "--order is 'lifo'"),
        (("replay", "--from", "2026-02-09", "--plan", "1", "--draft", "2"), "not both"),
        (("replay", "--from", "2026-02-09", "--cases", "x.txt"), "end its name in .csv"),
        (("replay", "--from", "2026-02-09", "--cases", "no/x.csv"), "there is no no"),
        (("replay", "--from", "2026-02-09", "--to", "2026-02-01"), "covers 1 to"),
    ],
)
def test_what_is_asked_wrongly_is_told_and_changes_nothing(
    run: Run, store: Store, words: tuple[str, ...], said: str
):
    assert said in run(*words, code=2)
    assert scenarios.listing(store) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no JSON"),
        ("[1]", "holds no scenario"),
        ('{"surges": [{"start": "2026-03-10T09:00:00"}]}', "surges.0.length_min"),
        ('{"surgs": []}', "surgs"),
        ('{"edits": [{"kind": "fly"}]}', "fly"),
    ],
)
def test_a_file_that_holds_no_scenario_is_told(run: Run, tmp_path: Path, text: str, said: str):
    file = tmp_path / "odd.json"
    file.write_text(text, encoding="utf-8")

    assert said in run("try", "--file", file, code=2)


def test_a_scenario_of_a_draft_cannot_be_kept(run: Run, store: Store):
    drafts.open_draft(store, "current", actor="ann")

    assert "is kept about a plan, and draft-1 is a draft" in run(
        "try", *SPIKE, "--plan", "draft-1", "--save", "x", code=2
    )
    assert scenarios.listing(store) == ()
