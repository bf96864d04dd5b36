"""The first case of many queues is found by the first of each; on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wfm.order import Waiting, order_key
from wfm.store import tables, waiting

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
QUEUES = ("x", "chat", "mail")

# Few values, so that ties are common and every part of the key decides somewhere.
minutes = st.integers(-8, 8).map(lambda m: NOW + timedelta(minutes=m))
rows = st.lists(
    st.tuples(
        st.sampled_from(QUEUES),
        minutes,
        st.integers(0, 2),
        minutes,
        st.sampled_from(["new", "new", "answered"]),
    ),
    max_size=14,
)


# On SQLite a write transaction is alone; PostgreSQL plans by statistics that a test does not have.
on_postgres = pytest.mark.parametrize(
    "store_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
on_sqlite = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


@pytest.fixture
def fill(desk):
    """Puts cases (queue, due_at, severity, received_at, state) into an empty store."""

    def put(found: list[tuple]) -> None:
        desk.empty()
        with desk.store.writing("test") as w:
            for i, (queue, due_at, severity, received_at, state) in enumerate(found):
                values = {
                    "queue": queue,
                    "author": f"author{i}",
                    "state": state,
                    "severity": severity,
                    "received_at": received_at,
                    "due_at": due_at,
                    "due_goal": "first_response",
                    "contacts": 1,
                    "opened_at": received_at,
                }
                w.connection.execute(tables.cases.insert().values(**values, **w.stamp))

    return put


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    found=rows,
    skills=st.sets(st.sampled_from(QUEUES), min_size=1),
    late_last=st.sets(st.sampled_from(QUEUES)),
)
def test_the_case_that_is_locked_has_the_smallest_key_of_all(desk, fill, found, skills, late_last):
    fill(found)
    late_last &= skills
    with desk.store.writing("test") as w:
        locked = waiting.lock_first_waiting(w, skills, late_last=late_last)
        waits = w.connection.execute(
            tables.cases.select().where(
                tables.cases.c.state == "new", tables.cases.c.queue.in_(skills)
            )
        ).all()

    def key(row) -> tuple:
        case = Waiting(row.case_id, row.due_at, row.severity, row.received_at)
        return order_key(case, now=NOW, late_last=row.queue in late_last)

    expected = min(waits, key=key, default=None)
    assert (locked and locked.case_id) == (expected and expected.case_id)


@on_postgres
def test_beyond_the_cases_that_others_hold_the_next_one_is_found(
    desk, fill, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(waiting, "HEADS", 2)
    fill([("x", NOW + timedelta(minutes=i), 0, NOW, "new") for i in range(4)])
    with desk.store.writing("a") as a, desk.store.writing("b") as b, desk.store.writing("c") as c:
        locked = [waiting.lock_first_waiting(w, ["x"], late_last=()) for w in (a, b, c)]
    due = [case.due_at for case in locked if case is not None]
    assert due == [NOW + timedelta(minutes=i) for i in range(3)]


@on_sqlite
def test_a_claim_among_very_many_reads_only_the_first_of_each_queue(desk):
    """The plan of the statement: the index of the waiting cases, and no sort of them all."""
    heads = waiting._heads(QUEUES, now=NOW, late_last={"x"})
    with desk.store.reading() as connection:
        text = str(heads.compile(connection.engine, compile_kwargs={"literal_binds": True}))
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]
    searches = [step for step in plan if "cases" in step]
    assert len(searches) == 4
    assert all("SEARCH cases USING INDEX ix_cases_waiting (queue=?" in step for step in searches)
    assert not any(step == "USE TEMP B-TREE FOR ORDER BY" for step in plan)
