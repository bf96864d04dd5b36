"""Desks for `benchmarks.queueday`: a published roster with its forecast, in a store.

`sample` plans the sample brand as its users do. `small` is made up and ready at once: two queues of
the sample brand, a flat afternoon, and a roster that the forecast just fills.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from wfm.brands import Brand
from wfm.care import Policy, PolicyStep
from wfm.frames import QUANTILE_COLUMNS
from wfm.ingest.agents import import_agents
from wfm.ingest.brandfile import import_brand, read_brand
from wfm.ingest.campaigns import import_campaigns
from wfm.ingest.volumes import import_volumes
from wfm.people import Agent, ContractTerm, Skill
from wfm.sla import OpeningGoal
from wfm.store import tables
from wfm.store.brands import load_brand, save_brand
from wfm.store.engine import Store, Writing
from wfm.store.people import load_agents, save_agents
from wfm.timegrid import INTERVAL, floor_interval

SAMPLE = Path(__file__).parents[1] / "data" / "sample"

# Who is called is there after this long, and stays for so long after the spike.
NOTICE = timedelta(minutes=45)
STAYS = timedelta(hours=3)

PASSIVE = Policy(steps=())
# A lease outlasts the longest reply: what is measured is the policy, not lost leases.
LEASE_S = 7_200


@dataclass(frozen=True)
class Desk:
    """A day at a desk.

    start, end    what is simulated
    spike         [from, to) in which `factor` times the usual comes to the queues `spiked`
    on_call       agents who are off that day and may be called
    """

    brand: Brand
    start: datetime
    end: datetime
    spike: tuple[datetime, datetime]
    factor: float
    spiked: tuple[str, ...]
    on_call: tuple[str, ...] = ()
    rates: Mapping[str, Mapping[datetime, float]] = field(repr=False, default_factory=dict)

    def expected(self, queue: str, start: datetime) -> float:
        """Contacts that come to the queue in the quarter-hour, with the spike."""
        usual = self.rates[queue].get(start, 0.0)
        spikes = queue in self.spiked and self.spike[0] <= start < self.spike[1]
        return usual * self.factor if spikes else usual


def arms(desk: Desk) -> dict[str, Policy]:
    """What the queue may do about it: nothing, change its own order, call people too."""
    acknowledge = PolicyStep("acknowledge", 0)
    put_off = PolicyStep("put_off", 300)  # the queues that promise later than the spiked one
    spike_mode = PolicyStep("spike_mode", 1_800)
    # Who is called needs their notice, so they are called before the order changes.
    call_out = PolicyStep("call_out", 600, agents=desk.on_call)
    return {
        "passive": PASSIVE,
        "own order": Policy(steps=(acknowledge, put_off, spike_mode)),
        "and call-out": Policy(steps=(acknowledge, put_off, call_out, spike_mode)),
    }


def with_policy(store: Store, desk: Desk, policy: Policy) -> Brand:
    """The desk's brand under the policy, in the store too."""
    care = replace(
        desk.brand.care,
        policy=policy,
        lease_s=LEASE_S,
        # Agents of the simulation are there when they say so, and need not say it every minute.
        heartbeat_s=86_400,
    )
    brand = replace(desk.brand, care=care)
    with store.writing("benchmark") as writing:
        save_brand(writing, brand)
    return brand


def sample(store: Store, *, seed: int, spike_h: int = 13, factor: float = 6.0) -> Desk:
    """A day of the sample brand, from 11:00 to 18:00 at the site, planned and published here."""
    # Late: only who plans needs the libraries of planning.
    from api.planning import records
    from api.planning.plan import compute_plan
    from forecasting.scoring.champion import DEFAULT
    from wfm.store.volumes import last_interval

    import_brand(store, SAMPLE / "brand.toml", actor="benchmark")
    import_agents(store, SAMPLE / "agents.csv", actor="benchmark")
    import_campaigns(store, SAMPLE / "campaigns.csv", actor="benchmark")
    import_volumes(store, sorted(SAMPLE.glob("volumes*")), actor="benchmark")
    with store.reading() as connection:
        last = last_interval(connection)
        brand = load_brand(connection)
    assert last is not None
    first = (last.astimezone(brand.tz) + timedelta(days=1)).date()
    request = records.PlanRequest(first, weeks=1, seed=seed, replications=40, models=(DEFAULT,))
    plan = compute_plan(records.load(store, request), lambda *_: None)
    records.publish(store, records.save_draft(store, plan, "benchmark"), "benchmark")
    # The day after the first: people have come from a usual day.
    midnight = datetime.combine(first + timedelta(days=1), datetime.min.time(), brand.tz)
    desk = Desk(
        brand,
        start=midnight + timedelta(hours=11),
        end=midnight + timedelta(hours=18),
        spike=(midnight + timedelta(hours=spike_h), midnight + timedelta(hours=spike_h + 2)),
        factor=factor,
        spiked=("x", "instagram"),
    )
    return _known(store, desk, most=12)


def small(store: Store, *, hours: float = 4.0, agents: int = 5, factor: float = 5.0) -> Desk:
    """A flat afternoon of two queues; the spike takes its second quarter."""
    whole = read_brand(SAMPLE / "brand.toml")
    queues = tuple(replace(queue, opening_goal=OpeningGoal()) for queue in whole.queues[:2])
    brand = replace(whole, queues=queues)
    start = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
    end = start + timedelta(hours=hours)
    # The roster is worked three quarters of the time by it.
    rates = {"x": 1.6 * agents, "facebook": float(agents)}
    called = [f"on_call_{number}" for number in range(1, agents)]
    names = [*(f"agent_{number}" for number in range(1, agents + 1)), *called]
    with store.writing("benchmark") as writing:
        save_brand(writing, brand)
        skills = tuple(Skill(queue.name, 4) for queue in queues)
        terms = (ContractTerm(whole.contracts[0].name, date(2024, 1, 1)),)
        save_agents(writing, [Agent(name, name, terms, skills) for name in names])
        _publish(writing, brand, rates, names[:agents], start=start, end=end)
    quarter = timedelta(hours=hours / 4)
    spike = tuple(floor_interval(start + part * quarter) for part in (1, 2))
    desk = Desk(
        brand,
        start=start,
        end=end,
        spike=(spike[0], spike[1]),
        factor=factor,
        spiked=("x",),
    )
    return _known(store, desk, most=len(called))


def _known(store: Store, desk: Desk, *, most: int) -> Desk:
    """The desk with what the published forecast expects, and up to `most` whom it may call."""
    r, f = tables.forecast_rows.c, tables.forecasts.c
    o = tables.plan_on_shift.c
    rates: dict[str, dict[datetime, float]] = {queue.name: {} for queue in desk.brand.queues}
    near = timedelta(hours=8)
    with store.reading() as connection:
        rows = connection.execute(
            sa.select(r.queue, r.start, r.mean)
            .join(tables.forecasts, f.forecast_id == r.forecast_id)
            .where(f.kind == "plan", r.start >= desk.start, r.start < desk.end)
        )
        for queue, at, mean in rows:
            rates[queue][at] = mean
        busy = set(
            connection.scalars(
                sa.select(o.agent_id).where(o.end > desk.start - near, o.start < desk.end + near)
            )
        )
        agents = load_agents(connection)
    free = [
        agent.agent_id
        for agent in agents
        if agent.agent_id not in busy and any(s.queue in desk.spiked for s in agent.skills)
    ]
    return replace(desk, on_call=tuple(free[:most]), rates=rates)


def _publish(
    writing: Writing,
    brand: Brand,
    rates: Mapping[str, float],
    agents: list[str],
    *,
    start: datetime,
    end: datetime,
) -> None:
    """A published roster in which everybody works all the time, and the forecast it rests on."""
    day = start.replace(hour=0)
    made = {"seed": 1, "inputs": {}, "summary": {}}
    plan_id = writing.connection.execute(
        tables.plans.insert()
        .values(
            state="published",
            version=1,
            starts_at=day,
            ends_at=day + timedelta(days=7),
            published_at=writing.at,
            published_by=writing.actor,
            **made,
            **writing.stamp,
        )
        .returning(tables.plans.c.plan_id)
    ).scalar_one()
    forecast_id = writing.connection.execute(
        tables.forecasts.insert()
        .values(
            kind="plan",
            starts_at=day,
            ends_at=day + timedelta(days=7),
            plan_id=plan_id,
            accuracy=[],
            noise={},
            made_at=writing.at,
            actor=writing.actor,
            **made,
        )
        .returning(tables.forecasts.c.forecast_id)
    ).scalar_one()
    queues = " ".join(sorted(rates))
    writing.connection.execute(
        tables.plan_on_shift.insert(),
        [
            {
                "plan_id": plan_id,
                "agent_id": name,
                "start": start - timedelta(hours=1),
                "end": end + timedelta(hours=1),
                "queues": queues,
                "slots": 1,
            }
            for name in agents
        ],
    )
    load = {q.name: rates[q.name] * q.work.aht_s for q in brand.queues}
    intervals = math.ceil((end - start + timedelta(hours=2)) / INTERVAL)
    for queue, mean in rates.items():
        heads = len(agents) * load[queue] / sum(load.values())
        at = [start - timedelta(hours=1) + n * INTERVAL for n in range(intervals)]
        band = dict.fromkeys(QUANTILE_COLUMNS, mean)
        parts = dict.fromkeys(("holiday", "campaign", "correction"), 0.0)
        writing.connection.execute(
            tables.forecast_rows.insert(),
            [
                {
                    "forecast_id": forecast_id,
                    "queue": queue,
                    "start": one,
                    "mean": mean,
                    **band,
                    "aht_s": brand.queue(queue).work.aht_s,
                    "model": "flat",
                    "baseline": mean,
                    **parts,
                }
                for one in at
            ],
        )
        writing.connection.execute(
            tables.plan_staffing.insert(),
            [
                {
                    "plan_id": plan_id,
                    "queue": queue,
                    "start": one,
                    "scheduled": heads,
                    "effective": heads,
                    "slots": heads,
                    "required": heads,
                }
                for one in at
            ],
        )


def call(store: Store, desk: Desk, names: list[str], at: datetime) -> float:
    """Put the people on the published roster from their notice on; gives the hours they work.

    As a planner would who publishes it with them.
    """
    start, end = at + NOTICE, desk.spike[1] + STAYS
    p, o = tables.plans.c, tables.plan_on_shift.c
    with store.writing("planner:benchmark") as writing:
        plan_id = writing.connection.scalars(
            sa.select(p.plan_id).where(p.state == "published")
        ).one()
        known = {agent.agent_id: agent for agent in load_agents(writing.connection)}
        served = {queue.name for queue in desk.brand.queues}
        there = set(
            writing.connection.scalars(
                sa.select(o.agent_id).where(o.plan_id == plan_id, o.start <= end, o.end > at)
            )
        )
        coming = [name for name in names if name not in there]
        if not coming or start >= end:
            return 0.0
        writing.connection.execute(
            tables.plan_on_shift.insert(),
            [
                {
                    "plan_id": plan_id,
                    "agent_id": name,
                    "start": start,
                    "end": end,
                    "queues": " ".join(
                        sorted(s.queue for s in known[name].skills if s.queue in served)
                    ),
                    "slots": 1,
                }
                for name in coming
            ],
        )
    return len(coming) * (end - start) / timedelta(hours=1)
