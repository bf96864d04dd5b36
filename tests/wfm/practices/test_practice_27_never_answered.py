"""Practice: nobody is left without an answer, and who must write again and again is known.

Never answered, contacts per resolution, repeat contacts over all the handles of a customer and
follow-ups done are figures; and at the end of the window no case is without an answer, a plan or a
reason.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from wfm.casequeue.claims import close
from wfm.casequeue.tasks import finish_task, open_task
from wfm.metrics.behind import orphans
from wfm.metrics.ranges import measure
from wfm.store import tables
from wfm.store.customers import give_authors


def figures(desk, since):
    with desk.store.reading() as connection:
        until = desk.clock.at + timedelta(seconds=1)
        (whole,) = measure(connection, desk.brand, since, until, now=desk.clock.at)
        forgotten = orphans(connection, desk.brand, since, until, now=desk.clock.at)
    return whole.figures, forgotten.case_ids


@pytest.fixture
def open_desk(desk):
    desk.publish(desk.stretch("amy", slots=20, end=desk.clock.at + timedelta(days=9)))
    return desk


def test_a_third_never_answered_and_who_writes_twice_are_counted(open_desk):
    start = open_desk.clock.at
    for n in range(6):
        open_desk.message(f"a{n}")
    for _ in range(4):
        open_desk.answer(open_desk.take())
    for n in range(3):
        open_desk.message(f"a{n}", text="still broken")
    for case_id in (1, 2):
        close(open_desk.store, case_id, "solved", brand=open_desk.brand, actor="test")
    open_desk.clock.move(minutes=30)
    found, forgotten = figures(open_desk, start)
    assert found["never_answered_share"] == pytest.approx(2 / 6)
    assert found["wrote_again_share"] == pytest.approx(3 / 6)
    assert (found["resolved"], found["contacts_per_resolution"]) == (2, 2.0)
    assert forgotten == (5, 6)


def test_at_the_end_of_the_window_nobody_is_without_an_answer_a_plan_or_a_reason(open_desk):
    start = open_desk.clock.at
    for author in ("ann", "ben", "cem"):
        open_desk.message(author)
    open_desk.answer(open_desk.take())
    close(open_desk.store, 2, "praise, no answer needed", brand=open_desk.brand, actor="test")
    due = open_desk.clock.at + timedelta(hours=3)
    task = open_task(open_desk.store, 3, "callback", "call cem", due_at=due, actor="test")
    open_desk.clock.move(hours=2)
    found, forgotten = figures(open_desk, start)
    assert forgotten == ()
    assert found["closed_unanswered"] == 1
    finish_task(open_desk.store, task.task_id, "called", actor="test")
    open_desk.clock.move(hours=2)
    found, forgotten = figures(open_desk, start)
    # The call was made, yet cem's message still stands unanswered: that shows again.
    assert forgotten == (3,)
    assert (found["follow_ups_due"], found["follow_ups_done"], found["follow_ups_late"]) == (
        1,
        1,
        0,
    )


def test_repeat_contacts_are_seen_across_the_handles_of_one_customer(open_desk):
    start = open_desk.clock.at
    for author in ("ann", "ann_2", "ben"):
        open_desk.clock.move(hours=1)
        open_desk.message(author)
    assert figures(open_desk, start)[0]["repeat_contacts"] == 0
    with open_desk.store.writing("test") as w:
        w.connection.execute(tables.customers.insert().values(customer_id=1, name="Ann", **w.stamp))
        give_authors(w, [1, 2], 1, held_by=None)
    found, _ = figures(open_desk, start)
    assert (found["repeat_contacts"], found["repeat_share"]) == (1, pytest.approx(1 / 3))
    with open_desk.store.writing("test") as w:
        give_authors(w, [2], None, held_by=1)
    assert figures(open_desk, start)[0]["repeat_contacts"] == 0
