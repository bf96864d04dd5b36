"""A standing week of shifts, against every shift with every choice of its breaks."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, linprog, milp

from scheduling.rostering.design import Design, DesignLimits, design_week, place_breaks
from scheduling.rostering.weekprogram import Pattern, WeekShifts
from wfm.errors import RequestError

SHORT = 12.0
PATTERNS = (
    Pattern(8, 2.25, ((2, 4, 1),)),
    Pattern(12, 3.0, ((1, 3, 1), (5, 7, 2))),
)
CELLS = 32


def designed(need: np.ndarray, **limits: float) -> Design:
    taken = DesignLimits(**({"window": 8} | limits))
    return design_week(need, PATTERNS, short=SHORT, seed=1, start_every=1, limits=taken)


def counted(week: WeekShifts, need: np.ndarray) -> float:
    """Cost of a week, agent by agent; every break is asserted to lie in its window."""
    heads = np.zeros(len(need))
    cost = 0.0
    for p, start, begins in zip(week.pattern, week.start, week.breaks, strict=True):
        heads[(start + np.arange(PATTERNS[p].length)) % len(need)] += 1
        cost += PATTERNS[p].cost
        for (earliest, latest, length), begin in zip(PATTERNS[p].breaks, begins, strict=False):
            assert earliest <= (begin - start) % len(need) <= latest
            heads[(begin + np.arange(length)) % len(need)] -= 1
    return cost + SHORT / 4 * float(np.maximum(need - heads, 0).sum())


def listed(need: np.ndarray, *, whole: bool) -> float:
    """Optimum over a column for every pattern, start and choice of breaks."""
    columns, costs = [], []
    for pattern in PATTERNS:
        choices = [range(a, b + 1) for a, b, _ in pattern.breaks]
        for start, places in itertools.product(range(len(need)), itertools.product(*choices)):
            column = np.zeros(len(need))
            column[(start + np.arange(pattern.length)) % len(need)] = 1
            for place, (_, _, length) in zip(places, pattern.breaks, strict=True):
                column[(start + place + np.arange(length)) % len(need)] = 0
            columns.append(column)
            costs.append(pattern.cost)
    cover = np.column_stack([*columns, np.eye(len(need))])
    cost = np.array([*costs, *[SHORT / 4] * len(need)])
    if not whole:
        return float(linprog(cost, A_ub=-cover, b_ub=-need, method="highs").fun)
    return float(
        milp(
            cost,
            constraints=LinearConstraint(cover, need, np.inf),
            integrality=np.ones(len(cost)),
        ).fun
    )


@settings(max_examples=5, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 7), min_size=8, max_size=8))
def test_the_bound_is_that_of_all_shifts_with_all_breaks(levels: list[int]):
    need = np.repeat(levels, CELLS // 8)
    design = designed(need, passes=0)

    assert design.bound == pytest.approx(listed(need, whole=False), abs=1e-4)
    assert counted(design.shifts, need) == pytest.approx(design.objective, abs=1e-6)
    assert design.objective >= design.bound - 1e-6


def test_the_week_found_is_nearly_the_cheapest_in_whole_agents():
    need = np.repeat([1, 4, 6, 3, 5, 2, 4, 1], CELLS // 8)

    design = designed(need, window=16, dearer=0.2, passes=2)

    optimum = listed(need, whole=True)
    assert optimum - 1e-6 <= design.objective <= 1.03 * optimum


def test_improving_a_week_never_makes_it_dearer():
    need = np.repeat([2, 7, 3, 5], CELLS // 4)

    assert designed(need, passes=1).objective <= designed(need, passes=0).objective


def test_a_week_has_no_seam_at_its_end():
    need = np.repeat([1, 4, 6, 3, 5, 2, 4, 1], CELLS // 8)
    turned = np.roll(need, 5)

    assert designed(turned, passes=0).bound == pytest.approx(designed(need, passes=0).bound)


def test_one_more_agent_saves_what_the_price_says():
    need = np.repeat([1, 4, 6, 3], CELLS // 4)
    more = need.copy()
    more[10] -= 1

    design = designed(need, passes=0)
    saved = design.bound - designed(more, passes=0).bound

    assert saved <= design.price[10] / 4 + 1e-6


def test_breaks_of_given_shifts_go_where_they_are_missed_least():
    need = np.full(CELLS, 0)
    need[:8] = [2, 2, 2, 1, 2, 2, 2, 2]
    taken = np.zeros((2, CELLS), dtype=int)
    taken[0, 0] = 2

    week, short_h = place_breaks(need, PATTERNS, taken, short=SHORT, seed=1)

    assert sorted(week.breaks[:, 0].tolist()) in ([2, 3], [3, 3], [3, 4])
    assert short_h == pytest.approx(0.25)


def test_a_search_that_is_out_of_time_keeps_its_best_and_says_so():
    need = np.repeat([2, 7, 3, 5], CELLS // 4)

    design = designed(need, wall_s=0.0)

    assert "wall limit" in design.stopped_by
    assert counted(design.shifts, need) == pytest.approx(design.objective, abs=1e-6)


def test_the_same_seed_gives_the_same_week():
    need = np.repeat([1, 4, 6, 3], CELLS // 4)
    one, other = designed(need), designed(need)

    assert one.objective == other.objective
    assert np.array_equal(one.shifts.breaks, other.shifts.breaks)


def test_a_week_that_needs_nobody_costs_nothing():
    design = designed(np.zeros(CELLS, dtype=int))

    assert design.objective == 0.0
    assert not len(design.shifts.start)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (Pattern(40, 1.0), "lasts 40 of 32"),
        (Pattern(8, 1.0, ((2, 5, 2), (5, 6, 1))), "break of 1 from 5 to 6"),
        (Pattern(8, 1.0, ((2, 8, 1),)), "break of 1 from 2 to 8"),
    ],
)
def test_a_pattern_that_cannot_be_worked_is_named(pattern: Pattern, said: str):
    with pytest.raises(RequestError, match=said):
        design_week(np.ones(CELLS, dtype=int), (pattern,), short=SHORT, seed=1)
