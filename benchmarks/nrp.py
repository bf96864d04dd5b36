"""The rostering engine on instances of the Curtois & Qu text format, beside the best known.

    python -m benchmarks.nrp FILE... [--seconds 60] [--bounds FILE]
                             [--quick] [--json FILE] [--seed N]

Rows: instance, seconds, objective, bound, best_known, gap, violations. The engine gets the instance
through `benchmarks.nrpproblem`, nothing else of it; every roster is judged anew by
`benchmarks.nrpcheck`, which also counts its cost. `gap` is the objective above the best known one,
relative. A bound is rounded up where weights are whole numbers, as all of the family's are.

The best known costs are read from a CSV with the columns `instance` and `best_ub`: the file given,
or a `bounds.csv` beside the instances; an instance is found in it by its file's name without
ending, or by the number at that name's end. `--quick` gives each instance ten seconds.
"""

from __future__ import annotations

import csv
import math
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.nrpcheck import broken, cost
from benchmarks.nrpfile import Instance, parse_instance, read_instance
from benchmarks.nrpproblem import lines_of, problem_of
from benchmarks.report import finish, parser
from scheduling.rostering.engine import EngineLimits, solve
from wfm.errors import DataError, Fault, FileFaults, WfmError

QUICK_S = 10.0
# The seconds end the engine here, not its work limits.
EVER = 1_000_000
# Costs are whole numbers: a bound this little above one is that one.
WHOLE = 1e-4

SMALLEST = """
SECTION_HORIZON
7
SECTION_SHIFTS
D,480,
SECTION_STAFF
A,D=7,2400,0,5,1,1,1
SECTION_COVER
0,D,1,10,1
"""


def best_known(file: Path) -> dict[str, int]:
    """The best known costs of a CSV, by instance.

    Raises DataError when it cannot be read or lacks a column, FileFaults naming what is no number.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}); check the path") from error
    rows = csv.DictReader(text.splitlines())
    missing = {"instance", "best_ub"} - set(rows.fieldnames or ())
    if missing:
        raise DataError(f"{file}: no column {sorted(missing)[0]!r}; want instance and best_ub")
    found, faults = {}, []
    for row in rows:
        try:
            found[row["instance"].strip()] = int(row["best_ub"])
        except (TypeError, ValueError):
            value = str(row["best_ub"])
            faults.append(Fault(rows.line_num, "best_ub", value, "want a whole number"))
    if faults:
        raise FileFaults(str(file), faults)
    return found


def known_of(name: str, known: dict[str, int]) -> int | None:
    """The best known cost of an instance, by its name or the number at its end."""
    number = re.search(r"\d+$", name)
    return known.get(name, known.get(number.group() if number else ""))


def bounds_for(files: Sequence[Path], told: Path | None) -> dict[Path, dict[str, int]]:
    """The best known costs that go with each file's folder."""
    if told is not None:
        return dict.fromkeys({file.parent for file in files}, best_known(told))
    beside = {file.parent: file.parent / "bounds.csv" for file in files}
    return {folder: best_known(file) for folder, file in beside.items() if file.exists()}


def row_of(instance: Instance, known: int | None, *, seconds: float, seed: int) -> dict[str, Any]:
    """The row of an instance: the engine's roster after so many seconds, judged."""
    limits = EngineLimits(neighbourhoods=EVER, restarts=EVER, wall_s=seconds)
    began = time.perf_counter()
    found = solve(problem_of(instance), seed=seed, limits=limits)
    took = time.perf_counter() - began
    lines = lines_of(instance, found.roster.task)
    objective = cost(instance, lines).total
    return {
        "instance": instance.name,
        "seconds": round(took, 1),
        "objective": objective,
        "bound": math.ceil(found.bound - WHOLE) if math.isfinite(found.bound) else None,
        "best_known": known,
        "gap": round((objective - known) / known, 4) if known else None,
        "violations": len(broken(instance, lines)),
    }


def main() -> None:
    told = parser(__doc__ or "")
    told.add_argument("files", nargs="+", type=Path, metavar="FILE")
    told.add_argument("--seconds", type=float, default=60.0, help="for each instance")
    told.add_argument("--bounds", type=Path, metavar="FILE", help="CSV of the best known costs")
    args = told.parse_args()
    seconds = min(args.seconds, QUICK_S) if args.quick else args.seconds
    try:
        known = bounds_for(args.files, args.bounds)
        instances = [(file, read_instance(file)) for file in args.files]
        # The first run of compiled code pays for compiling: not on the clock of an instance.
        row_of(parse_instance(SMALLEST, "smallest"), None, seconds=1.0, seed=args.seed)
        rows = []
        for file, instance in instances:
            best = known_of(instance.name, known.get(file.parent, {}))
            rows.append(row_of(instance, best, seconds=seconds, seed=args.seed))
            print(f"  {instance.name}: {rows[-1]['objective']}", file=sys.stderr, flush=True)
    except WfmError as error:
        sys.exit(error.message)
    gaps = [row["gap"] for row in rows if row["gap"] is not None]
    mean = {"mean_gap": round(sum(gaps) / len(gaps), 4)} if gaps else {}
    finish("nrp", rows, args, **mean)


if __name__ == "__main__":
    main()
