"""The step of interval counts, told from their stamps, and checked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from wfm.errors import RequestError
from wfm.ingest.report import step_text
from wfm.ingest.spool import Rows
from wfm.timegrid import INTERVAL_S, format_instant

ALLOWED = "a step divides 15 min, or is 15, 30, 45 or 60 min"
COARSEST_S = 3600

# So many equal gaps in a row, each of several steps, are no gaps: the step has changed.
RUN = 12

_SPAN = re.compile(r"(\d+)\s*(s|min|h)")
_UNIT_S = {"s": 1, "min": 60, "h": 3600}

# Tells one fault: row, remedy.
Tell = Callable[[Rows, str], None]


def parse_step(text: str, option: str) -> int:
    """Seconds of `5min`, `90s` or `1h`; RequestError naming the option otherwise."""
    found = _SPAN.fullmatch(text.strip())
    seconds = int(found[1]) * _UNIT_S[found[2]] if found else 0
    if not is_step(seconds):
        raise RequestError(f"{option} {text!r} is no step; {ALLOWED}: write it as 5min", value=text)
    return seconds


def is_step(seconds: int) -> bool:
    if seconds <= 0:
        return False
    if seconds <= INTERVAL_S:
        return INTERVAL_S % seconds == 0
    return seconds % INTERVAL_S == 0 and seconds <= COARSEST_S


@dataclass
class StepCount:
    """How often which distance stands between the stamps of a queue."""

    distances: Counter[int] = field(default_factory=Counter)
    first: int | None = None
    last: int | None = None

    def look(self, starts: np.ndarray) -> None:
        """Look at sorted, distinct starts that follow those seen before."""
        known = starts if self.last is None else np.concatenate(([self.last], starts))
        values, counts = np.unique(np.diff(known), return_counts=True)
        self.distances.update(
            {int(v): int(c) for v, c in zip(values, counts, strict=True) if v > 0}
        )
        self.first = int(starts[0]) if self.first is None else self.first
        self.last = int(starts[-1])

    @property
    def step_s(self) -> int | None:
        """The distance seen most often, the smaller of two; None while there is none."""
        if not self.distances:
            return None
        return min(self.distances, key=lambda d: (-self.distances[d], d))


def find_steps(
    counted: Mapping[str, StepCount], given: int | None, tell: Callable[[str, str, str], None]
) -> dict[str, int]:
    """The step of each queue, seconds; `tell(queue, value, remedy)` where there is none."""
    steps: dict[str, int] = {}
    for queue, count in counted.items():
        step = given or count.step_s
        if step is None:
            tell(
                queue,
                "",
                "one stamp only, so the step cannot be told; give it with --step, such as "
                "--step 15min",
            )
        elif not is_step(step):
            tell(
                queue,
                step_text(step),
                f"the stamps lie {step_text(step)} apart; {ALLOWED}; --floor rounds uneven stamps, "
                "--step names a step that gaps hide",
            )
        else:
            steps[queue] = step
    return steps


def check_steps(rows: Rows, queues: Sequence[str], steps: Mapping[str, int], tell: Tell) -> None:
    """Tell of rows that do not lie on their queue's step, once for each queue and reason.

    rows  sorted by queue and start, each key once
    """
    for number in np.unique(rows["queue"]):
        step = steps.get(queues[number])
        if step is None:
            continue
        own = rows[rows["queue"] == number]
        grid = min(step, INTERVAL_S)
        off = np.flatnonzero(own["start"] % grid)
        if len(off):
            at = format_instant(datetime.fromtimestamp(int(own["start"][off[0]]), UTC))
            tell(
                own[off[0]],
                f"{at} is not on the {step_text(grid)} grid; "
                f"add --floor {step_text(grid).replace(' ', '')}",
            )
            continue
        gaps = np.diff(own["start"])
        uneven = np.flatnonzero(gaps % step)
        if len(uneven):
            tell(
                own[uneven[0] + 1],
                f"the step varies: {step_text(int(gaps[uneven[0]]))} here, {step_text(step)} "
                f"mostly; split the file where the step changes",
            )
            continue
        changed = _long_run(gaps, step)
        if changed is not None:
            tell(
                own[changed + 1],
                f"the step changes from {step_text(step)} to {step_text(int(gaps[changed]))} "
                "here; split the file, a file has one step a queue",
            )


def _long_run(gaps: np.ndarray, step: int) -> int | None:
    """Where `RUN` equal gaps of more than one step begin, or None."""
    if len(gaps) < RUN:
        return None
    edges = np.flatnonzero(np.diff(gaps)) + 1
    begins = np.concatenate(([0], edges))
    lengths = np.diff(np.concatenate((begins, [len(gaps)])))
    found = np.flatnonzero((lengths >= RUN) & (gaps[begins] != step))
    return int(begins[found[0]]) if len(found) else None
