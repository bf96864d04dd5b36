"""A store with any number of cases in it, made by the database itself, and the desk they lie at.

A million finished cases with all that belongs to them (authors, messages, clocks, events, stretches
of handling) take a minute or two; nothing of them passes through Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa

from benchmarks.queuerows import NOW, add_closed, add_waiting
from wfm.brands import Brand, Market, Queue
from wfm.calendars import ServiceWindow
from wfm.people import Agent, ContractTerm, Skill
from wfm.sla import OpeningGoal, ServiceGoal, WorkLaw
from wfm.store import tables
from wfm.store.bulk import batches
from wfm.store.engine import Store, Writing, open_store
from wfm.store.people import save_agents
from wfm.timegrid import FixedClock

ROSTER_DAYS = 7


def a_queue(number: int, *, threshold_s: int = 900) -> Queue:
    """A queue that never shuts."""
    return Queue(
        name=f"q{number}",
        channel="x",
        handle="@care",
        language="en",
        window=ServiceWindow.always(),
        goals=(ServiceGoal(threshold_s=threshold_s),),
        opening_goal=OpeningGoal(3600),
        work=WorkLaw(),
    )


def a_brand(queues: int) -> Brand:
    """A brand whose queues never shut and promise the same."""
    return Brand(
        name="Benchmark",
        zone="Europe/Berlin",
        markets=(Market("germany", "DE", "Europe/Berlin"),),
        queues=tuple(a_queue(number) for number in range(queues)),
        contracts=(),
        templates=(),
    )


@dataclass(frozen=True)
class World:
    """What lies in a store.

    waiting, closed  cases; the closed ones have the lower ids
    agents           on shift now, each with `slots` and all queues; every other one is a beginner
                     where `levels`
    days             before now over which the closed cases are spread, evenly
    """

    queues: int = 1
    waiting: int = 0
    closed: int = 0
    agents: int = 0
    slots: int = 200
    levels: bool = False
    days: int = 60

    @property
    def brand(self) -> Brand:
        return a_brand(self.queues)


def agent_name(number: int) -> str:
    return f"a{number:05d}"


def fill(store: Store, world: World) -> None:
    """Put the world into an empty store."""
    with store.writing("benchmark") as writing:
        _roster(writing, world)
        if world.closed:
            add_closed(
                writing,
                world.closed,
                queues=world.queues,
                agents=world.agents,
                days=world.days,
            )
        if world.waiting:
            add_waiting(
                writing,
                world.waiting,
                first=world.closed + 1,
                queues=world.queues,
                levels=world.levels,
            )
        if not store.is_sqlite:
            _count_on(writing, world.closed + world.waiting)
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # As the database does by itself after a while: else the first plans are guesses.
        connection.exec_driver_sql("ANALYZE" if store.is_sqlite else "VACUUM ANALYZE")


def _count_on(writing: Writing, last: int) -> None:
    """Let PostgreSQL's own ids begin after those given here."""
    for table in (tables.authors, tables.raw_events, tables.cases):
        key = next(iter(table.primary_key)).name
        sequence = sa.func.pg_get_serial_sequence(table.name, key)
        writing.connection.execute(sa.select(sa.func.setval(sequence, max(last, 1))))


def _roster(writing: Writing, world: World) -> None:
    """A week's published roster: everybody works all day, with a break before and after now."""
    if not world.agents:
        return
    day = NOW.replace(hour=0)
    plan_id = writing.connection.execute(
        tables.plans.insert()
        .values(
            state="published",
            version=1,
            starts_at=day,
            ends_at=day + timedelta(days=ROSTER_DAYS),
            seed=1,
            inputs={},
            summary={},
            published_at=writing.at,
            published_by=writing.actor,
            **writing.stamp,
        )
        .returning(tables.plans.c.plan_id)
    ).scalar_one()
    queues = " ".join(queue.name for queue in world.brand.queues)
    stretches = (
        {
            "plan_id": plan_id,
            "agent_id": agent_name(number),
            "start": day + timedelta(days=since, hours=start),
            "end": day + timedelta(days=since, hours=end),
            "queues": queues,
            "slots": world.slots,
        }
        for number in range(world.agents)
        for since in range(ROSTER_DAYS)
        for start, end in ((0, 8), (8.25, 24))
    )
    for batch in batches(stretches, 5_000):
        writing.connection.execute(tables.plan_on_shift.insert(), batch)
    save_agents(writing, [_agent(number, world) for number in range(world.agents)])


def _agent(number: int, world: World) -> Agent:
    level = 1 if world.levels and number % 2 else 5
    return Agent(
        agent_id=agent_name(number),
        name=f"Agent {number}",
        terms=(ContractTerm("full", date(2024, 1, 1)),),
        skills=tuple(Skill(queue.name, level) for queue in world.brand.queues),
    )


def open_world(url: str) -> Store:
    """The store of a world, whose clock stands still at its instant."""
    return open_store(url, clock=FixedClock(NOW))
