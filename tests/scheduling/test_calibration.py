"""Certificates held against what came: judged as the simulator judges, fair at the stated rate."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.calibration import SCORES, Recorded, calibrate, score
from scheduling.certificate import Certificate, GoalResult, Series, certify, judge
from scheduling.simulation import trial as trial_module
from scheduling.simulation.setting import lines_of
from scheduling.simulation.simulate import simulate
from wfm.brands import Brand, Queue
from wfm.calendars import Hours, ServiceWindow
from wfm.sla import OpeningGoal, ServiceGoal, WorkLaw

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DAY_S = 86_400.0
OFFICE = ServiceWindow((Hours("UTC", frozenset(range(7)), 8 * 60, 18 * 60),))
GOALS = (
    ServiceGoal(),
    ServiceGoal("resolution", 3600, 0.8, "day"),
    ServiceGoal("next_reply", 1800, 0.8, "hour"),
)
NONE = np.empty(0)


def on_record(
    received: object,
    first_response: object = (),
    resolved: object = None,
    *,
    paused_s: object = None,
    first: float = 0.0,
    until: float = DAY_S,
    complete: bool = False,
) -> Recorded:
    """Cases by seconds from Monday midnight; those without a resolution are open."""
    start = MONDAY.timestamp()
    at = np.asarray(received, float)
    replied = np.asarray(first_response, float)
    ended = np.full(at.shape, np.nan) if resolved is None else np.asarray(resolved, float)
    return Recorded(
        received=start + at,
        first_response=start + replied,
        resolved=start + ended,
        paused_s=np.zeros(at.shape) if paused_s is None else np.asarray(paused_s, float),
        first=start + first,
        until=start + until,
        complete=complete,
    )


def a_queue(name: str = "x", **changes: object) -> Queue:
    goals, law = (ServiceGoal(),), WorkLaw()
    made = Queue(name, "x", name, "en", ServiceWindow.always(), goals, OpeningGoal(), law)
    return replace(made, **changes)


def promised(*queues: Queue, mean: float = 4.0) -> tuple[Certificate, Brand]:
    """A certificate of Monday that promises 90 % of everything, and its brand."""
    size = {"interval": 96, "hour": 24, "day": 1}
    starts = {
        scope: [MONDAY + i * timedelta(days=1) / count for i in range(count)]
        for scope, count in size.items()
    }

    def series(scope: str) -> Series:
        count = size[scope]
        cases = [mean * 96 / count] * count
        return Series([0.9] * count, [0.01] * count, [0.85] * count, [0.95] * count, cases)

    lines = [line for queue in queues for line in lines_of(queue)]
    goals = [
        GoalResult(
            line.queue, line.metric, line.goal, line.threshold_s, line.share, line.scope,
            0.9, 0.01, 0.85, 0.95, mean * 96, None, 1, 0, 0, True,
        )
        for line in lines
    ]  # fmt: skip
    goals.append(replace(goals[0], queue="", goal="goal"))
    over_time = {scope: series(scope) for scope in size}
    certificate = Certificate(
        start=MONDAY, end=MONDAY + timedelta(days=1), seed=5, replications=200, messages=0,
        starts=starts, goals=tuple(goals), series=(over_time,) * len(goals), backlog={},
        occupancy=[],
    )  # fmt: skip
    return certificate, Brand("test", "UTC", (), queues, (), ())


def counts(rows: list[dict], **chosen: object) -> list[tuple[int, int]]:
    """Cases in time and cases judged of the rows so chosen."""
    return [
        (row["on_time"], row["cases"])
        for row in rows
        if all(row[name] == value for name, value in chosen.items())
    ]


# -- as the simulator judges ---------------------------------------------------------------------


def test_a_simulated_day_put_on_record_is_judged_as_the_simulator_judged_it(
    make_desk, staff, monkeypatch
):
    queues = (a_queue("x"), a_queue("mail", window=OFFICE))
    day = make_desk(np.tile([4.0, 3.0], (96, 1)), *queues, paths=1)
    table = day.forecast[["start", "queue"]].assign(agents=2)
    kept = {}
    serve = trial_module.serve

    def recording(cases, rules, crew, tally):
        begun = serve(cases, rules, crew, tally)
        kept.update(cases=cases, began=tally.first_start.copy())
        return begun

    monkeypatch.setattr(trial_module, "serve", recording)
    simulation = simulate(
        staff(table), day.forecast, day.paths, day.brand, start=day.start, end=day.end, seed=5
    )
    certificate = judge(simulation, day.brand, seed=5)
    cases, began = kept["cases"], kept["began"]
    replied = np.where(began < 0, np.nan, began + cases.work)
    recorded = {
        queue.name: on_record(cases.arrival[cases.queue == q], replied[cases.queue == q])
        for q, queue in enumerate(queues)
    }
    rows = score(certificate, day.brand, recorded)

    lines = [(g.queue, g.goal) for g in certificate.goals if g.queue]
    assert lines == [("x", "goal"), ("mail", "goal"), ("mail", "opening")]
    for i, (queue, goal) in enumerate(lines):
        outcomes = simulation.outcomes[0, :, i, :].astype(int)
        hours = outcomes.reshape(24, 4, 3).sum(axis=1)
        expected = [(int(h[0]), int(h.sum())) for h in hours if h.sum()]
        assert counts(rows, scope="hour", queue=queue, goal=goal) == expected
    assert simulation.outcomes[:, :, :, 1:].any()
    # With one sampled day, what came is what was promised: the band is that very day.
    together = [row for row in rows if row["scope"] == "day" and row["queue"] == ""]
    assert len(together) == 1
    for row in rows:
        assert row["on_time"] / row["cases"] == pytest.approx(row["promised"], abs=1e-4)
        assert tuple(row) == SCORES


def test_a_resolution_takes_the_open_time_that_was_not_the_customers():
    certificate, brand = promised(a_queue(goals=GOALS))
    rows = score(
        certificate,
        brand,
        {
            "x": on_record(
                [3600.0, 3600.0, 3600.0, 80_000.0],
                [3700.0, 3700.0, 3700.0, 80_100.0],
                [7000.0, 9000.0, 9000.0, np.nan],
                paused_s=[0.0, 0.0, 1900.0, 0.0],
            )
        },
    )
    # In an hour; in 90 minutes; the same, of which half an hour was the customer's; still open.
    assert counts(rows, scope="day", metric="resolution") == [(2, 4)]
    assert counts(rows, scope="day", metric="next_reply") == []

    # Where no resolution is on record, none is said to be missed.
    rows = score(certificate, brand, {"x": on_record([3600.0], [3700.0])})
    assert counts(rows, scope="day", metric="resolution") == []
    assert counts(rows, scope="day", queue="x", metric="first_response") == [(1, 1)]


def test_a_reply_is_on_time_by_open_time_or_after_the_opening():
    window = a_queue("mail", window=OFFICE, opening_goal=OpeningGoal(3600, 0.9))
    certificate, brand = promised(window, mean=0.2)
    evening, morning, open_at = 17.9 * 3600, 6 * 3600.0, 8 * 3600.0
    recorded = on_record(
        [evening, morning, morning, morning],
        # 6 open minutes today, 4 tomorrow would do; within the hour, after it, and never.
        [evening + 300, open_at + 3599, open_at + 3601, np.nan],
    )
    rows = score(certificate, brand, {"mail": recorded})
    assert counts(rows, scope="day", queue="mail", goal="goal") == [(1, 1)]
    assert counts(rows, scope="day", queue="mail", goal="opening") == [(1, 3)]


def test_only_what_is_due_by_a_human_is_judged():
    certificate, brand = promised(a_queue(), mean=0.1)
    recorded = on_record(
        [1000.0, 2000.0, DAY_S - 100.0, 3000.0],
        [np.nan] * 4,
        # Resolved without a reply; waits past due; not due yet; resolved without a reply, late.
        [1500.0, np.nan, np.nan, 50_000.0],
        until=DAY_S,
    )
    assert counts(score(certificate, brand, {"x": recorded}), scope="day", queue="x") == [(0, 1)]


@given(
    earlier=st.lists(st.floats(0.0, 3000.0), min_size=5, max_size=5),
    waits=st.lists(st.floats(0.0, 3000.0), min_size=5, max_size=5),
)
@settings(max_examples=10, deadline=None, derandomize=True)
def test_an_earlier_reply_is_never_worse(earlier, waits):
    certificate, brand = promised(a_queue())
    received = np.linspace(3600.0, 60_000.0, 5)
    late = received + np.array(waits) + np.array(earlier)
    soon = received + np.array(waits)
    (before,), (after,) = (
        counts(score(certificate, brand, {"x": on_record(received, at)}), scope="day", queue="x")
        for at in (late, soon)
    )
    assert after[1] == before[1] == 5
    assert after[0] >= before[0]


# -- which days are told of ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "until", "complete", "told"),
    [
        (0.0, DAY_S, False, True),
        (600.0, DAY_S - 600.0, False, True),
        (6 * 3600.0, DAY_S, False, False),
        (0.0, 18 * 3600.0, False, False),
        # Our own queue knows how far it is, to the second.
        (0.0, DAY_S - 600.0, True, False),
        (0.0, DAY_S, True, True),
        (2 * DAY_S, 3 * DAY_S, False, False),
    ],
)
def test_a_day_counts_when_hardly_a_case_of_it_can_be_missing(first, until, complete, told):
    certificate, brand = promised(a_queue(), mean=4.0)
    recorded = on_record([43_200.0], [43_300.0], first=first, until=until, complete=complete)
    assert bool(score(certificate, brand, {"x": recorded})) is told


def test_all_queues_are_judged_together_only_where_all_are_recorded():
    certificate, brand = promised(a_queue("x"), a_queue("y"))
    recorded = on_record([43_200.0], [43_300.0])
    alone = score(certificate, brand, {"x": recorded})
    both = score(certificate, brand, {"x": recorded, "y": recorded})
    assert {row["queue"] for row in alone} == {"x"}
    assert counts(both, scope="day", queue="") == [(2, 2)]


def test_a_queue_that_the_brand_has_no_longer_is_left_out():
    certificate, brand = promised(a_queue("x"), a_queue("y"))
    left = Brand("test", "UTC", (), brand.queues[:1], (), ())
    recorded = on_record([43_200.0], [43_300.0])
    rows = score(certificate, left, {"x": recorded, "y": recorded})
    assert {row["queue"] for row in rows} == {"x"}


# -- many days -----------------------------------------------------------------------------------


def a_row(day: int, on_time: int, **changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "plan_id": 1, "certificate_id": 1, "afterwards": False, "scope": "day",
        "start": MONDAY + timedelta(days=day), "queue": "x", "metric": "first_response",
        "goal": "goal", "threshold_s": 900, "share": 0.9, "expected": 100.0, "promised": 0.9,
        "p10": 0.85, "p90": 0.95, "cases": 100, "on_time": on_time,
    }  # fmt: skip
    return row | changes


def test_calibration_counts_the_days_within_the_band_and_the_bias():
    found = calibrate([a_row(0, 90), a_row(1, 95), a_row(2, 96), a_row(3, 79, queue="y")])
    assert (found.days, found.coverage, found.stated) == (4, 0.5, 0.80)
    assert found.bias == pytest.approx(0.0, abs=1e-9)
    x, y = found.lines.to_dict("records")
    assert (x["queue"], x["days"], x["cases"]) == ("x", 3, 300)
    assert (x["inside"], x["bias"]) == (
        pytest.approx(2 / 3),
        pytest.approx(100 * (281 / 300 - 0.9)),
    )
    assert (y["inside"], y["attained"]) == (0.0, 0.79)


def test_the_line_of_all_queues_and_second_thresholds_do_not_count_twice():
    rows = [a_row(0, 90), a_row(0, 50, threshold_s=1800), a_row(0, 70, queue="", threshold_s=0)]
    found = calibrate(rows)
    assert found.bias == pytest.approx(0.0)
    assert found.coverage == 0.5
    assert len(found.table) == 3


def test_a_band_is_held_as_exactly_as_it_is_kept():
    third = a_row(0, 1, cases=3, p10=0.3333, p90=0.3333, promised=0.3333)
    assert calibrate([third]).coverage == 1.0


def test_without_scores_nothing_is_claimed():
    found = calibrate([])
    assert (found.days, found.coverage, found.bias) == (0, None, None)
    assert found.table.empty
    assert found.lines.empty


def test_days_of_the_same_law_lie_within_the_band_at_its_stated_rate(make_desk, staff):
    """The band spans days of sampled counts, so a day's own chance is in it."""
    day = make_desk(4.2, paths=300, day_cv=0.1, seed=2)
    table = day.forecast[["start", "queue"]].assign(agents=2)
    on_shift = staff(table)
    certificate = certify(
        on_shift, day.forecast, day.paths, day.brand, start=day.start, end=day.end, seed=5
    )
    fresh = make_desk(4.2, paths=300, day_cv=0.1, seed=3)
    came = simulate(
        on_shift, day.forecast, fresh.paths, day.brand, start=day.start, end=day.end, seed=6
    )
    series = certificate.series[0]["day"]
    sums = came.outcomes[:, :, 0, :].sum(axis=1)
    rows = [
        a_row(
            k, int(one[0]), cases=int(one.sum()), promised=series.attainment[0],
            p10=series.p10[0], p90=series.p90[0],
        )
        for k, one in enumerate(sums)
    ]  # fmt: skip
    found = calibrate(rows)
    assert found.coverage == pytest.approx(0.80, abs=0.06)
    assert found.bias == pytest.approx(0.0, abs=4.0)
    assert series.p10[0] < series.p90[0]
