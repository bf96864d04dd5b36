"""Shifts that are not there yet: people who stand by, and people who are off, called in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np

from scheduling.editing.changes import Change, Segment, by_day, in_the_way, worked
from scheduling.editing.judging import paid_hours
from scheduling.editing.laying import laid_best
from scheduling.rostering.need import INTERVAL_H, Flags, Floats
from scheduling.rostering.shifts import Shifts, expand_shifts, takeable_by_each
from scheduling.whatif.offers import Floor, Offer
from scheduling.whatif.results import TELLING_H
from wfm.people import Agent
from wfm.timegrid import INTERVAL, INTERVAL_S, local_midnight

# Hours on queue for which nobody is called.
LEAST_H = 0.5


def called_from_standby(floor: Floor) -> list[Offer]:
    """Standby of the trouble's hours, worked: as a shift of the contract that fits into it where
    there is one, which may start at any quarter-hour; else on queue until the standby ends.
    """
    earliest, found = max(floor.trouble.earliest("standby"), floor.trouble.focus[0]), []
    for agent in floor.situation.agents:
        days = floor.days[agent.agent_id]
        if not floor.helps(agent.agent_id):
            continue
        for day in floor.near:
            if not floor.is_free(agent.agent_id, day):
                continue
            for standby in (s for s in days.get(day, ()) if s.activity == "standby"):
                shift = _within(floor, agent, day, standby, max(standby.start, earliest))
                gained = floor.hours(agent.agent_id, shift)
                if gained > LEAST_H:
                    found += _worked_instead(floor, agent, standby, shift, gained)
    return found


def _within(
    floor: Floor, agent: Agent, day: date, standby: Segment, at: datetime
) -> tuple[Segment, ...]:
    """What the agent works of the standby from `at` on."""
    if standby.end - at < INTERVAL:
        return ()
    group, ground = floor.group(agent.agent_id), floor.situation.ground
    contract = floor.contract(agent.agent_id, day)
    shifts = [
        laid_best(ground.templates[name], at, _worth(floor, group), ground)
        for name in (contract.templates if contract else ())
        if name in ground.templates
        and at + timedelta(minutes=ground.templates[name].minutes) <= standby.end
    ]
    if not shifts:
        until = min(standby.end, max(floor.trouble.focus[1], at + INTERVAL))
        return (replace(standby, start=at, end=until, activity="on_queue"),)

    def per_hour(shift: Sequence[Segment]) -> float:
        return floor.hours(agent.agent_id, shift) / (paid_hours(shift, ground) + TELLING_H)

    return max(shifts, key=per_hour)


def _worked_instead(
    floor: Floor, agent: Agent, standby: Segment, shift: tuple[Segment, ...], gained: float
) -> list[Offer]:
    """The offer to work a part of a standby; none where that runs into another shift."""
    days, zone = floor.days[agent.agent_id], floor.situation.brand.tz
    line = [s for segments in days.values() for s in segments if s != standby]
    ends = shift[-1].end
    if standby.start < shift[0].start:
        line.append(replace(standby, end=shift[0].start))
    if ends < standby.end:
        line.append(replace(standby, start=ends))
    after = by_day([*line, *shift], zone)
    touched = [d for d in sorted(days.keys() | after.keys()) if days.get(d) != after.get(d)]
    free = all(floor.is_free(agent.agent_id, d) for d in touched)
    if not free or any(in_the_way(after, d) for d in touched):
        return []
    changes = tuple(Change(agent.agent_id, d, days.get(d, ()), after.get(d, ())) for d in touched)
    paid_h = paid_hours(shift, floor.situation.ground)
    likely = paid_h <= floor.room_h(agent.agent_id, touched[0])
    likely = likely and floor.rests(agent.agent_id, touched[-1], shift[0].start, ends)
    return [Offer(agent.agent_id, changes, gained, paid_h, likely)]


def called_in(floor: Floor) -> list[Offer]:
    """People who are off on a day of the trouble, each with the shift that covers most of it per
    paid hour among those of their contract, their hours of availability and their limits.
    """
    situation, near = floor.situation, floor.near
    off = [a for a in situation.agents if floor.helps(a.agent_id) and _is_off(floor, a)]
    if not off or not near:
        return []
    zone = situation.brand.tz
    begins = local_midnight(near[0], zone)
    shifts = expand_shifts(
        situation.brand, start=begins, end=local_midnight(near[-1] + timedelta(days=1), zone)
    )
    before = int((begins - situation.start) / INTERVAL)
    first = max(0, int(-(-(floor.trouble.earliest("call_in") - begins) // INTERVAL)))
    found = []
    for agent, may in zip(off, takeable_by_each(tuple(off), shifts, situation.brand), strict=True):
        sums = floor.trouble.sums_of(floor.group(agent.agent_id))
        at, last = shifts.start + before, len(sums) - 1
        covers = sums[np.minimum(at + shifts.length, last)] - sums[np.minimum(at, last)]
        allowed = may & (shifts.start >= first) & (covers > LEAST_H)
        offer = _best_shift(floor, agent, shifts, allowed, covers)
        if offer is not None:
            found.append(offer)
    return found


def _best_shift(
    floor: Floor, agent: Agent, shifts: Shifts, allowed: Flags, covers: Floats
) -> Offer | None:
    days, ground = floor.days[agent.agent_id], floor.situation.ground
    off = [not days.get(d) and floor.is_free(agent.agent_id, d) for d in shifts.days]
    kept = _keeps_rest(floor, agent, shifts)
    room = np.array([floor.room_h(agent.agent_id, d) for d in shifts.days])
    fits = kept & (shifts.paid * INTERVAL_H <= room[shifts.day] + 1e-9)
    allowed = allowed & np.array(off, dtype=np.bool_)[shifts.day]
    if (allowed & fits).any():
        allowed = allowed & fits
    if not allowed.any():
        return None
    per_hour = np.where(allowed, covers / (shifts.paid * INTERVAL_H + TELLING_H), -1.0)
    best = int(per_hour.argmax())
    at = ground.start + int(shifts.start[best] + _since(floor, shifts)) * INTERVAL
    group, day = floor.group(agent.agent_id), shifts.days[int(shifts.day[best])]
    template = shifts.templates[int(shifts.template[best])]
    shift = laid_best(template, at, _worth(floor, group), ground)
    gained = floor.hours(agent.agent_id, shift)
    if gained <= LEAST_H or in_the_way(days | {day: shift}, day):
        return None
    return floor.offer(agent.agent_id, day, shift, gained)


def _since(floor: Floor, shifts: Shifts) -> int:
    """Intervals of the horizon before the first day of the shifts."""
    first = local_midnight(shifts.days[0], floor.situation.brand.tz)
    return int((first - floor.situation.start) / INTERVAL)


def _keeps_rest(floor: Floor, agent: Agent, shifts: Shifts) -> Flags:
    """Which shifts leave the contract's rest to what the agent works on the days beside."""
    days, kept = floor.days[agent.agent_id], np.ones(len(shifts), dtype=np.bool_)
    since = floor.situation.start + _since(floor, shifts) * INTERVAL
    ends = shifts.start + shifts.length
    for number, day in enumerate(shifts.days):
        contract, mine = floor.contract(agent.agent_id, day), shifts.day == number
        rest = (contract.min_rest_h if contract else 0.0) * 3600 / INTERVAL_S
        eve, next_ = (worked(days.get(day + timedelta(days=n), ())) for n in (-1, 1))
        if eve:
            kept &= ~mine | (shifts.start - (eve[-1].end - since) / INTERVAL >= rest)
        if next_:
            kept &= ~mine | ((next_[0].start - since) / INTERVAL - ends >= rest)
    return kept


def _is_off(floor: Floor, agent: Agent) -> bool:
    days = floor.days[agent.agent_id]
    return any(not days.get(d) for d in floor.near)


def _worth(floor: Floor, group: int) -> Floats:
    return np.asarray(np.diff(floor.trouble.sums_of(group)) / INTERVAL_H)
