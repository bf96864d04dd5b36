"""Linear and integer programs in PuLP, solved by HiGHS: the one importer of both.

An answer is judged by `sol_status`, never by `status`: PuLP calls a program that was stopped by a
limit "Optimal". Work limits (iterations, nodes) decide what a seed gives; the wall limit is
safety, and an outcome that was stopped by it says so, for it cannot be reproduced. HiGHS looks at
its clock between steps, so a limit can be overrun, on a busy machine by far: what must end in time
runs in a process that can be killed, as every job of the product does (`api.worker`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import highspy
import numpy as np
import pulp

from wfm.errors import InternalFault, RuleConflict

# HiGHS keeps one scheduler a process: a second thread count would silently solve nothing.
THREADS = 1

Method = Literal["choose", "simplex", "ipm"]

# Interior point can stall on a presolved program and come out too rough to be called optimal
# ("Unknown"). The program as it was put, without presolve, seldom does that; the simplex method is
# slow on it and never does.
SECOND_TRIES: tuple[dict[str, str], ...] = (
    {"presolve": "off"},
    {"presolve": "on", "solver": "simplex"},
)


class CutShort(InternalFault):
    """A limit ended the solver before it had an answer: whoever set the limit goes on without."""


@dataclass(frozen=True)
class WorkLimits:
    """How much work a solve may take.

    iterations  of the simplex or interior-point method; None: as many as it needs
    nodes       of branch and bound; None: as many as it needs
    wall_s      safety only
    """

    iterations: int | None = None
    nodes: int | None = None
    wall_s: float = 120.0


@dataclass(frozen=True)
class Outcome:
    """What a solve gave.

    bound            no solution costs less than this (for a minimum); the objective itself where
                     a linear program was solved to the end
    gap              (objective - bound) / max(1, |objective|)
    stopped_by_wall  the wall limit ended it: another run may give another answer
    values           by the variable's name
    duals            by the row's name; linear programs only
    reduced          reduced costs by the variable's name; linear programs only
    """

    objective: float
    bound: float
    gap: float
    seconds: float
    status: str
    stopped_by_wall: bool
    values: dict[str, float] = field(repr=False)
    duals: dict[str, float] = field(repr=False)
    reduced: dict[str, float] = field(repr=False, default_factory=dict)


class _Engine(pulp.HiGHS):  # type: ignore[misc]  # untyped
    """PuLP's HiGHS, which knows neither a start nor a name for what its node limit ended.

    start  values to begin with, by the variable's name; empty: none
    """

    start: Mapping[str, float] = {}

    def callSolver(self, lp: Any) -> None:
        if self.start:
            at = {variable.name: n for n, variable in enumerate(lp.variables())}
            named = np.array([at[name] for name in self.start], dtype=np.int32)
            values = np.array(list(self.start.values()), dtype=np.float64)
            lp.solverModel.setSolution(len(named), named, values)
        super().callSolver(lp)

    def findSolutionValues(self, lp: Any) -> tuple[int, int]:
        try:
            status, sol_status = super().findSolutionValues(lp)
        except KeyError:  # raised once the values are in place, when the status is looked up
            if lp.solverModel.getModelStatus() != highspy.HighsModelStatus.kSolutionLimit:
                raise
            if math.isinf(lp.solverModel.getInfo().objective_function_value):
                return pulp.LpStatusNotSolved, pulp.LpSolutionNoSolutionFound
            return pulp.LpStatusOptimal, pulp.LpSolutionIntegerFeasible
        return status, sol_status


class Program:
    """A minimum to be found: variables, rows and costs, under names of our own.

    >>> program = Program("smallest")
    >>> x = program.variable("x", cost=2.0, upper=5.0)
    >>> program.row("enough", [(x, 1.0)], at_least=3.0)
    >>> program.solve().objective
    6.0
    """

    def __init__(self, name: str) -> None:
        self._problem = pulp.LpProblem(name, pulp.LpMinimize)
        self._costs: list[tuple[Any, float]] = []
        self._variables: dict[str, Any] = {}

    @property
    def problem(self) -> Any:
        """The program as PuLP's, for those who give it to another solver."""
        self._problem.setObjective(pulp.LpAffineExpression(self._costs))
        return self._problem

    def variable(
        self,
        name: str,
        *,
        cost: float = 0.0,
        lower: float = 0.0,
        upper: float | None = None,
        whole: bool = False,
    ) -> Any:
        """A new variable; `name` must be new and free of spaces and operators."""
        made = self._problem.add_variable(name, lower, upper, "Integer" if whole else "Continuous")
        self._variables[name] = made
        if cost:
            self._costs.append((made, cost))
        return made

    def row(
        self,
        name: str,
        terms: list[tuple[Any, float]],
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        equals: float | None = None,
    ) -> None:
        """A constraint on a weighted sum of variables, with one of the three right-hand sides."""
        sides = [
            (sense, value)
            for sense, value in (
                (pulp.LpConstraintGE, at_least),
                (pulp.LpConstraintLE, at_most),
                (pulp.LpConstraintEQ, equals),
            )
            if value is not None
        ]
        if len(sides) != 1:
            raise InternalFault(f"row {name} has {len(sides)} right-hand sides, want one")
        sense, value = sides[0]
        expression = pulp.LpAffineExpression(terms)
        self._problem.addConstraint(pulp.LpConstraint(expression, sense, name, value))

    def solve(
        self,
        *,
        seed: int = 0,
        method: Method = "choose",
        crossover: bool = True,
        gap: float = 1e-6,
        relaxed: Collection[str] | Literal["all"] = (),
        start: Mapping[str, float] | None = None,
        held: Mapping[str, tuple[float, float]] | None = None,
        limits: WorkLimits | None = None,
    ) -> Outcome:
        """The cheapest solution found within the limits.

        gap        integer programs may stop when this close to the bound, relative
        crossover  whether an interior-point solution is moved to a vertex
        relaxed    whole variables that may take parts in this solve
        start      a solution to improve on, by the variable's name; what it leaves out is found
        held       lowest and highest value of some variables, in this solve only

        Raises RuleConflict when no solution exists, CutShort when none was found in the limits (of
        a linear program: not the best), InternalFault when the program is unbounded.
        """
        limits = limits or WorkLimits()
        options: dict[str, Any] = {"random_seed": seed, "solver": method}
        if start is not None:
            # A neighbourhood is solved at its root: to begin it again costs more than it gains.
            options["mip_allow_restart"] = False
        if not crossover:
            options["run_crossover"] = "off"
        if limits.iterations is not None:
            options["simplex_iteration_limit"] = limits.iterations
            options["ipm_iteration_limit"] = limits.iterations
        if limits.nodes is not None:
            options["mip_max_nodes"] = limits.nodes
        engine = _Engine(
            msg=False,
            threads=THREADS,
            gapRel=gap,
            timeLimit=limits.wall_s,
            **options,
        )
        engine.start = start or {}
        began = time.perf_counter()
        parts = self._variables if relaxed == "all" else relaxed
        with self._changed(held or {}, parts):
            whole = any(made.cat == pulp.LpInteger for made in self._variables.values())
            return self._solved(engine, whole=whole, began=began)

    @contextmanager
    def _changed(
        self, held: Mapping[str, tuple[float, float]], relaxed: Collection[str]
    ) -> Iterator[None]:
        """Holds some variables between other bounds for a while, and lets some take parts."""
        changed = [self._variables[name] for name in (*held, *relaxed)]
        before = [(made, made.lowBound, made.upBound, made.cat) for made in changed]
        try:
            for name, (lowest, highest) in held.items():
                self._variables[name].lowBound = lowest
                self._variables[name].upBound = highest
            for name in relaxed:
                self._variables[name].cat = pulp.LpContinuous
            yield
        finally:
            for made, lowest, highest, category in before:
                made.lowBound, made.upBound, made.cat = lowest, highest, category

    def _solved(self, engine: _Engine, *, whole: bool, began: float) -> Outcome:
        self.problem.solve(engine)
        for again in SECOND_TRIES:
            if self._problem.solverModel.getModelStatus() != highspy.HighsModelStatus.kUnknown:
                break
            engine.optionsDict.update(again)
            self._problem.solve(engine)
        return self._outcome(time.perf_counter() - began, whole=whole)

    def _outcome(self, seconds: float, *, whole: bool) -> Outcome:
        problem = self._problem
        model = problem.solverModel
        ended = model.getModelStatus()
        words = model.modelStatusToString(ended)
        if problem.sol_status in (pulp.LpSolutionInfeasible, pulp.LpSolutionUnbounded):
            if ended == highspy.HighsModelStatus.kInfeasible:
                raise RuleConflict(f"{problem.name}: no solution keeps every rule", status=words)
            raise InternalFault(f"{problem.name}: the solver ended {words!r}", status=words)
        if problem.sol_status not in (
            pulp.LpSolutionOptimal,
            pulp.LpSolutionIntegerFeasible,
        ):
            raise CutShort(
                f"{problem.name}: the solver found nothing in its limits ({words})", status=words
            )
        optimal = problem.sol_status == pulp.LpSolutionOptimal
        info = model.getInfo()
        if not optimal and not whole:
            raise CutShort(
                f"{problem.name}: the linear program was cut short ({words})", status=words
            )
        objective = float(info.objective_function_value)
        bound = float(info.mip_dual_bound) if whole else objective
        return Outcome(
            objective=objective,
            bound=bound,
            gap=max(0.0, objective - bound) / max(1.0, abs(objective)),
            seconds=seconds,
            status=words,
            stopped_by_wall=ended == highspy.HighsModelStatus.kTimeLimit,
            values={name: float(made.varValue) for name, made in self._variables.items()},
            duals={} if whole else {c.name: float(c.pi) for c in problem._constraints.values()},
            reduced={} if whole else {n: float(v.dj) for n, v in self._variables.items()},
        )
