"""`wfm queue` for people: presence, supervision, tasks and exceptions, in words and as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from api.cli.main import main
from wfm.brands import Brand, Queue
from wfm.calendars import ServiceWindow
from wfm.sla import OpeningGoal, ServiceGoal, WorkLaw
from wfm.store import tables
from wfm.store.brands import save_brand
from wfm.store.engine import Store

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store: Store) -> Run:
    """Runs `wfm queue ...` at 09:00 UTC, on a store with one waiting case, and amy on shift."""
    monkeypatch.setenv("WFM_NOW", "2026-03-02T09:00:00Z")
    now = store.clock.now()
    goal, opening = ServiceGoal.first_response(), OpeningGoal()
    queue = Queue("x", "x", "@care", "en", ServiceWindow.always(), (goal,), opening, WorkLaw())
    with store.writing("test") as w:
        save_brand(w, Brand("Testbrand", "Europe/Berlin", (), (queue,), (), ()))
        day = {"starts_at": now - timedelta(hours=9), "ends_at": now + timedelta(hours=9)}
        plan_id = w.connection.execute(
            tables.plans.insert()
            .values(state="published", version=1, seed=1, inputs={}, summary={},
                    published_at=now, **day, **w.stamp)
            .returning(tables.plans.c.plan_id)
        ).scalar_one()  # fmt: skip
        w.connection.execute(
            tables.plan_on_shift.insert().values(
                plan_id=plan_id, agent_id="amy", start=now, end=now + timedelta(hours=8),
                queues="x", slots=2,
            )
        )  # fmt: skip
        w.connection.execute(
            tables.cases.insert().values(
                case_id=7, queue="x", author="ann", author_id=1, state="new", severity=0,
                received_at=now, due_at=now + timedelta(minutes=15),
                due_goal="first_response", contacts=1, opened_at=now, **w.stamp,
            )
        )  # fmt: skip

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["wfm", "queue", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return call


def told(run: Run, *words: str) -> str:
    code, printed, wrong = run(*words)
    assert code == 0, wrong
    return printed.strip()


def document(run: Run, *words: str) -> Any:
    return json.loads(told(run, *words, "--json"))


def test_a_shift_from_signing_on_to_signing_off(run: Run):
    assert told(run, "sign-on", "amy") == "amy is there."
    assert told(run, "who") == "\n".join(
        (
            "agent        since             heard of          held  slots  until  queues",
            "amy    here  Mon 02 Mar 10:00  Mon 02 Mar 10:00     0      2  18:00  x",
        )
    )
    assert told(run, "assign", "7", "amy") == "Case 7 is amy's until Mon 02 Mar 10:10."
    (held,) = document(run, "held", "amy")["items"]
    assert (held["case"]["case_id"], len(held["lease_token"])) == (7, 32)
    assert told(run, "away", "amy") == "amy is away and gets nothing new."
    told(run, "take-away", "7", "--reason", "lunch")
    assert told(run, "sign-off", "amy") == "amy has gone; what they held waits again."
    code, _, wrong = run("assign", "7", "amy")
    assert (code, wrong.strip()) == (
        2,
        "wfm: amy has signed off since Mon 02 Mar 10:00 and gets no case; sign on first",
    )


def test_a_case_is_handed_to_specialists(run: Run):
    assert told(run, "escalate", "7", "a lawyer writes") == (
        "Case 7 waits in x for level 4, due Mon 02 Mar 10:15."
    )


def test_tasks_are_set_listed_and_done(run: Run):
    assert told(run, "tasks", "set", "7", "callback", "call back", "--due", "2026-03-02 12:00",
                "--agent", "amy") == "Task 1 on case 7 is due Mon 02 Mar 12:00."  # fmt: skip
    assert told(run, "tasks", "list", "--agent", "amy").splitlines()[1].split() == [
        "1", "7", "callback", "Mon", "02", "Mar", "12:00", "open", "amy", "call", "back",
    ]  # fmt: skip
    assert document(run, "tasks", "list", "--overdue") == {"items": []}
    assert document(run, "tasks", "done", "1", "reached her")["state"] == "done"
    code, _, wrong = run("tasks", "cancel", "1", "twice")
    assert (code, wrong.strip()) == (2, "wfm: task 1 is done already; set a new one")
    code, _, wrong = run("tasks", "set", "7", "fax", "x", "--due", "2026-03-02 12:00")
    assert "take follow_up, callback, email, team" in wrong


def test_exceptions_are_asked_for_and_approved(run: Run):
    assert told(run, "exceptions", "ask", "7", "50", "late", "--role", "agent") == (
        "Exception 1 is asked for: the role agent grants 20 a case, what was given before included."
    )
    assert document(run, "exceptions", "list", "--state", "asked")["items"][0]["amount"] == 50
    assert told(run, "exceptions", "approve", "1") == "Exception 1 is approved."
    assert "approved" in told(run, "exceptions", "list", "--case", "7")
    code, _, wrong = run("exceptions", "refuse", "1")
    assert (code, "is approved already" in wrong) == (2, True)
    code, _, wrong = run("exceptions", "list", "--state", "lost")
    assert wrong.strip() == ("wfm: no exception is 'lost'; take granted, asked, approved, refused")
    code, _, wrong = run("exceptions", "ask", "7", "5", "late", "--role", "boss")
    assert "there is no role 'boss'" in wrong
