"""First-response attainment of a simulation over time, with its band across paths."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scheduling.queueing.erlang import Floats
from scheduling.simulation import state
from scheduling.simulation.setting import Line
from scheduling.simulation.trial import Simulation
from wfm.frames import interval_index


def attainment_by_interval(
    simulation: Simulation, queue: str = "", *, every: int = 1
) -> pd.DataFrame:
    """First-response attainment and backlog of a queue, or of all for "", over time.

    every  intervals a row (4: hours)

    Columns: start, cases (mean a path), attainment (ratio of sums over paths; NaN without cases),
    attainment_low and attainment_high (P10 and P90 across paths), backlog (mean at the row's end).
    """
    chosen = promise_lines(simulation.lines, queue)
    counts = simulation.outcomes[:, :, chosen, :].sum(axis=2, dtype=np.int64)
    rows = np.arange(0, counts.shape[1], every)
    counts = np.add.reduceat(counts, rows, axis=1)
    judged = counts.sum(axis=2)
    on_time = counts[:, :, state.ON_TIME]
    mean, low, high = ratio_band(on_time, judged)
    of = [i for i, name in enumerate(simulation.queues) if queue in ("", name)]
    ends = np.minimum(rows + every, simulation.backlog.shape[1]) - 1
    backlog = simulation.backlog[:, :, of].sum(axis=2)[:, ends]
    return pd.DataFrame(
        {
            "start": interval_index(simulation.start, simulation.end)[rows],
            "cases": judged.mean(axis=0),
            "attainment": mean,
            "attainment_low": low,
            "attainment_high": high,
            "backlog": backlog.mean(axis=0),
        }
    )


def promise_lines(lines: tuple[Line, ...], queue: str = "") -> list[int]:
    """Lines that hold each case's first response once: the promise and the opening goal."""
    seen: dict[tuple[str, str], int] = {}
    for i, line in enumerate(lines):
        if line.metric == "first_response" and queue in ("", line.queue):
            seen.setdefault((line.queue, line.goal), i)
    return list(seen.values())


def ratio_band(on_time: NDArray[np.int64], judged: NDArray[np.int64]) -> tuple[Floats, ...]:
    """Ratio of sums over paths (axis 0), and P10 and P90 of the paths' own ratios.

    NaN where no path has a case.
    """
    total = judged.sum(axis=0)
    with np.errstate(invalid="ignore"):
        mean = on_time.sum(axis=0) / total
        own = on_time / judged
    # Paths without cases sort last and are left out of the rank.
    ranked = np.sort(own, axis=0)
    count = (judged > 0).sum(axis=0)
    band = [_quantile_of_sorted(ranked, count, q) for q in (0.10, 0.90)]
    return np.asarray(mean), *band


def _quantile_of_sorted(ranked: Floats, count: NDArray[np.int64], q: float) -> Floats:
    """Linear quantile over the first `count` of the sorted axis 0; NaN where there is none."""
    place = q * np.maximum(count - 1, 0)
    low = np.floor(place).astype(np.int64)
    high = np.ceil(place).astype(np.int64)
    a = np.take_along_axis(ranked, low[None], axis=0)[0]
    b = np.take_along_axis(ranked, high[None], axis=0)[0]
    return np.asarray(a + (b - a) * (place - low))


def first_response_s(
    simulation: Simulation, queue: str = "", *, shares: tuple[float, ...] = (0.5, 0.9)
) -> list[float | None]:
    """Open seconds within which these shares of first replies are sent, of a queue or all for "".

    Over all paths, opening cases from the opening on; exact to the minute, evenly within it. None
    without cases, or where so many wait past due, or longer than a day, that it has no figure.
    """
    of = [i for i, name in enumerate(simulation.queues) if queue in ("", name)]
    sent = np.cumsum(simulation.replies[of].sum(axis=0))
    found: list[float | None] = []
    for share in shares:
        wanted = share * sent[-1]
        minute = int(np.searchsorted(sent, wanted))
        if sent[-1] == 0 or minute >= state.REPLY_BINS - 1:
            found.append(None)
            continue
        before = sent[minute - 1] if minute else 0
        inside = (wanted - before) / (sent[minute] - before) if sent[minute] > before else 0.0
        found.append(float((minute + inside) * state.REPLY_BIN_S))
    return found
