"""Plays a day through the service's own API: customers write, agents claim and answer.

Every second of the day happens in order, on a clock that is moved from one to the next. Customers
come as the forecast expects them, chance included; each brings the lengths of their replies and
whether and when they write again along, so that every arm of a comparison meets the same people.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from benchmarks.queuedaydesk import Desk, call
from benchmarks.queueservice import Service
from wfm.brands import Brand
from wfm.casequeue import presence
from wfm.casequeue.engine import tick
from wfm.errors import WfmError
from wfm.settings import Settings
from wfm.sla import Duration
from wfm.store import staffing, tables
from wfm.store.engine import Store
from wfm.timegrid import INTERVAL

# Messages are handed over as platforms do it, some at a time.
HANDED_S = 30
BULK_MAX = 1_000
# Sets a customer's own chance apart from that of the arrivals.
OWN = 7


@dataclass
class MovedClock:
    """A clock that shows what it is set to."""

    at: datetime

    def now(self) -> datetime:
        return self.at


@dataclass
class Person:
    """A customer, who brings along how long each reply to them takes."""

    name: str
    queue: str
    chance: np.random.Generator
    sent: int = 0


@dataclass
class Agent:
    """Somebody at the desk: until when they are on shift, and whether they write a reply."""

    agent_id: str
    queues: frozenset[str] = frozenset()
    until: float = -math.inf
    busy: bool = False
    free_since: float = 0.0


@dataclass
class Day:
    """What happened that the store does not tell."""

    messages: int = 0
    replies: int = 0
    called_h: float = 0.0
    failed: list[str] = field(default_factory=list)


def drawn(duration: Duration, chance: np.random.Generator) -> float:
    """Seconds, lognormal by mean and coefficient of variation."""
    variance = math.log1p(duration.cv**2)
    return chance.lognormal(math.log(duration.mean_s) - variance / 2, math.sqrt(variance))


def arrivals(desk: Desk, seed: int) -> Iterator[tuple[float, str]]:
    """Seconds from the start, and the queue, of every new customer; in no order."""
    for number, queue in enumerate(desk.brand.queues):
        chance = np.random.default_rng([seed, number])
        start = desk.start
        while start < desk.end:
            begun = (start - desk.start).total_seconds()
            came = chance.poisson(desk.expected(queue.name, start))
            for at in chance.uniform(0.0, INTERVAL.total_seconds(), came):
                yield begun + at, queue.name
            start += INTERVAL


class Played:
    """The day as it goes on."""

    def __init__(
        self, store: Store, desk: Desk, brand: Brand, *, home: Path, seed: int, tick_s: int
    ) -> None:
        self.store, self.desk, self.brand = store, desk, brand
        self.clock = MovedClock(desk.start)
        store.clock = self.clock
        self.service = Service(store, Settings(home=home))
        self.day = Day()
        self.agents: dict[str, Agent] = {}
        self.people: dict[str, Person] = {}
        self.handed: list[dict[str, Any]] = []
        self.waiting: dict[str, int] = defaultdict(int)
        self.events_read = 0
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        for number, (at, queue) in enumerate(sorted(arrivals(desk, seed))):
            name = f"c{number}"
            person = Person(name, queue, np.random.default_rng([seed, number, OWN]))
            self.people[name] = person
            self.later(at, partial(self.writes, person))
        length = (desk.end - desk.start).total_seconds()
        for at in range(0, round(length), HANDED_S):
            self.later(at, self.hand_over)
        for at in range(0, round(length) + 1, tick_s):
            self.later(at, self.minute)

    def later(self, at: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (at, next(self._order), what))

    def run(self) -> Day:
        length = (self.desk.end - self.desk.start).total_seconds()
        while self._agenda and self._agenda[0][0] <= length:
            self.now_s, _, what = heapq.heappop(self._agenda)
            self.clock.at = self.desk.start + timedelta(seconds=self.now_s)
            what()
        self.service.close()
        return self.day

    # -- customers -------------------------------------------------------------------------------

    def writes(self, person: Person) -> None:
        queue = self.brand.queue(person.queue)
        self.handed.append(
            {
                "source": "webhook",
                "account": queue.handle,
                "native_id": f"{person.name}-{person.sent}",
                "queue": person.queue,
                "author": person.name,
                "text": "it does not work",
                "published_at": self.clock.at.isoformat(),
            }
        )
        person.sent += 1

    def hand_over(self) -> None:
        while self.handed:
            rows, self.handed = self.handed[:BULK_MAX], self.handed[BULK_MAX:]
            told = self.service.post("/contacts/bulk", rows)
            if told["refused"]:
                raise WfmError(f"refused: {told['results']}")
            self.day.messages += len(rows)
            for row in rows:
                self.waiting[row["queue"]] += 1
        self.set_to_work()

    # -- agents ----------------------------------------------------------------------------------

    def set_to_work(self) -> None:
        """Let everybody who is free ask for a case, the longest free first."""
        free = [one for one in self.agents.values() if not one.busy and one.until > self.now_s]
        for agent in sorted(free, key=lambda one: (one.free_since, one.agent_id)):
            self.claim(agent)

    def claim(self, agent: Agent) -> None:
        if not any(self.waiting[queue] > 0 for queue in agent.queues):
            return
        told = self.service.post("/cases/claim", {"agent_id": agent.agent_id})
        case = told["case"]
        if case is None:
            for queue in agent.queues:
                self.waiting[queue] = 0
            return
        self.waiting[case["queue"]] -= 1
        agent.busy = True
        person = self.people[case["author"]]
        work = self.brand.queue(person.queue).work
        is_first = case["first_response_at"] is None
        seconds = drawn(work.first_touch if is_first else work.follow_up, person.chance)
        token, case_id = told["lease_token"], case["case_id"]
        self.later(self.now_s + seconds, partial(self.answer, agent, person, case_id, token))

    def answer(self, agent: Agent, person: Person, case_id: int, token: str) -> None:
        body = {"lease_token": token, "text": "Try this."}
        self.service.post(f"/cases/{case_id}/answer", body)
        self.day.replies += 1
        agent.busy, agent.free_since = False, self.now_s
        work = self.brand.queue(person.queue).work
        if person.chance.random() < work.continue_p:
            think_s = drawn(work.think, person.chance)
            self.later(self.now_s + think_s, partial(self.writes, person))
        if agent.until > self.now_s:
            self.claim(agent)

    # -- the service's own minute ----------------------------------------------------------------

    def minute(self) -> None:
        self.shifts()
        ticked = tick(self.store, brand=self.brand)
        self.day.failed += [f"{part}: {why}" for part, why in ticked.failed.items()]
        self.read_events()
        self.count_waiting()
        self.set_to_work()

    def shifts(self) -> None:
        """Who is on shift now comes, and who no longer is goes when their reply is written."""
        with self.store.reading() as connection:
            stretches = staffing.all_on_shift_at(connection, self.clock.at)
        for stretch in stretches:
            agent = self.agents.get(stretch.agent_id)
            if agent is None:
                agent = self.agents[stretch.agent_id] = Agent(stretch.agent_id)
            if agent.until <= self.now_s:
                agent.free_since = self.now_s
                presence.sign_on(self.store, stretch.agent_id, actor=f"agent:{stretch.agent_id}")
            agent.queues = frozenset(stretch.queues)
            agent.until = (stretch.end - self.desk.start).total_seconds()

    def count_waiting(self) -> None:
        c = tables.cases.c
        with self.store.reading() as connection:
            rows = connection.execute(
                sa.select(c.queue, sa.func.count())
                .where(c.state == sa.literal_column("'new'"))
                .group_by(c.queue)
            ).all()
        self.waiting = defaultdict(int, dict(rows))

    def read_events(self) -> None:
        """Who is called comes, after their notice."""
        e = tables.queue_events.c
        with self.store.reading() as connection:
            rows = connection.execute(
                sa.select(e.id, e.kind, e.body).where(e.id > self.events_read).order_by(e.id)
            ).all()
        for event_id, kind, body in rows:
            self.events_read = event_id
            agents = body.get("what", {}).get("agents", [])
            if kind == "policy.step" and agents:
                self.day.called_h += call(self.store, self.desk, agents, self.clock.at)
