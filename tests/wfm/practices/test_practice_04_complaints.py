"""Practice: a complaint is resolved within two days, with a warning after one; both are days of
service, so that nights, weekends and the time we wait for the customer do not count.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from wfm.calendars import Hours, ServiceWindow
from wfm.care import Care, ResolutionTarget, Triage
from wfm.casequeue.newpromises import policy_changed
from wfm.casequeue.watching import watch
from wfm.store import clocks

CARE = Care(triage=Triage(complaint_words=("complaint",)))
# Eight hours of service a workday: two days of service are six of them, one day is three.
OFFICE = ServiceWindow(
    tuple(
        Hours("Europe/Berlin", frozenset(range(5)), opens, closes)
        for opens, closes in ((540, 780), (840, 1080))
    )
)
# 15:00 in Berlin, the Friday before the clocks go forward.
FRIDAY = datetime(2026, 3, 27, 14, 0, tzinfo=UTC)


@pytest.fixture
def complaint(desk):
    """A complaint of a queue with office hours comes in on that Friday."""
    first, *others = desk.brand.queues
    desk.brand = replace(desk.brand, care=CARE, queues=(replace(first, window=OFFICE), *others))
    desk.clock.at = FRIDAY
    far = FRIDAY + timedelta(days=60)
    desk.publish(desk.stretch("amy", end=far), days=60)
    return desk.message("ann", text="This is a complaint.").case_id


def resolution(desk, case_id: int):
    with desk.store.reading() as connection:
        held = clocks.clocks_of(connection, case_id)
    return next(one.clock for one in held if one.clock.metric == "resolution")


def look(desk, when: datetime) -> tuple[bool, bool]:
    """Whether looking at that time warns of the resolution, and whether it is breached by then."""
    desk.clock.at = when
    watch(desk.store, brand=desk.brand)
    clock = resolution(desk, 1)
    return clock.warned_at is not None, clock.breached_at is not None


def test_it_is_warned_of_after_a_day_and_breached_after_two_days_of_service(desk, complaint):
    # Three of its hours are Friday's, eight a day are Monday's to Wednesday's; the clocks of the
    # site went forward on the Sunday, so that 09:00 is 07:00 UTC.
    assert look(desk, datetime(2026, 4, 1, 12, 59, tzinfo=UTC)) == (False, False)
    assert look(desk, datetime(2026, 4, 1, 13, 0, tzinfo=UTC)) == (True, False)
    due = datetime(2026, 4, 6, 13, 0, tzinfo=UTC)
    assert resolution(desk, complaint).due_at == due
    assert look(desk, due) == (True, False)
    assert look(desk, due + timedelta(seconds=1)) == (True, True)


def test_the_days_that_we_wait_for_the_customer_do_not_count(desk, complaint):
    desk.clock.move(hours=1)
    desk.answer(desk.take())
    assert resolution(desk, complaint).due_at is None
    desk.clock.at = datetime(2026, 4, 6, 14, 0, tzinfo=UTC)
    desk.message("ann")
    # One hour of service passed before the answer, two are left of that Monday, eight a day after.
    clock = resolution(desk, complaint)
    assert clock.elapsed_s == 3600
    assert clock.due_at == datetime(2026, 4, 14, 13, 0, tzinfo=UTC)


def test_another_target_counts_what_has_passed_already(desk, complaint):
    desk.clock.at = datetime(2026, 3, 30, 7, 0, tzinfo=UTC)  # Monday, 09:00: three hours passed
    after = replace(
        desk.brand, care=replace(CARE, complaint=ResolutionTarget(threshold_s=14_400, warn_s=7200))
    )
    with desk.store.writing("planner") as writing:
        policy_changed(writing, desk.brand, after)
    assert resolution(desk, complaint).due_at == datetime(2026, 3, 30, 8, 0, tzinfo=UTC)


def test_what_is_no_complaint_has_an_hour(desk, complaint):
    basic = desk.message("ben", text="When do you open?").case_id
    clock = resolution(desk, basic)
    assert (clock.threshold_s, clock.warn_s) == (3600, 1800)
