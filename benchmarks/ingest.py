"""How fast messages come in, into a store that holds a million cases.

    python -m benchmarks.ingest [--quick] [--closed N] [--seconds N] [--json FILE] [--seed N]

Rows: database, door, clients, per_s (messages), p50_ms, p99_ms (of a batch or a request), refused,
lost, doubled, worked_s, cpu_ms (of the service, a message).

in process        `take_in_many`, batches of 1,000, one after the other, this process alone
bulk API          `POST /contacts/bulk`, 1,000 a request, to a service of its own process
webhook, 300/s    signed deliveries of one message each, sent at fixed times whether or not those
                  before are answered; times count from when a request was due to be sent
webhook, at most  as many clients, each as fast as it is answered; 429 is asked again when told

Half of the authors are known. `lost` and `doubled` compare what was accepted with the raw events
that are there in the end; `worked_s` is how long after the last answer the inbox was empty.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import sqlalchemy as sa

from benchmarks.peers import ROOT
from benchmarks.queueplaces import Database, Place, places
from benchmarks.queuerows import NOW
from benchmarks.queueworld import World, a_brand, fill, open_world
from benchmarks.report import finish, parser
from wfm.cases import Contact
from wfm.ingest.intake import take_in_many
from wfm.ingest.signing import sign
from wfm.store import access, tables
from wfm.store.brands import save_brand
from wfm.store.engine import Store, open_store
from wfm.store.sources import Source, save_source
from wfm.timegrid import SystemClock

BATCH = 1_000
CLIENTS = 16
STEADY_PER_S = 300
KNOWN_TO_BOTH = "a secret that is long enough to sign with"
SOURCE = "hook"
QUEUES = 6
# How long the inbox may take to be empty after the last answer.
PATIENCE_S = 120.0

Pace = Literal["steady", "at most"]


@dataclass
class Sent:
    """What a door was given, and what it said.

    accepted  names of the messages that were taken
    """

    accepted: list[str] = field(default_factory=list)
    times_ms: list[float] = field(default_factory=list)
    refused: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    worked_s: float = 0.0


class Messages:
    """Messages that nobody has sent before; every other one's author wrote once already."""

    def __init__(self, name: str, known: int, seed: int) -> None:
        self.name, self.known = name, max(known, 1)
        self.chance = np.random.default_rng(seed)
        self.count = 0
        self._lock = threading.Lock()

    def take(self, count: int) -> list[dict[str, Any]]:
        with self._lock:
            first, self.count = self.count, self.count + count
            known = self.chance.integers(1, self.known + 1, count)
        return [
            {
                "account": "@care",
                "native_id": f"{self.name}-{n}",
                "queue": f"q{n % QUEUES}",
                "author": f"c{known[n - first]}" if n % 2 else f"{self.name}-{n}",
                "text": "The router you sent me has been offline since this morning. What now?",
                "published_at": f"{NOW:%Y-%m-%dT%H:%M:%SZ}",
            }
            for n in range(first, first + count)
        ]


def in_process(store: Store, messages: Messages, seconds: float) -> Sent:
    """Batch after batch."""
    brand, sent = a_brand(QUEUES), Sent()
    cpu, began = time.process_time(), time.perf_counter()
    while (at := time.perf_counter()) < began + seconds:
        rows = messages.take(BATCH)
        items = [
            (Contact(source="bulk", **{**row, "published_at": NOW}), json.dumps(row))
            for row in rows
        ]
        take_in_many(store, items, brand=brand, actor="benchmark")
        sent.times_ms.append((time.perf_counter() - at) * 1000)
        sent.accepted += [row["native_id"] for row in rows]
    sent.wall_s, sent.cpu_s = time.perf_counter() - began, time.process_time() - cpu
    return sent


# -- over HTTP -----------------------------------------------------------------------------------


@contextmanager
def service(url: str, home: Path) -> Iterator[tuple[int, int]]:
    """(port, process id) of a real service on the store, until the block ends."""
    environment = {**os.environ, "WFM_HOME": str(home)}
    if not url.startswith("sqlite"):
        environment["WFM_DATABASE_URL"] = url
    command = [sys.executable, "-m", "benchmarks.ingestservice"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            sys.exit("the service did not start; what it said stands above")
        try:
            yield int(line), process.pid
        finally:
            process.send_signal(signal.SIGTERM)


def cpu_s(pid: int) -> float:
    """CPU that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Client:
    """One connection that stays open."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, float, bytes]:
        """Status, seconds to wait before it is asked again, and the answer."""
        self.connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
        answer = self.connection.getresponse()
        said = answer.read()
        return answer.status, float(answer.headers.get("Retry-After", 0)), said


def by_bulk(port: int, key: str, messages: Messages, seconds: float) -> Sent:
    sent, client = Sent(), Client(port)
    headers = {"Authorization": f"Bearer {key}"}
    began = time.perf_counter()
    while (at := time.perf_counter()) < began + seconds:
        rows = [{"source": "bulk", **row} for row in messages.take(BATCH)]
        status, _, said = client.post("/api/v1/contacts/bulk", json.dumps(rows).encode(), headers)
        if status != 200 or json.loads(said)["refused"]:
            sys.exit(f"POST /contacts/bulk: {status} {said[:300]!r}")
        sent.times_ms.append((time.perf_counter() - at) * 1000)
        sent.accepted += [row["native_id"] for row in rows]
    sent.wall_s = time.perf_counter() - began
    return sent


def by_webhook(port: int, messages: Messages, seconds: float, pace: Pace) -> Sent:
    """Signed deliveries by several clients at once."""
    sent, lock = Sent(), threading.Lock()
    began = time.perf_counter() + 0.1

    def work(number: int) -> None:
        client, turn = Client(port), number
        while True:
            due = began + turn / STEADY_PER_S if pace == "steady" else time.perf_counter()
            if due >= began + seconds:
                return
            time.sleep(max(0.0, due - time.perf_counter()))
            (message,) = messages.take(1)
            accepted, refused = _deliver(client, message)
            with lock:
                sent.times_ms.append((time.perf_counter() - due) * 1000)
                sent.refused += refused
                if accepted:
                    sent.accepted.append(message["native_id"])
            turn += CLIENTS

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(work, range(CLIENTS)))
    sent.wall_s = time.perf_counter() - began
    return sent


def _deliver(client: Client, message: dict[str, Any]) -> tuple[bool, int]:
    """Whether it was accepted, and how often it was put off before."""
    fields = {name: value for name, value in message.items() if name != "native_id"}
    body = json.dumps({"id": message["native_id"], **fields}).encode()
    for refused in range(100):
        at = int(time.time())
        headers = {
            "Wfm-Id": message["native_id"],
            "Wfm-Timestamp": str(at),
            "Wfm-Signature": sign(KNOWN_TO_BOTH, message["native_id"], at, body),
        }
        status, wait_s, said = client.post(f"/api/v1/inbound/{SOURCE}", body, headers)
        if status in (200, 202):
            return True, refused
        if status != 429:
            sys.exit(f"POST /inbound/{SOURCE}: {status} {said[:300]!r}")
        time.sleep(wait_s)
    return False, 100


def wait_for_inbox(store: Store) -> float:
    """Seconds until every delivery is worked."""
    began = time.perf_counter()
    d = tables.deliveries.c
    waiting = sa.select(sa.func.count()).where(d.state == "new")
    while time.perf_counter() < began + PATIENCE_S:
        with store.reading() as connection:
            if connection.scalars(waiting).one() == 0:
                break
        time.sleep(0.02)
    return time.perf_counter() - began


def stored(store: Store, name: str) -> tuple[int, int]:
    """Raw events and contacts of the messages that bear the name."""
    e, c = tables.raw_events.c, tables.contacts.c
    named = e.native_id.like(f"{name}-%")
    with store.reading() as connection:
        events = connection.scalars(sa.select(sa.func.count()).where(named)).one()
        contacts = connection.scalars(
            sa.select(sa.func.count())
            .select_from(tables.contacts.join(tables.raw_events, c.event_id == e.event_id))
            .where(named)
        ).one()
    return events, contacts


def row_of(
    store: Store, sent: Sent, *, database: str, door: str, clients: int, name: str
) -> dict[str, Any]:
    events, contacts = stored(store, name)
    times = np.array(sent.times_ms)
    accepted = len(sent.accepted)
    return {
        "database": database,
        "door": door,
        "clients": clients,
        "per_s": round(accepted / sent.wall_s),
        "p50_ms": float(np.quantile(times, 0.5)),
        "p99_ms": float(np.quantile(times, 0.99)),
        "refused": sent.refused,
        "lost": max(0, accepted - contacts),
        "doubled": max(0, events - accepted),
        "worked_s": sent.worked_s,
        "cpu_ms": 1000 * sent.cpu_s / max(accepted, 1),
    }


def measured(place: Place, *, closed: int, seconds: float, seed: int) -> list[dict[str, Any]]:
    rows = []
    name = "wfm" if place.database == "sqlite" else "ingest"
    world = World(queues=QUEUES, closed=closed)
    store = open_world(place.make(name))
    fill(store, world)
    with store.writing("benchmark") as writing:
        save_brand(writing, world.brand)
        save_source(writing, Source(SOURCE, "webhook", KNOWN_TO_BOTH))
        _, key = access.create_key(writing, "queue-engine", now=SystemClock().now())
    store.close()
    url = place.url(name)
    store = open_store(url)
    alone = in_process(store, Messages("alone", closed, seed), seconds)
    rows.append(
        row_of(store, alone, database=place.database, door="in process", clients=1, name="alone")
    )
    doors: list[tuple[str, int, Callable[[int, Messages], Sent]]] = [
        ("bulk API", 1, lambda port, messages: by_bulk(port, key, messages, seconds)),
        (
            f"webhook, {STEADY_PER_S}/s",
            CLIENTS,
            lambda port, messages: by_webhook(port, messages, seconds, "steady"),
        ),
        (
            "webhook, at most",
            CLIENTS,
            lambda port, messages: by_webhook(port, messages, seconds, "at most"),
        ),
    ]
    with TemporaryDirectory(prefix="wfm-bench-") as folder:
        home = Path(place.where) if place.database == "sqlite" else Path(folder)
        with service(url, home) as (port, pid):
            for number, (door, clients, knock) in enumerate(doors):
                before = cpu_s(pid)
                sent = knock(port, Messages(f"door{number}", closed, seed + number + 1))
                sent.worked_s = wait_for_inbox(store)
                sent.cpu_s = cpu_s(pid) - before
                rows.append(
                    row_of(
                        store,
                        sent,
                        database=place.database,
                        door=door,
                        clients=clients,
                        name=f"door{number}",
                    )
                )
                print(f"  {place.database}: {door}", file=sys.stderr, flush=True)
    store.close()
    return rows


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--closed", type=int, help="cases in the store (1,000,000)")
    options.add_argument("--seconds", type=float, help="at each door (20)")
    options.add_argument("--database", choices=("sqlite", "postgresql"), help="only this one")
    args = options.parse_args()
    closed = args.closed or (50_000 if args.quick else 1_000_000)
    seconds = args.seconds or (2.0 if args.quick else 20.0)
    databases: tuple[Database, ...] = (
        (args.database,) if args.database else ("sqlite", "postgresql")
    )
    rows = []
    for database in databases:
        with places(database) as (place,):
            rows += measured(place, closed=closed, seconds=seconds, seed=args.seed)
    finish("ingest", rows, args, closed=closed, seconds=seconds)


if __name__ == "__main__":
    main()
