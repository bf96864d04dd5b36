"""What a simulation is judged by beside a scenario: curves, peaks, breach-minutes, recovery."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scheduling.queueing.erlang import Floats
from scheduling.simulation.attainment import promise_lines, ratio_band
from scheduling.simulation.setting import Line
from scheduling.simulation.state import ON_TIME
from scheduling.simulation.trial import Simulation
from wfm.timegrid import INTERVAL

Number = TypeVar("Number", bound=np.generic)
# In time and judged, (paths, intervals).
Pair = tuple[NDArray[np.int64], NDArray[np.int64]]

HOUR = 4  # intervals
HOUR_MIN = 60.0

# Recovered: on time again as without the scenario, and staying so for an hour. A smaller loss, or
# one that chance alone would bring, is none.
RECOVERED_WITHIN = 0.02
SURE_SE = 2.0


@dataclass(frozen=True)
class Counts:
    """First responses of each queue, (paths, intervals, queues): in time, and judged at all.

    share  promised of each queue
    """

    on_time: NDArray[np.int64] = field(repr=False)
    judged: NDArray[np.int64] = field(repr=False)
    share: Floats

    def together(self, of: list[int]) -> Pair:
        """In time and judged of some queues together, (paths, intervals)."""
        return self.on_time[:, :, of].sum(axis=2), self.judged[:, :, of].sum(axis=2)

    def ending(self, rest: Counts, count: int) -> Counts:
        """The first intervals of these, and then those of the rest."""
        return replace(
            self,
            on_time=np.concatenate([self.on_time[:, :count], rest.on_time[:, count:]], axis=1),
            judged=np.concatenate([self.judged[:, :count], rest.judged[:, count:]], axis=1),
        )

    def days(self, count: int, begin: int = 0) -> Counts:
        """Of the paths from `begin` until `count`."""
        return replace(self, on_time=self.on_time[begin:count], judged=self.judged[begin:count])

    def then(self, other: Counts) -> Counts:
        """With the paths of another behind."""
        return replace(
            self,
            on_time=np.concatenate([self.on_time, other.on_time]),
            judged=np.concatenate([self.judged, other.judged]),
        )

    @property
    def late(self) -> float:
        """Mean cases of a path that are late or overdue."""
        return float((self.judged - self.on_time).sum(axis=(1, 2)).mean())


@dataclass(frozen=True)
class Side:
    """All queues with the scenario, or without: arrays (paths, intervals, queues).

    occupancy  of all agents present, (intervals,); NaN while nobody is
    """

    counts: Counts
    backlog: NDArray[np.int32] = field(repr=False)
    oldest_s: NDArray[np.float32] = field(repr=False)
    occupancy: Floats = field(repr=False)


def side_of(parts: Sequence[Simulation], queues: tuple[str, ...]) -> Side:
    """The side that simulations of some queues each make up; `queues` in the order wanted."""
    place = {q: i for i, q in enumerate(q for part in parts for q in part.queues)}
    order = [place[q] for q in queues]
    counts = [counts_of(part, part.queues) for part in parts]

    def joined(arrays: Iterable[NDArray[Number]]) -> NDArray[Number]:
        return np.concatenate(list(arrays), axis=-1)[..., order]

    busy = sum(part.busy_s.sum(axis=(0, 1), dtype=np.float64) for part in parts)
    present = sum(part.present_s.sum(axis=0, dtype=np.float64) for part in parts)
    with np.errstate(divide="ignore", invalid="ignore"):
        occupancy = np.where(present > 0, busy / present, np.nan)
    return Side(
        counts=Counts(
            joined(c.on_time for c in counts),
            joined(c.judged for c in counts),
            joined(c.share for c in counts),
        ),
        backlog=joined(part.backlog for part in parts),
        oldest_s=joined(part.oldest_s for part in parts),
        occupancy=occupancy,
    )


def counts_of(simulation: Simulation, queues: tuple[str, ...]) -> Counts:
    """The first responses by queue: those of the window and those after its opening together."""
    parts = [
        simulation.outcomes[:, :, promise_lines(simulation.lines, q), :].sum(axis=2, dtype=np.int64)
        for q in queues
    ]
    outcomes = np.stack(parts, axis=2)
    shares = [_share_of(simulation.lines, q) for q in queues]
    return Counts(outcomes[..., ON_TIME], outcomes.sum(axis=3), np.array(shares))


def _share_of(lines: tuple[Line, ...], queue: str) -> float:
    return next(
        line.share for line in lines
        if (line.queue, line.metric, line.goal) == (queue, "first_response", "goal")
    )  # fmt: skip


def hourly(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums of hours from the start on; the last one may be shorter."""
    return np.add.reduceat(counts, np.arange(0, counts.shape[1], HOUR), axis=1)


def breach_min(counts: Counts) -> Floats:
    """Breach-minutes of each queue, see `results.QueueEffect`."""
    on_time, judged = hourly(counts.on_time), hourly(counts.judged)
    return _breach(on_time.sum(axis=0), judged.sum(axis=0), counts.share)


def breach_without_each(counts: Counts) -> Floats:
    """Breach-minutes of all queues together with each path left out in turn, (paths,)."""
    on_time, judged = hourly(counts.on_time), hourly(counts.judged)
    rest = on_time.sum(axis=0) - on_time, judged.sum(axis=0) - judged
    return np.asarray(_breach(rest[0], rest[1], counts.share).sum(axis=-1))


def _breach(on_time: NDArray[np.int64], judged: NDArray[np.int64], share: Floats) -> Floats:
    """Of sums (..., hours, queues) the minutes of each queue, (..., queues)."""
    attained = np.divide(on_time, judged, out=np.ones(judged.shape), where=judged > 0)
    missing = np.clip(share - attained, 0.0, None) / share
    return np.asarray(HOUR_MIN * missing.sum(axis=-2))


def jackknife_se(left_out: Floats) -> float:
    """Standard error of a figure from what it is with each path left out; 0 with one path."""
    paths = len(left_out)
    if paths < 2:
        return 0.0
    return float(np.sqrt((paths - 1) / paths * ((left_out - left_out.mean()) ** 2).sum()))


def lowest_hour(on_time: NDArray[np.int64], judged: NDArray[np.int64]) -> float | None:
    """Lowest expected attainment of an hour with a case or more; arrays (paths, intervals)."""
    kept, all_ = hourly(on_time).sum(axis=0), hourly(judged).sum(axis=0)
    enough = all_ >= judged.shape[0]
    return float((kept[enough] / all_[enough]).min()) if enough.any() else None


def share_on_time(on_time: NDArray[np.int64], judged: NDArray[np.int64]) -> float:
    """Share of all cases; 1 without any."""
    total = int(judged.sum())
    return float(on_time.sum() / total) if total else 1.0


def recovered_at(before: Pair, after: Pair, start: datetime, begins: datetime) -> datetime | None:
    """From when it is on time again as without the scenario, see `results.QueueEffect`.

    start  of the first interval
    """
    first = max(0, int((begins - start) / INTERVAL))
    usual, spread = _attained(before)
    now, spread_now = _attained(after)
    chance = SURE_SE * np.sqrt(spread + spread_now)
    loss = (usual - now)[first:]
    hurt = np.flatnonzero(loss > np.maximum(RECOVERED_WITHIN, chance[first:]))
    if hurt.size == 0:
        return begins
    last = int(hurt[-1]) + HOUR  # the hour that begins there still suffers
    if last + HOUR > len(loss):
        return None
    return start + (first + last) * INTERVAL


def _attained(pair: Pair) -> tuple[Floats, Floats]:
    """Attainment of the hour that begins with each interval, and its variance by chance; 1 and 0
    of an hour without cases.
    """
    kept, all_ = (_running(counts.sum(axis=0)) for counts in pair)
    share = np.divide(kept, all_, out=np.ones(len(all_)), where=all_ > 0)
    return share, share * (1 - share) / np.maximum(all_, 1)


def _running(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums of the hour that begins with each interval, as far as there is one."""
    sums = np.concatenate([[0], np.cumsum(counts)])
    ends = np.minimum(np.arange(len(counts)) + HOUR, len(counts))
    return np.asarray(sums[ends] - sums[:-1])


def curves(side: Side, of: list[int], when: str) -> pd.DataFrame:
    """Columns of `results.Evaluation.table` of some queues together.

    when  "before" or "after"
    """
    on_time, judged = side.counts.together(of)
    mean, low, high = ratio_band(on_time, judged)
    backlog = side.backlog[:, :, of].sum(axis=2)
    few, many = np.quantile(backlog, (0.1, 0.9), axis=0)
    everybody = len(of) == len(side.counts.share)
    return pd.DataFrame(
        {
            f"cases_{when}": judged.mean(axis=0),
            f"attainment_{when}": mean,
            f"attainment_{when}_low": low,
            f"attainment_{when}_high": high,
            f"backlog_{when}": backlog.mean(axis=0),
            f"backlog_{when}_low": few,
            f"backlog_{when}_high": many,
            f"age_s_{when}": side.oldest_s[:, :, of].max(axis=2).mean(axis=0),
            f"occupancy_{when}": side.occupancy if everybody else np.nan,
        }
    )
