"""How fast eight workers claim cases, beside the bare claim and a PostgreSQL job library.

    python -m benchmarks.queue [--quick] [--cases N] [--closed N] [--seconds N] [--json FILE]

Rows: database, workload, engine, per_s, p50_ms, p99_ms (of a claim), lost, doubled, cpu_ms (of the
workers, a claim), server_cpu_ms. SQLite: one process, eight threads. PostgreSQL with its normal
settings: eight processes. The engines are told of in `benchmarks.queueclaims`; procrastinate runs
in the peers' environment and fetches jobs, as many as there are cases. Every engine has a database
of its own with the same cases, and they take turns in short rounds, so that whatever else the
machine does hits all alike.

lost     cases that nobody holds and that do not wait, or are held and nobody was told; and claims
         of ours without their event
doubled  cases that two workers were given

Table `ratios`: ours to the bare claim, throughput as the median over the rounds with their range;
and ours after so many closed cases to ours with none.
Workload `to the last case`: ours alone, until nothing waits.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import sqlalchemy as sa

from benchmarks.peers import HOME, ROOT, peer_python
from benchmarks.queuecrew import crew, hear, say, server_cpu_s
from benchmarks.queueplaces import Database, Place, places
from benchmarks.queueworld import World, fill, open_world
from benchmarks.report import finish, parser
from wfm.store import tables
from wfm.store.waiting import set_spike_mode

WORKERS = 8
AGENTS = 2_000
ROUNDS = 10
OURS, BARE, DRIVER, PEER = "ours", "bare claim", "bare driver", "procrastinate"


@dataclass(frozen=True)
class Workload:
    """What waits, and who claims it how."""

    name: str
    world: World
    engines: tuple[str, ...]
    spike: bool = False


def workloads(cases: int, closed: int) -> tuple[Workload, ...]:
    one = World(waiting=cases, agents=AGENTS)
    six = replace(one, queues=6)
    all_bare = (OURS, BARE, DRIVER)
    return (
        Workload("one queue", one, (*all_bare, PEER)),
        Workload("six queues, levels", replace(six, levels=True), all_bare),
        Workload("six queues, spike mode", six, all_bare, spike=True),
        Workload(f"one queue, {closed:,} closed", replace(one, closed=closed), (OURS, BARE)),
    )


@dataclass
class Contest:
    """An engine at a workload: its database, and what it has claimed, round by round."""

    place: Place
    workload: Workload
    engine: str
    name: str
    warmed: list[int] = field(default_factory=list)
    claimed: list[tuple[int, float]] = field(default_factory=list)
    per_s: list[float] = field(default_factory=list)
    cpu_s: float = 0.0
    server_cpu_s: float = 0.0

    @property
    def url(self) -> str:
        return self.place.url(self.name)


def run_turn(contest: Contest, workers: list[subprocess.Popen[str]], seconds: float | None) -> None:
    """Let the workers claim for so long, all at once."""
    threads = WORKERS // len(workers)
    plain = sa.make_url(contest.url).set(drivername="postgresql")
    about = {
        "engine": contest.engine,
        "url": contest.url
        if contest.engine != PEER
        else plain.render_as_string(hide_password=False),
        "queues": contest.workload.world.queues,
        "agents": contest.workload.world.agents,
        "spike": contest.workload.spike,
        "threads": threads,
        "workers": WORKERS,
        "seconds": seconds,
    }
    for number, process in enumerate(workers):
        say(process, json.dumps({**about, "first": number * threads}))
    for process in workers:
        hear(process)
    before = server_cpu_s(contest.place.server_pid)
    for process in workers:
        say(process, "go")
    heard = [hear(process) for process in workers]
    contest.server_cpu_s += server_cpu_s(contest.place.server_pid) - before
    wall_s = max(one["ended"] for one in heard) - min(one["began"] for one in heard)
    contest.per_s.append(sum(len(one["claimed"]) for one in heard) / wall_s)
    for one in heard:
        contest.warmed += one["warmed"]
        contest.claimed += [(number, ms) for number, ms in one["claimed"]]
        contest.cpu_s += one["cpu_s"]


@cache
def peer_is_there() -> bool:
    """Whether the job library can be asked here; says aloud when it is left out."""
    if HOME.exists():
        asked = [str(peer_python()), "-c", "import procrastinate"]
        if subprocess.run(asked, check=False, stderr=subprocess.DEVNULL).returncode == 0:
            return True
    print(f"{PEER} is left out; run: make bench-peers", file=sys.stderr)
    return False


def made(place: Place, workload: Workload, *, label: str) -> list[Contest]:
    """The workload's world, once for each engine."""
    base = f"base_{label}"
    store = open_world(place.make(base))
    fill(store, workload.world)
    if workload.spike:
        with store.writing("benchmark") as writing:
            for queue in workload.world.brand.queues:
                set_spike_mode(writing, queue.name, True)
    store.close()
    contests = []
    for at, engine in enumerate(workload.engines):
        name = f"{label}_{at}"
        if engine == PEER:
            if place.database == "sqlite" or not peer_is_there():
                continue
            url = sa.make_url(place.make(name)).set(drivername="postgresql")
            plain = url.render_as_string(hide_password=False)
            script = [str(peer_python()), "-m", "benchmarks.queuepeers"]
            subprocess.run(
                [*script, "defer", plain, str(workload.world.waiting)], cwd=ROOT, check=True
            )
        else:
            place.copy(name, base)
        contests.append(Contest(place, workload, engine, name))
    place.drop(base)
    return contests


def judged(contest: Contest) -> tuple[int, int]:
    """(lost, doubled) by what the workers were told and what the database holds."""
    told = [*contest.warmed, *(number for number, _ in contest.claimed)]
    engine = sa.create_engine(contest.url)
    with engine.connect() as connection:
        if contest.engine == PEER:
            rows = connection.exec_driver_sql("SELECT id, status FROM procrastinate_jobs").all()
            waits = {number for number, status in rows if status == "todo"}
            held = {number for number, status in rows if status == "doing"}
            written = len(told)
        else:
            c = tables.cases.c
            rows = connection.execute(
                sa.select(c.case_id, c.state).where(c.state.in_(("new", "assigned")))
            ).all()
            waits = {number for number, state in rows if state == "new"}
            held = {number for number, state in rows if state == "assigned"}
            e = tables.case_events.c
            events = sa.select(sa.func.count()).where(
                e.kind == "claimed", e.case_id > contest.workload.world.closed
            )
            written = len(told)
            if contest.engine == OURS:
                written = connection.scalars(events).one()
    engine.dispose()
    missing = contest.workload.world.waiting - len(waits | held)
    lost = missing + len(held - set(told)) + abs(len(told) - written)
    return lost, len(told) - len(set(told)) + len(waits & set(told))


def row_of(contest: Contest) -> dict[str, Any]:
    times = sorted(ms for _, ms in contest.claimed)
    lost, doubled = judged(contest)
    claims = max(1, len(times))
    return {
        "database": contest.place.database,
        "workload": contest.workload.name,
        "engine": contest.engine,
        "per_s": round(statistics.median(filter(None, contest.per_s))) if times else 0,
        "p50_ms": times[claims // 2] if times else 0.0,
        "p99_ms": times[int(claims * 0.99)] if times else 0.0,
        "lost": lost,
        "doubled": doubled,
        "claims": len(times),
        "cpu_ms": 1000 * contest.cpu_s / claims,
        "server_cpu_ms": 1000 * contest.server_cpu_s / claims,
    }


def ratio(one: Contest, other: Contest, rows: dict[tuple[str, str, str], Any]) -> dict[str, Any]:
    """Throughput and tail of one contest to another's; rounds are compared with each other."""
    # An engine that has claimed everything has rounds of nothing; they compare nothing.
    each = sorted(a / b for a, b in zip(one.per_s, other.per_s, strict=True) if a and b)
    p99 = [rows[c.place.database, c.workload.name, c.engine]["p99_ms"] for c in (one, other)]
    return {
        "database": one.place.database,
        "workload": one.workload.name,
        "of": one.engine,
        "to": other.engine if one.workload is other.workload else f"{other.engine}, none closed",
        "throughput": statistics.median(each),
        "lowest_round": each[0],
        "highest_round": each[-1],
        "p99": p99[0] / p99[1],
    }


def ratios(contests: list[Contest], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    by_name = {(row["database"], row["workload"], row["engine"]): row for row in rows}
    found = {(c.place.database, c.workload.name, c.engine): c for c in contests}
    told = []
    for (database, workload, engine), contest in found.items():
        if engine != OURS:
            continue
        for other in (BARE, DRIVER, PEER):
            if (database, workload, other) in found:
                told.append(ratio(contest, found[database, workload, other], by_name))
        plain = found.get((database, "one queue", OURS))
        if contest.workload.world.closed and plain is not None:
            told.append(ratio(contest, plain, by_name))
    return told


def measured(
    place: Place, wanted: Sequence[Workload], *, rounds: int, seconds: float, drain: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows and ratios of one database."""
    contests = [
        contest
        for at, workload in enumerate(wanted)
        for contest in made(place, workload, label=f"w{at}")
    ]
    processes = 1 if place.database == "sqlite" else WORKERS
    claims = [sys.executable, "-m", "benchmarks.queueclaims"]
    peers = any(contest.engine == PEER for contest in contests)
    peer = [str(peer_python()), "-m", "benchmarks.queuepeers", "work"] if peers else claims
    with crew(claims, processes) as ours, crew(peer, processes if peers else 0) as theirs:
        for number in range(rounds):
            # Every other round backwards, so that nobody always follows the same one.
            for contest in contests if number % 2 == 0 else reversed(contests):
                run_turn(contest, theirs if contest.engine == PEER else ours, seconds)
            print(
                f"  {place.database}: round {number + 1} of {rounds}", file=sys.stderr, flush=True
            )
        rows = [row_of(contest) for contest in contests]
        if drain:
            last = Workload("to the last case", World(waiting=drain, agents=AGENTS), (OURS,))
            (contest,) = made(place, last, label="last")
            run_turn(contest, ours, None)
            rows.append(row_of(contest))
    return rows, ratios(contests, rows)


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--cases", type=int, help="cases that wait (100,000)")
    options.add_argument("--closed", type=int, help="closed cases beside them (1,000,000)")
    options.add_argument("--seconds", type=float, help="of each engine at each workload (8)")
    options.add_argument("--database", choices=("sqlite", "postgresql"), help="only this one")
    options.add_argument("--workloads", type=int, nargs="+", help="only these, counted from 0")
    args = options.parse_args()
    cases = args.cases or (10_000 if args.quick else 100_000)
    closed = args.closed or (50_000 if args.quick else 1_000_000)
    rounds = 2 if args.quick else ROUNDS
    seconds = (args.seconds or (1.0 if args.quick else 8.0)) / rounds
    databases: tuple[Database, ...] = (
        (args.database,) if args.database else ("sqlite", "postgresql")
    )
    wanted = workloads(cases, closed)
    if args.workloads:
        wanted = tuple(wanted[at] for at in args.workloads)
    rows: list[dict[str, Any]] = []
    compared: list[dict[str, Any]] = []
    for database in databases:
        with places(database) as (place,):
            found = measured(
                place, wanted, rounds=rounds, seconds=seconds, drain=cases if not args.quick else 0
            )
        rows += found[0]
        compared += found[1]
    finish(
        "queue",
        rows,
        args,
        tables={"ratios": compared},
        workers=WORKERS,
        cases=cases,
        rounds=rounds,
        turn_s=seconds,
    )


if __name__ == "__main__":
    main()
