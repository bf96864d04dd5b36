"""A desk for the queue's tests: a store on each database, a small brand, a clock that is moved."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from wfm.brands import Brand, Market, Queue
from wfm.calendars import Hours, ServiceWindow
from wfm.casequeue.claims import Claimed, answer, claim_next
from wfm.cases import Case, Contact
from wfm.ingest.intake import Taken, take_in
from wfm.sla import OpeningGoal, ServiceGoal, WorkLaw
from wfm.store import cases, tables
from wfm.store.engine import Store

# The live queue's tables, those that are pointed at first.
LIVE = (
    tables.customers,
    tables.authors,
    tables.author_handles,
    tables.merges,
    tables.deliveries,
    tables.raw_events,
    tables.cases,
    tables.contacts,
    tables.case_events,
    tables.clocks,
    tables.handlings,
    tables.presence,
    tables.presence_spans,
    tables.tasks,
    tables.exceptions,
    tables.queue_state,
    tables.queue_events,
    tables.outbox,
    tables.metric_days,
    tables.metric_changes,
)


@dataclass
class MovingClock:
    at: datetime

    def now(self) -> datetime:
        return self.at

    def move(self, **by: float) -> datetime:
        self.at += timedelta(**by)
        return self.at


def a_queue(name: str, window: ServiceWindow) -> Queue:
    return Queue(
        name=name,
        channel="x",
        handle="@care",
        language="en",
        window=window,
        goals=(ServiceGoal.first_response(),),
        opening_goal=OpeningGoal(3600),
        work=WorkLaw(),
    )


DAYTIME = ServiceWindow((Hours("Europe/Berlin", frozenset(range(7)), 8 * 60, 20 * 60),))

# x is open around the clock, mail from 08:00 to 20:00 in Berlin (07:00 to 19:00 UTC in winter).
BRAND = Brand(
    name="Testbrand",
    zone="Europe/Berlin",
    markets=(Market("germany", "DE", "Europe/Berlin"),),
    queues=(
        a_queue("x", ServiceWindow.always()),
        a_queue("chat", ServiceWindow.always()),
        a_queue("mail", DAYTIME),
    ),
    contracts=(),
    templates=(),
)


@dataclass
class Desk:
    """The queue under test, with the arguments that no test is about filled in."""

    store: Store
    clock: MovingClock
    brand: Brand = BRAND
    _ids: Iterator[int] = field(default_factory=itertools.count)

    def contact(self, author: str = "ann", **fields: Any) -> Contact:
        values: dict[str, Any] = {
            "source": "webhook",
            "account": "@care",
            "native_id": f"m{next(self._ids)}",
            "queue": "x",
            "text": "it does not work",
            "published_at": self.clock.at - timedelta(seconds=30),
        }
        return Contact(author=author, **{**values, **fields})

    def deliver(self, contact: Contact) -> Taken:
        return take_in(self.store, contact, brand=self.brand, actor="key:hook", raw_body="{}")

    def message(self, author: str = "ann", **fields: Any) -> Taken:
        """A new message arrives now."""
        return self.deliver(self.contact(author, **fields))

    def publish(
        self, *stretches: dict[str, Any], start: datetime | None = None, days: float = 28
    ) -> int:
        """Publish a roster of these ON_SHIFT rows; from midnight of the clock's day by default."""
        start = start or self.clock.at.replace(hour=0, minute=0, second=0, microsecond=0)
        p = tables.plans
        with self.store.writing("planner:test") as w:
            version = (w.connection.scalar(sa.select(sa.func.max(p.c.version))) or 0) + 1
            w.connection.execute(
                p.update().where(p.c.state == "published").values(state="superseded")
            )
            plan_id = w.connection.execute(
                p.insert()
                .values(
                    state="published",
                    version=version,
                    starts_at=start,
                    ends_at=start + timedelta(days=days),
                    seed=1,
                    inputs={},
                    summary={},
                    published_at=w.at,
                    published_by=w.actor,
                    **w.stamp,
                )
                .returning(p.c.plan_id)
            ).scalar_one()
            w.connection.execute(
                tables.plan_on_shift.insert(),
                [{"plan_id": plan_id, **stretch} for stretch in stretches],
            )
        return plan_id

    def stretch(
        self, agent_id: str, queues: str = "chat mail x", *, slots: int = 1, **when: datetime
    ) -> dict[str, Any]:
        """An ON_SHIFT row: the whole day of the clock unless start and end are given."""
        day = self.clock.at.replace(hour=0, minute=0, second=0, microsecond=0)
        return {
            "agent_id": agent_id,
            "start": when.get("start", day),
            "end": when.get("end", day + timedelta(days=1)),
            "queues": queues,
            "slots": slots,
        }

    def claim(self, agent_id: str = "amy", **options: Any) -> Claimed | None:
        return claim_next(
            self.store, agent_id, brand=self.brand, actor=f"agent:{agent_id}", **options
        )

    def take(self, agent_id: str = "amy") -> Claimed:
        claimed = self.claim(agent_id)
        assert claimed is not None
        return claimed

    def answer(self, claimed: Claimed, text: str = "Try this.") -> Case:
        return answer(
            self.store,
            claimed.case.case_id,
            claimed.lease_token,
            text,
            brand=self.brand,
            actor="agent:amy",
        )

    def case(self, case_id: int) -> Case:
        with self.store.reading() as connection:
            return cases.find_case(connection, case_id)

    def kinds(self, case_id: int) -> list[str]:
        """What has happened to the case, in words."""
        with self.store.reading() as connection:
            return [event.kind for event in cases.events_of(connection, case_id)]

    def count(self, table: sa.Table) -> int:
        with self.store.reading() as connection:
            return connection.scalars(sa.select(sa.func.count()).select_from(table)).one()

    def empty(self) -> None:
        """Forget all cases, for the next example of a property."""
        with self.store.writing("test") as w:
            for table in reversed(LIVE):
                w.connection.execute(table.delete())


@pytest.fixture
def desk(store: Store) -> Desk:
    """At 2026-03-02 09:00 UTC, a Monday; nobody is on shift yet."""
    clock = MovingClock(store.clock.now())
    store.clock = clock
    return Desk(store, clock)


@pytest.fixture
def staffed(desk: Desk) -> Desk:
    """The desk with amy and bob on shift all day, one slot each, for every queue."""
    desk.publish(desk.stretch("amy"), desk.stretch("bob"))
    return desk


@pytest.fixture
def at_once() -> Callable[..., list[Any]]:
    """Runs a function on each of the items, all at the same time; errors come back as results."""

    def run(function: Callable[[Any], Any], items: list[Any]) -> list[Any]:
        def guarded(item: Any) -> Any:
            try:
                return function(item)
            except Exception as error:
                return error

        with ThreadPoolExecutor(len(items)) as pool:
            return list(pool.map(guarded, items))

    return run
