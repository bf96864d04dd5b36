"""Lines of work: lawful, the best there are for one agent, and never worse for a repair."""

import itertools
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1]))
from rosters import MONDAY, horizon, make_agent, make_brand, make_requirement

from scheduling.check import check_roster
from scheduling.roster import roster_table
from scheduling.rostering.assign import (
    AssignLimits,
    Desk,
    Past,
    assign,
    begun_before,
    given_heads,
    past_of,
    worker_of,
)
from scheduling.rostering.lines import place_breaks
from scheduling.rostering.need import INTERVAL_H, Prices, cuts_of, need_of, skill_groups
from scheduling.rostering.shifts import expand_shifts
from wfm.brands import Brand
from wfm.people import Agent, BreakRule, Contract, Preference, ShiftTemplate

MORNING = ShiftTemplate("morning", 480, (360,), (BreakRule("meal", 30, 180, 240),))
NIGHT = ShiftTemplate("night", 480, (1320,), (BreakRule("meal", 30, 180, 240),))
LAW = Contract(
    "law",
    ("morning", "night"),
    8,
    30,
    min_hours_per_week=15,
    max_days_per_week=4,
    max_consecutive_days=3,
    max_weekends_in_4=1,
)
PRICES = Prices()


def desk_of(
    agents: tuple[Agent, ...],
    brand: Brand,
    demand: dict[str, object],
    days: int,
    *,
    first: date = MONDAY,
) -> tuple[Desk, np.ndarray]:
    start, end = horizon(days, first=first)
    need = need_of(make_requirement(demand, start, end), brand, start=start, end=end)
    shifts = expand_shifts(brand, start=start, end=end)
    groups = skill_groups(agents, need.queues)
    workers = [
        worker_of(a, int(g), shifts=shifts, brand=brand, prices=PRICES, past=Past())
        for a, g in zip(agents, groups.of, strict=True)
    ]
    return Desk(workers, shifts, groups, need, PRICES), groups.deficits(need)


@settings(max_examples=3, deadline=None, derandomize=True)
@given(
    levels=st.lists(st.integers(0, 2), min_size=16, max_size=16),
    law=st.sampled_from(
        [LAW, replace(LAW, max_consecutive_days=2), replace(LAW, max_hours_per_week=15)]
    ),
)
def test_one_agents_line_is_the_best_of_all_lawful_lines(levels: list[int], law: Contract):
    days = 4
    first = MONDAY + timedelta(days=5)  # over a weekend and a week's end
    brand = make_brand(templates=(MORNING, NIGHT), contracts=(law,))
    agent = make_agent(contract="law", preferences=(Preference("day_off", "sat", 2.0),))
    desk, deficits = desk_of((agent,), brand, {"x": np.repeat(levels, 24)}, days, first=first)
    start, end = horizon(days, first=first)

    now = desk.empty(deficits)
    desk.choose(now, 0)
    chosen = desk.objective(now)

    # The witness: every sequence of two shifts and a day off, judged by the independent checker.
    best = np.inf
    shifts = desk.shifts
    for line in itertools.product((-1, 0, 1), repeat=days):
        trial = desk.empty(deficits)
        for d, k in enumerate(line):
            if k < 0:
                continue
            trial.shift[0, d] = np.flatnonzero((shifts.day == d) & (shifts.template == k))[0]
            trial.breaks[0, d, 0] = 12
        table = roster_table(trial, (agent,), shifts, start)
        if check_roster(table, brand, (agent,), start=start, end=end):
            continue
        taken = trial.shift[0][trial.shift[0] >= 0]
        gain = 0.0
        on_queue = np.zeros(shifts.intervals)
        for s in taken:
            span = np.arange(shifts.start[s], min(shifts.start[s] + 32, shifts.intervals))
            places = []
            for p in range(12, 17):
                on = [t for t in span if not p <= t - shifts.start[s] < p + 2]
                short = np.maximum(deficits[on, 0], 0) - np.maximum(deficits[on, 0] - 1, 0)
                worth = (PRICES.short + PRICES.surplus) * short.sum() - PRICES.surplus * len(on)
                places.append(worth * INTERVAL_H)
            gain += max(places)
            on_queue[span] += 1
        # Hours after the horizon cost what they save of the minimum.
        inside = shifts.inside[taken]
        paid = shifts.paid[taken] * INTERVAL_H * (inside + PRICES.below_minimum * (1 - inside))
        saturdays = (shifts.weekdays[shifts.day[taken]] == 5).sum()
        below = 0.0
        for days_of_week in (range(2), range(2, days)):
            worked = sum(shifts.paid[s] for s in taken if shifts.day[s] in days_of_week)
            below += max(0.0, 15 * 4 * len(days_of_week) / 7 - worked)
        cost = (
            paid.sum() + PRICES.wish * 2.0 * saturdays + PRICES.below_minimum * below * INTERVAL_H
        )
        best = min(best, cost - gain)
    empty = desk.objective(desk.empty(deficits)) - desk.empty(deficits).costs.sum()
    assert chosen == pytest.approx(empty + best, abs=1e-6)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    values=st.lists(st.floats(0, 5), min_size=40, max_size=40),
    start=st.integers(0, 30),
)
def test_breaks_lie_in_their_windows_in_order_where_they_cost_least(
    values: list[float], start: int
):
    prefix = np.concatenate([[0.0], np.cumsum(values)])
    windows = np.array([[2, 6, 1], [5, 9, 2], [0, 0, 0]], dtype=np.int64)
    at = np.zeros(3, dtype=np.int64)

    place_breaks(prefix, start, windows, at)

    assert 2 <= at[0] <= 6
    assert max(5, at[0] + 1) <= at[1] <= 9
    assert at[2] == -1


def team(count: int) -> tuple[Agent, ...]:
    return tuple(
        make_agent(f"a{n}", contract="law", skills=("x",) if n % 2 else ("x", "facebook"))
        for n in range(count)
    )


def two_queues() -> Brand:
    return make_brand(queues=("x", "facebook"), templates=(MORNING, NIGHT), contracts=(LAW,))


def test_pairs_find_what_no_agent_could_gain_alone():
    """Sweeps end where nobody gains by choosing again; two who choose together still do."""
    demand = {"x": np.tile(np.repeat([1, 3, 2], 32), 7), "facebook": 1}
    desk, deficits = desk_of(team(12), two_queues(), demand, 7)

    alone, pairs = (
        assign(desk, deficits, seed=1, limits=AssignLimits(sweeps=20, repairs=repairs)).objective
        for repairs in (0, 150)
    )

    assert pairs < alone - 1.0


def test_what_the_floor_lacks_always_fits_the_lines():
    desk, deficits = desk_of(team(6), two_queues(), {"x": 2, "facebook": 1}, 7)

    now = assign(desk, deficits, seed=3, limits=AssignLimits(repairs=10)).assignment
    for i in range(6):
        desk.leave(now, i)

    np.testing.assert_allclose(now.deficits, deficits, atol=1e-9)


def test_the_wall_limit_is_told():
    desk, deficits = desk_of(team(3), two_queues(), {"x": 2, "facebook": 1}, 7)

    outcome = assign(desk, deficits, seed=3, limits=AssignLimits(repairs=5, wall_s=0.0))

    assert outcome.stopped_by_wall


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.data())
def test_the_cuts_give_the_shortfall_of_the_best_flow(data: st.DataObject):
    groups = data.draw(st.integers(1, 4))
    queues = data.draw(st.integers(1, 4))
    row = st.lists(st.booleans(), min_size=queues, max_size=queues)
    serves = np.array(data.draw(st.lists(row, min_size=groups, max_size=groups)), dtype=bool)
    heads = data.draw(st.lists(st.integers(0, 4), min_size=groups, max_size=groups))
    need = data.draw(st.lists(st.integers(0, 4), min_size=queues, max_size=queues))

    # The witness: augmenting paths, one head at a time.
    people = [g for g, count in enumerate(heads) for _ in range(count)]
    places = [q for q, count in enumerate(need) for _ in range(count)]
    holder: dict[int, int] = {}

    def seat(person: int, seen: set[int]) -> bool:
        for place, queue in enumerate(places):
            if serves[people[person], queue] and place not in seen:
                seen.add(place)
                if place not in holder or seat(holder[place], seen):
                    holder[place] = person
                    return True
        return False

    seated = sum(seat(person, set()) for person in range(len(people)))

    cuts = cuts_of(serves)
    touched = (serves.astype(int) @ cuts.T.astype(int)) > 0
    lacks = cuts.astype(int) @ np.array(need) - np.array(heads) @ touched
    assert max(0, lacks.max(initial=0)) == len(places) - seated


def test_the_last_night_before_leaves_rest_a_run_hours_and_weekends():
    brand = make_brand(templates=(MORNING, NIGHT), contracts=(LAW,))
    agent = make_agent(contract="law")
    first = MONDAY - timedelta(days=5)  # a Wednesday; works Saturday night and Sunday night
    desk, deficits = desk_of((agent,), brand, {"x": 1}, 5, first=first)
    now = desk.empty(deficits)
    for d in (3, 4):
        now.shift[0, d] = np.flatnonzero((desk.shifts.day == d) & (desk.shifts.template == 1))[0]
        now.breaks[0, d, 0] = 12
    before = roster_table(now, (agent,), desk.shifts, horizon(5, first=first)[0])
    start, _ = horizon(7)

    begun = begun_before(before, start)
    past = past_of(agent, begun, brand, start)
    groups = skill_groups((agent,), ("x",))
    heads = given_heads(begun, (agent,), groups, start=start, intervals=96)

    assert past == Past(run=2, week=(0, 0), free_from=24, weekends=1, weekend=0)
    assert heads[:, 0].tolist() == [1.0] * 4 + [0.0] * 2 + [1.0] * 18 + [0.0] * 72

    wednesday = start - timedelta(days=1)
    again = past_of(agent, begun_before(before, wednesday), brand, wednesday)
    assert again == Past(run=1, week=(1, 30), free_from=24, weekends=0, weekend=1)
