"""The engine on whole desks: near the cheapest, above its bound, and true to what it is given."""

import itertools
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from checked import AGENT, shift, table, under
from rosters import horizon, make_agent, make_brand, make_requirement

from scheduling.check import check_roster
from scheduling.roster import Limits, RosterOutcome, make_roster
from scheduling.rostering.crew import Crew
from scheduling.rostering.engine import EngineLimits, solve
from scheduling.rostering.law import Past, Rules
from scheduling.rostering.problem import (
    Days,
    Fairness,
    Floor,
    Person,
    Problem,
    Tasks,
    nothing_to_share,
    nothing_wanted,
)
from wfm.people import Availability, BreakRule, Contract, ShiftTemplate

DAYS = 3
RULES = Rules(max_run=2, rest=11)
IN_TURN = EngineLimits(whole=0, guided=2, turns=2)


def a_problem(seed: int, *, people: int = 3, pay: float = 4.0) -> Problem:
    """A day and a night task on each of three days, for a few people with costs of their own."""
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(DAYS), 2)
    night = np.tile([False, True], DAYS)
    begin = day * 24 + np.where(night, 22, 8)
    blocks = len(day)
    tasks = Tasks(
        day=day,
        template=night.astype(np.int64),
        begin=begin,
        end=begin + 8,
        into_day=begin - day * 24,
        paid=np.full(blocks, 8),
        night=night,
        first=np.arange(blocks),
        length=np.ones(blocks, dtype=np.int64),
        layout=night.astype(np.int64),
        breaks=np.zeros((2, 0, 3), dtype=np.int64),
    )
    floor = Floor(
        need=rng.integers(0, 3, (blocks, 1)).astype(np.float64),
        layer=np.zeros(1, dtype=np.int64),
        touches=np.ones((1, 1), dtype=np.bool_),
        short=np.full((blocks, 1), pay),
        surplus=np.full(blocks, 0.5),
    )
    every = np.arange(blocks)
    crew = tuple(
        Person((RULES,) * DAYS, Past(), 0, every, rng.uniform(0, 3, blocks), nothing_wanted(DAYS))
        for _ in range(people)
    )
    kinds = np.array([night, day == DAYS - 1])
    fairness = Fairness(kinds, np.full((people, 2), 0.5), np.array([1.0, 0.7]))
    days = Days((0, 1, 2), (False,) * DAYS, (False,) * DAYS)
    return Problem(days, tasks, floor, crew, fairness, constant=3.0)


def cheapest(problem: Problem) -> float:
    """The least cost of all rosters, one after the other, by the words of the problem."""
    tasks, floor, fair = problem.tasks, problem.floor, problem.fairness
    lines = []
    for line in itertools.product((-1, 0, 1), repeat=DAYS):
        if -1 not in line or any(a == 1 and b == 0 for a, b in itertools.pairwise(line)):
            continue  # three days in a row; a day after a night
        lines.append([2 * d + k for d, k in enumerate(line) if k >= 0])
    least = np.inf
    for chosen in itertools.product(lines, repeat=len(problem.people)):
        heads = np.bincount(list(itertools.chain(*chosen)), minlength=len(tasks))
        cost = problem.constant + (floor.surplus * heads).sum()
        cost += (floor.short[:, 0] * np.maximum(floor.need[:, 0] - heads, 0)).sum()
        for i, (person, line) in enumerate(zip(problem.people, chosen, strict=True)):
            above = np.maximum(fair.counts[:, line].sum(axis=1) - fair.share[i], 0)
            cost += person.costs[line].sum() + (fair.price * above).sum()
        least = min(least, float(cost))
    return least


@pytest.mark.parametrize("seed", range(3))
def test_a_small_problem_is_solved_and_its_bound_is_below_the_cheapest(seed: int):
    problem = a_problem(seed)

    solution = solve(problem, seed=1)

    optimum = cheapest(problem)
    assert solution.objective == pytest.approx(optimum, abs=1e-6)
    assert solution.bound <= optimum + 1e-6
    assert solution.bound > optimum - 0.1 * abs(optimum)
    assert Crew(problem).objective(solution.roster) == pytest.approx(solution.objective)


def test_the_bound_is_the_cheapest_where_nobody_is_in_anothers_way():
    problem = a_problem(5, people=2)
    alone = replace(
        problem,
        floor=replace(problem.floor, need=np.full((6, 1), 2.0)),
        fairness=nothing_to_share(len(problem.tasks), 2),
    )

    solution = solve(alone, seed=1)

    assert solution.bound == pytest.approx(cheapest(alone), rel=2e-5)
    assert solution.gap < 1e-4


def test_a_search_without_prices_claims_no_bound_it_does_not_know():
    problem = a_problem(2)

    in_turn = solve(problem, seed=1, limits=IN_TURN)

    assert in_turn.bound <= cheapest(problem) <= in_turn.objective + 1e-9


def test_a_search_that_is_out_of_time_still_gives_a_lawful_roster_and_says_so():
    solution = solve(a_problem(1), seed=1, limits=EngineLimits(wall_s=0.0))

    assert solution.stopped_by_wall
    assert solution.bound <= solution.objective


def test_what_is_lacking_and_what_lines_cost_always_fit_the_roster():
    problem = a_problem(3)
    crew = Crew(problem)

    roster = solve(problem, seed=1).roster.copy()
    for i in range(len(crew)):
        assert roster.costs[i] == pytest.approx(crew.cost_of(i, roster.task[i], roster.breaks[i]))
        crew.take_off(roster, i)

    np.testing.assert_allclose(roster.lacks, problem.floor.need, atol=1e-9)


def test_who_can_keep_the_rules_in_no_way_is_named():
    # One day worked before, at least two in a row, and no hour of availability in the week to come.
    brand = under(min_consecutive_shifts=2)
    stuck = replace(AGENT, availability=(Availability(5, 0, 60),))
    start, end = horizon(3)

    outcome = make_roster(
        make_requirement({"x": 1}, start, end),
        brand,
        (stuck, replace(AGENT, agent_id="b1")),
        start=start,
        end=end,
        seed=1,
        history=table(shift(-1)),
        limits=Limits(engine=IN_TURN),
    )

    assert set(outcome.table["agent_id"]) == {"b1"}
    assert any("leaves no lawful line of work" in message for message in outcome.messages)


MORNING = ShiftTemplate("morning", 480, (360,), (BreakRule("meal", 30, 180, 240),))
NIGHT = ShiftTemplate("night", 480, (1320,), (BreakRule("meal", 30, 180, 240),))
DESK = make_brand(
    templates=(MORNING, NIGHT),
    contracts=(
        Contract("law", ("morning", "night"), 8, 30, max_days_per_week=4, max_consecutive_days=3),
    ),
)
TEAM = tuple(make_agent(f"a{n}", contract="law") for n in range(4))
FIRST, LAST = horizon(5)


def desk_roster(**changes: object) -> RosterOutcome:
    return make_roster(
        make_requirement({"x": np.tile(np.repeat([1, 2, 1], 32), 5)}, FIRST, LAST),
        DESK,
        TEAM,
        start=FIRST,
        end=LAST,
        seed=1,
        limits=Limits(engine=IN_TURN),
        **changes,  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def first_roster() -> RosterOutcome:
    return desk_roster()


def shifts_in(roster: pd.DataFrame) -> set[tuple[object, ...]]:
    firsts = roster.groupby(["agent_id", roster["start"].dt.date, "template"])["start"].min()
    return set(
        firsts.reset_index(name="at")[["agent_id", "at", "template"]].itertuples(index=False)
    )


def test_a_roster_made_again_with_a_price_on_changes_keeps_every_line(
    first_roster: RosterOutcome,
):
    again = desk_roster(keep=first_roster.table, change_price=80.0)

    worked, kept = shifts_in(first_roster.table), shifts_in(again.table)
    assert kept == worked
    assert again.objective <= first_roster.objective + 1e-6


def test_a_roster_made_again_for_nothing_is_never_dearer(first_roster: RosterOutcome):
    again = desk_roster(keep=first_roster.table)

    assert again.objective <= first_roster.objective + 1e-6
    assert check_roster(again.table, DESK, TEAM, start=FIRST, end=LAST) == ()


def test_shifts_that_stand_are_taken_as_they_are_and_the_rules_count_them(
    first_roster: RosterOutcome,
):
    table = first_roster.table
    frozen = table[table["agent_id"].isin(["a0", "a1"])].reset_index(drop=True)

    again = desk_roster(frozen=frozen)

    stood = again.table[again.table["agent_id"].isin(["a0", "a1"])]
    rows = set(map(tuple, stood.itertuples(index=False)))
    assert rows >= set(map(tuple, frozen.itertuples(index=False)))
    assert check_roster(again.table, DESK, TEAM, start=FIRST, end=LAST) == ()


def test_nothing_is_added_to_days_that_are_past(first_roster: RosterOutcome):
    table = first_roster.table
    noon = FIRST + timedelta(days=2)
    past = table[table["start"] < noon]
    gone = past[past["agent_id"] != "a0"].reset_index(drop=True)

    again = desk_roster(frozen=gone, frozen_until=noon)

    before = again.table[again.table["start"] < noon]
    assert shifts_in(before) == shifts_in(gone)
