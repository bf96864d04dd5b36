"""The certificate: what it states, whether it is right, and that it can be kept."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from scheduling.certificate import Certificate, certify
from scheduling.requirement import make_requirement, repair
from scheduling.simulation.simulate import simulate
from wfm.brands import Planning
from wfm.calendars import Hours, ServiceWindow
from wfm.sla import ServiceGoal

EVENINGS = ServiceWindow((Hours("UTC", frozenset(range(7)), 480, 1200),))


def swing(peak: float) -> np.ndarray:
    t = np.arange(96) / 96 * 2 * np.pi
    return peak * (0.55 - 0.45 * np.cos(t - 1.0))


def certified(desk, table: pd.DataFrame, staff, **options) -> Certificate:
    given = staff(table), desk.forecast, desk.paths, desk.brand
    return certify(*given, **({"start": desk.start, "end": desk.end, "seed": 11} | options))


def required(desk) -> pd.DataFrame:
    given = desk.forecast, desk.paths, desk.brand
    return make_requirement(*given, start=desk.start, end=desk.end).table


@pytest.fixture
def desk(make_desk, make_queue):
    """Two queues, one of twelve hours; the promise by the hour."""
    mean = np.column_stack([swing(14.0), swing(6.0)])
    mail = make_queue("mail", window=EVENINGS, goals=(ServiceGoal(threshold_s=1800),))
    return make_desk(mean, make_queue(), mail, day_cv=0.05, paths=120)


def test_the_requirement_keeps_every_promise_when_it_is_staffed(desk, staff):
    """No cap helps: the queueing formulas alone must hold on simulated days."""
    planning = Planning(0.0, 0.0, occupancy_cap=1.0, risk_quantile=0.80)
    desk.brand = type(desk.brand)(**(vars(desk.brand) | {"planning": planning}))
    found = certified(desk, required(desk), staff)
    assert found.kept
    assert found.overall.attainment >= 0.93
    assert {(g.queue, g.goal) for g in found.goals} == {
        ("x", "goal"),
        ("mail", "goal"),
        ("mail", "opening"),
        ("", "goal"),
    }


def test_too_few_agents_break_the_promise_and_the_worst_hour_is_named(desk, staff):
    table = required(desk)
    noon = table["start"].dt.hour.between(10, 13) & (table["queue"] == "x")
    found = certified(desk, table.assign(agents=table["agents"].where(~noon, 1)), staff)
    result = next(g for g in found.goals if g.queue == "x")
    assert not result.kept
    assert result.units_missed >= 4
    assert 10 <= pd.Timestamp(result.worst["start"]).hour <= 16
    assert any("missed in" in line for line in found.describe())


def test_repair_brings_a_bad_hour_back(desk, staff):
    given = desk.forecast, desk.paths, desk.brand
    made = make_requirement(*given, start=desk.start, end=desk.end)
    table = made.table
    eight = (table["start"].dt.hour == 8) & (table["queue"] == "x")
    thin = table.assign(agents=table["agents"].where(~eight, (table["agents"] - 3).clip(0)))
    first = certified(desk, thin, staff, seed=1)
    mended = repair(replace(made, table=thin), first.hours())
    again = certified(desk, mended.table, staff, seed=1)
    worst = [c.hours().loc[lambda h: h["queue"] == "x", "attainment"].min() for c in (first, again)]
    assert worst[0] < 0.92
    assert worst[1] > worst[0]


def test_the_same_seed_gives_the_same_certificate(desk, staff):
    table = required(desk)
    one, two = (certified(desk, table, staff, threads=n) for n in (1, 3))
    assert one == two
    assert one != certified(desk, table, staff, seed=12)


def test_it_survives_being_written_down(desk, staff):
    found = certified(desk, required(desk), staff)
    text = json.dumps(found.to_document(), allow_nan=False)
    assert Certificate.from_document(json.loads(text)) == found


def test_hours_and_days_are_ratios_of_sums_over_all_paths(desk, staff):
    table = required(desk)
    found = certified(desk, table, staff)
    run = simulate(
        staff(table),
        desk.forecast,
        desk.paths,
        desk.brand,
        start=desk.start,
        end=desk.end,
        seed=11,
    )
    ten = run.outcomes[:, 40:44, 0, :].sum(axis=(0, 1))
    assert found.series[0]["hour"].attainment[10] == pytest.approx(ten[0] / ten.sum(), abs=1e-4)
    day = run.outcomes[:, :, 0, :].sum(axis=(0, 1))
    assert found.series[0]["day"].attainment == [pytest.approx(day[0] / day.sum(), abs=1e-4)]
    joint = found.table("hour").loc[lambda t: t["queue"] == "", "cases"].sum()
    assert joint == pytest.approx(run.outcomes.sum(axis=(1, 2, 3)).mean(), rel=1e-3)


def test_the_stated_error_is_that_of_repeated_certificates(make_desk, make_queue, staff):
    """Standard error over paths against the scatter of certificates on fresh seeds."""
    goal = ServiceGoal(share=0.9, scope="day")
    attained, stated = [], []
    for seed in range(30):
        desk = make_desk(9.0, make_queue(goals=(goal,)), paths=30, seed=seed)
        table = pd.DataFrame({"start": desk.index, "queue": "x", "agents": 4})
        found = certified(desk, table, staff, seed=seed)
        attained.append(found.goals[0].attainment)
        stated.append(found.goals[0].se)
    assert np.mean(stated) == pytest.approx(np.std(attained, ddof=1), rel=0.4)


def test_the_band_lies_around_the_expectation(desk, staff):
    found = certified(desk, required(desk), staff)
    for series in found.series:
        hours = series["hour"]
        for mean, low, high in zip(hours.attainment, hours.p10, hours.p90, strict=True):
            assert (mean is None) == (low is None)
            if mean is not None:
                assert 0 <= low <= high <= 1
                assert mean <= 1


def test_days_are_local_days(make_desk, make_queue, staff):
    """27 to 29 March in Berlin: the Sunday has 92 quarters of an hour."""
    desk = make_desk(3.0, days=28)
    desk.brand = type(desk.brand)(**(vars(desk.brand) | {"zone": "Europe/Berlin"}))
    table = pd.DataFrame({"start": desk.index, "queue": "x", "agents": 4})
    start = desk.start + timedelta(days=25, hours=-1)
    found = certified(desk, table, staff, start=start, end=start + timedelta(days=3, hours=-1))
    assert [f"{s:%d %H}" for s in found.starts["day"]] == ["26 23", "27 23", "28 23"]
    cases = found.series[0]["day"].cases
    assert cases[2] == pytest.approx(92 * 3, rel=0.1)


def test_hours_with_hardly_a_case_are_shown_but_not_held_against_it(make_desk, staff):
    desk = make_desk(0.05, paths=60)
    nobody_at_night = pd.DataFrame({"start": desk.index, "queue": "x", "agents": 1})
    nobody_at_night.loc[:19, "agents"] = 0
    found = certified(desk, nobody_at_night, staff)
    result = found.goals[0]
    assert result.units_small == result.units > 0
    assert result.kept
    assert result.worst is None


def test_the_backlog_is_stated_for_each_queue_and_for_all(desk, staff):
    found = certified(desk, required(desk), staff)
    assert set(found.backlog) == {"", "x", "mail"}
    total = np.array(found.backlog["x"]["mean"]) + np.array(found.backlog["mail"]["mean"])
    assert found.backlog[""]["mean"] == pytest.approx(total, abs=0.03)


def test_nobody_on_shift_is_a_certificate_of_nothing_kept(desk, staff):
    found = certified(desk, required(desk).assign(agents=0), staff)
    assert not found.kept
    assert found.overall.attainment == 0
    assert set(found.occupancy) == {None}


def test_it_reads_as_a_few_lines(desk, staff):
    lines = certified(desk, required(desk), staff).describe()
    assert lines[0] == "120 simulated runs, on a seed the plan was not made with (11)"
    assert lines[1].startswith("x, first response in 15 min for 90%: ")
    assert "mail, first response after opening in 1 h for 90%: " in "\n".join(lines)
    assert lines[-1].startswith("all queues, first response for 90%: ")
