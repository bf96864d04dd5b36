"""Rosters: lawful, covered as far as can be, the same for a seed, and honest about the rest."""

import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from rosters import (
    DAY4,
    DAY6,
    DAY8,
    FULL,
    MONDAY,
    horizon,
    large_agents,
    large_brand,
    large_requirement,
    make_agent,
    make_brand,
    make_requirement,
)

from scheduling.check import check_roster
from scheduling.roster import (
    Limits,
    RosterOutcome,
    make_roster,
)
from scheduling.rostering.engine import EngineLimits
from scheduling.staffing import on_shift_of, split_heads, staffing_of
from wfm.brands import Brand, Planning
from wfm.errors import DataError, RequestError
from wfm.frames import ROSTER
from wfm.people import Agent, Availability, Contract, ShiftTemplate, TimeOff
from wfm.sla import WorkLaw

FRIDAY = MONDAY + timedelta(days=4)
QUICK = Limits(engine=EngineLimits(whole=0, guided=2, turns=2))


def roster_of(
    brand: Brand,
    agents: tuple[Agent, ...],
    demand: dict[str, object],
    *,
    days: int = 7,
    first: date = MONDAY,
    seed: int = 1,
    history: pd.DataFrame | None = None,
) -> RosterOutcome:
    """A roster that the independent checker finds nothing wrong with."""
    start, end = horizon(days, first=first, zone=brand.zone)
    outcome = make_roster(
        make_requirement(demand, start, end),
        brand,
        agents,
        start=start,
        end=end,
        seed=seed,
        history=history,
        limits=QUICK,
    )
    found = check_roster(outcome.table, brand, agents, start=start, end=end, history=history)
    assert found == ()
    assert outcome.objective >= outcome.bound - 1e-3
    return outcome


contracts = st.builds(
    Contract,
    name=st.just("law"),
    templates=st.sampled_from([("day8",), ("day6", "day4"), ("day8", "day4")]),
    max_hours_per_day=st.just(9.0),
    max_hours_per_week=st.integers(12, 40),
    min_hours_per_week=st.integers(0, 12),
    max_days_per_week=st.integers(2, 5),
    max_consecutive_days=st.integers(1, 5),
    min_rest_h=st.sampled_from([9.0, 11.0, 12.5]),
    max_weekends_in_4=st.integers(0, 3),
)
people = st.lists(
    st.builds(
        lambda skills, hours, off, contract: make_agent(
            contract=contract, skills=skills, availability=hours, time_off=off
        ),
        skills=st.sampled_from([("x",), ("facebook",), ("x", "facebook")]),
        hours=st.sampled_from(
            [(), tuple(Availability(d, 360, 1440) for d in range(6)), (Availability(2, 0, 1440),)]
        ),
        off=st.sampled_from(
            [(), (TimeOff(MONDAY + timedelta(days=2), MONDAY + timedelta(days=3)),)]
        ),
        contract=st.sampled_from(["law", "full"]),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=5, deadline=None, derandomize=True)
@given(
    law=contracts,
    team=people,
    level=st.integers(0, 3),
    first=st.sampled_from([date(2026, 3, 2), date(2026, 3, 26), date(2026, 10, 22)]),
)
def test_a_roster_of_any_small_desk_breaks_no_rule(
    law: Contract, team: list[Agent], level: int, first: date
):
    agents = tuple(replace(a, agent_id=f"a{n}") for n, a in enumerate(team))
    brand = make_brand(queues=("x", "facebook"), contracts=(law, FULL), zone="Europe/Berlin")

    outcome = roster_of(brand, agents, {"x": level, "facebook": 1}, days=9, first=first)

    assert (outcome.shortfall["agents"] > 0).all()


@pytest.fixture(scope="module")
def outcome() -> RosterOutcome:
    """A large desk from Friday to Monday, over the end of a week."""
    agents = large_agents(24)
    start, end = horizon(4, first=FRIDAY, zone="Europe/Berlin")
    return make_roster(
        large_requirement(start, end, scale=0.2),
        large_brand(),
        agents,
        start=start,
        end=end,
        seed=5,
        limits=QUICK,
    )


def test_a_large_desks_roster_is_lawful_and_covers(outcome: RosterOutcome):
    start, end = horizon(4, first=FRIDAY, zone="Europe/Berlin")

    assert check_roster(outcome.table, large_brand(), large_agents(24), start=start, end=end) == ()
    assert 0 <= outcome.gap < 0.4
    assert outcome.paid_hours > 0


def test_the_same_seed_gives_the_same_roster(outcome: RosterOutcome):
    start, end = horizon(4, first=FRIDAY, zone="Europe/Berlin")
    again = make_roster(
        large_requirement(start, end, scale=0.2),
        large_brand(),
        large_agents(24),
        start=start,
        end=end,
        seed=5,
        limits=QUICK,
    )

    pd.testing.assert_frame_equal(outcome.table, again.table)
    assert again.objective == outcome.objective
    assert again.bound == outcome.bound


def test_staffing_adds_up_to_the_heads_on_queue(outcome: RosterOutcome):
    start, end = horizon(4, first=FRIDAY, zone="Europe/Berlin")
    requirement = large_requirement(start, end, scale=0.2)
    staffing = staffing_of(outcome.table, requirement, large_brand(), large_agents(24))

    on = outcome.table[outcome.table["activity"] == "on_queue"]
    for at, scheduled in staffing.groupby("start")["scheduled"].sum().items():
        heads = ((on["start"] <= at) & (on["end"] > at)).sum()
        assert scheduled == pytest.approx(heads, abs=1e-6)
    np.testing.assert_allclose(staffing["effective"], staffing["scheduled"] * 0.95)
    assert staffing["required"].sum() == requirement["agents"].sum()


def test_staffing_and_the_shortfall_tell_the_same_story(outcome: RosterOutcome):
    start, end = horizon(4, first=FRIDAY, zone="Europe/Berlin")
    requirement = large_requirement(start, end, scale=0.2)
    brand = large_brand()
    staffing = staffing_of(outcome.table, requirement, brand, large_agents(24))
    wanted = staffing["required"] / brand.planning.availability

    missing = (wanted - staffing["scheduled"]).clip(lower=0)
    assert missing[missing > 1e-3].sum() == pytest.approx(
        outcome.shortfall["agents"].sum(), rel=1e-6, abs=1e-6
    )


def test_slots_are_effective_heads_times_the_queues_concurrency():
    brand = make_brand(queues=("x", "facebook"))
    chat = replace(brand.queues[1], work=WorkLaw(concurrency_max=3))
    brand = replace(brand, queues=(brand.queues[0], chat))
    agents = tuple(make_agent(f"a{n}", skills=("x", "facebook")) for n in range(4))
    outcome = roster_of(brand, agents, {"x": 1, "facebook": 1}, days=2)
    start, end = horizon(2)

    staffing = staffing_of(
        outcome.table, make_requirement({"x": 1, "facebook": 1}, start, end), brand, agents
    )
    on_shift = on_shift_of(outcome.table, brand, agents)

    of = staffing.set_index("queue")
    np.testing.assert_allclose(of.loc["facebook", "slots"], of.loc["facebook", "effective"] * 3)
    np.testing.assert_allclose(of.loc["x", "slots"], of.loc["x", "effective"])
    assert set(on_shift["queues"]) == {"facebook x"}
    assert set(on_shift["slots"]) == {3}


def test_on_shift_leaves_breaks_and_meals_out():
    agents = (make_agent(),)
    outcome = roster_of(make_brand(), agents, {"x": 2}, days=1)
    on_shift = on_shift_of(outcome.table, make_brand(), agents)

    minutes = (on_shift["end"] - on_shift["start"]).dt.total_seconds().sum() / 60
    assert minutes == DAY8.minutes - 60
    assert len(on_shift) == 4


def test_nothing_needed_and_no_minimum_means_nobody_works():
    lazy = replace(FULL, min_hours_per_week=0)
    outcome = roster_of(make_brand(contracts=(lazy,)), (make_agent(),), {"x": 0})

    assert outcome.table.empty
    assert list(outcome.table.columns) == list(ROSTER.columns)
    assert outcome.objective == 0
    assert outcome.messages == ()


def test_a_night_shift_covers_past_midnight():
    night = ShiftTemplate("night", 480, (1320,))
    law = Contract("law", ("night",), 8, 40)
    agents = tuple(make_agent(f"a{n}", contract="law") for n in range(3))
    brand = make_brand(templates=(night,), contracts=(law,), planning=Planning(0.0, 0.0))
    demand = np.zeros(3 * 96)
    demand[92:116] = 1  # from 23:00 to 05:00

    outcome = roster_of(brand, agents, {"x": demand}, days=3)

    first = outcome.table.iloc[0]
    assert first["start"] == pd.Timestamp("2026-03-02 22:00", tz="UTC")
    assert first["end"] == pd.Timestamp("2026-03-03 06:00", tz="UTC")
    assert outcome.shortfall.empty


def test_nobody_is_sent_into_the_night_after_the_horizon_to_meet_a_minimum():
    """Its hours are not part of the plan; they once looked like a minimum met for nothing."""
    agents = tuple(make_agent(f"a{n}") for n in range(12))
    brand = make_brand(planning=Planning(0.0, 0.0))
    outcome = roster_of(brand, agents, {"x": 1}, days=8)

    end = pd.Timestamp(horizon(8)[1])
    on_queue = outcome.table[outcome.table["activity"] == "on_queue"]
    an_hour_on = end + pd.Timedelta(hours=1)
    still_there = (on_queue["start"] <= an_hour_on) & (on_queue["end"] > an_hour_on)
    assert still_there.sum() <= 1


@pytest.mark.parametrize(("exact", "people"), [(1.3, 2), (1.05, 1)])
def test_a_queue_that_nobody_shares_is_covered_by_whole_people(exact: float, people: int):
    agents = tuple(
        make_agent(f"{skill}{n}", skills=(skill,)) for n in range(14) for skill in ("x", "facebook")
    )
    brand = make_brand(queues=("x", "facebook"), planning=Planning(0.0, 0.0))
    start, end = horizon(3)
    requirement = make_requirement({"x": 2, "facebook": 1}, start, end)
    on_x = requirement["queue"] == "x"
    requirement.loc[on_x, "agents_exact"] = exact
    outcome = make_roster(requirement, brand, agents, start=start, end=end, seed=1, limits=QUICK)
    staffed = staffing_of(outcome.table, requirement, brand, agents)
    heads = staffed[staffed["queue"] == "x"]["scheduled"].to_numpy()
    noon = heads[48::96]

    assert np.median(heads) >= people
    assert (noon >= people).all()


def test_more_than_can_be_done_is_a_shortfall_with_its_reason_and_no_error():
    outcome = roster_of(make_brand(), (make_agent(),), {"x": 5})

    assert outcome.shortfall_hours > 600
    assert list(outcome.shortfall.columns) == ["start", "queue", "agents"]
    assert any("contract hours exhausted in week 10" in m for m in outcome.messages)


def test_a_shortfall_whose_causes_are_all_negligible_is_still_told(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("scheduling.rostering.shortfall.NEGLIGIBLE_H", 1e6)
    outcome = roster_of(make_brand(), (make_agent(),), {"x": 1}, days=2)

    told = [m for m in outcome.messages if "short of" in m]
    assert len(told) == 1
    assert f"short of {outcome.shortfall_hours:.2f} agent-hours in all (x)" in told[0]


def test_a_skill_nobody_has_is_named():
    brand = make_brand(queues=("x", "linkedin"))
    outcome = roster_of(brand, (make_agent(),), {"x": 1, "linkedin": 1}, days=2)

    assert any("no agent with skill linkedin exists" in m for m in outcome.messages)


def test_hours_that_nobody_is_available_for_are_named():
    days_only = tuple(Availability(d, 480, 1080) for d in range(7))
    agents = tuple(make_agent(f"a{n}", availability=days_only) for n in range(8))
    outcome = roster_of(make_brand(), agents, {"x": 1}, days=2)

    assert any("no agent with skill x is available then" in m for m in outcome.messages)


def test_the_first_hours_that_only_the_roster_before_can_cover_are_named():
    late = replace(DAY8, starts=(360, 840, 1320))
    agents = tuple(make_agent(f"a{n}") for n in range(12))
    outcome = roster_of(make_brand(templates=(late,), contracts=(FULL,)), agents, {"x": 1}, days=2)

    assert any("only the roster before can cover it" in m for m in outcome.messages)


def test_a_brand_without_agents_gets_an_empty_roster_and_the_reason():
    outcome = roster_of(make_brand(), (), {"x": 1}, days=1)

    assert outcome.table.empty
    assert outcome.messages == (
        "x is short of 26.6 agent-hours, most on Mon 02 Mar 00:00: no agent with skill x exists",
    )


def test_the_roster_before_is_respected_and_covers_the_first_morning():
    law = replace(FULL, name="full")
    night = replace(DAY8, starts=(0, 480, 960, 1320))
    brand = make_brand(templates=(night, DAY6, DAY4), contracts=(law,))
    agents = tuple(make_agent(f"a{n}") for n in range(9))
    week_before = roster_of(brand, agents, {"x": 1}, first=MONDAY - timedelta(days=7))

    after = roster_of(brand, agents, {"x": 1}, history=week_before.table)
    alone = roster_of(brand, agents, {"x": 1})

    assert after.objective != alone.objective


@pytest.mark.parametrize("sunday", [date(2026, 3, 29), date(2026, 10, 25)])
def test_a_clock_change_day_is_covered_from_end_to_end(sunday: date):
    brand = make_brand(zone="Europe/Berlin", planning=Planning(0.0, 0.0))
    agents = tuple(make_agent(f"a{n}") for n in range(16))
    outcome = roster_of(brand, agents, {"x": 1}, days=3, first=sunday - timedelta(days=1))

    # A lone break costs less than the shift that would cover it.
    assert outcome.shortfall_hours <= 1.0


def test_heads_are_split_so_that_every_need_that_can_be_met_is_met():
    serves = np.array([[True, False], [True, True], [False, True]])
    heads = np.array([[2.0, 3.0, 1.0], [0.0, 4.0, 0.0], [5.0, 1.0, 0.0]])
    need = np.array([[3.0, 3.0], [1.0, 3.0], [1.0, 1.0]])

    split = split_heads(heads, serves, need)

    np.testing.assert_allclose(split.sum(axis=1), heads.sum(axis=1))
    np.testing.assert_allclose(split, [[3.0, 3.0], [1.0, 3.0], [5.0, 1.0]], atol=1e-3)


def test_nobody_is_put_on_a_queue_that_is_shut_while_another_needs_them():
    split = split_heads(np.array([[2.0]]), np.array([[True, True]]), np.array([[1.0, 0.0]]))

    np.testing.assert_allclose(split, [[2.0, 0.0]], atol=1e-6)


def test_two_agents_of_one_name_and_a_foreign_queue_are_refused():
    start, end = horizon(1)
    with pytest.raises(DataError, match="listed 2 times"):
        make_roster(
            make_requirement({"x": 1}, start, end),
            make_brand(),
            (make_agent(), make_agent()),
            start=start,
            end=end,
            seed=1,
        )
    with pytest.raises(RequestError, match="queue 'y'"):
        make_roster(
            make_requirement({"y": 1}, start, end),
            make_brand(),
            (make_agent(),),
            start=start,
            end=end,
            seed=1,
        )


def test_progress_rises_from_nothing_to_everything():
    start, end = horizon(7)
    seen: list[float] = []
    make_roster(
        make_requirement({"x": 1}, start, end),
        make_brand(),
        tuple(make_agent(f"a{n}") for n in range(4)),
        start=start,
        end=end,
        seed=1,
        limits=QUICK,
        progress=lambda done, stage: seen.append(done),
    )

    assert seen == sorted(seen)
    assert seen[0] >= 0
    assert seen[-1] <= 1.0
