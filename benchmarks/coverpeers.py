"""Peers of the cover benchmark: the same week given to them whole, each in a process of its own.

HiGHS, CBC and CP-SAT read the very program whose relaxation is the bound. pyworkforce has a model
of its own, without breaks and with shifts that pass midnight into the same day again; what it takes
is counted on the real clock, with breaks placed where they are missed least.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.coverworld import PATTERNS, SHORT, START_EVERY, Ints
from benchmarks.peers import HOME, ROOT, peer_python
from scheduling.rostering.design import place_breaks
from scheduling.rostering.weekprogram import WeekProgram, WeekShifts

OF_OURS = ("highs", "cbc")
OF_THEIRS = ("cpsat", "pyworkforce")
# A peer may take as long again as its limit, and this; then it is ended and has found nothing.
GRACE_S = 60.0


@dataclass(frozen=True)
class Answer:
    """What a peer found: its week of shifts, None for nothing; its CPU seconds, None if ended."""

    week: WeekShifts | None
    cpu_s: float | None


def available() -> tuple[str, ...]:
    """The peers that can be asked here; those whose environment is missing are left out aloud."""
    if HOME.exists():
        return OF_OURS + OF_THEIRS
    print(f"{' and '.join(OF_THEIRS)} are left out; run: make bench-peers", file=sys.stderr)
    return OF_OURS


def ask(peer: str, wanted: Ints, *, seconds: float, seed: int) -> Answer:
    """The week that a peer finds in so many seconds on the clock."""
    with tempfile.TemporaryDirectory(prefix="wfm-bench-") as folder:
        if peer == "pyworkforce":
            file = Path(folder) / "wanted.json"
            file.write_text(json.dumps(wanted.tolist()))
            command = [str(peer_python()), "-m", "benchmarks.coverpeers_pyworkforce"]
            told = _run([*command, str(file), str(seconds)], seconds)
            if told is None or told["taken"] is None:
                return Answer(None, None if told is None else told["cpu_s"])
            began = time.process_time()
            week, _ = place_breaks(
                wanted, PATTERNS, np.array(told["taken"]), short=SHORT, seed=seed
            )
            return Answer(week, told["cpu_s"] + time.process_time() - began)
        file = Path(folder) / "week.mps"
        program = WeekProgram(wanted, PATTERNS, START_EVERY, SHORT)
        program.program.problem.writeMPS(str(file))
        python = str(peer_python()) if peer == "cpsat" else sys.executable
        script = "cpsat" if peer == "cpsat" else "mip"
        command = [python, "-m", f"benchmarks.coverpeers_{script}", str(file), str(seconds)]
        told = _run([*command, str(seed), peer], seconds)
        if told is None or told["values"] is None:
            return Answer(None, None if told is None else told["cpu_s"])
        names = [*program.names.values(), *program.begins.values()]
        values = {name: told["values"].get(name, 0.0) for name in names}
        return Answer(program.shifts(values), told["cpu_s"])


def _run(command: list[str], seconds: float) -> dict | None:
    try:
        ended = subprocess.run(
            command, cwd=ROOT, timeout=2 * seconds + GRACE_S, stdout=subprocess.PIPE, check=True
        )
    except subprocess.TimeoutExpired:
        return None
    return json.loads(ended.stdout.splitlines()[-1])
