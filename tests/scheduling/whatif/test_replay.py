"""Replays of the past: a record that an independent loop wrote, bands, what is nobody's work."""

from __future__ import annotations

import heapq
import itertools
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.calibration import Recorded
from scheduling.simulation.staff import staff_of
from scheduling.simulation.trial import make_trial
from scheduling.verdicts import FirstReplies, OpenTime
from scheduling.whatif.recorded import handling_times, is_certain, record_of, trial_of
from scheduling.whatif.replay import Replay, replayed
from wfm.brands import Brand, Planning, Queue
from wfm.calendars import Hours, ServiceWindow, is_open, open_seconds
from wfm.errors import DataError, RequestError
from wfm.frames import INSTANT, VOLUMES
from wfm.paths import Paths
from wfm.sla import Duration, OpeningGoal, ServiceGoal, WorkLaw, first_response_due

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DAY_S = 86_400.0
NOBODY_AWAY = Planning(planned_shrinkage=0.0, unplanned_shrinkage=0.0)
DAYTIME = ServiceWindow((Hours("UTC", frozenset(range(7)), 8 * 60, 20 * 60),))
ONE_TOUCH = WorkLaw(Duration(300.0, 0.7), continue_p=0.0)


def a_queue(name: str, **changes: object) -> Queue:
    values: dict[str, object] = {
        "channel": "x",
        "handle": f"@{name}",
        "language": "en",
        "window": ServiceWindow.always(),
        "goals": (ServiceGoal(),),
        "opening_goal": OpeningGoal(),
        "work": ONE_TOUCH,
    }
    return Queue(name=name, **(values | changes))  # type: ignore[arg-type]


def a_brand(*queues: Queue, planning: Planning = NOBODY_AWAY, zone: str = "UTC") -> Brand:
    return Brand("test", zone, (), queues, (), (), planning=planning)


MAIL = a_queue("mail", window=DAYTIME, goals=(ServiceGoal(threshold_s=4 * 3600),))
DESK = a_brand(a_queue("x"), MAIL)


def at(seconds: float) -> datetime:
    return MONDAY + timedelta(seconds=seconds)


def on_shift(rows: list[tuple[str, float, float, str]]) -> pd.DataFrame:
    """ON_SHIFT of agents, from and to in hours, and queues."""
    table = pd.DataFrame(
        [(who, at(a * 3600), at(b * 3600), queues, 1) for who, a, b, queues in rows],
        columns=["agent_id", "start", "end", "queues", "slots"],
    )
    kinds = {"agent_id": "str", "queues": "str", "slots": "int64", "start": INSTANT, "end": INSTANT}
    return table.astype(kinds)


def three_shifts(days: int, *sets: str) -> pd.DataFrame:
    """Of each set of queues one agent at a time, in shifts of eight hours with a break.

    No two come at once: who of them gets what waits is no rule of the queue.
    """
    rows = []
    for day in range(days):
        for turn in range(3):
            for number, queues in enumerate(sets):
                begin = 24 * day + 8 * turn + 0.25 * number
                who = f"{queues} {turn}"
                rows += [(who, begin, begin + 3.75, queues), (who, begin + 4.25, begin + 8, queues)]
    return on_shift(rows)


def recorded(
    received: np.ndarray,
    replied: np.ndarray,
    handling_s: np.ndarray | None = None,
    **changes: object,
) -> Recorded:
    """Cases by seconds since Monday, each resolved by its reply."""
    zero = MONDAY.timestamp()
    values: dict[str, object] = {
        "received": received + zero,
        "first_response": replied + zero,
        "resolved": replied + zero,
        "paused_s": np.zeros(received.size),
        "first": zero,
        "until": zero + 400 * DAY_S,
        "complete": True,
        "handling_s": handling_s,
    }
    return Recorded(**(values | changes))  # type: ignore[arg-type]


def cases_of(days: int, per_day: dict[str, int], seed: int) -> dict[str, tuple[np.ndarray, ...]]:
    """By queue arrivals in whole seconds, no two alike, and how long each is worked on."""
    rng = np.random.default_rng(seed)
    seconds = rng.choice(int(days * DAY_S), size=days * sum(per_day.values()), replace=False)
    found, begin = {}, 0
    for name, count in per_day.items():
        came = np.sort(seconds[begin : begin + days * count]).astype(float)
        begin += came.size
        # In parts of a second that floating numbers hold exactly, hardly two alike.
        work = np.rint(rng.lognormal(5.9, 0.7, came.size) * 4096) / 4096
        found[name] = came, work
    return found


def by_heap(
    brand: Brand,
    table: pd.DataFrame,
    cases: dict[str, tuple[np.ndarray, ...]],
    horizon: float,
    *,
    fifo: bool = False,
) -> dict[str, np.ndarray]:
    """When first replies are sent, seconds since Monday; NaN: not begun. Written from the rules.

    One heap of events, and of each queue one of who waits, by when the live queue has them due.
    """
    events: list[tuple[float, int, int, tuple]] = []
    numbers = itertools.count()

    def note(t: float, rank: int, *what: object) -> None:
        heapq.heappush(events, (t, rank, next(numbers), what))

    serves = {}
    for row in table.itertuples():
        serves[row.agent_id] = set(row.queues.split())
        note((row.start - MONDAY).total_seconds(), 0, "come", row.agent_id)
        note((row.end - MONDAY).total_seconds(), 0, "go", row.agent_id)
    for queue in brand.queues:
        for number, came in enumerate(cases[queue.name][0]):
            note(came, 3, "write", queue, number)
        for hour in range(int(horizon // 3600)):  # windows open and shut on the hour
            note(3600.0 * hour, 1, "look", queue)
    replied = {name: np.full(of[0].size, np.nan) for name, of in cases.items()}
    waiting: dict[str, list[tuple]] = {name: [] for name in cases}
    there: set[str] = set()
    busy: set[str] = set()
    opened: set[str] = set()
    while events:
        t, _, _, what = heapq.heappop(events)
        if t >= horizon:
            break
        if what[0] == "come":
            there.add(what[1])
        elif what[0] == "go":
            there.discard(what[1])
        elif what[0] == "free":
            busy.discard(what[1])
        elif what[0] == "look":
            change = opened.add if is_open(what[1].window, at(t)) else opened.discard
            change(what[1].name)
        else:
            queue, number = what[1:]
            due = first_response_due(queue.window, queue.promise, queue.opening_goal, at(t)).at
            heapq.heappush(waiting[queue.name], (at(t) if fifo else due, at(t), number))
        while True:
            heads = sorted((of[0], name) for name, of in waiting.items() if of and name in opened)
            pairs = [(n, a) for _, n in heads for a in there - busy if n in serves[a]]
            if not pairs:
                break
            name = pairs[0][0]
            agent = min((a for n, a in pairs if n == name), key=lambda a: (len(serves[a]), a))
            _, _, number = heapq.heappop(waiting[name])
            busy.add(agent)
            replied[name][number] = t + cases[name][1][number]
            note(replied[name][number], 2, "free", agent)
    return replied


def replies_of(replay: Replay, queue: str, column: str) -> np.ndarray:
    """Seconds since Monday."""
    of_queue = replay.cases[replay.cases["queue"] == queue]
    return (of_queue[column] - pd.Timestamp(MONDAY)).dt.total_seconds().to_numpy()


@pytest.fixture(scope="module")
def month() -> dict[str, object]:
    """Four weeks that are all on record: who answered what came, and when, by the heap."""
    days = 28
    table = three_shifts(days, "x", "mail x")
    cases = cases_of(days, {"x": 160, "mail": 55}, seed=4)
    horizon = days * DAY_S
    record = {
        name: recorded(cases[name][0], replied, cases[name][1])
        for name, replied in by_heap(DESK, table, cases, horizon).items()
    }
    return {"table": table, "cases": cases, "horizon": horizon, "record": record}


def test_an_unchanged_month_that_leaves_nothing_to_chance_is_the_record_to_the_second(month):
    record = record_of(month["record"], DESK, start=MONDAY, end=at(month["horizon"]))
    assert is_certain(record, DESK)
    found = replayed(
        record, month["table"], VOLUMES.empty(), DESK, start=at(DAY_S), replications=20
    )
    assert (found.replications, found.known, found.played) == (1, 1.0, record.cases)
    for name in ("x", "mail"):
        ours, theirs = (replies_of(found, name, f"{who}_at") for who in ("replayed", "recorded"))
        inside = theirs <= month["horizon"]
        assert inside.sum() > 100
        assert np.abs(ours - theirs)[inside].max() < 1e-5
        assert (np.isnan(ours[~inside]) | (ours[~inside] > month["horizon"])).all()
    for table in (found.by_day, found.by_queue):
        assert (table["difference"] == 0.0).all()
        assert table["replayed_p90_s"].equals(table["recorded_p90_s"])
    assert 0.5 < found.by_queue["recorded"].iloc[0] < 0.99
    # 27 days, the first of the record only fills the queues; all queues and each.
    assert len(found.by_day) == 27 * 3
    assert found.by_day["day"].iloc[0] == "2026-03-03"


def test_another_order_is_the_one_that_would_have_been(month):
    record = record_of(month["record"], DESK, start=MONDAY, end=at(month["horizon"]))
    found = replayed(record, month["table"], VOLUMES.empty(), DESK, start=MONDAY, order="fifo")
    heap = by_heap(DESK, month["table"], month["cases"], month["horizon"], fifo=True)
    changed = 0
    for name, theirs in heap.items():
        ours = replies_of(found, name, "replayed_at")
        inside = theirs <= month["horizon"]
        assert np.abs(ours - theirs)[inside].max() < 1e-5
        changed += int((np.abs(ours - replies_of(found, name, "recorded_at")) > 1.0).sum())
    assert changed > 50
    assert found.by_queue["difference"].abs().max() > 0.005


def test_more_people_leave_fewer_late_and_nobody_leaves_all_late(month):
    record = record_of(month["record"], DESK, start=MONDAY, end=at(7 * DAY_S))
    few = replayed(record, month["table"], VOLUMES.empty(), DESK, start=MONDAY)
    more = pd.concat(
        [
            month["table"],
            three_shifts(7, "mail x more".replace(" more", "")).assign(
                agent_id=lambda t: "more " + t["agent_id"]
            ),
        ],
        ignore_index=True,
    )
    many = replayed(record, more.astype({"agent_id": "str"}), VOLUMES.empty(), DESK, start=MONDAY)
    none = replayed(record, month["table"].iloc[:0], VOLUMES.empty(), DESK, start=MONDAY)
    shares = [r.by_queue.set_index("queue")["replayed"] for r in (none, few, many)]
    assert (shares[0] == 0.0).all()
    assert (shares[1] < shares[2]).all()
    assert none.by_queue["replayed_p50_s"].isna().all()
    assert none.cases["replayed_at"].isna().all()


# -- what is left to chance ----------------------------------------------------------------------

CHATTY = WorkLaw(Duration(200.0, 0.6), Duration(120.0, 0.5), 0.4, Duration(900.0, 1.0))
BUSY = a_brand(
    a_queue("x", work=CHATTY),
    a_queue("mail", work=CHATTY, window=DAYTIME),
    planning=Planning(planned_shrinkage=0.05, unplanned_shrinkage=0.05),
    zone="Europe/Berlin",
)


@pytest.fixture(scope="module")
def simulated() -> dict[str, object]:
    """Four weeks that one seed made: when cases came and were answered, not how long they took."""
    days, rng = 28, np.random.default_rng(8)
    table = three_shifts(days, "x", "mail x", "mail")
    counts = rng.poisson([[2.5, 1.2]] * (96 * days))[None]
    volumes = pd.DataFrame(
        {
            "start": pd.date_range(MONDAY, periods=96 * days, freq="15min", unit="us").repeat(2),
            "queue": pd.Series(["x", "mail"] * (96 * days), dtype="str"),
            "contacts": counts.ravel(),
            "aht_s": 250.0,
        }
    )
    trial = make_trial(
        volumes,
        Paths(MONDAY, ("x", "mail"), counts),
        BUSY,
        start=MONDAY,
        end=at(days * DAY_S),
        seed=77,
    )
    staff = staff_of(table, BUSY, start=trial.start, end=trial.end)
    (begun,) = trial.run(staff, keep_starts=True).starts
    arrivals, queue, _ = cases = trial.cases(0)
    replied = begun + trial.handling(0, cases)[0]
    record = {
        name: recorded(arrivals[queue == q], replied[queue == q])
        for q, name in enumerate(("x", "mail"))
    }
    return {
        "table": table,
        "volumes": VOLUMES.check(volumes),
        "record": record_of(record, BUSY, start=MONDAY, end=trial.end),
    }


def test_what_one_seed_made_lies_within_the_band_of_others(simulated):
    assert not is_certain(simulated["record"], BUSY)
    found = replayed(
        simulated["record"],
        simulated["table"],
        simulated["volumes"],
        BUSY,
        start=at(DAY_S),
        replications=20,
        seed=3,
    )
    assert (found.replications, found.known) == (20, 0.0)
    whole = found.by_queue
    assert 0.3 < whole["recorded"].iloc[0] < 0.97
    assert whole["difference"].abs().max() < 0.03
    # P10 to P90 holds eight of ten.
    days = found.by_day
    inside = days["recorded"].between(days["replayed_low"], days["replayed_high"])
    assert 0.6 < inside.mean() < 0.97
    assert whole["recorded_p50_s"].to_numpy() == pytest.approx(
        whole["replayed_p50_s"].to_numpy(), rel=0.2
    )


def test_a_replay_is_the_same_for_the_same_seed_and_each_case_tells_of_its_replications(simulated):
    runs = [
        replayed(
            simulated["record"],
            simulated["table"],
            simulated["volumes"],
            BUSY,
            start=at(26 * DAY_S),
            replications=3,
            seed=seed,
        )
        for seed in (5, 5, 6)
    ]
    pd.testing.assert_frame_equal(runs[0].cases, runs[1].cases)
    assert not runs[0].cases.equals(runs[2].cases)
    late = runs[0].cases["replayed_late"].dropna()
    assert np.isin(np.rint(late * 3 * 2), range(7)).all()
    assert late.between(0, 1).all()
    assert len(runs[0].cases) == (simulated["record"].received >= 26 * DAY_S).sum()


# -- what is played and judged -------------------------------------------------------------------


def test_what_was_resolved_without_people_is_nobodys_work():
    came = np.array([60.0, 120.0, 180.0])
    nobody = recorded(
        came,
        np.array([400.0, np.nan, np.nan]),
        np.array([300.0, np.nan, np.nan]),
        resolved=MONDAY.timestamp() + np.array([400.0, 121.0, np.nan]),
    )
    record = record_of({"x": nobody}, DESK, start=MONDAY, end=at(7200.0))
    assert record.automatic.tolist() == [False, True, False]
    trial = trial_of(record, VOLUMES.empty(), DESK, seed=1, replications=2)
    for r in range(2):
        arrivals, _, keys = cases = trial.cases(r)
        assert arrivals.tolist() == [60.0, 180.0]
        work = trial.handling(r, cases)[0]
        assert work[0] == 300.0
        assert work[1] > 0.0
    assert trial.handling(0, trial.cases(0))[0][1] != work[1]
    assert len(set(keys.tolist())) == 2
    found = replayed(record, on_shift([("a", 0, 2, "x")]), VOLUMES.empty(), DESK, start=MONDAY)
    assert len(found.cases) == found.played == 2
    # The third is late on record: nobody answered within a quarter of an hour.
    assert found.cases["recorded_late"].tolist() == [0.0, 1.0]
    assert found.by_queue["cases"].tolist() == [2, 2]


def test_a_queue_is_judged_up_to_where_its_results_tell():
    came = np.array([0.0, 5000.0, 6900.0])
    of_queue = recorded(
        came,
        np.array([300.0, np.nan, 7500.0]),
        np.array([300.0, 200.0, 200.0]),
        resolved=np.full(3, np.nan),
        until=MONDAY.timestamp() + 5300.0,
    )
    record = record_of({"x": of_queue}, DESK, start=MONDAY, end=at(7200.0))
    found = replayed(record, on_shift([("a", 0, 2, "x")]), VOLUMES.empty(), DESK, start=MONDAY)
    late = found.cases["recorded_late"]
    assert late[0] == 0.0
    assert late[1:].isna().all()
    assert found.cases["replayed_late"][1] == 0.0


@given(
    received=st.lists(st.integers(0, 2 * 86_400), min_size=1, max_size=12),
    waits=st.lists(st.one_of(st.none(), st.integers(0, 90_000)), min_size=12, max_size=12),
    until=st.integers(86_400, 4 * 86_400),
    opens=st.sampled_from([0, 8, 22]),
)
@settings(max_examples=20, deadline=None, derandomize=True)
def test_replies_are_judged_as_the_live_queue_reckons_their_due_times(
    received, waits, until, opens
):
    window = DAYTIME if opens else ServiceWindow.always()
    queue = a_queue("mail", window=window, goals=(ServiceGoal(threshold_s=5400),))
    came = np.sort(np.array(received, float))
    replied = np.array([np.nan if w is None else c + w for c, w in zip(came, waits, strict=False)])
    replied[replied > until] = np.nan
    clock = OpenTime(queue, MONDAY, at(5 * DAY_S))
    promise = FirstReplies(clock, came, threshold_s=5400, opening_s=queue.opening_goal.threshold_s)
    judged, late, taken = promise.judge(replied, float(until))
    for i, arrived in enumerate(came):
        due = first_response_due(window, queue.promise, queue.opening_goal, at(arrived)).at
        sent = np.isfinite(replied[i])
        ends = at(replied[i] if sent else until)
        # What is answered while the queue is shut takes no more of its open time.
        over = ends > due and (
            not is_open(window, at(arrived))
            or open_seconds(window, at(arrived), ends) > queue.promise.threshold_s
        )
        assert late[i] == over
        assert judged[i] == (sent or over)
        if sent:
            assert taken[i] == pytest.approx(open_seconds(window, at(arrived), ends))
        else:
            assert taken[i] == np.inf


def test_handling_times_are_those_of_the_day_then_of_the_time_then_of_the_law():
    volumes = pd.DataFrame(
        {
            "start": pd.Series([at(0), at(900), at(DAY_S), at(3 * DAY_S)]).astype(INSTANT),
            "queue": pd.Series(["x"] * 4, dtype="str"),
            "contacts": [1, 3, 2, 0],
            "aht_s": [100.0, 200.0, 400.0, 999.0],
        }
    )
    table = handling_times(VOLUMES.check(volumes), DESK, start=MONDAY, end=at(3 * DAY_S))
    of_x = table[table["queue"] == "x"]["aht_s"].to_numpy()
    assert of_x.reshape(3, 96).mean(axis=1).tolist() == pytest.approx([175.0, 400.0, 250.0])
    assert (table[table["queue"] == "mail"]["aht_s"] == ONE_TOUCH.aht_s).all()


def test_a_record_without_cases_and_a_start_outside_of_it_are_told():
    of_queue = recorded(np.array([60.0]), np.array([90.0]))
    with pytest.raises(DataError, match="no case that arrived from 2026-03-03T00:00:00Z"):
        record_of({"x": of_queue}, DESK, start=at(DAY_S), end=at(2 * DAY_S))
    record = record_of({"x": of_queue}, DESK, start=MONDAY, end=at(DAY_S))
    table = on_shift([("a", 0, 2, "x")])
    with pytest.raises(RequestError, match="outside of the record"):
        replayed(record, table, VOLUMES.empty(), DESK, start=at(DAY_S))
    with pytest.raises(DataError, match="T01:00:00Z to 2026-03-03T00:00:00Z is on record"):
        replayed(record, table, VOLUMES.empty(), DESK, start=at(3600.0))
    with pytest.raises(RequestError, match="spike mode of 'x'"):
        replayed(
            record, table, VOLUMES.empty(), DESK, start=MONDAY, order="fifo", spike_mode=("x",)
        )
