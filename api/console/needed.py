"""What the page Requirement looks at: its choices and its tables. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pandas as pd

from api.console import layout, series, spans, words
from api.console.views import PlanView
from wfm.brands import Brand, Planning, Queue
from wfm.errors import RequestError
from wfm.frames import BINDING, NEEDS
from wfm.timegrid import INTERVAL, INTERVAL_S, floor_interval, local_day, parse_instant

HOURS = INTERVAL_S / 3600
# A chart of more days than these is drawn by the hour.
FINE_DAYS = 8
LOADS = ("workload", "first_workload", "planned")


@dataclass(frozen=True)
class Look:
    """Which queue ("" for all) of the plan is looked at, from one local midnight to another."""

    queue: str
    days: tuple[date, ...]
    start: datetime
    end: datetime

    @property
    def is_fine(self) -> bool:
        """Whether every interval is drawn."""
        return len(self.days) <= FINE_DAYS

    @property
    def step(self) -> timedelta:
        """Length of what is drawn as one."""
        return INTERVAL if self.is_fine else timedelta(hours=1)


def look_at(brand: Brand, plan: PlanView, choices: Mapping[str, str]) -> Look:
    """What the choices of queue, week and day mean; all queues where the queue is none of ours."""
    days = spans.plan_days(plan.start, plan.end, brand.tz)
    chosen = spans.chosen_days(days, choices["week"], choices["day"])
    names = {queue.name for queue in brand.queues}
    queue = choices["queue"] if choices["queue"] in names else series.ALL
    return Look(queue, tuple(chosen), *spans.instants(chosen, brand.tz))


def first_queue(brand: Brand) -> str:
    """The queue that is shown first: why it needs its agents can be told of one queue only."""
    return brand.queues[0].name


def rows_of(plan: PlanView, look: Look) -> pd.DataFrame:
    """REQUIREMENT of the queues and the stretch that are looked at."""
    rows = series.between(plan.tables.requirement, look.start, look.end)
    return rows if look.queue == series.ALL else rows[rows["queue"] == look.queue]


def by_binding(rows: pd.DataFrame, look: Look) -> pd.DataFrame:
    """Loads, and agents by what binds them, indexed by start; see `requirement_chart`.

    A queue needs whole agents; of all queues together they are shared, so theirs are added exactly.
    """
    agents = "agents_exact" if look.queue == series.ALL else "agents"
    parts = rows[["start", "workload", "first_workload"]].assign(
        planned=rows["workload"] * rows["factor"],
        **{code: rows[agents].where(rows["binding"] == code, 0.0) for code in BINDING},
    )
    sums = parts.groupby("start").sum()
    return sums.astype(float) if look.is_fine else series.thinned(sums, fine=False)


def together(rows: pd.DataFrame) -> pd.Series:
    """Agents of all rows of an interval, exactly, by start."""
    return rows.groupby("start")["agents_exact"].sum()


def hours_by_binding(rows: pd.DataFrame) -> dict[str, float]:
    """Agent hours by what binds them, the largest first."""
    hours = rows.groupby("binding")["agents_exact"].sum().sort_values(ascending=False) * HOURS
    return {str(code): float(value) for code, value in hours.items() if value > 0}


def rehearsed_hours(requirement: pd.DataFrame, queue: str) -> float:
    """Agent hours that rehearsals put on top of every need, of one queue or ("") of all.

    Negative where simulation showed that fewer suffice.
    """
    raised = requirement[requirement["binding"] == "rehearsal"]
    if queue != series.ALL:
        raised = raised[raised["queue"] == queue]
    needs = raised[list(NEEDS)].max(axis=1)
    return float((raised["agents_exact"] - needs).sum()) * HOURS


def busiest(rows: pd.DataFrame) -> datetime | None:
    """The interval that needs most agents; None where nothing is needed at all."""
    agents = together(rows)
    if agents.empty:
        return None
    return pd.DatetimeIndex(agents.index)[int(agents.to_numpy().argmax())].to_pydatetime()


def is_needed(rows: pd.DataFrame, at: datetime) -> bool:
    """Whether anybody is needed in the interval that holds `at`."""
    return bool(rows.loc[rows["start"] == pd.Timestamp(floor_interval(at)), "agents"].any())


def chosen_interval(rows: pd.DataFrame, look: Look, wanted: datetime | None) -> datetime | None:
    """The interval that holds `wanted` where that is looked at, else the busiest."""
    if wanted is not None and look.start <= wanted < look.end:
        return floor_interval(wanted)
    return busiest(rows)


def same_time_on(wanted: datetime, day: date, brand: Brand) -> datetime:
    """The same time of the wall clock on another local day."""
    local = wanted.astimezone(brand.tz).replace(tzinfo=None)
    moved = local + (day - local_day(wanted, brand.tz))
    return moved.replace(tzinfo=brand.tz).astimezone(wanted.tzinfo)


def at_interval(rows: pd.DataFrame, text: str | None) -> pd.DataFrame:
    """The rows of the interval that the browser names; none where it names none."""
    try:
        instant = parse_instant(text or "")
    except RequestError:
        return rows[:0]
    return rows[rows["start"] == instant]


def day_options(look: Look) -> list[dict[str, str]]:
    return [{"label": words.day_name(day), "value": day.isoformat()} for day in look.days]


def risk_words(planning: Planning) -> str:
    """Which day is staffed for, in a few words.

    >>> risk_words(Planning(risk_quantile=0.8))
    'q80 day'
    """
    if planning.risk == "expected":
        return "expected day"
    return f"q{planning.risk_quantile * 100:g} day"


def busier(factor: float) -> str:
    """
    >>> busier(1.094), busier(0.97)
    ('9.4 % above the expected load', '3.0 % below the expected load')
    """
    side = "above" if factor >= 1 else "below"
    return f"{words.percent(abs(factor - 1))} {side} the expected load"


def planned_factor(rows: pd.DataFrame) -> float | None:
    """Load of the planned-for days over the expected one; None without any load."""
    expected = float(rows["workload"].sum())
    return float((rows["workload"] * rows["factor"]).sum()) / expected if expected > 0 else None


def queue_of(brand: Brand, look: Look) -> Queue | None:
    """The one queue that is looked at; None for all of them."""
    return None if look.queue == series.ALL else brand.queue(look.queue)


def named(brand: Brand, queue: str) -> str:
    return layout.queue_labels(brand).get(queue, queue)
