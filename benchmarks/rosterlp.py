"""Solves a whole program of `rosterprogram` with HiGHS: as it is, or its linear relaxation.

    python -m benchmarks.rosterlp FILE SECONDS [--relaxed]

reads a program that `Program.save` wrote, works on it for so many seconds at most, and prints what
it found as JSON. `benchmarks.rosterpeers` runs it so, because HiGHS can overrun its limit.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import highspy
import numpy as np

from benchmarks.rosterprogram import Program, load_program, worked_in
from benchmarks.rosterworld import Floats
from wfm.errors import InternalFault

# HiGHS keeps one scheduler a process, and the product's own solves run with one thread.
THREADS = 1
# The whole program has a process of its own and may use the machine, as its peers do.
PEER_THREADS = 2


def minimum(program: Program, *, crossover: bool = True) -> Floats:
    """The columns at the least cost, whole or not: the linear relaxation, by interior point.

    Raises InternalFault when there is none.
    """
    model = _model(program, relaxed=True, threads=THREADS)
    _relax(model, crossover=crossover)
    model.run()
    if model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        words = model.modelStatusToString(model.getModelStatus())
        raise InternalFault(f"the relaxation ended {words!r}")
    return np.array(model.getSolution().col_value)


def _relax(model: Any, *, crossover: bool) -> None:
    model.setOptionValue("solver", "ipm")
    model.setOptionValue("run_crossover", "on" if crossover else "off")


def _model(program: Program, *, relaxed: bool, threads: int) -> Any:
    lp: Any = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = program.matrix.shape[1], program.matrix.shape[0]
    lp.col_cost_ = program.cost
    lp.col_lower_, lp.col_upper_ = np.zeros(len(program.cost)), program.upper
    lp.row_lower_, lp.row_upper_ = program.at_least, program.at_most
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = program.matrix.indptr
    lp.a_matrix_.index_ = program.matrix.indices
    lp.a_matrix_.value_ = program.matrix.data
    if not relaxed:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[int(whole)] for whole in program.whole]
    model: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    model.setOptionValue("output_flag", False)
    model.setOptionValue("threads", threads)
    model.passModel(lp)
    return model


def main() -> None:
    told = argparse.ArgumentParser()
    told.add_argument("file", type=Path)
    told.add_argument("seconds", type=float)
    told.add_argument("--relaxed", action="store_true")
    args = told.parse_args()
    program = load_program(args.file)
    began = time.perf_counter()
    model = _model(program, relaxed=args.relaxed, threads=PEER_THREADS)
    model.setOptionValue("time_limit", args.seconds)
    if args.relaxed:
        _relax(model, crossover=False)
    model.run()
    info, ended = model.getInfo(), model.getModelStatus()
    values = np.array(model.getSolution().col_value)
    if args.relaxed:
        held = ended == highspy.HighsModelStatus.kOptimal
        bound = info.objective_function_value if held else None
    else:
        held = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        bound = info.mip_dual_bound
    print(
        json.dumps(
            {
                "objective": info.objective_function_value if held else None,
                "bound": bound,
                "seconds": time.perf_counter() - began,
                "open": float(values[program.short].sum()) if held else None,
                "worked": worked_in(program, values) if held and not args.relaxed else [],
            }
        )
    )


if __name__ == "__main__":
    main()
