"""The stream of events: in order, whole, and no event is passed over because it came late."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wfm.conftest import Desk
from wfm.casequeue.escalation import escalate
from wfm.casequeue.supervise import assign
from wfm.customers.crm import COLLECTED
from wfm.customers.retention import RETIRED
from wfm.errors import RequestError
from wfm.store import queueevents
from wfm.store.engine import Store
from wfm.store.queueevents import PRIVATE, Follower, Position, position_of, settled, since


def add(store: Store, kind: str) -> None:
    with store.writing("test") as writing:
        queueevents.add(writing, kind, body={})


def kinds(store: Store, after: Position, upto: Position | None = None) -> list[str]:
    with store.reading() as connection:
        return [one.kind for one in since(connection, after, upto)]


def test_events_of_cases_and_queues_come_in_the_order_of_time(desk: Desk):
    add(desk.store, "first")
    desk.clock.move(seconds=1)
    desk.message("ann")
    desk.clock.move(seconds=1)
    add(desk.store, "last")

    assert kinds(desk.store, Position()) == ["first", "case.opened", "last"]


def test_a_case_that_is_given_or_escalated_is_told_once_and_never_why_people_did(staffed: Desk):
    case_id = staffed.message("ann").case_id
    assert case_id is not None
    assign(staffed.store, case_id, "amy", brand=staffed.brand, actor="lead:eve")
    reason = "my IBAN is DE12"
    escalate(staffed.store, case_id, reason, brand=staffed.brand, actor="lead:eve")
    with staffed.store.reading() as connection:
        told = since(connection, Position())
    of_case = [one.kind for one in told if one.kind in ("case.assigned", "case.escalated")]
    assert of_case == ["case.assigned", "case.escalated"]
    assert reason not in repr(told)


def test_notes_of_our_own_progress_are_told_to_nobody():
    assert {COLLECTED, RETIRED} == set(PRIVATE)


def test_reading_page_by_page_gives_each_event_once(desk: Desk):
    for number in range(7):
        desk.clock.move(seconds=1)
        if number % 2:
            desk.message(f"a{number}")
        else:
            add(desk.store, f"e{number}")
    position, seen = Position(), []
    while True:
        with desk.store.reading() as connection:
            page = since(connection, position, limit=2)
        if not page:
            break
        seen += [one.kind for one in page]
        position = page[-1].position
    assert seen == kinds(desk.store, Position())
    assert len(seen) == 7


def advance(store: Store, follower: Follower) -> Position:
    with store.reading() as connection:
        return follower.advance(connection)


def test_an_event_that_is_committed_late_is_not_passed_over(store: Store):
    if store.is_sqlite:
        pytest.skip("on SQLite writers take turns")
    add(store, "before")
    with store.reading() as connection:
        follower = Follower.from_now_on(connection)
    begin = advance(store, follower)
    assert follower.is_settled

    with store.writing("slow") as slow:
        queueevents.add(slow, "slow", body={})
        add(store, "quick")
        assert advance(store, follower) == begin
        assert advance(store, follower) == begin
    end = advance(store, follower)

    assert kinds(store, begin, end) == ["slow", "quick"]


def test_an_event_that_is_never_committed_holds_nobody_up(store: Store):
    with store.reading() as connection:
        follower = Follower(queueevents.newest(connection))
    begin = follower.position

    def fail() -> None:
        with store.writing("failing") as failing:
            queueevents.add(failing, "never", body={})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    add(store, "after")

    advance(store, follower)
    end = advance(store, follower)

    assert kinds(store, begin, end) == ["after"]


def test_who_begins_while_others_write_waits_until_it_is_clear_what_was_before(store: Store):
    if store.is_sqlite:
        pytest.skip("on SQLite writers take turns")
    with store.writing("slow") as slow:
        queueevents.add(slow, "slow", body={})
        add(store, "quick")
        with store.reading() as connection:
            follower = Follower.from_now_on(connection)
        advance(store, follower)
        assert not follower.is_settled
    advance(store, follower)
    assert follower.is_settled


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    present=st.sets(st.integers(1, 30), min_size=1).map(sorted),
    after=st.integers(0, 10),
    more=st.integers(0, 25),
)
def test_nothing_before_the_settled_id_is_missing_unless_it_is_known_to_be(present, after, more):
    ids = [one for one in present if one > after]
    known = after + more
    last = settled(ids, after, known)

    assert all(one in ids for one in range(max(after, known) + 1, last + 1))
    assert last == after or last in ids


@pytest.mark.parametrize("text", ["", "c1", "c1-q", "c-1-q2", "c99999999999-q1", "c٣-q1", "x" * 99])
def test_what_is_no_position_is_told(text: str):
    with pytest.raises(RequestError, match="no position"):
        position_of(text)
    assert position_of(str(Position(12, 3))) == Position(12, 3)
