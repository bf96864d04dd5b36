"""A desk of four agents with a published plan of three days, for the tests of drafts."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "scheduling"))
from rosters import DAY4, make_agent, make_brand, make_requirement

from forecasting.scenarios.paths import Noise
from scheduling.editing.changes import Change, Segment, applied
from wfm.brands import Brand, Planning
from wfm.frames import FORECAST, ON_SHIFT, QUANTILE_COLUMNS, ROSTER, STAFFING, interval_index
from wfm.people import Contract
from wfm.settings import Settings
from wfm.store import plans
from wfm.store.brands import save_brand
from wfm.store.engine import Store, open_store
from wfm.store.forecasts import Version
from wfm.store.people import save_agents
from wfm.timegrid import FixedClock, local_midnight

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
# A Monday a week after it.
MONDAY = date(2026, 3, 9)
TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
AGENTS = ("a1", "a2", "a3", "a4")
BRAND: Brand = make_brand(
    templates=(DAY4,),
    contracts=(Contract("part", ("day4",), 4.5, 20),),
    zone="Europe/Berlin",
    planning=Planning(planned_shrinkage=0.0, unplanned_shrinkage=0.0),
)
SPREAD = dict(zip(QUANTILE_COLUMNS, (0.4, 0.6, 1.0, 1.25, 1.4, 1.6, 1.8), strict=True))


def at(day: date, hour: float) -> datetime:
    return local_midnight(day, BRAND.tz) + timedelta(hours=hour)


def shift(day: date, hour: float) -> tuple[Segment, ...]:
    """Four hours from the local hour on, with the break after a hundred minutes."""
    start, pause = at(day, hour), at(day, hour) + timedelta(minutes=105)
    after = pause + timedelta(minutes=15)
    return (
        Segment(start, pause, "on_queue", "", "day4"),
        Segment(pause, after, "break", "", "day4"),
        Segment(after, start + timedelta(hours=4), "on_queue", "", "day4"),
    )


def roster_of(*shifts: tuple[str, date, float]) -> pd.DataFrame:
    """ROSTER of such shifts: agent, local day, local hour."""
    return applied(
        ROSTER.empty(), [Change(agent, day, (), shift(day, hour)) for agent, day, hour in shifts]
    )


# Two agents a day, one after the other; on Wednesday the afternoon lacks one.
ROSTERED = roster_of(
    ("a1", MONDAY, 8), ("a2", MONDAY, 12), ("a1", TUESDAY, 8), ("a3", TUESDAY, 12),
    ("a2", WEDNESDAY, 8),
)  # fmt: skip


def keep_desk(store: Store) -> None:
    """Keep the brand and its agents."""
    with store.writing("ann") as writing:
        save_brand(writing, BRAND)
        save_agents(writing, [make_agent(name, contract="part") for name in AGENTS])


def keep_plan(
    store: Store,
    roster: pd.DataFrame = ROSTERED,
    *,
    first: date = MONDAY,
    days: int = 3,
    publish: bool = True,
) -> int:
    """Keep a plan of some days that needs one agent from 8 to 16; gives its id."""
    start, end = at(first, 0), at(first + timedelta(days=days), 0)
    index = interval_index(start, end)
    hours = index.tz_convert(BRAND.tz).hour
    needed = make_requirement({"x": ((hours >= 8) & (hours < 16)).astype(int)}, start, end)
    level = 2.0
    forecast = pd.DataFrame(
        {
            "start": index,
            "mean": level,
            **{name: level * share for name, share in SPREAD.items()},
            "aht_s": 300.0,
        }
    ).assign(queue="x", model="blend")
    forecast = forecast.astype({"queue": "str", "model": "str"})
    noise = Noise(BRAND.zone, 0.5, {"x": (0.1,)}, {"x": first - timedelta(days=1)})
    with store.writing("ann") as writing:
        plan_id = plans.insert_draft(
            writing,
            start=start,
            end=end,
            seed=3,
            lineage={"noise": noise.to_document()},
            summary={"gap": 0.01, "paid_hours": 20.0, "messages": []},
            certificate={"goals": [], "seed": 33},
            forecast=Version(FORECAST.check(forecast), noise=noise.to_document()),
            frames={
                "requirement": needed,
                "roster": roster,
                "staffing": STAFFING.empty(),
                "on_shift": ON_SHIFT.empty(),
            },
        )
        if publish:
            plans.publish(writing, plan_id)
    return plan_id


def own_store(desk_home: Path, settings: Settings) -> Iterator[Store]:
    """A copy of the store that `desk_home` holds, at the tests' clock: quicker than a new one."""
    shutil.copytree(desk_home, settings.home)
    opened = open_store(settings.store_url, clock=FixedClock(NOW))
    yield opened
    opened.close()
