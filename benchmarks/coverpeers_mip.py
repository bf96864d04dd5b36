"""Solves the week of `benchmarks.cover` whole with HiGHS or CBC.

    python -m benchmarks.coverpeers_mip FILE SECONDS SEED highs|cbc

reads a program in MPS, works on it for so many seconds at most, and prints what it found as JSON:
the values that are not 0, or null.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import warnings
from pathlib import Path

import highspy
import pulp

# The whole program has a process of its own and may use the machine.
THREADS = 2
NOTHING = 1e-6


def by_highs(file: Path, seconds: float, seed: int) -> dict[str, float] | None:
    """Variables that are not 0; None where HiGHS found no solution."""
    model = highspy.Highs()
    for option, value in (
        ("output_flag", False),
        ("threads", THREADS),
        ("time_limit", seconds),
        ("random_seed", seed),
    ):
        model.setOptionValue(option, value)
    model.readModel(str(file))
    model.run()
    status = model.getInfo().primal_solution_status
    if status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    names = [model.getColName(n)[1] for n in range(model.getNumCol())]
    return dict(zip(names, model.getSolution().col_value, strict=True))


def by_cbc(file: Path, seconds: float, seed: int) -> dict[str, float] | None:
    """Variables that are not 0; None where CBC found no solution."""
    with warnings.catch_warnings():  # PuLP will ship CBC as an extra of its own
        warnings.simplefilter("ignore", DeprecationWarning)
        binary = pulp.PULP_CBC_CMD(msg=False).path
    answer = file.with_suffix(".sol")
    options = ["-sec", str(seconds), "-randomCbcSeed", str(seed), "-threads", str(THREADS)]
    subprocess.run(
        [binary, str(file), *options, "-branch", "-solution", str(answer)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    lines = answer.read_text().splitlines() if answer.exists() else []
    # Without a solution of its own CBC writes that of the relaxation.
    if not lines or "no integer solution" in lines[0] or lines[0].startswith("Infeasible"):
        return None
    cells = [line.replace("**", "").split() for line in lines[1:]]
    return {name: float(value) for _, name, value, _ in cells}


def main() -> None:
    file, seconds, seed = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    found = {"highs": by_highs, "cbc": by_cbc}[sys.argv[4]](file, seconds, seed)
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    if found is not None:
        found = {name: value for name, value in found.items() if abs(value) > NOTHING}
    cpu_s = sum(one.ru_utime + one.ru_stime for one in spent)
    print(json.dumps({"values": found, "cpu_s": cpu_s}))


if __name__ == "__main__":
    main()
