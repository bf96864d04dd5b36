"""`wfm queue`: the life of a case from the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from api.cli.main import main
from wfm.brands import Brand, Queue
from wfm.calendars import ServiceWindow
from wfm.cases import Contact
from wfm.ingest.intake import take_in
from wfm.settings import Settings
from wfm.sla import OpeningGoal, ServiceGoal, WorkLaw
from wfm.store import tables
from wfm.store.brands import save_brand
from wfm.store.engine import open_store
from wfm.timegrid import FixedClock

Run = Callable[..., tuple[int, str, str]]
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `wfm queue ...` at 10:00 in Berlin; gives exit code, standard output and error."""

    def call(*words: str, now: str = "2026-03-02T09:00Z") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["wfm", "--now", now, "queue", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return call


@pytest.fixture(autouse=True)
def opened(ready_home) -> None:
    """Two cases, five minutes old; amy is on shift today."""
    queues = tuple(
        Queue(
            name, "x", "@care", "en", ServiceWindow.always(), (ServiceGoal(),), OpeningGoal(),
            WorkLaw(),
        )
        for name in ("x", "chat")
    )  # fmt: skip
    brand = Brand("Testbrand", "Europe/Berlin", (), queues, (), ())
    store = open_store(Settings().store_url, clock=FixedClock(NOW - timedelta(minutes=5)))
    day = {"starts_at": NOW.replace(hour=0), "ends_at": NOW + timedelta(days=1)}
    with store.writing("test") as w:
        save_brand(w, brand)
        plan = {"state": "published", "version": 1, "seed": 1, "inputs": {}, "summary": {}}
        w.connection.execute(
            tables.plans.insert().values(plan_id=1, **plan, **day, published_at=NOW, **w.stamp)
        )
        w.connection.execute(
            tables.plan_on_shift.insert().values(
                plan_id=1, agent_id="amy", start=day["starts_at"], end=day["ends_at"],
                queues="x chat", slots=2,
            )
        )  # fmt: skip
    for author in ("ann", "ben"):
        contact = Contact("webhook", "@care", f"m-{author}", "x", author, "it [b] fails", NOW)
        take_in(store, contact, brand=brand, actor="key:hook", raw_body="{}")
    store.close()


def ok(ended: tuple[int, str, str]) -> str:
    code, told, wrong = ended
    assert code == 0, wrong
    return told


def test_the_queue_is_shown_with_what_waits_and_who_is_there(run):
    assert ok(run("show")).splitlines() == [
        "Mon 02 Mar 2026 10:00 Europe/Berlin",
        "queue        waiting  late  next due          held  on shift  slots",
        "x      open        2     0  Mon 02 Mar 10:10     0         1      2",
        "chat   open        0     0  -                    0         1      2",
    ]
    told = json.loads(ok(run("show", "--json")))
    assert [queue["waiting"] for queue in told["queues"]] == [2, 0]


def test_an_empty_pool_is_said_aloud(run):
    told = ok(run("show", now="2026-03-04T09:00Z"))
    assert "! 2 cases of x wait, the first due at Mon 02 Mar 10:10; nobody on shift" in told


def test_cases_come_a_page_at_a_time(run):
    first = json.loads(ok(run("cases", "--limit", "1", "--json")))
    second = json.loads(ok(run("cases", "--cursor", first["next"], "--json")))
    assert [case["author"] for case in (*first["items"], *second["items"])] == ["ann", "ben"]
    assert second["next"] is None
    assert "ben" in ok(run("cases", "--queue", "x", "--state", "new"))
    assert ok(run("cases", "--state", "closed")) == "No case.\n"


def test_a_case_is_claimed_and_answered(run):
    claimed = json.loads(ok(run("claim", "--agent", "amy", "--json")))
    assert claimed["case"]["case_id"] == 1
    told = ok(run("answer", "1", "Try this.", "--token", claimed["lease_token"]))
    assert told == "Case 1 is answered; we wait for ann.\n"
    assert ok(run("case", "1")).splitlines() == [
        "Case 1 of x: answered, due Mon 02 Mar 10:10, severity 0, from ann",
        "  Mon 02 Mar 09:55  ann:",
        "    it [b] fails",
        "  first response within 15 min: kept, 5 min passed, due Mon 02 Mar 10:10",
        "  resolution within 1 h: stands still, 5 min passed",
        "  Mon 02 Mar 09:55  opened",
        "  Mon 02 Mar 10:00  claimed by amy",
        "  Mon 02 Mar 10:00  answered by amy: Try this.",
    ]


def test_a_claim_in_words_has_the_message_and_the_token_and_is_given_back(run):
    lines = ok(run("claim", "--agent", "amy")).splitlines()
    assert lines[:2] == [
        "Case 1 of x, due Mon 02 Mar 10:10, held until Mon 02 Mar 10:10",
        "  ann: it [b] fails",
    ]
    token = lines[2].removeprefix("token ")
    assert ok(run("release", "1", "--token", token)) == "Case 1 waits again in x.\n"
    ok(run("claim", "--agent", "amy"))
    ok(run("claim", "--agent", "amy"))
    code, _, wrong = run("claim", "--agent", "amy")
    assert (code, wrong.startswith("wfm: amy holds 2 cases and has 2 slots")) == (2, True)


def test_the_moves_say_what_became_of_the_case(run):
    moves = (
        ("pause", "1", "asked the warehouse", "--until", "2026-03-02 18:00"),
        ("resume", "1"),
        ("move", "1", "chat", "--reason", "wrong desk"),
        ("severity", "1", "3"),
        ("acknowledge", "1", "We are on it."),
        ("merge", "2", "--into", "1"),
        ("close", "1", "solved"),
        ("reopen", "1", "not solved"),
    )
    # The pause lasts for two and a half minutes; the others follow one after the other.
    times = ("00:00", "02:30", "03:00", "03:10", "03:20", "03:30", "03:40", "03:50")
    told = [
        ok(run(*words, now=f"2026-03-02T09:{at}Z")) for words, at in zip(moves, times, strict=True)
    ]
    assert told == [
        "Case 1 is paused until Mon 02 Mar 18:00; its clocks stand still.\n",
        "Case 1 waits again in x, due Mon 02 Mar 10:12.\n",
        "Case 1 is in chat now: new, due Mon 02 Mar 10:12.\n",
        "Case 1 has severity 3.\n",
        "Case 1 is acknowledged; its answer is due Mon 02 Mar 10:12.\n",
        "Case 2 goes on in case 1: new there, due Mon 02 Mar 10:10.\n",
        "Case 1 is closed: solved.\n",
        "Case 1 waits again in chat, due Mon 02 Mar 10:10.\n",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["case", "9"], "there is no case 9"),
        (["cases", "--state", "open"], "'open' is no state; a case is new or assigned or"),
        (["cases", "--queue", "fax"], "no queue 'fax'; Testbrand has x, chat"),
        (["cases", "--cursor", "?"], "'?' is no cursor"),
        (["pause", "1", "later", "--until", "soon"], "'soon' is not a time"),
        (["merge", "1", "--into", "1"], "case 1 cannot be merged into itself"),
        (["answer", "1", "hello", "--token", "forged"], "case 1 waits again"),
        (["resume", "1"], "case 1 is new; only a paused case is resumed"),
        (["claim", "--agent", "zoe"], "zoe is not on shift"),
        (["close", "1", " "], "a reason has 1 to 200 characters"),
    ],
)
def test_what_is_asked_wrongly_is_answered_in_a_sentence(run, words, said):
    code, _, wrong = run(*words)
    assert (code, wrong.startswith(f"wfm: {said}")) == (2, True), wrong
