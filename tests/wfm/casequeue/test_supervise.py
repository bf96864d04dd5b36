"""What a supervisor does with single cases; on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from wfm.casequeue import presence, supervise
from wfm.errors import Conflict, IllegalMove, NoFreeSlot, NotPresent, OffShift
from wfm.people import Agent, Skill
from wfm.store import tables
from wfm.store.people import save_agents

# What is about no statement of its own is shown on one database.
on_sqlite = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


def assign(desk, case_id: int, agent: str = "bob"):
    return supervise.assign(desk.store, case_id, agent, brand=desk.brand, actor="lead:lee")


@on_sqlite
def test_a_waiting_case_is_given_to_an_agent_who_can_answer_it(staffed):
    case_id = staffed.message().case_id
    given = assign(staffed, case_id)
    assert (given.case.state, given.case.agent_id) == ("assigned", "bob")
    assert staffed.answer(given).state == "answered"


def test_a_held_case_passes_from_one_agent_to_another(staffed):
    case_id = staffed.message().case_id
    staffed.take("amy")
    staffed.clock.move(minutes=2)
    with pytest.raises(Conflict, match="amy holds case"):
        assign(staffed, case_id, "amy")
    assert assign(staffed, case_id).case.agent_id == "bob"
    assert staffed.kinds(case_id) == ["opened", "claimed", "taken", "assigned"]
    t = tables.handlings.c
    with staffed.store.reading() as connection:
        (hold,) = connection.execute(sa.select(t.agent_id, t.ended_by, t.ended_at)).all()
    assert tuple(hold) == ("amy", "taken", staffed.clock.at)


@on_sqlite
def test_nobody_is_given_more_than_their_slots(staffed):
    staffed.message("ann")
    other = staffed.message("ben").case_id
    staffed.take("bob")
    with pytest.raises(NoFreeSlot, match="bob holds 1 cases and has 1 slots"):
        assign(staffed, other)


@on_sqlite
def test_only_who_is_on_shift_there_and_able_is_given_a_case(desk):
    day = desk.clock.at.replace(hour=0)
    desk.publish(
        desk.stretch("amy", "chat"),
        desk.stretch("bob", "x"),
        desk.stretch("cleo", start=day.replace(hour=18), end=day + timedelta(days=1)),
    )
    with desk.store.writing("test") as w:
        save_agents(w, [Agent("bob", "Bob", (), (Skill("x", 2),))])
    case_id = desk.message().case_id
    with pytest.raises(Conflict, match="amy serves chat now, not x"):
        assign(desk, case_id, "amy")
    with pytest.raises(OffShift, match=r"cleo is not on shift .*18:00:00Z"):
        assign(desk, case_id, "cleo")
    presence.sign_on(desk.store, "bob", actor="agent:bob")
    presence.away(desk.store, "bob", actor="agent:bob")
    with pytest.raises(NotPresent):
        assign(desk, case_id)
    presence.sign_on(desk.store, "bob", actor="agent:bob")
    with desk.store.writing("test") as w:
        w.connection.execute(tables.cases.update().values(needs_level=3))
    with pytest.raises(Conflict, match="needs level 3 in x and bob has 2"):
        assign(desk, case_id)
    assert desk.case(case_id).state == "new"


@on_sqlite
def test_what_neither_waits_nor_is_held_is_not_given(staffed):
    case_id = staffed.message().case_id
    staffed.answer(staffed.take())
    with pytest.raises(IllegalMove, match="is answered; it can go to"):
        assign(staffed, case_id)


@on_sqlite
def test_a_case_taken_away_waits_again_with_the_deadline_it_had(staffed):
    case_id = staffed.message().case_id
    held = staffed.take("amy")
    case = supervise.take_away(staffed.store, case_id, actor="lead:lee", reason="lunch")
    assert (case.state, case.agent_id, case.due_at) == ("new", None, held.case.due_at)
    with pytest.raises(IllegalMove, match="is new; only a case that somebody holds"):
        supervise.take_away(staffed.store, case_id, actor="lead:lee")


@on_sqlite
def test_a_supervisor_closes_a_case_whoever_holds_it(staffed):
    held = staffed.message("ann").case_id
    waits = staffed.message("ben").case_id
    staffed.take("amy")
    for case_id in (held, waits):
        case = supervise.close(
            staffed.store, case_id, "duplicate", brand=staffed.brand, actor="lead:lee"
        )
        assert (case.state, case.closed_reason) == ("closed", "duplicate")


def test_giving_at_once_what_others_claim_gives_nobody_too_much(staffed, at_once):
    ids = [staffed.message(f"a{i}").case_id for i in range(6)]
    acts = [lambda i=i: assign(staffed, i) for i in ids] + [lambda: staffed.claim("bob")] * 4
    outcomes = at_once(lambda act: act(), acts)
    done = [one for one in outcomes if not isinstance(one, Exception)]
    assert len(done) == 1
    assert all(isinstance(one, (NoFreeSlot, Conflict)) for one in outcomes if one not in done)
