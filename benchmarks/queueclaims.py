"""A process of workers that claim cases when told, each its own way: part of `benchmarks.queue`.

It is told by lines of JSON what to open and how long to claim, and tells what it claimed. The ways:

ours        `claim_next`, with all it looks at and writes: roster, slots, levels, leases, the event
bare claim  two statements through the same store, whose text is made once: the first waiting case
            in the same order, and the UPDATE that leases it. No roster, no slots, no event
bare driver the same two statements with nothing between them and the database's driver
"""

# ruff: noqa: S608 (statements are put together of this file's own text and numbers)

from __future__ import annotations

import itertools
import json
import math
import secrets
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import sqlalchemy as sa

from benchmarks.queuerows import NOW
from benchmarks.queueworld import a_brand, agent_name, open_world
from wfm.casequeue.claims import claim_next
from wfm.order import LOST
from wfm.store.engine import Store

# Gives the id of the case claimed, or None when none waits.
Claim = Callable[[], int | None]

# Claims of each worker before the clock runs: statements are compiled, plans are made.
WARM = 5
# Cases a bare claim looks at where there are several queues: as many as could be locked by others.
HEADS = 8
SQLITE_INSTANT = "%Y-%m-%d %H:%M:%S.%f"
SKIPPING = " FOR UPDATE SKIP LOCKED"
LEASE = timedelta(minutes=10)


def ours(store: Store, worker: int, workers: int, queues: int, agents: int) -> Claim:
    """A worker's claims for their share of the agents, one after the other."""
    brand = a_brand(queues)
    whose = itertools.cycle(range(worker, agents, workers))

    def claim() -> int | None:
        agent = agent_name(next(whose))
        claimed = claim_next(store, agent, brand=brand, actor=f"agent:{agent}")
        return None if claimed is None else claimed.case.case_id

    return claim


def bare_claim(store: Store, worker: int, queues: int, *, late_last: bool) -> Claim:
    """The two statements in a write transaction of the store, as text that is made once."""
    agent = agent_name(worker)
    if store.is_sqlite:
        select, update = _by_hand(queues, late_last=late_last, mark="?", lock="")
        at, until = (f"{instant:{SQLITE_INSTANT}}" for instant in (NOW, NOW + LEASE))
    else:
        select, update = _by_hand(queues, late_last=late_last, mark="%s", lock=SKIPPING)
        at, until = NOW, NOW + LEASE

    def claim() -> int | None:
        with store.writing(f"agent:{agent}") as writing:
            found = writing.connection.exec_driver_sql(select).scalar()
            if found is not None:
                token = secrets.token_urlsafe(24)
                values = (agent, token, until, agent, at, found)
                writing.connection.exec_driver_sql(update, values)
        return found

    return claim


def _by_hand(queues: int, *, late_last: bool, mark: str, lock: str) -> tuple[str, str]:
    """The SELECT and the UPDATE as text; `mark` stands for a value."""
    order = "due_at, severity DESC, received_at, case_id"
    lost = f"'{NOW + LOST:{SQLITE_INSTANT}}" + ("+00'" if lock else "'")
    if queues == 1 and not late_last:
        where = "queue = 'q0' AND state = 'new'"
        by = order
    else:
        parts = (f"due_at > {lost}", f"due_at <= {lost}") if late_last else ("1 = 1",)
        runs = " UNION ALL ".join(
            f"SELECT * FROM (SELECT case_id FROM cases WHERE queue = 'q{number}' "
            f"AND state = 'new' AND {part} ORDER BY {order} LIMIT {HEADS}) AS h{number}_{at}"
            for number in range(queues)
            for at, part in enumerate(parts)
        )
        where = f"state = 'new' AND case_id IN ({runs})"
        last = f"CASE WHEN due_at <= {lost} THEN 1 ELSE 0 END, " if late_last else ""
        by = last + order
    return (
        f"SELECT case_id FROM cases WHERE {where} ORDER BY {by} LIMIT 1{lock}",
        f"UPDATE cases SET state = 'assigned', agent_id = {mark}, lease_token = {mark}, "
        f"lease_until = {mark}, actor = {mark}, written_at = {mark} WHERE case_id = {mark}",
    )


_turn = threading.Lock()


def bare_sqlite(file: str, worker: int, queues: int, *, late_last: bool) -> tuple[Claim, Any]:
    """By hand on SQLite; this process's workers take turns, as those of the store do."""
    connection = sqlite3.connect(file, isolation_level=None, timeout=5.0, check_same_thread=False)
    connection.execute("PRAGMA synchronous = NORMAL")
    select, update = _by_hand(queues, late_last=late_last, mark="?", lock="")
    agent = agent_name(worker)
    at, until = (f"{instant:{SQLITE_INSTANT}}" for instant in (NOW, NOW + LEASE))

    def claim() -> int | None:
        with _turn:
            connection.execute("BEGIN IMMEDIATE")
            found = connection.execute(select).fetchone()
            if found is not None:
                token = secrets.token_urlsafe(24)
                connection.execute(update, (agent, token, until, agent, at, found[0]))
            connection.execute("COMMIT")
        return None if found is None else int(found[0])

    return claim, connection


def bare_postgresql(url: str, worker: int, queues: int, *, late_last: bool) -> tuple[Claim, Any]:
    """By hand on PostgreSQL."""
    connection = psycopg.connect(url)
    select, update = _by_hand(queues, late_last=late_last, mark="%s", lock=SKIPPING)
    agent = agent_name(worker)

    def claim() -> int | None:
        found = connection.execute(select).fetchone()
        if found is not None:
            token = secrets.token_urlsafe(24)
            values = (agent, token, NOW + LEASE, agent, NOW, found[0])
            connection.execute(update, values)
        connection.commit()
        return None if found is None else int(found[0])

    return claim, connection


@contextmanager
def claims_of(told: dict[str, Any], stores: dict[str, Store]) -> Iterator[list[Claim]]:
    """A claim for each worker of this process; connections end with the block."""
    engine, url, queues, late_last = told["engine"], told["url"], told["queues"], told["spike"]
    workers = range(told["first"], told["first"] + told["threads"])
    if engine == "bare driver":
        parsed = sa.make_url(url)
        if parsed.get_backend_name() == "sqlite":
            made = [
                bare_sqlite(str(parsed.database), worker, queues, late_last=late_last)
                for worker in workers
            ]
        else:
            plain = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
            made = [
                bare_postgresql(plain, worker, queues, late_last=late_last) for worker in workers
            ]
        try:
            yield [claim for claim, _ in made]
        finally:
            for _, connection in made:
                connection.close()
        return
    store = stores.get(url) or stores.setdefault(url, open_world(url))
    try:
        yield [
            ours(store, worker, told["workers"], queues, told["agents"])
            if engine == "ours"
            else bare_claim(store, worker, queues, late_last=late_last)
            for worker in workers
        ]
    finally:
        store.engine.dispose()  # connections are few; what was compiled stays


def turn(claims: list[Claim], seconds: float | None) -> Generator[dict[str, Any]]:
    """First that all is ready; then, once told to go on, what was claimed until time was up.

    seconds  None: until nothing waits
    """
    warmed = [claim() for claim in claims for _ in range(WARM)]
    yield {"ready": True}
    cpu, began = time.process_time(), time.monotonic()
    until = began + (math.inf if seconds is None else seconds)

    def work(claim: Claim) -> list[tuple[int, float]]:
        claimed = []
        while (at := time.monotonic()) < until:
            found = claim()
            if found is None:
                break
            claimed.append((found, (time.monotonic() - at) * 1000))
        return claimed

    with ThreadPoolExecutor(len(claims)) as pool:
        done = [one for claimed in pool.map(work, claims) for one in claimed]
    yield {
        "warmed": [found for found in warmed if found is not None],
        "claimed": done,
        "began": began,
        "ended": time.monotonic(),
        "cpu_s": time.process_time() - cpu,
    }


def main() -> None:
    stores: dict[str, Store] = {}
    for line in sys.stdin:
        told = json.loads(line)
        with claims_of(told, stores) as claims, closing(turn(claims, told["seconds"])) as steps:
            print(json.dumps(next(steps)), flush=True)
            sys.stdin.readline()
            print(json.dumps(next(steps)), flush=True)


if __name__ == "__main__":
    main()
