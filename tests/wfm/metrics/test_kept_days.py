"""Days that are kept stay true, whatever happens to their cases afterwards; on both databases."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from wfm.care import ResolutionTarget
from wfm.casequeue.claims import close
from wfm.casequeue.merging import merge
from wfm.casequeue.moves import acknowledge, move_queue, reopen
from wfm.casequeue.newpromises import policy_changed
from wfm.metrics.ranges import Group, measure
from wfm.metrics.rollups import changed, refresh
from wfm.store import metrics, tables
from wfm.store.customers import give_authors
from wfm.timegrid import local_midnight

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def figures(desk) -> list[tuple[Group, ...]]:
    """Of all days together and by day and queue, up to now."""
    midnight = local_midnight(START.date(), desk.brand.tz)
    since, until = midnight, desk.clock.at + timedelta(seconds=1)
    with desk.store.reading() as connection:
        return [
            measure(connection, desk.brand, since, until, now=desk.clock.at, **how)
            for how in ({}, {"step": "day"}, {"split": "queue"})
        ]


def forget(desk) -> None:
    with desk.store.writing("test") as w:
        w.connection.execute(tables.metric_days.delete())


def take(desk, case_id):
    """The case, held by amy: all that come before it are held as well."""
    while (held := desk.take()).case.case_id != case_id:
        continue
    return held


def link(desk, case_id):
    """Two authors turn out to be one customer."""
    with desk.store.writing("test") as w:
        w.connection.execute(tables.customers.insert().values(name="Ann", **w.stamp))
        give_authors(w, [case_id, case_id + 1], 1, held_by=None)


def policy(desk, _case_id):
    """The brand allows half the time to resolve a case."""
    after = replace(desk.brand, care=replace(desk.brand.care, basic=ResolutionTarget(60, 30)))
    with desk.store.writing("test") as w:
        policy_changed(w, desk.brand, after)


# What may happen days after to a case that waits, is answered, or is closed.
WAITING = {
    "answered": lambda desk, case_id: desk.answer(take(desk, case_id)),
    "closed": lambda desk, case_id: close(desk.store, case_id, "done", **by(desk)),
    "moved": lambda desk, case_id: move_queue(desk.store, case_id, "chat", **by(desk)),
    "merged": lambda desk, case_id: merge(desk.store, case_id, into=case_id + 1, **by(desk)),
    "acknowledged": lambda desk, case_id: acknowledge(desk.store, case_id, "hello", **by(desk)),
    "written to again": lambda desk, case_id: desk.message(f"a{case_id}"),
    "linked": link,
}
ANSWERED = {
    "written to again": lambda desk, case_id: desk.message(f"a{case_id}"),
    "closed": lambda desk, case_id: close(desk.store, case_id, "done", **by(desk)),
    "changed policy": policy,
}
CLOSED = {"reopened": lambda desk, case_id: reopen(desk.store, case_id, "again", **by(desk))}


def by(desk) -> dict[str, Any]:
    return {"brand": desk.brand, "actor": "test"}


def test_whatever_happens_to_a_case_later_its_kept_days_equal_a_recount(desk):
    desk.publish(desk.stretch("amy", slots=99, end=START + timedelta(days=60)))
    for n in range(1, 27):
        desk.message(f"a{n}")
        desk.clock.move(seconds=1)
    desk.clock.move(minutes=20)
    for case_id in range(1, 11):
        desk.answer(take(desk, case_id))
    for case_id in range(1, 6):
        close(desk.store, case_id, "done", **by(desk))
    steps = [
        *((what, move, case_id) for case_id, (what, move) in enumerate(CLOSED.items(), 1)),
        *((what, move, case_id) for case_id, (what, move) in enumerate(ANSWERED.items(), 6)),
        ("answered at last", WAITING["answered"], 6),
        *((what, move, 11 + 2 * n) for n, (what, move) in enumerate(WAITING.items())),
    ]
    for what, move, case_id in steps:
        desk.clock.move(days=1)
        refresh(desk.store, brand=desk.brand, limit=99)
        before = figures(desk)
        move(desk, case_id)
        kept = figures(desk)
        assert kept != before, what
        forget(desk)
        assert kept == figures(desk), what


def test_a_day_is_kept_ten_minutes_after_it_is_over(staffed):
    staffed.message()
    assert refresh(staffed.store, brand=staffed.brand) == ()
    staffed.clock.at = datetime(2026, 3, 2, 23, 9, tzinfo=UTC)  # 00:09 in Berlin
    assert refresh(staffed.store, brand=staffed.brand) == ()
    staffed.clock.move(minutes=1)
    assert refresh(staffed.store, brand=staffed.brand) == (date(2026, 3, 2),)
    assert refresh(staffed.store, brand=staffed.brand) == ()


def test_a_late_answer_makes_its_day_be_added_up_anew_and_a_claim_does_not(staffed):
    staffed.publish(staffed.stretch("amy", end=START + timedelta(days=5)))
    staffed.message()
    staffed.clock.move(days=1)
    refresh(staffed.store, brand=staffed.brand)
    held = staffed.take()
    assert refresh(staffed.store, brand=staffed.brand) == ()
    staffed.answer(held)
    assert refresh(staffed.store, brand=staffed.brand) == (date(2026, 3, 2),)


def test_what_changes_while_a_day_is_added_up_is_not_missed(staffed, monkeypatch):
    staffed.message()
    staffed.clock.move(days=1)
    reading = type(staffed.store).reading

    @contextmanager
    def interrupted(store):
        """Somebody changes the day between its reading and its keeping."""
        with reading(store) as connection:
            yield connection
        with store.writing("somebody") as w:
            changed(w, staffed.brand, START)

    monkeypatch.setattr(type(staffed.store), "reading", interrupted)
    assert refresh(staffed.store, brand=staffed.brand) == ()
    monkeypatch.undo()
    assert refresh(staffed.store, brand=staffed.brand) == (date(2026, 3, 2),)


def test_a_day_that_was_begun_again_is_kept_only_by_who_began_it_last(staffed):
    staffed.message()
    staffed.clock.move(days=1)
    day, end = date(2026, 3, 2), START + timedelta(hours=14)
    with staffed.store.writing("one") as w:
        first = metrics.begin_day(w, day, START, end)
    with staffed.store.writing("two") as w:
        second = metrics.begin_day(w, day, START, end)
    with staffed.store.writing("one") as w:
        assert not metrics.keep_day(w, day, first, "law", {})
        assert metrics.keep_day(w, day, second, "law", {})


def test_days_counted_by_another_law_are_added_up_anew(staffed):
    staffed.message()
    staffed.clock.move(days=1)
    refresh(staffed.store, brand=staffed.brand)
    moved = replace(staffed.brand, zone="America/New_York")
    assert refresh(staffed.store, brand=moved) != ()


@pytest.mark.parametrize("hours", [0, 3])
def test_marking_what_happened_today_writes_nothing(staffed, hours):
    staffed.message()
    staffed.clock.move(hours=hours)
    with staffed.store.writing("test") as w:
        changed(w, staffed.brand, START)
    assert staffed.count(tables.metric_changes) == 0
