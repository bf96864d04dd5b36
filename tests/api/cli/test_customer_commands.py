"""`wfm queue author|customer|same-person|retire`: what they print and do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.cli import queuecare, queuecustomers, queuemerges
from api.cli.queueapp import app
from tests.wfm.conftest import BRAND
from wfm.cases import Contact
from wfm.errors import NotFound, RequestError
from wfm.ingest.intake import take_in
from wfm.settings import Settings
from wfm.store.brands import save_brand
from wfm.store.engine import Store, open_store
from wfm.timegrid import FixedClock

# These add the commands to `wfm queue`.
COMMANDS = (queuecare, queuecustomers, queuemerges)

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def wfm(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout


def wfm_json(*arguments: str) -> Any:
    return json.loads(wfm(*arguments, "--json"))


@pytest.fixture
def desk(ready_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store in which ann and bob have written; their authors are 1 and 2."""
    monkeypatch.setenv("WFM_NOW", "2026-03-02T09:00Z")
    store = open_store(Settings().store_url, clock=FixedClock(AT))
    with store.writing("test") as writing:
        save_brand(writing, BRAND)
    for name in ("ann", "bob"):
        contact = Contact("hook", "@care", f"m-{name}", "x", f"u-{name}", "hello", AT, handle=name)
        take_in(store, contact, brand=BRAND, actor="test", raw_body="{}")
    yield store
    store.close()


def test_authors_are_listed_shown_and_marked(desk: Store):
    assert [one["handle"] for one in wfm_json("author", "list")] == ["ann", "bob"]
    assert "u-ann" in wfm("author", "list", "--handle", "ann")
    assert wfm("author", "list", "--handle", "zoe") == "no such author\n"
    assert wfm("author", "kind", "1", "regulator") == "author 1 is regulator\n"
    shown = wfm("author", "show", "1")
    assert "regulator" in shown
    assert "names: ann" in shown
    assert wfm_json("author", "kind", "1", "")["kind"] == ""


def test_a_customer_is_kept_found_and_shown_with_their_cases(desk: Store):
    kept = wfm_json("customer", "add", "--name", "Ann", "--email", "us@b.de", "--author", "1")
    assert kept["customer"]["email"] == "us@b.de"
    told = wfm("customer", "add", "--name", "Bob", "--email", "us@b.de")
    assert "perhaps one person: 1 and 2, both have the same e-mail address" in told
    assert wfm("customer", "link", "2", "2") == "author 2 is customer 2\n"
    assert [one["customer_id"] for one in wfm_json("customer", "list", "--email", "US@b.de")] == [
        1,
        2,
    ]
    shown = wfm("customer", "show", "1")
    assert "us@b.de" in shown
    assert "u-ann" in shown
    assert "2026-03-02T09:00:00Z" in shown
    assert wfm_json("customer", "show", "2")["cases"][0]["author"] == "u-bob"
    assert wfm_json("customer", "change", "1", "--email", "")["customer"]["email"] is None
    assert wfm("customer", "unlink", "2") == "author 2 is nobody's\n"


def test_handles_are_listed_with_the_hours_they_may_state(desk: Store):
    (handle,) = wfm_json("handles")
    assert (handle["name"], handle["hours"]) == ("@care", "24/7")
    assert "24/7" in wfm("handles")


def test_merges_are_decided_from_the_command_line(desk: Store):
    for name in ("a", "b", "c"):
        wfm("customer", "add", "--name", name)
    assert wfm("same-person", "list") == "none\n"
    merge = wfm_json("same-person", "propose", "2", "1", "--why", "said so")
    assert (merge["kept_id"], merge["merged_id"], merge["state"]) == (1, 2, "proposed")
    assert "confirmed" in wfm("same-person", "confirm", "1")
    assert wfm_json("same-person", "undo", "1")["state"] == "undone"
    wfm("same-person", "propose", "1", "3", "--why", "she says")
    assert wfm_json("same-person", "reject", "2")["state"] == "rejected"
    assert [one["merge_id"] for one in wfm_json("same-person", "list", "--state", "undone")] == [1]
    with pytest.raises(RequestError, match="'maybe' is no state of a merge; use one of proposed"):
        wfm("same-person", "list", "--state", "maybe")


def test_erasing_wants_to_be_meant(desk: Store):
    with pytest.raises(RequestError, match="cannot be brought back; add --yes"):
        wfm("author", "erase", "1")

    told = wfm("author", "erase", "1", "--yes")
    assert told == "erased: 1 cases, 1 messages, 1 raw events, 1 names\n"
    assert wfm("author", "erase", "1", "--yes") == "erased: nothing was left to erase\n"
    wfm("customer", "add", "--name", "Bob", "--author", "2")
    assert wfm_json("customer", "erase", "1", "--yes")["records"] == 1
    assert wfm("retire") == "erased: nothing was left to erase\n"


def test_the_crm_is_asked(desk: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(RequestError, match="there is no CRM to ask; set WFM_CRM"):
        wfm("author", "ask-crm", "1")
    file = tmp_path / "crm.csv"
    file.write_text("crm_id,name,x\nC1,Ann,u-ann\n", encoding="utf-8")
    monkeypatch.setenv("WFM_CRM", str(file))

    assert wfm_json("author", "ask-crm", "1")["customer"]["crm_id"] == "C1"
    with pytest.raises(NotFound, match="does not know author 2, or not for sure"):
        wfm("author", "ask-crm", "2")
