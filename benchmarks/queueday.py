"""A day with a spike, through the service: the queue that reads the plan against one that does not.

    python -m benchmarks.queueday [--quick] [--json FILE] [--seed N]

Customers and agents are simulated, everything else is the product: messages come by the API, agents
of the published roster claim and answer by it, and the service's tick looks ahead each minute.
Three arms meet the same customers: `passive` predicts and does nothing; `own order` may
acknowledge, put calm queues off and turn spike mode on; `and call-out` may also call people, who
come after 45 minutes. Automatic acknowledgements do not count as replies.

The sample brand plans its day here; a spike of six times the usual comes to two queues for two
hours. `--quick`: two queues, four hours, a spike of an hour.

Rows: arm, cases, in_time, worst_hour, hours_kept (of `hours`), predicted_at, acted_at, broke_at,
called_h. Tables: `hours` (share in time of the cases that came in each hour, by arm) and `steps`
(what the policy did, and why). Times are those of the site.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.queuedaydesk import Desk, arms, sample, small, with_policy
from benchmarks.queuedaysim import Day, Played
from benchmarks.queueplaces import Place
from benchmarks.report import arguments, finish
from wfm.care import Policy
from wfm.store import tables
from wfm.store.engine import Store, open_store
from wfm.timegrid import INTERVAL

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Judged:
    """A first reply: when its clock started, in which queue, and whether it came in time."""

    started_at: datetime
    queue: str
    in_time: bool


@dataclass(frozen=True)
class Told:
    """What the service said and did: events of the queues."""

    at: datetime
    kind: str
    queue: str | None
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What came of the day under a policy."""

    arm: str
    day: Day
    judged: tuple[Judged, ...]
    told: tuple[Told, ...]


def judged(store: Store, until: datetime) -> tuple[Judged, ...]:
    """All first replies that were due by then, sent or not; automatic ones are none."""
    c = tables.clocks.c
    with store.reading() as connection:
        rows = connection.execute(
            sa.select(c.started_at, c.queue, c.outcome)
            .where(c.metric == "first_response", c.due_at <= until)
            .order_by(c.started_at)
        ).all()
    return tuple(Judged(started_at, queue, outcome == "met") for started_at, queue, outcome in rows)


def told(store: Store) -> tuple[Told, ...]:
    e = tables.queue_events.c
    with store.reading() as connection:
        rows = connection.execute(
            sa.select(e.at, e.kind, e.queue, e.body)
            .where(e.kind.in_(("policy.step", "sla.breach_predicted")))
            .order_by(e.id)
        ).all()
    return tuple(Told(*row) for row in rows)


def played(
    store: Store, desk: Desk, policy: Policy, *, home: Path, seed: int, tick_s: int
) -> tuple[Day, tuple[Judged, ...], tuple[Told, ...]]:
    """The desk's day under the policy, in a store that nothing has happened in yet."""
    brand = with_policy(store, desk, policy)
    day = Played(store, desk, brand, home=home, seed=seed, tick_s=tick_s).run()
    return day, judged(store, desk.end), told(store)


def shares(
    found: tuple[Judged, ...], start: datetime, end: datetime, step: timedelta
) -> list[tuple[datetime, int, float]]:
    """(start, cases, share in time) of each stretch of the day in which cases came."""
    told = []
    while start < end:
        those = [one.in_time for one in found if start <= one.started_at < start + step]
        if those:
            told.append((start, len(those), sum(those) / len(those)))
        start += step
    return told


def broke_at(outcome: Outcome, desk: Desk) -> datetime | None:
    """When the promise first broke: in the first quarter-hour of a spiked queue that missed it."""
    broken = []
    for name in desk.spiked:
        promise = desk.brand.queue(name).promise
        own = tuple(one for one in outcome.judged if one.queue == name)
        for start, cases, share in shares(own, desk.start, desk.end, INTERVAL):
            # One late case of a few is chance.
            if share < promise.share and (1 - share) * cases > 1:
                broken.append(start + timedelta(seconds=promise.threshold_s))
                break
    return min(broken, default=None)


def first(outcome: Outcome, kind: str, *, since: datetime) -> datetime | None:
    return next((one.at for one in outcome.told if one.kind == kind and one.at >= since), None)


def row_of(outcome: Outcome, desk: Desk) -> dict[str, Any]:
    by_hour = shares(outcome.judged, desk.start, desk.end, HOUR)
    zone = desk.brand.tz

    def clock(at: datetime | None) -> str:
        return "never" if at is None else f"{at.astimezone(zone):%H:%M}"

    cases = len(outcome.judged)
    return {
        "arm": outcome.arm,
        "cases": cases,
        "in_time": sum(one.in_time for one in outcome.judged) / max(cases, 1),
        "worst_hour": min((share for _, _, share in by_hour), default=1.0),
        "hours_kept": sum(share >= 0.9 for _, _, share in by_hour),
        "hours": len(by_hour),
        "predicted_at": clock(first(outcome, "sla.breach_predicted", since=desk.spike[0])),
        "acted_at": clock(first(outcome, "policy.step", since=desk.spike[0])),
        "broke_at": clock(broke_at(outcome, desk)),
        "called_h": outcome.day.called_h,
    }


def hours_of(outcomes: list[Outcome], desk: Desk) -> list[dict[str, Any]]:
    """Share in time by hour, an arm a column."""
    zone = desk.brand.tz
    by_arm = {
        one.arm: {at: share for at, _, share in shares(one.judged, desk.start, desk.end, HOUR)}
        for one in outcomes
    }
    counted = shares(outcomes[0].judged, desk.start, desk.end, HOUR)
    return [
        {
            "hour": f"{at.astimezone(zone):%H:%M}",
            "cases": cases,
            "spike": "yes" if desk.spike[0] <= at < desk.spike[1] else "",
            **{arm: found.get(at, 1.0) for arm, found in by_arm.items()},
        }
        for at, cases, _ in counted
    ]


def steps_of(outcomes: list[Outcome], desk: Desk) -> list[dict[str, Any]]:
    zone = desk.brand.tz
    return [
        {
            "arm": one.arm,
            "at": f"{event.at.astimezone(zone):%H:%M}",
            "queue": event.queue or "",
            "step": ("" if event.body["taken"] else "back: ") + event.body["action"],
            "why": event.body["reason"],
        }
        for one in outcomes
        for event in one.told
        if event.kind == "policy.step"
    ]


def compared(
    make: Callable[[Store], Desk], *, seed: int, only: tuple[str, ...] = (), tick_s: int = 60
) -> tuple[Desk, list[Outcome]]:
    """Every arm of the day, or those named, each from the same beginning.

    tick_s  how often the service looks ahead
    """
    with tempfile.TemporaryDirectory(prefix="wfm-bench-") as folder:
        place = Place("sqlite", folder)
        store = open_store(place.url("base"))
        desk = make(store)
        store.close()
        outcomes = []
        for number, (arm, policy) in enumerate(arms(desk).items()):
            if only and arm not in only:
                continue
            began = time.perf_counter()
            store = open_store(place.copy(f"arm{number}", "base"))
            home = Path(folder) / f"home{number}"
            found = played(store, desk, policy, home=home, seed=seed, tick_s=tick_s)
            outcomes.append(Outcome(arm, *found))
            store.close()
            took = time.perf_counter() - began
            print(f"  {arm}: {took:.0f} s", file=sys.stderr, flush=True)
    return desk, outcomes


def main() -> None:
    args = arguments(__doc__ or "")
    desk, outcomes = compared(
        small if args.quick else (lambda store: sample(store, seed=args.seed)), seed=args.seed
    )
    finish(
        "queueday",
        [row_of(one, desk) for one in outcomes],
        args,
        tables={"hours": hours_of(outcomes, desk), "steps": steps_of(outcomes, desk)},
        spike=f"{desk.factor:g} times, {desk.spike[0].astimezone(desk.brand.tz):%H:%M} to "
        f"{desk.spike[1].astimezone(desk.brand.tz):%H:%M}, {' and '.join(desk.spiked)}",
        messages=outcomes[0].day.messages,
        failed=sorted({text for one in outcomes for text in one.day.failed}),
    )


if __name__ == "__main__":
    main()
