"""Shifts that are there, changed for a trouble: breaks, other activities, length and start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np

from scheduling.editing.changes import ABSENT, Segment, in_the_way
from scheduling.editing.laying import joined, laid_best, painted
from scheduling.rostering.need import INTERVAL_H, Flags, Ints
from scheduling.whatif.offers import SAME_H, Floor, Offer
from scheduling.whatif.trouble import Trouble
from wfm.people import BreakRule, ShiftTemplate
from wfm.timegrid import INTERVAL, INTERVAL_S, intervals, local_day

Shift = tuple[Segment, ...]
# Hours on queue, weighed by their worth, for which nobody is told to do anything else.
LEAST_H = 0.1
# A break is moved to where it is missed no more than this part of what it is now.
CALMER = 0.5
# Shifts that start later than this after the trouble are left where they are.
REACH = timedelta(hours=12)


def breaks_moved(floor: Floor) -> list[Offer]:
    """Breaks of the trouble's hours in calmer ones, within their template's windows.

    Only those that have not begun by the earliest moment; what is in the way of a place, and the
    order of the breaks, stays.
    """
    earliest = floor.trouble.earliest("breaks")
    found: list[Offer] = []
    for agent_id, day, shift in floor.at_work:
        template = floor.template(shift)
        if template is None or shift[-1].end <= earliest:
            continue
        kinds = {rule.activity for rule in template.breaks}
        breaks = [s for s in shift if s.activity in kinds]
        if len(breaks) != len(template.breaks):
            continue
        after, gained = shift, 0.0
        for pause, rule in zip(breaks, template.breaks, strict=True):
            if pause.start >= earliest:
                group = floor.group(agent_id, _queue_beside(after, pause))
                place, more = _calmer(floor.trouble, group, after, pause, rule)
                after, gained = _moved(after, pause, place), gained + more
        found += _offered(floor, agent_id, day, after, gained)
    return found


def _calmer(
    trouble: Trouble, group: int, shift: Shift, pause: Segment, rule: BreakRule
) -> tuple[datetime, float]:
    """Where in its window the break of a head of the set is missed least, and how many weighed
    hours less than now. It stays unless it is missed half as much there: within the trouble a break
    is in the way at any time.
    """
    length, earliest = pause.end - pause.start, trouble.earliest("breaks")
    now = trouble.hours(group, pause.start, pause.end)
    if now == 0:
        return pause.start, 0.0
    others = [s for s in shift if s.activity != "on_queue" and s != pause]
    before = max((s.end for s in others if s.end <= pause.start), default=shift[0].start)
    after = min((s.start for s in others if s.start >= pause.end), default=shift[-1].end)
    first = shift[0].start + timedelta(minutes=-(-rule.earliest // 15) * 15)
    last = min(shift[0].start + timedelta(minutes=rule.latest), after - length)
    best, place = CALMER * now, pause.start
    for at in intervals(max(first, before, earliest), last + INTERVAL):
        missed = trouble.hours(group, at, at + length)
        if missed < best - SAME_H:
            best, place = missed, at
    return place, now - best if place != pause.start else 0.0


def _moved(shift: Shift, pause: Segment, place: datetime) -> Shift:
    """The shift with the break at another place, where it is on queue."""
    if place == pause.start:
        return shift
    on_queue = replace(pause, activity="on_queue", queue=_queue_beside(shift, pause))
    back = joined([on_queue if s == pause else s for s in shift])
    return painted(back, place, place + (pause.end - pause.start), pause.activity)


def put_back(floor: Floor) -> list[Offer]:
    """Meetings, trainings and other paid work of the trouble's hours, back on queue."""
    earliest = floor.trouble.earliest("activity")
    found: list[Offer] = []
    for agent_id, day, shift in floor.at_work:
        template = floor.template(shift)
        breaks = {"break", "meal"}
        if template is not None:
            breaks |= {rule.activity for rule in template.breaks}
        after, gained = shift, 0.0
        for s in shift:
            other = s.activity not in ABSENT | breaks | {"on_queue"}
            code = floor.activities.get(s.activity)
            start = max(s.start, earliest)
            if not (other and code and code.paid) or s.end <= start:
                continue
            queue = _queue_beside(shift, s)
            more = floor.trouble.hours(floor.group(agent_id, queue), start, s.end)
            if more > LEAST_H:
                after = joined(painted(after, start, s.end, "on_queue", queue))
                gained += more
        found += _offered(floor, agent_id, day, after, gained)
    return found


def stays(floor: Floor, minutes: int) -> list[Offer]:
    """Shifts that end in the trouble, so much longer."""
    earliest, ends = floor.trouble.earliest("overtime"), floor.trouble.focus[1]
    longer = timedelta(minutes=minutes)
    found: list[Offer] = []
    for agent_id, day, shift in floor.shifts:
        last = shift[-1]
        if not earliest <= last.end < ends:
            continue
        queue = _queue_beside(shift, last)
        gained = floor.trouble.hours(floor.group(agent_id, queue), last.end, last.end + longer)
        until = last.end + longer
        more = replace(last, start=last.end, end=until, activity="on_queue", queue=queue)
        found += _offered(floor, agent_id, day, joined((*shift, more)), gained)
    return found


def starts_earlier(floor: Floor, minutes: int) -> list[Offer]:
    """Shifts that begin in the trouble, so much longer: from an earlier start, the breaks anew."""
    trouble, sooner = floor.trouble, timedelta(minutes=minutes)
    found: list[Offer] = []
    # Who is to come earlier is still at home, as somebody who is off.
    earliest = max(trouble.earliest("overtime"), trouble.earliest("call_in"))
    for agent_id, day, shift in floor.shifts:
        template, start = floor.template(shift), shift[0].start
        if start - sooner < earliest or start > trouble.focus[1] or template is None:
            continue
        if not _plain(shift, template) or _day_of(start - sooner, floor) != day:
            continue
        queue = _queue_beside(shift, shift[0])
        group = floor.group(agent_id, queue)
        if trouble.hours(group, start - sooner, start) <= LEAST_H:
            continue
        anew = _laid(floor, template, start - sooner, group, queue)
        last, end = anew[-1], shift[-1].end
        if last.end >= end:
            continue  # it is a part of its template: longer it would be whole
        tail = replace(last, start=last.end, end=end, activity="on_queue", queue=queue)
        whole = joined((*anew, tail))
        gained = floor.hours(agent_id, whole) - floor.hours(agent_id, shift)
        found += _offered(floor, agent_id, day, whole, gained)
    return found


def moved_earlier(floor: Floor) -> list[Offer]:
    """Shifts still to come, at the start of their template on that day that covers most."""
    found: list[Offer] = []
    for agent_id, day, shift in _to_come(floor):
        best = _best_start(floor, agent_id, day, shift, before=shift[0].start)
        if best is not None:
            found += _offered(floor, agent_id, day, *best)
    return found


def come_over(floor: Floor) -> list[Offer]:
    """Shifts of the day after, worked a day earlier by people who are off then, where the trouble
    reaches into a night.
    """
    found: list[Offer] = []
    if not _reaches_night(floor):
        return found
    for agent_id, day, shift in _to_come(floor):
        eve, days, ground = day - timedelta(days=1), floor.days[agent_id], floor.situation.ground
        busy = days.get(eve) or ground.by_id[agent_id].is_off(eve)
        if busy or eve not in ground.days or not floor.is_free(agent_id, eve):
            continue
        best = _best_start(floor, agent_id, eve, shift, before=shift[0].start)
        if best is None:
            continue
        moved, gained = best
        left = tuple(s for s in days.get(day, ()) if s not in shift)
        if in_the_way(days | {day: left, eve: moved}, eve):
            continue
        gone, new = floor.offer(agent_id, day, left, 0.0), floor.offer(agent_id, eve, moved, gained)
        paid_h = new.paid_h + gone.paid_h
        found.append(Offer(agent_id, (*new.changes, *gone.changes), gained, paid_h))
    return found


def _reaches_night(floor: Floor) -> bool:
    night, zone = floor.situation.brand.night, floor.situation.brand.tz
    walls = (at.astimezone(zone) for at in intervals(*floor.trouble.focus))
    minutes = [wall.hour * 60 + wall.minute for wall in walls]
    if night.from_min < night.to_min:
        return any(night.from_min <= minute < night.to_min for minute in minutes)
    return any(minute >= night.from_min or minute < night.to_min for minute in minutes)


def _to_come(floor: Floor) -> Iterator[tuple[str, date, Shift]]:
    """Shifts that begin after people can be told, in the trouble or soon after it, and hold
    nothing but their breaks.
    """
    earliest, (begins, ends) = floor.trouble.earliest("tomorrow"), floor.trouble.focus
    for agent_id, day, shift in floor.shifts:
        template, start = floor.template(shift), shift[0].start
        if template is None or start <= max(earliest, begins) or start > ends + REACH:
            continue
        if _plain(shift, template):
            yield agent_id, day, shift


def _best_start(
    floor: Floor, agent_id: str, day: date, shift: Shift, *, before: datetime
) -> tuple[Shift, float] | None:
    """The shift's template at the start on the day that covers most, and how much more than now.

    None where that is not worth moving for.
    """
    trouble, template = floor.trouble, floor.situation.ground.templates[shift[0].template]
    queue = _queue_beside(shift, shift[0])
    group = floor.group(agent_id, queue)
    shifts, earliest = floor.situation.ground.shifts, trouble.earliest("tomorrow")
    number = floor.situation.ground.days.index(day)
    mine = (shifts.day == number) & (shifts.template == shifts.templates.index(template))
    starts = shifts.start[mine & _between(shifts.start, floor, earliest, before)]
    if starts.size == 0:
        return None
    sums = trouble.sums_of(group)
    covers = sums[np.minimum(starts + template.minutes * 60 // INTERVAL_S, len(sums) - 1)]
    covers = covers - sums[starts]
    # The latest of those that cover as much: it moves people least.
    best = starts[np.flatnonzero(covers >= covers.max() - 1e-9)[-1]]
    moved = _laid(floor, template, floor.situation.start + int(best) * INTERVAL, group, queue)
    gained = floor.hours(agent_id, moved) - floor.hours(agent_id, shift)
    return (moved, gained) if gained > 2 * LEAST_H else None


def _between(starts: Ints, floor: Floor, first: datetime, last: datetime) -> Flags:
    """Which starts, in intervals of the horizon, lie from `first` to before `last`."""
    since, until = ((at - floor.situation.start) / INTERVAL for at in (first, last))
    return np.asarray((starts >= since) & (starts < until))


def _laid(floor: Floor, template: ShiftTemplate, at: datetime, group: int, queue: str) -> Shift:
    """The template's shift with its breaks where a head of the set is missed least."""
    worth = np.diff(floor.trouble.sums_of(group)) / INTERVAL_H
    return laid_best(template, at, worth, floor.situation.ground, queue=queue)


def _plain(shift: Shift, template: ShiftTemplate) -> bool:
    """Whether the shift holds nothing but its breaks, on one queue or on all."""
    kinds = {rule.activity for rule in template.breaks}
    queues = {s.queue for s in shift if s.activity == "on_queue"}
    return {s.activity for s in shift} <= kinds | {"on_queue"} and len(queues) == 1


def _queue_beside(shift: Shift, segment: Segment) -> str:
    """The queue that is served next to the segment, before it if there is one."""
    place = shift.index(segment)
    beside = (*shift[: place + 1][::-1], *shift[place + 1 :])
    return next((s.queue for s in beside if s.activity == "on_queue"), "")


def _offered(
    floor: Floor, agent_id: str, day: date, shift: Sequence[Segment], gained: float
) -> list[Offer]:
    """The offer of the shift in the place of what is worked on the day; none where it gains next to
    nothing, or would run into a shift of the days beside.
    """
    days = floor.days[agent_id]
    absent = (s for s in days.get(day, ()) if s.activity in ABSENT)
    after = tuple(sorted((*absent, *shift)))
    if gained <= LEAST_H or in_the_way(days | {day: after}, day):
        return []
    return [floor.offer(agent_id, day, after, gained)]


def _day_of(at: datetime, floor: Floor) -> date:
    return local_day(at, floor.situation.brand.tz)
