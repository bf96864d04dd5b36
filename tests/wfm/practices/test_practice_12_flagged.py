"""What influencers, regulators and the press write, and what touches a sensitive matter, is for
specialists from the moment it comes in: by what they are, not by how they put it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.wfm.conftest import BRAND, Desk
from wfm.care import Care, Triage
from wfm.store import authors

TRIAGE = Triage(
    regulators=("fca",),
    influencers=("famous",),
    press=("daily",),
    influencer_reach=100_000,
    spam_words=("free money",),
    sensitive_words=("lawyer", "Selbstmord"),
    specialist_queue="mail",
)


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """SQLite alone: nothing here is decided by the database."""
    return sqlite_url


@pytest.fixture
def flagging(desk: Desk) -> Desk:
    desk.brand = replace(BRAND, care=Care(triage=TRIAGE))
    return desk


@pytest.mark.parametrize(
    ("fields", "flag"),
    [
        ({"author": "fca"}, "regulator"),
        ({"author": "fca", "text": "your free money adverts"}, "regulator"),
        ({"author": "famous"}, "influencer"),
        ({"author": "somebody", "reach": 250_000}, "influencer"),
        ({"author": "daily"}, "press"),
        ({"author": "ann", "text": "my LAWYER says"}, "sensitive"),
        ({"author": "ann", "text": "ich denke an selbstmord"}, "sensitive"),
    ],
)
def test_a_flagged_message_waits_for_specialists_at_once(
    flagging: Desk, fields: dict[str, Any], flag: str
):
    taken = flagging.message(queue="", account="@care", **fields)

    case = flagging.case(taken.case_id)
    assert (case.state, case.queue, list(case.flags)) == ("new", "mail", [flag])
    assert case.severity >= 60
    assert case.opened_at == flagging.clock.at


def test_an_ordinary_message_waits_for_anybody(flagging: Desk):
    taken = flagging.message("ann", queue="", account="@care", reach=99_999)

    case = flagging.case(taken.case_id)
    assert (case.queue, list(case.flags), case.needs_level) == ("x", [], 1)


def test_whom_somebody_marks_is_flagged_from_their_next_case_on(flagging: Desk):
    first = flagging.case(flagging.message("bob", queue="", account="@care").case_id)
    assert first.author_id is not None
    with flagging.store.writing("lead:eve") as writing:
        authors.set_kind(writing, first.author_id, "regulator")
        found = authors.find_author(writing.connection, first.author_id)
    assert found.kind == "regulator"
    # The case they have open already is handed to specialists with their next message.
    flagging.message("bob", queue="", account="@care")

    case = flagging.case(first.case_id)
    assert "regulator" in case.flags
    assert case.queue == "mail"


def test_without_a_specialists_queue_only_their_level_may_take_it(desk: Desk):
    desk.brand = replace(BRAND, care=Care(triage=replace(TRIAGE, specialist_queue="")))
    taken = desk.message("fca", queue="", account="@care")

    case = desk.case(taken.case_id)
    assert (case.queue, case.needs_level) == ("x", TRIAGE.specialist_level)
