"""Our own arrivals and handling times become history; on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from wfm.care import Care, Triage
from wfm.cases import Contact
from wfm.metrics.feeding import feed_history
from wfm.store import tables
from wfm.store.volumes import Count, record_import, volume_rows, write_counts

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def told(desk):
    """Contacts and handling time by queue and quarter-hours since nine."""
    with desk.store.reading() as connection:
        rows = volume_rows(connection)
    return {(queue, (start - NINE) // QUARTER): (n, aht_s) for start, queue, n, aht_s in rows}


def feed(desk) -> int:
    return feed_history(desk.store, brand=desk.brand)


def test_finished_intervals_are_counted_once_and_empty_ones_are_zero(staffed):
    for author in ("ann", "ben"):
        staffed.message(author)
    staffed.clock.move(minutes=14)
    assert feed(staffed) == 0
    staffed.clock.move(minutes=32)
    staffed.message("cem")
    assert feed(staffed) == 3
    assert told(staffed) == {("x", 0): (2, None), ("x", 1): (0, None), ("x", 2): (0, None)}
    assert feed(staffed) == 0


def test_a_later_message_of_a_case_is_no_new_contact(staffed):
    staffed.message("ann")
    staffed.clock.move(minutes=1)
    staffed.message("ann")
    staffed.clock.move(minutes=15)
    feed(staffed)
    assert told(staffed) == {("x", 0): (1, None)}


def test_the_handling_time_is_that_of_cases_whose_work_has_ended(staffed):
    staffed.message("ann")
    staffed.message("ben")
    held = staffed.take("amy")
    staffed.clock.move(seconds=200)
    staffed.answer(held)
    staffed.clock.move(minutes=15)
    feed(staffed)
    assert told(staffed)[("x", 0)] == (2, 200.0)
    held = staffed.take("amy")
    staffed.clock.move(seconds=100)
    staffed.answer(held)
    feed(staffed)
    assert told(staffed)[("x", 0)] == (2, 150.0)


def test_time_with_two_cases_at_once_is_split_between_them(desk):
    desk.publish(desk.stretch("amy", slots=2))
    desk.message("ann")
    desk.message("ben")
    first, second = desk.take(), desk.take()
    desk.clock.move(seconds=120)
    desk.answer(first)
    desk.clock.move(seconds=60)
    desk.answer(second)
    desk.clock.move(minutes=15)
    feed(desk)
    assert told(desk)[("x", 0)] == (2, 90.0)


def test_imported_counts_are_told_before_our_own(staffed):
    staffed.message("ann")
    staffed.clock.move(minutes=15)
    feed(staffed)
    with staffed.store.writing("test") as w:
        number = record_import(w, "volumes", "f.csv", sha256="", options={})
        write_counts(w, "volumes", [(("x", NINE), Count(7, 300.0))], number)
    assert told(staffed) == {("x", 0): (7, 300.0)}
    with staffed.store.writing("test") as w:
        write_counts(w, "contacts", [(("x", NINE), Count(5, 200.0))], number)
    assert told(staffed) == {("x", 0): (5, 200.0)}


def test_a_month_without_feeding_is_made_good_over_some_calls(staffed):
    staffed.message("ann")
    staffed.clock.move(days=10)
    assert feed(staffed) == 7 * 96
    assert feed(staffed) == 3 * 96
    assert staffed.count(tables.volumes) == 10 * 96


def test_spam_and_reposts_are_no_contacts(staffed):
    def repost() -> Contact:
        return staffed.contact("dan", repost_of="m99")

    care = Care(triage=Triage(spam_words=("free money",)))
    staffed.brand = replace(staffed.brand, care=care)
    staffed.message("ann")
    assert staffed.message("eve", text="Free money here!").outcome == "left_out"
    staffed.deliver(repost())
    staffed.clock.move(minutes=15)
    feed(staffed)
    assert told(staffed) == {("x", 0): (1, None)}
