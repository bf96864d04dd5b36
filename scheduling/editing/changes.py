"""Changes of a roster, agent-day by agent-day: carried out, taken back, and found between two.

A change holds what stood before and what stands after, so that it can be undone exactly and a
roster that has moved on is noticed. A shift belongs to the local day it starts on, as do its later
segments beyond midnight; an absence (time off, standby) belongs to the day it starts on itself.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from operator import attrgetter
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from wfm.errors import Conflict
from wfm.frames import ROSTER

ABSENT = frozenset({"time_off", "standby"})
# A hole shorter than any rest is a hole in a shift, not the end of one.
HOLE = timedelta(hours=3)


@dataclass(frozen=True, order=True)
class Segment:
    """A row of ROSTER without its agent."""

    start: datetime
    end: datetime
    activity: str
    queue: str = ""
    template: str = ""
    pinned: bool = False


@dataclass(frozen=True)
class Change:
    """What an agent has on a local day, replaced: all segments of the day, in order of time."""

    agent_id: str
    day: date
    before: tuple[Segment, ...]
    after: tuple[Segment, ...]


_VALUES = attrgetter(*(f.name for f in fields(Segment)))


def segments_of(rows: pd.DataFrame) -> list[Segment]:
    """Rows of a ROSTER, those of one agent, as segments in order of time."""
    return sorted(_segments(rows))


def _segments(rows: pd.DataFrame) -> Iterator[Segment]:
    return map(
        Segment,
        rows["start"].dt.to_pydatetime(),
        rows["end"].dt.to_pydatetime(),
        rows["activity"].tolist(),
        rows["queue"].tolist(),
        rows["template"].tolist(),
        rows["pinned"].tolist(),
    )


def lines_of(roster: pd.DataFrame) -> dict[str, list[Segment]]:
    """Every agent's segments, in order of time."""
    lines: dict[str, list[Segment]] = defaultdict(list)
    for agent_id, segment in zip(roster["agent_id"].tolist(), _segments(roster), strict=True):
        lines[agent_id].append(segment)
    return {agent_id: sorted(line) for agent_id, line in lines.items()}


def by_day(segments: Iterable[Segment], zone: ZoneInfo) -> dict[date, tuple[Segment, ...]]:
    """An agent's segments by the local day that they belong to."""
    days: dict[date, list[Segment]] = defaultdict(list)
    last: Segment | None = None
    day = date.min
    for segment in sorted(segments):
        own_day = segment.start.astimezone(zone).date()
        if segment.activity in ABSENT:
            days[own_day].append(segment)
            continue
        same = last is not None and last.template == segment.template
        if not (same and last is not None and segment.start - last.end < HOLE):
            day = own_day
        days[day].append(segment)
        last = segment
    return {d: tuple(found) for d, found in days.items()}


def worked(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """The shift among a day's segments: all but absences."""
    return tuple(s for s in segments if s.activity not in ABSENT)


def in_the_way(days: Mapping[date, Sequence[Segment]], day: date) -> tuple[Segment, ...]:
    """The shift of a day beside that the day's shift overlaps or comes within 3 hours of."""
    shift = worked(days.get(day, ()))
    for other_day in (day - timedelta(days=1), day + timedelta(days=1)):
        other = worked(days.get(other_day, ()))
        if shift and other:
            one, two = sorted((shift, other))
            if two[0].start - max(s.end for s in one) < HOLE:
                return other
    return ()


def day_of(roster: pd.DataFrame, agent_id: str, day: date, zone: ZoneInfo) -> tuple[Segment, ...]:
    """What the agent has on the local day; empty on a day off."""
    mine = roster[roster["agent_id"] == agent_id]
    return by_day(segments_of(mine), zone).get(day, ())


def applied(roster: pd.DataFrame, changes: Sequence[Change]) -> pd.DataFrame:
    """The ROSTER after the changes, one after the other, in order of agent and start.

    Conflict when something else stands where a change expects its `before`; FrameError when a
    change puts two segments of an agent at one start.
    """
    starts = {s.start for c in changes for s in (*c.before, *c.after)}
    touched = roster["agent_id"].isin({c.agent_id for c in changes})
    touched &= roster["start"].isin(list(starts))
    new = ROSTER.check(table_of(lines_after(lines_of(roster[touched]), changes)))
    return _in_order(pd.concat([roster[~touched], new], ignore_index=True))


def undone(roster: pd.DataFrame, changes: Sequence[Change]) -> pd.DataFrame:
    """The ROSTER before the changes were applied; the same errors as `applied`."""
    back = [replace(c, before=c.after, after=c.before) for c in reversed(changes)]
    return applied(roster, back)


def lines_after(
    lines: Mapping[str, Sequence[Segment]], changes: Sequence[Change]
) -> dict[str, list[Segment]]:
    """Agents' segments after the changes; Conflict where a `before` is not there."""
    counted = {agent_id: Counter(line) for agent_id, line in lines.items()}
    for change in changes:
        line = counted.setdefault(change.agent_id, Counter())
        missing = Counter(change.before) - line
        if missing:
            lost = min(missing)
            raise Conflict(
                f"the roster of {change.agent_id} on {change.day} has been changed since: there is "
                f"no {lost.activity} from {lost.start:%Y-%m-%d %H:%M} to {lost.end:%H:%M} UTC any "
                "more; read it again",
                agent=change.agent_id,
                day=change.day.isoformat(),
            )
        line.subtract(change.before)
        line.update(change.after)
    return {agent_id: sorted(line.elements()) for agent_id, line in counted.items()}


def table_of(lines: Mapping[str, Iterable[Segment]]) -> pd.DataFrame:
    """Each agent's segments as a ROSTER, in order of agent and start; not checked."""
    rows = [
        (agent_id, *_VALUES(segment))
        for agent_id, line in sorted(lines.items())
        for segment in sorted(line)
    ]
    columns = zip(*rows, strict=True) if rows else [()] * len(ROSTER.columns)
    return pd.DataFrame(
        {
            name: pd.Series(values, dtype=column.dtype)
            for (name, column), values in zip(ROSTER.columns.items(), columns, strict=True)
        }
    )


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    agents, _ = pd.factorize(table["agent_id"], sort=True)
    order = np.lexsort((table["start"].astype("int64"), agents))
    return table.iloc[order].reset_index(drop=True)


def difference(one: pd.DataFrame, other: pd.DataFrame, zone: ZoneInfo) -> tuple[Change, ...]:
    """The changes that make `other` of `one`, in order of agent and local day.

    Law: `applied(one, difference(one, other, zone))` is `other`.
    """
    both = pd.concat([one, other], ignore_index=True)
    unlike = ~both.duplicated(keep=False)
    changes: list[Change] = []
    for agent_id in sorted(set(both.loc[unlike, "agent_id"])):
        before, after = (
            by_day(segments_of(table[table["agent_id"] == agent_id]), zone)
            for table in (one, other)
        )
        changes.extend(
            Change(agent_id, day, before.get(day, ()), after.get(day, ()))
            for day in sorted(before.keys() | after.keys())
            if before.get(day, ()) != after.get(day, ())
        )
    return tuple(changes)


def told(change: Change, zone: ZoneInfo) -> str:
    """The change in words: who, when, from what to what."""
    before, after = (shift_told(s, zone) for s in (change.before, change.after))
    if before == after:
        after = f"{after}, {_detail(change, zone)}"
    return f"{change.agent_id}, {change.day:%a %d %b}: {before} → {after}"


def shift_told(segments: Sequence[Segment], zone: ZoneInfo) -> str:
    """The shift among a day's segments in words, as "day8 06:00-14:30"; "off" on a day off."""
    work = worked(segments)
    if not work:
        return " and ".join(dict.fromkeys(s.activity.replace("_", " ") for s in segments)) or "off"
    first, last = work[0], max(s.end for s in work)
    name = first.template or first.activity
    return f"{name} {first.start.astimezone(zone):%H:%M}-{last.astimezone(zone):%H:%M}"


def _detail(change: Change, zone: ZoneInfo) -> str:
    if {s.pinned for s in change.before} != {s.pinned for s in change.after}:
        return "pinned" if any(s.pinned for s in change.after) else "no longer pinned"
    new = [s for s in change.after if s not in change.before and s.activity != "on_queue"]
    return ", ".join(f"{s.activity} at {s.start.astimezone(zone):%H:%M}" for s in new) or "cut anew"
