"""The database sorts waiting cases as `wfm.order` does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wfm.order import Waiting, order_key
from wfm.store import tables
from wfm.store.waiting import order_by

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

# Few values, so that ties are common and every part of the key decides somewhere.
minutes = st.integers(-7, 7).map(lambda m: NOW + timedelta(minutes=m))
waiting = st.tuples(st.sampled_from(["x", "chat"]), minutes, st.integers(0, 2), minutes)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=st.lists(waiting, min_size=2, max_size=12), late_last=st.sets(st.just("x")))
def test_the_order_by_of_the_claim_sorts_as_the_order_key(desk, rows, late_last):
    desk.empty()
    with desk.store.writing("test") as w:
        for i, (queue, due_at, severity, received_at) in enumerate(rows):
            values = {
                "queue": queue,
                "author": f"author{i}",
                "state": "new",
                "severity": severity,
                "received_at": received_at,
                "due_at": due_at,
                "due_goal": "first_response",
                "contacts": 1,
                "opened_at": received_at,
            }
            w.connection.execute(tables.cases.insert().values(**values, **w.stamp))
    c = tables.cases.c
    with desk.store.reading() as connection:
        found = connection.execute(
            sa.select(c.case_id, c.queue, c.due_at, c.severity, c.received_at).order_by(
                *order_by(now=NOW, late_last=late_last)
            )
        ).all()

    def key(row: sa.Row) -> tuple:
        case = Waiting(row.case_id, row.due_at, row.severity, row.received_at)
        return order_key(case, now=NOW, late_last=row.queue in late_last)

    assert found == sorted(found, key=key)
