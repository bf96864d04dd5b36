"""The front line decides: small exceptions at once, larger ones with a yes, other teams near.

What lies within a role's limit passes, what lies above waits for somebody whose limit covers it,
every step is audited; and another function is asked by a task with a clock of its own.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from wfm.care import Care, Exceptions
from wfm.casequeue.exceptions import approve_exception, ask_exception
from wfm.casequeue.tasks import finish_task, open_task, tell_due
from wfm.errors import NotAllowed
from wfm.store import tables
from wfm.store.clocks import clocks_of

LIMITS = Exceptions(limits=(("agent", 30.0), ("team-lead", 200.0)))

# The statements are shown on both databases elsewhere.
pytestmark = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


@pytest.fixture
def brand_desk(staffed):
    staffed.brand = replace(staffed.brand, care=Care(exceptions=LIMITS))
    return staffed


def test_the_limit_of_the_role_decides_to_the_cent(brand_desk):
    store, brand = brand_desk.store, brand_desk.brand
    decided = {
        (role, amount): ask_exception(
            store,
            brand_desk.message(f"{role}{amount}").case_id,
            amount,
            "late",
            brand=brand,
            role=role,
            actor=role,
        ).state
        for role, amounts in {
            "agent": (30.0, 30.01),
            "team-lead": (200.0, 200.01),
            "manager": (5000.0,),
            "planner": (0.01,),
        }.items()
        for amount in amounts
    }
    assert decided == {
        ("agent", 30.0): "granted",
        ("agent", 30.01): "asked",
        ("team-lead", 200.0): "granted",
        ("team-lead", 200.01): "asked",
        ("manager", 5000.0): "granted",
        ("planner", 0.01): "asked",
    }


def test_over_the_limit_somebody_who_may_says_yes_and_it_is_all_on_record(brand_desk):
    store, brand = brand_desk.store, brand_desk.brand
    case_id = brand_desk.message().case_id
    asked = ask_exception(store, case_id, 150, "hotel", brand=brand, role="agent", actor="amy")
    with pytest.raises(NotAllowed):
        approve_exception(store, asked.exception_id, brand=brand, role="agent", actor="amy")
    approve_exception(store, asked.exception_id, brand=brand, role="team-lead", actor="lee")
    a = tables.audit.c
    with store.reading() as connection:
        rows = connection.execute(sa.select(a.action, a.actor, a.after).order_by(a.id)).all()
    assert [(row.action, row.actor, row.after["state"]) for row in rows] == [
        ("exception.ask", "amy", "asked"),
        ("exception.approve", "lee", "approved"),
    ]


def test_another_function_is_asked_with_a_clock_of_its_own(brand_desk):
    store, brand, clock = brand_desk.store, brand_desk.brand, brand_desk.clock
    case_id = brand_desk.message().case_id
    with store.reading() as connection:
        before = clocks_of(connection, case_id)
    due = clock.at + timedelta(hours=4)
    asked = open_task(store, case_id, "team", "may we refund?", due_at=due, team="finance",
                      actor="agent:amy")  # fmt: skip
    brand_desk.answer(brand_desk.take())
    clock.move(hours=4)
    assert [task.task_id for task in tell_due(store, brand=brand)] == [asked.task_id]
    done = finish_task(store, asked.task_id, "yes", actor="finance:kim")
    assert (done.due_at, done.result) == (due, "yes")
    with store.reading() as connection:
        after = clocks_of(connection, case_id)
    assert [one.clock_id for one in after] == [one.clock_id for one in before]
