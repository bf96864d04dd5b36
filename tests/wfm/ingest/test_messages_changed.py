"""What follows a message: threads, edits, deletions, echoes, and what opens no case."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from wfm.care import Care, Handle, Triage
from wfm.casequeue.claims import close
from wfm.ingest.intake import take_in_many
from wfm.ingest.revisions import ALL_DELETED
from wfm.store import cases, tables


def texts(desk, case_id: int) -> list[str]:
    with desk.store.reading() as connection:
        return [message.text for message in cases.messages_of(connection, case_id)]


def raw(desk) -> list[sa.Row]:
    with desk.store.reading() as connection:
        r = tables.raw_events.c
        return connection.execute(sa.select(r.kind, r.reason).order_by(r.event_id)).all()


def deleted(desk) -> list[bool]:
    with desk.store.reading() as connection:
        c = tables.contacts.c
        query = sa.select(c.deleted_at).order_by(c.contact_id)
        return [at is not None for at in connection.scalars(query)]


def all_of(desk, *contacts):
    items = [(contact, "{}") for contact in contacts]
    return take_in_many(desk.store, items, brand=desk.brand, actor="k")


# -- edits ---------------------------------------------------------------------------------------


def test_an_edit_gives_the_message_its_new_text_and_starts_no_clock(desk):
    contact = desk.contact(text="my parcle")
    opened = desk.deliver(contact)
    before = desk.case(opened.case_id)
    desk.clock.move(minutes=5)
    edited = desk.deliver(replace(contact, kind="edit", revision=2, text="my parcel"))
    assert (edited.outcome, edited.case_id) == ("edited", opened.case_id)
    assert texts(desk, opened.case_id) == ["my parcel"]
    assert desk.kinds(opened.case_id) == ["opened", "edited"]
    assert desk.case(opened.case_id) == before


def test_an_older_revision_that_comes_late_is_kept_raw_and_changes_nothing(desk):
    contact = desk.contact(revision=3, text="third")
    opened = desk.deliver(contact)
    late = desk.deliver(replace(contact, revision=1, text="first"))
    assert (late.outcome, late.case_id) == ("repeated", opened.case_id)
    assert "later revision" in late.reason
    assert texts(desk, opened.case_id) == ["third"]
    assert desk.count(tables.raw_events) == 2


def test_an_edit_of_a_message_never_seen_opens_a_case(desk):
    contact = desk.contact(kind="edit", revision=1, text="as mended")
    opened = desk.deliver(contact)
    assert opened.outcome == "opened"
    late = desk.deliver(replace(contact, kind="message", revision=0, text="as first written"))
    assert late.outcome == "repeated"
    assert texts(desk, opened.case_id) == ["as mended"]


def test_revisions_in_one_batch_are_worked_in_their_order(desk):
    contact = desk.contact(text="one")
    versions = [replace(contact, revision=n, text=text) for n, text in enumerate("abc")]
    outcomes = [taken.outcome for taken in all_of(desk, *versions, versions[1])]
    assert outcomes == ["opened", "edited", "edited", "repeated"]
    with desk.store.reading() as connection:
        (message,) = cases.messages_of(connection, 1)
    assert message.text == "c"


def test_an_edit_that_names_a_sensitive_word_sends_the_waiting_case_to_specialists(desk):
    desk.brand = with_triage(desk, sensitive_words=("lawyer",), specialist_queue="chat")
    contact = desk.contact()
    opened = desk.deliver(contact)
    desk.deliver(replace(contact, kind="edit", revision=1, text="I will call my lawyer"))
    case = desk.case(opened.case_id)
    assert (case.queue, list(case.flags)) == ("chat", ["sensitive"])
    assert desk.kinds(case.case_id) == ["opened", "moved", "edited"]


# -- deletions -----------------------------------------------------------------------------------


def test_a_deletion_marks_the_message_and_closes_a_waiting_case_that_has_no_other(desk):
    first, second = desk.contact("ann"), desk.contact("ann")
    opened = desk.deliver(first)
    desk.deliver(second)
    gone = replace(first, kind="deletion", author="")
    assert desk.deliver(gone).outcome == "deleted"
    assert desk.deliver(gone).outcome == "repeated"
    assert desk.case(opened.case_id).state == "new"
    desk.deliver(replace(second, kind="deletion"))
    case = desk.case(opened.case_id)
    assert (case.state, case.closed_reason) == ("closed", ALL_DELETED)
    assert deleted(desk) == [True, True]
    assert desk.kinds(case.case_id) == ["opened", "joined", "deleted", "deleted", "closed"]
    with desk.store.reading() as connection:
        running = connection.scalars(
            sa.select(tables.clocks.c.clock_id).where(tables.clocks.c.stopped_at.is_(None))
        ).all()
    assert running == []


def test_a_deletion_on_a_held_case_leaves_it_with_its_agent(staffed):
    contact = staffed.contact("ann")
    staffed.deliver(contact)
    held = staffed.take("amy").case
    staffed.deliver(replace(contact, kind="deletion"))
    assert staffed.case(held.case_id).state == "assigned"


def test_a_message_that_was_deleted_before_it_reached_us_opens_no_case(desk):
    contact = desk.contact()
    gone = desk.deliver(replace(contact, kind="deletion"))
    late = desk.deliver(contact)
    assert (gone.outcome, gone.case_id) == ("deleted", None)
    assert (late.outcome, late.case_id) == ("left_out", None)
    assert "before it reached us" in late.reason
    assert desk.count(tables.cases) == 0


def test_an_edit_after_the_deletion_changes_nothing(desk):
    contact = desk.contact(text="first")
    opened = desk.deliver(contact)
    desk.deliver(replace(contact, kind="deletion"))
    desk.deliver(replace(contact, kind="edit", revision=1, text="second"))
    assert texts(desk, opened.case_id) == ["first"]


def test_an_author_who_is_gone_takes_all_their_messages_along(desk):
    ann = [desk.contact("ann") for _ in range(3)]
    ben = desk.contact("ben")
    *_, of_ben = all_of(desk, *ann, ben)
    gone = desk.contact("ann", kind="author_deleted", native_id="author:ann", text="")
    assert desk.deliver(gone).outcome == "deleted"
    assert desk.deliver(gone).outcome == "repeated"
    assert deleted(desk) == [True, True, True, False]
    assert desk.case(1).state == "closed"
    assert desk.case(of_ben.case_id).state == "new"
    with desk.store.reading() as connection:
        (at,) = connection.scalars(
            sa.select(tables.authors.c.deleted_at).where(tables.authors.c.native_id == "ann")
        )
    assert at == desk.clock.at


def test_the_end_of_an_author_nobody_knows_is_kept_raw(desk):
    gone = desk.contact("nobody", kind="author_deleted", text="")
    assert desk.deliver(gone).outcome == "deleted"
    assert (desk.count(tables.authors), desk.count(tables.raw_events)) == (0, 1)


# -- threads -------------------------------------------------------------------------------------


def closed_case(desk, author: str = "ann") -> tuple[int, str]:
    contact = desk.contact(author)
    opened = desk.deliver(contact)
    close(desk.store, opened.case_id, "done", brand=desk.brand, actor="lead:lee")
    return opened.case_id, contact.native_id


def test_an_answer_to_what_was_said_in_a_closed_case_reopens_it_for_some_days(desk):
    case_id, native_id = closed_case(desk)
    desk.clock.move(days=6)
    taken = desk.message("ann", in_reply_to=native_id)
    case = desk.case(case_id)
    assert (taken.outcome, taken.case_id) == ("joined", case_id)
    assert (case.state, case.closed_at, case.closed_reason) == ("new", None, None)
    assert case.received_at == desk.clock.at
    assert desk.kinds(case_id) == ["opened", "closed", "reopened"]


def test_an_answer_after_the_days_are_over_opens_a_new_case(desk):
    case_id, native_id = closed_case(desk)
    desk.clock.move(seconds=desk.brand.care.reopen_s + 1)
    assert desk.message("ann", in_reply_to=native_id).case_id != case_id


def test_an_answer_to_our_own_post_reopens_the_case_it_was_about(desk):
    case_id, _ = closed_case(desk)
    posted(desk, case_id, "ours-1")
    assert desk.message("ann", in_reply_to="ours-1").case_id == case_id


def test_another_author_who_answers_in_a_thread_gets_a_case_of_their_own(desk):
    case_id, native_id = closed_case(desk)
    posted(desk, case_id, "ours-1")
    taken = [desk.message("ben", in_reply_to=native_id), desk.message("cat", in_reply_to="ours-1")]
    assert {one.outcome for one in taken} == {"opened"}
    assert desk.case(case_id).state == "closed"


def test_an_answer_joins_the_open_case_rather_than_the_closed_one(desk):
    case_id, native_id = closed_case(desk)
    opened = desk.message("ann")
    assert desk.message("ann", in_reply_to=native_id).case_id == opened.case_id != case_id


def posted(desk, case_id: int, native_id: str) -> None:
    with desk.store.writing("test") as writing:
        writing.connection.execute(
            tables.outbox.insert().values(
                key=native_id,
                kind="reply",
                target="webhook",
                case_id=case_id,
                body={},
                state="sent",
                attempts=1,
                next_at=writing.at,
                native_id=native_id,
                **writing.stamp,
            )
        )


# -- what opens no case --------------------------------------------------------------------------


def with_triage(desk, **lists):
    care = Care(handles=(Handle("@care", "x", "x"),), triage=Triage(**lists))
    return replace(desk.brand, care=care)


def test_own_posts_spam_and_reposts_open_no_case_and_are_kept_with_their_reason(desk):
    desk.brand = with_triage(desk, own_authors=("we",), spam_words=("crypto",))
    taken = all_of(
        desk,
        desk.contact("we"),
        desk.contact("ann", text="Win crypto now"),
        desk.contact("ben", repost_of="m-1"),
        desk.contact("cat"),
    )
    assert [one.outcome for one in taken] == ["left_out", "left_out", "left_out", "opened"]
    assert [row.kind for row in raw(desk)] == ["own", "spam", "repost", "message"]
    assert all(row.reason for row in raw(desk)[:3])
    assert all(one.reason for one in taken[:3])
    assert (desk.count(tables.cases), desk.count(tables.contacts)) == (1, 1)


def test_the_echo_of_what_we_posted_opens_no_case(desk):
    opened = desk.message("ann")
    posted(desk, opened.case_id, "ours-1")
    echo = desk.message("we", native_id="ours-1")
    assert (echo.outcome, echo.case_id) == ("left_out", None)
    assert "echo" in echo.reason
    assert desk.message("we", native_id="ours-1").outcome == "repeated"


def test_spam_that_is_edited_into_a_question_opens_a_case(desk):
    desk.brand = with_triage(desk, spam_words=("crypto",))
    contact = desk.contact(text="crypto")
    desk.deliver(contact)
    edited = desk.deliver(replace(contact, kind="edit", revision=1, text="where is my parcel"))
    assert edited.outcome == "opened"


def test_a_later_message_that_is_sensitive_sends_the_case_to_specialists(desk):
    desk.brand = with_triage(desk, sensitive_words=("lawyer",), specialist_queue="chat")
    opened = desk.message("ann")
    due = desk.case(opened.case_id).due_at
    desk.message("ann", text="my lawyer will write")
    case = desk.case(opened.case_id)
    assert (case.queue, case.due_at) == ("chat", due)
    with desk.store.reading() as connection:
        queues = set(connection.scalars(sa.select(tables.clocks.c.queue)))
    assert queues == {"chat"}


def test_a_held_case_that_turns_sensitive_stays_held_and_then_waits_for_specialists(staffed):
    staffed.brand = with_triage(staffed, sensitive_words=("lawyer",), specialist_queue="chat")
    staffed.message("ann")
    held = staffed.take("amy").case
    staffed.message("ann", text="my lawyer will write")
    case = staffed.case(held.case_id)
    assert (case.state, case.agent_id, case.queue) == ("assigned", "amy", "x")
    assert case.needs_level == staffed.brand.care.triage.specialist_level


def test_a_complaint_gives_the_case_the_time_of_complaints(desk):
    desk.brand = with_triage(desk, complaint_words=("complain",))
    opened = desk.message("ann")
    desk.message("ann", text="I complain")
    assert desk.case(opened.case_id).complexity == "complaint"
    with desk.store.reading() as connection:
        c = tables.clocks.c
        (threshold_s,) = connection.scalars(
            sa.select(c.threshold_s).where(c.metric == "resolution")
        )
    assert threshold_s == desk.brand.care.complaint.threshold_s


def test_without_a_queue_the_accounts_handle_says_where_a_message_goes(desk):
    assert desk.case(desk.message("ann", queue="").case_id).queue == "x"


@pytest.mark.parametrize("minutes", [10, 60 * 24 * 400])
def test_a_message_from_the_future_is_kept_and_its_clock_starts_at_its_receipt(desk, minutes):
    taken = desk.message("ann", published_at=desk.clock.at + timedelta(minutes=minutes))
    assert desk.case(taken.case_id).received_at == desk.clock.at
