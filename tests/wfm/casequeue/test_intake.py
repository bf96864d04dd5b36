"""Every message is taken in exactly once and joins its author's one open case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from wfm.casequeue.claims import close
from wfm.errors import DataError, NotFound
from wfm.ingest.intake import take_in
from wfm.sla import FOLLOW_UP_S
from wfm.store import arrivals, cases, tables


def test_a_message_opens_a_case_that_is_due_by_the_queues_promise(desk):
    taken = desk.message("ann", severity=3)
    case = desk.case(taken.case_id)
    assert taken.outcome == "opened"
    assert (case.state, case.author, case.severity, case.contacts) == ("new", "ann", 3, 1)
    assert case.received_at == desk.clock.at
    assert case.due_at == desk.clock.at + timedelta(minutes=15)
    assert desk.kinds(taken.case_id) == ["opened"]


def test_the_platforms_instant_and_ours_are_both_kept_and_the_clock_starts_at_ours(desk):
    published = desk.clock.at - timedelta(hours=3)
    taken = desk.message(published_at=published)
    with desk.store.reading() as connection:
        (message,) = cases.messages_of(connection, taken.case_id)
    assert (message.published_at, message.received_at) == (published, desk.clock.at)
    assert desk.case(taken.case_id).received_at == desk.clock.at


def test_the_raw_body_is_kept_with_who_delivered_it(desk):
    body = '{"text": "<script>alert(1)</script> 🙂 سلام"}'
    take_in(desk.store, desk.contact(), brand=desk.brand, actor="key:hook", raw_body=body)
    with desk.store.reading() as connection:
        row = connection.execute(sa.select(tables.raw_events)).one()
    assert (row.body, row.actor, row.received_at) == (body, "key:hook", desk.clock.at)


def test_a_body_with_nul_bytes_is_kept_on_every_database(desk):
    taken = take_in(desk.store, desk.contact(), brand=desk.brand, actor="k", raw_body="a\0b")
    assert taken.outcome == "opened"


def test_a_repeated_delivery_changes_nothing_and_names_the_case(desk):
    contact = desk.contact()
    first = desk.deliver(contact)
    desk.clock.move(minutes=3)
    again = desk.deliver(replace(contact, text="another text under the same name"))
    assert again == replace(first, outcome="repeated")
    assert desk.case(first.case_id).contacts == 1
    assert (desk.count(tables.raw_events), desk.count(tables.contacts)) == (1, 1)


@pytest.mark.parametrize("field", ["source", "account", "native_id"])
def test_another_source_account_or_id_is_another_message(desk, field):
    contact = desk.contact()
    desk.deliver(contact)
    assert desk.deliver(replace(contact, **{field: "other"})).outcome == "joined"


def test_an_edited_message_is_taken_in_as_a_revision_once(desk):
    contact = desk.contact()
    opened = desk.deliver(contact)
    edited = replace(contact, revision=1, text="with the typo mended")
    assert [desk.deliver(edited).outcome for _ in range(2)] == ["edited", "repeated"]
    assert desk.case(opened.case_id).contacts == 1


def test_messages_of_one_author_join_their_waiting_case_and_keep_its_deadline(desk):
    opened = desk.message("ann", severity=1)
    due = desk.case(opened.case_id).due_at
    desk.clock.move(minutes=5)
    joined = desk.message("ann", severity=4)
    desk.message("ann", severity=2)
    case = desk.case(opened.case_id)
    assert (joined.outcome, joined.case_id) == ("joined", opened.case_id)
    assert (case.contacts, case.severity, case.due_at) == (3, 4, due)
    assert case.received_at == desk.clock.at - timedelta(minutes=5)
    assert desk.kinds(opened.case_id) == ["opened", "joined", "joined"]


def test_authors_do_not_share_a_case_and_one_author_has_one_whatever_the_queue(desk):
    ann, ben = desk.message("ann", queue="x"), desk.message("ben", queue="x")
    elsewhere = desk.message("ann", queue="chat")
    assert (ann.outcome, ben.outcome, elsewhere.outcome) == ("opened", "opened", "joined")
    assert elsewhere.case_id == ann.case_id != ben.case_id
    assert desk.case(ann.case_id).queue == "x"


def test_the_same_id_on_two_platforms_is_two_authors(desk):
    ann, other = desk.message("ann", platform="x"), desk.message("ann", platform="mastodon")
    assert (ann.outcome, other.outcome) == ("opened", "opened")


def test_a_joining_message_that_is_due_earlier_brings_the_deadline_forward(desk):
    desk.clock.move(hours=11)  # 20:00 UTC: mail is shut until 07:00
    opened = desk.message("ann", queue="mail")
    closed_hours = desk.case(opened.case_id)
    desk.clock.move(hours=11, minutes=1)
    desk.message("ann", queue="mail")
    case = desk.case(opened.case_id)
    assert (closed_hours.due_at.hour, closed_hours.due_goal) == (8, "opening")
    assert case.due_at == desk.clock.at + timedelta(minutes=15)


def test_a_message_on_an_answered_case_reopens_it_with_a_fresh_clock(staffed):
    opened = staffed.message("ann", severity=2)
    staffed.answer(staffed.take())
    staffed.clock.move(minutes=40)
    again = staffed.message("ann")
    case = staffed.case(opened.case_id)
    assert (again.case_id, again.outcome) == (opened.case_id, "joined")
    assert (case.state, case.agent_id, case.severity) == ("new", None, 2)
    assert case.received_at == staffed.clock.at
    assert case.due_at == staffed.clock.at + timedelta(seconds=FOLLOW_UP_S)
    assert staffed.kinds(case.case_id) == ["opened", "claimed", "answered", "reopened"]


def test_a_message_on_a_held_case_leaves_it_with_its_agent(staffed):
    staffed.message("ann")
    held = staffed.take("amy").case
    staffed.message("ann")
    case = staffed.case(held.case_id)
    assert (case.agent_id, case.lease_until, case.due_at, case.contacts) == (
        "amy",
        held.lease_until,
        held.due_at,
        2,
    )


def test_a_message_after_the_case_was_closed_opens_a_new_one(desk):
    opened = desk.message("ann")
    close(desk.store, opened.case_id, "spam", brand=desk.brand, actor="lead:lee")
    again = desk.message("ann")
    assert again.outcome == "opened"
    assert again.case_id != opened.case_id


def test_an_unknown_queue_is_told_with_the_known_ones_and_nothing_is_written(desk):
    with pytest.raises(NotFound, match="no queue 'fax'; Testbrand has x, chat, mail"):
        desk.message(queue="fax")
    assert desk.count(tables.raw_events) == 0


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("native_id", "", "native_id must have 1 to 200"),
        ("author", "a" * 201, "author must have 1 to 200"),
        ("account", "nul\0", "none of them NUL"),
        ("text", "nul\0", "text holds a NUL"),
        ("revision", -1, "counts from 0"),
        ("severity", 101, "between 0 and 100"),
        ("published_at", datetime(2026, 3, 2, 9), "without a zone"),  # noqa: DTZ001
        ("published_at", datetime.min.replace(tzinfo=UTC), "no message is of that year"),
    ],
)
def test_a_contact_that_cannot_be_kept_is_told_and_nothing_is_written(desk, field, value, told):
    with pytest.raises(DataError, match=told):
        desk.message(**{"author": "ann", field: value})
    assert desk.count(tables.raw_events) == 0


def test_an_error_midway_leaves_no_event_so_that_the_next_delivery_is_taken_in(desk, monkeypatch):
    contact = desk.contact()

    def fail(*_: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr(arrivals, "insert_contacts", fail)
        with pytest.raises(RuntimeError, match="power cut"):
            desk.deliver(contact)
    assert desk.count(tables.cases) == 0
    assert desk.deliver(contact).outcome == "opened"


def test_one_message_delivered_many_times_at_once_is_taken_in_once(desk, at_once):
    contact = desk.contact()
    outcomes = [taken.outcome for taken in at_once(lambda _: desk.deliver(contact), range(12))]
    assert sorted(outcomes) == ["opened"] + ["repeated"] * 11
    assert (desk.count(tables.raw_events), desk.count(tables.cases)) == (1, 1)


def test_many_messages_of_one_author_at_once_share_one_case(desk, at_once):
    contacts = [desk.contact("ann", severity=i) for i in range(12)]
    taken = at_once(desk.deliver, contacts)
    assert sorted(t.outcome for t in taken) == ["joined"] * 11 + ["opened"]
    (case_id,) = {t.case_id for t in taken}
    case = desk.case(case_id)
    assert (case.contacts, case.severity) == (12, 11)
    assert len(desk.kinds(case_id)) == 12


def test_messages_and_closings_at_once_lose_no_message(desk, at_once):
    def write_or_close(number: int) -> None:
        taken = desk.message("ann")
        if number % 3 == 0:
            close(desk.store, taken.case_id, "done", brand=desk.brand, actor="lead:lee")

    at_once(write_or_close, list(range(12)))
    with desk.store.reading() as connection:
        total = connection.scalar(sa.select(sa.func.sum(tables.cases.c.contacts)))
        still_open = connection.scalar(
            sa.select(sa.func.count()).where(tables.cases.c.state != "closed")
        )
    assert (total, desk.count(tables.contacts)) == (12, 12)
    assert still_open in (0, 1)
