"""Warnings and breaches that are told with their cause, and promises that change; on both."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from wfm.calendars import Hours, ServiceWindow
from wfm.care import Care, ResolutionTarget
from wfm.casequeue.claims import close
from wfm.casequeue.moves import pause
from wfm.casequeue.newpromises import policy_changed
from wfm.casequeue.watching import watch
from wfm.errors import Conflict
from wfm.sla import OpeningGoal, ServiceGoal
from wfm.store import cases, clocks


def told(desk, case_id: int, kind: str = "breached") -> list[str]:
    with desk.store.reading() as connection:
        found = cases.events_of(connection, case_id)
    return [event.text for event in found if event.kind == kind]


def clocks_of(desk, case_id: int) -> dict:
    with desk.store.reading() as connection:
        return {held.clock.metric: held.clock for held in clocks.clocks_of(connection, case_id)}


def look(desk):
    return watch(desk.store, brand=desk.brand)


# -- what has run out ----------------------------------------------------------------------------


def test_a_breach_is_told_once_when_more_has_passed_than_was_promised(staffed):
    case_id = staffed.message().case_id
    staffed.clock.move(minutes=15)
    assert look(staffed).breached == ()
    staffed.clock.move(seconds=1)
    assert look(staffed).breached == (case_id,)
    assert look(staffed).breached == ()
    reply = clocks_of(staffed, case_id)["first_response"]
    assert reply.breached_at == staffed.clock.at - timedelta(seconds=1)


def test_a_resolution_is_warned_of_and_then_breached(staffed):
    case_id = staffed.message().case_id
    held = staffed.take()
    staffed.clock.move(minutes=29)
    assert look(staffed).warned == ()
    staffed.clock.move(minutes=1)
    assert look(staffed).warned == (case_id,)
    assert look(staffed).warned == ()
    assert told(staffed, case_id, "warned") == [
        "resolution within 1 h, due 2026-03-02T10:00:00Z: amy had it since 2026-03-02T09:00:00Z"
    ]
    staffed.clock.move(minutes=31)
    assert look(staffed).breached == (case_id,)
    assert held.case.case_id == case_id


def test_a_breach_that_nobody_saw_is_told_by_the_answer_that_came_too_late(staffed):
    case_id = staffed.message().case_id
    staffed.clock.move(minutes=20)
    staffed.answer(staffed.take("amy"))
    assert look(staffed).breached == ()
    assert told(staffed, case_id) == [
        "first response within 15 min, due 2026-03-02T09:15:00Z: amy had it"
    ]


def test_a_breach_is_told_of_what_was_closed_too_late(staffed):
    case_id = staffed.message().case_id
    staffed.clock.move(minutes=20)
    close(staffed.store, case_id, "spam", brand=staffed.brand, actor="lead:lee")
    assert told(staffed, case_id) == [
        "first response within 15 min, due 2026-03-02T09:15:00Z: it was closed after that"
    ]
    assert clocks_of(staffed, case_id)["first_response"].outcome == "cancelled"


def test_what_is_due_when_the_queue_shuts_has_not_run_out_before_it_is_open_again(staffed):
    staffed.clock.move(hours=9, minutes=45)  # 18:45 UTC: mail shuts at 19:00
    case_id = staffed.message(queue="mail").case_id
    staffed.clock.move(hours=12)
    assert look(staffed).breached == ()
    assert clocks_of(staffed, case_id)["first_response"].outcome is None
    staffed.clock.move(minutes=30)
    assert look(staffed).breached == (case_id,)


def test_what_is_more_than_was_asked_for_is_told_the_next_time(staffed):
    ids = [staffed.message(f"author{i}").case_id for i in range(3)]
    staffed.clock.move(minutes=16)
    first = watch(staffed.store, brand=staffed.brand, limit=2).breached
    assert (first, look(staffed).breached) == ((ids[0], ids[1]), (ids[2],))


def test_many_breaches_at_once_are_each_told_with_their_place_in_the_line(staffed):
    staffed.publish(staffed.stretch("amy", slots=5))
    ids = [staffed.message(f"author{i}").case_id for i in range(3)]
    staffed.clock.move(minutes=16)
    look(staffed)
    causes = [told(staffed, case_id)[0].partition(": ")[2] for case_id in ids]
    assert causes == [
        "it was the first of x, with 5 slots free: nobody took it",
        "1 case of x came before it",
        "2 cases of x came before it",
    ]


CAUSES = {
    "no roster is published, so nobody is on shift": lambda desk: None,
    "nobody on shift serves x": lambda desk: desk.publish(desk.stretch("amy", "chat")),
    "the only slot of the 1 on shift for x taken": lambda desk: (
        desk.publish(desk.stretch("amy")),
        desk.message("another", severity=9),
        desk.take("amy"),
    ),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_a_breach_names_what_stood_in_the_way(desk, cause):
    case_id = desk.message("ann").case_id
    CAUSES[cause](desk)
    held_until = desk.clock.at + timedelta(minutes=30)
    with desk.store.writing("test") as writing:
        # Whoever holds a case, holds it beyond the breach.
        writing.connection.execute(
            cases.cases.update()
            .where(cases.cases.c.lease_token.is_not(None))
            .values(lease_until=held_until)
        )
    desk.clock.move(minutes=16)
    look(desk)
    assert told(desk, case_id) == [
        f"first response within 15 min, due 2026-03-02T09:15:00Z: {cause}"
    ]


# -- other promises ------------------------------------------------------------------------------


def with_x(brand, **changes):
    """The brand with other promises of its queue x."""
    first, *others = brand.queues
    return replace(brand, queues=(replace(first, **changes), *others))


def change_to(desk, after) -> int:
    with desk.store.writing("planner") as writing:
        reckoned = policy_changed(writing, desk.brand, after)
    desk.brand = after
    return reckoned


def test_a_longer_promise_holds_for_what_waits_and_takes_a_breach_back(staffed):
    case_id = staffed.message().case_id
    staffed.clock.move(minutes=20)
    look(staffed)
    goals = (ServiceGoal.first_response(within_s=1800),)
    assert change_to(staffed, with_x(staffed.brand, goals=goals)) == 2
    case = staffed.case(case_id)
    assert case.due_at == case.received_at + timedelta(minutes=30)
    assert clocks_of(staffed, case_id)["first_response"].breached_at is None


def test_a_shorter_promise_makes_nobody_late_before_it_was_given(staffed):
    case_id = staffed.message().case_id
    staffed.clock.move(minutes=10)
    change_to(staffed, with_x(staffed.brand, goals=(ServiceGoal.first_response(within_s=300),)))
    assert staffed.case(case_id).due_at == staffed.clock.at


def test_other_hours_move_the_deadline_of_what_waits_and_keep_what_has_passed(staffed):
    case_id = staffed.message().case_id
    staffed.clock.move(minutes=5)
    # Open from 10:00 to 10:05 UTC, and then again from 11:00.
    window = ServiceWindow(
        (
            Hours("UTC", frozenset(range(7)), 600, 605),
            Hours("UTC", frozenset(range(7)), 660, 720),
        )
    )
    change_to(staffed, with_x(staffed.brand, window=window))
    assert staffed.case(case_id).due_at == staffed.clock.at.replace(hour=11, minute=5)


def test_what_arrived_at_night_has_the_new_opening_goal(staffed):
    staffed.clock.move(hours=-4)  # 06:00 in Berlin; mail opens at 08:00
    mail = staffed.message(queue="mail").case_id
    queues = tuple(
        replace(queue, opening_goal=OpeningGoal(1800)) if queue.name == "mail" else queue
        for queue in staffed.brand.queues
    )
    change_to(staffed, replace(staffed.brand, queues=queues))
    assert staffed.case(mail).due_at == staffed.clock.at.replace(hour=7, minute=30)


def test_a_clock_that_stands_still_runs_on_under_the_new_target(staffed):
    case_id = staffed.message().case_id
    staffed.clock.move(minutes=1)
    staffed.answer(staffed.take())
    resting = staffed.message("ben").case_id
    pause(staffed.store, resting, "later", brand=staffed.brand, actor="lead:lee")
    after = replace(
        with_x(staffed.brand, goals=(ServiceGoal.first_response(within_s=1200),)),
        care=Care(basic=ResolutionTarget(threshold_s=7200, warn_s=600)),
    )
    assert change_to(staffed, after) == 0
    resolution = clocks_of(staffed, case_id)["resolution"]
    assert (resolution.threshold_s, resolution.warn_s) == (7200, 600)
    assert clocks_of(staffed, resting)["first_response"].threshold_s == 1200
    again = staffed.message("ben")
    assert staffed.case(again.case_id).due_at == staffed.clock.at + timedelta(minutes=20)


def test_nothing_is_reckoned_anew_where_nothing_has_changed(staffed):
    staffed.message()
    assert change_to(staffed, replace(staffed.brand, weekend=frozenset({4}))) == 0


def test_a_queue_with_open_cases_is_not_taken_away(staffed):
    staffed.message(queue="chat")
    without = tuple(queue for queue in staffed.brand.queues if queue.name != "chat")
    with pytest.raises(Conflict, match="have open cases: chat has 1; move or close them first"):
        change_to(staffed, replace(staffed.brand, queues=without))
