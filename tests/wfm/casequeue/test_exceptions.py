"""Exceptions beyond the rules: granted within a limit, asked for above it; on both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from wfm.casequeue.exceptions import approve_exception, ask_exception, refuse_exception
from wfm.casequeue.merging import merge
from wfm.errors import Conflict, IllegalMove, NotAllowed, NotFound, RequestError
from wfm.store import tables
from wfm.store.exceptions import list_exceptions

# What is about no statement of its own is shown on one database.
on_sqlite = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


def ask(desk, case_id: int, amount: float, role: str = "agent", reason: str = "late parcel"):
    return ask_exception(
        desk.store, case_id, amount, reason, brand=desk.brand, role=role, actor=f"{role}:one"
    )


def decide(desk, act, exception_id: int, role: str):
    return act(desk.store, exception_id, brand=desk.brand, role=role, actor=f"{role}:two")


@pytest.fixture
def case_id(staffed) -> int:
    return staffed.message().case_id


@on_sqlite
def test_small_steps_do_not_pass_a_limit(staffed, case_id):
    assert ask(staffed, case_id, 12).state == "granted"
    assert ask(staffed, case_id, 8).state == "granted"
    assert ask(staffed, case_id, 1).state == "asked"
    assert ask(staffed, staffed.message("ben").case_id, 20).state == "granted"


@on_sqlite
def test_what_was_refused_leaves_the_limit_as_it_was(staffed, case_id):
    asked = ask(staffed, case_id, 50)
    assert decide(staffed, refuse_exception, asked.exception_id, "team-lead").state == "refused"
    assert ask(staffed, case_id, 20).state == "granted"


@on_sqlite
def test_only_who_could_grant_it_decides_and_only_once(staffed, case_id):
    asked = ask(staffed, case_id, 500).exception_id
    for role, limit in (("agent", 20), ("team-lead", 100), ("planner", 0)):
        with pytest.raises(NotAllowed, match=f"the limit of the role {role} is {limit}"):
            decide(staffed, approve_exception, asked, role)
    done = decide(staffed, approve_exception, asked, "manager")
    assert (done.state, done.asked_by, done.actor) == ("approved", "agent:one", "manager:two")
    with pytest.raises(IllegalMove, match="is approved already, by manager:two"):
        decide(staffed, refuse_exception, asked, "manager")


def test_two_who_decide_at_once_decide_once(staffed, case_id, at_once):
    asked = ask(staffed, case_id, 50).exception_id
    acts = [approve_exception, refuse_exception] * 3
    outcomes = at_once(lambda act: decide(staffed, act, asked, "manager"), acts)
    assert sum(not isinstance(one, Exception) for one in outcomes) == 1
    assert all(isinstance(one, IllegalMove) for one in outcomes if isinstance(one, Exception))


def test_every_step_is_audited_and_stands_in_the_case(staffed, case_id):
    ask(staffed, case_id, 5)
    decide(staffed, approve_exception, ask(staffed, case_id, 50).exception_id, "manager")
    a = tables.audit.c
    with staffed.store.reading() as connection:
        rows = connection.execute(sa.select(a.action, a.actor).order_by(a.id)).all()
        newest, oldest = list_exceptions(connection)
    assert [tuple(row) for row in rows] == [
        ("exception.grant", "agent:one"),
        ("exception.ask", "agent:one"),
        ("exception.approve", "manager:two"),
    ]
    assert staffed.kinds(case_id) == ["opened", *["exception"] * 3]
    assert (newest.amount, newest.state, oldest.amount) == (50, "approved", 5)


@on_sqlite
def test_an_amount_that_is_none_is_refused(staffed, case_id):
    for amount in (0, -5, float("nan"), float("inf"), 1e9):
        with pytest.raises(RequestError, match="more than 0"):
            ask(staffed, case_id, amount)


@on_sqlite
def test_an_exception_needs_a_reason_and_a_case_that_goes_on(staffed, case_id):
    with pytest.raises(RequestError, match="a reason"):
        ask(staffed, case_id, 5, reason=" ")
    with pytest.raises(NotFound, match="no exception 99"):
        decide(staffed, approve_exception, 99, "manager")
    kept = staffed.message("ben").case_id
    merge(staffed.store, case_id, into=kept, brand=staffed.brand, actor="lead:lee")
    with pytest.raises(Conflict, match="ask for it there"):
        ask(staffed, case_id, 5)
