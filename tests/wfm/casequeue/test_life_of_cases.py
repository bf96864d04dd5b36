"""Any order of messages, claims, answers and closings, against a model in plain Python."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)

from wfm.casequeue.capacity import queue_overview
from wfm.casequeue.claims import Claimed, answer, close, release, renew
from wfm.casequeue.spike import set_spike_mode
from wfm.errors import IllegalMove, LeaseLost, NoFreeSlot
from wfm.order import Waiting, late_last_for, order_key
from wfm.store import cases

SLOTS = {"amy": 1, "bob": 3}
PROMISE = timedelta(minutes=15)
LEASE = timedelta(minutes=10)


@dataclass
class Expected:
    """What the model knows of a case."""

    case_id: int
    author: str
    severity: int
    received_at: datetime
    due_at: datetime
    contacts: int = 1
    state: str = "new"
    agent_id: str | None = None
    token: str | None = None
    lease_until: datetime | None = None
    first_response_at: datetime | None = None

    def waits(self) -> None:
        self.state, self.agent_id, self.token, self.lease_until = "new", None, None, None


def life_of_cases(desk) -> type[RuleBasedStateMachine]:
    class LifeOfCases(RuleBasedStateMachine):
        leases = Bundle("leases")
        delivered = Bundle("delivered")

        def __init__(self) -> None:
            super().__init__()
            desk.empty()
            self.cases: dict[int, Expected] = {}
            self.spike = False
            self.spike_claims = 0

        @property
        def now(self) -> datetime:
            return desk.clock.at

        def expire(self) -> None:
            for case in self.cases.values():
                if case.lease_until is not None and case.lease_until <= self.now:
                    case.waits()

        @rule(
            target=delivered,
            author=st.sampled_from(["ann", "ben", "cem", "dia"]),
            severity=st.integers(0, 2),
        )
        def message(self, author: str, severity: int):
            contact = desk.contact(author, severity=severity)
            taken = desk.deliver(contact)
            own = [c for c in self.cases.values() if c.author == author and c.state != "closed"]
            if not own:
                assert taken.outcome == "opened"
                self.cases[taken.case_id] = Expected(
                    taken.case_id, author, severity, self.now, self.now + PROMISE
                )
                return contact
            (case,) = own
            assert (taken.outcome, taken.case_id) == ("joined", case.case_id)
            case.contacts += 1
            case.severity = max(case.severity, severity)
            if case.state == "answered":
                case.waits()
                case.received_at, case.due_at = self.now, self.now + PROMISE
            return contact

        @rule(contact=delivered)
        def deliver_again(self, contact):
            assert desk.deliver(contact).outcome == "repeated"

        @rule(minutes=st.sampled_from([1, 4, 10, 16]))
        def time_passes(self, minutes: int):
            desk.clock.move(minutes=minutes)

        @rule(on=st.booleans())
        def spike_mode(self, on: bool):
            set_spike_mode(desk.store, "x", on, brand=desk.brand, actor="lead:lee")
            self.spike, self.spike_claims = on, 0

        @rule(target=leases, agent=st.sampled_from(sorted(SLOTS)))
        def claim(self, agent: str):
            self.expire()
            held = sum(c.agent_id == agent and c.state == "assigned" for c in self.cases.values())
            try:
                claimed = desk.claim(agent)
            except NoFreeSlot:
                assert held == SLOTS[agent]
                return None
            assert held < SLOTS[agent]
            waiting = [c for c in self.cases.values() if c.state == "new"]
            if claimed is None:
                assert waiting == []
                return None
            late_last = late_last_for(self.spike_claims + 1, spike_mode=self.spike)
            first = min(
                waiting,
                key=lambda c: order_key(
                    Waiting(c.case_id, c.due_at, c.severity, c.received_at),
                    now=self.now,
                    late_last=late_last,
                ),
            )
            assert claimed.case.case_id == first.case_id
            self.spike_claims += self.spike
            first.state, first.agent_id, first.token = "assigned", agent, claimed.lease_token
            first.lease_until = self.now + LEASE
            return claimed

        def holds(self, claimed: Claimed) -> Expected | None:
            case = self.cases[claimed.case.case_id]
            runs = case.lease_until is not None and case.lease_until > self.now
            return case if case.token == claimed.lease_token and runs else None

        def act(self, claimed: Claimed | None, action, *arguments: str) -> Expected | None:
            """Act on a lease; the case if the model, too, says that the lease was held."""
            if claimed is None:
                return None
            case = self.holds(claimed)
            try:
                action(
                    desk.store,
                    claimed.case.case_id,
                    claimed.lease_token,
                    *arguments,
                    actor="agent:test",
                )
            except LeaseLost:
                assert case is None
                return None
            assert case is not None
            return case

        @rule(claimed=leases)
        def answer(self, claimed):
            if case := self.act(claimed, answer, "Try this."):
                case.state, case.token, case.lease_until = "answered", None, None
                case.first_response_at = case.first_response_at or self.now

        @rule(claimed=consumes(leases))
        def release(self, claimed):
            if case := self.act(claimed, release):
                case.waits()

        @rule(claimed=leases)
        def renew(self, claimed):
            if case := self.act(claimed, renew):
                case.lease_until = self.now + LEASE

        @rule(data=st.data())
        def close(self, data):
            if not self.cases:
                return
            case = self.cases[data.draw(st.sampled_from(sorted(self.cases)))]
            is_held = case.lease_until is not None and case.lease_until > self.now
            try:
                close(desk.store, case.case_id, "done", brand=desk.brand, actor="lead:lee")
            except IllegalMove:
                assert case.state == "closed"
            except LeaseLost:
                assert is_held
            else:
                assert not is_held
                case.state, case.token, case.lease_until = "closed", None, None

        @invariant()
        def the_store_holds_what_the_model_holds(self):
            with desk.store.reading() as connection:
                found, following = cases.page_of_cases(connection, limit=500)
            assert following is None
            assert {c.case_id for c in found} == set(self.cases)
            for case in found:
                expected = self.cases[case.case_id]
                for field in (
                    "state",
                    "severity",
                    "received_at",
                    "due_at",
                    "contacts",
                    "lease_until",
                    "first_response_at",
                ):
                    assert getattr(case, field) == getattr(expected, field), field

        @invariant()
        def the_overview_counts_what_waits_and_what_is_held(self):
            overview = queue_overview(desk.store, brand=desk.brand)[0]
            held = [c for c in self.cases.values() if c.lease_until and c.lease_until > self.now]
            waiting = [
                c for c in self.cases.values() if c.state in ("new", "assigned") and c not in held
            ]
            assert (overview.waiting, overview.held) == (len(waiting), len(held))
            assert overview.late == sum(c.due_at <= self.now for c in waiting)
            assert overview.next_due_at == min((c.due_at for c in waiting), default=None)

    return LifeOfCases


def test_the_queue_lives_as_its_model_under_any_order_of_events(desk):
    # On shift for years: how far the clock is moved over all examples does not matter.
    far = desk.clock.at + timedelta(days=3000)
    desk.publish(
        *(desk.stretch(agent, "x", slots=slots, end=far) for agent, slots in SLOTS.items()),
        days=3000,
    )
    run_state_machine_as_test(
        life_of_cases(desk),
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
