"""What came of our own cases, as certificates are scored on it: rests and merges do not count."""

from __future__ import annotations

from datetime import timedelta

import pytest

from api.planning.outcomes import extents_of, recorded_of
from wfm.casequeue.claims import close
from wfm.casequeue.merging import merge
from wfm.casequeue.moves import pause, reopen, resume
from wfm.store import clocks, results

DAY = timedelta(days=1)


def own(desk, start):
    with desk.store.reading() as connection:
        return list(results.own_cases(connection, "x", start, start + DAY))


def minutes(desk, many: float):
    return desk.clock.move(minutes=many)


@pytest.fixture
def since(staffed):
    return staffed.clock.at


def test_time_paused_before_the_first_reply_is_not_held_against_us(staffed, since):
    staffed.message()
    minutes(staffed, 10)
    pause(staffed.store, 1, "asked the shop", brand=staffed.brand, actor="test")
    assert own(staffed, since) == []
    minutes(staffed, 100)
    resume(staffed.store, 1, brand=staffed.brand, actor="test")
    held = staffed.take()
    minutes(staffed, 4)
    staffed.answer(held)
    with staffed.store.reading() as connection:
        recorded = recorded_of(
            connection,
            staffed.brand.queue("x"),
            since,
            since + DAY,
            extents=extents_of(connection)["x"],
            now=since + DAY,
        )
        (first, resolution) = clocks.clocks_of(connection, 1)
    took = recorded.first_response - recorded.received
    assert took.tolist() == [first.clock.elapsed_s] == [14 * 60]
    # And so is its resolution, whose time is the clock's.
    spent = recorded.resolved - recorded.received - recorded.paused_s
    assert spent.tolist() == [resolution.clock.elapsed_s] == [14 * 60]


def test_what_passed_between_closing_and_opening_again_counts_as_rest(staffed, since):
    staffed.message()
    staffed.answer(staffed.take())
    minutes(staffed, 5)
    close(staffed.store, 1, "done", brand=staffed.brand, actor="test")
    minutes(staffed, 60)
    reopen(staffed.store, 1, "not done", brand=staffed.brand, actor="test")
    (case,) = own(staffed, since)
    assert case.pauses == ((since, since + timedelta(minutes=65)),)
    assert case.resolved_at is None


def test_a_merged_case_is_judged_with_the_one_that_was_kept(staffed, since):
    staffed.message("ann")
    staffed.message("ben")
    merge(staffed.store, 2, into=1, brand=staffed.brand, actor="test")
    assert len(own(staffed, since)) == 1
