"""Requests for time off: the shifts that fall away and what that leaves uncovered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from scheduling.editing.changes import (
    ABSENT,
    Change,
    by_day,
    segments_of,
    shift_told,
    worked,
)
from scheduling.editing.ground import EditGround
from scheduling.editing.judging import NEGLIGIBLE_H, Judgement, judged, paid_hours, rules_told
from scheduling.rostering.need import INTERVAL_H
from wfm.errors import RequestError
from wfm.timegrid import local_midnight


@dataclass(frozen=True)
class AbsenceDay:
    """A local day of a request.

    shift   of the agent, falling away; "off" on a day off
    pinned  whether somebody pinned it
    short_before, short_after  agent-hours short while it lasts
    fits    whether nothing more is short then and no pinned shift falls away
    """

    day: date
    shift: str
    pinned: bool
    short_before: float
    short_after: float
    fits: bool


@dataclass(frozen=True)
class Absence:
    """The effect of time off from `first` to `last`, local days, both included.

    changes    the shifts dropped, pinned ones too: to be applied where the request is granted
    judgement  of the changes
    days       those of the request within the roster, and the evening before where its shift would
               run into it
    lost_hours paid hours that fall away
    verdict    in words: fits, or what stands against it
    """

    agent_id: str
    first: date
    last: date
    changes: tuple[Change, ...]
    judgement: Judgement
    days: tuple[AbsenceDay, ...]
    lost_hours: float
    verdict: str

    @property
    def fits(self) -> bool:
        """Whether it can be granted: nothing more uncovered, no rule broken, nobody missing whom
        the brand wants there, no pinned shift lost.
        """
        kept = self.judgement.keeps_rules and not self.judgement.presences_lost
        return kept and all(d.fits for d in self.days)


def absence(
    roster: pd.DataFrame, agent_id: str, first: date, last: date, ground: EditGround
) -> Absence:
    """What granting the time off would do to the ROSTER; nothing is changed.

    Every shift that lies on one of the days falls away, even one that only ends there.

    NotFound for an agent who is not known, RequestError when `last` is before `first`.
    """
    ground.agent(agent_id)
    if last < first:
        raise RequestError(
            f"the time off ends on {last}, before it starts on {first}",
            first=first.isoformat(),
            last=last.isoformat(),
        )
    zone = ground.brand.tz
    # Of a longer absence only what a shift of the roster can touch.
    since, until = max(first, ground.days[0]), min(last, ground.days[-1] + timedelta(days=1))
    begins, ends = local_midnight(since, zone), local_midnight(until + timedelta(days=1), zone)
    days = by_day(segments_of(roster[roster["agent_id"] == agent_id]), zone)
    changes = tuple(
        Change(agent_id, day, segments, tuple(s for s in segments if s.activity in ABSENT))
        for day, segments in sorted(days.items())
        if any(s.start < ends and s.end > begins for s in worked(segments))
    )
    judgement = judged(roster, changes, ground)
    asked = {d for d in ground.days if first <= d <= last} | {c.day for c in changes}
    dropped = {c.day: c for c in changes}
    of_days = tuple(_day(day, dropped.get(day), judgement, ground) for day in sorted(asked))
    against = rules_told(judgement.broken)
    against += [f"{name} would lack somebody" for name in judgement.presences_lost]
    against += [_told(d) for d in of_days if not d.fits]
    return Absence(
        agent_id=agent_id,
        first=first,
        last=last,
        changes=changes,
        judgement=judgement,
        days=of_days,
        lost_hours=sum(paid_hours(c.before, ground) - paid_hours(c.after, ground) for c in changes),
        verdict="; ".join(against) or "it fits: every rule is kept, and nothing more is uncovered",
    )


def _day(day: date, change: Change | None, judgement: Judgement, ground: EditGround) -> AbsenceDay:
    if change is None:
        return AbsenceDay(day, "off", False, 0.0, 0.0, fits=True)
    shift = worked(change.before)
    coverage = judgement.coverage
    during = coverage[(coverage["start"] >= shift[0].start) & (coverage["start"] < shift[-1].end)]
    before, after = (float(during[c].sum()) * INTERVAL_H for c in ("before", "after"))
    pinned = any(s.pinned for s in shift)
    return AbsenceDay(
        day=day,
        shift=shift_told(shift, ground.brand.tz),
        pinned=pinned,
        short_before=before,
        short_after=after,
        fits=not pinned and after - before <= NEGLIGIBLE_H,
    )


def _told(day: AbsenceDay) -> str:
    if day.pinned:
        return f"{day.day:%a %d %b}: {day.shift} is pinned"
    opened = day.short_after - day.short_before
    return f"{day.day:%a %d %b}: {opened:.1f} agent-hours more would be uncovered"
