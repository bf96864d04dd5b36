"""Rosters of four weeks for desks of any size: rules kept, shifts open, gap, fairness and cost.

    python -m benchmarks.roster [--agents 50 150 500 1000] [--seeds 3] [--peer-seconds 60]
                                [--quick] [--json FILE] [--seed N]

The desks are those of `benchmarks.rosterworld`, one for each size and seed from `--seed` on.

Rows: agents, seed, method, violations, open_share, gap, gap_penalties, nights_sd, roster_s,
bound_s, peak_mb.

- ours        the product's engine, through `benchmarks.rosterproblem`
- relaxation  the linear relaxation of the whole program: which share of the shifts it leaves open
- highs, cpsat  the whole program as it is, to an integer solver, on the first seed of each size;
                `--peer-seconds 0` leaves them out

Every roster is judged anew by `benchmarks.rostercheck`. `open_share` is of the shifts wanted.
`gap` is (cost - bound) / (cost + 2.5 x paid hours): work, what is left open and wishes on one
scale; `gap_penalties` is (cost - bound) / cost. Each method is held against its own bound, peers
against the relaxation's where that is higher. `nights_sd`: how far the nights of those who could
work some are from their fair share of those worked. `roster_s` is the clock until the roster,
`bound_s` until its bound, `peak_mb` the resident memory meanwhile (ours only).
`--quick` takes one desk of 50 agents, and gives the engine 20 and each peer 10 seconds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.report import finish, parser, peak_memory
from benchmarks.rostercheck import broken, cost
from benchmarks.rostermix import make_world
from benchmarks.rosterpeers import Found, peers_on, peers_there
from benchmarks.rosterproblem import problem_of, roster_of
from benchmarks.rosterworld import UNCOVERED_H, Ints, World
from scheduling.rostering.engine import EngineLimits, solve

# Fewer cannot be on shift around the clock.
FEWEST = 10
AGENTS = (50, 150, 500, 1000)
QUICK_AGENTS = 50
PEER_S, QUICK_PEER_S = 60.0, 10.0
RELAXATION_S = 1800.0
# The wall limit is wide of what any size takes: the work limits end the engine.
LIMITS = EngineLimits(wall_s=3600.0)
QUICK_LIMITS = EngineLimits(wall_s=20.0)

COLUMNS = (
    "agents",
    "seed",
    "method",
    "violations",
    "open_share",
    "gap",
    "gap_penalties",
    "nights_sd",
    "roster_s",
    "bound_s",
    "peak_mb",
)


def ours(world: World, seed: int, limits: EngineLimits = LIMITS) -> dict[str, Any]:
    """The row of the engine."""
    with peak_memory() as peak:
        began = time.perf_counter()
        found = solve(problem_of(world), seed=seed, limits=limits)
        took = time.perf_counter() - began
    judged = _judged(world, roster_of(found.roster.task), found.bound)
    return _row(world, "ours", **judged, roster_s=took, bound_s=took, peak_mb=peak[0])


def theirs(world: World, names: Sequence[str], seconds: float) -> list[dict[str, Any]]:
    """The rows of the relaxation and of the peers named."""
    found = peers_on(world, names, seconds=seconds, relaxation_s=RELAXATION_S)
    relaxed = found.pop("relaxation")
    rows = [
        _row(
            world,
            "relaxation",
            open_share=_share(relaxed.open_shifts, world),
            bound_s=relaxed.seconds,
        )
    ]
    for name, peer in found.items():
        bounds = [bound for bound in (peer.bound, relaxed.bound) if bound is not None]
        rows.append(_row(world, name, **_of_peer(world, peer, max(bounds, default=None))))
    return rows


def _of_peer(world: World, peer: Found, bound: float | None) -> dict[str, Any]:
    if peer.roster is None:
        return {"open_share": 1.0, "roster_s": peer.seconds}
    return {**_judged(world, peer.roster, bound), "roster_s": peer.seconds}


def _judged(world: World, roster: Ints, bound: float | None) -> dict[str, Any]:
    told = cost(world, roster)
    beyond = None if bound is None else max(0.0, told.total - bound)
    scale = told.total + UNCOVERED_H * told.paid_h
    return {
        "violations": len(broken(world, roster)),
        "open_share": _share(told.open_shifts, world),
        "gap": None if beyond is None else round(beyond / scale, 5),
        "gap_penalties": None if beyond is None else round(beyond / max(told.total, 1e-9), 4),
        "nights_sd": round(told.nights_sd, 3),
    }


def _share(open_shifts: float | None, world: World) -> float | None:
    return None if open_shifts is None else round(open_shifts / world.shifts, 5)


def _row(world: World, method: str, **figures: Any) -> dict[str, Any]:
    row = dict.fromkeys(COLUMNS) | {"agents": len(world.workers), "seed": world.seed}
    told = {
        k: round(v, 1) if k in ("roster_s", "bound_s", "peak_mb") else v for k, v in figures.items()
    }
    return row | {"method": method} | told


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--agents", nargs="+", type=int, default=list(AGENTS), metavar="N")
    options.add_argument("--seeds", type=int, default=3, help="how many, from --seed on")
    options.add_argument("--peer-seconds", type=float, default=PEER_S, metavar="S")
    args = options.parse_args()
    sizes, seeds, seconds = args.agents, args.seeds, args.peer_seconds
    if min(sizes) < FEWEST or seeds < 1 or seconds < 0:
        sys.exit(f"want {FEWEST} agents or more, 1 seed or more, and no seconds below 0")
    if args.quick:
        sizes, seeds, seconds = [QUICK_AGENTS], 1, min(seconds, QUICK_PEER_S)
    limits = QUICK_LIMITS if args.quick else LIMITS
    peers = peers_there() if seconds > 0 else ()
    # The first run of compiled code pays for compiling: not on the clock of a desk.
    ours(make_world(FEWEST, args.seed), args.seed, QUICK_LIMITS)
    rows = []
    for agents in sizes:
        for seed in range(args.seed, args.seed + seeds):
            world = make_world(agents, seed)
            rows.append(ours(world, seed, limits))
            rows += theirs(world, peers if seed == args.seed else (), seconds)
            print(f"  {agents} agents, seed {seed}: {rows[-1]}", file=sys.stderr, flush=True)
    finish("roster", rows, args)


if __name__ == "__main__":
    main()
