"""Peers of the roster benchmark: solvers that get the whole desk as one integer program.

Each runs in a process of its own, CP-SAT in the peers' environment (it clashes with HiGHS in one
process), on the same program as the relaxation that gives the bound: the same rules, the same
objective. One that overruns its limit by far is ended and has found nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.peers import HOME, ROOT, peer_python
from benchmarks.rosterprogram import whole_program
from benchmarks.rosterworld import DAYS, SKILLS, TEMPLATES, Ints, World

# Beyond its limit a peer may take as long again for building, and this for reading and starting.
GRACE_S = 60.0


def peers_there() -> tuple[str, ...]:
    """The peers that can run here; says which cannot, and what to do."""
    if (HOME / "bin" / "python").exists():
        return ("highs", "cpsat")
    print("cpsat is left out: its environment is missing; run: make bench-peers", file=sys.stderr)
    return ("highs",)


@dataclass(frozen=True)
class Found:
    """What a peer found.

    roster       as in `rostercheck`; None when it found none
    bound        nothing costs less; None when it has none
    open_shifts  missing heads; parts of heads in the relaxation; None when it found nothing
    """

    roster: Ints | None
    bound: float | None
    open_shifts: float | None
    seconds: float


def peers_on(
    world: World, names: Sequence[str], *, seconds: float, relaxation_s: float = 0.0
) -> dict[str, Found]:
    """What each peer finds on a world in so many seconds, by name.

    relaxation_s  most seconds for the linear relaxation, found as "relaxation"; 0: none is asked
    """
    program = whole_program(world)
    with tempfile.TemporaryDirectory(prefix="wfm-bench-") as folder:
        file = Path(folder) / "program.npz"
        program.save(file)
        asked = [sys.executable, "-m", "benchmarks.rosterlp", str(file)]
        found = {}
        if relaxation_s:
            found["relaxation"] = _run(
                world, [*asked, str(relaxation_s), "--relaxed"], relaxation_s
            )
        if "highs" in names:
            found["highs"] = _run(world, [*asked, str(seconds)], seconds)
        if "cpsat" in names:
            asked[:3] = [str(peer_python()), "-m", "benchmarks.rosterpeers_cpsat"]
            found["cpsat"] = _run(world, [*asked, str(seconds), str(world.seed)], seconds)
    return found


def _run(world: World, command: Sequence[str], seconds: float) -> Found:
    limit = 2 * seconds + GRACE_S
    try:
        ended = subprocess.run(command, cwd=ROOT, timeout=limit, stdout=subprocess.PIPE, check=True)
    except subprocess.TimeoutExpired:
        return Found(None, None, None, limit)
    told = json.loads(ended.stdout)
    roster = None
    if told["worked"]:
        roster = np.full((len(world.workers), DAYS), -1, dtype=np.int64)
        of_day = len(TEMPLATES) * len(SKILLS)
        for worker, cell in told["worked"]:
            roster[worker, cell // of_day] = cell % of_day
    bound = told["bound"]
    return Found(
        roster,
        bound if bound is not None and np.isfinite(bound) else None,
        told["open"],
        told["seconds"],
    )
