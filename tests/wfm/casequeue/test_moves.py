"""Pausing, resuming, reopening, merging, handing over and acknowledging; on both databases."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from types import SimpleNamespace

import pytest

from wfm.casequeue.claims import close
from wfm.casequeue.merging import merge
from wfm.casequeue.moves import acknowledge, move_queue, pause, reopen, resume, set_severity
from wfm.casequeue.timing import wake, watch
from wfm.errors import Conflict, IllegalMove, LeaseLost, NotFound, RequestError
from wfm.store import cases, clocks, levels

LEAD = "lead:lee"


@pytest.fixture
def acts(staffed):
    """The moves on the desk, by a team lead of its brand."""

    def by_lead(move):
        return partial(move, staffed.store, brand=staffed.brand, actor=LEAD)

    return SimpleNamespace(
        acknowledge=by_lead(acknowledge),
        close=by_lead(close),
        merge=by_lead(merge),
        move_queue=by_lead(move_queue),
        pause=by_lead(pause),
        reopen=by_lead(reopen),
        resume=by_lead(resume),
        severity=partial(set_severity, staffed.store, actor=LEAD),
    )


def reply_of(desk, case_id: int):
    """The last reply clock of the case."""
    with desk.store.reading() as connection:
        held = clocks.clocks_of(connection, case_id)
    return [one.clock for one in held if one.clock.metric != "resolution"][-1]


def texts_of(desk, case_id: int) -> list[str]:
    with desk.store.reading() as connection:
        return [event.text for event in cases.events_of(connection, case_id) if event.text]


def in_minutes(desk, minutes: int):
    return desk.clock.at + timedelta(minutes=minutes)


# -- pause and resume ----------------------------------------------------------------------------


def test_a_paused_case_is_claimed_by_nobody_and_keeps_what_was_left_of_its_clock(staffed, acts):
    case_id = staffed.message().case_id
    staffed.clock.move(minutes=5)
    assert acts.pause(case_id, "asked the warehouse").state == "paused"
    assert staffed.claim() is None
    staffed.clock.move(hours=3)
    again = acts.resume(case_id)
    assert (again.state, again.due_at) == ("new", in_minutes(staffed, 10))
    assert staffed.kinds(case_id) == ["opened", "paused", "resumed"]


def test_a_paused_case_wakes_when_its_time_has_come(staffed, acts):
    case_id = staffed.message().case_id
    acts.pause(case_id, "until the parcel is there", until=in_minutes(staffed, 60))
    staffed.clock.move(minutes=59)
    assert wake(staffed.store, brand=staffed.brand) == ()
    staffed.clock.move(minutes=1)
    assert wake(staffed.store, brand=staffed.brand) == (case_id,)
    assert wake(staffed.store, brand=staffed.brand) == ()
    case = staffed.case(case_id)
    assert (case.state, case.paused_until, case.due_at) == ("new", None, in_minutes(staffed, 15))


def test_a_customer_who_writes_ends_the_pause(staffed, acts):
    case_id = staffed.message("ann").case_id
    acts.pause(case_id, "asked the warehouse")
    staffed.message("ann")
    assert staffed.take().case.case_id == case_id


def test_a_held_case_is_paused_by_its_holder_only_and_is_theirs_no_longer(staffed, acts):
    case_id = staffed.message().case_id
    held = staffed.take("amy")
    with pytest.raises(LeaseLost, match="held by amy"):
        acts.pause(case_id, "later")
    paused = acts.pause(case_id, "later", lease_token=held.lease_token)
    assert (paused.state, paused.agent_id, paused.lease_until) == ("paused", None, None)
    staffed.message("ben")
    assert staffed.take("amy"), "her slot is free again"


def test_a_pause_that_makes_no_sense_is_refused_in_words(staffed, acts):
    case_id = staffed.message().case_id
    with pytest.raises(RequestError, match="cannot be paused until 2026-03-02T09:00:00Z"):
        acts.pause(case_id, "later", until=staffed.clock.at)
    with pytest.raises(RequestError, match="a reason has 1 to 200"):
        acts.pause(case_id, " ")
    staffed.answer(staffed.take())
    with pytest.raises(IllegalMove, match="is answered; it can go to new or closed, not paused"):
        acts.pause(case_id, "later")
    with pytest.raises(IllegalMove, match="only a paused case is resumed"):
        acts.resume(case_id)


# -- reopen --------------------------------------------------------------------------------------


def test_a_case_closed_unanswered_owes_its_reply_all_along_when_it_is_reopened(staffed, acts):
    case_id = staffed.message().case_id
    due_at = staffed.case(case_id).due_at
    staffed.clock.move(minutes=5)
    acts.close(case_id, "taken for spam")
    staffed.clock.move(minutes=20)
    again = acts.reopen(case_id, "it was none")
    assert (again.state, again.due_at, again.closed_at) == ("new", due_at, None)
    assert reply_of(staffed, case_id).started_at == again.received_at
    assert staffed.kinds(case_id) == ["opened", "closed", "reopened"]
    assert watch(staffed.store, brand=staffed.brand).breached == (case_id,)
    assert staffed.take().case.case_id == case_id


def test_an_answered_case_that_is_reopened_owes_a_later_reply_from_then_on(staffed, acts):
    case_id = staffed.message().case_id
    staffed.answer(staffed.take())
    acts.close(case_id, "solved")
    staffed.clock.move(minutes=5)
    again = acts.reopen(case_id, "not solved after all")
    assert (again.due_goal, again.due_at) == ("follow_up", in_minutes(staffed, 60))


def test_a_case_is_not_reopened_beside_another_one_of_its_author(staffed, acts):
    first = staffed.message("ann").case_id
    acts.close(first, "solved")
    with staffed.store.writing("test") as writing:
        # Closed long ago, so that the next message opened a case of its own.
        cases.update_case(writing, first, {"closed_at": staffed.clock.at - timedelta(days=60)})
    second = staffed.message("ann").case_id
    assert first != second
    with pytest.raises(Conflict, match=f"has case {second} open; go on there"):
        acts.reopen(first, "again")
    assert staffed.case(first).state == "closed"
    with pytest.raises(IllegalMove, match="only a closed case is reopened"):
        acts.reopen(second, "again")


# -- merge ---------------------------------------------------------------------------------------


def test_a_merged_case_closes_and_the_kept_one_has_the_earlier_deadline_of_both(staffed, acts):
    older = staffed.message("ann", text="first", severity=2).case_id
    due_at = staffed.case(older).due_at
    staffed.clock.move(minutes=4)
    newer = staffed.message("ann2", text="second").case_id
    kept = acts.merge(older, into=newer)
    assert (kept.due_at, kept.received_at) == (due_at, due_at - timedelta(minutes=15))
    assert (kept.contacts, kept.severity, kept.state) == (2, 2, "new")
    closed = staffed.case(older)
    assert (closed.state, closed.merged_into) == ("closed", newer)
    assert closed.closed_reason == f"merged into case {newer}"
    with staffed.store.reading() as connection:
        assert [m.text for m in cases.messages_of(connection, newer)] == ["first", "second"]
        assert {c.clock.outcome for c in clocks.clocks_of(connection, older)} == {"merged"}


def test_a_later_deadline_that_is_merged_changes_nothing_of_the_kept_one(staffed, acts):
    older = staffed.message("ann").case_id
    staffed.clock.move(minutes=4)
    newer = staffed.message("ann2").case_id
    before = staffed.case(older)
    kept = acts.merge(newer, into=older)
    assert (kept.due_at, kept.received_at) == (before.due_at, before.received_at)


def test_an_answered_case_waits_again_when_a_waiting_one_is_merged_into_it(staffed, acts):
    answered = staffed.message("ann").case_id
    staffed.answer(staffed.take())
    waiting = staffed.message("ann2").case_id
    due_at = staffed.case(waiting).due_at
    kept = acts.merge(waiting, into=answered)
    assert (kept.state, kept.due_at, kept.agent_id) == ("new", due_at, None)
    assert reply_of(staffed, answered).metric == "next_reply"
    staffed.answer(staffed.take())
    assert reply_of(staffed, answered).outcome == "met"


def test_what_was_merged_goes_with_its_case_when_that_is_merged_in_turn(staffed, acts):
    ids = [staffed.message(f"ann{i}", text=f"no {i}").case_id for i in range(3)]
    acts.merge(ids[0], into=ids[1])
    acts.merge(ids[1], into=ids[2])
    with staffed.store.reading() as connection:
        told = [message.text for message in cases.messages_of(connection, ids[2])]
    assert told == ["no 0", "no 1", "no 2"]
    assert staffed.case(ids[0]).merged_into == ids[2]
    assert staffed.message("ann0").case_id == ids[2], "while that is open"


def test_what_a_merged_case_was_acknowledged_with_counts_for_the_one_that_goes_on(staffed, acts):
    one, two = staffed.message("ann").case_id, staffed.message("ben").case_id
    told = acts.acknowledge(one, "We have it.").first_any_at

    kept = acts.merge(one, into=two)

    assert (kept.first_any_at, kept.first_response_at) == (told, None)
    assert told is not None
    with staffed.store.reading() as connection:
        assert levels.to_acknowledge(connection, kept.queue, limit=9) == ()


def test_a_case_whose_lease_ran_out_waits_again_and_is_merged(staffed, acts):
    one, two = staffed.message("ann").case_id, staffed.message("ben").case_id
    held = staffed.take()
    staffed.clock.move(minutes=11)
    other = two if held.case.case_id == one else one

    kept = acts.merge(held.case.case_id, into=other)

    assert (kept.case_id, kept.state, kept.contacts) == (other, "new", 2)
    assert staffed.kinds(held.case.case_id)[-3:] == ["expired", "merged", "closed"]


def test_what_cannot_be_merged_is_refused_in_words(staffed, acts):
    one, two = staffed.message("ann").case_id, staffed.message("ben").case_id
    with pytest.raises(RequestError, match="into itself"):
        acts.merge(one, into=one)
    with pytest.raises(NotFound, match="there is no case 99"):
        acts.merge(one, into=99)
    held = staffed.take()
    with pytest.raises(IllegalMove, match="held by amy; it must be released first"):
        acts.merge(held.case.case_id, into=two)
    acts.merge(two, into=one)
    with pytest.raises(IllegalMove, match=f"merged into case {one} already"):
        acts.merge(two, into=one)
    with pytest.raises(IllegalMove, match=f"closed, so nothing.*; case {one} goes on for it"):
        acts.merge(one, into=two) if staffed.answer(held) else None
    with pytest.raises(IllegalMove, match=f"was merged into case {one}; go on there"):
        acts.reopen(two, "again")


# -- hand over, severity, acknowledge ------------------------------------------------------------


def test_a_case_that_is_handed_over_keeps_its_promise_in_the_hours_of_the_new_queue(staffed, acts):
    case_id = staffed.message().case_id
    due_at = staffed.case(case_id).due_at
    assert acts.move_queue(case_id, "chat", reason="wrong desk").due_at == due_at
    staffed.clock.move(hours=9, minutes=50)  # 18:50 UTC: mail shuts at 19:00
    late = staffed.message("ben").case_id
    moved = acts.move_queue(late, "mail")
    assert moved.due_at == staffed.clock.at.replace(hour=7, minute=5) + timedelta(days=1)
    assert texts_of(staffed, case_id) == ["x to chat: wrong desk"]


def test_a_held_case_is_handed_over_by_its_holder_and_waits_there(staffed, acts):
    case_id = staffed.message().case_id
    held = staffed.take("amy")
    with pytest.raises(LeaseLost):
        acts.move_queue(case_id, "chat")
    with pytest.raises(LeaseLost):
        acts.move_queue(case_id, "chat", lease_token="forged")
    moved = acts.move_queue(case_id, "chat", lease_token=held.lease_token)
    assert (moved.state, moved.queue, moved.agent_id) == ("new", "chat", None)
    with pytest.raises(NotFound, match="no queue 'fax'"):
        acts.move_queue(case_id, "fax")
    with pytest.raises(RequestError, match="is in chat already"):
        acts.move_queue(case_id, "chat")
    acts.close(case_id, "done")
    with pytest.raises(IllegalMove, match="reopen it before"):
        acts.move_queue(case_id, "x")


def test_a_graver_case_comes_first_of_those_due_at_once(staffed, acts):
    staffed.message("ann")
    grave = staffed.message("ben").case_id
    acts.severity(grave, 3, reason="a journalist")
    acts.severity(grave, 3)
    assert staffed.take().case.case_id == grave
    assert texts_of(staffed, grave) == ["0 to 3: a journalist"]
    with pytest.raises(RequestError, match="between 0 and 100"):
        acts.severity(grave, 101)


def test_an_acknowledgement_is_a_first_reply_of_any_kind_and_no_answer(staffed, acts):
    case_id = staffed.message().case_id
    staffed.clock.move(minutes=1)
    acknowledged = acts.acknowledge(case_id, "We are on it.")
    again = acts.acknowledge(case_id, "We are on it.")
    assert again == acknowledged
    assert (again.state, again.first_response_at) == ("new", None)
    assert again.first_any_at == staffed.clock.at
    staffed.clock.move(minutes=19)
    staffed.answer(staffed.take())
    clock = reply_of(staffed, case_id)
    assert (clock.outcome, clock.elapsed_s, clock.any_elapsed_s) == ("late", 1200, 60)
    assert staffed.kinds(case_id).count("acknowledged") == 1
    with pytest.raises(IllegalMove, match="only what waits is acknowledged"):
        acts.acknowledge(case_id, "We are on it.")
    with pytest.raises(RequestError, match="acknowledgement has 1 to"):
        acts.acknowledge(case_id, "\n")
