"""Staffing and shifts of the roster in force at each instant; on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from wfm.store import staffing, tables
from wfm.store.staffing import OnShift

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.fixture
def publish(store):
    """Publishes a plan of one agent's stretches and of one level all over it."""

    def make(agent_id: str, *, start: datetime, end: datetime, scheduled: float) -> int:
        p = tables.plans
        with store.writing("planner") as w:
            version = (w.connection.scalar(sa.select(sa.func.max(p.c.version))) or 0) + 1
            w.connection.execute(
                p.update().where(p.c.state == "published").values(state="superseded")
            )
            values = {
                "state": "published",
                "version": version,
                "starts_at": start,
                "ends_at": end,
                "seed": 1,
                "inputs": {},
                "summary": {},
                "published_at": w.at,
            }
            plan_id = w.connection.execute(
                p.insert().values(**values, **w.stamp).returning(p.c.plan_id)
            ).scalar_one()
            days = [start + timedelta(days=d) for d in range((end - start).days)]
            w.connection.execute(
                tables.plan_on_shift.insert(),
                [
                    {
                        "plan_id": plan_id,
                        "agent_id": agent_id,
                        "start": day + timedelta(hours=8),
                        "end": day + timedelta(hours=16),
                        "queues": "chat x",
                        "slots": 2,
                    }
                    for day in days
                ],
            )
            w.connection.execute(
                tables.plan_staffing.insert(),
                [
                    {
                        "plan_id": plan_id,
                        "start": day,
                        "queue": "x",
                        "scheduled": scheduled,
                        "effective": scheduled * 0.9,
                        "slots": scheduled * 1.8,
                        "required": 4.0,
                    }
                    for day in days
                ],
            )
        return plan_id

    return make


def test_a_store_without_a_published_plan_has_nobody_on_shift(store):
    with store.reading() as c:
        assert staffing.current_plan_id(c) is None
        assert staffing.on_shift_at(c, "amy", MONDAY) is None
        assert staffing.all_on_shift_at(c, MONDAY) == ()
        assert staffing.staffing_rows(c, MONDAY, MONDAY + WEEK) == ()


def test_a_stretch_holds_from_its_start_to_just_before_its_end(store, publish):
    publish("amy", start=MONDAY, end=MONDAY + WEEK, scheduled=5.0)
    eight, four = MONDAY + timedelta(hours=8), MONDAY + timedelta(hours=16)
    stretch = OnShift("amy", eight, four, ("chat", "x"), 2)
    with store.reading() as c:
        assert staffing.on_shift_at(c, "amy", eight) == stretch
        assert staffing.on_shift_at(c, "amy", four - timedelta(microseconds=1)) == stretch
        assert staffing.on_shift_at(c, "amy", four) is None
        assert staffing.on_shift_at(c, "bob", eight) is None
        assert staffing.next_on_shift(c, "amy", MONDAY) == stretch
        assert staffing.next_on_shift(c, "amy", MONDAY + WEEK) is None
        assert staffing.all_on_shift_at(c, eight) == (stretch,)


def test_each_instant_belongs_to_the_newest_version_that_covers_it(store, publish):
    noon = MONDAY + timedelta(hours=12)
    first = publish("amy", start=MONDAY, end=MONDAY + 2 * WEEK, scheduled=5.0)
    second = publish("bob", start=MONDAY + WEEK, end=MONDAY + 2 * WEEK, scheduled=7.0)
    with store.reading() as c:
        assert staffing.current_plan_id(c) == second
        assert staffing.on_shift_at(c, "amy", noon) is not None
        assert staffing.on_shift_at(c, "amy", noon + WEEK) is None
        assert [s.agent_id for s in staffing.all_on_shift_at(c, noon + WEEK)] == ["bob"]
        rows = staffing.staffing_rows(c, MONDAY, MONDAY + 2 * WEEK)
    assert [(row.plan_id, row.scheduled) for row in rows] == [(first, 5.0)] * 7 + [
        (second, 7.0)
    ] * 7


def test_staffing_is_cut_half_open(store, publish):
    publish("amy", start=MONDAY, end=MONDAY + WEEK, scheduled=5.0)
    with store.reading() as c:
        rows = staffing.staffing_rows(c, MONDAY, MONDAY + timedelta(days=2))
    assert [row.start for row in rows] == [MONDAY, MONDAY + timedelta(days=1)]
