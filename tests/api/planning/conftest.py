"""A small brand with four weeks of seeded history, planned once for all tests of a process."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from api.planning.plan import Plan, PlanInputs, compute_plan
from wfm.brands import Brand, Market, Planning, Queue
from wfm.calendars import Hours, ServiceWindow
from wfm.frames import ROSTER, VOLUMES, interval_index
from wfm.people import Agent, BreakRule, Contract, ContractTerm, ShiftTemplate, Skill
from wfm.sla import Duration, OpeningGoal, ServiceGoal, WorkLaw

START = datetime(2026, 3, 2, tzinfo=UTC)
END = START + timedelta(days=7)
LAW = WorkLaw(Duration(150, 0.5), Duration(100, 0.5), 0.5, Duration(900, 1.0), 2)


def small_queue(name: str, window: ServiceWindow) -> Queue:
    goals = (ServiceGoal.first_response(),)
    return Queue(name, "x", f"@{name}", "en", window, goals, OpeningGoal(), LAW, default_aht_s=250)


def small_brand() -> Brand:
    days = ServiceWindow((Hours("UTC", frozenset(range(7)), 8 * 60, 20 * 60),))
    starts = tuple(range(0, 1440, 60))
    return Brand(
        name="Small",
        zone="UTC",
        markets=(Market("GB", "GB", "UTC"),),
        queues=(small_queue("day", days), small_queue("night", ServiceWindow.always())),
        contracts=(Contract("full", ("eight",), 8, 40, max_weekends_in_4=3),),
        templates=(
            ShiftTemplate(
                "eight",
                510,
                starts,
                (BreakRule("break", 15, 90, 150), BreakRule("meal", 30, 210, 270)),
            ),
        ),
        planning=Planning(),
    )


def small_agents(count: int = 26) -> tuple[Agent, ...]:
    return tuple(
        Agent(
            f"S{n:02d}",
            f"Agent {n}",
            (ContractTerm("full", date(2025, 1, 1)),),
            tuple(Skill(q) for q in (("day", "night") if n % 2 else ("night",))),
        )
        for n in range(count)
    )


def small_volumes(weeks: int = 4) -> pd.DataFrame:
    index = interval_index(START - timedelta(weeks=weeks), START)
    rng = np.random.default_rng(5)
    hour = index.hour + index.minute / 60
    level = 2.5 + 2.0 * np.sin((hour - 9) / 24 * 2 * np.pi)
    parts = [
        pd.DataFrame(
            {
                "start": index,
                "queue": pd.Series([name] * len(index), dtype="str"),
                "contacts": rng.poisson(level * share).astype("int64"),
                "aht_s": np.full(len(index), 250.0),
            }
        )
        for name, share in (("day", 0.8), ("night", 1.0))
    ]
    return VOLUMES.check(pd.concat(parts, ignore_index=True))


def small_inputs(**changes: object) -> PlanInputs:
    inputs = PlanInputs(
        brand=small_brand(),
        agents=small_agents(),
        campaigns=(),
        volumes=small_volumes(),
        history=ROSTER.empty(),
        start=START,
        end=END,
        seed=3,
        replications=20,
        models=("blend",),
    )
    return replace(inputs, **changes)


@pytest.fixture(scope="session")
def inputs() -> PlanInputs:
    return small_inputs()


@pytest.fixture(scope="session")
def plan(inputs: PlanInputs) -> Plan:
    return compute_plan(inputs)
