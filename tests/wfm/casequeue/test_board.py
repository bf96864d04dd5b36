"""The board: the order of the claims, why each case stands where it stands, and today so far."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wfm.casequeue.board import Board, Today, board, today
from wfm.casequeue.claims import close
from wfm.casequeue.moves import pause
from wfm.casequeue.spike import set_spike_mode
from wfm.casequeue.why import Place, why_here
from wfm.errors import NotFound
from wfm.metrics.ranges import measure
from wfm.order import LOST, late_last_for
from wfm.store import tables, waiting

BERLIN = ZoneInfo("Europe/Berlin")
NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # 10:00 in Berlin


def board_of(desk: Any, *queues: str, limit: int = 50) -> Board:
    with desk.store.reading() as connection:
        return board(connection, desk.brand, desk.clock.at, queues or None, limit)


def today_of(desk: Any) -> Today:
    with desk.store.reading() as connection:
        return today(connection, desk.brand, desk.clock.at)


def ids(found: Board) -> list[int]:
    return [one.case.case_id for one in found.cases]


def put_off(desk: Any, queue: str, seconds: int) -> None:
    set_spike_mode(desk.store, queue, False, brand=desk.brand, actor="test")
    state = tables.queue_state
    with desk.store.writing("test") as writing:
        writing.connection.execute(
            state.update().where(state.c.queue == queue).values(put_off_s=seconds)
        )


# -- the order ------------------------------------------------------------------------------------

ARRIVALS = st.lists(
    st.tuples(st.sampled_from(["x", "chat"]), st.integers(0, 2), st.sampled_from([0, 60, 600])),
    min_size=1,
    max_size=9,
)


@given(ARRIVALS, st.booleans(), st.sampled_from([0, 300, 1200]))
@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_board_lists_cases_as_they_are_then_claimed(desk, arrivals, spiking, off_s):
    desk.empty()
    desk.clock.at = NINE
    desk.publish(desk.stretch("amy", "x chat", slots=20))
    for number, (queue, severity, wait_s) in enumerate(arrivals):
        desk.message(f"author{number}", queue=queue, severity=severity)
        desk.clock.move(seconds=wait_s)
    put_off(desk, "chat", off_s)
    if spiking:
        set_spike_mode(desk.store, "x", True, brand=desk.brand, actor="test")

    in_spike = 0
    for _ in arrivals:
        # Every fifth claim of spike mode takes the plain order, which the board does not show.
        if late_last_for(in_spike + 1, spike_mode=True):
            expected = ids(board_of(desk))[0]
            assert desk.take().case.case_id == expected
        else:
            desk.take()
        with desk.store.reading() as connection:
            in_spike = waiting.modes(connection).get("x", waiting.AS_USUAL).claims

    assert ids(board_of(desk)) == []


def test_a_shorter_page_is_the_beginning_of_a_longer_one(desk):
    for number in range(12):
        desk.message(f"author{number}", queue=("x", "chat", "mail")[number % 3])
        desk.clock.move(seconds=30)

    whole = board_of(desk)

    assert whole.waiting == len(whole.cases) == 12
    assert [one.place for one in whole.cases] == list(range(1, 13))
    for limit in (1, 4, 11):
        page = board_of(desk, limit=limit)
        assert ids(page) == ids(whole)[:limit]
        assert page.waiting == 12
        assert page.cases == whole.cases[:limit]


def test_a_board_of_some_queues_holds_their_cases_alone(desk):
    of_x = desk.message("ann").case_id
    desk.message("bea", queue="chat")

    found = board_of(desk, "x")

    assert ids(found) == [of_x]
    assert found.waiting == 1
    with pytest.raises(NotFound, match="Testbrand has x, chat, mail"):
        board_of(desk, "nowhere")


# -- a line ---------------------------------------------------------------------------------------


def test_a_line_shows_the_newest_words_raw_and_counts_down(desk):
    desk.message("ann", text="first", handle="@ann")
    desk.clock.move(minutes=4)
    desk.message("ann", text="<b>أين طلبي؟</b>")

    (line,) = board_of(desk).cases

    assert line.words == "<b>أين طلبي؟</b>"
    assert line.slack_s == 11 * 60
    assert (line.channel, line.case.contacts, line.opens_at) == ("x", 2, None)


def test_only_the_beginning_of_a_long_message_is_read(desk):
    desk.message(text="x" * 1_000_000)

    assert len(board_of(desk).cases[0].words) < 400


def test_a_case_of_a_shut_queue_says_when_it_opens(desk):
    desk.clock.at = datetime(2026, 3, 2, 22, 0, tzinfo=UTC)
    desk.message(queue="mail")

    (line,) = board_of(desk).cases

    assert line.opens_at == datetime(2026, 3, 3, 7, 0, tzinfo=UTC)
    assert line.slack_s == timedelta(hours=10).total_seconds()


def place(case_id: int = 1, due_min: float = 10, **fields: Any) -> Place:
    values = {"severity": 0, "received_at": NINE - timedelta(minutes=5), **fields}
    return Place(case_id, "x", NINE + timedelta(minutes=due_min), **values)


@pytest.mark.parametrize(
    ("one", "following", "said"),
    [
        (place(), place(2, 13), "Due 10:10, 3 min before the next."),
        (place(), place(2, 10.5), "Due 10:10, 30 s before the next."),
        (place(), place(2, 24 * 60 + 10), "Due 10:10, 24 h before the next."),
        (
            place(severity=3),
            place(2, severity=1),
            "Due 10:10 like the next, and of higher severity (3 over 1).",
        ),
        (
            place(),
            place(2, received_at=NINE),
            "Due 10:10 like the next, and has waited 5 min longer.",
        ),
        (place(), place(2), "Due 10:10 like the next in all; it came in first."),
        (place(), None, "Due 10:10; none that waits comes after it."),
        (place(due_min=60 * 24), None, "Due Tue 3 Mar 10:00; none that waits comes after it."),
        (
            place(put_off_s=1200),
            place(2, 40),
            "Due 10:10, ordered as if 10:30 (put off by 20 min), 10 min before the next.",
        ),
        (
            place(due_min=6, late_last=True),
            place(2, -9, late_last=True),
            "Spike mode: due 10:06, so it can still be saved; the next cannot.",
        ),
        (
            place(due_min=-9, late_last=True),
            None,
            "Spike mode: due 09:51 and past saving, so those that can be saved come first.",
        ),
    ],
)
def test_one_sentence_says_why_a_case_comes_before_the_next(one, following, said):
    assert why_here(one, following, now=NINE, zone=BERLIN) == said


def test_what_cannot_be_saved_any_more_is_what_the_order_lets_come_last():
    edge = place(due_min=LOST.total_seconds() / 60, late_last=True)

    assert edge.is_lost(NINE)
    assert not replace(edge, due_at=edge.due_at + timedelta(seconds=1)).is_lost(NINE)
    assert not replace(edge, late_last=False).is_lost(NINE)


# -- today ----------------------------------------------------------------------------------------


def test_today_counts_what_waits_and_how_the_promise_stands(staffed):
    desk = staffed
    for author in ("ann", "bea", "cat", "dot"):
        desk.message(author)
    desk.clock.move(minutes=5)
    desk.answer(desk.take("amy"))  # in time
    desk.clock.move(minutes=15)
    desk.answer(desk.take("amy"))  # five minutes late
    desk.message("eve")
    desk.message("fay", queue="chat")
    desk.take("bob")  # of the two that are late, the first

    found = today_of(desk)

    x = found.queues[0]
    assert (x.now.waiting, x.now.late, x.due_soon, x.now.held) == (2, 1, 1, 1)
    assert (x.kept, x.missed, x.attainment) == (1, 3, 0.25)
    assert (found.waiting, found.late, found.due_soon) == (3, 1, 2)
    assert (found.owed, found.attainment, found.promised) == (4, 0.25, 0.9)
    assert (found.on_shift, found.present) == (2, 1)  # bob is at work; amy's desk is empty


def test_the_line_of_today_says_what_the_metrics_say(staffed):
    desk = staffed
    for number in range(12):
        desk.message(f"author{number}", queue=("x", "chat", "mail")[number % 3])
        desk.clock.move(minutes=4)
        if number % 4 == 3:
            desk.answer(desk.take("amy"))
    resting, ended = ids(board_of(desk))[-2:]
    pause(desk.store, resting, "the courier", brand=desk.brand, actor="lead:kim")
    close(desk.store, ended, "spam", brand=desk.brand, actor="lead:kim")
    desk.clock.move(minutes=7)

    found = today_of(desk)

    midnight = NINE.replace(hour=0) - timedelta(hours=1)
    with desk.store.reading() as connection:
        (group,) = measure(connection, desk.brand, midnight, desk.clock.at, now=desk.clock.at)
    assert found.owed == group.figures["first_response_judged"] > 5
    assert (
        found.owed - sum(queue.kept for queue in found.queues)
        == group.figures["first_response_late"]
    )
    assert found.attainment == group.figures["first_response_attainment"]


def test_promises_of_yesterday_and_cancelled_ones_are_not_todays(desk):
    old = desk.message("ann").case_id
    desk.clock.at = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)  # 00:30 of the next day in Berlin
    closed = desk.message("bea").case_id
    close(desk.store, closed, "spam", brand=desk.brand, actor="lead:kim")
    assert old != closed

    found = today_of(desk)

    assert (found.owed, found.attainment, found.promised) == (0, None, None)
    assert (found.waiting, found.late) == (1, 1)


def test_what_comes_while_a_queue_is_shut_is_due_under_another_promise(desk):
    desk.clock.at = datetime(2026, 3, 3, 5, 0, tzinfo=UTC)
    desk.message(queue="mail")
    desk.clock.move(hours=6)

    found = today_of(desk)

    assert (found.late, found.owed) == (1, 0)


def test_loose_ends_are_counted_while_they_are_open(desk):
    case_id = desk.message().case_id
    at = desk.clock.at
    with desk.store.writing("test") as w:
        tasks = [("open", -60), ("open", 60), ("done", -60)]
        w.connection.execute(
            tables.tasks.insert(),
            [
                {
                    "case_id": case_id,
                    "kind": "follow_up",
                    "title": "look again",
                    "due_at": at + timedelta(seconds=due_s),
                    "state": state,
                    "opened_at": at,
                    **w.stamp,
                }
                for state, due_s in tasks
            ],
        )
        w.connection.execute(
            tables.deliveries.insert(),
            [
                {
                    "source": "hook",
                    "key": state,
                    "body": b"{",
                    "signature": "",
                    "received_at": at,
                    "state": state,
                    "attempts": 1,
                    "actor": "hook",
                }
                for state in ("new", "done", "quarantined")
            ],
        )
        w.connection.execute(
            tables.outbox.insert(),
            [
                {
                    "key": state,
                    "kind": "reply",
                    "target": "hook",
                    "body": {},
                    "state": state,
                    "attempts": 0,
                    "next_at": at,
                    **w.stamp,
                }
                for state in ("new", "sent", "dead")
            ],
        )

    ends = today_of(desk).ends

    assert (ends.tasks_due, ends.quarantined, ends.undelivered) == (1, 1, 1)


def test_nobody_on_shift_for_what_waits_is_told(desk):
    desk.message()

    assert "no roster is published" in str(today_of(desk).queues[0].now.alert)


def test_the_board_reads_no_closed_case_but_by_its_indexes(desk):
    """However many cases are closed: on SQLite, where the plan says so in words."""
    if desk.store.engine.dialect.name != "sqlite":
        pytest.skip("the plan is read as SQLite words it")
    desk.message()
    told: list[str] = []

    def explain(conn: sa.Connection, _c: Any, statement: str, values: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            cursor = conn.connection.cursor()
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", values)
            told.extend(row[-1] for row in cursor.fetchall())

    sa.event.listen(desk.store.engine, "before_cursor_execute", explain)
    board_of(desk)
    today_of(desk)

    scanned = {line for line in told if line.startswith(("SCAN cases", "SCAN clocks", "SCAN con"))}
    assert all("USING" in line for line in scanned), scanned
