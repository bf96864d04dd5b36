"""Whether as many agents of each role are on queue as the brand asks for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from wfm.brands import Brand, Presence
from wfm.calendars import open_share
from wfm.frames import ROSTER
from wfm.people import Agent
from wfm.timegrid import INTERVAL, interval_count


@dataclass(frozen=True, order=True)
class Lack:
    """An interval in which too few agents of a role are on queue.

    presence  name of the brand's rule; `role` "" is anybody
    """

    start: datetime
    presence: str
    role: str
    there: int
    wanted: int

    def __str__(self) -> str:
        who = f"agents who are {self.role}" if self.role else "agents"
        return (
            f"{self.start:%Y-%m-%d %H:%M} UTC: {self.there} {who} on queue, "
            f"{self.presence} wants {self.wanted}"
        )


def check_presence(
    roster: pd.DataFrame,
    brand: Brand,
    agents: tuple[Agent, ...],
    *,
    start: datetime,
    end: datetime,
    history: pd.DataFrame | None = None,
) -> tuple[Lack, ...]:
    """Every interval of [start, end) in which the ROSTER lacks somebody, in order.

    history  a ROSTER of what was worked before: its last night is there on the first morning

    FrameError when a table breaks its schema.
    """
    tables = [ROSTER.check(roster)]
    if history is not None:
        past = ROSTER.check(history)
        tables.append(past[past["start"] < start])
    rows = pd.concat([t[t["activity"] == "on_queue"] for t in tables])
    step = pd.Timedelta(INTERVAL)
    count = interval_count(start, end)
    first = ((rows["start"] - start) // step).clip(0, count).to_numpy()
    last = ((rows["end"] - start) // step).clip(0, count).to_numpy()
    found = []
    for wanted in brand.presence:
        mine = _rows_of(wanted, agents, rows)
        begin = np.bincount(first[mine], minlength=count + 1)
        over = np.bincount(last[mine], minlength=count + 1)
        there = np.cumsum(begin - over)[:count]
        opened = np.array(open_share(wanted.window, start, end)) > 0
        found += [
            Lack(start + n * INTERVAL, wanted.name, wanted.role, int(there[n]), wanted.at_least)
            for n in np.flatnonzero(opened & (there < wanted.at_least)).tolist()
        ]
    return tuple(sorted(found))


def _rows_of(
    wanted: Presence, agents: tuple[Agent, ...], rows: pd.DataFrame
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Rows of agents who count for it."""
    if not wanted.role:
        return np.ones(len(rows), dtype=np.bool_)
    of_role = [a.agent_id for a in agents if wanted.role in a.roles]
    return rows["agent_id"].isin(of_role).to_numpy(dtype=np.bool_)
