"""Solves the week of `benchmarks.cover` whole with CP-SAT; runs in the peers' environment.

    python -m benchmarks.coverpeers_cpsat FILE SECONDS SEED

reads a program in MPS, works on it for so many seconds at most, and prints what it found as JSON:
the values that are not 0, or null. All variables are whole for it: those that need not be, are.
"""

from __future__ import annotations

import json
import sys
import time

from ortools.linear_solver.python import model_builder

WORKERS = 2
MOST = 10_000


def main() -> None:
    file, seconds, seed = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    model = model_builder.Model()
    if not model.import_from_mps_file(file):
        sys.exit(f"{file} is no program in MPS")
    for variable in model.get_variables():
        variable.is_integral = True
        variable.upper_bound = min(variable.upper_bound, MOST)
    solver = model_builder.Solver("sat")
    solver.set_time_limit_in_seconds(seconds)
    solver.set_solver_specific_parameters(f"num_workers:{WORKERS} random_seed:{seed}")
    status = solver.solve(model)
    held = status in (model_builder.SolveStatus.OPTIMAL, model_builder.SolveStatus.FEASIBLE)
    found = None
    if held:
        known = {variable.name: solver.value(variable) for variable in model.get_variables()}
        found = {name: value for name, value in known.items() if value}
    print(json.dumps({"values": found, "cpu_s": time.process_time()}))


if __name__ == "__main__":
    main()
