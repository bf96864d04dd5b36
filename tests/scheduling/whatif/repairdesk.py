"""A desk round the clock that can do everything about a spike, and evaluations made up for it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))
from rosters import DAY8, MONDAY, horizon, make_agent, make_queue, make_requirement

from scheduling.editing.changes import Change, Segment, table_of
from scheduling.editing.ground import EditGround
from scheduling.editing.laying import joined, laid, painted
from scheduling.whatif.results import Evaluation
from scheduling.whatif.scenario import Scenario, Surge
from scheduling.whatif.situation import Situation, situation_of
from wfm.brands import Brand, Planning, Queue
from wfm.frames import INSTANT, QUANTILE_COLUMNS, interval_index
from wfm.paths import Paths
from wfm.people import Agent, Contract
from wfm.sla import ServiceGoal

DAYS = 7
# Hours of overtime are lawful under the one contract and not under the other.
LOOSE = Contract(
    "loose", ("day8",), 10, 52, max_days_per_week=6, max_consecutive_days=7, max_weekends_in_4=4
)
STRICT = Contract("strict", ("day8",), 8, 40)

QUEUES = (
    make_queue("x"),
    make_queue("instagram"),
    make_queue("email", goals=(ServiceGoal.first_response(within_s=4 * 3600),)),
    make_queue("linkedin"),
    make_queue("facebook", language="de"),
)
# Team: skills, people in each of the day, late and night shift.
TEAMS = {"s": (("x", "instagram"), 6), "m": (("x", "email"), 2), "l": (("linkedin",), 2),
         "f": (("facebook",), 1)}  # fmt: skip
STARTS = (10, 14, 22)
TRAINED = ("s10", "s11", "s12")
STANDING_BY = ("b0", "b1")


def at(hour: float, day: int = 2) -> datetime:
    """The hour, UTC, of the numbered day; a Wednesday in the middle of the roster unless told."""
    return datetime(2026, 3, 2, tzinfo=UTC) + timedelta(days=day, hours=hour)


def brand_with(contracts: tuple[Contract, ...] = (LOOSE, STRICT), **changes: object) -> Brand:
    base = Brand("Desk", "UTC", (), QUEUES, contracts, (DAY8,), planning=Planning(0.0, 0.0))
    return replace(base, **changes)


def works(number: int, day: int) -> bool:
    """Five days of seven, everybody's days off at another time of the week."""
    return (day + 2 * number) % 7 < 5


def shift_of(hour: float, day: date, places: tuple[int, ...] = (6, 14, 25)) -> list[Segment]:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour)
    return list(laid(DAY8, start, places))


def a_desk(
    *,
    contract: str = "loose",
    trained: tuple[str, ...] = TRAINED,
    standing_by: tuple[str, ...] = STANDING_BY,
    teams: Mapping[str, tuple[tuple[str, ...], int]] = TEAMS,
    brand: Brand | None = None,
    frozen_until: datetime | None = None,
    needs: int = 0,
    agents: Mapping[str, Mapping[str, object]] | None = None,
    pinned: bool = False,
) -> Situation:
    """About 35 people who work five days of seven, by day, late or at night.

    trained      have a training from 17:00 to 18:00, on the days they work late
    standing_by  serve x, and stand by from 16:00 to 24:00 on every day
    needs        heads that each queue needs at every hour
    agents       what is otherwise about some of them
    """
    brand = brand or brand_with()
    start, end = horizon(DAYS)
    people: list[Agent] = []
    lines: dict[str, list[Segment]] = {}
    for team, (skills, size) in teams.items():
        for number, (turn, n) in enumerate((t, n) for t in range(3) for n in range(size)):
            name = f"{team}{turn}{n}"
            more = dict((agents or {}).get(name, {}))
            people.append(make_agent(name, contract=contract, skills=skills, **more))
            lines[name] = []
            for day in range(DAYS):
                if not works(number, day):
                    continue
                shift = shift_of(STARTS[turn], MONDAY + timedelta(days=day))
                if name in trained:
                    shift = list(joined(painted(shift, at(17, day), at(18, day), "training")))
                lines[name] += [replace(s, pinned=pinned) for s in shift]
    for name in standing_by:
        people.append(make_agent(name, contract=contract, skills=("x",)))
        lines[name] = [Segment(at(16, day), at(24, day), "standby") for day in range(DAYS)]
    names = [q.name for q in brand.queues]
    ground = EditGround(
        brand,
        tuple(people),
        make_requirement(dict.fromkeys(names, needs), start, end),
        start,
        end,
        frozen_until=frozen_until,
    )
    counts = np.full((2, DAYS * 96, len(names)), 4)
    paths = Paths(start, tuple(names), counts)
    return situation_of(ground, table_of(lines), forecast_of(names, start, end), paths, seed=1)


def forecast_of(names: list[str], start: datetime, end: datetime) -> pd.DataFrame:
    """Four contacts a quarter-hour on every queue."""
    index = interval_index(start, end)
    parts = [
        pd.DataFrame({"start": index, "queue": name, "mean": 4.0})
        .assign(**dict.fromkeys(QUANTILE_COLUMNS, 4.0))
        .assign(aht_s=360.0, model="known")
        for name in names
    ]
    return pd.concat(parts, ignore_index=True).astype(
        {"start": INSTANT, "queue": "str", "model": "str"}
    )


def spike(start: datetime | None = None, queue: str = "x", **changes: object) -> Scenario:
    begins = start or at(17)
    return replace(Scenario("spike", (Surge(begins, 120, (queue,), 4.0),)), **changes)


def told(
    situation: Situation,
    scenario: Scenario,
    late: Mapping[str, tuple[datetime, datetime]],
    *,
    attained: float = 0.3,
    waiting: float = 200.0,
    usual: float = 0.97,
) -> Evaluation:
    """An evaluation in which these queues are late from when until when.

    attained  in time of those who come then, and `waiting` messages; all else is as usual
    """
    index = interval_index(situation.start, situation.end)
    rows = []
    for queue in ("", *situation.queues):
        begins, ends = late.get(queue, (situation.end, situation.end))
        during = np.asarray((index >= begins) & (index < ends))
        rows.append(
            pd.DataFrame(
                {
                    "start": index,
                    "queue": queue,
                    "cases_before": 4.0,
                    "cases_after": 8.0,
                    "attainment_before": usual,
                    "attainment_after": np.where(during, attained, usual),
                    "backlog_before": 1.0,
                    "backlog_after": np.where(during, waiting, 1.0),
                }
            )
        )
    table = pd.concat(rows, ignore_index=True).astype({"queue": "str"})
    return Evaluation(
        scenario, situation.start, situation.end, situation.queues, table, (), 0.0, 0.0, 0.0, 2, 1,
        0.0,
    )  # fmt: skip


def first_moved(changes: tuple[Change, ...]) -> datetime:
    """The first quarter-hour in which somebody does something else than before."""
    return min(min(_quarters(c.before) ^ _quarters(c.after))[0] for c in changes)


def _quarters(segments: tuple[Segment, ...]) -> set[tuple[datetime, str, str]]:
    return {
        (moment.to_pydatetime(), s.activity, s.queue)
        for s in segments
        for moment in interval_index(s.start, s.end)
    }


def only(queue: Queue, *, people: int) -> dict[str, object]:
    """A desk of one queue."""
    size = people // 3
    return {
        "brand": brand_with(queues=(queue,)),
        "teams": {"s": ((queue.name,), size)},
        "trained": (),
        "standing_by": (),
    }
