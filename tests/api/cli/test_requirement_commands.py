"""What `wfm requirement` prints: why an interval needs its agents, and what promises cost."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from api.cli.main import main
from api.planning import requirements
from scheduling.explain import NAMES
from wfm.settings import Settings
from wfm.store.engine import open_store

Run = Callable[..., tuple[int, str, str]]

AT = ("x", "2026-03-02 13:07")


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], required_home: Path
) -> Run:
    """Runs `wfm requirement ...`; gives exit code, standard output and error."""
    monkeypatch.setenv("WFM_HOME", str(required_home))

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["wfm", "requirement", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return call


def cells(text: str, after: str) -> list[list[str]]:
    """The table whose head begins with `after`, cells by runs of blanks."""
    lines = text[text.index(after) :].split("\n\n", maxsplit=1)[0].splitlines()[1:]
    return [[cell for cell in line.split("  ") if cell.strip()] for line in lines if line]


def test_why_is_told_in_a_sentence_and_two_tables(run: Run):
    code, out, _ = run("why", *AT)
    assert code == 0
    sentence, needs, looser = out.split("\n\n")
    assert re.match(r"x needs \d agents at Mon 02 Mar 13:00\.", sentence)
    assert [row[0] for row in cells(needs, "what asks")] == list(NAMES.values())
    assert needs.count("decides") == 1
    assert "the q80 day -> the median day" in [row[0] for row in cells(looser, "one step looser")]


def test_an_interval_that_a_rehearsal_raised_says_so_as_json(run: Run):
    code, out, _ = run("why", "x", "2026-03-02 09:15", "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["binding"], found["start"]) == ("rehearsal", "2026-03-02T08:15:00Z")
    assert list(found["needs"]) == list(NAMES)
    assert "A rehearsal decides" in found["sentence"]


def test_a_shut_queue_is_told_in_one_line(run: Run):
    assert run("why", "mail", "2026-03-02 03:00")[:2] == (
        0,
        "mail is shut at Mon 02 Mar 03:00: it needs nobody.\n",
    )


def test_costs_stand_below_the_plans_own_promise(run: Run, required_home: Path):
    store = open_store(Settings(home=required_home).store_url)
    (hours,) = requirements.promise_costs(store, "current", queue="x")
    store.close()
    code, out, _ = run("cost", "--queue", "x", "--share", ".8, .95", "--minutes", "15,1")
    own, *_, raised = cells(out, "first replies")
    assert code == 0
    assert out.startswith("x, plan 1: agent-hours before shrinkage\n")
    assert [cell.strip() for cell in own] == [
        "90%", "15 min", "q80 day", f"{hours.hours:,.1f}", "now", f"{hours.peak:,.1f}",
    ]  # fmt: skip
    assert out.count("cannot be kept") == 2
    assert "cannot be met by any number of agents" in " ".join(out.split())
    assert raised == ["rehearsals have raised the plan's own by 1.0 hours"]


def test_costs_of_the_usual_shares_are_told_where_nothing_is_asked_for(run: Run):
    told = json.loads(run("cost", "--json")[1])
    assert [one["share"] for one in told["costs"]] == [0.80, 0.85, 0.90, 0.95]
    assert told["own"] == told["costs"][2]
    assert (told["plan_id"], told["queue"]) == (1, None)
    assert told["plan_hours"] == pytest.approx(told["own"]["hours"] + 1.0)


WRONG = (
    (("why", "z", "2026-03-02 13:00"), "no queue 'z'; Small has x, mail"),
    (("why", "x", "2026-03-09 13:00"), "it covers 2026-03-02 to 2026-03-02"),
    (("why", *AT, "--plan", "7"), "there is no plan 7"),
    (("cost", "--share", "high"), "--share is 'high'; write numbers with commas between"),
    (("cost", "--minutes", "nan"), "--minutes is 'nan'"),
    (("cost", "--share", "1"), "--share names 1; it must lie between 0 and 1"),
    (("cost", "--share", "90"), "--share names 90; it must lie between 0 and 1"),
    (("cost", "--minutes", "15,-5"), "--minutes names -5; a promise is of a second or more"),
    (("cost", "--risk", "q80"), "'q80' is no risk; write a quantile of days"),
    (("cost", "--risk", ".99"), "risk is 0.99; it is a quantile of days from 0.5 to 0.975"),
)


def test_what_cannot_be_answered_is_told_in_a_sentence(run: Run):
    for words, says in WRONG:
        code, out, told = run(*words)
        assert (code, out) == (2, ""), words
        assert says in told
        assert "Traceback" not in told
