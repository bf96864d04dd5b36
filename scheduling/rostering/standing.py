"""What stands in a roster that is made again, in the engine's terms: shifts, days, what to keep."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from scheduling.rostering.need import Ints, interval_of
from scheduling.rostering.shifts import Shifts
from scheduling.worked import ABSENT, kinds_of, shifts_worked
from wfm.brands import Brand
from wfm.errors import DataError
from wfm.frames import ROSTER
from wfm.people import Agent
from wfm.timegrid import INTERVAL, INTERVAL_S


@dataclass(frozen=True)
class Standing:
    """A shift that stands as it is, in intervals of the horizon.

    template  number of its template, -1 for one that the brand has not
    breaks    (intervals after its start, length) of whatever in it is not on queue
    """

    agent: int
    day: int
    template: int
    start: int
    length: int
    paid: int
    into_day: int
    burdens: tuple[bool, ...]
    breaks: tuple[tuple[int, int], ...]


def standing_of(
    frozen: pd.DataFrame | None,
    brand: Brand,
    agents: tuple[Agent, ...],
    shifts: Shifts,
    start: datetime,
) -> tuple[Standing, ...]:
    """The shifts of a ROSTER that stand, one for each agent and local day of the horizon."""
    if frozen is None or frozen.empty:
        return ()
    rows = ROSTER.check(frozen)
    rows = rows[~rows["activity"].isin(ABSENT)].sort_values(["agent_id", "start"])
    number = {a.agent_id: i for i, a in enumerate(agents)}
    day_of = {day: n for n, day in enumerate(shifts.days)}
    names = {t.name: n for n, t in enumerate(shifts.templates)}
    paid = {a.code for a in brand.activities if a.paid}
    gone = sorted(set(rows["agent_id"]) - number.keys())
    if gone:
        raise DataError(f"a shift that stands is of agent {gone[0]!r}, who is not known")
    worked = shifts_worked(rows, brand)
    kinds = kinds_of(pd.DatetimeIndex(worked["start"]), pd.DatetimeIndex(worked["end"]), brand)
    by_agent = dict(tuple(rows.groupby("agent_id")))
    found = []
    for n, (agent_id, opens, closes, template) in enumerate(
        zip(worked["agent_id"], worked["start"], worked["end"], worked["template"], strict=True)
    ):
        wall = opens.astimezone(brand.tz)
        if wall.date() not in day_of:
            continue
        own = by_agent[agent_id]
        mine = own[(own["start"] >= opens) & (own["end"] <= closes)]
        starts, ends = interval_of(mine["start"], start), interval_of(mine["end"], start)
        first = int(starts.min())
        found.append(
            Standing(
                agent=number[agent_id],
                day=day_of[wall.date()],
                template=names.get(template, -1),
                start=first,
                length=int(ends.max()) - first,
                paid=int((ends - starts)[mine["activity"].isin(paid).to_numpy()].sum()),
                into_day=(wall.hour * 60 + wall.minute) // (INTERVAL_S // 60),
                burdens=tuple(bool(k) for k in kinds[n]),
                breaks=tuple(
                    (int(a) - first, int(z - a))
                    for a, z, activity in zip(starts, ends, mine["activity"], strict=True)
                    if activity != "on_queue"
                ),
            )
        )
    return tuple(found)


def days_before(shifts: Shifts, until: datetime, start: datetime) -> int:
    """Days of the horizon that begin before the instant."""
    at = int((until - start) / INTERVAL)
    return int(np.searchsorted(shifts.midnights[:-1], at, side="left"))


def shifts_of(
    roster: pd.DataFrame, agents: tuple[Agent, ...], shifts: Shifts, start: datetime
) -> Ints:
    """The dated shift of each agent on each day, -1 for none or one that no template gives."""
    number = {a.agent_id: i for i, a in enumerate(agents)}
    names = [t.name for t in shifts.templates]
    known = {
        (names[t], at): s
        for s, (t, at) in enumerate(
            zip(shifts.template.tolist(), shifts.start.tolist(), strict=True)
        )
    }
    found = np.full((len(agents), len(shifts.days)), -1, dtype=np.int64)
    rows = ROSTER.check(roster).sort_values(["agent_id", "start"])
    earlier = rows.shift()
    # Of a shift's segments only the first tells its start.
    rows = rows[
        (rows["agent_id"] != earlier["agent_id"])
        | (rows["start"] != earlier["end"])
        | (rows["template"] != earlier["template"])
    ]
    for agent_id, template, at in zip(
        rows["agent_id"], rows["template"], interval_of(rows["start"], start), strict=True
    ):
        s = known.get((template, int(at)))
        if s is not None and agent_id in number:
            found[number[agent_id], shifts.day[s]] = s
    return found
