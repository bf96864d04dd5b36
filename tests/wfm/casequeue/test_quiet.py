"""Answered cases end by themselves when their customers have nothing to add; on both databases."""

from __future__ import annotations

from datetime import timedelta

from wfm.casequeue.quiet import close_quiet
from wfm.casequeue.tasks import open_task
from wfm.store import clocks


def answered(desk, author: str = "ann") -> int:
    desk.message(author)
    held = desk.take()
    desk.answer(held)
    return held.case.case_id


def test_a_case_is_closed_when_its_customer_was_silent_long_enough_and_not_before(staffed):
    case_id = answered(staffed)
    staffed.clock.move(seconds=staffed.brand.care.close_s - 1)
    assert close_quiet(staffed.store, brand=staffed.brand) == ()
    staffed.clock.move(seconds=1)
    assert close_quiet(staffed.store, brand=staffed.brand) == (case_id,)
    assert close_quiet(staffed.store, brand=staffed.brand) == ()
    case = staffed.case(case_id)
    assert (case.state, case.closed_at) == ("closed", staffed.clock.at)
    assert staffed.kinds(case_id)[-1] == "closed"


def test_its_resolution_is_judged_by_the_time_it_took_us_not_by_the_silence(staffed):
    case_id = answered(staffed)
    staffed.clock.move(seconds=staffed.brand.care.close_s)
    close_quiet(staffed.store, brand=staffed.brand)
    with staffed.store.reading() as connection:
        (resolution,) = [
            one.clock
            for one in clocks.clocks_of(connection, case_id)
            if one.clock.metric == "resolution"
        ]
    assert (resolution.outcome, resolution.elapsed_s) == ("met", 0)


def test_a_case_with_something_left_to_do_stays(staffed):
    case_id = answered(staffed)
    open_task(
        staffed.store, case_id, "callback", "call back about the refund",
        due_at=staffed.clock.at + timedelta(days=4), actor="agent:amy",
    )  # fmt: skip
    staffed.clock.move(seconds=staffed.brand.care.close_s)
    assert close_quiet(staffed.store, brand=staffed.brand) == ()


def test_a_few_at_a_time_the_longest_silent_first(staffed):
    first = answered(staffed, "ann")
    staffed.clock.move(minutes=1)
    answered(staffed, "ben")
    staffed.clock.move(seconds=staffed.brand.care.close_s)
    assert close_quiet(staffed.store, brand=staffed.brand, limit=1) == (first,)
