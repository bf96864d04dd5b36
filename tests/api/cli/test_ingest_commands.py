"""`wfm ingest` and `wfm source`: what they print and do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.cli.main import app
from tests.wfm.conftest import BRAND
from wfm.errors import Conflict, FileFaults, NotFound, RequestError
from wfm.ingest import inbox
from wfm.ingest.replay import Pace
from wfm.ingest.sources import new_source
from wfm.settings import Settings
from wfm.store import deliveries
from wfm.store.brands import save_brand
from wfm.store.deliveries import Incoming
from wfm.store.engine import Store, open_store
from wfm.store.sources import find_source, save_source
from wfm.timegrid import FixedClock

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)

TWEETS = """\
tweet_id,author_id,inbound,created_at,text,response_tweet_id,in_response_to_tweet_id
1,ann,True,Tue Oct 31 22:10:00 +0000 2017,@care my parcel,2,
2,care,False,Tue Oct 31 22:11:00 +0000 2017,@ann sorry!,,1
"""


def wfm(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout


def wfm_json(*arguments: str) -> Any:
    return json.loads(wfm(*arguments, "--json"))


@pytest.fixture
def store(ready_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store with a brand whose handle is @care."""
    monkeypatch.setenv("WFM_NOW", "2026-03-02T09:00Z")
    opened = open_store(Settings().store_url, clock=FixedClock(AT))
    with opened.writing("test") as writing:
        save_brand(writing, BRAND)
    yield opened
    opened.close()


def test_a_recording_is_replayed_once_and_says_what_became_of_it(store: Store, tmp_path: Path):
    file = tmp_path / "tweets.csv"
    file.write_text(TWEETS, encoding="utf-8")
    told = wfm("ingest", "replay", str(file), "--speed", "0")
    assert told == "2 of 2 tweets written to @care: 1 left out, 1 opened\n"
    again = wfm_json("ingest", "replay", str(file), "--speed", "0")
    assert again["taken"] == {"repeated": 2}
    with pytest.raises(NotFound, match="no queue 'fax'"):
        wfm("ingest", "replay", str(file), "--queue", "fax")


def test_a_recording_with_faults_tells_them_all(store: Store, tmp_path: Path):
    file = tmp_path / "tweets.csv"
    file.write_text(TWEETS.replace("True", "perhaps"), encoding="utf-8")
    with pytest.raises(FileFaults, match="line 2, inbound: 'perhaps': write True or False"):
        wfm("ingest", "replay", str(file))


def test_a_replay_that_is_stopped_tells_how_far_it_came(store: Store, tmp_path: Path, monkeypatch):
    def stopped(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("wfm.ingest.replay.Pace", partial(Pace, sleep=stopped))
    file = tmp_path / "tweets.csv"
    file.write_text(TWEETS, encoding="utf-8")
    result = CliRunner().invoke(app, ["ingest", "replay", str(file), "--speed", "1"])
    assert result.exit_code == 130
    assert "1 of 2 tweets" in result.stdout
    assert "goes on where this one ended" in result.stdout


def test_the_quarantine_is_listed_shown_mended_and_dropped(store: Store):
    assert wfm("ingest", "quarantine", "list") == "the quarantine is empty\n"
    with store.writing("test") as writing:
        save_source(writing, new_source("shop"))
    bodies = (b"[\x1b[31m", b'{"id": 1}')
    inbox.accept(store, [Incoming("shop", f"d{n}", b, f"{n}", AT) for n, b in enumerate(bodies)])
    inbox.work(store, brand=BRAND)
    assert "d0" in wfm("ingest", "quarantine", "list")
    listed = wfm_json("ingest", "quarantine", "list")
    assert (listed["count"], listed["items"][0]["source"]) == (2, "shop")
    shown = wfm("ingest", "quarantine", "show", "1")
    assert "not JSON" in shown
    assert "[\\x1b[31m" in shown
    assert wfm_json("ingest", "quarantine", "show", "2")["body"] == '{"id": 1}'
    retried = wfm("ingest", "quarantine", "retry", "2")
    assert retried.startswith("delivery 2 is quarantined: ")
    assert "message.account is missing; give it" in retried
    dropped = wfm("ingest", "quarantine", "drop", "1", "--reason", "theirs")
    assert dropped == "delivery 1 is done: theirs\n"
    with pytest.raises(Conflict):
        wfm("ingest", "quarantine", "retry", "1")
    with store.reading() as connection:
        assert deliveries.find_delivery(connection, 2).attempts == 2


def test_a_source_is_made_listed_and_disabled_and_its_secret_shown_once(store: Store):
    assert "no sources yet" in wfm("source", "list")
    secret = wfm(
        "source", "add", "shop", "--callback", "https://example.org/hook", "--event", "*"
    ).strip()
    with store.reading() as connection:
        assert find_source(connection, "shop").secret == secret
    assert secret not in wfm("source", "list")
    (listed,) = wfm_json("source", "list")
    assert (listed["callback_url"], listed["events"]) == ("https://example.org/hook", ["*"])
    assert wfm("source", "disable", "shop") == "shop is disabled\n"
    assert "disabled 2026-03-02" in wfm("source", "list")
    with pytest.raises(NotFound, match="there is shop"):
        wfm("source", "disable", "mail")
    with pytest.raises(RequestError, match="no kind of source"):
        wfm("source", "add", "x", "--kind", "fax")
