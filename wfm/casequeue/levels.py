"""The levels that the plan gave the queue: who is to be there, and what is to come.

As long as the plan can be read they are its own. When it cannot, or no published roster covers
the present, the last good ones go on being used, with their age said: the same time of the last
day that was known.

On the live queue's path: standard library and SQLAlchemy only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from wfm.errors import WfmError
from wfm.store import levels, staffing
from wfm.store.engine import Store
from wfm.store.staffing import OnShift
from wfm.timegrid import INTERVAL, floor_interval, format_instant, intervals, parse_instant

if TYPE_CHECKING:
    from sqlalchemy import Connection

# How much of the plan is kept for when it can no longer be read, and how often it is kept anew.
KEPT = timedelta(days=1)
KEPT_FOR = timedelta(hours=1)

ACTOR = "service:levels"


@dataclass(frozen=True)
class Level:
    """One queue in one interval of the plan; `expected` contacts arrive, None: not forecast."""

    scheduled: float
    effective: float
    slots: float
    required: float
    expected: float | None


@dataclass(frozen=True)
class Levels:
    """What the plan says of a few intervals.

    as_of    when it was read from the plan
    version  of the roster, published at `published_at`
    pools    by interval: how many agents serve exactly these queues, absences taken off
    queues   by interval and queue
    doubt    why these are not the plan's own of now; "" when they are
    """

    as_of: datetime
    version: int
    published_at: datetime
    pools: Mapping[datetime, Mapping[frozenset[str], float]]
    queues: Mapping[datetime, Mapping[str, Level]]
    doubt: str = ""

    def level(self, queue: str, start: datetime) -> Level | None:
        """The queue's level in the interval that begins at `start`."""
        return self.queues.get(start, {}).get(queue)


def levels_now(store: Store, *, now: datetime, quarters: int, back: int = 0) -> Levels | None:
    """The levels of `back` intervals, the present one and the `quarters` after it; None when none
    ever were.

    Of the rosters in force, or the last good ones, with the reason and their age in `doubt`.
    """
    start = floor_interval(now)
    end = start + (quarters + 1) * INTERVAL
    try:
        with store.reading() as connection:
            found = read_plan(connection, now, start - back * INTERVAL, end)
        why = "no published roster covers the present"
    except WfmError as error:
        found, why = None, f"the plan cannot be read: {error.message}"
    if found is not None and start in found.queues:
        return found
    with store.reading() as connection:
        kept = levels.policy_documents(connection).get(levels.ALL, {}).get("levels")
    return (
        None
        if kept is None
        else _of_last_good(kept, start - back * INTERVAL, end, now=now, why=why)
    )


def keep_levels(store: Store, *, now: datetime) -> bool:
    """Keep a day of the plan's levels for when it can no longer be read; whether it was due."""
    start = floor_interval(now)
    with store.reading() as connection:
        kept = levels.policy_documents(connection).get(levels.ALL, {}).get("levels")
        version = staffing.version_at(connection, start)
        if version is None:
            return False
        if kept is not None and kept["version"] == version:
            age = now - parse_instant(kept["as_of"])
            # A clock that was set back makes them anew.
            due = not timedelta() <= age < KEPT_FOR
        else:
            due = True
        if not due:
            return False
        found = read_plan(connection, now, start, start + KEPT)
    if found is None or start not in found.queues:
        return False
    with store.writing(ACTOR) as writing:
        document = levels.lock_policy(writing, levels.ALL)
        levels.write_policy(writing, levels.ALL, {**document, "levels": _document(found)})
    return True


def read_plan(
    connection: Connection, now: datetime, start: datetime, end: datetime
) -> Levels | None:
    """The levels of the intervals in [start, end) by the rosters in force; None without any."""
    rows = staffing.staffing_rows(connection, start, end)
    if not rows:
        return None
    plan_ids = {row.plan_id for row in rows}
    version = staffing.versions_of(connection, [rows[0].plan_id])[rows[0].plan_id]
    expected = {
        **levels.planned_arrivals(connection, plan_ids, start, end),
        **levels.updated_arrivals(connection, start, end),
    }
    queues: dict[datetime, dict[str, Level]] = {}
    for row in rows:
        arrivals = expected.get((row.queue, row.start))
        level = Level(row.scheduled, row.effective, row.slots, row.required, arrivals)
        queues.setdefault(row.start, {})[row.queue] = level
    shifts = staffing.shifts_between(connection, start, end)
    pools = {at: _pools(shifts, at, _there(queues.get(at, {}))) for at in intervals(start, end)}
    return Levels(now, version.version, version.published_at, pools, queues)


def _there(queues: Mapping[str, Level]) -> float:
    """The share of the interval's scheduled agents that is expected to be there."""
    scheduled = sum(level.scheduled for level in queues.values())
    return sum(level.effective for level in queues.values()) / scheduled if scheduled > 0 else 1.0


def _pools(shifts: Iterable[OnShift], at: datetime, there: float) -> dict[frozenset[str], float]:
    """Agents by the queues they serve in the interval, each as far as they are on shift in it."""
    heads: dict[frozenset[str], float] = {}
    for shift in shifts:
        on_queue = min(shift.end, at + INTERVAL) - max(shift.start, at)
        if on_queue > timedelta():
            queues = frozenset(shift.queues)
            heads[queues] = heads.get(queues, 0.0) + there * (on_queue / INTERVAL)
    return heads


# -- the last good ones --------------------------------------------------------------------------


def _document(found: Levels) -> dict[str, Any]:
    return {
        "as_of": format_instant(found.as_of),
        "version": found.version,
        "published_at": format_instant(found.published_at),
        "pools": {
            format_instant(at): [[sorted(queues), round(n, 3)] for queues, n in pools.items()]
            for at, pools in found.pools.items()
        },
        "queues": {
            format_instant(at): {name: astuple(level) for name, level in queues.items()}
            for at, queues in found.queues.items()
        },
    }


def _of_last_good(
    kept: Mapping[str, Any], start: datetime, end: datetime, *, now: datetime, why: str
) -> Levels:
    """The kept levels; of what lies behind their end, those of the same time a day before."""
    known = [parse_instant(at) for at in kept["queues"]]
    pools: dict[datetime, Mapping[frozenset[str], float]] = {}
    queues: dict[datetime, Mapping[str, Level]] = {}
    for at in intervals(start, end):
        days = max(0, -((max(known) - at) // KEPT)) if at > max(known) else 0
        named = format_instant(at - days * KEPT)
        pools[at] = {frozenset(names): n for names, n in kept["pools"].get(named, ())}
        queues[at] = {name: Level(*level) for name, level in kept["queues"].get(named, {}).items()}
    as_of = parse_instant(kept["as_of"])
    return Levels(
        as_of,
        kept["version"],
        parse_instant(kept["published_at"]),
        pools,
        queues,
        doubt=f"{why}; these levels are the last good ones, {age_of(now - as_of)} old "
        f"(roster version {kept['version']}, read {format_instant(as_of)})",
    )


def age_of(age: timedelta) -> str:
    """An age in the unit that fits it.

    >>> [age_of(timedelta(minutes=n)) for n in (7, 300, 4000)]
    ['7 min', '5 h', '3 days']
    """
    minutes = max(0.0, age.total_seconds()) / 60
    if minutes < 120:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 2880 else f"{minutes / 1440:.0f} days"
