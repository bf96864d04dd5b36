"""A small desk round the clock for what-if tests: three queues, two of which share their agents."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from rosters import DAY8, make_agent, make_brand, make_requirement

from scheduling.editing.ground import EditGround
from scheduling.whatif.situation import Situation, situation_of
from wfm.brands import Brand, Planning
from wfm.frames import INSTANT, QUANTILE_COLUMNS, interval_index
from wfm.paths import Paths
from wfm.timegrid import INTERVAL

START = datetime.fromisoformat("2026-03-02T00:00+00:00")
QUEUES = ("x", "facebook", "email")
BUSY = {"x": 8.0, "facebook": 5.0, "email": 4.0}


def at(hour: float, day: int = 0) -> datetime:
    return START + timedelta(days=day, hours=hour)


def a_brand(planning: Planning | None = None) -> Brand:
    return make_brand(queues=QUEUES, templates=(DAY8,), planning=planning or Planning(0.0, 0.0))


def a_situation(
    *, days: int = 3, paths: int = 30, seed: int = 1, busy: float = 1.0, brand: Brand | None = None
) -> Situation:
    """Eight agents for x and facebook and three for email at every hour, in shifts of 8 hours."""
    brand = brand or a_brand()
    end = START + timedelta(days=days)
    agents, rows = [], []
    teams = (("s", ("x", "facebook"), 8), ("m", ("email",), 3))
    for team, skills, size in teams:
        for shift in range(3):
            for n in range(size):
                name = f"{team}{shift}{n}"
                agents.append(make_agent(name, skills=skills))
                rows += [
                    (name, at(8 * shift, day), at(8 * shift + 8, day), "on_queue")
                    for day in range(days)
                ]
    roster = pd.DataFrame(rows, columns=["agent_id", "start", "end", "activity"]).assign(
        queue="", template="day8", pinned=False
    )
    roster = roster.astype(
        {"agent_id": "str", "activity": "str", "queue": "str", "template": "str"}
        | {"start": INSTANT, "end": INSTANT}
    )
    index = interval_index(START, end)
    forecast = pd.concat(
        [
            pd.DataFrame(
                {
                    "start": index,
                    "queue": queue,
                    "mean": mean * busy,
                    **dict.fromkeys(QUANTILE_COLUMNS, mean * busy),
                    "aht_s": 360.0,
                    "model": "known",
                }
            )
            for queue, mean in BUSY.items()
        ],
        ignore_index=True,
    ).astype({"queue": "str", "model": "str"})
    counts = np.random.default_rng(seed).poisson(
        np.array([BUSY[q] * busy for q in QUEUES]), size=(paths, len(index), len(QUEUES))
    )
    requirement = make_requirement({"x": 5, "facebook": 3, "email": 3}, START, end)
    ground = EditGround(brand, tuple(agents), requirement, START, end)
    return situation_of(ground, roster, forecast, Paths(START, QUEUES, counts), seed=seed)


def steps(start: datetime, end: datetime) -> int:
    return int((end - start) / INTERVAL)
