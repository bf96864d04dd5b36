"""A care handle with stated hours: who writes outside them is told when they are answered, a
complaint to the brand's own handle is sent on to it once, and the stated hours are the real
ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from tests.wfm.conftest import BRAND, Desk
from tests.wfm.customers.conftest import BOTH, store_url  # noqa: F401 - a fixture
from wfm.calendars import Hours, ServiceWindow
from wfm.care import Care, Handle, Triage
from wfm.casequeue.notices import tell_customers
from wfm.ingest.hours import hours_of, parse_hours
from wfm.store import outbox, tables
from wfm.store.sources import Source, save_source
from wfm.triage.handles import hours_text, notice_for

BERLIN = ZoneInfo("Europe/Berlin")
# Monday to Friday from nine to six, but not on holidays of Germany.
OFFICE = ServiceWindow((Hours("Europe/Berlin", frozenset(range(5)), 9 * 60, 18 * 60, "DE"),))
HANDLES = (
    Handle("@helps", "x", "x", window=OFFICE, off_hours_notice="We answer {opens}."),
    Handle("@brand", "x", "x", kind="brand", care_handle="@helps"),
)
CARING = replace(BRAND, care=Care(handles=HANDLES, triage=Triage(complaint_words=("complaint",))))


@pytest.fixture
def caring(desk: Desk) -> Desk:
    """The desk of that brand, with a source that takes replies; it is Monday, 10:00 in Berlin."""
    desk.brand = CARING
    with desk.store.writing("test") as writing:
        save_source(
            writing, Source("webhook", "webhook", "a secret of some length", "http://127.0.0.1:9/")
        )
    return desk


def said(desk: Desk) -> list[tuple[str, str]]:
    """Kind and text of all that went out, in order."""
    with desk.store.reading() as connection:
        letters = outbox.page(connection)
    return [(letter.kind, letter.body["text"]) for letter in reversed(letters)]


def told_at(at: datetime) -> str | None:
    return notice_for(CARING, "@helps", at)


def test_the_notice_equals_the_calendar_at_every_quarter_of_an_hour():
    """From the Friday before Easter into the week after, over the change of the clocks."""
    shut = {date(2027, 3, 26), date(2027, 3, 29)}  # Good Friday and Easter Monday
    at = datetime(2027, 3, 25, 0, 0, tzinfo=UTC)
    seen = set()
    while at < datetime(2027, 4, 1, tzinfo=UTC):
        local = at.astimezone(BERLIN)
        works = local.weekday() < 5 and local.date() not in shut
        if works and time(9) <= local.time() < time(18):
            assert told_at(at) is None
        else:
            day = local.date() if works and local.time() < time(9) else local.date() + timedelta(1)
            while day.weekday() > 4 or day in shut:
                day += timedelta(1)
            zone = "CET" if day < date(2027, 3, 28) else "CEST"
            named = "" if day == local.date() else f"{day:%A} {day.day} {day:%B} at "
            assert told_at(at) == f"We answer {named}09:00 ({zone})."
            seen.add(day)
        at += timedelta(minutes=15)
    assert {date(2027, 3, 25), date(2027, 3, 30), date(2027, 3, 31)} <= seen


@BOTH
def test_who_writes_out_of_hours_is_told_once_and_waits_on(caring: Desk):
    caring.clock.move(hours=12)
    taken = caring.message("ann", queue="", account="@Helps")
    before = caring.case(taken.case_id)

    told = [tell_customers(caring.store, brand=CARING) for _ in range(3)]
    caring.clock.move(minutes=5)
    caring.message("ann", queue="", account="@Helps")
    told.append(tell_customers(caring.store, brand=CARING))

    assert told == [(taken.case_id,), (), (), ()]
    assert said(caring) == [("notice", "We answer Tuesday 3 March at 09:00 (CET).")]
    case = caring.case(taken.case_id)
    assert (case.state, case.due_at) == ("new", before.due_at)
    assert case.first_response_at is None
    assert case.first_any_at is not None
    assert caring.kinds(taken.case_id).count("notified") == 1


def test_who_writes_in_hours_is_not_told_that_nobody_is_there(caring: Desk):
    caring.clock.move(hours=7, minutes=55)
    caring.message("ann", queue="", account="@helps")
    caring.clock.move(minutes=10)

    assert tell_customers(caring.store, brand=CARING) == ()


@BOTH
def test_a_complaint_to_the_brands_handle_gets_one_redirect(caring: Desk):
    complaint = caring.message("ann", queue="", account="@brand", text="a complaint!")
    caring.message("bob", queue="", account="@brand", text="nice picture")
    caring.message("cem", queue="", account="@helps", text="a complaint!")

    told = [tell_customers(caring.store, brand=CARING) for _ in range(2)]
    caring.message("ann", queue="", account="@brand", text="another complaint!")
    told.append(tell_customers(caring.store, brand=CARING))

    assert told == [(complaint.case_id,), (), ()]
    assert said(caring) == [
        ("notice", "Please write to @helps: our colleagues there will help you.")
    ]
    with caring.store.reading() as connection:
        keys = list(connection.scalars(sa.select(tables.outbox.c.key)))
    assert keys == [f"redirect-{complaint.case_id}"]


def test_whom_we_cannot_reach_is_not_said_to_have_been_told(caring: Desk):
    caring.clock.move(hours=12)
    taken = caring.message("ann", queue="", account="@helps", source="elsewhere")

    assert tell_customers(caring.store, brand=CARING) == ()
    assert caring.case(taken.case_id).first_any_at is None


def test_the_hours_a_profile_states_are_those_the_handle_keeps():
    stated = hours_text(CARING, HANDLES[0])

    assert stated == "mon-fri 09:00-18:00 (Europe/Berlin, not on holidays of DE)"
    read = hours_of(parse_hours(stated.split(" (")[0]), "Europe/Berlin", "DE")
    assert ServiceWindow(read) == OFFICE
