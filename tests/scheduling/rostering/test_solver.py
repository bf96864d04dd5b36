"""Programs are solved, bounded and judged by what was found."""

import highspy
import numpy as np
import pytest

from scheduling.rostering import solver
from scheduling.rostering.solver import Program, WorkLimits
from wfm.errors import InternalFault, RuleConflict


def knapsack(items: int) -> Program:
    """Many rows over incommensurable weights: no solver closes it at the root."""
    rng = np.random.default_rng(7)
    program = Program("knapsack")
    chosen = [
        program.variable(f"take_{n}", cost=-float(rng.integers(50, 150)), upper=1.0, whole=True)
        for n in range(items)
    ]
    for row in range(8):
        weights = [(x, float(rng.integers(10, 99))) for x in chosen]
        program.row(f"room_{row}", weights, at_most=15.0 * items)
    return program


def test_a_linear_program_gives_its_optimum_its_bound_and_its_prices():
    program = Program("diet")
    x = program.variable("x", cost=2.0)
    y = program.variable("y", cost=3.0)
    program.row("protein", [(x, 1.0), (y, 2.0)], at_least=4.0)
    program.row("fat", [(x, 1.0)], at_most=1.0)

    outcome = program.solve()

    assert outcome.objective == pytest.approx(6.0)
    assert outcome.bound == outcome.objective
    assert outcome.gap == 0.0
    assert outcome.duals["protein"] == pytest.approx(1.5)
    assert not outcome.stopped_by_wall


def test_interior_point_and_simplex_agree():
    def made() -> Program:
        program = Program("two")
        xs = [program.variable(f"x{n}", cost=1.0 + n % 3) for n in range(6)]
        for n in range(6):
            program.row(f"r{n}", [(xs[n], 1.0), (xs[(n + 1) % 6], 1.0)], at_least=float(n))
        return program

    simplex = made().solve(method="simplex")
    interior = made().solve(method="ipm", crossover=False)

    assert interior.objective == pytest.approx(simplex.objective, rel=1e-6)


@pytest.mark.parametrize("stalls", [1, 2])
def test_an_interior_point_that_stalls_gives_way_to_surer_methods(
    monkeypatch: pytest.MonkeyPatch, stalls: int
):
    tried: list[tuple[str, str]] = []
    status = highspy.Highs.getModelStatus
    solve = solver._Engine.actualSolve

    def counted(engine: solver._Engine, *args: object, **named: object) -> object:
        options = engine.optionsDict
        tried.append((options["solver"], options.get("presolve", "choose")))
        return solve(engine, *args, **named)

    def stalling(model: highspy.Highs) -> highspy.HighsModelStatus:
        stalled = len(tried) <= stalls
        return highspy.HighsModelStatus.kUnknown if stalled else status(model)

    monkeypatch.setattr(solver._Engine, "actualSolve", counted)
    monkeypatch.setattr(highspy.Highs, "getModelStatus", stalling)
    program = Program("rough")
    x = program.variable("x", cost=2.0)
    program.row("enough", [(x, 1.0)], at_least=3.0)

    outcome = program.solve(method="ipm", crossover=False)

    assert outcome.objective == pytest.approx(6.0)
    assert tried == [("ipm", "choose"), ("ipm", "off"), ("simplex", "on")][: stalls + 1]


def test_a_whole_program_has_a_bound_no_better_than_its_optimum():
    outcome = knapsack(20).solve(gap=0.0)

    assert outcome.bound <= outcome.objective + 1e-6
    assert all(value == pytest.approx(round(value)) for value in outcome.values.values())
    assert outcome.duals == {}


def test_a_node_limit_gives_the_best_so_far_with_its_gap():
    outcome = knapsack(60).solve(gap=0.0, limits=WorkLimits(nodes=1))

    assert outcome.bound < outcome.objective
    assert outcome.gap > 0
    assert not outcome.stopped_by_wall


def test_rules_that_cannot_all_hold_are_a_conflict_with_the_programs_name():
    program = Program("week_12")
    x = program.variable("x", upper=1.0)
    program.row("enough", [(x, 1.0)], at_least=2.0)

    with pytest.raises(RuleConflict, match="week_12"):
        program.solve()


def test_a_program_without_a_floor_is_our_own_fault():
    program = Program("bottomless")
    x = program.variable("x", cost=-1.0)
    program.row("idle", [(x, 1.0)], at_least=0.0)

    with pytest.raises(InternalFault, match="bottomless"):
        program.solve()


def test_a_linear_program_cut_short_is_not_passed_off_as_solved():
    program = Program("long")
    xs = [program.variable(f"x{n}", cost=1.0 + n % 7) for n in range(80)]
    for n in range(80):
        program.row(f"r{n}", [(xs[n], 1.0), (xs[(n * 7 + 1) % 80], 0.5)], at_least=float(n % 5))

    with pytest.raises(InternalFault, match="long"):
        program.solve(method="simplex", limits=WorkLimits(wall_s=0.0))


def test_a_row_needs_exactly_one_right_hand_side():
    program = Program("p")
    x = program.variable("x")

    with pytest.raises(InternalFault, match="2 right-hand sides"):
        program.row("both", [(x, 1.0)], at_least=0.0, at_most=1.0)


def test_whole_variables_may_take_parts_for_one_solve():
    program = Program("parts")
    x = program.variable("x", cost=2.0, whole=True)
    y = program.variable("y", cost=3.0, whole=True)
    program.row("enough", [(x, 2.0), (y, 2.0)], at_least=3.0)

    assert program.solve(relaxed="all").objective == pytest.approx(3.0)
    assert program.solve(relaxed=["x"]).values["x"] == pytest.approx(1.5)
    assert program.solve().objective == pytest.approx(4.0)


def test_variables_are_held_for_one_solve_only():
    program = Program("held")
    x = program.variable("x", cost=2.0, upper=5.0)
    y = program.variable("y", cost=3.0)
    program.row("enough", [(x, 1.0), (y, 1.0)], at_least=4.0)

    assert program.solve(held={"x": (1.0, 1.0)}).objective == pytest.approx(11.0)
    assert program.solve().objective == pytest.approx(8.0)


def test_a_start_is_never_made_worse():
    program = knapsack(60)
    known = program.solve(limits=WorkLimits(nodes=50))

    again = program.solve(start=known.values, limits=WorkLimits(nodes=1))

    assert again.objective <= known.objective + 1e-6


def test_a_linear_program_tells_by_how_much_a_variable_is_too_dear():
    program = Program("dear")
    x = program.variable("x", cost=2.0)
    y = program.variable("y", cost=5.0)
    program.row("enough", [(x, 1.0), (y, 1.0)], at_least=4.0)

    outcome = program.solve()

    assert outcome.reduced == pytest.approx({"x": 0.0, "y": 3.0})
