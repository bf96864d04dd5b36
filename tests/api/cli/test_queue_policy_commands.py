"""`wfm queue policy|hold|events|tick|outbox`, in words and as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest

from api.cli.main import main
from tests.api.conftest import required_brand
from wfm.cases import Contact
from wfm.ingest.intake import take_in
from wfm.store import outbox
from wfm.store.brands import save_brand
from wfm.store.engine import Store
from wfm.store.sources import Source, save_source

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store: Store) -> Run:
    """Runs `wfm queue ...` at 09:00 UTC, on a store with a case that waits and nobody there."""
    monkeypatch.setenv("WFM_NOW", "2026-03-02T09:00:00Z")
    brand = required_brand()
    contact = Contact("webhook", "@x", "m1", "x", "ann", "help", store.clock.now())
    with store.writing("test") as writing:
        save_brand(writing, brand)
        save_source(writing, Source("hook", "webhook", "s" * 16, "http://127.0.0.1:9/"))
    take_in(store, contact, brand=brand, actor="test", raw_body="{}")

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["wfm", "queue", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return call


def test_a_tick_shows_what_it_did_and_the_policy_what_it_predicts(run: Run):
    code, before, _ = run("policy")
    assert (code, "x: not looked at yet" in before) == (0, True)

    code, said, _ = run("tick")
    assert code == 0
    assert "1 steps of the policy" in said
    assert json.loads(run("tick", "--json")[1])["failed"] == {}

    said = " ".join(run("policy")[1].split())
    assert "nobody is there for it, 1 waits" in said
    assert "1 acknowledge since 10:00" in said
    x = json.loads(run("policy", "--json")[1])["queues"][0]
    assert (x["queue"], x["breaks"], x["outlook"]["waiting"]) == ("x", True, 1)


def test_a_step_is_held_and_let_go(run: Run):
    assert run("hold", "x", "3", "on")[1] == "x: spike mode taken, it is held by hand.\n"
    assert "it stood so already" in run("hold", "x", "3", "on")[1]
    assert json.loads(run("hold", "x", "3", "auto", "--json")[1])[0]["taken"] is False
    assert "none of on, off and auto" in run("hold", "x", "3", "maybe")[2]
    assert "steps 1 to 4" in run("hold", "x", "7", "on")[2]


def test_events_are_listed_oldest_first_and_go_on_where_one_was(run: Run):
    run("tick")
    lines = run("events")[1].splitlines()
    assert "case.opened" in lines[0]
    assert any("policy.step" in line and "nobody is there" in line for line in lines)
    assert any("staffing.changed" in line for line in lines)

    told = [json.loads(line) for line in run("events", "--json")[1].splitlines()]
    after = told[1]["id"]
    rest = [json.loads(line) for line in run("events", "--after", after, "--json")[1].splitlines()]
    assert rest == told[2:]
    assert {one["queue"] for one in told} == {"x", "mail"}
    assert "mail" not in run("events", "--queue", "x")[1]
    assert "no position" in run("events", "--after", "yesterday")[2]


def test_the_outbox_is_listed_and_a_letter_tried_again(run: Run, store: Store):
    with store.writing("test") as writing:
        number = outbox.put(writing, kind="reply", target="hook", key="k", body={"text": "Hi"})
        letter = outbox.find(writing.connection, number or 0)
        outbox.mark_failed(writing, letter, "hook answered 500", next_at=None)

    said = run("outbox", "list")[1]
    assert "1 given up" in said
    assert "hook answered 500" in said
    assert json.loads(run("outbox", "list", "--state", "dead", "--json")[1])["dead"] == 1
    assert "tried at the next delivery" in run("outbox", "retry", str(number))[1]
    assert json.loads(run("outbox", "list", "--json")[1])["items"][0]["state"] == "new"
    assert "no state of a letter" in run("outbox", "list", "--state", "lost")[2]
    assert "no letter 99" in run("outbox", "retry", "99")[2]
