"""A desk for the tests of staffing: brand, forecast, paths, and agents who cover a requirement."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from wfm.brands import Brand, Planning, Queue
from wfm.calendars import ServiceWindow
from wfm.frames import INSTANT, QUANTILE_COLUMNS, interval_index
from wfm.paths import Paths
from wfm.sla import OpeningGoal, ServiceGoal, WorkLaw

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def a_queue(name: str = "x", **changes: object) -> Queue:
    defaults: dict[str, object] = {
        "channel": "x",
        "handle": f"@{name}",
        "language": "en",
        "window": ServiceWindow.always(),
        "goals": (ServiceGoal(),),
        "opening_goal": OpeningGoal(),
        "work": WorkLaw(),
    }
    return Queue(name=name, **(defaults | changes))


def a_desk(
    mean: object,
    *queues: Queue,
    days: float = 1,
    paths: int = 40,
    day_cv: float = 0.0,
    seed: int = 1,
    aht_s: float | None = None,
    planning: Planning | None = None,
) -> SimpleNamespace:
    """Brand, forecast and paths from Monday 2026-03-02, UTC; mean (intervals,) or (.., queues)."""
    queues = queues or (a_queue(),)
    brand = Brand(
        "test",
        "UTC",
        (),
        queues,
        (),
        (),
        planning=planning or Planning(planned_shrinkage=0.0, unplanned_shrinkage=0.0),
    )
    end = MONDAY + timedelta(days=days)
    index = interval_index(MONDAY, end)
    mean = np.asarray(mean, float)
    columns = mean if mean.ndim == 2 else mean.reshape(-1, 1)
    mean = np.broadcast_to(columns, (len(index), len(queues)))
    parts = [
        pd.DataFrame(
            {
                "start": index,
                "queue": queue.name,
                "mean": mean[:, q],
                **dict.fromkeys(QUANTILE_COLUMNS, mean[:, q]),
                "aht_s": aht_s or queue.work.aht_s,
                "model": "known",
            }
        )
        for q, queue in enumerate(queues)
    ]
    forecast = pd.concat(parts, ignore_index=True).astype({"queue": "str", "model": "str"})
    rng = np.random.default_rng(seed)
    day = np.arange(len(index)) // 96
    factor = np.ones((paths, int(day.max()) + 1, 1))
    if day_cv:
        factor = rng.gamma(1 / day_cv**2, day_cv**2, size=factor.shape)
    counts = rng.poisson(factor[:, day] * mean[None])
    sampled = Paths(MONDAY, tuple(q.name for q in queues), counts)
    return SimpleNamespace(
        brand=brand, forecast=forecast, paths=sampled, start=MONDAY, end=end, index=index
    )


def staff_for(table: pd.DataFrame) -> pd.DataFrame:
    """ON_SHIFT with exactly the agents of a table start, queue, agents; everyone has one queue."""
    rows = []
    for queue, part in table.sort_values("start").groupby("queue"):
        agents, starts = part["agents"].to_numpy(), part["start"].reset_index(drop=True)
        for j in range(int(agents.max(initial=0))):
            here = np.concatenate([[0], (agents > j).astype(int), [0]])
            edges = np.flatnonzero(np.diff(here))
            for a, b in zip(edges[::2], edges[1::2], strict=True):
                ends = starts[b - 1] + pd.Timedelta(minutes=15)
                rows.append((f"{queue}-{j:03}", starts[a], ends, queue, 1))
    table = pd.DataFrame(rows, columns=["agent_id", "start", "end", "queues", "slots"])
    kinds = {"agent_id": "str", "queues": "str", "slots": "int64"}
    return table.astype(kinds | {"start": INSTANT, "end": INSTANT})


@pytest.fixture
def make_queue() -> Callable[..., Queue]:
    return a_queue


@pytest.fixture
def make_desk() -> Callable[..., SimpleNamespace]:
    return a_desk


@pytest.fixture
def staff() -> Callable[[pd.DataFrame], pd.DataFrame]:
    return staff_for
