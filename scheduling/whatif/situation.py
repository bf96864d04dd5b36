"""A roster and the days that it may meet: what scenarios are asked about.

The sampled days are drawn once for the whole roster. A scenario is played on a part of them, with
the draws that the whole would have there, so that a part tells what the whole would.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from threading import Lock

import numpy as np
import pandas as pd

from scheduling.editing.changes import Change, Segment, lines_after, lines_of, table_of
from scheduling.editing.ground import EditGround
from scheduling.queueing.erlang import Floats
from scheduling.queueing.workload import contacts_of, grid_of
from scheduling.simulation.setting import key_of
from scheduling.simulation.trial import Simulation
from scheduling.staffing import on_shift_of, spans_of
from wfm.brands import Brand
from wfm.frames import FORECAST, ROSTER
from wfm.paths import Paths
from wfm.people import Agent
from wfm.timegrid import interval_count

# A shift that began so long before a moment is over by then.
LONGEST_SHIFT = timedelta(hours=24)
# Baselines that are kept: four windows, each whole and in its parts.
KEPT = 16


@dataclass(frozen=True)
class Situation:
    """A roster over [start, end) of its ground, and what may come; make it by `situation_of`.

    roster    ROSTER, with what of the roster before still runs into it
    forecast  FORECAST of all queues over the roster
    paths     sampled counts over the roster
    seed      of the draws: handling times, who is absent, customers who write again
    """

    ground: EditGround = field(repr=False)
    roster: pd.DataFrame = field(repr=False)
    forecast: pd.DataFrame = field(repr=False)
    paths: Paths = field(repr=False)
    seed: int
    _kept: OrderedDict[Hashable, Simulation] = field(default_factory=OrderedDict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def brand(self) -> Brand:
        return self.ground.brand

    @property
    def agents(self) -> tuple[Agent, ...]:
        return self.ground.agents

    @property
    def start(self) -> datetime:
        return self.ground.start

    @property
    def end(self) -> datetime:
        return self.ground.end

    @property
    def queues(self) -> tuple[str, ...]:
        return tuple(q.name for q in self.brand.queues)

    @cached_property
    def on_shift(self) -> pd.DataFrame:
        """ON_SHIFT of the roster."""
        return on_shift_of(self.roster, self.brand, self.agents)

    @cached_property
    def lines(self) -> dict[str, list[Segment]]:
        """Every agent's segments of the roster."""
        return lines_of(self.roster)

    @cached_property
    def mean(self) -> Floats:
        """Expected new cases, (intervals, queues)."""
        return grid_of(self.forecast, "mean", self.brand, start=self.start, end=self.end)

    @cached_property
    def work_s(self) -> Floats:
        """Expected seconds of work that come, (intervals, queues)."""
        aht = grid_of(self.forecast, "aht_s", self.brand, start=self.start, end=self.end)
        return np.asarray(self.mean * aht)

    @cached_property
    def contacts(self) -> np.ndarray[tuple[int, int, int], np.dtype[np.int64]]:
        """The paths' counts, (paths, intervals, queues)."""
        return contacts_of(self.paths, self.brand, start=self.start, end=self.end)

    @cached_property
    def chances(self) -> dict[str, Floats]:
        """By queue, uniforms (paths, intervals) that surges are drawn by: a larger surge of the
        same hours brings all that a smaller one does.
        """
        shape = self.paths.contacts.shape[0], self.intervals
        return {
            name: np.random.default_rng([self.seed, 20, int(key_of(name))]).random(shape)
            for name in self.queues
        }

    @property
    def intervals(self) -> int:
        return interval_count(self.start, self.end)

    def place(self, at: datetime) -> int:
        """Number of the interval that `at` lies in, within 0 and `intervals`."""
        since = (at - self.start).total_seconds()
        return int(np.clip(since // 900, 0, self.intervals))

    def on_shift_with(
        self, changes: tuple[Change, ...], start: datetime, end: datetime
    ) -> pd.DataFrame:
        """ON_SHIFT of who may be on queue in [start, end), with changes of the roster.

        Conflict when a change does not fit the roster.
        """
        table = _around(self.on_shift, start, end)
        if not changes:
            return table
        moved = {change.agent_id for change in changes}
        lines = {agent_id: self.lines.get(agent_id, []) for agent_id in moved}
        near = {
            agent_id: [
                s for s in line if s.end > start - LONGEST_SHIFT and s.start < end + LONGEST_SHIFT
            ]
            for agent_id, line in lines_after(lines, changes).items()
        }
        anew = spans_of(table_of(near), self.brand, self.agents)
        rest = table[~table["agent_id"].isin(moved)]
        return pd.concat([rest, anew], ignore_index=True)

    def kept(self, name: Hashable, make: Callable[[], Simulation]) -> Simulation:
        """A simulation by its name, made if it is not kept. Threads may share the situation."""
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
        made = make()
        with self._lock:
            self._kept[name] = made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made


def _around(on_shift: pd.DataFrame, start: datetime, end: datetime) -> pd.DataFrame:
    """The rows that touch [start, end), and those of the same shifts."""
    near = (on_shift["end"] > start - LONGEST_SHIFT) & (on_shift["start"] < end + LONGEST_SHIFT)
    return on_shift[near].reset_index(drop=True)


def situation_of(
    ground: EditGround, roster: pd.DataFrame, forecast: pd.DataFrame, paths: Paths, *, seed: int
) -> Situation:
    """The situation of a ROSTER on its ground; what of the ground's history reaches into it is
    there too.

    forecast, paths  over the whole roster, all queues of the brand

    FrameError for tables that are not what they are said to be; DataError, when it is used, where
    they do not cover the roster.
    """
    known = ground.reaching[ground.reaching["agent_id"].isin(ground.by_id)]
    return Situation(
        ground=ground,
        roster=ROSTER.check(pd.concat([known, roster], ignore_index=True)),
        forecast=FORECAST.check(forecast),
        paths=paths,
        seed=seed,
    )
