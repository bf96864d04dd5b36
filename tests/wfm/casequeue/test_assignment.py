"""Cases given without asking: to whom, in which order, never too many; on both databases."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from wfm.care import Care
from wfm.casequeue import presence
from wfm.casequeue.assignment import assign_waiting
from wfm.casequeue.spike import set_spike_mode
from wfm.errors import NoFreeSlot, NotPresent, OffShift
from wfm.people import Agent, Skill
from wfm.store import cases, tables
from wfm.store.people import save_agents
from wfm.store.queueevents import latest

# Who serves which queue, how well, and how many cases at once.
TEAM: dict[str, tuple[int, dict[str, int]]] = {
    "amy": (2, {"x": 5, "chat": 5, "mail": 5}),
    "bob": (1, {"x": 2}),
    "cleo": (3, {"chat": 3, "x": 3}),
    "dan": (2, {"mail": 4}),
}

# What is about no statement of its own is shown on one database.
on_sqlite = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


@pytest.fixture
def automatic(desk):
    """The desk with the team on shift all day; their cases are given without asking."""
    desk.brand = replace(desk.brand, care=Care(automatic=True))
    with desk.store.writing("test") as w:
        save_agents(
            w,
            [
                Agent(name, name, (), tuple(Skill(q, level) for q, level in skills.items()))
                for name, (_, skills) in TEAM.items()
            ],
        )
    desk.publish(
        *(
            desk.stretch(name, " ".join(sorted(skills)), slots=slots)
            for name, (slots, skills) in TEAM.items()
        )
    )
    return desk


def on(desk, *agents: str) -> None:
    for agent in agents:
        presence.sign_on(desk.store, agent, actor=f"agent:{agent}")


def assign(desk) -> dict[int, str]:
    given = assign_waiting(desk.store, brand=desk.brand, actor="service:queue")
    return {one.case.case_id: one.agent_id for one in given}


def needs(desk, case_id: int, level: int) -> None:
    with desk.store.writing("test") as w:
        w.connection.execute(
            tables.cases.update().where(tables.cases.c.case_id == case_id).values(needs_level=level)
        )


def held_and_waiting(desk) -> tuple[Counter, list]:
    c = tables.cases.c
    with desk.store.reading() as connection:
        held = connection.scalars(sa.select(c.agent_id).where(c.state == "assigned")).all()
        waits = connection.execute(
            sa.select(c.case_id, c.queue, c.needs_level).where(c.state == "new")
        ).all()
    return Counter(held), waits


def test_waiting_cases_go_to_those_signed_on(automatic):
    case_id = automatic.message().case_id
    assert assign(automatic) == {}
    on(automatic, "bob")
    assert assign(automatic) == {case_id: "bob"}
    assert assign(automatic) == {}
    case = automatic.case(case_id)
    until = automatic.clock.at + timedelta(minutes=10)
    assert (case.state, case.lease_until) == ("assigned", until)
    assert automatic.kinds(case_id) == ["opened", "assigned"]


@on_sqlite
def test_who_listens_is_told_whose_a_case_is_but_not_the_leases_token(automatic):
    case_id = automatic.message().case_id
    on(automatic, "bob")
    (given,) = assign_waiting(automatic.store, brand=automatic.brand, actor="service:queue")
    with automatic.store.reading() as connection:
        told = latest(connection, "case.assigned")
    assert (told.queue, told.body["case_id"], told.body["agent_id"]) == ("x", case_id, "bob")
    assert given.lease_token not in str(told.body)
    assert automatic.answer(given).state == "answered"


@on_sqlite
def test_nothing_is_given_where_care_is_not_automatic(automatic):
    automatic.message()
    on(automatic, "amy")
    automatic.brand = replace(automatic.brand, care=Care())
    assert assign(automatic) == {}


@on_sqlite
def test_nobody_away_silent_or_gone_is_given_a_case(automatic):
    on(automatic, "amy", "bob", "cleo")
    presence.away(automatic.store, "amy", actor="agent:amy")
    presence.sign_off(automatic.store, "bob", actor="agent:bob")
    automatic.clock.move(minutes=3)  # cleo was not heard of since
    automatic.message()
    assert assign(automatic) == {}


def test_a_case_that_needs_skill_waits_for_it_and_holds_up_nobody(automatic):
    on(automatic, "bob", "cleo")
    hard = automatic.message("ann").case_id
    needs(automatic, hard, 4)
    easy = automatic.message("ben").case_id
    assert set(assign(automatic)) == {easy}
    on(automatic, "amy")
    assert assign(automatic) == {hard: "amy"}


@on_sqlite
def test_a_shut_queue_is_not_given(automatic):
    automatic.clock.move(hours=-3)  # 07:00 in Berlin
    automatic.message(queue="mail")
    on(automatic, "amy", "dan")
    assert assign(automatic) == {}


@on_sqlite
def test_work_is_spread_by_shares_and_generalists_are_kept_free(automatic):
    on(automatic, "amy", "bob", "cleo")
    given = [automatic.message(f"author{i}").case_id for i in range(6)]
    found = assign(automatic)
    # One each, to who can do least else first; then by the share of their slots that is taken.
    assert [found[case_id] for case_id in given] == ["bob", "cleo", "amy", "cleo", "amy", "cleo"]


def test_in_spike_mode_the_order_is_that_of_so_many_claims(automatic):
    late = [automatic.message(f"late{i}").case_id for i in range(3)]
    automatic.clock.move(minutes=20)
    in_time = [automatic.message(f"new{i}").case_id for i in range(6)]
    set_spike_mode(automatic.store, "x", True, brand=automatic.brand, actor="lead:lee")
    on(automatic, "amy", "bob", "cleo")
    assert list(assign(automatic)) == [*in_time[:4], late[0], in_time[4]]


def test_a_case_in_others_hands_is_given_when_they_are_done(automatic):
    on(automatic, "amy")
    only = automatic.message().case_id
    locked, done = threading.Event(), threading.Event()

    def hold_briefly() -> None:
        with automatic.store.writing("other") as writing:
            cases.lock_case(writing, only)
            locked.set()
            done.wait(0.3)

    other = threading.Thread(target=hold_briefly)
    other.start()
    locked.wait()
    given = assign(automatic)
    done.set()
    other.join()
    assert given == {only: "amy"}


def team_at_work(desk) -> type[RuleBasedStateMachine]:
    class TeamAtWork(RuleBasedStateMachine):
        """People come and go, claim and answer; what is left over is given away."""

        def __init__(self) -> None:
            super().__init__()
            desk.empty()
            self.tokens: list = []
            self.there: set[str] = set()
            self.authors = 0

        @rule(queue=st.sampled_from(["x", "chat", "mail"]), level=st.integers(1, 5))
        def message(self, queue: str, level: int):
            self.authors += 1
            needs(desk, desk.message(f"author{self.authors}", queue=queue).case_id, level)

        @rule(agent=st.sampled_from(sorted(TEAM)))
        def come(self, agent: str):
            on(desk, agent)
            self.there.add(agent)

        @rule(agent=st.sampled_from(sorted(TEAM)), act=st.sampled_from(["away", "sign_off"]))
        def leave(self, agent: str, act: str):
            if agent in self.there:
                getattr(presence, act)(desk.store, agent, actor=f"agent:{agent}")
                self.there.discard(agent)

        @rule(agent=st.sampled_from(sorted(TEAM)))
        def claim(self, agent: str):
            try:
                claimed = desk.claim(agent)
            except (NoFreeSlot, NotPresent, OffShift):
                return
            if claimed is not None:
                self.tokens.append(claimed)

        @rule(data=st.data())
        def answer(self, data):
            held = [one for one in self.tokens if desk.case(one.case.case_id).state == "assigned"
                    and desk.case(one.case.case_id).agent_id == one.case.agent_id]  # fmt: skip
            if held:
                desk.answer(held[data.draw(st.integers(0, len(held) - 1))])

        @rule()
        def give_the_rest(self):
            self.tokens += assign_waiting(desk.store, brand=desk.brand, actor="service:queue")
            held, waits = held_and_waiting(desk)
            beside = [
                (case_id, agent)
                for case_id, queue, level in waits
                for agent in self.there
                if TEAM[agent][1].get(queue, 0) >= level and held[agent] < TEAM[agent][0]
            ]
            assert beside == []

        @invariant()
        def nobody_holds_too_much(self):
            held, _ = held_and_waiting(desk)
            assert all(count <= TEAM[agent][0] for agent, count in held.items())

    return TeamAtWork


def test_never_a_waiting_case_beside_a_free_slot_never_anybody_over_theirs(automatic):
    run_state_machine_as_test(
        team_at_work(automatic),
        settings=settings(
            max_examples=5,
            stateful_step_count=15,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_two_hundred_claims_at_once_and_nobody_over_their_slots(automatic, at_once):
    on(automatic, *TEAM)
    queues = ["x", "chat", "mail"]
    opened = {automatic.message(f"a{i}", queue=queues[i % 3]).case_id for i in range(30)}
    names = sorted(TEAM)

    def act(number: int):
        return assign(automatic) if number % 25 == 0 else automatic.claim(names[number % 4])

    def some(start: int) -> list:
        outcomes = []
        for number in range(start, 200, 8):
            try:
                outcomes.append(act(number))
            except NoFreeSlot as full:
                outcomes.append(full)
        return outcomes

    outcomes = at_once(some, list(range(8)))
    assert all(isinstance(one, list) for one in outcomes), outcomes
    assign(automatic)
    held, waits = held_and_waiting(automatic)
    assert held == {agent: slots for agent, (slots, _) in TEAM.items()}
    assert len(waits) + sum(held.values()) == len(opened)
    with automatic.store.reading() as connection:
        given = connection.scalars(
            sa.select(tables.case_events.c.case_id).where(
                tables.case_events.c.kind.in_(["claimed", "assigned"])
            )
        ).all()
    assert len(given) == len(set(given)) == sum(held.values())
