"""The law of the clock, case by case; under any order of events: test_clocks_stateful."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from wfm import clocks as law
from wfm.calendars import Hours, ServiceWindow, add_open_seconds, last_open
from wfm.care import BASIC
from wfm.sla import OpeningGoal

ALWAYS = ServiceWindow.always()
# 08:00 to 12:00 and 13:00 to 17:00 UTC on workdays.
OFFICE = ServiceWindow(
    tuple(Hours("UTC", frozenset(range(5)), opens * 60, opens * 60 + 240) for opens in (8, 13))
)
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return MONDAY + timedelta(minutes=minutes)


def reply(window: ServiceWindow = ALWAYS, begun: float = 0):
    return law.start_reply(window, 900, OpeningGoal(3600), at(begun))


def test_what_comes_in_while_the_window_is_shut_is_due_an_hour_after_it_opens():
    clock = reply(OFFICE, 180)
    assert (clock.goal, clock.due_at) == ("opening", at(240 + 60))
    assert law.elapsed(clock, OFFICE, at(240)) == 0


def test_a_pause_moves_the_deadline_by_as_long_as_it_lasts():
    rested = law.resume(law.pause(reply(), ALWAYS, at(5)), ALWAYS, at(65))
    assert rested.due_at == at(75)
    assert law.elapsed(rested, ALWAYS, at(70)) == 600


def test_a_late_case_does_not_look_fresh_after_a_pause():
    late = law.pause(reply(), ALWAYS, at(20))
    assert (late.due_at, late.breached_at) == (None, at(15))
    assert law.resume(late, ALWAYS, at(500)).due_at == at(15)


def test_a_late_case_does_not_look_fresh_after_another_policy():
    late = law.change(reply(), ALWAYS, ALWAYS, at(30), threshold_s=1200)
    assert (late.due_at, late.breached_at) == (at(15), at(15))


def test_a_longer_promise_takes_a_breach_back():
    longer = law.change(reply(), ALWAYS, ALWAYS, at(20), threshold_s=3600)
    assert (longer.due_at, longer.breached_at) == (at(60), None)


def test_a_shorter_promise_is_due_at_once_and_not_before_it_was_given():
    shorter = law.change(reply(), ALWAYS, ALWAYS, at(10), threshold_s=300)
    assert shorter.due_at == at(10)
    assert law.stop(shorter, ALWAYS, at(11)).breached_at == at(10)


def test_a_warning_holds_only_as_long_as_what_passed_is_past_it():
    clock = law.start_resolution(ALWAYS, BASIC, at(0))
    warned = law.replace(clock, warned_at=at(30))
    kept = law.change(warned, ALWAYS, ALWAYS, at(31), warn_s=1800)
    again = law.change(warned, ALWAYS, ALWAYS, at(31), warn_s=3000)
    assert (kept.warned_at, again.warned_at) == (at(30), None)


def test_an_answer_at_the_very_deadline_is_in_time_and_a_second_later_it_is_not():
    assert law.stop(reply(), ALWAYS, at(15)).outcome == "met"
    late = law.stop(reply(), ALWAYS, at(15) + timedelta(seconds=1))
    assert (late.outcome, late.breached_at) == ("late", at(15))


def test_an_automatic_reply_is_noted_once_and_the_human_one_stays_owed():
    noted = law.replied_automatically(reply(), ALWAYS, at(1))
    twice = law.replied_automatically(noted, ALWAYS, at(2))
    assert twice == noted
    assert (noted.any_elapsed_s, noted.stopped_at) == (60, None)


def test_a_promise_taken_up_again_goes_on_where_it_was_stopped():
    stopped = law.stop(reply(), ALWAYS, at(5), outcome="cancelled")
    again = law.reopen(stopped, ALWAYS, at(100))
    assert (again.due_at, again.outcome) == (at(110), None)
    assert law.reopen(stopped, ALWAYS, at(5)) == law.change(reply(), ALWAYS, ALWAYS, at(5))


def test_two_promises_become_the_one_that_is_due_first_with_the_older_message():
    night = law.start_reply(OFFICE, 900, OpeningGoal(3600), at(-120))
    fresh = reply(OFFICE, -55)
    merged = law.merge(night, OFFICE, fresh, OFFICE, at(-50))
    assert (merged.due_at, merged.started_at) == (fresh.due_at, night.started_at)
    assert law.merge(fresh, OFFICE, night, OFFICE, at(-50)).due_at == fresh.due_at


@pytest.mark.parametrize("move", [law.pause, law.resume, law.stop, law.replied_automatically])
def test_what_has_ended_stays_as_it_is(move):
    ended = law.stop(reply(), ALWAYS, at(5))
    assert move(ended, ALWAYS, at(9)) == ended
    assert law.change(ended, ALWAYS, OFFICE, at(9), threshold_s=1) == ended


def test_a_message_that_is_due_sooner_shortens_the_promise_and_a_later_one_does_not():
    night = law.start_reply(OFFICE, 900, OpeningGoal(3600), at(-120))
    sooner = law.due_by(night, OFFICE, at(-45))
    assert (sooner.due_at, sooner.threshold_s, sooner.started_at) == (at(-45), 900, at(-120))
    assert law.due_by(sooner, OFFICE, at(-30)) == sooner


def test_the_window_was_last_open_now_or_when_it_shut():
    assert last_open(OFFICE, at(0)) == at(0)
    assert last_open(OFFICE, at(200)) == at(180)
    assert last_open(OFFICE, at(-60)) == at(-60) - timedelta(days=3) + timedelta(hours=9)
    never = ServiceWindow((Hours("UTC", frozenset({0}), 0, 1),))
    assert last_open(never, at(0)) == at(-9 * 60 + 1)
    assert add_open_seconds(OFFICE, at(0), 40 * 3600) == at(0) + timedelta(days=7)
