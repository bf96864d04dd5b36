"""The requirement: what it needs, what binds, and what it refuses."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from scheduling.queueing.erlang import agents_for
from scheduling.requirement import Requirement, make_requirement, repair
from wfm.brands import Planning
from wfm.calendars import Hours, ServiceWindow
from wfm.errors import DataError, GoalOutOfReach, RequestError
from wfm.frames import REQUIREMENT
from wfm.sla import Duration, ServiceGoal, WorkLaw

CALM = {"planned_shrinkage": 0.0, "unplanned_shrinkage": 0.0, "risk_quantile": 0.5}


def required(desk, **options) -> Requirement:
    given = desk.forecast, desk.paths, desk.brand
    return make_requirement(*given, start=desk.start, end=desk.end, **options)


def test_it_is_a_requirement_table_with_a_row_an_interval_and_queue(make_desk, make_queue):
    desk = make_desk(np.full((96, 2), 5.0), make_queue("a"), make_queue("b"))
    table = required(desk).table
    assert REQUIREMENT.check(table).equals(table)
    assert len(table) == 2 * 96


def test_no_demand_needs_the_minimum_staff(make_desk, make_queue):
    desk = make_desk(0.0, make_queue(minimum_staff=2))
    found = required(desk)
    assert (found.table["agents"] == 2).all()
    assert (found.table["binding"] == "minimum").all()
    assert "no contacts are expected" in found.warnings[0]


def test_outside_its_window_a_queue_needs_nobody(make_desk, make_queue):
    office = ServiceWindow((Hours("UTC", frozenset(range(5)), 540, 1020),))
    table = required(make_desk(4.0, make_queue(window=office))).table
    hour = table["start"].dt.hour
    shut = (hour < 9) | (hour >= 17)
    assert (table.loc[shut, "agents"] == 0).all()
    assert table.loc[shut, "attainment"].isna().all()
    assert (table.loc[~shut, "agents"] >= 1).all()
    # What came in the night is worked off in the first hour.
    assert table.loc[hour == 9, "agents"].mean() > 1.5 * table.loc[hour == 14, "agents"].mean()


def test_constant_load_without_cap_is_erlang_c(make_desk, make_queue):
    law = WorkLaw(continue_p=0.0)
    planning = Planning(occupancy_cap=1.0, **CALM)
    desk = make_desk(40.0, make_queue(work=law), days=2, planning=planning)
    agents = required(desk).table["agents"].to_numpy()[96:]
    exact = agents_for(
        40 * 180 / 900, service_s=180, first_touch=law.first_touch, threshold_s=900, share=0.9
    )
    assert np.unique(agents).tolist() == exact.agents.tolist()


def test_what_binds_is_told(make_desk, make_queue):
    planning = Planning(occupancy_cap=0.85, **CALM)
    for contacts, binding in ((0.2, "minimum"), (3.0, "first"), (200.0, "occupancy")):
        table = required(make_desk(contacts, make_queue(), days=2, planning=planning)).table
        assert table["binding"].iloc[-1] == binding


def test_agents_keep_the_occupancy_cap(make_desk, make_queue):
    planning = Planning(occupancy_cap=0.80, **CALM)
    table = required(make_desk(100.0, make_queue(), planning=planning)).table
    assert (table["workload"] <= 0.80 * table["agents_exact"] * 1.02).all()


def test_the_planned_for_day_is_the_quantile_of_the_common_day_factor(make_desk, make_queue):
    planning = Planning(0.0, 0.0, risk_quantile=0.80)
    desk = make_desk(100.0, make_queue(), days=7, paths=400, day_cv=0.15, planning=planning)
    factor = required(desk).factors["factor"]
    true = np.quantile(np.random.default_rng(0).gamma(1 / 0.15**2, 0.15**2, 100_000), 0.80)
    assert factor.mean() == pytest.approx(true, abs=0.02)


def test_chance_of_single_contacts_is_not_counted_twice(make_desk, make_queue):
    """Paths that scatter as Poisson counts alone leave the requirement at the mean."""
    planning = Planning(0.0, 0.0, risk_quantile=0.90)
    desk = make_desk(1.0, make_queue(), days=7, paths=400, planning=planning)
    assert required(desk).factors["factor"].to_numpy() == pytest.approx(1.0, abs=0.06)


def test_a_longer_handling_time_scales_the_whole_work_law(make_desk, make_queue):
    planning = Planning(**CALM)
    law = WorkLaw(first_touch=Duration(120, 0.5))
    usual, longer = (
        required(make_desk(20.0, make_queue(work=law), aht_s=aht, planning=planning)).table
        for aht in (law.aht_s, 1.5 * law.aht_s)
    )
    assert longer["workload"].sum() == pytest.approx(1.5 * usual["workload"].sum(), rel=0.01)


def test_a_handling_time_far_from_the_law_is_doubted_aloud(make_desk):
    found = required(make_desk(0.5, aht_s=800.0))
    assert any("2.2 times that of its work law" in w for w in found.warnings)


def test_several_chats_at_once_never_divide_the_handling_time(make_desk, make_queue):
    chat = {"think": Duration(120, 1.0), "continue_p": 0.6}
    one, three = (
        required(make_desk(60.0, make_queue(work=WorkLaw(concurrency_max=k, **chat)))).table
        for k in (1, 3)
    )
    assert three["agents"].sum() >= one["agents"].sum()


def test_the_band_runs_from_the_bad_days_to_the_good(make_desk):
    table = required(make_desk(30.0, days=2, day_cv=0.15)).table
    # A few lost days can pull the expectation below P10, never above the best.
    assert (table["attainment_low"] <= table["attainment_high"]).all()
    assert (table["attainment"] <= 1).all()
    assert table["attainment_low"].min() < table["attainment_high"].max()


def test_a_goal_that_writing_alone_breaks_is_told_with_the_best_share(make_desk, make_queue):
    quick = make_queue("vip", goals=(ServiceGoal(threshold_s=180, share=0.9),))
    with pytest.raises(GoalOutOfReach, match=r"queue 'vip'.*any number of agents") as told:
        required(make_desk(5.0, quick))
    best = quick.work.first_touch.share_within(180)
    assert told.value.details["best_share"] == pytest.approx(best, abs=1e-4)


def test_the_stricter_of_two_promises_counts(make_desk, make_queue):
    loose, strict = ServiceGoal(), ServiceGoal(threshold_s=480, share=0.95)
    planning = Planning(occupancy_cap=1.0, **CALM)
    both, one = (
        required(make_desk(8.0, make_queue(goals=goals), planning=planning)).table
        for goals in ((loose, strict), (strict,))
    )
    assert both["agents"].tolist() == one["agents"].tolist()


def test_an_unknown_method_is_told_with_the_known_ones(make_desk):
    with pytest.raises(RequestError, match="lagged_mol, erlang_c"):
        required(make_desk(5.0), method="magic")


def test_a_forecast_with_a_gap_is_refused(make_desk):
    desk = make_desk(5.0)
    desk.forecast = desk.forecast.drop(index=7)
    with pytest.raises(DataError, match="missing at 2026-03-02T01:45Z"):
        required(desk)


def test_paths_that_do_not_cover_the_time_are_refused(make_desk):
    desk, longer = make_desk(5.0), make_desk(5.0, days=2)
    desk.forecast, desk.end = longer.forecast, longer.end
    with pytest.raises(DataError, match="do not cover"):
        required(desk)


def test_the_callers_tables_are_left_as_they_were(make_desk):
    desk = make_desk(5.0)
    before = desk.forecast.copy()
    required(desk)
    pd.testing.assert_frame_equal(desk.forecast, before)


@pytest.mark.parametrize(("low", "high"), [(0.5, 0.6), (0.6, 0.8), (0.8, 0.95)])
def test_a_higher_risk_level_never_needs_fewer_agents(make_desk, low, high):
    some, more = (
        required(
            make_desk(20.0, days=2, day_cv=0.2, planning=Planning(0.0, 0.0, risk_quantile=q))
        ).table["agents_exact"]
        for q in (low, high)
    )
    assert (more >= some).all()
    assert more.sum() > some.sum()


def hours_of(table: pd.DataFrame, attainment: float, cases: float = 10.0) -> pd.DataFrame:
    hours = table[table["start"].dt.minute == 0][["start", "queue"]]
    return hours.assign(attainment=attainment, cases=cases)


def test_repair_adds_one_agent_in_a_bad_hour_and_the_interval_before(make_desk):
    table = required(make_desk(5.0)).table
    hours = hours_of(table, 0.99)
    nine = hours["start"] == pd.Timestamp("2026-03-02T09:00Z")
    hours.loc[nine, "attainment"] = 0.80
    raised = repair(table, hours)["agents"] - table["agents"]
    assert table.loc[raised == 1, "start"].dt.strftime("%H:%M").tolist() == [
        "08:45",
        "09:00",
        "09:15",
        "09:30",
        "09:45",
    ]


def test_repair_leaves_good_small_and_shut_hours_alone(make_desk, make_queue):
    office = ServiceWindow((Hours("UTC", frozenset(range(5)), 540, 1020),))
    table = required(make_desk(5.0, make_queue(window=office))).table
    assert repair(table, hours_of(table, 0.93)).equals(table)
    assert repair(table, hours_of(table, 0.5, cases=0.2)).equals(table)
    everywhere = repair(table, hours_of(table, 0.5))
    assert (everywhere.loc[table["agents"] == 0, "agents"] == 0).all()


def test_two_bad_hours_in_a_row_raise_their_border_once(make_desk):
    table = required(make_desk(5.0)).table
    raised = repair(table, hours_of(table, 0.5))["agents"] - table["agents"]
    assert raised.max() == 1
    assert timedelta(minutes=15) * int(raised.sum()) == timedelta(days=1)
