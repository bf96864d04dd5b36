"""The database takes and sorts waiting cases as `wfm.order` does; on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wfm.cases import Case
from wfm.order import Waiting, order_key
from wfm.store import claiming, tables
from wfm.store.claiming import Wanted, take_first
from wfm.store.engine import Writing

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
QUEUES = ("x", "chat", "mail")

# Few values, so that ties are common and every part of the key decides somewhere.
minutes = st.integers(-8, 8).map(lambda m: NOW + timedelta(minutes=m))
waiting = st.lists(
    st.fixed_dictionaries(
        {
            "queue": st.sampled_from(QUEUES),
            "due_at": minutes,
            "severity": st.integers(0, 2),
            "received_at": minutes,
            "state": st.sampled_from(["new", "new", "answered"]),
            "needs_level": st.integers(1, 3),
        }
    ),
    max_size=14,
)
places = st.dictionaries(
    st.sampled_from(QUEUES),
    st.builds(
        Wanted,
        queue=st.just(""),
        level=st.integers(1, 3),
        late_last=st.booleans(),
        put_off_s=st.sampled_from([0, 0, 60, 300, 3600]),
    ),
    min_size=1,
)
on_both = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

# On SQLite a write transaction is alone; PostgreSQL plans by statistics that a test does not have.
on_postgres = pytest.mark.parametrize(
    "store_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
on_sqlite = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


@pytest.fixture
def fill(desk) -> Callable[[list[dict[str, Any]]], None]:
    """Puts cases into an empty store."""

    def put(found: list[dict[str, Any]]) -> None:
        desk.empty()
        with desk.store.writing("test") as w:
            for i, given_values in enumerate(found):
                values = {
                    "queue": "x",
                    "state": "new",
                    "severity": 0,
                    "received_at": NOW,
                    **given_values,
                    "author": f"author{i}",
                    "due_goal": "first_response",
                    "contacts": 1,
                    "opened_at": NOW,
                }
                w.connection.execute(tables.cases.insert().values(**values, **w.stamp))

    return put


def take(writing: Writing, wanted: list[Wanted], agent_id: str = "amy", slots: int = 9) -> Any:
    return take_first(
        writing, agent_id, wanted, slots=slots, lease_token="t",
        lease_until=writing.at + timedelta(minutes=10),
    )  # fmt: skip


def key_in(modes: dict[str, Wanted]) -> Callable[[Any], tuple]:
    def key(row: Any) -> tuple:
        mode = modes[row.queue]
        case = Waiting(row.case_id, row.due_at, row.severity, row.received_at, mode.put_off_s)
        return order_key(case, now=NOW, late_last=mode.late_last)

    return key


def named(modes: dict[str, Wanted]) -> list[Wanted]:
    return [
        Wanted(queue, mode.level, mode.late_last, mode.put_off_s)
        for queue, mode in sorted(modes.items())
    ]


@on_both
@given(found=waiting, modes=places)
def test_the_case_that_is_taken_has_the_smallest_key_of_all(desk, fill, found, modes):
    fill(found)
    c = tables.cases.c
    with desk.store.writing("test") as w:
        waits = [
            row
            for row in w.connection.execute(sa.select(tables.cases).where(c.state == "new"))
            if row.queue in modes and row.needs_level <= modes[row.queue].level
        ]
        taken = take(w, named(modes))
    expected = min(waits, key=key_in(modes), default=None)
    assert (taken and taken.case_id) == (expected and expected.case_id)
    if taken:
        case = desk.case(taken.case_id)
        assert isinstance(taken, Case)
        assert case == taken
        assert (case.state, case.agent_id, case.claimed_at) == ("assigned", "amy", NOW)
        assert desk.kinds(taken.case_id) == ["claimed"]


def test_nobody_is_given_more_than_their_slots(desk, fill):
    fill([{"due_at": NOW} for _ in range(4)])
    with desk.store.writing("test") as w:
        taken = [take(w, [Wanted("x", 1)], slots=2) for _ in range(3)]
    assert [case and case.case_id for case in taken][2] is None
    assert all(taken[:2])


@on_postgres
def test_beyond_the_cases_that_others_hold_the_next_one_is_found(
    desk, fill, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(claiming, "HEADS", 2)
    fill([{"due_at": NOW + timedelta(minutes=i)} for i in range(4)])
    wanted = [Wanted("chat", 1), Wanted("x", 1)]
    with desk.store.writing("a") as a, desk.store.writing("b") as b, desk.store.writing("c") as c:
        taken = [take(w, wanted, agent) for w, agent in ((a, "amy"), (b, "bob"), (c, "cat"))]
    assert [case.due_at for case in taken] == [NOW + timedelta(minutes=i) for i in range(3)]


@on_sqlite
def test_a_claim_among_very_many_reads_only_the_first_of_each_queue(desk):
    """The plan of the statement: the index of the waiting cases, and no sort of them all."""
    shape = claiming.Shape(3, late_last=True, put_off=True)
    with desk.store.reading() as connection:
        text = claiming._take_statement("sqlite", shape, 1).text
        values = [None] * text.count("?")
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}",
                                                            tuple(values))]  # fmt: skip
    searches = [step for step in plan if "ix_cases_waiting" in step]
    assert len(searches) == 6
    assert all("SEARCH cases USING INDEX ix_cases_waiting (queue=?" in step for step in searches)
    assert not any("SCAN cases" in step for step in plan)
