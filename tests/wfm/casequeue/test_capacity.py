"""The overview: what waits beside who is there; an empty pool is said aloud."""

from __future__ import annotations

from datetime import timedelta

import pytest

from wfm.casequeue.capacity import QueueNow, queue_overview


@pytest.fixture
def overview(desk):
    def of(queue: str) -> QueueNow:
        return {q.queue: q for q in queue_overview(desk.store, brand=desk.brand)}[queue]

    return of


def test_an_empty_queue_is_shown_with_its_pool_and_no_alert(desk, overview):
    desk.publish(desk.stretch("amy", "chat x", slots=3), desk.stretch("bob", "x", slots=2))
    x, chat, mail = (overview(name) for name in ("x", "chat", "mail"))
    assert (x.waiting, x.late, x.held, x.oldest_received_at, x.next_due_at) == (0, 0, 0, None, None)
    assert (x.on_shift, x.slots) == (2, 5)
    assert (chat.on_shift, chat.slots) == (1, 3)
    assert (mail.on_shift, mail.alert) == (0, None)


def test_waiting_held_and_late_cases_are_counted_apart(desk, overview):
    desk.publish(desk.stretch("amy"))
    for author in ("ann", "ben", "cem"):
        desk.message(author)
        desk.clock.move(minutes=5)
    desk.take("amy")
    desk.clock.move(minutes=6)
    x = overview("x")
    assert (x.waiting, x.late, x.held) == (2, 1, 1)
    assert x.oldest_received_at == desk.clock.at - timedelta(minutes=16)
    assert x.next_due_at == desk.clock.at - timedelta(minutes=1)


def test_cases_waiting_with_nobody_on_shift_raise_an_alert(desk, overview):
    desk.publish(desk.stretch("amy", "chat"))
    desk.message("ann")
    alert = overview("x").alert
    assert alert is not None
    assert alert.code == "empty_pool"
    assert alert.text == (
        "1 case of x waits, the first due at 2026-03-02T09:15:00Z; "
        "nobody on shift at 2026-03-02T09:00:00Z serves it"
    )
    assert overview("chat").alert is None


def test_without_a_roster_the_alert_says_so(desk, overview):
    desk.message("ann")
    desk.message("ben")
    alert = overview("x").alert
    assert alert is not None
    assert alert.code == "no_roster"
    assert "2 cases of x wait" in alert.text


def test_a_closed_queue_may_wait_without_an_alert(desk, overview):
    desk.clock.move(hours=12)
    desk.message(queue="mail")
    mail = overview("mail")
    assert (mail.is_open, mail.waiting, mail.alert) == (False, 1, None)
