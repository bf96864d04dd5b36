"""How long the pages of the queue's figures take, with a million cases in the store.

    python -m benchmarks.queuemetrics [--quick] [--closed N] [--json FILE]

Rows: database, page, first_ms (the first time it is asked for), p50_ms, p99_ms, kb (of the answer).
Pages are asked for through the API, in this process. Days that are over were added up before, as
the service does it by itself; `added_up_s` is what that took for all of them, once.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.queueplaces import Database, Place, places
from benchmarks.queuerows import NOW
from benchmarks.queueservice import Service
from benchmarks.queueworld import World, fill, open_world
from benchmarks.report import finish, parser
from wfm.metrics.rollups import refresh
from wfm.settings import Settings
from wfm.store.brands import save_brand
from wfm.store.engine import Store
from wfm.timegrid import format_instant

QUEUES = 6
WAITING = 1_000
TIMES = 20
DAYS = 60


def since(days: int) -> dict[str, str]:
    return {"from": format_instant(NOW - timedelta(days=days)), "to": format_instant(NOW)}


# What people and machines look at, by name.
PAGES: Mapping[str, tuple[str, dict[str, str]]] = {
    "today": ("/metrics", {}),
    "today, by hour and queue": ("/metrics", {"step": "hour", "split": "queue"}),
    "7 days, by hour": ("/metrics", {**since(7), "step": "hour"}),
    "28 days, by day and queue": ("/metrics", {**since(28), "step": "day", "split": "queue"}),
    f"{DAYS} days": ("/metrics", since(DAYS)),
    "one queue, 28 days": ("/metrics", {**since(28), "queue": "q1"}),
    "28 days as CSV": ("/metrics/exports/csv", {**since(28), "step": "day", "split": "queue"}),
    "backlog": ("/metrics/backlog", {}),
    "badges": ("/metrics/badges", {}),
    "cases behind late replies": ("/metrics/first_response_late/cases", since(28)),
    "cases without an end": ("/metrics/orphans", since(7)),
    "the queue's board": ("/queue/board", {}),
    "the strip Today": ("/queue/today", {}),
}


def add_up(store: Store, world: World) -> float:
    """Seconds that all days that are over take to be added up."""
    began = time.perf_counter()
    while refresh(store, brand=world.brand):
        pass
    return time.perf_counter() - began


def measured(
    place: Place, *, closed: int, times: int, days: int = DAYS
) -> tuple[list[dict[str, Any]], float]:
    """Rows of one database, and how long its days took to be added up."""
    world = World(queues=QUEUES, waiting=WAITING, closed=closed, agents=50, days=days)
    store = open_world(place.make("metrics"))
    fill(store, world)
    with store.writing("benchmark") as writing:
        save_brand(writing, world.brand)
    added_up_s = add_up(store, world)
    rows = []
    with tempfile.TemporaryDirectory(prefix="wfm-bench-") as home:
        service = Service(store, Settings(home=Path(home)), role="manager")
        for name, (path, asked) in PAGES.items():
            took, answer = [], b""
            for _ in range(times):
                began = time.perf_counter()
                answer = service.get(path, **asked)
                took.append(1000 * (time.perf_counter() - began))
            rows.append(
                {
                    "database": place.database,
                    "page": name,
                    "first_ms": took[0],
                    "p50_ms": float(np.quantile(took, 0.5)),
                    "p99_ms": float(np.quantile(took, 0.99)),
                    "kb": len(answer) / 1024,
                }
            )
            print(f"  {place.database}: {name}", file=sys.stderr, flush=True)
        service.close()
    store.close()
    return rows, added_up_s


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--closed", type=int, help="closed cases in the store (1,000,000)")
    options.add_argument("--database", choices=("sqlite", "postgresql"), help="only this one")
    args = options.parse_args()
    closed = args.closed or (20_000 if args.quick else 1_000_000)
    databases: tuple[Database, ...] = (
        (args.database,) if args.database else ("sqlite", "postgresql")
    )
    rows: list[dict[str, Any]] = []
    added_up_s = {}
    for database in databases:
        with places(database) as (place,):
            found, added_up_s[database] = measured(
                place, closed=closed, times=5 if args.quick else TIMES
            )
        rows += found
    finish("queuemetrics", rows, args, closed=closed, waiting=WAITING, added_up_s=added_up_s)


if __name__ == "__main__":
    main()
