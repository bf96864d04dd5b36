"""The brand file's markets and queues: windows, goals within reach, work laws."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import cast

from wfm.brands import CHANNELS, Channel, Market, Queue
from wfm.calendars import ServiceWindow, public_holidays
from wfm.errors import DataError
from wfm.ingest.faults import unknown
from wfm.ingest.hours import Slot, hours_of, parse_hours
from wfm.ingest.tomltable import QUEUE_NAME, TomlTable, named, told, zone_of
from wfm.sla import SCOPES, Duration, Metric, OpeningGoal, Scope, ServiceGoal, WorkLaw

METRICS: tuple[Metric, ...] = ("first_response", "next_reply", "resolution")
MARKET_HOURS = ("mon-fri 09:00-18:00",)

# A holiday calendar is asked for some year to learn whether the country has one.
PROBE_YEAR = 2026


def _slots(table: TomlTable, key: str, default: tuple[str, ...] | None = None) -> list[Slot]:
    slots: list[Slot] = []
    for text in table.texts(key, default):
        try:
            slots += parse_hours(text)
        except DataError as error:
            told(table, key, error, text)
    return slots


def read_markets(top: TomlTable) -> tuple[tuple[Market, ...], dict[str, list[Slot]]]:
    """The markets, and the business hours of each."""
    markets: list[Market] = []
    hours: dict[str, list[Slot]] = {}
    taken: dict[str, int] = {}
    for table in top.tables("markets"):
        name = named(table, taken)
        country = table.text("country")
        try:
            if country:
                public_holidays(country, PROBE_YEAR)
        except DataError as error:
            told(table, "country", error, country)
        markets.append(Market(name, country, zone_of(table)))
        hours[name] = _slots(table, "hours", MARKET_HOURS)
        table.done()
    return tuple(markets), hours


def read_queues(
    top: TomlTable, zone: str, markets: tuple[Market, ...], hours: dict[str, list[Slot]]
) -> tuple[Queue, ...]:
    queues: list[Queue] = []
    taken: dict[str, int] = {}
    for table in top.tables("queues"):
        name = named(table, taken, QUEUE_NAME)
        work = _work(table.table("work"))
        window, of_markets = read_window(table, zone, markets, hours)
        chosen = _market_names(table, "markets", markets, default=of_markets)
        queues.append(
            Queue(
                name=name,
                channel=cast(Channel, table.choice("channel", CHANNELS)),
                handle=table.text("handle"),
                language=table.text("language"),
                window=window,
                goals=_goals(table, work),
                opening_goal=_opening_goal(table.table("opening_goal"), work),
                work=work,
                markets=chosen,
                minimum_staff=table.whole("minimum_staff", 1, low=0, high=10_000),
                default_aht_s=table.number("default_aht_s", work.aht_s, above=True),
            )
        )
        table.done()
    if not queues:
        top.fault("queues", "the brand wants at least one [[queues]]")
    return tuple(queues)


def _market_names(
    table: TomlTable, key: str, markets: tuple[Market, ...], *, default: tuple[str, ...] = ()
) -> tuple[str, ...]:
    names = table.texts(key, default)
    known = [market.name for market in markets]
    for name in names:
        if name not in known:
            table.fault(key, unknown("market", name, known), name)
    return tuple(name for name in names if name in known)


def read_window(
    table: TomlTable, zone: str, markets: tuple[Market, ...], hours: dict[str, list[Slot]]
) -> tuple[ServiceWindow, tuple[str, ...]]:
    """The table's `window`: when it is open, and the markets that say so."""
    value = table.raw("window")
    if value is None:
        table.fault("window", 'missing; write "24/7", hours, or { markets = [...] }')
    elif value in ("24/7", ["24/7"]):
        return ServiceWindow.always(), ()
    elif isinstance(value, dict):
        inner = table.table("window")
        names = _market_names(inner, "markets", markets)
        inner.done()
        if "markets" in inner and inner.raw("markets") == []:
            table.fault("window", "names no market", value)
        by_name = {market.name: market for market in markets}
        parts = [
            part
            for name in names
            for part in hours_of(hours[name], by_name[name].zone, by_name[name].country)
        ]
        return ServiceWindow(tuple(parts)), names
    else:
        slots = _slots(table, "window")
        if value == []:
            table.fault("window", "it would never be open")
        return ServiceWindow(hours_of(slots, zone)), ()
    return ServiceWindow.always(), ()


def _duration(table: TomlTable, default: Duration, *, above: bool = False) -> Duration:
    duration = Duration(
        table.number("mean_s", default.mean_s, above=above), table.number("cv", default.cv)
    )
    table.done()
    return duration


def _work(table: TomlTable) -> WorkLaw:
    default = WorkLaw()
    law = WorkLaw(
        _duration(table.table("first_touch"), default.first_touch, above=True),
        _duration(table.table("follow_up"), default.follow_up),
        table.number("continue_p", default.continue_p, high=1, below=True),
        _duration(table.table("think"), default.think),
        table.whole("concurrency_max", default.concurrency_max, low=1, high=100),
        _productivity(table),
    )
    if law.first_touch.mean_s <= 0:  # already told; keep reading with a law that holds
        law = replace(law, first_touch=default.first_touch)
    table.done()
    return law


def _productivity(table: TomlTable) -> tuple[float, ...]:
    """Measured cases per agent-hour at 1, 2, .. open conversations; none where it is left out."""
    value = table.raw("productivity")
    if value is None:
        return ()
    if (
        isinstance(value, list)
        and value
        and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in value)
        and all(0 < v < math.inf for v in value)
    ):
        return tuple(float(v) for v in value)
    table.fault(
        "productivity",
        "want a list of numbers above 0: cases per agent-hour at 1, 2, .. open conversations",
        value,
    )
    return ()


def _goals(queue: TomlTable, work: WorkLaw) -> tuple[ServiceGoal, ...]:
    goals: list[ServiceGoal] = []
    for table in queue.tables("goals"):
        goal = ServiceGoal(
            metric=cast(Metric, table.choice("metric", METRICS, "first_response")),
            threshold_s=table.whole("threshold_s", 900, low=1, high=10_000_000),
            share=_share(table),
            scope=cast(Scope, table.choice("scope", SCOPES, "hour")),
        )
        touch = work.follow_up if goal.metric == "next_reply" else work.first_touch
        _check_reach(table, touch, goal.threshold_s, goal.share)
        goals.append(goal)
        table.done()
    if "goals" not in queue:
        goal = ServiceGoal()
        _check_reach(queue, work.first_touch, goal.threshold_s, goal.share, key="goals")
        return (goal,)
    if not any(goal.metric == "first_response" for goal in goals):
        queue.fault("goals", "a queue wants at least one first_response goal, to be planned for")
    return tuple(goals)


def _share(table: TomlTable) -> float:
    return table.number("share", 0.90, above=True, high=1, below=True)


def _opening_goal(table: TomlTable, work: WorkLaw) -> OpeningGoal:
    default = OpeningGoal()
    goal = OpeningGoal(
        table.whole("threshold_s", default.threshold_s, low=1, high=10_000_000), _share(table)
    )
    _check_reach(table, work.first_touch, goal.threshold_s, goal.share)
    table.done()
    return goal


def _check_reach(
    table: TomlTable, touch: Duration, threshold_s: int, share: float, *, key: str = "share"
) -> None:
    """A goal that a case misses by its own handling alone is out of any staffing's reach."""
    best = touch.share_within(threshold_s)
    if best < share:
        table.fault(
            key,
            f"no staffing can meet this goal: the handling itself (mean {touch.mean_s:g} s, cv "
            f"{touch.cv:g}) ends within {threshold_s} s in {best:.1%} of cases at best; promise "
            "less, allow longer, or shorten the handling",
            share,
        )
