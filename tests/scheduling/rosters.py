"""Builders of small and large rostering problems for the tests of the roster."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd

from wfm.brands import Brand, Planning, Queue
from wfm.calendars import ServiceWindow
from wfm.frames import ATTAINMENTS, INSTANT, NEEDS, REQUIREMENT, interval_index
from wfm.people import (
    Agent,
    Availability,
    BreakRule,
    Contract,
    ContractTerm,
    Preference,
    ShiftTemplate,
    Skill,
    TimeOff,
)
from wfm.sla import OpeningGoal, ServiceGoal, WorkLaw
from wfm.timegrid import local_midnight, zone_named

MONDAY = date(2026, 3, 2)
QUEUES = ("x", "facebook", "instagram", "email", "linkedin")

DAY8 = ShiftTemplate(
    "day8",
    510,
    tuple(range(0, 1440, 60)),
    (
        BreakRule("break", 15, 90, 150),
        BreakRule("meal", 30, 210, 300),
        BreakRule("break", 15, 375, 435),
    ),
)
DAY6 = ShiftTemplate(
    "day6",
    390,
    tuple(range(0, 1440, 60)),
    (BreakRule("break", 15, 75, 135), BreakRule("meal", 30, 180, 240)),
)
DAY4 = ShiftTemplate("day4", 240, tuple(range(0, 1440, 60)), (BreakRule("break", 15, 75, 135),))

FULL = Contract("full", ("day8",), 8.5, 40, min_hours_per_week=32, max_days_per_week=5)
SIX = Contract("six", ("day6",), 6.5, 30, min_hours_per_week=18, max_days_per_week=5)
PART = Contract(
    "part", ("day4",), 4.5, 20, min_hours_per_week=8, max_days_per_week=5, max_consecutive_days=4
)


def make_queue(name: str, **changes: object) -> Queue:
    values: dict[str, object] = {
        "name": name,
        "channel": name if name in QUEUES else "x",
        "handle": f"@{name}",
        "language": "en",
        "window": ServiceWindow.always(),
        "goals": (ServiceGoal(),),
        "opening_goal": OpeningGoal(),
        "work": WorkLaw(),
    }
    return Queue(**(values | changes))  # type: ignore[arg-type]


def make_brand(
    *,
    queues: tuple[str, ...] = ("x",),
    templates: tuple[ShiftTemplate, ...] = (DAY8, DAY6, DAY4),
    contracts: tuple[Contract, ...] = (FULL, SIX, PART),
    zone: str = "UTC",
    planning: Planning | None = None,
) -> Brand:
    return Brand(
        "Test",
        zone,
        (),
        tuple(make_queue(q) for q in queues),
        contracts,
        templates,
        planning=planning or Planning(),
    )


def make_agent(
    agent_id: str = "a1",
    *,
    contract: str = "full",
    skills: tuple[str, ...] = ("x",),
    since: date = date(2020, 1, 1),
    **changes: object,
) -> Agent:
    return Agent(
        agent_id,
        agent_id.upper(),
        (ContractTerm(contract, since),),
        tuple(Skill(s) for s in skills),
        **changes,  # type: ignore[arg-type]
    )


def horizon(days: int = 7, *, first: date = MONDAY, zone: str = "UTC") -> tuple[datetime, datetime]:
    tz = zone_named(zone)
    return local_midnight(first, tz), local_midnight(first + timedelta(days=days), tz)


def make_requirement(agents: dict[str, object], start: datetime, end: datetime) -> pd.DataFrame:
    """REQUIREMENT of constants or of one value an interval, by queue."""
    index = interval_index(start, end)
    parts = []
    for queue, wanted in agents.items():
        whole = np.broadcast_to(np.asarray(wanted), len(index)).astype("int64")
        parts.append(
            pd.DataFrame(
                {
                    "start": index.astype(INSTANT),
                    "queue": pd.Series([queue] * len(index), dtype="str"),
                    "workload": whole * 0.8,
                    "first_workload": whole * 0.4,
                    "factor": 1.0,
                    **dict.fromkeys(NEEDS, whole.astype("float64")),
                    "agents": whole,
                    "agents_exact": whole.astype("float64"),
                    **dict.fromkeys(ATTAINMENTS, 0.95),
                    "binding": pd.Series(["first"] * len(index), dtype="str"),
                }
            )
        )
    return REQUIREMENT.check(pd.concat(parts, ignore_index=True))


def large_brand() -> Brand:
    return make_brand(queues=QUEUES, zone="Europe/Berlin")


def large_agents(count: int = 120, *, seed: int = 1) -> tuple[Agent, ...]:
    """A 24/7 desk: three contracts, six sets of skills, availability, time off and wishes."""
    rng = np.random.default_rng(seed)
    sets = [
        ("x", "facebook", "instagram"),
        ("x", "facebook"),
        ("facebook", "instagram"),
        ("x", "instagram", "email"),
        ("email", "linkedin"),
        QUEUES,
    ]
    weights = [0.3, 0.2, 0.15, 0.15, 0.1, 0.1]
    agents = []
    for n in range(count):
        contract = str(rng.choice(["full", "six", "part"], p=[0.65, 0.2, 0.15]))
        available: tuple[Availability, ...] = ()
        if rng.random() < 0.25:
            early = rng.random() < 0.5
            available = tuple(
                Availability(d, 360 if early else 720, 1080 if early else 1440) for d in range(7)
            )
        off = ()
        if rng.random() < 0.3:
            first = MONDAY + timedelta(days=int(rng.integers(28)))
            off = (TimeOff(first, first + timedelta(days=int(rng.integers(1, 6)))),)
        wishes = ()
        if rng.random() < 0.5:
            wishes = (Preference("day_off", str(rng.choice(["mon", "wed", "sat"])), 1.0),)
        agents.append(
            make_agent(
                f"a{n:03d}",
                contract=contract,
                skills=sets[int(rng.choice(len(sets), p=weights))],
                availability=available,
                time_off=off,
                preferences=wishes,
            )
        )
    return tuple(agents)


def large_requirement(start: datetime, end: datetime, *, scale: float = 1.0) -> pd.DataFrame:
    """A daily and weekly curve for five queues, peak about 31 agents, nights about 8."""
    index = interval_index(start, end).tz_convert("Europe/Berlin")
    hour = index.hour.to_numpy() + index.minute.to_numpy() / 60
    day = np.exp(-(((hour - 14) / 5.5) ** 2))
    weekend = np.where(index.weekday.to_numpy() >= 5, 0.7, 1.0)
    curve = scale * weekend
    office = ((hour >= 8) & (hour < 20)).astype(float)
    working = ((hour >= 9) & (hour < 17) & (index.weekday.to_numpy() < 5)).astype(float)
    return make_requirement(
        {
            "x": np.ceil(curve * (2 + 9 * day)),
            "facebook": np.ceil(curve * (1.5 + 6 * day)),
            "instagram": np.ceil(curve * (1 + 4 * day)),
            "email": np.ceil(curve * 4 * day) * office,
            "linkedin": np.ceil(curve * 2 * day) * working,
        },
        start,
        end,
    )
