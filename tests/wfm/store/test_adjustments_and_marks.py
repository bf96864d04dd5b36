"""Adjustments are withdrawn and never deleted; marks are decided; both leave a trace."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from wfm.adjustments import Adjustment
from wfm.errors import Conflict, IllegalMove, NotFound
from wfm.marks import Mark
from wfm.store import adjustments, marks, tables
from wfm.store.engine import Store

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
SPOT = Adjustment("x", MONDAY, MONDAY + DAY, "percent", "TV spot", value=20.0)
OUTAGE = Mark("x", MONDAY - DAY, MONDAY, "outage", contacts=3.0, expected=80.0, reason="zeros")


def made(store: Store, *wanted: Adjustment) -> list[int]:
    with store.writing("ann") as writing:
        return [adjustments.insert(writing, one) for one in wanted]


def actions(store: Store) -> list[tuple[str, str, str]]:
    a = tables.audit.c
    with store.reading() as connection:
        return [
            tuple(row)
            for row in connection.execute(sa.select(a.action, a.subject, a.actor).order_by(a.id))
        ]


def test_an_adjustment_is_read_as_it_was_made(store: Store):
    between = Adjustment("y", MONDAY, MONDAY + DAY, "range", "strike", low=5.0, high=9.0)
    keys = made(store, SPOT, between)
    with store.reading() as connection:
        first, second = adjustments.load(connection)
    assert Adjustment(**{k: getattr(first, k) for k in vars(SPOT)}) == replace(
        SPOT, adjustment_id=keys[0]
    )
    assert (second.kind, second.low, second.high, second.value) == ("range", 5.0, 9.0, None)
    assert (first.actor, first.written_at, first.in_force) == ("ann", store.clock.now(), True)


def test_a_withdrawn_adjustment_is_out_of_force_and_on_record(store: Store):
    (key,) = made(store, SPOT)
    with store.writing("bob") as writing:
        adjustments.withdraw(writing, key)
    with store.reading() as connection:
        assert adjustments.load(connection) == ()
        (kept,) = adjustments.load(connection, active=False)
    assert (kept.in_force, kept.withdrawn_by, kept.withdrawn_at) == (
        False,
        "bob",
        store.clock.now(),
    )
    assert actions(store) == [
        ("forecast.adjust", str(key), "ann"),
        ("forecast.withdraw", str(key), "bob"),
    ]
    with store.reading() as connection:
        before = connection.scalars(sa.select(tables.audit.c.before)).all()[-1]
    assert (before["queue"], before["reason"]) == (SPOT.queue, SPOT.reason)


def test_withdrawing_twice_or_what_is_not_there_is_told(store: Store):
    (key,) = made(store, SPOT)
    with store.writing("bob") as writing:
        adjustments.withdraw(writing, key)
    with (
        pytest.raises(IllegalMove, match="withdrawn already by bob"),
        store.writing("c") as writing,
    ):
        adjustments.withdraw(writing, key)
    with pytest.raises(NotFound, match="no adjustment 99"), store.writing("c") as writing:
        adjustments.withdraw(writing, 99)


def test_adjustments_are_found_by_queue_and_by_the_time_they_touch(store: Store):
    later = replace(SPOT, start=MONDAY + 3 * DAY, end=MONDAY + 4 * DAY)
    keys = made(store, SPOT, later, replace(SPOT, queue="y"))
    with store.reading() as connection:

        def found(**chosen: object) -> list[int | None]:
            return [one.adjustment_id for one in adjustments.load(connection, **chosen)]

        assert found(queue="x") == keys[:2]
        assert found(start=MONDAY + DAY, end=MONDAY + 4 * DAY) == [keys[1]]
        assert found(end=MONDAY) == []
        assert found(limit=2) == [keys[2], keys[1]]
        assert found(limit=2, before=keys[1]) == [keys[0]]


def test_proposals_are_kept_once(store: Store):
    other = replace(OUTAGE, kind="outlier")
    with store.writing("ann") as writing:
        first = marks.keep(writing, [OUTAGE, other])
    with store.writing("ann") as writing:
        assert marks.keep(writing, [OUTAGE, other]) == ()
        third = marks.keep(writing, [replace(OUTAGE, queue="y")])
    with store.reading() as connection:
        held = marks.load(connection)
        assert [one.mark_id for one in marks.load(connection, queue="y")] == list(third)
        assert marks.find(connection, first[0]) == replace(OUTAGE, mark_id=first[0])
    assert len(held) == 3


def test_a_mark_set_by_hand_conflicts_with_the_one_that_is_there(store: Store):
    with store.writing("ann") as writing:
        marks.insert(writing, OUTAGE)
    with pytest.raises(Conflict, match="wfm marks"), store.writing("bob") as writing:
        marks.insert(writing, replace(OUTAGE, state="accepted"))


def test_every_decision_can_be_taken_back_and_is_audited(store: Store):
    with store.writing("ann") as writing:
        (key,) = marks.keep(writing, [OUTAGE])
    for state in ("rejected", "rejected", "proposed", "accepted"):
        with store.writing("bob") as writing:
            assert marks.decide(writing, key, state).state == state
    a = tables.audit.c
    with store.reading() as connection:
        moves = connection.execute(
            sa.select(a.before, a.after).where(a.action == "mark.decide").order_by(a.id)
        ).all()
    assert [(m.before["state"], m.after["state"]) for m in moves] == [
        ("proposed", "rejected"),
        ("rejected", "proposed"),
        ("proposed", "accepted"),
    ]


def test_deciding_on_a_mark_that_is_not_there_is_told(store: Store):
    with pytest.raises(NotFound, match="no mark 7"), store.writing("bob") as writing:
        marks.decide(writing, 7, "accepted")
