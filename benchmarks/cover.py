"""Which shifts cover a week: cost above the bound, beside solvers that get the week whole.

    python -m benchmarks.cover [--peak 211 ...] [--passes 1] [--peer-seconds 60]
                               [--quick] [--json FILE] [--seed N]

The week goes around; its demand and its shifts are those of `benchmarks.coverworld`. Cost is paid
hours, a quarter for each shift and 3 for each agent-hour not covered, counted agent by agent with
every break in its place. The bound is the linear relaxation of the program that all of them solve.

Rows: peak, method, above_bound, cpu_s, uncovered_h, cost, bound. `above_bound` is a share: 0.001 is
a thousandth above.

- ours              `scheduling.rostering.design`, `--passes` times around the week
- highs, cbc, cpsat the same program, whole
- pyworkforce       its own model, counted on the real clock, breaks placed for it

Each peer has `--peer-seconds` on the clock and a process of its own; 0 leaves them out.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from benchmarks.coverpeers import Answer, ask, available
from benchmarks.coverworld import PATTERNS, SHORT, START_EVERY, Ints, count, demand
from benchmarks.report import finish, parser
from scheduling.rostering.design import DesignLimits, design_week

PEAK, QUICK_PEAK = 211, 40
PEER_S, QUICK_PEER_S = 60.0, 5.0


def ours(peak: int, seed: int, *, passes: int) -> tuple[float, dict[str, Any]]:
    """The bound of the week, and the row of our shifts."""
    wanted = demand(peak, seed)
    began = time.process_time()
    design = design_week(
        wanted,
        PATTERNS,
        short=SHORT,
        seed=seed,
        start_every=START_EVERY,
        limits=DesignLimits(passes=passes),
        progress=lambda done, stage: print(f"  {done:4.0%} {stage}", file=sys.stderr),
    )
    cpu_s = time.process_time() - began
    answer = Answer(design.shifts, cpu_s)
    return design.bound, row_of(peak, "ours", answer, wanted, design.bound)


def row_of(peak: int, method: str, answer: Answer, wanted: Ints, bound: float) -> dict[str, Any]:
    """What a method found, counted on the real clock."""
    counted = None if answer.week is None else count(answer.week, wanted)
    return {
        "peak": peak,
        "method": method,
        "above_bound": None if counted is None else round(counted.cost / bound - 1.0, 5),
        "cpu_s": None if answer.cpu_s is None else round(answer.cpu_s, 1),
        "uncovered_h": None if counted is None else counted.uncovered_h,
        "cost": None if counted is None else counted.cost,
        "bound": round(bound, 2),
    }


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--peak", nargs="+", type=int, help="agents in the busiest quarter hour")
    options.add_argument("--passes", type=int, default=1, help="times ours goes around the week")
    options.add_argument("--peer-seconds", type=float, metavar="S")
    args = options.parse_args()
    peaks = args.peak or [QUICK_PEAK if args.quick else PEAK]
    usual = QUICK_PEER_S if args.quick else PEER_S
    seconds = usual if args.peer_seconds is None else args.peer_seconds
    if min(peaks) < 1 or args.passes < 0 or seconds < 0:
        options.error("peaks are 1 or more, passes and seconds not negative")
    peers = available() if seconds else ()
    rows = []
    for peak in peaks:
        bound, row = ours(peak, args.seed, passes=args.passes)
        rows.append(row)
        for peer in peers:
            print(f"  {peer}", file=sys.stderr)
            wanted = demand(peak, args.seed)
            answer = ask(peer, wanted, seconds=seconds, seed=args.seed)
            rows.append(row_of(peak, peer, answer, wanted, bound))
    finish("cover", rows, args, peer_seconds=seconds)


if __name__ == "__main__":
    main()
