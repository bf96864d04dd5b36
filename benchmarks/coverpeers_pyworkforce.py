"""Covers the week of `benchmarks.cover` with pyworkforce; runs in the peers' environment.

    python -m benchmarks.coverpeers_pyworkforce FILE SECONDS

reads the agents wanted in each quarter hour as JSON and prints the agents that start each length of
shift in each quarter hour of the week, or null. Its shifts have no breaks, and one that passes
midnight covers the first hours of its own day.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from pyworkforce.scheduling import MinRequiredResources

# The world of `coverworld`, which cannot be imported here: what it imports is not installed.
DAYS, PER_DAY, START_EVERY = 7, 96, 2
PAID_H = {4: 4.0, 6: 5.5, 8: 7.5, 9: 8.5}
PER_SHIFT = 0.25
MOST_THERE, MOST_ON_SHIFT = 2000, 1000


def main() -> None:
    wanted, seconds = json.loads(Path(sys.argv[1]).read_text()), float(sys.argv[2])
    shifts = {
        f"{hours} h at {start}": (hours, start)
        for hours in PAID_H
        for start in range(0, PER_DAY, START_EVERY)
    }
    coverage = {
        name: [int((t - start) % PER_DAY < 4 * hours) for t in range(PER_DAY)]
        for name, (hours, start) in shifts.items()
    }
    # Costs are whole numbers: quarters of an hour.
    cost = {name: round(4 * (PAID_H[hours] + PER_SHIFT)) for name, (hours, _) in shifts.items()}
    asked = MinRequiredResources(
        num_days=DAYS,
        periods=PER_DAY,
        shifts_coverage=coverage,
        required_resources=[wanted[PER_DAY * d : PER_DAY * (d + 1)] for d in range(DAYS)],
        max_period_concurrency=MOST_THERE,
        max_shift_concurrency=MOST_ON_SHIFT,
        cost_dict=cost,
        max_search_time=seconds,
        num_search_workers=2,
    )
    found = asked.solve()
    taken = None
    if found["status"] in {"OPTIMAL", "FEASIBLE"}:
        taken = [[0] * (DAYS * PER_DAY) for _ in PAID_H]
        for one in found["resources_shifts"]:
            hours, start = shifts[one["shift"]]
            taken[list(PAID_H).index(hours)][PER_DAY * one["day"] + start] = one["resources"]
    print(json.dumps({"taken": taken, "cpu_s": time.process_time()}))


if __name__ == "__main__":
    main()
