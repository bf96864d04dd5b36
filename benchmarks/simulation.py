"""How fast a week is simulated, beside a plain-Python heap loop, simpy and ciw.

    python -m benchmarks.simulation [--quick] [--json FILE] [--seed N]

`one class`: a queue of one message a case, staff that changes every quarter of an hour. `loop` is
on cases that are drawn already; `day` is a day of them, for simpy (the usual way, and the one with
the fewest events) and ciw. `week` draws the cases too. `everything`: five queues with follow-ups,
service windows and held conversations, agents with one to five skills, planned and unplanned
absence.

Rows: case, engine, per_s (messages a second of CPU), seconds (CPU), peak_mb (all the process ever
held; the libraries are part of it). Each row is a process of its own; what is compiled is compiled
before the clock starts, and the best of a few runs counts.
"""

from __future__ import annotations

import heapq
import importlib
import math
import multiprocessing
import resource
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.reference_day import contacts
from benchmarks.report import arguments, finish
from scheduling.simulation.draws import draw_presence
from scheduling.simulation.staff import Staff, staff_of_heads
from scheduling.simulation.trial import Simulation, Trial, make_trial
from wfm.brands import Brand, Planning, Queue
from wfm.calendars import Hours, ServiceWindow
from wfm.frames import QUANTILE_COLUMNS, interval_index
from wfm.paths import Paths
from wfm.sla import Duration, OpeningGoal, ServiceGoal, WorkLaw
from wfm.timegrid import INTERVAL_S

COLUMNS = ("case", "engine", "per_s", "seconds", "peak_mb")
START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 7
WEEK = 500_000
PEERS = ("simpy", "simpy, store", "ciw")
REPEATS = 5
EVERY_DAY = frozenset(range(7))
ONE_TOUCH = WorkLaw(first_touch=Duration(360.0, 0.8), continue_p=0.0)
GOAL_S = 900.0
NEVER = math.inf


class Week(NamedTuple):
    """A trial and who answers it."""

    trial: Trial
    staff: Staff


def a_queue(name: str, **changes: Any) -> Queue:
    """A queue that never shuts, by default."""
    given: dict[str, Any] = {
        "window": ServiceWindow.always(),
        "goals": (ServiceGoal(),),
        "work": WorkLaw(),
    }
    return Queue(
        name=name,
        channel="x",
        handle=f"@{name}",
        language="en",
        opening_goal=OpeningGoal(),
        **(given | changes),
    )


def _week(
    queues: Sequence[Queue], mean: Any, planning: Planning, *, seed: int, keep: bool
) -> Trial:
    """A sampled stretch of (intervals, queues) expected cases."""
    brand = Brand("benchmark", "UTC", (), tuple(queues), (), (), planning=planning)
    end = START + timedelta(seconds=INTERVAL_S * len(mean))
    parts = [
        pd.DataFrame(
            {
                "start": interval_index(START, end),
                "queue": queue.name,
                "mean": mean[:, q],
                **dict.fromkeys(QUANTILE_COLUMNS, mean[:, q]),
                "aht_s": queue.work.aht_s,
                "model": "known",
            }
        )
        for q, queue in enumerate(queues)
    ]
    counts = np.random.default_rng(seed).poisson(mean)[None]
    return make_trial(
        pd.concat(parts, ignore_index=True),
        Paths(START, tuple(q.name for q in queues), counts),
        brand,
        start=START,
        end=end,
        seed=seed,
        keep=keep,
    )


def one_class(cases: int, *, seed: int, days: int = DAYS, keep: bool = True) -> Week:
    """A queue of one message a case; staff follows the load a few per cent above it."""
    day = contacts()
    mean = np.tile(day * cases / days / day.sum(), days)[:, None]
    planning = Planning(planned_shrinkage=0.0, unplanned_shrinkage=0.0)
    trial = _week([a_queue("x", work=ONE_TOUCH)], mean, planning, seed=seed, keep=keep)
    load = np.convolve(mean[:, 0], [0.7, 0.3])[: len(mean)] * ONE_TOUCH.aht_s / INTERVAL_S
    heads = np.ceil(1.03 * load + 2.0).astype(np.int64)[:, None]
    return Week(trial, staff_of_heads(heads, np.array([1], np.uint64)))


def everything(cases: int, *, seed: int, keep: bool = False) -> Week:
    """Five queues with all that the loop can do."""
    goals = (
        ServiceGoal(),
        ServiceGoal("next_reply", 3600, 0.9, "day"),
        ServiceGoal("resolution", 8 * 3600, 0.9, "day"),
    )
    long_day = ServiceWindow((Hours("UTC", EVERY_DAY, 8 * 60, 20 * 60),))
    chat = WorkLaw(
        first_touch=Duration(72.0, 0.8),
        follow_up=Duration(72.0, 0.8),
        think=Duration(120.0, 1.0),
        continue_p=0.6,
        concurrency_max=3,
    )
    queues = [
        a_queue("a", goals=goals),
        a_queue("b", goals=goals),
        a_queue("c", goals=goals, window=long_day),
        a_queue("d", goals=goals, window=long_day),
        a_queue("chat", goals=goals, work=chat),
    ]
    day = contacts()
    shares = np.array([0.35, 0.25, 0.15, 0.10, 0.15])
    mean = np.tile(day * cases / DAYS / day.sum(), DAYS)[:, None] * shares
    planning = Planning(planned_shrinkage=0.05, unplanned_shrinkage=0.05)
    trial = _week(queues, mean, planning, seed=seed, keep=keep)
    aht = np.array([q.work.aht_s for q in queues]) * [1.0, 1.0, 1.6, 1.6, 1.15]
    load = np.convolve((mean * aht).sum(axis=1), [0.5, 0.3, 0.2])[: len(mean)] / INTERVAL_S
    masks = np.array([0b00001, 0b10000, 0b00110, 0b01101, 0b11111], np.uint64)
    part = np.array([0.30, 0.12, 0.30, 0.18, 0.10])
    heads = np.ceil(1.2 * load[:, None] * part + 1.0).astype(np.int64)
    return Week(trial, staff_of_heads(heads, masks))


def ours(week: Week) -> Simulation:
    """The simulation, in one thread."""
    return week.trial.run(week.staff, threads=1)


class Drawn(NamedTuple):
    """Cases and staff as lists, for engines in plain Python."""

    arrival: list[float]
    work: list[float]
    changes: list[tuple[float, int, bool]]
    intervals: int


def drawn(week: Week) -> Drawn:
    """The first replication of a week of one class."""
    trial, staff = week
    at, who, group = draw_presence(
        trial.path_key(0),
        staff.spans,
        staff.agent,
        staff.group,
        staff.shift_keys,
        0.0,
        staff.away,
        0.0,
    )
    changes = list(zip(at.tolist(), who.tolist(), (group >= 0).tolist(), strict=True))
    cases = trial.cases(0)
    work = trial.handling(0, cases)[0]
    return Drawn(cases[0].tolist(), work.tolist(), changes, trial.intervals)


def heap_loop(  # noqa: PLR0912, PLR0915 - one loop, as one would write it to be quick
    given: Drawn,
) -> tuple[list[float], list[int], list[int], float]:
    """Waits in order of arrival, replies in time and late by interval of arrival, seconds of work.

    First come, first served by one heap of busy agents; whoever goes finishes what is in hand.
    """
    arrival, work, changes, intervals = given
    horizon, cases = intervals * float(INTERVAL_S), len(arrival)
    push, pop = heapq.heappush, heapq.heappop
    on_time, late = [0] * intervals, [0] * intervals
    waits: list[float] = []
    busy: list[tuple[float, int]] = []
    waiting: deque[int] = deque()
    idle: dict[int, None] = {}
    there: set[int] = set()
    working: set[int] = set()
    next_case, next_change, spent = 0, 0, 0.0
    while True:
        change_at = changes[next_change][0] if next_change < len(changes) else NEVER
        free_at = busy[0][0] if busy else NEVER
        arrives = arrival[next_case] if next_case < cases else NEVER
        if change_at <= free_at and change_at <= arrives:
            t, who, comes = changes[next_change] if change_at < NEVER else (NEVER, 0, False)
            if t >= horizon:
                break
            next_change += 1
            if comes:
                there.add(who)
                if who not in working:
                    idle[who] = None
            else:
                there.discard(who)
                idle.pop(who, None)
        elif free_at <= arrives:
            t, who = pop(busy)
            if t >= horizon:
                break
            working.discard(who)
            if who in there:
                idle[who] = None
        else:
            t = arrives
            if t >= horizon:
                break
            waiting.append(next_case)
            next_case += 1
        while waiting and idle:
            who, _ = idle.popitem()
            case = waiting.popleft()
            came, took = arrival[case], work[case]
            working.add(who)
            push(busy, (t + took, who))
            spent += took
            waits.append(t - came)
            if t + took - came <= GOAL_S:
                on_time[int(came / INTERVAL_S)] += 1
            else:
                late[int(came / INTERVAL_S)] += 1
    return waits, on_time, late, spent


def simpy_waits(given: Drawn) -> list[float]:
    """Waits in order of arrival, by simpy's resource, the way its manual goes about it.

    Its capacity is fixed: an agent who is away is a request of a higher priority, one an absence.
    """
    import simpy

    env = simpy.Environment()
    heads = _heads(given)
    most = max(heads)
    desk = simpy.PriorityResource(env, capacity=most)
    waits = [NEVER] * len(given.arrival)

    def agent(number: int) -> Any:
        for begins, ends in absences(heads, number):
            yield env.timeout(max(begins - env.now, 0.0))
            with desk.request(priority=0) as turn:
                yield turn
                yield env.timeout(max(ends - env.now, 0.0))

    def case(number: int) -> Any:
        came = env.now
        with desk.request(priority=1) as turn:
            yield turn
            waits[number] = env.now - came
            yield env.timeout(given.work[number])

    def customers() -> Any:
        for number, came in enumerate(given.arrival):
            yield env.timeout(came - env.now)
            env.process(case(number))

    for number in range(most):
        env.process(agent(number))
    env.process(customers())
    env.run(until=given.intervals * INTERVAL_S)
    return waits


def absences(heads: Sequence[int], number: int) -> list[tuple[float, float]]:
    """From when to when the agent of a number, from 0, is not needed: each stretch once."""
    found: list[tuple[float, float]] = []
    for i, there in enumerate(heads):
        begins, ends = i * float(INTERVAL_S), (i + 1.0) * INTERVAL_S
        if number < there:
            continue
        if found and found[-1][1] == begins:
            begins = found.pop()[0]
        found.append((begins, ends))
    return found


def _heads(given: Drawn) -> list[int]:
    """Agents there in each interval."""
    heads = np.zeros(given.intervals, np.int64)
    for t, _, comes in given.changes:
        heads[round(t / INTERVAL_S) :] += 1 if comes else -1
    return [int(n) for n in heads]


def store_waits(given: Drawn) -> list[float]:
    """Waits in order of arrival, by simpy with as few events as it can do with.

    A store holds the agents who are free.
    """
    import simpy

    env = simpy.Environment()
    desk = simpy.Store(env)
    there: set[int] = set()
    waits = [NEVER] * len(given.arrival)

    def roster() -> Any:
        for t, who, comes in given.changes:
            yield env.timeout(t - env.now)
            if comes:
                there.add(who)
                desk.put(who)
            else:
                there.discard(who)
                if who in desk.items:
                    desk.items.remove(who)

    def case(number: int) -> Any:
        came = env.now
        who = yield desk.get()
        waits[number] = env.now - came
        yield env.timeout(given.work[number])
        if who in there:
            desk.put(who)

    def customers() -> Any:
        for number, came in enumerate(given.arrival):
            yield env.timeout(came - env.now)
            env.process(case(number))

    env.process(roster())
    env.process(customers())
    env.run(until=given.intervals * INTERVAL_S)
    return waits


def ciw_waits(given: Drawn) -> list[float]:
    """Waits in order of arrival, by ciw: agents follow its schedule."""
    import ciw

    heads = _heads(given)
    # At the end of each interval of a schedule, ciw replaces even those who are busy.
    steady = min(heads) == max(heads)
    between = np.diff([0.0, *given.arrival]).tolist()
    ends = [(i + 1) * INTERVAL_S for i in range(given.intervals)]
    schedule = ciw.Schedule(numbers_of_servers=heads, shift_end_dates=ends)
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Sequential([*between, NEVER])],
        service_distributions=[ciw.dists.Sequential(given.work)],
        number_of_servers=[heads[0] if steady else schedule],
    )
    desk = ciw.Simulation(network)
    desk.simulate_until_max_time(given.intervals * INTERVAL_S)
    records = sorted(desk.get_all_records(), key=lambda r: (r.arrival_date, r.id_number))
    return [float(r.waiting_time) for r in records]


def _best(run: Callable[[], int], repeats: int) -> tuple[int, float]:
    """Messages of a run, and the CPU seconds of the quickest."""
    least, messages = NEVER, 0
    for _ in range(repeats):
        began = time.process_time()
        messages = run()
        least = min(least, time.process_time() - began)
    return messages, least


def measured(case: str, engine: str, cases: int, repeats: int, seed: int) -> dict[str, Any]:
    """A row: builds the week, runs it untimed where something compiles, then against the clock."""
    if case.startswith("everything"):
        week = everything(cases, seed=seed)
        ours(everything(500, seed=seed))
    elif case.endswith("day"):
        week = one_class(cases, seed=seed, days=1, keep=True)
    else:
        week = one_class(cases, seed=seed, keep=case.endswith("loop"))
    if engine == "ours":
        ours(one_class(200, seed=seed, days=1))
        if week.trial.drawn:
            week.trial.handling(0, week.trial.cases(0))
        messages, seconds = _best(lambda: ours(week).messages, repeats)
    else:
        given = drawn(week)
        runs: dict[str, Callable[[], list[float]]] = {
            "python": lambda: heap_loop(given)[0],
            "simpy": lambda: simpy_waits(given),
            "simpy, store": lambda: store_waits(given),
            "ciw": lambda: ciw_waits(given),
        }
        for library in ("simpy", "ciw"):
            importlib.import_module(library)
        messages, seconds = _best(lambda: len(runs[engine]()), min(repeats, 2))
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    told = (case, engine, round(messages / seconds), round(seconds, 4), round(peak_mb, 1))
    return dict(zip(COLUMNS, told, strict=True))


def jobs(*, quick: bool) -> list[tuple[str, str, int, int]]:
    """Case, engine, cases and repeats of every row."""
    sizes = (WEEK,) if quick else (WEEK // 4, WEEK // 2, WEEK, 2 * WEEK)
    return [
        ("one class, loop", "ours", WEEK, REPEATS),
        ("one class, loop", "python", WEEK, REPEATS),
        *(("one class, day", engine, WEEK // DAYS, 1) for engine in PEERS),
        *((f"one class, week of {size:,}", "ours", size, REPEATS) for size in sizes),
        *((f"everything, week of {size:,}", "ours", size, REPEATS) for size in sizes),
    ]


def main() -> None:
    args = arguments(__doc__ or "")
    rows = []
    # A process each: memory that one gave back would hide what the next one needs.
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for case, engine, cases, repeats in jobs(quick=args.quick):
            print(f"  {case}, {engine}", file=sys.stderr, flush=True)
            rows.append(pool.apply(measured, (case, engine, cases, repeats, args.seed)))
    quickest = rows[0]["per_s"]
    others = rows[1 : 2 + len(PEERS)]
    times = {row["engine"]: f"{quickest / row['per_s']:,.1f}x" for row in others}
    finish("simulation", rows, args, ours_over=times)


if __name__ == "__main__":
    main()
