"""Any order of messages, claims, answers, pauses, merges and closings, against a plain model.

The queue is open around the clock, so that the model reckons with the time of day alone.
"""

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
    precondition,
    rule,
    run_state_machine_as_test,
)

from wfm.casequeue.capacity import queue_overview
from wfm.casequeue.claims import Claimed, answer, close, release, renew
from wfm.casequeue.merging import merge
from wfm.casequeue.moves import acknowledge, move_queue, pause, reopen, resume
from wfm.casequeue.spike import set_spike_mode
from wfm.casequeue.timing import wake
from wfm.errors import Conflict, IllegalMove, LeaseLost, NoFreeSlot
from wfm.order import Waiting, late_last_for, order_key
from wfm.store import cases

SLOTS = {"amy": 1, "bob": 3}
PROMISE = timedelta(minutes=15)
LATER = timedelta(minutes=60)
LEASE = timedelta(minutes=10)
REST = timedelta(minutes=12)
NOTHING = timedelta(0)


@dataclass
class Expected:
    """What the model knows of a case.

    promised, passed, since  of the reply that it owes: how long it may take, what had passed when
                             it last stood still, and since when it runs
    owes                     whether a reply is owed: false once it was sent
    """

    case_id: int
    author: str
    severity: int
    received_at: datetime
    due_at: datetime
    promised: timedelta = PROMISE
    passed: timedelta = NOTHING
    since: datetime | None = None
    broke_at: datetime | None = None
    owes: bool = True
    contacts: int = 1
    state: str = "new"
    agent_id: str | None = None
    token: str | None = None
    lease_until: datetime | None = None
    first_response_at: datetime | None = None
    first_any_at: datetime | None = None
    paused_until: datetime | None = None
    closed_at: datetime | None = None
    merged_into: int | None = None

    def waits(self) -> None:
        self.state, self.agent_id, self.token, self.lease_until = "new", None, None, None
        self.paused_until = self.closed_at = None

    def owe_anew(self, now: datetime) -> None:
        self.promised = PROMISE if self.first_response_at is None else LATER
        self.passed, self.since, self.broke_at, self.owes = NOTHING, now, None, True
        self.received_at, self.due_at = now, now + self.promised

    def stand_still(self, now: datetime) -> None:
        if self.since is not None:
            self.passed, self.since = self.passed + (now - self.since), None
        if self.broke_at is None and self.passed > self.promised:
            self.broke_at = self.due_at

    def go_on(self, now: datetime) -> None:
        self.since, left = now, self.promised - self.passed
        self.due_at = now + left if left > NOTHING else self.broke_at or now

    def take_in(self, other: Expected, now: datetime) -> None:
        """Another case that waits goes on in this one."""
        if self.state == "answered":
            self.owe_anew(other.received_at)
            self.due_at = datetime.max.replace(tzinfo=now.tzinfo)
        elif self.state == "paused":
            self.go_on(now)
        if other.due_at < self.due_at:
            self.promised, self.passed, self.since = other.promised, other.passed, other.since
            self.due_at, self.broke_at = other.due_at, other.broke_at
        self.received_at = min(self.received_at, other.received_at)
        if self.state in ("answered", "paused"):
            self.waits()


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
            minutes=st.sampled_from([0, 1, 4]),
        )
        def message(self, author: str, severity: int, minutes: int):
            desk.clock.move(minutes=minutes)
            contact = desk.contact(author, severity=severity)
            taken = desk.deliver(contact)
            theirs = [c for c in self.cases.values() if c.author == author]
            own = [c for c in theirs if c.state != "closed"] or [
                self.cases[c.merged_into]
                for c in theirs
                if c.merged_into and self.cases[c.merged_into].state != "closed"
            ]
            if not own:
                assert taken.outcome == "opened"
                self.cases[taken.case_id] = Expected(
                    taken.case_id, author, severity, self.now, self.now + PROMISE, since=self.now
                )
                return contact
            assert taken.outcome == "joined"
            (case,) = (
                c for c in {c.case_id: c for c in own}.values() if c.case_id == taken.case_id
            )
            case.contacts += 1
            case.severity = max(case.severity, severity)
            if case.state == "answered":
                case.owe_anew(self.now)
            elif case.state == "paused":
                case.go_on(self.now)
            if case.state in ("answered", "paused"):
                case.waits()
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
                    **({} if action is release else {"brand": desk.brand}),
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
                case.first_any_at = case.first_any_at or self.now
                case.owes, case.since = False, None

        @rule(claimed=consumes(leases))
        def release(self, claimed):
            if case := self.act(claimed, release):
                case.waits()

        @rule(claimed=leases)
        def renew(self, claimed):
            if case := self.act(claimed, renew):
                case.lease_until = self.now + LEASE

        def one_of(self, data) -> Expected:
            return self.cases[data.draw(st.sampled_from(sorted(self.cases)))]

        def is_held(self, case: Expected) -> bool:
            return case.lease_until is not None and case.lease_until > self.now

        def by_lead(self, action, *arguments, **options) -> bool:
            """Do it as a team lead; whether it was allowed."""
            try:
                action(desk.store, *arguments, brand=desk.brand, actor="lead:lee", **options)
            except (IllegalMove, LeaseLost, Conflict):
                return False
            return True

        @precondition(lambda self: self.cases)
        @rule(data=st.data())
        def close(self, data):
            case = self.one_of(data)
            done = self.by_lead(close, case.case_id, "done")
            assert done == (case.state != "closed" and not self.is_held(case))
            if done:
                case.stand_still(self.now)
                case.state, case.token, case.lease_until = "closed", None, None
                case.closed_at, case.paused_until = self.now, None

        @precondition(lambda self: self.cases)
        @rule(data=st.data(), rests=st.booleans())
        def pause(self, data, rests: bool):
            case, until = self.one_of(data), self.now + REST if rests else None
            done = self.by_lead(pause, case.case_id, "asked the warehouse", until=until)
            assert done == (case.state in ("new", "assigned") and not self.is_held(case))
            if done:
                case.waits()
                case.stand_still(self.now)
                case.state, case.paused_until = "paused", until

        @precondition(lambda self: self.cases)
        @rule(data=st.data())
        def resume(self, data):
            case = self.one_of(data)
            done = self.by_lead(resume, case.case_id)
            assert done == (case.state == "paused")
            if done:
                case.go_on(self.now)
                case.waits()

        @rule()
        def wake(self):
            due = [c for c in self.cases.values() if c.paused_until and c.paused_until <= self.now]
            woken = wake(desk.store, brand=desk.brand, now=self.now)
            assert sorted(woken) == sorted(c.case_id for c in due)
            for case in due:
                case.go_on(self.now)
                case.waits()

        @precondition(lambda self: self.cases)
        @rule(data=st.data())
        def reopen(self, data):
            case = self.one_of(data)
            others = [
                c for c in self.cases.values() if c.author == case.author and c.state != "closed"
            ]
            done = self.by_lead(reopen, case.case_id, "not done")
            assert done == (case.state == "closed" and not case.merged_into and not others)
            if done:
                if case.owes:
                    case.go_on(case.closed_at)
                else:
                    case.owe_anew(self.now)
                case.waits()

        @precondition(lambda self: len(self.cases) > 1)
        @rule(data=st.data())
        def merge(self, data):
            of = st.sampled_from(sorted(self.cases))
            one, other = data.draw(st.lists(of, min_size=2, max_size=2, unique=True))
            case, kept = self.cases[one], self.cases[other]
            done = self.by_lead(merge, case.case_id, into=kept.case_id)
            assert done == (case.state in ("new", "answered") and kept.state != "closed")
            if done:
                if case.state == "new":
                    kept.take_in(case, self.now)
                kept.contacts += case.contacts
                kept.severity = max(kept.severity, case.severity)
                case.state, case.merged_into, case.closed_at = "closed", kept.case_id, self.now
                for one in self.cases.values():
                    if one.merged_into == case.case_id:
                        one.merged_into = kept.case_id

        @precondition(lambda self: self.cases)
        @rule(data=st.data())
        def acknowledge(self, data):
            case = self.one_of(data)
            done = self.by_lead(acknowledge, case.case_id, "We are on it.")
            assert done == (case.state in ("new", "assigned"))
            if done:
                case.first_any_at = case.first_any_at or self.now

        @precondition(lambda self: self.cases)
        @rule(data=st.data())
        def hand_over_there_and_back(self, data):
            case = self.one_of(data)
            done = self.by_lead(move_queue, case.case_id, "chat")
            assert done == (case.state != "closed" and not self.is_held(case))
            if done:
                assert self.by_lead(move_queue, case.case_id, "x")
                if case.state == "assigned":
                    case.waits()

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
                    "first_any_at",
                    "paused_until",
                    "closed_at",
                    "merged_into",
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


def test_the_queue_lives_as_its_model_under_any_order_of_events(desk, store_url):
    # On shift for years: how far the clock is moved over all examples does not matter.
    far = desk.clock.at + timedelta(days=3000)
    desk.publish(
        *(desk.stretch(agent, "x", slots=slots, end=far) for agent, slots in SLOTS.items()),
        days=3000,
    )
    run_state_machine_as_test(
        life_of_cases(desk),
        settings=settings(
            # The law is the same on both; the second must show that its statements keep it.
            max_examples=30 if store_url.startswith("sqlite") else 10,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
