"""`wfm key`, `wfm job` and `wfm sign-in-link`: what they print and where."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner, Result

from api.cli.main import app
from wfm.errors import NotFound, RequestError
from wfm.settings import Settings
from wfm.store import access, jobs
from wfm.store.engine import open_store
from wfm.timegrid import SystemClock


def wfm(*arguments: str) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_keys_text_is_alone_on_standard_output_and_opens_the_store():
    result = wfm("key", "create", "--role", "queue-engine", "--label", "router")
    assert re.fullmatch(r"wfm_[0-9a-f]{12}_[\w-]{43}\n", result.stdout)
    assert "only this once" in result.stderr

    store = open_store(Settings().store_url)
    with store.reading() as connection:
        key = access.key_of(connection, result.stdout.strip())
    store.close()
    assert key is not None
    assert (key.role, key.label) == ("queue-engine", "router")


def test_keys_are_listed_without_secrets_and_revoked_by_id():
    made = json.loads(wfm("key", "create", "--role", "planner", "--json").stdout)
    listed = wfm("key", "list", "--json").stdout
    assert made["key"].split("_", 2)[2] not in listed
    (key,) = json.loads(listed)
    assert (key["key_id"], key["revoked_at"]) == (made["key_id"], None)

    assert "revoked" in wfm("key", "revoke", made["key_id"]).stdout
    assert "revoked" in wfm("key", "list").stdout
    with pytest.raises(NotFound, match="wfm key list"):
        wfm("key", "revoke", "nope")


def test_a_role_that_does_not_exist_is_told_with_those_that_do():
    with pytest.raises(RequestError, match="'king' is no role; choose one of planner, manager"):
        wfm("key", "create", "--role", "king")


def test_a_sign_in_link_is_printed_and_works_once():
    result = wfm("sign-in-link", "--port", "9000")
    found = re.fullmatch(
        r"http://127\.0\.0\.1:9000/console/sign-in\?token=([\w-]{43})\n", result.stdout
    )
    assert found is not None
    store = open_store(Settings().store_url)
    with store.writing("test") as writing:
        session, _ = access.follow_link(writing, found[1], now=SystemClock().now())
    store.close()
    assert session.role == "manager"


def test_jobs_are_listed_shown_and_cancelled():
    assert "no jobs yet" in wfm("job", "list").stdout
    store = open_store(Settings().store_url)
    with store.writing("ann") as writing:
        jobs.insert_job(writing, "job-1", "plan", {"weeks": 4})
        jobs.add_message(writing, "job-1", {"at": "now", "level": "note", "text": "a note"})
    store.close()

    assert "job-1" in wfm("job", "list").stdout
    assert "a note" in wfm("job", "show", "job-1").stdout
    assert "cancelled" in wfm("job", "cancel", "job-1").stdout
    assert json.loads(wfm("job", "show", "job-1", "--json").stdout)["state"] == "cancelled"
    with pytest.raises(NotFound, match="wfm job list"):
        wfm("job", "show", "job-2")
