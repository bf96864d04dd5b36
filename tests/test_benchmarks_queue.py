"""The queue's benchmarks measure what they say, and see what goes wrong."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from benchmarks import ingest, queue, queueday, queuedaydesk, queuedaysim, queuemetrics
from benchmarks.queueplaces import Place
from benchmarks.queuerows import NOW
from benchmarks.queueworld import World, fill, open_world
from wfm.care import Policy
from wfm.order import Waiting, order_key
from wfm.store import tables
from wfm.store.engine import open_store

cases = tables.cases.c


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place("sqlite", str(tmp_path))


def test_a_world_holds_what_it_was_asked_for(place: Place):
    store = open_world(place.make("world"))
    fill(store, World(queues=2, waiting=60, closed=50, agents=3, levels=True))
    with store.reading() as connection:
        states = connection.execute(
            sa.select(cases.state, sa.func.count()).group_by(cases.state)
        ).all()
        waiting = connection.execute(
            sa.select(cases.case_id, cases.due_at, cases.severity, cases.received_at).where(
                cases.state == "new"
            )
        ).all()
        hard = connection.scalar(sa.select(sa.func.count()).where(cases.needs_level > 1))
        counts = {
            name: connection.scalar(sa.select(sa.func.count()).select_from(table))
            for name, table in tables.metadata.tables.items()
            if name in ("authors", "raw_events", "contacts", "clocks", "case_events", "handlings")
        }
    store.close()
    assert sorted(tuple(row) for row in states) == [("closed", 50), ("new", 60)]
    assert counts == {
        "authors": 110,
        "raw_events": 110,
        "contacts": 110,
        "clocks": 220,
        "case_events": 4 * 50 + 60,
        "handlings": 50,
    }
    assert hard == 60 / 10
    assert 0 < sum(row.due_at <= NOW for row in waiting) < 60
    # The order is none that the ids give away.
    ordered = sorted((Waiting(*row) for row in waiting), key=lambda one: order_key(one, now=NOW))
    assert [one.case_id for one in ordered] != sorted(one.case_id for one in ordered)


def test_every_engine_claims_each_case_once(place: Place):
    wanted = queue.Workload(
        "one queue", World(waiting=3_000, agents=16), (queue.OURS, queue.BARE, queue.DRIVER)
    )
    rows, ratios = queue.measured(place, [wanted], rounds=2, seconds=0.05, drain=0)
    assert [row["engine"] for row in rows] == ["ours", "bare claim", "bare driver"]
    assert all(row["claims"] > 0 for row in rows)
    assert [(row["lost"], row["doubled"]) for row in rows] == [(0, 0)] * 3
    assert all(0 < row["p50_ms"] <= row["p99_ms"] for row in rows)
    assert [row["to"] for row in ratios] == ["bare claim", "bare driver"]


def test_claims_that_were_lost_or_doubled_are_seen(place: Place):
    workload = queue.Workload("one queue", World(waiting=5, agents=1), (queue.OURS,))
    (contest,) = queue.made(place, workload, label="w")
    store = open_store(contest.url)
    held = {"state": "assigned", "agent_id": "a00000", "lease_token": "t", "lease_until": NOW}
    with store.writing("test") as writing:
        writing.connection.execute(tables.cases.update().where(cases.case_id <= 2).values(held))
        for case_id in (1, 2):
            event = {"case_id": case_id, "kind": "claimed", "at": NOW, "actor": "test"}
            writing.connection.execute(tables.case_events.insert().values(event))
    contest.claimed = [(1, 1.0), (2, 1.0)]
    assert queue.judged(contest) == (0, 0)
    contest.claimed = [(1, 1.0), (1, 1.0)]  # one was told twice, of the other nobody was told
    assert queue.judged(contest) == (1, 1)
    contest.claimed = [(1, 1.0), (2, 1.0), (3, 1.0)]  # the third waits still, and has no event
    assert queue.judged(contest) == (1, 1)
    store.close()


def test_bulk_intake_is_counted_by_what_the_store_holds(place: Place):
    store = open_world(place.make("wfm"))
    fill(store, World(queues=ingest.QUEUES, closed=30))
    sent = ingest.in_process(store, ingest.Messages("alone", 30, seed=1), seconds=0.01)

    def row() -> dict:
        return ingest.row_of(
            store, sent, database="sqlite", door="in process", clients=1, name="alone"
        )

    assert len(sent.accepted) == ingest.BATCH
    assert (row()["lost"], row()["doubled"]) == (0, 0)
    sent.accepted.append("alone-never")
    assert row()["lost"] == 1
    sent.accepted = sent.accepted[:-3]
    assert row()["doubled"] == 2
    store.close()


@pytest.fixture(scope="module")
def half_an_hour() -> tuple[queuedaydesk.Desk, list[queueday.Outcome]]:
    return queueday.compared(
        lambda store: queuedaydesk.small(store, hours=0.5, agents=3),
        seed=3,
        only=("passive",),
        tick_s=300,
    )


def test_a_day_is_judged_by_the_replies_of_its_simulated_people(half_an_hour):
    desk, (outcome,) = half_an_hour
    assert outcome.day.failed == []
    came = sum(1 for _ in queuedaysim.arrivals(desk, seed=3))
    assert 0 < len(outcome.judged) <= came <= outcome.day.messages
    row = queueday.row_of(outcome, desk)
    assert row["cases"] == len(outcome.judged)
    assert 0 <= row["worst_hour"] <= row["in_time"] <= 1
    assert row["acted_at"] == "never"


def test_the_same_people_come_in_every_arm_and_more_of_them_in_the_spike(place: Place):
    store = open_store(place.make("desk"))
    desk = queuedaydesk.small(store)
    store.close()
    once, again = (list(queuedaysim.arrivals(desk, seed=3)) for _ in range(2))
    assert once == again != list(queuedaysim.arrivals(desk, seed=4))
    spike = [(start - desk.start).total_seconds() for start in desk.spike]
    per_hour = dict.fromkeys(("x", "facebook"), 0.0)
    for at, queue_name in once:
        if spike[0] <= at < spike[1]:
            per_hour[queue_name] += 1
    assert per_hour["x"] == pytest.approx(4 * 8 * desk.factor, rel=0.3)
    assert per_hour["facebook"] == pytest.approx(4 * 5, rel=0.6)


def test_every_page_is_asked_for(place: Place):
    rows, added_up_s = queuemetrics.measured(place, closed=60, times=2, days=2)
    assert [row["page"] for row in rows] == list(queuemetrics.PAGES)
    assert all(row["kb"] > 0 < row["p50_ms"] <= row["p99_ms"] for row in rows)
    assert added_up_s > 0


def test_people_who_are_called_are_on_the_roster_after_their_notice(place: Place):
    store = open_store(place.make("desk"))
    desk = queuedaydesk.small(store, hours=1.0, agents=3)
    assert len(desk.on_call) == 2
    queuedaydesk.with_policy(store, desk, Policy())
    hours = queuedaydesk.call(store, desk, list(desk.on_call), desk.start)
    stays = desk.spike[1] + queuedaydesk.STAYS - desk.start - queuedaydesk.NOTICE
    assert hours == pytest.approx(2 * stays / timedelta(hours=1))
    # Called twice, they come once.
    assert queuedaydesk.call(store, desk, list(desk.on_call), desk.start) == 0.0
    store.close()
