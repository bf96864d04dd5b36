"""Solves a whole program of `rosterprogram` with CP-SAT; runs in the peers' environment.

    python -m benchmarks.rosterpeers_cpsat FILE SECONDS SEED

reads a program that `Program.save` wrote, works on it for so many seconds at most, and prints what
it found as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
from ortools.sat.python import cp_model

from benchmarks.rosterprogram import load_program, worked_in

WORKERS = 2
# Costs are whole hundredths; counts of heads beside the need are whole and stay below this.
CENTS = 100
MOST = 10_000


def main() -> None:
    program, seconds, seed = load_program(Path(sys.argv[1])), float(sys.argv[2]), int(sys.argv[3])
    began = time.perf_counter()
    model = cp_model.CpModel()
    columns = [
        model.new_int_var(0, int(most), "") for most in np.minimum(program.upper, MOST).tolist()
    ]
    matrix = program.matrix
    for row, (least, most) in enumerate(zip(program.at_least, program.at_most, strict=True)):
        of_row = slice(matrix.indptr[row], matrix.indptr[row + 1])
        total = cp_model.LinearExpr.weighted_sum(
            [columns[column] for column in matrix.indices[of_row].tolist()],
            matrix.data[of_row].astype(np.int64).tolist(),
        )
        if np.isfinite(least) and np.isfinite(most):
            model.add_linear_constraint(total, int(least), int(most))
        elif np.isfinite(most):
            model.add(total <= int(most))
        else:
            model.add(total >= int(least))
    cents = np.rint(program.cost * CENTS).astype(np.int64)
    priced = np.flatnonzero(cents).tolist()
    model.minimize(
        cp_model.LinearExpr.weighted_sum([columns[n] for n in priced], cents[priced].tolist())
    )
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = WORKERS
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.random_seed = seed
    status = solver.solve(model)
    held = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    values = np.array([solver.value(column) for column in columns] if held else [])
    print(
        json.dumps(
            {
                "objective": solver.objective_value / CENTS if held else None,
                "bound": solver.best_objective_bound / CENTS,
                "seconds": time.perf_counter() - began,
                "open": float(values[program.short].sum()) if held else None,
                "worked": worked_in(program, values) if held else [],
            }
        )
    )


if __name__ == "__main__":
    main()
